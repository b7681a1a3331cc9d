"""How much one run may delete: a count over the run, a percentage of each project's live builds.

Both hold from the first object on. Beyond the count nothing of the run is deleted, beyond the percentage
nothing of that project; the sentence names the flag and the figure that would let it through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.plan.inputs import Inputs
from reconciler.plan.step import Action, Block, Blocked, Step


def allowed(percent: int, builds: int) -> int:
    """Return how many of so many live builds a percentage allows, rounded up: 10 % of 9 is 1, 0 % is none."""
    return -(-percent * builds // 100)


def needed(deletes: int, builds: int) -> int:
    """Return the smallest percentage of so many live builds that allows so many deletes."""
    return 100 * (deletes - 1) // max(builds, deletes) + 1 if deletes else 0


def limited(inputs: Inputs, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Block the deletes of a run beyond its limits, and what waits for a delete that is blocked.

    Counted are the deletes that nothing else blocks, whoever planned them: pruning, renames and moves.
    """
    steps = tuple(steps)
    going = Counter(step.project for step in steps if _deletes(step))
    excess = _Excess(inputs, going)
    after = tuple(replace(step, blocked=excess.of(step.project)) if _deletes(step) else step for step in steps)
    return _with_partners(after)


def _deletes(step: Step) -> bool:
    return step.action is Action.DELETE and step.blocked is None


@dataclass(frozen=True, slots=True)
class _Excess:
    """`going`: project → how many deletes nothing else blocks."""

    inputs: Inputs
    going: Counter[str]

    def of(self, project: str) -> Blocked | None:
        """Tell why the deletes of a project are beyond the limits; None where they are within."""
        found = [text for text in (self._count(), self._share(project)) if text]
        if not found:
            return None
        flags = [f"--max-deletes {self.going.total()}"] if self._count() else []
        if self._share(project):
            flags.append(f"--max-delete-percent {self._percent()}")
        return Blocked(
            Block.LIMIT,
            "; ".join(found),
            f"look at every build that would be deleted; if all of them are to go, use {' '.join(flags)}",
        )

    def _count(self) -> str:
        total, limit = self.going.total(), self.inputs.policy.max_deletes
        return f"this run would delete {_builds(total)}, and its limit is {limit}" if total > limit else ""

    def _share(self, project: str) -> str:
        percent = self.inputs.policy.max_delete_percent
        count, builds = self.going[project], self._builds(project)
        limit = allowed(percent, builds)
        if count <= limit:
            return ""
        return (
            f'{count} of the {_builds(builds)} of project "{project}" would be deleted, '
            f"and the limit is {percent} % of them, {limit}"
        )

    def _percent(self) -> int:
        """Return the percentage that lets every project through."""
        over = [project for project in self.going if self._share(project)]
        return max(needed(self.going[project], self._builds(project)) for project in over)

    def _builds(self, project: str) -> int:
        reading = self.inputs.live.readings.get(project)
        return len(reading.builds) if reading else 0


def _with_partners(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A create that takes the place of a build that may not be deleted is blocked with it."""
    kept = {(s.project, s.name): s.blocked for s in steps if s.action is Action.DELETE and s.blocked}
    return tuple(
        replace(step, blocked=kept[step.old])
        if step.old in kept and step.blocked is None and step.action is not Action.DELETE
        else step
        for step in steps
    )


def _builds(count: int) -> str:
    return f"{count} build{'s' if count != 1 else ''}"
