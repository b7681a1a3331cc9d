"""Text on its way to a terminal: colours where they are wanted, and nothing that could spoil the screen."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Colour(enum.Enum):
    """What a piece of text means."""

    GOOD = "32"
    WARN = "33"
    BAD = "31"
    PLACE = "2"
    STRONG = "1"


@dataclass(frozen=True, slots=True)
class Ink:
    """Paints text, or leaves it alone."""

    color: bool = False

    def paint(self, text: str, colour: Colour) -> str:
        """Return the text in a colour, where colours are on."""
        return f"\x1b[{colour.value}m{text}\x1b[0m" if self.color and text else text


def safe(text: str) -> str:
    """Return foreign text with what no terminal shows spelled out; tabs, newlines and joiners stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\t\n\u200d" else _spelled(c) for c in text)


def line(text: str) -> str:
    """Return foreign text that has to stay on one line."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def _spelled(character: str) -> str:
    return {"\r": "\\r", "\x00": "\\0"}.get(character, f"\\u{ord(character):04x}")


def number(count: int, what: str) -> str:
    """Return "1 error", "2,000 errors"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
