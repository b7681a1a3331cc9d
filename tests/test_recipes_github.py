"""The workflows for GitHub, run: as `init` writes one, and as one that uses the action; the service is a stand-in.

Conditions, checkouts, caches, artifacts and the comment are evaluated as the reference says.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.workflow.recipes import recipe_text
from reconciler.workflow.repository import Platform, Repository
from tests.forge.worlds import World, github
from tests.recipes.expressions import evaluate
from tests.recipes.github_runner import Event, GitHub, Ran, workflow_of
from tests.recipes.machine import ROOT, git
from tests.recipes.place import SECRETS, Company, Place, founded, settle

ACTION = ROOT / "examples" / "ci" / "github.yml"
RIGHTS = {
    "review": {"contents": "read", "pull-requests": "write"},
    "apply": {"contents": "read", "actions": "read", "pull-requests": "read"},
    "drift": {"contents": "read"},
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with founded(tmp_path_factory.mktemp("company")) as found:
        yield found


@dataclass
class Hub:
    """A repository on GitHub with one of our workflows."""

    place: Place
    forge: World
    workflow: dict[str, Any]

    def start(self, event: Event) -> Ran:
        """Run what an event starts; it is one job."""
        (found,) = GitHub(self.place.machine, SECRETS).start(self.workflow, event).items()
        name, ran = found
        assert ran.permissions == RIGHTS[name]
        return ran

    def request(self, head: str, merge: str, repository: str = "acme/builds") -> Ran:
        """Somebody opens or updates a pull request."""
        self.forge.server.users[next(iter(self.forge.server.users))].writes = repository == "acme/builds"  # type: ignore[union-attr]
        return self.start(Event("pull_request", "refs/pull/12/merge", merge, (head, repository)))

    def push(self) -> Ran:
        """Main has a new commit."""
        return self.start(Event("push", "refs/heads/main", self.place.main))

    def night(self) -> Ran:
        """It is 03:17."""
        return self.start(Event("schedule", "refs/heads/main", self.place.main))

    def by_hand(self, **inputs: bool) -> Ran:
        """Somebody runs the workflow."""
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return self.start(Event("workflow_dispatch", "refs/heads/main", self.place.main, inputs=given))

    @property
    def said(self) -> str:
        return self.place.machine.said


RECIPE = recipe_text(
    Platform.GITHUB, Repository("/r", "", "main", "", {}), "our-builds", ("BUILD_PAYMENTS__REGISTRY_PASSWORD",)
)


@contextmanager
def adopted(workflow: Path | str, company: Company, folder: Path) -> Iterator[Hub]:
    """A repository with a workflow, and the ledger that its job by hand has made."""
    place = settle(company, folder)
    caches = place.machine.store / "caches"
    caches.mkdir()
    shutil.copy(company.ledger, caches / "reconciler-ledger-0-1")
    with github() as forge:
        place.machine.environ["GITHUB_API_URL"] = forge.server.url
        yield Hub(place, forge, workflow_of(workflow))


@pytest.fixture(params=[RECIPE, ACTION], ids=["recipe", "action"])
def hub(request: pytest.FixtureRequest, company: Company, tmp_path: Path) -> Iterator[Hub]:
    """With either workflow."""
    with adopted(request.param, company, tmp_path) as made:
        yield made


@pytest.fixture
def plain(company: Company, tmp_path: Path) -> Iterator[Hub]:
    """With the one that `init` writes."""
    with adopted(RECIPE, company, tmp_path) as made:
        yield made


def test_a_change_is_reviewed_applied_and_seen_at_night(hub: Hub):
    """One comment with the plan, nothing written before the merge, the plan applied on merge, then no drift."""
    head, merge = hub.place.branch("publish")
    review = hub.request(head, merge)
    assert review.code == 0, hub.said
    assert None not in review.steps.values()
    assert "make publish" in review.summary
    assert hub.place.writes() == 0
    (comment,) = hub.forge.said("our-builds")
    assert "+make publish" in comment
    assert (hub.place.machine.store / "artifacts" / f"plan-{head}" / "plan.json").is_file()
    merged = hub.place.merge(head)
    assert hub.push().code == 0, hub.said
    assert merged == hub.place.main
    assert hub.place.script.endswith("make publish\n")
    night = hub.night()
    assert night.code == 0, hub.said
    assert "in sync" in night.summary


def test_a_fork_gets_what_needs_no_secret(hub: Hub):
    """Validated and compared; no plan, no ledger, no comment, and not one request to the server."""
    head, merge = hub.place.branch("stranger")
    hub.place.company.emulator.clear_requests()
    review = hub.request(head, merge, "mallory/builds")
    assert review.code == 0, hub.said
    skipped = {name for name, code in review.steps.items() if code is None}
    assert {"Bring the ledger", "Plan", "Keep the plan under the head commit"} <= skipped
    assert review.steps["Validate"] == review.steps["Show what changes in Git"] == 0
    assert "make publish" in review.summary
    assert hub.place.company.emulator.requests() == []
    assert hub.forge.server.bodies() == []


def test_problems_stand_on_their_lines_and_in_the_comment(plain: Hub):
    """The review fails; nothing is planned, and nothing kept."""
    head, merge = plain.place.branch("broken", "yaml/billing.yaml", "no_such_key: 1\n")
    review = plain.request(head, merge)
    assert review.steps["Validate"] == review.code == 65
    assert "::error file=yaml/billing.yaml,line=" in plain.said
    (comment,) = plain.forge.said("our-builds")
    assert "no&#95;such&#95;key" in comment
    assert not (plain.place.machine.store / "artifacts").exists()


def test_what_repairs_main_can_be_reviewed(hub: Hub):
    """Nothing can be compared with a branch that is not valid; the rest of the review is as ever."""
    origin = hub.place.machine.origin
    broken, _ = hub.place.branch("broken", "yaml/billing.yaml", "no_such_key: 1\n")
    hub.place.merge(broken)
    git(origin, "checkout", "--quiet", "-b", "repair", "main")
    git(origin, "revert", "--no-edit", broken)
    review = hub.request(git(origin, "rev-parse", "repair"), hub.place.merge(git(origin, "rev-parse", "repair")))
    assert review.code == 0, hub.said
    assert "No diff: there are problems in the branch" in hub.said
    assert len(hub.forge.said("our-builds")) == 1


def test_two_merges_wait_for_each_other_and_both_are_applied(plain: Hub):
    """One group for all that writes, and nothing in it is cancelled; each merge applies its own plan."""
    first, second = plain.place.branch("first"), plain.place.branch("second", "yaml/payments.sh", "make second\n")
    reviews = [plain.request(*request) for request in (first, second)]
    assert [review.code for review in reviews] == [0, 0], plain.said
    assert {(review.group, review.cancels) for review in reviews} == {("reconciler-refs/pull/12/merge", True)}
    pushes = []
    for head, _ in (first, second):
        plain.place.merge(head)
        pushes.append(plain.push())
    assert [push.code for push in pushes] == [0, 0], plain.said
    assert {(push.group, push.cancels) for push in pushes} == {("reconciler-write", False)}
    assert plain.place.script.endswith("make publish\n")
    assert str(plain.place.build("payments")["scripts"]).endswith("make second\n")
    assert plain.night().code == 0, plain.said


def test_a_ledger_that_was_lost_with_a_change_pending_is_recorded_by_hand(hub: Hub):
    """Refused first, with the way out; with the input it is recorded, and the next request's plan is applied."""
    head, _ = hub.place.branch("pending")
    hub.place.merge(head)
    shutil.rmtree(hub.place.machine.store / "caches")
    assert hub.by_hand().code == 4, hub.said
    assert "--allow-drift" in hub.said
    assert hub.by_hand(allow_drift=True).code == 0, hub.said
    assert hub.place.writes() == 0
    head, merge = hub.place.branch("next", text="make next\n")
    assert hub.request(head, merge).code == 0, hub.said
    hub.place.merge(head)
    assert hub.push().code == 0, hub.said
    assert hub.place.script.endswith("make publish\nmake next\n")


