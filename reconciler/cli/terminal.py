"""What the terminal is like: colours, questions, and how a run may tell how far it is."""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Mapping
from typing import TextIO

import click

from reconciler.report.ink import Ink

_OFF = ("", "0", "false")
"""Values of a variable that mean no; FORCE_COLOR and CI are set to them by some."""

_DUMB = ("dumb", "unknown")


class Manner(enum.Enum):
    """How a run tells how far it is."""

    BAR = "one line on the screen, which moves"
    LINES = "a line now and then, for a log"
    NOTHING = "not at all"


def color_for(stream: TextIO, choice: str = "auto", environ: Mapping[str, str] | None = None) -> bool:
    """Decide about colours: the flag, then what forces them, then what forbids them, then whether it is a terminal."""
    environment = os.environ if environ is None else environ
    if choice != "auto":
        return choice == "always"
    if environment.get("FORCE_COLOR"):
        return _is_on(environment, "FORCE_COLOR")
    if _is_on(environment, "CLICOLOR_FORCE"):
        return True
    if environment.get("NO_COLOR") or environment.get("CLICOLOR") == "0" or _is_dumb(environment):
        return False
    return is_terminal(stream)


def manner_for(stream: TextIO, *, quiet: bool, environ: Mapping[str, str] | None = None) -> Manner:
    """Decide about progress: a bar for somebody who looks on, lines for a log, nothing for a program."""
    environment = os.environ if environ is None else environ
    if quiet:
        return Manner.NOTHING
    if in_ci(environment):
        return Manner.LINES
    if not is_terminal(stream):
        return Manner.NOTHING
    return Manner.LINES if _is_dumb(environment) else Manner.BAR


def in_ci(environ: Mapping[str, str]) -> bool:
    """Tell whether a CI runs this."""
    return _is_on(environ, "CI")


def is_terminal(stream: TextIO) -> bool:
    """Tell whether somebody looks at a stream; one that was closed is looked at by nobody."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").lower() not in _OFF


def _is_dumb(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM") in _DUMB


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
    return not no_input and is_terminal(sys.stdin) and is_terminal(sys.stderr)
