"""`reconciler plan`: what apply would do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    here,
    output_options,
    output_to,
    policy_options,
    project_option,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.telling import Command

if TYPE_CHECKING:
    from reconciler.workflow.plan import Planned


@click.command("plan", cls=Command)
@PATH
@project_option
@server_options
@policy_options
@output_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where changes are pending, 4 where any is blocked.")
def command(path: str | None, **flags: Any) -> int:
    """Compare the definitions with the server and show what apply would do.

    Sends GET requests and nothing else. PATH is a tree, a folder or a file; by default the current directory.
    """
    from reconciler.report.document import dump, plan_document
    from reconciler.report.text import render_plan
    from reconciler.workflow.plan import World, make_plan
    from reconciler.workflow.validate import load

    settings = settings_from(path, flags)
    desired = load(settings, os.environ, here())
    with output_to(flags["output"]) as emit:
        planned = make_plan(settings, desired, World(os.environ, here()))
        if flags["format_"] == "json":
            emit(dump(plan_document(planned.plan)))
        else:
            emit(render_plan(planned.plan, style_of(flags)))
    if flags["verbose"]:
        click.echo(f"read with {planned.requests} requests", err=True)
    return _exit_code(planned, detailed=flags["detailed_exitcode"])


def _exit_code(planned: Planned, *, detailed: bool) -> int:
    """Exit 1 where something could not be looked at; with --detailed-exitcode 4 before 2."""
    plan = planned.plan
    if not plan.complete:
        return 1
    if not detailed:
        return 0
    if plan.blocked or plan.refusals:
        return 4
    return 0 if plan.empty else 2
