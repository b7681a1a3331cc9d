"""The same for many projects at once: a shared place answers each request late, and a tree may have hundreds of them.

Enters: something to do for one project, and projects. Leaves: what came of each, in the order of the projects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

AT_ONCE = 8
"""How many requests are under way at a place."""


def side_by_side(do: Callable[[str], T], projects: Iterable[str]) -> list[T]:
    """Do something for every project, some at once; what was begun is waited for. Raises what the first one raises."""
    wanted = list(projects)
    if len(wanted) < 2:
        return [do(project) for project in wanted]
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(wanted))) as pool:
        return list(pool.map(do, wanted))
