"""`--report FORMAT=FILE`: the same in several formats at once.

    --format ─► stdout or --output        --report, as often as wanted ─► files

Places are looked at before anything is done; files are written whole, at the end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import offered
from reconciler.cli.options import here, print_plain
from reconciler.cli.summary import append_summary
from reconciler.model.errors import InvalidDefinitions, UsageError

if TYPE_CHECKING:
    from reconciler.model.settings import Settings
    from reconciler.model.whereabouts import Whereabouts
    from reconciler.report.formats import Telling
    from reconciler.report.text import Style

FINDINGS = ("github", "gitlab", "sarif", "junit")
"""Formats that point at things; the others tell all of it."""

DRIFT = ("text", "json", "markdown")
EVERY = (*DRIFT, *FINDINGS)

Function = TypeVar("Function", bound=Callable[..., Any])
Emit = Callable[[str], None]


def report_option_of(formats: Sequence[str]) -> Callable[[Function], Function]:
    """Add `--report` with these formats."""
    return click.option(
        "--report",
        "reports",
        multiple=True,
        metavar="FORMAT=FILE",
        help="Write it in this format too; repeatable.",
        shell_complete=offered.reports(formats),
    )


@dataclass(frozen=True, slots=True)
class Report:
    """One report that was asked for: in which format, into which file ("-": stdout)."""

    format: str
    file: str


def reports_of(flags: dict[str, Any], formats: Sequence[str]) -> list[Report]:
    """Return what `--report` asked for. Raises UsageError, before anything is done, for what cannot be."""
    found: list[Report] = []
    for asked in flags["reports"]:
        name, equals, file = asked.partition("=")
        if name not in formats or not equals or not file:
            known = ", ".join(formats)
            raise UsageError(f'--report "{asked}" is not FORMAT=FILE', f"the formats are {known}")
        taken = [report.file for report in found] + [flags.get("output") or "-", flags.get("out") or ""]
        if _place(file) in map(_place, taken):
            what = "stdout is" if file == "-" else f"{file} is"
            raise UsageError(f"--report {asked}: {what} taken already", "name another file, or use --format")
        _check_place(file)
        found.append(Report(name, file))
    return found


def _place(file: str) -> str:
    """Return where a file really is, by whatever name; "-" is no file."""
    return file if file in ("-", "") else os.path.realpath(file)


def _check_place(file: str) -> None:
    if file == "-":
        return
    real, there = Path(_place(file)), _is_there(file)
    if real.is_dir():
        raise UsageError(f"cannot write {file}: it is a folder", "choose another file for --report")
    for above in (Path(file).parent, real.parent):
        if not above.is_dir():
            raise UsageError(f"cannot write {file}: there is no folder {above}", "make it, or choose another file")
    if not os.access(real if there else real.parent, os.W_OK):
        raise UsageError(f"cannot write {file}: permission denied", "choose another file for --report")
    if _is_foreign(real):
        hint = "choose another file for --report, or take this one away"
        raise UsageError(f"{file} is there already, and is no report: it would be lost", hint)


def _is_foreign(real: Path) -> bool:
    from reconciler.workflow.whereabouts import is_foreign

    try:
        return is_foreign(real)
    except OSError:
        return True


def _is_there(file: str) -> bool:
    """Tell whether there is such a file. Raises UsageError where there can be none."""
    try:
        Path(file).stat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}", "choose another file for --report") from None
    return True


def write(report: Report, text: str) -> None:
    """Write a report. Raises UsageError where it cannot be written."""
    if report.file == "-":
        put(text, report.format, print_plain)
        return
    try:
        with Path(report.file).open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {report.file}: {error.strerror}", "choose another file for --report") from None


def put(text: str, format_: str, emit: Emit) -> None:
    """Emit a text; where it holds commands for the CI on purpose and goes to stdout, past what guards it."""
    raw = getattr(sys.stdout, "unguarded", None)
    if format_ == "github" and raw is not None and emit is print_plain:
        raw.write(text)
    else:
        emit(text)


def telling_of(command: str, settings: Settings | None, style: Style) -> Telling:
    """Return how a command tells in every format. `settings`: None where the configuration itself has problems."""
    from reconciler import __version__
    from reconciler.report.formats import Telling

    return Telling(command, __version__, whereabouts_of(settings), style)


def whereabouts_of(settings: Settings | None) -> Whereabouts:
    """Return where the files of this run lie in their repository."""
    from reconciler.workflow.whereabouts import whereabouts

    return whereabouts(settings, os.environ, here())


@dataclass(slots=True)
class Known:
    """What is known when definitions turn out to have problems. `settings`: None where they are what has them."""

    settings: Settings | None = None


@contextmanager
def problems_reported(reports: Sequence[Report], flags: dict[str, Any], name: str) -> Iterator[Known]:
    """Write what is wrong with definitions wherever a person or a CI will look for it, and let it be told."""
    known = Known()
    try:
        yield known
    except InvalidDefinitions as error:
        from reconciler.report.formats import problems_as
        from reconciler.report.problems_pages import problems_markdown
        from reconciler.report.text import Style

        for report in (*reports, Report(flags["format_"], flags.get("output") or "-")):
            if report.format in (*FINDINGS, "markdown"):
                telling = telling_of(name, known.settings, Style(quiet=report.file == "-"))
                write(report, problems_as(report.format, error.problems, (), telling))
        every, where = sorted(set(error.problems)), whereabouts_of(known.settings)
        append_summary(flags, lambda longest: problems_markdown(every, 0, where, longest=longest))
        raise
