"""The witness of every apply: it counts, it is not asked, and it fails on what nobody named."""

from __future__ import annotations

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, Request, running
from reconciler.plan.step import Action, Block, Blocked, Plan, PlannedLoss, Step
from reconciler.workflow.apply import Options, locked
from reconciler.workflow.plan import World
from tests.rig import TOKEN, Rig, Stored, plain, template
from tests.wire_transport import transport_to
from tests.witness import WITNESS, Witness
from tests.witness_difference import differences
from tests.witness_judge import from_json, named, to_json

ROOT = Path(__file__).parents[1]
URL = "http://zadig.example"
OURS = {"user-agent": "zadig-reconciler/0", "host": "zadig.example"}

REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}
MODE = {"key": "MODE", "type": "string", "default_value": "a"}
SERVICE = {"service_name": "shop", "service_module": "web"}
ADVANCED = {"cluster_name": "gpu-cluster", "timeout": 30, "outputs": ["bb"]}


def base(script: str) -> dict[str, Any]:
    """A build that declares something of everything that a page's user may add to."""
    return plain(
        build_script=script, repo_info=[REPO], parameters=[MODE], services=[SERVICE], advanced_settings=ADVANCED
    )


def made(mode: str) -> dict[str, Any]:
    return template("api", repo_info=[REPO], inputs=[{"key": "mode", "value": mode}])


def put(*keys: Any, value: Any) -> Callable[[Stored], None]:
    """An edit of one place, as the page makes it."""

    def edit(stored: Stored) -> None:
        *way, leaf = keys
        level: Any = stored
        for key in way:
            level = level[key]
        level[leaf] = value

    return edit


REPO_0, ENV_0, OUTPUT_2 = ("repos", 0), ("pre_build", "envs", 0), ("outputs", 2)
TARGET = ("targets", 0)
HOLD = {"enabled": True, "object_storage_id": "5", "upload_detail": [{"file_path": "a"}]}
VOLUME = {"enabled": True, "storages_properties": [{"mount_path": "/data", "pvc": "claim"}]}

PLANTED: dict[str, Callable[[Stored], None]] = {
    "post_build.scripts": put("post_build", "scripts", value="echo done\n"),
    "post_build.file_archive.file_location": put("post_build", "file_archive", value={"file_location": "/a"}),
    "post_build.object_storage_upload.object_storage_id": put("post_build", "object_storage_upload", value=HOLD),
    "vm_labels": put("vm_labels", value=["linux"]),
    "sshs": put("sshs", value=["host-1"]),
    "pm_deploy_scripts": put("pm_deploy_scripts", value="restart\n"),
    "pre_build.enable_proxy": put("pre_build", "enable_proxy", value=True),
    "repos[org/demo].tag": put(*REPO_0, "tag", value="v1"),
    "repos[org/demo].merge_branches": put(*REPO_0, "merge_branches", value=["dev"]),
    "repos[org/demo].hidden": put(*REPO_0, "hidden", value=True),
    "repos[org/demo].is_primary": put(*REPO_0, "is_primary", value=True),
    "repos[org/demo].param_name": put(*REPO_0, "param_name", value="REPO"),
    "repos[org/demo].commit_id": put(*REPO_0, "commit_id", value="0a1b2c3"),
    "pre_build.envs[MODE].script": put(*ENV_0, "script", value="print(1)"),
    "pre_build.envs[MODE].required": put(*ENV_0, "required", value=True),
    "pre_build.envs[MODE].description": put(*ENV_0, "description", value="which way"),
    "pre_build.envs[MODE].choice_option": put(*ENV_0, "choice_option", value=["a", "b"]),
    "pre_build.storages.storages_properties[/data]": put("pre_build", "storages", value=VOLUME),
    "pre_build.custom_labels[team]": put("pre_build", "custom_labels", value=[{"key": "team", "value": "a"}]),
    "pre_build.installs[go]": put("pre_build", "installs", value=[{"name": "go", "version": "1.21"}]),
    "outputs[bb].description": put(*OUTPUT_2, "description", value="what it is"),
    "targets[shop/web].repos[org/demo]": put(*TARGET, "repos", value=[{"repo_owner": "org", "repo_name": "demo"}]),
    "targets[shop/web].envs[X]": put(*TARGET, "envs", value=[{"key": "X", "value": "1"}]),
    "enable_privileged_mode": put("enable_privileged_mode", value=True),
    "cache_enable": lambda stored: stored.update(cache_enable=True, cache_dir_type="workspace"),
    "pre_build.res_req_spec.cpu_limit": put("pre_build", "res_req_spec", "cpu_limit", value=4000),
    "timeout": put("timeout", value=90),
}
"""What a plain update takes away from a build that had it, in the store's words."""

