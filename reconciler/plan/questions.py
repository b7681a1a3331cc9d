"""The first planning pass: what must still be asked before the second one can plan.

questions(desired, live)   what the first pass itself needs: which clusters there are
behind(plan, inputs)       what the first pass could not see and a second one would plan better with
adopting(plan, inputs)     what an adoption would otherwise have to assume
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.compare.resolve import BLOCK, CLUSTER
from reconciler.model.build import DEFAULT, Build
from reconciler.model.change import Change
from reconciler.model.definition import Desired
from reconciler.model.fields import Kind
from reconciler.model.live import Live
from reconciler.model.secret import MASK
from reconciler.plan.inputs import Inputs
from reconciler.plan.losses import UNREADABLE
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


def behind(plan: Plan, inputs: Inputs) -> Questions:
    """Ask the internal read for what is about to be written, and for what is declared and cannot be verified."""
    del inputs
    return Questions(
        deep=frozenset((step.project, step.name) for step in plan.steps if _matters(step)),
        workflows=frozenset(step.project for step in plan.steps if asks(step)),
    )


def adopting(plan: Plan, inputs: Inputs) -> Questions:
    """Ask the internal read for every build that could become ours: what it shows nobody has to assume.

    What workflows use does not matter where nothing is written.
    """
    steps = (step for step in plan.steps if step.place is not None and step.before is not None and not step.exact)
    names = [(step.project, step.name) for step in steps]
    return Questions(deep=frozenset(name for name in names if not inputs.is_foreign(inputs.record(*name))))


def _matters(step: Step) -> bool:
    """Where an exact record speaks, nothing has to be asked; what is not ours to write neither.

    But a record tells no secrets: one that it only marks, where detail hides it, has to be seen to be sent back. Nor
    does it tell what every write of a build leaves and the new one in its place would lack. And it does not speak for
    a template build's targets, which the page can write without a stamp, nor for its template (contract, section 4).
    A value that this environment does not hold is not verified by any answer.
    """
    if step.before is None or (step.blocked and step.blocked.reason is Block.FOREIGN):
        return False
    if step.exact:
        is_replaced = step.action is Action.DELETE and step.place is not None
        has_targets = step.action is Action.UPDATE and step.before.kind is Kind.TEMPLATE
        return is_replaced or has_targets or any(loss.value == MASK or loss.path == UNREADABLE for loss in step.losses)
    return step.action is not Action.KEEP or step.unsure or any(map(_unverifiable, step.changes))


def _unverifiable(change: Change) -> bool:
    return change.is_unverifiable


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
