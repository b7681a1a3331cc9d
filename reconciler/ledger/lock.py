"""The lock of a run: taken for all its projects or for none, renewed by a thread, and known to be lost when it is.

    acquire() ── held by another ──► wait (--lock-timeout) ──► Locked, which names the holder
        │ taken, projects in sorted order
        ▼
      Hold ── a thread renews it at a third of the lease
        │     `lost()` before every write to the server: still ours? ── no ──► the run stops
        ▼
    give_back()

A lock can be lost: somebody breaks it with `unlock`, or this process is stopped for longer than the lease. Whoever
holds it asks `lost()` before it writes; where the last renewal is older than a moment, that renews it first. What is
left is the write that was already on its way: no server that is written to here knows of locks.
"""

from __future__ import annotations

import getpass
import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from reconciler.ledger.home import Held, Home, Lost, Ticket
from reconciler.ledger.telling import locked, stuck, taken_over, unrenewed
from reconciler.model.errors import Interrupted, LedgerError, Locked

FRESH = 1.0
"""Seconds for which a renewal is proof enough that the lock is ours."""

MARGIN = 0.25
"""Part of the lease before its end in which nothing is begun any more."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a lock is taken for and a document changed: the command, and where known Git commit, person and CI job."""

    reason: str = ""
    commit: str = ""
    author: str = ""
    job: str = ""


@dataclass(frozen=True, slots=True)
class Passing:
    """The passing of time: seconds since 1970, seconds since some moment, and waiting."""

    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Waiting:
    """What becomes of a run where another one holds a lock.

    Attributes:
        timeout: seconds to wait for it.
        told: told once, in a sentence, who holds it; and of a lock of ours that stays, because it could not be freed.
        stopped: whether the user asked to stop.
    """

    timeout: float = 0.0
    told: Callable[[str], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False


class Hold:
    """The locks of some projects as one run has them. Safe for threads.

    Attributes:
        id: of the taking, the same for all projects.
        projects: what is locked.
    """

    def __init__(
        self, home: Home, projects: tuple[str, ...], ticket: Ticket, waiting: Waiting, passing: Passing
    ) -> None:
        self.id = ticket.id
        self.projects = projects
        self._told = waiting.told
        self._home, self._ticket, self._passing = home, ticket, passing
        self._lost: Locked | None = None
        self._failed = ""
        self._proven = self._moment()
        self._guard = threading.RLock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if home.lease is not None:
            self._thread = threading.Thread(target=self._beat, args=(home.lease / 3,), daemon=True)
            self._thread.start()

    def lost(self) -> Locked | None:
        """Return why nothing may be written any more; None while the lock is ours."""
        with self._guard:
            lease = self._home.lease
            if lease is None or self._lost is not None:
                return self._lost
            if self._age() >= min(FRESH, lease * (1 - MARGIN)):
                self._renew()
            if self._lost is None and self._failed and self._age() >= lease * (1 - MARGIN):
                return unrenewed(self._age(), self._failed)
            return self._lost

    def taken(self, project: str, ticket: Ticket | None) -> Locked:
        """Note that the home says that the lock is another's, or nobody's; return how that is told."""
        with self._guard:
            if self._lost is None:
                self._lost = taken_over(project, ticket)
            return self._lost

    def give_back(self) -> None:
        """End the renewals and free what is still ours; what cannot be freed expires, or is told where nothing does."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        _free(self._home, self.projects, self.id, self._told)

    def _beat(self, pause: float) -> None:
        while not self._ended.wait(pause):
            with self._guard:
                if self._lost is None:
                    self._renew()

    def _renew(self) -> None:
        begun = self._moment()
        until = self._passing.wall() + (self._home.lease or 0.0)
        for project in self.projects:
            try:
                self._home.renew(project, replace(self._ticket, until=until))
            except Lost as lost:
                self.taken(project, lost.ticket)
                return
            except LedgerError as error:
                self._failed = error.message
                return
        self._failed, self._proven = "", begun

    def _moment(self) -> tuple[float, float]:
        return self._passing.monotonic(), self._passing.wall()

    def _age(self) -> float:
        """Return how old the last proof is: by either clock, for one of them may stand still in a suspended machine."""
        return max(now - then for now, then in zip(self._moment(), self._proven, strict=True))


def acquire(
    home: Home,
    projects: Iterable[str],
    claim: Claim,
    waiting: Waiting = Waiting(),
    passing: Passing = Passing(),
) -> Hold:
    """Take the locks of some projects, all or none.

    Args:
        home: where the locks are.
        projects: in any order; they are taken sorted, so that no two runs wait for each other.
        claim: what for.
        waiting: what becomes of the run where somebody holds one.
        passing: the passing of time.

    Raises:
        Locked: somebody holds one of them, and did all the time.
        LedgerError: the place cannot be used.
        Interrupted: the user asked to stop waiting.
    """
    wanted = tuple(sorted(set(projects)))
    waited = 0.0
    while True:
        ticket = _ticket(claim, home.lease, passing.wall())
        held = _all_or_none(home, wanted, ticket, waiting.told)
        if held is None:
            return Hold(home, wanted, ticket, waiting, passing)
        problem = locked(*held, passing.wall())
        if waited >= waiting.timeout:
            raise problem
        if not waited:
            waiting.told(f"waiting up to {waiting.timeout:.0f} s: {problem.message}")
        pause = min(random.uniform(0.3, 1.2), waiting.timeout - waited)
        passing.sleep(pause)
        if waiting.stopped():
            raise Interrupted("you stopped the run while it waited for a lock, so nothing was written")
        waited += pause


def _all_or_none(
    home: Home, projects: tuple[str, ...], ticket: Ticket, told: Callable[[str], None]
) -> tuple[str, Ticket | None] | None:
    """Take every lock and return None; or give back what was taken, and return which one is held and by whom."""
    for number, project in enumerate(projects):
        try:
            home.take(project, ticket)
        except Held as held:
            _free(home, projects[:number], ticket.id, told)
            return project, held.ticket
        except BaseException:
            _free(home, projects[: number + 1], ticket.id, told)
            raise
    return None


def _free(home: Home, projects: Iterable[str], id: str, told: Callable[[str], None]) -> None:
    for project in projects:
        try:
            home.release(project, id)
        except LedgerError as error:
            if home.lease is None:
                told(stuck(project, id, error.message))


def _ticket(claim: Claim, lease: float | None, now: float) -> Ticket:
    return Ticket(
        id=secrets.token_hex(8),
        holder=f"{_user()}@{socket.gethostname()}",
        reason=claim.reason,
        commit=claim.commit,
        job=claim.job,
        since=now,
        until=None if lease is None else now + lease,
        pid=os.getpid(),
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
