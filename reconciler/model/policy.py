"""What a run may do beyond creating and updating: how far it prunes, and what it was told to let through."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Prune(enum.Enum):
    """Which live builds that Git does not have are deleted (design, "Plan")."""

    OFF = "off"
    OWNED = "owned"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Policy:
    """How far a run may go.

    Attributes:
        prune: which builds without a definition are deleted.
        max_deletes: how many builds one run may delete in all.
        max_delete_percent: how many of a project's live builds it may delete, in percent, rounded up to at
            least one build.
        allow_moves: perform renames and moves, which delete the old build.
        break_workflows: delete, or take service modules from, builds that workflows use.
        assert_all: write what is declared and cannot be verified, though nothing else differs.
    """

    prune: Prune = Prune.OFF
    max_deletes: int = 10
    max_delete_percent: int = 10
    allow_moves: bool = False
    break_workflows: bool = False
    assert_all: bool = False
