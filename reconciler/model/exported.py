"""What an export has to say: a note per thing that a person should look at, and the figures of the whole run."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

Document = dict[str, object]
"""A document as it stands in a file, sources not resolved: mappings, lists, texts, numbers, booleans, None."""


class Topic(enum.Enum):
    """What a note is about. The value is the word in JSON."""

    ASSUMED = "assumed"  # nothing shows it and a definition needs it: the usual value was written
    UNREADABLE = "unreadable"  # nothing shows it: left out, the usual value stands in a comment
    INEXPRESSIBLE = "inexpressible"  # no definition can say it, and an update would erase it
    LEFT_OUT = "left-out"  # a value that no valid definition can hold: kept on the server
    REPEATS = "repeats-credential"  # a text that repeats a credential: kept on the server, not written
    LOOKS_SECRET = "looks-secret"  # written, and looks like a secret
    CODE_HOST = "code-host"  # nobody knows the alias of a repository's code host: repositories left out
    CREDENTIAL = "credential"  # a credential on the server is not the one in the environment
    NOT_EXPORTED = "not-exported"  # a whole build that was not written
    LOCAL = "local"  # differs only in Git: kept as it is in Git
    CONFLICT = "conflict"  # differs on both sides: kept as it is in Git, unless forced
    UNDECIDED = "undecided"  # differs, and nobody knows which side changed: kept as it is in Git, unless forced
    GONE = "gone"  # a definition whose build the server does not have
    UNMERGED = "unmerged"  # a file that could not be changed as it should


KEPT = "kept by updates"
"""`Note.text` of what no definition can say and every update keeps, so that only a delete takes it along."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One thing to look at. `path`: in the table's words, "" for the build; `file`: where, "" where nowhere."""

    topic: str
    project: str
    name: str
    path: str = ""
    text: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Exported:
    """The figures of a run.

    Attributes:
        builds: how many builds each project has that a definition holds now.
        written: files that are new, relative to the tree's folder, sorted.
        changed: files that were there and are another now, sorted.
        removed: files that were taken away, sorted.
        unchanged: how many files are as they were.
        lines: lines of the files that this run is about.
        saved: lines that `_defaults.yaml` saved.
        variables: names of the environment variables that hold credentials, sorted.
        notes: what to look at, sorted.
        deep_unserved: why the internal read could not be used, "" where it could.
        incomplete: project → why its list cannot be trusted.
        unread: how many builds could not be read.
        requests: how many requests it took.
        forgotten: why the ledger could not note what was seen, "" where it could.
    """

    builds: Mapping[str, int] = field(default_factory=dict)
    written: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0
    lines: int = 0
    saved: int = 0
    variables: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    deep_unserved: str = ""
    incomplete: Mapping[str, str] = field(default_factory=dict)
    unread: int = 0
    requests: int = 0
    forgotten: str = ""
