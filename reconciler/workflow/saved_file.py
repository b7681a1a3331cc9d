"""A saved plan as a file: what stands in it, reading it strictly, writing it atomically.

    {"kind": "saved-plan", "format_version": "1.0", …where and how it was planned…,
     "ledger": {project: check value of its key},
     "plan": {…as `plan --format json`…},
     "digests": [{…of the step at the same place…}],
     "seal": "digest of everything above"}

No time and no chance is in it: the same plan gives the same bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.model.errors import Refused, UsageError
from reconciler.model.live import Stamps
from reconciler.model.policy import Policy, Prune
from reconciler.plan.digest import Digests, Keyed
from reconciler.plan.saved import SavedStep
from reconciler.plan.step import Action

FORMAT_VERSION = "1.0"
KIND = "saved-plan"
"""Stands first, so that the walk over a tree tells such a file from a definition."""

_BEGINNING = b'{\n  "kind": "saved-plan",\n'
"""How every saved plan begins: such a file may be replaced by a new one, no other."""

_AGAIN = "save a new plan: reconciler plan --out FILE"


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What a saved plan holds beside the plan itself.

    Attributes:
        server: base URL that it was planned against.
        tree: name of the tree.
        path: PATH, relative to the directory that the plan was made in.
        root: the tree's root, relative to `path`.
        projects: project keys that the run was about.
        selected: project keys of `--project`; `()` means all.
        commit: the Git commit, "" where unknown.
        policy: how far the run may go.
        deep_read: whether the internal read was allowed.
        checks: project → check value of the ledger's key.
        reading_only: why it cannot be applied, "" where it can.
        steps: what is to be found again, in the order of the plan; `()` where it is for reading only.
    """

    server: str
    tree: str
    path: str
    root: str
    projects: tuple[str, ...]
    selected: tuple[str, ...]
    commit: str
    policy: Policy
    deep_read: bool
    checks: Mapping[str, str]
    reading_only: str
    steps: tuple[SavedStep, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """A file as it was found: its name, what it says, and the text that its seal covers."""

    name: str
    file: SavedFile
    sealed: str
    seal: str


def write_text(file: SavedFile, plan: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    """Return the text of a file. `plan` as JSON; `keys` are the ledger's, none where it is for reading only."""
    document: dict[str, Any] = {
        "kind": KIND,
        "format_version": FORMAT_VERSION,
        "reconciler": __version__,
        "server": file.server,
        "tree": file.tree,
        "path": file.path,
        "root": file.root,
        "projects": list(file.projects),
        "selected": list(file.selected),
        "commit": file.commit,
        "policy": {f.name: _plain(getattr(file.policy, f.name)) for f in fields(Policy)},
        "deep_read": file.deep_read,
        "reading_only": file.reading_only,
        "ledger": dict(file.checks),
        "plan": plan,
        "digests": [_digests(step) for step in file.steps],
    }
    return _dump({**document, "seal": seal(_dump(document), keys) if keys else ""})


def read(name: str) -> Read:
    """Read a file.

    Raises:
        UsageError: it is not there, or is no saved plan of this format.
        Refused: it is damaged or was changed, or is for reading only.
    """
    text = _text(name)
    document = _document(name, text)
    try:
        file = _file(document)
        seal_found = str(document.pop("seal"))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise changed(name) from None
    sealed = _dump(document)
    if _dump({**document, "seal": seal_found}) != text:
        raise changed(name)
    if file.reading_only:
        raise Refused(f"the saved plan {name} is for reading only: {file.reading_only}", _AGAIN)
    return Read(name, file, sealed, seal_found)


def seal(text: str, keys: Mapping[str, str]) -> str:
    """Return the keyed digest of a file's text."""
    return Keyed("\n".join(keys[project] for project in sorted(keys)).encode("utf-8")).digest("seal", text)


def check(server: str, project: str, key: str) -> str:
    """Return what tells a ledger's key from another one without giving it away."""
    return Keyed(key.encode("utf-8")).digest("ledger", server, project)


def changed(name: str) -> Refused:
    """Return the error of a file that is not as it was written."""
    return Refused(f"the saved plan {name} was changed after it was written, or is damaged", _AGAIN)


def check_place(name: str) -> None:
    """Make sure, before anything is done, that a file can be written. Raises UsageError."""
    path = Path(name)
    if path.is_dir():
        raise UsageError(f"cannot write {name}: it is a folder", "choose another --out")
    if not path.parent.is_dir():
        raise UsageError(f"cannot write {name}: there is no folder {path.parent}", "make it, or choose another --out")
    if path.exists() and not path.is_file():
        raise UsageError(f"cannot write {name}: it is not a regular file", "choose another --out")
    if path.exists() and not _may_go(path):
        raise UsageError(f"{name} is there already, and is no saved plan", "choose another --out, or remove it first")


def _may_go(path: Path) -> bool:
    """Tell whether a file holds nothing but what we wrote: an earlier saved plan, or nothing at all."""
    try:
        with path.open("rb") as file:
            beginning = file.read(len(_BEGINNING))
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}", "choose another --out") from None
    return beginning in (b"", _BEGINNING)


def write(name: str, text: str) -> None:
    """Write a file for our eyes alone (mode 0600), all or nothing; replaces one of that name. Raises UsageError."""
    path = Path(name)
    part = ""
    try:
        descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(descriptor)
        Path(part).replace(path)
    except OSError as error:
        if part:
            Path(part).unlink(missing_ok=True)
        raise UsageError(f"cannot write {name}: {error.strerror}", "choose another --out") from None


def _text(name: str) -> str:
    path = Path(name)
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"the saved plan {name} is not a regular file", "name a file that plan --out wrote")
        return path.read_bytes().decode("ascii")
    except UnicodeDecodeError:
        raise UsageError(f"{name} is not a saved plan: it is not JSON as plan --out writes it", _AGAIN) from None
    except OSError as error:
        hint = "name a file that plan --out wrote"
        raise UsageError(f"the saved plan {name} cannot be read: {error.strerror}", hint) from None


