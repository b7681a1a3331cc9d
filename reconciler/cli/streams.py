"""stdout and stderr that outlive their readers: who closes a pipe ends the output, and not what is being done.

`reconciler apply --yes | head -n 1` ─► every step is done, and the exit code is that of the apply
a full disk ─────────────────────────► the same, and that is an error of its own at the end
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO, cast


class Enduring:
    """A stream that goes silent where it cannot be written any more. `lost`: why; None where it can."""

    def __init__(self, stream: TextIO) -> None:
        self.lost: OSError | None = None
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, as far as somebody takes it. Raises TypeError for bytes."""
        if not isinstance(text, str):
            raise TypeError("this stream takes text")
        try:
            self._stream.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, as far as somebody takes it."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        """Let everything from now on go nowhere, what the stream still holds included."""
        self.lost = self.lost or error
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):
            os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@dataclass(frozen=True, slots=True)
class Streams:
    """Both streams of a run."""

    out: Enduring
    err: Enduring

    def ended(self) -> OSError | None:
        """Return why not all of the output was taken; None where it was, or where its reader wanted no more."""
        self.out.flush()
        self.err.flush()
        lost = self.out.lost
        return None if lost is None or lost.errno == errno.EPIPE else lost


@contextmanager
def enduring_streams() -> Iterator[Streams]:
    """Let stdout and stderr endure as long as something runs."""
    before = sys.stdout, sys.stderr
    streams = Streams(*(Enduring(stream) for stream in before))
    sys.stdout, sys.stderr = cast("TextIO", streams.out), cast("TextIO", streams.err)
    try:
        yield streams
    finally:
        sys.stdout, sys.stderr = before
