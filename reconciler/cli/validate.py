"""`reconciler validate`: offline; every problem of every file."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.near import Choice
from reconciler.cli.options import here, project_option, settings_from
from reconciler.cli.reports import EVERY, Report, report_option_of, reports_of, telling_of, whereabouts_of, write
from reconciler.cli.summary import append_summary, summary_option
from reconciler.cli.telling import Command
from reconciler.cli.terminal import color_for
from reconciler.model.errors import InvalidDefinitions

if TYPE_CHECKING:
    from reconciler.model.definition import Definition
    from reconciler.model.problem import Problem
    from reconciler.model.settings import Settings
    from reconciler.report.formats import Telling


@click.command("validate", cls=Command)
@click.argument("paths", nargs=-1, type=click.Path(), metavar="[PATH…]")
@project_option
@click.option("-q", "--quiet", is_flag=True, help="Say nothing when all is well.")
@click.option("--format", "format_", type=Choice(EVERY), default="text", show_default=True, help="How it is written.")
@report_option_of(EVERY)
@summary_option
@click.option("--color", type=Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours.")
def command(paths: tuple[str, ...], quiet: bool, format_: str, color: str, **flags: Any) -> int:
    """Check definitions, offline: every problem of every file in one run.

    PATH is a tree, a folder or a file; by default the current directory. Exit 65 where something is wrong.
    Environment variables that definitions name are not looked at. Formats: docs/ci-formats.md.
    """
    reports = reports_of(flags, EVERY)
    found = _looked_at(paths, flags)
    if reports or format_ != "text":
        from reconciler.report.text import Style

        telling = telling_of("validate", found.settings, Style())
        shown = [Report(format_, "-")] if format_ != "text" else []
        for report in (*shown, *reports):
            write(report, _as(report.format, found, telling))
    append_summary(flags, lambda longest: _page(found, longest))
    if format_ == "text":
        _tell(found, quiet=quiet, color=color_for(sys.stdout, color))
    return InvalidDefinitions.exit_code if found.problems else 0


@dataclass(slots=True)
class _Found:
    """What is wrong, what is well, in how many files. `settings`: those of the last tree, where it has any."""

    problems: list[Problem] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    files: int = 0
    settings: Settings | None = None


def _looked_at(paths: tuple[str, ...], flags: dict[str, Any]) -> _Found:
    from reconciler.workflow.validate import load

    found = _Found()
    for path in paths or (None,):
        try:
            found.settings = settings_from(path, flags)
            desired = load(found.settings, os.environ, here())
        except InvalidDefinitions as error:
            found.problems += error.problems
            continue
        found.definitions += desired.definitions
        found.files += desired.files
    return found


def _page(found: _Found, longest: int) -> str:
    from reconciler.report.problems_pages import problems_markdown

    where = whereabouts_of(found.settings)
    return problems_markdown(sorted(set(found.problems)), len(found.definitions), where, longest=longest)


def _as(format_: str, found: _Found, telling: Telling) -> str:
    from reconciler.report.formats import problems_as

    if format_ == "text":
        return _text(found, color=False)
    return problems_as(format_, found.problems, found.definitions, telling)


def _tell(found: _Found, *, quiet: bool, color: bool) -> None:
    if found.problems or not quiet:
        click.echo(_text(found, color=color), nl=False, color=True)


def _text(found: _Found, *, color: bool) -> str:
    from reconciler.report.problems import render

    if found.problems:
        return render(sorted(set(found.problems)), color=color)
    count = len(found.definitions)
    builds = "1 build" if count == 1 else f"{count} builds"
    return f"All good: {builds} in {found.files} file{'s' if found.files != 1 else ''}.\n"
