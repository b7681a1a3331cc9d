"""GitHub's side of a workflow, from its reference: which jobs and steps run, with what, and what is kept.

    workflow, event ─► jobs whose `if` holds ─► steps in order ─► Ran

Known actions: checkout, setup-python, cache/restore, cache/save, upload-artifact, and the one of this project.
Everything else fails the test.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.recipes.expressions import condition, interpolated
from tests.recipes.machine import ROOT, Machine

JOB_TOKEN = "tok-9d1f-canary-of-the-forge"
OURS = "your-org/reconciler@"


@dataclass(frozen=True)
class Event:
    """What started a workflow. `head`: the commit and the repository of a pull request's branch; `inputs`: by hand."""

    name: str
    ref: str
    sha: str
    head: tuple[str, str] | None = None
    inputs: Mapping[str, bool] = field(default_factory=dict)

    @property
    def fork(self) -> bool:
        """Whether it is a pull request of somebody else's repository."""
        return self.head is not None and self.head[1] != "acme/builds"

    @property
    def document(self) -> dict[str, Any]:
        """The file that GITHUB_EVENT_PATH names."""
        if self.head is None:
            return {}
        repo = {"full_name": self.head[1]}
        base = {"repo": {"full_name": "acme/builds"}}
        return {"pull_request": {"number": 12, "head": {"sha": self.head[0], "repo": repo}, "base": base}}


@dataclass
class Ran:
    """A job that ran: what came of each step that has a name (None: skipped), its rights and its group."""

    steps: dict[str, int | None] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)
    group: str = ""
    cancels: bool = False
    summary: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def code(self) -> int:
        """Of the first step that failed, else 0."""
        return next((code for code in self.steps.values() if code), 0)


@dataclass
class GitHub:
    """A repository's workflows, and the machine that runs them."""

    machine: Machine
    secrets: Mapping[str, str]

    def start(self, workflow: Mapping[str, Any], event: Event) -> dict[str, Ran]:
        """Run what an event starts, by the name of the job."""
        assert event.name in workflow[True]
        if event.inputs:
            assert event.inputs.keys() <= workflow[True][event.name]["inputs"].keys()
        self.machine.said = ""
        contexts = self._contexts(event)
        found = workflow["jobs"].items()
        jobs = {name: job for name, job in found if condition(job.get("if", "true"), {**contexts, "()": _state(0)})}
        return {name: _Job(self.machine, workflow, job, event, contexts).run() for name, job in jobs.items()}

    def _contexts(self, event: Event) -> dict[str, Any]:
        count = self.machine.store / "runs"
        number = int(count.read_text() if count.exists() else 0) + 1
        count.write_text(str(number))
        github = {
            "event_name": event.name, "ref": event.ref, "sha": event.sha, "event": event.document,
            "repository": "acme/builds", "run_id": number, "run_attempt": 1, "token": JOB_TOKEN,
        }  # fmt: skip
        return {"github": github, "secrets": {} if event.fork else self.secrets, "inputs": event.inputs}


def _state(failed: int) -> dict[str, Any]:
    return {
        "success": lambda: not failed, "failure": lambda: bool(failed), "always": lambda: True,
        "cancelled": lambda: False,
    }  # fmt: skip


