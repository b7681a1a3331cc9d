"""`reconciler drift`: who changed what behind Git's back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    deep_read_option,
    here,
    output_to,
    plain_style,
    project_option,
    report_options,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.progress import watched
from reconciler.cli.reports import DRIFT, problems_reported, report_option_of, reports_of, write
from reconciler.cli.summary import append_summary, summary_option
from reconciler.cli.telling import Command

if TYPE_CHECKING:
    from reconciler.model.settings import Settings
    from reconciler.report.drift_ways import Commands
    from reconciler.report.text import Style
    from reconciler.workflow.drift import Drift


@click.command("drift", cls=Command)
@PATH
@project_option
@server_options
@deep_read_option
@report_options
@report_option_of(DRIFT)
@summary_option
def command(path: str | None, **flags: Any) -> int:
    """Compare what was recorded, what Git has and what the server has: who changed what behind Git's back.

    Sends GET requests and nothing else. Exit 3: somebody changed the server. 2: Git has what was not applied yet.
    1: something could not be looked at. -q says nothing where all is well.
    """
    from reconciler.report.drift_markdown import drift_markdown
    from reconciler.workflow.drift import find_drift
    from reconciler.workflow.plan import World
    from reconciler.workflow.validate import load

    reports = reports_of(flags, DRIFT)
    with problems_reported(reports, flags, "drift") as known:
        settings = known.settings = settings_from(path, flags)
        world = World(os.environ, here())
        desired = load(settings, os.environ, world.cwd)
    with output_to(flags["output"]) as emit:
        with watched(world, flags) as told:
            found = find_drift(settings, desired, told)
        code, commands = exit_code(found.drift), _commands(settings, path, flags)
        if code or not flags["quiet"]:
            emit(_report(flags["format_"], found.drift, commands, style_of(flags)))
        for report in reports:
            write(report, _report(report.format, found.drift, commands, plain_style(flags)))
        append_summary(flags, lambda longest: drift_markdown(found.drift, commands, longest))
    if flags["verbose"]:
        click.echo(f"read with {found.requests} requests", err=True)
    return code


def exit_code(drift: Drift) -> int:
    """Exit 1 where something could not be looked at, before 3 for drift, before 2 for what is only pending."""
    from reconciler.workflow.drift import DRIFT, Fate

    if not drift.complete:
        return 1
    if drift.of(*DRIFT):
        return 3
    return 2 if drift.of(Fate.PENDING) else 0


def _report(format_: str, drift: Drift, commands: Commands, style: Style) -> str:
    if format_ == "json":
        from reconciler.report.document import dump
        from reconciler.report.drift_document import drift_document

        return dump(drift_document(drift, commands))
    if format_ == "markdown":
        from reconciler.report.drift_markdown import drift_markdown

        return drift_markdown(drift, commands)
    from reconciler.report.drift import render_drift

    return render_drift(drift, commands, style)


def _commands(settings: Settings, path: str | None, flags: dict[str, Any]) -> Commands:
    """Return what makes command lines that can be pasted: where the tree is, and the flags that were given."""
    from reconciler.report.drift_ways import Commands

    root = os.path.relpath(settings.root, here())
    given = (("--server", flags["server"]), ("--ledger", flags["ledger"]), ("--token-file", flags["token_file"]))
    flagged = tuple(word for name, value in given if value is not None for word in (name, str(value)))
    projects = tuple(word for project in settings.selected for word in ("--project", project))
    return Commands(root if root != "." else "", path or "", flagged, projects)
