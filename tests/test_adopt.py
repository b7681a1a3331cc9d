"""Adopting: definitions become the baseline, the server is only read, and from then on a plan is empty."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.policy import Policy, Prune
from reconciler.model.record import Document, Intent, Record
from reconciler.plan.adoption import Adoption
from reconciler.plan.assumed import DIFFERENCES
from reconciler.plan.step import Action, Block, Plan
from reconciler.report.adopt import adoption_document, render_adoption
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from reconciler.workflow.adopt import Looked, Recorded, look, record
from tests.canaries import canary, found
from tests.ledger_file import file_ledger, held_by_another
from tests.page import PLAIN, TEMPLATE, made
from tests.page import differences as page_differences
from tests.rig import Rig, Stored, plain, template
from tests.test_losses import HIDDEN, SHOWN, Erasable
from tests.test_page_properties import DEFINITIONS, pages, places
from tests.test_properties import Doc, examples, new_rig, successions, trees

ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "adopt.schema.json").read_text(encoding="utf-8")))
INTERNAL = "/api/aslan/"
PAGE = {
    "advanced_settings": {"privileged_mode": True},
    "parameters": [{"key": "A", "description": "da"}, {"key": "PW"}],
}
"""What the definition of the page's build may say of settings that detail hides."""


def looked(rig: Rig, *, allow_drift: bool = False) -> Looked:
    """See what would be recorded; what is told of it is as the schema says."""
    made_of = look(rig.settings, rig.load(), rig.world, allow_drift=allow_drift)
    SCHEMA.validate(adoption_document(made_of.adoption, made_of.troubles, 0))
    return made_of


def adopt(rig: Rig, *, allow_drift: bool = False) -> Adoption:
    """Adopt, and make sure that nothing but GETs was sent."""
    rig.quiet()
    adoption = looked(rig, allow_drift=allow_drift).adoption
    record(rig.settings, adoption, rig.world)
    assert {r["method"] for r in rig.requests()} == {"GET"}
    return adoption


def fates(adoption: Adoption) -> dict[str, str]:
    return {entry.step.name: entry.fate.value for entry in adoption.entries}


def held(rig: Rig) -> dict[str, Record]:
    with file_ledger(str(rig.ledger), rig.settings.server, writable=False) as ledger:
        return dict(ledger.read("yaml").records)


def change(rig: Rig, edit: Callable[[Document], Document]) -> None:
    with file_ledger(str(rig.ledger), rig.settings.server, writable=True) as ledger:
        ledger.change("yaml", edit)


def deep_reads(rig: Rig) -> list[str]:
    return [r["path"] for r in rig.requests() if r["path"].startswith(INTERNAL)]


def unverifiable(plan: Plan) -> list[str]:
    return [c.path for step in plan.steps for c in step.changes if c.kind is ChangeKind.UNVERIFIABLE]


def told(adoption: Adoption) -> str:
    style = Style(verbose=True)
    return render_adoption(adoption, (), style) + dump(adoption_document(adoption, (), 0))


@pytest.fixture
def company(rig: Rig, seeing: bool) -> Rig:
    """Two builds of the page and one of a template, each with a definition that agrees; no ledger."""
    rig.emulator.set_state(None, [made(PLAIN), made(PLAIN, name="second"), made(TEMPLATE)])
    rig.write(plain(**PAGE), plain("second"), template())
    return rig


# What holds afterwards -----------------------------------------------------------------------------------


def test_afterwards_a_plan_is_empty_and_asks_nothing_more(company: Rig, seeing: bool):
    """Nothing is unverifiable, the internal read is not asked again, and an apply sends nothing."""
    before = company.emulator.state()
    adoption = adopt(company)
    assert fates(adoption) == {"api": "adopt", "second": "adopt", "tpl": "adopt"}
    assert bool(deep_reads(company)) == seeing
    assert company.emulator.state() == before
    company.quiet()
    plan = company.plan()
    assert (plan.empty, unverifiable(plan)) == (True, [])
    assert [r["path"] for r in company.requests()] == [
        "/openapi/build", *(f"/openapi/build/{name}/detail" for name in ("api", "second", "tpl"))
    ]  # fmt: skip
    assert company.apply() == []
    assert company.emulator.state() == before


