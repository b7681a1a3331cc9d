"""A tree, a ledger and a server in one hand: what most tests at the wire are told with."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from reconciler.emulator import Emulator, Request, Response
from reconciler.model.definition import Desired
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.policy import Policy
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings
from reconciler.plan.step import Block, Plan
from reconciler.server.transport import Clock
from reconciler.workflow.apply import Options, check_environment, locked
from reconciler.workflow.plan import Planned, World, make_plan
from reconciler.workflow.validate import load
from tests.wire_transport import transport_to
from tests.witness import WITNESS

TOKEN = "e30.eyJuYW1lIjoiYWRtaW4iLCJ1aWQiOiJ1MSIsImFjY291bnQiOiJhZG1pbiJ9.sig"
Stored = dict[str, Any]


class Rig:
    """One tree against one emulator. Time stands still until a test moves it."""

    def __init__(self, folder: Path, *, builds: list[Stored] | None = None) -> None:
        self.time = 1_700_000_000.0
        self.emulator = Emulator(builds=builds or [], clock=lambda: self.time)
        self.tree = folder / "tree"
        self.tree.mkdir()
        self.environ: dict[str, str] = {}
        self.ledger = folder / "ledger.db"
        self.name = "rig"
        self.token = TOKEN
        self.deep = True
        self.policy = Policy()
        self.accepted: dict[str, dict[str, str]] = {}
        self.twist: Callable[[Request, Response], Response] = lambda _, answer: answer

    # the tree

    def write(self, *documents: Mapping[str, Any], file: str = "builds.json") -> None:
        """Replace a file by one document per mapping (several go into numbered files)."""
        for number, document in enumerate(documents):
            path = self.tree / (file if not number else f"{number}-{file}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return Settings(
            root=str(self.tree),
            path=str(self.tree),
            configured=True,
            server="http://zadig.example",
            tree=self.name,
            ledger=str(self.ledger),
            token=Secret(self.token),
            policy=self.policy,
            deep_read=self.deep,
        )

    @property
    def world(self) -> World:
        clock = Clock(now=lambda: self.time, wall=lambda: self.time, sleep=lambda _: None)
        return World(self.environ, str(self.tree), lambda: transport_to(self), clock)

    def handle(self, request: Request) -> Response:
        """Answer as the emulator does; `twist` makes of it what no emulator would."""
        return self.twist(request, self.emulator.handle(request))

    # the stages

    def load(self) -> Desired:
        """Load the tree, and let each definition accept what `accept` has put down for it."""
        desired = load(self.settings, self.environ, str(self.tree))
        accepting = tuple(
            replace(d, accept_loss={**d.accept_loss, **self.accepted.get(d.build.name, {})})
            for d in desired.definitions
        )
        return replace(desired, definitions=accepting)

    def planned(self) -> Planned:
        return make_plan(self.settings, self.load(), self.world)

    def plan(self) -> Plan:
        return self.planned().plan

    def apply(self, options: Options | None = None) -> list[Outcome]:
        """Plan and apply; a second passes between two applies, as it does for people."""
        self.time += 10
        planned = self.planned()
        check_environment(planned)
        with locked(self.settings, planned, self.world, options or Options()) as outcomes:
            ended = sorted(outcomes, key=lambda outcome: outcome.index)
        WITNESS.check()
        return ended

    def accept(self) -> list[str]:
        """Let go exactly what the plan's blocked steps name, by the line that they print; return the paths."""
        paths = []
        for step in self.plan().steps:
            if step.blocked is not None and step.blocked.reason is Block.LOSS:
                self.accepted[step.name] = pasted(step.blocked.hint)
                paths += sorted(self.accepted[step.name])
        return paths

    def applied(self) -> None:
        """Apply, and make sure that every step was done."""
        ended = self.apply()
        assert [o for o in ended if o.ending is not Ending.DONE] == []

    def forget(self) -> None:
        """Begin a new ledger."""
        self.ledger.unlink(missing_ok=True)

    # the server

    def stored(self, name: str) -> Stored:
        """What the server really holds of a build."""
        (found,) = [b for b in self.emulator.state()["builds"] if b["name"] == name]
        return found

    def names(self) -> list[str]:
        """The builds that the server has."""
        return sorted(b["name"] for b in self.emulator.state()["builds"])

    def meddle(self, name: str, edit: Callable[[Stored], None], user: str = "mallory", seconds: int = 60) -> None:
        """Change a build as the web page does, with new stamps."""
        builds = copy.deepcopy(self.emulator.state()["builds"])
        for build in builds:
            if build["name"] == name:
                edit(build)
                if user:
                    build["update_by"] = user
                    build["update_time"] += seconds
        self.emulator.set_state(None, builds)

    def requests(self, *methods: str) -> list[dict[str, Any]]:
        """The requests that arrived, of some methods."""
        return [r for r in self.emulator.requests() if not methods or r["method"] in methods]

    def quiet(self) -> None:
        """Forget the requests so far."""
        self.emulator.clear_requests()


def pasted(hint: str) -> dict[str, str]:
    """What somebody pastes who was told how to let losses go."""
    line = yaml.safe_load(hint[hint.index('"x-reconciler": ') :])
    return dict(line["x-reconciler"]["accept_loss"])


def plain(name: str = "api", **more: Any) -> dict[str, Any]:
    """The smallest plain definition."""
    return {
        "name": name,
        "project_key": "yaml",
        "infrastructure": "kubernetes",
        "build_os": "ubuntu 20.04",
        "script_type": "shell",
        **more,
    }


def template(name: str = "tpl", **target: Any) -> dict[str, Any]:
    """The smallest template definition."""
    return {
        "name": name,
        "project_key": "yaml",
        "template_name": "demo-template",
        "target_services": [{"service_name": "shop", "service_module": "web", **target}],
    }
