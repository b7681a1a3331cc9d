"""The difference of one setting, as data: what a plan is made of and every report shows."""

from __future__ import annotations

import enum
from dataclasses import dataclass

Shown = str | int | bool | None | list["Shown"] | dict[str, "Shown"]
"""A value as a reader may see it: JSON, secrets masked."""


class ChangeKind(enum.Enum):
    """How a setting differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    RELEASED = "released"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that differs, or of which it cannot be known.

    Attributes:
        path: names an element of a list by its key: "parameters[PW].default_value".
        kind: how it differs.
        before: the live value, None where sensitive or unknown.
        after: the desired value, None where sensitive or unknown.
        sensitive: the values are secret and not in here.
        before_known: False where no source shows the live value.
        after_known: False where the environment does not hold the desired one.
        text: the values are texts of many lines, shown as a line diff.
    """

    path: str
    kind: ChangeKind
    before: Shown = None
    after: Shown = None
    sensitive: bool = False
    before_known: bool = True
    after_known: bool = True
    text: bool = False

    @property
    def is_unverifiable(self) -> bool:
        """Whether a value is declared and known here, and no source shows the live one."""
        return self.kind is ChangeKind.UNVERIFIABLE and self.after_known

    @property
    def is_unset(self) -> bool:
        """Whether this environment does not hold the desired value, so that nothing is compared."""
        return self.kind is ChangeKind.UNVERIFIABLE and not self.after_known
