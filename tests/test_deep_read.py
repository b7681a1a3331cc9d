"""The internal read: believed where it agrees, asked where it matters, and never needed.

Whatever is wrong with its answer, the run is what it would be without it, and says so once.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator import Request, Response
from reconciler.model.change import ChangeKind
from reconciler.model.policy import Policy
from reconciler.model.secret import MASK
from reconciler.plan.step import Action, Block, Plan, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from tests.page import PLAIN, REPOSITORY, TEMPLATE, made
from tests.rig import Rig, plain, template

INTERNAL = "/api/aslan/build/build/"
HOSTS = "/api/aslan/code/codehost"
Twist = Callable[[Any], Any]
HIDDEN = {"cluster_name": "gpu-cluster", "privileged_mode": False, "custom_labels": [{"key": "a", "value": "other"}]}
REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}


def as_json(answer: Response, value: Any) -> Response:
    return dataclasses.replace(answer, body=json.dumps(value).encode())


def twisted(rig: Rig, edit: Twist, path: str = INTERNAL) -> None:
    """Let the answers below a path be what `edit` makes of their JSON."""

    def twist(request: Request, answer: Response) -> Response:
        if not re.search(path, request.path) or answer.status != 200:
            return answer
        return as_json(answer, edit(json.loads(answer.body)))

    rig.twist = twist


def asked(rig: Rig, path: str = INTERNAL) -> list[str]:
    return [r["path"].removeprefix(INTERNAL) for r in rig.requests("GET") if r["path"].startswith(path)]


def only(rig: Rig) -> Step:
    (step,) = rig.plan().steps
    return step


def said(plan: Plan) -> str:
    return render_plan(plan, Style(verbose=True)) + dump(plan_document(plan))


@pytest.fixture
def page(rig: Rig) -> Rig:
    """Two builds that the page made, a definition of each that would change hidden settings, and no ledger."""
    rig.emulator.set_state(None, [made(PLAIN), made(PLAIN, name="second")])
    declared = {"build_script": "new\n", "repo_info": [REPO], "advanced_settings": HIDDEN}
    rig.write(plain(**declared), plain("second", **declared))
    rig.quiet()
    return rig


def test_with_it_nothing_is_unverifiable_and_no_loss_is_anonymous(page: Rig):
    """The very settings are named with both their values, on every build."""
    plan = page.plan()
    for step in plan.steps:
        assert [(c.path, c.before, c.after) for c in step.changes if c.path.startswith("advanced")] == [
            ("advanced_settings.privileged_mode", True, False),
            ("advanced_settings.custom_labels[a].value", "b", "other"),
            ("advanced_settings.custom_labels[c]", {"key": "c", "value": "d"}, None),
        ]
        assert step.count(ChangeKind.UNVERIFIABLE) == 0
        assert (step.losses, step.blocked) == ((), None)
    assert plan.notices == ()
    page.applied()
    assert page.plan().empty


def test_without_it_everything_still_holds(page: Rig):
    """Unverifiable, blocked as unreadable, accepted, written, and then exact: nothing is asked in between."""
    page.deep = False
    plan = page.plan()
    for step in plan.steps:
        assert step.count(ChangeKind.UNVERIFIABLE) > 0
        assert [loss.path for loss in step.losses] == ["unreadable"]
    assert page.accept() == ["unreadable", "unreadable"]
    page.applied()
    assert page.plan().empty
    assert page.stored("api")["enable_privileged_mode"] is False
    assert [r for r in page.requests() if "aslan" in r["path"]] == []


# answers that are not used


def without(*path: str) -> Twist:
    def edit(answer: Any) -> Any:
        level = answer
        for key in path[:-1]:
            level = level[key] if not isinstance(level, list) else level[int(key)]
        del level[path[-1]]
        return answer

    return edit


def replaced(*path: str, by: Any) -> Twist:
    def edit(answer: Any) -> Any:
        level = answer
        for key in path[:-1]:
            level = level[int(key)] if isinstance(level, list) else level[key]
        level[int(path[-1]) if isinstance(level, list) else path[-1]] = by
        return answer

    return edit


UNSERVED: dict[str, Twist | str] = {
    **{kind: kind for kind in (
        "403-empty", "401-empty", "502-html", "500-json", "500-empty", "reset", "timeout", "429-seconds",
    )},
    "an answer that is no object": lambda _: [],
    "null": lambda _: None,
    **{f"no {path[-1]}": without(*path) for path in (
        ("infrastructure",), ("script_type",), ("enable_privileged_mode",), ("pre_build", "storages"),
        ("pre_build", "custom_labels"), ("pre_build", "custom_annotations"), ("repos", "0", "enable_commit"),
        ("repos", "0", "codehost_id"), ("pre_build", "envs", "0", "description"),
    )},
}  # fmt: skip
"""What says that there is no such read here, or not as we know it: nobody else is asked."""

DISAGREES: dict[str, Twist | str] = {
    "another build": replaced("name", by="else"),
    "another project": replaced("product_name", by="else"),
    "another moment": replaced("update_time", by=1_690_000_001),
    "another writer": replaced("update_by", by="else"),
    "another script": replaced("scripts", by="else"),
    "another image": replaced("pre_build", "image_id", by="63047770931401b9baa6e395"),
    "another branch": replaced("repos", "0", "branch", by="else"),
    "another owner": replaced("repos", "0", "repo_owner", by="else"),
    "a repository less": replaced("repos", by=[]),
    "another value": replaced("pre_build", "envs", "0", "value", by="else"),
    "another credential": replaced("pre_build", "envs", "1", "value", by="else-canary"),
    "another output": replaced("outputs", "2", "name", by="else"),
    "no name": without("name"),
    "no writer": without("update_by"),
    "no script": without("scripts"),
    "no repositories": without("repos"),
    "a number as interpreter": replaced("script_type", by=5),
    "a text as flag": replaced("enable_privileged_mode", by="yes"),
    "a text as list": replaced("repos", by="none"),
    "null in a list": replaced("pre_build", "envs", "0", by=None),
    "a list as object": replaced("pre_build", "storages", by=[]),
    "a text as volumes": replaced("pre_build", "storages", "storages_properties", by="x"),
    "a text as number": replaced("timeout", by="33"),
    "half of it": "truncated-json",
}
"""What may be about another build or moment: that build's answer is not used, and the others are asked."""


