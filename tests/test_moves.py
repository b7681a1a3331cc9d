"""Renames and moves, at the wire: what is created, what is deleted, in which order, and what stands in the way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.model.outcome import Ending
from reconciler.model.policy import Policy
from reconciler.plan.moves import together
from reconciler.plan.step import Action, Block, Blocked, Step
from reconciler.report.document import plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_outcome, render_plan
from reconciler.workflow.apply import Options, locked
from tests.moving import CANARY, REPO, Moving, blocks, content, endings, from_template, renamed, rich, steps
from tests.rig import plain, template
from tests.wire_transport import transport_to


@pytest.fixture
def moving(tmp_path):
    return Moving(tmp_path)


def refusal(kind: str, at: list[int], method: str) -> dict[str, Any]:
    return {"kind": kind, "at": at, "match": {"method": method, "path": "^/openapi/build$"}}


def same(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Two stored builds are the same beside their names; no storages is as good as none that is enabled."""
    left, right = content(before), content(after)
    for one in (left, right):
        one.get("pre_build", {}).pop("storages", None)
    assert left == right


# renames -------------------------------------------------------------------------------------------------


def test_a_rename_creates_then_deletes_and_keeps_what_is_not_declared(moving: Moving):
    """One POST, then one DELETE; undeclared settings, unreadable ones and the credential are in the new build."""
    moving.have(rich())
    old = moving.stored("old")
    moving.only(renamed("old"))
    plan = moving.plan()
    assert blocks(plan) == {"create new": None, "delete old": None}
    moving.applied()
    assert moving.sent() == [("POST", "new"), ("DELETE", "old")]
    assert moving.names() == ["new"]
    same(old, moving.stored("new"))
    assert moving.stored("new")["pre_build"]["envs"][1]["value"] == CANARY
    assert moving.stored("new")["enable_privileged_mode"] is True


def test_the_plan_after_a_rename_is_empty_and_says_that_it_is_done(moving: Moving):
    """`renamed_from` is spent: one note says to take it out, and nothing is to be done."""
    moving.have(rich())
    moving.only(renamed("old"))
    moving.applied()
    plan = moving.plan()
    assert plan.empty
    assert plan.notices == ("renamed_from is done, take it out: yaml/new",)
    moving.only(plain("new"))
    assert moving.plan().empty
    assert moving.plan().notices == ()


def test_a_renamed_template_build_keeps_its_targets_and_inputs(moving: Moving):
    """What a template build's definition does not declare comes from the old one: inputs and the credential too."""
    moving.have(from_template())
    old = moving.stored("old")
    moving.only({**template("new", repo_info=[REPO]), "x-reconciler": {"renamed_from": "old"}})
    moving.applied()
    assert moving.sent() == [("POST", "new"), ("DELETE", "old")]
    same(old, moving.stored("new"))
    assert CANARY in json.dumps(moving.stored("new"))
    assert moving.plan().empty


def test_a_choice_that_only_the_old_build_has_is_a_named_loss(moving: Moving):
    """No request can write `choice_value`: what the template fills in goes along, what the page chose is named."""
    moving.have(from_template())
    assert moving.stored("old")["targets"][0]["envs"][3]["choice_value"] == ["a"]
    moving.only({**template("new", repo_info=[REPO]), "x-reconciler": {"renamed_from": "old"}})
    assert blocks(moving.plan()) == {"create new": None, "delete old": None}
    moving.meddle("old", lambda stored: stored["targets"][0]["envs"][3].update(choice_value=["b"]), user="")
    plan = moving.plan()
    assert blocks(plan) == {"create new": "loss", "delete old": "loss"}
    told = [(loss.path.rpartition(".")[2], loss.value) for loss in steps(plan)["delete old"].losses]
    assert told == [("choice_value", "b"), ("value", "a")]


@pytest.mark.parametrize("leaf", ["desc", "team"])
def test_what_only_the_page_sets_and_every_update_keeps_is_a_named_loss(moving: Moving, leaf: str):
    """Our updates leave it where it is, so that the record is exact and knows nothing of it; a new build lacks it."""
    moving.have(rich())
    moving.meddle("old", lambda stored: stored.update({leaf: "by people"}))
    moving.only({**rich(), "build_script": "make\n"})
    moving.applied()
    moving.only(renamed("old", **{key: value for key, value in rich("new").items() if key != "name"}))
    plan = moving.plan()
    assert blocks(plan) == {"create new": "loss", "delete old": "loss"}
    assert [(loss.path, loss.value) for loss in steps(plan)["delete old"].losses] == [(leaf, "by people")]
    moving.accept()
    moving.applied()
    assert moving.plan().empty


def test_declared_settings_win_over_the_old_build(moving: Moving):
    """A rename may change settings on the way; the plan shows those, and only those, as changes."""
    moving.have(rich())
    more = {key: value for key, value in rich("new").items() if key not in ("name", "build_script")}
    moving.only(renamed("old", **{**more, "build_script": "make\n"}))
    assert [change.path for change in steps(moving.plan())["create new"].changes] == ["build_script"]
    moving.applied()
    assert moving.stored("new")["scripts"] == "make\n"


