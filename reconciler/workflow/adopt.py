"""Plan, see what would become ours as it is, record it. Sends GET requests and nothing else.

definitions ─► plan (which also asks for what would otherwise be assumed) ─► Adoption ─► ledger
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial

from reconciler.apply.masking import Sealer
from reconciler.model.build import Build, Values, elements_of
from reconciler.model.declared import secret_paths
from reconciler.model.definition import Desired
from reconciler.model.fields import ASTERISKS
from reconciler.model.policy import Policy
from reconciler.model.record import Document
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings
from reconciler.plan.adoption import Adoption, Page, adoption
from reconciler.plan.assumed import Signature
from reconciler.plan.inputs import Inputs
from reconciler.plan.memory import settled
from reconciler.plan.questions import adopting
from reconciler.plan.step import Trouble
from reconciler.server import wire
from reconciler.server.transport import Clock
from reconciler.workflow.apply import commit_of
from reconciler.workflow.plan import World, make_plan, open_ledger, projects_of


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
    with open_ledger(settings, writable=False) as ledger:
        for project in projects_of(settings, desired):
            ledger.read(project)
    settings = replace(settings, policy=Policy())
    planned = make_plan(settings, desired, world, adopting)
    documents = {project: settled(planned.documents[project], planned.proven[project]) for project in planned.documents}
    inputs = Inputs(desired, planned.live, documents, settings.tree, settings.policy)
    signature = Signature(settings.tree, int((world.clock or Clock()).wall()), commit_of(world), repeats)
    ledgers = (planned.documents, planned.proven)
    found = adoption(planned.plan, inputs, signature, ledgers, allow_drift=allow_drift)
    return Looked(found, planned.plan.troubles, planned.requests)


def record(settings: Settings, found: Adoption) -> Recorded:
    """Write the records, each project's at once, under the lock of all of them.

    Killed in between, some projects are recorded and the others are not: run again. Raises Locked, LedgerError.
    """
    done: list[tuple[str, str]] = []
    newer: list[tuple[str, str]] = []
    projects = sorted(found.pages)
    if not projects:
        return Recorded()
    with ExitStack() as stack:
        ledger = stack.enter_context(open_ledger(settings, writable=True))
        ledger.lock(projects)
        stack.callback(ledger.unlock, projects)
        for project in projects:
            page, meant = found.pages[project], set[str]()
            ledger.change(project, partial(_written, page, meant))
            done += [(project, name) for name in sorted(meant)]
            newer += [(project, name) for name in sorted(page.records.keys() - meant)]
    return Recorded(tuple(done), tuple(newer))


def _written(page: Page, meant: set[str], document: Document) -> Document:
    """`meant`: told which records are written."""
    meant |= page.still_meant(document)
    return page.onto(document)


def repeats(build: Build, secrets: tuple[Secret, ...]) -> frozenset[str]:
    """Return the paths of the texts of a build that repeat one of the secrets."""
    known = [secret for secret in secrets if secret.is_set and not secret.holds(ASTERISKS)]
    text = "\n".join(_texts(build.values)) if known else ""
    if wire.masked(text, known) == text:
        return frozenset()
    sealer = Sealer(known)
    sealed = sealer.build(build)
    return secret_paths(sealed) - secret_paths(build) | frozenset(sealer.dropped)


def _texts(values: Values) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple):
            yield from (item for item in value if isinstance(item, str))
            for element in elements_of(value):
                yield from _texts(element.values)
