"""`reconciler completion`: what completes commands in a shell."""

from __future__ import annotations

import click

from reconciler.cli.near import Choice
from reconciler.cli.telling import Command

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=Command)
@click.argument("shell", type=Choice(SHELLS), metavar="SHELL")
def command(shell: str) -> int:
    """Print the script that completes `reconciler` in a shell: bash, zsh or fish.

    It completes commands, flags and their values, the projects and builds of the tree that the current directory
    is in, and branches and tags. Offline: no server is asked, nothing is written.
    """
    from reconciler.cli.shells import SCRIPTS

    click.echo(SCRIPTS[shell], nl=False)
    return 0
