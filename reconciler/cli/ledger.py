"""`reconciler ledger`: look into the ledger, and repair it."""

from __future__ import annotations

import click

from reconciler.cli.group import Lazy

COMMANDS = {
    "show": ("reconciler.cli.ledger_show", "Show what it holds, project by project, and who holds its locks."),
    "check": ("reconciler.cli.ledger_check", "Look whether every document is whole. Exit 1 where one is not."),
    "forget": ("reconciler.cli.ledger_forget", "Drop the records of builds, or a whole document."),
    "move": ("reconciler.cli.ledger_move", "Copy it to another place, and say how to switch."),
}


@click.group("ledger", cls=Lazy, commands_by_name=COMMANDS)
def command() -> None:
    """Look into the ledger, and repair it. None of these asks the server."""
