"""`--summary`: append what was found to the step summary of GitHub Actions, and of those like it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

LIMIT = 1_000_000
"""Bytes that one step may write: above 1 MiB nothing at all would be shown."""

LEAST = 4_000
"""Bytes below which no page is worth beginning."""

FULL = "**Left out because the step summary is full.**\n"

Function = TypeVar("Function", bound=Callable[..., Any])


def summary_option(function: Function) -> Function:
    """Add `--summary`."""
    return click.option("--summary", is_flag=True, help="Append it to the CI's step summary, where there is one.")(
        function
    )


def append_summary(flags: dict[str, Any], written: Callable[[int], str]) -> None:
    """Append a page where it was asked for and there is a summary; one that cannot be written is told on stderr.

    `written`: makes a page of at most so many characters.
    """
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not flags["summary"] or not name:
        return
    path = Path(name)
    try:
        room = LIMIT - (path.stat().st_size if path.exists() else 0)
        with path.open("ab") as stream:
            stream.write(fitting(written, room - 2))
    except OSError as error:
        click.echo(f"note: the step summary cannot be written: {error.strerror}", err=True)


def fitting(written: Callable[[int], str], room: int) -> bytes:
    """Return a page of at most `room` bytes, an empty line around it; where it is too little, what says so."""
    longest = room
    while longest >= LEAST:
        page = written(longest).encode("utf-8", "backslashreplace")
        if len(page) <= room:
            return b"\n" + page + b"\n"
        longest = min(longest - 1, longest * room // len(page))
    return FULL.encode() if room >= len(FULL) else b""
