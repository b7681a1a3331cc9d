"""Which workflows of a project use which builds: one list, and one detail per workflow (contract, section 6).

What cannot be looked at is told in `Usage.unknown` and never stops a run. Only the names that matter are
taken from the answers: what else stands there may be credentials in clear.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from reconciler.model.errors import BadToken, ServerError
from reconciler.model.usage import Usage, Use
from reconciler.server import wire
from reconciler.server.masking import secrets_of
from reconciler.server.reading import Progress
from reconciler.server.transport import ReadDoor
from reconciler.server.typed import Json, Nonsense, as_object, branch, objects, text

WORKFLOWS = "/openapi/workflows"

_OLDER = "product"
_BUILDING = "zadig-build"
_LISTS = ("service_and_builds", "service_and_builds_options", "default_service_and_builds")


def read_usage(door: ReadDoor, project: str, threads: int, progress: Progress = lambda _, __: None) -> Usage:
    """Look into every workflow of a project. Raises BadToken, and nothing else.

    `progress`: told how many of how many workflows were looked into.
    """
    try:
        answer = _ask(door, WORKFLOWS, project, "the list of workflows")
        rows = objects(as_object(answer, "the list of workflows"), "workflows")
    except BadToken:
        raise
    except ServerError as error:
        return Usage(unknown=(f'the workflows of project "{project}" could not be listed: {error.message}',))
    uses: set[Use] = set()
    unknown: set[str] = set()
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        progress(0, len(rows))
        for done, found in enumerate(pool.map(lambda row: _look(door, project, row), rows), 1):
            progress(done, len(rows))
            if isinstance(found, str):
                unknown.add(found)
            else:
                uses |= found
    return Usage(tuple(sorted(uses)), tuple(sorted(unknown)))


def _look(door: ReadDoor, project: str, row: Json) -> frozenset[Use] | str:
    """Return what one workflow uses, or why nobody knows."""
    try:
        key, name = text(row, "workflow_key"), text(row, "workflow_name")
        if text(row, "type") == _OLDER:
            return f'the workflow "{name or key}" is of the older kind, which cannot be looked into'
        if not key:
            raise Nonsense("a workflow without a key")
        path = f"{WORKFLOWS}/custom/{quote(key, safe='')}/detail"
        detail = as_object(_ask(door, path, project, "its detail"), "its detail")
        if text(detail, "workflow_key") != key:
            raise Nonsense("its detail is another workflow's or none")
        return frozenset(_uses(detail, name or key))
    except BadToken:
        raise
    except ServerError as error:
        shown = row.get("workflow_name") or row.get("workflow_key") or ""
        return f'could not look into the workflow "{shown}": {error.message}'


def _uses(detail: Json, workflow: str) -> Iterator[Use]:
    for stage in objects(detail, "stages"):
        for job in objects(stage, "jobs"):
            if text(job, "type") != _BUILDING:
                continue
            spec = branch(job, ["spec"])
            for entry in (entry for key in _LISTS for entry in objects(spec, key)):
                build = text(entry, "build_name")
                if build:
                    yield Use(workflow, build, text(entry, "service_name"), text(entry, "service_module"))


def _ask(door: ReadDoor, path: str, project: str, what: str) -> Any:
    answer = door.get(path, {"projectKey": project})
    if answer.status != 200:
        raise ServerError(f"HTTP {answer.status}")
    found = wire.decode(answer.body, what)
    door.heard.note(secrets_of(found))
    return found
