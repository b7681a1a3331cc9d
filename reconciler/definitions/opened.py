"""A valid tree → its definitions as they stand in files, so that somebody can change them there.

    files ─► texts ─► per document: its own value, the defaults above it ─► Opened
                └─► the scripts that they name

Nothing is checked here: `reconciler.definitions.loader.load` has found the selected part of the tree valid. What
cannot be read elsewhere in the tree is named in `broken`: nobody knows what it shares.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.definitions.build import kind_of
from reconciler.definitions.compose import Path as Spot
from reconciler.definitions.document import EXTRA, lookup
from reconciler.definitions.files import SourceFile, find, folders_down_to, read_bytes, real
from reconciler.definitions.layers import Layers, with_sources
from reconciler.definitions.reader import read
from reconciler.definitions.text import BOM, Undecodable, decode
from reconciler.model.fields import Kind
from reconciler.model.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenText:
    """The text of a file of definitions or defaults. `shown`: as messages name it; `bom`: begins with such a mark."""

    text: str
    shown: str
    json: bool
    bom: bool


@dataclass(frozen=True, slots=True)
class OpenDocument:
    """A defaults file's document: its number in the file, and its value with `Source` for each source."""

    index: int
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OpenDefinition:
    """One definition as it stands in its file.

    Attributes:
        project: project key, also where defaults supply it.
        name: build name.
        file: path of the file relative to the root.
        index: number of the document in the file.
        layers: its own value over the defaults.
        chain: paths of those defaults files, as in `layers.chain`.
    """

    project: str
    name: str
    file: str
    index: int
    layers: Layers
    chain: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What it describes."""
        return self.layers.kind

    @property
    def key(self) -> tuple[str, str]:
        """Project and name."""
        return self.project, self.name

    def supplier(self, path: Spot) -> str | None:
        """Return the file whose value is in force at a path of mappings: its own, a defaults file, or None."""
        place = self.layers.supplier(path)
        if place is None:
            return None
        return self.file if place < 0 else self.chain[place]


@dataclass(frozen=True, slots=True)
class Opened:
    """A whole tree. Every path is relative to the root, with forward slashes.

    Attributes:
        definitions: all of them, sorted by project and name, whatever was selected.
        defaults: path of a defaults file → its document.
        texts: path of a file of definitions or defaults → its text.
        scripts: path of a file that some `from_file` names → its text.
        taken: paths that are there in the folders of definitions, in lower case.
        broken: files that could not be read, as messages name them.
    """

    definitions: tuple[OpenDefinition, ...] = ()
    defaults: Mapping[str, OpenDocument] = field(default_factory=dict)
    texts: Mapping[str, OpenText] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    broken: tuple[str, ...] = ()

    def users_of_defaults(self, file: str, path: Spot) -> tuple[OpenDefinition, ...]:
        """Return the definitions in which a defaults file's value is in force at a path of mappings."""
        return tuple(one for one in self.definitions if file in one.chain and one.supplier(path) == file)


def folder_of(file: str) -> str:
    """Return the folder of a file, "" for the root."""
    return file.rpartition("/")[0]


def open_tree(settings: Settings, cwd: str) -> Opened:
    """Open the whole tree that `settings.root` is the folder of, whatever PATH and --project select.

    Args:
        settings: the root.
        cwd: absolute; messages name files relative to it.
    """
    root = Path(settings.root)
    found = find(root, root, cwd)
    opening = _Opening(root)
    defaults = {folder: opening.defaults_of(file) for folder, file in found.defaults.items()}
    chains = {folder: path for folder, path in defaults.items() if path}
    definitions = [one for file in found.files for one in opening.definitions_of(file, chains)]
    broken = [*opening.broken, *(problem.place.file for problem in found.problems)]
    return Opened(
        tuple(sorted(definitions, key=lambda one: (one.project, one.name, one.file, one.index))),
        opening.defaults,
        opening.texts,
        opening.scripts,
        frozenset(_entries(root, {file.folder for file in found.files})),
        tuple(sorted(set(broken))),
    )


def _entries(root: Path, folders: set[Path]) -> Iterator[str]:
    for folder in folders:
        for entry in folder.iterdir():
            yield entry.relative_to(root).as_posix().lower()


@dataclass(slots=True)
class _Opening:
    root: Path
    defaults: dict[str, OpenDocument] = field(default_factory=dict)
    texts: dict[str, OpenText] = field(default_factory=dict)
    scripts: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def defaults_of(self, file: SourceFile) -> str:
        """Open a folder's defaults; return their path, "" where they say nothing."""
        for index, value in self._documents(file)[:1]:
            self.defaults[self._path(file)] = OpenDocument(index, self._with_sources(value, file))
            return self._path(file)
        return ""

    def definitions_of(self, file: SourceFile, chains: Mapping[Path, str]) -> Iterator[OpenDefinition]:
        """Open a file's definitions. `chains`: folder → the path of its defaults."""
        above = [chains[folder] for folder in folders_down_to(self.root, file.folder) if folder in chains]
        for index, raw in self._documents(file):
            own = self._with_sources(raw, file)
            chain = () if lookup(own, (EXTRA, "no_defaults")) is True else tuple(above)
            layers = Layers(own, tuple(self.defaults[path].value for path in chain), kind_of(own))
            project = layers.effective().get("project_key")
            yield OpenDefinition(str(project), str(own.get("name")), self._path(file), index, layers, chain)

    def _documents(self, file: SourceFile) -> list[tuple[int, dict[str, Any]]]:
        """Read a file; return its documents with their numbers, without those that hold nothing."""
        try:
            data = read_bytes(file.path)
            text = decode(data)
        except (OSError, ValueError, Undecodable):
            self.broken.append(file.shown)
            return []
        self.texts[self._path(file)] = OpenText(text, file.shown, file.json, data.startswith(BOM))
        contents = read(text, json=file.json)
        values = [(index, document.value) for index, document in enumerate(contents.documents)]
        if contents.faults or not all(value is None or isinstance(value, dict) for _, value in values):
            self.broken.append(file.shown)
            return []
        return [(index, value) for index, value in values if value is not None]

    def _path(self, file: SourceFile) -> str:
        return file.path.relative_to(self.root).as_posix()

    def _with_sources(self, raw: dict[str, Any], file: SourceFile) -> dict[str, Any]:
        made: dict[str, Any] = with_sources(raw, folder_of(self._path(file)), lambda text: self._script(file, text))
        return made

    def _script(self, file: SourceFile, text: str) -> str:
        """Return the path of a script, its text read; as it is written where it is none that can be read."""
        try:
            target = real(file.folder / text)
            path = target.relative_to(real(self.root)).as_posix()
            if path not in self.scripts:
                self.scripts[path] = read_bytes(target).decode("utf-8")
        except (OSError, ValueError):
            self.broken.append(file.shown)
            return text
        return path