def spoil(rig: Rig, how: Twist | str, name: str = "") -> None:
    if how == "truncated-json":
        rig.twist = lambda request, answer: (
            dataclasses.replace(answer, body=answer.body[:100]) if request.path == f"{INTERNAL}{name}" else answer
        )
    elif isinstance(how, str):
        rig.emulator.set_faults([{"kind": how, "probability": 1.0, "seed": 1, "match": {"path": f"^{INTERNAL}"}}])
    else:
        twisted(rig, how, f"^{INTERNAL}{name}")


def same_but_for_what_is_said(left: Step, right: Step) -> bool:
    return dataclasses.replace(left, notes=()) == dataclasses.replace(right, notes=())


@pytest.mark.parametrize("times", [1, 2])
def test_a_build_that_is_written_between_the_two_answers_is_read_anew(page: Rig, times: int):
    """Once: an apply that runs beside this one writes a build once. Who writes all the time is told as before."""
    left = [times]

    def meanwhile(request: Request, answer: Response) -> Response:
        if request.path.endswith("/api/detail") and left[0]:
            left[0] -= 1
            page.meddle("api", lambda build: build.update(timeout=50 + left[0]))
        return answer

    page.twist = meanwhile
    live = page.planned().live.build("yaml", "api")
    assert live is not None
    assert live.build is not None
    if times == 1:
        assert live.deep is not None
        assert live.build.values["advanced_settings.timeout"] == live.deep.values["advanced_settings.timeout"] == 50
    else:
        assert (live.deep, "another update_time" in live.deep_failed) == (None, True)


