"""One change → the lines of a diff, each with its mark in the first column, so that whoever knows diffs colours them.

-advanced_settings.timeout: 30
+advanced_settings.timeout: 45
!parameters[PW].default_value: (sensitive)
 build_script:
@@ -1,2 +1,3 @@
 make
+make lint
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.secret import MASK
from reconciler.report.ink import Ink, line
from reconciler.report.lines import line_diff
from reconciler.report.markdown import NARROW, bounded
from reconciler.report.text import as_text, change_lines, has_lines, shown_value, tree_lines

_MARKS = {ChangeKind.ADDED: "+", ChangeKind.REMOVED: "-"}


def change_diff(change: Change) -> Iterator[str]:
    """Yield a change as lines without line breaks in them; what is no difference begins with "#"."""
    for text in _lines(change):
        yield bounded(text.replace("\n", "\\n"), NARROW)


def _lines(change: Change) -> Iterator[str]:
    path = line(change.path)
    if change.kind in (ChangeKind.RELEASED, ChangeKind.UNVERIFIABLE) or not change.after_known:
        yield from (f"# {text}" for text in change_lines(change, Ink()))
    elif change.sensitive:
        yield f"{_MARKS.get(change.kind, '!')}{path}: {MASK}"
    elif change.text and has_lines(change):
        yield f" {path}:"
        yield from line_diff(as_text(change.before), as_text(change.after))
    elif change.kind in _MARKS:
        value = change.after if change.kind is ChangeKind.ADDED else change.before
        yield from _whole(_MARKS[change.kind], path, value, change)
    else:
        what = f"{path} (order)" if change.kind is ChangeKind.MOVED else path
        yield f"-{what}: {shown_value(change.before, change) if change.before_known else '(unknown)'}"
        yield f"+{what}: {shown_value(change.after, change)}"


def _whole(mark: str, path: str, value: Shown, change: Change) -> Iterator[str]:
    """Yield what comes or goes as a whole, an element of a list with its settings."""
    items = value if isinstance(value, list) else [value]
    if not items or not isinstance(items[0], dict):
        yield f"{mark}{path}: {shown_value(value, change)}"
        return
    yield f"{mark}{path}:"
    yield from (f"{mark}    {text}" for item in items for text in tree_lines(item))
