"""Saved plans: what was approved is executed, whatever changed since is not, and no file gives a secret away."""

from __future__ import annotations

import base64
import dataclasses
import json
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.emulator import Emulator, running
from reconciler.model.build import Build, Element
from reconciler.model.change import Change, ChangeKind
from reconciler.model.definition import Definition, Desired
from reconciler.model.errors import ReconcilerError
from reconciler.model.fields import Kind
from reconciler.model.ignore import Ignore
from reconciler.model.live import Live, LiveBuild, Loss, Reading, Stamps
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.policy import Policy, Prune
from reconciler.model.problem import Place
from reconciler.model.record import Applied, Document, Record
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings
from reconciler.plan import stale
from reconciler.plan.digest import DEFINITION_LEFT_OUT, LIVE_LEFT_OUT, STEP_LEFT_OUT, Digests, Keyed, digests
from reconciler.plan.keepsake import Keepsake
from reconciler.plan.saved import Sight, all_or_nothing, fresh, sign
from reconciler.plan.step import Action, Agreed, Block, Blocked, Plan, PlannedLoss, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_outcome, render_plan, render_result
from reconciler.workflow.apply import Options, check_environment, locked
from reconciler.workflow.plan import Planned
from reconciler.workflow.saved import in_force, keys_for, plan_again, save
from reconciler.workflow.saved_file import read, write
from tests import test_cli
from tests.ledger_file import file_ledger
from tests.rig import TOKEN, Rig, plain, template
from tests.test_cli import SCHEMA as PLAN_SCHEMA
from tests.test_cli import Desk, Said
from tests.test_golden import expect

served, desk = test_cli.served, test_cli.desk

ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "saved-plan.schema.json").read_text("utf-8")))
KEY = "ab" * 32
CREDENTIAL = {"key": "PW", "type": "string", "is_credential": True}


# A rig that saves ----------------------------------------------------------------------------------------


def saved(rig: Rig, name: str = "saved", policy: Policy | None = None) -> str:
    """Save a plan; return the file's name."""
    told = replace(rig.settings, policy=policy or Policy())
    planned = rig.planned()
    text, reading_only = save(planned, plan_document(planned.plan), told, rig.world)
    assert reading_only == ""
    SCHEMA.validate(json.loads(text))
    PLAN_SCHEMA.validate(json.loads(text)["plan"])
    file = str(rig.tree.parent / name)
    write(file, text)
    return file


def again(rig: Rig, file: str, *, whole: bool = False) -> Planned:
    """Plan from a saved plan."""
    found = read(file)
    told = in_force(found, rig.settings)
    return plan_again(found, keys_for(found, told, rig.world), told, rig.load(), rig.world, whole=whole)


def executed(rig: Rig, planned: Planned) -> list[Outcome]:
    check_environment(planned)
    with locked(rig.settings, planned, rig.world, Options()) as outcomes:
        return sorted(outcomes, key=lambda outcome: outcome.index)


def apply_saved(rig: Rig, file: str, *, whole: bool = False) -> dict[str, str]:
    """Apply a saved plan; return how each build ended, keeps left out."""
    rig.time += 10
    planned = again(rig, file, whole=whole)
    return {planned.plan.steps[o.index].name: o.ending.value for o in executed(rig, planned)}


def document_in_ledger(rig: Rig) -> Document:
    with file_ledger(str(rig.ledger), "http://zadig.example", writable=False) as ledger:
        return ledger.read("yaml")


# What is still the same is executed ----------------------------------------------------------------------


def test_the_first_saved_plan_of_a_tree_can_be_applied(rig: Rig):
    """Nobody applied before: saving makes the ledger's key, and asks nothing of the server but to be read."""
    rig.write(plain(), template())
    file = saved(rig)
    assert {r["method"] for r in rig.requests()} == {"GET"}
    assert apply_saved(rig, file) == {"api": "done", "tpl": "done"}
    assert rig.names() == ["api", "tpl"]
    assert rig.plan().empty


def test_saving_leaves_nothing_but_a_key_in_the_ledger(rig: Rig):
    """A document without records and intents, and the key stays the same when the plan is saved again."""
    rig.write(plain())
    saved(rig)
    first = document_in_ledger(rig)
    assert len(bytes.fromhex(first.digest_key)) == 32
    assert first == Document(digest_key=first.digest_key, written=first.written)
    assert (first.written.reason, first.written.fence) == ("plan", "")
    saved(rig)
    assert document_in_ledger(rig) == first


def mixed(folder: Path) -> tuple[Rig, str]:
    """A server and a tree with a step of every kind, saved."""
    rig = Rig(folder)
    rig.environ = {"BUILD_PW": "hunter2"}
    parameters = [{**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}]
    rig.write(
        plain("same"),
        plain("edited", parameters=parameters),
        plain("drifted", build_script="make 30\n"),
        template("tpl"),
    )
    rig.applied()
    rig.meddle("drifted", lambda stored: stored.update(scripts="make 5\n"))
    rig.write(
        plain("same"),
        plain("edited", parameters=parameters, build_script="make\n"),
        plain("drifted", build_script="make 30\n"),
        template("tpl", inputs=[{"key": "pw", "value": {"from_env": "BUILD_PW"}}]),
        plain("new"),
    )
    return rig, saved(rig)


