"""A fault with its place: what is wrong, where, and what to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A point in a file, or in a document that is not a file (then `line` is 0).

    Attributes:
        file: the path as the user would type it, with forward slashes.
        line: from 1; 0 where no line can be named (a folder, an unreadable file).
        column: from 1, in characters; 0 where no line can be named.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a definition or the configuration.

    Attributes:
        place: where.
        message: one sentence that says what is wrong; never the value of a secret.
        hint: what to do about it, one sentence.
        rule: a stable short name of the check, for machines ("unknown-key", "wrong-type", ...).
        source: the offending line as it stands in the file, "" where there is none or it may hold a secret.
        width: how many characters the caret underlines.
    """

    place: Place
    message: str
    hint: str = ""
    rule: str = ""
    source: str = ""
    width: int = 1
