"""`reconciler export`: an existing server, as a tree of definitions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from reconciler.cli.options import (
    here,
    output_options,
    output_to,
    project_option,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.telling import Command
from reconciler.model.errors import UsageError


@click.command("export", cls=Command)
@project_option
@click.option("--out", default=".", type=click.Path(), metavar="DIR", help="The tree, or a folder of it (.).")
@click.option("--no-defaults", is_flag=True, help="Make no _defaults.yaml of what builds share.")
@click.option("--credentials", type=click.Choice(["env", "omit"]), default="env", help="Sources, or no values (env).")
@click.option("--code-host", "hosts", multiple=True, metavar="TYPE=ALIAS", help="Where the server hides the aliases.")
@click.option("--force", is_flag=True, help="Take the server's side also where Git was changed.")
@click.option("--prune", "prune_gone", is_flag=True, help="Take away definitions whose build is gone from the server.")
@click.option("--deep-read", type=click.Choice(["auto", "off"]), help="Ask Zadig's internal read (auto).")
@server_options
@output_options
def command(**flags: Any) -> int:
    """Write the server's builds as definitions, or take what changed there into the tree that DIR is of.

    Sends GET requests and nothing else. No credential's value is written anywhere.
    """
    from reconciler.report.document import dump
    from reconciler.report.export import document, render_export
    from reconciler.workflow.export import Options, export
    from reconciler.workflow.plan import World

    Path(flags["out"]).mkdir(parents=True, exist_ok=True)
    settings = settings_from(flags["out"], flags)
    options = Options(
        defaults=not flags["no_defaults"],
        credentials=flags["credentials"] == "env",
        hosts=_hosts(flags["hosts"]),
        force=flags["force"],
        prune=flags["prune_gone"],
        progress=_progress(flags),
    )
    with output_to(flags["output"]) as emit:
        done = export(settings, options, World(os.environ, here()))
        if flags["format_"] == "json":
            emit(dump(document(done)))
        else:
            emit(render_export(done, style_of(flags)))
    return 1 if done.incomplete or done.unread else 0


def _hosts(given: tuple[str, ...]) -> dict[str, str]:
    hosts = {}
    for one in given:
        kind, _, alias = one.partition("=")
        if not kind or not alias:
            raise UsageError(f"--code-host {one}: TYPE=ALIAS is wanted", "for example --code-host gitlab=our-gitlab")
        hosts[kind] = alias
    return hosts


def _progress(flags: dict[str, Any]) -> Any:
    """Tell on a terminal how far the reading is."""
    if flags["quiet"] or not sys.stderr.isatty():
        return lambda _, __, ___: None

    def tell(what: str, done: int, of: int) -> None:
        click.echo(f"\r\033[K{what}: {done} of {of}", err=True, nl=done == of)

    return tell
