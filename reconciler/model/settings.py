"""What a run is told: flags, environment and `reconciler.yaml`, put together, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.ignore import Ignore
from reconciler.model.policy import Policy
from reconciler.model.secret import Secret

DEFAULT_ENV = ("BUILD_*",)
"""Environment names that a definition may use where `reconciler.yaml` does not say (design, "Definitions")."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force for one run.

    Attributes:
        root: absolute path of the tree's root folder.
        path: absolute path of what was asked for (the root, a folder or a file below it).
        configured: whether the root has a `reconciler.yaml`.
        server: base URL without a trailing slash; "" where none is configured.
        projects: project keys that this tree is about; `()` means those that its definitions name.
        selected: project keys of `--project`; `()` means all.
        tree: the name that marks builds as ours in the ledger.
        ledger: where the ledger is: a path or a URL.
        env: patterns (fnmatch) of environment names that definitions may use.
        token: the API token; None where there is none.
        concurrency: threads that read details at once.
        timeout: seconds that one request may take.
        deadline: seconds that all reading of a run may take.
        policy: how far the run may go.
        deep_read: ask the platform's internal read where it matters ("auto"); False: never ("off").
        backup_dir: folder that backups are written into, absolute; "" means `.reconciler/backup` at the root.
        ignore: rules for every definition.
        sources: setting name → "flag", "environment", "file" or "default".
    """

    root: str
    path: str
    configured: bool = False
    server: str = ""
    projects: tuple[str, ...] = ()
    selected: tuple[str, ...] = ()
    tree: str = ""
    ledger: str = ""
    env: tuple[str, ...] = DEFAULT_ENV
    token: Secret | None = None
    concurrency: int = 8
    timeout: float = 30.0
    deadline: float = 600.0
    policy: Policy = field(default_factory=Policy)
    deep_read: bool = True
    backup_dir: str = ""
    ignore: tuple[Ignore, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