@pytest.mark.parametrize("how", UNSERVED)
def test_where_it_is_not_served_one_build_is_asked_and_the_run_says_so_once(page: Rig, how: str):
    """Every step is what it would be without it; the second build is not even asked for."""
    page.deep = False
    plain_run = page.plan()
    page.deep = True
    page.quiet()
    spoil(page, UNSERVED[how])
    plan = page.plan()
    assert all(same_but_for_what_is_said(a, b) for a, b in zip(plan.steps, plain_run.steps, strict=True))
    assert (plan.complete, plan.empty) == (plain_run.complete, plain_run.empty)
    assert len([notice for notice in plan.notices if "internal read" in notice]) == 1
    assert [note for step in plan.steps for note in step.notes if "internal read" in note] == []
    assert set(asked(page)) == {"api"}
    assert "canary" not in said(plan)


@pytest.mark.parametrize(
    ("how", "may_pass"),
    [("502-html", True), ("429-seconds", True), ("reset", True), ("timeout", True), ("403-empty", False)],
)
def test_what_may_pass_is_told_from_what_stays(page: Rig, how: str, may_pass: bool):
    """Nobody should accept a loss unseen because of a moment's failure."""
    spoil(page, how)
    (notice,) = [notice for notice in page.plan().notices if "internal read" in notice]
    assert ("run again before you let anything go as `unreadable`" in notice) == may_pass


def test_a_server_without_it_answers_404_and_the_run_says_so_once(page: Rig):
    page.emulator.set_settings({"internal_read": False})
    plan = page.plan()
    assert [loss.path for step in plan.steps for loss in step.losses] == ["unreadable"] * 2
    (notice,) = plan.notices
    assert "HTTP 404" in notice
    assert "run again" not in notice
    assert asked(page) == ["api"]
    page.accept()
    page.applied()
    page.accepted.clear()
    page.quiet()
    assert page.plan().notices == ()
    assert asked(page) == []


def test_a_page_in_html_is_not_it(page: Rig):
    """A gateway that answers 200 with the web page's own index."""
    page.twist = lambda request, answer: (
        dataclasses.replace(answer, headers={"content-type": "text/html"}, body=b"<html></html>")
        if request.path.startswith(INTERNAL)
        else answer
    )
    (notice,) = page.plan().notices
    assert "text/html" in notice
    assert asked(page) == ["api"]


@pytest.mark.parametrize("name", ["api", "second"])
@pytest.mark.parametrize("how", DISAGREES)
def test_an_answer_that_disagrees_is_not_used_and_that_build_says_so_once(page: Rig, how: str, name: str):
    """That build is what it would be without it, also where it is the one that was asked first."""
    page.deep = False
    unseen = {step.name: step for step in page.plan().steps}[name]
    page.deep = True
    good = {step.name: step for step in page.plan().steps}
    page.quiet()
    spoil(page, DISAGREES[how], name)
    plan = page.plan()
    for step in plan.steps:
        if step.name == name:
            assert same_but_for_what_is_said(step, unseen)
            assert len([note for note in step.notes if "internal read" in note]) == 1
        else:
            assert step == good[step.name]
    assert plan.notices == ()
    assert sorted(asked(page)) == ["api", "second"]
    assert "canary" not in said(plan)


# when it is asked


