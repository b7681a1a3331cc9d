"""A collection in block style → its lines with another value: whole lines cut, put in, moved and changed.

    gap        empty lines, and comments set off by one: they stay where they are
    comment    right above an entry: goes where the entry goes
    body       from its key or dash to its last line

Each entry is these three, one below the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.edit_flow import flow
from reconciler.definitions.edit_render import Manner, render, spelled_key
from reconciler.definitions.edit_sheet import Sheet, Slot, slots
from reconciler.definitions.edit_value import behind, replaced
from reconciler.definitions.layout import Entry, Node, Style

_EMPTY_LINES_FIRST = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))+")
_EMPTY_LINES_LAST = re.compile(r"(?:(?<=\n)|(?<=\r)(?!\n)|^)(?:[ \t]*(?:\r\n|\r|\n))+\Z")


@dataclass(slots=True)
class _Piece:
    gap: str
    comment: str
    body: str


def block(sheet: Sheet, node: Node, wanted: Any, path: Path) -> tuple[str, str]:
    """Return the text of a collection in block style that holds something, and shall hold something else of its kind.

    It takes the place from the first of its lines (from its first entry, where that stands behind a dash) to the
    last. In front of it: comments that have to stand above the line on which it begins.
    """
    pieces, rest = _pieces(sheet, node, wanted, path)
    first = node.entries[0]
    indent = " " * sheet.page.column(first.at)
    above, text = "", ""
    for place, piece in enumerate(pieces):
        if place == 0 and not sheet.page.alone(first.at):
            above, text = (piece.gap if piece.gap.strip() else "") + piece.comment, piece.body
        else:
            text += piece.gap + piece.comment + indent + piece.body
    return above, text + rest


def _pieces(sheet: Sheet, node: Node, wanted: Any, path: Path) -> tuple[list[_Piece], str]:
    """Return what is there after the edit, and what is left over of gaps behind it."""
    made = slots(sheet, node, wanted, path)
    gaps = _Gaps(_gaps(sheet, node), {slot.old for slot in made if slot.stays}, sheet.manner)
    pieces = [_Piece(gaps.above(slot), *_piece(sheet, node, slot, path)) for slot in made]
    return pieces, gaps.rest()


@dataclass(slots=True)
class _Gaps:
    """Deals out what was between the entries: it stays in its place, whatever comes, goes and moves around it.

    `texts`: what was in front of each entry. `stay`: positions of those that stay.
    """

    texts: list[str]
    stay: set[int | None]
    manner: Manner
    behind: int = 0
    started: bool = False

    def above(self, slot: Slot) -> str:
        """Return what comes in front of the next entry."""
        if slot.stays and slot.old is not None:
            gap = self._up_to(slot.old + 1)
        else:  # in the place of one that goes away, else right behind the one before
            gap = self._up_to(self.behind + (self.behind < len(self.texts) and self.behind not in self.stay))
        if not self.started and slot.old != 0:
            gap = gap[_leading(gap) :]
        elif self.started and self._airy() and not _leading(gap):
            gap = self.manner.eol + gap
        self.started = True
        return gap

    def rest(self) -> str:
        """Return what is left, without empty lines at the end: others follow."""
        return _EMPTY_LINES_LAST.sub("", self._up_to(len(self.texts)))

    def _up_to(self, end: int) -> str:
        gap = ""
        for text in self.texts[self.behind : end]:
            gap = (_EMPTY_LINES_LAST.sub("", gap) if _leading(text) else gap) + text
        self.behind = end
        return gap

    def _airy(self) -> bool:
        return self.manner.airy and len(self.texts) > 1 and all(map(_leading, self.texts[1:]))


def _leading(gap: str) -> int:
    """Return the length of the empty lines with which a gap begins."""
    match = _EMPTY_LINES_FIRST.match(gap)
    return match.end() if match else 0


def _gaps(sheet: Sheet, node: Node) -> list[str]:
    """Return what is between the entries and belongs to none; in front of the first is nothing."""
    text = sheet.page.text
    behind = [entry.last for entry in node.entries]
    return ["", *(text[end : entry.first] for end, entry in zip(behind, node.entries[1:], strict=False))]


def _piece(sheet: Sheet, node: Node, slot: Slot, path: Path) -> tuple[str, str]:
    """Return the comment and the body of an entry after the edit."""
    here = (*path, slot.step)
    if slot.old is None:
        return "", _new(sheet, node, slot, here)
    entry = node.entries[slot.old]
    above, body = _body(sheet, entry, slot.wanted, here)
    comment = sheet.page.text[entry.first : sheet.page.begin(entry.at)] if entry.first < entry.at else ""
    indent = " " * sheet.page.column(entry.at)
    return comment + "".join(indent + line.lstrip(" ") for line in above.splitlines(keepends=True)), body


def _new(sheet: Sheet, node: Node, slot: Slot, path: Path) -> str:
    """Write an entry that was not there, without the indentation in front of it."""
    column = sheet.page.column(node.entries[0].at)
    head = "-" if isinstance(slot.step, int) else f"{spelled_key(slot.step)}:"
    value = render(sheet.sorted(slot.wanted, path), column, sheet.manner, in_list=isinstance(slot.step, int))
    return behind(sheet, head, "", value)


def _body(sheet: Sheet, entry: Entry, wanted: Any, path: Path) -> tuple[str, str]:
    """Return an entry's text, from its key or dash to its last line, and what has to stand above it."""
    text, node = sheet.page.text, entry.node
    if sheet.stands(node, wanted):
        return "", text[entry.at : entry.last]
    if not node.alias and node.entries and wanted and type(node.value) is type(wanted):
        sheet.touch(node, below=False)
        if node.style is Style.FLOW:
            new = flow(sheet, node, wanted, path)
            return "", text[entry.at : node.start] + new + text[node.end : entry.last]
        above, new = block(sheet, node, wanted, path)
        return above, text[entry.at : node.entries[0].first] + new + text[node.end : entry.last]
    sheet.touch(node)
    return "", replaced(sheet, entry, sheet.sorted(wanted, path))
