"""Locks of states: taken by asking, known by their id, never free by themselves.

Enters: tickets. Leaves: a lock on the server, or who holds it. There is no way to look at a lock without asking for
it: `look` asks with an id of its own, and gives back at once what it should not have been given.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from dataclasses import dataclass

from reconciler.ledger.home import Held, Ticket
from reconciler.ledger.state_body import Lock, lock_document, own_id, read_lock, wire_id
from reconciler.ledger.state_site import state_name
from reconciler.ledger.state_wire import Answer, Patience, Wire
from reconciler.model.errors import LedgerError

TAKEN = (409, 423)
"""What a server says where somebody else holds the lock."""

_NO_LOCKS = (404, 405, 501)
_NOT_THERE = (404, 409, 410, 412, 423)


@dataclass(frozen=True, slots=True)
class Look:
    """What asking for a lock has shown: whether somebody holds it, and who, where the server tells."""

    held: bool
    lock: Lock | None = None

    @property
    def ticket(self) -> Ticket | None:
        """The holder's, where it is known."""
        return self.lock.ticket if self.lock else None

    def is_of(self, id: str) -> bool:
        """Tell whether the lock is the one with an id, be it the ticket's or the one on the wire."""
        return self.lock is not None and id in (self.lock.id, self.lock.ticket.id)


class StateLocks:
    """The locks of one server's states. Safe for threads."""

    def __init__(self, wire: Wire, server: str) -> None:
        self._wire = wire
        self._site = wire.site
        self._server = server
        self._guard = threading.Lock()
        self._taken: dict[tuple[str, str], str] = {}
        self._proved = self._site.gitlab

    def take(self, project: str, ticket: Ticket) -> None:
        """Take a lock. Raises Held, and LedgerError where the server cannot lock.

        Its id is noted before it is asked for: whoever is interrupted in between can give it back.
        """
        id = wire_id(ticket, packed=self._site.gitlab)
        with self._guard:
            self._taken[project, ticket.id] = id
        look = self._ask(project, ticket, id)
        if look.held and not look.is_of(id):
            self._forget(project, ticket.id)
            raise Held(look.ticket)
        if not self._proved:
            self._prove(project, ticket.id)

    def release(self, project: str, id: str) -> bool:
        """Give a lock back, or break another's; tell whether it was there. Raises LedgerError where that failed."""
        there = self.on_wire(project, id)
        released = there is not None and self._unlock(project, there, self._wire.patience())
        self._forget(project, id)
        return released

    def on_wire(self, project: str, id: str) -> str | None:
        """Return the id that the server knows a lock by; None where nobody holds it."""
        with self._guard:
            mine = self._taken.get((project, id))
        if mine is not None:
            return mine
        look = self.look(project)
        if look.held and look.lock is None:
            return id
        return look.lock.id if look.lock and look.is_of(id) else None

    def mine(self, project: str) -> str:
        """Return the id on the wire of the lock that was taken here; "" where none was."""
        with self._guard:
            return next((id for (name, _), id in self._taken.items() if name == project), "")

    def look(self, project: str) -> Look:
        """Find out who holds a lock, by asking for it."""
        probe = Ticket(f"look-{uuid.uuid4()}", "reconciler", "look at the lock", since=time.time())
        look = self._ask(project, probe, probe.id)
        if not look.held:
            self._unlock(project, probe.id, self._wire.patience())
        return look

    def _forget(self, project: str, id: str) -> None:
        with self._guard:
            self._taken.pop((project, id), None)

    def _ask(self, project: str, ticket: Ticket, id: str) -> Look:
        """Ask for a lock until there is an answer; where one was lost, the next one may name ourselves."""
        name, patience = state_name(self._server, project), self._wire.patience()
        body, unsure = lock_document(ticket, id, name), False
        while True:
            answer = self._wire.ask(self._site.lock_method, self._site.locking(name), patience, body)
            if answer.is_done:
                return Look(False)
            if answer.status in TAKEN:
                lock = read_lock(answer.body, packed=self._site.gitlab)
                if unsure and lock is None:
                    raise self._unknown(project, id)
                return Look(True, lock)
            unsure = unsure or (answer.is_passing and not answer.unsent)
            if not answer.is_passing or not patience.again(answer):
                raise self._not_locked(project, id, answer, unsure)

    def _not_locked(self, project: str, id: str, answer: Answer, unsure: bool) -> LedgerError:
        """Return why there is no lock; one that may be there all the same is given back, as far as that goes."""
        if answer.status in _NO_LOCKS and not self._site.gitlab:
            return self._cannot_lock(f"it answers {self._site.lock_method} with HTTP {answer.status}")
        failure = self._wire.failure(answer, f"lock project {project}")
        if not unsure:
            return failure
        with contextlib.suppress(LedgerError):
            if self._unlock(project, id, self._wire.patience(retries=0)):
                return failure
        return LedgerError(failure.message, f"{failure.hint}; a lock may have stayed: reconciler unlock {own_id(id)}")

    def _unknown(self, project: str, id: str) -> LedgerError:
        return LedgerError(
            f"project {project} is locked in {self._site.place}, which does not tell by whom: an answer was lost",
            f"it may be this run's own lock: when no other run is on, reconciler unlock {own_id(id)}",
        )

    def _unlock(self, project: str, id: str, patience: Patience) -> bool:
        """Unlock by the id on the wire, until there is an answer; tell whether the lock was there."""
        name = state_name(self._server, project)
        body = lock_document(Ticket(id, "reconciler", "unlock", since=time.time()), id, name)
        url, unsure = self._site.unlocking(name, id), False
        while True:
            answer = self._wire.ask(self._site.unlock_method, url, patience, body)
            if answer.is_done:
                return True
            if answer.status in _NOT_THERE:
                return unsure
            unsure = unsure or (answer.is_passing and not answer.unsent)
            if not answer.is_passing or not patience.again(answer):
                failure = self._wire.failure(answer, f"unlock project {project}")
                raise LedgerError(
                    failure.message, f"{failure.hint}; the lock stays until: reconciler unlock {own_id(id)}"
                )

    def _prove(self, project: str, id: str) -> None:
        """See once that a lock which is held is refused: a server that says yes to everything would guard nothing."""
        try:
            held = self.look(project).held
        except LedgerError:
            self.release(project, id)
            raise
        if not held:
            with contextlib.suppress(LedgerError):
                self.release(project, id)
            raise self._cannot_lock("it gives the same lock to two")
        self._proved = True

    def _cannot_lock(self, why: str) -> LedgerError:
        return LedgerError(
            f"{self._site.place} cannot lock: {why}",
            "without a lock two runs may write at once: use a server of the Terraform HTTP state protocol that locks,"
            " or another home of the ledger",
        )
