"""The builds, in the order of their creation, found by name and by project.

A list comes in the order of creation and an update keeps its place (the contract's section 7). Documents are
never changed in place: a write puts a new one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass

from . import identifiers
from .exchange import Document


@dataclass
class Record:
    """A stored build: its place in the order of creation, its id, and its document."""

    number: int
    identifier: str
    document: Document

    @property
    def name(self) -> str:
        """The build's name."""
        return str(self.document.get("name") or "")

    @property
    def project(self) -> str:
        """The project that the build belongs to."""
        return str(self.document.get("product_name") or "")


class Store:
    """All builds of the server; names may repeat where the state was put in from outside."""

    def __init__(self, builds: Iterable[Document] = ()) -> None:
        self._records: dict[int, Record] = {}
        self._names: dict[str, dict[int, Record]] = {}
        self._projects: dict[str, dict[int, Record]] = {}
        self._created = 0
        self._written: list[tuple[Document | None, Document | None]] = []
        for build in builds:
            self.insert(copy.deepcopy(build))
        self.written()

    def insert(self, document: Document) -> None:
        """Store a new build at the end."""
        self._created += 1
        identifier = str(document.get("id") or identifiers.numbered(self._created))
        record = Record(self._created, identifier, document)
        self._records[record.number] = record
        self._names.setdefault(record.name, {})[record.number] = record
        self._projects.setdefault(record.project, {})[record.number] = record
        self._written.append((None, document))

    def find(self, name: str, project: str) -> Record | None:
        """The first build of that name and project; an empty one of the two matches any."""
        candidates = self._names.get(name, {}) if name else self._records
        for record in candidates.values():
            if not project or record.project == project:
                return record
        return None

    def replace(self, record: Record, document: Document) -> None:
        """Put a new document in a build's place; name and project stay."""
        self._written.append((record.document, document))
        record.document = document

    def delete(self, name: str, project: str) -> None:
        """Remove every build of that name in the project, in all projects if it is empty."""
        for record in list(self._names.get(name, {}).values()):
            if not project or record.project == project:
                del self._records[record.number]
                del self._names[record.name][record.number]
                del self._projects[record.project][record.number]
                self._written.append((record.document, None))

    def written(self) -> list[tuple[Document | None, Document | None]]:
        """Take what was written since the last call: pairs of a document before and after, not copies."""
        taken, self._written = self._written, []
        return taken

    def of_project(self, project: str) -> list[Record]:
        """The builds of a project in the order of their creation."""
        return list(self._projects.get(project, {}).values())

    def documents(self) -> list[Document]:
        """A copy of every stored document."""
        return [copy.deepcopy(record.document) for record in self._records.values()]