def test_without_it_the_same_definitions_cannot_be_verified(rig: Rig):
    """The positive control: what adopting quiets was loud before."""
    rig.deep = False
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.write(plain(**PAGE))
    assert unverifiable(rig.plan()) == ["parameters[A].description", "advanced_settings.privileged_mode"]
    adopt(rig)
    assert unverifiable(rig.plan()) == []


def test_a_record_says_that_it_is_assumed_and_from_where(company: Rig, seeing: bool):
    """Whose, when, from which commit, under which stamps; never exact; declared paths as the definition has them."""
    company.environ["GITHUB_SHA"] = "abc123"
    adopt(company)
    found_record = held(company)["api"]
    assert (found_record.tree, found_record.exact, found_record.commit) == ("rig", False, "abc123")
    assert found_record.when == int(company.time)
    assert (found_record.stamps.update_time, found_record.stamps.update_by) == (1_690_000_000, "ui-user")
    assert {"parameters[A].description", "advanced_settings.privileged_mode"} <= found_record.declared
    assert "advanced_settings.timeout" not in found_record.declared


def test_what_the_internal_read_shows_is_recorded_and_else_what_is_declared_or_usual(company: Rig, seeing: bool):
    """Declared: as declared, which the internal read then confirms. Undeclared: as read, else the usual value."""
    adopt(company)
    values = held(company)["second"].build.values
    declared = held(company)["api"].build.values
    assert values["infrastructure"] == "kubernetes"
    assert declared["advanced_settings.privileged_mode"] is True
    assert values["advanced_settings.privileged_mode"] is seeing
    assert [e.key for e in values["advanced_settings.custom_labels"]] == (["a", "c"] if seeing else [])  # type: ignore
    assert values["advanced_settings.timeout"] == 33


def test_a_second_adoption_has_nothing_to_do(company: Rig):
    """Every build is ours already; nothing is written to the ledger."""
    adopt(company)
    before = company.ledger.read_bytes()
    again = adopt(company)
    assert set(fates(again).values()) == {"already"}
    assert (again.to_record, company.ledger.read_bytes()) == ((), before)
    assert "Nothing to adopt: 3 builds are ours already." in told(again)


def test_what_was_assumed_is_verified_as_soon_as_it_can_be(rig: Rig):
    """Adopted without the internal read, adopted again with it: the record then holds what the server has."""
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.write(plain())
    rig.deep = False
    adopt(rig)
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is False
    rig.deep = True
    assert fates(adopt(rig)) == {"api": "refresh"}
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is True
    rig.deep = False
    assert fates(adopt(rig)) == {"api": "already"}
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is True


def test_an_assumed_record_lifts_no_loss(rig: Rig):
    """An update of an adopted build is blocked as before, as nothing shows what it would erase."""
    rig.deep = False
    rig.emulator.set_state(None, [made(PLAIN)])
    repo = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}
    rig.write(plain(repo_info=[repo]))
    adopt(rig)
    rig.write(plain(repo_info=[repo], build_script="new\n"))
    (step,) = rig.plan().steps
    assert (step.action, step.blocked and step.blocked.reason) == (Action.UPDATE, Block.LOSS)
    assert [loss.path for loss in step.losses] == ["unreadable"]


def test_a_change_after_the_adoption_is_seen(company: Rig):
    """In Git as a difference, on the server as one, and after a write by somebody else as a step."""
    adopt(company)
    company.write(plain(**{**PAGE, "build_script": "new\n"}))
    (api, *_) = company.plan().steps
    assert [(c.path, c.before, c.after) for c in api.changes] == [("build_script", "make\n", "new\n")]
    company.write(plain(**PAGE))
    assert company.plan().empty
    company.meddle("api", lambda stored: stored.update(enable_privileged_mode=False))
    assert not company.plan().empty


