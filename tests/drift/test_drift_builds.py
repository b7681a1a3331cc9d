"""What became of whole builds: gone, new, somebody else's, not to be read, and what a run is narrowed to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.compare.drift import State
from reconciler.emulator import Request, Response
from reconciler.model.errors import NotPermitted
from reconciler.model.policy import Prune
from reconciler.plan.fates import Drift, Fate
from reconciler.report.drift import render_drift
from reconciler.report.drift_ways import Commands, ways
from reconciler.report.text import Style
from reconciler.workflow.drift import find_drift
from tests.drift.night import ADVANCED, Night, definition, script, timeout
from tests.rig import plain


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """Two projects of two builds each that were applied."""
    made = Night(tmp_path)
    made.define(definition("api"), definition("web"), definition("far", "other"), definition("off", "other"))
    made.applied()
    return made


def fates(drift: Drift) -> dict[str, str]:
    return {build.name: build.fate.value for build in drift.builds if build.fate is not Fate.IN_SYNC}


def commands(drift: Drift) -> list[str]:
    return [way.command for way in ways(drift, Commands())]


def test_what_nobody_touched_is_in_sync_and_has_nothing_to_tell(night: Night):
    drift = night.look()
    assert (fates(drift), commands(drift), drift.complete, drift.recorded) == ({}, [], True, True)
    assert all(build.settings == () and build.notes == () for build in drift.builds)


def test_a_build_that_was_deleted_is_missing_and_a_new_definition_is_pending(night: Night):
    """Both are in Git and not on the server; the record tells them apart."""
    night.delete("api")
    night.define(definition("new"))
    drift = night.look()
    assert fates(drift) == {"api": "missing", "new": "pending"}
    assert commands(drift) == [
        "reconciler apply yaml/api.json",
        "reconciler export --project yaml --out . --prune",
        "reconciler apply",
    ]


def test_a_build_that_was_made_again_under_another_project_is_told(night: Night):
    """Names are unique over the server: who creates it again has to know."""
    night.delete("api")
    night.appear("api", product_name="other")
    (build,) = night.look().of(Fate.MISSING)
    assert (build.project, build.notes) == ("yaml", ('project "other" has a build of this name',))
    assert "reconciler export --project other --project yaml --out . --prune" in commands(night.look())


def test_builds_without_a_definition_are_ours_or_nobody_s(night: Night):
    """An orphan is ours and gone from Git; what nobody declared is undeclared; neither is drift."""
    night.remove("web")
    night.appear("page")
    night.appear("jenkins", source="jenkins")
    drift = night.look()
    assert fates(drift) == {"web": "orphan", "page": "undeclared", "jenkins": "jenkins"}
    assert commands(drift) == ["reconciler plan --prune owned"]


def test_another_trees_builds_are_left_to_it(night: Night):
    """Declared here too or not, changed or not: no state is made up for them."""
    night.name = "another"
    night.meddle("api", timeout(45))
    night.documents = {"api": night.documents["api"]}
    (night.tree / "yaml" / "web.json").unlink()
    drift = night.look()
    assert {build.name: build.fate for build in drift.builds}["api"] is Fate.FOREIGN
    assert {build.name: build.fate for build in drift.builds}["web"] is Fate.FOREIGN
    assert drift.of(Fate.FOREIGN)[-2].notes == ('the ledger says that it belongs to the tree "rig"',)
    assert not drift.of(Fate.DRIFTED)


def test_a_build_that_became_one_of_jenkins_has_drifted(night: Night):
    """Somebody replaced it; a definition that never had another build is left alone."""
    night.meddle("api", lambda stored: stored.update(source="jenkins"))
    night.appear("ci", source="jenkins")
    night.define(definition("ci"))
    assert fates(night.look()) == {"api": "drifted", "ci": "jenkins"}
    assert commands(night.look()) == ["reconciler plan"], "no command can take it over or write it"
    assert night.one().by == "mallory"


def test_what_could_not_be_read_is_unread_and_the_rest_is_judged(night: Night):
    """One detail fails; another build has drifted."""
    night.meddle("web", timeout(45))
    match = {"method": "GET", "path": "/api/detail"}
    night.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": match}])
    drift = night.look()
    assert fates(drift) == {"api": "unread", "web": "drifted"}
    assert not drift.complete
    assert "reconciler drift" in commands(drift)


def test_nothing_is_missing_on_a_list_that_did_not_settle(night: Night):
    """What is absent from it may be there: unread, and the trouble is told."""
    night.delete("api")
    night.emulator.set_faults([{"kind": "unsettled-list", "probability": 1.0, "seed": 1, "match": {"method": "GET"}}])
    drift = night.look()
    assert not drift.of(Fate.MISSING)
    assert not drift.complete
    assert {trouble.code for trouble in drift.troubles} == {"incomplete"}


def test_a_project_that_shows_nothing_any_more_is_said(night: Night):
    """Everything of it is missing, or nobody may see it: the report says that it cannot tell."""
    night.delete("far", "off")
    drift = night.look()
    assert fates(drift) == {"far": "missing", "off": "missing"}
    assert 'project "other" shows no build at all' in drift.notices[0]
    assert not [command for command in commands(drift) if "--prune" in command]


def test_a_project_that_the_token_may_not_see_does_not_hide_the_others(night: Night):
    """Its builds are unread and the run is not whole; where no project may be seen, that is the error."""
    night.meddle("api", timeout(45))
    night.twist = lambda request, answer: Response(403) if "projectKey=other&" in request.query else answer
    drift = night.look()
    assert fates(drift) == {"api": "drifted", "far": "unread", "off": "unread"}
    assert [(t.code, t.message) for t in drift.troubles] == [
        ("incomplete", 'not permitted in project "other" (HTTP 403), or there is no such project')
    ]
    assert "administrator" in drift.troubles[0].hint
    night.twist = lambda _, __: Response(403)
    with pytest.raises(NotPermitted):
        night.look()


def test_one_project_is_looked_at_alone(night: Night):
    """`--project` leaves the other one alone, requests included."""
    night.meddle("api", timeout(45))
    night.meddle("far", timeout(45))
    night.selected = ("other",)
    assert fates(night.look()) == {"far": "drifted"}
    assert not [r for r in night.requests() if "projectKey=yaml" in str(r["query"])]


def test_a_narrowed_path_says_nothing_of_what_it_does_not_see(night: Night):
    """A file of the tree: no orphans, nothing undeclared, and the report says so."""
    night.remove("web")
    night.appear("page")
    night.meddle("api", timeout(45))
    night.path = "yaml/api.json"
    drift = night.look()
    assert [(b.name, b.fate) for b in drift.builds] == [("api", Fate.DRIFTED)]
    assert "only part of the tree was read" in render_drift(drift, Commands(), Style())


def test_a_rename_and_a_move_in_git_are_pending(night: Night):
    """The old builds are no orphans: their place is taken."""
    night.remove("api", "far")
    night.define({**definition("api2"), "x-reconciler": {"renamed_from": "api"}}, definition("far"))
    drift = night.look()
    assert fates(drift) == {"api2": "pending", "far": "pending"}
    assert sorted(build.notes[0] for build in drift.of(Fate.PENDING)) == [
        "it takes the place of other/far",
        "it takes the place of yaml/api",
    ]
    night.meddle("api", timeout(45))
    assert night.one("api2").notes[0] == (
        "it takes the place of yaml/api, which mallory has written since it was recorded, 2023-11-14 22:14:30 UTC"
    )


def test_what_was_undone_is_no_drift_and_who_did_it_is_a_remark(night: Night):
    """Changed and changed back: stamps alone differ."""
    night.meddle("api", timeout(45))
    night.meddle("api", timeout(30))
    build = night.one()
    assert (build.fate, build.by, build.settings) == (Fate.IN_SYNC, "mallory", ())
    assert "mallory has written since" in build.notes[0]
    assert "mallory" not in render_drift(night.look(), Commands(), Style())
    assert "mallory" in render_drift(night.look(), Commands(), Style(verbose=True))


def test_a_change_without_a_new_stamp_is_put_on_nobody(night: Night):
    """The stamps are those of our own write."""
    night.meddle("api", timeout(45), user="")
    build = night.one()
    assert (build.fate, build.by) == (Fate.DRIFTED, "")
    assert "changed by somebody, without a new time stamp" in render_drift(night.look(), Commands(), Style())


def test_a_build_that_was_never_applied_has_nobody_to_blame(night: Night):
    """Without a record there is no base: a difference is pending, whoever made it."""
    night.appear("page")
    night.define(definition("page", build_script="other\n"))
    build = night.one("page")
    assert (build.fate, build.record, build.by) == (Fate.PENDING, None, "")
    assert {s.state for s in build.settings} == {State.PENDING}


def test_a_value_that_is_not_in_this_environment_is_not_compared(night: Night):
    """No drift, no pending: it is named under -v."""
    night.environ["BUILD_PW"] = "canary"
    parameter = {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    night.edit("api", parameters=[parameter])
    night.applied()
    night.environ.clear()
    night.meddle("api", timeout(45))
    build = night.one()
    assert {(s.path, s.state) for s in build.settings} == {
        ("parameters[PW].default_value", State.UNSET),
        ("advanced_settings.timeout", State.DRIFTED),
    }


@pytest.mark.parametrize("deep", [True, False])
def test_a_drift_sends_the_requests_of_a_plan(night: Night, deep: bool):
    """The very same, with changes on both sides, builds gone and made, and the internal read on or off."""
    night.deep = deep
    night.meddle("api", timeout(45))
    night.edit("web", advanced_settings={**ADVANCED, "privileged_mode": True})
    night.delete("off")
    night.appear("page")
    night.remove("far")
    night.quiet()
    night.plan()
    planned = [(r["method"], r["path"], r["query"]) for r in night.requests()]
    night.look()
    assert [(r["method"], r["path"], r["query"]) for r in night.requests()] == planned
    assert len(planned) >= 4


def test_what_the_configuration_prunes_is_no_business_of_a_drift(night: Night):
    """With `prune: owned` an orphan is still only named."""
    night.policy = replace(night.policy, prune=Prune.OWNED)
    night.remove("web")
    drift = find_drift(night.settings, night.load(), night.world).drift
    assert fates(drift) == {"web": "orphan"}


def test_an_apply_that_was_killed_is_settled_before_anybody_is_blamed(night: Night):
    """Its write reached the server and not the ledger: proven by what reads back, in sync, nobody's drift."""
    night.edit("api", build_script="later\n")
    writes: list[str] = []

    def cut(request: Request, answer: Response) -> Response:
        if request.method == "PUT":
            writes.append(request.path)
        if len(writes) > 1 and request.method == "GET":  # the first is the version probe
            raise KeyboardInterrupt
        return answer

    night.twist = cut
    with pytest.raises(KeyboardInterrupt):
        night.apply()
    night.twist = lambda _, answer: answer
    assert night.stored("api")["scripts"] == "later\n"
    assert fates(night.look()) == {}


