"""What an export did and what a person should look at, as text and as JSON (`schemas/export.schema.json`).

shop/api.yaml                                       files that are new or another now
Look at:
post_build.scripts: no definition can say it, an update would erase it (12 builds: api, web, cron, …)
Exported 41 builds of 2 projects into 60 files: 58 new, 2 changed. …
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from reconciler.model.exported import KEPT, Exported, Note, Topic
from reconciler.report.document import FORMAT_VERSION
from reconciler.report.ink import Colour, safe
from reconciler.report.text import Style

_KEYS = re.compile(r"\[.*?\](?=$|\.|\[)")
_SHOWN = 3
_WORDS = {
    Topic.CONFLICT: "changed in Git and on the server: Git's side was kept, --force takes the server's",
    Topic.UNDECIDED: "differs, and nobody knows which side changed: Git's was kept, --force takes the server's",
    Topic.UNMERGED: "could not be changed in its file",
    Topic.CREDENTIAL: "the credential on the server is another one than in the environment: change it there",
    Topic.NOT_EXPORTED: "not exported",
    Topic.GONE: "is in Git and not on the server any more",
    Topic.LOCAL: "changed in Git and not applied yet: kept",
    Topic.REPEATS: "not written because a credential is in it; it stays on the server as it is",
    Topic.LOOKS_SECRET: "written, and looks like a secret",
    Topic.CODE_HOST: "not written because nobody knows on which code host they are: use --code-host TYPE=ALIAS",
    Topic.LEFT_OUT: "not written because no definition may say it; it stays on the server as it is",
    Topic.INEXPRESSIBLE: "no definition can say it, and an update would erase it",
    Topic.ASSUMED: "nothing shows it: the usual value was written",
    Topic.UNREADABLE: "nothing shows it: left out, the usual value is in a comment",
}
"""Topic → what it means, the most urgent first."""

_ALONE = frozenset(
    {Topic.CONFLICT, Topic.UNDECIDED, Topic.UNMERGED, Topic.CREDENTIAL, Topic.NOT_EXPORTED, Topic.GONE, Topic.LOCAL}
    | {Topic.REPEATS, Topic.LOOKS_SECRET}
)
"""What is told place by place; of everything else only how often."""


def render_export(done: Exported, style: Style) -> str:
    """Return the whole report; its last line counts."""
    lines: list[str] = []
    if not style.quiet:
        lines += [style.ink.paint(f"+ {safe(file)}", Colour.GOOD) for file in done.written if style.verbose]
        lines += [style.ink.paint(f"~ {safe(file)}", Colour.WARN) for file in done.changed]
        lines += [style.ink.paint(f"- {safe(file)}", Colour.BAD) for file in done.removed]
        lines += _asides(done, style)
    lines.append(style.ink.paint(summary(done), Colour.STRONG))
    return "\n".join(lines) + "\n"


def _asides(done: Exported, style: Style) -> Iterator[str]:
    if done.deep_unserved:
        yield f"note: the platform's internal read is not to be had: {safe(done.deep_unserved)}"
    for project, why in sorted(done.incomplete.items()):
        yield style.ink.paint(f"! project {safe(project)}: {safe(why)}", Colour.BAD)
    if done.forgotten:
        yield f"note: {safe(done.forgotten)}; so the next export cannot tell which side changed"
    grouped = defaultdict[Topic, list[Note]](list)
    for note in done.notes:
        grouped[Topic(note.topic)].append(note)
    if grouped:
        yield "Look at:"
    for topic, words in _WORDS.items():
        if topic in grouped:
            kept = [note for note in grouped[topic] if note.text == KEPT]
            yield from _topic(topic, words, [note for note in grouped[topic] if note.text != KEPT], style)
            yield from _topic(topic, "no definition can say it; updates keep it", kept, style)
    if grouped:
        yield ""


def _topic(topic: Topic, words: str, notes: Sequence[Note], style: Style) -> Iterator[str]:
    if not notes:
        return
    if topic in _ALONE:
        yield f"  {words}:"
        yield from (f"    {_place(note)}" for note in notes)
        return
    by_path = defaultdict[str, list[Note]](list)
    for note in notes:
        by_path[_KEYS.sub("[]", note.path)].append(note)
    yield f"  {words}:"
    for path, found in sorted(by_path.items()):
        builds = list(dict.fromkeys(f"{note.project}/{note.name}" for note in found))
        shown = builds if style.verbose else builds[:_SHOWN]
        more = ", …" if len(shown) < len(builds) else ""
        count = f"{len(builds):,} build{'s' if len(builds) != 1 else ''}"
        yield f"    {safe(path)} ({count}: {safe(', '.join(shown))}{more})"


def _place(note: Note) -> str:
    where = f"  {note.file}:{note.line}" if note.line else f"  {note.file}" if note.file else ""
    what = f" {note.path}" if note.path else ""
    text = f": {note.text}" if note.text else ""
    return safe(f"{note.project}/{note.name}{what}{text}{where}")


def summary(done: Exported) -> str:
    """Return the line that counts."""
    builds, projects = sum(done.builds.values()), len(done.builds)
    parts = [f"{len(done.written):,} new", f"{len(done.changed):,} changed", f"{done.unchanged:,} as they were"]
    text = f"Exported {builds:,} build{'s' if builds != 1 else ''} of {projects} project{'s' if projects != 1 else ''}"
    text += f"; files: {', '.join(parts)}."
    if done.saved:
        percent = 100 * done.saved // (done.lines + done.saved)
        text += f" Defaults save {done.saved:,} lines ({percent} %)."
    if done.variables:
        count = len(done.variables)
        text += f" {count:,} credential{'s' if count != 1 else ''}: see .env.example."
    return text


def document(done: Exported) -> dict[str, Any]:
    """Return the report as JSON-able data."""
    return {
        "format_version": FORMAT_VERSION,
        "complete": not done.incomplete and not done.unread,
        "builds": dict(sorted(done.builds.items())),
        "files": {
            "new": list(done.written),
            "changed": list(done.changed),
            "removed": list(done.removed),
            "unchanged": done.unchanged,
        },
        "lines": done.lines,
        "saved": done.saved,
        "variables": list(done.variables),
        "notes": [_note(note) for note in done.notes],
        "deep_unserved": done.deep_unserved,
        "incomplete": dict(sorted(done.incomplete.items())),
        "requests": done.requests,
    }


def _note(note: Note) -> dict[str, Any]:
    keys = ("topic", "project", "name", "path", "text", "file", "line")
    return {key: value for key in keys if (value := getattr(note, key)) or key in keys[:3]}
