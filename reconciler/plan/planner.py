"""Desired, live and record of every build → the plan.

not on the server ──────────────► create     (blocked: incomplete, name-taken, credentials, unwritable)
  in place of another build ────► create and delete, see `reconciler.plan.moves`
Jenkins, unread ────────────────► update     (blocked)
of the other kind ──────────────► convert    (blocked: foreign, loss, credentials, in-use)
nothing differs ────────────────► keep       (with what is unverifiable or released)
something differs ──────────────► update     (blocked: foreign, renamed, unwritable, loss, in-use)
no definition ──────────────────► delete     (only where it is pruned, see `reconciler.plan.prune`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from reconciler.compare.diff import additions, diff
from reconciler.compare.knowledge import Known, Trust, know, unsure
from reconciler.model.build import elements_of
from reconciler.model.change import Change, ChangeKind
from reconciler.model.definition import Definition
from reconciler.model.fields import Kind
from reconciler.model.live import Live, LiveBuild
from reconciler.model.policy import Policy
from reconciler.model.record import Record
from reconciler.plan import convert, foresee, guards, losses, prune
from reconciler.plan.ignoring import with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.keepsake import keepsake
from reconciler.plan.likeness import suggested
from reconciler.plan.moves import Mover, together
from reconciler.plan.notes import labels, notes, unset, writer
from reconciler.plan.pairs import Pair, Pairs, Turn, pairs
from reconciler.plan.step import Action, Block, Blocked, Plan, Step, Trouble
from reconciler.plan.usage import unknown_uses
from reconciler.plan.whole import InputKinds, whole

_STEPS = (ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED, ChangeKind.MOVED)


def plan(inputs: Inputs) -> Plan:
    """Make the plan. Pure: identical inputs give an identical plan."""
    elsewhere = {name: r.project for r in inputs.live.readings.values() for name in r.builds}
    kinds = input_kinds(inputs.live)
    seen, turns = foresee.shown(inputs), pairs(inputs)
    mover = Mover(inputs, kinds, seen)
    defined, spent, renamed = [], list[str](), Counter[tuple[str, str, str]]()
    for definition in inputs.desired.definitions:
        step, known = _step(inputs, definition, elsewhere, kinds, seen)
        pair = turns.found.get((step.project, step.name))
        defined += _paired(mover, pair, step) if pair else [_with_note(step, turns)]
        if known:
            renamed.update((path, old, new) for path, (old, new) in known.renamed.items())
            spent += losses.spent(definition, known, step.losses)
    orphans = prune.orphans(inputs)
    steps = suggested(inputs, together(prune.with_deletes(inputs, defined)), orphans)
    return Plan(
        steps=steps,
        troubles=(*_troubles(inputs.live), *prune.troubles(inputs)),
        notices=(*_notices(inputs.live, renamed), *spent, *turns.notices, *prune.notices(inputs)),
        orphans=orphans,
        undeclared=_undeclared(inputs, turns.leaving),
        unknown_uses=unknown_uses(steps),
    )


def _paired(mover: Mover, pair: Pair, step: Step) -> list[Step]:
    if pair.turn is Turn.LEFTOVER:
        return [step, mover.leftover(pair, step)]
    return [*mover.replacing(pair, step)]


def _with_note(step: Step, turns: Pairs) -> Step:
    note = turns.notes.get((step.project, step.name))
    return replace(step, notes=(*step.notes, note)) if note else step


def input_kinds(live: Live) -> dict[tuple[str, str], tuple[str, bool]]:
    """Collect what live template builds show of their template's variables; builds disagree only after a mistake."""
    kinds: dict[tuple[str, str], tuple[str, bool]] = {}
    for reading in live.readings.values():
        for build in reading.builds.values():
            if build.build is None or build.build.kind is not Kind.TEMPLATE:
                continue
            template = str(build.build.values["template_name"])
            for target in elements_of(build.build.values.get("target_services")):
                for item in elements_of(target.values.get("inputs")):
                    _learn(kinds, (template, item.key), item.values.get("type"), item.values.get("is_credential"))
    return kinds


