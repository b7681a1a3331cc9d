"""`{from_env: NAME}` and `{from_file: path}` → values.

A definition may come from a stranger's pull request: it reads only the names that the configuration
allows, and only files of the tree.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import EXTRA, Complaint, Document, brief
from reconciler.definitions.files import SourceFile, Unusable, reason
from reconciler.model.fields import IDENTITY, ROWS, Elements, walk
from reconciler.model.secret import Secret

FROM_ENV, FROM_FILE = "from_env", "from_file"
ENV_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

WRITTEN_OUT = frozenset(IDENTITY).union(
    *(row.key for rows in ROWS.values() for _, row in walk(rows) if isinstance(row, Elements))
)
"""Leaves that say which build or element it is: they stand in the definition itself."""

_NOT_FROM = WRITTEN_OUT | {FROM_ENV, FROM_FILE}

_CLOSED = frozenset({".git", ".reconciler"})


@dataclass(frozen=True, slots=True)
class Environment:
    """What `from_env` may look at: allowed patterns of names, and the values."""

    patterns: Sequence[str]
    values: Mapping[str, str]

    def allows(self, name: str) -> bool:
        """Tell whether a definition may name this variable."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)


def resolve_sources(document: Document, environment: Environment) -> None:
    """Put values in the place of sources, everywhere but in what is ours (`EXTRA`); note what cannot be resolved."""
    pending: list[tuple[Path, Any]] = [((), document.value)]
    while pending:
        path, node = pending.pop()
        children = node.items() if isinstance(node, dict) else enumerate(node)
        for step, child in list(children):
            here = (*path, step)
            if here == (EXTRA,):
                continue
            if isinstance(child, dict) and _is_source(child) and isinstance(step, str) and step not in _NOT_FROM:
                node[step] = _resolve(child, here, document, environment)
            elif isinstance(child, dict | list):
                pending.append((here, child))


def _is_source(node: dict[str, Any]) -> bool:
    """Only a well-formed source; what is wrong with others is the schema's business."""
    if len(node) != 1:
        return False
    key, value = next(iter(node.items()))
    return key in (FROM_ENV, FROM_FILE) and isinstance(value, str)


def _resolve(node: dict[str, Any], path: Path, document: Document, environment: Environment) -> str | Secret:
    key, text = next(iter(node.items()))
    complaint, value = _from_env(text, environment) if key == FROM_ENV else _from_file(text, document.file)
    if complaint:
        message, hint, rule = complaint
        document.complaints.append(Complaint((*path, key), message, hint, rule))
    return value


_Wrong = tuple[str, str, str] | None


def _from_env(name: str, environment: Environment) -> tuple[_Wrong, Secret]:
    nothing = Secret(None, name)
    if not re.fullmatch(ENV_NAME, name):
        return (
            f'"{brief(name)}" is no name of an environment variable',
            "write letters, digits and _",
            "env-name",
        ), nothing
    if not environment.allows(name):
        allowed = ", ".join(environment.patterns) or "nothing"
        hint = f"allowed is {allowed}; allow more with `env:` in reconciler.yaml"
        return (f"definitions may not read the environment variable {brief(name)}", hint, "env-not-allowed"), nothing
    value = environment.values.get(name)
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        return (f"the environment variable {brief(name)} is not UTF-8", "encode it as UTF-8", "env-not-text"), nothing
    return None, Secret(value or None, name)


def _from_file(name: str, file: SourceFile) -> tuple[_Wrong, str | Secret]:
    nothing, shown = Secret(None, name), brief(name)
    if not name or "\x00" in name or PurePosixPath(name).is_absolute():
        return (f'"{shown}" is no path of a file', "write a path relative to this file", "from-file"), nothing
    target, root = file.files.real(file.folder / name), file.files.real(file.root)
    if not target.is_relative_to(root):
        hint = "move it into the tree: definitions read nothing outside of it"
        return (f"{shown} is outside of the tree", hint, "outside"), nothing
    if _CLOSED.intersection(target.relative_to(root).parts):
        return (f"{shown} is not for definitions to read", "keep texts beside the definitions", "outside"), nothing
    try:
        return None, file.files.read(target).decode("utf-8")
    except UnicodeDecodeError as error:
        return (f"{shown} is not UTF-8 (byte {error.start})", "save it as UTF-8", "from-file"), nothing
    except FileNotFoundError:
        return (f"{shown} does not exist", "the path is relative to this file's folder", "from-file"), nothing
    except OSError as error:
        return (f"{shown} cannot be read: {reason(error)}", "", "from-file"), nothing
    except Unusable as error:
        return (f"{shown}: {error}", error.hint, "from-file"), nothing