def test_a_saved_plan_executes_the_same_steps_as_the_plan(tmp_path: Path):
    """Beside an apply without a file, on a server of its own: the same steps, and the same store after them."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    (one, file), (two, _) = mixed(tmp_path / "one"), mixed(tmp_path / "two")
    before = two.planned().plan
    assert {step.action.value for step in before.steps} >= {"create", "update", "keep"}
    assert again(one, file).plan == before
    ended = apply_saved(one, file)
    outcomes = two.apply()
    assert ended == {before.steps[o.index].name: o.ending.value for o in outcomes}
    assert set(ended.values()) == {"done"}
    assert by_name(one) == by_name(two)


def by_name(rig: Rig) -> dict[str, Any]:
    """The store, whatever the order in which threads have made the builds."""
    state = rig.emulator.state()
    return {**state, "builds": sorted(state["builds"], key=lambda build: str(build["name"]))}


NAMES = ("a", "b", "c", "d")


@settings(deadline=None, derandomize=True, database=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(git=st.sets(st.sampled_from(NAMES)), page=st.sets(st.sampled_from(NAMES)))
def test_exactly_the_steps_that_did_not_change_are_executed(git: set[str], page: set[str]):
    """Whatever subset is changed in Git, in the page or in both after the plan was saved: stale, the others done."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(Path(folder))
        rig.write(*(plain(name) for name in NAMES))
        rig.applied()
        rig.write(*(plain(name, build_script="new\n") for name in NAMES))
        file = saved(rig)
        rig.write(*(plain(name, build_script="newer\n" if name in git else "new\n") for name in NAMES))
        for name in page:
            rig.meddle(name, lambda stored: stored.update(timeout=7))
        assert apply_saved(rig, file) == {n: "blocked" if n in git | page else "done" for n in NAMES}
        kept = {n for n in NAMES if rig.stored(n)["scripts"] != "new\n"}
        assert kept == git | page


def test_a_step_that_somebody_else_made_so_is_a_keep(rig: Rig):
    """Told with its name, and no error: nothing is left to do."""
    rig.write(plain(build_script="make 30\n"))
    rig.applied()
    rig.write(plain(build_script="make 45\n"))
    file = saved(rig)
    rig.meddle("api", lambda stored: stored.update(scripts="make 45\n"))
    planned = again(rig, file)
    (step,) = planned.plan.steps
    assert (step.action, step.blocked, step.reason) == (Action.KEEP, None, stale.NOTHING_LEFT)
    assert "nothing is left to do: yaml/api" in render_plan(planned.plan, Style())
    assert executed(rig, planned) == []


def test_a_run_that_was_interrupted_is_finished_from_the_same_file(rig: Rig):
    """What was done is a keep the second time, what was not is done."""
    rig.write(plain("a"), plain("b"))
    file = saved(rig)
    rig.emulator.set_faults([{"kind": "403-empty", "probability": 1.0, "seed": 1, "match": {"method": "POST"}}])
    assert apply_saved(rig, file) == {"a": "failed", "b": "failed"}
    rig.emulator.set_faults([{"kind": "500-json", "at": [0], "match": {"method": "POST"}}])
    first = apply_saved(rig, file)
    assert sorted(first.values()) == ["done", "failed"]
    (left,) = [name for name, ending in first.items() if ending == "failed"]
    assert apply_saved(rig, file) == {left: "done"}
    assert apply_saved(rig, file) == {}


def test_with_all_or_nothing_one_stale_step_stops_them_all(rig: Rig):
    """No write is sent, and every step says why; without any stale step all are done."""
    rig.write(plain("a"), plain("b"))
    file = saved(rig)
    rig.write(plain("a"), plain("b", build_script="make 50\n"))
    rig.quiet()
    planned = again(rig, file, whole=True)
    assert {s.name: s.blocked.message for s in planned.plan.steps if s.blocked} == {
        "a": "nothing is written, because 1 step cannot be executed as saved (--all-or-nothing)",
        "b": "since the plan was saved, the definition was changed",
    }
    assert apply_saved(rig, file, whole=True) == {"a": "blocked", "b": "blocked"}
    assert {r["method"] for r in rig.requests()} == {"GET"}
    assert apply_saved(rig, saved(rig), whole=True) == {"a": "done", "b": "done"}


def test_the_value_of_an_environment_variable_is_no_part_of_a_plan(rig: Rig):
    """Its name is: a plan saved where it is not set is applied where it is, and so is a rotated value."""
    parameters = [{**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}]
    rig.write(plain(parameters=parameters))
    file = saved(rig)
    rig.environ = {"BUILD_PW": "one"}
    assert apply_saved(rig, file) == {"api": "done"}
    rig.environ = {}
    rig.write(plain(parameters=parameters, build_script="make\n"))
    file = saved(rig)
    rig.environ = {"BUILD_PW": "two"}
    assert apply_saved(rig, file) == {"api": "done"}
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "two"
    rig.write(plain(parameters=[{**CREDENTIAL, "default_value": {"from_env": "BUILD_OTHER"}}]))
    rig.environ = {"BUILD_OTHER": "two", "BUILD_PW": "two"}
    (step,) = again(rig, file).plan.steps
    assert (step.action, step.blocked and step.blocked.reason) == (Action.KEEP, Block.STALE)


def test_a_keep_whose_definition_changed_does_not_lift_protection(rig: Rig):
    """The ledger takes over what definitions say of keeps; but not what the saved plan did not show."""
    protected = {"x-reconciler": {"prevent_destroy": True}}
    rig.write(plain(**protected))
    rig.applied()
    file = saved(rig)
    rig.write(plain(**{"x-reconciler": {"prevent_destroy": False}}))
    assert apply_saved(rig, file) == {"api": "blocked"}
    assert document_in_ledger(rig).records["api"].prevent_destroy is True
    assert apply_saved(rig, saved(rig)) == {}
    assert document_in_ledger(rig).records["api"].prevent_destroy is False


def test_what_another_request_has_done_meanwhile_is_not_stale(rig: Rig):
    """Two requests are reviewed side by side: a build is changed, one is added and one taken away by the other one."""
    rig.write(plain(), plain("theirs"), plain("old"))
    rig.applied()
    rig.write(plain(build_script="make\n"), plain("theirs"), plain("old"))
    file = saved(rig)
    rig.write(plain(), plain("theirs", build_script="make 9\n"), plain("new"))
    rig.policy = Policy(prune=Prune.OWNED)
    rig.applied()
    rig.policy = Policy()
    rig.write(plain(build_script="make\n"), plain("theirs", build_script="make 9\n"), plain("new"))
    assert apply_saved(rig, file) == {"api": "done"}
    assert rig.plan().empty


