"""Plain ↔ template: what this tree had declared is a change, everything else that was in force is a loss.

A template update leaves the plain settings in the store, where nothing reads them; a plain one erases the
template and what was left (contract, section 3; recordings 11 and 14).
"""

from __future__ import annotations

import copy
import dataclasses
import json
from typing import Any

import pytest

from reconciler.emulator import Request, Response
from reconciler.model.change import ChangeKind
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action, Block, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from reconciler.workflow.apply import Options, locked
from tests.page import PLAIN, TEMPLATE, TEMPLATE_ID, differences, made
from tests.rig import Rig, plain, template

REPO = {"codehost_name": "github-demo", "repo_namespace": "org", "repo_name": "web", "branch": "main"}
INPUTS = [
    {"key": "mode", "value": "slow", "type": "choice", "is_credential": False},
    {"key": "pw", "value": "input-canary", "type": "string", "is_credential": True},
]
FROM_TEMPLATE = template("api", repo_info=[REPO], inputs=INPUTS)
AS_PLAIN = plain(
    build_script="make\n",
    repo_info=[REPO],
    parameters=[{"key": "PW", "type": "string", "is_credential": True, "default_value": "plain-canary"}],
    services=[{"service_name": "shop", "service_module": "web"}, {"service_name": "shop", "service_module": "old"}],
    advanced_settings={"cluster_name": "gpu-cluster", "timeout": 30, "privileged_mode": True},
)
KINDS = {"to a template": (AS_PLAIN, FROM_TEMPLATE), "to plain": (FROM_TEMPLATE, AS_PLAIN)}


def only(rig: Rig) -> Step:
    (step,) = rig.plan().steps
    return step


def paths(step: Step, *kinds: ChangeKind) -> list[str]:
    return [change.path for change in step.changes if change.kind in kinds]


def said(rig: Rig) -> str:
    plan = rig.plan()
    return render_plan(plan, Style(verbose=True)) + dump(plan_document(plan)) + repr(plan)


def is_as(rig: Rig, document: dict[str, Any]) -> None:
    """The store holds what a create of this definition would have made, as far as its kind is read."""
    fresh = copy.deepcopy(document) | {"name": "fresh"}
    rig.write(fresh, file="fresh.json")
    rig.applied()
    left, right = rig.stored("api"), rig.stored("fresh")
    keys = ("template_id", "targets") if "template_name" in document else tuple(right)
    ignored = {"name", "update_time", "desc", "team", "id"}
    assert {k: left.get(k) for k in keys if k not in ignored} == {k: right.get(k) for k in keys if k not in ignored}


@pytest.mark.parametrize("way", KINDS)
def test_our_own_tree_converts_without_a_loss(rig: Rig, seeing: bool, way: str):
    """What the last apply declared is shown as ending, and nothing has to be let go; nothing hidden is asked."""
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()
    rig.write(after)
    rig.quiet()
    step = only(rig)
    assert (step.action, step.blocked, step.losses) == (Action.CONVERT, None, ())
    assert [r for r in rig.requests() if "aslan" in r["path"]] == []
    gone = paths(step, ChangeKind.REMOVED)
    if way == "to a template":
        assert {"build_script", "repo_info", "parameters", "advanced_settings.timeout", "services[shop/old]"} <= set(
            gone
        )
        assert "services[shop/web]" not in gone
    else:
        assert gone == ["template_name", "target_services"]
    assert "canary" not in said(rig)
    rig.applied()
    assert rig.plan().empty
    is_as(rig, after)


def test_there_and_back_again_by_our_own_tree(rig: Rig, seeing: bool):
    """Twice converted, the build is the one that it was; of the template's time nothing is left."""
    rig.write(AS_PLAIN)
    rig.applied()
    first = rig.stored("api")
    rig.write(FROM_TEMPLATE)
    rig.applied()
    assert rig.stored("api")["template_id"] == TEMPLATE_ID
    assert rig.stored("api")["scripts"] == "make\n"
    rig.write(AS_PLAIN)
    rig.applied()
    assert rig.plan().empty
    assert differences(first, rig.stored("api")) == set()


CACHED = plain(advanced_settings={"cluster_name": "gpu-cluster", "cache_setting": {"enabled": True, "cache_dir": "/c"}})


