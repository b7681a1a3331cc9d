"""A plan and what it was made from → what became of every build since it was recorded (design, "Drift").

    declared    on the server      state
    yes         yes                the worst of its settings: conflict, drifted, pending, unverifiable, in sync
    yes         no                 missing where the ledger has a record of ours, else pending
    yes         nobody could look  unread
    yes or no   yes, another tree's: foreign · a Jenkins build: jenkins
    no          yes                orphan where the ledger has a record of ours, else undeclared

Enters: a plan that prunes nothing, and its inputs with the ledger's documents settled. Builds that nobody has
touched are known by the plan alone; only the others are compared with their record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.compare.drift import Setting, Since, State, Tell, beside, settings, since
from reconciler.compare.knowledge import know
from reconciler.model.build import Build
from reconciler.model.definition import Definition
from reconciler.model.live import JENKINS, LiveBuild, Stamps
from reconciler.model.record import Record
from reconciler.plan.fates import Drift, Drifted, Fate
from reconciler.plan.ignoring import with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.notes import unset
from reconciler.plan.pairs import Pair, Turn, pairs
from reconciler.plan.prune import named
from reconciler.plan.step import Action, Block, Plan, Step


def drift(plan: Plan, inputs: Inputs, tell: Tell) -> Drift:
    """Judge every build. Pure. `tell`: masks what repeats a credential."""
    steps = {(s.project, s.name): s for s in plan.steps if s.place is not None and s.action is not Action.DELETE}
    paired = pairs(inputs)
    declared = [_Case(inputs, d, steps[d.build.project, d.build.name], tell) for d in inputs.desired.definitions]
    renames = {name: pair for name, pair in paired.found.items() if pair.turn is not Turn.LEFTOVER}
    builds = [case.judged(renames.get((case.step.project, case.step.name))) for case in declared]
    builds += _undeclared(inputs, paired.leaving)
    builds.sort(key=lambda build: (build.project, build.name))
    emptied = list(_emptied(inputs))
    found = Drift(
        tuple(builds),
        plan.troubles,
        (*plan.observed, *map(_hidden, emptied)),
        any(document.records for document in inputs.documents.values()),
        inputs.desired.narrowed,
        frozenset(project for project, _ in emptied),
    )
    return found if found.ledger_read else _forgotten(found)


def _forgotten(found: Drift) -> Drift:
    """Without the ledger nobody knows what any build was."""
    return replace(found, builds=tuple(replace(build, ledger_read=False) for build in found.builds))


def _hidden(emptied: tuple[str, int]) -> str:
    project, known = emptied
    return (
        f'project "{project}" shows no build at all, and the ledger knows {known}: '
        "a token that may not see them any more looks the same"
    )


def _emptied(inputs: Inputs) -> Iterator[tuple[str, int]]:
    """Yield the projects that show nothing, and how many builds the ledger knows of each."""
    for project, reading in sorted(inputs.live.readings.items()):
        document = inputs.documents.get(project)
        if document and document.records and not reading.builds and not reading.incomplete:
            yield project, len(document.records)


def _undeclared(inputs: Inputs, leaving: frozenset[tuple[str, str]]) -> Iterator[Drifted]:
    """Judge the live builds that no definition names; none where only part of the tree was read."""
    if inputs.desired.narrowed:
        return
    declared = {(d.build.project, d.build.name) for d in inputs.desired.definitions}
    names = named(inputs.desired)
    for project, reading in inputs.live.readings.items():
        for name, live in reading.builds.items():
            if (project, name) not in declared and (project, name) not in leaving:
                yield _nameless(inputs, live, names)


def _nameless(inputs: Inputs, live: LiveBuild, names: frozenset[str]) -> Drifted:
    """`names`: those that the tree gives to builds, of whatever project: such a build is on its way."""
    record = inputs.record(live.project, live.name)
    if inputs.is_foreign(record):
        fate = Fate.FOREIGN
    elif inputs.is_ours(record) and live.name not in names:
        fate = Fate.ORPHAN
    else:
        fate = Fate.JENKINS if live.source == JENKINS else Fate.UNDECLARED
    return Drifted(fate, live.project, live.name, live=live.stamps, record=record, by=_writer(live, record))


def _writer(live: LiveBuild, record: Record | None) -> str:
    return live.stamps.update_by if record is not None and live.stamps != record.stamps else ""


@dataclass(frozen=True, slots=True)
class _Case:
    """A definition, and the step that a plan has for it."""

    inputs: Inputs
    definition: Definition
    step: Step
    tell: Tell

    def judged(self, replaces: Pair | None) -> Drifted:
        """Return what became of the build. `replaces`: whose place it takes, where it takes another one's."""
        live, record = self._live, self._record
        if self.inputs.is_foreign(record):
            return self._is(
                Fate.FOREIGN, f'the ledger says that it belongs to the tree "{record.tree if record else ""}"'
            )
        if live is None:
            return self._absent(replaces)
        if live.source == JENKINS:
            return self._is(
                Fate.DRIFTED if record else Fate.JENKINS, "it is a Jenkins build, which no definition can be"
            )
        if live.build is None:
            return self._is(Fate.UNREAD, live.unread or "its detail was not asked for")
        if live.build.kind is not self.definition.build.kind:
            return self._of_two_kinds(live.build)
        return self._compared(live)

    @property
    def _live(self) -> LiveBuild | None:
        return self.inputs.build(self.step.project, self.step.name)

    @property
    def _record(self) -> Record | None:
        return self.inputs.record(self.step.project, self.step.name)

    def _is(self, fate: Fate, *notes: str) -> Drifted:
        live, record, step = self._live, self._record, self.step
        by = _writer(live, record) if live else ""
        reason = step.blocked.reason if step.blocked else None
        return Drifted(
            fate,
            step.project,
            step.name,
            place=step.place,
            live=live.stamps if live else None,
            by=by,
            same_account=bool(by and record and record.stamps.update_by == by),
            record=record,
            ignored=step.ignored,
            notes=(*notes, *self._beside(live)),
            blocked=reason.value if reason and reason is not Block.FOREIGN else "",
        )

    def _beside(self, live: LiveBuild | None) -> Iterator[str]:
        if live is not None and live.deep_failed:
            yield live.deep_failed
        yield from unset(self.definition)
        if self.inputs.intent(self.step.project, self.step.name) is not None:
            yield "an apply that was interrupted here, or still runs, is not finished: the next one goes on with it"

    def _absent(self, replaces: Pair | None) -> Drifted:
        reading = self.inputs.live.readings[self.step.project]
        if reading.incomplete:
            return self._is(Fate.UNREAD, f"nobody knows whether it exists: {reading.incomplete}")
        if self._record is None:
            return self._is(Fate.PENDING, _replaces(replaces) if replaces else "it is not on the server yet")
        other = self._elsewhere()
        notes = (f'project "{other}" has a build of this name',) if other else ()
        return replace(self._is(Fate.MISSING, *notes), now_in=other)

    def _elsewhere(self) -> str:
        """Return under which other project the name is now: names are unique over the server."""
        readings = sorted(self.inputs.live.readings.items())
        return next((project for project, reading in readings if self.step.name in reading.builds), "")

    def _of_two_kinds(self, live: Build) -> Drifted:
        """Whoever changed the kind has changed the whole build; a change on the other side is a conflict."""
        kinds = (self.definition.build.kind, live.kind)
        base = self._since()
        if base is None:
            return replace(self._is(Fate.PENDING), kinds=kinds)
        if base.record.build.kind is live.kind:
            return replace(self._is(Fate.CONFLICT if base.remote else Fate.PENDING), kinds=kinds)
        return replace(self._is(Fate.CONFLICT if base.local else Fate.DRIFTED), kinds=kinds)

    def _compared(self, live: LiveBuild) -> Drifted:
        if self._untouched(live.stamps):
            return self._is(Fate.IN_SYNC)
        base = self._since()
        others = beside(self.definition.build, self.step.changes, base, self.definition.ignore)
        found = settings(self.step.changes, base, others)
        notes = (*_undone(live, base, found), *_secret(found))
        return replace(self._is(_fate(found), *notes), settings=found)

    def _untouched(self, stamps: Stamps) -> bool:
        """Tell by the plan alone that there is nothing to compare: nothing differs, and nobody has written since."""
        record = self._record
        return not self.step.changes and (
            self.step.exact or record is None or (record.stamps == stamps and not record.exact)
        )

    def _since(self) -> Since | None:
        live = self._live
        assert live is not None
        known = know(live, self._record)
        definition = self.definition
        if live.build is not None and live.build.kind is definition.build.kind:
            ignoring = with_ignored(definition, known, self.inputs.live.local_cluster)
            definition = ignoring.definition
        declared = self.definition.build
        return since(definition.build, known, self.inputs.live.local_cluster, declared, self.tell)


