"""The emulator itself: a request in, an answer out, and the state in between."""

from __future__ import annotations

import copy
import sys
import threading
import time
from collections.abc import Callable, Iterable

from . import gate, router
from .call import Call
from .control import Doors
from .exchange import Document, Request, Response, empty
from .faults import AFTER, INSTEAD, Faults, instead
from .journal import Journal
from .query import Query, unescape
from .refusals import AnswerError
from .settings import Settings
from .store import Store
from .world import World, shipped

WRITTEN = "reconciler.emulator.written"
"""Audit event (PEP 578) of every change that a request made: the request, the build's document before and after.

One of the two is None for a create or a delete. The documents are those of the store: look, and change nothing.
"""

_GUARDED = ("/openapi/", "/api/")


class Emulator:
    """A stand-in for the platform's Build OpenAPI.

    `world` is a description such as `world.json` (that one by default), `builds` are documents in the stored
    form, `control` opens the doors under `/_emulator/`, `clock` gives the time in seconds that is stored with
    a write. Requests may come from any number of threads; state changes one request at a time.
    """

    def __init__(
        self,
        world: Document | None = None,
        builds: Iterable[Document] = (),
        *,
        control: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.control = control
        self._clock = clock
        self._lock = threading.Lock()
        self._world = World(copy.deepcopy(world) if world is not None else shipped())
        self._store = Store(builds)
        self._settings = Settings()
        self._faults = Faults()
        self._journal = Journal()
        self._doors = Doors(self)

    def handle(self, request: Request) -> Response:
        """The answer to one request; a fault of the transport is told by the answer's `broken`.

        Latency is waited for here, and so is the second of a `slow` fault.
        """
        if self.control and request.path.startswith("/_emulator/"):
            return self._doors.answer(request)
        with self._lock:
            fault = self._faults.pick(request)
            entry = self._journal.open(request, fault)
            latency = self._settings.latency_ms
        if latency:
            time.sleep(latency / 1000)
        answer = self._with_fault(request, fault)
        entry.status = answer.status or None
        return answer

    def state(self) -> Document:
        """The world and all builds, as they are really stored; `set_state` takes the same."""
        with self._lock:
            return {"world": copy.deepcopy(self._world.description), "builds": self._store.documents()}

    def set_state(self, world: Document | None, builds: Iterable[Document]) -> None:
        """Replace all builds, and the world where one is given."""
        store = Store(builds)
        new_world = World(copy.deepcopy(world)) if world is not None else None
        with self._lock:
            self._store = store
            self._world = new_world or self._world

    def requests(self) -> list[Document]:
        """What arrived since the last clearing, in the order of arrival."""
        with self._lock:
            return self._journal.documents()

    def clear_requests(self) -> None:
        """Forget what arrived."""
        with self._lock:
            self._journal.clear()

    def set_faults(self, rules: list[Document]) -> None:
        """Replace the faults, and count matching requests from 0 again; raises ValueError for a bad rule."""
        faults = Faults(rules)
        with self._lock:
            self._faults = faults

    def set_settings(self, changes: Document) -> None:
        """Change some settings; raises ValueError for one that is unknown or of a wrong type."""
        with self._lock:
            self._settings = self._settings.changed(changes)
            if "license" in changes:
                self._world = World(self._world.description | {"license": changes["license"]})

    def _with_fault(self, request: Request, fault: str | None) -> Response:
        if fault is not None and fault in INSTEAD:
            return instead(fault, self._clock())
        answer = self._answer(request)
        return AFTER[fault](answer) if fault in AFTER else answer

    def _answer(self, request: Request) -> Response:
        query = Query(request.query)
        identity = gate.identify(request.headers, query)
        if identity is None:
            if unescape(request.path).startswith(_GUARDED):
                return empty(401)
            identity = gate.Identity("", "")
        found = router.find(request.method, request.path, request.query, self._routes())
        if isinstance(found, Response):
            return found
        with self._lock:
            now = int(self._clock())
            call = Call(self._world, self._store, identity, query, request.body, now, found.parameters)
            try:
                return found.handler(call)
            except AnswerError as refusal:
                return refusal.answer()
            finally:
                for before, after in self._store.written():
                    sys.audit(WRITTEN, request, before, after)

    def _routes(self) -> tuple[router.Route, ...]:
        return router.ROUTES if self._settings.internal_read else router.WITHOUT_INTERNAL_READ
