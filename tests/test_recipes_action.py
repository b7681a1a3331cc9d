"""The action for GitHub by itself: what it installs, what it tells, and that no input becomes a command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler import __version__
from tests.recipes.github_runner import Event, GitHub, Ran
from tests.recipes.machine import ROOT
from tests.recipes.place import SECRETS, Company, Place, founded, settle


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with founded(tmp_path_factory.mktemp("company")) as found:
        yield found


def one_step(inputs: dict[str, str], env: dict[str, str] | None = None) -> dict[str, Any]:
    checkout = {"uses": "actions/checkout@v4", "with": {"persist-credentials": False, "fetch-depth": 2}}
    step = {"id": "ours", "name": "ours", "uses": "your-org/reconciler@v1", "with": inputs}
    return {True: {"push": None}, "env": env or {}, "jobs": {"job": {"steps": [checkout, step]}}}


@pytest.fixture
def step(company: Company, tmp_path: Path):
    """Run one step of the action on main; return what ran, and the place."""
    place = settle(company, tmp_path)

    def run(inputs: dict[str, str], env: dict[str, str] | None = None) -> tuple[Ran, Place]:
        event = Event("push", "refs/heads/main", place.main)
        (ran,) = GitHub(place.machine, {}).start(one_step(inputs, env), event).values()
        return ran, place

    return run


def test_the_action_installs_itself_or_a_release(step):
    """Once per job, from its own checkout; a version from the index; the object store's library where it is needed."""
    _, place = step({"command": "none"})
    step({"command": "none", "version": __version__})
    step({"command": "none", "ledger": "s3://bucket/x"})
    assert place.machine.installed == [str(ROOT), f"zadig-reconciler=={__version__}", f"{ROOT}[ledger]"]


def test_the_action_tells_code_changes_and_page(step):
    """Of the command itself, also where the step passes; a command that it does not know is a mistake of the caller."""
    ran, place = step({"command": "diff", "base": "HEAD"})
    assert ran.code == 0
    assert ran.outputs["ours"]["exit-code"] == "0"
    assert ran.outputs["ours"]["changes"] == "false"
    assert Path(ran.outputs["ours"]["page"]).is_file()
    assert step({"command": "delete"})[0].code == 64
    no_token, place = step({"command": "plan"})
    assert no_token.code == int(no_token.outputs["ours"]["exit-code"]) == 77, place.machine.said


def test_the_inputs_of_the_action_do_not_hide_the_jobs_variables(step):
    """An empty `token` is none; a given one wins."""
    ran, place = step({"command": "plan", "ledger": ""}, {"ZADIG_TOKEN": SECRETS["ZADIG_TOKEN"]})
    assert ran.code == 0, place.machine.said
    assert ran.outputs["ours"]["changes"] == "false"
    ran, _ = step(
        {"command": "plan", "token": SECRETS["ZADIG_TOKEN"], "flags": "--project yaml  -v"}, {"ZADIG_TOKEN": "x"}
    )
    assert ran.code == 0
    assert SECRETS["ZADIG_TOKEN"] not in json.dumps(ran.outputs) + place.machine.said


def test_a_hostile_input_stays_a_word(step, tmp_path: Path):
    """Whatever stands in a path or a revision, no shell reads it."""
    hostile = f'"; touch {tmp_path}/owned; $(touch {tmp_path}/owned) `touch {tmp_path}/owned`'
    for inputs in (
        {"command": "validate", "path": hostile},
        {"command": "diff", "base": hostile},
        {"command": hostile},
    ):
        assert step(inputs)[0].code == 64
    assert not (tmp_path / "owned").exists()
