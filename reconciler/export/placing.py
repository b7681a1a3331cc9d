"""What should be in force → the document that makes it so over the defaults that are there.

    own document ─► in force, with the defaults ─► where that is not as it should be: written into the document
          ▲                                                     │
          └─────────────────── again, until nothing differs ◄───┘

What defaults supply and nobody wants is written as null. A block that is new leaves out what they supply.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.defaults import OPTIONAL
from reconciler.definitions.document import exists, lookup
from reconciler.definitions.layers import Layers, copied, equal
from reconciler.model.fields import Kind

ABSENT = object()
"""Stands for no value at all."""

_ROUNDS = 4
"""A null can uncover what it replaced; nothing is deeper than that."""


def placed(own: dict[str, Any], chain: tuple[dict[str, Any], ...], kind: Kind, target: dict[str, Any]) -> Any:
    """Return the document with which `target` is in force; None where no document does that.

    Args:
        own: the document as it is; it is not changed.
        chain: the defaults above it, the root's first.
        kind: of the target.
        target: what should be in force, null and absent being the same where defaults leave no choice.
    """
    document = copied(own)
    for _ in range(_ROUNDS):
        gaps = list(differing(Layers(document, chain, kind).effective(), target))
        if not gaps:
            return document
        for path, value in gaps:
            _put(document, path, value)
            if isinstance(value, dict):
                _lean(document, path, chain, kind)
    return None


def differing(now: dict[str, Any], target: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield where two documents differ, and what the second has there, `ABSENT` where it has nothing.

    Null where nothing is wanted is no difference.
    """
    for key in [*target, *(key for key in now if key not in target)]:
        here = (*path, key)
        have, want = now.get(key, ABSENT), target.get(key, ABSENT)
        if isinstance(have, dict) and isinstance(want, dict):
            yield from differing(have, want, here)
        elif want is ABSENT:
            if have is not None:
                yield here, ABSENT
        elif have is ABSENT or not equal(have, want):
            yield here, want


def _put(document: dict[str, Any], path: Path, value: Any) -> None:
    parent: Any = document
    for step in path[:-1]:
        if not isinstance(parent.get(step), dict):
            parent[step] = {}
        parent = parent[step]
    if value is not ABSENT:
        parent[path[-1]] = copied(value)
    elif parent.pop(path[-1], ABSENT) is ABSENT:
        parent[path[-1]] = None


def _lean(document: dict[str, Any], path: Path, chain: tuple[dict[str, Any], ...], kind: Kind) -> None:
    """Take out of a new block what is in force without it."""
    for leaf in list(leaves(lookup(document, path), path)):
        trial = copied(document)
        value = lookup(trial, leaf[:-1]).pop(leaf[-1])
        effective = Layers(trial, chain, kind).effective()
        if exists(effective, leaf) and equal(lookup(effective, leaf), value):
            del lookup(document, leaf[:-1])[leaf[-1]]
    prune(document, path)


def prune(document: dict[str, Any], path: Path) -> None:
    """Take a block away that is empty, and what it leaves empty: where being there does not mean anything."""
    block = lookup(document, path)
    for key in list(block) if isinstance(block, dict) else []:
        prune(document, (*path, key))
    if path and block == {} and path not in OPTIONAL:
        del lookup(document, path[:-1])[path[-1]]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of everything in a document that is no mapping."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    else:
        yield path
