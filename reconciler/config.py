"""Flags, environment and `reconciler.yaml` → settings, each with where it came from.

Enters: PATH, flags, the environment, and the nearest `reconciler.yaml` upwards. Leaves: `Settings`.
Flag beats environment beats file beats default. The token is read here and leaves sealed.
Forbidden here: the network, and any message that holds the token.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.definitions.configuration import find_configuration, read_configuration
from reconciler.definitions.configuration_checks import (
    BACKUP_HINT,
    SERVER_HINT,
    check_configuration,
    in_the_way,
    wrong_server,
)
from reconciler.definitions.files import DISK, Files, is_folder, read_bytes, reason, shown
from reconciler.definitions.rules import rules_of
from reconciler.model.errors import UsageError
from reconciler.model.policy import Policy, Prune
from reconciler.model.secret import Secret
from reconciler.model.settings import DEFAULT_ENV, Settings

DEFAULTS = Settings("", "")
"""The settings of a run that nobody told anything."""

_LEDGER = ".reconciler/ledger.db"
_HALF_AN_ADDRESS = re.compile("(?:s3|gs|az|https?|sqlite):(?!//)")
"""A ledger's address without its slashes: taken for a path, a new and empty ledger would make every build nobody's."""
_FILE = "sqlite://"

_TOKEN = re.compile(r"[!-~]+")
_MAX_TOKEN = 65_536


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; None and () where it does not."""

    server: str | None = None
    projects: tuple[str, ...] = ()
    ledger: str | None = None
    concurrency: int | None = None
    timeout: float | None = None
    token_file: str | None = None
    prune: str | None = None
    max_deletes: int | None = None
    max_delete_percent: int | None = None
    deep_read: str | None = None
    backup_dir: str | None = None
    allow_moves: bool = False
    break_workflows: bool = False
    assert_all: bool = False


def resolve(path: str | None, flags: Flags, environ: Mapping[str, str], cwd: str) -> Settings:
    """Put the settings of a run together.

    Args:
        path: PATH as given; None for the current directory.
        flags: what the command line says.
        environ: the environment (ZADIG_SERVER, ZADIG_TOKEN, RECONCILER_LEDGER).
        cwd: absolute path of the current directory.

    Raises:
        UsageError: a flag or an environment variable makes no sense.
        InvalidDefinitions: `reconciler.yaml` has problems.
    """
    target = _absolute(path or ".", cwd)
    root, values = _configured(target, cwd, DISK)
    chosen = _Chosen(flags, environ, values or {}, root, cwd)
    return _settings(target, chosen, configured=values is not None)


def tree_of(path: str | None, cwd: str) -> str:
    """Return the name of the tree that PATH is in, and look at nothing else; arguments as of `resolve`.

    Raises:
        UsageError: PATH is not there.
        InvalidDefinitions: `reconciler.yaml` has problems.
    """
    target = _absolute(path or ".", cwd)
    if not os.path.lexists(target):
        raise UsageError(f"{shown(target, cwd)} does not exist", "check the path")
    root, values = _configured(target, cwd, DISK)
    return str((values or {}).get("tree", root.name or "tree"))


def of_definitions(target: Path, projects: tuple[str, ...], cwd: str, files: Files) -> Settings:
    """Put together what loading definitions needs and nothing else: no server, no ledger, no token is looked at.

    Args:
        target: absolute path of the tree, a folder or a file of it.
        projects: of `--project`; one that the configuration lacks selects nothing.
        cwd: absolute path of the current directory.
        files: where the tree is read from.

    Raises:
        InvalidDefinitions: `reconciler.yaml` has problems.
    """
    root, values = _configured(target, cwd, files)
    chosen = _Chosen(Flags(projects=projects), {}, values or {}, root, cwd)
    configured = tuple(dict.fromkeys(chosen.file("projects", [])))
    return Settings(
        root=str(root),
        path=str(target),
        configured=values is not None,
        projects=configured,
        selected=tuple(dict.fromkeys(projects)),
        env=tuple(chosen.file("env", list(DEFAULT_ENV))),
        ignore=rules_of(chosen.file("ignore", [])),
    )


