"""A home in memory: the simplest that keeps the contract, for tests of what stands above a home."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.ledger.home import Conflict, Held, Lost, Stored, Ticket


@dataclass
class Shelf:
    """What several homes share: texts with their versions, and locks."""

    texts: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    locks: dict[tuple[str, str], Ticket] = field(default_factory=dict)
    count: int = 0
    guard: threading.RLock = field(default_factory=threading.RLock)


class MemoryHome:
    """One server's texts on a shelf."""

    place = "memory"

    def __init__(
        self, shelf: Shelf, server: str, *, lease: float | None = 60.0, now: Callable[[], float] = time.time
    ) -> None:
        self.lease = lease
        self._shelf, self._server, self._now = shelf, server, now

    def read(self, project: str) -> Stored:
        with self._shelf.guard:
            return Stored(*self._shelf.texts.get((self._server, project), ("", None)))

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        with self._shelf.guard:
            held = self._shelf.locks.get((self._server, project))
            if lock and (held is None or held.id != lock):
                raise Lost(held)
            if self.read(project).version != version:
                raise Conflict
            self._shelf.count += 1
            self._shelf.texts[self._server, project] = (text, self._shelf.count)
            return self._shelf.count

    def projects(self) -> list[str] | None:
        with self._shelf.guard:
            return sorted({p for s, p in [*self._shelf.texts, *self._shelf.locks] if s == self._server})

    def erase(self, project: str) -> None:
        with self._shelf.guard:
            self._shelf.texts.pop((self._server, project), None)

    def take(self, project: str, ticket: Ticket) -> None:
        with self._shelf.guard:
            held = self.holder(project)
            if held is not None and held.id != ticket.id:
                raise Held(held)
            self._shelf.locks[self._server, project] = ticket

    def renew(self, project: str, ticket: Ticket) -> None:
        with self._shelf.guard:
            held = self._shelf.locks.get((self._server, project))
            if held is None or held.id != ticket.id:
                raise Lost(held)
            self._shelf.locks[self._server, project] = replace(held, until=ticket.until)

    def release(self, project: str, id: str) -> bool:
        with self._shelf.guard:
            held = self._shelf.locks.get((self._server, project))
            if held is None or held.id != id:
                return False
            del self._shelf.locks[self._server, project]
            return True

    def holder(self, project: str) -> Ticket | None:
        with self._shelf.guard:
            held = self._shelf.locks.get((self._server, project))
            return None if held is None or (held.until is not None and held.until <= self._now()) else held

    def close(self) -> None:
        pass
