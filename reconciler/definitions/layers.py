"""A definition as it stands in files: its own document over the defaults of the folders above, sources as they are.

    defaults of the root ─► … ─► of its folder ─► its own document
             └───────────────┬──────────────────────────┘
                    effective(): all of it        supplier(path): whose value is in force

A source (`{from_file: build.sh}`) is one value here and never merged, as in the loader, which resolves it first.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.defaults import OPTIONAL, TOP, merge, with_defaults
from reconciler.definitions.document import EXTRA, lookup
from reconciler.definitions.sources import FROM_ENV, FROM_FILE
from reconciler.model.fields import Kind


@dataclass(frozen=True, slots=True)
class Source:
    """A value that stands elsewhere. Equal to every other source of the same variable or file.

    Attributes:
        kind: `from_env` or `from_file`.
        target: the variable's name; the file's path relative to the root, its links followed.
        text: as it is written.
        folder: what a written path is relative to: a folder, relative to the root.
    """

    kind: str
    target: str
    text: str = field(compare=False)
    folder: str = field(default="", compare=False)

    def written(self, folder: str) -> dict[str, str]:
        """Return it as a document in some folder writes it."""
        if self.kind == FROM_ENV or folder == self.folder:
            return {self.kind: self.text}
        return {self.kind: posixpath.relpath(self.target, folder or ".")}


def with_sources(raw: Any, folder: str, target: Callable[[str], str]) -> Any:
    """Return a copy of a raw document with a `Source` for each source; what is ours is left as it is.

    Args:
        raw: mappings, lists and values as the reader made them.
        folder: the document's folder, relative to the root.
        target: path of a `from_file` → the file's path relative to the root.
    """
    if isinstance(raw, Mapping):
        if len(raw) == 1:
            ((key, text),) = raw.items()
            if key in (FROM_ENV, FROM_FILE) and isinstance(text, str):
                return Source(key, text if key == FROM_ENV else target(text), text, folder)
        return {k: copied(v) if k == EXTRA else with_sources(v, folder, target) for k, v in raw.items()}
    return [with_sources(item, folder, target) for item in raw] if isinstance(raw, list) else copied(raw)


def without_sources(value: Any, folder: str) -> Any:
    """Return a value as a document in some folder writes it."""
    if isinstance(value, Source):
        return value.written(folder)
    if isinstance(value, Mapping):
        return {key: without_sources(item, folder) for key, item in value.items()}
    return [without_sources(item, folder) for item in value] if isinstance(value, list) else value


def copied(value: Any) -> Any:
    """Return a copy of mappings and lists that shares nothing; of a text with a remark, the text."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return str(value) if isinstance(value, str) else value


def equal(left: Any, right: Any) -> bool:
    """Tell whether two values are the same in a file: types count, the order of keys does not."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


@dataclass(frozen=True, slots=True)
class Layers:
    """A document and the defaults above it, sources as `Source`.

    Attributes:
        own: the document; values are shared, do not change them.
        chain: defaults from the root's down to its folder's; `()` where it takes none.
        kind: what the document describes.
    """

    own: dict[str, Any]
    chain: tuple[dict[str, Any], ...]
    kind: Kind

    def effective(self) -> dict[str, Any]:
        """Return what is in force, as a copy."""
        merged: dict[str, Any] = {}
        for defaults in self.chain:
            merged = merge(merged, defaults)
        whole: dict[str, Any] = copied(with_defaults(self.own, merged, self.kind))
        return whole

    def supplier(self, path: Path) -> int | None:
        """Return whose value is in force at a path of mappings: -1 own, else the place in the chain; None: nobody's.

        Lists and sources are whole: `path` ends at them.
        """
        verdict = _value_at(self.own, path)
        if verdict is not None:
            return -1 if verdict else None
        if not self._takes(path):
            return None
        for place in reversed(range(len(self.chain))):
            verdict = _value_at(self.chain[place], path)
            if verdict is not None:
                return place if verdict else None
        return None

    def _takes(self, path: Path) -> bool:
        """Tell whether defaults apply there at all."""
        there = [block for block in OPTIONAL if path[: len(block)] == block]
        return path[0] in TOP[self.kind] and all(isinstance(lookup(self.own, block), dict) for block in there)


def _value_at(layer: dict[str, Any], path: Path) -> bool | None:
    """Tell whether a layer has a value there; False: what it has above ends the path; None: it leaves it to others."""
    node: Any = layer
    for step in path:
        if not isinstance(node, dict):
            return False
        if step not in node:
            return None
        node = node[step]
    return True