def _configured(target: Path, cwd: str, files: Files) -> tuple[Path, dict[str, Any] | None]:
    """Return the root of a tree and what its `reconciler.yaml` says, None where it has none."""
    folder = target if is_folder(target, files) else target.parent
    configuration = find_configuration(folder, files)
    if configuration is None:
        return folder, None
    check = functools.partial(check_configuration, root=str(configuration.parent))
    return configuration.parent, read_configuration(configuration, cwd, check, files)


def unconfigured(folder: str, flags: Flags, environ: Mapping[str, str], cwd: str) -> Settings:
    """Put the settings of a tree together that is about to get its `reconciler.yaml`: none is looked for.

    Raises UsageError where a flag or an environment variable makes no sense.
    """
    root = _absolute(folder, cwd)
    return _settings(root, _Chosen(flags, environ, {}, root, cwd), configured=False)


def _settings(target: Path, chosen: _Chosen, *, configured: bool) -> Settings:
    """Choose every setting. `target`: absolute path of what was asked for."""
    flags, root = chosen.flags, chosen.root
    projects = tuple(dict.fromkeys(chosen.file("projects", [])))
    return Settings(
        root=str(root),
        path=str(target),
        configured=configured,
        server=chosen.server(),
        projects=projects,
        selected=_selected(flags.projects, projects),
        tree=chosen.file("tree", root.name or "tree"),
        ledger=chosen.ledger(),
        env=tuple(chosen.file("env", list(DEFAULT_ENV))),
        token=chosen.token(),
        concurrency=chosen.flag("concurrency", flags.concurrency, DEFAULTS.concurrency),
        timeout=float(chosen.flag("timeout", flags.timeout, DEFAULTS.timeout)),
        policy=chosen.policy(),
        deep_read=chosen.flag("deep_read", flags.deep_read, "auto") == "auto",
        backup_dir=chosen.backup_dir(),
        ignore=rules_of(chosen.file("ignore", [])),
        sources=chosen.sources,
    )


def _absolute(path: str, folder: str) -> Path:
    """Return a path below a folder, "." and ".." taken out as the user meant them."""
    return Path(os.path.normpath(Path(folder, path)))


def _selected(wanted: tuple[str, ...], configured: tuple[str, ...]) -> tuple[str, ...]:
    for project in wanted:
        if not project or project != project.strip():
            raise UsageError("--project needs the key of a project", "write it as it stands in Zadig")
        if configured and project not in configured:
            raise UsageError(
                f"--project {project}: this tree is about {', '.join(configured)}",
                "add it to `projects:` in reconciler.yaml, or name one of these",
            )
    return tuple(dict.fromkeys(wanted))


