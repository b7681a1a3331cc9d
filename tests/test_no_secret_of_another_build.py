"""People copy builds with the password still in them: what repeats any build's credential comes out nowhere.

One build and one template build have a credential each, and repeat it in every text that they hold; a copy of each
repeats it too, without having it. Beginning, exporting, adopting, planning, applying and restoring must not tell it.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.page import PLAIN, TEMPLATE, made
from tests.rig import plain, template
from tests.test_no_secret_anywhere import LOOSE, REPO, Scene, back, deep, kept, repeating, scene

__all__ = ["deep", "scene"]

FORMS: dict[str, Callable[[str], str]] = {
    "clear": str,
    "base64 behind a name": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
}


@pytest.fixture(params=FORMS)
def form(request) -> Callable[[str], str]:
    """How the copies are written; `tests/test_pasted.py` has all the forms."""
    return FORMS[request.param]


def talkative(name: str, text: str) -> dict[str, Any]:
    """A build of the page of which every setting that can hold a text repeats one."""
    build = made(PLAIN, name=name, scripts=f"#!/bin/sh\nset -e\nmake\nlogin {text}\n", desc=text, cache_user_dir=text)
    build["cache_enable"] = True
    build["targets"][0]["build_name"] = name
    build["pre_build"].update(
        envs=[
            {"key": "URL", "value": f"https://x/{text}", "type": "string", "description": f"see {text}"},
            {"key": "PICK", "value": text, "type": "choice", "choice_option": [text, "b"]},
        ],
        installs=[{"name": "go", "version": text}],
        custom_labels=[{"key": "l", "value": text}],
        custom_annotations=[{"key": "a", "value": text}],
        storages={"enabled": True, "storages_properties": [{"mount_path": "/x", "subpath": text, "pvc": text}]},
    )
    build["repos"] = [{**PLAIN["repos"][0], "branch": text, "checkout_path": text, "remote_name": text}]
    build["post_build"]["docker_build"].update(build_args=f"--build-arg T={text}", docker_file=text, work_dir=text)
    build["post_build"]["scripts"] = f"echo {text}"
    build["outputs"] = [*PLAIN["outputs"], {"name": "Y", "description": text}]
    return build


def from_template(name: str, text: str, credential: str = "") -> dict[str, Any]:
    """A build from the template that repeats a text; with the credential, where one is given."""
    build = made(TEMPLATE, name=name, desc=text)
    target = build["targets"][0]
    target.update(build_name=name, repos=[{**PLAIN["repos"][0], "branch": text}])
    for env in target["envs"]:
        env["value"] = credential if env["key"] == "pw" else text
    return build


def company(scene: Scene, form: Callable[[str], str]) -> None:
    """Let the server have two credentials, and everything that repeats them."""
    word, chosen = scene.plant("credential"), scene.plant("input")
    owner = talkative("api", form(word))
    credential = {"key": "PW", "value": word, "type": "string", "is_credential": True, "description": form(word)}
    owner["pre_build"]["envs"].append(credential)
    jenkins = made(PLAIN, name="jenkins", source="jenkins", desc=form(word), scripts=form(word))
    copies = talkative("copy", form(word)), from_template("tpl-copy", form(chosen))
    scene.have(owner, from_template("tpl", form(chosen), chosen), *copies, jenkins)
    repeating(scene)


def names(scene: Scene) -> list[str]:
    return [build["name"] for build in scene.front.emulator.state()["builds"] if build["source"] != "jenkins"]


def drift(scene: Scene) -> None:
    """Let the page write every build."""
    for name in names(scene):
        scene.meddle(name, lambda b: b.update(timeout=b.get("timeout", 0) + 7, scripts=b.get("scripts", "") + "more\n"))


def test_a_server_becomes_a_tree(scene: Scene, deep: bool, form: Callable[[str], str]):
    """Begun, exported, planned, adopted, drifted, taken in again, with a server that fails and repeats everything."""
    company(scene, form)
    scene.done("init", "begun", "--force", "--ci", "github", "--no-input")
    scene.done("export", "-v")
    scene.run("export", "--format", "json", "--credentials", "omit")
    scene.done("validate")
    scene.look("--out", "saved.plan")
    scene.run("adopt", "--dry-run", "-v")
    scene.done("adopt", "--yes")
    assert "4 builds" in scene.said()
    scene.run("adopt", "--yes", "--format", "json")
    scene.run("config", "-v", "--format", "json")
    drift(scene)
    scene.look()
    scene.run("adopt", "-v")
    scene.done("adopt", "--yes", "--allow-drift", "-v")
    drift(scene)
    scene.front.emulator.set_faults([{"kind": "500-json", "probability": 0.3, "seed": 5}])
    for command in (["export", "-v"], ["adopt", "--yes", "-v"], ["init", "again", "--force", "--no-input"]):
        scene.run(*command)
    scene.front.emulator.set_faults([])
    scene.done("export", "--force", "-v")
    scene.silent()


@pytest.mark.parametrize("end", ["prune", "restore"])
def test_the_copy_is_written_and_kept(scene: Scene, deep: bool, end: str):
    """Losses, differences, saved plans, records of an apply, and backups; then a delete, or what restores them.

    A restore gives the credentials other values, so that nobody can know the old ones from then on: it comes last.
    """
    company(scene, str)
    settings = {"cluster_name": "gpu-cluster", "timeout": 7}
    api = plain("api", repo_info=[REPO], build_script="new\n", advanced_settings=settings)
    half = plain("copy", repo_info=[REPO], advanced_settings=settings)
    scene.write(api, half, *(template(name, repo_info=[REPO]) for name in ("tpl", "tpl-copy")))
    scene.look()
    scene.accept()
    scene.look("--out", "saved.plan")
    scene.run("apply", "--plan", "saved.plan", "--yes", "-v")
    assert kept(scene) != []
    if end == "restore":
        back(scene)
    else:
        drift(scene)
        scene.look()
        scene.run("apply", "--yes", "-v")
        scene.write(api, template("tpl", repo_info=[REPO]))
        scene.look("--prune", "owned", *LOOSE)
        scene.run("apply", "--prune", "owned", "--yes", "-v", *LOOSE)
        assert {"api", "tpl"} == {*names(scene)}
    scene.silent()


def test_what_is_a_common_word_elsewhere_is_told(scene: Scene):
    """The positive control: a credential without a digit in it is a word that texts have anyway, and hides nothing."""
    owner, other = made(PLAIN, name="api"), made(PLAIN, name="other")
    owner["pre_build"]["envs"][1]["value"] = "docker-registry"
    other["post_build"]["scripts"] = "push to docker-registry"
    scene.have(owner, other)
    scene.write(plain("api", repo_info=[REPO]), plain("other", build_script="new", repo_info=[REPO]))
    scene.run("plan")
    assert "push to docker-registry" in scene.said()


def test_a_copy_may_be_written_when_its_loss_is_accepted(scene: Scene):
    """The mask in a loss does not make the build look changed between the plan and the write."""
    word = scene.plant("credential", odd="-1-")
    owner, other = made(PLAIN, name="api"), made(PLAIN, name="other", post_build=copy.deepcopy(PLAIN["post_build"]))
    owner["pre_build"]["envs"][1]["value"] = word
    other["post_build"]["scripts"] = f"echo {word}"
    scene.have(owner, other)
    scene.write(plain("api", repo_info=[REPO]), plain("other", build_script="new", repo_info=[REPO]))
    scene.accept()
    scene.run("apply", "--yes", "-v")
    assert scene.stored("other")["post_build"]["scripts"] == ""
    scene.silent()
