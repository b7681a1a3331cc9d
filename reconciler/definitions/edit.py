"""A document inside a file's text → the same text with another value, changed where it must be and nowhere else.

    text ─► what the reader sees ─► where each value stands ─► lines cut, put in, changed ─► what the reader sees
                                                                                                  │ as wanted?
                                                                                                  └─► the new text

Comments, layout, quotes, the order of keys, empty lines and line breaks of what is not touched stay character
for character. Nothing is returned that was not read again and found to be exactly what was wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.definitions.compose import Parsed, Spot
from reconciler.definitions.edit_block import block
from reconciler.definitions.edit_flow import flow
from reconciler.definitions.edit_match import keys_of_table, same, settled
from reconciler.definitions.edit_render import in_flow, in_json, mapping_lines
from reconciler.definitions.edit_sheet import Keys, Sheet, manner_of
from reconciler.definitions.layout import Node, Page, Style, Unclear, break_of, layout
from reconciler.definitions.reader import read

_MARKER = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_BARE_MARKER = re.compile(r"---[ \t]*(?:\r\n|\r|\n|\Z)")


_NOT_AS_MEANT = "after the change the file would not say what is meant: it is written in an unusual way"


class NotEditable(Exception):
    """This text cannot be changed safely; the message is one sentence that says what is in the way."""


def edited(text: str, index: int, wanted: Mapping[str, Any], *, json: bool, keys: Keys | None = None) -> str:
    """Return a file's text in which one document says exactly what is wanted.

    Args:
        text: what the reader takes without a fault, without byte order mark.
        index: number of the document as the reader counts, from 0; those that hold nothing count too.
        wanted: mappings, lists, texts, whole numbers, booleans and null, as in a file: a source is
            `{"from_env": NAME}`. What is written as a comment alone (`Ghost`) is left out.
        json: it is JSON, else YAML.
        keys: path of a mapping → the order of its keys, for new ones; the table's by default.

    Raises NotEditable. The very same text comes back where it says that already.
    """
    value = _wanted(wanted)
    documents = _documents(text, json=json) or (_nothing(text),)
    if index >= len(documents):
        raise NotEditable(f"there is no document {index + 1} in this file")
    if same(documents[index].value, value):
        return text
    if not isinstance(documents[index].value, dict) and documents[index].value is not None:
        raise NotEditable("the document is not a mapping")
    expected = [value if place == index else document.value for place, document in enumerate(documents)]
    for candidate in _candidates(text, index, value, keys or keys_of_table, json=json):
        if _says(candidate, expected, json=json):
            return candidate
    raise NotEditable(_NOT_AS_MEANT)


def without(text: str, index: int, *, json: bool) -> str:
    """Return a file's text without one of its documents and that one's comments; "" where there is no other.

    A comment at the head of the file that an empty line sets off stays. Raises NotEditable.
    """
    documents = _documents(text, json=json)
    if index >= len(documents):
        raise NotEditable(f"there is no document {index + 1} in this file")
    others = [document.value for place, document in enumerate(documents) if place != index]
    if all(value is None for value in others):
        return ""
    markers = [match.start() for match in _MARKER.finditer(text)]
    starts = [max((mark for mark in markers if mark <= document.start), default=0) for document in documents]
    if index:
        end = starts[index + 1] if index + 1 < len(starts) else len(text)
        return _checked(text[: starts[index]] + text[end:], others, json=json)
    begin, end = starts[0], starts[1]
    if not text.startswith("---", begin) or text[:begin].strip():
        begin = _header_end(text, begin, documents[0])
    bare = _BARE_MARKER.match(text, end)
    if bare and not text.startswith("---", starts[0]) and not text.startswith("%"):
        end = bare.end()
    return _checked(text[:begin] + text[end:], others, json=json)


def appended(text: str, document_text: str) -> str:
    """Return a YAML file's text with a further document behind the others. Raises NotEditable."""
    before, added = _documents(text, json=False), _documents(document_text, json=False)
    expected = [document.value for document in (*before, *added)]
    eol = break_of(text)
    if eol != "\n":
        document_text = re.sub(r"(?<!\r)\n", eol, document_text)
    if not before:
        return _checked(_ended(text) + document_text, expected, json=False)
    marked = not added or _MARKER.search(document_text, 0, added[0].start)
    marker = "" if marked else f"---{eol}"
    start = _ended(text)
    if not _says(start, expected[: len(before)], json=False):
        start = edited(start, len(before) - 1, before[-1].value, json=False)
    return _checked(start + marker + document_text, expected, json=False)


