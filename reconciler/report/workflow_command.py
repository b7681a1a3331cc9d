r"""Lines that GitHub's runner takes for commands: ours are written as it wants them, those of others are taken apart.

    finding ─► ::error file=builds/api.yaml,line=3,col=5,title=…::message
    foreign "::set-env …", "##[add-path]…" ─► guarded ─► "\::set-env …", "##\[add-path]…"

A runner skips blanks before "::" and finds "##[" anywhere in a line, so that no indenting keeps a text from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.model.whereabouts import Whereabouts
from reconciler.report.findings import Finding, Level, totals
from reconciler.report.ink import line

MOST = 10
"""Annotations of one level that GitHub shows of a step."""

_OLDER = re.compile(r"##(?=[a-z]*\[)", re.IGNORECASE)
"""The older form, of GitHub and of what it was made from."""


def github(findings: Sequence[Finding], where: Whereabouts) -> str:
    """Return the annotations, the worst ten of each level, and a line that counts what is found and shown."""
    shown = [f for level in Level for f in [f for f in findings if f.level is level][:MOST]]
    lines = [_annotation(finding, where) for finding in shown]
    if len(shown) < len(findings):
        lines.append(f"Found {totals(findings)}; {len(shown)} are shown as annotations, the worst first.")
    else:
        lines.append(f"Found {totals(findings)}.")
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding, where: Whereabouts) -> str:
    properties = []
    place = finding.place
    if place is not None and where.inside(place.file):
        properties.append(("file", line(where.path(place.file))))
        if place.line:
            properties += [("line", str(place.line)), ("col", str(place.column or 1))]
    properties.append(("title", finding.rule))
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{finding.level.value} {told}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


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
