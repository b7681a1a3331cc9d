"""A document's text → the tree of its values, each with the place where it stands and how it is written.

    text, value, spots ─► Node(place, style) ─► its entries, each with key or dash, value and lines

What a position means is worked out here once; editing then only cuts and joins text. Offsets count characters.
Nothing here changes a text.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.compose import Path, Spot, Spots

_BREAK = re.compile(r"\r\n|\r|\n")
_ANCHOR = re.compile(r"&([^\s,\[\]{}]+)(?:[ \t\r\n]|#[^\r\n]*(?=[\r\n]))*")
_ALIAS = re.compile(r"\*([^\s,\[\]{}]+)")
_HEADER = re.compile(r"[|>][0-9+-]*")
_COLON = re.compile(r"\s*:")
_BLANK = re.compile(r"[ \t]*")
_FILL = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*[ \t]*-(?=[ \t\r\n]|$)")


class Unclear(Exception):
    """A way of writing that is read, and not edited."""


class Style(enum.Enum):
    """How a value is written."""

    INLINE = "inline"  # plain, quoted, an alias; nothing at all for null
    TEXT = "text"  # a block scalar, | or >
    FLOW = "flow"  # in brackets; all of JSON
    BLOCK = "block"  # by indentation


@dataclass(slots=True)
class Node:
    """A value and where it stands: [start, end), the anchor in front of it left out.

    Attributes:
        value: what the reader made of it.
        anchor: its name as an anchor; alias: the name that it repeats. Empty without one.
        entries: of a mapping or a list; none below an alias.
    """

    value: Any
    start: int
    end: int
    style: Style
    anchor: str = ""
    alias: str = ""
    entries: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class Entry:
    """A key with its value, or an element of a list.

    Attributes:
        key: the key; None in a list.
        at: where it begins: its key or its dash; in a flow list, its value.
        head: behind the colon or the dash; in a flow list, `at`.
        first: where the lines that are its own begin: the comment right above it; `at`, where a dash is in
            front of it on its line. Block style only.
        last: behind the last line that is its own. Block style only.
    """

    key: str | None
    at: int
    head: int
    node: Node
    first: int = -1
    last: int = -1


def break_of(text: str) -> str:
    """Return the line break that a text uses."""
    if "\r\n" in text:
        return "\r\n"
    return "\r" if "\r" in text and "\n" not in text else "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """A text by lines. A line's break belongs to it."""

    text: str

    def begin(self, offset: int) -> int:
        """Return where the line of an offset begins."""
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1

    def finish(self, offset: int) -> int:
        """Return the offset behind the break of the line in which an offset is."""
        match = _BREAK.search(self.text, offset)
        return match.end() if match else len(self.text)

    def column(self, offset: int) -> int:
        """Return how far an offset is from the beginning of its line."""
        return offset - self.begin(offset)

    def alone(self, offset: int) -> bool:
        """Tell whether only white space is in front of an offset on its line."""
        return not self.text[self.begin(offset) : offset].strip(" \t")

    def indent(self, begin: int) -> int:
        """Return by how much the line that begins here is indented."""
        match = _BLANK.match(self.text, begin)
        return match.end() - begin if match else 0

    def is_comment(self, begin: int) -> bool:
        """Tell whether the line that begins here is a comment and nothing else."""
        return self.text.startswith("#", begin + self.indent(begin))

    def is_blank(self, begin: int) -> bool:
        """Tell whether the line that begins here is white space."""
        here = begin + self.indent(begin)
        return here < len(self.text) and self.text[here] in "\r\n"

    def attached(self, line: int, floor: int, column: int) -> int:
        """Return where the comment right above a line begins; not above `floor`, not indented deeper than `column`."""
        while line > floor:
            above = self.begin(line - (2 if self.text[line - 2 : line] == "\r\n" else 1))
            if above < floor or not self.is_comment(above) or self.indent(above) > column:
                break
            line = above
        return line

    def deeper(self, line: int, column: int) -> int:
        """Return the offset behind the comments that follow from here and are indented deeper than a column."""
        end = line
        while line < len(self.text) and (self.is_blank(line) or (self.is_comment(line) and self.indent(line) > column)):
            blank, line = self.is_blank(line), self.finish(line)
            end = end if blank else line
        return end


def layout(text: str, value: Any, spots: Spots) -> Node:
    """Return the tree of a document. Raises Unclear where something is written in a way that is not edited."""
    page = Page(text)
    node = _Surveyor(page, spots).node((), value, spots[()], in_flow=False)
    if node.style is Style.BLOCK:
        node.entries[0].first = page.begin(node.entries[0].at)  # a comment there is the document's
    return node


