"""What the terminal is like: colours, questions."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
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
    if not can_ask(no_input=no_input):
        return None
    return click.confirm(question, default=False, err=True)


def can_ask(*, no_input: bool) -> bool:
    """Tell whether somebody sits there who can answer."""
    return not no_input and sys.stdin.isatty() and sys.stderr.isatty()


def progress(*, quiet: bool) -> Callable[[str, int, int], None]:
    """Return what tells on a terminal how far a reading is: what is read, how much of it, and of how much."""
    if quiet or not sys.stderr.isatty():
        return lambda _, __, ___: None

    def tell(what: str, done: int, of: int) -> None:
        click.echo(f"\r\033[K{what}: {done} of {of}", err=True, nl=done == of)

    return tell