def test_a_request_before_any_ledger_is_told_that_its_plan_cannot_be_executed(plain: Hub):
    """By the plan, with what to do; the apply refuses with the same way out; after it the plan says nothing of it."""
    shutil.rmtree(plain.place.machine.store / "caches")
    head, merge = plain.place.branch("early")
    assert plain.request(head, merge).code == 0, plain.said
    assert "no other run can execute this plan\n  → in CI, run the adopt job first" in plain.said
    assert plain.by_hand().code == 0, plain.said
    earlier = plain.place.main
    plain.place.merge(head)
    assert plain.push().code == 4, plain.said
    assert "run the adopt job first" in plain.said
    assert plain.place.writes() == 0
    git(plain.place.machine.origin, "branch", "--force", "main", earlier)
    assert plain.request(head, merge).code == 0, plain.said
    assert "no other run can execute" not in plain.said
    plain.place.merge(head)
    assert plain.push().code == 0, plain.said
    assert plain.place.script.endswith("make publish\n")


def test_what_a_merge_takes_away_is_kept(hub: Hub):
    """A deleted build is an artifact of the run, whole enough to be put back; where nothing goes there is none."""
    head = hub.place.without_billing()
    review = hub.request(head, hub.place.merge(head))
    assert review.code == 0, hub.said
    artifacts = hub.place.machine.store / "artifacts"
    assert not [*artifacts.glob("backup-*")]
    assert hub.push().code == 0, hub.said
    (kept,) = artifacts.glob("backup-*/backup/*/yaml/billing")
    assert any(b"make billing" in file.read_bytes() for file in kept.rglob("*") if file.is_file())
    assert "billing" not in {build["name"] for build in hub.place.company.emulator.state()["builds"]}


