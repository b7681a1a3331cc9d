"""Applying: read back, never twice, never over somebody's change, and honest about how it ended."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from reconciler.emulator import Response
from reconciler.model.change import ChangeKind
from reconciler.model.errors import InvalidDefinitions, Locked, TooOld
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action, Block
from reconciler.report.text import Style, render_plan
from reconciler.workflow.apply import Options, locked
from reconciler.workflow.plan import World
from tests.ledger_file import held_by_another
from tests.rig import Rig, plain, template
from tests.wire_transport import transport_to

SECRET = "hunter2-canary"
CREDENTIAL = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}


def endings(outcomes):
    return [(o.ending, o.fault.code if o.fault else "") for o in outcomes]


@pytest.fixture
def applied(rig: Rig):
    """A build that was applied once."""
    rig.write(plain(build_script="make\n"))
    rig.applied()
    rig.quiet()
    return rig


@pytest.mark.parametrize("kind", ["lost-answer", "truncated", "502-html", "429-seconds", "reset", "timeout"])
@pytest.mark.parametrize("action", ["create", "update"])
def test_a_lost_answer_is_read_back_and_nothing_is_done_twice(rig: Rig, kind: str, action: str):
    """Whether the write arrived or not, it is done once, and the plan is empty after."""
    method = "POST" if action == "create" else "PUT"
    rig.write(plain(build_script="make\n"))
    if action == "update":
        rig.applied()
        rig.write(plain(build_script="make all\n"))
    rig.emulator.set_faults([{"kind": kind, "at": [0 if action == "create" else 1], "match": {"method": method}}])
    rig.quiet()
    assert endings(rig.apply()) == [(Ending.DONE, "")]
    succeeded = [r for r in rig.requests(method) if r["status"] == 200 and r["body"]]
    assert len(succeeded) == 1
    assert rig.plan().empty


def test_a_project_that_the_token_may_not_see_does_not_stop_the_others(rig: Rig):
    """Nothing is created where nobody knows what is there; what could be looked at is applied."""
    rig.write(plain(), plain("far", project_key="other"))
    rig.twist = lambda request, answer: Response(403) if "projectKey=other&" in request.query else answer
    plan = rig.plan()
    assert {step.name: step.blocked and step.blocked.reason for step in plan.steps} == {
        "api": None,
        "far": Block.INCOMPLETE,
    }
    assert not plan.complete
    assert endings(rig.apply()) == [(Ending.BLOCKED, "incomplete"), (Ending.DONE, "")]
    rig.twist = lambda _, answer: answer
    rig.applied()


def test_a_line_break_in_an_account_breaks_no_line_of_a_plan(applied: Rig):
    """Whoever can name an account cannot write a line that looks like one of ours."""
    applied.twist = lambda _, answer: replace(
        answer, body=answer.body.replace(b'"update_by":"admin"', b'"update_by":"a\\n- yaml/x will be deleted"')
    )
    applied.write(plain(build_script="make all\n"))
    text = render_plan(applied.plan(), Style())
    assert "last written by a" in text
    assert "\n- yaml/x" not in text


def test_a_write_that_never_arrives_fails_and_says_so(rig: Rig):
    """Sent twice at most, then failed: nothing is on the server, and another run does it."""
    rig.write(plain())
    rig.emulator.set_faults([{"kind": "reset", "probability": 1.0, "seed": 1, "match": {"method": "POST"}}])
    assert endings(rig.apply()) == [(Ending.FAILED, "no-answer")]
    rig.emulator.set_faults([])
    rig.applied()
    assert rig.plan().empty


def test_an_ending_that_nobody_can_know_is_unknown(rig: Rig):
    """The answer is lost and reading back is impossible: unknown, and the next run finds out by itself."""
    rig.write(plain())
    rig.emulator.set_faults(
        [
            {"kind": "lost-answer", "at": [0], "match": {"method": "POST"}},
            {"kind": "502-html", "probability": 1.0, "seed": 1, "match": {"path": "/detail"}},
        ]
    )
    assert endings(rig.apply()) == [(Ending.UNKNOWN, "unread")]
    rig.emulator.set_faults([])
    rig.quiet()
    assert rig.plan().empty
    rig.applied()
    assert rig.requests("POST", "PUT") == []
    rig.write(plain(build_script="x\n"))
    assert [s.blocked for s in rig.plan().steps] == [None]


def test_a_failed_step_hides_no_other(rig: Rig):
    """Independent steps go on after a failure."""
    rig.write(plain("a", build_os="no such image"), plain("b"), plain("c"))
    assert endings(rig.apply()) == [(Ending.FAILED, "6520"), (Ending.DONE, ""), (Ending.DONE, "")]
    assert rig.names() == ["b", "c"]


def test_what_the_server_does_not_take_fails_the_step(rig: Rig):
    """An unknown strategy is stored as none, an unknown input is dropped: both are told."""
    rig.write(plain(advanced_settings={"cluster_name": "gpu-cluster", "strategy_name": "nope"}))
    (outcome,) = rig.apply()
    assert outcome.fault is not None
    assert (outcome.ending, outcome.fault.code) == (Ending.FAILED, "not-taken")
    assert "advanced_settings.strategy_name" in outcome.fault.message


def test_an_input_that_the_template_lacks_fails_the_step(rig: Rig):
    rig.write(template(inputs=[{"key": "nope", "value": "x", "type": "string", "is_credential": False}]))
    (outcome,) = rig.apply()
    assert outcome.fault is not None
    assert "target_services[shop/web].inputs[nope]" in outcome.fault.message


def test_a_build_changed_between_plan_and_apply_is_not_overwritten(applied: Rig):
    """The step is stale: blocked, and nothing is sent."""
    applied.write(plain(build_script="make all\n"))
    planned = applied.planned()
    applied.meddle("api", lambda stored: stored.update(timeout=7))
    with locked(applied.settings, planned, applied.world, Options()) as outcomes:
        assert endings(outcomes) == [(Ending.BLOCKED, "stale")]
    assert applied.stored("api")["timeout"] == 7
    assert applied.stored("api")["scripts"] == "make\n"


def test_a_change_without_new_stamps_is_not_overwritten_either(applied: Rig):
    """The page's change of service modules touches no stamp."""
    applied.write(plain(build_script="make all\n"))
    planned = applied.planned()
    targets = [{"product_name": "yaml", "service_name": "s", "service_module": "m"}]
    applied.meddle("api", lambda stored: stored.update(targets=targets), user="")
    with locked(applied.settings, planned, applied.world, Options()) as outcomes:
        assert endings(outcomes) == [(Ending.BLOCKED, "stale")]
    assert applied.stored("api")["targets"] == targets


