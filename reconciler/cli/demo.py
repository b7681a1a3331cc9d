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
from reconciler.cli.telling import Command
from reconciler.cli.terminal import color_for
from reconciler.report.ink import Colour, Ink

if TYPE_CHECKING:
    from reconciler.emulator import Emulator


@click.command("demo", cls=Command)
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
def command(color: str) -> int:
    """Show plan, apply, and drift healed, on a small company that an embedded emulator serves.

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
        self._say("A small company has four builds on its Zadig, clicked together in the web page over the years:")
        self._say("  billing, search-index (with settings that the API hides), storefront (from a template),")
        self._say("  old-monolith (Jenkins). Now two more are written down in Git:\n")
        for name in ("api.yaml", "checkout.yaml"):
            self._file(name)
        codes = [self._run("plan"), self._run("apply", "--yes", "--quiet")]
        self._say("Every write was read back. So there is nothing left to do:\n")
        codes.append(self._run("plan", "--detailed-exitcode"))
        self._say("At night somebody changes a build in the web page, behind our back:\n")
        self._meddle()
        codes.append(self._run("plan"))
        self._say("The plan names who and when, and every setting, also the one that the API hides. Git wins:\n")
        codes += [self._run("apply", "--yes", "--quiet"), self._run("plan", "--detailed-exitcode")]
        self._say("The company's other four builds were never touched. What to try next:\n")
        self._say("  reconciler emulator --port 8400         a server to play with, in a second terminal")
        self._say("  reconciler validate examples/company    definitions of every kind, with comments")
        self._say("  examples/README.md                      how to plan and apply them")
        return max(codes)

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
