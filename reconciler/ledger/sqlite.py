"""The ledger in a file of this machine: SQLite, one row per server and project, one row per lock.

Every change is one immediate transaction with a full sync: concurrent processes wait for each other, and a
process that is killed leaves the state of before or after. A lock names its holder; it frees itself when it
expires, or at once when its process is gone from this machine.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from reconciler.ledger import codec
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.record import Document

LEASE = 900.0
"""Seconds after which a lock that nobody renews is free."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (server TEXT, project TEXT, body TEXT NOT NULL, PRIMARY KEY (server, project));
CREATE TABLE IF NOT EXISTS locks (server TEXT, project TEXT, holder TEXT NOT NULL, host TEXT NOT NULL,
    pid INTEGER NOT NULL, since REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (server, project));
"""
_BUSY = 30.0


class SqliteLedger:
    """One server's documents in one file. Use as a context manager.

    Args:
        path: the file.
        server: the base URL that the documents are about.
        writable: create the file where it is missing; a reading run leaves it missing.
        now: the time, in seconds since 1970.
    """

    def __init__(self, path: str, server: str, *, writable: bool, now: Callable[[], float] = time.time) -> None:
        self._path = Path(path)
        self._server = server
        self._now = now
        self._db: sqlite3.Connection | None = None
        with self._told():
            there = self._path.exists()
        if writable or there:
            self._db = self._open(writable=writable)

    def __enter__(self) -> SqliteLedger:
        return self

    def __exit__(self, *_: object) -> None:
        if self._db is not None:
            self._db.close()

    def read(self, project: str) -> Document:
        """Return the document of a project; an empty one where there is none."""
        if self._db is None:
            return Document()
        with self._told():
            return self._fetch(self._db, project)

    def change(self, project: str, edit: Callable[[Document], Document]) -> None:
        """Replace a project's document by what `edit` makes of it, in one transaction; renews our own lock."""
        with self._transaction() as db:
            document = edit(self._fetch(db, project))
            if not document.digest_key:
                document = replace(document, digest_key=secrets.token_hex(32))
            db.execute(
                "INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body",
                (self._server, project, codec.dump(document)),
            )
            db.execute(
                "UPDATE locks SET until = ? WHERE server = ? AND project = ? AND host = ? AND pid = ?",
                (self._now() + LEASE, self._server, project, socket.gethostname(), os.getpid()),
            )

    def lock(self, projects: list[str]) -> None:
        """Take the locks of some projects, all or none. Raises Locked, which names the holder."""
        host, pid, now = socket.gethostname(), os.getpid(), self._now()
        with self._transaction() as db:
            for project in sorted(projects):
                row = db.execute(
                    "SELECT holder, host, pid, since, until FROM locks WHERE server = ? AND project = ?",
                    (self._server, project),
                ).fetchone()
                if row and self._held(row, host, pid, now):
                    raise _locked(project, row, now)
                db.execute(
                    "INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (self._server, project, f"{_user()}@{host}", host, pid, now, now + LEASE),
                )

    def unlock(self, projects: list[str]) -> None:
        """Give back our own locks."""
        with self._transaction() as db:
            for project in projects:
                db.execute(
                    "DELETE FROM locks WHERE server = ? AND project = ? AND host = ? AND pid = ?",
                    (self._server, project, socket.gethostname(), os.getpid()),
                )

    def _held(self, row: tuple[str, str, int, float, float], host: str, pid: int, now: float) -> bool:
        _, holder_host, holder_pid, _, until = row
        if until <= now:
            return False
        return holder_host != host or (holder_pid != pid and _alive(holder_pid))

    def _fetch(self, db: sqlite3.Connection, project: str) -> Document:
        row = db.execute(
            "SELECT body FROM documents WHERE server = ? AND project = ?", (self._server, project)
        ).fetchone()
        return codec.load(row[0]) if row else Document()

    def _open(self, *, writable: bool) -> sqlite3.Connection | None:
        """Open the file; None where a reading run finds one that nothing was written to yet."""
        with self._told():
            if writable:
                self._make_folder()
            mode = "rwc" if writable else "rw"
            uri = f"{self._path.absolute().as_uri()}?mode={mode}"
            db = sqlite3.connect(uri, uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA synchronous = FULL")
            if writable:
                db.executescript(_SCHEMA)
            elif not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                db.close()
                return None
            return db
        raise AssertionError  # pragma: no cover - the context manager never swallows

    def _make_folder(self) -> None:
        folder = self._path.parent
        if folder.exists():
            return
        folder.mkdir(parents=True, mode=0o700)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None:
            raise LedgerError(f"the ledger {self._path} was opened for reading only")
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:  # a full disk has ended it already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn the library's and the system's errors into ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            hint = "see who holds it, or name another with --ledger"
            raise LedgerError(f"the ledger {self._path} cannot be used: {error}", hint) from None
        except sqlite3.DatabaseError as error:
            hint = "it is damaged: put a copy of it back, or move it away and begin anew: then no build is ours"
            raise LedgerError(f"the ledger {self._path} cannot be read: {error}", hint) from None
        except OSError as error:
            hint = "make the folder writable, or name another place with --ledger"
            raise LedgerError(f"the ledger {self._path} cannot be used: {error.strerror}", hint) from None


def _locked(project: str, row: tuple[str, str, int, float, float], now: float) -> Locked:
    holder, _, pid, since, until = row
    return Locked(
        f'project "{project}" is locked by {holder} (process {pid}) since {now - since:.0f} s',
        f"wait for that run; without a sign of life the lock is free in {until - now:.0f} s",
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