def test_what_another_request_has_not_done_yet_is_stale(rig: Rig):
    """It is merged and not applied: what it wants was not in the file that was reviewed."""
    rig.write(plain(), plain("theirs"))
    rig.applied()
    rig.write(plain(build_script="make\n"), plain("theirs"))
    file = saved(rig)
    rig.write(plain(build_script="make\n"), plain("theirs", build_script="make 9\n"), plain("new"))
    assert apply_saved(rig, file) == {"api": "done", "theirs": "blocked", "new": "blocked"}


def test_the_policy_of_the_file_is_in_force(rig: Rig):
    """Not today's default; a flag that says the same is no contradiction."""
    rig.write(plain())
    policy = Policy(prune=Prune.OWNED, max_deletes=3, max_delete_percent=50, allow_moves=True, assert_all=True)
    found = read(saved(rig, policy=policy))
    assert in_force(found, rig.settings).policy == policy
    same = replace(rig.settings, policy=policy, sources={f.name: "flag" for f in dataclasses.fields(Policy)})
    assert in_force(found, same).policy == policy


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Policy)] + ["deep_read"])
def test_a_flag_that_contradicts_the_file_is_wrong_usage(rig: Rig, field: str):
    """Naming the flag; what the configuration or a default says gives way without a word."""
    rig.write(plain())
    found = read(saved(rig))
    others = {"prune": Prune.ALL, "max_deletes": 99, "max_delete_percent": 99}
    told = (
        replace(rig.settings, deep_read=False)
        if field == "deep_read"
        else replace(rig.settings, policy=replace(Policy(), **{field: others.get(field, True)}))
    )
    assert in_force(found, told).policy == Policy()
    key = "assert" if field == "assert_all" else field
    with pytest.raises(ReconcilerError, match=f"^--{key.replace('_', '-')}: the saved plan") as raised:
        in_force(found, replace(told, sources={key: "flag"}))
    assert raised.value.exit_code == 64
    assert in_force(found, replace(told, sources={key: "file"})).deep_read is True


# What went stale is not ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Way:
    """A way to go stale: what happens after the plan was saved, and the sentence that tells it."""

    act: Callable[[Rig], None]
    sentence: str
    name: str = "api"


def _definition(rig: Rig) -> None:
    rig.write(plain(build_script="make 99\n"), plain("other", build_script="make\n"))


def _page(rig: Rig) -> None:
    rig.meddle("api", lambda stored: stored.update(timeout=7))


def _both(rig: Rig) -> None:
    _definition(rig)
    _page(rig)


def _deleted(rig: Rig) -> None:
    rig.emulator.set_state(None, [b for b in rig.emulator.state()["builds"] if b["name"] != "api"])


def _silently(rig: Rig) -> None:
    rig.meddle("api", lambda stored: stored.update(scripts="rm -rf /\n"), user="")


def _removed(rig: Rig) -> None:
    (rig.tree / "builds.json").unlink()


def _added(rig: Rig) -> None:
    rig.write(plain("late"), file="late.json")


def _created(rig: Rig) -> None:
    late = next(b for b in rig.emulator.state()["builds"] if b["name"] == "api")
    rig.emulator.set_state(None, [*rig.emulator.state()["builds"], {**late, "name": "fresh", "update_by": "eve"}])


def _forgotten(rig: Rig) -> None:
    with file_ledger(str(rig.ledger), "http://zadig.example", writable=True) as ledger:
        ledger.change("yaml", lambda document: Document(digest_key=document.digest_key))


def _unset(rig: Rig) -> None:
    rig.environ = {}


def _rotated(rig: Rig) -> None:
    rig.environ = {"BUILD_PW": "rotated"}


NEITHER = "neither its definition nor the build changed since the plan was saved, but "
ENVIRONMENT = "a value of the environment, the ledger or another build differs"
WAYS = {
    "definition": Way(_definition, "since the plan was saved, the definition was changed"),
    "page": Way(
        _page, "since the plan was saved, mallory wrote the build on the server (2023-11-14 22:14:30 UTC)"
    ),
    "both": Way(
        _both,
        "since the plan was saved, the definition was changed, "
        "and mallory wrote the build on the server (2023-11-14 22:14:30 UTC)",
    ),
    "deleted": Way(_deleted, "since the plan was saved, the build was deleted on the server"),
    "silently": Way(
        _silently, "since the plan was saved, the server shows other values of the build, without a new time stamp"
    ),
    "created": Way(
        _created,
        "since the plan was saved, eve created the build on the server (2023-11-14 22:13:30 UTC)",
        "fresh",
    ),
    "removed": Way(_removed, "since the plan was saved, the definition was taken away"),
    "added": Way(
        _added,
        "the saved plan does not have this step: it was not needed or not there when the plan was saved",
        "late",
    ),
    "forgotten": Way(
        _forgotten,
        f"{NEITHER}what would be written did: {ENVIRONMENT}",
    ),
    "unset": Way(_unset, f"{NEITHER}what was set in the environment then is not set now: BUILD_PW", "secret"),
    "rotated": Way(
        _rotated, f"{NEITHER}what would be done did, from keep to update: {ENVIRONMENT}", "kept"
    ),
}  # fmt: skip


def staged(rig: Rig) -> str:
    """Two updates, one create, one keep and an update with a secret; saved."""
    rig.environ = {"BUILD_PW": "hunter2"}
    parameters = [{**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}]
    rig.write(plain(), plain("other"))
    rig.write(plain("secret", parameters=parameters), plain("kept", parameters=parameters), file="more.json")
    rig.applied()
    rig.write(plain(build_script="make\n"), plain("other", build_script="make\n"))
    rig.write(plain("secret", parameters=parameters, build_script="make\n"), file="more.json")
    rig.write(plain("fresh", build_script="make\n"), file="fresh.json")
    return saved(rig)


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_go_stale_has_its_own_sentence(rig: Rig, way: str):
    """The step is blocked and not written, its new difference is shown, and an independent one goes on."""
    file = staged(rig)
    assert {s.name for s in again(rig, file).plan.blocked} == set()
    WAYS[way].act(rig)
    before = {b["name"]: b for b in rig.emulator.state()["builds"]}
    rig.time += 10
    planned = again(rig, file)
    (step,) = [s for s in planned.plan.steps if s.name == WAYS[way].name]
    assert step.blocked is not None
    assert (step.blocked.reason, step.blocked.message) == (Block.STALE, WAYS[way].sentence)
    assert step.blocked.hint
    ended = executed(rig, planned)
    (outcome,) = [o for o in ended if planned.plan.steps[o.index] is step]
    assert outcome.ending is Ending.BLOCKED
    after = {b["name"]: b for b in rig.emulator.state()["builds"]}
    assert after.get(step.name) == before.get(step.name)
    done = {planned.plan.steps[o.index].name for o in ended if o.ending is Ending.DONE}
    assert done == {s.name for s in planned.plan.writes}
    assert way == "forgotten" or "other" in done


