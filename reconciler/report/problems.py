"""Problems as text: place, sentence, the offending line with a caret, and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from reconciler.model.problem import Problem
from reconciler.report.ink import Colour, Ink, line

WINDOW = 120
"""How many characters of a long line are shown, around the caret."""

_TAB = "    "


def render(problems: Sequence[Problem], *, color: bool = False) -> str:
    """Return problems as a reader sees them, with a last line that counts them.

    builds/api.yaml:12:5: unknown key "tiemout"
       12 |     tiemout: 45
          |     ^^^^^^^
       = did you mean "timeout"?
    """
    ink = Ink(color)
    blocks = [_block(problem, ink) for problem in problems]
    files = len({problem.place.file for problem in problems})
    count = f"Found {_several(len(problems), 'problem')} in {_several(files, 'file')}."
    return "\n\n".join([*blocks, ink.paint(count, Colour.STRONG)]) + "\n"


def _several(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _block(problem: Problem, ink: Ink) -> str:
    place = ink.paint(f"{line(str(problem.place))}:", Colour.STRONG)
    lines = [f"{place} {line(problem.message)}"]
    number = str(problem.place.line)
    gutter = " " * max(5, len(number) + 1)
    if problem.source and not problem.source.isspace() and problem.place.line:
        shown, indent, width = _window(problem)
        lines.append(f"{ink.paint(f'{number:>{len(gutter)}} |', Colour.PLACE)} {shown}".rstrip())
        caret = ink.paint("^" * width, Colour.BAD)
        lines.append(f"{ink.paint(f'{gutter} |', Colour.PLACE)} {' ' * indent}{caret}")
    if problem.hint:
        lines.append(f"{gutter} {ink.paint('=', Colour.PLACE)} {line(problem.hint)}")
    return "\n".join(lines)


def _window(problem: Problem) -> tuple[str, int, int]:
    """Return what is shown of the line, how far in the caret stands, and how wide it is, in terminal cells."""
    source, at = problem.source, problem.place.column - 1
    start = 0 if len(source) <= WINDOW else max(0, min(at - WINDOW // 3, len(source) - WINDOW))
    end = min(len(source), start + WINDOW)
    before, marked = _shown(source[start:at]), _shown(source[at : min(end, at + problem.width)])
    left, right = "…" if start else "", "…" if end < len(source) else ""
    return left + _shown(source[start:end]) + right, _cells(left + before), max(1, _cells(marked))


def _shown(text: str) -> str:
    return line(text.replace("\t", _TAB))


def _cells(text: str) -> int:
    """Return how many cells a terminal takes for a text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