class Crowded:
    """A server on which somebody writes a build in the moment after we did."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def handle(self, request):
        answer = self.rig.emulator.handle(request)
        if request.method == "POST" and answer.status == 200:
            self.rig.meddle("api", lambda stored: None, seconds=1)
        return answer


def test_a_build_written_right_after_us_is_not_recorded_as_ours(rig: Rig):
    """The read-back shows another user: failed as overtaken, no record, and the next update is blocked."""
    rig.deep = False
    rig.write(plain())
    planned = rig.planned()
    world = World({}, str(rig.tree), lambda: transport_to(Crowded(rig)), rig.world.clock)
    with locked(rig.settings, planned, world, Options()) as outcomes:
        assert endings(outcomes) == [(Ending.FAILED, "overtaken")]
    assert rig.stored("api")["update_by"] == "mallory"
    rig.write(plain(build_script="x\n"))
    (step,) = rig.plan().steps
    assert not step.recorded
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS


def test_a_dry_run_writes_nothing(rig: Rig):
    """The same path with a writer that has no door: not a write on the wire, not a byte in a ledger."""
    rig.write(plain(), template())
    assert endings(rig.apply(Options(dry_run=True))) == [(Ending.SKIPPED, "dry-run")] * 2
    assert rig.requests("POST", "PUT", "DELETE") == []
    assert not rig.ledger.exists()


def test_the_probe_finds_a_server_that_is_too_old(rig: Rig):
    """A PUT that is not routed means a Zadig before v4.2.0: nothing is written."""
    rig.write(plain())
    planned = rig.planned()

    class Old:
        def handle(self, request):
            answer = rig.emulator.handle(request)
            return type(answer)(405, answer.headers, b"") if request.method == "PUT" else answer

    world = World({}, str(rig.tree), lambda: transport_to(Old()), rig.world.clock)
    with pytest.raises(TooOld, match=r"4\.2\.0"), locked(rig.settings, planned, world, Options()) as outcomes:
        list(outcomes)
    assert rig.names() == []


def test_a_stop_skips_what_was_not_begun(rig: Rig):
    """After Ctrl-C the steps that were not begun are skipped, and the next run does them."""
    rig.write(plain("a"), plain("b"))
    assert endings(rig.apply(Options(stopped=lambda: True))) == [(Ending.SKIPPED, "stopped")] * 2
    rig.applied()
    assert rig.names() == ["a", "b"]


def test_an_unchanged_credential_travels_as_asterisks(rig: Rig):
    """The server logs bodies: a secret that it already holds is not sent again, and stays what it is."""
    rig.environ["BUILD_PW"] = SECRET
    rig.write(plain(parameters=[CREDENTIAL], build_script="a\n"))
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == SECRET
    rig.quiet()
    rig.write(plain(parameters=[CREDENTIAL], build_script="b\n"))
    rig.applied()
    (put,) = [r for r in rig.requests("PUT") if r["body"]]
    assert put["body"]["parameters"][0]["default_value"] == "********"
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == SECRET
    rig.environ["BUILD_PW"] = "changed"
    (step,) = rig.plan().steps
    assert [(c.path, c.sensitive, c.before, c.after) for c in step.changes] == [
        ("parameters[PW].default_value", True, None, None)
    ]
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "changed"
    assert rig.plan().empty


def test_a_credential_without_a_value_keeps_the_servers(rig: Rig):
    """And is blocked on a create, where there is none to keep."""
    bare = {"key": "PW", "type": "string", "is_credential": True}
    rig.write(plain(parameters=[bare]))
    (step,) = rig.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.CREDENTIALS
    rig.write(plain(parameters=[{**bare, "default_value": "kept-value"}]))
    rig.applied()
    rig.write(plain(parameters=[bare], build_script="x\n"))
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "kept-value"


def test_an_unset_variable_is_no_step_and_stops_only_a_write_that_needs_it(rig: Rig):
    """Counted, said not to be known, and refused with its place when the build would be written."""
    rig.environ["BUILD_PW"] = SECRET
    rig.write(plain(parameters=[CREDENTIAL]))
    rig.applied()
    del rig.environ["BUILD_PW"]
    (step,) = rig.plan().steps
    assert step.action is Action.KEEP
    assert [c.after_known for c in step.changes] == [False]
    rig.applied()
    rig.write(plain(parameters=[CREDENTIAL], build_script="x\n"))
    with pytest.raises(InvalidDefinitions) as caught:
        rig.apply()
    assert "BUILD_PW" in caught.value.problems[0].message
    assert caught.value.exit_code == 65


def test_a_template_input_keeps_the_type_and_the_flag_of_the_template(rig: Rig):
    """Sent without them, a credential would be shown in clear: they are learned from the template first."""
    rig.write(template(inputs=[{"key": "pw", "value": SECRET}, {"key": "mode", "value": "slow"}]))
    rig.applied()
    envs = {e["key"]: e for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert envs["pw"]["value"] == SECRET
    assert (envs["pw"]["is_credential"], envs["pw"]["type"]) == (True, "string")
    assert (envs["mode"]["value"], envs["mode"]["type"]) == ("slow", "choice")
    assert rig.plan().empty
    rig.write(template("second", inputs=[{"key": "pw", "value": SECRET}]), file="second.json")
    rig.quiet()
    rig.applied()
    assert [r["method"] for r in rig.requests("POST", "PUT") if r["body"]] == ["POST"]


def test_a_multi_select_input_that_is_not_declared_keeps_its_choice(rig: Rig):
    """Sending it would lose `choice_value`, so it is left out and the template's stands."""
    rig.write(template(inputs=[{"key": "name", "value": "a"}]))
    rig.applied()
    rig.write(template(inputs=[{"key": "name", "value": "b"}]))
    rig.applied()
    envs = {e["key"]: e for e in rig.stored("tpl")["targets"][0]["envs"]}
    assert envs["name"]["value"] == "b"
    assert envs["flags"]["choice_value"] == ["a"]