def test_a_rename_sends_credentials_in_clear_and_never_asterisks(moving: Moving):
    """On a create the server stores asterisks as they are (contract, section 3)."""
    moving.have(rich())
    moving.only(renamed("old"))
    moving.applied()
    (created,) = moving.requests("POST")
    assert [p["default_value"] for p in created["body"]["parameters"]] == ["fast", CANARY]


def test_no_setting_of_a_create_in_place_of_another_build_is_kept_by_asterisks(moving: Moving):
    """The plan marks none; an update of the same build would mark the credential."""
    moving.have(rich())
    moving.only(renamed("old"))
    assert steps(moving.plan())["create new"].kept == frozenset()
    moving.only(rich(build_script="other\n"))
    assert steps(moving.plan())["update old"].kept == {"parameters[PW].default_value"}


def test_an_ignored_setting_comes_from_the_old_build(moving: Moving):
    """A setting that Git leaves to the server stays as it is there, under the new name too."""
    moving.have(rich())
    moving.meddle("old", lambda stored: stored.update(timeout=7))
    ignored = renamed("old", advanced_settings={"cluster_name": "gpu-cluster", "timeout": 45})
    ignored["x-reconciler"]["ignore"] = [{"path": "advanced_settings.timeout", "reason": "tuned by hand"}]
    moving.only(ignored)
    moving.applied()
    assert moving.stored("new")["timeout"] == 7


def test_where_the_create_is_refused_the_old_build_stays(moving: Moving):
    """The delete waits for the create: no DELETE is sent, and the outcome says for what it waited."""
    moving.have(rich())
    old = moving.stored("old")
    moving.only(renamed("old", build_os="nonsense"))
    planned = moving.planned()
    ended = moving.apply()
    assert endings(planned.plan, ended) == {"create new": Ending.FAILED, "delete old": Ending.SKIPPED}
    assert '"yaml/new"' in str(ended[1].fault)
    assert moving.sent() == [("POST", "new")]
    assert moving.stored("old") == old
    moving.only(renamed("old"))
    moving.applied()
    assert moving.names() == ["new"]


def test_an_old_build_that_changed_since_the_plan_is_neither_copied_nor_deleted(moving: Moving):
    """A build edited in the page between plan and apply: nothing is created from what it was, nothing deleted."""
    moving.have(rich())
    moving.only(renamed("old"))
    planned = moving.planned()
    moving.meddle("old", lambda stored: stored.update(scripts="theirs\n"))
    ended = moving.applying(planned)
    assert endings(planned.plan, ended) == {"create new": Ending.BLOCKED, "delete old": Ending.BLOCKED}
    assert {o.fault.code for o in ended if o.fault} == {"stale"}
    assert moving.sent() == []
    assert moving.stored("old")["scripts"] == "theirs\n"


def test_a_create_whose_answer_is_lost_is_read_back_before_the_delete(moving: Moving):
    """The write was done: it is not sent again, and the rename goes on."""
    moving.have(rich())
    moving.only(renamed("old"))
    moving.emulator.set_faults([refusal("lost-answer", [0], "POST")])
    moving.applied()
    assert moving.sent() == [("POST", "new"), ("DELETE", "old")]


def test_a_delete_whose_answer_is_lost_is_read_back(moving: Moving):
    """It was done, so that it is not sent again."""
    moving.have(rich())
    moving.only(renamed("old"))
    moving.emulator.set_faults([refusal("lost-answer", [0], "DELETE")])
    moving.applied()
    assert moving.sent() == [("POST", "new"), ("DELETE", "old")]


def test_several_renames_go_side_by_side(moving: Moving):
    """Each pair is a chain of its own, and the plan after all of them is empty."""
    names = ["a", "b", "c"]
    moving.have(*(rich(name) for name in names))
    moving.only(*({**plain(f"{name}2"), "x-reconciler": {"renamed_from": name}} for name in names))
    moving.applied()
    assert moving.names() == ["a2", "b2", "c2"]
    assert sorted(moving.sent()) == sorted([("POST", f"{n}2") for n in names] + [("DELETE", n) for n in names])
    assert moving.plan().empty


# moves ---------------------------------------------------------------------------------------------------


def moved(**more: Any) -> dict[str, Any]:
    """The definition of `api` in the other project, with all that a move has to supply."""
    return {**plain("api"), "project_key": "other", "parameters": rich()["parameters"], **more}


def test_a_move_deletes_then_creates_and_keeps_what_is_not_declared(moving: Moving):
    """One DELETE, then one POST: names are global; undeclared settings are those of the old build."""
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(moved())
    moving.applied()
    assert moving.sent() == [("DELETE", "api"), ("POST", "api")]
    same(old, moving.stored("api"))
    assert moving.stored("api")["product_name"] == "other"
    assert moving.plan().empty


