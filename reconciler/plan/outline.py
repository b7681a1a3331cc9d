"""What every step of a definition says of its build, whatever it does with it."""

from __future__ import annotations

from reconciler.model.definition import Definition
from reconciler.model.live import LiveBuild
from reconciler.model.record import Record
from reconciler.plan.step import Action, Step


def outline(definition: Definition, action: Action, reason: str, live: LiveBuild | None, record: Record | None) -> Step:
    """Return a step that says which build it is about, where it stands, and what there is of it."""
    return Step(
        action=action,
        project=definition.build.project,
        name=definition.build.name,
        reason=reason,
        place=definition.place,
        live=live.stamps if live else None,
        desired=definition.build,
        before=live.build if live else None,
        erasable=live.losses if live else (),
        prevent_destroy=is_protected(definition, record),
        recorded=record is not None,
        applied=record.applied if record else None,
    )


def is_protected(definition: Definition, record: Record | None) -> bool:
    """Tell whether a build is never to be deleted: protection stays until a definition says that it is over."""
    if definition.prevent_destroy is not None:
        return definition.prevent_destroy
    return record is not None and record.prevent_destroy
