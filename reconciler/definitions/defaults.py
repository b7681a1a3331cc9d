"""`_defaults.yaml`: what the documents of a folder and below share.

Maps merge, lists and scalars replace, the nearest wins. Keys that a document's kind lacks do not apply.
Inside the objects of `OPTIONAL`, whose presence means something, a default applies only where the document
has that object itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import EXTRA, lookup
from reconciler.model.fields import ROWS, Kind

OPTIONAL: tuple[Path, ...] = (
    ("docker_build_step",),
    ("advanced_settings", "storages"),
    ("advanced_settings", "cache_setting"),
)

TOP = {
    kind: frozenset({"project_key", EXTRA}).union(row.path.partition(".")[0] for row in rows)
    for kind, rows in ROWS.items()
}
"""Kind → the keys of defaults that apply to it."""


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return `above` laid over `below`: mappings merge, everything else replaces. Neither is changed."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def with_defaults(own: dict[str, Any], defaults: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """Return a document with the defaults that apply to it."""
    if not defaults:
        return own
    applying = {key: value for key, value in defaults.items() if key in TOP[kind]}
    for path in OPTIONAL:
        if not isinstance(lookup(own, path), dict):
            applying = _without(applying, path)
    return merge(applying, own)


def _without(values: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a copy without a path; a parent that it leaves empty goes too, since nobody wrote `{}`."""
    key, rest = str(path[0]), path[1:]
    if key not in values:
        return values
    if not rest:
        return {name: value for name, value in values.items() if name != key}
    inner = values[key]
    if not isinstance(inner, dict):
        return values
    kept = _without(inner, rest)
    if inner and not kept:
        return {name: value for name, value in values.items() if name != key}
    return {**values, key: kept}