def test_a_template_build_moves_too(moving: Moving):
    """Its inputs that are not declared go along; a credential among them has to be declared."""
    moving.have(from_template("api"))
    old = moving.stored("api")
    moving.only({**template("api", repo_info=[REPO]), "project_key": "other"})
    assert blocks(moving.plan()) == {"create api": "credentials", "delete api": "credentials"}
    moving.only(from_template("api", "other"))
    moving.applied()
    assert moving.sent() == [("DELETE", "api"), ("POST", "api")]
    same(old, moving.stored("api"))
    assert moving.plan().empty


def test_a_move_needs_every_credential_in_the_definition(moving: Moving):
    """After a death in between nobody would have it; the sentence names it."""
    moving.have(rich("api"))
    moving.only(moved(parameters=[{"key": "PW", "is_credential": True}]))
    plan = moving.plan()
    assert blocks(plan) == {"create api": "credentials", "delete api": "credentials"}
    assert "parameters[PW].default_value" in steps(plan)["create api"].blocked.message


UNDONE = {
    "an image that is not there": (moved(build_os="nonsense"), []),
    "the server fails": (moved(), [refusal("500-json", [0], "POST")]),
    "not permitted": (moved(), [refusal("403-empty", [0], "POST")]),
}


@pytest.mark.parametrize("why", UNDONE)
def test_where_the_create_of_a_move_fails_the_old_build_is_put_back(moving: Moving, why: str):
    """The old build is there again with its credential, still ours, and both outcomes say so."""
    definition, faults = UNDONE[why]
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(definition)
    moving.emulator.set_faults(faults)
    planned = moving.planned()
    ended = moving.applying(planned)
    assert endings(planned.plan, ended) == {"create api": Ending.FAILED, "delete api": Ending.FAILED}
    said = "".join(render_outcome(planned.plan, outcome, Ink()) for outcome in ended)
    assert '"yaml/api" was put back as it was' in said
    assert CANARY not in said
    assert moving.sent() == [("DELETE", "api"), ("POST", "api"), ("POST", "api")]
    same(old, moving.stored("api"))
    assert moving.stored("api")["product_name"] == "yaml"
    moving.emulator.set_faults([])
    moving.only(rich("api"))
    assert moving.plan().empty
    moving.only(moved())
    moving.applied()
    assert moving.stored("api")["product_name"] == "other"


def test_putting_back_a_template_build_brings_its_inputs_back(moving: Moving):
    """The template body is put back whole, types, flags and the credential included."""
    moving.have(from_template("api"))
    old = moving.stored("api")
    moving.only(from_template("api", "other"))
    moving.emulator.set_faults([refusal("403-empty", [0], "POST")])
    moving.apply()
    same(old, moving.stored("api"))
    assert moving.stored("api")["product_name"] == "yaml"


def test_where_putting_back_fails_too_it_is_said_loudly_and_the_next_run_finishes(moving: Moving):
    """Nothing is lost: what the definition does not declare is created from what the ledger was told."""
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(moved())
    moving.emulator.set_faults([refusal("403-empty", [0, 1], "POST")])
    planned = moving.planned()
    ended = moving.applying(planned, Options())
    assert endings(planned.plan, ended) == {"create api": Ending.FAILED, "delete api": Ending.DONE}
    (fault,) = [outcome.fault for outcome in ended if outcome.fault]
    assert fault.code == "not-put-back"
    assert '"yaml/api" IS DELETED AND COULD NOT BE PUT BACK' in fault.message
    assert moving.names() == []
    moving.emulator.set_faults([])
    moving.policy = Policy()
    assert blocks(moving.plan()) == {"create api": None}
    moving.applied()
    same(old, moving.stored("api"))
    assert moving.plan().empty


def test_what_could_not_be_put_back_is_said_to_be_in_the_backup(moving: Moving):
    """The sentence names the folder that the run wrote it to."""
    moving.have(rich("api"))
    moving.only(moved())
    moving.emulator.set_faults([refusal("403-empty", [0, 1], "POST")])
    created, deleted = moving.apply()
    assert deleted.ending is Ending.DONE
    (folder,) = (path for path in (moving.tree / ".reconciler" / "backup").iterdir() if path.is_dir())
    assert (folder / "yaml" / "api" / "definition.yaml").exists()
    assert created.fault is not None
    assert created.fault.hint.startswith(f"its backup is in {folder}; ")


def test_a_create_of_which_nothing_is_heard_is_not_put_back(moving: Moving):
    """It may still arrive, and names are global: the next run finds out, from the intent."""
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(moved())
    moving.emulator.set_faults([refusal("reset", [0, 1], "POST")])
    moving.apply()
    assert moving.sent() == [("DELETE", "api"), ("POST", "api"), ("POST", "api")]
    assert [r["body"]["project_key"] for r in moving.requests("POST")] == ["other", "other"]
    moving.emulator.set_faults([])
    moving.applied()
    same(old, moving.stored("api"))


