"""The first planning pass: what must still be asked before the second one can plan.

questions(desired, live)   what the first pass itself needs: which clusters there are
behind(plan)               what the first pass could not see and a second one would plan better with
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.compare.resolve import BLOCK, CLUSTER
from reconciler.model.build import DEFAULT, Build
from reconciler.model.change import ChangeKind
from reconciler.model.definition import Desired
from reconciler.model.fields import Kind
from reconciler.model.live import Live
from reconciler.plan.step import Action, Block, Plan, Step
from reconciler.plan.usage import asks


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask the server.

    Attributes:
        clusters: which clusters there are, and which one a build gets by default: one request tells both.
        deep: (project, name) of the builds whose hidden settings matter now.
        workflows: projects whose workflows matter, because a build or a service module goes.
    """

    clusters: bool = False
    deep: frozenset[tuple[str, str]] = frozenset()
    workflows: frozenset[str] = frozenset()


def questions(desired: Desired, live: Live) -> Questions:
    """Ask for the clusters where a comparison or a body needs the local one's name, or a create names one.

    Asking too much is allowed.
    """
    return Questions(any(_needs_clusters(d.build, live) for d in desired.definitions))


def behind(plan: Plan) -> Questions:
    """Ask the internal read for what is about to be written, and for what is declared and cannot be verified."""
    return Questions(
        deep=frozenset((step.project, step.name) for step in plan.steps if _matters(step)),
        workflows=frozenset(step.project for step in plan.steps if asks(step)),
    )


def _matters(step: Step) -> bool:
    """Where an exact record speaks, nothing has to be asked; what is not ours to write neither."""
    if step.before is None or step.exact or (step.blocked and step.blocked.reason is Block.FOREIGN):
        return False
    return step.action is not Action.KEEP or step.unsure or step.count(ChangeKind.UNVERIFIABLE) > 0


def _needs_clusters(build: Build, live: Live) -> bool:
    if build.kind is not Kind.PLAIN:
        return False
    if build.values.get(CLUSTER) is DEFAULT:
        return True
    if not any(path.startswith(f"{BLOCK}.") for path in build.values):
        return False
    reading = live.readings.get(build.project)
    there = reading.builds.get(build.name) if reading else None
    return there is None or (there.build is not None and there.build.kind is not build.kind)
