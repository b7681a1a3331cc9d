"""What differs between two revisions, as Markdown for a pull request: what goes first, then each build folded.

Never longer than LONGEST characters; what did not fit is counted. What comes from definitions stands in code, as in
`reconciler.report.markdown`, and can break out of nothing.
"""

from __future__ import annotations

from reconciler.compare.revisions import Fate, Revised, Revisions
from reconciler.report.diff import MARKS, body, sides, summary, title
from reconciler.report.ink import Ink, line
from reconciler.report.markdown import LONGEST, Page, code, fenced, fold, paged, shortened

_OPEN = (Fate.REMOVED, Fate.RENAMED, Fate.MOVED)


def diff_markdown(revisions: Revisions) -> str:
    """Return the report, at most LONGEST characters."""
    return paged(LONGEST, lambda page: _fill(page, revisions), lambda build: f"{build.project}/{build.name}")


def _fill(page: Page, revisions: Revisions) -> tuple[str, ...]:
    """Add all of it; nothing stands at the end."""
    page.add(f"## {summary(revisions).rstrip('.')}\n")
    page.add(f"{code(sides(revisions))}\n")
    notes = [f"note: {line(notice)}" for notice in revisions.notices]
    if notes:
        page.add(f"{fenced(shortened(notes))}\n")
    for fate in _OPEN:
        page.add_all(revisions.of(fate), fate.value, _item)
    ruled = [build for build in _others(revisions) if build.rules]
    page.add_all(ruled, "with other rules", _item)
    for fate in (Fate.CHANGED, Fate.ADDED):
        fold(page, fate.value, [b for b in revisions.of(fate) if not b.rules], _item)
    return ()


def _others(revisions: Revisions) -> tuple[Revised, ...]:
    return (*revisions.of(Fate.CHANGED), *revisions.of(Fate.ADDED))


def _item(build: Revised) -> str:
    mark = MARKS[build.fate][0]
    name, place = code(f"{build.project}/{build.name}"), code(f"{build.place.file}:{build.place.line}")
    head = f"**{mark}** {name} {title(build, code)} — {place}\n"
    lines = shortened([*body(build, Ink(), whole=False, flush=True)])
    return f"{head}\n{fenced(lines)}\n" if lines else head