def test_an_intent_of_a_move_outlives_a_run_in_which_its_create_is_blocked(moving: Moving):
    """A refusal that is foreseen does not make the run forget what only the intent knows."""
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(moved())
    moving.emulator.set_faults([refusal("403-empty", [0, 1], "POST")])
    moving.apply()
    moving.emulator.set_faults([])
    moving.only(moved(advanced_settings={"cluster_name": "nowhere"}))
    assert [o.ending for o in moving.apply()] == [Ending.BLOCKED]
    moving.only(moved(parameters=[{"key": "PW", "is_credential": True}]))
    assert blocks(moving.plan()) == {"create api": "credentials"}
    assert [o.ending for o in moving.apply()] == [Ending.BLOCKED]
    moving.only(moved())
    moving.applied()
    same(old, moving.stored("api"))


def test_an_input_credential_that_only_the_old_build_held_blocks_the_resumed_create(moving: Moving):
    """Left out, the template would fill it in silently; the intent kept the rest."""
    moving.have(from_template("api"))
    moving.only(from_template("api", "other"))
    moving.emulator.set_faults([refusal("403-empty", [0, 1], "POST")])
    moving.apply()
    moving.emulator.set_faults([])
    moving.only({**template("api", repo_info=[REPO]), "project_key": "other"})
    (step,) = moving.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason.value == "credentials"
    assert "inputs[pw].value" in step.blocked.message
    moving.only(from_template("api", "other"))
    moving.applied()
    assert CANARY in json.dumps(moving.stored("api"))


class Crowded:
    """A server on which somebody writes a build in the moment after it was created."""

    def __init__(self, moving: Moving) -> None:
        self.moving = moving

    def handle(self, request: Any) -> Any:
        answer = self.moving.emulator.handle(request)
        if request.method == "POST" and answer.status == 200:
            self.moving.meddle("api", lambda stored: None, seconds=1)
        return answer


def test_a_moved_build_that_somebody_writes_at_once_is_there_and_nothing_is_put_back(moving: Moving):
    """Overtaken: the name is taken by the new build, so that no second create is sent."""
    moving.have(rich("api"))
    moving.only(moved())
    planned = moving.planned()
    world = replace(moving.world, transport=lambda: transport_to(Crowded(moving)))
    with locked(moving.settings, planned, world, Options()) as outcomes:
        ended = sorted(outcomes, key=lambda outcome: outcome.index)
    assert endings(planned.plan, ended) == {"create api": Ending.FAILED, "delete api": Ending.DONE}
    assert ended[0].fault is not None
    assert ended[0].fault.code == "overtaken"
    assert moving.sent() == [("DELETE", "api"), ("POST", "api")]


def test_what_somebody_else_deleted_is_not_put_back(moving: Moving):
    """The old build was gone before us; that its place is not taken is no reason to bring it back."""
    moving.have(rich("api"))
    moving.only(moved())
    planned = moving.planned()
    moving.emulator.set_state(None, [])
    moving.emulator.set_faults([refusal("403-empty", [0], "POST")])
    moving.applying(planned)
    assert moving.sent() == [("POST", "api")]
    assert moving.names() == []


# what stands in the way ----------------------------------------------------------------------------------


def without_the_flag(moving: Moving) -> None:
    moving.policy = replace(moving.policy, allow_moves=False)


def of_another_tree(moving: Moving) -> None:
    moving.name = "another"


def without_a_record(moving: Moving) -> None:
    moving.forget()


def protected(moving: Moving) -> None:
    moving.have({**rich(), "x-reconciler": {"prevent_destroy": True}})


def with_what_no_request_can_send(moving: Moving) -> None:
    moving.meddle("old", lambda stored: stored["post_build"].update(scripts="echo done"), user="")


def jenkins(moving: Moving) -> None:
    moving.meddle("old", lambda stored: stored.update(source="jenkins"), user="")


def unread(moving: Moving) -> None:
    moving.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": {"path": "/old/detail"}}])


def incomplete(moving: Moving) -> None:
    moving.have(rich(), plain("other-1"))
    fault = {"kind": "unsettled-list", "probability": 1.0, "seed": 1, "match": {"method": "GET"}}
    moving.emulator.set_faults([fault])


def narrowed(moving: Moving) -> None:
    moving.path = str(moving.tree / "new.json")


def beyond_the_limit(moving: Moving) -> None:
    moving.policy = replace(moving.policy, max_deletes=0)


IN_THE_WAY = {
    without_the_flag: "needs-flag",
    of_another_tree: "foreign",
    without_a_record: "foreign",
    protected: "protected",
    with_what_no_request_can_send: "loss",
    jenkins: "unwritable",
    unread: "unread",
    incomplete: "incomplete",
    narrowed: "needs-flag",
    beyond_the_limit: "limit",
}


