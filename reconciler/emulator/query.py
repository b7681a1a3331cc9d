"""The query of a request, as the server's library takes it apart."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from .refusals import BodyError

_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def has_bad_escape(text: str) -> bool:
    """Whether a percent sign is not followed by two hexadecimal digits."""
    return "%" in text and _BAD_ESCAPE.search(text) is not None


def unescape(text: str) -> str:
    """A text without its percent escapes, read as UTF-8."""
    if "%" not in text:
        return text
    return unquote_to_bytes(text.encode("utf-8", "surrogateescape")).decode("utf-8", "surrogateescape")


class Query:
    """The values of a query by name; a pair with a bad escape or a semicolon is dropped, as the library does."""

    def __init__(self, raw: str) -> None:
        self.values: dict[str, list[str]] = {}
        for pair in raw.split("&"):
            if not pair or ";" in pair or has_bad_escape(pair):
                continue
            name, _, value = pair.replace("+", " ").partition("=")
            self.values.setdefault(unescape(name), []).append(unescape(value))

    def first(self, name: str) -> str:
        """The first value of a name, empty where there is none."""
        values = self.values.get(name)
        return values[0] if values else ""

    def number(self, name: str, default: int) -> int:
        """A 64-bit integer: the default where the name is absent, 0 where the value is empty (recording 07)."""
        values = self.values.get(name)
        if values is None:
            return default
        text = values[0] or "0"
        if not _INTEGER.fullmatch(text) or len(text) > 40 or not -(2**63) <= int(text) < 2**63:
            raise BodyError(f"{name} is not a number")
        return int(text)

    def as_document(self) -> dict[str, str | list[str]]:
        """Names and decoded values; a list of values where a name is repeated."""
        return {name: values if len(values) > 1 else values[0] for name, values in self.values.items()}
