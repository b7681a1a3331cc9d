"""Files that are written → where something in them looks like a secret that nobody marked as one.

    a script ─────────────────────────► lines
    a definition ─► its texts, each with the name that it has ─► lines

What is found is never told, only its place and what it looks like.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.build import kind_of
from reconciler.definitions.compose import Path
from reconciler.definitions.reader import read
from reconciler.definitions.sources import FROM_ENV, FROM_FILE
from reconciler.definitions.text import Lines
from reconciler.export.fitting import named
from reconciler.export.suspects import suspect_value, suspects

_VALUES = ("default_value", "value")
"""Leaves whose name stands beside them, as `key`."""


_SOURCES = ({FROM_ENV}, {FROM_FILE})


@dataclass(frozen=True, slots=True)
class Lookalike:
    """One place. `name`: of the build, "" where the file is about several; `path`: of the setting, "" in a script."""

    name: str
    path: str
    line: int
    what: str


def in_script(text: str) -> Iterator[Lookalike]:
    """Yield what looks like a secret in a script."""
    for line, what in suspects(text):
        yield Lookalike("", "", line, what)


def is_suspicious(document: Mapping[str, Any]) -> bool:
    """Tell whether a document of a definition has such a text, without saying where."""
    return any(found for _, key, text in _texts(document, (), "") for found in _in_text(key, text))


def in_definitions(text: str, *, json: bool) -> Iterator[Lookalike]:
    """Yield what looks like a secret in a file of definitions or defaults."""
    lines = Lines(text)
    for document in read(text, json=json, spotting=True).documents:
        if not isinstance(document.value, dict):
            continue
        for path, key, value in _texts(document.value, (), ""):
            for offset, what in _in_text(key, value):
                spot = document.spots[path]
                line, _ = lines.at(spot.start)
                inside = text[spot.start] in "|>" and offset
                setting = named(document.value, path, kind_of(document.value))
                yield Lookalike(str(document.value.get("name", "")), setting, line + inside, what)


def _in_text(key: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield the line inside a text, from 1, and what it looks like."""
    if key and (what := suspect_value(key, text)):
        yield 1, what
    else:
        yield from suspects(text)


def _texts(value: Any, path: Path, key: str) -> Iterator[tuple[Path, str, str]]:
    """Yield every text with its path and the name that it has: of the variable, else of the setting."""
    if isinstance(value, str):
        yield path, key, value
    elif isinstance(value, Mapping) and value.keys() not in _SOURCES:
        for leaf, item in value.items():
            name = str(value.get("key", leaf)) if leaf in _VALUES else ""
            yield from _texts(item, (*path, leaf), name)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(item, (*path, place), key)