def test_both_kinds_of_pending_work_are_told_in_one_build(night: Night):
    """A drifted build may hold what Git has not applied yet; both stand in its block."""
    night.edit("api", build_script="new\n")
    night.meddle("api", timeout(45))
    text = render_drift(night.look(), Commands(), Style())
    assert "build_script  (changed in Git, pending)" in text
    assert "advanced_settings.timeout  30 → 45  (Git has 30)" in text


def test_what_both_changed_alike_is_what_both_had_once_an_apply_has_seen_it(night: Night):
    """A drift that was taken into Git is no half of a conflict when somebody changes the same setting again."""
    night.meddle("api", timeout(45), "bob")
    night.edit("api", advanced_settings={**ADVANCED, "timeout": 45})
    assert fates(night.look()) == {}
    night.apply()
    night.meddle("api", timeout(60), "zoe", 120)
    build = night.one()
    assert (build.fate, build.by) == (Fate.DRIFTED, "zoe")
    assert [(s.path, s.recorded, s.live, s.git) for s in build.settings] == [("advanced_settings.timeout", 45, 60, 45)]


def test_a_keep_makes_no_record_exact_again(night: Night):
    """It remembers what both have, and the stamps stay those of our own write: what is hidden is known no better."""
    night.deep = False
    night.edit("api", advanced_settings={**ADVANCED, "privileged_mode": True})
    night.applied()
    night.meddle("api", lambda b: b.update(timeout=45, enable_privileged_mode=False), "bob")
    night.edit("api", advanced_settings={**ADVANCED, "timeout": 45})
    night.quiet()
    night.apply()
    assert night.requests("PUT", "POST") == []
    night.edit("api", advanced_settings={**ADVANCED, "timeout": 45, "privileged_mode": True})
    assert [s.path for s in night.one().of(State.UNVERIFIABLE)] == ["advanced_settings.privileged_mode"]