def test_it_is_asked_only_for_builds_where_it_matters(rig: Rig):
    """Not where an exact record speaks, nothing hidden is declared, or nobody writes; never instead of detail."""
    rig.emulator.set_state(None, [made(PLAIN, name=name) for name in ("quiet", "hidden", "changed", "undeclared")])
    rig.write(plain("ours", build_script="1\n", advanced_settings=HIDDEN))
    rig.applied()
    rig.quiet()
    rig.write(
        plain("ours", build_script="2\n", advanced_settings=HIDDEN),
        plain("quiet", build_script="make\n"),
        plain("hidden", advanced_settings={"privileged_mode": True}),
        plain("changed", build_script="new\n"),
        plain("created"),
    )
    rig.plan()
    assert sorted(asked(rig)) == ["changed", "hidden"]
    documented = [r["path"] for r in rig.requests() if r["path"].startswith("/openapi/build")]
    assert len(asked(rig, HOSTS)) == 1
    rig.deep = False
    rig.quiet()
    rig.plan()
    assert sorted(r["path"] for r in rig.requests() if r["path"].startswith("/openapi/build")) == sorted(documented)
    assert [r["path"] for r in rig.requests() if "aslan" in r["path"]] == []


def test_another_trees_build_is_not_asked_for(rig: Rig):
    rig.write(plain(build_script="1\n"))
    rig.applied()
    rig.meddle("api", lambda stored: stored.update(scripts="2\n"))
    rig.name = "other"
    rig.quiet()
    assert only(rig).blocked is not None
    assert asked(rig) == []


def test_it_comes_with_the_filter_and_the_project(page: Rig):
    """Without both, the server may answer with another document."""
    page.plan()
    queries = [r["query"] for r in page.requests() if r["path"].startswith(INTERNAL)]
    assert len(queries) == 2
    assert all("projectName=yaml" in str(q) or "yaml" in str(q) for q in queries)
    assert all("ifPassFilter" in str(q) for q in queries)


# code hosts


def hosted(rig: Rig, number: int, kind: str = "gitlab", **more: Any) -> None:
    stored = made(PLAIN)
    stored["repos"] = [{**copy.deepcopy(REPOSITORY), "codehost_id": number, "source": kind, **more}]
    rig.emulator.set_state(None, [stored])


@pytest.mark.parametrize(("number", "kind", "alias"), [(1, "gitlab", "gitlab"), (2, "github", "github-demo")])
def test_a_code_host_by_number_is_sent_back_by_its_alias(rig: Rig, number: int, kind: str, alias: str):
    """The definition does not declare repositories; what the page set stays."""
    hosted(rig, number, kind)
    rig.write(plain(build_script="new\n"))
    assert only(rig).blocked is None
    rig.applied()
    (put,) = [r["body"] for r in rig.requests("PUT") if r["body"]]
    assert put["repo_info"][0]["codehost_name"] == alias
    assert rig.stored("api")["repos"][0]["codehost_id"] == number


def test_a_code_host_of_a_template_builds_target_is_sent_back_too(rig: Rig):
    rig.emulator.set_state(None, [made(TEMPLATE)])
    rig.write(template(inputs=[{"key": "name", "value": "new"}]))
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["repos"][0]["codehost_id"] == 1


@pytest.mark.parametrize("listed", ["lacks it", "is not to be had", "is nonsense"])
def test_a_code_host_that_the_list_lacks_stays_unwritable(rig: Rig, listed: str):
    hosted(rig, 77)
    rig.write(plain(build_script="new\n"))
    if listed == "is not to be had":
        rig.emulator.set_faults([{"kind": "403-empty", "probability": 1.0, "seed": 1, "match": {"path": HOSTS}}])
    elif listed == "is nonsense":
        twisted(rig, lambda _: {"a": 1}, HOSTS)
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.UNWRITABLE
    assert "repo_info[org/demo]" in step.blocked.message


def test_a_record_does_not_speak_for_a_code_host_that_is_another_one_now(rig: Rig):
    """The page chose a project's own code host of the same type: not sent back as the recorded one."""
    rig.write(plain(build_script="1\n", repo_info=[REPO]))
    rig.applied()
    rig.meddle("api", lambda stored: stored["repos"][0].update(codehost_id=77))
    rig.write(plain(build_script="2\n"))
    step = only(rig)
    assert step.blocked is not None
    assert step.blocked.reason is Block.UNWRITABLE
    rig.write(plain(build_script="1\n", repo_info=[REPO]))
    assert [(c.path, c.before_known) for c in only(rig).changes] == [("repo_info[org/demo].codehost_name", False)]
    rig.applied()
    assert rig.stored("api")["repos"][0]["codehost_id"] == 1


