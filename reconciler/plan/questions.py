"""The first planning pass: what must still be asked before the second one can plan."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.compare.resolve import BLOCK, CLUSTER
from reconciler.model.build import DEFAULT, Build
from reconciler.model.definition import Desired
from reconciler.model.fields import Kind
from reconciler.model.live import Live
from reconciler.plan.step import Plan
from reconciler.plan.usage import asks


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask the server.

    Attributes:
        clusters: which clusters there are, and which one a build gets by default: one request tells both.
        workflows: projects whose workflows matter, because a build or a service module goes.
    """

    clusters: bool = False
    workflows: frozenset[str] = frozenset()


def questions(desired: Desired, live: Live, first: Plan | None = None) -> Questions:
    """Ask for the clusters where a comparison or a body needs the local one's name, or a create names one.

    Asking too much is allowed.

    Args:
        desired: the definitions.
        live: what was read so far.
        first: a plan that was made without the answers, where there is one.
    """
    return Questions(
        clusters=any(_needs_clusters(d.build, live) for d in desired.definitions),
        workflows=frozenset(step.project for step in first.steps if asks(step)) if first else frozenset(),
    )


def _needs_clusters(build: Build, live: Live) -> bool:
    if build.kind is not Kind.PLAIN:
        return False
    if build.values.get(CLUSTER) is DEFAULT:
        return True
    if not any(path.startswith(f"{BLOCK}.") for path in build.values):
        return False
    reading = live.readings.get(build.project)
    return reading is None or build.name not in reading.builds
