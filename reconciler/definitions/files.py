"""A folder → the files that hold definitions, defaults apart; a file → itself. On the disk, or in a Git revision.

Nothing is opened that is not a regular file, nothing outside the root is followed to, nothing is walked
twice: whatever looks like a definition and cannot be one is a problem.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.definitions.hints import hint_for
from reconciler.definitions.origin import DISK, Files, Looked, Unusable, is_folder, read_bytes, real, reason
from reconciler.model.errors import UsageError
from reconciler.model.problem import Place, Problem

__all__ = [
    "DISK", "Files", "Found", "SourceFile", "Unusable", "find", "is_folder", "read_bytes", "real", "reason", "shown",
]  # fmt: skip

ENDINGS = (".yaml", ".yml", ".json")
CONFIGURATION = ("reconciler.yaml", "reconciler.yml")
OURS = (
    b'{\n  "kind": "saved-plan",\n',
    b'{\n  "format_version": "',
    b'[\n  {\n    "description": "',
    b"[\n]\n",
    b'{\n  "$schema": "https://json.schemastore.org/sarif-',
)
"""How a saved plan (`reconciler.workflow.saved_file`) and reports in JSON begin: in a tree they are no definitions."""

_DEFAULTS = tuple(f"_defaults{ending}" for ending in ENDINGS)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: where it is, how messages name it, the root that `from_file` stays in, where it is read from."""

    path: Path
    shown: str
    root: Path
    files: Files = DISK

    @property
    def json(self) -> bool:
        """Whether it is JSON, else YAML."""
        return self.path.suffix == ".json"

    @property
    def folder(self) -> Path:
        """The folder that it is in."""
        return self.path.parent


@dataclass(slots=True)
class Found:
    """What a walk found: definition files in order, defaults files by folder, and problems."""

    files: list[SourceFile] = field(default_factory=list)
    defaults: dict[Path, SourceFile] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def shown(path: Path, cwd: str) -> str:
    """Return a path as a user below `cwd` would type it, with forward slashes."""
    return (path.relative_to(cwd) if path.is_relative_to(cwd) else path).as_posix()


def find(root: Path, path: Path, cwd: str, files: Files = DISK) -> Found:
    """Find what to read for PATH, with the defaults of every folder from the root down.

    Raises:
        UsageError: PATH is not there, or is a file of another kind.
    """
    walk = _Walk(root, cwd, files)
    directory = is_folder(path, files)
    if not directory and not files.there(path):
        raise UsageError(f"{shown(path, cwd)} does not exist", "name a folder of definitions, or one file")
    if not directory and path.suffix not in ENDINGS:
        raise UsageError(f"{shown(path, cwd)} is no definition file", f"its name must end in {', '.join(ENDINGS)}")
    if not directory and not is_definition_name(path.name):
        raise UsageError(f"{shown(path, cwd)} holds no definitions", "name the folder that it is in")
    if path != root and not walk.inside(path):
        return walk.found
    for folder in folders_down_to(root, path if directory else path.parent):
        walk.defaults_of(folder)
    if directory:
        walk.folder(path)
    else:
        walk.file(path)
    return walk.found


def is_definition_name(name: str) -> bool:
    """Tell whether a file of this name holds definitions."""
    return name.endswith(ENDINGS) and not name.startswith(".") and name not in (*_DEFAULTS, *CONFIGURATION)


def folders_down_to(root: Path, folder: Path) -> list[Path]:
    """Return the folders from the root down to one below it, the root first."""
    folders = [root]
    for part in folder.relative_to(root).parts:
        folders.append(folders[-1] / part)
    return folders


class _Walk:
    """One walk over a tree."""

    def __init__(self, root: Path, cwd: str, files: Files) -> None:
        self.found = Found()
        self._files = files
        self._root = root
        self._real_root = files.real(root)
        self._cwd = cwd
        self._seen: set[Hashable] = set()
        self._looked_at: set[Path] = set()

    def folder(self, start: Path) -> None:
        """Walk a folder and everything below, in order of names; each folder once, whatever leads to it."""
        pending = [start]
        while pending:
            folder = pending.pop()
            looked = self._look(folder)
            if looked is None or self._known(looked):
                continue
            pending += reversed(self._entries(folder))

    def _entries(self, folder: Path) -> list[Path]:
        """Take a folder's files; return its subfolders."""
        try:
            entries = sorted(self._files.entries(folder))
        except OSError as error:
            self._problem(folder, f"this folder cannot be read: {reason(error)}", "unreadable")
            return []
        if folder != self._root and any(entry.name in CONFIGURATION for entry in entries):
            return []
        self.defaults_of(folder)
        subfolders = []
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if is_folder(entry, self._files):
                if self.inside(entry):
                    subfolders.append(entry)
            elif is_definition_name(entry.name):
                self.file(entry)
        return subfolders

    def defaults_of(self, folder: Path) -> None:
        """Note the folder's defaults file."""
        if folder in self._looked_at:
            return
        self._looked_at.add(folder)
        paths = [folder / name for name in _DEFAULTS]
        there = [path for path in paths if self._files.there(path) and not is_folder(path, self._files)]
        for path in there[1:]:
            self._problem(path, f"there is also {there[0].name} in this folder", "two-defaults", "keep one of the two")
        if there and self._usable(there[0]):
            self.found.defaults[folder] = self._source(there[0])

    def file(self, path: Path) -> None:
        """Take a file, once whatever leads to it, or say why it cannot be one; what we wrote is passed over."""
        if self._usable(path) and not self._known(self._files.look(path)):
            source = self._source(path)
            if not _is_ours(source):
                self.found.files.append(source)

    def _source(self, path: Path) -> SourceFile:
        return SourceFile(path, shown(path, self._cwd), self._root, self._files)

    def _usable(self, path: Path) -> bool:
        looked = self._look(path)
        if looked is None or not self.inside(path):
            return False
        if not looked.regular:
            self._problem(path, "this is not a regular file", "not-a-file", "take it away, or give it another ending")
            return False
        return True

    def _look(self, path: Path) -> Looked | None:
        try:
            return self._files.look(path)
        except OSError as error:
            if self._files.is_link(path):
                self._problem(path, "this link leads nowhere, or to itself", "link", "take it away")
            else:
                self._problem(path, f"cannot be read: {reason(error)}", "unreadable")
        return None

    def _known(self, looked: Looked) -> bool:
        """Tell whether a file or folder was met before; it is now."""
        if looked.identity in self._seen:
            return True
        self._seen.add(looked.identity)
        return False

    def inside(self, path: Path) -> bool:
        """Tell whether a path stays in the tree when its links are followed."""
        if not self._files.is_link(path) or self._files.real(path).is_relative_to(self._real_root):
            return True
        self._problem(path, "this link leads out of the tree", "link", "copy what it leads to into the tree")
        return False

    def _problem(self, path: Path, message: str, rule: str, hint: str = "") -> None:
        self.found.problems.append(Problem(Place(shown(path, self._cwd)), message, hint_for(rule, hint), rule))


def _is_ours(file: SourceFile) -> bool:
    """Tell whether a file begins as what `plan --out`, `--output` or `--report` writes, whatever its name ends in."""
    try:
        return file.files.begins(file.path, max(map(len, OURS))).startswith(OURS)
    except OSError:
        return False
