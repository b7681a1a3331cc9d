"""Which workflows use what goes: looked up by GETs alone, only where it matters, and never a reason to stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import COMMANDS, call
from reconciler.emulator import Request, Response, running
from reconciler.model.build import Build
from reconciler.model.errors import BadToken
from reconciler.model.fields import Kind
from reconciler.model.policy import Prune
from reconciler.model.secret import Secret
from reconciler.model.usage import Usage, Use
from reconciler.plan.step import Action, Block, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from reconciler.server.transport import Connection, ReadDoor, WriteDoor
from reconciler.server.usage import read_usage
from reconciler.server.writing import DryWriter, NotSent, ServerWriter, Written
from tests.prune_scene import Scene, definition, workflow
from tests.rig import TOKEN, Rig, template
from tests.wire_transport import transport_to

CANARY = "canary-in-a-workflow"
WORKFLOWS = "/openapi/workflows"


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Three builds of ours, each of which serves one module; anything may be deleted."""
    made = Scene(tmp_path)
    made.definitions = [definition(name) for name in ("api", "web", "cron")]
    made.applied()
    made.policy = replace(made.policy, max_delete_percent=100)
    made.quiet()
    return made


def used(scene: Scene, door: type[ReadDoor] = ReadDoor) -> Usage:
    connection = Connection("http://zadig.example", Secret(TOKEN), transport=lambda: transport_to(scene))  # type: ignore[arg-type]
    return read_usage(door(replace_clock(connection)), "yaml", 4)


def replace_clock(connection: Connection) -> Connection:
    connection.clock.sleep = lambda _: None
    return connection


def bending(path: str, edit: Callable[[Any], Any]) -> Callable[[Request, Response], Response]:
    """Change the JSON that a path answers."""

    def answer(request: Request, answer: Response) -> Response:
        if not request.path.endswith(path) or answer.status != 200:
            return answer
        return answer.but(body=json.dumps(edit(json.loads(answer.body))).encode())

    return answer


# Reading -------------------------------------------------------------------------------------------------


def test_every_job_that_builds_is_seen(scene: Scene):
    """All three lists of a job, null among them; jobs of other types, other projects and repetitions are not."""
    spec = {
        "service_and_builds": [{"build_name": "api", "service_name": "api", "service_module": "main"}] * 2,
        "service_and_builds_options": [{"build_name": "web", "service_name": "web", "service_module": "main"}],
        "default_service_and_builds": [{"build_name": "cron", "service_name": None, "service_module": "main"}],
    }
    deploying = {"name": "d", "type": "zadig-deploy", "spec": {"service_and_builds": [{"build_name": "not-this"}]}}
    first = {**workflow("a"), "jobs": [{"name": "b", "type": "zadig-build", "spec": spec}, deploying]}
    nulls = {"service_and_builds": None, "service_and_builds_options": [{"build_name": ""}]}
    second = {**workflow("b"), "jobs": [{"name": "b", "type": "zadig-build", "spec": nulls}, {"type": "zadig-build"}]}
    scene.workflows(first, second, workflow("far", ("far", "far", "main"), project="demo"))
    assert used(scene) == Usage(
        (Use("the a", "api", "api", "main"), Use("the a", "cron", "", "main"), Use("the a", "web", "web", "main"))
    )
    assert {r["method"] for r in scene.requests()} == {"GET"}
    assert len(scene.requests()) == 3


def test_a_key_is_encoded_and_a_name_may_be_missing(scene: Scene):
    """A key with a slash or a question mark stays one segment; without a name the key is what is shown."""
    key = "be fore?after#中"
    scene.workflows({**workflow(key, ("api", "api", "main")), "name": ""})
    assert used(scene) == Usage((Use(key, "api", "api", "main"),))
    assert "%3Fafter%23%E4%B8%AD" in scene.requests()[-1]["path"]


