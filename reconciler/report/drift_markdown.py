"""A drift as Markdown, for an issue, a comment or a chat: drift first, the rest folded, never longer than LONGEST."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.plan.fates import DRIFT, Drift, Drifted, Fate
from reconciler.report.drift import VERDICTS, block, remarks, title, verdict
from reconciler.report.drift_ways import Commands, ways
from reconciler.report.ink import line
from reconciler.report.markdown import LONGEST, Page, code, cut, fenced, fold, paged, shortened
from reconciler.report.text import Style

_OPEN = (*DRIFT, Fate.UNREAD)
_FOLDED = (Fate.PENDING, Fate.UNVERIFIABLE, Fate.FOREIGN, Fate.JENKINS, Fate.ORPHAN, Fate.UNDECLARED)


def drift_markdown(drift: Drift, commands: Commands, longest: int = LONGEST) -> str:
    """Return the report, at most `longest` characters; what did not fit is counted at its end."""
    ending = _ending(drift, commands)

    def fill(page: Page) -> Sequence[str]:
        page.add(f"## {_emphasis(drift)}\n")
        page.room -= sum(len(piece) + 1 for piece in ending)
        _builds(page, drift)
        return ending

    return paged(longest, fill, lambda build: f"{build.project}/{build.name}")


def _builds(page: Page, drift: Drift) -> None:
    for fate in _OPEN:
        page.add_all(drift.of(fate), VERDICTS[fate][0], _block)
    touched = [build for build in drift.of(Fate.IN_SYNC) if build.touched]
    fold(page, "in sync, changed in what Git leaves to the server", touched, _item)
    for fate in _FOLDED:
        fold(page, VERDICTS[fate][0], drift.of(fate), _item)


def _emphasis(drift: Drift) -> str:
    text = verdict(drift)
    return text[:1].upper() + text[1:]


def _block(build: Drifted) -> str:
    place = f" — {code(f'{build.place.file}:{build.place.line}')}" if build.place else ""
    return f"### {code(f'{build.project}/{build.name}')} {title(build)}{place}\n\n{fenced(_lines(build))}\n"


def _lines(build: Drifted) -> list[str]:
    """Return a build as the text report has it, without its title; what is too long is cut and counted."""
    return shortened([text.removeprefix("    ") for text in list(block(build, Style()))[1:-1]])


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
        pieces.append(f"**What could not be looked at**\n\n{fenced(cut(problems))}\n")
    if notes := [line(remark) for remark in remarks(drift)]:
        pieces.append(f"**Notes**\n\n{fenced(cut(notes))}\n")
    if found := ways(drift, commands):
        lines, said = [], ""
        for way in found:
            lines += [f"# {way.what}"] if way.what != said else []
            lines.append(way.command)
            said = way.what
        pieces.append(f"**What now**\n\n{fenced(cut(lines), 'sh')}\n")
    return pieces