def _learn(
    kinds: dict[tuple[str, str], tuple[str, bool]], key: tuple[str, str], kind: object, credential: object
) -> None:
    """Keep the safer of two sights: with a type, and a credential rather than not."""
    if isinstance(kind, str) and kind:
        known = kinds.get(key, ("", False))
        kinds[key] = (known[0] or kind, known[1] or credential is True)


def _step(
    inputs: Inputs, definition: Definition, elsewhere: Mapping[str, str], kinds: InputKinds, seen: foresee.Shown
) -> tuple[Step, Known | None]:
    build = definition.build
    reading = inputs.live.readings[build.project]
    record = inputs.record(build.project, build.name)
    live = reading.builds.get(build.name)
    if live is None:
        return _create(inputs, definition, elsewhere, kinds, seen), None
    blocked = guards.not_writable(live)
    if blocked:
        step = _base(definition, Action.UPDATE, "cannot be compared", live, record)
        return replace(step, blocked=blocked), None
    known = know(live, record)
    if live.build is not None and live.build.kind is not build.kind:
        return _convert(inputs, definition, known, kinds), known
    ignoring = with_ignored(definition, known, inputs.live.local_cluster)
    step = _compare(inputs, ignoring.definition, ignoring.known, kinds)
    return ignoring.told(step), ignoring.known


def _base(definition: Definition, action: Action, reason: str, live: LiveBuild | None, record: Record | None) -> Step:
    return Step(
        action=action,
        project=definition.build.project,
        name=definition.build.name,
        reason=reason,
        place=definition.place,
        live=live.stamps if live else None,
        desired=definition.build,
        before=live.build if live else None,
        prevent_destroy=_protected(definition, record),
        recorded=record is not None,
    )


def _protected(definition: Definition, record: Record | None) -> bool:
    """Protection stays until a definition says that it is over."""
    if definition.prevent_destroy is not None:
        return definition.prevent_destroy
    return record is not None and record.prevent_destroy


def _create(
    inputs: Inputs, definition: Definition, elsewhere: Mapping[str, str], kinds: InputKinds, seen: foresee.Shown
) -> Step:
    build = definition.build
    record = inputs.record(build.project, build.name)
    reason = "is not on the server" if record is None else "was applied before and is gone from the server"
    result = whole(build, None, inputs.live.local_cluster, kinds)
    blocked = (
        guards.incomplete(inputs.live.readings[build.project])
        or _taken(build.name, elsewhere)
        or guards.foreign(record, inputs.tree)
        or guards.needs_cluster(result)
        or guards.without_value(result)
        or foresee.refusal(result.send, inputs.live)
    )
    step = _base(definition, Action.CREATE, reason, None, record)
    return replace(
        step,
        blocked=blocked,
        changes=additions(build, inputs.live.local_cluster),
        send=result.send,
        learn=result.learn,
        unset=definition.unset,
        notes=(*labels(result.send), *unset(definition), *foresee.guesses(result.send, seen)),
    )


def _taken(name: str, elsewhere: Mapping[str, str]) -> Blocked | None:
    project = elsewhere.get(name)
    if project is None:
        return None
    return Blocked(
        Block.NAME_TAKEN,
        f'the project "{project}" has a build of this name, and names are unique over the whole server',
        "choose another name",
    )


def _convert(inputs: Inputs, definition: Definition, known: Known, kinds: InputKinds) -> Step:
    build = definition.build
    result = whole(build, None, inputs.live.local_cluster, kinds)
    found = convert.losses_of(definition, known, inputs.tree)
    blocked = (
        guards.foreign(known.record, inputs.tree)
        or guards.needs_cluster(result)
        or losses.lossy(found, "a conversion", "which the other kind does not have")
        or guards.without_value(result)
    )
    other = "plain" if build.kind is Kind.TEMPLATE else "template"
    step = _base(definition, Action.CONVERT, f"is a {other} build on the server", known.live, known.record)
    return replace(
        step,
        changes=convert.changes_of(definition, known, inputs.tree, inputs.live.local_cluster),
        losses=found,
        blocked=blocked,
        send=result.send,
        learn=result.learn,
        unset=definition.unset,
        notes=notes(definition, known, result.send),
        keepsake=keepsake(known.live, known.record, known.live.own),
        exact=known.trust is Trust.EXACT,
    )


