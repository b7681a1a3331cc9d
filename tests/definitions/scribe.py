"""Writes documents as people do: one line after another, in changing styles, each line with what it belongs to.

    value ─► Scribe ─► lines, each with the paths whose change may change it

It uses nothing of the code under test.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.")
WORDS = {"null", "true", "false", "y", "n", "yes", "no", "on", "off"}


@dataclass(frozen=True)
class Line:
    """A line of a text.

    `owner`: the path that wrote it, None for empty lines. `whole`: a change anywhere below may change it too.
    """

    text: str
    owner: Path | None
    whole: bool = False

    def survives(self, changed: set[Path]) -> bool:
        """Tell whether it has to be there after the values at some paths were changed, put in or taken away."""
        if self.owner is None:
            return False
        if any(self.owner[: len(path)] == path for path in changed):
            return False
        return not (self.whole and any(path[: len(self.owner)] == self.owner for path in changed))


@dataclass
class Scribe:
    """Writes block style, brackets here and there, comments and empty lines in between."""

    random: random.Random
    unit: int = 2
    flush: bool = False
    remarks: bool = True
    brackets: bool = True
    airy: float = 0.1
    lines: list[Line] = field(default_factory=list)
    count: int = 0

    def write(self, value: dict[str, Any]) -> None:
        """Write a document."""
        if self.remarks and self.random.random() < 0.5:
            self.lines.append(Line(f"# head {self._number()}", ()))
            if self.random.random() < 0.5:
                self.lines.append(Line("", None))
        self._mapping(value, (), 0, "")

    def _number(self) -> int:
        self.count += 1
        return self.count

    def _between(self, holder: Path, path: Path, column: int, *, first: bool, may: bool) -> None:
        """Write what stands above an entry: an empty line, a comment set off, a comment of its own."""
        if not may:
            return
        if not first and self.random.random() < self.airy:
            self.lines.append(Line("", None))
            if self.remarks and self.random.random() < 0.3:
                self.lines.append(Line(f"{' ' * column}# section {self._number()}", holder))
                self.lines.append(Line(self.random.choice(["", "  "]), None))
        if self.remarks and (holder or not first) and self.random.random() < 0.2:
            self.lines.append(Line(f"{' ' * column}# about: {self._number()}", path))

    def _remark(self) -> str:
        return f"  # r: {self._number()}" if self.remarks and self.random.random() < 0.2 else ""

    def _mapping(self, value: dict[str, Any], path: Path, column: int, lead: str) -> None:
        for place, (key, item) in enumerate(value.items()):
            here = (*path, key)
            self._between(path, here, column, first=place == 0, may=not (lead and place == 0))
            head = f"{lead if lead and place == 0 else ' ' * column}{self._text(key, key=True)}:"
            self._value(head, item, here, column, in_list=False)

    def _list(self, value: list[Any], path: Path, column: int, lead: str) -> None:
        for place, item in enumerate(value):
            here = (*path, place)
            self._between(path, here, column, first=place == 0, may=not (lead and place == 0))
            head = f"{lead if lead and place == 0 else ' ' * column}-"
            self._value(head, item, here, column, in_list=True)

    def _value(self, head: str, value: Any, path: Path, column: int, *, in_list: bool) -> None:
        nests = isinstance(value, dict | list) and bool(value)
        if nests and not (self.brackets and self.random.random() < 0.15):
            below = column + (2 if in_list else self.unit)
            compact = in_list and self.random.random() < 0.8
            if not compact:
                self.lines.append(Line(head + self._remark(), path))
            if isinstance(value, dict):
                self._mapping(value, path, below, f"{head} " if compact else "")
            else:
                self._list(value, path, column if self.flush and not in_list else below, f"{head} " if compact else "")
        elif nests and self.random.random() < 0.3:
            self._tall(head, value, path, column + 2)
        elif isinstance(value, str) and "\n" in value and self._block(head, value, path, column):
            return
        elif value is None and self.random.random() < 0.3:
            self.lines.append(Line(head + self._remark(), path))
        else:
            self.lines.append(Line(f"{head} {self._flow(value)}{self._remark()}", path, whole=True))

    def _tall(self, head: str, value: Any, path: Path, column: int) -> None:
        """Write a collection in brackets over several lines."""
        self.lines.append(Line(f"{head} {'{' if isinstance(value, dict) else '['}", path))
        steps = list(value) if isinstance(value, dict) else list(range(len(value)))
        for step in steps:
            comma = "" if step == steps[-1] and self.random.random() < 0.5 else ","
            key = f"{self._text(step, key=True)}: " if isinstance(step, str) else ""
            text = f"{' ' * column}{key}{self._flow(value[step])}{comma}{self._remark()}"
            self.lines.append(Line(text, (*path, step), whole=True))
        self.lines.append(Line(f"{' ' * (column - 1)}{'}' if isinstance(value, dict) else ']'}", path))

    def _block(self, head: str, value: str, path: Path, column: int) -> bool:
        """Write a text as a block, where it is one that plainly can be."""
        body = value.rstrip("\n")
        ends = len(value) - len(body)
        if ends > 1 or body[:1] in ("", " ", "\n") or any(line != line.rstrip() for line in body.split("\n")):
            return False
        indent = " " * (column + self.random.choice([1, 2, 4]))
        folded = ends == 1 and "\n" not in body and self.random.random() < 0.3
        self.lines.append(Line(f"{head} {'>' if folded else '|'}{'' if ends else '-'}{self._remark()}", path))
        self.lines += [Line(f"{indent}{line}" if line else "", path if line else None) for line in body.split("\n")]
        return True

    def _flow(self, value: Any) -> str:
        if isinstance(value, dict):
            pad = self.random.choice(["", " "]) if value else ""
            inner = ", ".join(f"{self._text(key, key=True)}: {self._flow(item)}" for key, item in value.items())
            return f"{{{pad}{inner}{pad}}}"
        if isinstance(value, list):
            return "[" + self.random.choice([", ", ",  "]).join(self._flow(item) for item in value) + "]"
        if isinstance(value, str):
            return self._text(value)
        return json.dumps(value)

    def _text(self, text: str, *, key: bool = False) -> str:
        easy = text and set(text) <= PLAIN and text[0].isalpha() and text.lower() not in WORDS
        if easy and self.random.random() < (0.95 if key else 0.7):
            return text
        if text.isascii() and text.isprintable() and self.random.random() < 0.4:
            return "'" + text.replace("'", "''") + "'"
        return json.dumps(text)


@dataclass
class JsonScribe:
    """Writes JSON as `json.dumps(value, indent=…)` does, a line at a time."""

    indent: str
    lines: list[Line] = field(default_factory=list)

    def write(self, value: Any, path: Path = (), lead: str = "", comma: str = "") -> None:
        """Write a value behind what leads to it."""
        pad = self.indent * len(path)
        if not isinstance(value, dict | list) or not value:
            self.lines.append(Line(f"{pad}{lead}{json.dumps(value, ensure_ascii=False)}{comma}", path, whole=True))
            return
        self.lines.append(Line(f"{pad}{lead}{'{' if isinstance(value, dict) else '['}", path))
        steps = list(value) if isinstance(value, dict) else list(range(len(value)))
        for step in steps:
            key = f"{json.dumps(step, ensure_ascii=False)}: " if isinstance(step, str) else ""
            self.write(value[step], (*path, step), key, "" if step == steps[-1] else ",")
        self.lines.append(Line(f"{pad}{'}' if isinstance(value, dict) else ']'}{comma}", path))
