"""A build of the kind that its definition says: what differs, and whether that is a step at all."""

from __future__ import annotations

from dataclasses import replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known, Trust, unsure
from reconciler.model.change import Change, ChangeKind
from reconciler.model.definition import Definition
from reconciler.model.policy import Policy
from reconciler.plan import guards, losses
from reconciler.plan.agreed import agreed
from reconciler.plan.inputs import Inputs
from reconciler.plan.keepsake import keepsake
from reconciler.plan.kinds import InputKinds
from reconciler.plan.notes import notes, writer
from reconciler.plan.outline import outline
from reconciler.plan.step import Action, Step
from reconciler.plan.whole import whole

_STEPS = (ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED, ChangeKind.MOVED)


def update(inputs: Inputs, definition: Definition, known: Known, kinds: InputKinds) -> Step:
    """Plan the update of a build of the same kind, or the keep where nothing differs. `known`: what is there."""
    changes = diff(definition.build, known, inputs.live.local_cluster)
    effective = [change for change in changes if _is_step(change, known, inputs.policy)]
    if not effective:
        return replace(_keep(definition, known, changes), agreed=agreed(definition, known, inputs.live.local_cluster))
    if any(change.kind in _STEPS for change in effective):
        changes = tuple(c for c in changes if not _is_idle_alias(c))
    result = whole(definition.build, known, inputs.live.local_cluster, kinds)
    found = losses.of_update(definition, known, result, inputs.tell)
    blocked = (
        guards.foreign(known.record, inputs.tree)
        or guards.moved_references(definition, known)
        or guards.unknown_hosts(result)
        or guards.needs_cluster(result)
        or losses.lossy(found)
        or guards.without_value(result)
    )
    step = outline(definition, Action.UPDATE, _update_reason(effective, known), known.live, known.record)
    return replace(
        step,
        changes=changes,
        losses=found,
        keepsake=keepsake(known.live, known.record, definition.build, (*known.live.own, *known.live.leftover))
        if found
        else None,
        blocked=blocked,
        send=result.send,
        kept=result.kept,
        learn=result.learn,
        unset=definition.unset,
        notes=notes(definition, known, result.send),
        exact=known.trust is Trust.EXACT,
    )


def _keep(definition: Definition, known: Known, changes: tuple[Change, ...]) -> Step:
    return replace(
        outline(definition, Action.KEEP, _keep_reason(changes), known.live, known.record),
        changes=changes,
        notes=notes(definition, known),
        exact=known.trust is Trust.EXACT,
        unsure=unsure(definition.build, known),
    )


def _is_step(change: Change, known: Known, policy: Policy) -> bool:
    """A difference is a step; so is what nobody can verify once somebody has written after us, or when told so."""
    if change.kind in _STEPS:
        return True
    if policy.assert_all and change.is_unverifiable:
        return True
    stale = known.trust is Trust.STALE and change.kind is ChangeKind.UNVERIFIABLE
    return stale and change.after_known and not change.path.endswith(".codehost_name")


def _is_idle_alias(change: Change) -> bool:
    return change.kind is ChangeKind.UNVERIFIABLE and change.path.endswith(".codehost_name")


def _keep_reason(changes: tuple[Change, ...]) -> str:
    unverifiable = sum(change.is_unverifiable for change in changes)
    return f"as declared, {unverifiable} unverifiable" if unverifiable else "as declared"


def _update_reason(effective: list[Change], known: Known) -> str:
    differ = sum(1 for c in effective if c.kind in _STEPS)
    parts = [f"{differ} setting{'s' if differ != 1 else ''} differ{'s' if differ == 1 else ''}"] if differ else []
    unseen = len(effective) - differ
    if unseen and known.trust is Trust.STALE:
        parts.append(f"{unseen} cannot be verified since {writer(known)} wrote")
    elif unseen:
        parts.append(f"{unseen} cannot be verified and {'is' if unseen == 1 else 'are'} asserted")
    return ", ".join(parts)
