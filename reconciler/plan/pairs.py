"""Which build becomes which: what a definition's `renamed_from`, or its project, says about a live build.

    not there, renamed_from is live ────────────────────► rename    create, then delete the old one
    not there, ours in another project ─────────────────► move      delete the old one, then create
    there and ours, renamed_from is live ───────────────► leftover  delete the old one
    nowhere, and an intent says whose place it takes ───► resumed   create, with what the intent kept

What stands in the way of it is looked at in `reconciler.plan.moves`.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.definition import Definition
from reconciler.model.live import LiveBuild
from reconciler.model.record import Intent, Record
from reconciler.plan.inputs import Inputs

Name = tuple[str, str]
"""Project and name."""


class Turn(enum.Enum):
    """What becomes of the old build."""

    RENAME = "rename"
    MOVE = "move"
    LEFTOVER = "leftover"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Pair:
    """A definition and the build whose place it takes.

    Attributes:
        turn: what becomes of the old build.
        definition: of the new build.
        old: project and name of the old build.
        live: the old build; None where it is already gone.
        record: what the ledger holds of the old build.
        intent: what an earlier run announced of the new build, where that is all that is left.
        rival: the file and line of another definition that wants the old build too, or declares it; else "".
    """

    turn: Turn
    definition: Definition
    old: Name
    live: LiveBuild | None = None
    record: Record | None = None
    intent: Intent | None = None
    rival: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every pair of a run, by the new build's project and name; and sentences on what leads nowhere.

    Attributes:
        found: new build → its pair.
        notes: new build → why its `renamed_from` does nothing, where it is created all the same.
        notices: on definitions whose `renamed_from` is done, or names what is not ours.
    """

    found: Mapping[Name, Pair] = field(default_factory=dict)
    notes: Mapping[Name, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def leaving(self) -> frozenset[Name]:
        """The live builds whose place is taken: those that a move, a rename or its rest deletes."""
        return frozenset(pair.old for pair in self.found.values() if pair.live is not None)


def pairs(inputs: Inputs) -> Pairs:
    """Find what is renamed and moved. Pure, and by names alone: what stands in the way is not looked at here."""
    finder = _Finder(inputs)
    for definition in inputs.desired.definitions:
        finder.look(definition)
    notices = ([_spent(finder.spent)] if finder.spent else []) + finder.notices
    return Pairs(finder.found, finder.notes, tuple(notices))


def _spent(names: list[Name]) -> str:
    what = ", ".join(f"{project}/{name}" for project, name in names)
    return f"renamed_from is done, take it out: {what}"


class _Finder:
    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._homes = {name: live for r in inputs.live.readings.values() for name, live in r.builds.items()}
        self._declared = {(d.build.project, d.build.name): d for d in inputs.desired.definitions}
        wishes = [(d.build.project, d.renamed_from) for d in inputs.desired.definitions if d.renamed_from]
        self._wishes = Counter(wishes)
        self.found: dict[Name, Pair] = {}
        self.notes: dict[Name, str] = {}
        self.notices: list[str] = []
        self.spent: list[Name] = []

    def look(self, definition: Definition) -> None:
        """Find out what one definition says of another build."""
        project, name = me = (definition.build.project, definition.build.name)
        old = (project, definition.renamed_from)
        live = self._inputs.build(*old) if definition.renamed_from else None
        if self._inputs.build(project, name) is not None:
            if definition.renamed_from:
                self._there(definition, old, live)
        elif live is not None:
            self.found[me] = self._pair(Turn.RENAME, definition, old, live)
        else:
            self._nowhere(definition)

    def _there(self, definition: Definition, old: Name, live: LiveBuild | None) -> None:
        """The new build exists: the rename is done, or its second half is left, or it never was ours to do."""
        me = (definition.build.project, definition.build.name)
        if live is None:
            if not self._inputs.live.readings[me[0]].incomplete:
                self.spent.append(me)
            return
        pair = self._pair(Turn.LEFTOVER, definition, old, live)
        why = ""
        if not self._inputs.is_ours(self._inputs.record(*me)):
            why = f'"{me[1]}" exists already and is not ours'
        elif not self._inputs.is_ours(pair.record):
            why = f'"{old[1]}" is not ours'
        elif pair.rival:
            why = f'{pair.rival} is about "{old[1]}" too'
        if why:
            self.notices.append(
                f'{me[0]}/{me[1]}: renamed_from names "{old[1]}", which is left alone, because {why}: take it out'
            )
        elif not self._inputs.desired.narrowed:
            self.found[me] = pair

    def _nowhere(self, definition: Definition) -> None:
        """Neither the new name nor what it was renamed from is in the project: moved, resumed, or plainly new."""
        project, name = me = (definition.build.project, definition.build.name)
        home = self._homes.get(name)
        if home is not None:
            moved = self._pair(Turn.MOVE, definition, (home.project, name), home)
            if self._inputs.is_ours(moved.record) and not self._inputs.desired.narrowed:
                self.found[me] = moved
            return
        intent = self._inputs.intent(project, name)
        same_kind = intent is not None and intent.record.build.kind is definition.build.kind
        if intent and intent.replaces and same_kind and self._inputs.is_ours(intent.record):
            if self._inputs.build(*intent.replaces) is None:
                self.found[me] = Pair(Turn.RESUMED, definition, intent.replaces, intent=intent)
        elif definition.renamed_from:
            self.notes[me] = (
                f'renamed_from names "{definition.renamed_from}", which project "{project}" does not have: '
                "a new build is made"
            )

    def _pair(self, turn: Turn, definition: Definition, old: Name, live: LiveBuild) -> Pair:
        rival = self._declared.get(old)
        if rival is None and self._wishes[old] > 1 and turn is not Turn.MOVE:
            others = (d for d in self._declared.values() if d is not definition)
            rival = next(d for d in others if (d.build.project, d.renamed_from) == old)
        return Pair(turn, definition, old, live, self._inputs.record(*old), rival=str(rival.place) if rival else "")
