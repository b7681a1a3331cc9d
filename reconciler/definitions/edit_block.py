"""A collection in block style → its lines with another value: whole lines cut, put in, moved and changed.

gap        empty lines, and comments set off by one: they stay where they are
comment    right above an entry: goes where the entry goes
body       from its key or dash to its last line
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.edit_flow import flow
from reconciler.definitions.edit_render import Rendered, likewise, nests, render, spelled_key, text_block
from reconciler.definitions.edit_sheet import Sheet, Slot, slots
from reconciler.definitions.layout import Entry, Node, Style

_HEADER = re.compile(r"[|>][0-9+-]*")
_ANCHORED = re.compile(r"[ \t]*&[^\s,\[\]{}]+")
_EMPTY_LINES_FIRST = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))+")
_EMPTY_LINES_LAST = re.compile(r"(?:(?<=[\r\n])|^)(?:[ \t]*(?:\r\n|\r|\n))+\Z")


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
    gaps = _gaps(sheet, node)
    airy = sheet.manner.airy and len(gaps) > 1 and all(_EMPTY_LINES_FIRST.match(gap) for gap in gaps[1:])
    made = slots(sheet, node, wanted, path)
    stay = {slot.old for slot in made if slot.stays}
    pieces: list[_Piece] = []
    next_old = 0
    for slot in made:
        gap = ""
        if slot.stays and slot.old is not None:
            while next_old <= slot.old:
                gap = _joined(gap, gaps[next_old])
                next_old += 1
            untouched_start = slot.old == 0
        else:
            if next_old < len(gaps) and next_old not in stay:
                gap = gaps[next_old]
                next_old += 1
            untouched_start = False
        if not pieces and not untouched_start:
            gap = _EMPTY_LINES_FIRST.sub("", gap, count=1) if _EMPTY_LINES_FIRST.match(gap) else gap
        if pieces and airy and not _EMPTY_LINES_FIRST.match(gap):
            gap = sheet.manner.eol + gap
        comment, body = _piece(sheet, node, slot, path)
        pieces.append(_Piece(gap, comment, body))
    rest = ""
    for gap in gaps[next_old:]:
        rest = _joined(rest, gap)
    return pieces, _EMPTY_LINES_LAST.sub("", rest)


def _gaps(sheet: Sheet, node: Node) -> list[str]:
    """Return what is between the entries and belongs to none; in front of the first is nothing."""
    text = sheet.page.text
    behind = [entry.last for entry in node.entries]
    return ["", *(text[end : entry.first] for end, entry in zip(behind, node.entries[1:], strict=False))]


def _joined(one: str, other: str) -> str:
    """Join two gaps that meet because what was between them is gone: one run of empty lines is enough."""
    return (_EMPTY_LINES_LAST.sub("", one) if _EMPTY_LINES_FIRST.match(other) else one) + other


def _piece(sheet: Sheet, node: Node, slot: Slot, path: Path) -> tuple[str, str]:
    """Return the comment and the body of an entry after the edit."""
    here = (*path, slot.step)
    if slot.old is None:
        return "", _new(sheet, node, slot, here)
    entry = node.entries[slot.old]
    above, body = _body(sheet, entry, slot.wanted, here)
    comment = sheet.page.text[entry.first : sheet.page.begin(entry.at)] if entry.first < entry.at else ""
    return comment + above, body


def _new(sheet: Sheet, node: Node, slot: Slot, path: Path) -> str:
    """Write an entry that was not there, without the indentation in front of it."""
    manner, in_list = sheet.manner, not isinstance(slot.step, str)
    value = sheet.sorted(slot.wanted, path)
    head = "-" if isinstance(slot.step, int) else f"{spelled_key(slot.step)}:"
    return _behind(sheet, head, "", render(value, sheet.page.column(node.entries[0].at), manner, in_list=in_list))


def _behind(sheet: Sheet, head: str, tail: str, rendered: Rendered, space: str = " ") -> str:
    """Put what was rendered behind a key or a dash. `tail`: a comment that stays on that line."""
    line, below = rendered.line, list(rendered.below)
    if not line and head == "-" and not tail:
        line = below.pop(0).lstrip(" ")
    first = f"{head}{space}{line}{tail}" if line else f"{head}{tail}"
    return "".join(f"{one}{sheet.manner.eol}" for one in (first, *below))


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
    return "", _replaced(sheet, entry, sheet.sorted(wanted, path))


def _replaced(sheet: Sheet, entry: Entry, wanted: Any) -> str:
    """Write another value behind a key or a dash; the comment on its line stays."""
    page, node = sheet.page, entry.node
    text, column = page.text, page.column(entry.at)
    rendered = _rendered(sheet, entry, wanted, column)
    between = text[entry.head : node.start]
    if node.style is Style.INLINE or node.style is Style.FLOW:
        if between.strip(" \t") and not rendered.below and not between.strip().startswith("&"):
            return text[entry.at : node.start] + rendered.line + text[node.end : entry.last]
        tail, rest = _tail(sheet, node.end), text[page.finish(node.end) : entry.last]
        if not tail and page.begin(node.start) > entry.at:
            tail = _tail(sheet, entry.head)
    elif node.style is Style.TEXT:
        header = _HEADER.match(text, node.start)
        tail, rest = _tail(sheet, header.end() if header else node.start), text[node.end : entry.last]
    else:
        tail, rest = _tail(sheet, entry.head), text[node.end : entry.last]
        if not page.alone(node.entries[0].at):
            tail = ""
    space = between if between and not between.strip(" \t") else " "
    return _behind(sheet, text[entry.at : entry.head], tail, rendered, space) + rest


def _tail(sheet: Sheet, offset: int) -> str:
    """Return the comment behind an offset on its line, with the space in front of it; "" without one."""
    page = sheet.page
    anchored = _ANCHORED.match(page.text, offset)
    start = anchored.end() if anchored else offset
    tail = page.text[start : page.finish(start)].rstrip("\r\n")
    return tail if tail.lstrip(" \t").startswith("#") else ""


def _rendered(sheet: Sheet, entry: Entry, wanted: Any, column: int) -> Rendered:
    """Write a value as the one before it was written, as far as it goes."""
    node, manner, in_list = entry.node, sheet.manner, entry.key is None
    raw = sheet.page.text[node.start : node.end]
    if isinstance(wanted, str) and node.style is Style.TEXT:
        indent = _text_indent(sheet, node, column)
        kept = text_block(wanted, column, indent, keeping=manner.keeping) if indent else None
        if kept:
            return _like_before(kept, raw, indent)
    rendered = render(wanted, column, manner, in_list=in_list)
    if not nests(wanted) and not rendered.below and node.style is Style.INLINE and not node.alias:
        return Rendered(likewise(raw, wanted) or rendered.line)
    return rendered


def _text_indent(sheet: Sheet, node: Node, column: int) -> int:
    """Return by how much the lines of a block scalar are indented; 0 where there is none to see."""
    raw = sheet.page.text[node.start : node.end].splitlines()[1:]
    lines = [line for line in raw if line.strip()]
    first = next((line for line in node.value.split("\n") if line.strip()), "")
    if not lines:
        return 0
    deep = len(lines[0]) - len(lines[0].lstrip(" ")) - (len(first) - len(first.lstrip(" ")))
    return max(deep, column + 1)


def _like_before(new: Rendered, raw: str, indent: int) -> Rendered:
    """Keep the very lines of a text that say the same as before: white space on empty ones stays."""
    old = raw.splitlines()[1:]
    lines = list(new.below)
    for step in (1, -1):
        for place in range(min(len(old), len(lines))):
            here = place if step == 1 else -place - 1
            if lines[here] != old[here]:
                if lines[here] or old[here].strip() or len(old[here]) > indent:
                    break
                lines[here] = old[here]
    return Rendered(new.line, tuple(lines))
