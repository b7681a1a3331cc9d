"""A saved plan and the plan of today → the steps that may still be executed.

    saved step × step of today
        digests equal ─────────────────────────► as it is
        same definition, nothing left to do ───► keep, told as such
        a keep in both, or not in the file ────► keep: somebody else's change, done already
        could not be looked at, blocked before ► as it is: not executed either way
        anything else ─────────────────────────► blocked: stale, saying which side changed
    a step that the file lacks, or today's plan ► blocked: stale

Steps that belong together (a move's two) are stale together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.definition import Definition, Desired
from reconciler.model.live import Live, Stamps
from reconciler.plan import stale
from reconciler.plan.digest import Digests, digests
from reconciler.plan.stale import Name
from reconciler.plan.step import Action, Block, Blocked, Plan, Step


@dataclass(frozen=True, slots=True)
class SavedStep:
    """What a file holds of one step.

    Attributes:
        action: what was to be done.
        project: project key.
        name: build name.
        live: stamps of the live build; None where there was none.
        blocked: whether it was not to be executed.
        digests: of the definition, the live build and the request.
        unset: names of environment variables that were not set.
    """

    action: Action
    project: str
    name: str
    live: Stamps | None
    blocked: bool
    digests: Digests
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sight:
    """A plan with what it was made from, and the ledger's keys.

    Attributes:
        plan: the plan.
        desired: the definitions.
        live: the readings.
        keys: project → the ledger's `digest_key`.
        protected: of every build that the ledger knows, whether it remembers `prevent_destroy`.
    """

    plan: Plan
    desired: Desired
    live: Live
    keys: Mapping[str, str] = field(default_factory=dict)
    protected: Mapping[Name, bool] = field(default_factory=dict)

    def definitions(self) -> dict[Name, Definition]:
        """Return the definitions by project and name."""
        return {(d.build.project, d.build.name): d for d in self.desired.definitions}


def sign(made: Sight) -> tuple[SavedStep, ...]:
    """Return what a file holds of every step. `made.keys` must have a key for each project of the plan."""
    definitions = made.definitions()
    return tuple(
        SavedStep(
            action=step.action,
            project=step.project,
            name=step.name,
            live=step.live,
            blocked=step.blocked is not None,
            digests=_digests(step, made, definitions, step.unset),
            unset=step.unset,
        )
        for step in made.plan.steps
    )


def fresh(saved: tuple[SavedStep, ...], now: Sight) -> Plan:
    """Return today's plan with every step blocked that is not what was saved.

    Steps of the file that today's plan lacks come last. `now.keys` must have a key for each project of the file.
    """
    before = {(step.project, step.name): step for step in saved}
    definitions = now.definitions()
    steps, settled = [], []
    for step in now.plan.steps:
        told = _told(step, before.get(_name(step)), now, definitions)
        steps.append(told)
        if told.action is Action.KEEP and told.reason is not step.reason:
            settled.append(_name(step))
    there = {_name(step) for step in steps}
    for one in saved:
        if (one.project, one.name) not in there and (one.action is not Action.KEEP or one.blocked):
            told = _vanished(one, now)
            steps.append(told)
            if told.blocked is None:
                settled.append(_name(told))
    together = _together(tuple(steps))
    return replace(now.plan, steps=together, notices=(*now.plan.notices, *stale.nothing_left(settled)))


def all_or_nothing(plan: Plan, saved: tuple[SavedStep, ...]) -> Plan:
    """Return a plan of `fresh` with no step left to execute where any cannot be executed as it was saved."""
    wanted = {(one.project, one.name) for one in saved if one.action is not Action.KEEP and not one.blocked}
    count = sum(1 for step in plan.steps if step.blocked and (_is_stale(step) or _name(step) in wanted))
    if not count:
        return plan
    blocked = stale.nothing_is_written(count)
    return replace(plan, steps=tuple(replace(s, blocked=blocked) if s.will_write else s for s in plan.steps))


def _told(step: Step, saved: SavedStep | None, now: Sight, definitions: Mapping[Name, Definition]) -> Step:
    if step.blocked and step.blocked.reason in (Block.UNREAD, Block.INCOMPLETE):
        return step
    if saved is None:
        return step if _idle(step, now) else _blocked(step, stale.added())
    today = _digests(step, now, definitions, saved.unset)
    if today == saved.digests or (step.blocked and saved.blocked):
        return step
    if step.action is Action.KEEP and not step.blocked and today.definition == saved.digests.definition:
        return step if saved.action is Action.KEEP else replace(step, reason=stale.NOTHING_LEFT)
    if saved.action is Action.KEEP and not saved.blocked and _idle(step, now):
        return step
    change = stale.Changed(
        definition=today.definition != saved.digests.definition,
        declared=_name(step) in definitions,
        live=today.live != saved.digests.live,
        before=saved.live,
        now=now.live.build(*_name(step)),
        was=saved.action,
        unset=tuple(name for name in step.unset if name not in saved.unset),
    )
    return _blocked(step, stale.changed(change, step.action))


def _idle(step: Step, now: Sight) -> bool:
    """Tell whether a step does nothing, on the server or to the protection that the ledger remembers.

    Such a step needs no review: another request that was merged meanwhile has done what there was to do.
    """
    settled = now.protected.get(_name(step), step.prevent_destroy) is step.prevent_destroy
    return step.action is Action.KEEP and step.blocked is None and settled


def _vanished(saved: SavedStep, now: Sight) -> Step:
    name = (saved.project, saved.name)
    reading = now.live.readings.get(saved.project)
    live = now.live.build(*name)
    gone = reading is not None and not reading.incomplete and live is None
    if saved.action is Action.DELETE and gone:
        return Step(Action.KEEP, *name, reason=stale.ALREADY_GONE)
    step = Step(saved.action, *name, reason="is in the saved plan alone", live=live.stamps if live else None)
    return _blocked(step, stale.vanished(saved.action))


def _digests(step: Step, sight: Sight, definitions: Mapping[Name, Definition], unset: tuple[str, ...]) -> Digests:
    name = _name(step)
    return digests(step, definitions.get(name), sight.live.build(*name), sight.keys[step.project], unset)


def _blocked(step: Step, blocked: Blocked) -> Step:
    """Block a step as stale; what stands in its way besides is said too."""
    if step.blocked is None:
        return replace(step, blocked=blocked)
    message = f"{blocked.message}; besides ({step.blocked.reason.value}): {step.blocked.message}"
    return replace(step, blocked=Blocked(Block.STALE, message, step.blocked.hint or blocked.hint))


def _together(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Make what belongs to a stale step stale as well: no half of a move is executed alone."""
    links: dict[Name, list[Name]] = {}
    for step in steps:
        for other in _others(step):
            links.setdefault(_name(step), []).append(other)
            links.setdefault(other, []).append(_name(step))
    because: dict[Name, Name] = {}
    pending = [_name(step) for step in steps if _is_stale(step)]
    while pending:
        cause = pending.pop(0)
        for other in links.get(cause, ()):
            if other not in because:
                because[other] = cause
                pending.append(other)
    return tuple(
        replace(step, blocked=stale.together(because[_name(step)]))
        if step.will_write and _name(step) in because
        else step
        for step in steps
    )


def _others(step: Step) -> Iterator[Name]:
    yield from (other for other in (step.old, step.after) if other is not None)


def _is_stale(step: Step) -> bool:
    return step.blocked is not None and step.blocked.reason is Block.STALE


def _name(step: Step) -> Name:
    return step.project, step.name
