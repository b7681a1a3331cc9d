"""`reconciler schema`: print a JSON Schema."""

from __future__ import annotations

import click

from reconciler.cli.near import Choice
from reconciler.cli.telling import Command

NAMES = (
    "build",
    "reconciler",
    "validate",
    "plan",
    "saved-plan",
    "drift",
    "diff",
    "export",
    "adopt",
    "config",
    "ledger",
)


@click.command("schema", cls=Command)
@click.argument("name", type=Choice(NAMES), default="build", metavar="[NAME]")
def command(name: str) -> int:
    """Print a JSON Schema: of a definition (build), of reconciler.yaml (reconciler), of what commands print as JSON.

    Those are validate, plan (also for apply), drift, diff, export, adopt, config and ledger (show, check).
    What `plan --out` writes is saved-plan.
    """
    from reconciler.workflow.schema import schema_text

    click.echo(schema_text(name), nl=False)
    return 0
