"""What a plain scalar means: YAML 1.2 core types, in exactly one spelling each.

A number or a boolean in any other spelling keeps its own text (`Odd`), so that nothing is silently
rounded, re-based or turned into text: 1.20 is not 1.2, and 010 is not 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

INTEGER = re.compile(r"-?[1-9][0-9]{0,18}|0")
_NUMBER = re.compile(
    r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"
    r"|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_FIRST = frozenset("0123456789+-.tTfFnN~")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "false": False}
_ODD_WORDS = frozenset(("True", "TRUE", "False", "FALSE"))
_LONGEST_HINT = 40
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Odd:
    """A plain scalar that YAML reads as a number or a boolean, and that is not in its one plain spelling."""

    text: str

    @property
    def is_boolean(self) -> bool:
        """Whether it is a boolean with capitals."""
        return self.text in _ODD_WORDS


Plain = str | int | bool | None | Odd


def resolve(text: str) -> Plain:
    """Return the value of a plain (unquoted) YAML scalar by the YAML 1.2 core schema."""
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text in _ODD_WORDS:
        return Odd(text)
    return number(text) if _NUMBER.fullmatch(text) else text


def number(text: str) -> int | Odd:
    """Return an integer that is plainly written and fits 64 bits, else the text as it stands."""
    if INTEGER.fullmatch(text):
        value = int(text)
        if -_LARGEST <= value < _LARGEST:
            return value
    return Odd(text)


def plainly(text: str) -> str | None:
    """Return the plain spelling of the integer that a text seems to mean; None where it means none."""
    bare = text.strip().replace("_", "").replace(",", "")
    if not bare or len(bare) > _LONGEST_HINT:
        return None
    try:
        if re.fullmatch(r"[-+]?0[xX][0-9a-fA-F]+", bare):
            value: float = int(bare, 16)
        elif re.fullmatch(r"0o[0-7]+", bare):
            value = int(bare, 8)
        elif re.fullmatch(r"[-+]?[0-9]+", bare):
            value = int(bare)
        elif re.fullmatch(r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]{1,2})?", bare):
            value = float(bare)
        else:
            return None
    except ValueError:
        return None
    if value != value // 1 or not -_LARGEST <= value < _LARGEST:
        return None
    return str(int(value))
