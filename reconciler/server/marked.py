"""What an answer holds at the places that are marked as secret, whatever it looks like there.

An answer can hold what no build of its kind has: of a template build it shows what is left of the plain one that
it was, and the internal read shows what detail hides.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from reconciler.model.build import keyed
from reconciler.model.fields import ROWS, Elements, Row
from reconciler.model.secret import Secret
from reconciler.server.typed import Json

Where = Callable[[Row], str]
"""Where an answer has a row: `Row.detail` or `Row.internal`."""


def in_detail(answer: Json, paths: Collection[str]) -> Iterator[Secret]:
    """Yield the texts at some paths of the table in a detail. Never raises: what has another shape holds none."""
    for rows in ROWS.values():
        yield from _level(rows, answer, "", (lambda row: row.detail, paths))


def in_internal(answer: Json, paths: Collection[str]) -> Iterator[Secret]:
    """Yield the same of the internal read."""
    for rows in ROWS.values():
        yield from _level(rows, answer, "", (lambda row: row.internal, paths))


def _level(rows: tuple[Row, ...], answer: Json, parent: str, look: tuple[Where, Collection[str]]) -> Iterator[Secret]:
    where, paths = look
    for row in rows:
        found = _at(answer, where(row))
        if isinstance(row, Elements):
            items = [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
            names = {leaf.path: where(leaf) for leaf in row.rows if leaf.path in row.key}
            levels = [{path: str(_at(item, name) or "") for path, name in names.items()} for item in items]
            for element, item in zip(keyed(row, levels), items, strict=True):
                yield from _level(row.rows, item, f"{parent}{row.path}[{element.key}].", look)
        elif f"{parent}{row.path}" in paths:
            yield from map(Secret, _texts(found))


def _at(answer: Json, path: str) -> Any:
    found: Any = answer
    for step in path.split("."):
        found = found.get(step) if path and isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and item:
            yield item