def test_nor_for_one_of_another_type(rig: Rig, seeing: bool):
    """Undeclared now and moved to another host in the page: sent back as that, or not at all."""
    rig.write(plain(build_script="1\n", repo_info=[REPO]))
    rig.applied()
    rig.meddle("api", lambda stored: stored["repos"][0].update(codehost_id=2, source="github"))
    rig.write(plain(build_script="2\n"))
    blocked = only(rig).blocked
    assert (blocked.reason if blocked else None) == (None if seeing else Block.UNWRITABLE)
    rig.apply()
    assert rig.stored("api")["repos"][0]["codehost_id"] == 2


def test_a_name_with_slashes_of_another_kind_of_host_is_stored_again(rig: Rig):
    """The server cuts a slash off each end of the name and the owner that it is sent."""
    hosted(rig, 4, "other", repo_owner="org", repo_namespace="/org/", repo_name="/r/")
    before = rig.stored("api")["repos"][0]
    rig.write(plain(build_script="new\n"))
    rig.applied()
    after = rig.stored("api")["repos"][0]
    names = ("repo_owner", "repo_namespace", "repo_name", "codehost_id")
    assert [after[name] for name in names] == [before[name] for name in names]
    assert rig.plan().empty


def test_an_image_that_is_gone_does_not_spoil_the_answer(rig: Rig):
    """Detail shows a zero id for it; the definition names an image that exists."""
    stored = made(PLAIN)
    stored["pre_build"]["image_id"] = "63047770931401b9baa6e3ff"
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script="new\n"))
    step = only(rig)
    assert (step.losses, step.notes) == ((), ())
    rig.applied()


# credentials that the server masks


def masked(rig: Rig, *paths: str) -> None:
    """Let these answers show credentials as asterisks, as some versions do."""

    def hide(level: Any) -> Any:
        if isinstance(level, list):
            return [hide(item) for item in level]
        if not isinstance(level, dict):
            return level
        level = {key: hide(item) for key, item in level.items()}
        return {**level, "value": "********"} if level.get("is_credential") is True else level

    def twist(request: Request, answer: Response) -> Response:
        if answer.status != 200 or not any(re.search(path, request.path) for path in paths):
            return answer
        return as_json(answer, hide(json.loads(answer.body)))

    rig.twist = twist


@pytest.mark.parametrize(
    "paths", [(INTERNAL,), ("/detail$",), (INTERNAL, "/detail$")], ids=["internal", "detail", "both"]
)
def test_a_masked_credential_is_kept_by_a_plain_update(rig: Rig, paths: tuple[str, ...]):
    """Its value never becomes asterisks, and the answer is used for everything else."""
    rig.emulator.set_state(None, [made(PLAIN)])
    masked(rig, *paths)
    rig.write(plain(build_script="new\n"))
    step = only(rig)
    assert (step.losses, step.blocked, step.notes) == ((), None, ())
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][1]["value"] == "page-canary"
    assert rig.plan().empty


def test_a_masked_credential_that_is_declared_is_unverifiable_and_written_with_another_change(rig: Rig):
    """No step by itself: nobody can tell whether it differs."""
    credential = {"key": "PW", "type": "string", "is_credential": True, "default_value": "mine-canary"}
    other = {"key": "A", "type": "choice", "choice_option": ["1", "2"], "default_value": "1"}
    rig.emulator.set_state(None, [made(PLAIN)])
    masked(rig, INTERNAL, "/detail$")
    rig.write(plain(build_script="make\n", parameters=[other, credential]))
    step = only(rig)
    assert (step.action, [c.path for c in step.changes]) == (Action.KEEP, ["parameters[PW].default_value"])
    rig.write(plain(build_script="new\n", parameters=[other, credential]))
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][1]["value"] == "mine-canary"


