"""A tree → its definitions, or every problem of every file.

find files ─► per file: read ─► per document: sources ─► defaults ─► structure, checks ─► Definition
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.definitions import compose
from reconciler.definitions.build import kind_of, to_build, unset_names
from reconciler.definitions.checks import check, check_defaults
from reconciler.definitions.defaults import merge, with_defaults
from reconciler.definitions.document import EXTRA, Complaint, Document, brief, exists
from reconciler.definitions.files import DISK, Files, SourceFile, Unusable, find, folders_down_to, reason
from reconciler.definitions.hints import hint_for
from reconciler.definitions.place import of_complaints, of_faults
from reconciler.definitions.reader import read
from reconciler.definitions.rules import check_extra, rules_of
from reconciler.definitions.sources import Environment, resolve_sources
from reconciler.definitions.structure import DEFAULTS, complaints
from reconciler.definitions.text import Lines, Undecodable, decode
from reconciler.model.definition import Definition, Desired
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.problem import Place, Problem
from reconciler.model.settings import Settings


def load(settings: Settings, environ: Mapping[str, str], *, cwd: str, files: Files = DISK) -> Desired:
    """Load what PATH selects.

    Args:
        settings: root, path, projects, selected, env.
        environ: looked at only for the values of `from_env`.
        cwd: absolute; files below it are named relative to it.
        files: where they are read from.

    Raises:
        UsageError: PATH is not there or is no definition file.
        InvalidDefinitions: with all problems, sorted by place.
    """
    found = find(Path(settings.root), Path(settings.path), cwd, files)
    loader = _Loader(settings, Environment(settings.env, environ), list(found.problems))
    for folder, file in found.defaults.items():
        loader.take_defaults(folder, file)
    definitions = [definition for file in found.files for definition in loader.definitions_of(file)]
    loader.check_names(definitions)
    loader.check_renames(definitions)
    if loader.problems:
        raise InvalidDefinitions(sorted(set(loader.problems)))
    definitions.sort(key=lambda d: (d.build.project, d.build.name))
    selected = [d for d in definitions if not settings.selected or d.build.project in settings.selected]
    narrowed = settings.path != settings.root or not settings.configured
    return Desired(tuple(selected), len(found.files), narrowed, _elsewhere(definitions, settings.selected))


def _elsewhere(definitions: Iterable[Definition], selected: tuple[str, ...]) -> dict[str, str]:
    """Return name → project of what `--project` left out, the names that it had before included."""
    left = [d for d in definitions if selected and d.build.project not in selected]
    before = {d.renamed_from: d.build.project for d in left if d.renamed_from}
    return before | {d.build.name: d.build.project for d in left}


@dataclass(slots=True)
class _Loader:
    settings: Settings
    environment: Environment
    problems: list[Problem]
    defaults: dict[Path, dict[str, Any]] = field(default_factory=dict)
    wrong_defaults: dict[Path, frozenset[compose.Path]] = field(default_factory=dict)
    chains: dict[Path, tuple[dict[str, Any], frozenset[compose.Path]]] = field(default_factory=dict)
    names: dict[Place, tuple[SourceFile, int]] = field(default_factory=dict)

    def take_defaults(self, folder: Path, file: SourceFile) -> None:
        """Read and check a folder's `_defaults.yaml`."""
        text, documents = self._read(file)
        for document in documents[:1]:
            resolve_sources(document, self.environment)
            document.complaints += complaints(document.value, DEFAULTS)
            document.complaints += check_defaults(document.value)
            self.defaults[folder] = document.value
            self.wrong_defaults[folder] = frozenset(complaint.path for complaint in document.complaints)
        for document in documents[1:]:
            document.complaints.append(Complaint((), "defaults are one document", "join the two", "two-documents"))
        self._report(file, text, documents)

    def definitions_of(self, file: SourceFile) -> list[Definition]:
        """Read, complete and check a file's documents."""
        text, documents = self._read(file)
        made = [definition for document in documents if (definition := self._definition(document))]
        self._report(file, text, documents)
        return made

    def _definition(self, document: Document) -> Definition | None:
        resolve_sources(document, self.environment)
        own = document.value
        kind = kind_of(own)
        extra = own.get(EXTRA)
        alone = isinstance(extra, dict) and extra.get("no_defaults") is True
        below, wrong = ({}, frozenset[compose.Path]()) if alone else self._chain(document.file.folder)
        value = with_defaults(own, below, kind)
        found = [*complaints(value, kind), *check(value, kind), *check_extra(value, kind), *self._project(value)]
        document.complaints += [c for c in found if c.path not in wrong or exists(own, c.path)]
        if document.merging:
            document.complaints = [c for c in document.complaints if c.rule != "missing"]
        if found or document.complaints:
            return None
        build = to_build(value, kind)
        place = Place(document.file.shown, document.line, document.column)
        self.names[place] = (document.file, document.index)
        ours = value.get(EXTRA, {})
        return Definition(
            build,
            place,
            prevent_destroy=ours.get("prevent_destroy"),
            unset=tuple(sorted(unset_names(build.values))),
            ignore=(*self.settings.ignore, *rules_of(ours.get("ignore"))),
            accept_loss=ours.get("accept_loss", {}),
            renamed_from=ours.get("renamed_from", ""),
        )

    def _chain(self, folder: Path) -> tuple[dict[str, Any], frozenset[compose.Path]]:
        """Return the defaults in force in a folder, and the paths where one of them is wrong."""
        if folder not in self.chains:
            merged: dict[str, Any] = {}
            wrong: frozenset[compose.Path] = frozenset()
            for above in folders_down_to(Path(self.settings.root), folder):
                merged = merge(merged, self.defaults.get(above, {}))
                wrong |= self.wrong_defaults.get(above, frozenset())
            self.chains[folder] = (merged, wrong)
        return self.chains[folder]

    def _project(self, value: Mapping[str, Any]) -> Iterable[Complaint]:
        project, allowed = value.get("project_key"), self.settings.projects
        if allowed and isinstance(project, str) and project and project not in allowed:
            message = f'the project "{brief(project)}" is not one of this tree\'s'
            hint = f"add it to `projects:` in reconciler.yaml, or write one of {', '.join(allowed)} here"
            yield Complaint(("project_key",), message, hint, "project-not-configured")

    def _read(self, file: SourceFile) -> tuple[str, list[Document]]:
        """Read a file's documents; what cannot be read becomes problems."""
        text = self._text(file)
        contents = read(text, json=file.json)
        self.problems += of_faults(file, text, contents.faults) if contents.faults else []
        merging = any(fault.rule == "merge-key" for fault in contents.faults)
        documents = []
        lines = Lines(text) if contents.documents else None
        for index, parsed in enumerate(contents.documents):
            assert lines is not None
            line, column = lines.at(parsed.start)
            document = Document(file, index, parsed.value, line, column, merging=merging)
            if parsed.value is None:
                continue
            if not isinstance(parsed.value, dict):
                message = "a document is one mapping: keys of a build and their values"
                hint = "give each build a document of its own" if isinstance(parsed.value, list) else ""
                document.complaints.append(Complaint((), message, hint, "not-a-mapping"))
                self._report(file, text, [document])
                continue
            documents.append(document)
        return text, documents

    def _text(self, file: SourceFile) -> str:
        place = Place(file.shown)
        try:
            return decode(file.files.read(file.path))
        except Undecodable as error:
            place = Place(file.shown, error.line, error.column)
            self.problems.append(Problem(place, error.message, hint_for("not-utf-8", error.hint), "not-utf-8"))
        except OSError as error:
            self.problems.append(
                Problem(place, f"cannot be read: {reason(error)}", hint_for("unreadable", ""), "unreadable")
            )
        except Unusable as error:
            self.problems.append(Problem(place, str(error), hint_for(error.rule, error.hint), error.rule))
        return ""

    def _report(self, file: SourceFile, text: str, documents: Iterable[Document]) -> None:
        found = [(document.index, complaint) for document in documents for complaint in document.complaints]
        self.problems += of_complaints(file, text, found)

    def check_names(self, definitions: Iterable[Definition]) -> None:
        """Say where a name is defined a second time: names are unique over the whole server."""
        first: dict[str, Definition] = {}
        for definition in definitions:
            name = definition.build.name
            if name not in first:
                first[name] = definition
                continue
            message = f'the build "{brief(name)}" is defined a second time; first at {first[name].place}'
            hint = "names are unique over the whole server, across projects: rename one"
            self._late(definition, Complaint(("name",), message, hint, "name-twice"))

    def check_renames(self, definitions: Sequence[Definition]) -> None:
        """Say where two definitions claim one old name, or one whose name is still declared."""
        declared = {(d.build.project, d.build.name): d for d in definitions}
        first: dict[str, Definition] = {}
        for definition in definitions:
            old = definition.renamed_from
            if not old or old == definition.build.name:
                continue
            other = declared.get((definition.build.project, old))
            message = hint = ""
            if other:
                message = f'the build "{brief(old)}" is still declared, at {other.place}'
                hint = "take that definition away, or renamed_from here"
            elif old in first:
                message = f'another build is renamed from "{brief(old)}" too, at {first[old].place}'
                hint = "one build becomes one build: keep one of the two"
            if message:
                self._late(definition, Complaint((EXTRA, "renamed_from"), message, hint, "renamed-from"))
            first.setdefault(old, definition)

    def _late(self, definition: Definition, complaint: Complaint) -> None:
        """Report what shows only beside other definitions."""
        file, index = self.names[definition.place]
        self.problems += of_complaints(file, self._text(file), [(index, complaint)])
