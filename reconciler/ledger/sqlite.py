"""A home in a file of this machine: SQLite, one row per server and project, one row per lock.

Every change is one immediate transaction with a full sync: concurrent processes wait for each other, and a
process that is killed leaves the state of before or after. A lock frees itself when it expires, or at once when its
process is gone from this machine.

The file keeps SQLite's rollback journal and is not put into WAL mode: at rest it is one file that can be copied,
cached by a CI and mounted read-only, and it needs no memory shared between processes, which network file systems
and mounts of containers do not all have. The price is that a reader waits while another process commits; a commit
is one small write, and a reader gives up after `READ_PATIENCE`.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from reconciler.ledger.home import Conflict, Held, Lost, Stored, Ticket
from reconciler.ledger.process import gone, identity
from reconciler.model.errors import LedgerError

LEASE = 120.0
"""Seconds after which a lock that nobody renews is free."""

READ_PATIENCE, WRITE_PATIENCE = 2.0, 30.0
"""Seconds that a reader and a writer wait for another process that is writing."""

SCHEMA = 2
"""Version of the tables (`user_version`); in the first one, 0, documents had no version and locks no ticket."""

_TABLES = (
    "CREATE TABLE documents (server TEXT, project TEXT, body TEXT NOT NULL, version TEXT NOT NULL, "
    "PRIMARY KEY (server, project))",
    "CREATE TABLE locks (server TEXT, project TEXT, ticket TEXT NOT NULL, process TEXT NOT NULL, "
    "PRIMARY KEY (server, project))",
)


class SqliteHome:
    """One server's texts in one file.

    Args:
        path: the file.
        server: the base URL that the texts are about.
        writable: create the file where it is missing; a reading run leaves it missing.
        now: the time, in seconds since 1970.
    """

    lease: float | None = LEASE

    def __init__(self, path: str, server: str, *, writable: bool, now: Callable[[], float] = time.time) -> None:
        self.place = path
        self._path = Path(path)
        self._server = server
        self._now = now
        self._guard = threading.RLock()
        self._writable = writable
        self._old = False
        self._db: sqlite3.Connection | None = None
        with self._told():
            if writable or self._path.exists():
                self._db = self._open()

    def read(self, project: str) -> Stored:
        """Return a project's text; an empty one where there is none."""
        if self._db is None:
            return Stored("")
        with self._guard, self._told():
            return self._stored(self._db, project)

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        """Put a text where `version` is still there, under our lock where one is named. Raises Conflict, Lost."""
        new = secrets.token_hex(8)
        with self._transaction() as db:
            held = self._row(db, project)
            if lock and (held is None or held[0].id != lock):
                raise Lost(held[0] if held else None)
            if self._stored(db, project).version != version:
                raise Conflict
            db.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (self._server, project, text, new))
        return new

    def projects(self) -> list[str] | None:
        """Return the projects that have a text or a lock, sorted."""
        if self._db is None:
            return []
        with self._guard, self._told():
            query = "SELECT project FROM documents WHERE server = ? UNION SELECT project FROM locks WHERE server = ?"
            return sorted(row[0] for row in self._db.execute(query, (self._server, self._server)))

    def erase(self, project: str) -> None:
        """Remove a project's text."""
        with self._transaction() as db:
            db.execute("DELETE FROM documents WHERE server = ? AND project = ?", (self._server, project))

    def take(self, project: str, ticket: Ticket) -> None:
        """Take a project's lock. Raises Held, unless its holder's time is over or its process is gone."""
        with self._transaction() as db:
            held = self._row(db, project)
            if held is not None and held[0].id != ticket.id and not self._free(*held):
                raise Held(held[0])
            process = identity() if ticket.pid == os.getpid() else ""
            self._put(db, project, ticket, process)

    def renew(self, project: str, ticket: Ticket) -> None:
        """Write the ticket's new `until`. Raises Lost."""
        with self._transaction() as db:
            held = self._row(db, project)
            if held is None or held[0].id != ticket.id:
                raise Lost(held[0] if held else None)
            self._put(db, project, replace(held[0], until=ticket.until), held[1])

    def release(self, project: str, id: str) -> bool:
        """Give a lock back, or break another's by its id; tell whether it was there."""
        with self._transaction() as db:
            held = self._row(db, project)
            if held is None or held[0].id != id:
                return False
            db.execute("DELETE FROM locks WHERE server = ? AND project = ?", (self._server, project))
            return True

    def holder(self, project: str) -> Ticket | None:
        """Return who holds a project's lock."""
        if self._db is None or self._old:
            return None
        with self._guard, self._told():
            held = self._row(self._db, project)
            return None if held is None or self._free(*held) else held[0]

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            if self._db is not None:
                self._db.close()

    def _stored(self, db: sqlite3.Connection, project: str) -> Stored:
        version = "''" if self._old else "version"
        query = f"SELECT body, {version} FROM documents WHERE server = ? AND project = ?"
        row = db.execute(query, (self._server, project)).fetchone()
        if row is None:
            return Stored("")
        if not isinstance(row[0], str) or not row[0]:
            raise LedgerError(
                f'the ledger {self.place} is damaged: the document of project "{project}" is no text',
                "put a copy of the file back",
            )
        return Stored(*row)

    def _row(self, db: sqlite3.Connection, project: str) -> tuple[Ticket, str] | None:
        """Return the ticket that lies there, and its process."""
        query = "SELECT ticket, process FROM locks WHERE server = ? AND project = ?"
        row = db.execute(query, (self._server, project)).fetchone()
        return None if row is None else (_ticket(row[0]), str(row[1]))

    def _put(self, db: sqlite3.Connection, project: str, ticket: Ticket, process: str) -> None:
        text = json.dumps(asdict(ticket), sort_keys=True)
        db.execute("INSERT OR REPLACE INTO locks VALUES (?, ?, ?, ?)", (self._server, project, text, process))

    def _free(self, ticket: Ticket, process: str) -> bool:
        return (ticket.until is not None and ticket.until <= self._now()) or gone(process)

    def _open(self) -> sqlite3.Connection | None:
        """Open the file; None where a reading run finds one that nothing was written to yet."""
        if self._writable:
            self._make_folder()
        uri = f"{self._path.absolute().as_uri()}?mode={'rwc' if self._writable else 'rw'}"
        patience = WRITE_PATIENCE if self._writable else READ_PATIENCE
        db = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            return self._prepared(db)
        except BaseException:
            db.close()
            raise

    def _prepared(self, db: sqlite3.Connection) -> sqlite3.Connection | None:
        db.execute("PRAGMA synchronous = FULL")
        if self._writable and _schema(db) < SCHEMA:
            self._db = db
            with self._transaction():
                _migrate(db)
        found = _schema(db)
        if found > SCHEMA:
            raise LedgerError(
                f"the ledger {self.place} has tables of version {found}, this version reads up to {SCHEMA}",
                "upgrade reconciler",
            )
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.close()
            return None
        self._old = found < SCHEMA
        return db

    def _make_folder(self) -> None:
        folder = self._path.parent
        if folder.exists():
            return
        folder.mkdir(parents=True, mode=0o700)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._db is None or not self._writable:
            raise LedgerError(f"the ledger {self.place} was opened for reading only")
        with self._guard, self._told():
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
            raise LedgerError(f"the ledger {self.place} cannot be used: {error}", hint) from None
        except sqlite3.DatabaseError as error:
            hint = "it is damaged: put a copy of it back, or move it away and begin anew: then no build is ours"
            raise LedgerError(f"the ledger {self.place} cannot be read: {error}", hint) from None
        except OSError as error:
            hint = "make the folder writable, or name another place with --ledger"
            raise LedgerError(f"the ledger {self.place} cannot be used: {error.strerror}", hint) from None


