"""Target documents → the texts of their files, changed where they must be and nowhere else.

merge ─► edit each file ─► one cannot be edited? ─► merge again without it ─► … ─► texts
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.definitions.edit import NotEditable, edited, without
from reconciler.definitions.opened import Opened
from reconciler.export.merging import Merge, Sides, merge
from reconciler.model.exported import Note, Topic

_CUT = object()
"""Stands for a document that is taken out of its file."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A merge as texts.

    Attributes:
        files: path relative to the root → its new text as it is to be written; None: the file is to be deleted.
        merge: what they say.
        notes: of the merge, and of files that could not be edited.
    """

    files: Mapping[str, str | None] = field(default_factory=dict)
    merge: Merge = field(default_factory=Merge)
    notes: tuple[Note, ...] = ()


def rewrite(opened: Opened, sides: Sides) -> Rewriting:
    """Take what changed on the server into a tree's files. A file that cannot be edited stays whole, and is told."""
    failed: dict[str, Note] = {}
    while True:
        merged = merge(opened, sides, failed.keys())
        files, wrong = _texts(opened, merged)
        if not wrong:
            notes = sorted({*merged.notes, *failed.values()})
            return Rewriting(files, replace(merged, notes=tuple(notes)), tuple(notes))
        failed |= {file: _note(opened, file, reason) for file, reason in wrong.items()}


def _note(opened: Opened, file: str, reason: str) -> Note:
    users = [one for one in opened.definitions if one.file == file]
    project, name = users[0].key if len(users) == 1 else (users[0].project if users else "", "")
    return Note(Topic.UNMERGED.value, project, name, "", reason, opened.texts[file].shown)


def _texts(opened: Opened, merged: Merge) -> tuple[dict[str, str | None], dict[str, str]]:
    """Return path → text, and file → why it cannot be edited."""
    wanted = defaultdict[str, dict[int, Any]](dict)
    for (file, index), document in merged.documents.items():
        wanted[file][index] = document
    for file, document in merged.defaults.items():
        wanted[file][opened.defaults[file].index] = document
    for file, index in merged.removed:
        wanted[file][index] = _CUT
    files: dict[str, str | None] = {**merged.scripts, **dict.fromkeys(merged.dropped)}
    wrong = {}
    for file in sorted(wanted):
        try:
            files[file] = _text(opened, file, wanted[file])
        except NotEditable as error:
            wrong[file] = str(error)
    return files, wrong


def _text(opened: Opened, file: str, wanted: Mapping[int, Any]) -> str | None:
    """Return a file's text with some of its documents changed, the last first, so that numbers stay."""
    before = opened.texts[file]
    text = before.text
    for index in sorted(wanted, reverse=True):
        document = wanted[index]
        if document is _CUT:
            text = without(text, index, json=before.json)
        else:
            text = edited(text, index, document, json=before.json)
    if not text.strip() and _CUT in wanted.values():
        return None
    return ("\ufeff" if before.bom else "") + text
