"""`reconciler export`: an existing server, as a tree of definitions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.near import Choice
from reconciler.cli.options import (
    here,
    output_options,
    output_to,
    project_option,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.progress import watched
from reconciler.cli.telling import Command
from reconciler.model.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model.exported import Exported
    from reconciler.model.settings import Settings


@click.command("export", cls=Command)
@project_option
@click.option("--out", default=".", type=click.Path(), metavar="DIR", help="The tree, or a folder of it (.).")
@click.option("--no-defaults", is_flag=True, help="Make no _defaults.yaml of what builds share.")
@click.option("--credentials", type=Choice(["env", "omit"]), default="env", help="Sources, or no values (env).")
@click.option("--code-host", "hosts", multiple=True, metavar="TYPE=ALIAS", help="Where the server hides the aliases.")
@click.option("--force", is_flag=True, help="Take the server's side also where Git was changed.")
@click.option("--prune", "prune_gone", is_flag=True, help="Take away definitions whose build is gone from the server.")
@click.option("--deep-read", type=Choice(["auto", "off"]), help="Ask Zadig's internal read (auto).")
@server_options
@output_options
def command(**flags: Any) -> int:
    """Write the server's builds as definitions, or take what changed there into the tree that DIR is of.

    Sends GET requests and nothing else. No credential's value is written anywhere.
    """
    with _folder(Path(flags["out"])):
        settings = settings_from(flags["out"], flags)
        done = _export(settings, flags)
    return 1 if done.incomplete or done.unread else 0


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make the folder where it is missing; take it away again where nothing came into it."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: {error.strerror}", "name a folder that can be made or written to") from None
    try:
        yield
    finally:
        with suppress(OSError):
            for made in missing:
                made.rmdir()


def _export(settings: Settings, flags: dict[str, Any]) -> Exported:
    from reconciler.report.document import dump
    from reconciler.report.export import document, render_export
    from reconciler.workflow.export import Options, export
    from reconciler.workflow.plan import World

    options = Options(
        defaults=not flags["no_defaults"],
        credentials=flags["credentials"] == "env",
        hosts=_hosts(flags["hosts"]),
        force=flags["force"],
        prune=flags["prune_gone"],
    )
    with output_to(flags["output"]) as emit:
        with watched(World(os.environ, here()), flags) as world:
            done = export(settings, options, world)
        if flags["format_"] == "json":
            emit(dump(document(done)))
        else:
            emit(render_export(done, style_of(flags)))
    return done


def _hosts(given: tuple[str, ...]) -> dict[str, str]:
    hosts = {}
    for one in given:
        kind, _, alias = one.partition("=")
        if not kind or not alias:
            raise UsageError(f"--code-host {one}: TYPE=ALIAS is wanted", "for example --code-host gitlab=our-gitlab")
        hosts[kind] = alias
    return hosts
