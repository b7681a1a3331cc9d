"""For every row of the template body: apply → stored as declared, plan → empty; changed, null and left out.

The oracle is where the server's store has each setting (`targets[].repos[]`, `targets[].envs[]`), written from
the recording `wire/24-template-stored.json` and not from the mapping under test.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.emulator import Request, Response
from reconciler.model.change import ChangeKind
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.fields import TEMPLATE, walk
from reconciler.model.outcome import Ending
from reconciler.model.secret import MASK
from reconciler.plan.step import Action, Block
from tests.field_cases import HOST_TYPES, HOSTS, MISSING, REPO, holds, read, write
from tests.rig import Rig, Stored, template

OTHER_TEMPLATE = "64a0000000000000000000bb"
MODE = {"key": "mode", "value": "slow", "type": "choice", "is_credential": False}
TARGET = "target_services[shop/web]"
KEYS = {
    "target_services[].service_name",
    "target_services[].service_module",
    "target_services[].repo_info[].repo_namespace",
    "target_services[].repo_info[].repo_name",
    "target_services[].inputs[].key",
}
"""The leaves that name an element: another value is another element (tested with the lists below)."""

BY_THEMSELVES = {"template_name", "target_services", "target_services[].repo_info", "target_services[].inputs"}
"""The template and the lists: each has tests of its own below."""


@dataclass(frozen=True)
class Case:
    """One leaf: two values, what null stores (MISSING: null is an error), and where the store has it."""

    first: Any
    second: Any
    store: str
    default: Any = MISSING
    hidden: bool = False
    encode: Callable[[Any], Any] = lambda value: value
    also: Callable[[Stored, Any], None] | None = None


def other_source(stored: Stored, value: Any) -> None:
    stored["targets"][0]["repos"][0]["source"] = HOST_TYPES[value]


REPOS, ENVS = "targets.0.repos.0", "targets.0.envs.1"
R, I = "target_services[].repo_info[]", "target_services[].inputs[]"  # noqa: E741
CASES: dict[str, Case] = {
    f"{R}.codehost_name": Case(
        "gitlab", "github-demo", f"{REPOS}.codehost_id", encode=HOSTS.__getitem__, also=other_source
    ),
    f"{R}.branch": Case("main", "dev", f"{REPOS}.branch", ""),
    f"{R}.remote_name": Case("origin", "up", f"{REPOS}.remote_name", ""),
    f"{R}.checkout_path": Case("src", "lib", f"{REPOS}.checkout_path", ""),
    f"{R}.submodules": Case(True, False, f"{REPOS}.submodules", False),
    f"{R}.enable_commit": Case(True, False, f"{REPOS}.enable_commit", False, hidden=True),
    f"{R}.commit_id": Case("0a1b2c3", "4d5e6f7", f"{REPOS}.commit_id", "", hidden=True),
    f"{I}.value": Case("slow", "fast\n\n", f"{ENVS}.value"),
    f"{I}.type": Case("string", "choice", f"{ENVS}.type"),
    f"{I}.is_credential": Case(True, False, f"{ENVS}.is_credential"),
}
NULLABLE = sorted(path for path, case in CASES.items() if case.default is not MISSING)


def test_every_row_of_the_template_body_is_tested():
    """A leaf that no test tells about fails here."""
    assert {path for path, _ in walk(TEMPLATE)} == CASES.keys() | KEYS | BY_THEMSELVES


def document_of(path: str, value: Any, *, absent: bool = False, **more: Any) -> dict[str, Any]:
    """The definition with this one setting; `more` goes into its target."""
    leaf = path.rpartition(".")[2]
    element = copy.deepcopy(REPO if path.startswith(R) else MODE)
    if absent:
        element.pop(leaf, None)
    else:
        element[leaf] = value
    return template(**{"repo_info" if path.startswith(R) else "inputs": [element]}, **more)


def concrete(path: str) -> str:
    return path.replace(R, f"{TARGET}.repo_info[org/demo]").replace(I, f"{TARGET}.inputs[mode]")


def shown_paths(step: Any) -> set[str]:
    """The paths that differ, those that nobody can verify left out."""
    return {c.path for c in step.changes if c.kind is not ChangeKind.UNVERIFIABLE}


def unverifiable_paths(step: Any) -> set[str]:
    return {c.path for c in step.changes if c.kind is ChangeKind.UNVERIFIABLE}


def with_second_template(rig: Rig) -> None:
    """Give the server a second template with the same variables."""
    state = rig.emulator.state()
    (first,) = state["world"]["build_templates"]
    state["world"]["build_templates"].append({**first, "id": OTHER_TEMPLATE, "name": "other-template"})
    rig.emulator.set_state(state["world"], state["builds"])


# leaves


@pytest.mark.parametrize("path", sorted(CASES))
def test_a_declared_setting_is_stored_and_then_the_plan_is_empty(rig: Rig, path: str):
    """Apply stores what was declared; the next plan keeps everything, with the ledger and with a new one."""
    case = CASES[path]
    for value in (case.first, case.second):
        rig.write(document_of(path, value))
        rig.applied()
        assert holds(read(rig.stored("tpl"), case.store), case.encode(value))
        (step,) = rig.plan().steps
        assert (step.action, step.changes) == (Action.KEEP, ())
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("path", sorted(CASES))
def test_a_setting_changed_in_git_is_the_only_change_of_the_plan(rig: Rig, path: str):
    """With an exact record every setting, unreadable ones too, is compared: one path, changed."""
    case = CASES[path]
    rig.write(document_of(path, case.first))
    rig.applied()
    rig.write(document_of(path, case.second))
    (step,) = rig.plan().steps
    assert (step.action, step.blocked) == (Action.UPDATE, None)
    assert [(c.path, c.kind) for c in step.changes] == [(concrete(path), ChangeKind.CHANGED)]


@pytest.mark.parametrize("path", sorted(CASES))
def test_a_setting_changed_behind_our_back_is_the_one_that_the_plan_shows(rig: Rig, seeing: bool, path: str):
    """It is named alone; where nothing shows it, it is among what nobody can verify, with who.

    What nothing shows is also what an update would erase unseen: the step is blocked until that is let go.
    """
    case = CASES[path]
    rig.write(document_of(path, case.first))
    rig.applied()

    def edit(stored: Stored) -> None:
        write(stored, case.store, case.encode(case.second))
        if case.also:
            case.also(stored, case.encode(case.second))

    rig.meddle("tpl", edit)
    (step,) = rig.plan().steps
    assert step.live is not None
    assert step.live.update_by == "mallory"
    assert step.action is Action.UPDATE
    if seeing:
        assert unverifiable_paths(step) == set()
        assert step.blocked is None
    else:
        assert rig.accept() == ["unreadable"]
    if case.hidden and not seeing:
        assert shown_paths(step) == set()
        assert concrete(path) in unverifiable_paths(step)
        assert "mallory" in step.reason
    else:
        assert shown_paths(step) == {concrete(path)}
    rig.applied()
    assert holds(read(rig.stored("tpl"), case.store), case.encode(case.first))
    assert rig.plan().empty


@pytest.mark.parametrize("path", NULLABLE)
def test_null_is_the_default(rig: Rig, path: str):
    """A setting set to null goes back to the default, and the plan is empty then."""
    case = CASES[path]
    rig.write(document_of(path, case.first))
    rig.applied()
    rig.write(document_of(path, None))
    rig.applied()
    assert holds(read(rig.stored("tpl"), case.store), case.default)
    assert rig.plan().empty


@pytest.mark.parametrize("path", sorted({*CASES.keys() - set(NULLABLE), *KEYS}))
def test_null_is_an_error_where_there_is_no_default(rig: Rig, path: str):
    """A required key and every setting of a template input: null is a problem at that very value."""
    document = template(repo_info=[dict(REPO)], inputs=[dict(MODE)])
    level: Any = document["target_services"][0]
    if path.startswith((R, I)):
        level = level["repo_info" if path.startswith(R) else "inputs"][0]
    level[path.rpartition(".")[2]] = None
    rig.write(document)
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert [p.rule for p in caught.value.problems] == ["null-required"]
    assert path.rpartition(".")[2] in caught.value.problems[0].message


@pytest.mark.parametrize("path", sorted(CASES.keys() - {f"{R}.codehost_name"}))
def test_a_setting_left_out_is_kept_and_said_to_be_released(rig: Rig, path: str):
    """Absent is kept, through another update too; the first plan says so, later ones do not."""
    case = CASES[path]
    rig.write(document_of(path, case.first))
    rig.applied()
    rig.write(document_of(path, None, absent=True))
    (step,) = rig.plan().steps
    assert step.action is Action.KEEP
    assert [(c.path, c.kind) for c in step.changes] == [(concrete(path), ChangeKind.RELEASED)]
    rig.applied()
    assert rig.plan().steps[0].changes == ()
    other = {"repo_info": [REPO]} if path.startswith(I) else {"inputs": [MODE]}
    rig.write(document_of(path, None, absent=True, **other))
    rig.applied()
    assert holds(read(rig.stored("tpl"), case.store), case.encode(case.first))


# the template

UNDECLARED = sorted(f"{TARGET}.inputs[{path}" for path in ("flags]", "flags].choice_value", "mode]", "name]", "pw]"))
"""What another template may lack, as far as anything shows."""


def test_another_template_is_stored_and_then_the_plan_is_empty(rig: Rig):
    """The name goes out, the id is stored; with the ledger and without it nothing is left to do."""
    with_second_template(rig)
    rig.write(template())
    rig.applied()
    assert rig.stored("tpl")["template_id"] == "64a0000000000000000000aa"
    rig.write({**template(), "template_name": "other-template"})
    (step,) = rig.plan().steps
    assert [(c.path, c.before, c.after) for c in step.changes] == [("template_name", "demo-template", "other-template")]
    assert rig.accept() == UNDECLARED
    rig.applied()
    assert rig.stored("tpl")["template_id"] == OTHER_TEMPLATE
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


def test_a_template_changed_behind_our_back_is_put_back(rig: Rig):
    with_second_template(rig)
    rig.write(template())
    rig.applied()
    rig.meddle("tpl", lambda stored: stored.update(template_id=OTHER_TEMPLATE))
    (step,) = rig.plan().steps
    assert [(c.path, c.before, c.after) for c in step.changes] == [("template_name", "other-template", "demo-template")]
    assert rig.accept() == UNDECLARED
    rig.applied()
    assert rig.stored("tpl")["template_id"] == "64a0000000000000000000aa"
    assert rig.plan().empty


def test_a_template_that_was_renamed_is_a_notice_and_blocks_what_needs_it(rig: Rig):
    """A name by reference that moved without a new stamp is no change of the build."""
    rig.write(template(inputs=[MODE]))
    rig.applied()
    state = rig.emulator.state()
    state["world"]["build_templates"][0]["name"] = "new-name"
    rig.emulator.set_state(state["world"], state["builds"])
    plan = rig.plan()
    assert plan.empty
    assert ['"new-name"' in notice for notice in plan.notices] == [True]
    rig.write(template(inputs=[{**MODE, "value": "fast"}]))
    (step,) = rig.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.RENAMED
    rig.write({**template(inputs=[{**MODE, "value": "fast"}]), "template_name": "new-name"})
    rig.applied()
    assert rig.plan().empty


@pytest.mark.parametrize("value", [None, ""])
def test_a_template_build_needs_the_name_of_its_template(rig: Rig, value: str | None):
    rig.write({**template(), "template_name": value})
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert "template_name" in caught.value.problems[0].message


@pytest.mark.parametrize("value", [None, []])
def test_a_template_build_needs_a_target(rig: Rig, value: list[Any] | None):
    rig.write({**template(), "target_services": value})
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert "target_services" in caught.value.problems[0].message


# inputs that Git says nothing about


def test_inputs_that_are_not_declared_are_kept(rig: Rig):
    """What the page set for another variable survives our update, flag, type and value."""
    rig.write(template(inputs=[MODE]))
    rig.applied()

    def edit(stored: Stored) -> None:
        stored["targets"][0]["envs"][0]["value"] = "page"
        stored["targets"][0]["envs"][2]["value"] = "page-secret"

    rig.meddle("tpl", edit)
    assert rig.plan().empty
    rig.write(template(inputs=[{**MODE, "value": "fast"}]))
    rig.applied()
    envs = {e["key"]: e for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert (envs["name"]["value"], envs["name"]["type"], envs["name"]["is_credential"]) == ("page", "string", False)
    assert (envs["pw"]["value"], envs["pw"]["type"], envs["pw"]["is_credential"]) == ("page-secret", "string", True)
    assert envs["mode"]["value"] == "fast"
    assert rig.plan().empty


def test_a_declared_multi_select_input_loses_its_choice_and_is_blocked_where_it_has_one(rig: Rig):
    """On create the server stores it without `choice_value`; an update that would erase one is blocked by name."""
    flags = {"key": "flags", "value": "b", "type": "multi-select", "is_credential": False}
    rig.write(template(inputs=[flags]))
    rig.applied()
    stored = {e["key"]: e for e in rig.stored("tpl")["targets"][0]["envs"]}["flags"]
    assert stored["value"] == "b"
    assert stored.get("choice_value", []) == []
    assert rig.plan().empty
    rig.meddle("tpl", lambda build: build["targets"][0]["envs"][3].update(choice_value=["a"], value="c"))
    (step,) = rig.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    assert [(loss.path, loss.value) for loss in step.losses] == [(f"{TARGET}.inputs[flags].choice_value", "a")]
    rig.apply()
    assert rig.stored("tpl")["targets"][0]["envs"][3]["choice_value"] == ["a"]


def test_an_input_without_type_and_flag_takes_those_of_the_template_also_on_an_update(rig: Rig):
    """Sent without them both would be lost: they are sent as seen."""
    rig.write(template())
    rig.applied()
    rig.write(template(inputs=[{"key": "mode", "value": "slow"}, {"key": "pw", "value": "canary"}]))
    rig.applied()
    envs = {e["key"]: e for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert (envs["mode"]["value"], envs["mode"]["type"]) == ("slow", "choice")
    assert (envs["pw"]["value"], envs["pw"]["type"], envs["pw"]["is_credential"]) == ("canary", "string", True)
    assert rig.plan().empty


def with_unlike_template(rig: Rig) -> None:
    """Give the server a second template without `mode`, and with another `name` and one variable more."""
    state = rig.emulator.state()
    (first,) = state["world"]["build_templates"]
    variables = [v for v in copy.deepcopy(first["variables"]) if v["key"] != "mode"]
    variables[0].update(value="other", type="choice", choice_option=["other", "page"])
    variables.append({"key": "more", "value": "m", "type": "string"})
    other = {**first, "id": OTHER_TEMPLATE, "name": "other-template", "variables": variables}
    rig.emulator.set_state({**state["world"], "build_templates": [first, other]}, state["builds"])


def with_inputs_of_the_page(rig: Rig) -> None:
    """A build of ours whose undeclared inputs somebody has set; declared is `flags`, which both templates have."""
    rig.write(template(inputs=[FLAGS]))
    rig.applied()
    values = {"name": "page", "mode": "slow", "pw": "page-canary"}

    def edit(stored: Stored) -> None:
        for item in stored["targets"][0]["envs"]:
            item["value"] = values.get(item["key"], item["value"])

    rig.meddle("tpl", edit)
    rig.write({**template(inputs=[FLAGS]), "template_name": "other-template"})


FLAGS = {"key": "flags", "value": "b", "type": "multi-select", "is_credential": False}


def test_inputs_that_another_template_may_lack_are_named_and_those_that_it_has_are_kept(rig: Rig):
    """Nobody lists a template's variables: what is not declared is let go first, and sent where it turns out to fit."""
    with_unlike_template(rig)
    with_inputs_of_the_page(rig)
    (step,) = rig.plan().steps
    told = {loss.path.removeprefix(f"{TARGET}."): loss.value for loss in step.losses}
    assert told == {"inputs[mode]": "slow", "inputs[name]": "page", "inputs[pw]": MASK}
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    rig.apply()
    assert rig.stored("tpl")["template_id"] != OTHER_TEMPLATE
    rig.accept()
    rig.applied()
    stored = rig.stored("tpl")
    envs = {e["key"]: e for e in stored["targets"][0]["envs"]}
    assert stored["template_id"] == OTHER_TEMPLATE
    assert {key: env["value"] for key, env in envs.items()} == {
        "name": "page", "pw": "page-canary", "flags": "b", "more": "m"
    }  # fmt: skip
    assert (envs["name"]["type"], envs["pw"]["is_credential"]) == ("choice", True)
    assert rig.plan().empty


