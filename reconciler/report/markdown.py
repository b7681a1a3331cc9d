"""Markdown that foreign text cannot break out of, and a page that never grows too long.

Whatever comes from definitions or the server stands in code: in a fence that is longer than any run of backticks in
it (long runs are cut), or escaped inside `<code>`. So it can close nothing, mention nobody and link nowhere.

    text ─ code, fenced ─► pieces ─ Page ─► as many as fit, and what did not, counted and as far as possible by name
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.report.ink import line

LONGEST = 65_000
"""Characters of a page: GitHub takes 65,536 for a comment, and the mark of `reconciler comment` comes on top."""

BLOCK = 6_000
"""Characters of one build that are shown."""

WIDEST = 2_000
"""Characters of one of its lines: a longer one would leave no room for what comes behind it."""

NARROW = 600
"""Characters of a line about one setting, whose path may be of any length; its values are shorter."""

RESERVE = 400
"""Characters that are kept for saying how much was left out."""

LARGE = 32_000
"""Characters from which on a page has room for many sentences of one kind."""

MOST_TICKS = 100
"""Backticks in a row that are shown: GitHub's parser counts no further than 255, and takes as many for the end."""

LEAST = 100
"""Characters below which no build can fit any more."""

One = TypeVar("One")


@dataclass(slots=True)
class Page:
    """Collects pieces as long as they fit. `left`: what did not, by what happens to it."""

    room: int
    pieces: list[str] = field(default_factory=list)
    left: dict[str, list[object]] = field(default_factory=dict)

    def add(self, piece: str) -> bool:
        """Take a piece where it fits."""
        if len(piece) + 1 > self.room:
            return False
        self.room -= len(piece) + 1
        self.pieces.append(piece)
        return True

    def add_all(self, builds: Sequence[One], what: str, written: Callable[[One], str]) -> None:
        """Take each build that fits, and count the others; once it is nearly full, without writing them out."""
        for build in builds:
            if self.room < LEAST or not self.add(written(build)):
                self.leave(what, build)

    def leave(self, what: str, *builds: object) -> None:
        """Remember what did not fit."""
        self.left.setdefault(what, []).extend(builds)


def paged(longest: int, fill: Callable[[Page], Sequence[str]], named: Callable[[Any], str] | None = None) -> str:
    """Return a page of at most `longest` characters, at its end what holds for all of it and what did not fit.

    Args:
        longest: characters.
        fill: adds the pieces to a page, takes away the room of its end, and returns that.
        named: the name of a build; None where what is left out has none.
    """
    page = Page(longest - RESERVE)
    ending = fill(page)
    if page.left and named and longest >= LONGEST:
        room = min(longest // 6, 2 * len(_names(page, named, longest)) + RESERVE * len(page.left))
        page = Page(longest - RESERVE - room)
        ending = [*fill(page), _names(page, named, room)]
    return "\n".join([*page.pieces, *ending, *_left_out(page)]).rstrip("\n") + "\n"


def _names(page: Page, named: Callable[[Any], str], room: int) -> str:
    """Return the names of what was left out in at most `room` characters."""
    every = [(what, [line(named(build)) for build in builds]) for what, builds in page.left.items()]
    needs = [sum(len(name) + 2 for name in names) for _, names in every]
    lines = list[str]()
    for (what, names), share in zip(every, _shares(needs, room - RESERVE * len(every)), strict=True):
        kept = _within(names, share)
        more = f"… and {len(names) - kept:,} more" if kept < len(names) else ""
        lines.append(f"{what}: {', '.join([*names[:kept], *filter(None, [more])])}")
    return f"<details><summary>Names of what did not fit</summary>\n\n{fenced(lines, 'text')}\n\n</details>\n"


def _shares(needs: Sequence[int], room: int) -> list[int]:
    """Divide a room: who needs little gets all of it, and leaves the rest to the others."""
    shares = dict.fromkeys(range(len(needs)), 0)
    waiting = sorted(shares, key=needs.__getitem__)
    for place, one in enumerate(waiting):
        shares[one] = min(needs[one], max(0, room) // (len(waiting) - place))
        room -= shares[one]
    return list(shares.values())


def _within(names: Sequence[str], room: int) -> int:
    """Return how many names have room, with a comma and a blank each."""
    for count, name in enumerate(names):
        room -= len(name) + 2
        if room < 0:
            return count
    return len(names)


def fold(page: Page, what: str, builds: Sequence[One], written: Callable[[One], str]) -> None:
    """Add a folded section with as many builds as fit; of an empty one nothing."""
    if not builds:
        return
    head = f"<details><summary>{len(builds):,} {what}</summary>\n"
    end = "</details>\n"
    if not page.add(head):
        page.leave(what, *builds)
        return
    page.room -= len(end) + 1
    page.add_all(builds, what, written)
    page.pieces.append(end)


def _left_out(page: Page) -> Iterator[str]:
    """Yield what did not fit, counted; nothing where all did."""
    if page.left:
        counts = ", ".join(f"{len(builds):,} {what}" for what, builds in page.left.items())
        yield f"**Left out because it did not fit:** {counts}.\n"


def shortened(lines: Sequence[str]) -> list[str]:
    """Return as many lines as one build may take, none of which is endless, and how many were left out."""
    room, kept = BLOCK, list[str]()
    for number, whole in enumerate(lines):
        text = bounded(whole, WIDEST)
        room -= len(text) + 1
        if room < 0:
            return [*kept, f"… {len(lines) - number} more lines"]
        kept.append(text)
    return kept


def cut(lines: Iterable[str], most: int = 30, longest: int = 600) -> list[str]:
    """Keep sentences few and short enough for the end of a page."""
    every = list(lines)
    kept = [bounded(text, longest) for text in every[:most]]
    return [*kept, *([f"… {len(every) - most} more"] if len(every) > most else [])]


def bounded(text: str, longest: int) -> str:
    """Return a line of at most so many characters, and how many it had where it is cut."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def code(text: str) -> str:
    """Return foreign text as code inside a line: escaped HTML, in which no Markdown is read and nobody mentioned."""
    escaped = html.escape(line(text))
    return f"<code>{re.sub(_ACTIVE, _spelled, escaped)}</code>"


def _spelled(found: re.Match[str]) -> str:
    """GitHub links addresses of mail in all text, also in code and spelled: a remark keeps the two halves apart."""
    address = found[0] == "@" and re.fullmatch(r"[\w.+-]", found.string[max(0, found.start() - 1) : found.start()])
    return f"&#{ord(found[0])};{'<!-- -->' if address else ''}"


_ACTIVE = r"[`*_~\[\]()!@#:|\\$]|(?<=[a-zA-Z])\.(?=[a-zA-Z])"
"""Characters that Markdown or a forge reads something into, also inside `<code>`: each goes as an entity."""


_RUN = f"`{{{MOST_TICKS + 1},}}"


def fenced(lines: Iterable[str], language: str = "diff") -> str:
    """Return lines in a fence that none of them can close."""
    text = re.sub(_RUN, lambda run: f"{'`' * MOST_TICKS}… ({len(run[0]):,} backticks)", "\n".join(lines))
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
