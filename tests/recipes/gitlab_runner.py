"""GitLab's side of a pipeline, from its reference: components, `extends`, `rules`, variables, scripts, reports.

    configuration, predefined variables ─► jobs whose rules match ─► before_script and script in one shell ─► codes

Nothing of ours is imported.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.recipes.machine import Machine

Configuration = dict[str, Any]
INVALID = 65
KEYWORDS = {"include", "stages", "workflow", "default", "variables"}


def component(text: str, inputs: Mapping[str, str]) -> Configuration:
    """Return the jobs of a component with its inputs put in; AssertionError for an input that it does not take."""
    head, _, body = text.partition("\n---\n")
    spec = yaml.safe_load(head)["spec"]["inputs"]
    assert inputs.keys() <= spec.keys(), inputs
    values = {name: inputs.get(name, one.get("default")) for name, one in spec.items()}
    for name, value in values.items():
        assert isinstance(value, str), f"{name} has no value"
        pattern, options = spec[name].get("regex"), spec[name].get("options")
        assert not pattern or re.search(pattern, value), f"{name}: {value}"
        assert not options or value in options, f"{name}: {value}"
    put_in = re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: values[found[1]], body)
    assert "$[[" not in put_in
    found: Configuration = yaml.safe_load(put_in)
    return found


def job_of(configuration: Configuration, name: str) -> Configuration:
    """Return a job with what it extends; a mapping is merged, everything else is replaced."""
    job = dict(configuration[name])
    parent = job.pop("extends", None)
    if parent is None:
        return job
    merged = job_of(configuration, parent)
    for key, value in job.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """Return a text with its variables; what is not known is empty."""
    return re.sub(r"\$\{?(\w+)\}?", lambda found: variables.get(found[1], ""), text)


def holds(rule: str, variables: Mapping[str, str]) -> bool:
    """Return whether the `if` of a rule holds: comparisons of variables and texts, joined by &&."""
    return all(_compared(part, variables) for part in rule.split("&&"))


def _compared(part: str, variables: Mapping[str, str]) -> bool:
    left, right = (side.strip() for side in part.split("=="))
    return _value(left, variables) == _value(right, variables)


def _value(side: str, variables: Mapping[str, str]) -> str | None:
    if side.startswith("$"):
        return variables.get(side[1:])
    assert re.fullmatch(r'"[^"]*"', side), side
    return side[1:-1]


def jobs_of(configuration: Configuration, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the jobs of a pipeline that these predefined variables start, and when: `on_success`, `manual`."""
    found = {}
    for name in configuration:
        if name.startswith(".") or name in KEYWORDS:
            continue
        rules = job_of(configuration, name)["rules"]
        matching = [rule for rule in rules if holds(rule["if"], variables)]
        if matching:
            found[name] = matching[0].get("when", "on_success")
    return found


@dataclass
class GitLab:
    """A project's pipelines, and the machine that runs them.

    Attributes:
        machine: the machine.
        variables: those of the project's settings; they win over what a job says.
    """

    machine: Machine
    variables: Mapping[str, str]

    def run(self, configuration: Configuration, name: str, commit: str, predefined: Mapping[str, str]) -> int:
        """Run one job on a commit; where it passes its artifacts must be there, its reports also where it says 65."""
        job = job_of(configuration, name)
        workspace = self.machine.checkout(commit)
        known = {**predefined, "CI_COMMIT_SHA": commit, "CI_PROJECT_DIR": str(workspace)}
        own = {key: expanded(value, {**known, **self.variables}) for key, value in job.get("variables", {}).items()}
        environ = {"CI": "true", "GITLAB_CI": "true", **known, **own, **self.variables}
        script = "\n".join([*job.get("before_script", []), *job["script"]])
        code = self.machine.shell(script, workspace, environ)
        artifacts = job.get("artifacts", {})
        reports = [*artifacts.get("reports", {}).values()]
        wanted = [name for name in artifacts.get("paths", []) if not name.endswith("/backup")]
        expected = [*wanted, *reports] if code == 0 else reports if code == INVALID else []
        assert [name for name in expected if not (workspace / name).is_file()] == []
        for folder in set(artifacts.get("paths", [])).difference(wanted):  # where there is none, GitLab only says so
            if (workspace / folder).is_dir():
                shutil.copytree(workspace / folder, self.machine.store / "artifacts" / Path(folder).name)
        return code
