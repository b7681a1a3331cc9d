"""Make a plan executable: lock, probe, write, record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.apply.apply import Run, apply
from reconciler.apply.backup import STATE, Backup
from reconciler.apply.perform import Performer
from reconciler.definitions import writer as definition_writer
from reconciler.ledger.ledger import Ledger
from reconciler.model.declared import secrets_in
from reconciler.model.errors import InvalidDefinitions, LedgerError, Locked
from reconciler.model.outcome import Outcome
from reconciler.model.problem import Place, Problem
from reconciler.model.settings import Settings
from reconciler.server import wire
from reconciler.server.transport import Clock, ReadDoor, WriteDoor
from reconciler.server.writing import DryWriter, ServerWriter, Writer
from reconciler.workflow.ledgers import Waiting, writing_ledger
from reconciler.workflow.plan import Planned, World, connection
from reconciler.workflow.provenance import provenance

BEGUN, ENDED = "reconciler.apply.begun", "reconciler.apply.ended"
"""Audit events (PEP 578) around everything that an apply sends, the server's address and the plan with them.

Whoever watches the process with `sys.addaudithook` knows what is about to be written. Its secrets are sealed.
"""

COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "GIT_COMMIT")
"""Where CI platforms say which commit they build: GitHub, GitLab, Jenkins."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to apply.

    Attributes:
        dry_run: go all the way, and send nothing.
        stopped: whether the user asked to stop.
        backed_up: told the folder of a backup.
        strangers: (project, name) of builds that do not become ours.
        reason: the command, as whoever waits for the lock reads it.
        waiting: what becomes of a run whose lock another one holds.
        fenced: told, once or more often, that the lock was lost: nothing is written to the server from then on.
        books: the ledger, where the locks are held already; None: they are taken.
        unrecorded: told why what was done could not be recorded; without it the error is raised.
    """

    dry_run: bool = False
    stopped: Callable[[], bool] = lambda: False
    backed_up: Callable[[str], None] = lambda _: None
    strangers: frozenset[tuple[str, str]] = frozenset()
    reason: str = "apply"
    waiting: Waiting = field(default_factory=Waiting)
    fenced: Callable[[Locked], None] = lambda _: None
    books: Ledger | None = None
    unrecorded: Callable[[LedgerError], None] | None = None


@contextmanager
def locks_held(
    settings: Settings, projects: Iterable[str], world: World, reason: str, waiting: Waiting
) -> Iterator[Ledger]:
    """Hold the locks of some projects, so that what is planned then is still so when it is done.

    Raises:
        Locked: another run has one of them, and had it for as long as was waited.
        LedgerError: the ledger cannot be written.
    """
    with writing_ledger(settings, world, reason, waiting) as books, books.locked(projects):
        yield books


def check_environment(planned: Planned) -> None:
    """Refuse a run that would write a build whose environment values are not set. Raises InvalidDefinitions."""
    problems = [
        Problem(
            step.place or Place("", 0, 0),
            f'"{step.name}" is to be written and needs {name}, which is not set',
            f"set {name} (empty counts as not set)",
            "unset-env",
        )
        for step in planned.plan.writes
        for name in step.unset
    ]
    if problems:
        raise InvalidDefinitions(sorted(problems))


@contextmanager
def locked(settings: Settings, planned: Planned, world: World, options: Options) -> Iterator[Iterator[Outcome]]:
    """Open everything that an apply needs and hand out its outcomes."""
    clock = world.clock or Clock()
    with ExitStack() as stack:
        books = None
        door: ReadDoor
        writer: Writer
        waiting = replace(options.waiting, stopped=options.stopped)
        builds = [build for step in planned.plan.writes for build in (step.send, step.restore) if build]
        where = connection(settings, world, builds, planned.heard)
        if options.dry_run:
            door, writer = ReadDoor(where), DryWriter()
        else:
            projects = sorted({step.project for step in planned.plan.steps} | planned.vanished.keys())
            books = options.books or stack.enter_context(locks_held(settings, projects, world, options.reason, waiting))
            sys.audit(BEGUN, settings.server, planned.plan)
            stack.callback(sys.audit, ENDED, settings.server, planned.plan)
            door = WriteDoor(where)
            writer = ServerWriter(door)
            if planned.plan.writes:
                writer.probe()
        stack.callback(door.close)
        user = wire.user_of(settings.token) if settings.token else ""
        backup = None if options.dry_run else _backup(settings, planned, world, options)
        fence = _fence(books, options)
        origin = provenance(world.environ, settings.root)
        run = Run(
            performer=Performer(door, writer, user, backup, fence),
            books=books,
            tree=settings.tree,
            commit=origin.commit,
            author=origin.author,
            job=origin.job,
            threads=settings.concurrency,
            now=clock.wall,
            stopped=options.stopped,
            documents=planned.documents,
            proven=planned.proven,
            vanished=planned.vanished,
            backup=backup.place if backup else lambda: "",
            strangers=options.strangers,
            fence=fence,
            unrecorded=options.unrecorded,
        )
        yield apply(planned.plan, run)


def _fence(books: Ledger | None, options: Options) -> Callable[[str], Locked | None]:
    """Return what asks whether a project's lock is lost, and tells it."""

    def asked(project: str) -> Locked | None:
        lost = books.lost(project) if books is not None else None
        if lost is not None:
            options.fenced(lost)
        return lost

    return asked


def commit_of(world: World) -> str:
    """Return the Git commit that a run is about, as the CI platform tells it; "" where nobody does."""
    return next((world.environ[name] for name in COMMITS if world.environ.get(name)), "")


def _backup(settings: Settings, planned: Planned, world: World, options: Options) -> Backup:
    """Return the run's backup; it makes its folder when the first build is kept."""
    steps = planned.plan.steps
    builds = [build for step in steps for build in (step.desired, step.send, step.before) if build]
    token = (settings.token,) if settings.token else ()
    return Backup(
        home=Path(settings.backup_dir or Path(settings.root, STATE, "backup")),
        server=settings.server,
        tree=settings.tree,
        commit=commit_of(world),
        begun=(world.clock or Clock()).wall(),
        define=definition_writer.write,
        secrets=(*token, *(secret for build in builds for secret in secrets_in(build))),
        deep=settings.deep_read and not planned.live.deep_unserved,
        tell=options.backed_up,
    )