def _compare(inputs: Inputs, definition: Definition, known: Known, kinds: InputKinds) -> Step:
    build = definition.build
    changes = diff(build, known, inputs.live.local_cluster)
    effective = [change for change in changes if _is_step(change, known, inputs.policy)]
    if not effective:
        step = _base(definition, Action.KEEP, _keep_reason(changes), known.live, known.record)
        exact = known.trust is Trust.EXACT
        return replace(step, changes=changes, notes=notes(definition, known), exact=exact, unsure=unsure(build, known))
    if any(change.kind in _STEPS for change in effective):
        changes = tuple(c for c in changes if not _is_idle_alias(c))
    result = whole(definition.build, known, inputs.live.local_cluster, kinds)
    found = losses.of_update(definition, known, result)
    blocked = (
        guards.foreign(known.record, inputs.tree)
        or guards.moved_references(definition, known)
        or guards.unknown_hosts(result)
        or guards.needs_cluster(result)
        or losses.lossy(found)
        or guards.without_value(result)
    )
    step = _base(definition, Action.UPDATE, _update_reason(effective, known), known.live, known.record)
    return replace(
        step,
        changes=changes,
        losses=found,
        keepsake=keepsake(known.live, known.record, (*known.live.own, *known.live.leftover)) if found else None,
        blocked=blocked,
        send=result.send,
        kept=result.kept,
        learn=result.learn,
        unset=definition.unset,
        notes=notes(definition, known, result.send),
        exact=known.trust is Trust.EXACT,
    )


def _is_step(change: Change, known: Known, policy: Policy) -> bool:
    """A difference is a step; so is what nobody can verify once somebody has written after us, or when told so."""
    if change.kind in _STEPS:
        return True
    if policy.assert_all and change.kind is ChangeKind.UNVERIFIABLE and change.after_known:
        return True
    stale = known.trust is Trust.STALE and change.kind is ChangeKind.UNVERIFIABLE
    return stale and change.after_known and not change.path.endswith(".codehost_name")


def _is_idle_alias(change: Change) -> bool:
    return change.kind is ChangeKind.UNVERIFIABLE and change.path.endswith(".codehost_name")


def _keep_reason(changes: tuple[Change, ...]) -> str:
    unverifiable = sum(1 for c in changes if c.kind is ChangeKind.UNVERIFIABLE)
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


def _troubles(live: Live) -> tuple[Trouble, ...]:
    return tuple(
        Trouble("incomplete", f'project "{r.project}": {r.incomplete}', "run again when nobody is writing")
        for _, r in sorted(live.readings.items())
        if r.incomplete
    )


def _notices(live: Live, renamed: Counter[tuple[str, str, str]]) -> tuple[str, ...]:
    notices = [
        f'{path} "{old}" is now called "{new}" on the server: change it in Git ({_builds(count)})'
        for (path, old, new), count in sorted(renamed.items())
    ]
    notices += [
        f'project "{r.project}" has a build without a name, which no call can reach: left alone'
        for _, r in sorted(live.readings.items())
        if r.unnamed
    ]
    if live.deep_unserved:
        notices.append(
            f"the internal read is not served here ({live.deep_unserved}): what detail hides is known "
            "from the ledger alone"
        )
    return tuple(notices)


def _builds(count: int) -> str:
    return "1 build" if count == 1 else f"{count} builds"


def _undeclared(inputs: Inputs, leaving: frozenset[tuple[str, str]]) -> int:
    declared = {(d.build.project, d.build.name) for d in inputs.desired.definitions} | leaving
    live = {(r.project, name) for r in inputs.live.readings.values() for name in r.builds}
    return len(live - declared)
