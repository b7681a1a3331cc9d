"""The line that moves, drawn with rich on stderr; imported when there is something to draw."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from reconciler.cli.pace import Pace

_WIDE, _MIDDLE = 60, 40
"""Columns of a terminal that has room for the bar; for the time that is left."""

_BAR = 20
_PER_SECOND = 5
_SHOW_CURSOR = "\x1b[?25h"


class Drawing:
    """A line at the bottom of the screen, drawn anew until it is stopped; then it is gone.

    `pace`: asked for what to draw. `color`: whether it may have any.
    """

    def __init__(self, pace: Callable[[], Pace], *, color: bool) -> None:
        self._pace = pace
        self._console = Console(
            file=sys.stderr,
            force_terminal=True,
            color_system="standard" if color else None,
            no_color=not color,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )
        self._live = Live(
            console=self._console,
            get_renderable=self._line,
            refresh_per_second=_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def show(self) -> None:
        """Draw the line where it is not yet drawn; from then on it is drawn anew by itself."""
        if not self._live.is_started:
            self._live.start(refresh=True)

    def stop(self) -> None:
        """Take the line off the screen."""
        try:
            self._live.stop()
        finally:
            sys.stderr.write(_SHOW_CURSOR)
            sys.stderr.flush()

    def _line(self) -> Table | Text:
        return drawn(self._pace(), self._console.width - 1)


def drawn(pace: Pace, width: int) -> Table | Text:
    """Return the line for so many columns: what is least worth goes first."""
    facts = [pace.count, *((pace.rate, pace.left) if width >= _WIDE else (pace.left,) if width >= _MIDDLE else ())]
    numbers = Text("  ".join(filter(None, facts)))
    room = width - numbers.cell_len - (_BAR + 4 if width >= _WIDE else 2)
    if room < 1:
        numbers.truncate(width)
        return numbers
    name = Text(pace.what)
    name.truncate(room, overflow="ellipsis")
    row: list[Text | ProgressBar] = [name, numbers]
    if width >= _WIDE:
        row.insert(
            1, ProgressBar(total=pace.of, completed=pace.done, width=_BAR, complete_style="cyan", finished_style="cyan")
        )
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    for _ in row:
        grid.add_column(no_wrap=True)
    grid.add_row(*row)
    return grid
