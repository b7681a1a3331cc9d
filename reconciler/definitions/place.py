"""Offsets and paths → lines, columns and the offending line; worked out only when there is something to say.

A line that may hold a credential's value is never shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.definitions.compose import Fault, Parsed, Path, Spot, Spots
from reconciler.definitions.document import Complaint
from reconciler.definitions.files import SourceFile
from reconciler.definitions.hints import hint_for
from reconciler.definitions.reader import read
from reconciler.definitions.secrecy import hidden_paths, may_be_shown
from reconciler.definitions.text import Lines
from reconciler.model.problem import Place, Problem


def of_faults(file: SourceFile, text: str, faults: Iterable[Fault]) -> list[Problem]:
    """Give each fault of a text its place. A line that looks like a credential's is not shown."""
    lines = Lines(text)
    last = len(text.rstrip())
    credentials = "credential" in text
    problems = []
    judged, source = 0, ""
    for fault in faults:
        line, column = lines.at(min(fault.start, last))
        if line != judged:
            judged = line
            source = lines.line(line) if may_be_shown(lines.line(line), credentials=credentials) else ""
        problems.append(_problem(Place(file.shown, line, column), fault, source, fault.end - fault.start))
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
            if spot is not None:
                start = spot.key_start if spot.key_start >= 0 else spot.start
                hidden.update(range(lines.at(start)[0], lines.at(max(start, spot.end - 1))[0] + 1))
    return hidden


def _problem(place: Place, wrong: Fault | Complaint, source: str, width: int) -> Problem:
    """What goes on for several lines is underlined to the end of its first."""
    left = len(source) - place.column + 1
    return Problem(place, wrong.message, hint_for(wrong.rule, wrong.hint), wrong.rule, source, max(1, min(width, left)))
