"""`reconciler init`: a tree for an existing server, in one go."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.near import Choice
from reconciler.cli.options import here, settings_from
from reconciler.cli.progress import watched
from reconciler.cli.telling import Command
from reconciler.cli.terminal import can_ask, ink
from reconciler.model.errors import ReconcilerError
from reconciler.report.ink import Colour, safe

if TYPE_CHECKING:
    from reconciler.cli.dialogue import Dialogue
    from reconciler.model.exported import Exported
    from reconciler.model.settings import Settings
    from reconciler.workflow.init import Beginning, Looked, Written
    from reconciler.workflow.plan import World
    from reconciler.workflow.repository import Platform, Repository

_MANY = 8
"""So many projects are named; of more, the count."""


@click.command("init", cls=Command)
@click.argument("folder", required=False, default=".", type=click.Path(), metavar="[DIR]")
@click.option("--server", metavar="URL", help="Zadig's address; or ZADIG_SERVER.")
@click.option("--token-file", metavar="FILE", type=click.Path(), help="Read the API token from here; or ZADIG_TOKEN.")
@click.option("--project", "projects", multiple=True, metavar="P", help="Only this project; repeatable (all).")
@click.option("--tree", metavar="NAME", help="Marks builds as ours (the folder's name).")
@click.option(
    "--ci",
    type=Choice(["github", "gitlab", "jenkins", "none"]),
    help="The recipe to write (what is seen).",
)
@click.option("--print-recipe", is_flag=True, help="Print the recipe for the CI, and do nothing else.")
@click.option("--no-export", is_flag=True, help="Write no definitions.")
@click.option("--deep-read", type=Choice(["auto", "off"]), help="Ask Zadig's internal read (auto).")
@click.option("--timeout", type=click.FloatRange(min=0.1), metavar="S", help="Seconds one request may take (30).")
@click.option("--force", is_flag=True, help="Begin also where a tree has begun: write reconciler.yaml anew.")
@click.option("-y", "--yes", is_flag=True, help="All projects, the folder's name: ask only for what is missing.")
@click.option("--no-input", is_flag=True, help="Never ask, also on a terminal.")
@click.option("--color", type=Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours.")
def command(folder: str, **flags: Any) -> int:
    """Bring an existing server under Git: configuration, definitions, and a recipe for the CI.

    Asks on a terminal for what no flag says. Sends GET requests and nothing else. The token is written nowhere.
    DIR is made where it is missing; nothing outside of it is touched.
    """
    from reconciler.cli.dialogue import Dialogue
    from reconciler.workflow.init import check_beginning, check_folder, write_first
    from reconciler.workflow.plan import World
    from reconciler.workflow.repository import look_around

    world = World(os.environ, here())
    root = Path(os.path.normpath(Path(world.cwd, folder)))
    repository = look_around(str(root))
    if flags["print_recipe"]:
        return _print_recipe(root, repository, flags)
    check_folder(root, world.cwd, force=flags["force"])
    open_ = can_ask(no_input=flags["no_input"])
    dialogue = Dialogue(open_, brief=not open_ or flags["yes"])
    settings = _connect(root, dialogue, world, flags)
    beginning = _choose(root, settings, dialogue, world, flags)
    check_beginning(root, beginning)
    secret_files = [os.path.normpath(Path(world.cwd, flags["token_file"]))] if flags["token_file"] else []
    for one in write_first(root, beginning, secret_files):
        _tell_written(one, flags)
    done = None if flags["no_export"] else _run_export(folder, settings, world, flags)
    whole = done is None or not (done.incomplete or done.unread)
    _add_recipe(root, repository, beginning.tree, flags)
    _tell_next(folder, settings, whole=whole, empty=done is not None and not any(done.builds.values()))
    return 0 if whole else 1


def _connect(root: Path, dialogue: Dialogue, world: World, flags: dict[str, Any]) -> Settings:
    """Return the settings with a server and a token, asked for where they are missing.

    Raises:
        UsageError: there is no server, and nobody to ask; or something here would be taken for a definition.
        BadToken: there is no token, and nobody to ask.
    """
    from reconciler.config import Flags, unconfigured
    from reconciler.workflow.init import check_files

    def settings_of(server: str | None) -> Settings:
        chosen = Flags(
            server=server,
            projects=flags["projects"],
            timeout=flags["timeout"],
            token_file=flags["token_file"],
            deep_read=flags["deep_read"],
        )
        return unconfigured(str(root), chosen, world.environ, world.cwd)

    settings = settings_of(flags["server"])
    check_files(settings, world)
    if not settings.server:
        settings = dialogue.server(settings_of)
    if settings.token is None:
        sources = {**settings.sources, "token": "asked"}
        settings = replace(settings, token=dialogue.token(), sources=sources)
    return settings


def _choose(root: Path, settings: Settings, dialogue: Dialogue, world: World, flags: dict[str, Any]) -> Beginning:
    """Look at the server, say what it shows, and return what the tree is to be about."""
    from reconciler.workflow.init import Beginning, look

    looked = look(settings, world, settings.selected)
    _tell_looked(settings, looked)
    projects = settings.selected or dialogue.projects(looked.projects)
    tree = flags["tree"].strip() if flags["tree"] is not None else dialogue.tree(root.name or "tree")
    return Beginning(settings.server, tree, projects, settings.deep_read)


def _tell_looked(settings: Settings, looked: Looked) -> None:
    count = len(looked.projects)
    named = f": {', '.join(looked.projects)}" if 0 < count <= _MANY else ""
    click.echo(safe(f"{settings.server}: the token is good and sees {count:,} project{'s' * (count != 1)}{named}."))
    if looked.incomplete:
        click.echo(safe(f"note: {looked.incomplete}; name those that are missing with --project"), err=True)
    if not settings.deep_read:
        click.echo("Zadig's internal read is off: what its documented answers hide is taken as usual, and said so.")
    elif looked.hidden:
        click.echo(safe(f"Hidden settings cannot be seen: the internal read of {looked.probed}: {looked.hidden}."))
        click.echo("  Usual values stand in for them, as comments to look at; only a write or an adopt settles them.")
    elif looked.probed:
        click.echo(safe(f"Hidden settings can be seen: Zadig's internal read answers (tried on {looked.probed})."))


def _tell_written(one: Written, flags: dict[str, Any], why: str = "") -> None:
    sign, colour = {"new": ("+", Colour.GOOD), "changed": ("~", Colour.WARN)}.get(one.what, ("=", None))
    text = safe(f"{sign} {one.file}{why}")
    click.echo(ink(flags["color"]).paint(text, colour) if colour else text, color=True)


def _run_export(folder: str, settings: Settings, world: World, flags: dict[str, Any]) -> Exported:
    """Export into the tree that was begun, and tell what came of it."""
    from reconciler.report.export import render_export
    from reconciler.report.text import Style
    from reconciler.workflow.export import Options, export

    begun = settings_from(folder, {**flags, "server": settings.server, "projects": ()})
    begun = replace(begun, token=settings.token)
    try:
        with watched(world, flags) as told:
            done = export(begun, Options(), told)
    except (ReconcilerError, KeyboardInterrupt):
        click.echo("note: the tree has begun, and was not filled; once that works: reconciler init --force", err=True)
        raise
    click.echo(render_export(done, Style(ink(flags["color"]))), nl=False, color=True)
    return done


def _platform(repository: Repository, flags: dict[str, Any]) -> tuple[Platform | None, str]:
    """Return the platform and what says so."""
    from reconciler.workflow.repository import Platform

    given = flags["ci"]
    if given is None:
        return repository.platform
    return (None, "") if given == "none" else (Platform(given), "--ci")


def _add_recipe(root: Path, repository: Repository, tree: str, flags: dict[str, Any]) -> None:
    """Write the recipe for the CI that is used here, and say what is left to do by hand."""
    from reconciler.workflow.init import write_recipe
    from reconciler.workflow.recipes import can_be_named, credentials_of, recipe_for

    platform, why = _platform(repository, flags)
    if platform is None:
        if flags["ci"] is None:
            click.echo("No CI is seen here: --ci github, gitlab or jenkins with --print-recipe shows a recipe.")
        return
    if not can_be_named(repository.folder):
        click.echo(safe(f"note: no recipe, for the folder {repository.folder} would need quoting in it"), err=True)
        return
    recipe = recipe_for(platform, repository, tree, credentials_of(root))
    written = write_recipe(root, recipe)
    if written.what == "kept":
        click.echo(safe(f"= {recipe.file} is there already, and was left as it is"))
        click.echo(f"  `reconciler init --ci {platform.value} --print-recipe` prints what would have been written")
        return
    _tell_written(written, flags, f"  (seen: {why})" if flags["ci"] is None else "")
    for hint in recipe.hints:
        click.echo(safe(f"  → {hint}"))


def _print_recipe(root: Path, repository: Repository, flags: dict[str, Any]) -> int:
    from reconciler.model.errors import UsageError
    from reconciler.workflow.recipes import can_be_named, credentials_of, recipe_text

    platform, _ = _platform(repository, flags)
    if platform is None:
        raise UsageError("no CI is seen here", "say which one: --ci github, --ci gitlab or --ci jenkins")
    if not can_be_named(repository.folder):
        raise UsageError("the folder's name would need quoting in a recipe", "run it in the root of the repository")
    tree = flags["tree"] or settings_from(str(root), {}).tree
    click.echo(recipe_text(platform, repository, tree, credentials_of(root)), nl=False)
    return 0


def _tell_next(folder: str, settings: Settings, *, whole: bool, empty: bool) -> None:
    """Say the next two commands, and first what they need. `whole`: everything could be read; `empty`: no build."""
    named = f"./{folder}" if folder.startswith("-") else folder
    where = "" if os.path.normpath(folder) == "." else f" {shlex.quote(named)}"
    adopt, plan = f"reconciler adopt{where}", f"reconciler plan{where}"
    width = max(len(adopt), len(plan))
    click.echo("")
    if settings.sources.get("token") == "asked":
        click.echo("The token was kept nowhere. For the next commands: export ZADIG_TOKEN=…, or --token-file FILE.")
    if not whole:
        out = f" --out {where.strip()}" if where else ""
        click.echo(f"Not everything could be read, as said above. Bring in what is missing: reconciler export{out}")
    if empty and whole:
        click.echo("The server has no build yet: write the first definition, commit it, and then:")
        click.echo(f"  {plan}  what an apply would do")
        return
    click.echo("Look at what was written, commit it, and then:")
    click.echo(f"  {adopt:<{width}}  record it as what the server has; the server is not written to")
    click.echo(f"  {plan:<{width}}  from now on empty, until somebody changes something")
