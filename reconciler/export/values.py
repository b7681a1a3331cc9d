"""Values of a document as they stand in a file: which are alike, how many lines they take, what they supply.

a value ─┬─► spelled: the same text for the same value (and for the same comment)
         ├─► known: as loading sees it, without ghosts
         └─► lines
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reconciler.definitions.sources import FROM_ENV, FROM_FILE
from reconciler.definitions.writer import Remarked, is_ghost, render

_SOURCES = ({FROM_ENV}, {FROM_FILE})
_PLAIN = (str, int, bool)


def spelled(value: Any, *, sort: bool = True) -> str:
    """Return a value as text: another one for every other value, ghost, remark or type. `sort`: keys in any order."""
    return json.dumps(_plain(value), sort_keys=sort)


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are spelled alike."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, Remarked) and isinstance(other, Remarked):
        return one == other and one.remark == other.remark
    return type(one) is type(other) and bool(one == other)


def _plain(value: Any) -> Any:
    """Return a value as JSON that tells what looks alike apart."""
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return {"": [value, value.remark] if isinstance(value, Remarked) else repr(value)}


def known(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping as loading sees it: without ghosts, a source as one value."""
    return {key: _known(value) for key, value in document.items() if not is_ghost(value)}


def _known(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return [dict(value)] if has_source(value, deep=False) else known(value)


def has_source(value: Any, *, deep: bool = True) -> bool:
    """Tell whether a value comes from the environment or a file. `deep`: or anything inside of it."""
    if isinstance(value, dict):
        return value.keys() in _SOURCES or (deep and any(map(has_source, value.values())))
    return deep and isinstance(value, list) and any(map(has_source, value))


def is_leaf(value: Any) -> bool:
    """Tell whether a value replaces a default as a whole: everything but a mapping of which something is known."""
    return not isinstance(value, dict) or not value or has_source(value, deep=False) or is_ghost(value)


def lines(value: Any) -> int:
    """Return how many lines a mapping or a list takes, the line of its own key not counted."""
    if isinstance(value, list):
        return sum(max(lines(item), 1) if isinstance(item, dict) else 1 for item in value)
    return sum(map(lines_with_key, value.values()))


def lines_with_key(value: Any) -> int:
    """Return how many lines a value takes under its key, that of the key counted."""
    if isinstance(value, str):
        return render({"key": value}).count("\n") if "\n" in value else 1
    if isinstance(value, dict):
        return 1 if has_source(value, deep=False) else 1 + lines(value)
    return 1 + lines(value) if isinstance(value, list) else 1
