"""A folder → the files that hold definitions, defaults apart; a file → itself.

Nothing is opened that is not a regular file, nothing outside the root is followed to, nothing is walked
twice: whatever looks like a definition and cannot be one is a problem.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.definitions.hints import hint_for
from reconciler.definitions.text import MAX_BYTES
from reconciler.model.errors import UsageError
from reconciler.model.problem import Place, Problem

ENDINGS = (".yaml", ".yml", ".json")
CONFIGURATION = ("reconciler.yaml", "reconciler.yml")
OURS = (b'{\n  "kind": "saved-plan",\n', b'{\n  "format_version": "')
"""How a saved plan (`reconciler.workflow.saved_file`) and a report in JSON begin: in a tree they are no definitions."""

_DEFAULTS = tuple(f"_defaults{ending}" for ending in ENDINGS)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: where it is, how messages name it, and the root that `from_file` stays in."""

    path: Path
    shown: str
    root: Path

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


def find(root: Path, path: Path, cwd: str) -> Found:
    """Find what to read for PATH, with the defaults of every folder from the root down.

    Raises:
        UsageError: PATH is not there, or is a file of another kind.
    """
    walk = _Walk(root, cwd)
    directory = is_folder(path)
    if not directory and not os.path.lexists(path):
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

    def __init__(self, root: Path, cwd: str) -> None:
        self.found = Found()
        self._root = root
        self._real_root = real(root)
        self._cwd = cwd
        self._seen: set[tuple[int, int]] = set()
        self._looked_at: set[Path] = set()

    def folder(self, start: Path) -> None:
        """Walk a folder and everything below, in order of names; each folder once, whatever leads to it."""
        pending = [start]
        while pending:
            folder = pending.pop()
            status = self._status(folder)
            if status is None or self._known(status):
                continue
            pending += reversed(self._entries(folder))

    def _entries(self, folder: Path) -> list[Path]:
        """Take a folder's files; return its subfolders."""
        try:
            entries = sorted(folder.iterdir())
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
            if is_folder(entry):
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
        there = [path for name in _DEFAULTS if os.path.lexists(path := folder / name) and not is_folder(path)]
        for path in there[1:]:
            self._problem(path, f"there is also {there[0].name} in this folder", "two-defaults", "keep one of the two")
        if there and self._usable(there[0]):
            self.found.defaults[folder] = self._source(there[0])

    def file(self, path: Path) -> None:
        """Take a file, once whatever leads to it, or say why it cannot be one; what we wrote is passed over."""
        if self._usable(path) and not self._known(path.stat()):
            source = self._source(path)
            if not _is_ours(source):
                self.found.files.append(source)

    def _source(self, path: Path) -> SourceFile:
        return SourceFile(path, shown(path, self._cwd), self._root)

    def _usable(self, path: Path) -> bool:
        status = self._status(path)
        if status is None or not self.inside(path):
            return False
        if not stat.S_ISREG(status.st_mode):
            self._problem(path, "this is not a regular file", "not-a-file", "take it away, or give it another ending")
            return False
        return True

    def _status(self, path: Path) -> os.stat_result | None:
        try:
            return path.stat()
        except OSError as error:
            if path.is_symlink():
                self._problem(path, "this link leads nowhere, or to itself", "link", "take it away")
            else:
                self._problem(path, f"cannot be read: {reason(error)}", "unreadable")
        return None

    def _known(self, status: os.stat_result) -> bool:
        """Tell whether a file or folder was met before; it is now."""
        identity = (status.st_dev, status.st_ino)
        if identity in self._seen:
            return True
        self._seen.add(identity)
        return False

    def inside(self, path: Path) -> bool:
        """Tell whether a path stays in the tree when its links are followed."""
        if not path.is_symlink() or real(path).is_relative_to(self._real_root):
            return True
        self._problem(path, "this link leads out of the tree", "link", "copy what it leads to into the tree")
        return False

    def _problem(self, path: Path, message: str, rule: str, hint: str = "") -> None:
        self.found.problems.append(Problem(Place(shown(path, self._cwd)), message, hint_for(rule, hint), rule))


def real(path: Path) -> Path:
    """Return a path with its links followed; one that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def is_folder(path: Path) -> bool:
    """Tell whether a path is a folder; one that cannot be looked at is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def read_bytes(path: Path) -> bytes:
    """Read a regular file of at most `MAX_BYTES`. Raises OSError, or ValueError with a sentence."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("this is not a regular file")
        if status.st_size > MAX_BYTES:
            raise ValueError(f"{status.st_size:,} bytes are too many for one file; {MAX_BYTES:,} are allowed")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES:,} bytes are too many for one file")
    return data


def reason(error: OSError) -> str:
    """Return the operating system's words for an error, without the path."""
    return (error.strerror or type(error).__name__).lower()


def _is_ours(file: SourceFile) -> bool:
    """Tell whether a file begins as what `plan --out` or `--format json --output` writes, whatever its name ends in."""
    try:
        with file.path.open("rb") as stream:
            return stream.read(max(map(len, OURS))).startswith(OURS)
    except OSError:
        return False
