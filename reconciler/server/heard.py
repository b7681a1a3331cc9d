"""What the server's own texts must not repeat: the token, what definitions hold, and every secret that was read.

An error's description may belong to another request (contract, section 4), so that it can hold any of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from reconciler.model.secret import Secret
from reconciler.server import wire
from reconciler.server.forms import SHORTEST
from reconciler.server.pasted import NOTHING, Pasted


class Heard:
    """The secrets that a run has come across; of those that were read, not the very short ones."""

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._new: set[Secret] = set()
        self._known: set[Secret] = set()
        self._pasted, self._looked = NOTHING, frozenset[Secret]()
        self._lock = threading.Lock()

    def own(self, secrets: Iterable[Secret]) -> None:
        """Remember secrets that the run was given, the very short ones too."""
        forms = {form for secret in secrets for form in wire.written(secret)}
        with self._lock:
            self._forms |= forms

    def note(self, secrets: Iterable[Secret]) -> None:
        """Remember secrets that an answer held; how they may be written is worked out when a text is judged."""
        with self._lock:
            self._new.update(secrets)

    def pasted(self) -> Pasted:
        """Return what tells whether a text repeats a secret that was read, of any build; common words are none."""
        with self._lock:
            every = self._known | self._new
            if every != self._looked:
                self._pasted, self._looked = Pasted(filter(wire.is_telling, every)), frozenset(every)
            return self._pasted

    def told(self, text: str) -> str:
        """Return a text of the server as it may be shown: not at all where it repeats a secret."""
        with self._lock:
            for secret in self._new - self._known:
                self._forms |= {form for form in wire.written(secret) if len(form) >= SHORTEST}
            self._known, self._new = self._known | self._new, set()
            repeats = any(form in text for form in self._forms)
        return "(left out, it repeats a secret)" if repeats else text