PLANTED_IN_A_TEMPLATE = {
    "targets[shop/web].repos[org/demo].tag": put(*TARGET, "repos", 0, "tag", value="v1"),
    "targets[shop/web].envs[flags].choice_value": lambda s: s["targets"][0]["envs"][3].update(choice_value=["z"]),
    "targets[shop/api]": lambda s: s["targets"].append({"service_name": "shop", "service_module": "api"}),
}


class Page:
    """A server on which somebody saves the page in the moment before our write arrives."""

    def __init__(self, rig: Rig, edit: Callable[[Stored], None]) -> None:
        self.rig, self.edit = rig, edit

    def handle(self, request: Request) -> Any:
        if request.method == "PUT" and request.body:
            self.rig.meddle("api", self.edit, user="")
        return self.rig.emulator.handle(request)


def write_over(rig: Rig, edit: Callable[[Stored], None], doctor: Callable[[Step], Step] = lambda step: step) -> None:
    """Apply what the tree says, and save the page right before the write arrives."""
    planned = rig.planned()
    planned = replace(planned, plan=replace(planned.plan, steps=tuple(doctor(step) for step in planned.plan.steps)))
    world = World({}, str(rig.tree), lambda: transport_to(Page(rig, edit)), rig.world.clock)
    with locked(rig.settings, planned, world, Options()) as outcomes:
        assert len(list(outcomes)) == 1


def lose(rig: Rig, edit: Callable[[Stored], None], doctor: Callable[[Step], Step] = lambda step: step) -> None:
    """Apply an update that knows nothing of the edit."""
    rig.write(base("one\n"))
    rig.applied()
    rig.write(base("two\n"))
    write_over(rig, edit, doctor)


def overwrite(rig: Rig, edit: Callable[[Stored], None], doctor: Callable[[Step], Step] = lambda s: s) -> list[str]:
    """Do so, and return what the witness saw."""
    lose(rig, edit, doctor)
    return WITNESS.take()


def places(seen: list[str]) -> list[str]:
    """The places that the witness named, without what became of them."""
    return [one.split(": ")[1] for one in seen]


# it fails on what is lost


@pytest.mark.parametrize("path", PLANTED)
def test_what_an_update_erases_without_naming_it_is_seen(rig: Rig, path: str):
    """The store had it, the plan does not say so, and it is gone or reset."""
    assert path in places(overwrite(rig, PLANTED[path]))


@pytest.mark.parametrize("path", PLANTED)
def test_what_the_plan_names_and_the_user_accepted_is_no_offence(rig: Rig, path: str):
    """Each one in the store's words, a list or an object as a whole."""
    names = {path.partition("[")[0] if path.endswith("]") and "shop" not in path else path}
    names |= {"cache_dir_type"} if path == "cache_enable" else set()
    names |= {path.rpartition(".")[0]} if path.startswith("post_build.object") else set()
    names |= {"pre_build.storages"} if "storages" in path else set()
    losses = tuple(PlannedLoss(name, "", accepted=True) for name in names)
    assert overwrite(rig, PLANTED[path], lambda step: replace(step, losses=losses)) == []


@pytest.mark.parametrize("path", ["vm_labels", "post_build.scripts"])
def test_a_loss_that_nobody_accepted_explains_nothing(rig: Rig, path: str):
    losses = (PlannedLoss(path, ""), PlannedLoss("unreadable", ""))
    assert places(overwrite(rig, PLANTED[path], lambda step: replace(step, losses=losses))) == [path]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("repos[org/demo].tag", "repo_info[org/demo].tag"),
        ("pre_build.envs[MODE].script", "parameters[MODE].script"),
        ("enable_privileged_mode", "advanced_settings.privileged_mode"),
        ("targets[shop/web].envs[X]", "services[shop/web].envs[X]"),
        ("pre_build.custom_labels[team]", "advanced_settings.custom_labels"),
        ("cache_enable", "advanced_settings.cache_setting"),
    ],
)
def test_a_loss_may_be_named_in_the_words_of_a_definition(rig: Rig, path: str, words: str):
    loss = PlannedLoss(words, "", accepted=True)
    assert overwrite(rig, PLANTED[path], lambda step: replace(step, losses=(loss,))) == []


