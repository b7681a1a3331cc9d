"""`reconciler validate`: offline; every problem of every file."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import here, project_option, settings_from
from reconciler.cli.telling import Command
from reconciler.cli.terminal import color_for

if TYPE_CHECKING:
    from reconciler.model.problem import Problem


@click.command("validate", cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH…]")
@project_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is well.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def command(paths: tuple[str, ...], quiet: bool, color: str, **flags: Any) -> int:
    """Check definitions, offline: every problem of every file in one run.

    PATH is a tree, a folder or a file; by default the current directory. Exit 65 where something is wrong.
    Environment variables that definitions name are not looked at.
    """
    from reconciler.model.errors import InvalidDefinitions
    from reconciler.report.problems import render
    from reconciler.workflow.validate import load

    problems: list[Problem] = []
    count = files = 0
    for path in paths or (None,):
        try:
            settings = settings_from(path, flags)
            desired = load(settings, os.environ, here())
        except InvalidDefinitions as error:
            problems += error.problems
            continue
        count += len(desired.definitions)
        files += desired.files
    if problems:
        click.echo(render(sorted(set(problems)), color=color_for(sys.stdout, color)), nl=False, color=True)
        return InvalidDefinitions.exit_code
    if not quiet:
        builds = "1 build" if count == 1 else f"{count} builds"
        click.echo(f"All good: {builds} in {files} file{'s' if files != 1 else ''}.")
    return 0
