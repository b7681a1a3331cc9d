"""JSON text as the server's decoder reads it: members in order, numbers as written, one value and no more.

The differences to Python's own reading (recording 06): keys may repeat and differ in case, what follows the
first value is not looked at, bytes that are not UTF-8 and lone surrogates become U+FFFD.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, NoReturn

from .refusals import BodyError

REPLACEMENT = "\ufffd"
_SURROGATE = re.compile("[\ud800-\udfff]")
_ERRORS = "each-bad-byte"


class Members(list[tuple[str, Any]]):
    """An object: its members in the order in which they were sent, repeated ones included."""


class Number(str):
    """A number, still as it was written: `30` and `30.0` are not the same."""

    __slots__ = ()


def _each_byte(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return REPLACEMENT * (error.end - error.start), error.end


def _not_json(constant: str) -> NoReturn:
    raise BodyError(constant)


codecs.register_error(_ERRORS, _each_byte)
_DECODER = json.JSONDecoder(object_pairs_hook=Members, parse_int=Number, parse_float=Number, parse_constant=_not_json)


def parse(body: bytes) -> Any:
    """The first JSON value of a body; raises BodyError where there is none."""
    text = body.decode("utf-8", _ERRORS).lstrip(" \t\r\n")
    try:
        return _DECODER.raw_decode(text)[0]
    except (ValueError, RecursionError) as error:
        raise BodyError(str(error)) from error


def clean(text: str) -> str:
    """A string with its lone surrogates replaced."""
    return text if text.isascii() else _SURROGATE.sub(REPLACEMENT, text)


def whole(raw: Number) -> int:
    """A number that must be a 64-bit integer without fraction or exponent."""
    digits = raw.removeprefix("-")
    if not digits.isdigit() or len(digits) > 19 or not -(2**63) <= int(raw) < 2**63:
        raise BodyError(raw)
    return int(raw)


def plain(raw: Any) -> Any:
    """A value of any type, with every number read as a double, as the server does where no type is asked for."""
    if isinstance(raw, Members):
        return {clean(key): plain(value) for key, value in raw}
    if isinstance(raw, list):
        return [plain(item) for item in raw]
    if isinstance(raw, Number):
        return _double(raw)
    return clean(raw) if isinstance(raw, str) else raw


def _double(raw: Number) -> float | int:
    value = float(raw)
    if value in (float("inf"), float("-inf")):
        raise BodyError(raw)
    return int(value) if value.is_integer() and abs(value) < 1e21 else value
