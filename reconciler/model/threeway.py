"""Who changed a setting since Git and the server last agreed on it: the one table that drift and export decide by.

                       Git as then    Git changed
    server as then       NOBODY          GIT
    server changed       SERVER          BOTH

Enters: what differs between each side and the build that both had. A setting is changed where something at its
path, above it or below it differs.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable

from reconciler.model.change import Change, ChangeKind


class Changed(enum.Enum):
    """Whose side is not as both were. Where the sides differ and it is nobody's, the base does not tell."""

    NOBODY = "nobody"
    GIT = "git"
    SERVER = "server"
    BOTH = "both"


_TABLE = {
    (False, False): Changed.NOBODY,
    (True, False): Changed.GIT,
    (False, True): Changed.SERVER,
    (True, True): Changed.BOTH,
}
_NO_DIFFERENCE = (ChangeKind.UNVERIFIABLE, ChangeKind.RELEASED)
_ORDER = "[\0]"
"""Stands for the order of a list: inside the list, and in no element."""


def about(change: Change) -> str:
    """Return what a change is about: its path; of a list that was put into another order, that order alone."""
    return order_of(change.path) if change.kind is ChangeKind.MOVED else change.path


def order_of(path: str) -> str:
    """Return what stands for the order of the list at a path."""
    return path + _ORDER


def counted(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes that are differences: what cannot be known and what is released are none."""
    return tuple(change for change in changes if change.kind not in _NO_DIFFERENCE)


def is_within(path: str, parents: tuple[str, ...]) -> bool:
    """Tell whether a path is one of some others, or below one."""
    return any(path == parent or path.startswith((f"{parent}.", f"{parent}[")) for parent in parents)


def concerns(changes: Iterable[Change], what: str, named: Callable[[Change], str] = about) -> bool:
    """Tell whether any change is about a setting, about what it stands in, or about something inside it."""
    others = (named(change) for change in changes if change.kind is not ChangeKind.RELEASED)
    return any(is_within(other, (what,)) or is_within(what, (other,)) for other in others)


def changed_by(
    what: str, local: Iterable[Change], remote: Iterable[Change], named: Callable[[Change], str] = about
) -> Changed:
    """Return who changed a setting.

    Args:
        what: what it is about, as `named` says it.
        local: the definition against what both had.
        remote: the server against what both had.
        named: what a change is about; settings that are decided as one have one name.
    """
    return _TABLE[concerns(counted(local), what, named), concerns(counted(remote), what, named)]
