"""Paths in the table's words → places in a document: "parameters[PW].type" → ("parameters", 3, "type")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import exists, lookup
from reconciler.model.build import DEFAULT, Value, join, keyed
from reconciler.model.fields import ROWS, Elements, Kind, Row


@dataclass(frozen=True, slots=True)
class Place:
    """Where a setting, a list or an element stands. `key`: of an element, "" of the others."""

    row: Row
    at: Path
    key: str = ""


def located(document: dict[str, Any], kind: Kind) -> dict[str, Place]:
    """Return every path of the table that a document has, lists before their elements."""
    return dict(_level(ROWS[kind], document, "", ()))


def _level(rows: tuple[Row, ...], document: dict[str, Any], parent: str, at: Path) -> Iterator[tuple[str, Place]]:
    for row in rows:
        steps = tuple(row.path.split("."))
        if not exists(document, steps):
            continue
        path, here, value = join(parent, row.path), (*at, *steps), lookup(document, steps)
        yield path, Place(row, here)
        if isinstance(row, Elements) and isinstance(value, list):
            for index, key in enumerate(keys_of(row, value)):
                inner = f"{path}[{key}]"
                yield inner, Place(row, (*here, index), key)
                yield from _level(row.rows, value[index], inner, (*here, index))


def keys_of(row: Elements, elements: list[dict[str, Any]]) -> list[str]:
    """Return the keys of a list's elements, as the canonical build has them."""
    return [element.key for element in keyed(row, [_names(row, element) for element in elements])]


def _names(row: Elements, element: dict[str, Any]) -> dict[str, Value]:
    named = {leaf: element[leaf] for leaf in row.key if leaf in element}
    return {leaf: DEFAULT if value is None else value for leaf, value in named.items()}
