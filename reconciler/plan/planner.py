"""Desired, live and record of every build → the plan: which way each build goes, and in which order.

not on the server ──────────────► create     (blocked: incomplete, name-taken, foreign, credentials, unwritable)
  in place of another build ────► create and delete, see `reconciler.plan.moves`
Jenkins, unread ────────────────► update     (blocked)
of the other kind ──────────────► convert    (blocked: foreign, loss, credentials, in-use)
nothing differs ────────────────► keep       (with what is unverifiable or released)
something differs ──────────────► update     (blocked: foreign, renamed, unwritable, loss, in-use)
no definition ──────────────────► delete     (only where it is pruned, see `reconciler.plan.prune`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.compare.knowledge import Known, know
from reconciler.model.definition import Definition
from reconciler.model.live import Live, Reading
from reconciler.plan import foresee, guards, losses, prune
from reconciler.plan.convert import convert
from reconciler.plan.create import create
from reconciler.plan.ignoring import with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.kinds import InputKinds, input_kinds
from reconciler.plan.likeness import suggested
from reconciler.plan.moves import Mover, together
from reconciler.plan.outline import outline
from reconciler.plan.pairs import Pair, Pairs, Turn, pairs
from reconciler.plan.step import Action, Plan, Step, Trouble
from reconciler.plan.update import update
from reconciler.plan.usage import unknown_uses


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
            renamed.update(_outdated(definition, known))
            spent += losses.spent(definition, known, step.losses, inputs.tell)
    orphans, observed = prune.orphans(inputs), _notices(inputs.live, renamed)
    steps = suggested(inputs, together(prune.with_deletes(inputs, defined)), orphans)
    return Plan(
        steps=steps,
        troubles=(*_troubles(inputs.live), *prune.troubles(inputs)),
        notices=(*observed, *spent, *turns.notices, *prune.notices(inputs)),
        observed=observed,
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


def _step(
    inputs: Inputs, definition: Definition, elsewhere: Mapping[str, str], kinds: InputKinds, seen: foresee.Shown
) -> tuple[Step, Known | None]:
    build = definition.build
    reading = inputs.live.readings[build.project]
    record = inputs.record(build.project, build.name)
    live = reading.builds.get(build.name)
    if live is None:
        return create(inputs, definition, elsewhere, kinds, seen), None
    blocked = guards.not_writable(live)
    if blocked:
        step = outline(definition, Action.UPDATE, "cannot be compared", live, record)
        return replace(step, blocked=blocked), None
    known = know(live, record)
    if live.build is not None and live.build.kind is not build.kind:
        return convert(inputs, definition, known, kinds), known
    ignoring = with_ignored(definition, known, inputs.live.local_cluster)
    step = update(inputs, ignoring.definition, ignoring.known, kinds)
    return ignoring.told(step), ignoring.known


def _troubles(live: Live) -> tuple[Trouble, ...]:
    return tuple(Trouble("incomplete", _named(r), r.remedy) for _, r in sorted(live.readings.items()) if r.incomplete)


def _named(reading: Reading) -> str:
    named = f'"{reading.project}"' in reading.incomplete
    return reading.incomplete if named else f'project "{reading.project}": {reading.incomplete}'


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
            f"the internal read cannot be used in this run ({live.deep_unserved}): what detail hides is known "
            "from the ledger alone"
        )
    return tuple(notices)


def _outdated(definition: Definition, known: Known) -> Iterator[tuple[str, str, str]]:
    """Yield the names that moved and that Git still has: path, what Git says, what it is called now."""
    for path, (old, new) in known.renamed.items():
        if definition.build.values.get(path) == old:
            yield path, old, new


def _builds(count: int) -> str:
    return "1 build" if count == 1 else f"{count} builds"


def _undeclared(inputs: Inputs, leaving: frozenset[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the live builds without a definition; none where only part of the tree was read."""
    if inputs.desired.narrowed:
        return ()
    declared = {(d.build.project, d.build.name) for d in inputs.desired.definitions} | leaving
    live = {(r.project, name) for r in inputs.live.readings.values() for name in r.builds}
    return tuple(sorted(live - declared))