def test_a_cache_ends_with_the_conversion_that_names_it(rig: Rig, seeing: bool):
    """What the template build has left of it nothing reads; the way back, which says nothing of it, clears it."""
    rig.write(CACHED)
    rig.applied()
    rig.write(FROM_TEMPLATE)
    assert {f"advanced_settings.cache_setting.{leaf}" for leaf in ("enabled", "cache_dir")} <= set(
        paths(only(rig), ChangeKind.REMOVED)
    )
    rig.applied()
    assert (rig.stored("api")["cache_enable"], rig.stored("api")["cache_user_dir"]) == (True, "/c")
    rig.write(plain())
    assert only(rig).losses == ()
    rig.applied()
    assert not rig.stored("api")["cache_enable"]
    assert rig.plan().empty


LEFT: dict[str, dict[str, Any]] = {
    "advanced_settings.cache_setting": {"cache_enable": True, "cache_user_dir": "/c"},
    "advanced_settings.privileged_mode": {"enable_privileged_mode": True},
    "advanced_settings.custom_labels": {"pre_build": {"custom_labels": [{"key": "a", "value": "b"}]}},
    "advanced_settings.storages": {"pre_build": {"storages": {"enabled": True, "storages_properties": [{}]}}},
    "advanced_settings.use_host_docker_daemon": {"pre_build": {"use_host_docker_daemon": True}},
    "outputs": {"outputs": [{"name": "IMAGE"}, {"name": "PKG_FILE"}, {"name": "X"}]},
}


@pytest.mark.parametrize("what", LEFT)
def test_what_the_page_has_left_of_a_plain_build_is_named_on_the_way_back(rig: Rig, what: str):
    """Somebody made a template build of it in the page, where it can be turned back: until our write."""
    stored = made(TEMPLATE, name="api")
    rig.emulator.set_state(None, [stored])
    rig.write(AS_PLAIN)
    assert "leftover" not in {loss.path for loss in only(rig).losses}
    more = LEFT[what]
    rig.emulator.set_state(
        None, [{**stored, **more, "pre_build": {**stored["pre_build"], **more.get("pre_build", {})}}]
    )
    (loss,) = [loss for loss in only(rig).losses if loss.path == "leftover"]
    assert loss.value == f"the plain build that it was: {what}"
    rig.accept()
    rig.applied()
    assert rig.plan().empty


