"""The reference of commands, from the objects that the command line itself is made of; no terminal has a say in it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any

import click

from reconciler.cli.entry import main

ALWAYS = (0, 64, 70, 130)
"""Exit codes that every command can end with."""

EXITS: dict[str, tuple[int, ...]] = {
    "init": (1, 69, 77),
    "validate": (65,),
    "plan": (1, 2, 4, 65, 69, 77),
    "apply": (1, 4, 65, 69, 75, 77),
    "drift": (1, 2, 3, 65, 69, 77),
    "diff": (2, 65),
    "comment": (65, 69, 77),
    "export": (1, 65, 69, 75, 77),
    "adopt": (1, 4, 65, 69, 75, 77),
    "config": (65,),
    "restore": (1, 4, 65, 69, 75, 77),
    "ledger show": (1, 65),
    "ledger check": (1, 65),
    "ledger forget": (1, 65, 75),
    "ledger move": (1, 4, 65, 75),
    "unlock": (1, 65),
}
"""Command → the others that it can end with; a command that is not here has none."""


def commands_markdown(head: str) -> str:
    """Return the whole page. `head`: who made it, and how it is renewed."""
    found = list(commands())
    always = ", ".join(f"`{code}`" for code in ALWAYS)
    page = [
        "# Commands\n",
        f"{head}\n",
        "What leads from one to the other stands in the [tutorial](../tutorial.md). Every command has `--help`.",
        f"Every command may end with {always}; what else each may end with stands below, and what a code means in",
        "[exit-codes.md](../exit-codes.md). Variables: [environment.md](environment.md).\n",
        "| command | does |\n|---|---|",
        *(f"| [`{name}`](#{name.replace(' ', '-')}) | {cell(_short(command))} |" for name, command in found),
    ]
    return "\n".join([*page, *(line for name, command in found for line in _section(name, command))]) + "\n"


def commands() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name as it is typed; of a group those below it."""
    with click.Context(main, info_name="reconciler") as context:
        yield from _below(main, context, "reconciler")


def _below(group: click.Group, context: click.Context, above: str) -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        if isinstance(command, click.Group):
            with click.Context(command, parent=context, info_name=name) as inner:
                yield from _below(command, inner, f"{above} {name}")
        elif not command.hidden:
            yield f"{above} {name}", command


def _short(command: click.Command) -> str:
    """Return the first sentence of a command's help."""
    first = _paragraphs(command.help or "")[0].removesuffix("\n")
    return re.split(r"(?<=[.:])\s", f"{first} ")[0].rstrip(":")


def _section(name: str, command: click.Command) -> Iterator[str]:
    yield f"\n## {name}\n"
    with click.Context(command) as context:
        yield f"```text\n{name} {' '.join(command.collect_usage_pieces(context))}\n```\n"
        yield "\n\n".join(_told(part) for part in _paragraphs(command.help or ""))
        rows = list(_rows(command.params))
    if rows:
        yield "\n| flag | means |\n|---|---|"
        yield from rows
    if command.epilog:
        yield "\n" + "\n\n".join(_told(part) for part in _paragraphs(command.epilog))
    codes = EXITS.get(name.removeprefix("reconciler "), ())
    if codes:
        yield f"\nExit codes: {', '.join(f'`{code}`' for code in sorted({*ALWAYS, *codes}))}."


def _paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a help; one that the library is not to wrap keeps its mark."""
    return re.split(r"\n[ \t]*\n", inspect.cleandoc(text.partition("\f")[0]))


def _told(paragraph: str) -> str:
    """Return a paragraph: as it is typed where it was not to be wrapped, else as text."""
    if paragraph.startswith("\b"):
        return f"```text\n{paragraph[1:].strip(chr(10))}\n```"
    return "\n".join(plain(line) for line in paragraph.splitlines())


def _rows(params: Sequence[click.Parameter]) -> Iterator[str]:
    for param in params:
        if isinstance(param, click.Option) and not param.hidden:
            yield f"| {_spelled(param)} | {cell(_means(param))} |"


def _spelled(option: click.Option) -> str:
    """Return how an option is typed, shortest first, its value behind the longest."""
    names = sorted([*option.opts, *option.secondary_opts], key=len)
    value = "" if option.is_flag or option.count else f" {option.metavar or _choices(option.type)}"
    return ", ".join(f"`{name}{value if name == names[-1] else ''}`" for name in names).replace("|", "\\|")


def _choices(kind: click.ParamType) -> str:
    """Return what an option takes that has no word for it."""
    return f"[{'|'.join(map(str, kind.choices))}]" if isinstance(kind, click.Choice) else kind.name.upper()


def _means(option: click.Option) -> str:
    """Return the help of an option, and its default where the help does not say it."""
    told = option.help or ""
    default: Any = option.default
    if not isinstance(default, str | int | float) or isinstance(default, bool) or option.count:
        return told
    shown = f"{default:g}" if isinstance(default, float) else default
    return told if str(shown) in told else f"{told} Default: {shown}.".lstrip()


def cell(text: str) -> str:
    """Return text for a cell of a table."""
    return plain(re.sub(r"\s+", " ", text)).replace("|", "\\|")


def plain(text: str) -> str:
    """Return text in which Markdown reads no HTML and no emphasis; what is in backticks stays."""
    parts = text.split("`")
    kept = [part if at % 2 else re.sub(r"([<*])", r"\\\1", part) for at, part in enumerate(parts)]
    return "`".join(kept)
