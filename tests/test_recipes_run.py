"""The shell of the recipes, run: what was reviewed is applied, and nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from reconciler.cli import company
from reconciler.workflow.recipes import recipe_text
from reconciler.workflow.repository import Platform, Repository
from tests.ledger.state_server import StateServer, basic, serving
from tests.test_cli import ROOT
from tests.test_init import Newcomer, newcomer, served

__all__ = ["newcomer", "served"]

HEAD = "1234567890abcdef1234567890abcdef12345678"

GH = """\
case "$1 $2" in
  "api repos/shop/builds/commits/"*) [ -f "$STORE/plan-$HEAD_SHA.json" ] && echo "$HEAD_SHA" || true ;;
  "api repos/shop/builds/actions/artifacts?name=plan-"*) [ -f "$STORE/${2#*name=}.json" ] && echo 77 || true ;;
  "run download") [ "$3" = 77 ] && cp "$STORE/$7.json" plan.json ;;
  *) exit 9 ;;
esac
"""
CURL = """\
for last; do :; done
file=$STORE/${last##*/}
case "$*" in
  *--upload-file*) cp plan.json "$file" ;;
  *--output*) [ -f "$file" ] || exit 22; cp "$file" plan.json ;;
esac
"""
GIT = 'case "$*" in *"HEAD^2") echo "$HEAD_SHA" ;; *) exit 9 ;; esac\n'


@dataclass
class Runner:
    """A machine of a CI: the merged tree, the tools that a recipe calls, and what is kept between runs."""

    newcomer: Newcomer
    steps: dict[str, str]
    tools: Path
    store: Path
    environ: Mapping[str, str]
    lose_ledger: Callable[[], None]
    said: str = ""

    def run(self, step: str) -> int:
        """Run the shell of a step on a new machine that has the tree and the ledger."""
        (self.newcomer.folder / "plan.txt").unlink(missing_ok=True)
        environ = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}",
            "STORE": str(self.store),
            "HEAD_SHA": HEAD,
            "CI_COMMIT_SHA": HEAD,
            "GITHUB_REPOSITORY": "shop/builds",
            "GITHUB_SHA": "0" * 40,
            "PLANS": "http://packages",
            "CI_JOB_TOKEN": "job",
            **self.environ,
        }
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", self.steps[step]],
            cwd=self.newcomer.folder, env=environ, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        self.said = ran.stdout + ran.stderr
        return ran.returncode

    def merged(self) -> None:
        """The machine that planned is gone."""
        for name in ("plan.json", "plan.txt"):
            (self.newcomer.folder / name).unlink(missing_ok=True)

    def edit(self) -> None:
        """Somebody changes a definition."""
        path = self.newcomer.folder / "yaml" / "billing.sh"
        path.write_bytes(path.read_bytes() + b"make publish\n")

    @property
    def script(self) -> str:
        """The script of that build on the server."""
        (build,) = [b for b in self.newcomer.emulator.state()["builds"] if b["name"] == "billing"]
        return str(build["scripts"])


def github(text: str) -> dict[str, str]:
    job = yaml.safe_load(text)["jobs"]["reconciler"]
    steps = {step.get("name", ""): step.get("run", "") for step in job["steps"]}
    found, applied = steps["Find the plan that was reviewed"], steps["Apply the plan that was reviewed"]
    keep = f'\ncp plan.json "$STORE/plan-{HEAD}.json"'  # what upload-artifact does
    plan = steps["Plan"] + keep
    drift, adopt = steps["Look for drift"], steps["Record what is there"]
    return {"plan": plan, "apply": f"{found}\n{applied}", "drift": drift, "adopt": adopt}


def gitlab(text: str) -> dict[str, str]:
    jobs: dict[str, Any] = yaml.safe_load(text)
    names = {"plan": "reconciler-plan", "apply": "reconciler-apply", "drift": "reconciler-drift", "adopt": "adopt"}
    return {step: "\n".join(jobs[name]["script"]) for step, name in names.items()}


@pytest.fixture
def states() -> Iterator[StateServer]:
    """A GitLab that lets its jobs keep Terraform states."""
    with serving(StateServer(gitlab=True, accounts=frozenset({basic("gitlab-ci-token", "job")}))) as server:
        yield server


def gitlab_environ(text: str, states: StateServer) -> dict[str, str]:
    """What a job of that GitLab has: its predefined variables, and the ledger that the recipe names with them."""
    root, _, rest = states.url.partition("/projects/")
    place = urlsplit(root)
    given = {
        "CI_API_V4_URL": root,
        "CI_PROJECT_ID": rest.partition("/")[0],
        "CI_SERVER_PROTOCOL": place.scheme,
        "CI_SERVER_HOST": str(place.hostname),
        "CI_SERVER_PORT": str(place.port),
    }
    ledger = yaml.safe_load(text)[".reconciler"]["variables"]["RECONCILER_LEDGER"]
    return {**given, "RECONCILER_LEDGER": Template(ledger).substitute(given)}


@pytest.fixture(params=[Platform.GITHUB, Platform.GITLAB], ids=["github", "gitlab"])
def runner(request, newcomer: Newcomer, states: StateServer, tmp_path: Path) -> Runner:
    """A tree that was begun, committed and adopted, with its credentials set and the tools in place."""
    newcomer.done()
    text = recipe_text(request.param, Repository("/r", "", "main", "", {}), "our-builds", ())
    if request.param is Platform.GITLAB:
        steps, environ, lose = gitlab(text), gitlab_environ(text, states), states.states.clear
    else:
        steps, environ, lose = github(text), {}, lambda: shutil.rmtree(newcomer.folder / ".reconciler")
    made = Runner(newcomer, steps, tmp_path / "tools", tmp_path / "store", environ, lose)
    made.store.mkdir()
    made.tools.mkdir()
    reconciler = f'exec "{sys.executable}" -m reconciler "$@"\n'
    for name, script in (("gh", GH), ("curl", CURL), ("git", GIT), ("reconciler", reconciler)):
        (made.tools / name).write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
        (made.tools / name).chmod(0o755)
    assert made.run("adopt") == 0, made.said
    return made


def test_the_plan_of_a_request_is_applied_when_it_is_merged(runner: Runner):
    """Planned on one machine, applied on another one that has the tree, the ledger and the plan; then no drift."""
    assert runner.run("drift") == 0, runner.said
    runner.edit()
    assert runner.run("plan") == 0, runner.said
    assert "make publish" in runner.said
    assert "make publish" not in runner.script
    assert runner.run("drift") == 2, runner.said
    runner.merged()
    assert runner.run("apply") == 0, runner.said
    assert runner.script.endswith("make publish\n")
    runner.merged()
    assert runner.run("drift") == 0, runner.said


def test_what_changed_since_the_review_waits(runner: Runner):
    """The job ends with 4, the step is shown, and what somebody wrote meanwhile is still there."""
    runner.edit()
    assert runner.run("plan") == 0, runner.said
    runner.merged()
    builds = runner.newcomer.emulator.state()["builds"]
    for build in builds:
        if build["name"] == "billing":
            build.update(scripts="theirs\n", update_by="mallory", update_time=build["update_time"] + 60)
    runner.newcomer.emulator.set_state(None, builds)
    assert runner.run("apply") == 4, runner.said
    assert "stale" in runner.said
    assert runner.script == "theirs\n"


def test_without_a_reviewed_plan_nothing_is_applied(runner: Runner):
    """Fine where nothing is to do, else the job fails and says why."""
    assert runner.run("apply") == 0, runner.said
    assert "No reviewed plan was found" in runner.said
    runner.merged()
    runner.edit()
    assert runner.run("apply") == 1, runner.said
    assert "pplied, because no plan of it was reviewed" in runner.said
    assert "make publish" not in runner.script


def test_a_plan_of_another_ledger_is_refused(runner: Runner):
    """As of a request from before the ledger was lost: 4, nothing is written, and a new plan is asked for."""
    runner.edit()
    assert runner.run("plan") == 0, runner.said
    runner.merged()
    runner.lose_ledger()
    assert runner.run("apply") == 4, runner.said
    assert "another ledger" in runner.said
    assert "make publish" not in runner.script


def test_the_company_has_what_these_tests_change():
    assert any(build["name"] == "billing" and build["scripts"] for build in company.builds())
