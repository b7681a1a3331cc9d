"""Values as a reader may see them: plain JSON, secrets masked, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model.build import CHOICES, DEFAULT, Value, Values, elements_of, join
from reconciler.model.change import Shown
from reconciler.model.fields import Elements, Leaf, Row
from reconciler.model.secret import MASK, Secret


def shown(value: Value) -> Shown:
    """Return a leaf's value: a secret as its mask, null as None, a list of strings as a list."""
    if isinstance(value, Secret):
        return MASK
    if value is DEFAULT:
        return None
    if isinstance(value, tuple):
        return [str(item) for item in value]
    return value


def shown_value(row: Row, value: Value) -> Shown:
    """Return the value of any row; a list of elements as a list of objects."""
    if isinstance(row, Elements):
        return [shown_level(row.rows, element.values) for element in elements_of(value)]
    return shown(value)


def shown_level(rows: tuple[Row, ...], values: Values, prefix: str = "") -> dict[str, Shown]:
    """Return a level as one object, its keys without `prefix`.

    The value of a template's input whose flag is left out may be a credential by the template: masked.
    """
    level = {row.path.removeprefix(prefix): shown_value(row, values[row.path]) for row in rows if row.path in values}
    if values.get("is_credential") is True:
        level |= {path: MASK for path in CHOICES if level.get(path)}
    is_input = any(isinstance(row, Leaf) and row.path == "value" and row.secret for row in rows)
    if is_input and "value" in level and "is_credential" not in level:
        level["value"] = MASK
    return level


def is_masked(value: Shown) -> bool:
    """Tell whether a mask stands anywhere in a value, so that it does not say all."""
    if isinstance(value, list):
        return any(is_masked(item) for item in value)
    return any(is_masked(item) for item in value.values()) if isinstance(value, dict) else value == MASK


def path_of(keys: Iterable[str]) -> str:
    """("parameters", "PW", "default_value") → "parameters[PW].default_value": lists and keys alternate."""
    path = ""
    for place, key in enumerate(keys):
        path = f"{path}[{key}]" if place % 2 else join(path, key)
    return path
