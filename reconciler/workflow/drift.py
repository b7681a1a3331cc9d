"""Plan, then see who changed what. Sends the GETs of a plan and nothing else; the ledger is only read.

definitions ─► plan (which prunes nothing) ─► Drift
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.model.change import Change
from reconciler.model.definition import Desired
from reconciler.model.live import LiveBuild
from reconciler.model.policy import Policy
from reconciler.model.record import Document
from reconciler.model.settings import Settings
from reconciler.plan.drifting import drift
from reconciler.plan.fates import DRIFT, Drift, Fate
from reconciler.plan.inputs import Inputs
from reconciler.plan.memory import settled
from reconciler.server.repeats import changes_of
from reconciler.workflow.plan import Planned, World, make_plan, marks_of

__all__ = ["DRIFT", "Drift", "Fate", "Found", "find_drift", "judged"]


@dataclass(frozen=True, slots=True)
class Found:
    """What became of every build, and how many requests it took to see."""

    drift: Drift
    requests: int


def find_drift(settings: Settings, desired: Desired, world: World) -> Found:
    """Compare record, Git and server. Raises what a plan raises."""
    planned = make_plan(replace(settings, policy=Policy()), desired, world)
    return Found(judged(planned, settings.tree), planned.requests)


def judged(planned: Planned, tree: str) -> Drift:
    """Judge what a plan without pruning was made from. `tree`: our own name."""
    documents = {project: _settled(document, planned, project) for project, document in planned.documents.items()}
    inputs = Inputs(planned.desired, planned.live, documents, tree)

    def tell(live: LiveBuild, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return changes_of(live, changes, planned.heard, marks_of(documents, live))

    return drift(planned.plan, inputs, tell)


def _settled(document: Document, planned: Planned, project: str) -> Document:
    return settled(document, planned.proven.get(project, {}))
