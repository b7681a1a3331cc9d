"""`reconciler adopt`: record the definitions as the baseline, and write nothing to the server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.apply import warn_of_loss
from reconciler.cli.options import (
    PATH,
    deep_read_option,
    here,
    lock_option,
    output_options,
    output_to,
    project_option,
    server_options,
    settings_from,
    style_of,
    waiting_for,
)
from reconciler.cli.progress import watched
from reconciler.cli.telling import Command
from reconciler.cli.terminal import confirm
from reconciler.model.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from reconciler.workflow.adopt import Looked, Recorded


@click.command("adopt", cls=Command)
@PATH
@project_option
@server_options
@deep_read_option
@output_options
@lock_option
@click.option("--allow-drift", is_flag=True, help="Adopt also what differs, as the server has it: plan then shows it.")
@click.option("--dry-run", is_flag=True, help="Show what would be recorded, and record nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask, also on a terminal.")
def command(path: str | None, **flags: Any) -> int:
    """Record builds that are as declared as ours, and write nothing to the server.

    Afterwards a plan is empty until somebody changes something. What nothing shows is taken as declared, and as
    usual where it is not: the table says how often. Refuses where a definition differs from the server.
    """
    from reconciler.workflow.adopt import look, record
    from reconciler.workflow.plan import World
    from reconciler.workflow.validate import load

    settings = settings_from(path, flags)
    world = World(os.environ, here())
    desired = load(settings, os.environ, world.cwd)
    with output_to(flags["output"]) as emit:
        with watched(world, flags) as told:
            looked = look(settings, desired, told, allow_drift=flags["allow_drift"])
        as_json = flags["format_"] == "json"
        if not as_json:
            emit(_shown(looked, flags))
        recorded = None
        if looked.adoption.to_record and not flags["dry_run"]:
            _ask(looked, flags)
            warn_of_loss(settings.ledger, flags)
            recorded = record(settings, looked.adoption, world, waiting_for(flags))
        emit(_document(looked, recorded) if as_json else _told(looked, recorded))
    if flags["verbose"]:
        click.echo(f"read with {looked.requests} requests", err=True)
    return _exit_code(looked)


def _shown(looked: Looked, flags: dict[str, Any]) -> str:
    from reconciler.report.adopt import render_adoption

    return render_adoption(looked.adoption, looked.troubles, style_of(flags))


def _document(looked: Looked, recorded: Recorded | None) -> str:
    from reconciler.report.adopt import adoption_document
    from reconciler.report.document import dump

    done, newer = (len(recorded.done), recorded.newer) if recorded else (0, ())
    return dump(adoption_document(looked.adoption, looked.troubles, done, newer))


def _told(looked: Looked, recorded: Recorded | None) -> str:
    from reconciler.report.adopt import render_recorded

    if recorded:
        return render_recorded(len(recorded.done), recorded.newer)
    return "Nothing was recorded (--dry-run).\n" if looked.adoption.to_record else ""


def _ask(looked: Looked, flags: dict[str, Any]) -> None:
    """Ask before the ledger is written to. Raises UsageError where nobody can be asked, Interrupted for a no."""
    if flags["yes"]:
        return
    from reconciler.report.adopt import question

    answer = confirm(question(looked.adoption), no_input=flags["no_input"])
    if answer is None:
        raise UsageError("nobody can be asked here, so nothing was recorded", "look at what is shown and use --yes")
    if not answer:
        raise Interrupted("you said no, so nothing was recorded")


def _exit_code(looked: Looked) -> int:
    """Exit 1 where something could not be looked at, 4 where the run is refused or a build may not be ours."""
    if looked.troubles or not looked.adoption.complete:
        return 1
    return 4 if looked.adoption.refused or looked.adoption.forbidden else 0