def test_a_keep_remembers_no_text_that_repeats_a_secret(night: Night):
    """Somebody pasted the password into the script, and Git took it over: the ledger does not."""
    night.environ["BUILD_PW"] = "pasted-canary-77"
    password = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    night.edit("api", parameters=[password])
    night.applied()
    night.meddle("api", script("login pasted-canary-77\n"), "bob")
    night.edit("api", build_script="login pasted-canary-77\n")
    night.apply()
    assert night.stored("api")["scripts"] == "login pasted-canary-77\n"
    assert b"pasted-canary-77" not in night.ledger.read_bytes()


def test_a_label_that_moved_is_one_notice_for_all_builds(night: Night):
    """The base image is called otherwise: no build drifted, and the notice says what to change in Git."""
    state = night.emulator.state()
    for image in state["world"]["base_images"]:
        image["label"] = image["label"].replace("20.04", "focal")
    night.emulator.set_state(state["world"], state["builds"])
    drift = night.look()
    assert fates(drift) == {}
    assert drift.notices == (
        'build_os "ubuntu 20.04" is now called "ubuntu focal" on the server: change it in Git (4 builds)',
    )


def test_a_definition_that_has_the_new_label_is_not_told_to_change(night: Night):
    """The notice counts the builds that Git still calls by the old name, and is gone with the last of them."""
    state = night.emulator.state()
    for image in state["world"]["base_images"]:
        image["label"] = image["label"].replace("20.04", "focal")
    night.emulator.set_state(state["world"], state["builds"])
    night.edit("api", build_os="ubuntu focal")
    drift = night.look()
    assert fates(drift) == {}
    assert [notice.rpartition(" (")[2] for notice in drift.notices] == ["3 builds)"]
    for name in ("web", "far", "off"):
        night.edit(name, build_os="ubuntu focal")
    assert night.look().notices == ()