@pytest.mark.parametrize(
    ("path", "edit"),
    [
        ("/detail", lambda detail: [detail]),
        ("/detail", lambda detail: {**detail, "workflow_key": "another"}),
        ("/detail", lambda detail: {**detail, "stages": {"jobs": 1}}),
        ("/detail", lambda detail: {**detail, "stages": [{"jobs": ["x"]}]}),
        ("/detail", lambda detail: {**detail, "stages": [{"jobs": [{"type": "zadig-build", "spec": "x"}]}]}),
        ("/detail", lambda detail: {**detail, "stages": [{"jobs": [{"type": 7}]}]}),
        (WORKFLOWS, lambda listed: [listed]),
        (WORKFLOWS, lambda listed: {"workflows": "x"}),
        (WORKFLOWS, lambda listed: {"workflows": [{**listed["workflows"][0], "workflow_key": 7}]}),
        (WORKFLOWS, lambda listed: {"workflows": [{**listed["workflows"][0], "workflow_key": None}]}),
    ],
)
def test_nonsense_is_unknown_and_no_error(scene: Scene, path: str, edit: Callable[[Any], Any]):
    """Whatever the server answers, the run goes on and says that it does not know."""
    scene.workflows(workflow("a", ("api", "api", "main")))
    scene.answer = bending(path, edit)
    usage = used(scene)
    assert (usage.uses, len(usage.unknown)) == ((), 1)


@pytest.mark.parametrize("kind", ["500-json", "500-empty", "403-empty", "502-html", "429-date", "timeout", "reset"])
@pytest.mark.parametrize("path", [f"^{WORKFLOWS}$", "/a/detail$"])
def test_a_failure_is_unknown_and_hides_no_other(scene: Scene, kind: str, path: str):
    """A workflow that cannot be read leaves the others; a list that cannot be read leaves none."""
    scene.workflows(workflow("a", ("api", "api", "main")), workflow("b", ("web", "web", "main")))
    scene.emulator.set_faults([{"kind": kind, "probability": 1.0, "seed": 1, "match": {"path": path}}])
    usage = used(scene)
    assert len(usage.unknown) == 1
    assert [use.build for use in usage.uses] == (["web"] if "detail" in path else [])


def test_a_workflow_of_the_older_kind_is_not_asked_for(scene: Scene):
    scene.workflows(workflow("old", ("api", "api", "main"), type="product"))
    assert used(scene) == Usage((), ('the workflow "the old" is of the older kind, which cannot be looked into',))
    assert len(scene.requests()) == 1


def test_a_bad_token_stops(scene: Scene):
    """401 means that nothing else will work either."""
    scene.workflows(workflow("a"))
    for path in (f"^{WORKFLOWS}$", "/a/detail$"):
        scene.emulator.set_faults([{"kind": "401-empty", "probability": 1.0, "seed": 1, "match": {"path": path}}])
        with pytest.raises(BadToken):
            used(scene)


# What a plan makes of it ---------------------------------------------------------------------------------


def one(scene: Scene, name: str) -> Step:
    (step,) = [step for step in scene.plan().steps if step.name == name]
    return step


def moved_module(scene: Scene) -> None:
    """The module of api is built by nobody any more."""
    scene.define(definition("api", services=[{"service_name": "other", "service_module": "main"}]))


def test_a_delete_names_the_workflows_that_would_fail(scene: Scene):
    scene.workflows(workflow("b", ("api", "api", "main")), workflow("a", ("api", "x", "y"), ("web", "web", "main")))
    scene.remove("api")
    scene.prune(Prune.OWNED)
    step = one(scene, "api")
    assert step.blocked is not None
    assert step.blocked.reason is Block.IN_USE
    assert step.blocked.message == "the workflows the a, the b would fail: they use this build"
    assert "--break-workflows" in step.blocked.hint
    scene.policy = replace(scene.policy, break_workflows=True)
    step = one(scene, "api")
    assert (step.blocked, step.notes) == (None, ("breaks the workflows the a, the b (--break-workflows)",))


def plainly(name: str, *modules: str) -> dict[str, Any]:
    return definition(name, services=[{"service_name": name, "service_module": module} for module in modules])


@pytest.mark.parametrize(
    ("modules", "reason"),
    [((), Block.IN_USE), (("side",), Block.IN_USE), (("main",), None), (("main", "side"), None)],
)
def test_a_service_module_that_leaves_a_build_is_looked_up(scene: Scene, modules: tuple[str, ...], reason):
    """A workflow that builds that module with that build would fail; the sentence names both."""
    scene.workflows(workflow("w", ("api", "api", "main")))
    scene.define({**plainly("api", *modules), "build_script": "new\n"})
    step = one(scene, "api")
    assert step.action is Action.UPDATE
    assert (step.blocked.reason if step.blocked else None) is reason
    if step.blocked:
        assert step.blocked.message == "the workflow the w would fail: it uses this build for api/main, which leaves it"
    scene.policy = replace(scene.policy, break_workflows=True)
    assert one(scene, "api").blocked is None


