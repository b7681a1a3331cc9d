"""The documents of a folder → what they share (`_defaults.yaml`), and each without it.

    documents ─► factor ─► defaults ─┐
    a document ──────────────────────┴─► relative ─► what its file still says

Loading gives every document back exactly as it was (`reconciler.definitions.defaults`). So a setting is shared
only where no document of its kind would get one that it does not have, the value of the most wins, and a part
of the defaults that does not make the folder's lines fewer is left out. A ghost is a comment wherever it
stands: in defaults it supplies nothing, and takes a line from every file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.definitions.build import kind_of
from reconciler.definitions.compose import Path
from reconciler.definitions.defaults import OPTIONAL, with_defaults
from reconciler.definitions.document import EXTRA
from reconciler.definitions.writer import is_ghost
from reconciler.export.values import alike, has_source, is_leaf, known, lines, lines_with_key, spelled
from reconciler.model.fields import ROWS, Kind

Document = Mapping[str, Any]

_ALONE = frozenset(("name", "template_name", "target_services", "services", "build_script", EXTRA))
"""What belongs to one build."""

_WHOLE = (("advanced_settings", "storages"), ("advanced_settings", "cache_setting"))

_TOP = {kind: {"project_key"}.union(row.path.partition(".")[0] for row in rows) for kind, rows in ROWS.items()}
_NOTHING = object()


def factor(documents: Sequence[Document], *, head: int = 2) -> dict[str, Any]:
    """Return the defaults that make a folder of documents smaller, {} where none do.

    Args:
        documents: as they stand in files, sources not resolved, ghosts included; their order does not matter.
        head: lines of the defaults' file beside the defaults themselves.
    """
    members = [(kind_of(document), document) for document in documents if not _is_apart(document)]
    shared: dict[str, Any] = {}
    for key in _in_order((), set().union(*_TOP.values()) - _ALONE):
        default = _shared((key,), [document.get(key, _NOTHING) for kind, document in members if key in _TOP[kind]])
        if default is not _NOTHING:
            shared[key] = default
    before = sum(lines(document) for _, document in members)
    after = lines(shared) + head
    for _, document in members:
        own = relative(document, shared)
        if own is None:
            return {}
        after += lines(own)
    return shared if after < before else {}


def relative(document: Document, defaults: Document) -> dict[str, Any] | None:
    """Return a document without what the defaults supply, None where they supply what it does not have.

    Args:
        document: as it stands in a file, sources not resolved, ghosts included. One with `no_defaults` stays whole.
        defaults: all that are in force in its folder, merged, sources not resolved. What they say under
            `x-reconciler` is about no value of the build and is passed over.
    """
    if _is_apart(document):
        return dict(document)
    below = {key: value for key, value in defaults.items() if key != EXTRA}
    own = _without(document, below, ())
    loaded = with_defaults(known(own), known(below), kind_of(document))
    return own if alike(loaded, known(document)) else None


def _is_apart(document: Document) -> bool:
    """Tell whether a document takes no defaults."""
    extra = document.get(EXTRA)
    return isinstance(extra, Mapping) and extra.get("no_defaults") is True


def _shared(path: Path, values: Sequence[Any]) -> Any:
    """Return what documents share at a path, `_NOTHING` where nothing.

    Args:
        path: keys from the document down.
        values: of each document that a default would reach: its value, or `_NOTHING`.
    """
    there = [value for value in values if value is not _NOTHING]
    if not there or (len(there) < len(values) and path not in OPTIONAL):
        return _NOTHING
    default = _favourite(there, path)
    if default is _NOTHING:
        default = _shared_inside(there, path)
    if default is _NOTHING:
        return _NOTHING
    own = [left for value in there if (left := _less(value, default, path)) is not _NOTHING]
    after = lines_with_key(default) + sum(map(lines_with_key, own))
    return default if after < sum(map(lines_with_key, there)) else _NOTHING


def _favourite(values: Sequence[Any], path: Path) -> Any:
    """Return the whole value that most documents have at a path, `_NOTHING` where it cannot be a default.

    A default brings no optional block, and does not take one away: of these only ghosts are shared as a whole.
    A default that is known would become the value of those for which nobody knows it.
    """
    words = [spelled(value) for value in values]
    word, count = min(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    alike = (value for value, spelling in zip(values, words, strict=True) if spelling == word)
    value = min(alike, key=lambda one: spelled(one, sort=False))
    if count < 2 or 2 * count <= len(values) or not is_leaf(value) or has_source(value):
        return _NOTHING
    if not is_ghost(value) and (path in OPTIONAL or any(map(is_ghost, values))):
        return _NOTHING
    return value


def _shared_inside(values: Sequence[Any], path: Path) -> Any:
    """Return what the mappings among the values share, key by key; what else stands there shuts defaults out.

    Small optional blocks stay whole in their documents: `{}` in their place would puzzle a reader for a line less.
    """
    if path in _WHOLE:
        return _NOTHING
    inside = [value for value in values if _is_mapping(value) and not (path in OPTIONAL and is_ghost(value))]
    shared = {}
    for key in _in_order(path, {key for mapping in inside for key in mapping}):
        default = _shared((*path, key), [mapping.get(key, _NOTHING) for mapping in inside])
        if default is not _NOTHING:
            shared[key] = default
    return shared or _NOTHING


def _without(mapping: Document, defaults: Document, path: Path) -> dict[str, Any]:
    """Return a mapping without what the defaults for it supply."""
    own = {key: _less(value, defaults.get(key, _NOTHING), (*path, key)) for key, value in mapping.items()}
    return {key: value for key, value in own.items() if value is not _NOTHING}


def _less(value: Any, default: Any, path: Path) -> Any:
    """Return a value without what its default supplies, `_NOTHING` where that is all of it.

    An optional block stays, be it empty: defaults apply only where it stands, and comments alone are no block.
    """
    if not (_is_mapping(value) and _is_mapping(default)):
        supplied = default is not _NOTHING and alike(value, default) and not has_source(value)
        return _NOTHING if supplied and (is_ghost(value) or path not in OPTIONAL) else value
    own = _without(value, default, path)
    if path in OPTIONAL and not is_ghost(value):
        return value if is_ghost(own) else own
    return own if own or (default and not value) else _NOTHING


def _is_mapping(value: Any) -> bool:
    return isinstance(value, dict) and not has_source(value, deep=False)


_PLACES: dict[Path, int] = {
    tuple(row.path.split(".")[: depth + 1]): number
    for kind in reversed(Kind)
    for number, row in reversed(list(enumerate(ROWS[kind])))
    for depth in range(row.path.count(".") + 1)
}
"""Path of a setting or a block → where the table has it."""


def _in_order(path: Path, keys: Iterable[str]) -> list[str]:
    """Return keys of a mapping in the order of the table; `project_key`, which it does not have, is the first."""
    return sorted(keys, key=lambda key: (key != "project_key", _PLACES.get((*path, key), len(_PLACES)), key))
