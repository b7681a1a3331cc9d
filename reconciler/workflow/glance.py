"""Names of projects and builds, and revisions, at a glance: what a shell completes.

    PATH ─► the tree's files ─► lines that begin with `name:` or `project_key:` ─► names

Nothing is checked and nothing is parsed but JSON: 1,000 files take a few hundredths of a second. What is broken,
unusual or not there gives fewer names and no error.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reconciler.definitions.files import CONFIGURATION, ENDINGS
from reconciler.model.errors import ReconcilerError
from reconciler.model.settings import Settings

MOST = 5_000
"""Files that are read, and a tenth of the entries that are looked at: nobody waits longer for a suggestion."""

LONGEST = 1 << 20
"""Bytes of a file beyond which it is passed over."""

_KEY = re.compile(r"^(name|project_key):[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
_PROJECTS = re.compile(r"^projects:[ \t]*(\[[^\]]*\]|(?:\n[ \t]*- .*)+)", re.MULTILINE)
_ITEM = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*'|[^\s,\[\]'\"#-][^,\[\]\n#]*")
_BETWEEN = re.compile(r"^---", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Glance:
    """What the files of a tree name, sorted: projects, and builds as (project, name)."""

    projects: tuple[str, ...] = ()
    builds: tuple[tuple[str, str], ...] = ()


def glance(cwd: str, path: str | None = None) -> Glance:
    """Look at the tree that PATH is in, by default that of `cwd`; finds nothing rather than raising."""
    start = Path(os.path.normpath(Path(cwd, path or ".")))
    projects: set[str] = set()
    builds: set[tuple[str, str]] = set()
    for file in _files(_root(start if start.is_dir() else start.parent)):
        text = _text(file)
        if file.name in CONFIGURATION:
            projects |= {item for found in _PROJECTS.findall(text) for item in map(_plain, _ITEM.findall(found))}
        for document in _documents(file.suffix, text):
            project, name = (document.get(key, "") for key in ("project_key", "name"))
            projects.add(project)
            builds.add((project, name))
    return Glance(tuple(sorted(projects - {""})), tuple(sorted(one for one in builds if one[1])))


def revisions(cwd: str, environ: Mapping[str, str]) -> list[str]:
    """Return the branches and tags of the repository that a folder is in; none where there is none."""
    from reconciler.definitions.git import find_repository  # noqa: PLC0415 - only where a revision is completed

    with suppress(ReconcilerError, OSError):
        return ["HEAD", *find_repository(cwd, environ).names()]
    return []


def _root(start: Path) -> Path:
    """Return the folder of the nearest `reconciler.yaml` upwards, else the folder itself."""
    for folder in (start, *start.parents):
        if any((folder / name).is_file() for name in CONFIGURATION):
            return folder
    return start


def _files(root: Path) -> Iterator[Path]:
    """Yield the files of a tree as the loader would, other trees and what is hidden left out; at most `MOST`."""
    left, entries = MOST, 10 * MOST
    for folder, below, names in os.walk(root, onerror=None):
        if Path(folder) != root and not set(CONFIGURATION).isdisjoint(names):
            below.clear()
            continue
        entries -= len(below) + len(names)
        if entries < 0:
            return
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(ENDINGS) and not name.startswith("."):
                yield Path(folder, name)
                left -= 1
                if left == 0:
                    return


def _text(file: Path) -> str:
    with suppress(OSError, ValueError):
        if stat.S_ISREG(file.stat().st_mode) and file.stat().st_size <= LONGEST:
            return file.read_text(encoding="utf-8")
    return ""


def _documents(suffix: str, text: str) -> Iterator[Mapping[str, str]]:
    """Yield the keys of every document that are looked for, where they are text."""
    if suffix == ".json":
        with suppress(ValueError, RecursionError):
            found = json.loads(text)
            for document in found if isinstance(found, list) else [found]:
                if isinstance(document, dict):
                    yield {key: value for key, value in document.items() if isinstance(value, str)}
        return
    for part in _BETWEEN.split(text):
        yield {key: _plain(value) for key, value in _KEY.findall(part)}


def _plain(value: str) -> str:
    """Return the text of a scalar on one line; "" where it is anything else."""
    item = _ITEM.match(value)
    if item is None or value[0] in "{|>&*!%@`":
        return ""
    found = item.group().strip()
    if found.startswith('"'):
        with suppress(ValueError):
            return str(json.loads(found))
        return ""
    return found[1:-1].replace("''", "'") if found.startswith("'") else value.split(" #", maxsplit=1)[0].strip()


def recorded(settings: Settings, environ: Mapping[str, str], project: str | None) -> list[str]:
    """Return the builds that the ledger has of a project, of all where none is named."""
    from reconciler.workflow.ledgers import reading_ledger  # noqa: PLC0415 - the libraries behind it are heavy
    from reconciler.workflow.plan import World  # noqa: PLC0415

    with reading_ledger(settings, World(environ, "")) as ledger:
        names = [project] if project else ledger.projects() or []
        return [name for one in names for name in ledger.read(one).records]


def held(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return the IDs of the locks of the ledger's projects."""
    from reconciler.workflow.ledgers import reading_ledger  # noqa: PLC0415 - the libraries behind it are heavy
    from reconciler.workflow.plan import World  # noqa: PLC0415

    with reading_ledger(settings, World(environ, "")) as ledger:
        tickets = [ledger.holder(project) for project in ledger.projects() or []]
        return [ticket.id for ticket in tickets if ticket is not None]