def test_the_sentences_are_all_different():
    assert len({way.sentence for way in WAYS.values()}) == len(WAYS) == 11


def test_a_stale_step_shows_the_new_difference(rig: Rig):
    """The text that a person reads at night, byte for byte."""
    file = staged(rig)
    _both(rig)
    _added(rig)
    (rig.tree / "fresh.json").unlink()
    rig.time += 10
    planned = again(rig, file)
    ended = executed(rig, planned)
    said = [render_plan(planned.plan, Style())]
    said += [render_outcome(planned.plan, outcome, Ink()) for outcome in ended]
    said.append(render_result(planned.plan, ended, "reconciler plan"))
    expect(ROOT / "tests" / "golden" / "stale.txt", "".join(said))
    PLAN_SCHEMA.validate(json.loads(dump(plan_document(planned.plan, ended))))


def test_a_build_that_cannot_be_read_is_unread_and_not_stale(rig: Rig):
    """Nobody knows whether it changed: exit 1 and not 4."""
    rig.write(plain())
    rig.applied()
    rig.write(plain(build_script="make 50\n"))
    file = saved(rig)
    rig.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": {"path": "/detail"}}])
    plan = again(rig, file).plan
    assert [s.blocked.reason for s in plan.steps if s.blocked] == [Block.UNREAD]
    assert not plan.complete
    rig.write(plain("new"), file="new.json")
    rig.emulator.set_faults([])
    file = saved(rig)
    rig.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": {"path": "/detail"}}])
    assert [s.name for s in again(rig, file).plan.writes] == ["new"]
    assert again(rig, file, whole=True).plan.writes == ()


def test_a_step_that_was_blocked_before_keeps_its_reason(rig: Rig):
    """It is not executed either way, and its own way out is what a reader needs."""
    rig.deep = False
    rig.write(plain())
    rig.applied()
    rig.forget()
    rig.write(plain(build_script="make 50\n"))
    file = saved(rig)
    rig.write(plain(build_script="make 51\n"))
    assert [s.blocked.reason for s in again(rig, file).plan.steps if s.blocked] == [Block.LOSS]


# Digests, without a server -------------------------------------------------------------------------------


SECRET, OTHER = Secret("hunter2"), Secret("hunter3")
BUILD = Build(Kind.PLAIN, "yaml", "api", {"timeout": 1, "parameters": (Element("PW", {"default_value": SECRET}),)})
STEP = Step(Action.UPDATE, "yaml", "api", "why", desired=BUILD, before=BUILD, send=BUILD)
DEFINITION = Definition(BUILD, Place("a.yaml", 1, 1))
LIVE = LiveBuild("yaml", "api", "zadig", Stamps(1, "admin"), build=BUILD)
OTHER_BUILD = Build(Kind.PLAIN, "yaml", "api", {"timeout": 2})
RECORD = Record("shop-builds", OTHER_BUILD, frozenset(), frozenset(), Stamps(1, "admin"))

STEP_OTHERS: dict[str, Any] = {
    "action": Action.CONVERT,
    "project": "shop",
    "name": "web",
    "reason": "another sentence",
    "place": Place("b.yaml", 7, 1),
    "live": Stamps(2, "admin"),
    "blocked": Blocked(Block.LOSS, "a sentence", "a hint"),
    "changes": (Change("timeout", ChangeKind.CHANGED, 1, 2),),
    "losses": (PlannedLoss("post_build.scripts", "echo"),),
    "notes": ("a note",),
    "ignored": ("a sentence",),
    "desired": OTHER_BUILD,
    "before": OTHER_BUILD,
    "send": OTHER_BUILD,
    "kept": frozenset({"parameters[PW].default_value"}),
    "learn": True,
    "unset": ("BUILD_PW",),
    "prevent_destroy": True,
    "recorded": True,
    "applied": Applied(1, "c0ffee", "ann", "https://ci.example/7", exact=True),
    "old": ("yaml", "old"),
    "after": ("yaml", "old"),
    "restore": OTHER_BUILD,
    "exact": True,
    "unsure": True,
    "erasable": (Loss("post_build.scripts", "echo"),),
    "keepsake": Keepsake(OTHER_BUILD),
    "agreed": Agreed(RECORD, RECORD),
}
DEFINITION_OTHERS: dict[str, Any] = {
    "build": OTHER_BUILD,
    "place": Place("b.yaml", 7, 1),
    "prevent_destroy": True,
    "unset": ("BUILD_PW",),
    "ignore": (Ignore("timeout", "because"),),
    "accept_loss": {"post_build.scripts": "3fa9c21b77e0"},
    "renamed_from": "old",
}
LIVE_OTHERS: dict[str, Any] = {
    "project": "shop",
    "name": "web",
    "source": "",
    "stamps": Stamps(1, "mallory"),
    "services": (("shop", "web"),),
    "build": OTHER_BUILD,
    "image_id": "bb",
    "losses": (Loss("post_build.scripts", "echo"),),
    "deep": OTHER_BUILD,
    "hidden": (Loss("post_build.scripts", "echo"),),
    "own": (Loss("desc", "d"),),
    "leftover": (Loss("sshs", "s"),),
    "deep_failed": "a sentence",
    "unread": "a sentence",
    "marks": frozenset({"build_script"}),
}


