"""What somebody meant who typed something that is not there: wrong commands, flags and choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

CUTOFF = 0.6
"""How like a word has to be to be suggested: 1 is the same."""


def meant(word: str, known: Iterable[str]) -> str:
    """Return the question that suggests the nearest of the known words; "" where none is near."""
    import difflib

    by_lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=CUTOFF)
    return f'; did you mean "{by_lower[near[0]]}"?' if near else ""


class Choice(click.Choice[str]):
    """One of some words; another one is an error that suggests the nearest."""

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__(choices)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word. Raises BadParameter where it is none of them."""
        if value not in self.choices:
            self.fail(f'"{value}" is none of {", ".join(self.choices)}{meant(str(value), self.choices)}', param, ctx)
        return str(value)


def sentence(error: click.ClickException) -> str:
    """Return what is wrong with a command line; of an unknown flag with the nearest that there is."""
    from reconciler.report.ink import safe

    if not isinstance(error, click.NoSuchOption):
        return safe(error.format_message())
    known = _flags(error.ctx) if error.option_name.startswith("--") else []
    return safe(f'there is no option "{error.option_name}"{meant(error.option_name, known)}')


def _flags(context: click.Context | None) -> list[str]:
    parameters = context.command.get_params(context) if context else []
    return [flag for one in parameters for flag in (*one.opts, *one.secondary_opts) if flag.startswith("--")]
