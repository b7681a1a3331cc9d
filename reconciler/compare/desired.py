"""One build as two trees declare it: the changes, in the order of the table.

    absent → declared   added        declared → absent   released: the server keeps what it has
    null is what it stands for: nothing differs where the other side writes that very default out
    an element of a list that is gone is removed, an input of a template released: the server keeps it

No server is known here: what is null is told as null. Values that are secret never get into a `Change`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.compare.resolve import BLOCK, DOCKER, default_of
from reconciler.compare.show import shown, shown_level, shown_value
from reconciler.model.build import CHOICES, DEFAULT, Build, Element, Value, Values, elements_of, join, same
from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.declared import choice_paths, secret_paths
from reconciler.model.fields import PLAIN, ROWS, Elements, Leaf, Row, Type, walk
from reconciler.model.secret import Secret

_DOCKER_ROWS = tuple(row for row in PLAIN if row.path.startswith(f"{DOCKER}."))

_LEAVES = tuple((path.rpartition(".")[2], row) for rows in ROWS.values() for path, row in walk(rows))
_HIDING = frozenset(CHOICES).union(name for name, row in _LEAVES if isinstance(row, Leaf) and row.secret)
"""Leaves that are secret beside a credential's mark, whatever they hold."""


def changes(old: Build, new: Build) -> tuple[Change, ...]:
    """Return what differs between two declarations of one build, also of one that becomes one of the other kind."""
    if old.kind is not new.kind:
        return (*added(new), *removed(old))
    found = tuple(_Pair(old.values, new.values).changes(ROWS[new.kind]))
    return _untold(found, old, new) if found else ()


def added(build: Build) -> tuple[Change, ...]:
    """Return all that a build declares, as it is where no build was before."""
    return _untold(tuple(_Pair({}, build.values).changes(ROWS[build.kind])), build, build)


def removed(build: Build) -> tuple[Change, ...]:
    """Return all that a build declared, as it is where none is any more."""
    return tuple(replace(c, kind=ChangeKind.REMOVED, before=c.after, after=None) for c in added(build))


def _untold(found: tuple[Change, ...], *builds: Build) -> tuple[Change, ...]:
    """Take the values out of the changes of what is secret on either side, a credential's choices too."""
    if not any(change.path.rpartition(".")[2] in _HIDING for change in found):
        return found  # what a `Secret` is on either side is sensitive already
    secret = frozenset[str]().union(*(paths(build) for build in builds for paths in (secret_paths, choice_paths)))
    return tuple(
        replace(change, before=None, after=None, sensitive=True) if change.path in secret else change
        for change in found
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    """A level of values on both sides, and the path in front of it."""

    old: Values
    new: Values
    parent: str = ""

    def changes(self, rows: tuple[Row, ...]) -> Iterator[Change]:
        """Compare two levels, row by row."""
        one_step = (self.old.get(DOCKER) is True) != (self.new.get(DOCKER) is True)
        for row in rows:
            if one_step and row.path.startswith(f"{DOCKER}."):
                continue
            old, new = self._side(row, self.old), self._side(row, self.new)
            if old is None and new is None:
                continue
            path = join(self.parent, row.path)
            if isinstance(row, Elements):
                yield from _list(row, path, old, new)
            elif row.path == DOCKER and one_step:
                yield self._docker(new)
            elif old is None or new is None or not _equal(row, old, new):
                yield from self._leaf(row, path, old, new)

    @staticmethod
    def _side(row: Row, values: Values) -> Value | None:
        """Return what a side declares; below a block that is null as a whole that is nothing."""
        if values.get(BLOCK) is DEFAULT and row.path.startswith(f"{BLOCK}."):
            return None
        return values.get(row.path)

    def _leaf(self, row: Leaf, path: str, old: Value | None, new: Value | None) -> Iterator[Change]:
        text, sensitive = row.type is Type.TEXT, isinstance(old, Secret) or isinstance(new, Secret)
        before, after = (None if sensitive or value is None else shown(value) for value in (old, new))
        if old is None:
            yield Change(path, ChangeKind.ADDED, after=after, sensitive=sensitive, text=text)
        elif new is not None:
            yield Change(path, ChangeKind.CHANGED, before, after, sensitive, text=text)
        elif self.new.get(BLOCK) is DEFAULT and row.path.startswith(f"{BLOCK}."):
            yield Change(path, ChangeKind.REMOVED, before=before, sensitive=sensitive, text=text)
        else:
            yield Change(path, ChangeKind.RELEASED, before, before, sensitive, text=text)

    def _docker(self, new: Value | None) -> Change:
        if new is True:
            return Change(DOCKER, ChangeKind.ADDED, after=shown_level(_DOCKER_ROWS, self.new, f"{DOCKER}."))
        before = shown_level(_DOCKER_ROWS, self.old, f"{DOCKER}.")
        if new is DEFAULT:
            return Change(DOCKER, ChangeKind.REMOVED, before=before)
        return Change(DOCKER, ChangeKind.RELEASED, before, before)


def _equal(row: Leaf, old: Value, new: Value) -> bool:
    """Tell whether two values mean the same: null is the default, as far as one is known without a server."""
    if old is new:
        return True
    left, right = (default_of(row, None) if value is DEFAULT else value for value in (old, new))
    return left is not None and right is not None and same(left, right)


def _list(row: Elements, path: str, old: Value | None, new: Value | None) -> Iterator[Change]:
    if new is None:
        value = None if old is DEFAULT else shown_value(row, old or ())
        yield Change(path, ChangeKind.RELEASED, value, value)
        return
    if old is None and not elements_of(new):
        yield Change(path, ChangeKind.ADDED, after=None if new is DEFAULT else [])
        return
    yield from _elements(row, path, elements_of(old), elements_of(new))


def _elements(row: Elements, path: str, old: tuple[Element, ...], new: tuple[Element, ...]) -> Iterator[Change]:
    was, now = {e.key: e.values for e in old}, {e.key: e.values for e in new}
    gone = ChangeKind.RELEASED if row.path == "inputs" else ChangeKind.REMOVED
    for key in {**was, **now}:
        here = f"{path}[{key}]"
        if key not in now:
            before = shown_level(row.rows, was[key])
            yield Change(here, gone, before, before if gone is ChangeKind.RELEASED else None)
        elif key not in was:
            yield Change(here, ChangeKind.ADDED, after=shown_level(row.rows, now[key]))
        elif was[key] != now[key]:
            yield from _Pair(was[key], now[key], here).changes(row.rows)
    before_order: list[Shown] = [key for key in was if key in now]
    after_order: list[Shown] = [key for key in now if key in was]
    if row.ordered and before_order != after_order:
        yield Change(path, ChangeKind.MOVED, before=before_order, after=after_order)