def _document(name: str, text: str) -> dict[str, Any]:
    """Return a file's JSON, shown to be a saved plan of this format and version."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} is not a saved plan: it is not JSON", _AGAIN) from None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        hint = "plan --out FILE writes one; the output of plan --format json is for reading"
        raise UsageError(f"{name} is JSON, but not a saved plan", hint)
    version = document.get("format_version")
    if version != FORMAT_VERSION:
        message = f"the saved plan {name} has the format {_brief(version)}, and this version reads {FORMAT_VERSION}"
        raise UsageError(message, f"use the version of reconciler that wrote it, or {_AGAIN}")
    made_by = document.get("reconciler")
    if made_by != __version__:
        message = f"the saved plan {name} was made by reconciler {_brief(made_by)}, and this is {__version__}"
        raise UsageError(message, f"plan and apply with the same version, or {_AGAIN}")
    return document


def _brief(value: object) -> str:
    text = value if isinstance(value, str) and value.isprintable() else json.dumps(value)
    return text[:20]


def _file(document: Mapping[str, Any]) -> SavedFile:
    policy = document["policy"]
    steps = zip(document["plan"]["steps"], document["digests"], strict=not document["reading_only"])
    return SavedFile(
        server=_word(document["server"]),
        tree=_word(document["tree"]),
        path=_word(document["path"]),
        root=_word(document["root"]),
        projects=tuple(map(_word, document["projects"])),
        selected=tuple(map(_word, document["selected"])),
        commit=_word(document["commit"]),
        policy=Policy(**{**policy, "prune": Prune(policy["prune"])}),
        deep_read=bool(document["deep_read"]),
        checks={project: _word(value) for project, value in document["ledger"].items()},
        reading_only=_word(document["reading_only"]),
        steps=tuple(_step(step, digests) for step, digests in steps),
    )


def _step(step: Mapping[str, Any], digests: Mapping[str, Any]) -> SavedStep:
    live = step["live"]
    return SavedStep(
        action=Action(step["action"]),
        project=_word(step["project"]),
        name=_word(step["name"]),
        live=Stamps(live["update_time"], live["update_by"]) if live else None,
        blocked=step["blocked"] is not None,
        digests=Digests(_word(digests["definition"]), _word(digests["live"]), _word(digests["request"])),
        unset=tuple(map(_word, digests["unset"])),
    )


def _digests(step: SavedStep) -> dict[str, Any]:
    return {
        "project": step.project,
        "name": step.name,
        "definition": step.digests.definition,
        "live": step.digests.live,
        "request": step.digests.request,
        "unset": list(step.unset),
    }


def _plain(value: object) -> object:
    return value.value if isinstance(value, Prune) else value


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
