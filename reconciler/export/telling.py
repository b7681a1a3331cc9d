"""What stands above an exported definition: what is not in it, and why."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from reconciler.model.exported import KEPT, Note, Topic

_WIDTH = 116
_SENTENCES = (
    (Topic.INEXPRESSIBLE, False, "No definition can say this, and an update would erase it"),
    (Topic.INEXPRESSIBLE, True, "No definition can say this; updates keep it"),
    (Topic.REPEATS, False, "Not written here because a credential is in it; it stays on the server as it is"),
    (Topic.CODE_HOST, False, "Nobody knows on which code host these repositories are; they stay as they are"),
    (Topic.LEFT_OUT, False, "No definition may say what the server has here; it stays as it is"),
)


def head(notes: Iterable[Note]) -> str:
    """Return the comment above a definition, without `#`; "" where there is nothing to say."""
    notes = list(notes)
    lines: list[str] = []
    for topic, kept, sentence in _SENTENCES:
        paths = sorted({n.path for n in notes if n.topic == topic.value and (n.text == KEPT) is kept})
        if paths:
            told = f"{sentence}: {', '.join(paths)}."
            lines += textwrap.wrap(told, _WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent="  ")
    return "\n".join(lines)
