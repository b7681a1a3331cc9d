"""What may stand where somebody is typing, as lines for the shell's own function (`shells`).

    bash: the line up to the cursor      ─┐
    zsh, fish: the words, the last begun ─┴─► click's parser ─► offers ─► lines

A line is `=NAME` and in zsh and fish a tab and what it is; `+NAME` where no blank follows; or `file`, `dir`: the
shell knows them better. Nothing goes to stderr, and nothing that cannot be typed is offered.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.cli.typed import Typed, typed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LINE, BREAKS = "_RECONCILER_LINE", "_RECONCILER_BREAKS"
"""Variables of bash's function: the line up to the cursor, and COMP_WORDBREAKS."""

_ELSEWHERE = ("file", "dir")


def complete(shell: str, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Print what fits; return 0, also where nothing does and whatever goes wrong."""
    with suppress(Exception), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        sys.stderr = nowhere
        text = "".join(f"{one}\n" for one in lines(shell, words, environ))
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    sys.stderr = sys.__stderr__
    return 0


def lines(shell: str, words: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines for a shell."""
    if shell == "bash":
        line = typed(environ.get(LINE, ""), environ.get(BREAKS, ""))
        yield from _for_bash(line)
        return
    *before, begun = words or [""]
    for item in offers(before, begun):
        about = f"\t{' '.join(item.help.split())}" if item.help else ""
        yield item.type if item.type in _ELSEWHERE else f"{_sign(item)}{item.value}{about}"


def _for_bash(line: Typed) -> Iterator[str]:
    if line.redirected:
        yield "file"
        return
    for item in offers(line.words[1:], line.last):
        if item.type in _ELSEWHERE:
            yield item.type
        elif (name := line.quoted(item.value)) is not None:
            yield f"{_sign(item)}{name}"


def _sign(item: CompletionItem) -> str:
    return "+" if item.value.endswith("=") else "="


def offers(before: Sequence[str], begun: str) -> Iterator[CompletionItem]:
    """Yield what may stand behind some words, each as a whole word that begins as it was begun."""
    from click.shell_completion import CompletionItem, ShellComplete

    from reconciler.cli.entry import COMPLETE, main

    flag, equals, _ = begun.partition("=")
    front = f"{flag}=" if equals and flag.startswith("--") else ""
    words, typing = list(before), begun
    if words and words[-1].startswith("--") and "=" not in words[-1] and not begun.startswith("-"):
        typing = f"{words.pop()}={begun}"  # else what stands before a flag without its value would not be parsed
    for item in ShellComplete(main, {}, "reconciler", COMPLETE).get_completions(words, typing):
        value = f"{front}{item.value}"
        if item.type in _ELSEWHERE or (value.isprintable() and item.value and value.startswith(begun)):
            yield CompletionItem(value, item.type, item.help)
