"""`reconciler apply`: make the server match the definitions."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    assert_option,
    here,
    lock_option,
    output_options,
    output_to,
    plan_command,
    policy_options,
    project_option,
    server_options,
    style_of,
    waiting_for,
)
from reconciler.cli.progress import Progress, progress, watched
from reconciler.cli.reports import problems_reported
from reconciler.cli.saved import Origin
from reconciler.cli.summary import append_summary, summary_option
from reconciler.cli.telling import Command, tell
from reconciler.cli.terminal import confirm, in_ci
from reconciler.model.errors import Interrupted, LedgerError, ReconcilerError, UsageError

if TYPE_CHECKING:
    from reconciler.model.outcome import Outcome
    from reconciler.model.settings import Settings
    from reconciler.workflow.apply import Options
    from reconciler.workflow.ledgers import Ledger
    from reconciler.workflow.plan import Planned, World

INTERRUPTED = 130


@click.command("apply", cls=Command)
@PATH
@project_option
@server_options
@policy_options
@output_options
@summary_option
@click.option("--plan", "plan_file", type=click.Path(), metavar="FILE", help="Execute a plan that `plan --out` saved.")
@click.option("--all-or-nothing", is_flag=True, help="With --plan: write nothing where any of its steps is stale.")
@assert_option
@lock_option
@click.option("--dry-run", is_flag=True, help="Go all the way, and send nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask, also on a terminal.")
def command(path: str | None, **flags: Any) -> int:
    """Plan, ask, and make the server match the definitions.

    Every write is read back before it counts as done. Without a terminal nothing is asked: use --yes.
    Ctrl-C finishes what is in flight; a second one stops at once. Run again: it converges.
    --plan FILE plans again, and executes of a saved plan what is still the same.
    """
    from reconciler.workflow.apply import locked
    from reconciler.workflow.plan import World, projects_of
    from reconciler.workflow.validate import load

    world = World(os.environ, here())
    with problems_reported((), flags, "apply") as known:
        origin = Origin.of(path, flags, world)
        settings = known.settings = origin.settings
        desired = load(settings, os.environ, world.cwd)
    again = plan_command(origin.path, flags)
    projects = projects_of(settings, desired)
    with output_to(flags["output"]) as emit, under_locks(settings, projects, world, "apply", flags) as books:
        with watched(world, flags) as told:
            planned = origin.planned(desired, told)
        way = Way(emit, again, partial(locked, settings, planned, world), books)
        done = carry_out(planned, settings, flags, way)
        _summarised(planned, settings, done, flags)
        return done.code


def _summarised(planned: Planned, settings: Settings, done: Done, flags: dict[str, Any]) -> None:
    from reconciler.cli.reports import whereabouts_of
    from reconciler.report.plan_markdown import plan_markdown

    where = whereabouts_of(settings)
    append_summary(flags, lambda longest: plan_markdown(planned.plan, where, done.outcomes, longest=longest))


def under_locks(
    settings: Settings, projects: list[str], world: World, reason: str, flags: dict[str, Any]
) -> AbstractContextManager[Ledger | None]:
    """Hold the locks from before the plan is made until it is done; none in a dry run.

    Raises Locked, LedgerError.
    """
    from reconciler.workflow.apply import locks_held

    if flags["dry_run"]:
        return nullcontext()
    return locks_held(settings, projects, world, reason, waiting_for(flags))


Opened = AbstractContextManager[Iterator["Outcome"]]


@dataclass(frozen=True, slots=True)
class Way:
    """How to carry a plan out.

    Attributes:
        emit: writes the data.
        again: the command to run next.
        opened: opens the server.
        books: the ledger, its locks held; None: they are taken where they are needed.
    """

    emit: Callable[[str], None]
    again: str
    opened: Callable[[Options], Opened]
    books: Ledger | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it: the exit code, and the outcomes in the order of the plan."""

    code: int
    outcomes: tuple[Outcome, ...]


def carry_out(planned: Planned, settings: Settings, flags: dict[str, Any], way: Way) -> Done:
    """Show a plan, ask, do it, and tell what was done."""
    from reconciler.report.text import render_plan
    from reconciler.workflow.apply import Options, check_environment

    as_json = flags["format_"] == "json"
    if not as_json:
        way.emit(render_plan(planned.plan, style_of(flags)))
    check_environment(planned)
    if planned.plan.writes and not flags["dry_run"]:
        _ask(planned, flags)
    warn_of_loss(settings.ledger, flags)
    stop = threading.Event()
    folders: list[str] = []
    failures: list[ReconcilerError] = []
    options = Options(
        flags["dry_run"],
        stop.is_set,
        folders.append,
        fenced=failures.append,
        books=way.books,
        unrecorded=lambda error: failures.append(_unrecorded(error)),
    )
    with progress(flags) as told, _graceful(stop, told), way.opened(options) as outcomes:
        ended = _follow(planned, outcomes, flags, (lambda _: None) if as_json else way.emit, told)
        told.close()
        way.emit(_report(planned, ended, way.again, as_json=as_json))
        for folder in folders:
            _tell_backup(folder, None if as_json else way.emit, taken=_took(planned, ended))
    if stop.is_set():
        return Done(INTERRUPTED, tuple(ended))
    return Done(tell(failures[0]) if failures else exit_code(planned, ended), tuple(ended))