def test_what_is_adopted_can_be_pruned_and_protected(rig: Rig):
    """It is ours: gone from Git it is deleted where that is asked for, and protection is remembered."""
    rig.emulator.set_state(None, [made(PLAIN), made(PLAIN, name="second"), made(PLAIN, name="third")])
    rig.write(plain(**{"x-reconciler": {"prevent_destroy": True}}), plain("second"), plain("third"))
    adopt(rig)
    assert held(rig)["api"].prevent_destroy
    rig.policy = Policy(prune=Prune.OWNED, max_delete_percent=100)
    rig.write(plain("second"))
    (rig.tree / "1-builds.json").unlink()
    blocks = {s.name: s.blocked and s.blocked.reason for s in rig.plan().steps if s.action is Action.DELETE}
    assert blocks == {"api": Block.PROTECTED}
    assert ("yaml", "api") not in rig.plan().orphans


# Definitions that differ ---------------------------------------------------------------------------------


def test_a_definition_that_differs_refuses_the_whole_run(company: Rig):
    """Nothing is recorded of any build; each that differs is named with file and line and what differs."""
    company.write(plain(build_script="other\n"), plain("second", advanced_settings={"timeout": 44}))
    adoption = adopt(company)
    assert adoption.refused
    assert fates(adoption) == {"api": "differs", "second": "differs", "tpl": "adopt"}
    assert (held(company), company.ledger.exists()) == ({}, False)
    text = render_adoption(adoption, (), Style())
    assert "Refused: 2 of 3 definitions differ from the server. Nothing is recorded." in text
    for word in ("builds.json:1", "+other", "advanced_settings.timeout  33 → 44", "ui-user", "--allow-drift"):
        assert word in text


def test_drift_that_is_allowed_stays_a_difference(company: Rig):
    """The record holds what the server has: the build is ours, and the next plan shows the very same change."""
    company.write(plain(build_script="other\n", **PAGE))
    before = differences(company.plan())
    adoption = adopt(company, allow_drift=True)
    assert fates(adoption) == {"api": "adopt", "second": "adopt", "tpl": "adopt"}
    assert held(company)["api"].build.values["build_script"] == "make\n"
    plan = company.plan()
    assert differences(plan) == before != {}
    assert unverifiable(plan) == []
    assert {s.recorded for s in plan.steps} == {True}
    assert "yaml/api" in next(line for line in told(adoption).splitlines() if "the next plan shows what" in line)


def differences(plan: Plan) -> dict[str, list[tuple[Any, ...]]]:
    """What differs, settings with both values; an element is named alone, for a record tells more of it."""

    def values(change: Change) -> tuple[Shown, Shown]:
        return (None, None) if isinstance(change.before, dict) else (change.before, change.after)

    return {
        step.name: [(c.path, c.kind, *values(c)) for c in step.changes if c.kind in DIFFERENCES]
        for step in plan.steps
        if step.action is not Action.KEEP
    }


def test_a_hidden_setting_differs_where_the_internal_read_says_so(company: Rig, seeing: bool):
    """With it a wrong declaration refuses; without it nobody can tell, and what is declared is taken as true."""
    company.write(plain(advanced_settings={"privileged_mode": False, "custom_labels": [{"key": "z", "value": "z"}]}))
    adoption = adopt(company)
    assert adoption.refused == seeing
    if seeing:
        adopt(company, allow_drift=True)
        assert held(company)["api"].build.values["advanced_settings.privileged_mode"] is True
        assert not company.plan().empty
    else:
        assert company.plan().empty


def test_a_build_of_the_other_kind_is_never_adopted(company: Rig):
    """It refuses the run; with drift allowed it is left out, and an apply converts it."""
    company.write({**template("api"), "project_key": "yaml"})
    assert adopt(company).refused
    adoption = adopt(company, allow_drift=True)
    assert (fates(adoption)["api"], adoption.refused) == ("differs", False)
    assert "api" not in held(company)
    assert "it is a plain build on the server, and a template one in Git" in told(adoption)