@pytest.mark.parametrize("case", IN_THE_WAY, ids=lambda case: case.__name__)
def test_a_rename_is_blocked(moving: Moving, case: Any):
    """Both steps of the pair, for the same reason; nothing is sent, and the old build is as it was."""
    moving.have(rich())
    case(moving)
    moving.quiet()
    others = [plain("other-1")] if "other-1" in moving.names() else []
    moving.only(renamed("old"), *others)
    stored = moving.emulator.state()["builds"]
    found = {key: why for key, why in blocks(moving.plan()).items() if key in ("create new", "delete old")}
    assert set(found.values()) == {IN_THE_WAY[case]}
    assert found.keys() == ({"create new"} if case is narrowed else {"create new", "delete old"})
    moving.apply()
    assert moving.sent() == []
    assert moving.emulator.state()["builds"] == stored


MOVES_IN_THE_WAY = {
    without_the_flag: "needs-flag",
    protected: "protected",
    with_what_no_request_can_send: "loss",
    jenkins: "unwritable",
    unread: "unread",
    of_another_tree: "name-taken",
    without_a_record: "name-taken",
    beyond_the_limit: "limit",
}


@pytest.mark.parametrize("case", MOVES_IN_THE_WAY, ids=lambda case: case.__name__)
def test_a_move_is_blocked(moving: Moving, case: Any):
    """Like a rename; but a name that is not ours in the other project is taken, and nothing is to be deleted."""
    moving.have(rich())
    case(moving)
    moving.quiet()
    moving.only(rich("old", "other"))
    stored = moving.emulator.state()["builds"]
    found = blocks(moving.plan())
    assert set(found.values()) == {MOVES_IN_THE_WAY[case]}
    assert ("delete old" in found) == (MOVES_IN_THE_WAY[case] != "name-taken")
    moving.apply()
    assert moving.sent() == []
    assert moving.emulator.state()["builds"] == stored


def test_nothing_moves_where_only_a_part_of_the_tree_is_looked_at(moving: Moving):
    """A PATH below the root: no delete is planned, and the server refuses the create, as the name is taken."""
    moving.have(rich("api"))
    old = moving.stored("api")
    moving.only(rich("api", "other"), plain("second"))
    moving.path = str(moving.tree / "api.json")
    assert "delete api" not in blocks(moving.plan())
    assert [o.ending for o in moving.apply()] == [Ending.FAILED]
    assert moving.requests("DELETE") == []
    assert moving.stored("api") == old


def test_nothing_moves_where_both_projects_are_read_for_a_part_of_the_tree(moving: Moving):
    """A folder with definitions of both: the name is taken there, and it is a move for the whole tree."""
    moving.have(rich("api"))
    moving.only()
    for document in (rich("api", "other"), plain("second")):
        moving.write(document, file=f"part/{document['name']}.json")
    assert blocks(moving.plan())["delete api"] is None
    moving.path = str(moving.tree / "part")
    assert blocks(moving.plan()) == {"create api": "name-taken", "create second": None}


def test_a_build_that_workflows_use_is_not_renamed(moving: Moving):
    """The delete of a pair breaks workflows like any other; the create is blocked with it."""
    moving.have(rich())
    state = moving.emulator.state()
    used = {"service_name": "shop", "service_module": "web", "build_name": "old"}
    job = {"name": "build", "type": "zadig-build", "spec": {"service_and_builds": [used]}}
    state["world"]["workflows"] = [{"key": "w", "name": "release", "project": "yaml", "jobs": [job]}]
    moving.emulator.set_state(state["world"], state["builds"])
    moving.only(renamed("old"))
    plan = moving.plan()
    assert blocks(plan) == {"create new": "in-use", "delete old": "in-use"}
    moving.policy = replace(moving.policy, break_workflows=True)
    moving.quiet()
    moving.applied()
    assert moving.sent() == [("POST", "new"), ("DELETE", "old")]


def test_protection_is_lifted_by_a_definition_that_says_so(moving: Moving):
    """The positive control of `protected`: `prevent_destroy: false` lets the rename through."""
    moving.have({**rich(), "x-reconciler": {"prevent_destroy": True}})
    moving.only({**plain("new"), "x-reconciler": {"renamed_from": "old", "prevent_destroy": False}})
    moving.applied()
    assert moving.names() == ["new"]


def test_a_rename_cannot_change_the_kind_as_well(moving: Moving):
    """Nothing of a plain build can be taken over into a template build: one step at a time."""
    moving.have(rich())
    moving.only({**template("new"), "x-reconciler": {"renamed_from": "old"}})
    assert blocks(moving.plan()) == {"create new": "loss", "delete old": "loss"}


def test_the_new_name_may_be_taken_in_another_project(moving: Moving):
    """`name-taken` for both steps, and nothing is deleted."""
    theirs = plain("new")
    moving.have(rich(), {**theirs, "project_key": "other"})
    moving.name = "rig"
    moving.only(renamed("old"))
    moving.forget()
    assert set(blocks(moving.plan()).values()) <= {"name-taken", "foreign"}
    moving.apply()
    assert moving.sent() == []


