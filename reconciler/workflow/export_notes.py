"""What an export has to say, each thing with the file that it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from reconciler.definitions.files import ENDINGS, shown
from reconciler.export.lookalikes import Lookalike, in_definitions, in_script, is_suspicious
from reconciler.export.rewriting import Rewriting
from reconciler.export.tree import SCRIPTS
from reconciler.model.definition import Desired
from reconciler.model.exported import Note, Topic
from reconciler.model.settings import Settings
from reconciler.workflow.export_files import Files, Written
from reconciler.workflow.export_pages import Name, Pages

Places = Mapping[Name, tuple[str, int]]
"""(project, name) → file, relative to the current directory, and line of a definition; 0 of one that is new."""

_ONLY_NEW = frozenset(
    topic.value for topic in (Topic.ASSUMED, Topic.UNREADABLE, Topic.LEFT_OUT, Topic.CODE_HOST, Topic.REPEATS)
)
"""What is said of a build whose definition is written anew, and of no other."""


def places_of(settings: Settings, desired: Desired, files: Files, cwd: str) -> dict[Name, tuple[str, int]]:
    """Return (project, name) → file and line of each definition, old and new."""
    places = {(d.build.project, d.build.name): (d.place.file, d.place.line) for d in desired.definitions}
    return places | {name: (shown(Path(settings.root, file), cwd), 0) for name, file in files.places.items()}


def notes_of(found: Pages, merged: Rewriting, places: Places, texts: Mapping[str, str]) -> tuple[Note, ...]:
    """Return everything to look at, each with the file that it is about; a line only of definitions that were there.

    What no definition can say is not said again where a comment in its file says it. `texts`: of the files that
    were there, by what messages call them.
    """
    notes = [note for note in found.notes if not _is_told(note, places.get((note.project, note.name)), texts)]
    placed = []
    for note in (*notes, *merged.notes):
        file, line = places.get((note.project, note.name), ("", 0))
        placed.append(note if note.file or not file else replace(note, file=file, line=line))
    return tuple(sorted(set(placed)))


def _is_told(note: Note, place: tuple[str, int] | None, texts: Mapping[str, str]) -> bool:
    if place is None or not place[1]:
        return False
    return note.topic in _ONLY_NEW or (note.topic == Topic.INEXPRESSIBLE.value and note.path in texts.get(place[0], ""))


def lookalikes_of(settings: Settings, files: Files, written: Written, found: Pages, cwd: str) -> Iterator[Note]:
    """Tell where something in the files that were written looks like a secret."""
    builds = {file: name for name, file in files.places.items()}
    clean = {file for file, name in builds.items() if not is_suspicious(found.pages[name].document)}
    for file in (*written.new, *written.changed):
        text = files.files[file]
        place = PurePosixPath(file)
        if text is None or file in clean or place.parts[0].startswith("."):
            continue
        project, name = builds.get(str(place.with_suffix(".yaml")), (place.parts[0], ""))
        for one in _lookalikes(place, text):
            where = shown(Path(settings.root, file), cwd)
            yield Note(Topic.LOOKS_SECRET.value, project, one.name or name, one.path, one.what, where, one.line)


def _lookalikes(place: PurePosixPath, text: str) -> Iterator[Lookalike]:
    if place.suffix in SCRIPTS:
        yield from in_script(text)
    elif place.suffix in ENDINGS:
        yield from in_definitions(text, json=place.suffix == ".json")