@dataclass(frozen=True, slots=True)
class _Surveyor:
    page: Page
    spots: Spots

    def node(self, path: Path, value: Any, spot: Spot, *, in_flow: bool) -> Node:
        start, anchor = spot.start, ""
        match = _ANCHOR.match(self.page.text, start)
        if match and not (isinstance(value, dict) and value and self._key_at(path, value, start)):
            start, anchor = min(match.end(), max(spot.end, spot.start)), match.group(1)
        node = Node(value, start, max(spot.end, start), Style.INLINE, anchor)
        if (alias := _ALIAS.match(self.page.text, start)) and spot.end == alias.end():
            node.alias = alias.group(1)
        elif isinstance(value, dict | list):
            self._collection(node, path, in_flow=in_flow)
        elif not in_flow and self.page.text.startswith(("|", ">"), start):
            node.style, node.end = Style.TEXT, self._text_end(start, spot.end)
        return node

    def _key_at(self, path: Path, value: dict[str, Any], start: int) -> bool:
        """Tell whether a mapping begins with an anchored key, and not with an anchor of its own."""
        return self.spots[(*path, next(iter(value)))].key_start == start

    def _text_end(self, start: int, end: int) -> int:
        """Return where a block scalar's own lines end: blank lines behind it are its own only with +."""
        page = self.page
        end = page.begin(end) if end < len(page.text) else end
        header = _HEADER.match(page.text, start)
        below = page.finish(start)
        if header and "+" in header.group():
            return max(end, below)
        while end > below and page.is_blank(above := page.begin(end - 1 - (page.text[end - 2 : end] == "\r\n"))):
            end = above
        return max(end, below)

    def _collection(self, node: Node, path: Path, *, in_flow: bool) -> None:
        if self.page.text.startswith(("{", "["), node.start):
            node.style = Style.FLOW
        elif in_flow:
            return  # a pair in a list, [a: b]: taken as a whole
        else:
            node.style = Style.BLOCK
        try:
            self._entries(node, path)
        except Unclear:
            if node.style is Style.BLOCK:
                raise
            node.style, node.entries = Style.INLINE, []  # an odd one in brackets can still be replaced
        if node.style is Style.BLOCK:
            node.start = node.entries[0].at
            node.end = node.entries[-1].last

    def _entries(self, node: Node, path: Path) -> None:
        steps = node.value.keys() if isinstance(node.value, dict) else range(len(node.value))
        behind = node.start
        for step in steps:
            entry = self._entry(node, (*path, step), behind)
            node.entries.append(entry)
            behind = entry.last if node.style is Style.BLOCK else entry.node.end

    def _entry(self, holder: Node, path: Path, behind: int) -> Entry:
        spot, flow = self.spots[path], holder.style is Style.FLOW
        at, head = self._head(spot, behind, flow=flow)
        value = holder.value[path[-1]]
        node = self.node(path, value, spot, in_flow=flow)
        if node.value is None and spot.start == spot.end:
            node.start = node.end = head
        entry = Entry(path[-1] if isinstance(path[-1], str) else None, at, head, node)
        if not flow:
            self._lines(entry, behind, is_first=not holder.entries)
        return entry

    def _head(self, spot: Spot, behind: int, *, flow: bool) -> tuple[int, int]:
        """Return where an entry begins, and where its colon or its dash ends."""
        text = self.page.text
        if spot.key_start >= 0:
            colon = _COLON.match(text, spot.key_end)
            if colon is None:
                raise Unclear("a key without a colon behind it")
            return spot.key_start, colon.end()
        if flow:
            return spot.start, spot.start
        dash = _FILL.match(text, behind)
        if dash is None:
            raise Unclear("a list whose dashes are not found")
        return dash.end() - 1, dash.end()

    def _lines(self, entry: Entry, behind: int, *, is_first: bool) -> None:
        """Say which lines are an entry's own."""
        page, node = self.page, entry.node
        line, column = page.begin(entry.at), page.column(entry.at)
        if page.text[line : entry.at].rstrip(" \t").endswith("?"):
            raise Unclear("a key behind a question mark")
        entry.first = page.attached(line, 0 if is_first else behind, column) if page.alone(entry.at) else entry.at
        if node.style is Style.BLOCK:
            entry.last = page.deeper(node.entries[-1].last, column)
        else:
            entry.last = node.end if node.style is Style.TEXT else page.finish(node.end)
