"""What a restore took from the environment, and what repeats a credential, stays out of the ledger whatever comes next.

A credential may be changed, by Git or by the page, while texts still repeat the old one: the ledger's mark is then
all that says what they are. So it goes on from record to record, in lists too, and is kept of builds that are not ours.
"""

from __future__ import annotations

import copy
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.page import PLAIN, TEMPLATE, made
from tests.rig import plain, template
from tests.test_no_secret_anywhere import LOOSE, REPO, Scene, deep, kept, scene

__all__ = ["deep", "scene"]

BLOCK = {"cluster_name": "gpu-cluster", "timeout": 7}


def talking(scene: Scene, word: str) -> dict[str, Any]:
    """A build of the page whose script, label and list of choices repeat its credential."""
    build = made(PLAIN, name="api", scripts=f"login {word}\n", desc="")
    build["pre_build"]["envs"] = [
        {"key": "PW", "value": word, "type": "string", "is_credential": True},
        {"key": "PICK", "value": "b", "type": "choice", "choice_option": [word, "b"]},
    ]
    build["pre_build"]["custom_labels"] = [{"key": "l", "value": word}]
    build["post_build"]["scripts"] = "echo done"
    return build


def rotating(scene: Scene) -> dict[str, Any]:
    """Parameters of a definition that gives the credential another value and keeps everything else."""
    credential = {"key": "PW", "type": "string", "is_credential": True, "default_value": scene.env("BUILD_PW")}
    return {"parameters": [credential, {"key": "PICK", "type": "choice"}], "repo_info": [REPO]}


def test_a_list_that_repeated_a_credential_stays_secret_when_that_one_changes(scene: Scene):
    """A list cannot be sealed: its mark alone says what it holds, to the next record, a conversion and a backup."""
    scene.front.emulator.set_settings({"internal_read": True})
    scene.have(talking(scene, scene.plant("credential", odd="-1-")))
    for timeout in (7, 8, 9):
        scene.write(plain("api", **rotating(scene), advanced_settings={**BLOCK, "timeout": timeout}))
        scene.accept()
        scene.done("apply", "--yes", "-v")
        scene.meddle("api", lambda build: build.update(timeout=60))
        assert scene.leaks() == []
    assert any("Vz" in option for option in scene.stored("api")["pre_build"]["envs"][1]["choice_option"])
    scene.done(
        "export", "--out", "../taken", "--ledger", str(scene.folder / ".reconciler/ledger.db"), "--project", "yaml"
    )
    scene.write(template("api"))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "-v")
    assert len(kept(scene)) >= 1
    scene.silent()


@pytest.mark.parametrize("owner", ["own", "other"])
def test_what_a_conversion_ends_is_told_without_credentials(scene: Scene, deep: bool, owner: str):
    """In force on the server and not declared: a loss, whose value is told but for what repeats a credential."""
    word = scene.plant("credential", odd="-1-")
    build = talking(scene, word)
    if owner == "other":
        build["pre_build"]["envs"][0]["is_credential"] = False
        build["pre_build"]["envs"][0]["value"] = f"a copy of {word}"
    other = made(TEMPLATE, name="tpl", desc="")
    for env in other["targets"][0]["envs"]:
        env["value"] = word if env["key"] == "pw" else env["value"]
    scene.have(build, other)
    scene.write(template("api"), template("tpl", repo_info=[REPO]))
    scene.look()
    assert "login (sensitive)" in scene.said(5)
    scene.accept()
    scene.done("apply", "--yes", "-v")
    scene.silent()


def brought_back(scene: Scene, folder: Path) -> None:
    """Restore a backup with a value of its own for each variable that it asks for."""
    for item in json.loads((folder / "backup.json").read_text(encoding="utf-8"))["masked"]:
        scene.env(item["env"])
    scene.done("restore", str(folder), "--yes", "-v")


def told_of(scene: Scene, what: str) -> dict[str, Any]:
    """What the ledger holds of the project's builds: its `records`, its `marks`."""
    with sqlite3.connect(scene.folder / ".reconciler" / "ledger.db") as db:
        ((body,),) = db.execute("SELECT body FROM documents WHERE project = 'yaml'")
    db.close()
    found: dict[str, Any] = json.loads(body)[what]
    return found


def test_what_came_back_from_variables_stays_secret_in_a_build_that_is_not_ours(scene: Scene):
    """Written over, deleted, and both brought back: the first was nobody's, and its values came from variables."""
    scene.have(talking(scene, scene.plant("credential", odd="-1-")))
    scene.write(plain("api", build_script="new\n", repo_info=[REPO], advanced_settings={**BLOCK, "custom_labels": []}))
    scene.accept()
    scene.done("apply", "--yes", "-v")
    scene.write(plain("stays"))
    scene.accept("--prune", "owned", *LOOSE)
    scene.run("apply", "--prune", "owned", "--yes", "-v", *LOOSE)
    first, second = kept(scene)
    brought_back(scene, first)
    assert "Vz" in scene.stored("api")["scripts"]
    assert ("api" in told_of(scene, "records"), "build_script" in told_of(scene, "marks")["api"]) == (False, True)
    before = copy.deepcopy(scene.stored("api"))
    scene.write(plain("api", repo_info=[REPO], advanced_settings={**BLOCK, "timeout": 11}))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "-v")
    assert scene.stored("api")["scripts"] == before["scripts"], "kept, so that the record is about it"
    assert scene.leaks() == []
    assert "build_script" in told_of(scene, "records")["api"]["secrets"]
    assert told_of(scene, "marks") == {}, "the record has them now"
    brought_back(scene, second)
    scene.silent()