class _Chosen:
    """Chooses each setting from its sources, and keeps which one won."""

    def __init__(
        self, flags: Flags, environ: Mapping[str, str], values: Mapping[str, Any], root: Path, cwd: str
    ) -> None:
        self.flags = flags
        self._environ = environ
        self._values = values
        self.root = root
        self._cwd = cwd
        self.sources = {"project": "flag" if flags.projects else "default"}

    def file(self, key: str, default: Any) -> Any:
        """Return what the file says, else the default."""
        self.sources[key] = "file" if key in self._values else "default"
        return self._values.get(key, default)

    def flag(self, key: str, given: Any, default: Any) -> Any:
        """Return what the flag says, else the file, else the default."""
        if given is None:
            return self.file(key, default)
        self.sources[key] = "flag"
        return given

    def policy(self) -> Policy:
        """Return how far the run may go; what lets a run through stands in no file."""
        flags, default = self.flags, DEFAULTS.policy
        for key in ("allow_moves", "break_workflows", "assert"):
            on = flags.assert_all if key == "assert" else getattr(flags, key)
            self.sources[key] = "flag" if on else "default"
        return Policy(
            prune=Prune(self.flag("prune", flags.prune, default.prune.value)),
            max_deletes=self.flag("max_deletes", flags.max_deletes, default.max_deletes),
            max_delete_percent=self.flag("max_delete_percent", flags.max_delete_percent, default.max_delete_percent),
            allow_moves=flags.allow_moves,
            break_workflows=flags.break_workflows,
            assert_all=flags.assert_all,
        )

    def backup_dir(self) -> str:
        """Return the folder for backups, absolute; "" for the default one."""
        given = self.flag("backup", self.flags.backup_dir, "")
        if not given:
            return ""
        by_flag = self.sources["backup"] == "flag"
        folder = str(_absolute(given, self._cwd if by_flag else str(self.root)))
        if by_flag and in_the_way(folder, str(self.root)):
            raise UsageError("--backup-dir: backups in this folder would be read as definitions", BACKUP_HINT)
        return folder

    def server(self) -> str:
        """Return the server's base URL; "" where none is configured."""
        given = self._first("server", self.flags.server, "ZADIG_SERVER")
        if given is None:
            return str(self.file("server", "")).rstrip("/")
        wrong = wrong_server(given)
        if wrong:
            where = "--server" if self.sources["server"] == "flag" else "ZADIG_SERVER"
            raise UsageError(f"{where}: {wrong}", SERVER_HINT)
        return given.rstrip("/")

    def ledger(self) -> str:
        """Return the ledger's place: absolute, or a URL."""
        given = self._first("ledger", self.flags.ledger, "RECONCILER_LEDGER")
        folder = self._cwd
        if given is None:
            given, folder = self.file("ledger", _LEDGER), str(self.root)
        if _HALF_AN_ADDRESS.match(given):
            scheme = given.partition(":")[0]
            raise UsageError(
                f'the ledger\'s place begins with "{scheme}:" and is neither a path nor an address',
                f"write {scheme}://…, or ./{scheme}:… for a file of that name",
            )
        given = given.removeprefix(_FILE)
        return given if "://" in given else str(_absolute(given, folder))

    def token(self) -> Secret | None:
        """Return the token: of the flag's file, else of the environment, else of the configured file."""
        if self.flags.token_file:
            self.sources["token"] = "flag"
            path = _absolute(self.flags.token_file, self._cwd)
            return read_token(_token_file(path, shown(path, self._cwd)), f"the file {shown(path, self._cwd)}")
        if self._environ.get("ZADIG_TOKEN", "").strip():
            self.sources["token"] = "environment"
            return read_token(self._environ["ZADIG_TOKEN"], "ZADIG_TOKEN")
        name = self.file("token_file", None)
        self.sources["token"] = self.sources.pop("token_file")
        if name is None:
            return None
        path = self.root / name
        if not os.path.lexists(path):
            return None
        return read_token(_configured_token(path, shown(path, self._cwd)), f"the file {shown(path, self._cwd)}")

    def _first(self, key: str, flag: str | None, variable: str) -> str | None:
        if flag is not None:
            self.sources[key] = "flag"
            return flag.strip()
        value = self._environ.get(variable, "").strip()
        if value:
            self.sources[key] = "environment"
            return value
        return None


def read_token(text: str, where: str) -> Secret | None:
    """Return the token in a text, sealed; None where it is empty. Raises UsageError, which names `where`."""
    token = text.strip()
    if not token:
        return None
    if not _TOKEN.fullmatch(token):
        raise UsageError(
            f"{where} holds no API token: there is white space or a character in it that no token has",
            "copy the token again from your account page in Zadig; it is one word",
        )
    return Secret(token)


def _token_file(path: Path, name: str) -> str:
    """Read the file that a flag names; it may be a pipe."""
    try:
        with path.open("rb") as file:
            return file.read(_MAX_TOKEN).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"the token file {name} cannot be read: {reason(error)}", "check --token-file") from None


def _configured_token(path: Path, name: str) -> str:
    try:
        return read_bytes(path)[:_MAX_TOKEN].decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"the token file {name} cannot be read: {reason(error)}", "check `token_file:`") from None
    except ValueError as error:
        raise UsageError(f"the token file {name}: {error}", "check `token_file:` in reconciler.yaml") from None
