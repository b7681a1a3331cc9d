"""The ledger in an object store: one object per project, one for its lock, and compare-and-swap on both.

    PREFIX/zadig.example-1f3a…/PROJECT.json        a line with a number of its own, then the document
    PREFIX/zadig.example-1f3a…/PROJECT.lock.json   the ticket of whoever holds it, or that nobody does
    PREFIX/zadig.example-1f3a…/clock               written to learn the store's time, which is the only one that counts

The number in front of a document is new with every write. Without it an S3 tag, a digest of the content, would be the
same again after there-and-back, and a write whose answer was lost could not be told from another's of the same text.

**Expiry.** A lock says for how many seconds it was taken or renewed; whether they are over is a matter of the store's
clock alone: the clocks of the runners need not agree.

**Fencing.** Whoever takes a lock that its holder has not given back (it expired, or was broken) writes the document
anew as it is, under a new number. From then on every write of the former holder is refused, also one that had
looked at the lock before and was on its way: it names a number that is gone.

**Giving back** writes a lock that nobody holds: an object store deletes without asking whose lock it is by now. The
small object stays; it is also what keeps a late first taking from succeeding twice.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, unquote

from reconciler.ledger.bucket import PATIENCE, TIMEOUT, Bucket, Version
from reconciler.ledger.home import Conflict, Held, Lost, Stored, Ticket
from reconciler.ledger.padlock import Padlock
from reconciler.model.errors import LedgerError

LEASE = 120.0
"""Seconds after which a lock that nobody renews is free."""

SKEW = 60.0
"""Seconds by which our clock may differ from the store's where nothing may be written to ask for it."""

_HEAD = re.compile(rb'\{"ledger": 1, "number": "[0-9a-f]{32}"\}\n')
_HEAD_SIZE = len('{"ledger": 1, "number": ""}\n') + 32
_DOCUMENT, _LOCK = ".json", ".lock.json"


