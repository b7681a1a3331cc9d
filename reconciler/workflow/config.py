"""Say what is in force: every setting of a run, its value, and where that came from. No network, no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.definitions.configuration import find_configuration, key_lines
from reconciler.definitions.files import shown
from reconciler.ledger.place import shown_place
from reconciler.model.change import Shown
from reconciler.model.settings import Settings

FLAGS = {"project": "--project", "token": "--token-file"}
"""Setting → its flag, where that is not its name."""

VARIABLES = {"server": "ZADIG_SERVER", "token": "ZADIG_TOKEN", "ledger": "RECONCILER_LEDGER"}
"""Setting → its environment variable."""

KEYS = {"token": "token_file"}
"""Setting → its key in reconciler.yaml, where that is not its name."""

BACKUPS = ".reconciler/backup"
"""Where backups go at the root, where nobody says."""


@dataclass(frozen=True, slots=True)
class InForce:
    """One setting.

    Attributes:
        name: as the key in reconciler.yaml, or as the flag without its dashes.
        value: as JSON has it; of the token only whether it is set.
        source: "flag", "environment", "file" or "default".
        where: the flag, the variable, or file and line; "" for a default.
    """

    name: str
    value: Shown | float
    source: str
    where: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What is in force for a run. `file`: the configuration as messages name it, "" without one."""

    root: str
    path: str
    file: str
    settings: tuple[InForce, ...]


def in_force(settings: Settings, cwd: str) -> Configuration:
    """Return every setting of a run. `cwd`: files are named relative to it."""
    file = find_configuration(Path(settings.root)) if settings.configured else None
    lines = key_lines(file) if file else {}
    name = shown(file, cwd) if file else ""
    entries = tuple(
        InForce(key, value, settings.sources[key], _where(key, settings.sources[key], name, lines))
        for key, value in _values(settings)
    )
    return Configuration(settings.root, settings.path, name, entries)


def _values(settings: Settings) -> Iterator[tuple[str, Shown | float]]:
    """Yield every setting's name and value, those that are asked about most first."""
    policy = settings.policy
    yield "server", settings.server
    yield "token", "set" if settings.token else "not set"
    yield "projects", list(settings.projects)
    yield "project", list(settings.selected)
    yield "tree", settings.tree
    yield "ledger", shown_place(settings.ledger)
    yield "env", list(settings.env)
    yield "prune", policy.prune.value
    yield "max_deletes", policy.max_deletes
    yield "max_delete_percent", policy.max_delete_percent
    yield "allow_moves", policy.allow_moves
    yield "break_workflows", policy.break_workflows
    yield "deep_read", "auto" if settings.deep_read else "off"
    yield "backup", settings.backup_dir or str(Path(settings.root, BACKUPS))
    yield "concurrency", settings.concurrency
    yield "timeout", int(settings.timeout) if settings.timeout.is_integer() else settings.timeout
    yield "ignore", [{"path": rule.path, "reason": rule.reason} for rule in settings.ignore]


def _where(key: str, source: str, file: str, lines: dict[str, int]) -> str:
    if source == "flag":
        return FLAGS.get(key, f"--{key.replace('_', '-')}")
    if source == "environment":
        return VARIABLES[key]
    if source == "file":
        line = lines.get(KEYS.get(key, key))
        return f"{file}:{line}" if line else file
    return ""
