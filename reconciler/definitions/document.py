"""A file → its documents, and what is wrong with each: complaints that name a path, not yet a line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.files import SourceFile

EXTRA = "x-reconciler"
"""The key for what concerns us and not the server."""


LONGEST = 64
"""How many characters of a foreign text a message repeats."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong at a path of a document.

    Attributes:
        path: keys and positions down to the value.
        message: one sentence; never a secret's value.
        hint: what to do.
        rule: stable short name.
        on_key: the caret belongs under the key, not under the value.
        hide: the offending line must not be shown.
    """

    path: Path
    message: str
    hint: str = ""
    rule: str = ""
    on_key: bool = False
    hide: bool = False


@dataclass(slots=True)
class Document:
    """One document of a file.

    Attributes:
        file: where it stands.
        index: its number in the file, from 0.
        value: what it says, sources resolved.
        line: where it starts.
        column: where it starts.
        merging: its file uses `<<`, so that what is missing may only be missed.
        complaints: what is wrong with it.
    """

    file: SourceFile
    index: int
    value: dict[str, Any]
    line: int = 1
    column: int = 1
    merging: bool = False
    complaints: list[Complaint] = field(default_factory=list)


def brief(text: str) -> str:
    """Return a foreign text as a message may repeat it: not endlessly."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def lookup(value: Any, path: Path) -> Any:
    """Return the value at a path; None where there is none."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def exists(value: Any, path: Path) -> bool:
    """Tell whether there is a value at a path."""
    if not path:
        return True
    parent, last = lookup(value, path[:-1]), path[-1]
    return (isinstance(parent, dict) and last in parent) or (
        isinstance(parent, list) and isinstance(last, int) and last < len(parent)
    )


def spelled(path: Path) -> str:
    """Return a path as a person would write it: parameters[0].key."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