class _Job:
    """One run of one job."""

    def __init__(self, machine: Machine, workflow: Any, job: Any, event: Event, contexts: dict[str, Any]) -> None:
        self.machine, self.workflow, self.job, self.event, self.contexts = machine, workflow, job, event, contexts
        self.temp = machine.folder / f"temp-{contexts['github']['run_id']}"
        self.temp.mkdir()
        self.workspace = self.temp
        self.path = ""
        lines = job.get("concurrency", {})
        group = interpolated(lines.get("group", ""), contexts)
        self.ran = Ran(
            permissions=job.get("permissions", {}), group=group, cancels=lines.get("cancel-in-progress", False)
        )

    def run(self) -> Ran:
        """Run the steps in order."""
        for number, step in enumerate(self.job["steps"]):
            name = step.get("name", f"{number}")
            contexts = {**self.contexts, "steps": {id: {"outputs": o} for id, o in self.ran.outputs.items()}}
            if not condition(step.get("if", "true"), {**contexts, "()": _state(self.ran.code)}):
                self.ran.steps[name] = None
                continue
            self.ran.steps[name] = self._step(step, {**contexts, "()": _state(self.ran.code)})
        summary = self.temp / "summary"
        self.ran.summary = summary.read_text(encoding="utf-8") if summary.exists() else ""
        return self.ran

    def _step(self, step: Mapping[str, Any], contexts: Mapping[str, Any]) -> int:
        environ = {**self.workflow.get("env", {}), **self.job.get("env", {}), **step.get("env", {})}
        given = {name: interpolated(value, contexts) for name, value in environ.items()}
        if "run" in step:
            place = step.get("working-directory") or self.job.get("defaults", {}).get("run", {}).get(
                "working-directory"
            )
            return self._shell(step, interpolated(place or ".", contexts), given, contexts)
        inputs = {name: interpolated(value, contexts) for name, value in step.get("with", {}).items()}
        uses = step["uses"]
        if uses.startswith(OURS):
            return self._ours(step, inputs, given)
        action = getattr(
            self, "_" + uses.removeprefix("actions/").partition("@")[0].replace("/", "_").replace("-", "_")
        )
        result: int = action(inputs)
        return result

    def _shell(self, step: Mapping[str, Any], place: str, given: dict[str, str], contexts: Mapping[str, Any]) -> int:
        files = {name: str(self.temp / name.lower()) for name in ("OUTPUT", "PATH")}
        (self.temp / "event.json").write_text(json.dumps(self.event.document), encoding="utf-8")
        github = {
            "ACTIONS": "true", "EVENT_NAME": self.event.name, "REF": self.event.ref, "SHA": self.event.sha,
            "REPOSITORY": "acme/builds", "WORKSPACE": str(self.workspace), "SERVER_URL": "https://github.com",
            "EVENT_PATH": str(self.temp / "event.json"), "STEP_SUMMARY": str(self.temp / "summary"), **files,
            "ACTION_PATH": str(ROOT),
        }  # fmt: skip
        environ = {**{f"GITHUB_{name}": value for name, value in github.items()}, "CI": "true", **given}
        script = interpolated(step["run"], contexts)
        code = self.machine.shell(script, self.workspace / place, {**environ, "RUNNER_TEMP": str(self.temp)}, self.path)
        self._take_up(step.get("id", ""))
        return code

    def _take_up(self, id: str) -> None:
        path, output = self.temp / "path", self.temp / "output"
        if path.exists():
            self.path = ":".join([*path.read_text(encoding="utf-8").split(), self.path])
            path.unlink()
        if output.exists():
            lines = output.read_text(encoding="utf-8").splitlines()
            self.ran.outputs[id] = dict(line.split("=", 1) for line in lines)
            output.unlink()

    def _ours(self, step: Mapping[str, Any], inputs: dict[str, str], given: dict[str, str]) -> int:
        action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        assert inputs.keys() <= action["inputs"].keys()
        defaults = {name: interpolated(i.get("default", ""), self.contexts) for name, i in action["inputs"].items()}
        assert {name for name, i in action["inputs"].items() if i.get("required")} <= inputs.keys()
        outer = {id: outputs for id, outputs in self.ran.outputs.items() if id}
        contexts = {**self.contexts, "inputs": {**defaults, **inputs}}
        code = 0
        for inner in action["runs"]["steps"]:
            environ = {name: interpolated(value, contexts) for name, value in inner.get("env", {}).items()}
            place = interpolated(inner.get("working-directory", "."), contexts)
            code = code or self._shell(inner, place, {**given, **environ}, contexts)
        steps = {id: {"outputs": outputs} for id, outputs in self.ran.outputs.items()}
        values = {name: o["value"] for name, o in action["outputs"].items()}
        told = {name: interpolated(value, {"steps": steps}) for name, value in values.items()}
        self.ran.outputs = {**outer, step.get("id", step.get("name", "")): told}
        return code

    def _checkout(self, inputs: dict[str, str]) -> int:
        assert inputs.get("persist-credentials") == "false"
        self.workspace = self.machine.checkout(self.event.sha, int(inputs.get("fetch-depth", "1")))
        return 0

    def _setup_python(self, inputs: dict[str, str]) -> int:
        assert inputs.keys() == {"python-version"}
        return 0

    def _cache_restore(self, inputs: dict[str, str]) -> int:
        caches = self.machine.store / "caches"
        names = sorted(caches.iterdir(), key=lambda path: path.stat().st_mtime_ns) if caches.exists() else []
        fitting = [path for path in names if path.name.startswith(inputs["restore-keys"].strip())]
        exact = [path for path in names if path.name == inputs["key"]]
        for found in (exact or fitting)[-1:]:
            target = self.workspace / inputs["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, target)
        return 0

    def _cache_save(self, inputs: dict[str, str]) -> int:
        target = self.machine.store / "caches" / inputs["key"]
        target.parent.mkdir(exist_ok=True)
        assert not target.exists(), "a cache is never changed"
        if (self.workspace / inputs["path"]).exists():
            shutil.copy(self.workspace / inputs["path"], target)
        return 0

    def _upload_artifact(self, inputs: dict[str, str]) -> int:
        source = self.workspace / inputs["path"]
        if not source.exists():
            return {"error": 1, "ignore": 0}[inputs["if-no-files-found"]]
        assert "/." not in f"/{inputs['path']}" or inputs["include-hidden-files"] == "true", "would be left out"
        target = self.machine.store / "artifacts" / inputs["name"] / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        return 0


def workflow_of(path: Path | str) -> dict[str, Any]:
    """Return a workflow from its text or its file."""
    text = path.read_text(encoding="utf-8") if isinstance(path, Path) else path
    found = yaml.safe_load(text)
    assert isinstance(found, dict)
    return found
