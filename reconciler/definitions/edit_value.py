"""What stands behind a key or a dash, in block style → another value in its place.

    key:  value  # tail     the comment stays on its line
      rest                  lines below that are no part of the value: they stay too

A text of many lines keeps the lines that say the same as before.
"""

from __future__ import annotations

import re
from typing import Any

from reconciler.definitions.edit_render import Rendered, likewise, nests, render, text_block
from reconciler.definitions.edit_sheet import Sheet
from reconciler.definitions.layout import Entry, Node, Style

_HEADER = re.compile(r"[|>][0-9+-]*")
_ANCHORED = re.compile(r"[ \t]*&[^\s,\[\]{}]+")


def behind(sheet: Sheet, head: str, tail: str, rendered: Rendered, space: str = " ") -> str:
    """Put what was rendered behind a key or a dash. `tail`: a comment that stays on that line."""
    line, below = rendered.line, list(rendered.below)
    if not line and head == "-" and not tail:
        line = below.pop(0).lstrip(" ")
    first = f"{head}{space}{line}{tail}" if line else f"{head}{tail}"
    return "".join(f"{one}{sheet.manner.eol}" for one in (first, *below))


def replaced(sheet: Sheet, entry: Entry, wanted: Any) -> str:
    """Write another value behind a key or a dash; the comment on its line stays."""
    page, node = sheet.page, entry.node
    text, column = page.text, page.column(entry.at)
    rendered = _rendered(sheet, entry, wanted, column)
    between = text[entry.head : node.start]
    tail, rest = _tail(sheet, entry.head), ""
    if node.style is Style.BLOCK:
        rest = text[node.end : entry.last]
        if not page.alone(node.entries[0].at):
            tail = ""
    elif node.style is Style.TEXT:
        header = _HEADER.match(text, node.start)
        tail = _tail(sheet, header.end() if header else node.start)
    else:
        if between.strip(" \t") and not rendered.below and not between.strip().startswith("&"):
            return text[entry.at : node.start] + rendered.line + text[node.end : entry.last]
        tail = _tail(sheet, node.end) or (tail if page.begin(node.start) > entry.at else "")
    space = between if between and not between.strip(" \t") else " "
    return behind(sheet, text[entry.at : entry.head], tail, rendered, space) + rest


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
