"""What became of a step: the events that an apply yields, one per step."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Ending(enum.Enum):
    """How a step ended."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a step did not end as `done`: a stable code, a sentence, and what to do."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one step; `index` is its place in the plan."""

    index: int
    ending: Ending
    fault: Fault | None = None
