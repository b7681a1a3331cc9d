"""Pages → the files of a tree on the disk, and what goes along with them."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.apply.folders import put_files
from reconciler.definitions.defaults import merge
from reconciler.definitions.files import reason
from reconciler.definitions.layers import without_sources
from reconciler.definitions.opened import Opened, folder_of
from reconciler.definitions.sources import FROM_ENV
from reconciler.export.beside import ATTRIBUTES, ATTRIBUTES_TEXT, ENV, NOT_EXPORTED, env_example, not_exported
from reconciler.export.document import Page
from reconciler.export.rewriting import Rewriting
from reconciler.export.tree import DEFAULTS, SCHEMAS, SCRIPTS, Ground, folders_of, folders_up, new_files, scripts_of
from reconciler.model.errors import UsageError
from reconciler.model.settings import Settings
from reconciler.workflow.export_pages import Name, Pages
from reconciler.workflow.on_disk import check_inside, text_there
from reconciler.workflow.schema import schema_text


@dataclass(frozen=True, slots=True)
class Files:
    """What the tree is to hold.

    Attributes:
        files: path relative to the root → text; None: the file is to be taken away.
        places: (project, name) → the file of a definition that is new.
        variables: name → what it is for, of the credentials that these files bring in.
        lines: lines of new files.
        saved: lines that new defaults saved.
    """

    files: Mapping[str, str | None]
    places: Mapping[Name, str]
    variables: Mapping[str, str]
    lines: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files: paths that are new, that are another now, that are gone; how many are as they were."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    same: int


def files_of(settings: Settings, opened: Opened, found: Pages, merged: Rewriting, *, defaults: bool) -> Files:
    """Return the files of builds that no definition describes yet, of those that changed, and what goes along."""
    defined = {one.key for one in opened.definitions}
    fresh = {name: one for name, one in sorted(found.pages.items()) if name not in defined}
    ground = _ground(settings, opened, merged, fresh.values())
    new = new_files(list(fresh.values()), ground, defaults=defaults)
    variables = _variables(fresh, merged)
    beside = _beside(settings, found, ground, variables)
    files: dict[str, str | None] = {**new.files, **merged.files, **beside}
    lines = sum(text.count("\n") for text in new.files.values())
    return Files(files, new.places, variables, lines, new.saved)


def _variables(fresh: Mapping[Name, Page], merged: Rewriting) -> dict[str, str]:
    """Return what new definitions and changed ones take from the environment: name → what it is for."""
    named = {
        name: f"{project}/{build}: {path}"
        for (project, build), one in fresh.items()
        for path, name in one.variables.items()
    }
    for (file, _), document in sorted(merged.merge.documents.items()):
        for name in _sources(document):
            named.setdefault(name, file)
    return named


def _sources(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        if value.keys() == {FROM_ENV}:
            yield str(value[FROM_ENV])
        else:
            for item in value.values():
                yield from _sources(item)
    elif isinstance(value, list):
        for item in value:
            yield from _sources(item)


def _ground(settings: Settings, opened: Opened, merged: Rewriting, fresh: Iterable[Page]) -> Ground:
    """Look at what is there: where each project's definitions are, names that are taken, defaults in force."""
    root = Path(settings.root)
    out = Path(settings.path).relative_to(root).as_posix()
    ground = Ground("" if out == "." else out, _homes(opened), {}, _chains(opened, merged))
    return replace(ground, taken=_taken(root, merged, scripts_of(list(fresh), ground)))


def _homes(opened: Opened) -> dict[str, str]:
    """Return project → the folder where most of its definitions are."""
    folders = defaultdict[str, Counter[str]](Counter)
    for one in opened.definitions:
        folders[one.project][folder_of(one.file)] += 1
    return {project: min(found, key=lambda folder: (-found[folder], folder)) for project, found in folders.items()}


