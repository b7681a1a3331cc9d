"""The shell of the recipes, run: what was reviewed is applied, and nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli import company
from reconciler.cli.entry import call
from reconciler.workflow.recipes import recipe_text
from reconciler.workflow.repository import Platform, Repository
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
    return {"plan": plan, "apply": f"{found}\n{applied}", "drift": steps["Look for drift"]}


def gitlab(text: str) -> dict[str, str]:
    jobs: dict[str, Any] = yaml.safe_load(text)
    names = {"plan": "reconciler-plan", "apply": "reconciler-apply", "drift": "reconciler-drift"}
    return {step: "\n".join(jobs[name]["script"]) for step, name in names.items()}


@pytest.fixture(params=[(Platform.GITHUB, github), (Platform.GITLAB, gitlab)], ids=["github", "gitlab"])
def runner(request, newcomer: Newcomer, tmp_path: Path) -> Runner:
    """A tree that was begun, committed and adopted, with its credentials set and the tools in place."""
    platform, steps_of = request.param
    newcomer.done()
    assert call(["adopt", "--yes"]) == 0
    read: Callable[[str], dict[str, str]] = steps_of
    steps = read(recipe_text(platform, Repository("/r", "", "main", "", {}), "our-builds", ()))
    made = Runner(newcomer, steps, tmp_path / "tools", tmp_path / "store")
    made.store.mkdir()
    made.tools.mkdir()
    reconciler = f'exec "{sys.executable}" -m reconciler "$@"\n'
    for name, text in (("gh", GH), ("curl", CURL), ("git", GIT), ("reconciler", reconciler)):
        (made.tools / name).write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
        (made.tools / name).chmod(0o755)
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
    shutil.rmtree(runner.newcomer.folder / ".reconciler")
    assert runner.run("apply") == 4, runner.said
    assert "another ledger" in runner.said
    assert "make publish" not in runner.script


def test_the_company_has_what_these_tests_change():
    assert any(build["name"] == "billing" and build["scripts"] for build in company.builds())
