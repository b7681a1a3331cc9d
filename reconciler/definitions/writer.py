"""A build → the YAML text of its definition, which the loader reads back to the same build.

    build ─► nested mappings in the order of the table ─► lines

A text of many lines is a `|` block where that is exact; every other text is plain where no reader takes it
for something else, else in double quotes. A secret is written as the source that the caller names for its
path, or left out. Same build, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.document import EXTRA
from reconciler.definitions.scalars import resolve
from reconciler.definitions.sources import FROM_ENV, FROM_FILE
from reconciler.model.build import DEFAULT, Build, Value, Values, elements_of, join
from reconciler.model.fields import ROWS, Elements, Leaf, Row, Type
from reconciler.model.secret import Secret

Source = Mapping[str, str]
"""Where a value comes from, as a definition writes it: `{"from_env": "BUILD_PW"}`."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """A setting that stands as a comment, because nobody knows its value. `text`: the usual one, as YAML."""

    text: str


class Remarked(str):
    """A text with a remark behind it, as a comment on its line; equal to the same text without one."""

    __slots__ = ("remark",)

    remark: str

    def __new__(cls, text: str, remark: str) -> Remarked:
        """Make one."""
        made = super().__new__(cls, text)
        made.remark = remark
        return made


_LETTER = "A-Za-z_\u00c0-\u024f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
_PLAIN = re.compile(f"[{_LETTER}/$](?:[{_LETTER}0-9./$@+=~%()-]|:(?=[{_LETTER}0-9/])|[ ](?=[{_LETTER}0-9./$@+=~%(-]))*")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
"""What some reader of YAML takes for a boolean or for nothing."""

_ESCAPED = re.compile(
    '["\\\\\x00-\x1f\x7f-\xa0\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\ufeff\ufff9-\uffff'
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What double quotes need escaped, and what nobody sees."""

_NOT_IN_BLOCKS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029\ud800-\udfff]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SOURCES = ({FROM_ENV}, {FROM_FILE})
"""Mappings that stand on one line."""

_REPLACEMENT = "\ufffd"
_LAST_IN_A_BYTE, _LAST_IN_TWO = 0xFF, 0xFFFF