class ObjectHome:
    """One server's texts below one prefix.

    Args:
        url: `s3://bucket/prefix`; `gs://` and `az://` go the same way and were never tried.
        server: the base URL that the texts are about.
        environ: where the credentials and the endpoint are.
        now: seconds since 1970.
        patience: seconds in all for which one read or write is tried again.
        timeout: seconds that one answer may take.

    Raises:
        LedgerError: as `Bucket` does; nothing is asked of the store yet.
    """

    lease: float | None = LEASE

    def __init__(
        self,
        url: str,
        server: str,
        *,
        environ: Mapping[str, str],
        now: Callable[[], float] = time.time,
        patience: float = PATIENCE,
        timeout: float = TIMEOUT,
    ) -> None:
        self._bucket = Bucket(url, environ, patience=patience, timeout=timeout)
        self.place = self._bucket.place
        self._folder = folder_of(server)
        self._clock = f"{self._folder}/clock"
        self._now = now
        self._tested = False
        self._mine: dict[str, Padlock] = {}

    def read(self, project: str) -> Stored:
        """Return a project's text; an empty one where there is none. Raises LedgerError."""
        found = self._bucket.get(self._key(project, _DOCUMENT))
        return Stored("", None) if found is None else Stored(self._text(project, found.body), found.version)

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        """Put a text in place of the one that was read. Raises Conflict, Lost, LedgerError."""
        self._test()
        if lock:
            self._still_ours(project, lock)
        assert version is None or isinstance(version, Version)
        try:
            return self._bucket.put(self._key(project, _DOCUMENT), _sealed(text), version)
        except Conflict:
            if lock:
                self._still_ours(project, lock)
            raise

    def projects(self) -> list[str] | None:
        """Return the projects that have a text or a lock that somebody holds, sorted. Raises LedgerError."""
        sizes = {key.rpartition("/")[2]: size for key, size in self._bucket.list(self._folder).items()}
        documents = {_project(name, _DOCUMENT) for name, size in sizes.items() if _counts(name, size)}
        locks = {_project(name, _LOCK) for name in sizes if name.endswith(_LOCK)}
        return sorted(documents | {project for project in locks - documents if self.holder(project)})

    def erase(self, project: str) -> None:
        """Remove a project's text. Raises LedgerError."""
        self._bucket.delete(self._key(project, _DOCUMENT))

    def take(self, project: str, ticket: Ticket) -> None:
        """Take a project's lock. Raises Held, LedgerError."""
        self._test()
        while True:
            there = self._lock(project)
            if there is not None and there.ticket is not None:
                if there.ticket.id == ticket.id:  # taken before, and perhaps not to the end
                    self._mine[project] = there
                    return self._fence(project)
                if not self._expired(there):
                    raise Held(there.ticket)
            if self._put_lock(project, Padlock.held(ticket, self._now()), there):
                if there is not None and not there.given_back:
                    self._fence(project)
                return None

    def renew(self, project: str, ticket: Ticket) -> None:
        """Hold a lock until the ticket's new `until`. Raises Lost, LedgerError."""
        there = self._mine.get(project)
        if there is None or there.ticket is None or there.ticket.id != ticket.id:
            there = self._still_ours(project, ticket.id)
        while not self._put_lock(project, there.until(ticket.until, self._now()), there):
            there = self._still_ours(project, ticket.id)

    def release(self, project: str, id: str) -> bool:
        """Give a lock back, or break another's; tell whether it was there. Raises LedgerError."""
        while True:
            there = self._lock(project)
            if there is None or there.ticket is None or there.ticket.id != id:
                return False
            ours = self._mine.get(project)
            given_back = ours is not None and ours.ticket is not None and ours.ticket.id == id
            if self._put_lock(project, Padlock.free(id, given_back=given_back), there):
                return True

    def holder(self, project: str) -> Ticket | None:
        """Return who holds a lock. Expired is judged by our clock, with a margin: a reader writes nothing."""
        there = self._lock(project)
        return None if there is None or there.over(self._now() - SKEW) else there.ticket

    def close(self) -> None:
        """Nothing is open between two requests."""

    # Documents -------------------------------------------------------------------------------------------

    def _fence(self, project: str) -> None:
        """Write the text anew as it is, so that whoever has read it before cannot write any more."""
        while True:
            there = self.read(project)
            assert there.version is None or isinstance(there.version, Version)
            try:
                self._bucket.put(self._key(project, _DOCUMENT), _sealed(there.text), there.version)
            except Conflict:
                continue
            return

    def _text(self, project: str, body: bytes) -> str:
        """Return the text behind the number. One that a person has put there comes without a number, but not empty."""
        head = _HEAD.match(body)
        try:
            if head is None and not body.strip():
                raise LedgerError(
                    f'the ledger {self.place} is damaged: the document of project "{project}" is empty',
                    "put an earlier version of that object back",
                )
            return body[head.end() if head else 0 :].decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise LedgerError(
                f'the ledger {self.place} is damaged: the document of project "{project}" is no text',
                "put an earlier version of that object back",
            ) from None

    # Locks -----------------------------------------------------------------------------------------------

    def _lock(self, project: str) -> Padlock | None:
        key = self._key(project, _LOCK)
        found = self._bucket.get(key)
        if found is None:
            return None
        lock = Padlock.read(found)
        if lock is None:
            raise LedgerError(
                f'the lock of project "{project}" in {self.place} cannot be read',
                f"see that no run is at it, then delete {self.place}/{key}",
            )
        return lock

    def _put_lock(self, project: str, lock: Padlock, there: Padlock | None) -> bool:
        """Put a lock in place of the one that was read; tell whether nobody was faster."""
        key = self._key(project, _LOCK)
        try:
            version = self._bucket.put(key, lock.dump(), there.version if there else None)
        except Conflict:
            return False
        self._mine[project] = replace(lock, version=version)
        return True

    def _still_ours(self, project: str, id: str) -> Padlock:
        there = self._lock(project)
        if there is None or there.ticket is None or there.ticket.id != id:
            raise Lost(there.ticket if there else None)
        return there

    def _expired(self, lock: Padlock) -> bool:
        return lock.over(self._bucket.now(self._clock))

    def _test(self) -> None:
        """Once, before anything is written: a store that ignores conditions would let two runs overwrite each other."""
        if self._tested:
            return
        self._bucket.now(self._clock)
        if not self._bucket.careful(self._clock):
            raise LedgerError(
                f"the ledger {self.place} cannot be used: the store writes without heeding If-Match and If-None-Match",
                "use a store that heeds them with PUT, or two runs would overwrite each other's records",
            )
        self._tested = True

    def _key(self, project: str, kind: str) -> str:
        return f"{self._folder}/{_escaped(project)}{kind}"


def folder_of(server: str) -> str:
    """Return a name for a server: readable, and no other server's."""
    readable = re.sub(r"[^a-z0-9.-]+", "-", re.sub(r"^\w+://", "", server.lower())).strip("-.")[:60]
    return f"{readable}-{hashlib.sha256(server.encode()).hexdigest()[:12]}"


def _escaped(project: str) -> str:
    """Percent-encode all but letters, digits, `-`, `_`, `~`: no name is a path, and none ends like a lock's."""
    return quote(project, safe="").replace(".", "%2E")


def _project(name: str, kind: str) -> str:
    return unquote(name.removesuffix(kind))


def _counts(name: str, size: int) -> bool:
    """Tell whether an object is a document: a number alone, which fences a project without one, is not."""
    return name.endswith(_DOCUMENT) and not name.endswith(_LOCK) and size != _HEAD_SIZE


def _sealed(text: str) -> bytes:
    return f'{{"ledger": 1, "number": "{secrets.token_hex(16)}"}}\n'.encode() + text.encode("utf-8", "surrogatepass")
