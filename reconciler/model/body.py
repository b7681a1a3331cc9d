"""Build → request body, by the table, compiled once into closures. Secrets stay sealed.

Only `reconciler.server.wire` opens them. What is absent stays out of the body; `null` must have been
resolved before (see `reconciler.plan.whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from reconciler.model.build import DEFAULT, Build, Values, elements_of
from reconciler.model.fields import ASTERISKS, PLAIN, ROWS, Elements, Kind, Leaf, Row, Type

ADVANCED = "advanced_settings"

Body = dict[str, Any]
Write = Callable[[Values, str, Collection[str], Body], None]
"""Writes one row of a level into a body; the text is the path in front of the level, "" or with its dot."""


def to_body(build: Build, kept: Collection[str] = ()) -> Body:
    """Return the JSON body of a create or update; its secrets are `Secret` objects.

    Args:
        build: every value that is to be sent.
        kept: paths of unchanged parameter values, sent as asterisks because the server logs bodies
            and keeps the stored value for them (contract, section 3; plain updates only).
    """
    body: Body = {"name": build.name, "project_key": build.project}
    alone = build.kind is Kind.PLAIN and build.values.get(ADVANCED) is DEFAULT
    for write in _WITHOUT_BLOCK if alone else _WRITES[build.kind]:
        write(build.values, "", kept, body)
    return body


def _compile(rows: tuple[Row, ...]) -> tuple[Write, ...]:
    return tuple(_list_writer(row) if isinstance(row, Elements) else _leaf_writer(row) for row in rows)


def _list_writer(row: Elements) -> Write:
    path, put, inner = row.path, _putter(row.path), _compile(row.rows)

    def write(values: Values, parent: str, kept: Collection[str], body: Body) -> None:
        if path in values:
            levels = []
            for element in elements_of(values[path]):
                level: Body = {}
                for one in inner:
                    one(element.values, f"{parent}{path}[{element.key}].", kept, level)
                levels.append(level)
            put(body, levels)

    return write


def _leaf_writer(row: Leaf) -> Write:
    path, put, is_block = row.path, _putter(row.path), row.type is Type.BLOCK

    def write(values: Values, parent: str, kept: Collection[str], body: Body) -> None:
        if path not in values:
            return
        value = values[path]
        if is_block:
            if value is True:
                put(body, {})
        elif kept and f"{parent}{path}" in kept:
            put(body, ASTERISKS)
        else:
            put(body, list(value) if isinstance(value, tuple) else value)

    return write


def _putter(path: str) -> Callable[[Body, object], None]:
    *blocks, leaf = path.split(".")

    def put(body: Body, value: object) -> None:
        for block in blocks:
            body = body.setdefault(block, {})
        body[leaf] = value

    return put


_WRITES = {kind: _compile(rows) for kind, rows in ROWS.items()}
_WITHOUT_BLOCK = _compile(tuple(row for row in PLAIN if not row.path.startswith(ADVANCED)))
