"""Repair a ledger: break a lock, forget records, move everything to another place. Each says what it did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TypeVar

from reconciler.ledger import codec
from reconciler.ledger.home import Ticket
from reconciler.ledger.ledger import Ledger, ReadLedger
from reconciler.ledger.place import shown_place
from reconciler.ledger.telling import moment, what
from reconciler.model.errors import LedgerError, Refused, UsageError
from reconciler.model.record import Document
from reconciler.model.settings import Settings
from reconciler.workflow.ledgers import Waiting, reading_ledger, writing_ledger
from reconciler.workflow.plan import World
from reconciler.workflow.shelves import projects_in

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Broken:
    """A lock that was broken. `ticket`: whose it was, None where the place does not tell."""

    project: str
    ticket: Ticket | None


@dataclass(frozen=True, slots=True)
class Moved:
    """What was copied: from where, to where (without credentials), project → how many records."""

    source: str
    target: str
    projects: dict[str, int]


def unlock(settings: Settings, world: World, id: str) -> tuple[Broken, ...]:
    """Break the lock of that id in every project that it holds.

    Raises UsageError where there is none, LedgerError where the place cannot be used.
    """
    with reading_ledger(settings, world) as ledger:
        projects = projects_in(ledger, settings)
        holders = {project: ledger.holder(project) for project in projects}
        blind = ledger.projects() is None
    broken = []
    if projects:
        with writing_ledger(settings, world, "unlock") as ledger:
            broken = [
                Broken(project, ticket if ticket and ticket.id == id else None)
                for project, ticket in holders.items()
                if ledger.break_lock(project, id)
            ]
    if not broken:
        held = [f'"{project}" by {ticket.holder} ({ticket.id})' for project, ticket in holders.items() if ticket]
        told = f"held are {', '.join(held)}" if held else "nothing is locked there"
        if blind:
            looked = ", ".join(projects) or "none"
            told = f"that place does not tell what is locked; looked at: {looked}. Name the project with --project"
        raise UsageError(f"no lock of {shown_place(settings.ledger)} has the id {id}", told)
    return tuple(broken)


def known_names(settings: Settings, world: World, project: str, names: Iterable[str]) -> tuple[str, ...]:
    """Return names that a document knows, sorted. Raises UsageError where it does not know one of them."""
    with reading_ledger(settings, world) as ledger:
        projects_in(ledger, settings)
        document = ledger.read(project)
    known = document.records.keys() | document.intents.keys() | document.seen.keys()
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(
            f'the ledger knows no build "{unknown[0]}" of project "{project}"',
            f"`reconciler ledger show --project {project}` counts what it knows",
        )
    return tuple(sorted(set(names)))


def forget(settings: Settings, world: World, project: str, names: tuple[str, ...], waiting: Waiting) -> None:
    """Drop what a document holds of some builds, under its lock. Raises Locked, LedgerError."""

    def edit(document: Document) -> Document:
        return replace(
            document,
            records=_without(document.records, names),
            intents=_without(document.intents, names),
            seen=_without(document.seen, names),
        )

    with writing_ledger(settings, world, "ledger forget", waiting) as ledger, ledger.locked([project]):
        ledger.change(project, edit)


def _without(items: Mapping[str, Item], names: tuple[str, ...]) -> dict[str, Item]:
    return {name: item for name, item in items.items() if name not in names}


def forget_all(settings: Settings, world: World, project: str, waiting: Waiting) -> None:
    """Remove a whole document, also a damaged one, under its lock. Raises Locked, LedgerError."""
    with reading_ledger(settings, world) as ledger:
        projects_in(ledger, settings)
    with writing_ledger(settings, world, "ledger forget", waiting) as ledger, ledger.locked([project]):
        ledger.erase(project)


def move(settings: Settings, world: World, target: str, waiting: Waiting, *, force: bool = False) -> Moved:
    """Copy every document to another place, under the locks of both, and read each back.

    Args:
        settings: of the run: where the documents are now.
        world: that it is made in.
        target: the other place, as `Settings.ledger`.
        waiting: what becomes of the run where another one holds a lock.
        force: replace what is there.

    Raises:
        UsageError: there is nothing to copy, or both places are one.
        Refused: something is there already.
        Locked: another run holds a lock.
        LedgerError: a place cannot be used, or a document is damaged; nothing was copied then.
    """
    if target == settings.ledger:
        raise UsageError("the ledger is there already", "name another place")
    with reading_ledger(settings, world) as ledger:
        projects = [project for project in projects_in(ledger, settings) if ledger.text(project)]
    if not projects:
        raise UsageError(f"the ledger {shown_place(settings.ledger)} has nothing about {settings.server}", "")
    with ExitStack() as stack:
        source = stack.enter_context(writing_ledger(settings, world, "ledger move", waiting))
        stack.enter_context(source.locked(projects))
        records = {project: len(source.read(project).records) for project in projects}
        there = replace(settings, ledger=target)
        goal = stack.enter_context(writing_ledger(there, world, "ledger move", waiting))
        stack.enter_context(goal.locked(projects))
        _check_empty(goal, settings, projects, force=force)
        for project in projects:
            _copy(source, goal, project)
        return Moved(source.place, goal.place, records)


def _check_empty(goal: ReadLedger, settings: Settings, projects: list[str], *, force: bool) -> None:
    there = goal.projects()
    taken = [project for project in (projects if there is None else there) if goal.text(project)]
    if taken and not force:
        raise Refused(
            f"the ledger {goal.place} has documents about {settings.server} already: {', '.join(taken)}",
            f"look at it: `reconciler ledger show --ledger {goal.place}`; --force replaces those that are copied",
        )


def _copy(source: ReadLedger, goal: Ledger, project: str) -> None:
    text = source.text(project)
    codec.load(text, f'{source.place}, project "{project}"')
    goal.put(project, text)
    if goal.text(project) != text:
        raise LedgerError(
            f'project "{project}" does not read back from {goal.place} as it was copied',
            "go on using the ledger that is, and look at that place",
        )


def told_of(broken: Broken) -> str:
    """Return what was broken, in a sentence."""
    ticket = broken.ticket
    if ticket is None:
        return f'project "{broken.project}" is unlocked'
    return f'project "{broken.project}" is unlocked: {ticket.holder} held it since {moment(ticket.since)}{what(ticket)}'
