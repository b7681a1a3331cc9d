"""A definition with its defaults, and what it takes from the server → the definition as it should be in force.

    null blocks, the image step ─► leaves ─► elements that go, come, move
                 └── each as the page of the live build has it ──┘

Whatever is not taken stays as it is in Git. What the page does not have where the server differs, because no
definition can hold it, stays too, and is told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.document import exists, lookup
from reconciler.definitions.layers import Source, copied, equal, with_sources
from reconciler.definitions.sources import FROM_ENV
from reconciler.definitions.writer import is_ghost
from reconciler.export.deciding import Decision, Remark, null_blocks
from reconciler.export.document import Page
from reconciler.export.locating import Place, keys_of, located
from reconciler.model.change import Change, ChangeKind
from reconciler.model.exported import Topic
from reconciler.model.fields import FOLLOWERS, Elements, Kind
from reconciler.model.threeway import is_within

DOCKER = "docker_build_step"
_STRATEGY = "advanced_settings.strategy_name"
_UNWRITABLE = "no definition can hold what the server has here"
_NEVER = "it differs, and is as secret as a credential: compare the two by hand"


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A text that stands in a file of its own, and should be another. `source`: where it stands today."""

    source: Source
    text: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A definition as it should be in force, and what could not be taken."""

    document: dict[str, Any]
    remarks: tuple[Remark, ...] = ()


def clean(page: Page) -> dict[str, Any]:
    """Return a page's document without comments, sources as `Source`."""
    made: dict[str, Any] = with_sources(_without_ghosts(page.document), "", lambda text: text)
    return made


def _without_ghosts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_ghosts(item) for key, item in value.items() if not is_ghost(item)}
    return [_without_ghosts(item) for item in value] if isinstance(value, list) else value


def take(whole: dict[str, Any], kind: Kind, page: Page, decision: Decision) -> Taken:
    """Return a definition with what it takes.

    Args:
        whole: the definition with its defaults, sources as `Source`; it is not changed.
        kind: of both sides.
        page: what an export of the live build alone would write.
        decision: what to take.
    """
    repeating = tuple(note.path for note in page.notes if note.topic == Topic.REPEATS.value)
    taking = _Taking(copied(whole), clean(page), kind, page.unknown, repeating)
    taking.all(decision)
    return Taken(taking.document, tuple(taking.remarks))


@dataclass(slots=True)
class _Move:
    """What happens to a list: keys of elements that go and come, and whether the order is the server's."""

    row: Elements
    gone: list[str] = field(default_factory=list)
    come: list[str] = field(default_factory=list)
    ordered: bool = False


