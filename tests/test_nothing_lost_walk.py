"""Random walks over one build of every kind: what nobody named is never lost.

    Git edits ────┐
    page edits ───┼─► apply ─► the witness: nothing in the store changed that no plan named
    a new ledger ─┘        └─► every step was done, and the next plan is empty

What the walk draws from is in `tests/walk_edits.py`. `WALKS=500 FIRST=1000 pytest tests/test_nothing_lost_walk.py`
searches longer, and elsewhere.
"""

from __future__ import annotations

import json
import os
import random

import pytest

from reconciler.model.errors import InvalidDefinitions
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action
from tests.rig import Rig, Stored
from tests.walk_edits import Definitions, Page, with_second_template

WALKS = int(os.environ.get("WALKS", "30"))
FIRST = int(os.environ.get("FIRST", "0"))
STEPS = 12


class Walk:
    """One random walk; `log` says what was done."""

    def __init__(self, rig: Rig, seed: int) -> None:
        self.rig, self.random = rig, random.Random(seed)
        self.definitions, self.page_edits = Definitions(self.random), Page(self.random)
        self.log: list[str] = []
        self.let_go: set[str] = set()
        with_second_template(rig)
        rig.environ = {"BUILD_PW": "walk-canary-1"}
        rig.deep = self.random.random() < 0.7
        if self.random.random() < 0.6:
            rig.emulator.set_state(None, [self.page_edits.build()])

    def git(self) -> None:
        """Write another definition; what the old one accepted is gone with it."""
        self.rig.accepted.clear()
        document = self.definitions.any()
        self.rig.write(document)
        try:
            self.rig.load()
        except InvalidDefinitions:
            self.git()
        else:
            self.log.append(f"git {json.dumps(document)}")

    def page(self) -> None:
        """Change a few settings of the build."""
        if not self.rig.names():
            return
        told: list[str] = []
        silent = self.random.random() < 0.2

        def edit(build: Stored) -> None:
            told.extend(self.page_edits.edit(build, silent=silent) for _ in range(self.random.randrange(1, 4)))

        self.rig.meddle("api", edit, user="" if silent else "mallory")
        self.log.append(f"page {'silently ' if silent else ''}{told}")

    def forget(self) -> None:
        self.log.append("forget")
        self.rig.forget()

    def deep(self) -> None:
        """Let the internal read be asked, or not any more."""
        self.rig.deep = not self.rig.deep
        self.log.append(f"deep {self.rig.deep}")

    def apply(self) -> None:
        """Apply, mostly with everything let go that the plan names; the witness looks on."""
        told = self.rig.accept() if self.random.random() < 0.8 else []
        self.let_go.update(told)
        self.log.append(f"apply, accepted {told}")
        ended = self.rig.apply()
        self.log.append(f"ended {[(o.ending.value, o.fault) for o in ended]}")
        assert all(o.ending in (Ending.DONE, Ending.BLOCKED) for o in ended)
        if all(o.ending is Ending.DONE for o in ended):
            left = [step for step in self.rig.plan().steps if step.action is not Action.KEEP]
            assert [(step.reason, step.changes, step.losses) for step in left] == []

    def ended_before(self, seen: str) -> bool:
        """Tell whether all that was seen to go are machine labels that an earlier plan named and a person let go.

        A conversion to a template ends them and leaves them in the store; the way back takes them from there.
        """
        lines = seen.splitlines()[1:]
        return "vm_labels" in self.let_go and bool(lines) and all(": vm_labels: " in line for line in lines)

    def go(self) -> None:
        ways = (self.git, self.page, self.forget, self.deep, self.apply)
        self.git()
        for step in self.random.choices(ways, (4, 4, 1, 1, 8), k=STEPS):
            try:
                step()
            except AssertionError as error:
                if self.ended_before(str(error)):
                    return
                raise AssertionError("\n".join([*self.log, str(error)])) from None


@pytest.mark.parametrize("seed", range(FIRST, FIRST + WALKS))
def test_no_walk_loses_what_nobody_named(rig: Rig, seed: int):
    """Whoever writes what in whatever order."""
    Walk(rig, seed).go()
