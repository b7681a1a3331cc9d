"""`reconciler ledger check`: whether every document is whole."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli.ledger_show import shown
from reconciler.cli.options import PATH, ledger_options, output_options, project_option
from reconciler.cli.telling import Command


@click.command("check", cls=Command)
@PATH
@project_option
@ledger_options
@output_options
def command(path: str | None, **flags: Any) -> int:
    """Look whether every document can be read, is about the builds that it names, and holds no secret.

    Exit 1 where one does not, with the place and a way out. Reads the ledger alone, waits for nobody.
    """
    return shown(path, flags, thoroughly=True)
