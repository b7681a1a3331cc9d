"""`reconciler plan`: what apply would do."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    here,
    output_options_of,
    output_to,
    plain_style,
    policy_options,
    project_option,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.progress import watched
from reconciler.cli.reports import (
    EVERY,
    problems_reported,
    put,
    report_option_of,
    reports_of,
    telling_of,
    write,
)
from reconciler.cli.saved import Out
from reconciler.cli.summary import append_summary, summary_option
from reconciler.cli.telling import Command

if TYPE_CHECKING:
    from reconciler.workflow.plan import Planned


@click.command("plan", cls=Command)
@PATH
@project_option
@server_options
@policy_options
@output_options_of(EVERY)
@report_option_of(EVERY)
@summary_option
@click.option("--out", type=click.Path(), metavar="FILE", help="Save the plan, for `apply --plan FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 where changes are pending, 4 where any is blocked.")
def command(path: str | None, **flags: Any) -> int:
    """Compare the definitions with the server and show what apply would do.

    Sends GET requests and nothing else. PATH is a tree, a folder or a file; by default the current directory.
    --out saves what is shown; `apply --plan` executes of it what is still the same then.
    github, gitlab, sarif and junit point at what takes away, is refused or blocked (docs/ci-formats.md).
    """
    from reconciler.report.formats import plan_as
    from reconciler.report.plan_markdown import plan_markdown
    from reconciler.workflow.plan import World, make_plan
    from reconciler.workflow.validate import load

    out, reports = Out(flags["out"]), reports_of(flags, EVERY)
    with problems_reported(reports, flags, "plan") as known:
        settings = known.settings = settings_from(path, flags)
        world = World(os.environ, here())
        desired = load(settings, os.environ, world.cwd)
    telling = telling_of("plan", settings, plain_style(flags))
    with output_to(flags["output"]) as emit:
        with watched(world, flags) as told:
            planned = make_plan(settings, desired, told)
        put(plan_as(flags["format_"], planned.plan, replace(telling, style=style_of(flags))), flags["format_"], emit)
        for report in reports:
            write(report, plan_as(report.format, planned.plan, telling))
        append_summary(flags, lambda longest: plan_markdown(planned.plan, telling.where, longest=longest))
        out.save(planned, settings, world, quiet=flags["quiet"])
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
