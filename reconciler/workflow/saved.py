"""Save a plan; plan again from a saved one, and keep of it what is still the same."""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from reconciler.model.definition import Desired
from reconciler.model.errors import LedgerError, Locked, Refused, UsageError
from reconciler.model.policy import Policy
from reconciler.model.settings import Settings
from reconciler.plan.saved import Sight, all_or_nothing, fresh, sign
from reconciler.workflow.apply import COMMITS
from reconciler.workflow.ledgers import reading_ledger, writing_ledger
from reconciler.workflow.plan import Planned, World, connection, make_plan, projects_of
from reconciler.workflow.saved_file import Read, SavedFile, changed, check, seal, write_text

_SOURCES = {"assert_all": "assert"}
"""Names of settings in `Settings.sources` that differ from those of `Policy`."""


def save(planned: Planned, document: Mapping[str, Any], settings: Settings, world: World) -> tuple[str, str]:
    """Return the text of a saved plan, and why it is for reading only ("" where it can be applied).

    The ledger gets a key for its digests where it has none, and nothing else; the server is not asked.

    Args:
        planned: the plan.
        document: the same as JSON.
        settings: that it was made with.
        world: that it was made in.
    """
    projects = sorted({*projects_of(settings, planned.desired), *(step.project for step in planned.plan.steps)})
    keys, why = _keys(planned, settings, projects, world)
    made = Sight(planned.plan, planned.desired, planned.live, keys)
    file = SavedFile(
        server=settings.server,
        tree=settings.tree,
        path=_relative(settings.path, world.cwd),
        root=_relative(settings.root, settings.path),
        projects=tuple(projects),
        selected=settings.selected,
        commit=next((world.environ[name] for name in COMMITS if world.environ.get(name)), ""),
        policy=settings.policy,
        deep_read=settings.deep_read,
        checks={project: check(settings.server, project, key) for project, key in sorted(keys.items())},
        reading_only=why,
        steps=() if why else sign(made),
    )
    return write_text(file, document, keys), why


def place_of(found: Read, cwd: str) -> str:
    """Return PATH as the file has it. Raises UsageError where there is no such path here."""
    if not os.path.lexists(Path(cwd, found.file.path)):
        raise UsageError(
            f"the saved plan {found.name} is about {found.file.path}, which does not exist here",
            "run it in the directory that the plan was made in: PATH is relative to that",
        )
    return found.file.path


def in_force(found: Read, settings: Settings) -> Settings:
    """Return the settings with what the file says of policy and projects. Raises UsageError where flags contradict."""
    file, policy = found.file, settings.policy
    against = [
        field.name
        for field in fields(Policy)
        if settings.sources.get(_SOURCES.get(field.name, field.name)) == "flag"
        and getattr(policy, field.name) != getattr(file.policy, field.name)
    ]
    if settings.sources.get("deep_read") == "flag" and settings.deep_read != file.deep_read:
        against.append("deep_read")
    if settings.selected and set(settings.selected) != set(file.selected):
        against.append("project")
    if against:
        flags = ", ".join(f"--{_SOURCES.get(name, name).replace('_', '-')}" for name in against)
        raise UsageError(
            f"{flags}: the saved plan {found.name} was made otherwise, and it says what is in force",
            f"leave {'it' if len(against) == 1 else 'them'} out, or save a new plan with other flags",
        )
    return replace(settings, policy=file.policy, deep_read=file.deep_read, selected=file.selected)


def keys_for(found: Read, settings: Settings, world: World) -> dict[str, str]:
    """Return the ledger's keys that the file was made with.

    Raises:
        UsageError: no server is configured.
        BadToken: there is no token.
        Refused: it was made for another server, tree or root, with another ledger, or was changed since.
        LedgerError: the ledger cannot be read.
    """
    connection(settings, world)
    _check_place(found, settings)
    with reading_ledger(settings, world) as ledger:
        keys = {project: ledger.read(project).digest_key for project in found.file.projects}
    expected = {project: check(settings.server, project, key) if key else "" for project, key in keys.items()}
    lacking = [project for project in keys if not _equal(expected[project], found.file.checks.get(project, ""))]
    if lacking or not keys:
        raise Refused(
            f"the saved plan {found.name} was made with another ledger (project {', '.join(lacking)})",
            "use the ledger that plan used (--ledger, or `ledger:` in reconciler.yaml), or save a new plan with this "
            "one; in CI, where no ledger was kept yet, run the adopt job first",
        )
    if not _equal(seal(found.sealed, keys), found.seal):
        raise changed(found.name)
    return keys


def plan_again(
    found: Read, keys: Mapping[str, str], settings: Settings, desired: Desired, world: World, *, whole: bool = False
) -> Planned:
    """Plan with today's definitions and server, every step blocked that is not as in the file.

    `whole`: all of them where any is.
    """
    planned = make_plan(settings, desired, world)
    now = Sight(planned.plan, planned.desired, planned.live, keys, _protected(planned))
    plan = fresh(found.file.steps, now)
    return replace(planned, plan=all_or_nothing(plan, found.file.steps) if whole else plan)


def _protected(planned: Planned) -> dict[tuple[str, str], bool]:
    documents = planned.documents.items()
    return {(p, name): record.prevent_destroy for p, one in documents for name, record in one.records.items()}


def _keys(planned: Planned, settings: Settings, projects: list[str], world: World) -> tuple[dict[str, str], str]:
    """Return the key of every project, made where it is missing; or none, and why."""
    unread = next((trouble for trouble in planned.plan.troubles if trouble.code == "ledger"), None)
    if unread is not None:
        return {}, f"{unread.message}, so there is no key for its digests"
    known = {project: planned.documents[project].digest_key for project in projects if project in planned.documents}
    if projects and all(known.get(project) for project in projects):
        return known, ""
    keys = {}
    try:
        with writing_ledger(settings, world, "plan") as ledger:
            for project in projects:
                if not ledger.read(project).digest_key:
                    ledger.change(project, lambda document: document)
                keys[project] = ledger.read(project).digest_key
    except (LedgerError, Locked) as error:
        return {}, f"{error.message}, so there is no key for its digests"
    return keys, ""


def _check_place(found: Read, settings: Settings) -> None:
    file = found.file
    if settings.server != file.server:
        raise Refused(
            f"the saved plan {found.name} was made for the server {file.server}, "
            f"and this run is about {settings.server}",
            "name that server with --server, or save a new plan for this one",
        )
    if _relative(settings.root, settings.path) != file.root:
        raise Refused(
            f"the saved plan {found.name} was made with the tree's root at {file.root} of {file.path}, "
            "which it is not here",
            "run it in the directory that the plan was made in, with its reconciler.yaml, or save a new plan",
        )
    if settings.tree != file.tree:
        raise Refused(
            f'the saved plan {found.name} was made for the tree "{file.tree}", and this is "{settings.tree}"',
            "apply it in that tree, or save a new plan in this one; without `tree:` in reconciler.yaml "
            "the root folder's name is the tree's",
        )


def _relative(path: str, start: str) -> str:
    return Path(os.path.relpath(path, start)).as_posix()


def _equal(left: str, right: str) -> bool:
    return bool(left) and hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))
