"""Offsets and paths → lines, columns and the offending line; worked out only when there is something to say.

A line that may hold a credential's value is never shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from reconciler.definitions.compose import Fault, Parsed, Path, Spot, Spots
from reconciler.definitions.document import Complaint, lookup
from reconciler.definitions.files import SourceFile
from reconciler.definitions.reader import read
from reconciler.definitions.secrecy import hidden_paths
from reconciler.definitions.text import Lines
from reconciler.model.problem import Place, Problem

_SHOWN = 200
"""How many faults of a text get their line shown; judging a line takes up to 0.1 ms."""

_VALUE_KEY = re.compile(r"(?:default_)?value[\"']?\s*:")
_ANY_KEY = re.compile(r"^(\s*(?:- +)*)[\"']?([A-Za-z_][\w-]*)[\"']?\s*:")


def of_faults(file: SourceFile, text: str, faults: Iterable[Fault]) -> list[Problem]:
    """Give each fault of a text its place. A line that looks like a credential's is not shown."""
    lines = Lines(text)
    last = len(text.rstrip())
    problems = []
    for number, fault in enumerate(faults):
        line, column = lines.at(min(fault.start, last))
        place = Place(file.shown, line, column)
        source = "" if number >= _SHOWN or _looks_secret(lines, line) else lines.line(line)
        problems.append(_problem(place, fault, source, fault.end - fault.start))
    return problems


def of_complaints(file: SourceFile, text: str, complaints: Sequence[tuple[int, Complaint]]) -> list[Problem]:
    """Give each complaint (with the number of its document) its place, by reading the text again."""
    if not complaints:
        return []
    documents = read(text, json=file.json, spotting=True).documents
    lines = Lines(text)
    hidden = _hidden_lines(documents, lines)
    problems = []
    for index, complaint in complaints:
        start, end = _span(documents[index].spots, complaint)
        line, column = lines.at(start)
        source = "" if complaint.hide or line in hidden else lines.line(line)
        place = Place(file.shown, line, column)
        problems.append(_problem(place, complaint, source, end - start))
    return problems


def _span(spots: Spots, complaint: Complaint) -> tuple[int, int]:
    """Find the characters to underline; what came from defaults is shown at what surrounds it."""
    path: Path = complaint.path
    while path and path not in spots:
        path = path[:-1]
    spot = spots.get(path, Spot(0, 1))
    moved = path != complaint.path
    if spot.key_start >= 0 and (complaint.on_key or moved):
        return spot.key_start, spot.key_end
    if moved:
        return spot.start, spot.start + 1
    return spot.start, spot.end


def _hidden_lines(documents: Sequence[Parsed], lines: Lines) -> set[int]:
    hidden: set[int] = set()
    for document in documents:
        for path in hidden_paths(document.value):
            spot = document.spots.get(path)
            if spot is not None and lookup(document.value, path) is not None:
                hidden.update(range(lines.at(spot.start)[0], lines.at(max(spot.start, spot.end - 1))[0] + 1))
    return hidden


def _looks_secret(lines: Lines, line: int) -> bool:
    """Judge a line of a text that could not be read: is it a value, or the continuation of one?"""
    text = lines.line(line)
    if _VALUE_KEY.search(text):
        return True
    key = _ANY_KEY.match(text)
    indent = len(key.group(1)) if key else len(text) - len(text.lstrip())
    for above in range(line - 1, max(0, line - 200), -1):
        other = _ANY_KEY.match(lines.line(above))
        if other and (key is None or len(other.group(1)) < indent):
            return other.group(2) in ("default_value", "value")
    return False


def _problem(place: Place, wrong: Fault | Complaint, source: str, width: int) -> Problem:
    """What goes on for several lines is underlined to the end of its first."""
    left = len(source) - place.column + 1
    return Problem(place, wrong.message, wrong.hint, wrong.rule, source, max(1, min(width, left)))