@pytest.mark.parametrize("path", ["vm_labels", "repos[org/demo].tag", "enable_privileged_mode", "post_build.scripts"])
def test_the_loss_of_what_cannot_be_seen_covers_nothing_that_can(rig: Rig, path: str):
    """`unreadable`, accepted, is no licence for the post-build script, which detail shows."""
    loss = PlannedLoss("unreadable", "", accepted=True)
    seen = overwrite(rig, PLANTED[path], lambda step: replace(step, losses=(loss,)))
    assert places(seen) == (["post_build.scripts"] if path == "post_build.scripts" else [])


@pytest.mark.parametrize("path", PLANTED_IN_A_TEMPLATE)
def test_what_an_update_from_a_template_erases_is_seen(rig: Rig, path: str):
    rig.write(made("fast"))
    rig.applied()
    rig.write(made("slow"))
    write_over(rig, PLANTED_IN_A_TEMPLATE[path])
    assert places(WITNESS.take()) == [path]


def test_what_a_definition_says_and_no_plan_shows_is_no_offence(rig: Rig):
    """Declared and unreadable: privileged mode is written along with the script, and mentioned in Git."""
    document = {**base("one\n"), "advanced_settings": {**ADVANCED, "privileged_mode": False}}
    rig.write(document)
    rig.applied()
    rig.write({**document, "build_script": "two\n"})
    write_over(rig, PLANTED["enable_privileged_mode"])
    assert WITNESS.take() == []
    assert rig.stored("api")["enable_privileged_mode"] is False


def test_a_setting_that_detail_shows_has_to_be_in_the_plan_though_it_is_declared(rig: Rig):
    """Git says 30, the page 90: a plan that does not say so must not make it 30."""
    assert places(overwrite(rig, PLANTED["timeout"])) == ["timeout"]


def harmless(stored: Stored) -> None:
    """Everything that section 3 of the contract calls no loss."""
    stored.update(caches=["/x"], advanced_setting_modified=False, cache_user_dir="/idle", cache_dir_type="workspace")
    stored["pre_build"].update(res_req="high", build_os="focal", image_from="x", clean_workspace=True, upload_pkg=True)
    stored["pre_build"].update(namespace="n", cluster_source="s", parameters=[{"name": "p", "default_value": "1"}])
    stored["pre_build"].update(storages={"enabled": False, "storages_properties": [{"mount_path": "/off"}]})
    stored["repos"][0].update(address="http://git", oauth_token="t", username="u", disable_ssl=True, submission_id="7")
    stored["repos"][0].update(repo_index=3, prs=[], tag="", use_default=False)
    stored["targets"][0].update(build_name="api", envs=[])
    stored["post_build"].update(object_storage_upload={"enabled": False, "object_storage_id": "5"})


def test_what_the_contract_calls_harmless_may_change(rig: Rig):
    """And it did change, so that the silence means something."""
    assert overwrite(rig, harmless) == []
    stored = rig.stored("api")
    assert not (stored["caches"] or stored["pre_build"]["clean_workspace"] or stored["repos"][0]["address"])


# it judges steps, and our own requests alone


def doctored(before: Stored | None, after: Stored | None, *steps: Step, **headers: str) -> list[str]:
    """What a new witness sees of one write during a plan of these steps."""
    witness = Witness()
    witness.hear("reconciler.apply.begun", (URL, Plan(steps)))
    request = Request("PUT", "/openapi/build", headers={**OURS, **headers})
    witness.hear("reconciler.emulator.written", (request, before, after))
    return witness.take()


def step_of(action: Action, name: str = "api", project: str = "yaml", **more: Any) -> Step:
    return Step(action, project, name, "", **more)


BUILD: Stored = {"name": "api", "product_name": "yaml", "scripts": "one\n"}
BLOCKED = Blocked(Block.LOSS, "", "")


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE, Action.KEEP])
def test_a_build_that_no_step_makes_is_seen(action: Action):
    assert doctored(None, BUILD, step_of(Action.CREATE)) == []
    assert places(doctored(None, BUILD, step_of(action))) == ["(build)"]
    assert places(doctored(None, BUILD, step_of(Action.CREATE, "other"))) == ["(build)"]


@pytest.mark.parametrize("action", [Action.UPDATE, Action.CREATE, Action.CONVERT, Action.KEEP])
def test_a_build_that_no_step_deletes_is_seen(action: Action):
    """Neither another step of the same build explains it, nor the delete of its namesake in another project."""
    assert doctored(BUILD, None, step_of(Action.DELETE)) == []
    assert places(doctored(BUILD, None, step_of(action))) == ["(build)"]
    assert places(doctored(BUILD, None, step_of(Action.DELETE, project="demo"))) == ["(build)"]
    assert places(doctored(BUILD, None, step_of(Action.DELETE, blocked=BLOCKED))) == ["(build)"]


