"""A terminal with a command and what it printed, colours and all, as SVG.

text with escapes ─ runs ─► lines of runs ─ folded at the terminal's width ─► SVG
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tests.documents.drawing import MONO, PROSE, Colours, Run, Sheet

COLUMNS = 104
CELL, LINE, SIZE = 7.8, 19, 13
MARGIN, BAR = 18, 36

KINDS = {"1": "strong", "2": "faint", "31": "bad", "32": "good", "33": "warn"}
"""Number in an escape → class."""

COLOURS = Colours(
    {
        "screen": "#0d1117",
        "bar": "#161b22",
        "plain": "#e6edf3",
        "strong": "#ffffff",
        "faint": "#8b949e",
        "bad": "#ff7b72",
        "good": "#56d364",
        "warn": "#e3b341",
        "close": "#ff5f57",
        "least": "#febc2e",
        "most": "#28c840",
    }
)
"""A terminal is dark on every page."""


def terminal_picture(command: str, printed: str, title: str, description: str) -> str:
    """Return the picture of a command and its output, which has ANSI escapes for colours."""
    lines = [[Run("$ ", "faint"), Run(command, "strong")], *map(runs, printed.rstrip("\n").split("\n"))]
    rows = [row for line in lines for row in folded(line)]
    sheet = Sheet(round(COLUMNS * CELL) + 2 * MARGIN)
    sheet.height = BAR + MARGIN + len(rows) * LINE + MARGIN / 2
    _window(sheet)
    for number, row in enumerate(rows):
        _row(sheet, row, BAR + MARGIN + number * LINE + SIZE - 2)
    fonts = f".plain{{font:{SIZE}px {MONO}}}.strong{{font-weight:700}}.name{{font:12px {PROSE}}}"
    return sheet.picture(title, description, fonts + COLOURS.rules() + ".frame{fill:none;stroke:#30363d}")


def _window(sheet: Sheet) -> None:
    sheet.box(0.5, 0.5, sheet.width - 1, sheet.height - 1, "screen", corner=10)
    sheet.pieces.append(f'<path class="bar" d="M1 {BAR}V10.5a9.5 9.5 0 0 1 9.5-9.5H{sheet.width - 10.5}'
                        f'a9.5 9.5 0 0 1 9.5 9.5V{BAR}z"/>')  # fmt: skip
    for number, kind in enumerate(("close", "least", "most")):
        sheet.pieces.append(f'<circle class="{kind}" cx="{20 + 20 * number}" cy="{BAR / 2:g}" r="6"/>')
    sheet.box(0.5, 0.5, sheet.width - 1, sheet.height - 1, "frame", corner=10)


def _row(sheet: Sheet, row: Sequence[Run], y: float) -> None:
    """Put each run at the column where it begins, and give it the length of its cells."""
    column = 0
    for run in row:
        text = run.text.strip(" ")
        start = column + len(run.text) - len(run.text.lstrip(" "))
        if text:
            kind = f"plain {run.kind}".rstrip()
            sheet.text(round(MARGIN + start * CELL, 1), y, [Run(text)], kind, round(len(text) * CELL, 1))
        column += len(run.text)


def runs(line: str) -> list[Run]:
    """Take the escapes out of a line: each opens one colour, `0` ends it."""
    found, kind = list[Run](), ""
    for text, escape in re.findall(r"([^\x1b]*)(?:\x1b\[(\d+)m)?", line):
        if text:
            found.append(Run(text, kind))
        kind = KINDS.get(escape, "") if escape else kind
    return found


def folded(line: Sequence[Run]) -> Iterator[list[Run]]:
    """Break a line where a terminal does."""
    row, room = list[Run](), COLUMNS
    for run in line:
        text = run.text
        while len(text) > room:
            yield [*row, Run(text[:room], run.kind)]
            text, row, room = text[room:], [], COLUMNS
        row.append(Run(text, run.kind))
        room -= len(text)
    yield row
