"""A company of ten builds that were applied once, and everything that can come between Git and the server."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.emulator import Request, Response
from reconciler.model.definition import Desired
from reconciler.model.live import Live, LiveBuild, Reading, Stamps
from reconciler.model.outcome import Outcome
from reconciler.model.policy import Policy, Prune
from reconciler.model.record import Document, Record
from reconciler.model.settings import Settings
from reconciler.plan.step import Action, Plan, Step
from reconciler.server.transport import Clock
from reconciler.workflow.apply import Options, check_environment, locked
from reconciler.workflow.plan import Planned, World, make_plan
from tests.ledger_file import file_ledger
from tests.rig import Rig, plain
from tests.wire_transport import transport_to

Stored = dict[str, Any]
Meddling = Callable[[Request, Response], Response]

COMPANY = tuple(f"a{number}" for number in range(10))
SERVER = "http://zadig.example"


def definition(name: str, project: str = "yaml", **more: Any) -> dict[str, Any]:
    """A build that serves one service module of its own name, unless others are given."""
    services = [{"service_name": name, "service_module": "main"}]
    return {**plain(name, **{"services": services, **more}), "project_key": project}


class Scene(Rig):
    """The tree, the ledger and the server of a test about deletes. `between` happens after the plan was made."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.policy = Policy()
        self.flag = True
        self.projects: tuple[str, ...] = ("yaml",)
        self.selected: tuple[str, ...] = ()
        self.path = ""
        self.configured = True
        self.definitions = [definition(name) for name in COMPANY]
        self.desire: Callable[[Desired], Desired] = lambda desired: desired
        self.between: Callable[[], None] = lambda: None
        self.answer: Meddling = lambda _, answer: answer
        self.options = Options()

    # the tree

    @property
    def settings(self) -> Settings:
        return replace(
            super().settings,
            policy=self.policy,
            projects=self.projects,
            selected=self.selected,
            path=str(self.tree / self.path),
            configured=self.configured,
            concurrency=1,
            sources={"prune": "flag" if self.flag else "file"},
        )

    def prune(self, mode: Prune, **more: Any) -> None:
        """Say how far the next runs may go; a percentage is no limit unless it is named."""
        self.policy = replace(self.policy, prune=mode, **more)

    def define(self, *documents: dict[str, Any]) -> None:
        """Add definitions, or replace those of the same names."""
        names = {document["name"] for document in documents}
        self.definitions = [d for d in self.definitions if d["name"] not in names] + list(documents)

    def remove(self, *names: str) -> None:
        """Take definitions out of Git."""
        self.definitions = [d for d in self.definitions if d["name"] not in names]

    def load(self) -> Desired:
        shutil.rmtree(self.tree)
        self.tree.mkdir()
        (self.tree / "part").mkdir()
        for document in self.definitions:
            (self.tree / "part" / f"{document['name']}.json").write_text(json.dumps(document), encoding="utf-8")
        return self.desire(super().load())

    # the stages

    @property
    def world(self) -> World:
        clock = Clock(now=lambda: self.time, wall=lambda: self.time, sleep=lambda _: None)
        return World(self.environ, str(self.tree), lambda: transport_to(self), clock)  # type: ignore[arg-type]

    def handle(self, request: Request) -> Response:
        """The emulator's answer, as whatever stands in front of it lets it through."""
        return self.answer(request, self.emulator.handle(request))

    def planned(self) -> Planned:
        return make_plan(self.settings, self.load(), self.world)

    def apply(self, options: Options | None = None) -> list[Outcome]:
        self.time += 10
        planned = self.planned()
        check_environment(planned)
        self.between()
        with locked(self.settings, planned, self.world, options or self.options) as outcomes:
            return sorted(outcomes, key=lambda outcome: outcome.index)

    def planned_live(self) -> Live:
        """The server as a list of the company shows it."""
        builds = {name: LiveBuild("yaml", name, "zadig", Stamps(0, "")) for name in COMPANY}
        return Live({"yaml": Reading("yaml", builds)})

    # the server and the ledger

    def appear(self, name: str, project: str = "yaml", **more: Any) -> None:
        """Somebody makes a build in the page."""
        state = self.emulator.state()
        stored = copy.deepcopy(next(b for b in state["builds"] if b["source"] == "zadig"))
        stored.update(name=name, product_name=project, update_by="ann", update_time=1_600_000_000, **more)
        self.emulator.set_state(None, [*state["builds"], stored])

    def disappear(self, *names: str) -> None:
        """Somebody deletes builds in the page."""
        self.emulator.set_state(None, [b for b in self.emulator.state()["builds"] if b["name"] not in names])

    def workflows(self, *workflows: dict[str, Any]) -> None:
        """Replace the workflows of the server."""
        state = self.emulator.state()
        self.emulator.set_state({**state["world"], "workflows": list(workflows)}, state["builds"])

    def ledger_edit(self, edit: Callable[[Document], Document], project: str = "yaml") -> None:
        """Change what the ledger holds."""
        with file_ledger(str(self.ledger), SERVER, writable=True) as ledger:
            ledger.change(project, edit)

    def document(self, project: str = "yaml") -> Document:
        """What the ledger holds of a project."""
        with file_ledger(str(self.ledger), SERVER, writable=False) as ledger:
            return ledger.read(project)

    def record(self, name: str, **changes: Any) -> None:
        """Change the record of a build, or make one like the others'."""

        def edit(document: Document) -> Document:
            like: Record = document.records.get(name) or document.records[COMPANY[-1]]
            return replace(document, records={**document.records, name: replace(like, **changes)})

        self.ledger_edit(edit)


def workflow(key: str, *uses: tuple[str, str, str], project: str = "yaml", **more: Any) -> dict[str, Any]:
    """A workflow with a job that builds: (build, service, module) each, and a job that does something else."""
    entries = [
        {"build_name": build, "service_name": service, "service_module": module, "key_vals": None, "repos": []}
        for build, service, module in uses
    ]
    spec = {"service_and_builds": entries, "service_and_builds_options": None}
    jobs = [{"name": "build", "type": "zadig-build", "spec": spec}, {"name": "deploy", "type": "zadig-deploy"}]
    return {"key": key, "name": f"the {key}", "project": project, "jobs": jobs, **more}


def deletes(plan: Plan) -> list[Step]:
    """The steps of a plan that delete."""
    return [step for step in plan.steps if step.action is Action.DELETE]


def words(plan: Plan) -> Mapping[str, str]:
    """Name → "deleted", or the word for why not."""
    return {s.name: s.blocked.reason.value if s.blocked else "deleted" for s in deletes(plan)}
