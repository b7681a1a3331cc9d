"""A value → new text of a file, in the manner of that file.

    block style  ─► what stands behind "key:" or "-", and the lines below it
    flow style   ─► one line of YAML
    JSON         ─► one line, or lines indented as the file's are

Scalars are spelled as the writer of whole definitions spells them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.scalars import Odd
from reconciler.definitions.sources import FROM_ENV, FROM_FILE
from reconciler.definitions.writer import block, inline, is_plain, quoted

_SOURCES = ({FROM_ENV}, {FROM_FILE})
_NOT_IN_FLOW = re.compile(r"[:?,\[\]{}]")
_HARD = re.compile("[\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\uffff]")
_DEEPEST_DIGIT = 9


@dataclass(frozen=True, slots=True)
class Manner:
    """How a file is written.

    Attributes:
        json: it is JSON.
        eol: its line break.
        unit: how much deeper a level is indented; of JSON, the very characters.
        flush: lists stand below their key without indentation.
        colon: what is between a key and its value; `comma`: what is behind a comma. In JSON.
        keeping: a text that ends with empty lines may be a block; that is right only where no other empty
            line follows.
        airy: where elements are separated by empty lines, new ones are too.
    """

    json: bool = False
    eol: str = "\n"
    unit: str = "  "
    flush: bool = False
    colon: str = ": "
    comma: str = " "
    keeping: bool = True
    airy: bool = True


@dataclass(frozen=True, slots=True)
class Rendered:
    """A value behind a key or a dash: what stands on that line ("" for nothing), and the lines below."""

    line: str
    below: tuple[str, ...] = ()


def is_source(value: Any) -> bool:
    """Tell whether a value is written on one line because it only says where a value comes from."""
    return isinstance(value, dict) and value.keys() in _SOURCES


def nests(value: Any) -> bool:
    """Tell whether a value is written over lines of its own, in block style."""
    return isinstance(value, dict | list) and bool(value) and not is_source(value)


def render(value: Any, column: int, manner: Manner, *, in_list: bool) -> Rendered:
    """Write a value in block style behind a key (or a dash, `in_list`) that stands at a column."""
    if nests(value):
        lines = mapping_lines(value, column + _depth(manner, in_list), manner) if isinstance(value, dict) else None
        if lines is None:
            lines = list_lines(value, column + _list_depth(manner, in_list), manner)
        return Rendered("", tuple(lines))
    if isinstance(value, str):
        indent = column + _depth(manner, in_list)
        if "\n" in value and (text := text_block(value, column, indent, keeping=manner.keeping)):
            return text
    return Rendered(on_a_line(value))


def _depth(manner: Manner, in_list: bool) -> int:
    return 2 if in_list else len(manner.unit)


def _list_depth(manner: Manner, in_list: bool) -> int:
    return 0 if manner.flush and not in_list else _depth(manner, in_list)


def mapping_lines(value: dict[str, Any], column: int, manner: Manner) -> list[str]:
    """Write a mapping in block style, its keys at a column."""
    lines = []
    for key, item in value.items():
        rendered = render(item, column, manner, in_list=False)
        lines.append(f"{' ' * column}{spelled_key(key)}:{rendered.line and f' {rendered.line}'}")
        lines += rendered.below
    return lines


def list_lines(value: list[Any], column: int, manner: Manner) -> list[str]:
    """Write a list in block style, its dashes at a column."""
    lines = []
    for item in value:
        rendered = render(item, column, manner, in_list=True)
        head = f"{' ' * column}-"
        if rendered.line:
            lines += [f"{head} {rendered.line}", *rendered.below]
        else:
            lines += [f"{head} {rendered.below[0].lstrip(' ')}", *rendered.below[1:]]
    return lines


def text_block(text: str, column: int, indent: int, *, keeping: bool) -> Rendered | None:
    """Write a text as a | block with its lines at `indent`; None where that would not be exact.

    Args:
        text: any text.
        column: that of the key or the dash above it.
        indent: how far its lines are indented.
        keeping: see `Manner`.
    """
    core = text.strip("\n")
    lead, ends = len(text) - len(text.lstrip("\n")), len(text) - len(text.rstrip("\n"))
    if not core or (ends > 1 and not keeping):
        return None
    lines = block(f"{core}\n", " " * indent)
    deep = core[0] in " \t"
    if lines is None or (deep and not 0 < indent - column <= _DEEPEST_DIGIT):
        return None
    header = f"|{indent - column if deep else ''}{('-', '', '+')[min(ends, 2)]}"
    return Rendered(header, ("",) * lead + tuple(lines[1:]) + ("",) * (ends - 1))


def spelled_key(key: str) -> str:
    """Write a key of a mapping in block style."""
    return key if is_plain(key) else quoted(key)


def on_a_line(value: Any) -> str:
    """Write a value on one line of block style, collections in brackets."""
    if isinstance(value, Odd):
        return value.text
    if isinstance(value, dict | list):
        return in_flow(value)
    return inline(value)


def in_flow(value: Any) -> str:
    """Write a value on one line, between brackets."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow_text(key)}: {in_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_flow(item) for item in value) + "]"
    return _flow_text(value) if isinstance(value, str) else on_a_line(value)


def _flow_text(text: str) -> str:
    return text if is_plain(text) and not _NOT_IN_FLOW.search(text) else quoted(text)


def likewise(raw: str, value: Any) -> str | None:
    """Write a text in the quotes that the old one had; None where it had none, or where they would not do."""
    if not isinstance(value, str) or not raw.startswith(("'", '"')):
        return None
    if raw.startswith('"'):
        return quoted(value)
    return "'" + value.replace("'", "''") + "'" if value.isprintable() else None


def in_json(value: Any, manner: Manner, indent: str | None) -> str:
    """Write a value as JSON: on one line, or below a line that is indented by `indent`."""
    if isinstance(value, dict) and value:
        parts = [f"{_json_text(key)}{manner.colon}{in_json(item, manner, _under(manner, indent))}"
                 for key, item in value.items()]  # fmt: skip
        return _enclosed("{", parts, "}", manner, indent)
    if isinstance(value, list) and value:
        return _enclosed("[", [in_json(item, manner, _under(manner, indent)) for item in value], "]", manner, indent)
    if isinstance(value, Odd):
        return value.text
    return _json_text(value) if isinstance(value, str) else json.dumps(value)


def _under(manner: Manner, indent: str | None) -> str | None:
    return None if indent is None else indent + manner.unit


def _enclosed(opening: str, parts: list[str], closing: str, manner: Manner, indent: str | None) -> str:
    if indent is None:
        return opening + f",{manner.comma}".join(parts) + closing
    between = f"{manner.eol}{indent}{manner.unit}"
    return f"{opening}{between}{f',{between}'.join(parts)}{manner.eol}{indent}{closing}"


def _json_text(text: str) -> str:
    return _HARD.sub(lambda match: json.dumps(match.group())[1:-1], json.dumps(text, ensure_ascii=False))