def test_the_ledger_holds_no_secret(rig: Rig):
    """Not raw and not encoded, in no byte of the file; and the store is shown to hold it."""
    rig.environ["BUILD_PW"] = SECRET
    rig.write(plain(parameters=[CREDENTIAL]), template(inputs=[{"key": "pw", "value": f"tpl-{SECRET}"}]))
    rig.applied()
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == SECRET
    assert rig.stored("tpl")["targets"][0]["envs"][2]["value"] == f"tpl-{SECRET}"
    content = rig.ledger.read_bytes()
    for form in (SECRET, json.dumps(SECRET), base64.b64encode(SECRET.encode()).decode()):
        assert form.strip('"').encode() not in content
    assert b"parameters[PW].default_value" in content


def test_an_update_without_a_record_is_blocked(applied: Rig):
    """Where nothing shows what it would erase; the other builds go on, and so does this one once it is let go."""
    applied.deep = False
    applied.forget()
    applied.write(plain(build_script="other\n"), plain("new"))
    api, new = applied.plan().steps
    assert api.blocked is not None
    assert api.blocked.reason is Block.LOSS
    assert [loss.path for loss in api.losses] == ["unreadable"]
    assert new.blocked is None
    assert endings(applied.apply()) == [(Ending.BLOCKED, "loss"), (Ending.DONE, "")]
    assert applied.stored("api")["scripts"] == "make\n"
    assert applied.accept() == ["unreadable"]
    applied.applied()
    assert applied.plan().empty


