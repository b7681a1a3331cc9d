r"""Text of others in a log that a CI reads commands out of: what would be one is taken apart.

    "::set-env …", "##[add-path]…" ─ guarded, Guard ─► "\::set-env …", "##\[add-path]…"

A runner skips blanks before "::" and finds "##[" anywhere in a line, so that no indenting keeps a text from it.
"""

from __future__ import annotations

import re

_OLDER = re.compile(r"##(?=[a-z]*\[)", re.IGNORECASE)
"""The older form, of GitHub and of what it was made from."""


def guarded(text: str) -> str:
    """Return a text none of whose lines is a command."""
    return Guard().passed(text)


class Guard:
    """Lets text through that comes in pieces, and takes apart what would be a command, also across two of them."""

    def __init__(self) -> None:
        self._line = ""

    def passed(self, text: str) -> str:
        """Return what may be printed of a piece."""
        return "".join(self._piece(piece) for piece in re.split(r"(?<=[\r\n])", text) if piece)

    def _piece(self, piece: str) -> str:
        begun, self._line = self._line, "" if piece[-1] in "\r\n" else (self._line + piece)[-_KEPT:]
        if begun.strip():
            return _continued(begun, piece)
        bare = piece.lstrip()
        return piece[: len(piece) - len(bare)] + _beginning(bare)


def _continued(begun: str, piece: str) -> str:
    """Take apart what a piece has, or makes of the end of the line so far."""
    made = begun.lstrip() == ":" and piece.startswith(":")
    made = made or (re.search(r"(?i)#[#a-z]*$", begun) is not None and re.match(r"(?i)[#a-z]*\[", piece) is not None)
    return ("\\" if made else "") + _OLDER.sub(_BROKEN, piece)


_KEPT = 100
"""Characters of the line so far that are remembered."""

_BROKEN = "##\\\\"


def _beginning(bare: str) -> str:
    """Take a line apart; one of JSON or of a markup so that whoever parses it reads what it was."""
    if bare.startswith("<"):
        return _OLDER.sub("#&#35;", bare)
    if bare.startswith('"'):
        return _OLDER.sub("#\\\\u0023", bare)
    return _OLDER.sub(_BROKEN, f"\\{bare}" if bare.startswith("::") else bare)
