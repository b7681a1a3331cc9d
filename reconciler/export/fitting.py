"""A document that was made of a live build → one that the loader accepts.

The store can hold what no definition may say: doubled outputs, unknown types, requests over their limits.
Whatever the loader would complain of is taken out again, as little as possible, and named; absent means that
it stays on the server as it is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.checks import check
from reconciler.definitions.compose import Path
from reconciler.definitions.document import exists, lookup
from reconciler.definitions.sources import FROM_ENV
from reconciler.definitions.structure import complaints
from reconciler.definitions.writer import is_ghost
from reconciler.model.build import keyed
from reconciler.model.fields import IDENTITY, ROWS, Elements, Kind, walk
from reconciler.model.secret import Secret

_ROUNDS = 50


class Unfit(Exception):
    """No definition can hold this build. Carries a sentence."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A document that is valid, and what had to go.

    Attributes:
        document: as it is to be written, sources and ghosts in it.
        value: as the loader would see it without looking into the environment.
        dropped: path in the table's words → what the loader would have complained of.
    """

    document: dict[str, Any]
    value: dict[str, Any]
    dropped: Mapping[str, str]


def fitted(document: dict[str, Any], kind: Kind) -> Fitted:
    """Return the document without what makes it invalid; it is changed. Raises Unfit where nothing valid is left."""
    dropped: dict[str, str] = {}
    for _ in range(_ROUNDS):
        value = loaded(document)
        found = [*complaints(value, kind), *check(value, kind)]
        if not found:
            return Fitted(document, value, dropped)
        cut = _to_cut(document, found[0].path, kind, found[0].message)
        dropped[named(document, cut, kind)] = found[0].message
        parent = lookup(document, cut[:-1])
        del parent[cut[-1]]
    raise Unfit("too much of it is nothing that a definition may say")


def loaded(document: Any) -> Any:
    """Return a document as the loader sees it: no ghosts, sealed values in the place of variables."""
    if isinstance(document, Mapping):
        if document.keys() == {FROM_ENV}:
            return Secret(None, str(document[FROM_ENV]))
        return {key: loaded(value) for key, value in document.items() if not is_ghost(value)}
    if isinstance(document, list):
        return [loaded(item) for item in document]
    return str(document) if isinstance(document, str) else document


def _to_cut(document: Any, path: Path, kind: Kind, message: str) -> Path:
    """Return what to take out: the value, or the smallest thing around it that can be left out."""
    while path:
        last = path[-1]
        if isinstance(last, str) and exists(document, path) and _pattern(path) not in _needed(kind):
            return path
        path = path[:-1]
    raise Unfit(message)


def _pattern(path: Path) -> str:
    text = ""
    for step in path:
        text += "[]" if isinstance(step, int) else f".{step}" if text else step
    return text


@functools.cache
def _needed(kind: Kind) -> frozenset[str]:
    """Return the patterns of what its surroundings cannot do without."""
    rows = dict(walk(ROWS[kind]))
    needed = {path for path, row in rows.items() if row.required}
    needed |= {f"{path}[].{key}" for path, row in rows.items() if isinstance(row, Elements) for key in row.key}
    return frozenset(needed | set(IDENTITY))


def named(document: Any, path: Path, kind: Kind) -> str:
    """Return a path of a document in the table's words: elements by their key."""
    rows = dict(walk(ROWS[kind]))
    text, seen = "", ""
    node = document
    for step in path:
        if isinstance(step, int):
            row = rows.get(seen)
            text += f"[{keyed(row, node)[step].key if isinstance(row, Elements) else step}]"
            seen += "[]"
        else:
            text, seen = (f"{text}.{step}", f"{seen}.{step}") if text else (step, step)
        node = node[step]
    return text
