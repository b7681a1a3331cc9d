"""The pipeline for GitLab, run: as `init` writes it and as the component has it; the service is a stand-in.

Rules, `extends`, inputs and variables are evaluated as the reference says (tests/recipes/gitlab_runner).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from reconciler import __version__
from reconciler.workflow.recipes import recipe_text
from reconciler.workflow.repository import Platform, Repository
from tests.forge.worlds import TOKEN as FORGE_TOKEN
from tests.forge.worlds import gitlab
from tests.ledger.state_server import StateServer, basic, serving
from tests.recipes.gitlab_runner import Configuration, GitLab, component, jobs_of
from tests.recipes.machine import ROOT, git
from tests.recipes.place import SECRETS, Company, Place, founded, settle

COMPONENT = (ROOT / "templates" / "reconciler.yml").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "ci" / "gitlab-ci.yml"
PRUNE = "${RECONCILER_PRUNE:+--prune=$RECONCILER_PRUNE} "
MERGE_REQUEST = {
    "CI_PIPELINE_SOURCE": "merge_request_event",
    "CI_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_IID": "12",
}
MAIN = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main", "CI_PROJECT_ID": "7"}
PUSH = {**MAIN, "CI_PIPELINE_SOURCE": "push"}
NIGHT = {**MAIN, "CI_PIPELINE_SOURCE": "schedule"}


def recipe(folder: str = "") -> Configuration:
    found: Configuration = yaml.safe_load(
        recipe_text(Platform.GITLAB, Repository("/r", folder, "main", "", {}), "our-builds", ())
    )
    return found


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with founded(tmp_path_factory.mktemp("company")) as found:
        yield found


@dataclass
class Lab:
    """A project on GitLab: its repository, its pipelines, its Terraform states."""

    place: Place
    pipelines: GitLab
    states: StateServer

    def run(self, name: str, commit: str, predefined: dict[str, str], **more: str) -> int:
        """Run a job, after it has been looked up that such a pipeline has it."""
        known = {**predefined, **self.server(), **more}
        assert name in jobs_of(recipe(), known)
        self.place.machine.said = ""
        return self.pipelines.run(recipe(), name, commit, known)

    def server(self) -> dict[str, str]:
        """What GitLab tells its jobs of itself."""
        place = urlsplit(self.states.url)
        return {
            "CI_API_V4_URL": self.states.url.partition("/projects/")[0],
            "CI_JOB_TOKEN": "job",
            "CI_SERVER_PROTOCOL": place.scheme,
            "CI_SERVER_HOST": str(place.hostname),
            "CI_SERVER_PORT": str(place.port),
        }

    def requested(self, base: str, head: str) -> dict[str, str]:
        """What a job of a merge request is told of it."""
        return {**MERGE_REQUEST, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head}

    @property
    def said(self) -> str:
        return self.place.machine.said


@contextmanager
def begun(company: Company, folder: Path) -> Iterator[Lab]:
    """A project without a ledger."""
    accounts = frozenset({basic("gitlab-ci-token", "job")})
    with serving(StateServer(gitlab=True, accounts=accounts)) as states:
        place = settle(company, folder)
        yield Lab(place, GitLab(place.machine, SECRETS), states)


@pytest.fixture(scope="module")
def states(company: Company, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The project's states after somebody has run `adopt` by hand."""
    with begun(company, tmp_path_factory.mktemp("adopted")) as lab:
        assert lab.run("adopt", lab.place.main, PUSH) == 0, lab.said
        assert lab.place.writes() == 0
        return copy.deepcopy(lab.states.states)


@pytest.fixture
def lab(company: Company, states: dict[str, Any], tmp_path: Path) -> Iterator[Lab]:
    """A project whose ledger is among its states."""
    with begun(company, tmp_path) as made:
        made.states.states.update(copy.deepcopy(states))
        yield made