def test_an_update_without_a_record_goes_through_where_the_whole_build_is_seen(applied: Rig):
    """The internal read shows that there is nothing to lose."""
    applied.forget()
    applied.write(plain(build_script="other\n"))
    assert applied.plan().steps[0].losses == ()
    applied.applied()
    assert applied.stored("api")["scripts"] == "other\n"
    assert applied.plan().empty


def test_an_update_that_would_erase_what_detail_shows_is_blocked(applied: Rig):
    """A post-build script that somebody added in the page is named with its value, and stays."""
    applied.meddle("api", lambda stored: stored["post_build"].update(scripts="echo page\n"))
    applied.write(plain(build_script="other\n"))
    (step,) = applied.plan().steps
    assert step.blocked is not None
    assert [(loss.path, loss.value) for loss in step.losses] == [("post_build.scripts", "echo page\n")]
    applied.apply()
    assert applied.stored("api")["post_build"]["scripts"] == "echo page\n"


def test_another_trees_build_is_never_written(applied: Rig):
    """The record names its tree; ours may look and not touch."""
    applied.name = "other-tree"
    applied.write(plain(build_script="mine\n"))
    (step,) = applied.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.FOREIGN
    assert '"rig"' in step.blocked.message


def test_a_lock_that_somebody_holds_is_named(applied: Rig):
    """Locked, exit code 75, and nothing is sent."""
    applied.write(plain(build_script="x\n"))
    planned = applied.planned()
    held_by_another(applied.ledger, applied.settings.server)
    applied.quiet()
    with pytest.raises(Locked, match="ann@elsewhere"), locked(applied.settings, planned, applied.world, Options()):
        pass
    assert applied.requests() == []


def test_a_name_that_moved_by_reference_is_one_notice_and_blocks_what_needs_it(applied: Rig):
    """An image with a new label is no change of a build; a write that names the old one is blocked."""
    state = applied.emulator.state()
    for image in state["world"]["base_images"]:
        if image["label"] == "ubuntu 20.04":
            image["label"] = "jammy"
    applied.emulator.set_state(state["world"], state["builds"])
    plan = applied.plan()
    assert plan.empty
    assert len(plan.notices) == 1
    assert '"jammy"' in plan.notices[0]
    applied.write(plain(build_script="x\n"))
    (step,) = applied.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.RENAMED
    applied.write(plain(build_script="x\n", build_os="jammy"))
    applied.applied()
    assert applied.plan().empty


def test_a_definition_of_a_jenkins_build_is_blocked(rig: Rig):
    rig.emulator.set_state(None, [{"name": "api", "source": "jenkins", "product_name": "yaml", "targets": []}])
    rig.write(plain())
    (step,) = rig.plan().steps
    assert step.blocked is not None
    assert step.blocked.reason is Block.UNWRITABLE


def test_a_build_of_the_other_kind_that_nobody_declared_is_not_converted(applied: Rig):
    """What a conversion would end and no record of this tree declares is a loss (more in `test_convert`)."""
    applied.forget()
    applied.write(template("api"))
    (step,) = applied.plan().steps
    assert step.action is Action.CONVERT
    assert step.blocked is not None
    assert step.blocked.reason is Block.LOSS
    applied.apply()
    assert applied.stored("api")["template_id"] == ""