def test_a_credential_that_differs_refuses_without_being_told(rig: Rig):
    """The environment's value is not the server's: said, and neither is shown."""
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.environ["BUILD_PW"] = "environment-canary"
    secret = {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    rig.write(plain(parameters=[{"key": "A"}, secret]))
    adoption = adopt(rig)
    assert adoption.refused
    assert "parameters[PW].default_value" in told(adoption)
    assert "canary" not in told(adoption)
    rig.environ["BUILD_PW"] = "page-canary"
    assert fates(adopt(rig)) == {"api": "adopt"}
    assert b"canary" not in rig.ledger.read_bytes()


# What is not adopted -------------------------------------------------------------------------------------


def test_a_build_that_is_not_on_the_server_is_left_to_an_apply(company: Rig):
    """No error; the plan still wants to create it."""
    company.write(plain("new"), file="new.json")
    adoption = adopt(company)
    assert fates(adoption)["new"] == "missing"
    assert "new" not in held(company)
    assert [s.name for s in company.plan().steps if s.action is Action.CREATE] == ["new"]


def test_another_trees_build_stays_theirs(company: Rig):
    """Also where nothing differs."""
    adopt(company)
    company.name = "other"
    adoption = adopt(company, allow_drift=True)
    assert set(fates(adoption).values()) == {"foreign"}
    assert {r.tree for r in held(company).values()} == {"rig"}
    assert 'belongs to the tree "rig"' in told(adoption)


def test_an_unread_build_is_left_and_the_others_are_adopted(company: Rig):
    """Its detail fails; nothing is said of it but that."""
    company.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "match": {"path": "/second/detail"}}])
    adoption = adopt(company)
    assert fates(adoption) == {"api": "adopt", "second": "unread", "tpl": "adopt"}
    assert not adoption.complete
    assert sorted(held(company)) == ["api", "tpl"]


def test_nothing_of_an_incomplete_project_is_adopted(company: Rig):
    """Its list did not settle: what is there may be another build of the same name."""
    company.emulator.set_faults([{"kind": "unsettled-list", "probability": 1.0, "match": {"path": "^/openapi/build$"}}])
    adoption = adopt(company)
    assert set(fates(adoption).values()) == {"incomplete"}
    assert (adoption.to_record, held(company)) == ((), {})


def test_a_jenkins_build_is_left(rig: Rig):
    """No definition can be about it."""
    rig.emulator.set_state(None, [made(PLAIN, source="jenkins")])
    rig.write(plain())
    assert fates(adopt(rig)) == {"api": "unwritable"}
    assert held(rig) == {}


def test_only_what_is_selected_is_adopted(company: Rig):
    """A PATH below the root: the other definitions' builds stay undeclared, and nobody's."""
    company.write(plain("second"), file="part/second.json")
    (company.tree / "1-builds.json").unlink()
    settings = replace(company.settings, path=str(company.tree / "part"))
    from reconciler.workflow.validate import load

    desired = load(settings, company.environ, str(company.tree))
    adoption = look(settings, desired, company.world).adoption
    record(settings, adoption, company.world)
    assert (fates(adoption), sorted(held(company))) == ({"second": "adopt"}, ["second"])


# Records that are there ----------------------------------------------------------------------------------


def test_an_exact_record_stays_exact(rig: Rig):
    """What we wrote and saw is better than what anybody says; only what the definition declares is taken over."""
    rig.write(plain(build_script="make\n", advanced_settings={"privileged_mode": True}))
    rig.applied()
    before = held(rig)["api"]
    assert fates(adopt(rig)) == {"api": "already"}
    assert held(rig)["api"] == before
    rig.write(plain(build_script="make\n"))
    assert fates(adopt(rig)) == {"api": "refresh"}
    after = held(rig)["api"]
    assert (after.exact, after.build, after.when) == (True, before.build, before.when)
    assert before.declared > after.declared
    assert deep_reads(rig) == []


