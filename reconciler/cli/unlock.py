"""`reconciler unlock`: break a lock whose holder is gone."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli import offered
from reconciler.cli.options import PATH, here, ledger_options, project_option, settings_from
from reconciler.cli.telling import Command


@click.command("unlock", cls=Command)
@click.argument("id", metavar="ID", shell_complete=offered.locks)
@PATH
@project_option
@ledger_options
def command(id: str, path: str | None, **flags: Any) -> int:
    """Break the lock with this ID, whosever it is; the message of whoever waits for it names it.

    Only where its run is gone for good: one that goes on stops before its next write. The server is not asked.
    """
    from reconciler.report.ink import safe
    from reconciler.workflow.plan import World
    from reconciler.workflow.repairs import told_of, unlock

    for broken in unlock(settings_from(path, flags), World(os.environ, here()), id):
        click.echo(safe(told_of(broken)))
    return 0
