"""The lock of a run: taken for all its projects or for none, renewed by a thread, and known to be lost when it is.

    acquire() ── held by another ──► wait (--lock-timeout) ──► Locked, which names the holder
        │ taken, projects in sorted order
        ▼
      Hold ── a thread renews it at a third of the lease, where it expires
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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.ledger.home import Held, Home, Lost, Ticket
from reconciler.ledger.many import side_by_side
from reconciler.ledger.telling import locked, stuck, taken_over, unrenewed
from reconciler.model.errors import Interrupted, LedgerError, Locked

FRESH = 1.0
"""Seconds for which a renewal is proof enough that the lock is ours."""

MARGIN = 0.25
"""Part of the lease before its end in which nothing is begun any more."""

UNSEEN = 120.0
"""Seconds that stand for the lease where no lock expires: so long a lock that cannot be looked at is relied upon."""


Found = tuple[str, Ticket | None]
"""A project whose lock another one holds, and whose it is."""


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


@dataclass(slots=True)
class _Proof:
    """When one lock was last known to be ours, by both clocks, and why it could not be asked since, "" where it was."""

    seen: tuple[float, float]
    failed: str = ""
    guard: threading.RLock = field(default_factory=threading.RLock)


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
        self._lasts = UNSEEN if home.lease is None else home.lease
        self._lost: Locked | None = None
        self._proofs = {project: _Proof(self._moment()) for project in projects}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        if home.lease is not None:
            self._thread = threading.Thread(target=self._beat, args=(home.lease / 3,), daemon=True)
            self._thread.start()

    def lost(self, project: str = "") -> Locked | None:
        """Return why nothing may be written any more; None while the locks are ours.

        `project`: the one that is to be written; "" for any of them. Of the others it is known what was heard last.
        """
        found = side_by_side(self._lost_of, [project] if project in self._proofs else self.projects)
        return next((lost for lost in found if lost is not None), self._lost)

    def taken(self, project: str, ticket: Ticket | None) -> Locked:
        """Note that the home says that the lock is another's, or nobody's; return how that is told."""
        if self._lost is None:
            self._lost = taken_over(project, ticket)
        return self._lost

    def give_back(self) -> None:
        """End the renewals and free what is still ours; what cannot be freed expires, or is told where nothing does."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        _free(self._home, self.projects, self.id, self._told)

    def _lost_of(self, project: str) -> Locked | None:
        proof, limit = self._proofs[project], self._lasts * (1 - MARGIN)
        with proof.guard:
            if self._lost is None and self._age(proof) >= min(FRESH, limit):
                self._renew(project)
            if self._lost is None and proof.failed and self._age(proof) >= limit:
                return unrenewed(self._age(proof), proof.failed)
            return self._lost

    def _beat(self, pause: float) -> None:
        while not self._ended.wait(pause):
            side_by_side(self._renew, self.projects)

    def _renew(self, project: str) -> None:
        """Renew one lock, or where none expires look whether it is still ours."""
        proof = self._proofs[project]
        with proof.guard:
            if self._lost is not None or self._ended.is_set():
                return
            begun = self._moment()
            until = None if self._home.lease is None else self._passing.wall() + self._home.lease
            try:
                self._home.renew(project, replace(self._ticket, until=until))
            except Lost as lost:
                self.taken(project, lost.ticket)
            except LedgerError as error:
                proof.failed = error.message
            else:
                proof.failed, proof.seen = "", begun

    def _moment(self) -> tuple[float, float]:
        return self._passing.monotonic(), self._passing.wall()

    def _age(self, proof: _Proof) -> float:
        """Return how old the last proof is: by either clock, for one of them may stand still in a suspended machine."""
        return max(now - then for now, then in zip(self._moment(), proof.seen, strict=True))


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
        projects: in any order.
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
            return Hold(home, tuple(sorted(wanted)), ticket, waiting, passing)
        wanted = (held[0], *(project for project in wanted if project != held[0]))
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


def _all_or_none(home: Home, projects: Sequence[str], ticket: Ticket, told: Callable[[str], None]) -> Found | None:
    """Take every lock and return None; or give back what was taken, and return which one is held and by whom."""
    begun: list[str] = []
    take = partial(_take, home, ticket, begun)
    try:
        held = _many(take, projects)
        if held is not None and held[0] != projects[0]:
            _free(home, begun, ticket.id, told)
            begun.clear()
            held = next((one for one in map(take, sorted(projects)) if one is not None), None)
    except BaseException:
        _free(home, begun, ticket.id, told)
        raise
    if held is not None:
        _free(home, begun, ticket.id, told)
    return held


def _many(take: Callable[[str], Found | None], projects: Sequence[str]) -> Found | None:
    """Take the first lock, then all others side by side.

    Two runs that want some of the same could so keep each other from all of them. Whoever finds one held by that takes
    them once more, one after the other and sorted: of those who do that one gets them.
    """
    for group in (projects[:1], projects[1:]):
        held = [one for one in side_by_side(take, group) if one is not None]
        if held:
            return held[0]
    return None


def _take(home: Home, ticket: Ticket, begun: list[str], project: str) -> Found | None:
    """Take a lock, or return it with its holder. What may be taken stands in `begun`."""
    begun.append(project)
    try:
        home.take(project, ticket)
    except Held as held:
        begun.remove(project)
        return project, held.ticket
    except LedgerError:
        if home.lease is None:  # whatever could be given back has been, and what may stay is told
            begun.remove(project)
        raise
    return None


def _free(home: Home, projects: Iterable[str], id: str, told: Callable[[str], None]) -> None:
    """Free locks. Where they expire, a place that fails once is not asked for the others."""
    failed = threading.Event()

    def release(project: str) -> None:
        if failed.is_set() and home.lease is not None:
            return
        try:
            home.release(project, id)
        except LedgerError as error:
            failed.set()
            if home.lease is None:
                told(stuck(project, id, error.message))

    side_by_side(release, projects)


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