def of(step: Step = STEP, definition: Definition = DEFINITION, live: LiveBuild = LIVE, key: str = KEY) -> Digests:
    return digests(step, definition, live, key)


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Step)])
def test_every_field_of_a_step_is_covered_or_left_out_with_a_reason(field: str):
    """A field that is added to the plan and forgotten here fails."""
    differs = of(replace(STEP, **{field: STEP_OTHERS[field]})) != of()
    assert differs == (field not in STEP_LEFT_OUT)
    assert differs or len(STEP_LEFT_OUT[field]) > 10


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Definition)])
def test_every_field_of_a_definition_is_covered_or_left_out_with_a_reason(field: str):
    """And seen as a change of the definition."""
    changed, before = of(definition=replace(DEFINITION, **{field: DEFINITION_OTHERS[field]})), of()
    assert (changed.definition != before.definition) == (field not in DEFINITION_LEFT_OUT)
    assert changed.live == before.live


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(LiveBuild)])
def test_every_field_of_a_live_build_is_covered_or_left_out_with_a_reason(field: str):
    """And seen as a change of the server, but for what a deep read adds to a build that nobody wrote."""
    changed, before = of(live=replace(LIVE, **{field: LIVE_OTHERS[field]})), of()
    assert (changed != before) == (field not in LIVE_LEFT_OUT)
    assert (changed.live != before.live) == (field not in (*LIVE_LEFT_OUT, "deep", "hidden"))


def test_what_is_left_out_names_fields_that_are_there():
    for left_out, kind in ((STEP_LEFT_OUT, Step), (DEFINITION_LEFT_OUT, Definition), (LIVE_LEFT_OUT, LiveBuild)):
        assert left_out.keys() <= {f.name for f in dataclasses.fields(kind)}


def test_a_secret_counts_by_its_value_and_the_environment_by_its_name():
    """A stored secret that changed is seen; a variable's value is not looked at, its name is."""

    def digest(secret: Secret) -> str:
        build = replace(BUILD, values={"parameters": (Element("PW", {"default_value": secret}),)})
        return of(definition=replace(DEFINITION, build=build)).definition

    assert digest(SECRET) == digest(Secret("hunter2"))
    assert len({digest(SECRET), digest(OTHER), digest(Secret("hunter2", "BUILD_PW")), digest(Secret(None, "B"))}) == 4
    assert digest(Secret("hunter2", "BUILD_PW")) == digest(Secret(None, "BUILD_PW")) == digest(Secret("x", "BUILD_PW"))


def test_digests_are_of_one_key_one_build_and_one_thing():
    """Nothing can be compared across ledgers, across builds or across columns."""
    mine, theirs = of(), of(key="cd" * 32)
    web = digests(replace(STEP, name="web"), DEFINITION, LIVE, KEY)
    every = [value for one in (mine, theirs, web) for value in dataclasses.astuple(one)]
    assert len(set(every)) == len(every) == 9


@pytest.mark.parametrize("pair", [(True, 1), ("1", 1), ((), None), (("a",), "a"), ({}, ()), (frozenset(), ())])
def test_types_count(pair: tuple[object, object]):
    """True is not 1, and nothing is not an empty list."""
    keyed = Keyed(b"key")
    assert keyed.digest("x", pair[0]) != keyed.digest("x", pair[1])


def test_a_value_that_nobody_thought_of_has_no_digest():
    """Better no plan than one that misses a difference."""
    with pytest.raises(TypeError, match="float"):
        Keyed(b"key").digest("x", 1.5)


# Moves and deletes, as the planner may make them ---------------------------------------------------------


def sight(*steps: Step, live: tuple[str, ...] = (), stamps: Stamps = LIVE.stamps) -> Sight:
    builds = {name: LiveBuild("yaml", name, "zadig", stamps) for name in live}
    return Sight(Plan(steps), Desired((), 0), Live({"yaml": Reading("yaml", builds)}), {"yaml": KEY})


def test_no_half_of_a_move_is_executed_alone():
    """Where the create is stale the delete in front of it is, and the other way round; a third step goes on."""
    delete = Step(Action.DELETE, "yaml", "old", "moved", restore=BUILD)
    create = Step(Action.CREATE, "yaml", "new", "moved", send=BUILD, after=("yaml", "old"))
    third = Step(Action.CREATE, "yaml", "third", "new", send=BUILD)
    made = sign(sight(delete, create, third))
    for steps in ((delete, replace(create, send=OTHER_BUILD)), (replace(delete, restore=None), create)):
        told = fresh(made, sight(*steps, third)).steps
        assert [s.blocked and s.blocked.reason for s in told] == [Block.STALE, Block.STALE, None]
        assert {s.blocked.message for s in told if s.blocked} & {
            "it belongs together with yaml/new, which is stale",
            "it belongs together with yaml/old, which is stale",
        }
    assert fresh(made, sight(delete, create, third)).writes == (delete, create, third)


def test_a_build_that_somebody_else_deleted_is_told_as_a_keep():
    """It was to be deleted and is gone; where it is still there and not to be deleted any more, that is stale."""
    made = sign(sight(Step(Action.DELETE, "yaml", "old", "not in Git"), live=("old",)))
    gone = fresh(made, sight())
    assert [(s.action, s.blocked, s.reason) for s in gone.steps] == [(Action.KEEP, None, stale.ALREADY_GONE)]
    assert gone.notices == ("in the saved plan, and nothing is left to do: yaml/old",)
    there = fresh(made, sight(live=("old",)))
    (step,) = there.steps
    assert step.blocked is not None
    assert step.blocked.message.startswith("the saved plan deletes this build, and a plan of today does not")


def test_a_delete_of_a_build_that_was_written_since_is_stale():
    delete = Step(Action.DELETE, "yaml", "old", "not in Git", live=LIVE.stamps)
    made = sign(sight(delete, live=("old",)))
    (step,) = fresh(made, sight(delete, live=("old",), stamps=Stamps(60, "mallory"))).steps
    assert step.blocked is not None
    assert "mallory wrote the build on the server (1970-01-01 00:01:00 UTC)" in step.blocked.message


