"""Whole plans as people and programs see them, one folder per case.

golden/<case>/tree/        the definitions that are planned
             /before/      applied first, where the ledger is to know something
             /live.json    builds that the server has at the beginning, in its stored form
             /scene.json   what happens between (environment, edits, faults, workflows), the policy, whether the
                           internal read is asked, which losses the definitions accept, whether to apply
             /plan.txt, plan.json, plan-verbose.txt, apply.txt   what is expected

`UPDATE_GOLDEN=1 python -m pytest tests/test_golden.py` rewrites what is expected: read the difference.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.config import Flags, resolve
from reconciler.emulator import Emulator
from reconciler.model.change import ChangeKind
from reconciler.model.definition import Desired
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.policy import Policy, Prune
from reconciler.plan.step import Action, Block
from reconciler.report.document import dump, plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_outcome, render_plan, render_result
from reconciler.server.transport import Clock
from reconciler.workflow.apply import Options, check_environment, locked
from reconciler.workflow.plan import Planned, World, make_plan
from reconciler.workflow.validate import load
from tests.rig import TOKEN, Rig, plain
from tests.wire_transport import transport_to
from tests.witness import WITNESS

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8")))
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


class Stage:
    """One case, played against an emulator whose clock stands still until the next act."""

    def __init__(self, case: str, ledger: Path) -> None:
        self.folder = FOLDER / case
        self.scene = self._json("scene.json")
        self.time = 1_700_000_000.0
        self.emulator = Emulator(builds=self._json("live.json").get("builds", ()), clock=lambda: self.time)
        self.ledger = ledger
        self.backups = ledger.parent / "backup"
        self.environ: Mapping[str, str] = {"GIT_CEILING_DIRECTORIES": str(FOLDER), **self.scene.get("env", {})}

    def _json(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def plan(self, tree: str) -> tuple[Planned, Any, World]:
        """Plan as a person does who stands in the tree."""
        root = str(self.folder / tree)
        flags = Flags(server="http://zadig.example", ledger=str(self.ledger), concurrency=1)
        settings = resolve(None, flags, {"ZADIG_TOKEN": TOKEN, **self.environ}, root)
        settings = replace(settings, policy=self._policy(tree), backup_dir=str(self.backups))
        settings = replace(settings, deep_read=self.scene.get("deep_read", True))
        clock = Clock(now=lambda: self.time, wall=lambda: self.time, sleep=lambda _: None)
        world = World(self.environ, root, lambda: transport_to(self.emulator), clock)
        return make_plan(settings, self._accepting(load(settings, self.environ, root)), world), settings, world

    def _accepting(self, desired: Desired) -> Desired:
        """Let each definition accept what the scene says: name of the build → path → digest."""
        accepted = self.scene.get("accept_loss", {})
        definitions = [replace(d, accept_loss=accepted.get(d.build.name, d.accept_loss)) for d in desired.definitions]
        return replace(desired, definitions=tuple(definitions))

    def _policy(self, tree: str) -> Policy:
        """How far the plan that the case is about may go; what was before went no further than usual."""
        given = dict(self.scene.get("policy", {})) if tree == "tree" else {}
        return Policy(**{**given, "prune": Prune(given.get("prune", "off"))})

    def apply(self, tree: str) -> tuple[Planned, list[Outcome]]:
        """Plan and apply, a minute after what was before."""
        self.time += 60
        planned, settings, world = self.plan(tree)
        check_environment(planned)
        with locked(settings, planned, world, Options()) as outcomes:
            ended = sorted(outcomes, key=lambda outcome: outcome.index)
        WITNESS.check()
        return planned, ended

    def play(self) -> None:
        """Everything up to the plan that the case is about."""
        if (self.folder / "before").exists():
            ended = self.apply("before")[1]
            assert [o for o in ended if o.ending is not Ending.DONE] == []
        self.environ = {**self.environ, **self.scene.get("env_after", {})}
        self.time += 3600
        state = self.emulator.state()
        for image in state["world"]["base_images"]:
            image["label"] = self.scene.get("labels", {}).get(image["label"], image["label"])
        for build in state["builds"]:
            self._meddle(build, self.scene.get("meddle", {}).get(build["name"]))
        state["world"]["workflows"] = self.scene.get("workflows", [])
        left = [build for build in state["builds"] if build["name"] not in self.scene.get("delete", [])]
        self.emulator.set_state(state["world"], left)
        self.emulator.set_faults(self.scene.get("faults", []))

    def _meddle(self, build: dict[str, Any], edit: dict[str, Any] | None) -> None:
        """Change a build as the web page does: `set` names paths; without `by` no stamp changes."""
        if edit is None:
            return
        for path, value in edit.get("set", {}).items():
            *parents, leaf = path.split(".")
            level: Any = build
            for key in parents:
                level = level[int(key)] if key.isdigit() else level[key]
            if isinstance(level, list):
                level[int(leaf)] = value
            else:
                level[leaf] = value
        if "by" in edit:
            build.update(update_by=edit["by"], update_time=int(self.time))


def expect(path: Path, actual: str) -> None:
    """Compare with the golden file, byte for byte; or rewrite it."""
    if UPDATE:
        path.write_bytes(actual.encode())
    assert path.exists(), f"{path} is missing: run with UPDATE_GOLDEN=1 and read it"
    assert actual == path.read_bytes().decode()


@pytest.mark.parametrize("case", CASES)
def test_a_plan_reads_as_it_did(case: str, tmp_path: Path):
    """Text, JSON and, where asked for, the verbose text and the outcome of the apply: every byte."""
    stage = Stage(case, tmp_path / "ledger.db")
    stage.play()
    before = stage.emulator.state()
    plan = stage.plan("tree")[0].plan
    document = dump(plan_document(plan))
    SCHEMA.validate(json.loads(document))
    expect(stage.folder / "plan.json", document)
    expect(stage.folder / "plan.txt", render_plan(plan, Style()))
    if stage.scene.get("verbose"):
        expect(stage.folder / "plan-verbose.txt", render_plan(plan, Style(verbose=True)))
    assert stage.emulator.state() == before
    if stage.scene.get("apply"):
        planned, ended = stage.apply("tree")
        said = [render_outcome(planned.plan, outcome, Ink()) for outcome in ended]
        text = "".join([*said, render_result(planned.plan, ended, "reconciler plan")])
        expect(stage.folder / "apply.txt", text.replace(str(stage.backups), ".reconciler/backup"))


def test_no_case_expects_a_secret():
    """What a case marks as secret by the word canary stands in no plan and no outcome, nor does its base64."""
    inputs, outputs = "", ""
    for path in sorted(FOLDER.rglob("*")):
        if path.is_file():
            expected = path.parent.parent == FOLDER and path.name.startswith(("plan", "apply"))
            text = path.read_text(encoding="utf-8")
            inputs, outputs = (inputs, outputs + text) if expected else (inputs + text, outputs)
    secrets = set(re.findall(r"[\w-]*canary[\w-]*", inputs))
    assert secrets >= {"canary-literal", "hunter2-canary", "rotated-canary", "changed-canary"}
    assert "(sensitive)" in outputs
    assert "canary" not in outputs


def test_a_block_that_is_declared_no_more_is_said_to_be_released(rig: Rig):
    """The image step was declared at the last apply and stays, though Git does not mention it any more."""
    docker = {"dockerfile_source": "local", "build_context_dir": "ctx", "dockerfile_directory": "Dockerfile"}
    rig.write(plain(docker_build_step=docker))
    rig.applied()
    rig.write(plain())
    (step,) = rig.plan().steps
    assert step.action is Action.KEEP
    assert {c.path.partition(".")[0] for c in step.changes if c.kind is ChangeKind.RELEASED} == {"docker_build_step"}


def test_a_change_that_left_no_stamp_is_put_on_nobody(rig: Rig):
    """The stamps are still those of our own write: they do not say who changed the service modules since."""
    rig.deep = False
    rig.write(plain(build_script="make\n"))
    rig.applied()
    targets = [{"product_name": "yaml", "service_name": "s", "service_module": "m"}]
    rig.meddle("api", lambda stored: stored.update(targets=targets), user="")
    rig.write(plain(build_script="make all\n"))
    (step,) = rig.plan().steps
    assert "without a new time stamp" in step.notes[0]
    assert "admin" not in step.notes[0]


AWAITED = {"stale"}
"""Reasons whose guards are not in the planner yet."""


def test_every_reason_for_a_block_has_a_case():
    """No word of the vocabulary is without an example of how it reads."""
    seen = set()
    for case in CASES:
        plan = json.loads((FOLDER / case / "plan.json").read_text(encoding="utf-8"))
        seen |= {step["blocked"] for step in plan["steps"]}
    assert seen >= {block.value for block in Block} - AWAITED
