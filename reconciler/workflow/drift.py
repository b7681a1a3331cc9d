"""Plan, then see who changed what. Sends the GETs of a plan and nothing else; the ledger is only read.

definitions ─► plan (which prunes nothing) ─► Drift
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.ledger.telling import moment, what
from reconciler.model.change import Change
from reconciler.model.definition import Desired
from reconciler.model.errors import LedgerError
from reconciler.model.live import LiveBuild
from reconciler.model.policy import Policy
from reconciler.model.record import Document
from reconciler.model.settings import Settings
from reconciler.plan.drifting import drift
from reconciler.plan.fates import DRIFT, Drift, Fate
from reconciler.plan.inputs import Inputs
from reconciler.plan.memory import settled
from reconciler.server.repeats import changes_of
from reconciler.workflow.ledgers import reading_ledger
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
    found = judged(planned, settings.tree)
    if found.settled or not found.ledger_read:
        return Found(found, planned.requests)
    running = tuple(_running(settings, world, sorted(planned.documents)))
    return Found(replace(found, notices=(*found.notices, *running)), planned.requests)


def _running(settings: Settings, world: World, projects: list[str]) -> Iterator[str]:
    """Say who is writing to a project just now, as far as the ledger's place tells: its work may look like drift."""
    try:
        with reading_ledger(settings, world) as ledger:
            holders = {project: ledger.holder(project) for project in projects}
    except LedgerError:
        return
    for project, ticket in holders.items():
        if ticket is not None:
            yield (
                f'project "{project}" is locked by {ticket.holder or "somebody"} since {moment(ticket.since)}'
                f"{what(ticket)}: what it has not finished looks like drift, so look again afterwards"
            )


def judged(planned: Planned, tree: str) -> Drift:
    """Judge what a plan without pruning was made from. `tree`: our own name."""
    documents = {project: _settled(document, planned, project) for project, document in planned.documents.items()}
    inputs = Inputs(planned.desired, planned.live, documents, tree)

    def tell(live: LiveBuild, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        return changes_of(live, changes, planned.heard, marks_of(documents, live))

    return drift(planned.plan, inputs, tell)


def _settled(document: Document, planned: Planned, project: str) -> Document:
    return settled(document, planned.proven.get(project, {}))
