"""`reconciler demo`: the whole story on an embedded emulator, without a question, leaving nothing behind."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import demo_company as company
from reconciler.cli.near import Choice
from reconciler.cli.telling import Command
from reconciler.cli.terminal import color_for
from reconciler.report.ink import Colour, Ink

if TYPE_CHECKING:
    from reconciler.emulator import Emulator


@click.command("demo", cls=Command)
@click.option("--color", type=Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours.")
def command(color: str) -> int:
    """Show plan, apply, a loss that is blocked, drift healed and a delete refused, on an embedded emulator.

    Needs no server and no configuration, asks nothing, takes seconds, and leaves nothing behind.
    """
    from reconciler.emulator import Emulator, running

    emulator = Emulator(builds=company.live_builds())
    with tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder, running(emulator) as url:
        for name, text in company.FILES.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        with _inside(folder, url):
            return Story(emulator, Ink(color_for(sys.stdout, color)), color).tell()


@contextmanager
def _inside(folder: str, url: str) -> Iterator[None]:
    """Run in the demo's folder, with the demo's environment."""
    before, cwd = dict(os.environ), Path.cwd()
    os.environ.update(ZADIG_SERVER=url, ZADIG_TOKEN=company.TOKEN, BUILD_REGISTRY_PASSWORD=company.SECRET)
    for name in ("RECONCILER_LEDGER", "CI"):
        os.environ.pop(name, None)
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(before)


class Story:
    """Tells the demo, command by command."""

    def __init__(self, emulator: Emulator, ink: Ink, color: str) -> None:
        self._emulator = emulator
        self._ink = ink
        self._color = color

    def tell(self) -> int:
        """Tell it; return 0 where every command ended as it should."""
        ends = [self._first_apply(), self._night(), self._lost_file()]
        self._say("Three of the company's builds were never touched. What to try next:\n")
        self._say("  reconciler emulator --port 8400         a server to play with, in a second terminal")
        self._say("  examples/README.md                      a whole company: plan, apply, delete, restore")
        self._say("  docs/guards.md                          every reason why a step is blocked, and the way out")
        return max(ends)

    def _first_apply(self) -> int:
        """A new build is created; one that the page made is not cut without a word."""
        self._say("A small company has four builds on its Zadig, clicked together in the web page over the years:")
        self._say("  billing, search-index, storefront (from a template), old-monolith (Jenkins).")
        self._say("Now two are written down in Git: a new one, and a new script for one of the old.\n")
        for name in ("api.yaml", f"{company.LOSSY}.yaml"):
            self._file(name)
        plan = self._run("plan")
        self._say("Nothing is lost in silence: an update replaces the whole build, and the API cannot send what people")
        self._say(
            "clicked there. So that step waits until somebody puts the line that it prints into the definition:\n"
        )
        line = self._let_go()
        self._say(f"── {company.LOSSY}.yaml, a line more ──\n{line}\n")
        apply = self._run("apply", "--yes", "--quiet")
        self._say("Every write was read back, and what was cut off is kept. So there is nothing left to do:\n")
        again = self._run("plan", "--detailed-exitcode")
        self._say("The line held for that one value, and is taken out again.\n")
        Path(f"{company.LOSSY}.yaml").write_text(company.FILES[f"{company.LOSSY}.yaml"], encoding="utf-8")
        return max(plan, apply, again)

    def _night(self) -> int:
        """What somebody changed in the page is named, also where the API hides it."""
        self._say("At night somebody changes a build in the web page, behind our back:\n")
        self._meddle()
        plan = self._run("plan")
        self._say("The plan names who and when, and every setting, also the one that the API hides. Git wins:\n")
        return max(plan, self._run("apply", "--yes", "--quiet"))

    def _lost_file(self) -> int:
        """A file that is gone deletes nothing by itself, and nothing that is protected."""
        self._say("Then a merge loses api.yaml. Nothing is deleted unless it is asked for, and not even then:\n")
        Path("api.yaml").unlink()
        return max(self._run("plan"), self._run("plan", "--prune", "owned"))

    def _let_go(self) -> str:
        """Do what the plan says: put the line that it printed into the definition. Return that line."""
        with Path(f"{company.LOSSY}.yaml").open("a", encoding="utf-8") as file:
            file.write(f"{company.LET_GO}\n")
        return company.LET_GO

    def _say(self, text: str) -> None:
        click.echo(text)

    def _file(self, name: str) -> None:
        click.echo(self._ink.paint(f"── {name} ──", Colour.PLACE))
        click.echo(company.FILES[name])

    def _run(self, *arguments: str) -> int:
        from reconciler.cli.entry import call

        click.echo(self._ink.paint(f"$ reconciler {' '.join(arguments)}", Colour.STRONG))
        code = call([*arguments, "--color", self._color])
        click.echo("")
        return code

    def _meddle(self) -> None:
        """Change a build as the web page does: also what the API never shows."""
        builds = self._emulator.state()["builds"]
        for build in builds:
            if build["name"] == "api":
                build["timeout"] = 5
                build["scripts"] = build["scripts"].replace("make test\n", "# make test\n")
                build["enable_privileged_mode"] = False
                build["update_by"] = "mallory"
                build["update_time"] += 1
        self._emulator.set_state(None, builds)