def _unrecorded(error: LedgerError) -> LedgerError:
    """Return what is told where the server was written and the ledger could not be."""
    return LedgerError(
        f"what is told above was done on the server and could not be recorded: {error.message}",
        "; ".join(filter(None, (error.hint, "the next run finds out from the server what was done"))),
    )


def _took(planned: Planned, ended: list[Outcome]) -> bool:
    """Tell whether a step that takes something away was done, or may have been."""
    from reconciler.model.outcome import Ending

    gone = (o.index for o in ended if o.ending in (Ending.DONE, Ending.UNKNOWN))
    return any(planned.plan.steps[index].backed_up for index in gone)


def _tell_backup(folder: str, emit: Callable[[str], None] | None, *, taken: bool) -> None:
    """Say where the backup is; beside JSON on stderr."""
    from reconciler.report.ink import safe

    place = safe(os.path.relpath(folder) if folder.startswith(here()) else folder)
    what = "What was taken away" if taken else "What the failed steps were about to take away"
    text = f"{what} is kept in {place}\n  → reconciler restore {place}\n"
    if emit is None:
        click.echo(text, err=True, nl=False)
    else:
        emit(text)


def _ask(planned: Planned, flags: dict[str, Any]) -> None:
    """Ask before the first write. Raises UsageError where nobody can be asked, Abort for a no."""
    if flags["yes"]:
        return
    from reconciler.report.text import question

    answer = confirm(question(planned.plan), no_input=flags["no_input"])
    if answer is None:
        raise UsageError("nobody can be asked here, so nothing was written", "look at the plan and use --yes")
    if not answer:
        raise Interrupted("you said no, so nothing was written")


def warn_of_loss(ledger: str, flags: dict[str, Any]) -> None:
    """Say in CI that a ledger in a file of the runner is lost with it."""
    if in_ci(os.environ) and "://" not in ledger and not flags["dry_run"]:
        click.echo(
            f"note: the ledger {ledger} is a file of this runner and lost with it, unless the CI keeps it", err=True
        )


def _follow(
    planned: Planned, outcomes: Iterator[Outcome], flags: dict[str, Any], emit: Callable[[str], None], told: Progress
) -> list[Outcome]:
    """Tell each outcome as it comes; return them in the order of the plan."""
    from reconciler.model.outcome import Ending
    from reconciler.report.text import render_outcome

    ended: list[Outcome] = []
    ink = style_of(flags).ink
    done, todo = 0, len(planned.plan.writes)
    told.tell("applying", 0, todo)
    for outcome in outcomes:
        ended.append(outcome)
        quiet = outcome.ending is Ending.BLOCKED or (flags["quiet"] and outcome.ending is Ending.DONE)
        if not quiet:
            with told.above():
                emit(render_outcome(planned.plan, outcome, ink))
        done += outcome.ending is not Ending.BLOCKED
        told.tell("applying", done, todo)
    return sorted(ended, key=lambda outcome: outcome.index)


def _report(planned: Planned, ended: list[Outcome], again: str, *, as_json: bool) -> str:
    from reconciler.report.document import dump, plan_document
    from reconciler.report.text import render_result

    if as_json:
        return dump(plan_document(planned.plan, ended))
    return render_result(planned.plan, ended, again) if ended else ""


def exit_code(planned: Planned, ended: list[Outcome]) -> int:
    """Exit 1 where something failed or could not be looked at, 4 where something is blocked or refused (1 before 4)."""
    from reconciler.model.outcome import Ending

    if not planned.plan.complete or any(o.ending in (Ending.FAILED, Ending.UNKNOWN) for o in ended):
        return 1
    return 4 if planned.plan.refusals or any(o.ending is Ending.BLOCKED for o in ended) else 0


@contextmanager
def _graceful(stop: threading.Event, told: Progress) -> Iterator[None]:
    """The first Ctrl-C asks to stop, the second one stops."""

    def asked(_: int, __: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        told.say("finishing what is in flight; press Ctrl-C again to stop at once")

    before = signal.signal(signal.SIGINT, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