def test_a_masked_input_is_a_secret_loss_that_the_stamps_accept(rig: Rig):
    """Template inputs have no rule for asterisks: what nobody knows, nobody can send."""
    rig.emulator.set_state(None, [made(TEMPLATE)])
    masked(rig, INTERNAL, "/detail$")
    rig.write(template(inputs=[{"key": "name", "value": "new"}]))
    (loss,) = only(rig).losses
    path = "target_services[shop/web].inputs[pw].value"
    assert (loss.path, loss.value, loss.digest) == (path, MASK, "1690000000 ui-user")
    rig.accept()
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["envs"][2]["value"] == "templ-secret"
    assert rig.plan().empty
    rig.accepted.clear()
    rig.write(template(inputs=[{"key": "name", "value": "newer"}]))
    assert only(rig).losses == ()


def test_a_masked_input_that_is_declared_is_sent(rig: Rig):
    rig.emulator.set_state(None, [made(TEMPLATE)])
    masked(rig, INTERNAL, "/detail$")
    named = {"key": "name", "value": "new"}
    rig.write(template(inputs=[named, {"key": "pw", "value": "mine-canary"}]))
    assert only(rig).losses == ()
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["envs"][2]["value"] == "mine-canary"


# what a later version adds


ADDED: dict[str, tuple[Callable[[Any], None], str]] = {
    "build": (lambda b: b.update(shiny={"on": True}), "shiny"),
    "pre_build": (lambda b: b["pre_build"].update(shiny=[1]), "pre_build.shiny"),
    "post_build": (lambda b: b["post_build"].update(shiny=1), "post_build.shiny"),
    "docker": (lambda b: b["post_build"]["docker_build"].update(shiny="x"), "docker_build_step.shiny"),
    "resources": (lambda b: b["pre_build"]["res_req_spec"].update(shiny="x"), "advanced_settings.resource_spec.shiny"),
    "storages": (lambda b: b["pre_build"]["storages"].update(shiny="x"), "advanced_settings.storages.shiny"),
    "volume": (lambda b: b["pre_build"]["storages"]["storages_properties"][0].update(shiny="x"),
               "advanced_settings.storages.storages_properties[/x].shiny"),
    "label": (lambda b: b["pre_build"]["custom_labels"][0].update(shiny="x"),
              "advanced_settings.custom_labels[a].shiny"),
    "install": (lambda b: b["pre_build"]["installs"][0].update(shiny="x"), "installs[go].shiny"),
    "variable": (lambda b: b["pre_build"]["envs"][0].update(shiny="x"), "parameters[A].shiny"),
    "repository": (lambda b: b["repos"][0].update(shiny="x"), "repo_info[org/demo].shiny"),
    "target": (lambda b: b["targets"][0].update(shiny="x"), "services[s/m].shiny"),
    "output": (lambda b: b["outputs"][2].update(shiny="x"), "outputs[X].shiny"),
}  # fmt: skip
SECRETS: dict[str, tuple[Callable[[Any], None], str]] = {
    "a credential's": (lambda b: b["pre_build"]["envs"][1].update(shiny="new-canary"), "parameters[PW].shiny"),
    "a token": (lambda b: b.update(webhook_token="new-canary"), "webhook_token"),
    "inside": (lambda b: b.update(shiny={"deep": [{"password": "new-canary"}]}), "shiny"),
    "a variable inside": (lambda b: b.update(shiny=[{"is_credential": True, "value": "new-canary"}]), "shiny"),
}