def test_an_exact_record_with_a_change_in_git_stays_as_it_is(rig: Rig):
    """It differs, so it refuses; with drift allowed nothing is to be recorded, and the plan shows the change."""
    rig.write(plain(build_script="make\n"))
    rig.applied()
    before = held(rig)
    rig.write(plain(build_script="new\n"))
    assert adopt(rig).refused
    assert fates(adopt(rig, allow_drift=True)) == {"api": "already"}
    assert held(rig) == before
    assert not rig.plan().empty


def test_a_build_of_ours_that_somebody_wrote_since_is_renewed(rig: Rig):
    """The plan would write what nobody can verify; adopting says instead that it is as declared."""
    rig.deep = False
    rig.write(plain(advanced_settings={"privileged_mode": True}))
    rig.applied()
    rig.meddle("api", lambda stored: None)
    assert not rig.plan().empty
    assert fates(adopt(rig)) == {"api": "refresh"}
    assert not held(rig)["api"].exact
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is True
    assert rig.plan().empty


def test_what_was_last_recorded_is_a_better_guess_than_the_usual_value(rig: Rig):
    """Not declared any more, and somebody wrote since: what an update would keep is not forgotten."""
    rig.deep = False
    rig.write(plain(advanced_settings={"privileged_mode": True}))
    rig.applied()
    rig.meddle("api", lambda stored: None)
    rig.write(plain())
    adopt(rig)
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is True


def test_a_name_that_moved_stays_a_notice(rig: Rig):
    """The image is called otherwise since: the record keeps the old name, so that the plan still says it."""
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.write(plain())
    rig.deep = False
    adopt(rig)
    rig.meddle("api", lambda stored: None)
    state = rig.emulator.state()
    for image in state["world"]["base_images"]:
        image["label"] = "ubuntu new" if image["label"] == "ubuntu 20.04" else image["label"]
    rig.emulator.set_state(state["world"], state["builds"])
    assert fates(adopt(rig)) == {"api": "refresh"}
    plan = rig.plan()
    assert plan.empty
    assert any('"ubuntu 20.04" is now called "ubuntu new"' in notice for notice in plan.notices)


def test_ignored_settings_are_not_declared(rig: Rig, seeing: bool):
    """A rule leaves a hidden setting to the server: Git's value of it is not recorded as the server's."""
    rig.emulator.set_state(None, [made(PLAIN, enable_privileged_mode=True)])
    rule = {"ignore": [{"path": "advanced_settings.privileged_mode", "reason": "r"}]}
    rig.write(plain(advanced_settings={"privileged_mode": False}, **{"x-reconciler": rule}))
    adoption = adopt(rig)
    (setting,) = [s for s in adoption.settings if s.path == "advanced_settings.privileged_mode"]
    assert (setting.declared, setting.read, setting.assumed) == (0, int(seeing), int(not seeing))
    assert held(rig)["api"].build.values["advanced_settings.privileged_mode"] is seeing
    assert rig.plan().empty


def test_an_announcement_that_came_true_is_settled(rig: Rig):
    """A run that was killed behind its write: the server proves it, and the exact record is kept."""
    rig.write(plain(build_script="make\n"))
    rig.applied()
    proof = held(rig)["api"]
    before = replace(proof, stamps=replace(proof.stamps, update_time=1))

    def killed(document: Document) -> Document:
        return replace(document, records={}, intents={"api": Intent(before, (proof.build,))})

    change(rig, killed)
    rig.write(plain())  # fewer declared paths: something to record
    assert fates(adopt(rig)) == {"api": "refresh"}
    assert held(rig)["api"].exact
    with file_ledger(str(rig.ledger), rig.settings.server, writable=False) as ledger:
        assert ledger.read("yaml").intents == {}


# The ledger ----------------------------------------------------------------------------------------------


def test_what_another_run_recorded_meanwhile_stays(company: Rig):
    """Between the look and the lock somebody applied: their record is newer, and is told of."""
    adoption = looked(company).adoption
    theirs = replace(adoption.entries[0].record, exact=True, when=7)  # type: ignore[type-var]
    change(company, lambda document: replace(document, records={"api": theirs}))
    assert record(company.settings, adoption, company.world) == Recorded(
        (("yaml", "second"), ("yaml", "tpl")), (("yaml", "api"),)
    )
    assert held(company)["api"].when == 7


