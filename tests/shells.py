"""Real shells for tests: a line is typed with a TAB at its end, and the words are what the program was given."""

from __future__ import annotations

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.screen import inherited

READY = "ready%"

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i"],
}
PREPARE = {
    "bash": "PS1='rea''dy%'; set +o history; source ./script",
    "zsh": "autoload -Uz compinit; compinit -u -D; unsetopt beep; PROMPT='rea''dy%%'; source ./script",
    "fish": "function fish_prompt; echo -n rea''dy%; end; source ./script",
}


OWNING = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
"""A shell wants its terminal to itself."""


def missing(shell: str) -> bool:
    """Whether this machine lacks a shell."""
    return shutil.which(shell) is None


def program(folder: Path, script: str) -> Path:
    """Make a `reconciler` that answers a shell's questions, and otherwise writes down the words that it was given."""
    (folder / "script").write_text(script, encoding="utf-8")
    found = folder / "bin" / "reconciler"
    found.parent.mkdir()
    found.write_text(
        f'#!/bin/sh\n[ -n "$_RECONCILER_COMPLETE" ] && exec {sys.executable} -m reconciler "$@"\n'
        'printf "%s\\0" "$@" > "$WORDS.new" && mv "$WORDS.new" "$WORDS"\n',
        encoding="utf-8",
    )
    found.chmod(0o755)
    return found


def words_of(shell: str, line: str, folder: Path, environ: Mapping[str, str]) -> list[str]:
    """Type a line, a TAB and Enter into a shell that has read `folder/script`; return what the program was given."""
    words = folder / "words"
    words.unlink(missing_ok=True)
    base = inherited()
    home = {"HOME": str(folder), "PATH": f"{folder / 'bin'}:{base['PATH']}", "WORDS": str(words), "TERM": "xterm"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", OWNING, *START[shell]], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder,
        start_new_session=True, env={**base, **home, "LC_ALL": "C.UTF-8", **environ},
    ) as run:  # fmt: skip
        os.close(theirs)
        try:
            os.write(ours, f"{PREPARE[shell]}\r".encode())
            heard = _until(ours, lambda heard: READY in heard)
            os.write(ours, f"{line}\t\r".encode())
            heard += _until(ours, lambda _: words.exists())
        finally:
            os.killpg(run.pid, signal.SIGKILL)
    os.close(ours)
    assert words.exists(), heard
    return words.read_text(encoding="utf-8").split("\0")[:-1]


def _until(descriptor: int, enough: Callable[[str], bool], patience: float = 20.0) -> str:
    """Read until there is enough, or for so many seconds."""
    heard, end = "", time.monotonic() + patience
    while not enough(heard) and time.monotonic() < end:
        if select.select([descriptor], [], [], 0.05)[0]:
            try:
                heard += os.read(descriptor, 4096).decode("utf-8", "replace")
            except OSError:  # the shell is gone
                break
    return heard
