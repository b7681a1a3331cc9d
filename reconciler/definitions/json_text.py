"""JSON text → the composer, in one loop: positions, duplicate keys, no recursion, no NaN.

Strings are left to the standard library's decoder; everything around them is scanned here, because that
decoder recurses and forgets where things stood.
"""

from __future__ import annotations

import json
import re

from reconciler.definitions.compose import Composer, Fault, Unreadable
from reconciler.definitions.scalars import number

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"-?[A-Za-z_][A-Za-z_0-9]*")
_WORDS = {"null": None, "true": True, "false": False}
_SURROGATE = re.compile("[\ud800-\udfff]")
_DECODER = json.JSONDecoder()


def scan(text: str, composer: Composer) -> None:
    """Read one JSON document; a file without any is empty. Raises Unreadable."""
    position = _skip(text, 0)
    if position == len(text):
        return
    composer.begin()
    closers: list[str] = []
    position = _value(text, position, composer, closers)
    while closers:
        position = _next(text, position, composer, closers)
    position = _skip(text, position)
    if position < len(text):
        raise _wrong(position, "a .json file holds one document", "use a .yaml file for several")


def _next(text: str, position: int, composer: Composer, closers: list[str]) -> int:
    """Read one member of the innermost object or list, or its end."""
    position = _skip(text, position)
    closer = closers[-1]
    first = text[position - 1 : position] in ("{", "[") if position else False
    if text.startswith(closer, position):
        closers.pop()
        composer.close(position + 1)
        return position + 1
    del first
    return _member(text, position, composer, closers)


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _wrong(position: int, message: str, hint: str = "") -> Unreadable:
    return Unreadable(Fault(position, position + 1, f"this is not JSON: {message}", hint, "syntax"))
