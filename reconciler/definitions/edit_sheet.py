"""A text that is being edited: what the editors of both styles know and note.

    collection, wanted value ─► slots: what stands there afterwards, in order, and what each was before
    document                 ─► its manner: how new text has to look to belong there

Nothing here makes text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.edit_match import align, arranged, same, staying
from reconciler.definitions.edit_render import Manner
from reconciler.definitions.layout import Node, Page, Style, break_of

Keys = Callable[[Path], tuple[str, ...]]
"""Path of a mapping → the order of its keys."""


@dataclass(slots=True)
class Sheet:
    """The text, and which anchors an edit touches.

    Attributes:
        page: the text before.
        manner: how new text is written.
        keys: the order of keys.
        spelled: names of anchors whose aliases are written out in full.
        touched: names of anchors and aliases that an edit changes, moves or takes away.
    """

    page: Page
    manner: Manner
    keys: Keys
    spelled: frozenset[str] = frozenset()
    touched: set[str] = field(default_factory=set)

    def stands(self, node: Node, wanted: Any) -> bool:
        """Tell whether a value can stay as it is written."""
        return same(node.value, wanted) and not any(one.alias in self.spelled for one in _below(node) if one.alias)

    def touch(self, node: Node, *, below: bool = True) -> None:
        """Note that a value is changed, moved or taken away: with all that is in it, or only itself."""
        for one in _below(node) if below else (node,):
            self.touched |= {name for name in (one.anchor, one.alias) if name}

    def sorted(self, value: Any, path: Path) -> Any:
        """Return a value with its keys in their order."""
        if isinstance(value, list):
            return [self.sorted(item, (*path, place)) for place, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        keys = arranged([], list(value), self.keys(path))
        return {key: self.sorted(value[key], (*path, key)) for key in keys}


def _below(node: Node) -> Iterator[Node]:
    yield node
    for entry in node.entries:
        yield from _below(entry.node)


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands at one place of a collection after the edit.

    Attributes:
        old: the position of the entry that it was; None: it is new.
        stays: the entry keeps its place among the others.
        step: its key, or its position in the new list.
        wanted: its value.
    """

    old: int | None
    stays: bool
    step: str | int
    wanted: Any


def slots(sheet: Sheet, node: Node, wanted: Any, path: Path) -> list[Slot]:
    """Return what a mapping or a list holds after the edit, in order. Notes what is moved and taken away."""
    if isinstance(wanted, dict):
        places = {entry.key: place for place, entry in enumerate(node.entries)}
        there = [key for key in node.value if key in wanted]
        added = [key for key in wanted if key not in node.value]
        made = [Slot(places.get(key), key in places, key, wanted[key])
                for key in arranged(there, added, sheet.keys(path))]  # fmt: skip
    else:
        found = align(node.value, wanted, path)
        stay = staying(found)
        made = [Slot(old, old in stay, place, wanted[place]) for place, old in enumerate(found)]
    left = set(range(len(node.entries))) - {slot.old for slot in made if slot.stays}
    for place in left:
        sheet.touch(node.entries[place].node)
    return made


def manner_of(page: Page, root: Node, *, json: bool) -> Manner:
    """Return how a document is written: its indentation, its line breaks, its commas and colons."""
    eol = break_of(page.text)
    if json:
        return _json_manner(page, root, eol)
    unit, flush = 0, None
    for above in _below(root):
        for entry in above.entries if above.style is Style.BLOCK and isinstance(above.value, dict) else ():
            if entry.node.style is not Style.BLOCK:
                continue
            depth = page.column(entry.node.entries[0].at) - page.column(entry.at)
            unit = unit or depth
            if isinstance(entry.node.value, list) and flush is None:
                flush = depth == 0
    return Manner(eol=eol, unit=" " * (unit or 2), flush=flush or False)


def _json_manner(page: Page, root: Node, eol: str) -> Manner:
    if not root.entries:
        return Manner(json=True, eol=eol)
    first = root.entries[0]
    colon = ":" + page.text[first.head : first.node.start]
    unit, comma = "  ", " "
    if page.begin(first.at) > root.start:
        unit = page.text[page.begin(first.at) : first.at]
    elif len(root.entries) > 1:
        comma = page.text[first.node.end : root.entries[1].at].partition(",")[2]
    return Manner(json=True, eol=eol, unit=unit, colon=colon.replace("\n", " "), comma=comma)
