"""The projects that the token may see: pages until they are complete (contract, section 6).

    pages ──► keys, sorted, and why they may not be all

Nothing is promised of their order, and a page may be smaller than what was asked for: pages are read until as many
different keys are there as the server says, or a page brings nothing new. What does not settle is incomplete.
"""

from __future__ import annotations

from reconciler.server.reading import ROUNDS, content
from reconciler.server.transport import ReadDoor
from reconciler.server.typed import Nonsense, as_object, objects, text

PROJECTS = "/openapi/projects/project"

PAGE = 1000
"""Projects asked for at once."""

_WHAT = "the list of projects"


def read_projects(door: ReadDoor) -> tuple[list[str], str]:
    """Return the keys of the projects that the token may see, sorted, and why that may not be all ("" where it is).

    Raises:
        BadToken: the server does not accept the token.
        NotPermitted: the token may not list projects, or the user service stumbled twice.
        ServerError: the server is not reachable, or answers what no Zadig answers.
    """
    for _ in range(ROUNDS):
        found, total = _pages(door)
        if len(found) == total:
            return _keys(found), ""
    return _keys(found), f"the list of projects did not settle: {len(found)} of {total} seen"


def _pages(door: ReadDoor) -> tuple[set[str], int]:
    found: set[str] = set()
    page = 1
    while True:
        total, keys = _page(door, page)
        if keys <= found or len(found | keys) >= total:
            return found | keys, total
        found |= keys
        page += 1


def _page(door: ReadDoor, number: int) -> tuple[int, set[str]]:
    """Return the total and the keys of one page; `projects` is null where there is none."""
    answer = door.get(PROJECTS, {"pageNum": str(number), "pageSize": str(PAGE)})
    page = as_object(content(door, answer, _WHAT), _WHAT)
    total = page.get("total")
    if not isinstance(total, int) or isinstance(total, bool) or "projects" not in page:
        raise Nonsense("the list of projects has no total or no projects", "is this a Zadig of v4.2.0 or later?")
    return total, {text(row, "project_key") for row in objects(page, "projects")}


def _keys(found: set[str]) -> list[str]:
    """Sort; a project without a key can be named by no call."""
    return sorted(found - {""})
