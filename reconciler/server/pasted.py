"""Many secrets, asked of many texts: does this one repeat any of them, as whatever program wrote it?

    secrets ─► written forms ─► by their first characters ─┐
    a text ─► its runs of as many characters ──────────────┴─► the few forms that may begin there

A text is read once, however many secrets there are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NoReturn

from reconciler.model.fields import ASTERISKS
from reconciler.model.secret import MASK, Secret
from reconciler.server import wire
from reconciler.server.forms import SHORTEST

_FEW = 64
"""Forms that are looked for one by one, which is quicker than to read a text character by character."""


class Pasted:
    """The written forms of many secrets; it prints as a mask.

    Args:
        secrets: those that hold nothing, or the server's asterisks, are passed over; so are forms of less than
            `SHORTEST` characters, which cannot be told from common words.
    """

    __slots__ = ("_few", "_forms")

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms = defaultdict[str, set[str]](set)
        for secret in set(secrets):
            for form in () if secret.holds(ASTERISKS) else wire.written(secret):
                if len(form) >= SHORTEST:
                    forms[form[:SHORTEST]].add(form)
        self._forms = {start: tuple(sorted(found, key=_longest)) for start, found in forms.items()}
        every = [form for found in forms.values() for form in found]
        self._few = tuple(every) if len(every) <= _FEW else ()

    def repeats(self, text: str) -> bool:
        """Tell whether a text repeats one of the secrets, or a line of one."""
        forms = self._forms
        if self._few or not forms:
            return any(form in text for form in self._few)
        for place in range(len(text) - SHORTEST + 1):
            start = text[place : place + SHORTEST]
            if start in forms and text.startswith(forms[start], place):
                return True
        return False

    def masked(self, text: str) -> str:
        """Return a text with the mask in place of everything in it that repeats one of the secrets."""
        if not self.repeats(text):
            return text
        left, place = "", 0
        while place < len(text):
            starting = self._forms.get(text[place : place + SHORTEST], ())
            found = next((form for form in starting if text.startswith(form, place)), "")
            left += MASK if found else text[place]
            place += len(found) or 1
        return left

    def __repr__(self) -> str:
        return f"Pasted({MASK})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is never serialised")


def _longest(form: str) -> tuple[int, str]:
    return -len(form), form


NOTHING = Pasted(())
"""Repeated by no text."""
