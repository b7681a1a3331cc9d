"""A checked document → the canonical build, by the table of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.build import DEFAULT, Build, Value, Values, keyed
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Type
from reconciler.model.secret import Secret

_ABSENT = object()
_DOCKER = "docker_build_step"
_STEPS = {row.path: tuple(row.path.split(".")) for rows in ROWS.values() for row in rows}


def kind_of(value: Mapping[str, Any]) -> Kind:
    """Return the kind of build that a document describes: one of a template has a key of templates."""
    return Kind.TEMPLATE if "template_name" in value or "target_services" in value else Kind.PLAIN


def to_build(value: Mapping[str, Any], kind: Kind) -> Build:
    """Return the build that a valid document declares: absent stays absent, null becomes `DEFAULT`."""
    return Build(kind, value["project_key"], value["name"], _level(ROWS[kind], value))


def _level(rows: tuple[Row, ...], raw: Mapping[str, Any]) -> Values:
    credential = raw.get("is_credential") is True
    values: dict[str, Value] = {}
    for row in rows:
        given = _find(raw, row.path)
        if given is _ABSENT:
            continue
        if given is None:
            values[row.path] = DEFAULT
        elif isinstance(row, Elements):
            values[row.path] = keyed(row, [_level(row.rows, element) for element in given])
        elif row.type is Type.BLOCK:
            if row.path == _DOCKER:
                values[row.path] = True
        else:
            values[row.path] = _leaf(row, given, credential=credential)
    return values


def _leaf(row: Leaf, given: Any, *, credential: bool) -> Value:
    if row.type is Type.STRINGS:
        return tuple(given)
    if row.secret and credential and isinstance(given, str):
        return Secret(given)
    value: Value = given
    return value


def _find(raw: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path; null where a block above is null, except the build step's own leaves."""
    node: Any = raw
    for step in _STEPS.get(path) or (path,):
        if node is None:
            return _ABSENT if path.startswith(f"{_DOCKER}.") else None
        if step not in node:
            return _ABSENT
        node = node[step]
    return node


def unset_names(values: Values) -> set[str]:
    """Return the names of environment variables that a build needs and that hold nothing."""
    names: set[str] = set()
    for value in values.values():
        if isinstance(value, Secret):
            if not value.is_set and value.name:
                names.add(value.name)
        elif isinstance(value, tuple):
            for item in value:
                if not isinstance(item, str):
                    names |= unset_names(item.values)
    return names
