"""A tree in two projects that was applied once, and what happened to it until the night."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.model.policy import Policy
from reconciler.model.settings import Settings
from reconciler.plan.fates import Drift, Drifted
from reconciler.workflow.drift import judged
from reconciler.workflow.plan import make_plan
from tests.field_cases import REPO
from tests.rig import Rig, Stored, plain

ADVANCED = {"cluster_name": "local-20250523164625", "timeout": 30}
RULES = [{"path": "advanced_settings.timeout", "reason": "operations sets it"}]


class Night(Rig):
    """A file per build, in a folder per project. `facts`: what records say beside, by the name of the build."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.documents: dict[str, dict[str, Any]] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.selected: tuple[str, ...] = ()
        self.path = ""
        self.projects: tuple[str, ...] = ("other", "yaml")

    @property
    def settings(self) -> Settings:
        path = str(Path(self.tree, self.path))
        return replace(super().settings, projects=self.projects, selected=self.selected, path=path, concurrency=1)

    def define(self, *documents: dict[str, Any]) -> None:
        """Add definitions, or replace those of the same names."""
        self.documents |= {document["name"]: copy.deepcopy(document) for document in documents}
        self.save()

    def remove(self, *names: str) -> None:
        """Take definitions out of Git."""
        for name in names:
            document = self.documents.pop(name)
            Path(self.tree, document["project_key"], f"{name}.json").unlink()

    def edit(self, name: str, **more: Any) -> None:
        """Change settings of a definition."""
        self.documents[name] |= copy.deepcopy(more)
        self.save()

    def save(self) -> None:
        """Write the tree."""
        for name, document in self.documents.items():
            path = Path(self.tree, document["project_key"], f"{name}.json")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    def delete(self, *names: str) -> None:
        """Somebody deletes builds in the page."""
        left = [build for build in self.emulator.state()["builds"] if build["name"] not in names]
        self.emulator.set_state(None, left)

    def appear(self, name: str, **more: Any) -> None:
        """Somebody makes a build in the page."""
        builds = self.emulator.state()["builds"]
        made = {**copy.deepcopy(builds[0]), "name": name, "update_by": "ann", "update_time": 1_600_000_000}
        made |= {"product_name": "yaml", **more}
        self.emulator.set_state(None, [*builds, made])

    def look(self) -> Drift:
        """What a drift finds, where records say what `facts` adds; it sends GETs and nothing else."""
        self.quiet()
        planned = make_plan(replace(self.settings, policy=Policy()), self.load(), self.world)
        assert {request["method"] for request in self.requests()} <= {"GET"}
        documents = {
            project: replace(
                document,
                records={n: replace(r, **self.facts.get(n, {})) for n, r in document.records.items()},
            )
            for project, document in planned.documents.items()
        }
        return judged(replace(planned, documents=documents), self.settings.tree)

    def one(self, name: str = "api") -> Drifted:
        """What a drift finds of one build."""
        (found,) = [build for build in self.look().builds if build.name == name]
        return found


def timeout(minutes: int) -> Callable[[Stored], None]:
    """Set the time limit in the page."""
    return lambda stored: stored.update(timeout=minutes)


def script(text: str) -> Callable[[Stored], None]:
    """Set the script in the page."""
    return lambda stored: stored.update(scripts=text)


def definition(name: str, project: str = "yaml", **more: Any) -> dict[str, Any]:
    """A build with a script of its own and a time limit."""
    usual: dict[str, Any] = {"build_script": f"make {name}\nmake test\n", "advanced_settings": ADVANCED}
    return {**plain(name, **{**usual, **more}), "project_key": project}


LONG = "".join(f"step {number}\n" for number in range(80))
PASSWORD = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}


def whole_night(folder: Path) -> Night:
    """Everything that a drift can find, except what could not be read."""
    night = Night(folder)
    night.environ["BUILD_PW"] = "first-canary"
    night.name = "another-tree"
    night.define(definition("theirs"))
    night.applied()
    night.name = "rig"
    night.remove("theirs")
    mine = [definition(name) for name in ("both", "idle", "later", "long", "lost", "old", "steps")]
    night.define(
        *mine,
        definition("api", "other", parameters=[PASSWORD], repo_info=[REPO]),
        definition("lists", parameters=[{"key": k, "default_value": k.lower()} for k in ("A", "B", "C")]),
        definition("ruled", **{"x-reconciler": {"ignore": RULES}}),
        plain("loose", build_script="make\n"),
    )
    night.applied()
    commit = {"commit": "1a2b3c4d5e6f708192a3b4c5d6e7f80192a3b4c5", "author": "Ann Example <ann@example.com>"}
    night.facts = {name: {**commit, "job": "https://ci.example/jobs/812"} for name in ("api", "both", "later")}
    night.facts["steps"] = {"exact": False}
    _people(night)
    return night


def _people(night: Night) -> None:
    """What people did in Git, and in the page."""
    night.remove("old")
    night.define(definition("theirs"), definition("new"))
    night.edit("both", build_script="make both\nmake lint\nmake test\n", advanced_settings={**ADVANCED, "timeout": 45})
    night.edit("later", advanced_settings={**ADVANCED, "timeout": 45})
    night.edit("steps", build_script="make steps\n")
    night.meddle("api", lambda b: (timeout(45)(b), b["pre_build"]["envs"][0].update(value="page-canary")), "mallory")
    night.meddle("both", timeout(60), "bob", 120)
    night.meddle("long", script(LONG), "carol", 240)
    night.meddle("lists", lambda b: b["pre_build"].update(envs=[*b["pre_build"]["envs"][2:0:-1], _N]), "admin", 360)
    night.meddle("ruled", timeout(90), "operations", 480)
    night.meddle("loose", timeout(90), "dave", 600)
    night.delete("lost")
    night.appear("page-made")
    night.appear("from-jenkins", source="jenkins")


_N = {"key": "N", "value": "n", "type": "string", "is_credential": False}