def test_an_old_build_that_a_failed_move_puts_back_is_explained(rig: Rig):
    """The delete says what is made again."""
    rig.write(plain())
    desired = rig.load().definitions[0].build
    assert doctored(None, BUILD, step_of(Action.DELETE, restore=desired)) == []
    assert places(doctored(None, BUILD, step_of(Action.DELETE))) == ["(build)"]


def test_a_build_that_no_step_writes_is_seen():
    """Also where its only step is blocked or a keep, or nobody applies at all."""
    after = {**BUILD, "update_time": 1}
    assert doctored(BUILD, after, step_of(Action.UPDATE)) == []
    for step in (step_of(Action.KEEP), step_of(Action.UPDATE, blocked=BLOCKED), step_of(Action.UPDATE, "other")):
        assert places(doctored(BUILD, after, step)) == ["(build)"]
    assert "nobody applies" in doctored(BUILD, after, step_of(Action.UPDATE), host="elsewhere:8400")[0]


@pytest.mark.parametrize(("sources", "seen"), [(("template", "template"), 0), (("local", "local"), 1)])
def test_the_file_of_a_step_whose_dockerfile_is_a_template_means_nothing(sources: tuple[str, str], seen: int):
    """And means something where it is a file."""
    before, after = (
        {**BUILD, "post_build": {"docker_build": {"source": source, "docker_file": name}}}
        for source, name in zip(sources, ("D", ""), strict=True)
    )
    assert len(doctored(before, after, step_of(Action.UPDATE))) == seen


def test_what_others_write_is_not_judged():
    """A request that is not ours is somebody's page."""
    witness = {"user-agent": "Mozilla/5.0"}
    assert doctored(BUILD, None, step_of(Action.KEEP)) != []
    assert doctored(BUILD, None, step_of(Action.KEEP), **witness) == []


def test_a_witness_that_fails_says_so():
    """It never disturbs whom it watches, and never keeps silent either."""
    witness = Witness()
    witness.hear("reconciler.emulator.written", ("no request", None, None))
    assert "witness itself failed" in witness.take()[0]


# the difference


@pytest.mark.parametrize(
    ("before", "after", "paths"),
    [
        ({"a": "", "b": [], "c": {"d": 0}}, {}, []),
        ({"a": {"enabled": False, "x": 1}}, {}, []),
        ({"a": {"enabled": True, "x": 1}}, {}, ["a.enabled", "a.x"]),
        ({"repos": [{"repo_owner": "o", "repo_name": "r"}]}, {"repos": []}, ["repos[o/r]"]),
        ({"repos": [{"repo_owner": "o", "repo_name": "r", "repo_namespace": "/o/"}]}, {}, ["repos[o/r]"]),
        ({"envs": [{"key": "a"}, {"key": "b"}]}, {"envs": [{"key": "b"}, {"key": "a"}]}, ["envs"]),
        ({"envs": [{"key": "a", "value": "1"}] * 2}, {"envs": [{"key": "a", "value": "1"}]}, ["envs[a#2]"]),
        ({"envs": [{"key": "a", "value": "1"}]}, {"envs": [{"key": "a", "value": "2"}]}, ["envs[a].value"]),
        ({"repos": [{"repo_owner": "o"}]}, {"repos": [{"repo_owner": "o", "repo_namespace": "o"}]}, []),
        ({"sshs": ["a", "b"]}, {"sshs": ["b", "a"]}, ["sshs"]),
    ],
)
def test_two_documents_differ_where_they_mean_something_else(before: Stored, after: Stored, paths: list[str]):
    """Absent is empty, elements are found by their keys, order counts."""
    assert [d.path for d in differences(before, after)] == paths
    assert [d.path for d in differences(after, before)] == paths


def test_what_a_plan_names_survives_the_way_to_another_process(rig: Rig):
    rig.write(base("one\n"), template())
    told = named(rig.plan())
    assert len(told) == 2
    assert [from_json(json.loads(json.dumps(to_json(one)))) for one in told] == told


# it counts, and nobody asks it to


def counts() -> tuple[int, int]:
    return WITNESS.counts()


def test_every_apply_and_every_write_is_counted(rig: Rig):
    """Two creates, then one update beside a keep; a plan and a dry run count nothing."""
    applies, writes = counts()
    rig.write(plain("a"), plain("b"))
    rig.plan()
    rig.apply(Options(dry_run=True))
    assert counts() == (applies, writes)
    rig.applied()
    assert counts() == (applies + 1, writes + 2)
    rig.write(plain("a", build_script="x\n"))
    rig.applied()
    assert counts() == (applies + 2, writes + 3)


