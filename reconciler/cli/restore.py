"""`reconciler restore`: bring back what an apply took away."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.apply import Done, Way, carry_out, under_locks
from reconciler.cli.options import (
    here,
    lock_option,
    output_options,
    output_to,
    project_option,
    server_options,
    settings_from,
    style_of,
)
from reconciler.cli.progress import watched
from reconciler.cli.telling import Command

if TYPE_CHECKING:
    from reconciler.model.settings import Settings
    from reconciler.workflow.plan import Planned, World
    from reconciler.workflow.restore import Kept


@click.command("restore", cls=Command)
@click.argument("path", type=click.Path(), metavar="PATH")
@project_option
@server_options
@output_options
@lock_option
@click.option("--dry-run", is_flag=True, help="Go all the way, and send nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask, also on a terminal.")
def command(path: str, **flags: Any) -> int:
    """Plan, ask, and make builds what they were before an apply deleted, converted or cut them.

    PATH is the folder that the apply told in its last lines, a project's folder in it, or one build's. What a
    backup cannot bring back is named first. Credentials are not in it: the message says which variables to set.
    """
    from reconciler.workflow.plan import World
    from reconciler.workflow.restore import find_backups, plan_restore, restored

    settings = _settings(path, flags)
    world = World(os.environ, here())
    found = find_backups(settings, world.cwd)
    projects = sorted({kept.manifest.project for kept in found})
    with output_to(flags["output"]) as emit:
        _tell(found, world, flags, emit)
        with under_locks(settings, projects, world, "restore", flags) as books:
            with watched(world, flags) as told:
                planned = plan_restore(settings, found, told)
            opened = partial(restored, settings, planned, world, found)
            done = carry_out(planned, settings, flags, Way(emit, f"reconciler restore {path}", opened, books))
        _tell_git(settings, world, found, _written(planned, done), flags)
    return done.code


def _settings(path: str, flags: dict[str, Any]) -> Settings:
    """Use the tree that the backup is in; where it is in none, the one of the current directory."""
    from dataclasses import replace

    settings = settings_from(path, flags)
    if settings.configured:
        return settings
    return replace(settings_from(None, flags), path=settings.path)


def _tell(found: tuple[Kept, ...], world: World, flags: dict[str, Any], emit: Any) -> None:
    """Name what cannot be brought back, before anything is asked; beside JSON on stderr."""
    from reconciler.report.restore import render_kept
    from reconciler.workflow.restore import shown_definition

    if flags["quiet"]:
        return
    for kept in found:
        definition = shown_definition(kept, world.cwd)
        text = render_kept(kept.manifest, definition, lambda name: bool(world.environ.get(name)), style_of(flags).ink)
        if flags["format_"] == "json":
            click.echo(text, err=True, nl=False)
        else:
            emit(text)


def _written(planned: Planned, done: Done) -> set[tuple[str, str]]:
    from reconciler.model.outcome import Ending

    steps = [planned.plan.steps[o.index] for o in done.outcomes if o.ending is Ending.DONE]
    return {(step.project, step.name) for step in steps}


def _tell_git(
    settings: Settings,
    world: World,
    found: tuple[Kept, ...],
    written: set[tuple[str, str]],
    flags: dict[str, Any],
) -> None:
    """Say on stderr what Git has to say of each build that was restored."""
    from reconciler.report.restore import render_git
    from reconciler.workflow.restore import in_git, shown_definition, suggested_file

    known = in_git(settings, world) if written and not flags["quiet"] else None
    if known is None:
        return
    for kept in found:
        manifest = kept.manifest
        name = (manifest.project, manifest.name)
        if name in written:
            file = suggested_file(settings, manifest, world.cwd)
            definition = shown_definition(kept, world.cwd)
            click.echo(render_git(manifest, definition, file, defined=name in known), err=True, nl=False)
