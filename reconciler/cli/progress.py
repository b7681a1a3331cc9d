"""How far a run is, told on stderr: as a bar on a terminal, as lines in a log, or not at all.

    workflow ── what, done, of ─► Lines | Bar | nothing ─► stderr

Only the thread that runs the command tells. What others print meanwhile goes through `above`, so that no line
is torn; whatever ends the run takes the bar off the screen.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

import click

from reconciler.cli.pace import Pace, span
from reconciler.cli.terminal import Manner, color_for, manner_for
from reconciler.report.ink import line

if TYPE_CHECKING:
    from reconciler.cli.bar import Drawing
    from reconciler.workflow.plan import World

Now = Callable[[], float]

EVERY = 10.0
"""Seconds between two lines of a log, at least."""

PATIENCE = 0.5
"""Seconds that something may take before there is a bar: what is done at once needs none."""


class Progress:
    """Who is told how far a run is, as long as the context lasts. This one keeps it to itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tell(self, what: str, done: int, of: int) -> None:
        """Take note that so many of so many are done. `what`: may be foreign text."""

    def say(self, sentence: str) -> None:
        """Print a sentence on stderr, from a signal's handler too."""
        click.echo(sentence, err=True)

    @contextmanager
    def above(self) -> Iterator[None]:
        """Let others print meanwhile."""
        yield

    def close(self) -> None:
        """Leave the screen as it was."""


class _Timed(Progress):
    """Knows what is being done, and since when."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._pace: Pace | None = None
        self._begun = 0.0

    def _noted(self, what: str, done: int, of: int) -> Pace:
        now = self._now()
        if self._pace is None or (what, of) != (self._pace.what, self._pace.of) or done < self._pace.done:
            self._begun = now
        self._pace = Pace(what, done, of, now - self._begun)
        return self._pace


class Lines(_Timed):
    """A line when something begins, one every ten seconds, one when it ends; no character that moves anything."""

    def __init__(self, now: Now = time.monotonic) -> None:
        super().__init__(now)
        self._next = 0.0

    def tell(self, what: str, done: int, of: int) -> None:
        """Print a line where it is time for one."""
        pace = self._noted(line(what), done, of)
        if not of:
            return
        if pace.seconds == 0 or pace.ended or pace.seconds >= self._next:
            click.echo(_in_words(pace), err=True)
            self._next = pace.seconds + EVERY


def _in_words(pace: Pace) -> str:
    ending = span(pace.seconds) if pace.ended and pace.done else pace.left
    return ", ".join(filter(None, (f"{pace.what}: {pace.count}", pace.rate, ending)))


class Bar(_Timed):
    """One line that moves, from when something takes its time until it is done. `color`: whether it may have any."""

    def __init__(self, *, color: bool, patience: float = PATIENCE, now: Now = time.monotonic) -> None:
        super().__init__(now)
        self._color = color
        self._patience = patience
        self._drawing: Drawing | None = None
        self._lock = threading.Lock()
        self._unsaid: deque[str] = deque()

    def tell(self, what: str, done: int, of: int) -> None:
        """Move the bar; draw it where this has taken long enough, and take it away where it is done."""
        pace = self._noted(line(what), done, of)
        with self._lock:
            if not of or pace.ended:
                self._erase()
            elif self._drawing is not None or pace.seconds >= self._patience:
                self._draw()
        self._say_the_rest()

    def say(self, sentence: str) -> None:
        """Print a sentence above the bar; where a signal comes while the bar moves, right afterwards."""
        self._unsaid.append(sentence)
        self._say_the_rest()

    @contextmanager
    def above(self) -> Iterator[None]:
        """Take the bar away as long as others print."""
        with self._lock:
            there = self._drawing is not None
            self._erase()
            try:
                yield
            finally:
                sys.stdout.flush()
                if there:
                    self._draw()
        self._say_the_rest()

    def close(self) -> None:
        """Take the bar away for good."""
        with self._lock:
            self._erase()
        self._say_the_rest()

    def _say_the_rest(self) -> None:
        while self._unsaid and self._lock.acquire(blocking=False):
            try:
                there = self._drawing is not None
                self._erase()
                while self._unsaid:
                    click.echo(self._unsaid.popleft(), err=True)
                if there:
                    self._draw()
            finally:
                self._lock.release()

    def _draw(self) -> None:
        if self._drawing is None:
            from reconciler.cli.bar import Drawing

            self._drawing = Drawing(self._running, color=self._color)
        self._drawing.show()

    def _erase(self) -> None:
        if self._drawing is not None:
            drawing, self._drawing = self._drawing, None
            drawing.stop()

    def _running(self) -> Pace:
        """Return how far it is at this moment: the time passes also where nothing is told."""
        assert self._pace is not None
        return replace(self._pace, seconds=self._now() - self._begun)


def progress(flags: dict[str, Any]) -> Progress:
    """Return what tells how far a command with these flags is."""
    manner = manner_for(sys.stderr, quiet=bool(flags.get("quiet")))
    if manner is Manner.NOTHING:
        return Progress()
    if manner is Manner.LINES:
        return Lines()
    return Bar(color=color_for(sys.stderr, flags.get("color") or "auto"))


@contextmanager
def watched(world: World, flags: dict[str, Any]) -> Iterator[World]:
    """Hand out the world with somebody who is told how far the reading is."""
    with progress(flags) as told:
        yield replace(world, progress=told.tell)