# Which jobs there are ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        (MERGE_REQUEST, {"reconciler-check": "on_success", "reconciler-plan": "on_success"}),
        ({**MERGE_REQUEST, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9"}, {"reconciler-check": "on_success"}),
        (
            {**MERGE_REQUEST, "CI_PROJECT_ID": "9", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "9"},
            {"reconciler-check": "on_success"},
        ),
        (PUSH, {"reconciler-apply": "on_success", "adopt": "manual"}),
        ({**PUSH, "CI_COMMIT_BRANCH": "feature"}, {}),
        (NIGHT, {"reconciler-drift": "on_success"}),
        ({**MAIN, "CI_PIPELINE_SOURCE": "web"}, {}),
    ],
    ids=["own-branch", "fork-run-by-us", "fork", "main", "branch", "night", "by-hand"],
)
def test_each_pipeline_has_the_jobs_that_it_may_have(variables: dict[str, str], jobs: dict[str, str]):
    """No secret is needed for what a fork gets, in its own project and in ours."""
    assert jobs_of(recipe(), variables) == jobs
    script = "\n".join(recipe()["reconciler-check"]["script"])
    assert "TOKEN" not in script
    assert not {"plan", "apply", "drift"} & {*script.split()}


def test_runs_that_write_are_one_at_a_time():
    """One resource group for all of them, and for nothing else."""
    found = recipe()
    assert {name for name, job in found.items() if "resource_group" in job} == {"reconciler-apply"}
    assert found["adopt"]["extends"] == "reconciler-apply"


# What they do --------------------------------------------------------------------------------------------------


def test_a_change_is_reviewed_applied_and_seen_at_night(lab: Lab):
    """Checked and planned with reports, nothing written before the merge, the plan applied on merge, then no drift."""
    base = lab.place.main
    head, _ = lab.place.branch("publish")
    assert lab.run("reconciler-check", head, lab.requested(base, head)) == 0, lab.said
    assert "+make publish" in lab.said
    assert lab.run("reconciler-plan", head, lab.requested(base, head)) == 0, lab.said
    assert lab.place.writes() == 0
    lab.place.merge(head)
    assert lab.run("reconciler-drift", lab.place.main, NIGHT) == 2
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 0, lab.said
    assert lab.place.script.endswith("make publish\n")
    assert lab.run("reconciler-drift", lab.place.main, NIGHT) == 0, lab.said
    assert {*lab.place.machine.installed} == {f"zadig-reconciler=={__version__}"}


def test_a_second_merge_that_was_brought_up_to_date_is_applied(lab: Lab):
    """With a new plan, which knows the first one; nothing of it is stale."""
    base = lab.place.main
    first, _ = lab.place.branch("first")
    second, _ = lab.place.branch("second", "yaml/payments.sh", "make second\n")
    assert lab.run("reconciler-plan", first, lab.requested(base, first)) == 0, lab.said
    lab.place.merge(first)
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 0, lab.said
    git(lab.place.machine.origin, "checkout", "--quiet", "second")
    git(lab.place.machine.origin, "merge", "--quiet", "--no-edit", "main")
    second = git(lab.place.machine.origin, "rev-parse", "HEAD")
    assert lab.run("reconciler-plan", second, lab.requested(lab.place.main, second)) == 0, lab.said
    lab.place.merge(second)
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 0, lab.said
    assert str(lab.place.build("payments")["scripts"]).endswith("make second\n")


def test_what_a_merge_takes_away_is_kept(lab: Lab):
    """A deleted build is an artifact of the job; where nothing goes there is none."""
    base, head = lab.place.main, lab.place.without_billing()
    assert lab.run("reconciler-plan", head, lab.requested(base, head)) == 0, lab.said
    kept = lab.place.machine.store / "artifacts" / "backup"
    assert not kept.exists()
    lab.place.merge(head)
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 0, lab.said
    (build,) = kept.glob("*/yaml/billing")
    assert any(b"make billing" in file.read_bytes() for file in build.rglob("*") if file.is_file())


