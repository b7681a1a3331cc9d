"""A drift as Markdown, for an issue, a comment or a chat: drift first, the rest folded, never longer than LONGEST.

Whatever comes from definitions or the server stands in code: in a fence that is longer than any run of backticks in
it, or escaped inside `<code>`. So it can close nothing, mention nobody and link nowhere.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.plan.fates import DRIFT, Drift, Drifted, Fate
from reconciler.report.drift import VERDICTS, block, line, remarks, title, verdict
from reconciler.report.drift_ways import Commands, ways
from reconciler.report.text import Style

LONGEST = 65_536
"""Characters that a comment may have on GitHub; those of GitLab may have more."""

BLOCK = 6_000
"""Characters of one build that are shown."""

RESERVE = 400
"""Characters that are kept for saying what was left out."""

LEAST = 100
"""Characters below which no build can fit any more."""

_OPEN = (*DRIFT, Fate.UNREAD)
_FOLDED = (Fate.PENDING, Fate.UNVERIFIABLE, Fate.FOREIGN, Fate.JENKINS, Fate.ORPHAN, Fate.UNDECLARED)


@dataclass(slots=True)
class _Page:
    """Collects pieces as long as they fit. `left`: what did not, by its name, and how many."""

    room: int
    pieces: list[str] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)

    def add(self, piece: str) -> bool:
        """Take a piece where it fits."""
        if len(piece) + 1 > self.room:
            return False
        self.room -= len(piece) + 1
        self.pieces.append(piece)
        return True

    def add_all(self, builds: Sequence[Drifted], what: str, written: Callable[[Drifted], str]) -> None:
        """Take each build that fits, and count the others; once it is nearly full, without writing them out."""
        for build in builds:
            if self.room < LEAST or not self.add(written(build)):
                self.left[what] = self.left.get(what, 0) + 1


def drift_markdown(drift: Drift, commands: Commands) -> str:
    """Return the report, at most LONGEST characters; what did not fit is counted at its end."""
    page = _Page(LONGEST - RESERVE)
    page.add(f"## {_emphasis(drift)}\n")
    ending = _ending(drift, commands)
    page.room -= sum(len(piece) + 1 for piece in ending)
    for fate in _OPEN:
        page.add_all(drift.of(fate), VERDICTS[fate][0], _block)
    touched = [build for build in drift.of(Fate.IN_SYNC) if build.touched]
    _fold(page, "in sync, changed in what Git leaves to the server", touched)
    for fate in _FOLDED:
        _fold(page, VERDICTS[fate][0], drift.of(fate))
    pieces = [*page.pieces, *ending, *_left_out(page)]
    return "\n".join(pieces).rstrip("\n") + "\n"


def _emphasis(drift: Drift) -> str:
    text = verdict(drift)
    return text[:1].upper() + text[1:]


def _block(build: Drifted) -> str:
    place = f" — {code(f'{build.place.file}:{build.place.line}')}" if build.place else ""
    return f"### {code(f'{build.project}/{build.name}')} {title(build)}{place}\n\n{fenced(_lines(build))}\n"


def _lines(build: Drifted) -> list[str]:
    """Return a build as the text report has it, without its title; what is too long is cut and counted."""
    lines = [text.removeprefix("    ") for text in list(block(build, Style()))[1:-1]]
    room, kept = BLOCK, list[str]()
    for number, text in enumerate(lines):
        room -= len(text) + 1
        if room < 0:
            return [*kept, f"… {len(lines) - number} more lines"]
        kept.append(text)
    return kept


def _fold(page: _Page, what: str, builds: Sequence[Drifted]) -> None:
    """Add a folded section with as many builds as fit; of an empty one nothing."""
    if not builds:
        return
    head = f"<details><summary>{len(builds):,} {what}</summary>\n"
    end = "</details>\n"
    if not page.add(head):
        page.left[what] = len(builds)
        return
    page.room -= len(end) + 1
    page.add_all(builds, what, _item)
    page.pieces.append(end)


def _item(build: Drifted) -> str:
    name = code(f"{build.project}/{build.name}")
    place = f" — {code(f'{build.place.file}:{build.place.line}')}" if build.place else ""
    lines = _lines(build)
    return f"{name}{place}\n\n{fenced(lines)}\n" if lines else f"{name}{place}\n"


def _ending(drift: Drift, commands: Commands) -> list[str]:
    """Return what holds for the whole run, and the commands: they are never left out."""
    pieces = []
    problems = [line(f"{t.message}{f' → {t.hint}' if t.hint else ''}") for t in drift.troubles]
    if problems:
        pieces.append(f"**What could not be looked at**\n\n{fenced(_cut(problems))}\n")
    if notes := [line(remark) for remark in remarks(drift)]:
        pieces.append(f"**Notes**\n\n{fenced(_cut(notes))}\n")
    if found := ways(drift, commands):
        lines, said = [], ""
        for way in found:
            lines += [f"# {way.what}"] if way.what != said else []
            lines.append(way.command)
            said = way.what
        pieces.append(f"**What now**\n\n{fenced(_cut(lines), 'sh')}\n")
    return pieces


def _cut(lines: Iterable[str], most: int = 30, longest: int = 600) -> list[str]:
    """Keep sentences few and short enough for the end of a page."""
    every = list(lines)
    kept = [text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)" for text in every[:most]]
    return [*kept, *([f"… {len(every) - most} more"] if len(every) > most else [])]


def _left_out(page: _Page) -> Iterator[str]:
    if page.left:
        counts = ", ".join(f"{count:,} {what}" for what, count in page.left.items())
        yield f"**Left out because it did not fit:** {counts}.\n"


def code(text: str) -> str:
    """Return foreign text as code inside a line: escaped HTML, in which no Markdown is read and nobody mentioned."""
    escaped = html.escape(line(text))
    return f"<code>{re.sub(_ACTIVE, lambda found: f'&#{ord(found[0])};', escaped)}</code>"


_ACTIVE = r"[`*_~\[\]()!@#:|\\$]|(?<=[a-zA-Z])\.(?=[a-zA-Z])"
"""Characters that Markdown or a forge reads something into, also inside `<code>`: each goes as an entity."""


def fenced(lines: Iterable[str], language: str = "diff") -> str:
    """Return lines in a fence that none of them can close."""
    text = "\n".join(lines)
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