def page(rig: Rig, way: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A build of the page, of the other kind than its definition."""
    other = {} if way == "to a template" else {"template_id": TEMPLATE_ID, "targets": made(TEMPLATE)["targets"]}
    stored = made(PLAIN, **other)
    stored["post_build"]["scripts"] = "echo done\n"
    stored["vm_labels"] = ["linux"]
    rig.emulator.set_state(None, [stored])
    document = KINDS[way][1]
    rig.write(document)
    return stored, document


@pytest.mark.parametrize("way", KINDS)
def test_a_build_of_the_page_is_converted_only_when_everything_is_let_go(rig: Rig, seeing: bool, way: str):
    """Each thing that was in force is a loss by name; accepted as printed, it is converted and the plan empty."""
    before, document = page(rig, way)
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    lost = {loss.path for loss in step.losses}
    assert ("unreadable" in lost) == (not seeing)
    if way == "to a template":
        assert {
            "build_script",
            "repo_info",
            "parameters",
            "docker_build_step",
            "installs",
            "post_build.scripts",
        } <= lost
        assert ("advanced_settings.privileged_mode" in lost) == seeing
    else:
        assert {"template_name", "target_services"} <= lost
        assert (lost >= {"leftover", "vm_labels", "post_build.scripts"}) == seeing
    assert "canary" not in said(rig)
    rig.apply()
    assert rig.stored("api") == before
    accepted = {loss.path: loss.digest for loss in step.losses}
    for path in accepted:
        rig.accepted["api"] = {key: value for key, value in accepted.items() if key != path}
        assert only(rig).blocked is not None
    rig.accept()
    rig.applied()
    assert rig.plan().empty
    rig.accepted.clear()
    is_as(rig, document)


def test_a_template_build_becomes_a_plain_one_on_the_local_cluster(rig: Rig):
    """A definition that declares advanced settings and no cluster gets the local one, as in a create."""
    rig.write(FROM_TEMPLATE)
    rig.applied()
    rig.write(plain("api", advanced_settings={"timeout": 30}))
    assert only(rig).blocked is None
    rig.applied()
    assert rig.stored("api")["timeout"] == 30
    assert rig.plan().empty


def set_inside_lists(stored: dict[str, Any]) -> None:
    """What somebody sets in the page, inside of what our definition declares."""
    stored["repos"][0]["checkout_path"] = "src"
    stored["pre_build"]["envs"][0]["description"] = "the key"
    stored["post_build"]["docker_build"]["build_args"] = "--pull"


def set_inputs(stored: dict[str, Any]) -> None:
    for item in stored["targets"][0]["envs"]:
        item["value"] = {"mode": "slow", "pw": "page-canary"}.get(item["key"], item["value"])


DOCKER = {"dockerfile_source": "local", "build_context_dir": "."}
INSIDE = {
    "to a template": (
        {**AS_PLAIN, "docker_build_step": DOCKER},
        FROM_TEMPLATE,
        set_inside_lists,
        {"repo_info[org/web].checkout_path", "parameters[PW].description", "docker_build_step.build_args"},
    ),
    "to plain": (
        template("api"),
        AS_PLAIN,
        set_inputs,
        {f"target_services[shop/web].inputs[{key}].value" for key in ("mode", "pw")},
    ),
}


@pytest.mark.parametrize("way", INSIDE)
def test_what_somebody_set_inside_a_declared_list_is_let_go_by_name(rig: Rig, way: str):
    """Our own definition never spoke of it, an update would keep it, and a conversion ends it."""
    before, after, edit, lost = INSIDE[way]
    rig.write(before)
    rig.applied()
    rig.meddle("api", edit)
    stored = rig.stored("api")
    rig.write(before)
    assert rig.plan().empty
    rig.write(after)
    step = only(rig)
    assert {loss.path for loss in step.losses} == lost
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    rig.apply()
    assert rig.stored("api") == stored
    assert "canary" not in said(rig)
    assert set(rig.accept()) == lost
    rig.applied()
    assert rig.plan().empty
    (folder,) = (rig.tree / ".reconciler" / "backup").glob("*/yaml/api")
    assert {loss["path"] for loss in json.loads((folder / "backup.json").read_text("utf-8"))["lost"]} & lost == set()


def test_a_template_update_leaves_what_the_page_made_and_a_plain_one_erases_it(rig: Rig):
    """Recording 14, and its opposite."""
    before, _ = page(rig, "to a template")
    rig.accept()
    rig.applied()
    after = rig.stored("api")
    changed = {path for path in differences(before, after) if not path.startswith(("targets", "template_id"))}
    assert changed == set()
    assert after["post_build"]["scripts"] == "echo done\n"
    rig.forget()
    rig.accepted.clear()
    rig.write(AS_PLAIN)
    assert {"leftover", "post_build.scripts", "vm_labels"} <= set(rig.accept())
    rig.applied()
    assert rig.stored("api")["post_build"]["scripts"] == ""
    assert rig.stored("api")["template_id"] == ""


def edited_in_the_page(rig: Rig, **more: Any) -> None:
    """A template build of ours that somebody has turned to plain and back in the page, then written by us."""
    rig.write(template("api"))
    rig.applied()
    rig.meddle("api", lambda stored: stored.update(more))
    rig.write(template("api", inputs=[{"key": "mode", "value": "slow", "type": "choice", "is_credential": False}]))
    rig.accept()
    rig.applied()
    rig.accepted.clear()
    rig.write(AS_PLAIN)


def test_what_a_template_update_of_ours_has_left_of_the_page_is_named_before_it_is_erased(rig: Rig, seeing: bool):
    """The record is exact, and knows nothing of it: the internal read does, or the loss is of what cannot be seen."""
    edited_in_the_page(rig, vm_labels=["linux"], scripts="echo page\n")
    step = only(rig)
    assert {loss.path for loss in step.losses} == ({"leftover", "vm_labels"} if seeing else {"unreadable"})
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    rig.apply()
    assert rig.stored("api")["vm_labels"] == ["linux"]
    rig.accept()
    rig.applied()
    assert rig.stored("api")["vm_labels"] == []
    assert rig.plan().empty


def test_where_nothing_was_left_of_the_page_nothing_is_to_be_let_go(rig: Rig):
    """Somebody only set an input: our update has seen that there is no more, and its record says so."""
    edited_in_the_page(rig, timeout=1)
    assert only(rig).losses == ()
    rig.applied()
    assert rig.plan().empty


def test_a_credential_is_needed_that_nothing_can_keep(rig: Rig):
    """Asterisks keep no value across kinds: the definition has to supply it."""
    rig.write(FROM_TEMPLATE)
    rig.applied()
    bare = {"key": "PW", "type": "string", "is_credential": True}
    rig.write(plain(parameters=[bare]))
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.CREDENTIALS
    assert "parameters[PW].default_value" in step.blocked.message
    rig.write(plain(parameters=[{**bare, "default_value": "plain-canary"}]))
    rig.quiet()
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "plain-canary"


@pytest.mark.parametrize("way", KINDS)
def test_another_trees_build_is_not_converted(rig: Rig, way: str):
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()
    stored = rig.stored("api")
    rig.name = "other"
    rig.write(after)
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.FOREIGN
    rig.apply()
    assert rig.stored("api") == stored


@pytest.mark.parametrize("way", KINDS)
def test_a_build_changed_in_the_page_since_is_not_converted_without_a_question(rig: Rig, seeing: bool, way: str):
    """What the page added to our own build is a loss again."""
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()

    def edit(stored: dict[str, Any]) -> None:
        repos = stored["repos"] if way == "to a template" else stored["targets"][0]["repos"]
        repos[0].update(tag="v1")
        stored["vm_labels"] = ["linux"]

    rig.meddle("api", edit)
    rig.write(after)
    lost = {loss.path for loss in only(rig).losses}
    if not seeing:
        assert lost == {"unreadable"}
    elif way == "to a template":
        assert lost == {"repo_info[org/web].tag", "vm_labels"}
    else:
        assert lost == {"target_services[shop/web].repo_info[org/web].tag", "vm_labels"}
    rig.accept()
    rig.applied()
    assert rig.plan().empty


@pytest.mark.parametrize("way", KINDS)
def test_a_build_changed_between_plan_and_apply_is_not_converted(rig: Rig, way: str):
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()
    rig.write(after)
    planned = rig.planned()
    rig.meddle("api", lambda stored: stored.update(vm_labels=["linux"]))
    stored = rig.stored("api")
    with locked(rig.settings, planned, rig.world, Options()) as outcomes:
        (outcome,) = outcomes
    assert outcome.fault is not None
    assert outcome.fault.code == "stale"
    assert rig.stored("api") == stored


@pytest.mark.parametrize("kind", ["lost-answer", "truncated", "502-html", "reset", "timeout"])
@pytest.mark.parametrize("way", KINDS)
def test_a_lost_answer_is_read_back(rig: Rig, way: str, kind: str):
    """Whether the write arrived or not, it is done once, and the plan is empty after."""
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()
    rig.write(after)
    rig.emulator.set_faults([{"kind": kind, "at": [1], "match": {"method": "PUT"}}])
    rig.quiet()
    rig.applied()
    assert len([r for r in rig.requests("PUT") if r["status"] == 200 and r["body"]]) == 1
    assert rig.plan().empty


@pytest.mark.parametrize("arrived", [True, False])
@pytest.mark.parametrize("way", KINDS)
def test_a_run_that_ended_in_between_is_finished_by_the_next(rig: Rig, way: str, arrived: bool):
    """The write was announced; nothing more is known. The next run finds out and needs no question."""
    before, after = KINDS[way]
    rig.write(before)
    rig.applied()
    rig.write(after)
    written = []

    def twist(request: Request, answer: Response) -> Response:
        if request.method == "PUT" and request.body:
            written.append(request.path)
            return dataclasses.replace(answer, status=0, broken="lost-answer")
        return dataclasses.replace(answer, status=502) if written and "/detail" in request.path else answer

    if arrived:
        rig.twist = twist
    else:
        rig.emulator.set_faults([{"kind": "reset", "at": [1, 2], "match": {"method": "PUT"}}])
    ended = [o.ending for o in rig.apply()]
    assert ended == [Ending.UNKNOWN if arrived else Ending.FAILED]
    assert bool(written) == arrived
    rig.twist = lambda _, answer: answer
    rig.emulator.set_faults([])
    rig.quiet()
    rig.applied()
    assert bool([r for r in rig.requests("PUT") if r["body"]]) == (not arrived)
    assert rig.plan().empty
    is_as(rig, after)
