"""What detail hides and the ledger only marks, because it repeats a secret: the internal read sends it back.

internal read served ──► an update carries the value, whatever the record may not tell
not served ────────────► the value is a loss by name, and the update waits for who lets it go
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from reconciler.plan.step import Action, Block, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from tests.page import PLAIN, made
from tests.rig import Rig, Stored, plain

WORD = "page-canary-1"
TOLD = f"login {WORD}"
CREDENTIAL = {"key": "PW", "value": WORD, "type": "string", "is_credential": True}
REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}


def label(stored: Stored) -> None:
    stored["pre_build"]["custom_labels"] = [{"key": "l", "value": TOLD}]


def option(stored: Stored) -> None:
    stored["pre_build"]["envs"].append({"key": "C", "value": "b", "type": "choice", "choice_option": [TOLD, "b"]})


def of_a_credential(stored: Stored) -> None:
    stored["pre_build"]["envs"][0].update(type="choice", choice_option=[WORD, "b"])


def description(stored: Stored) -> None:
    stored["pre_build"]["envs"].append({"key": "D", "value": "b", "type": "string", "description": TOLD})


def volume(stored: Stored) -> None:
    volumes = [{"mount_path": "/x", "pvc": TOLD, "provision_type": "static"}]
    stored["pre_build"]["storages"] = {"enabled": True, "storages_properties": volumes}


HELD = {
    "advanced_settings.custom_labels[l].value": label,
    "parameters[C].choice_option": option,
    "parameters[PW].choice_option": of_a_credential,
    "parameters[D].description": description,
    "advanced_settings.storages.storages_properties[/x].pvc": volume,
}
"""Path of a hidden setting → how the page makes it repeat the build's credential."""


def recorded(rig: Rig, path: str) -> Stored:
    """A build of the page after our first write, which the internal read has let through whole: its record is exact."""
    stored = made(PLAIN)
    stored["pre_build"]["envs"] = [copy.deepcopy(CREDENTIAL)]
    HELD[path](stored)
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script="first\n", repo_info=[REPO]))
    rig.applied()
    return rig.stored("api")


def only(rig: Rig) -> Step:
    (step,) = rig.plan().steps
    return step


def without(stored: Stored, *keys: str) -> Any:
    return {key: value for key, value in stored.items() if key not in ("update_time", *keys)}


@pytest.mark.parametrize("path", HELD)
def test_what_the_ledger_only_marks_is_sent_back_by_the_next_update(rig: Rig, path: str):
    """Nothing blocks, nothing changes but the script, and neither plan nor ledger tells the word."""
    before = recorded(rig, path)
    rig.write(plain(build_script="second\n", repo_info=[REPO]))
    plan = rig.plan()
    assert [(step.action, step.blocked, step.losses) for step in plan.steps] == [(Action.UPDATE, None, ())]
    assert WORD not in render_plan(plan, Style(verbose=True)) + dump(plan_document(plan))
    rig.applied()
    assert without(rig.stored("api"), "scripts") == without(before, "scripts")
    assert rig.plan().empty
    assert WORD.encode() not in rig.ledger.read_bytes()


@pytest.mark.parametrize("path", HELD)
def test_what_nothing_shows_is_a_loss_by_name(rig: Rig, path: str):
    """Without the internal read the update waits; the value is there until somebody lets it go."""
    before = recorded(rig, path)
    rig.deep = False
    rig.write(plain(build_script="second\n", repo_info=[REPO]))
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    assert [loss.path for loss in step.losses] == [path]
    rig.apply()
    assert rig.stored("api") == before
    rig.accept()
    rig.applied()
    assert WORD not in json.dumps(without(rig.stored("api"), "pre_build"))


@pytest.mark.parametrize("path", HELD)
def test_an_accepted_loss_is_sent_back_all_the_same_where_it_can_be_seen(rig: Rig, path: str):
    """Somebody let it go when nothing showed it; now something does, and the acceptance is told to be spent."""
    before = recorded(rig, path)
    rig.write(plain(build_script="second\n", repo_info=[REPO]))
    rig.deep = False
    rig.accept()
    rig.deep = True
    assert only(rig).losses == ()
    assert [f'accept_loss "{path}"' in notice for notice in rig.plan().notices] == [True]
    rig.applied()
    assert without(rig.stored("api"), "scripts") == without(before, "scripts")


def test_an_exact_record_that_marks_nothing_hidden_asks_for_no_internal_read(rig: Rig):
    """The positive control of `tests/test_losses.py` holds for a build with a credential, too."""
    rig.environ = {"BUILD_PW": WORD}
    value = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    rig.write(plain(build_script="first\n", parameters=[value]))
    rig.applied()
    rig.quiet()
    rig.write(plain(build_script="second\n", parameters=[value]))
    rig.applied()
    assert [r["path"] for r in rig.requests() if "aslan" in r["path"]] == []