def test_a_name_that_nothing_has_is_said_and_a_plain_create_is_made(moving: Moving):
    """A misspelt `renamed_from` deletes nothing; the create's note says that it names nothing."""
    moving.only(renamed("misspelt"))
    (step,) = moving.plan().steps
    assert step.old is None
    assert any('"misspelt"' in note for note in step.notes)
    moving.applied()
    assert moving.sent() == [("POST", "new")]


def test_an_old_build_of_somebody_else_beside_the_new_one_is_left_alone(moving: Moving):
    """Both exist and only the new one is ours: a notice, and no delete."""
    moving.have(plain("new"))
    theirs = {**moving.stored("new"), "name": "old", "update_by": "mallory"}
    moving.emulator.set_state(None, [moving.stored("new"), theirs])
    moving.only(renamed("old"))
    plan = moving.plan()
    assert [step.action for step in plan.steps] == [Action.KEEP]
    assert "left alone" in plan.notices[0]
    moving.apply()
    assert moving.sent() == []


def test_a_new_build_of_somebody_else_is_no_rename_that_was_done(moving: Moving):
    """Both exist and only the old one is ours: it stays, whatever `renamed_from` says."""
    moving.have(rich())
    theirs = {**moving.stored("old"), "name": "new", "update_by": "mallory"}
    moving.emulator.set_state(None, [moving.stored("old"), theirs])
    moving.only(renamed("old"))
    plan = moving.plan()
    assert "delete old" not in blocks(plan)
    assert '"new" exists already and is not ours' in plan.notices[0]
    moving.apply()
    assert moving.requests("DELETE") == []


def test_both_steps_are_blocked_where_any_guard_blocks_one():
    """Whatever looks at one of them later (a limit, a saved plan) holds for the pair, and for no other step."""
    why = Blocked(Block.LIMIT, "too many", "raise the limit")
    create = Step(Action.CREATE, "yaml", "new", "", old=("yaml", "old"))
    delete = Step(Action.DELETE, "yaml", "old", "", after=("yaml", "new"))
    other = Step(Action.CREATE, "yaml", "third", "")
    for one, two in ((replace(create, blocked=why), delete), (create, replace(delete, blocked=why))):
        assert [step.blocked for step in together([one, two, other])] == [why, why, None]
    assert together([create, delete, other]) == (create, delete, other)


# the second half -----------------------------------------------------------------------------------------


def half_done(moving: Moving) -> None:
    """A rename whose delete was refused: both builds are there, and both are ours."""
    moving.have(rich())
    moving.only(renamed("old"))
    moving.emulator.set_faults([refusal("403-empty", [0], "DELETE")])
    moving.apply()
    moving.emulator.set_faults([])
    moving.quiet()
    assert moving.names() == ["new", "old"]


def test_what_is_left_of_a_rename_is_one_delete(moving: Moving):
    """No second create; the delete needs the flag, and then the plan is empty."""
    half_done(moving)
    without_the_flag(moving)
    assert blocks(moving.plan()) == {"keep new": None, "delete old": "needs-flag"}
    moving.apply()
    assert moving.sent() == []
    moving.policy = replace(moving.policy, allow_moves=True)
    moving.applied()
    assert moving.sent() == [("DELETE", "old")]
    assert moving.plan().empty


def test_what_is_left_of_a_rename_waits_for_an_update_of_the_new_build(moving: Moving):
    """A definition that changed meanwhile is written first; where that is blocked, so is the delete."""
    half_done(moving)
    moving.only(renamed("old", build_script="changed\n"))
    plan = moving.plan()
    assert steps(plan)["delete old"].after == ("yaml", "new")
    moving.meddle("new", lambda stored: stored["post_build"].update(scripts="echo"), user="")
    assert blocks(moving.plan()) == {"update new": "loss", "delete old": "loss"}
    moving.meddle("new", lambda stored: stored["post_build"].update(scripts=""), user="")
    moving.quiet()
    moving.applied()
    assert moving.sent() == [("DELETE", "old")]
    assert moving.stored("new")["scripts"] == "changed\n"


def test_what_is_left_of_a_rename_is_blocked_with_an_update_that_breaks_workflows(moving: Moving):
    """Guards that look at the update last hold for the delete that waits for it."""
    half_done(moving)
    services = moving.stored("new")["targets"]
    (use,) = [{"service_name": t["service_name"], "service_module": t["service_module"]} for t in services]
    job = {"name": "build", "type": "zadig-build", "spec": {"service_and_builds": [{**use, "build_name": "new"}]}}
    state = moving.emulator.state()
    state["world"]["workflows"] = [{"key": "w", "name": "release", "project": "yaml", "jobs": [job]}]
    moving.emulator.set_state(state["world"], state["builds"])
    moving.only(renamed("old", services=[]))
    assert blocks(moving.plan()) == {"update new": "in-use", "delete old": "in-use"}
    moving.apply()
    assert moving.sent() == []


