"""stdout and stderr of a CI that reads commands out of its log: what others wrote is printed, and is no command."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from reconciler.report.guard import Guard

READERS = ("GITHUB_ACTIONS", "TF_BUILD")
"""What a CI sets that reads commands: GitHub and those like it, Azure."""


class Guarded:
    """A stream that takes commands apart. `unguarded`: the one behind it."""

    def __init__(self, stream: TextIO, guard: Guard) -> None:
        self.unguarded = stream
        self._guard = guard

    def write(self, text: str) -> int:
        """Write a text, no line of which is a command then. Raises TypeError for bytes."""
        if not isinstance(text, str):
            raise TypeError("this stream takes text")
        self.unguarded.write(self._guard.passed(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)


@contextmanager
def guarded_streams(environ: Mapping[str, str]) -> Iterator[None]:
    """Put the guard in front of stdout and stderr as long as something runs, where a CI reads them."""
    if not any(environ.get(name) for name in READERS):
        yield
        return
    from reconciler.report.guard import Guard

    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (stream and cast("TextIO", Guarded(stream, Guard())) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