def _schema(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _migrate(db: sqlite3.Connection) -> None:
    """Make the tables, or make new ones of those of an earlier version, in the transaction that is open."""
    found = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if _schema(db) >= SCHEMA:  # another process was faster
        return
    bodies = db.execute("SELECT server, project, body FROM documents").fetchall() if "documents" in found else []
    columns = "server, project, holder, pid, since, until"
    locks = db.execute(f"SELECT {columns} FROM locks").fetchall() if "locks" in found else []
    for table in ("documents", "locks"):
        db.execute(f"DROP TABLE IF EXISTS {table}")
    for statement in _TABLES:
        db.execute(statement)
    db.executemany("INSERT INTO documents VALUES (?, ?, ?, '')", bodies)
    for server, project, holder, pid, since, until in locks:
        ticket = Ticket(secrets.token_hex(8), holder, since=since, until=until, pid=pid)
        db.execute("INSERT INTO locks VALUES (?, ?, ?, '')", (server, project, json.dumps(asdict(ticket))))
    db.execute(f"PRAGMA user_version = {SCHEMA}")


def _ticket(text: str) -> Ticket:
    """Return a ticket; one that cannot be read is a lock all the same, which `unlock` can break."""
    try:
        data = json.loads(text)
        return Ticket(**{name: data[name] for name in Ticket.__slots__ if name in data})
    except (ValueError, TypeError):
        return Ticket("unreadable", "somebody")