def test_an_old_build_that_was_changed_after_the_create_is_not_deleted_unseen(moving: Moving):
    """What it has and the new one has not is a named loss."""
    half_done(moving)
    moving.meddle("old", lambda stored: stored.update(timeout=99))
    plan = moving.plan()
    assert blocks(plan)["delete old"] == "loss"
    assert [(loss.path, loss.value) for loss in steps(plan)["delete old"].losses] == [
        ("advanced_settings.timeout", "99")
    ]
    moving.apply()
    assert moving.sent() == []


def test_what_is_left_of_a_rename_is_not_deleted_where_a_part_of_the_tree_is_looked_at(moving: Moving):
    """With the whole tree the delete is planned; with PATH it is not."""
    half_done(moving)
    assert "delete old" in blocks(moving.plan())
    moving.path = str(moving.tree / "new.json")
    assert blocks(moving.plan()) == {"keep new": None}


def test_what_the_definition_resets_is_not_missed_in_the_new_build(moving: Moving):
    """`advanced_settings: null` decides about the whole block: the old build's other values are no loss."""
    moving.have(rich())
    moving.only(renamed("old", advanced_settings=None))
    moving.emulator.set_faults([refusal("403-empty", [0], "DELETE")])
    moving.apply()
    moving.emulator.set_faults([])
    assert moving.stored("new")["timeout"] == 60
    assert blocks(moving.plan())["delete old"] is None
    moving.applied()
    assert moving.names() == ["new"]


# how it reads --------------------------------------------------------------------------------------------


def test_a_rename_reads_as_one(moving: Moving):
    """Text says in place of what, JSON has `old`, and no secret is in either."""
    moving.have(rich())
    moving.only(renamed("old"))
    plan = moving.plan()
    text = render_plan(plan, Style(verbose=True))
    assert "+ yaml/new will be created, in place of yaml/old" in text
    assert "- yaml/old will be deleted: becomes yaml/new" in text
    document = plan_document(plan)
    assert [step.get("old") for step in document["steps"]] == [{"project": "yaml", "name": "old"}, None]
    assert CANARY not in text + json.dumps(document)


def test_a_dry_run_goes_through_both_steps_and_sends_nothing(moving: Moving):
    """Each step says that it was not sent; only GETs arrive."""
    moving.have(rich("api"), rich())
    moving.only(rich("api", "other"), renamed("old"))
    ended = moving.apply(Options(dry_run=True))
    assert {(o.ending, o.fault.code) for o in ended if o.fault} == {(Ending.SKIPPED, "dry-run")}
    assert len(ended) == 4
    assert moving.requests("POST", "PUT", "DELETE") == []
    assert moving.names() == ["api", "old"]


def test_no_secret_of_an_old_build_gets_into_the_ledger(moving: Moving):
    """The intents of a rename hold the whole build, its credential left out."""
    moving.have(rich())
    assert CANARY in json.dumps(moving.stored("old"))
    moving.only(renamed("old"))
    moving.emulator.set_faults([refusal("403-empty", [0], "DELETE")])
    moving.apply()
    assert CANARY.encode() not in moving.ledger.read_bytes()


# what the server would refuse ----------------------------------------------------------------------------


def test_a_cluster_that_the_server_does_not_list_blocks_a_create(moving: Moving):
    """`unwritable`, with the clusters that there are; nothing is sent."""
    moving.only(plain("a", advanced_settings={"cluster_name": "nowhere"}))
    (step,) = moving.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason.value == "unwritable"
    assert "gpu-cluster" in step.blocked.hint
    moving.apply()
    assert moving.sent() == []


def test_the_clusters_are_asked_for_once_and_only_where_a_create_needs_them(moving: Moving):
    """One request tells the local one and all the others; a create without settings of the block asks nothing."""
    asked = {"path": "/openapi/system/cluster"}

    def count() -> int:
        return sum(1 for r in moving.requests("GET") if r["path"] == asked["path"])

    moving.only(plain("a"))
    moving.plan()
    assert count() == 0
    moving.only(*(plain(name, advanced_settings={"cluster_name": "gpu-cluster"}) for name in "ab"))
    moving.plan()
    assert count() == 1


def test_a_move_to_a_cluster_that_is_not_there_deletes_nothing(moving: Moving):
    """The refusal is foreseen: both steps are blocked."""
    moving.have(rich("api"))
    moving.only(moved(advanced_settings={"cluster_name": "nowhere"}))
    assert blocks(moving.plan()) == {"create api": "unwritable", "delete api": "unwritable"}


