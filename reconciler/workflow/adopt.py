"""Plan, see what would become ours as it is, record it. Sends GET requests and nothing else.

definitions ─► plan (which also asks for what would otherwise be assumed) ─► Adoption ─► ledger
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from reconciler.model.definition import Desired
from reconciler.model.policy import Policy
from reconciler.model.record import Document
from reconciler.model.settings import Settings
from reconciler.plan.adoption import Adoption, Page, adoption
from reconciler.plan.assumed import Signature
from reconciler.plan.inputs import Inputs
from reconciler.plan.memory import settled
from reconciler.plan.questions import adopting
from reconciler.plan.step import Trouble
from reconciler.server.repeats import repeating
from reconciler.server.transport import Clock
from reconciler.workflow.ledgers import Waiting, reading_ledger, writing_ledger
from reconciler.workflow.plan import World, make_plan, projects_of
from reconciler.workflow.provenance import provenance


@dataclass(frozen=True, slots=True)
class Looked:
    """What an adoption would record.

    Attributes:
        adoption: build by build.
        troubles: what could not be looked at.
        requests: how many requests it took.
    """

    adoption: Adoption
    troubles: tuple[Trouble, ...]
    requests: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded: (project, name), and those of which another run has recorded something meanwhile."""

    done: tuple[tuple[str, str], ...] = ()
    newer: tuple[tuple[str, str], ...] = ()


def look(settings: Settings, desired: Desired, world: World, *, allow_drift: bool = False) -> Looked:
    """Compare the definitions with the server and decide what to record.

    Raises LedgerError where the ledger cannot be read: whose the builds are cannot be told then.
    """
    with reading_ledger(settings, world) as ledger:
        for project in projects_of(settings, desired):
            ledger.read(project)
    settings = replace(settings, policy=Policy())
    planned = make_plan(settings, desired, world, adopting)
    documents = {project: settled(planned.documents[project], planned.proven[project]) for project in planned.documents}
    inputs = Inputs(desired, planned.live, documents, settings.tree, settings.policy)
    now = int((world.clock or Clock()).wall())
    origin = provenance(world.environ, settings.root)
    signature = Signature(
        settings.tree, now, origin.commit, origin.author, origin.job, partial(repeating, heard=planned.heard)
    )
    ledgers = (planned.documents, planned.proven)
    found = adoption(planned.plan, inputs, signature, ledgers, allow_drift=allow_drift)
    return Looked(found, planned.plan.troubles, planned.requests)


def record(settings: Settings, found: Adoption, world: World, waiting: Waiting | None = None) -> Recorded:
    """Write the records, each project's at once, under the lock of all of them.

    Killed in between, some projects are recorded and the others are not: run again. Raises Locked, LedgerError.
    """
    done: list[tuple[str, str]] = []
    newer: list[tuple[str, str]] = []
    projects = sorted(found.pages)
    if not projects:
        return Recorded()
    with ExitStack() as stack:
        ledger = stack.enter_context(writing_ledger(settings, world, "adopt", waiting))
        stack.enter_context(ledger.locked(projects))
        for project in projects:
            page, meant = found.pages[project], set[str]()
            ledger.change(project, partial(_written, page, meant))
            done += [(project, name) for name in sorted(meant)]
            newer += [(project, name) for name in sorted(page.records.keys() - meant)]
    return Recorded(tuple(done), tuple(newer))


def _written(page: Page, meant: set[str], document: Document) -> Document:
    """`meant`: told which records are written; may be asked again of a document that others changed meanwhile."""
    meant.clear()
    meant |= page.still_meant(document)
    return page.onto(document)
