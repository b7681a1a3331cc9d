"""Errors as a reader gets them: one sentence, one hint, an exit code; problems with their places."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.cli.helping import Helped
from reconciler.cli.terminal import color_for
from reconciler.model.errors import InvalidDefinitions, ReconcilerError


class Command(Helped):
    """A command whose errors are told with its own `--color`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours is told and becomes the exit code."""
        try:
            return super().invoke(ctx)
        except ReconcilerError as error:
            return tell(error, ctx.params.get("color") or "auto")


def tell(error: ReconcilerError, color: str = "auto") -> int:
    """Print an error on stderr; return its exit code."""
    from reconciler.report.ink import safe

    if isinstance(error, InvalidDefinitions):
        from reconciler.report.problems import render

        click.echo(render(error.problems, color=color_for(sys.stderr, color)), err=True, nl=False, color=True)
        return error.exit_code
    click.echo(f"error: {safe(error.message)}", err=True)
    if error.hint:
        click.echo(f"  → {safe(error.hint)}", err=True)
    return error.exit_code