def test_what_no_other_build_shows_is_a_guess(moving: Moving):
    """An image, code host or template that nothing read shows is a note; one that is shown is not."""
    moving.have(rich("a"), from_template("t"))
    hosted = {**REPO, "codehost_name": "elsewhere"}
    moving.only(
        rich("a"),
        from_template("t"),
        plain("b", build_os="ubuntu 18.04", repo_info=[hosted]),
        plain("c", build_os="ubuntu 20.04", repo_info=[REPO]),
        {**template("d"), "template_name": "other-template"},
    )
    found = {step.name: step.notes for step in moving.plan().steps}
    assert [note.partition("shows the ")[2].partition(":")[0] for note in found["b"]] == [
        'image "ubuntu 18.04"',
        'code host "elsewhere"',
    ]
    assert all(note.startswith("a guess: ") for note in found["b"])
    assert found["c"] == ()
    assert 'build template "other-template"' in found["d"][0]


def test_without_anything_to_judge_by_nothing_is_guessed(moving: Moving):
    """The first builds of a server get no notes; a rename always does."""
    docker = {"dockerfile_source": "template", "template_name": "go-dockerfile"}
    moving.only(plain("a", build_os="ubuntu 18.04", docker_build_step=docker))
    assert [step.notes for step in moving.plan().steps] == [()]
    moving.have(rich())
    moving.only(renamed("old", docker_build_step=docker))
    assert any('Dockerfile template "go-dockerfile"' in note for note in steps(moving.plan())["create new"].notes)


# suggestions ---------------------------------------------------------------------------------------------


def test_a_create_that_looks_like_an_orphan_is_suggested_to_be_a_rename(moving: Moving):
    """The note says what to write and why it looks so; the delete that prune plans says it too."""
    moving.have(rich(), *(plain(f"p{n}") for n in range(3)))
    moving.only(rich("new"), *(plain(f"p{n}") for n in range(3)))
    (note,) = steps(moving.plan())["create new"].notes
    assert note.startswith('looks like "old" renamed (the same script, ')
    assert "x-reconciler: {renamed_from: old}" in note
    from reconciler.model.policy import Prune

    moving.policy = replace(moving.policy, prune=Prune.OWNED)
    (note, *_) = [note for note in steps(moving.plan())["delete old"].notes if "renamed" in note]
    assert '"new"' in note
    assert "{renamed_from: old}" in note


def test_writing_what_is_suggested_makes_the_rename(moving: Moving):
    """And then there is no suggestion any more."""
    moving.have(rich())
    moving.only({**rich("new"), "x-reconciler": {"renamed_from": "old"}})
    plan = moving.plan()
    assert blocks(plan) == {"create new": None, "delete old": None}
    assert not any("looks" in note for step in plan.steps for note in step.notes)


ALIKE = {
    "tiny builds": plain,
    "one script for all": rich,
    "short scripts": lambda name: plain(name, build_script="make\n"),
}


@pytest.mark.parametrize("what", ALIKE)
def test_builds_that_are_all_alike_suggest_nothing(moving: Moving, what: str):
    """Where another definition looks as much like the orphan, nobody can tell."""
    make = ALIKE[what]
    moving.have(make("a"), make("b"), make("gone"))
    moving.only(make("a"), make("b"), make("fresh"))
    assert not any("looks" in note for step in moving.plan().steps for note in step.notes)


def test_two_orphans_that_are_alike_suggest_nothing(moving: Moving):
    """Neither of them is the one."""
    moving.have(rich("gone-1"), rich("gone-2"))
    moving.only(rich("fresh"))
    assert steps(moving.plan())["create fresh"].notes == ()


def test_most_settings_being_equal_is_enough(moving: Moving):
    """Another script, and three of four settings the same."""
    moving.have(rich())
    moving.only(rich("new", build_script="#!/bin/bash\nset -e\nmake everything else, and differently\n"))
    (note,) = steps(moving.plan())["create new"].notes
    assert "declared settings are equal" in note
    assert "the same script" not in note


def test_a_small_build_that_only_got_another_name_is_suggested(moving: Moving):
    """All that it declares is equal, with a script of one line: nothing tells the two apart but the name."""
    moving.have(plain("old", build_script="make\n"))
    moving.only(plain("new", build_script="make\n"))
    (note,) = steps(moving.plan())["create new"].notes
    assert note.startswith('looks like "old" renamed (the same script, 2 of 2 declared settings are equal)')


@pytest.mark.parametrize(("was", "now"), [("make\n", "make all\n"), ("", "")])
def test_a_small_build_with_another_script_or_none_suggests_nothing(moving: Moving, was: str, now: str):
    """A base image alone is what everybody has."""
    moving.have(plain("old", build_script=was))
    moving.only(plain("new", build_script=now))
    assert steps(moving.plan())["create new"].notes == ()


def test_a_narrowed_run_suggests_nothing(moving: Moving):
    """What is missing may be elsewhere in the tree."""
    moving.have(rich())
    moving.only(rich("new"))
    moving.path = str(moving.tree / "new.json")
    assert steps(moving.plan())["create new"].notes == ()
