"""JSON text → the composer, in one loop: positions, duplicate keys, no recursion, no NaN.

Strings are left to the standard library's decoder; everything around them is scanned here, because that
decoder recurses and forgets where things stood.
"""

from __future__ import annotations

import json
import re

from reconciler.definitions.compose import Composer, Fault, Unreadable
from reconciler.definitions.scalars import number

_SPACE = re.compile(r"[ \t\r\n]*+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?")
_WORD = re.compile(r"[-+]?[A-Za-z_.0-9]+")
_WORDS = {"null": None, "true": True, "false": False}
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRINGS = (
    ("Invalid control", "a line break or a control character inside a text", "write line breaks as \\n, tabs as \\t"),
    ("Unterminated", "a text is not closed", "close the quotes"),
    ("Invalid", "an unknown escape behind a backslash", "double the backslash"),
    ("", "a text that cannot be read", ""),
)
"""How the decoder's message begins → ours, and a hint."""

_DECODER = json.JSONDecoder()


def scan(text: str, composer: Composer) -> None:
    """Read one JSON document; a file without any is empty. Raises Unreadable."""
    _Scanner(text, composer).run()


class _Scanner:
    """A place in a text, and what is open there."""

    def __init__(self, text: str, composer: Composer) -> None:
        self._text = text
        self._composer = composer
        self._position = 0
        self._closers: list[str] = []
        self._fresh = False

    def run(self) -> None:
        if not self._space():
            return
        self._composer.begin()
        self._value()
        while self._closers:
            self._member()
        if self._space():
            raise self._wrong("a .json file holds one document", "use a .yaml file for several")

    def _member(self) -> None:
        """Read one member of the innermost object or list, or its end."""
        here, closer = self._space(), self._closers[-1]
        if here == closer:
            self._closers.pop()
            self._position += 1
            self._composer.close(self._position)
            self._fresh = False
            return
        if not self._fresh:
            if here != ",":
                raise self._wrong(f'"," or "{closer}" is due here')
            self._position += 1
            if self._space() == closer:
                raise self._wrong("a comma with nothing behind it", "take the comma out")
        if closer == "}":
            self._key()
        self._value()

    def _key(self) -> None:
        if self._text[self._position : self._position + 1] != '"':
            raise self._wrong("a key in double quotes is due here")
        self._string()
        if self._space() != ":":
            raise self._wrong('":" is due behind a key')
        self._position += 1

    def _value(self) -> None:
        here = self._space()
        start = self._position
        if here and here in "{[":
            self._composer.open({} if here == "{" else [], start)
            self._closers.append("}" if here == "{" else "]")
            self._position += 1
            self._fresh = True
            return
        self._fresh = False
        if here == '"':
            self._string()
        elif (match := _NUMBER.match(self._text, start)) and not _WORD.match(self._text, match.end()):
            self._position = match.end()
            self._composer.scalar(number(match.group()), start, self._position)
        else:
            self._word(start)

    def _word(self, start: int) -> None:
        match = _WORD.match(self._text, start)
        if match is None:
            hint = "JSON has no comments" if self._text[start : start + 1] in ("/", "#") else ""
            raise self._wrong("a value is due here", hint)
        if match.group() not in _WORDS:
            raise self._wrong("only null, true, false, numbers and quoted texts are values", "", match.end())
        self._position = match.end()
        self._composer.scalar(_WORDS[match.group()], start, self._position)

    def _string(self) -> None:
        start = self._position
        try:
            value, self._position = _DECODER.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            self._position = min(error.pos, len(self._text))
            message, hint = next((text for text in _STRINGS if error.msg.startswith(text[0])), _STRINGS[-1])[1:]
            raise self._wrong(message, hint) from None
        if not value.isascii() and _SURROGATE.search(value):
            raise self._wrong("half a surrogate pair is no character", "", self._position, start)
        self._composer.scalar(value, start, self._position)

    def _space(self) -> str:
        """Skip white space; return the character behind it, "" at the end."""
        match = _SPACE.match(self._text, self._position)
        assert match is not None
        self._position = match.end()
        return self._text[self._position : self._position + 1]

    def _wrong(self, message: str, hint: str = "", end: int = 0, start: int | None = None) -> Unreadable:
        begin = self._position if start is None else start
        return Unreadable(Fault(begin, max(end, begin + 1), f"this is not JSON: {message}", hint, "syntax"))
