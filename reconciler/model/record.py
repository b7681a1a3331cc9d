"""What the ledger holds: a record per build, and the intents of a run that was announced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.build import Build
from reconciler.model.live import Stamps


@dataclass(frozen=True, slots=True)
class Applied:
    """From where a build was last applied or adopted. `exact` and the rest as in its record."""

    when: int
    commit: str
    author: str
    job: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A build as we last wrote or adopted it.

    Attributes:
        tree: which tree owns it.
        build: the whole canonical build as last written and seen, credentials left out.
        declared: the paths that the definition declared (`declared_paths`).
        secrets: the paths whose values are secret; marks, never values.
        stamps: as the read-back showed them.
        image_id: the stored id behind `build_os`.
        exact: we wrote it and read it back; False: a person adopted it (*assumed*).
        when: seconds since 1970.
        commit: the Git commit it was applied from, "" where unknown.
        author: who that commit is by, or who started the run, "" where unknown.
        job: URL of the CI job that applied it, "" where there was none.
        prevent_destroy: as the definition said.
    """

    tree: str
    build: Build
    declared: frozenset[str]
    secrets: frozenset[str]
    stamps: Stamps
    image_id: str = ""
    exact: bool = True
    when: int = 0
    commit: str = ""
    author: str = ""
    job: str = ""
    prevent_destroy: bool = False

    @property
    def applied(self) -> Applied | None:
        """From where it was applied; None where nothing tells."""
        known = self.commit or self.author or self.job
        return Applied(self.when, self.commit, self.author, self.job, self.exact) if known else None


@dataclass(frozen=True, slots=True)
class Intent:
    """A step that was announced and not yet recorded.

    Attributes:
        record: what the record will be once the write is seen; its stamps are those of before the write
            (0 and "" for a create).
        stages: the shown states that a finished or half-finished step leaves, newest last; `()` where it leaves
            nothing, which is a delete (then `record` is that of the build to be deleted).
        replaces: (project, name) of the build that a move or rename deletes, None for any other step.
    """

    record: Record
    stages: tuple[Build, ...]
    replaces: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What an export remembers of a build, credentials left out.

    Attributes:
        build: as Git and the server had it when they last agreed.
        when: of the export, seconds since 1970.
        offered: as the server had it when an export last put it into the tree; None where they agreed then.
    """

    build: Build
    when: int
    offered: Build | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """Who wrote a document last.

    Attributes:
        when: seconds since 1970; 0 where nobody knows.
        reason: the command.
        commit: the Git commit that its run was about, "" where unknown.
        author: who that commit is by, or who started the run, "" where unknown.
        job: URL of the CI job, "" where there was none.
        fence: id of the lock under which it was written, "" without one.
    """

    when: int = 0
    reason: str = ""
    commit: str = ""
    author: str = ""
    job: str = ""
    fence: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """All that the ledger holds for one server and project. Whoever changes it leaves `written` to the ledger.

    Attributes:
        records: by name.
        intents: by name.
        digest_key: of the digests of plans.
        seen: by name.
        written: who wrote it last.
        marks: name → paths of a build that is not ours whose values a restore took from the environment.
    """

    records: Mapping[str, Record] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)
    digest_key: str = ""
    seen: Mapping[str, Seen] = field(default_factory=dict)
    written: Written = field(default_factory=Written)
    marks: Mapping[str, frozenset[str]] = field(default_factory=dict)
