"""Problems as Markdown for a comment, and as a JSON-able document (`schemas/validate.schema.json`)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from reconciler.model.problem import Problem
from reconciler.model.whereabouts import Whereabouts
from reconciler.report.ink import number
from reconciler.report.markdown import LONGEST, Page, code, paged

FORMAT_VERSION = "1.0"

CUT = 1_000
"""Characters of a sentence that are shown."""


def problems_markdown(problems: Sequence[Problem], builds: int, where: Whereabouts, *, longest: int = LONGEST) -> str:
    """Return what is wrong, file by file, at most `longest` characters; what did not fit is counted.

    Args:
        problems: in order of place.
        builds: how many definitions have none.
        where: makes links of places.
        longest: characters, at least 1,000.
    """
    if not problems:
        return f"## {all_good(builds)}\n"
    return paged(longest, lambda page: _fill(page, problems, where))


def _fill(page: Page, problems: Sequence[Problem], where: Whereabouts) -> tuple[str, ...]:
    """Add all of it; nothing stands at the end."""
    files = len({problem.place.file for problem in problems})
    page.add(f"## {number(len(problems), 'problem')} in {number(files, 'file')}\n")
    for file, found in itertools.groupby(problems, key=lambda problem: problem.place.file):
        every = list(found)
        if page.add(f"### {code(file[:CUT])}\n"):
            page.add_all(every, "problems", lambda problem: _item(problem, where))
        else:
            page.leave("problems", *every)
    return ()


def all_good(builds: int) -> str:
    """Return what is said where nothing is wrong. `builds`: how many were looked at."""
    return f"All good: {number(builds, 'build')}"


def _item(problem: Problem, where: Whereabouts) -> str:
    place, link = problem.place, where.link(problem.place)
    line = f"line {place.line}" if place.line else "the file"
    shown = f'<a href="{link}">{line}</a>' if link else line
    hint = f"\n  → {code(problem.hint[:CUT])}" if problem.hint else ""
    return f"* {shown}: {code(problem.message[:CUT])}{hint}"


def problems_document(problems: Sequence[Problem], builds: int) -> dict[str, Any]:
    """Return the problems. `builds`: how many definitions have none."""
    return {
        "format_version": FORMAT_VERSION,
        "valid": not problems,
        "builds": builds,
        "problems": [
            {
                "file": problem.place.file,
                "line": problem.place.line,
                "column": problem.place.column,
                "rule": problem.rule,
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in problems
        ],
    }
