"""Look at a ledger: what it holds of each project, who holds its locks, and whether everything is as it should be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from reconciler.ledger.home import Ticket
from reconciler.ledger.ledger import ReadLedger
from reconciler.ledger.many import side_by_side
from reconciler.model.build import DEFAULT, Build, Values, elements_of, join
from reconciler.model.errors import LedgerError, UsageError
from reconciler.model.record import Document
from reconciler.model.settings import Settings
from reconciler.model.shelf import Book, Finding, Holder, Shelf
from reconciler.workflow.ledgers import reading_ledger
from reconciler.workflow.plan import World

CREDENTIAL = ("default_value", "value")
"""What an element that says `is_credential` must not have in a ledger."""

_MARKED = "forget it and adopt it again: `reconciler ledger forget NAME --project P`; and change that credential"
_MIXED = "put a copy of the ledger back, or forget it: `reconciler ledger forget NAME --project P`"


@dataclass(frozen=True, slots=True)
class Kept:
    """One build of a document: where its entry stands, and under which name."""

    where: str
    name: str
    build: Build
    secrets: frozenset[str] = frozenset()


def look_at(settings: Settings, world: World, *, thoroughly: bool = False) -> Shelf:
    """Return what the ledger holds of the server's projects.

    Args:
        settings: of the run.
        world: that it is made in.
        thoroughly: look also for what should not be in a document that can be read.

    Raises:
        UsageError: no server is configured, or the place cannot list its projects and none is named.
        LedgerError: the place cannot be used.
    """
    with reading_ledger(settings, world) as ledger:
        books = side_by_side(partial(_book, ledger, thoroughly=thoroughly), projects_in(ledger, settings))
        return Shelf(ledger.place, settings.server, tuple(books))


def projects_in(ledger: ReadLedger, settings: Settings) -> list[str]:
    """Return the projects to look at: those that are selected, else all that are there, else those configured."""
    if not settings.server:
        raise UsageError(
            "no server is configured, and a ledger is about one",
            "use --server URL, set ZADIG_SERVER, or write `server:` into reconciler.yaml",
        )
    found = ledger.projects()
    if settings.selected:
        return sorted(settings.selected)
    if found is None and not settings.projects:
        raise UsageError(
            f"the ledger {ledger.place} does not tell which projects it has", "name them: --project P, repeatable"
        )
    return sorted(settings.projects) if found is None else found


def _book(ledger: ReadLedger, project: str, *, thoroughly: bool) -> Book:
    lock = ledger.holder(project)
    holder = _holder(lock) if lock else None
    try:
        size, document = len(ledger.text(project)), ledger.read(project)
    except LedgerError as error:
        return Book(project, lock=holder, findings=(Finding("", error.message, error.hint),))
    records = document.records
    exact = sum(record.exact for record in records.values())
    return Book(
        project,
        exact=exact,
        assumed=len(records) - exact,
        protected=sum(record.prevent_destroy for record in records.values()),
        trees=tuple(sorted(Counter(record.tree for record in records.values()).items())),
        intents=tuple(sorted(document.intents)),
        seen=len(document.seen),
        size=size,
        written=document.written,
        lock=holder,
        findings=tuple(_findings(project, document)) if thoroughly else (),
    )


def _holder(ticket: Ticket) -> Holder:
    return Holder(ticket.id, ticket.holder, ticket.reason, ticket.commit, ticket.job, ticket.since, ticket.until)


def _findings(project: str, document: Document) -> Iterator[Finding]:
    """Yield what should not be in a document: builds under other names, and values where only marks belong."""
    for kept in _kept(document):
        if (kept.build.project, kept.build.name) != (project, kept.name):
            told = f'the {kept.where} of "{kept.name}" is about "{kept.build.project}/{kept.build.name}"'
            yield Finding(kept.name, told, _MIXED)
        for path in _values_of_secrets(kept.build.values, kept.secrets, ""):
            yield Finding(kept.name, f'the {kept.where} of "{kept.name}" holds the value of {path}, a secret', _MARKED)


def _kept(document: Document) -> Iterator[Kept]:
    for name, record in sorted(document.records.items()):
        yield Kept("record", name, record.build, record.secrets)
    for name, intent in sorted(document.intents.items()):
        for build in (intent.record.build, *intent.stages):
            yield Kept("intent", name, build, intent.record.secrets)
    for name, seen in sorted(document.seen.items()):
        for build in (seen.build, *([seen.offered] if seen.offered else [])):
            yield Kept("note of an export", name, build)


def _values_of_secrets(values: Values, secrets: frozenset[str], parent: str) -> Iterator[str]:
    marked = values.get("is_credential") is True
    for leaf, value in sorted(values.items(), key=lambda item: item[0]):
        path = join(parent, leaf)
        if path in secrets or (marked and leaf in CREDENTIAL and value not in ("", DEFAULT)):
            yield path
        for element in elements_of(value):
            yield from _values_of_secrets(element.values, secrets, f"{path}[{element.key}]")
