"""An apply that is killed at any point, and run again: it converges, and nothing is done twice."""

from __future__ import annotations

import contextlib
import copy
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, running
from tests.ledger_file import file_ledger, held_by_another
from tests.rig import TOKEN, plain, template

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0
"""Seconds after which a test gives up waiting for what must come; nothing is measured by it."""

DETAIL = "^/openapi/build/[^/]+/detail$"


class Scene:
    """A tree and a served emulator whose clock moves on by ten seconds with every request."""

    def __init__(self, folder: Path, emulator: Emulator, url: str) -> None:
        self.tree = folder / "tree"
        self.tree.mkdir()
        (self.tree / "reconciler.yaml").write_text(f"server: {url}\nprojects: [yaml]\ntree: killed\n", "utf-8")
        self.emulator = emulator
        self.url = url

    def write(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            (self.tree / f"{document['name']}.json").write_text(json.dumps(document), "utf-8")

    @contextlib.contextmanager
    def applying(self, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """A real process that applies; it is gone when the context ends, and takes Ctrl-C also where we do not."""
        command = [sys.executable, "-m", "reconciler", "apply", str(self.tree), "--yes", "--concurrency", "1", *more]
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        signal.signal(signal.SIGINT, ours)
        with run:
            try:
                yield run
            finally:
                run.kill()

    def until(self, what: Callable[[], bool], run: subprocess.Popen[bytes]) -> None:
        """Wait for something that happens while a process runs."""
        end = time.monotonic() + PATIENCE
        while not what():
            assert run.poll() is None, run.communicate()
            assert time.monotonic() < end, self.emulator.requests()
            time.sleep(0.005)

    def held(self, kind: str) -> bool:
        """Whether the request that the fault holds has arrived (and, where it is to be done, is done)."""
        return any(r["fault"] == kind for r in self.emulator.requests())

    def kill(self, fault: dict[str, Any], done: Callable[[], bool] = lambda: True) -> None:
        """Run until the fault holds the process, and kill it there."""
        self.emulator.set_faults([fault])
        with self.applying() as run:
            self.until(lambda: self.held(fault["kind"]) and done(), run)
            run.kill()
            assert run.wait() == -signal.SIGKILL
        self.emulator.set_faults([])

    def again(self, *more: str) -> int:
        return call([more[0] if more else "apply", str(self.tree), *(more[1:] or ("--yes",))])

    def stored(self) -> dict[str, dict[str, Any]]:
        return {b["name"]: b for b in self.emulator.state()["builds"]}

    def successes(self, method: str) -> list[str]:
        """The names of the builds that writes of this method reached, once per write that was done."""
        return sorted(
            r["body"]["name"]
            for r in self.emulator.requests()
            if r["method"] == method and (r["status"] == 200 or r["fault"] == "slow")
        )

    def converged(self, names: list[str]) -> None:
        """Run again: everything is there, made once, nothing is deleted, and no update is blocked afterwards."""
        bystander = copy.deepcopy(self.stored()["bystander"])
        assert self.again() == 0
        assert self.again("plan", "--detailed-exitcode") == 0
        assert self.successes("POST") == names
        assert [r for r in self.emulator.requests() if r["method"] == "DELETE"] == []
        assert self.stored()["bystander"] == bystander
        assert sorted(self.stored()) == sorted([*names, "bystander"])
        self.write(plain("a", build_script="later\n"), plain("b", build_script="later\n"), made_from("web"))
        assert self.again("plan", "--detailed-exitcode") == 2
        assert self.again() == 0
        assert self.again("plan", "--detailed-exitcode") == 0


def made_from(branch: str) -> dict[str, Any]:
    """A template build whose inputs' types only the template knows: it takes two writes."""
    repo = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": branch}
    return template("t", repo_info=[repo], inputs=[{"key": "mode", "value": "slow"}, {"key": "pw", "value": "x"}])


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    ticks = itertools.count(1_700_000_000, 10)
    emulator = Emulator(clock=lambda: float(next(ticks)))
    with running(emulator) as url:
        yield emulator, url


@pytest.fixture
def scene(served, tmp_path, monkeypatch):
    """Two plain builds and one from a template in Git, a bystander on the server."""
    emulator, url = served
    bystander = {
        "name": "bystander",
        "source": "zadig",
        "product_name": "yaml",
        "scripts": "mine\n",
        "update_by": "ann",
    }
    emulator.set_faults([])
    emulator.set_settings({"internal_read": True})
    emulator.set_state(None, [{**bystander, "targets": [], "pre_build": {}, "update_by": "ann", "update_time": 1}])
    emulator.clear_requests()
    for name in ("CI", "RECONCILER_LEDGER", "ZADIG_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    scene = Scene(tmp_path, emulator, url)
    scene.write(plain("a", build_script="one\n"), plain("b", build_script="one\n"), made_from("main"))
    return scene


def at(kind: str, index: int, method: str, path: str = "") -> dict[str, Any]:
    return {"kind": kind, "at": [index], "match": {"method": method, "path": path}}


CREATES = {
    "while the list is read": (at("timeout", 0, "GET"), []),
    "while the server is probed": (at("timeout", 0, "PUT"), []),
    "before the first create arrives": (at("timeout", 0, "POST"), []),
    "after the first create is done": (at("slow", 0, "POST"), ["a"]),
    "while the first create is read back": (at("timeout", 0, "GET", DETAIL), ["a"]),
    "after the second create is done": (at("slow", 1, "POST"), ["a", "b"]),
    "before the inputs of the template build are written": (at("timeout", 1, "PUT"), ["a", "b", "t"]),
    "after the inputs of the template build are written": (at("slow", 1, "PUT"), ["a", "b", "t"]),
}


@pytest.mark.parametrize("point", CREATES)
def test_creates_that_are_killed_are_made_once(scene: Scene, point: str, capsys):
    """Wherever the process dies, every build is created exactly once, and is ours afterwards."""
    fault, there = CREATES[point]
    scene.kill(fault, lambda: set(there) <= set(scene.stored()))
    assert sorted(scene.stored()) == sorted([*there, "bystander"])
    scene.converged(["a", "b", "t"])


HIDING = {
    "its detail fails": {"kind": "500-empty", "probability": 1.0, "match": {"path": "^/openapi/build/a/detail$"}},
    "the list does not settle": {"kind": "unsettled-list", "probability": 1.0},
}


@pytest.mark.parametrize("hiding", HIDING)
def test_what_was_announced_is_kept_while_nobody_can_look(scene: Scene, hiding: str, capsys):
    """A run in between that cannot see the build, and writes others, does not forget that it is ours."""
    for file in scene.tree.glob("*.json"):
        file.unlink()
    scene.write(plain("own"))
    assert scene.again() == 0
    scene.write(plain("a", build_script="one\n"), plain("own", build_script="two\n"))
    scene.kill(at("slow", 0, "POST"), lambda: "a" in scene.stored())
    scene.emulator.set_faults([HIDING[hiding]])
    assert scene.again() == 1
    assert scene.stored()["own"]["scripts"] == "two\n"
    scene.emulator.set_faults([])
    assert scene.again() == 0
    with file_ledger(str(scene.tree / ".reconciler" / "ledger.db"), scene.url, writable=False) as ledger:
        document = ledger.read("yaml")
    assert (document.records["a"].tree, document.records["a"].exact) == ("killed", True)
    assert dict(document.intents) == {}


UPDATES = {
    "before the first update arrives": at("timeout", 1, "PUT"),
    "after the first update is done": at("slow", 1, "PUT"),
    "while the second update is read back": at("timeout", 2, "GET", "^/openapi/build/b/detail$"),
    "after the update of the template build is done": at("slow", 0, "PUT", "/t/template$"),
}


@pytest.mark.parametrize("point", UPDATES)
def test_updates_that_are_killed_converge(scene: Scene, point: str, capsys):
    """The second run does what is left; what was done is known as ours, unreadable settings included."""
    unreadable = {"advanced_settings": {"cluster_name": "gpu-cluster", "privileged_mode": True}}
    assert scene.again() == 0
    scene.emulator.clear_requests()
    scene.write(
        plain("a", build_script="two\n", **unreadable),
        plain("b", build_script="two\n", **unreadable),
        made_from("next"),
    )
    fault = UPDATES[point]
    scene.kill(fault, lambda: fault["kind"] != "slow" or written(scene, fault))
    assert scene.again() == 0
    assert {name: b["scripts"] for name, b in scene.stored().items() if name in "ab"} == {"a": "two\n", "b": "two\n"}
    assert all(scene.stored()[name]["enable_privileged_mode"] is True for name in "ab")
    assert scene.stored()["t"]["targets"][0]["repos"][0]["branch"] == "next"
    assert scene.successes("POST") == []
    assert [r for r in scene.emulator.requests() if r["method"] == "DELETE"] == []
    assert scene.again("plan", "--detailed-exitcode") == 0
    assert sorted(scene.stored()) == ["a", "b", "bystander", "t"]


CONVERSIONS = {
    "before the first conversion arrives": at("timeout", 1, "PUT"),
    "after the first conversion is done": at("slow", 1, "PUT"),
    "while the first conversion is read back": at("timeout", 1, "GET", "^/openapi/build/a/detail$"),
}


@pytest.mark.parametrize("point", CONVERSIONS)
def test_conversions_that_are_killed_converge(scene: Scene, point: str, capsys):
    """The build is of the new kind once, ours, and nobody has to let anything go."""
    assert scene.again() == 0
    scene.write({**made_from("next"), "name": "a"}, plain("t", build_script="plain now\n"))
    fault = CONVERSIONS[point]
    scene.kill(fault, lambda: fault["kind"] != "slow" or bool(scene.stored()["a"].get("template_id")))
    assert scene.again() == 0
    assert scene.stored()["a"]["targets"][0]["repos"][0]["branch"] == "next"
    assert (scene.stored()["t"]["scripts"], scene.stored()["t"]["template_id"]) == ("plain now\n", "")
    assert scene.again("plan", "--detailed-exitcode") == 0
    assert sorted(scene.stored()) == ["a", "b", "bystander", "t"]


def written(scene: Scene, fault: dict[str, Any]) -> bool:
    if "template" in fault["match"]["path"]:
        return bool(scene.stored()["t"]["targets"][0]["repos"][0]["branch"] == "next")
    return bool(scene.stored()["a"]["scripts"] == "two\n")


def test_a_build_that_somebody_changed_after_the_kill_is_not_overwritten_blindly(scene: Scene, capsys):
    """The create was done and never recorded, then somebody else wrote: that is not ours to replace unseen."""
    scene.emulator.set_settings({"internal_read": False})
    scene.kill(at("slow", 0, "POST"), lambda: "a" in scene.stored())
    builds = list(scene.stored().values())
    for build in builds:
        if build["name"] == "a":
            build.update(scripts="theirs\n", update_by="mallory", update_time=build["update_time"] + 1)
    scene.emulator.set_state(None, builds)
    assert scene.again() == 4
    assert scene.stored()["a"]["scripts"] == "theirs\n"
    assert {"b", "t"} <= set(scene.stored())


def test_one_interrupt_finishes_what_is_in_flight_and_skips_the_rest(scene: Scene, capsys):
    """130; the write that was on its way is read back and recorded, the next run does the others."""
    scene.emulator.set_faults([at("slow", 0, "POST")])
    with scene.applying() as run:
        scene.until(lambda: scene.held("slow"), run)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    assert b"yaml/a created" in out
    assert out.count(b"skipped") >= 2
    assert b"Ctrl-C again" in err
    assert b"Traceback" not in err
    assert sorted(scene.stored()) == ["a", "bystander"]
    scene.emulator.set_faults([])
    scene.converged(["a", "b", "t"])


def test_a_second_interrupt_stops_at_once(scene: Scene, capsys):
    """130 without waiting for an answer that never comes; the next run finds out what became of it."""
    scene.emulator.set_faults([at("timeout", 0, "POST")])
    with scene.applying() as run:
        scene.until(lambda: scene.held("timeout"), run)
        run.send_signal(signal.SIGINT)
        assert run.stderr is not None
        assert b"Ctrl-C again" in run.stderr.readline()
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 130
    assert b"Traceback" not in err
    scene.emulator.set_faults([])
    scene.converged(["a", "b", "t"])


def test_an_interrupt_while_reading_stops_without_a_traceback(scene: Scene):
    """Before anything is announced there is nothing to finish: 130, nothing is recorded, and the lock is given back."""
    scene.emulator.set_faults([at("timeout", 0, "GET")])
    with scene.applying() as run:
        scene.until(lambda: scene.held("timeout"), run)
        os.kill(run.pid, signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out, err.strip()) == (130, b"", b"interrupted")
    with file_ledger(scene.tree / ".reconciler" / "ledger.db", scene.url, writable=False) as ledger:
        assert (ledger.text("yaml"), ledger.holder("yaml")) == ("", None)


def test_a_run_that_waited_for_another_one_plans_what_is_there_then(scene: Scene):
    """What the other one left is what it compares with: nothing is stale, and nothing that is new is overwritten."""
    assert scene.again() == 0
    file = scene.tree / ".reconciler" / "ledger.db"
    ticket = held_by_another(file, scene.url)
    scene.write(plain("a", build_script="mine\n"))
    sent = len(scene.emulator.requests())
    with scene.applying("--lock-timeout", "60") as run:
        assert run.stderr is not None
        assert b"waiting up to 60 s" in run.stderr.readline()
        builds = scene.emulator.state()["builds"]
        next(b for b in builds if b["name"] == "a").update(timeout=77, update_time=1_600_000_000, update_by="jane")
        scene.emulator.set_state(None, builds)
        with file_ledger(file, scene.url) as ledger:
            assert len(scene.emulator.requests()) == sent
            ledger.break_lock("yaml", ticket.id)
        out, err = run.communicate(timeout=PATIENCE)
    assert run.returncode == 0, (out, err)
    stored = scene.stored()["a"]
    assert (stored["scripts"], stored["timeout"]) == ("mine\n", 77)
