"""A terminal for tests: a command runs on a pty, and what a person would see is worked out from what it wrote."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests import witness

ROOT = Path(__file__).parents[1]

_PIECES = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)|(\x1b.)")


@dataclass
class Screen:
    """What a terminal of so many columns shows; lines that scrolled away stay. Knows what our commands send."""

    columns: int = 80
    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    cursor: bool = True
    widest: int = 0
    unknown: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    def feed(self, text: str) -> Screen:
        """Show a text; what every line was before it was overwritten is kept in `seen`."""
        for parameter, letter, back, down, plain, strange in _PIECES.findall(text):
            if plain:
                self._put(plain)
            elif back:
                self.column = 0
            elif down:
                self._down()
            elif strange:
                self.unknown.append(strange)
            else:
                self._control(parameter, letter)
        return self

    @property
    def shown(self) -> str:
        """All that is there, without the empty end."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n")

    def _down(self) -> None:
        self.row += 1
        self.column = 0
        if self.row == len(self.lines):
            self.lines.append("")

    def _put(self, text: str) -> None:
        before = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = before[: self.column] + text + before[self.column + len(text) :]
        self.column += len(text)
        self.widest = max(self.widest, self.column)
        self.seen.append(self.lines[self.row])

    def _control(self, parameter: str, letter: str) -> None:
        if letter == "A":
            self.row = max(0, self.row - int(parameter or 1))
        elif letter == "K":
            self.lines[self.row] = "" if parameter == "2" else self.lines[self.row][: self.column]
        elif parameter == "?25":
            self.cursor = letter == "h"
        elif letter != "m":
            self.unknown.append(f"{parameter}{letter}")


@dataclass(frozen=True)
class Run:
    """How a command ended on a terminal, what it wrote, and what a person sees then."""

    code: int
    wrote: str
    screen: Screen


def inherited() -> dict[str, str]:
    """The environment that every process of a test needs: where programs, our code and the witness are."""
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))
    return {**{name: os.environ[name] for name in ("PATH", witness.FOLDER)}, "PYTHONPATH": path}


def on_terminal(
    arguments: list[str],
    environ: Mapping[str, str],
    cwd: Path,
    *,
    columns: int = 80,
    hear: Callable[[str, subprocess.Popen[bytes]], None] = lambda _, __: None,
) -> Run:
    """Run `reconciler` with its three streams on a pty of so many columns. `hear`: told all that was written so far."""
    ours, theirs = pty.openpty()
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job it is ignored, by all below
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments], stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
        env={**inherited(), **environ}, start_new_session=True,
    ) as run:  # fmt: skip
        signal.signal(signal.SIGINT, before)
        os.close(theirs)
        wrote = b""
        with contextlib.suppress(OSError):  # the other side is closed
            while read := os.read(ours, 4096):
                wrote += read
                hear(wrote.decode("utf-8", "replace"), run)
    os.close(ours)
    text = wrote.decode("utf-8")
    return Run(run.returncode, text, Screen(columns).feed(text))


def interrupted_at(sign: str, times: int = 1) -> Callable[[str, subprocess.Popen[bytes]], None]:
    """Return what sends SIGINT, as Ctrl-C does, as soon as something is written; so many times."""
    sent: list[int] = []

    def hear(wrote: str, run: subprocess.Popen[bytes]) -> None:
        signs = [sign, *(["in flight"] * (times - 1))]
        if len(sent) < times and signs[len(sent)] in wrote:
            sent.append(len(wrote))
            os.kill(run.pid, signal.SIGINT)

    return hear