def write(
    build: Build,
    *,
    sources: Mapping[str, Source] | None = None,
    comments: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of a definition, with a final newline.

    Args:
        build: what to declare. Values that the table does not know are not written; a build step that is
            False is written as null.
        sources: path of a secret → its source; a secret without one is left out.
        comments: path of a setting, an element or a block → text above it; "" is the head of the document.
        extra: what stands under `x-reconciler`: mappings, lists, texts, numbers, booleans.

    Half a surrogate pair, which no YAML can hold, becomes U+FFFD.
    """
    return render(nested(build, sources=sources, extra=extra), comments)


def nested(
    build: Build,
    *,
    sources: Mapping[str, Source] | None = None,
    ghosts: Mapping[str, Ghost] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a definition as the mappings and lists that stand in a file, in the order of the table.

    Args:
        build: see `write`.
        sources: see `write`.
        ghosts: path of a setting that the build does not declare → what stands there as a comment.
        extra: see `write`.
    """
    document: dict[str, Any] = {"name": build.name, "project_key": build.project}
    document |= _Tree(sources or {}, ghosts or {}).level(ROWS[build.kind], build.values, "")
    if extra:
        document[EXTRA] = dict(extra)
    return document


def render(document: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """Return the text of a document that `nested` made, with a final newline. `comments`: see `write`."""
    page = _Page(comments or {})
    page.comment("", "")
    page.mapping(document, "", "")
    return "\n".join(page.lines) + "\n"


class _Named(dict[str, Any]):
    """A mapping in a list that is named by its key."""

    def __init__(self, key: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.key = key


@dataclass(frozen=True, slots=True)
class _Tree:
    """Nests the flat levels of a build."""

    sources: Mapping[str, Source]
    ghosts: Mapping[str, Ghost]

    def level(self, rows: Sequence[Row], values: Values, parent: str) -> dict[str, Any]:
        node: dict[str, Any] = {}
        credential = values.get("is_credential") is True
        for row in rows:
            path, value = join(parent, row.path), values.get(row.path)
            if value is None:
                if path in self.ghosts:
                    _put(node, row.path, self.ghosts[path])
                continue
            if isinstance(row, Leaf) and row.secret and credential and isinstance(value, str) and value:
                value = Secret(None)
            if not isinstance(value, Secret):
                _put(node, row.path, self._value(row, value, path))
            elif path in self.sources:
                _put(node, row.path, dict(self.sources[path]))
        return node

    def _value(self, row: Row, value: Value, path: str) -> Any:
        if value is DEFAULT:
            return None
        if isinstance(row, Elements):
            return [_Named(e.key, self.level(row.rows, e.values, f"{path}[{e.key}]")) for e in elements_of(value)]
        if row.type is Type.BLOCK:
            return {} if value is True else None
        return list(value) if isinstance(value, tuple) else value


def _put(node: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at its path; what is below a block that is null is left out."""
    *blocks, leaf = path.split(".")
    for block in blocks:
        node = node.setdefault(block, {})
        if node is None:
            return
    node[leaf] = value


@dataclass(slots=True)
class _Page:
    """The lines so far."""

    comments: Mapping[str, str]
    lines: list[str] = field(default_factory=list)

    def comment(self, path: str, indent: str) -> None:
        """Write the comment above a path, if there is one."""
        if path in self.comments:
            lines = self.comments[path].rstrip("\n").split("\n")
            self.lines += [f"{indent}# {_NOT_IN_BLOCKS.sub(_escape, line)}".rstrip() for line in lines]

    def mapping(self, node: Mapping[str, Any], path: str, indent: str, lead: str = "") -> None:
        """Write a mapping; `lead` stands in front of its first key in place of the indentation."""
        for key, value in node.items():
            here = join(path, key)
            if is_ghost(value):
                self._ghost(key, value, indent)
                continue
            self.comment(here, lead.rstrip("- ") if lead else indent)
            head = f"{lead or indent}{key if is_plain(key) else quoted(key)}:"
            lead = ""
            if isinstance(value, Mapping) and value and value.keys() not in _SOURCES:
                self.lines.append(head)
                self.mapping(value, here, f"{indent}  ")
            elif isinstance(value, list) and value:
                self.lines.append(head)
                self._list(value, here, f"{indent}  ")
            else:
                self._scalar(head, value, indent)

    def _ghost(self, key: str, value: Ghost | Mapping[str, Any], indent: str) -> None:
        """Write what nobody knows as comments, the blocks around it too."""
        if isinstance(value, Ghost):
            self.lines.append(f"{indent}# {key}: {value.text}")
            return
        inner = _Page({})
        for below, item in value.items():
            inner._ghost(below, item, "  ")
        self.lines.append(f"{indent}# {key}:")
        self.lines += [f"{indent}# {line.replace('# ', '', 1)}" for line in inner.lines]

    def _list(self, items: list[Any], path: str, indent: str) -> None:
        for place, item in enumerate(items):
            here = f"{path}[{item.key if isinstance(item, _Named) else place}]"
            self.comment(here, indent)
            if isinstance(item, Mapping) and item:
                self.mapping(item, here, f"{indent}  ", f"{indent}- ")
            else:
                self.lines.append(f"{indent}- {inline(item)}")

    def _scalar(self, head: str, value: Any, indent: str) -> None:
        lines = block(value, f"{indent}  ") if isinstance(value, str) else None
        if lines is None:
            remark = f"  # {value.remark}" if isinstance(value, Remarked) else ""
            self.lines.append(f"{head} {inline(value)}{remark}")
        else:
            self.lines += [f"{head} {lines[0]}", *lines[1:]]


def is_ghost(value: object) -> bool:
    """Tell whether a value is written as comments alone: a ghost, or a block of nothing else."""
    if isinstance(value, Mapping):
        return bool(value) and all(is_ghost(item) for item in value.values())
    return isinstance(value, Ghost)


def inline(value: Any) -> str:
    """Write a value on one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if is_plain(value) else quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {inline(item)}" for key, item in value.items()) + "}"
    return "[]" if isinstance(value, list) else str(value)


def is_plain(text: str) -> bool:
    """Tell whether a text needs no quotes: no reader takes it for something else."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS and resolve(text) == text


def quoted(text: str) -> str:
    """Write a text in double quotes."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xD800 <= code <= 0xDFFF:
        return _REPLACEMENT
    if code <= _LAST_IN_A_BYTE:
        return _SHORT.get(character) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_IN_TWO else f"\\U{code:08x}"


def block(text: str, indent: str) -> list[str] | None:
    """Write a text of many lines as a block: its header and its lines; None where that would not be exact."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    lines = body.split("\n")
    blank = not lines[0].strip() or not lines[-1].strip()
    if "\n" not in text or blank or _NOT_IN_BLOCKS.search(text):
        return None
    deep = "2" if lines[0][0] in " \t" else ""
    header = f"|{deep}{('-', '', '+')[min(ends, 2)]}"
    return [header, *(f"{indent}{line}" if line else "" for line in lines), *[""] * (ends - 1)]