def test_a_locked_ledger_is_left_alone(company: Rig):
    """Another run holds it: nothing is recorded."""
    adoption = looked(company).adoption
    change(company, lambda document: document)
    held_by_another(company.ledger, company.settings.server)
    with pytest.raises(Locked, match="ann@elsewhere"):
        record(company.settings, adoption, company.world)
    assert held(company) == {}


def test_without_a_ledger_nothing_is_asked(company: Rig):
    """Whose the builds are cannot be told: the run ends before it sends anything."""
    company.ledger.write_bytes(b"this is no database\n" * 100)
    company.quiet()
    with pytest.raises(LedgerError):
        looked(company)
    assert company.requests() == []


def test_stopped_between_two_projects_it_is_run_again(rig: Rig):
    """The first project is recorded as a whole, the second not at all, no lock stays; a second run does the rest."""
    other = made(PLAIN, name="b", product_name="helm")
    other["targets"] = []
    rig.emulator.set_state(None, [made(PLAIN, name="a"), other])
    rig.write(plain("a"), {**plain("b"), "project_key": "helm"})
    adoption = looked(rig).adoption
    assert sorted(adoption.pages) == ["helm", "yaml"]

    class Stopping(dict[str, Any]):
        def __getitem__(self, project: str) -> Any:
            if project == "yaml":
                raise KeyboardInterrupt
            return super().__getitem__(project)

    with pytest.raises(KeyboardInterrupt):
        record(rig.settings, replace(adoption, pages=Stopping(adoption.pages)), rig.world)
    assert held(rig) == {}
    assert fates(adopt(rig)) == {"a": "adopt", "b": "already"}
    assert rig.plan().empty


# Secrets -------------------------------------------------------------------------------------------------


def test_no_credential_of_the_server_gets_into_ledger_or_report(rig: Rig, seeing: bool):
    """Values, choices, inputs, and a script that somebody pasted the token into: none is in there, in no form."""
    token, chosen, typed = canary("token", odd=""), canary("choice", odd=""), canary("input")
    script = f"#!/bin/sh\ncurl -H 'Authorization: {token.text}' https://x\n"
    stored, from_template = made(PLAIN, scripts=script), made(TEMPLATE)
    stored["pre_build"]["envs"][1].update(value=token.text, choice_option=[chosen.text], type="choice")
    stored["pre_build"]["envs"][0].update(description=f"as {token.text}")
    stored["pre_build"]["custom_labels"][0].update(value=token.text)
    from_template["targets"][0]["envs"][2]["value"] = typed.text
    from_template["targets"][0]["envs"][3].update(choice_value=[typed.words[0], typed.text])
    rig.emulator.set_state(None, [stored, from_template])
    everything = [token, chosen, typed]
    assert found(everything, json.dumps(rig.emulator.state()).encode()) != []
    rig.write(plain(), template())
    adoption = adopt(rig)
    assert fates(adoption) == {"api": "adopt", "tpl": "adopt"}
    outputs = told(adoption) + render_plan(rig.plan(), Style(verbose=True)) + dump(plan_document(rig.plan()))
    for output in (rig.ledger.read_bytes(), outputs.encode()):
        assert found(everything, output) == []
    assert rig.plan().empty
    assert set(fates(adopt(rig)).values()) == {"already"}


def test_a_script_that_repeats_a_credential_is_still_compared(rig: Rig, seeing: bool):
    """It is not in the ledger, and a change of it in Git is a difference all the same, told without the credential."""
    script = "curl -H 'Authorization: pasted-canary-text' https://x\n"
    stored = made(PLAIN, scripts=script)
    stored["pre_build"]["envs"][1]["value"] = "pasted-canary-text"
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script=script))
    adopt(rig)
    assert "build_script" in held(rig)["api"].secrets
    assert rig.plan().empty
    rig.write(plain(build_script="other\n"))
    (step,) = rig.plan().steps
    assert [c.path for c in step.changes] == ["build_script"]
    assert "canary" not in render_plan(rig.plan(), Style(verbose=True))