def _wanted(wanted: Mapping[str, Any]) -> dict[str, Any]:
    try:
        value = settled(wanted)
    except TypeError as error:
        raise NotEditable(f"a file cannot hold a value of the type {error}") from None
    assert isinstance(value, dict)
    return value


def _documents(text: str, *, json: bool) -> tuple[Parsed, ...]:
    contents = read(text, json=json, spotting=True)
    if contents.faults:
        raise NotEditable(f"the file cannot be read: {contents.faults[0].message}")
    return contents.documents


def _nothing(text: str) -> Parsed:
    """Return the document of a text that has none."""
    return Parsed(None, len(text), {(): Spot(len(text), len(text))})


def _says(text: str, expected: list[Any], *, json: bool) -> bool:
    """Tell whether a text is read without a fault, and says what is expected."""
    contents = read(text, json=json)
    found = [document.value for document in contents.documents]
    return not contents.faults and same(found, expected)


def _checked(text: str, expected: list[Any], *, json: bool) -> str:
    if not _says(text, expected, json=json):
        raise NotEditable(_NOT_AS_MEANT)
    return text


def _ended(text: str) -> str:
    """Return a text with a line break at its end."""
    return text if not text or text.endswith(("\n", "\r")) else text + break_of(text)


def _candidates(text: str, index: int, value: dict[str, Any], keys: Keys, *, json: bool) -> Iterator[str]:
    """Yield the text after the edit, as people would write it first, then with fewer niceties.

    A line break that the end of the text lacks is put there where nothing else helps, and taken off again.
    """
    ended = _ended(text)
    for start in dict.fromkeys((text, ended)):
        for candidate in _edits(start, index, value, keys, json=json):
            if ended != text:
                yield candidate.removesuffix("\n").removesuffix("\r")
            yield candidate


def _edits(text: str, index: int, value: dict[str, Any], keys: Keys, *, json: bool) -> Iterator[str]:
    """Yield the text after the edit. Aliases of what is touched are written out in full."""
    parsed = (_documents(text, json=json) or (_nothing(text),))[index]
    if same(parsed.value, value):
        yield text
        return
    page = Page(text)
    try:
        root = layout(text, parsed.value, parsed.spots)
        manner = manner_of(page, root, json=json)
        for nice in (manner, replace(manner, airy=False), replace(manner, airy=False, keeping=False)):
            yield _edit(Sheet(page, nice, keys), root, value)
    except Unclear as error:
        raise NotEditable(f"the document has {error}, which is not edited") from None


def _edit(sheet: Sheet, root: Node, value: dict[str, Any]) -> str:
    while True:
        text = _root(sheet, root, value)
        if sheet.touched <= sheet.spelled:
            return text
        sheet = replace(sheet, spelled=sheet.spelled | sheet.touched, touched=set())


def _root(sheet: Sheet, root: Node, value: dict[str, Any]) -> str:
    """Return the whole text with the document's value in the place of the old one."""
    text = sheet.page.text
    sheet.touch(root, below=False)
    if root.style is Style.BLOCK:
        first = root.entries[0].first
        new = block(sheet, root, value, ())[1] if value else f"{{}}{sheet.manner.eol}"
        return text[:first] + new + text[root.end :]
    if root.value and value:
        return text[: root.start] + flow(sheet, root, value, ()) + text[root.end :]
    value = sheet.sorted(value, ())
    if sheet.manner.json:
        return text[: root.start] + in_json(value, sheet.manner, "") + text[root.end :]
    if not value:
        return text[: root.start] + in_flow(value) + text[root.end :]
    return _filled(sheet, root, "".join(line + sheet.manner.eol for line in mapping_lines(value, 0, sheet.manner)))


def _filled(sheet: Sheet, root: Node, lines: str) -> str:
    """Return the text with lines in the place of a document that holds nothing; comments beside it stay."""
    text, page = sheet.page.text, sheet.page
    begin, behind = page.begin(root.start), page.finish(root.end)
    if page.alone(root.start) and root.value is None:
        return text[:begin] + lines + text[begin:]
    remark = text[root.end : behind].lstrip(" \t")
    if page.alone(root.start):
        return text[:begin] + (remark if remark.strip() else "") + lines + text[behind:]
    head = text[: root.start].rstrip(" \t")
    return (
        f"{head} {remark}" + lines + text[behind:]
        if remark.strip()
        else head + sheet.manner.eol + lines + text[behind:]
    )


def _header_end(text: str, begin: int, document: Parsed) -> int:
    """Return where a first document's own lines begin: behind the last empty line above it."""
    above = text[begin : Page(text).begin(document.start)]
    lines = list(re.finditer(r"^[ \t]*(?:\r\n|\r|\n)", above, re.MULTILINE))
    return begin + lines[-1].end() if lines else begin