def test_an_apply_leaves_other_builds_as_they_are(rig: Rig):
    """Byte for byte, whatever is read and written beside them: the store is changed by what it tells alone."""
    rig.write(base("one\n"), template("t", inputs=[{"key": "mode", "value": "slow"}]), plain("c"))
    rig.applied()
    rig.meddle("t", lambda stored: None, user="")
    kept = {name: copy.deepcopy(rig.stored(name)) for name in ("t", "c")}
    rig.write(base("two\n"))
    rig.applied()
    rig.plan()
    assert {name: rig.stored(name) for name in kept} == kept
    assert rig.stored("api")["scripts"] == "two\n"


class Paged(Emulator):
    """A served emulator on which the page is saved right before our write."""

    def handle(self, request: Request) -> Any:
        if request.method == "PUT" and request.body:
            builds = self.state()["builds"]
            for build in builds:
                build["vm_labels"] = ["linux"]
            self.set_state(None, builds)
        return super().handle(request)


@pytest.mark.parametrize("process", [False, True], ids=["in this process", "in a process of its own"])
def test_the_command_line_is_witnessed(tmp_path: Path, monkeypatch, capsys, process: bool):
    """Whether it runs here or elsewhere: its applies count, and what it loses is seen."""
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    for name in ("CI", "RECONCILER_LEDGER"):
        monkeypatch.delenv(name, raising=False)
    applies, writes = counts()
    with running(Paged()) as url:
        for script in ("one\n", "two\n"):
            (tmp_path / "reconciler.yaml").write_text(f"server: {url}\nprojects: [yaml]\n", "utf-8")
            (tmp_path / "api.json").write_text(json.dumps(plain(build_script=script)), "utf-8")
            arguments = ["apply", str(tmp_path), "--yes"]
            if process:
                subprocess.run([sys.executable, "-m", "reconciler", *arguments], cwd=ROOT, check=True)
            else:
                assert call(arguments) == 0
    assert counts() == (applies + 2, writes + 2)
    assert places(WITNESS.take()) == ["vm_labels"]


SUITE = """
import pytest
from tests.test_witness import PLANTED, base, lose

def test_loses(rig):
    lose(rig, PLANTED["vm_labels"])

def test_loses_through_the_rig(rig):
    rig.write(base("one"))
    rig.applied()
    rig.meddle("api", PLANTED["vm_labels"], user="")
    rig.write(base("two"))
    rig.apply()

@pytest.mark.witness_allows("vm_*", reason="shown here")
def test_is_excused(rig):
    lose(rig, PLANTED["vm_labels"])

@pytest.mark.witness_allows("vm_labels", reason="for one place, not for all")
def test_is_excused_for_something_else(rig):
    lose(rig, lambda stored: stored.update(vm_labels=["linux"], sshs=["host-1"]))

@pytest.mark.witness_allows("sshs", reason="nothing happens")
def test_is_excused_for_nothing(rig):
    rig.write(base("one"))
    rig.applied()

def test_is_innocent(rig):
    rig.write(base("one"))
    rig.applied()
"""


def test_a_test_that_asks_for_nothing_fails_on_a_loss(tmp_path: Path):
    """The fixture runs by itself; an excuse is for one place, and one that excuses nothing fails too."""
    suite = tmp_path / "test_suite.py"
    suite.write_text(SUITE, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "tests.conftest", "-p", "no:cacheprovider", "-c",
         str(tmp_path / "pytest.ini"), "--import-mode=importlib", str(suite)],
        cwd=ROOT, env={**os.environ, "WITNESS_FOLDER": "", "PYTEST_ADDOPTS": ""},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = sorted(re.findall(r"^(FAILED|ERROR) \S*::(\w+)", ran.stdout, re.MULTILINE))
    assert told == [
        ("ERROR", "test_is_excused_for_nothing"),
        ("ERROR", "test_is_excused_for_something_else"),
        ("ERROR", "test_loses"),
        ("FAILED", "test_loses_through_the_rig"),
    ], ran.stdout + ran.stderr
    assert "PUT of yaml/api: vm_labels: ['linux'] → []" in ran.stdout
    assert "PUT of yaml/api: sshs: ['host-1'] → []" in ran.stdout
    assert "excused, and nothing happened" in ran.stdout
    assert "witness: 10 applies, 10 writes seen" in ran.stdout
