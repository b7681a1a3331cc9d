"""`reconciler ledger forget`: drop records."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli import offered
from reconciler.cli.options import here, ledger_options, lock_option, settings_from, waiting_for
from reconciler.cli.telling import Command
from reconciler.cli.terminal import confirm
from reconciler.model.errors import Interrupted, UsageError


@click.command("forget", cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME…]", shell_complete=offered.recorded)
@click.option(
    "--project", required=True, metavar="P", help="The project that the builds are of.", shell_complete=offered.projects
)
@click.option("--all", "everything", is_flag=True, help="The project's whole document, also a damaged one.")
@ledger_options
@lock_option
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask, also on a terminal.")
def command(names: tuple[str, ...], project: str, *, everything: bool, **flags: Any) -> int:
    """Drop what the ledger knows of builds: they are not ours any more, and nothing of them is remembered.

    The server is not asked and not changed. `adopt` or `apply` makes builds ours again.
    """
    from reconciler.report.ink import safe
    from reconciler.workflow.plan import World
    from reconciler.workflow.repairs import forget, forget_all, known_names

    if everything == bool(names):
        raise UsageError("say what to forget", "name builds, or use --all for the whole document of the project")
    settings, world = settings_from(None, flags), World(os.environ, here())
    known = () if everything else known_names(settings, world, project, names)
    what = f'everything about project "{project}"' if everything else f'{", ".join(known)} of project "{project}"'
    _ask(safe(f"Forget {what}?"), flags)
    if everything:
        forget_all(settings, world, project, waiting_for(flags))
    else:
        forget(settings, world, project, known, waiting_for(flags))
    click.echo(safe(f"Forgot {what}: not ours any more, until an adopt or an apply says so again."))
    return 0


def _ask(question: str, flags: dict[str, Any]) -> None:
    """Ask before anything is dropped. Raises UsageError where nobody can be asked, Interrupted for a no."""
    if flags["yes"]:
        return
    answer = confirm(question, no_input=flags["no_input"])
    if answer is None:
        raise UsageError("nobody can be asked here, so nothing was forgotten", "use --yes")
    if not answer:
        raise Interrupted("you said no, so nothing was forgotten")