@pytest.mark.parametrize("where", [*ADDED, *SECRETS])
def test_a_key_of_a_later_version_is_a_named_loss(rig: Rig, where: str):
    """At every level; a secret one without its value."""
    rig.emulator.set_state(None, [made(PLAIN)])
    edit, path = {**ADDED, **SECRETS}[where]

    def add(answer: Any) -> Any:
        edit(answer)
        return answer

    twisted(rig, add)
    rig.write(plain(build_script="new\n"))
    plan = rig.plan()
    (loss,) = plan.steps[0].losses
    assert loss.path == path
    assert ("canary" in said(plan)) is False
    assert (loss.digest == "1690000000 ui-user") == (where in SECRETS)
    rig.accept()
    rig.applied()


DETAIL: dict[str, tuple[Callable[[Any], None], str]] = {
    "build": (lambda d: d.update(shiny="x"), "shiny"),
    "build_env": (lambda d: d["build_env"].update(shiny="x"), "build_env.shiny"),
    "advanced": (lambda d: d["advanced_settings"].update(shiny="x"), "advanced_settings.shiny"),
    "cache": (lambda d: d["advanced_settings"]["cache_setting"].update(shiny="x"),
              "advanced_settings.cache_setting.shiny"),
    "post_build": (lambda d: d["post_build"].update(shiny="x"), "post_build.shiny"),
    "docker": (lambda d: d["post_build"]["docker_build"].update(shiny="x"), "docker_build_step.shiny"),
    "install": (lambda d: d["build_env"]["installs"][0].update(shiny="x"), "installs[go].shiny"),
    "variable": (lambda d: d["parameters"][0].update(shiny="x"), "parameters[A].shiny"),
    "repository": (lambda d: d["repos"][0].update(shiny="x"), "repo_info[org/demo].shiny"),
    "target": (lambda d: d["target_services"][0].update(shiny="x"), "services[s/m].shiny"),
    "output": (lambda d: d["outputs"][2].update(shiny="x"), "outputs[X].shiny"),
}  # fmt: skip


@pytest.mark.parametrize("where", DETAIL)
def test_a_key_that_a_later_version_shows_in_detail_is_a_named_loss_until_we_have_written(rig: Rig, where: str):
    """The page's build is asked about; what stands there after our own write blocks no later one."""
    rig.deep = False
    rig.emulator.set_state(None, [made(PLAIN)])
    edit, path = DETAIL[where]

    def add(answer: Any) -> Any:
        edit(answer)
        return answer

    twisted(rig, add, "/detail$")
    rig.write(plain(build_script="new\n", repo_info=[REPO]))
    assert [loss.path for loss in only(rig).losses] == sorted([path, "unreadable"])
    rig.accept()
    rig.applied()
    rig.accepted.clear()
    rig.write(plain(build_script="newer\n", repo_info=[REPO]))
    assert only(rig).losses == ()


# told to write


def test_asserting_writes_what_nobody_can_verify(rig: Rig):
    """`apply --assert`: a declared hidden setting of an unrecorded build is a step, and is in the store then."""
    rig.deep = False
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.write(
        plain(
            build_script="make\n", repo_info=[REPO], advanced_settings={"custom_labels": [{"key": "z", "value": "9"}]}
        )
    )
    assert only(rig).action is Action.KEEP
    rig.policy = Policy(assert_all=True)
    step = only(rig)
    assert step.action is Action.UPDATE
    assert "asserted" in step.reason
    assert rig.accept() == ["unreadable"]
    rig.applied()
    assert rig.stored("api")["pre_build"]["custom_labels"] == [{"key": "z", "value": "9"}]
    assert rig.plan().empty


def test_asserting_writes_nothing_where_everything_is_known(rig: Rig):
    """With an exact record, or the internal read that shows it so, there is nothing to assert."""
    rig.policy = Policy(assert_all=True)
    declared = {"privileged_mode": True, "cluster_name": "gpu-cluster"}
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.write(plain(build_script="make\n", advanced_settings=declared))
    assert rig.plan().empty
    rig.write(plain("ours", advanced_settings=declared))
    rig.applied()
    rig.deep = False
    assert [s.action for s in rig.plan().steps if s.name == "ours"] == [Action.KEEP]
