"""The pipelines for Jenkins and for Zadig itself: their shell, run in order, and what can be read of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.workflow.recipes import recipe_text
from reconciler.workflow.repository import Platform, Repository
from tests.forge.worlds import TOKEN as FORGE_TOKEN
from tests.forge.worlds import github
from tests.recipes.jenkins_runner import Stage, stages_of
from tests.recipes.machine import ROOT, Machine
from tests.recipes.place import SECRETS, Company, Place, founded, settle

EXAMPLES = ROOT / "examples" / "ci"
JENKINS = recipe_text(Platform.JENKINS, Repository("/r", "", "main", "", {}), "our-builds", ())
STAGES = stages_of(JENKINS)
SERVER = "With the server"


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with founded(tmp_path_factory.mktemp("company")) as found:
        yield found


@pytest.fixture
def place(company: Company, tmp_path: Path) -> Place:
    return settle(company, tmp_path)


# Jenkins -------------------------------------------------------------------------------------------------------


def built(place: Place, commit: str, *names: str, **environ: str) -> int:
    """Run the shell of stages in order, as a build of a commit; return the code of the first that fails."""
    workspace = place.machine.checkout(commit)
    state = place.machine.folder / "state"
    given = {"WORKSPACE": str(workspace), "STATE": str(state), "RECONCILER_LEDGER": str(state / "ledger.db"), "CI": "1"}
    place.machine.said = ""
    for script in (script for name in names for script in STAGES[name].scripts):
        code = place.machine.shell(script, workspace, {**given, **environ}, shell=("sh", "-xe"))
        if code:
            return code
    return 0


def test_jenkins_reviews_applies_and_looks(place: Place):
    """Adopted by hand; a request is validated, compared, planned and commented; its plan is applied; no drift."""
    begin = ("Install", "Validate")
    assert built(place, place.main, "Install", "Record what is there", **SECRETS) == 0, place.machine.said
    head, _ = place.branch("publish")
    with github() as forge:
        request = {
            "CHANGE_TARGET": "main", "CHANGE_ID": "12", "FORGE": "github", "FORGE_REPOSITORY": "acme/builds",
            "RECONCILER_FORGE_TOKEN": FORGE_TOKEN, "GITHUB_API_URL": forge.server.url,
        }  # fmt: skip
        review = (*begin, "Show what changes in Git", "Plan")
        assert built(place, head, *review, **SECRETS, **request) == 0, place.machine.said
        assert "+make publish" in place.machine.said
        assert not {FORGE_TOKEN, *SECRETS.values()} & {*re.split(r"[\s'\"=]", place.machine.said)}, "told by sh -x"
        (comment,) = forge.said("our-builds")
    assert "+make publish" in comment
    assert place.writes() == 0
    place.merge(head)
    apply = "Apply the plan that was reviewed"
    assert built(place, place.main, "Install", apply, **SECRETS) == 0, place.machine.said
    assert place.script.endswith("make publish\n")
    assert built(place, place.main, "Install", "Look for drift", **SECRETS) == 0, place.machine.said
    other, _ = place.branch("other", text="make other\n")
    place.merge(other)
    assert built(place, place.main, "Install", apply, **SECRETS) == 1
    assert "Not applied, because no plan of it was reviewed" in place.machine.said


def test_jenkins_gives_a_fork_what_needs_no_secret(place: Place):
    """Every secret is in one stage that forks do not reach, and with it all that asks the server."""
    assert "!env.CHANGE_FORK" in STAGES[SERVER].head
    assert re.findall(r"credentials\('", JENKINS) == re.findall(r"credentials\('", STAGES[SERVER].head)
    outside = [stage for stage in STAGES.values() if SERVER not in (stage.name, *stage.within)]
    assert [stage.name for stage in outside] == ["Install", "Validate", "Show what changes in Git"]
    head, _ = place.branch("stranger")
    place.company.emulator.clear_requests()
    assert built(place, head, *(stage.name for stage in outside), CHANGE_TARGET="main") == 0, place.machine.said
    assert "+make publish" in place.machine.said
    assert place.company.emulator.requests() == []


def test_jenkins_chooses_each_stage_by_what_started_it():
    """What writes only on main, and never from a timer; nothing overlaps; reports are taken up where there are any."""
    when = {name: " ".join(re.findall(r"when \{(.*?)\}$", stage.head, re.MULTILINE)) for name, stage in STAGES.items()}
    assert when["Apply the plan that was reviewed"].split("; ") == [
        " branch 'main'", "not { triggeredBy 'TimerTrigger' }", "expression { !params.ADOPT } ",
    ]  # fmt: skip
    assert "branch 'main'" in when["Look for drift"] and "triggeredBy 'TimerTrigger'" in when["Look for drift"]
    assert "branch 'main'" in when["Record what is there"] and "params.ADOPT" in when["Record what is there"]
    assert "changeRequest()" in when["Plan"]
    assert "disableConcurrentBuilds()" in JENKINS
    for name in ("Validate", "Plan"):
        (report,) = re.findall(r"testResults: '\*\*/(\S+)'", STAGES[name].head)
        assert f"--report junit={report}" in STAGES[name].scripts[0]


def test_a_stage_that_does_not_end_would_be_found():
    """The positive control of reading stages."""
    assert stages_of("stages { stage('a') { sh 'x' } }")["a"] == Stage("a", (), " sh 'x' ")
    with pytest.raises(ValueError, match="does not end"):
        stages_of("stage('a') { stage('b') { }")


def test_the_jenkinsfile_that_is_shown_is_the_one_that_init_writes():
    """With another branch, folder or credential only the words change."""
    assert (EXAMPLES / "Jenkinsfile").read_text(encoding="utf-8") == JENKINS


# Zadig's own workflow --------------------------------------------------------------------------------------------


def workflow() -> dict[str, Any]:
    found = yaml.safe_load((EXAMPLES / "zadig-workflow.yaml").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def task(machine: Machine, commit: str, mode: str) -> int:
    """Run the script of the task, where Zadig has put the repository."""
    spec = workflow()["stages"][0]["jobs"][0]["spec"]
    (script,) = [step["spec"]["script"] for step in spec["steps"] if step["type"] == "shell"]
    environ = {env["key"]: env["value"] for env in spec["properties"]["envs"]}
    workspace = machine.checkout(commit)
    folder = machine.folder / "shared"
    own = {"RECONCILER_LEDGER": str(folder / "ledger.db"), "PLANS": str(folder / "plans"), **SECRETS, "MODE": mode}
    machine.said = ""
    place = {"WORKSPACE": str(workspace.parent), "REPONAME_0": workspace.name}
    return machine.shell(script, workspace, {**environ, **own, **place})


def test_zadigs_own_workflow_reviews_applies_and_looks(place: Place):
    """Its script, mode by mode, with the repository, the variables and the shared folder that it names."""
    assert task(place.machine, place.main, "adopt") == 0, place.machine.said
    head, merge = place.branch("publish")
    assert task(place.machine, merge, "plan") == 0, place.machine.said
    assert "+make publish" in place.machine.said
    assert place.writes() == 0
    place.merge(head)
    assert task(place.machine, place.main, "drift") == 2
    assert task(place.machine, place.main, "apply") == 0, place.machine.said
    assert place.script.endswith("make publish\n")
    assert task(place.machine, place.main, "drift") == 0, place.machine.said
    assert task(place.machine, place.main, "anything") == 64


def test_zadigs_own_workflow_has_only_keys_that_its_model_has():
    """Of a workflow, stage, job, script task and step; one run at a time; the token is a credential without a value."""
    found = workflow()
    (stage,) = found["stages"]
    (job,) = stage["jobs"]
    properties = job["spec"]["properties"]
    assert found.keys() <= {
        "name",
        "display_name",
        "project",
        "description",
        "concurrency_limit",
        "params",
        "stages",
        "share_storages",
    }
    assert stage.keys() == {"name", "parallel", "jobs"}
    assert (job["type"], {*job["spec"]}) == ("freestyle", {"properties", "steps"})
    assert [step.keys() for step in job["spec"]["steps"]] == [{"name": 1, "type": 1, "spec": 1}.keys()] * 2
    assert found["concurrency_limit"] == 1
    envs = {env["key"]: env for env in properties["envs"]}
    assert envs["ZADIG_TOKEN"] == {"key": "ZADIG_TOKEN", "type": "string", "value": "", "is_credential": True}
    (param,) = found["params"]
    assert envs["MODE"]["value"] == f"{{{{.workflow.params.{param['name']}}}}}"
    assert param["default"] in param["choice_option"]
    assert properties["share_storage_info"]["share_storages"] == found["share_storages"]