def test_inputs_that_another_build_shows_the_other_template_to_have_are_no_loss(rig: Rig):
    """What is there of the other template tells its variables; only what those lack is let go."""
    with_unlike_template(rig)
    rig.write({**template("seen"), "template_name": "other-template"})
    rig.applied()
    with_inputs_of_the_page(rig)
    rig.write({**template("seen"), "template_name": "other-template"}, file="seen.json")
    assert rig.accept() == [f"{TARGET}.inputs[mode]"]
    rig.applied()
    envs = {e["key"]: e["value"] for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert envs == {"name": "page", "pw": "page-canary", "flags": "b", "more": "m"}
    assert rig.plan().empty


@pytest.mark.parametrize("number", [1, 2])
def test_an_answer_that_is_lost_on_the_way_to_another_template_loses_nothing(rig: Rig, number: int):
    """It takes two writes; whichever answer is lost, both arrive once and the plan is empty after."""
    with_unlike_template(rig)
    with_inputs_of_the_page(rig)
    rig.accept()
    fault = {"kind": "lost-answer", "at": [number], "match": {"method": "PUT", "path": "/template"}}
    rig.emulator.set_faults([fault])
    rig.applied()
    envs = {e["key"]: e["value"] for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert (envs["name"], envs["pw"]) == ("page", "page-canary")
    assert rig.plan().empty


def test_an_input_without_a_value_that_the_template_lacks_is_said_not_to_be_taken(rig: Rig):
    """As one with a value is: the step has not done what the plan said, and the next plan says it again."""
    rig.write(template(inputs=[{"key": "name", "value": "n"}, {"key": "none", "type": "string"}]))
    for _ in range(2):
        rig.accept()
        (outcome,) = rig.apply()
        assert outcome.fault is not None
        assert (outcome.ending, outcome.fault.code) == (Ending.FAILED, "not-taken")
        assert f"{TARGET}.inputs[none]" in outcome.fault.message
    rig.write(template(inputs=[{"key": "name", "value": "n"}]))
    assert rig.plan().empty


# several targets


def test_each_target_has_its_own_repositories_and_inputs(rig: Rig):
    """One detail per service module: what belongs to one target is stored and compared there."""
    targets = [
        {
            "service_name": "shop",
            "service_module": module,
            "repo_info": [{**REPO, "branch": module}],
            "inputs": [{**MODE, "value": module}],
        }
        for module in ("web", "api", "db")
    ]
    document = {**template(), "target_services": targets}
    rig.write(document)
    rig.applied()
    stored = {t["service_module"]: t for t in rig.stored("tpl")["targets"]}
    assert {m: (t["repos"][0]["branch"], t["envs"][1]["value"]) for m, t in stored.items()} == {
        m: (m, m) for m in ("web", "api", "db")
    }
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


def test_a_change_in_one_target_is_named_in_that_target(rig: Rig):
    targets = [{"service_name": "shop", "service_module": m, "repo_info": [REPO]} for m in ("web", "api")]
    rig.write({**template(), "target_services": targets})
    rig.applied()
    rig.meddle("tpl", lambda stored: stored["targets"][1]["repos"][0].update(branch="elsewhere"))
    (step,) = rig.plan().steps
    assert [(c.path, c.before, c.after) for c in step.changes if c.kind is ChangeKind.CHANGED] == [
        ("target_services[shop/api].repo_info[org/demo].branch", "elsewhere", "main")
    ]
    rig.applied()
    assert rig.plan().empty


def test_targets_changed_by_the_page_without_new_stamps_are_seen(rig: Rig, seeing: bool):
    """The page's change of service modules touches no stamp, and may change repositories with them."""
    rig.write(template(repo_info=[{**REPO, "enable_commit": True, "commit_id": "abc"}]))
    rig.applied()
    rig.meddle("tpl", lambda stored: stored["targets"][0]["repos"][0].update(branch="elsewhere"), user="")
    (step,) = rig.plan().steps
    assert step.action is Action.UPDATE
    assert shown_paths(step) == {f"{TARGET}.repo_info[org/demo].branch"}
    if seeing:
        assert unverifiable_paths(step) == set()
    else:
        assert f"{TARGET}.repo_info[org/demo].commit_id" in unverifiable_paths(step)
    assert rig.accept() == ([] if seeing else ["unreadable"])
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["repos"][0]["commit_id"] == "abc"


@pytest.mark.parametrize(("times", "seen"), [(1, True), (9, False)], ids=["once", "all the time"])
def test_a_build_that_is_written_between_its_details_is_read_once_more(rig: Rig, times: int, seen: bool):
    """A detail of before and one of after make no build; an apply beside a plan writes each build but once."""
    targets = [{"service_name": "shop", "service_module": name} for name in ("web", "api")]
    rig.write({**template(), "target_services": targets})
    rig.applied()
    left = [times]

    def meanwhile(request: Request, answer: Response) -> Response:
        if request.path.endswith("/tpl/detail") and left[0]:
            left[0] -= 1
            rig.meddle("tpl", lambda build: None)
        return answer

    rig.twist = meanwhile
    live = rig.planned().live.build("yaml", "tpl")
    assert live is not None
    assert (live.build is not None) == seen
    assert ("written" in live.unread or "wrote" in live.unread) != seen
