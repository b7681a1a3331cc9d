"""`--help`: options in groups, examples, never wider than 80 columns.

Usage ─► what it does ─► Examples ─► commands in sections, or options in groups
"""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import click

WIDEST, NARROWEST = 80, 20
"""Columns of a help: no wider on a wide terminal, as narrow as a narrow one down to this."""

SERVER, LIMITS, OUTPUT, REST = "Server and ledger", "Limits", "Output", "What"

_GROUPS = {
    SERVER: ("server", "token_file", "ledger", "concurrency", "timeout", "deep_read", "lock_timeout"),
    LIMITS: (
        "prune", "prune_gone", "max_deletes", "max_delete_percent", "allow_moves", "allow_drift", "break_workflows",
        "backup_dir", "assert_all", "all_or_nothing", "force",
    ),
    OUTPUT: (
        "format_", "reports", "summary", "output", "out", "detailed_exitcode", "color", "quiet", "verbose", "help",
        "version",
    ),
}  # fmt: skip
"""Parameters by the group that they are shown in; all others are about what is to be done."""

_INDENT, _GAP = 2, 2
_LEFT = 28
"""Columns that the left half of a list may take at most."""


class Helped(click.Command):
    """A command whose help is laid out here."""

    def get_help_option_names(self, ctx: click.Context) -> list[str]:
        """Return both, whatever this command is asked below of: the first answer is remembered."""
        del ctx
        return ["-h", "--help"]

    def get_help(self, ctx: click.Context) -> str:
        """Return the whole help, as wide as the terminal and at most 80 columns."""
        return render(self, ctx, width())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; what is wrong with them knows which command it is about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


def width() -> int:
    """Return how many columns a help has."""
    return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns))


def render(command: click.Command, ctx: click.Context, columns: int) -> str:
    """Return the help of a command in so many columns, without the last newline."""
    from reconciler.cli.examples import EXAMPLES

    lines = [*_usage(command, ctx, columns), *_text(command, columns)]
    examples = EXAMPLES.get(ctx.command_path.removeprefix("reconciler").strip(), ())
    if examples:
        lines += ["", "Examples:", *_listed([(f"reconciler {one}", why) for one, why in examples], columns, left=50)]
    for title, rows in (*_sections(command), *_option_groups(command, ctx)):
        lines += ["", f"{title}:", *_listed(rows, columns)]
    return "\n".join(lines)


def _usage(command: click.Command, ctx: click.Context, columns: int) -> list[str]:
    words = " ".join((ctx.command_path, *command.collect_usage_pieces(ctx)))
    return _wrapped(f"Usage: {words}", columns, then=7)


def _text(command: click.Command, columns: int) -> list[str]:
    """Return the command's own words, paragraph by paragraph."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", (command.help or "").strip()):
        lines += ["", *_wrapped(" ".join(paragraph.split()), columns, first=_INDENT, then=_INDENT)]
    return lines


def _sections(command: click.Command) -> Iterable[tuple[str, list[tuple[str, str]]]]:
    """Return the commands below a group, section by section."""
    sections: Mapping[str, Sequence[tuple[str, str]]] = getattr(command, "sections", {})
    return [(title, list(rows)) for title, rows in sections.items()]


def _option_groups(command: click.Command, ctx: click.Context) -> list[tuple[str, list[tuple[str, str]]]]:
    rows: dict[str, list[tuple[str, str]]] = {title: [] for title in (REST, *_GROUPS)}
    group_of = {name: title for title, names in _GROUPS.items() for name in names}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if record is not None:
            rows[group_of.get(parameter.name or "", REST)].append(record)
    if sum(map(bool, rows.values())) == 1 or isinstance(command, click.Group):
        return [("Options", [row for found in rows.values() for row in found])]
    return [(title, found) for title, found in rows.items() if found]


def _listed(rows: Sequence[tuple[str, str]], columns: int, left: int = _LEFT) -> list[str]:
    """Return two columns; where the left half leaves too little room, the right one goes below it."""
    widest = max((len(name) for name, _ in rows if len(name) <= left), default=0)
    at = _INDENT + widest + _GAP
    if columns - at < columns // 3:
        at = 2 * _INDENT + _GAP
    lines: list[str] = []
    for name, text in rows:
        first = f"{' ' * _INDENT}{name}"
        if not text:
            lines.append(first)
        elif len(first) + _GAP <= at:
            lines += _wrapped(f"{first.ljust(at)}{text}", columns, then=at)
        else:
            lines += [first, *_wrapped(text, columns, first=at, then=at)]
    return lines


def _wrapped(text: str, columns: int, *, first: int = 0, then: int = 0) -> list[str]:
    return textwrap.wrap(
        text, columns, initial_indent=" " * first, subsequent_indent=" " * then, break_on_hyphens=False,
        break_long_words=False, replace_whitespace=False, drop_whitespace=True,
    )  # fmt: skip
