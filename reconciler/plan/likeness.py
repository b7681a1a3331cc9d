"""Suggesting `renamed_from`: a build that is created and one that Git no longer has may be the same one.

A definition and a live build of the same project and kind are likened by the shown settings that the definition
declares. They look like one where

    the script is the same, and is more than a line or two, or
    every declared setting is equal, a script of any length among them, or
    three of four declared settings are equal, six of them at least,

and where neither looks as much like any other: builds that are all alike suggest nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.model.build import DEFAULT, Build, Value, Values, elements_of, join
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Sight
from reconciler.model.secret import Secret
from reconciler.plan.inputs import Inputs
from reconciler.plan.step import Action, Step

SCRIPT = "build_script"
LONG_ENOUGH = 40
"""Characters of a script, blanks at its ends aside, below which many builds may have the same one."""

SHARE = 0.75
LEAST = 6
MOST_PAIRS = 100_000
"""Comparisons above which nothing is suggested."""

Fact = tuple[str, object]
Facts = frozenset[Fact]
Name = tuple[str, str]


@dataclass(frozen=True, slots=True, order=True)
class Likeness:
    """How much a live build looks like a definition: greater is more.

    Attributes:
        script: they have the same script, and it is long enough to say something alone.
        equal: how many declared settings are equal.
        declared: how many there are, of those that the server shows.
        scripted: they have the same script, however short.
    """

    script: bool
    equal: int
    declared: int
    scripted: bool = False

    @property
    def tells(self) -> bool:
        """Whether this is worth a word."""
        if self.script or (self.scripted and self.equal == self.declared):
            return True
        return self.equal >= LEAST and self.equal >= SHARE * self.declared

    def __str__(self) -> str:
        settings = f"{self.equal} of {self.declared} declared settings are equal"
        return f"the same script, {settings}" if self.scripted else settings


def suggested(inputs: Inputs, steps: tuple[Step, ...], orphans: tuple[Name, ...]) -> tuple[Step, ...]:
    """Add notes to creates, and to the deletes that look like them. Pure.

    Args:
        inputs: what the plan is made from.
        steps: its steps so far.
        orphans: builds of ours that Git no longer has and that no step deletes.
    """
    deleted = [(s.project, s.name) for s in steps if s.action is Action.DELETE and s.after is None and not s.restore]
    gone = {name: facts for name in (*deleted, *orphans) if (facts := _live_facts(inputs, name))}
    creates = [s for s in steps if s.action is Action.CREATE and s.old is None and s.desired is not None]
    if not gone or not creates or len(gone) * len(inputs.desired.definitions) > MOST_PAIRS:
        return steps
    found = dict(_matches(inputs, creates, gone))
    back = {old: new for new, old in found.items()}
    return tuple(_noted(step, found, back, gone) for step in steps)


def _live_facts(inputs: Inputs, name: Name) -> tuple[Kind, Facts] | None:
    live = inputs.build(*name)
    return (live.build.kind, facts_of(live.build)) if live and live.build else None


def _matches(
    inputs: Inputs, creates: list[Step], gone: Mapping[Name, tuple[Kind, Facts]]
) -> Iterator[tuple[Name, Name]]:
    """Yield each create with the one build that looks most like it, and to which it looks most alike."""
    wanted = {(d.build.project, d.build.name): d.build for d in inputs.desired.definitions}
    facts = {name: (build.kind, facts_of(build)) for name, build in wanted.items()}
    for step in creates:
        me = (step.project, step.name)
        old = _best(me, facts[me], gone)
        if old and _best(old, gone[old], facts, turned=True) == me:
            yield me, old


def _best(
    me: Name, mine: tuple[Kind, Facts], others: Mapping[Name, tuple[Kind, Facts]], *, turned: bool = False
) -> Name | None:
    """Return the only one that looks most like `me`; None where two do, or none does enough."""
    kind, facts = mine
    scores = sorted(
        (liken(theirs, facts) if turned else liken(facts, theirs), name)
        for name, (other, theirs) in others.items()
        if other is kind and name[0] == me[0]
    )
    if not scores or not scores[-1][0].tells:
        return None
    if len(scores) > 1 and _rank(scores[-2][0]) == _rank(scores[-1][0]):
        return None
    return scores[-1][1]


def _rank(likeness: Likeness) -> tuple[bool, int]:
    return likeness.script, likeness.equal


def liken(declared: Facts, live: Facts) -> Likeness:
    """Compare what a definition declares with what a live build shows."""
    equal = declared & live
    scripts = [str(value).strip() for path, value in equal if path == SCRIPT]
    long = any(len(script) >= LONG_ENOUGH for script in scripts)
    return Likeness(long, len(equal), len(declared), any(scripts))


def facts_of(build: Build) -> Facts:
    """Return the shown settings of a build that say something: (path, value), secrets and defaults left out."""
    return frozenset(_facts(ROWS[build.kind], build.values, ""))


def _facts(rows: tuple[Row, ...], values: Values, parent: str) -> Iterator[Fact]:
    for row in rows:
        value, path = values.get(row.path), join(parent, row.path)
        if isinstance(row, Elements):
            for element in elements_of(value):
                yield from _facts(row.rows, element.values, f"{path}[{element.key}]")
        elif row.sight in (Sight.SHOWN, Sight.REFERENCE) and _says_something(row, value):
            yield path, value


def _says_something(row: Leaf, value: Value | None) -> bool:
    return value is not None and value is not DEFAULT and not isinstance(value, Secret) and value != row.default


def _noted(
    step: Step, found: Mapping[Name, Name], back: Mapping[Name, Name], gone: Mapping[Name, tuple[Kind, Facts]]
) -> Step:
    me = (step.project, step.name)
    if step.action is Action.CREATE and me in found and step.desired is not None:
        old = found[me]
        why = liken(facts_of(step.desired), gone[old][1])
        note = f'looks like "{old[1]}" renamed ({why}): {_advice(old[1])}'
    elif step.action is Action.DELETE and me in back:
        note = f'looks as if it were renamed to "{back[me][1]}": {_advice(me[1])} there'
    else:
        return step
    return replace(step, notes=(*step.notes, note))


def _advice(old: str) -> str:
    name = old if re.fullmatch(r"[a-z][a-z0-9-]*", old) else json.dumps(old, ensure_ascii=False)
    return f"to keep what Git does not declare of it, write x-reconciler: {{renamed_from: {name}}}"
