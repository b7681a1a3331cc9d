"""The ledger in a server of the Terraform HTTP state protocol, such as every GitLab project has.

    read      GET                    nothing there: 200 without a body, 204, 404
    write     POST, after a GET      the protocol has no conditional write: fencing is best effort. GitLab refuses a
                                     serial that is there already, and so lets one of two writers win
    lock      LOCK, or GitLab's POST …/lock      423 or 409 with the holder's document
    unlock    UNLOCK, or GitLab's DELETE …/lock

Nothing expires: a lock stays until it is given back or broken by its id. What became of a request whose answer was
lost is found out: a write is read back, and a lock that is asked for again names its holder, which may be ourselves.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping

import httpx

from reconciler.ledger.home import Conflict, Lost, Stored, Ticket
from reconciler.ledger.state_body import State, after, dump, load, read_lock
from reconciler.ledger.state_lock import TAKEN, Look, StateLocks
from reconciler.ledger.state_site import account, site, state_name
from reconciler.ledger.state_wire import Answer, Patience, Timing, Wire

_SAME_SERIAL = 422
_SLOWER = 429


class StateHome:
    """One server's texts below a URL, a state per project.

    Args:
        url: where the states are, or with `{project}` where a state's name goes.
        server: the base URL that the texts are about.
        environ: the environment: credentials, methods, retries.
        transport: what carries the requests instead of a socket.
        timing: limits in seconds.

    Raises UsageError where the URL cannot be used or would not be safe.
    """

    lease: float | None = None

    def __init__(
        self,
        url: str,
        server: str,
        *,
        environ: Mapping[str, str],
        transport: httpx.BaseTransport | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._site = site(url, environ)
        self.place = self._site.place
        self._server = server.rstrip("/")
        self._wire = Wire(self._site, account(url, self._site.gitlab, environ), timing or Timing(), transport)
        self._locks = StateLocks(self._wire, self._server)
        self._writing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, project: str) -> Stored:
        """Return a project's text; an empty one where there is none."""
        state = self._fetch(project, self._wire.patience())
        return Stored(state.text, state.version) if state else Stored("")

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        """Put a text where `version` is still the one that is there, and return the new version.

        Raises Conflict, and Lost where the server says that the lock is another's.
        """
        held = self._held_as(project, lock) if lock else ""
        with self._writing[project]:
            patience = self._wire.patience()
            old = self._fetch(project, patience)
            if (old.version if old else None) != version:
                raise Conflict
            new = after(old, text)
            self._put(project, old, new, held, patience)
            return new.version

    def projects(self) -> list[str] | None:
        """Return None: the protocol has no list."""
        return None

    def erase(self, project: str) -> None:
        """Empty a project's state. It stays, and its serial goes on: GitLab deletes no state that is locked."""
        held = self._locks.mine(project)
        with self._writing[project]:
            patience = self._wire.patience()
            old = self._fetch(project, patience)
            if old and old.text:
                self._put(project, old, after(old, ""), held, patience)

    def take(self, project: str, ticket: Ticket) -> None:
        """Take a project's lock. Raises Held, and LedgerError where the server cannot lock."""
        self._locks.take(project, ticket)

    def renew(self, project: str, ticket: Ticket) -> None:
        """Look whether a lock is still ours: it does not expire, but somebody may have broken it. Raises Lost."""
        look = self._locks.look(project)
        if not look.held or (look.lock is not None and not look.is_of(ticket.id)):
            raise Lost(look.ticket)

    def release(self, project: str, id: str) -> bool:
        """Give a lock back, or break another's by its id; tell whether it was there."""
        return self._locks.release(project, id)

    def holder(self, project: str) -> Ticket | None:  # noqa: ARG002 - the protocol cannot tell of any project
        """Return None: the protocol tells a lock's holder only to those who ask for the lock."""
        return None

    def close(self) -> None:
        """Close the connections. Locks stay."""
        self._wire.close()

    def _held_as(self, project: str, lock: str) -> str:
        """Return the id on the wire of the lock that a write names. Raises Lost where it is not held."""
        held = self._locks.on_wire(project, lock)
        if held is None:
            raise Lost(self._locks.look(project).ticket)
        return held

    def _fetch(self, project: str, patience: Patience) -> State | None:
        """Read a state; None where there is none."""
        url = self._site.state(state_name(self._server, project))
        answer = self._wire.ask("GET", url, patience)
        while answer.is_passing and patience.again(answer):
            answer = self._wire.ask("GET", url, patience)
        if self._is_empty(answer):
            return None
        if answer.status != 200:
            raise self._wire.failure(answer, f"read project {project}")
        return load(answer.body, self._server, project, self.place)

    def _is_empty(self, answer: Answer) -> bool:
        """Tell whether there is no state. GitLab says 404 also where it does not show the whole project."""
        if answer.status == 404 and self._site.gitlab:
            about_more = b'"error"' in answer.body or "project" in answer.said.lower()
            return answer.media != "text/html" and not about_more
        return answer.status in (204, 404) or (answer.status == 200 and not answer.body)

    def _put(self, project: str, old: State | None, new: State, held: str, patience: Patience) -> None:
        """Send a state until it is there. To send the same one twice changes nothing."""
        body = dump(new, self._server, project)
        url = self._site.writing(state_name(self._server, project), held)
        while True:
            answer = self._wire.ask(self._site.update_method, url, patience, body)
            if answer.is_done:
                return
            failure = self._wire.failure(answer, f"write project {project}")
            if not answer.is_passing and answer.status not in (*TAKEN, _SAME_SERIAL):
                raise failure
            there = self._fetch(project, patience)
            if there == new:
                return
            self._see_lock(project, held, answer)
            if there != old:
                raise Conflict
            if not answer.is_passing or not patience.again(answer):
                raise failure

    def _see_lock(self, project: str, held: str, answer: Answer) -> None:
        """Find out whether a write was refused because of the lock. Raises Lost.

        GitLab answers that with a bare 500, and so tells nothing: there, a lock that is nobody's is no reason for
        whoever has none. Where the lock is ours after all, the refusal means something else.
        """
        bare = answer.status == 500 and self._site.gitlab
        if answer.status not in TAKEN and not bare:
            return
        told = None if bare else read_lock(answer.body, packed=self._site.gitlab)
        look = Look(True, told) if told else self._locks.look(project)
        if held and look.is_of(held):
            return
        if bare and look.lock is None and (look.held or not held):
            return
        raise Lost(look.ticket)
