"""`reconciler ledger move`: copy the ledger to another place."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli.options import PATH, here, ledger_options, lock_option, project_option, settings_from, waiting_for
from reconciler.cli.telling import Command


@click.command("move", cls=Command)
@click.argument("to", metavar="TO")
@PATH
@project_option
@ledger_options
@lock_option
@click.option("--force", is_flag=True, help="Replace documents that are there already.")
def command(to: str, path: str | None, **flags: Any) -> int:
    """Copy every document about the server to TO, a file or a URL, and read each back.

    Nothing may be applied meanwhile: the locks of both places are held. The old place is left as it is.
    """
    from reconciler.report.ink import safe
    from reconciler.workflow.plan import World
    from reconciler.workflow.repairs import move

    settings = settings_from(path, flags)
    target = settings_from(path, {**flags, "ledger": to}).ledger
    moved = move(settings, World(os.environ, here()), target, waiting_for(flags), force=flags["force"])
    count = sum(moved.projects.values())
    what = f"{', '.join(sorted(moved.projects))} ({count} record{'' if count == 1 else 's'} in all)"
    for line in (
        f"Copied {what} from {moved.source} to {moved.target}, and read it back.",
        f"  → for every run: `ledger: {moved.target}` in reconciler.yaml, or RECONCILER_LEDGER",
        f"  → then put {moved.source} away, so that no run goes on using it",
    ):
        click.echo(safe(line))
    return 0
