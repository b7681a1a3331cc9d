"""Pages → the files of a tree on the disk, and what goes along with them."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.apply.folders import put_file
from reconciler.export.beside import ATTRIBUTES, ATTRIBUTES_TEXT, ENV, NOT_EXPORTED, env_example, not_exported
from reconciler.export.tree import SCHEMAS, Ground, folders_of, new_files
from reconciler.model.definition import Desired
from reconciler.model.errors import UsageError
from reconciler.model.settings import Settings
from reconciler.workflow.export_pages import Pages
from reconciler.workflow.schema import schema_text


@dataclass(frozen=True, slots=True)
class Files:
    """Files of a tree: path relative to the root → text. `saved`: lines that defaults saved."""

    files: Mapping[str, str]
    saved: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files: paths that are new, paths that are another now, how many are as they were."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    same: int


def files_of(settings: Settings, desired: Desired, found: Pages, cwd: str, *, defaults: bool) -> Files:
    """Return the files of builds that no definition describes yet, and what goes along."""
    defined = {(d.build.project, d.build.name) for d in desired.definitions}
    fresh = [one for name, one in sorted(found.pages.items()) if name not in defined]
    ground = _ground(settings, desired, cwd)
    new = new_files(fresh, ground, defaults=defaults)
    return Files({**new.files, **_beside(settings, found, ground)}, new.saved)


def _ground(settings: Settings, desired: Desired, cwd: str) -> Ground:
    """Look at what is there: where each project's definitions are, and which names are taken."""
    root = Path(settings.root)
    out = Path(settings.path).relative_to(root).as_posix()
    return Ground("" if out == "." else out, _homes(settings, desired, cwd), _taken(root))


def _homes(settings: Settings, desired: Desired, cwd: str) -> dict[str, str]:
    """Return project → the folder where most of its definitions are, relative to the root."""
    folders = defaultdict[str, Counter[str]](Counter)
    for definition in desired.definitions:
        folder = Path(cwd, definition.place.file).parent.relative_to(settings.root).as_posix()
        folders[definition.build.project]["" if folder == "." else folder] += 1
    return {project: min(found, key=lambda folder: (-found[folder], folder)) for project, found in folders.items()}


def _taken(root: Path) -> dict[str, set[str]]:
    """Return folder → stems that are there; a folder that says only what was not exported is its project's own."""
    taken = defaultdict[str, set[str]](set)
    for path in root.rglob("*"):
        place = path.relative_to(root)
        ours = path.is_dir() and [inside.name for inside in path.iterdir()] == [NOT_EXPORTED]
        if not ours and not place.parts[0].startswith("."):
            taken["" if place.parent == Path() else place.parent.as_posix()].add(path.stem)
    return taken


def _beside(settings: Settings, found: Pages, ground: Ground) -> dict[str, str]:
    """Return the files that go along: credentials, what was not exported, the schema, how Git treats scripts."""
    root = Path(settings.root)
    files = {f"{SCHEMAS}/build.schema.json": schema_text("build")}
    if found.pages and not (root / ATTRIBUTES).exists():
        files[ATTRIBUTES] = ATTRIBUTES_TEXT
    variables = {
        name: f"{project}/{build}: {path}"
        for (project, build), one in found.pages.items()
        for path, name in one.variables.items()
    }
    if variables:
        files[ENV] = env_example(_text(root / ENV), variables)
    folders = folders_of({*(project for project, _ in found.pages), *found.jenkins, *found.unfit}, ground)
    for project, folder in folders.items():
        file = posixpath.join(folder, NOT_EXPORTED)
        if found.jenkins[project] or found.unfit[project] or (root / file).exists():
            files[file] = not_exported(found.jenkins[project], found.unfit[project])
    return files


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""


def write_files(root: Path, files: Mapping[str, str]) -> Written:
    """Write what is not there as it is to be, each file whole or not at all. Raises UsageError."""
    new, changed = list[str](), list[str]()
    for name in sorted(files):
        path = root / name
        data = files[name].encode("utf-8")
        try:
            before = path.read_bytes() if path.exists() else None
            if before == data:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            put_file(path, data)
        except OSError as error:
            raise UsageError(
                f"{name} cannot be written: {error.strerror}", "make room, or the folder writable"
            ) from None
        (new if before is None else changed).append(name)
    return Written(tuple(new), tuple(changed), len(files) - len(new) - len(changed))