def test_what_changed_since_the_review_waits_and_an_unreviewed_plan_is_none(lab: Lab):
    """4 and 1; what somebody wrote meanwhile is still there. A plan of a ledger that was lost is refused."""
    base = lab.place.main
    head, _ = lab.place.branch("publish")
    assert lab.run("reconciler-plan", head, lab.requested(base, head)) == 0, lab.said
    lab.place.merge(head)
    lab.place.meddle()
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 4, lab.said
    assert "stale" in lab.said
    assert lab.place.script == "theirs\n"
    lab.states.states.clear()
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 4
    assert "another ledger" in lab.said
    (lab.place.machine.store / f"plan-{head}.json").unlink()
    assert lab.run("reconciler-apply", lab.place.main, PUSH) == 1
    assert "Not applied, because no plan of it was reviewed" in lab.said
    assert lab.place.script == "theirs\n"


def test_a_ledger_that_was_lost_with_a_change_pending_is_recorded_by_hand(lab: Lab):
    """Refused first, with the way out; with the variable it is recorded, and nothing is written."""
    head, _ = lab.place.branch("pending")
    lab.place.merge(head)
    lab.states.states.clear()
    assert lab.run("adopt", lab.place.main, PUSH) == 4, lab.said
    assert "--allow-drift" in lab.said
    assert lab.run("adopt", lab.place.main, PUSH, RECONCILER_ALLOW_DRIFT="yes") == 0, lab.said
    assert lab.place.writes() == 0
    assert lab.states.states


def test_the_plan_is_a_comment_where_there_is_a_token_and_problems_are_one_too(lab: Lab, company: Company):
    """The job fails with 65 all the same, and keeps no plan."""
    base = lab.place.main
    head, _ = lab.place.branch("broken", "yaml/billing.yaml", "no_such_key: 1\n")
    assert lab.run("reconciler-check", head, lab.requested(base, head)) == 65
    with gitlab() as forge:
        settings = {**SECRETS, "RECONCILER_FORGE_TOKEN": FORGE_TOKEN, "RECONCILER_LEDGER": str(company.ledger)}
        lab.pipelines.variables = settings
        assert lab.run("reconciler-plan", head, lab.requested(base, head), CI_API_V4_URL=forge.server.url) == 65
        (comment,) = forge.said("our-builds")
    assert "no&#95;such&#95;key" in comment
    assert FORGE_TOKEN not in lab.said
    assert list(lab.place.machine.store.glob("plan-*")) == []


# The component -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folder", ["", "zadig/builds"], ids=["root", "below"])
def test_the_component_has_the_jobs_of_the_recipe(folder: str):
    """The same, key by key, but for the flag that its input `prune` becomes; so what is shown of one holds for both."""
    found = component(COMPONENT, {"path": folder} if folder else {})
    assert found[".reconciler"]["variables"].pop("RECONCILER_PRUNE") == ""
    text = yaml.safe_dump(found, width=10_000)
    assert text.count(PRUNE) == 2
    assert yaml.safe_load(text.replace(PRUNE, "")) == recipe(folder)


def test_the_inputs_of_the_component_are_held_to_what_they_may_be():
    """Stages, prune and image arrive; a path that a shell would take apart, and an unknown mode, are refused."""
    found = component(COMPONENT, {"stage-review": "look", "stage-apply": "act", "prune": "owned", "image": "own:1"})
    stages = {job["stage"] for name, job in found.items() if "stage" in job}
    assert stages == {"look", "act"}
    assert found[".reconciler"]["variables"]["RECONCILER_PRUNE"] == "owned"
    assert found[".reconciler"]["image"] == "own:1"
    for wrong in (
        {"path": "a b"},
        {"path": "$(id)"},
        {"path": "-x"},
        {"version": "1; id"},
        {"prune": "some"},
        {"x": "1"},
    ):
        with pytest.raises(AssertionError):
            component(COMPONENT, wrong)
    assert component(COMPONENT, {})[".reconciler"]["before_script"][-1].endswith(f"=={__version__}")


def test_the_example_includes_the_component_with_inputs_that_it_takes():
    """By its name, at this version, and with the stages that the example has."""
    found = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    (one,) = found["include"]
    assert one["component"] == f"$CI_SERVER_FQDN/platform/reconciler/reconciler@{__version__}"
    jobs = component(COMPONENT, one["inputs"])
    assert {job["stage"] for job in jobs.values() if "stage" in job} == {*found["stages"]}
