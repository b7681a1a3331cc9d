"""A rig that may rename and move, over two projects, and what its tests say again and again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.model.outcome import Ending, Outcome
from reconciler.model.policy import Policy
from reconciler.model.settings import Settings
from reconciler.plan.step import Plan, Step
from reconciler.workflow.apply import Options, locked
from reconciler.workflow.plan import Planned
from tests.rig import Rig, Stored, plain, template

REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}
CANARY = "move-canary"


class Moving(Rig):
    """A configured tree of two projects."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.policy = Policy(allow_moves=True, max_delete_percent=100)
        self.path = str(self.tree)
        self.selected: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        return replace(
            super().settings,
            path=self.path,
            projects=("other", "yaml"),
            selected=self.selected,
            policy=self.policy,
        )

    def only(self, *documents: dict[str, Any]) -> None:
        """Make the tree hold these documents and nothing else."""
        for file in self.tree.glob("*.json"):
            file.unlink()
        for document in documents:
            self.write(document, file=f"{document['name']}.json")

    def have(self, *documents: dict[str, Any]) -> None:
        """Apply these documents, and forget the requests that it took."""
        self.only(*documents)
        self.applied()
        self.quiet()

    def applying(self, planned: Planned, options: Options | None = None) -> list[Outcome]:
        """Apply a plan that was made before, a little later."""
        self.time += 10
        with locked(self.settings, planned, self.world, options or Options()) as outcomes:
            return sorted(outcomes, key=lambda outcome: outcome.index)

    def sent(self) -> list[tuple[str, str]]:
        """The creates and deletes that arrived, in order: (method, name)."""
        return [
            (r["method"], r["body"]["name"] if r["method"] == "POST" else str(dict(r["query"])["name"]))
            for r in self.requests("POST", "DELETE")
        ]


def renamed(old: str, **more: Any) -> dict[str, Any]:
    """The smallest definition that says what it was called before."""
    return {**plain("new", **more), "x-reconciler": {"renamed_from": old}}


def rich(name: str = "old", project: str = "yaml", **more: Any) -> dict[str, Any]:
    """A definition that declares a good deal, with a credential."""
    return {
        **plain(name),
        "project_key": project,
        "build_script": "#!/bin/bash\nset -e\nmake build && make push\n",
        "repo_info": [REPO],
        "services": [{"service_name": "shop", "service_module": "web"}],
        "parameters": [
            {"key": "MODE", "type": "choice", "default_value": "fast", "choice_option": ["fast", "slow"]},
            {"key": "PW", "type": "string", "default_value": CANARY, "is_credential": True},
        ],
        "advanced_settings": {
            "cluster_name": "gpu-cluster",
            "strategy_name": "any",
            "timeout": 45,
            "privileged_mode": True,
            "custom_labels": [{"key": "team", "value": "shop"}],
        },
        **more,
    }


def from_template(name: str = "old", project: str = "yaml") -> dict[str, Any]:
    """A template build with inputs, one of them a credential."""
    inputs = [
        {"key": "mode", "value": "slow", "type": "choice", "is_credential": False},
        {"key": "pw", "value": CANARY, "type": "string", "is_credential": True},
    ]
    return {**template(name, repo_info=[REPO], inputs=inputs), "project_key": project}


def content(stored: Stored) -> Stored:
    """What a stored build holds beside its name, its project and its stamps."""
    left = {key: value for key, value in stored.items() if key not in ("name", "product_name", "update_time", "id")}
    targets = [{k: v for k, v in t.items() if k != "product_name"} for t in stored.get("targets", [])]
    return {**left, "targets": targets}


def steps(plan: Plan) -> dict[str, Step]:
    """The steps of a plan by "action name"."""
    return {f"{step.action.value} {step.name}": step for step in plan.steps}


def blocks(plan: Plan) -> dict[str, str | None]:
    """ "action name" → why it is blocked."""
    return {key: step.blocked.reason.value if step.blocked else None for key, step in steps(plan).items()}


def endings(plan: Plan, outcomes: list[Outcome]) -> dict[str, Ending]:
    """ "action name" → how it ended."""
    names = [f"{step.action.value} {step.name}" for step in plan.steps]
    return {names[outcome.index]: outcome.ending for outcome in outcomes}
