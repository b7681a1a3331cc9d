"""`reconciler ledger show`: what the ledger holds."""

from __future__ import annotations

import os
from typing import Any

import click

from reconciler.cli.options import (
    PATH,
    here,
    ledger_options,
    output_options,
    output_to,
    project_option,
    settings_from,
    style_of,
)
from reconciler.cli.telling import Command


@click.command("show", cls=Command)
@PATH
@project_option
@ledger_options
@output_options
def command(path: str | None, **flags: Any) -> int:
    """Show what the ledger holds of each project: builds, trees, what is announced, who wrote last, who locks it.

    Reads the ledger alone, waits for nobody. Exit 1 where a document cannot be read.
    """
    return shown(path, flags, thoroughly=False)


def shown(path: str | None, flags: dict[str, Any], *, thoroughly: bool) -> int:
    """Look, print, and return the exit code."""
    from reconciler.report.document import dump
    from reconciler.report.ledger import render_check, render_shelf, shelf_document
    from reconciler.workflow.plan import World
    from reconciler.workflow.shelves import look_at

    settings = settings_from(path, flags)
    ink = style_of(flags).ink
    with output_to(flags["output"]) as emit:
        shelf = look_at(settings, World(os.environ, here()), thoroughly=thoroughly)
        if flags["format_"] == "json":
            emit(dump(shelf_document(shelf)))
        else:
            emit(render_shelf(shelf, ink, quiet=thoroughly or flags["quiet"]))
            emit(render_check(shelf, ink) if thoroughly else "")
    return 0 if shelf.whole else 1
