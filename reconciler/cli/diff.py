"""`reconciler diff`: what differs between two Git revisions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import offered
from reconciler.cli.options import here, output_to, project_option, report_options, style_of
from reconciler.cli.telling import Command
from reconciler.model.errors import UsageError

if TYPE_CHECKING:
    from reconciler.workflow.diff import Revisions

DIFFERS = 2


@click.command("diff", cls=Command)
@click.argument("old", metavar="OLD", shell_complete=offered.revisions)
@click.argument("words", nargs=-1, metavar="[NEW] [PATH]", shell_complete=offered.revisions_and_files)
@project_option
@report_options
def command(old: str, words: tuple[str, ...], **flags: Any) -> int:
    """Compare the definitions of two Git revisions, or of one and the working tree.

    Offline: no server, no token; values from the environment are compared by name. OLD and NEW are whatever Git
    takes for a commit; without NEW the working tree is meant. PATH is a tree, a folder or a file. Exit 2: something
    differs. 65: one of the two is invalid.
    """
    from reconciler.workflow.diff import Asked, find_diff

    if len(words) > 2:
        raise UsageError("diff takes OLD, NEW and PATH, and no more", "quote what has blanks in it")
    cwd = here()
    with output_to(flags["output"]) as emit:
        revisions = find_diff(Asked(old, words, tuple(flags["projects"] or ())), os.environ, cwd)
        emit(_report(revisions, flags))
    return DIFFERS if revisions.builds else 0


def _report(revisions: Revisions, flags: dict[str, Any]) -> str:
    if flags["format_"] == "json":
        from reconciler.report.diff_document import diff_document
        from reconciler.report.document import dump

        return dump(diff_document(revisions))
    if flags["format_"] == "markdown":
        from reconciler.report.diff_markdown import diff_markdown

        return diff_markdown(revisions)
    from reconciler.report.diff import render_diff

    return render_diff(revisions, style_of(flags))
