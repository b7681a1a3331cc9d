"""Text on its way to a terminal: colours where they are wanted, and nothing that could spoil the screen."""

from __future__ import annotations

import enum
import unicodedata
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
    """Return foreign text with control and direction characters spelled out; tabs and newlines stay."""
    if text.isprintable():
        return text
    return "".join(c if c in "\t\n" or not _harmful(c) else _spelled(c) for c in text)


def _harmful(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp") and character != "\u200d"


def _spelled(character: str) -> str:
    return {"\r": "\\r", "\x00": "\\0"}.get(character, f"\\u{ord(character):04x}")