def test_a_secret_that_nothing_shows_cannot_be_recorded_and_is_said(rig: Rig):
    """A description from the environment: no ledger holds it, so it stays unverifiable, and the report names it."""
    rig.deep = False
    rig.emulator.set_state(None, [made(PLAIN)])
    rig.environ["BUILD_D"] = "description-canary"
    rig.write(plain(parameters=[{"key": "A", "description": {"from_env": "BUILD_D"}}, {"key": "PW"}]))
    adoption = adopt(rig)
    assert adoption.entries[0].unrecorded == ("parameters[A].description",)
    assert unverifiable(rig.plan()) == ["parameters[A].description"]
    assert "yaml/api parameters[A].description" in told(adoption)
    assert "canary" not in told(adoption)


def test_a_variable_that_is_not_set_is_no_obstacle(rig: Rig):
    """The credential is not compared, which is said; the internal read is not asked for it again and again."""
    rig.emulator.set_state(None, [made(PLAIN)])
    secret = {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    rig.write(plain(parameters=[{"key": "A"}, secret]))
    adoption = adopt(rig)
    assert (fates(adoption), adoption.entries[0].unset) == ({"api": "adopt"}, ("BUILD_PW",))
    assert "not set in this environment, so not compared: BUILD_PW" in told(adoption)
    rig.quiet()
    assert rig.plan().empty
    assert deep_reads(rig) == []
    rig.environ["BUILD_PW"] = "another"
    assert not rig.plan().empty


# Counting ------------------------------------------------------------------------------------------------


def test_every_hidden_setting_is_counted_by_who_speaks_for_it(company: Rig, seeing: bool):
    """Declared, read, assumed: of the builds that have a place for it."""
    counts = {s.path: (s.declared, s.verified, s.read, s.assumed) for s in adopt(company).settings}
    seen = int(seeing)
    assert counts["infrastructure"] == (2, 2 * seen, 0, 0)
    assert counts["advanced_settings.privileged_mode"] == (1, seen, seen, 1 - seen)
    assert counts["parameters[].description"] == (1, seen, 2 * seen, 2 * (1 - seen))
    assert counts["target_services[].repo_info[].commit_id"] == (0, 0, seen, 1 - seen)
    assert ("repo_info[].codehost_name" in counts) == seeing


def test_where_the_internal_read_is_not_served_the_report_says_why(company: Rig, seeing: bool):
    """Once, in the sentence that says what is taken as true."""
    company.emulator.set_settings({"internal_read": False})
    adoption = adopt(company)
    text = render_adoption(adoption, (), Style())
    assert "what is declared is taken as true." in text
    assert ("the internal read cannot be used" in text) == seeing
    assert company.plan().empty


def test_a_build_that_the_internal_read_does_not_show_is_counted_apart(rig: Rig):
    """It answers for one of two: the report says how many are verified, and what is taken as true of the others."""
    rig.emulator.set_state(None, [made(PLAIN), made(PLAIN, name="second")])
    rig.write(plain(**PAGE), plain("second"))
    path = "^/api/aslan/build/build/second$"
    rig.emulator.set_faults([{"kind": "403-empty", "probability": 1.0, "match": {"path": path}}])
    adoption = adopt(rig)
    assert {e.step.name: e.seen for e in adoption.entries} == {"api": True, "second": False}
    assert "The internal read shows 1 of 2 builds; of the others, what is declared is taken as true." in told(adoption)
    (setting,) = [s for s in adoption.settings if s.path == "advanced_settings.privileged_mode"]
    assert (setting.declared, setting.verified, setting.read, setting.assumed) == (1, 1, 0, 1)


def test_an_adoption_is_the_same_bytes_every_time(company: Rig):
    """Identical inputs, identical report and JSON."""
    assert told(looked(company).adoption) == told(looked(company).adoption)


def test_a_code_host_of_another_type_is_no_drift_that_a_record_could_hold(rig: Rig):
    """Detail shows that it is another one, and not which: it stays a difference, and the record as it was."""
    rig.deep = False
    repo = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}
    rig.write(plain(repo_info=[repo]))
    rig.applied()

    def elsewhere(stored: Stored) -> None:
        stored["repos"][0].update(source="github", codehost_id=2)

    rig.meddle("api", elsewhere)
    before = held(rig)
    assert fates(adopt(rig, allow_drift=True)) == {"api": "differs"}
    assert held(rig) == before
    assert not rig.plan().empty