_FATES = {
    State.CONFLICT: Fate.CONFLICT,
    State.DRIFTED: Fate.DRIFTED,
    State.PENDING: Fate.PENDING,
    State.UNVERIFIABLE: Fate.UNVERIFIABLE,
}
"""The state of a setting → what it makes of the build; the first one that occurs counts."""


def _fate(found: Iterable[Setting]) -> Fate:
    states = {setting.state for setting in found}
    return next((fate for state, fate in _FATES.items() if state in states), Fate.IN_SYNC)


def _replaces(pair: Pair) -> str:
    """Say whose place a build takes, and who has changed that one: the change goes with it."""
    told = f"it takes the place of {pair.old[0]}/{pair.old[1]}"
    by = _writer(pair.live, pair.record) if pair.live else ""
    return (
        f"{told}, which {by} has written since it was recorded, {pair.live.stamps.moment}" if pair.live and by else told
    )


def _secret(found: tuple[Setting, ...]) -> Iterator[str]:
    """Say how the server's side of a secret gets into Git: no export writes it."""
    if any(setting.sensitive and setting.state in (State.DRIFTED, State.CONFLICT) for setting in found):
        yield "no export takes a secret over: to keep the server's, give it to the variable that Git names"


def _undone(live: LiveBuild, base: Since | None, found: tuple[Setting, ...]) -> Iterator[str]:
    if base is not None and base.stale and not base.remote and _fate(found) is Fate.IN_SYNC:
        who = live.stamps.update_by or "somebody"
        yield f"{who} has written since, and whatever a definition can say and the server shows is as recorded"