def _chains(opened: Opened, merged: Rewriting) -> dict[str, dict[str, Any]]:
    """Return folder → the defaults in force there; of every folder that has definitions, or defaults of its own."""
    own = {
        folder_of(file): merged.merge.defaults.get(file, without_sources(one.value, folder_of(file)))
        for file, one in opened.defaults.items()
    }
    chains = {}
    for folder in {*own, *(folder_of(one.file) for one in opened.definitions)}:
        chain: dict[str, Any] = {}
        for above in reversed(list(folders_up(folder))):
            chain = merge(chain, own.get(above, {}))
        chains[folder] = chain
    return chains


def _taken(root: Path, merged: Rewriting, expected: Mapping[str, str]) -> dict[str, set[str]]:
    """Return folder → stems that are there.

    What an export left that was interrupted takes no name: an `expected` script as it is to be, and a folder with
    nothing but that, or with what is in every folder of a project.
    """
    taken = defaultdict[str, set[str]](set)
    for script in merged.merge.scripts:
        taken[folder_of(script)].add(Path(script).stem)
    for path in root.rglob("*"):
        place = path.relative_to(root)
        if place.parts[0].startswith("."):
            continue
        inside = list(path.iterdir()) if path.is_dir() else [path]
        if not all(_is_left(one, one.relative_to(root).as_posix(), expected) for one in inside):
            taken["" if place.parent == Path() else place.parent.as_posix()].add(path.stem)
    return taken


def _is_left(path: Path, name: str, expected: Mapping[str, str]) -> bool:
    if path.name in (NOT_EXPORTED, DEFAULTS) or path.name.endswith(".part"):
        return True
    return name in expected and path.is_file() and path.read_bytes() == expected[name].encode("utf-8")


def _beside(settings: Settings, found: Pages, ground: Ground, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the files that go along: credentials, what was not exported, the schema, how Git treats scripts."""
    root = Path(settings.root)
    files = {f"{SCHEMAS}/build.schema.json": schema_text("build")}
    if found.pages and not (root / ATTRIBUTES).exists():
        files[ATTRIBUTES] = ATTRIBUTES_TEXT
    if variables:
        check_inside(root, ENV)
        files[ENV] = env_example(text_there(root / ENV), variables)
    folders = folders_of({*(project for project, _ in found.pages), *found.jenkins, *found.unfit}, ground)
    for project, folder in folders.items():
        file = posixpath.join(folder, NOT_EXPORTED)
        if found.jenkins[project] or found.unfit[project] or (root / file).exists():
            files[file] = not_exported(found.jenkins[project], found.unfit[project])
    return files


def write_files(root: Path, files: Mapping[str, str | None]) -> Written:
    """Write what is not there as it is to be, each file whole or not at all; nothing outside of the root.

    Raises:
        UsageError: a file cannot be written; where a link leads it out of the root, none was.
    """
    for name in sorted(files):
        check_inside(root, name)
    found: dict[str, list[str]] = {"new": [], "changed": [], "removed": [], "same": []}
    todo = []
    try:
        for name in sorted(files):
            what, data = _change(root / name, files[name])
            found[what].append(name)
            todo += [(root / name, data)] if what in ("new", "changed") else []
        put_files(sorted(todo, key=lambda one: turn(one[0])))
        for name in found["removed"]:
            (root / name).unlink(missing_ok=True)
    except OSError as error:
        name = Path(str(error.filename)).relative_to(root).as_posix()
        hint = "make room, or the folder writable, and run again"
        raise UsageError(f"{name} cannot be written: {reason(error)}", hint) from None
    return Written(tuple(found["new"]), tuple(found["changed"]), tuple(found["removed"]), len(found["same"]))


def turn(path: Path) -> tuple[bool, bool, Path]:
    """Return when a file is written: defaults first, then scripts, so that what is there is valid at any time."""
    return path.name != DEFAULTS, path.suffix not in SCRIPTS, path


def _change(path: Path, text: str | None) -> tuple[str, bytes]:
    """Return what becomes of a file, and its bytes."""
    if text is None:
        return "removed", b""
    data = text.encode("utf-8")
    before = path.read_bytes() if path.exists() else None
    return ("same" if before == data else "new" if before is None else "changed"), data
