"""`reconciler plan`: what apply would do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    emit,
    output_options,
    project_option,
    server_options,
    settings_from,
)
from reconciler.cli.terminal import ink

if TYPE_CHECKING:
    from reconciler.workflow.plan import Planned


@click.command("plan")
@PATH
@project_option
@server_options
@output_options
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where changes are pending, 4 where any is blocked.")
def command(path: str | None, **flags: Any) -> int:
    """Compare the definitions with the server and show what apply would do.

    Sends GET requests and nothing else. PATH is a tree, a folder or a file; by default the current directory.
    """
    from reconciler.report.document import dump, plan_document
    from reconciler.report.text import Style, render_plan
    from reconciler.workflow.plan import World, make_plan
    from reconciler.workflow.validate import load

    settings = settings_from(path, flags)
    desired = load(settings, os.environ, str(Path.cwd()))
    planned = make_plan(settings, desired, World(os.environ, str(Path.cwd())))
    if flags["format_"] == "json":
        emit(dump(plan_document(planned.plan)), flags["output"])
    else:
        style = Style(ink("never" if flags["output"] else flags["color"]), flags["verbose"], flags["quiet"])
        emit(render_plan(planned.plan, style), flags["output"])
    if flags["verbose"]:
        click.echo(f"read with {planned.requests} requests", err=True)
    return _exit_code(planned, detailed=flags["detailed_exitcode"])


def _exit_code(planned: Planned, *, detailed: bool) -> int:
    """Exit 1 where something could not be looked at; with --detailed-exitcode 4 before 2."""
    plan = planned.plan
    if not plan.complete:
        return 1
    if not detailed or plan.empty:
        return 0
    return 4 if plan.blocked else 2
