"""A comment on a pull request, as a forge shows the Markdown of a plan, as SVG.

    Markdown ─ blocks ─► headings, paragraphs, fences, folded sections ─► SVG

Reads what `plan --format markdown` writes and no other Markdown. The first folded section is shown open.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

from tests.documents.drawing import MONO, PROSE, Colours, Run, Sheet

WIDTH, MARGIN, TOP = 880, 20, 46
CODE, CODE_LINE = 12, 17
MARKS = {"+": "added", "-": "removed", "!": "alert", "#": "faint", "@": "hunk"}
"""First character of a line of a diff → class."""

COLOURS = Colours(
    {
        "card": "#ffffff",
        "head": "#f6f8fa",
        "block": "#f6f8fa",
        "text": "#1f2328",
        "faint": "#59636e",
        "link": "#0969da",
        "added": "#116329",
        "removed": "#a40e26",
        "alert": "#953800",
        "hunk": "#6639ba",
    },
    {
        "card": "#0d1117",
        "head": "#151b23",
        "block": "#151b23",
        "text": "#f0f6fc",
        "faint": "#9198a1",
        "link": "#6cb0ff",
        "added": "#7ee787",
        "removed": "#ffa198",
        "alert": "#ffb77c",
        "hunk": "#d2a8ff",
    },
)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the page. `kind`: h2, h3, p, fence, open, folded; `lines`: one of HTML, or those of a fence."""

    kind: str
    lines: tuple[str, ...]


def comment_picture(markdown: str, title: str, description: str) -> str:
    """Return the picture of a comment with this text."""
    sheet = Sheet(WIDTH, TOP + 8)
    for block in blocks(markdown):
        _DRAWN[block.kind](sheet, block)
    sheet.height += 14
    content, sheet.pieces = sheet.pieces, []
    _card(sheet)
    sheet.pieces += content
    return sheet.picture(title, description, _style())


def _style() -> str:
    sizes = {"h2": "600 20px", "h3": "600 15px", "p": "14px"}
    fonts = "".join(f".{kind}{{font:{size} {PROSE}}}" for kind, size in sizes.items())
    code = f".code{{font:{CODE}px {MONO}}}.mono{{font-family:{MONO};font-size:.87em}}"
    frame = ".frame{fill:none;stroke:#818b98;stroke-opacity:.5}"
    return fonts + code + frame + COLOURS.rules()


def _card(sheet: Sheet) -> None:
    sheet.box(0.5, 0.5, sheet.width - 1, sheet.height - 1, "card", corner=8)
    sheet.pieces.append(f'<path class="head" d="M1 {TOP - 6}V8.5A7.5 7.5 0 0 1 8.5 1H{sheet.width - 8.5}'
                        f'a7.5 7.5 0 0 1 7.5 7.5V{TOP - 6}z"/>')  # fmt: skip
    sheet.text(MARGIN, 26, [Run("reconciler", "text"), Run(" commented on this pull request", "faint")], "p")
    sheet.box(0.5, 0.5, sheet.width - 1, sheet.height - 1, "frame", corner=8)


def blocks(markdown: str) -> Iterator[Block]:
    """Take a page apart. Of folded sections only the first keeps its content."""
    fence, opened, hidden = list[str](), 0, False
    for line in markdown.splitlines():
        if fence and line == fence[0].rstrip("dift"):
            if not hidden:
                yield Block("fence", tuple(fence[1:]))
            fence = []
        elif fence or line.startswith("```"):
            fence.append(line)
        elif found := re.fullmatch(r"<details><summary>(.*)</summary>", line):
            opened, hidden = opened + 1, opened > 0
            yield Block("folded" if hidden else "open", (found[1],))
        elif line == "</details>":
            hidden = False
        elif found := re.fullmatch(r"(##|###) (.*)", line):
            yield Block(f"h{len(found[1])}", (found[2],))
        elif line:
            yield Block("p", (line.strip("*"),))


def _heading(sheet: Sheet, block: Block) -> None:
    """Put the counts; they are plain text and may take two lines."""
    for text in textwrap.wrap(block.lines[0], 78):
        sheet.height += 26
        sheet.text(MARGIN, sheet.height, [Run(text, "text")], "h2")
    sheet.height += 8


def _line(kind: str, mark: str = "") -> Callable[[Sheet, Block], None]:
    def draw(sheet: Sheet, block: Block) -> None:
        sheet.height += 28
        first = [Run(mark, "faint")] if mark else []
        sheet.text(MARGIN, sheet.height, [*first, *inline(block.lines[0])], kind)
        sheet.height += 8

    return draw


def _fence(sheet: Sheet, block: Block) -> None:
    height = len(block.lines) * CODE_LINE + 20
    width = sheet.width - 2 * MARGIN
    top = sheet.height + 4
    sheet.box(MARGIN, top, width, height, "block")
    inside = Sheet(width)
    for number, line in enumerate(block.lines):
        runs = [Run(line.rstrip(), MARKS.get(line[:1], "text"))]
        inside.text(12, 22 + number * CODE_LINE, runs, "code")
    sheet.pieces.append(f'<svg x="{MARGIN}" y="{top:g}" width="{width - 8}" height="{height}">')
    sheet.pieces += [*inside.pieces, "</svg>"]
    sheet.height = top + height


_DRAWN: dict[str, Callable[[Sheet, Block], None]] = {
    "h2": _heading,
    "h3": _line("h3"),
    "p": _line("p"),
    "open": _line("p", "▾ "),
    "folded": _line("p", "▸ "),
    "fence": _fence,
}


def inline(markup: str) -> list[Run]:
    """Return text and code of a line; what is linked is painted as a link."""
    reader = _Inline()
    reader.feed(markup)
    reader.close()
    return reader.runs


class _Inline(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.runs: list[Run] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._within.remove(tag)

    def handle_data(self, data: str) -> None:
        colour = "link" if "a" in self._within else "text"
        self.runs.append(Run(data, f"{colour} mono" if "code" in self._within else colour))