def test_all_or_nothing_leaves_a_plan_without_stale_steps_alone():
    plan = Plan((STEP, replace(STEP, name="web", blocked=Blocked(Block.LOSS, "lost", "hint"))))
    assert all_or_nothing(plan, ()) == plan


# The file ------------------------------------------------------------------------------------------------


def test_the_same_plan_gives_the_same_bytes(rig: Rig):
    """No time and no chance: saved an hour later by another run, nothing differs."""
    rig.write(plain(), template())
    first = Path(saved(rig, "first")).read_bytes()
    rig.time += 3600
    assert Path(saved(rig, "second")).read_bytes() == first


def test_the_file_says_where_it_comes_from(rig: Rig):
    """Server, tree, projects, commit, flags and the plan as JSON; neither the ledger's key nor any folder."""
    rig.environ = {"GITHUB_SHA": "0123abcd"}
    rig.write(plain())
    text = Path(saved(rig)).read_text("ascii")
    document = json.loads(text)
    assert document["reconciler"] == __version__
    said = {name: document[name] for name in ("server", "tree", "projects", "commit", "path", "root")}
    assert said == {
        "server": "http://zadig.example", "tree": "rig", "projects": ["yaml"], "commit": "0123abcd",
        "path": ".", "root": ".",
    }  # fmt: skip
    assert document["policy"]["prune"] == "off"
    assert document["plan"] == plan_document(rig.plan())
    assert str(rig.tree.parent) not in text
    assert KEY not in text
    assert document_in_ledger(rig).digest_key not in text


def test_the_file_is_for_our_eyes_alone_and_replaced_as_a_whole(rig: Rig, tmp_path: Path):
    """Mode 0600 whatever was there before; nothing half-written is left beside it."""
    file = tmp_path / "out" / "saved"
    file.parent.mkdir()
    file.write_text("older", encoding="utf-8")
    file.chmod(0o666)
    write(str(file), "newer")
    assert file.read_text("utf-8") == "newer"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["saved"]


ENV_CANARY, LITERAL_CANARY, STORED_CANARY = 'env"canary/+%é', 'literal"canary/+%é', 'stored"canary/+%é'


def forms(secret: str) -> dict[str, str]:
    """A secret as it could slip into a file."""
    raw = secret.encode()
    return {
        "raw": secret,
        "base64": base64.b64encode(raw).decode().rstrip("="),
        "base64url": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "JSON": json.dumps(secret)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(secret)[1:-1])[1:-1],
        "JSON, not ASCII": json.dumps(secret, ensure_ascii=False)[1:-1],
        "URL": quote(secret, safe=""),
        "path": quote(secret),
        "hex": raw.hex(),
    }


def test_no_secret_is_in_the_file(rig: Rig):
    """From the environment, from the definition, and from the server; each is shown to have reached the store."""
    rig.environ = {"BUILD_PW": ENV_CANARY}
    literal = {**CREDENTIAL, "key": "LITERAL", "default_value": LITERAL_CANARY}
    mine = {**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}
    stored = {**CREDENTIAL, "key": "STORED", "default_value": "old"}
    tpl = template(inputs=[{"key": "pw", "value": {"from_env": "BUILD_PW"}}])
    rig.write(plain(parameters=[mine, literal, stored]), tpl)
    texts = [Path(saved(rig)).read_text("ascii")]
    rig.applied()
    for env in ("PW", "LITERAL"):
        assert env in json.dumps(rig.stored("api"))
    rig.meddle("api", lambda build: build["pre_build"]["envs"][2].update(value=STORED_CANARY))
    rig.meddle("tpl", lambda build: build["targets"][0]["envs"][2].update(value=STORED_CANARY))
    held = [env["value"] for env in rig.stored("api")["pre_build"]["envs"]]
    assert held == [ENV_CANARY, LITERAL_CANARY, STORED_CANARY]
    rig.write(plain(parameters=[mine, literal], build_script="make\n"), tpl)
    texts.append(Path(saved(rig)).read_text("ascii"))
    assert all("parameters" in text for text in texts)
    assert any("build_script" in text for text in texts)
    for secret in (ENV_CANARY, LITERAL_CANARY, STORED_CANARY, TOKEN, TOKEN.split(".")[1]):
        for name, form in forms(secret).items():
            assert [text for text in texts if form in text] == [], name


def test_every_form_of_a_canary_would_be_found():
    """The positive control: a file that held one would fail the test above."""
    for form in forms(ENV_CANARY).values():
        assert form in f'{{"x": "{form}"}}'
    assert len(set(forms(ENV_CANARY).values())) >= 8


# At the command line -------------------------------------------------------------------------------------


def saved_at(desk: Desk, name: str = "saved.json") -> Path:
    """Save the plan of one new build."""
    desk.write(plain())
    said = desk.done("plan", "--out", name)
    assert f"reconciler apply --plan {name}" in said.err
    desk.emulator.clear_requests()
    return desk.folder / name


