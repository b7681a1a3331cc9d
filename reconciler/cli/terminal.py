"""What the terminal is like: colours, questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TextIO

import click

from reconciler.report.ink import Ink


def color_for(stream: TextIO, choice: str = "auto", environ: Mapping[str, str] | None = None) -> bool:
    """Decide about colours: the flag, then FORCE_COLOR, then NO_COLOR, then whether it is a terminal."""
    environment = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environment.get("FORCE_COLOR"):
        return True
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def ink(choice: str) -> Ink:
    """Return the ink for stdout."""
    return Ink(color_for(sys.stdout, choice))


def confirm(question: str, *, no_input: bool) -> bool | None:
    """Ask on the terminal; None where nobody can be asked."""
    if no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return click.confirm(question, default=False, err=True)
