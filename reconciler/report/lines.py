"""How two texts of many lines differ, as lines a person can read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from reconciler.report.ink import safe

CONTEXT = 3
WIDEST = 400
"""Characters of a line that are shown."""

LONGEST = 4000
"""Lines of both texts together above which only the size of the change is told."""


def line_diff(before: str, after: str) -> list[str]:
    """Return the hunks of a unified diff, each line with its mark; blanks at the end of a line are made visible."""
    left, right = _lines(before), _lines(after)
    if len(left) + len(right) > LONGEST:
        return [f"  {len(left)} lines → {len(right)} lines, too long to show"]
    hunks = difflib.unified_diff(left, right, n=CONTEXT)
    return [line for raw in list(hunks)[2:] for line in _shown(raw)]


def _lines(text: str) -> list[str]:
    """Break at newlines alone, as a shell does."""
    lines = [f"{line}\n" for line in text.split("\n")]
    return [*lines[:-1], lines[-1][:-1]] if lines[-1] != "\n" else lines[:-1]


def _shown(raw: str) -> Iterator[str]:
    if raw.startswith("@@"):
        yield raw.rstrip("\n")
        return
    mark, text = raw[0], raw[1:]
    body = text.removesuffix("\n")
    if len(body) > WIDEST:
        yield f"{mark}{safe(body[:WIDEST])}… ({len(body)} characters)"
        return
    if mark != " ":
        body = re.sub(r" +$", lambda blank: "·" * len(blank[0]), body)
        body = re.sub(r"\t+$", lambda blank: "\\t" * len(blank[0]), body)
    yield f"{mark}{safe(body)}"
    if not text.endswith("\n"):
        yield "\\ no newline at the end"