def edited(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Change a file by hand, with its layout as it was."""
    document = json.loads(path.read_text("ascii"))
    edit(document)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="ascii")


def refused(desk: Desk, code: int, *words: str, arguments: tuple[str, ...] = ()) -> None:
    """Apply the file: one error, these words, a hint, and no write."""
    arguments = arguments or ("apply", "--yes", "--plan", "saved.json")
    desk.run(*arguments).told(code, *words)
    assert desk.methods() <= {"GET"}
    assert desk.emulator.state()["builds"] == []


def test_a_saved_plan_in_the_tree_is_applied_and_is_no_definition(desk: Desk):
    """`plan --out plan.json` in the folder of the definitions is what people type."""
    path = saved_at(desk)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert desk.done("validate").code == 0
    said = desk.done("apply", "--plan", "saved.json", "--yes", "--format", "json")
    assert [step["outcome"] for step in said.json["steps"]] == ["done"]
    assert desk.stored("api")["name"] == "api"
    assert "Nothing to do" in desk.done("apply", "--plan", "saved.json").out


def kept_outside(desk: Desk, *documents: dict[str, Any]) -> str:
    """Save the plan of some definitions outside of the tree."""
    desk.write(*documents)
    file = str(desk.folder.parent / "the plan")
    desk.done("plan", "--out", file)
    return file


@pytest.mark.parametrize(("flags", "names"), [((), ["a"]), (("--all-or-nothing",), [])])
def test_an_apply_with_a_stale_step_ends_with_4(desk: Desk, flags: tuple[str, ...], names: list[str]):
    """What is still the same is done; with --all-or-nothing nothing is."""
    file = kept_outside(desk, plain("a"), plain("b"))
    desk.write(plain("a"), plain("b", build_script="make 50\n"))
    said = desk.run("apply", "--plan", file, "--yes", *flags)
    assert said.code == 4
    assert "b would be created, but is blocked (stale)" in said.out
    assert "+make 50" in said.out
    assert "Run `reconciler plan`" in said.out
    assert [b["name"] for b in desk.emulator.state()["builds"]] == names


def test_an_interactive_question_is_still_asked(desk: Desk):
    """Without a terminal and without --yes nothing is written, saved plan or not."""
    saved_at(desk)
    refused(desk, 64, "nothing was written", arguments=("apply", "--plan", "saved.json"))


def test_a_dry_run_of_a_saved_plan_writes_nothing(desk: Desk):
    saved_at(desk)
    assert desk.run("apply", "--plan", "saved.json", "--dry-run").code == 0
    assert desk.methods() == {"GET"}


def test_saving_a_plan_sends_gets_alone(desk: Desk):
    desk.write(plain())
    desk.done("plan", "--out", "saved.json", "-q")
    assert {r["method"] for r in desk.emulator.requests()} == {"GET"}


@pytest.mark.parametrize(
    ("name", "words"), [(".", "is a folder"), ("no/where/saved", "no folder"), ("/dev/null", "not a regular file")]
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_done(desk: Desk, name: str, words: str):
    desk.write(plain())
    desk.run("plan", "--out", name).told(64, words, "--out")
    assert desk.emulator.requests() == []


def _by_hand(edit: Callable[[dict[str, Any]], Any]) -> Callable[[Desk], None]:
    return lambda desk: edited(desk.folder / "saved.json", edit)


def _text(content: bytes) -> Callable[[Desk], None]:
    return lambda desk: (desk.folder / "saved.json").write_bytes(content) and None


def _plan_as_json(desk: Desk) -> None:
    (desk.folder / "saved.json").write_text(desk.done("plan", "--format", "json").out, encoding="utf-8")


def _other_tree(desk: Desk) -> None:
    (desk.folder / "reconciler.yaml").write_text("projects: [yaml]\ntree: another\n", encoding="utf-8")


def _other_ledger(desk: Desk) -> None:
    (desk.folder / ".reconciler" / "ledger.db").unlink()
    desk.done("plan", "--out", str(desk.folder.parent / "unrelated"))


def _no_ledger(desk: Desk) -> None:
    (desk.folder / ".reconciler" / "ledger.db").unlink()


def _folder(desk: Desk) -> None:
    (desk.folder / "saved.json").unlink()
    (desk.folder / "saved.json").mkdir()


CHANGED = (4, "changed after it was written, or is damaged")
TAMPERED: dict[str, tuple[Callable[[Desk], None], int, str]] = {
    "not there": (lambda desk: (desk.folder / "saved.json").unlink(), 64, "cannot be read: No such file"),
    "a folder": (_folder, 64, "is not a regular file"),
    "not JSON": (_text(b"name: api\n"), 64, "is not a saved plan: it is not JSON\n"),
    "deep": (_text(b"[" * 100_000), 64, "is not a saved plan: it is not JSON\n"),
    "bytes": (_text(b"\xff\xfe\x00"), 64, "it is not JSON as plan --out writes it"),
    "another JSON": (_plan_as_json, 64, "is JSON, but not a saved plan"),
    "a list": (_text(b"[]"), 64, "is JSON, but not a saved plan"),
    "another format": (_by_hand(lambda d: d.update(format_version="2.0")), 64, "has the format 2.0"),
    "another version": (_by_hand(lambda d: d.update(reconciler="9.0")), 64, "was made by reconciler 9.0"),
    "another server": (_by_hand(lambda d: d.update(server="http://prod")), 4, "was made for the server http://prod"),
    "another tree": (_other_tree, 4, 'was made for the tree "cli", and this is "another"'),
    "another ledger": (_other_ledger, 4, "was made with another ledger (project other, yaml)"),
    "no ledger": (_no_ledger, 4, "was made with another ledger (project other, yaml)"),
    "another root": (_by_hand(lambda d: d.update(root="..")), 4, "with the tree's root at .. of ."),
    "another PATH": (_by_hand(lambda d: d.update(path="gone")), 64, "is about gone, which does not exist here"),
    "a step's name": (_by_hand(lambda d: d["plan"]["steps"][0].update(name="web")), *CHANGED),
    "a step's change": (_by_hand(lambda d: d["plan"]["steps"][0]["changes"].clear()), *CHANGED),
    "a digest": (_by_hand(lambda d: d["digests"][0].update(live="0" * 64)), *CHANGED),
    "a digest less": (_by_hand(lambda d: d["digests"].clear()), *CHANGED),
    "the policy": (_by_hand(lambda d: d["policy"].update(prune="all")), *CHANGED),
    "a strange policy": (_by_hand(lambda d: d["policy"].update(prune="everything")), *CHANGED),
    "a key more": (_by_hand(lambda d: d.update(more=1)), *CHANGED),
    "a key less": (_by_hand(lambda d: d.pop("policy")), *CHANGED),
    "the commit": (_by_hand(lambda d: d.update(commit="0123abcd")), *CHANGED),
    "a project less": (_by_hand(lambda d: d["projects"].remove("other")), *CHANGED),
    "the selection": (_by_hand(lambda d: d.update(selected=["yaml"])), *CHANGED),
    "no seal": (_by_hand(lambda d: d.update(seal="")), *CHANGED),
    "another seal": (_by_hand(lambda d: d.update(seal="0" * 64)), *CHANGED),
    "reading only": (_by_hand(lambda d: d.update(reading_only="I say so")), 4, "is for reading only: I say so"),
}


def test_there_are_enough_sentences():
    """Each tells another thing to do; whatever only the seal can find out shares one."""
    assert len({sentence for _, _, sentence in TAMPERED.values()}) >= 14


@pytest.mark.parametrize("way", TAMPERED)
def test_every_way_to_tamper_with_a_file_is_refused_with_its_sentence(desk: Desk, way: str):
    """With a hint that says what to do; no write is sent, and the server has what it had."""
    saved_at(desk)
    act, code, sentence = TAMPERED[way]
    act(desk)
    refused(desk, code, sentence)


def test_the_file_that_is_tampered_with_would_have_been_applied(desk: Desk):
    """The positive control; and a file that was read and written again without a change is still good."""
    edited(saved_at(desk), lambda document: None)
    desk.done("apply", "--yes", "--plan", "saved.json")
    assert desk.stored("api")


def test_a_file_in_another_layout_was_changed(desk: Desk):
    """Blanks count, and so does a key that stands twice."""
    path = saved_at(desk)
    good = path.read_text("ascii")
    path.write_text(json.dumps(json.loads(good)), encoding="ascii")
    outside = desk.folder.parent / "copy"
    for text in (path.read_text("ascii"), good.replace('  "tree"', '  "tree": "x",\n  "tree"')):
        outside.write_text(text, encoding="ascii")
        refused(desk, *CHANGED, arguments=("apply", "--yes", "--plan", str(outside)))


def test_flags_that_contradict_a_saved_plan_are_wrong_usage(desk: Desk, monkeypatch):
    """PATH, --project and no server; --all-or-nothing is about a saved plan alone."""
    saved_at(desk)
    refused(desk, 64, "PATH and --plan", arguments=("apply", ".", "--plan", "saved.json"))
    refused(desk, 64, "--project: the saved plan", arguments=("apply", "--plan", "saved.json", "--project", "yaml"))
    refused(desk, 64, "--all-or-nothing", "--plan FILE", arguments=("apply", "--all-or-nothing"))
    monkeypatch.delenv("ZADIG_SERVER")
    refused(desk, 64, "no server is configured")


def test_another_real_server_is_refused(desk: Desk):
    """Nothing is asked of it."""
    saved_at(desk)
    other = Emulator()
    with running(other) as url:
        refused(desk, 4, f"and this run is about {url}", arguments=("apply", "--plan", "saved.json", "--server", url))
    assert other.requests() == []


def test_a_plan_of_a_part_of_the_tree_is_applied_to_that_part(desk: Desk):
    """PATH and --project are in the file; the hint at the end names PATH."""
    part = desk.folder / "part"
    part.mkdir()
    (part / "api.yaml").write_text(json.dumps(plain()), encoding="utf-8")
    (desk.folder / "rest.yaml").write_text(json.dumps(plain("rest")), encoding="utf-8")
    desk.done("plan", "part", "--project", "yaml", "--out", "saved.json")
    assert json.loads((desk.folder / "saved.json").read_text("ascii"))["root"] == ".."
    said = desk.done("apply", "--plan", "saved.json", "--yes", "--project", "yaml")
    assert "api created" in said.out
    assert [b["name"] for b in desk.emulator.state()["builds"]] == ["api"]
    (desk.folder / "reconciler.yaml").unlink()
    desk.run("apply", "--plan", "saved.json", "--yes").told(4, "the tree's root at .. of part")


def reading_only(desk: Desk) -> Said:
    """Save where the ledger can be no file."""
    desk.write(plain())
    blocker = desk.folder.parent / "blocker"
    blocker.write_text("a file, and no folder", encoding="utf-8")
    return desk.done("plan", "--out", "saved.json", "--ledger", str(blocker / "ledger.db"), "-q")


def test_a_plan_without_a_ledger_is_for_reading_only_and_says_so(desk: Desk):
    """On stderr, also with -q, and again when somebody wants to apply it; the plan in it is whole."""
    said = reading_only(desk)
    assert "saved.json is for reading only: the ledger" in said.err
    document = json.loads((desk.folder / "saved.json").read_text("ascii"))
    SCHEMA.validate(document)
    PLAN_SCHEMA.validate(document["plan"])
    assert (document["ledger"], document["digests"], document["seal"]) == ({}, [], "")
    desk.emulator.clear_requests()
    refused(desk, 4, "is for reading only: the ledger")
    edited(desk.folder / "saved.json", lambda document: document.update(reading_only=""))
    refused(desk, *CHANGED)


def test_the_schema_is_printed(desk: Desk):
    assert json.loads(desk.done("schema", "saved-plan").out)["title"] == "A saved plan"


def test_settings_are_all_saved_or_of_the_place_where_it_runs():
    """A setting that decides what is planned and is not in the file would make another plan without a word."""
    in_the_file = {"server", "tree", "path", "root", "projects", "selected", "policy", "deep_read"}
    of_the_place = {"configured", "ledger", "token", "concurrency", "timeout", "deadline", "backup_dir", "sources"}
    in_the_definitions = {"env", "ignore"}
    assert {f.name for f in dataclasses.fields(Settings)} == in_the_file | of_the_place | in_the_definitions


def test_only_a_saved_plan_is_replaced(desk: Desk):
    """A configuration, a definition or anything else that stands there is not overwritten; an older plan is."""
    desk.write(plain())
    configuration = (desk.folder / "reconciler.yaml").read_bytes()
    said = desk.run("plan", "--out", "reconciler.yaml")
    assert (said.code, said.out) == (64, "")
    assert "reconciler.yaml is there already, and is no saved plan" in said.err
    assert (desk.folder / "reconciler.yaml").read_bytes() == configuration
    assert desk.emulator.requests() == []
    for _ in range(2):
        assert desk.run("plan", "--out", "plan.json").code == 0
