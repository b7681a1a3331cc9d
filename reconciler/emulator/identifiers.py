"""The store's own ids: 24 hexadecimal digits, and what its driver says of anything else (recording 23)."""

from __future__ import annotations

import string

from .refusals import MissingError

NOTHING = "0" * 24
_BAD_LENGTH = "the provided hex string is not a valid ObjectID"


def check(text: str) -> None:
    """Raise MissingError, with the driver's words, for what is not an id."""
    if len(text.encode()) != 24:
        raise MissingError(_BAD_LENGTH)
    for letter in text:
        if letter not in string.hexdigits:
            raise MissingError(f"encoding/hex: invalid byte: U+{ord(letter):04X} {letter!r}")


def is_valid(text: str) -> bool:
    """Whether a text is an id."""
    try:
        check(text)
    except MissingError:
        return False
    return True


def numbered(number: int) -> str:
    """The id of the n-th document ever stored; the same requests give the same ids."""
    return f"{number:024x}"
