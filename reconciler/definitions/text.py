"""Bytes → text, and offsets → lines and columns."""

from __future__ import annotations

import bisect
import re

from reconciler.definitions.compose import Fault, Unreadable

MAX_BYTES = 8 * 1024 * 1024

_BREAK = re.compile(r"\r\n|\r|\n")
BOM = b"\xef\xbb\xbf"
_WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_UTF_8 = "save the file as UTF-8"


class Undecodable(Exception):
    """The bytes are no UTF-8 text.

    Attributes:
        line: line of the first wrong byte, from 1.
        column: its column, from 1.
        message: what is wrong.
        hint: what to do.
    """

    def __init__(self, line: int, column: int, message: str, hint: str = _UTF_8) -> None:
        super().__init__(message)
        self.line, self.column, self.message, self.hint = line, column, message, hint


def decode(data: bytes) -> str:
    """Return the text, without its byte order mark. Raises Undecodable."""
    if data.startswith(_WIDE_BOMS) or b"\x00" in data[:4]:
        raise Undecodable(1, 1, "this is UTF-16 or UTF-32, or no text at all; UTF-8 is wanted")
    if data.startswith(BOM):
        data = data[len(BOM) :]
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"byte 0x{data[error.start]:02x} at offset {error.start} is not UTF-8"
        raise Undecodable(line, column, message) from None


class Lines:
    """The lines of a text: offset → line and column, line → its text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._last = (0, "")
        self._starts = [0, *(match.end() for match in _BREAK.finditer(text))]

    def at(self, offset: int) -> tuple[int, int]:
        """Return line and column, both from 1, of a character offset."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def span(self, line: int) -> tuple[int, int]:
        """Return the offsets of a line's first character and of its end, without the line break."""
        start = self._starts[line - 1]
        end = self._starts[line] if line < len(self._starts) else len(self._text)
        return start, start + len(self._text[start:end].rstrip("\r\n"))

    def line(self, line: int) -> str:
        """Return the text of a line."""
        if line != self._last[0]:
            start, end = self.span(line)
            self._last = (line, self._text[start:end])
        return self._last[1]


_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")
_BREAKS = {"\x85": "NEL", "\u2028": "LINE SEPARATOR", "\u2029": "PARAGRAPH SEPARATOR"}


def check_characters(text: str) -> None:
    """Refuse what YAML does not allow raw, and the line breaks that only some readers see. Raises Unreadable."""
    match = _FORBIDDEN.search(text)
    if match is None:
        return
    character = match.group()
    what = "an invisible line break" if character in _BREAKS else "a control character"
    escape = f"\\x{ord(character):02x}" if ord(character) < 0x100 else f"\\u{ord(character):04x}"
    hint = f'write "{escape}" in double quotes, or keep the text in a file of its own (from_file)'
    message = f"U+{ord(character):04X} is {what} and not allowed here"
    raise Unreadable(Fault(match.start(), match.end(), message, hint, "character"))
