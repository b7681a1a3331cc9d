"""A collection in brackets → its text with another value: entries cut, put in and changed between the commas.

    [ first, second # remark⏎  third ]   each entry is  lead · body · comma · tail

Entries on lines of their own keep them, and new ones get one too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.edit_render import in_flow, in_json, likewise
from reconciler.definitions.edit_sheet import Sheet, Slot, slots
from reconciler.definitions.layout import Node, Style, Unclear

_BETWEEN = re.compile(r"(?P<before>(?:\s|#[^\r\n]*(?=[\r\n]))*)(?P<comma>,?)(?P<behind>(?:\s|#[^\r\n]*(?=[\r\n]))*)")
_TAIL = re.compile(r"[ \t]*(?:#[^\r\n]*)?(?=[\r\n])")
_INDENT = re.compile(r"(?:\r\n|\r|\n)([ \t]*)\Z")


@dataclass(slots=True)
class _Part:
    """An entry between two commas. `gap`: what is between it and the comma behind it."""

    lead: str
    body: str
    gap: str = ""
    tail: str = ""


@dataclass(slots=True)
class _Frame:
    """What is around the entries: from the bracket to the first one's line, and from the last one to the bracket."""

    opening: str
    closing: str
    comma_at_end: bool


def flow(sheet: Sheet, node: Node, wanted: Any, path: Path) -> str:
    """Return the text of a collection in brackets that holds something, and shall hold something else of its kind.

    Raises Unclear where it is written in a way that is not edited.
    """
    frame, parts = _apart(sheet, node)
    first, other = _leads(parts)
    made: list[_Part] = []
    for slot in slots(sheet, node, wanted, path):
        lead = other if made else first
        if slot.old is None:
            made.append(_Part(lead, _new(sheet, node, slot, path, lead)))
            continue
        part = parts[slot.old]
        if not _blank(part.lead) or (made and slot.old):
            lead = part.lead
        part.body = _kept(sheet, node, slot, path, lead)
        part.lead = lead
        made.append(part)
    return _together(sheet, frame, made)


def _apart(sheet: Sheet, node: Node) -> tuple[_Frame, list[_Part]]:
    text, entries = sheet.page.text, node.entries
    if text[node.end - 1 : node.end] not in ("}", "]"):
        raise Unclear("a bracket that is not found")
    tail, lead = _split(text[node.start + 1 : entries[0].at])
    opening = text[node.start] + tail
    parts, comma = [], False
    for place, entry in enumerate(entries):
        end = entries[place + 1].at if place + 1 < len(entries) else node.end - 1
        match = _BETWEEN.fullmatch(text, entry.node.end, end)
        if match is None:
            raise Unclear("something other than a comma between two entries")
        part = _Part(lead, "")
        comma = bool(match["comma"])
        if comma:
            part.gap = match["before"]
        part.tail, lead = _split(match["behind"] if comma else match["before"])
        parts.append(part)
    return _Frame(opening, lead + text[node.end - 1], comma), parts


def _split(text: str) -> tuple[str, str]:
    """Part what is between two entries: the rest of the first one's line, and what leads to the second."""
    match = _TAIL.match(text)
    return (text[: match.end()], text[match.end() :]) if match else ("", text)


def _blank(lead: str) -> bool:
    return "#" not in lead


def _leads(parts: list[_Part]) -> tuple[str, str]:
    """Return what leads to a first entry that had nothing of its own, and to any other."""
    blank = [part.lead for part in parts[1:] if _blank(part.lead)]
    lines = [part.lead for part in parts if "\n" in part.lead or "\r" in part.lead]
    indent = _INDENT.search(lines[0]) if lines else None
    plain = lines[0][indent.start() :] if indent else ""
    first = parts[0].lead if _blank(parts[0].lead) else plain
    return first, blank[0] if blank else (plain or " ")


def _indent(lead: str) -> str | None:
    """Return the indentation of an entry on a line of its own; None on a line with others."""
    match = _INDENT.search(lead)
    return match.group(1) if match else None


def _new(sheet: Sheet, node: Node, slot: Slot, path: Path, lead: str) -> str:
    value = sheet.sorted(slot.wanted, (*path, slot.step))
    text = in_json(value, sheet.manner, _indent(lead)) if sheet.manner.json else in_flow(value)
    if not isinstance(slot.step, str):
        return text
    key = in_json(slot.step, sheet.manner, None) if sheet.manner.json else in_flow(slot.step)
    between = sheet.page.text[node.entries[0].head : node.entries[0].node.start]
    return f"{key}:{between if between and not between.strip(' ') else sheet.manner.colon[1:]}{text}"


def _kept(sheet: Sheet, node: Node, slot: Slot, path: Path, lead: str) -> str:
    """Return the text of an entry that was there."""
    assert slot.old is not None
    entry, text = node.entries[slot.old], sheet.page.text
    old, wanted = entry.node, slot.wanted
    if sheet.stands(old, wanted):
        return text[entry.at : old.end]
    here = (*path, slot.step)
    if old.style is Style.FLOW and old.value and wanted and type(old.value) is type(wanted) and not old.alias:
        sheet.touch(old, below=False)
        return text[entry.at : old.start] + flow(sheet, old, wanted, here)
    sheet.touch(old)
    wanted = sheet.sorted(wanted, here)
    if sheet.manner.json:
        new = in_json(wanted, sheet.manner, _indent(lead))
    else:
        new = likewise(text[old.start : old.end], wanted) or in_flow(wanted)
    space = " " if entry.key is not None and old.start == entry.head and not sheet.manner.json else ""
    return text[entry.at : old.start] + space + new


def _together(sheet: Sheet, frame: _Frame, parts: list[_Part]) -> str:
    text = frame.opening
    for place, part in enumerate(parts):
        is_last = place == len(parts) - 1
        comma = "" if is_last and not frame.comma_at_end else ","
        text += part.lead + part.body + (part.gap if comma or part.gap.strip() else "") + comma + part.tail
        behind = frame.closing if is_last else parts[place + 1].lead
        if "#" in part.tail and not behind.startswith(("\r", "\n")):
            text += sheet.manner.eol
    return text + frame.closing
