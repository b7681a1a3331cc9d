"""One setting of a drift → lines of text, the server's side as what happened.

~ advanced_settings.timeout  30 → 45  (Git has 30)
! advanced_settings.timeout
on the server: 30 → 60
in Git:        30 → 45
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from reconciler.compare.drift import Setting, State
from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.secret import MASK
from reconciler.report.ink import Colour, Ink, safe
from reconciler.report.text import change_lines

LINES = 40
"""Lines of one setting that are shown without -v."""

LONG = 200
"""Characters of a value that stands in a line."""


def setting_lines(setting: Setting, ink: Ink, most: int | None = LINES, *, mixed: bool = False) -> Iterator[str]:
    """Yield one setting as text; `most` lines of it, and how many were left out. None: all of them.

    `mixed`: it stands among others that somebody changed on the server.
    """
    lines = [text.replace("\n", "\\n") for text in _lines(setting, ink, mixed=mixed)]
    if most is None or len(lines) <= most:
        yield from lines
        return
    yield from lines[:most]
    yield ink.paint(f"    … {len(lines) - most} more lines", Colour.PLACE)


def _lines(setting: Setting, ink: Ink, *, mixed: bool) -> Iterator[str]:
    if setting.state is State.CONFLICT:
        yield from _both(setting, ink)
        return
    first, *rest = change_lines(_change(setting), ink)
    if not setting.live_known and setting.state is State.DRIFTED:
        first = f"{ink.paint('~', Colour.WARN)} {safe(setting.path)}  {value(setting.recorded)} → (nothing shows it)"
    yield f"{first}{_aside(setting, mixed=mixed)}"
    yield from rest


def _change(setting: Setting) -> Change:
    """Return a setting as the change that happened on the server, or that an apply will make."""
    pending = setting.state not in (State.DRIFTED, State.UNDECLARED, State.IGNORED)
    before, after = (setting.live, setting.git) if pending else (setting.recorded, setting.live)
    if setting.state is State.RELEASED:
        after = setting.live
    known = setting.live_known if pending else setting.recorded_known
    change = Change(setting.path, setting.kind, before, after, setting.sensitive, before_known=known, text=setting.text)
    return replace(change, after_known=False) if setting.state is State.UNSET else change


def _aside(setting: Setting, *, mixed: bool) -> str:
    if setting.state is State.PENDING and mixed:
        return "  (changed in Git, pending)"
    if setting.state is State.UNDECLARED:
        return "  (Git does not declare it: every apply keeps it)"
    if setting.state is State.IGNORED:
        return f"  (ignored: {safe(setting.reason)})"
    if setting.state is not State.DRIFTED:
        return ""
    if setting.kind is ChangeKind.REMOVED:
        return "  (Git has it)"
    if setting.kind is ChangeKind.ADDED:
        return "  (Git does not have it)"
    if setting.kind is ChangeKind.MOVED:
        return "  (Git has the first)"
    if setting.sensitive:
        return "  (is not what Git has)"
    if setting.text and _many_lines(setting):
        return "  (- in Git, + on the server)"
    return f"  (Git has {value(setting.git)})"


def _many_lines(setting: Setting) -> bool:
    return any("\n" in text for text in (setting.recorded, setting.live, setting.git) if isinstance(text, str))


def _both(setting: Setting, ink: Ink) -> Iterator[str]:
    """Yield what each side made of what both had."""
    yield f"{ink.paint('!', Colour.BAD)} {safe(setting.path)}"
    if setting.sensitive:
        yield f"    on the server: {MASK}"
        yield f"    in Git:        {MASK}"
    elif setting.text and _many_lines(setting):
        yield from _texts(setting, ink)
    else:
        then = f"{value(setting.recorded)} → " if setting.recorded_known else ""
        yield f"    on the server: {then}{_side(setting.live, known=setting.live_known)}"
        yield f"    in Git:        {then}{_side(setting.git)}"


def _side(side: Shown, *, known: bool = True) -> str:
    if not known:
        return "(nothing shows it)"
    return "(not there)" if side is None else value(side)


def _texts(setting: Setting, ink: Ink) -> Iterator[str]:
    then = setting.recorded
    pairs: tuple[tuple[str, Shown, Shown], ...] = (("on the server", then, setting.live), ("in Git", then, setting.git))
    if not setting.recorded_known:
        pairs = (("on the server, against Git", setting.git, setting.live),)
    for what, before, after in pairs:
        yield f"    {what}:"
        change = Change(setting.path, ChangeKind.CHANGED, before, after, text=True)
        yield from (f"    {line}" for line in list(change_lines(change, ink))[1:])


def value(shown: Shown) -> str:
    """Return a value as a line can hold it; what is longer is cut, and its length told."""
    text = safe(json.dumps(shown, ensure_ascii=False)).replace("\n", "\\n")
    return text if len(text) <= LONG else f"{text[:LONG]}… ({len(text)} characters)"
