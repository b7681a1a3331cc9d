"""Build → request body, by the table. Secrets stay sealed: only `reconciler.server.wire` opens them.

What is absent stays out of the body; `null` must have been resolved before (see `reconciler.plan.whole`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from reconciler.model.build import DEFAULT, Build, Values, elements_of, join
from reconciler.model.fields import ASTERISKS, ROWS, Elements, Kind, Row, Type

ADVANCED = "advanced_settings"


def to_body(build: Build, kept: Collection[str] = ()) -> dict[str, Any]:
    """Return the JSON body of a create or update; its secrets are `Secret` objects.

    Args:
        build: every value that is to be sent.
        kept: paths of unchanged parameter values, sent as asterisks because the server logs bodies
            and keeps the stored value for them (contract, section 3; plain updates only).
    """
    values = build.values
    rows: tuple[Row, ...] = ROWS[build.kind]
    if build.kind is Kind.PLAIN and values.get(ADVANCED) is DEFAULT:
        rows = tuple(row for row in rows if not row.path.startswith(ADVANCED))
    return {"name": build.name, "project_key": build.project, **_level(rows, values, "", kept)}


def _level(rows: tuple[Row, ...], values: Values, parent: str, kept: Collection[str]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for row in rows:
        if row.path not in values:
            continue
        value = values[row.path]
        path = join(parent, row.path)
        if isinstance(row, Elements):
            elements = elements_of(value)
            _put(body, row.path, [_level(row.rows, e.values, f"{path}[{e.key}]", kept) for e in elements])
        elif row.type is Type.BLOCK:
            if value is True:
                _put(body, row.path, {})
        elif path in kept:
            _put(body, row.path, ASTERISKS)
        else:
            _put(body, row.path, list(value) if isinstance(value, tuple) else value)
    return body


def _put(body: dict[str, Any], path: str, value: object) -> None:
    *blocks, leaf = path.split(".")
    for block in blocks:
        body = body.setdefault(block, {})
    body[leaf] = value
