"""What several builds share changes only where all of them agree; else the build gets its own.

    texts in files   all users of the file want the same new text ─► the file changes
                     else ─► a file of its own beside the definition
    defaults         all who take a value from a file want the same other one ─► the file changes
                     else ─► the definition says it itself (`reconciler.export.placing`)

Users are all definitions of the tree, also those that nobody looked at: they want what they have.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import lookup
from reconciler.definitions.layers import Layers, Source, copied, equal
from reconciler.definitions.opened import OpenDefinition, Opened, folder_of
from reconciler.definitions.sources import FROM_FILE
from reconciler.export.placing import ABSENT, differing
from reconciler.export.taking import Rewritten


@dataclass(slots=True)
class Wish:
    """What should be in force for one definition.

    Attributes:
        definition: as it is.
        now: what is in force; None: nobody has asked yet.
        target: what should be, in place of `now`; the same object where nothing changes.
        converted: it describes a build of the other kind then.
    """

    definition: OpenDefinition
    now: dict[str, Any]
    target: dict[str, Any]
    converted: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """What changes beside the definitions: path → new text of a script, path → new document of a defaults file."""

    scripts: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def share(opened: Opened, wishes: list[Wish], frozen: Collection[str]) -> Shared:
    """Return what changes for all; texts in the wishes become sources again.

    Args:
        opened: the tree.
        wishes: one for every definition of it.
        frozen: files that may not change.
    """
    scripts = _Scripts(opened, frozenset(frozen)).settle(wishes)
    defaults = _Defaults(opened, frozenset(frozen)).settle(wishes) if not opened.broken else {}
    return Shared(scripts, defaults)


@dataclass(slots=True)
class _Scripts:
    opened: Opened
    frozen: frozenset[str]
    texts: dict[str, str] = field(default_factory=dict)

    def settle(self, wishes: list[Wish]) -> dict[str, str]:
        """Put a source in the place of every new text; return path → text of the files that hold them."""
        new = [(wish, found) for wish in wishes if wish.target is not wish.now for found in rewritten(wish.target)]
        files = {text.source.target for _, (_, text) in new}
        wanted = self._wanted(wishes, files) if files else {}
        for wish, (path, text) in new:
            file = text.source.target
            agreed = len(wanted[file]) == 1 and not self.opened.broken and self._is_script(file)
            _set(wish.target, path, text.source if agreed else self._own(wish, text))
            if agreed:
                self.texts[file] = text.text
        return self.texts

    def _wanted(self, wishes: list[Wish], files: set[str]) -> dict[str, set[str | None]]:
        """Return what the users of some files want them to hold, None for what they do."""
        wanted = defaultdict[str, set[str | None]](set)
        for wish in wishes:
            for _, value in _nodes(wish.target):
                if isinstance(value, Rewritten):
                    wanted[value.source.target].add(value.text)
                elif isinstance(value, Source) and value.kind == FROM_FILE and value.target in files:
                    wanted[value.target].add(None)
        return wanted

    def _is_script(self, file: str) -> bool:
        return file not in self.frozen and file not in self.opened.texts

    def _own(self, wish: Wish, text: Rewritten) -> Source:
        """Give a definition a file of its own, under a name that is not taken."""
        stem = posixpath.splitext(wish.definition.file)[0]
        ending = posixpath.splitext(text.source.target)[1] or ".sh"
        names = (f"{stem}{'' if number == 1 else f'-{number}'}{ending}" for number in range(1, 10_000))
        there = {*self.opened.taken, *(path.lower() for path in self.texts)}
        path = next(name for name in names if name.lower() not in there)
        self.texts[path] = text.text
        folder = folder_of(path)
        return Source(FROM_FILE, path, posixpath.basename(path), folder)


def rewritten(document: Any) -> list[tuple[Path, Rewritten]]:
    """Return every text of a document that should be another in its file, with its path."""
    return [(path, value) for path, value in _nodes(document) if isinstance(value, Rewritten)]


def scripts_named(document: Any) -> set[str]:
    """Return the files that a document takes texts from."""
    found = {value.source if isinstance(value, Rewritten) else value for _, value in _nodes(document)}
    return {source.target for source in found if isinstance(source, Source) and source.kind == FROM_FILE}


def _nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _nodes(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _nodes(item, (*path, place))
    else:
        yield path, value


def _set(document: Any, path: Path, value: Any) -> None:
    lookup(document, path[:-1])[path[-1]] = value


@dataclass(slots=True)
class _Defaults:
    opened: Opened
    frozen: frozenset[str]

    def settle(self, wishes: list[Wish]) -> dict[str, dict[str, Any]]:
        """Return path → new document of each defaults file that changes for all."""
        wanted = defaultdict[tuple[str, Path], list[Any]](list)
        for wish in wishes:
            if wish.target is wish.now or wish.converted:
                continue
            for path, value in differing(wish.now, wish.target):
                file = wish.definition.supplier(path)
                if file in wish.definition.chain and not isinstance(lookup(wish.now, path), dict):
                    wanted[str(file), path].append(value)
        changed: dict[str, dict[str, Any]] = {}
        for (file, path), values in wanted.items():
            if file not in self.frozen and self._agree(file, path, values):
                document = changed.setdefault(file, copied(self.opened.defaults[file].value))
                _take(document, path, values[0])
        return changed

    def _agree(self, file: str, path: Path, values: list[Any]) -> bool:
        """Tell whether all who take a value from a file want the same in its place, and nothing but that follows."""
        first = values[0]
        if isinstance(first, dict) or not all(equal(first, value) for value in values[1:]):
            return False
        users = self.opened.users_of_defaults(file, path)
        return len(users) == len(values) and (first is not ABSENT or not any(map(_is_below(file, path), users)))


def _is_below(file: str, path: Path) -> Any:
    """Return what tells whether another defaults file would supply a path in this one's place."""

    def below(one: OpenDefinition) -> bool:
        under = one.layers.chain[: one.chain.index(file)]
        return Layers(one.layers.own, under, one.kind).supplier(path) is not None

    return below


def _take(document: dict[str, Any], path: Path, value: Any) -> None:
    parent = lookup(document, path[:-1])
    if value is not ABSENT:
        parent[path[-1]] = copied(value)
        return
    parent.pop(path[-1], None)
    for depth in range(len(path) - 1, 0, -1):
        if lookup(document, path[:depth]) == {}:
            del lookup(document, path[: depth - 1])[path[depth - 1]]