def test_a_module_that_no_workflow_uses_may_leave(scene: Scene):
    """The build is used, but for another module; or the module is, but of another build."""
    scene.workflows(workflow("w", ("api", "api", "side"), ("web", "api", "main")))
    moved_module(scene)
    assert (one(scene, "api").blocked, one(scene, "api").notes) == (None, ())


def test_a_target_that_leaves_a_template_build_is_looked_up(rig: Rig):
    """The targets of a template build are its service modules."""
    two = template()
    two["target_services"].append({"service_name": "shop", "service_module": "api"})
    rig.write(two)
    rig.applied()
    state = rig.emulator.state()
    rig.emulator.set_state({**state["world"], "workflows": [workflow("w", ("tpl", "shop", "api"))]}, state["builds"])
    rig.write(template())
    (step,) = rig.plan().steps
    assert step.blocked is not None
    assert (step.blocked.reason, "shop/api" in step.blocked.message) == (Block.IN_USE, True)


def test_what_nobody_could_look_into_is_said_and_counted(scene: Scene):
    """A note on the step, a count in the line that counts and in the JSON; and it is done."""
    scene.workflows(*(workflow(f"old{n}", type="product") for n in range(7)))
    scene.remove("api")
    moved = [{"service_name": "other", "service_module": "main"}]
    scene.define(definition("web", services=moved))
    scene.prune(Prune.OWNED)
    plan = scene.plan()
    notes = {step.name: step.notes for step in plan.steps if step.notes}
    assert notes["api"][0].startswith("not known whether workflows use it: the workflow")
    assert notes["web"][0].startswith("not known whether workflows use web/main: the workflow")
    assert notes["api"][0].endswith("and 2 more")
    assert "2 of unknown use by workflows" in render_plan(plan, Style())
    assert plan_document(plan)["unknown_uses"] == 2
    scene.applied()
    assert "unknown_uses" not in plan_document(scene.plan())


@pytest.mark.parametrize("prune", list(Prune))
def test_workflows_are_asked_only_where_something_goes(scene: Scene, prune: Prune):
    """Once per project, and not at all for a plan that takes nothing away."""
    scene.workflows(workflow("w"))
    scene.prune(prune)
    scene.define(definition("api", build_script="new\n"), definition("new"))
    scene.quiet()
    scene.plan()
    assert [r for r in scene.requests() if r["path"].startswith(WORKFLOWS)] == []
    scene.remove("cron")
    moved_module(scene)
    scene.quiet()
    scene.plan()
    assert len([r for r in scene.requests() if r["path"] == WORKFLOWS]) == 1


def test_a_delete_that_is_blocked_anyway_asks_nothing(scene: Scene):
    scene.workflows(workflow("w"))
    scene.record("cron", prevent_destroy=True)
    scene.remove("cron")
    scene.prune(Prune.OWNED)
    scene.quiet()
    assert one(scene, "cron").blocked is not None
    assert [r for r in scene.requests() if r["path"].startswith(WORKFLOWS)] == []


def test_credentials_in_a_workflow_reach_no_output(scene: Scene):
    """They stand in the answer that was read, and nowhere in what is told."""
    held = workflow("w", ("api", "api", "main"))
    held["jobs"][0]["spec"]["service_and_builds"][0]["key_vals"] = [{"key": "PW", "value": CANARY}]
    bodies = []
    scene.workflows(held)

    def watch(_: Request, answer: Response) -> Response:
        bodies.append(answer.body)
        return answer

    scene.answer = watch
    scene.remove("api")
    scene.prune(Prune.OWNED)
    planned = scene.planned()
    assert any(CANARY.encode() in body for body in bodies)
    said = render_plan(planned.plan, Style(verbose=True)) + dump(plan_document(planned.plan)) + repr(planned)
    assert "the w" in said
    assert CANARY not in said


# Writing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params",
    [
        {"name": "api"},
        {"name": "api", "projectKey": ""},
        {"name": "api", "projectKey": " "},
        {"name": "", "projectKey": "yaml"},
        {"projectKey": "yaml"},
        {"name": "api", "projectKey": "yaml", "projectName": "yaml"},
        {},
    ],
)
def test_a_delete_that_does_not_name_one_build_is_not_sent(scene: Scene, params: dict[str, str]):
    """With an empty project the server deletes that name everywhere: it raises before anything is sent."""
    door = WriteDoor(Connection("http://zadig.example", Secret(TOKEN), transport=lambda: transport_to(scene.emulator)))
    with pytest.raises(RuntimeError, match="one build and its project"):
        door.delete("/openapi/build", params)
    assert scene.requests() == []