# Laws ----------------------------------------------------------------------------------------------------


def prepared(rig: Rig, documents: list[Doc], *, deep: bool) -> None:
    """Let the server have what the definitions say, written by somebody else, and know nothing of it."""
    rig.write(*documents)
    rig.applied()
    rig.forget()
    builds = copy.deepcopy(rig.emulator.state()["builds"])
    rig.emulator.set_state(None, [{**build, "update_by": "somebody"} for build in builds])
    rig.deep = deep


@examples(10)
@given(trees(), st.booleans())
def test_whatever_is_as_declared_is_adopted_and_then_kept(documents: list[Doc], deep: bool):
    """Any definitions: adopted as a whole, a plan is then empty and verifiable, and a second adoption does nothing."""
    with new_rig() as rig:
        prepared(rig, documents, deep=deep)
        adoption = adopt(rig)
        assert set(fates(adoption).values()) == {"adopt"}, told(adoption)
        assert [e.unrecorded for e in adoption.entries if e.unrecorded] == []
        rig.quiet()
        plan = rig.plan()
        assert (plan.empty, unverifiable(plan), deep_reads(rig)) == (True, [], [])
        assert set(fates(adopt(rig)).values()) == {"already"}
        assert rig.apply() == []


@examples(10)
@given(successions(), st.booleans())
def test_no_readable_difference_is_ever_swallowed(pairs: list[tuple[Doc, Doc]], deep: bool):
    """The server has one state and Git another: with drift allowed a plan shows the same differences as before."""
    with new_rig() as rig:
        prepared(rig, [first for first, _ in pairs], deep=deep)
        rig.write(*(second for _, second in pairs))
        before = differences(make_whole_plan(rig))
        adoption = adopt(rig, allow_drift=True)
        assert set(fates(adoption).values()) == {"adopt"}
        assert differences(rig.plan()) == before
        refused = looked_without_ledger(rig)
        assert refused == bool(before)


@examples(15)
@given(pages(PLAIN, (*SHOWN, *HIDDEN)), DEFINITIONS, st.booleans())
def test_an_update_of_what_was_adopted_changes_nothing_unnamed(
    page: tuple[Stored, list[Erasable]], document: Doc, deep: bool
):
    """Any build of the page and any definition, adopted with its drift: the record gives nothing away unseen."""
    stored, cases = page
    with new_rig() as rig:
        rig.deep = deep
        rig.emulator.set_state(None, [stored])
        rig.write(plain(**document))
        if fates(adopt(rig, allow_drift=True)) != {"api": "adopt"}:
            return
        assert b"canary" not in rig.ledger.read_bytes()
        (step,) = rig.plan().steps
        if not deep:
            assert not step.will_write
            return
        if step.blocked is not None and step.blocked.reason is not Block.LOSS:
            return
        rig.accept()
        rig.applied()
        changed = page_differences(stored, rig.stored("api"))
        assert {path for path in changed if not path.startswith(places(step, cases))} == set()


def make_whole_plan(rig: Rig) -> Plan:
    """Plan with the internal read of every build, as an adoption sees them."""
    from reconciler.plan.questions import adopting
    from reconciler.workflow.plan import make_plan

    return make_plan(rig.settings, rig.load(), rig.world, adopting).plan


def looked_without_ledger(rig: Rig) -> bool:
    rig.forget()
    return looked(rig).adoption.refused