def test_by_hand_what_is_there_is_recorded(plain: Hub):
    """In a new ledger, which the next run finds; the server is not written to."""
    shutil.rmtree(plain.place.machine.store / "caches")
    assert plain.by_hand().code == 0, plain.said
    assert "Adopt 9 of 9 builds" in plain.said
    assert plain.place.writes() == 0
    assert plain.night().code == 0, plain.said


def test_what_changed_since_the_review_waits(plain: Hub):
    """The job ends with 4, the step is shown, and what somebody wrote meanwhile is still there."""
    head, merge = plain.place.branch("publish")
    assert plain.request(head, merge).code == 0, plain.said
    plain.place.meddle()
    plain.place.merge(head)
    ran = plain.push()
    assert ran.code == 4, plain.said
    assert "stale" in ran.summary
    assert ran.steps["Keep the ledger"] == 0
    assert plain.place.script == "theirs\n"
    assert plain.night().code == 3


def test_without_a_reviewed_plan_nothing_is_applied(plain: Hub):
    """Fine where nothing is to do, else the job fails and says why; at night it is told as pending."""
    assert plain.push().code == 0, plain.said
    head, _ = plain.place.branch("publish")
    plain.place.merge(head)
    assert plain.push().code == 1, plain.said
    assert "::error::not applied, because no plan of it was reviewed" in plain.said
    assert plain.place.writes() == 0
    assert plain.night().code == 2


# What stands in them -----------------------------------------------------------------------------------------


def test_no_workflow_and_no_script_can_be_made_to_run_a_strangers_words():
    """No expression in any script, no pull_request_target, only GitHub's own actions and ours, no kept token."""
    action = workflow_of(ROOT / "action.yml")
    workflows = [workflow_of(RECIPE), workflow_of(ACTION)]
    steps = [step for each in workflows for job in each["jobs"].values() for step in job["steps"]]
    for step in [*steps, *action["runs"]["steps"]]:
        assert "${{" not in step.get("run", "")
    for each in workflows:
        assert "pull_request_target" not in each[True]
        assert each["permissions"] == {}
    assert {step["uses"].partition("@")[0] for step in steps if "uses" in step} == {
        "actions/checkout", "actions/setup-python", "actions/cache/restore", "actions/cache/save",
        "actions/upload-artifact", "your-org/reconciler",
    }  # fmt: skip


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not installed")
def test_actionlint_has_nothing_to_say(tmp_path: Path):
    """Of either workflow, with the action beside them, so that its inputs are looked at, too."""
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "action.yml", tmp_path)
    (folder / "recipe.yml").write_text(RECIPE, encoding="utf-8")
    beside = ACTION.read_text(encoding="utf-8").replace("your-org/reconciler@v0.1.0", "./")
    (folder / "action.yml").write_text(beside, encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    said = subprocess.run(["actionlint", "-no-color"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said.stdout == ""


def test_both_workflows_find_the_reviewed_plan_in_the_same_way():
    scripts = [
        step["run"].replace('  echo "found=yes" >> "$GITHUB_OUTPUT"\n', "")
        for each in (workflow_of(RECIPE), workflow_of(ACTION))
        for step in each["jobs"]["apply"]["steps"]
        if step.get("name") == "Find the plan that was reviewed"
    ]
    assert len(scripts) == 2
    assert scripts[0] == scripts[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event_name == 'push' || github.event_name == 'x'", True),
        ("(github.event_name == 'x' || github.event_name == 'y') && github.event_name == 'push'", False),
        ("!cancelled() && github.event.pull_request.head.repo.full_name == github.repository", False),
        ("github.event.nothing == ''", True),
        ("'PUSH' == github.event_name", True),
        ("secrets.NONE && 'yes' || 'no'", "no"),
    ],
)
def test_the_stand_in_reads_expressions_as_the_reference_says(text: str, value: object):
    """And refuses what it does not know."""
    contexts = {"github": {"event_name": "push", "repository": "a/b"}, "()": {"cancelled": lambda: False}}
    assert evaluate(text, contexts) == value
    for unknown in ("a ==", "contains(a, b)", "a > b", "(a"):
        with pytest.raises(ValueError, match=r"read|before|arguments"):
            evaluate(unknown, contexts)