@pytest.mark.witness_allows("(build)", reason="deleted through the door itself, without an apply")
def test_a_writer_deletes_one_build_of_one_project(scene: Scene):
    """Exactly two parameters, a name with every kind of letter; an empty one is refused, a dry run sends nothing."""
    door = WriteDoor(Connection("http://zadig.example", Secret(TOKEN), transport=lambda: transport_to(scene.emulator)))
    scene.appear("a b?c+d&e/中")
    build = Build(Kind.PLAIN, "yaml", "a b?c+d&e/中", {})
    assert isinstance(DryWriter().delete(build), NotSent)
    with pytest.raises(RuntimeError):
        ServerWriter(door).delete(replace(build, project=""))
    assert scene.requests() == []
    assert ServerWriter(door).delete(build) == Written()
    assert scene.names() == ["api", "cron", "web"]
    (request,) = scene.requests("DELETE")
    assert request["path"] == "/openapi/build"
    assert set(request["query"]) == {"name", "projectKey"}


def test_a_door_for_reading_cannot_delete(scene: Scene):
    """By type: there is no such method; and in front of the wire, whoever asks."""
    assert not hasattr(ReadDoor, "delete")
    door = ReadDoor(Connection("http://zadig.example", Secret(TOKEN), transport=lambda: transport_to(scene.emulator)))
    with pytest.raises(RuntimeError, match="tried to send DELETE"):
        door._send("DELETE", "/openapi/build", {"name": "api", "projectKey": "yaml"})
    assert scene.requests() == []


# Reading commands ----------------------------------------------------------------------------------------

READING = {
    "validate": [],
    "plan": ["--detailed-exitcode"],
    "drift": [],
    "schema": [],
    "config": [],
    "export": ["--out"],
    "init": ["--force", "--ci", "none", "--project", "yaml", "--tree", "rig"],
    "adopt": ["--yes", "--allow-drift"],
}
"""Commands that read, with their flags; PATH and the server are added."""

WRITING = {"apply": ["--yes"], "restore": ["--yes"]}
"""Commands that write to the server."""

ALONE = {"comment", "completion", "demo", "diff", "emulator", "ledger", "unlock"}
"""Commands that send nothing to a server of the user's."""


def test_every_command_is_known_to_read_or_to_write():
    """A new command has to say here which it is."""
    assert COMMANDS.keys() <= READING.keys() | WRITING.keys() | ALONE


def test_reading_commands_send_get_and_nothing_else(tmp_path: Path, monkeypatch):
    """Every one of them, with changes, deletes and uses to look at; an apply of the same tree sends others."""
    scene = Scene(tmp_path)
    scene.definitions = [definition(name) for name in ("api", "web", "cron")]
    scene.policy = replace(scene.policy, max_delete_percent=100)
    with running(scene.emulator) as url:
        monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
        monkeypatch.setenv("ZADIG_SERVER", url)
        monkeypatch.setenv("RECONCILER_LEDGER", str(tmp_path / "cli.db"))
        scene.load()
        (scene.tree / "reconciler.yaml").write_text("projects: [yaml]\ntree: rig\n", encoding="utf-8")
        assert call(["apply", "--yes", str(scene.tree)]) == 0
        (scene.tree / "part" / "cron.json").unlink()
        (scene.tree / "part" / "api.json").write_text(json.dumps(definition("api", build_script="x\n")), "utf-8")
        scene.quiet()
        for name in sorted(COMMANDS.keys() & READING.keys()):
            path = [] if name == "schema" else [str(scene.tree)]
            call([name, *READING[name], *path])
        call(["apply", "--dry-run", str(scene.tree)])
        methods = {r["method"] for r in scene.requests()}
        assert (methods, len(scene.requests()) > 5) == ({"GET"}, True)
        call(["apply", "--yes", str(scene.tree)])
        assert {r["method"] for r in scene.requests()} == {"GET", "PUT"}


@pytest.mark.parametrize("prune", list(Prune))
def test_a_plan_sends_get_and_nothing_else_however_far_it_prunes(scene: Scene, prune: Prune):
    """The same tree applied sends a DELETE where it prunes."""
    scene.workflows(workflow("w", ("web", "web", "main")))
    scene.remove("cron")
    moved_module(scene)
    scene.prune(prune)
    scene.quiet()
    scene.plan()
    assert {r["method"] for r in scene.requests()} == {"GET"}
    scene.applied()
    assert ("DELETE" in {r["method"] for r in scene.requests()}) == (prune is not Prune.OFF)