@dataclass(slots=True)
class _Taking:
    document: dict[str, Any]
    live: dict[str, Any]
    kind: Kind
    unknown: tuple[str, ...]
    repeating: tuple[str, ...]
    remarks: list[Remark] = field(default_factory=list)
    mine: dict[str, Place] = field(default_factory=dict)
    theirs: dict[str, Place] = field(default_factory=dict)

    def all(self, decision: Decision) -> None:
        """Take every change; tell of every secret that differs."""
        blocks = [*null_blocks(self.document, self.kind), DOCKER]
        left, whole = [], set()
        for change in decision.taken:
            block = next(
                (b for b in blocks if b == change.path or (b != DOCKER and is_within(change.path, (b,)))), None
            )
            whole |= {block} if block else set()
            left += [] if block else [change]
        for block in sorted(block for block in whole if block):
            self._block(block)
        self.mine, self.theirs = located(self.document, self.kind), located(self.live, self.kind)
        for change in left:
            if change.kind is ChangeKind.CHANGED:
                self._leaf(change.path)
        covered = self._new_credentials(left)
        self._lists([change for change in left if change.kind is not ChangeKind.CHANGED])
        self.remarks += [self._secret(change) for change in decision.secret if change.path not in covered]

    def _block(self, block: str) -> None:
        steps = tuple(block.split("."))
        if exists(self.live, steps):
            _put(self.document, steps, copied(lookup(self.live, steps)))
        else:
            self._unwritable(block)

    def _leaf(self, path: str) -> None:
        """Take a leaf, and what follows from it; one that Git does not declare only follows."""
        place = self.mine.get(path)
        if place is None:
            return
        if path not in self.theirs and not self._may_go(path):
            self._unwritable(path)
            return
        self._set(path, place.at)
        for follower in FOLLOWERS.get(path, ()):
            if follower != _STRATEGY:
                self._set(follower, (*place.at[:-1], follower.rpartition(".")[2]))

    def _may_go(self, path: str) -> bool:
        """Tell whether a leaf can be left out: the page would have it if it were anything."""
        parent = path.rpartition("].")[0]
        return not is_within(path, self.unknown) and (not parent or f"{parent}]" in self.theirs)

    def _set(self, path: str, at: tuple[str | int, ...]) -> None:
        theirs = self.theirs.get(path)
        if theirs is None:
            _drop(self.document, at)
            return
        value, before = copied(lookup(self.live, theirs.at)), lookup(self.document, at)
        if isinstance(before, Source) and before.kind == FROM_ENV:
            self.remarks.append(self._told(before, path))
            return
        if isinstance(before, Source) and isinstance(value, str):
            value = Rewritten(before, value)
        _put(self.document, at, value)

    def _new_credentials(self, changes: Iterable[Change]) -> set[str]:
        """Put sources in the place of values that the server holds as credentials now; return their paths."""
        covered = set()
        for change in changes:
            element, _, leaf = change.path.rpartition(".")
            place, theirs = self.mine.get(change.path), self.theirs.get(change.path)
            if leaf != "is_credential" or not place or not theirs or lookup(self.live, theirs.at) is not True:
                continue
            secret = "default_value" if element.startswith("parameters[") else "value"
            at = (*place.at[:-1], secret)
            value = lookup(self.document, at)
            if exists(self.document, at) and not (isinstance(value, Source) and value.kind == FROM_ENV):
                self._set(f"{element}.{secret}", at)
                covered.add(f"{element}.{secret}")
        return covered

    def _secret(self, change: Change) -> Remark:
        place = self.mine.get(change.path)
        value = lookup(self.document, place.at) if place else None
        return self._told(value, change.path)

    @staticmethod
    def _told(value: Any, path: str) -> Remark:
        if isinstance(value, Source) and value.kind == FROM_ENV:
            return Remark(Topic.CREDENTIAL, path, f"differs from {value.target}: change it there")
        return Remark(Topic.CREDENTIAL, path, _NEVER)

    def _lists(self, changes: Iterable[Change]) -> None:
        """Take elements away, put new ones in, and order what is left as the server has it."""
        moves: dict[str, _Move] = {}
        for change in changes:
            place = (self.theirs if change.kind is ChangeKind.REMOVED else self.mine).get(change.path)
            if place is None or not isinstance(place.row, Elements):
                self._unwritable(change.path)
                continue
            path = change.path.removesuffix(f"[{place.key}]") if place.key else change.path
            move = moves.setdefault(path, _Move(place.row))
            if change.kind is ChangeKind.MOVED:
                move.ordered = True
            else:
                (move.come if change.kind is ChangeKind.REMOVED else move.gone).append(place.key)
        for path, move in moves.items():
            self._list(path, move)

    def _list(self, path: str, move: _Move) -> None:
        mine, theirs = self._here(path), self.theirs.get(path)
        if mine is None:
            self._unwritable(path)
            return
        elements, live = lookup(self.document, mine) or [], (lookup(self.live, theirs.at) if theirs else None) or []
        there = dict(zip(keys_of(move.row, live), live, strict=True))
        named = dict(zip(keys_of(move.row, elements), elements, strict=True))
        named = {key: element for key, element in named.items() if key not in move.gone}
        order = reordered(list(named), list(there)) if move.ordered else list(named)
        for key in move.come:
            named[key] = copied(there[key])
        for key in (key for key in there if key in move.come):
            order = inserted(order, key, list(there))
        _put(self.document, mine, [named[key] for key in order])

    def _here(self, path: str) -> tuple[str | int, ...] | None:
        """Return where a list stands now: elements may have come, gone and moved."""
        place = located(self.document, self.kind).get(path)
        return place.at if place else None

    def _unwritable(self, path: str) -> None:
        repeats = is_within(path, self.repeating)
        self.remarks.append(Remark(Topic.REPEATS, path) if repeats else Remark(Topic.UNMERGED, path, _UNWRITABLE))


def inserted(keys: list[str], new: str, order: list[str]) -> list[str]:
    """Return keys with a new one behind the nearest of those before it in `order`, else in front of the next."""
    place = order.index(new)
    for before in reversed(order[:place]):
        if before in keys:
            at = keys.index(before) + 1
            return [*keys[:at], new, *keys[at:]]
    at = min((keys.index(after) for after in order[place + 1 :] if after in keys), default=len(keys))
    return [*keys[:at], new, *keys[at:]]


def reordered(keys: list[str], order: list[str]) -> list[str]:
    """Return keys with those that `order` has in its order, the others where they are."""
    common = iter([key for key in order if key in keys])
    return [next(common) if key in order else key for key in keys]


def _put(document: Any, at: tuple[str | int, ...], value: Any) -> None:
    for step in at[:-1]:
        if isinstance(document, dict) and document.get(step) is None:
            document[step] = {}
        document = document[step]
    if not (isinstance(document, dict) and at[-1] in document and equal(document[at[-1]], value)):
        document[at[-1]] = value


def _drop(document: Any, at: tuple[str | int, ...]) -> None:
    if exists(document, at):
        parent = lookup(document, at[:-1])
        del parent[at[-1]]