def test_an_adopted_build_has_a_base_too(night: Night):
    """The record says that a person adopted it; its drift has a name all the same."""
    night.facts = {"api": {"exact": False}}
    night.meddle("api", script("x\n"))
    assert "last adopted" in render_drift(night.look(), Commands(), Style())
    assert night.one().fate is Fate.DRIFTED


def test_a_plan_that_would_be_blocked_says_so(night: Night):
    """Putting it back would erase what somebody added and no request can send."""

    def edit(stored):
        stored["timeout"] = 45
        stored["post_build"]["scripts"] = "echo done"

    night.meddle("api", edit)
    assert night.one().blocked == "loss"
    drift = night.look()
    assert "note: an apply would not write it as it is (loss)" in render_drift(drift, Commands(), Style())
    assert commands(drift) == ["reconciler export --project yaml --out .", "reconciler plan"]
    assert ways(drift, Commands())[0].what.startswith("take the server's side")


def test_of_a_secret_the_variable_is_named_and_no_export(night: Night):
    """An export writes no secret: the command would leave the drift as it is."""
    password = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    night.environ["BUILD_PW"] = "word-one"
    night.edit("api", parameters=[password])
    night.applied()
    night.meddle("api", lambda b: b["pre_build"]["envs"][0].update(value="word-two"))
    drift = night.look()
    assert commands(drift) == ["reconciler apply yaml/api.json"]
    assert night.one().notes == (
        "no export takes a secret over: to keep the server's, give it to the variable that Git names",
    )
    night.meddle("api", timeout(45), seconds=120)
    assert "reconciler export --project yaml --out ." in commands(night.look())


def test_of_very_many_settings_the_first_are_shown_and_the_rest_counted(night: Night):
    """Somebody who empties a list of hundreds is no reason for a report that nobody reads."""
    many = [{"key": f"K{number:03}", "default_value": "v", "type": "string"} for number in range(200)]
    night.edit("api", parameters=many)
    night.applied()
    night.meddle("api", lambda b: b["pre_build"].update(envs=[]))
    text = render_drift(night.look(), Commands(), Style())
    assert "… and 150 more settings, shown with -v" in text
    assert ("K049" in text, "K050" in text) == (True, False)
    whole = render_drift(night.look(), Commands(), Style(verbose=True))
    assert ("K199" in whole, "more settings" in whole) == (True, False)


def test_a_file_that_looks_like_an_option_is_typed_as_a_file(night: Night):
    """What is printed can be pasted, whatever a file is called."""
    path = night.tree / "yaml" / "api.json"
    path.rename(night.tree / "-rf.json")
    night.meddle("api", timeout(45))
    assert commands(night.look())[0] == "reconciler apply ./-rf.json"


def test_the_smallest_tree_is_judged_too(tmp_path: Path):
    """One build that is nowhere yet, and no ledger."""
    night = Night(tmp_path)
    night.define(plain("api"))
    assert fates(night.look()) == {"api": "pending"}