def test_what_somebody_undid_again_is_no_step_but_ends_certainty(applied: Rig, seeing: bool):
    """A build saved in the page without a change: shown settings agree, and nothing unreadable is declared."""
    applied.meddle("api", lambda stored: None)
    (step,) = applied.plan().steps
    assert step.action is Action.KEEP
    assert "mallory" in step.notes[0]
    declared = {"cluster_name": "gpu-cluster", "privileged_mode": True}
    applied.write(plain(build_script="make\n", advanced_settings=declared))
    assert applied.accept() == ([] if seeing else ["unreadable"])
    applied.applied()
    applied.meddle("api", lambda stored: stored.update(enable_privileged_mode=False))
    (step,) = applied.plan().steps
    kind = ChangeKind.CHANGED if seeing else ChangeKind.UNVERIFIABLE
    assert [(c.path, c.kind) for c in step.changes] == [("advanced_settings.privileged_mode", kind)]
    assert applied.accept() == ([] if seeing else ["unreadable"])
    applied.applied()
    assert applied.stored("api")["enable_privileged_mode"] is True


def test_what_was_not_taken_can_be_corrected_in_the_next_run(rig: Rig):
    """The build is ours, as far as it went: the corrected definition is an update and not a dead end."""
    wrong = {"cluster_name": "gpu-cluster", "strategy_name": "nope", "privileged_mode": True}
    rig.write(plain(advanced_settings=wrong))
    assert endings(rig.apply()) == [(Ending.FAILED, "not-taken")]
    rig.write(plain(advanced_settings={**wrong, "strategy_name": "any"}))
    (step,) = rig.plan().steps
    assert [(c.path, c.kind) for c in step.changes] == [("advanced_settings.strategy_name", ChangeKind.CHANGED)]
    rig.applied()
    assert rig.plan().empty
    assert rig.stored("api")["enable_privileged_mode"] is True


def test_a_template_build_whose_second_write_fails_is_finished_by_the_next_run(rig: Rig):
    """The first write made it, without the inputs that only the template could explain."""
    rig.write(template(inputs=[{"key": "pw", "value": SECRET}]))
    rig.emulator.set_faults([{"kind": "403-empty", "at": [0], "match": {"method": "PUT", "path": "/template"}}])
    assert endings(rig.apply()) == [(Ending.FAILED, "not-permitted")]
    assert rig.names() == ["tpl"]
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["envs"][2]["value"] == SECRET
    assert rig.plan().empty


def test_a_write_that_arrives_late_is_found_out_by_the_next_run(rig: Rig):
    """Nothing was heard of it, nothing was seen of it; when it is there all the same, it is ours."""
    rig.write(plain())
    rig.emulator.set_faults([{"kind": "reset", "probability": 1.0, "seed": 1, "match": {"method": "POST"}}])
    assert endings(rig.apply()) == [(Ending.FAILED, "no-answer")]
    rig.emulator.set_faults([])
    elsewhere = rig.tree.parent / "elsewhere"
    elsewhere.mkdir()
    late = Rig(elsewhere)
    late.emulator, late.time = rig.emulator, rig.time
    late.write(plain())
    late.applied()
    rig.time = late.time
    rig.applied()
    rig.write(plain(build_script="x\n"))
    assert [step.blocked for step in rig.plan().steps] == [None]


def test_a_strategy_changed_behind_a_null_block_is_seen(rig: Rig):
    """`advanced_settings: null` takes the local cluster's default strategy; the record knows which it was."""
    rig.write(plain(advanced_settings=None))
    rig.applied()
    assert rig.stored("api")["pre_build"]["strategy_id"] == "aaaa1"
    rig.meddle("api", lambda stored: stored["pre_build"].update(strategy_id="aaaa2"))
    (step,) = rig.plan().steps
    shown = [(c.path, c.before, c.after) for c in step.changes if c.kind is not ChangeKind.UNVERIFIABLE]
    assert shown == [("advanced_settings.strategy_name", "big-nodes", "default")]
    rig.applied()
    assert rig.stored("api")["pre_build"]["strategy_id"] == "aaaa1"
    assert rig.plan().empty
