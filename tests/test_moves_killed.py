"""A rename or move that is killed at any point, and run again: one create, one delete, and nothing is lost."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, running
from tests.moving import CANARY, content, renamed, rich
from tests.rig import TOKEN, plain
from tests.test_killed import ROOT, Scene, at

FLAGS = ("--max-delete-percent", "100")
ALLOWED = (*FLAGS, "--allow-moves")


class Moved(Scene):
    """A tree of two projects whose applies may move."""

    def __init__(self, folder: Path, emulator: Emulator, url: str) -> None:
        super().__init__(folder, emulator, url)
        text = f"server: {url}\nprojects: [other, yaml]\ntree: killed\n"
        (self.tree / "reconciler.yaml").write_text(text, "utf-8")

    def only(self, *documents: dict[str, Any]) -> None:
        for file in self.tree.glob("*.json"):
            file.unlink()
        self.write(*documents)

    @contextlib.contextmanager
    def applying(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "reconciler", "apply", str(self.tree), "--yes", "--concurrency", "1", *ALLOWED]
        ours = signal.signal(signal.SIGINT, signal.default_int_handler)
        run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        signal.signal(signal.SIGINT, ours)
        with run:
            try:
                yield run
            finally:
                run.kill()

    def apply(self, *flags: str) -> int:
        return call(["apply", str(self.tree), "--yes", *(flags or ALLOWED)])

    def plan(self) -> int:
        return call(["plan", str(self.tree), "--detailed-exitcode", *ALLOWED])

    def killed(self, fault: dict[str, Any]) -> None:
        """Kill an apply at a fault; a write that is done and then held is waited for."""
        method = fault["match"]["method"]
        self.kill(fault, lambda: fault["kind"] != "slow" or bool(self.done(method)))

    def done(self, method: str) -> list[str]:
        """The names that writes of this method reached, once per write that was done."""
        return [
            str(r["body"]["name"] if method == "POST" else dict(r["query"])["name"])
            for r in self.emulator.requests()
            if r["method"] == method and (r["status"] == 200 or r["fault"] == "slow")
        ]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    ticks = itertools.count(1_700_000_000, 10)
    emulator = Emulator(clock=lambda: float(next(ticks)))
    with running(emulator) as url:
        yield emulator, url


@pytest.fixture
def scene(served, tmp_path, monkeypatch):
    """A server with somebody else's build, and one that this tree made."""
    emulator, url = served
    bystander = {"name": "bystander", "product_name": "yaml", "source": "zadig", "scripts": "mine\n"}
    emulator.set_faults([])
    emulator.set_state(None, [{**bystander, "targets": [], "pre_build": {}, "update_by": "ann", "update_time": 1}])
    for name in ("CI", "RECONCILER_LEDGER", "ZADIG_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    scene = Moved(tmp_path, emulator, url)
    scene.only(rich())
    assert scene.apply() == 0
    emulator.clear_requests()
    return scene


def detail(name: str) -> str:
    return f"^/openapi/build/{name}/detail$"


def converged(scene: Moved, name: str, old: dict[str, Any]) -> None:
    """The plan is empty, there was one create and one delete in all, and the build holds what the old one held."""
    assert scene.plan() == 0
    assert scene.done("POST") == [name]
    assert scene.done("DELETE") == ["old"]
    assert sorted(scene.stored()) == sorted(["bystander", name])
    left, right = content(old), content(scene.stored()[name])
    for one in (left, right):
        one["pre_build"].pop("storages", None)
    assert left == right
    assert CANARY in json.dumps(right)
    assert scene.stored()["bystander"]["scripts"] == "mine\n"


RENAMES = {
    "before the create arrives": (at("timeout", 0, "POST"), 4),
    "after the create is done": (at("slow", 0, "POST"), 4),
    "while the create is read back": (at("timeout", 0, "GET", detail("new")), 4),
    "before the delete arrives": (at("timeout", 0, "DELETE"), 4),
    "after the delete is done": (at("slow", 0, "DELETE"), 0),
    "while the delete is read back": (at("timeout", 4, "GET", detail("old")), 0),
}
"""Where it dies, and how a run without `--allow-moves` ends afterwards."""


@pytest.mark.parametrize("point", RENAMES)
def test_a_rename_that_is_killed_is_finished_by_the_next_run(scene: Moved, point: str, capsys):
    """Without the flag nothing more is deleted; with it there is one build again, as it was."""
    fault, code = RENAMES[point]
    old = scene.stored()["old"]
    scene.only(renamed("old"))
    scene.killed(fault)
    deleted = scene.done("DELETE")
    assert scene.apply(*FLAGS) == code
    assert scene.done("DELETE") == deleted
    assert scene.apply() == 0
    converged(scene, "new", old)


MOVES = {
    "before the delete arrives": (at("timeout", 0, "DELETE"), 4),
    "after the delete is done": (at("slow", 0, "DELETE"), 0),
    "while the delete is read back": (at("timeout", 3, "GET", detail("old")), 0),
    "before the create arrives": (at("timeout", 0, "POST"), 0),
    "after the create is done": (at("slow", 0, "POST"), 0),
    "while the create is read back": (at("timeout", 4, "GET", detail("old")), 0),
}


@pytest.mark.parametrize("point", MOVES)
def test_a_move_that_is_killed_is_finished_by_the_next_run(scene: Moved, point: str, capsys):
    """Once the old build is gone no flag is needed; what the definition does not declare is not lost."""
    fault, code = MOVES[point]
    old = scene.stored()["old"]
    scene.only({**plain("old"), "project_key": "other", "parameters": rich()["parameters"]})
    scene.killed(fault)
    deleted = scene.done("DELETE")
    assert scene.apply(*FLAGS) == code
    assert scene.done("DELETE") == deleted
    assert scene.apply() == 0
    converged(scene, "old", old)
    assert scene.stored()["old"]["product_name"] == "other"


def test_a_build_that_somebody_makes_under_the_old_name_after_the_kill_is_not_ours(scene: Moved, capsys):
    """The delete was done and never recorded: whoever has that name now keeps the build."""
    scene.only(renamed("old"))
    scene.killed(at("slow", 0, "DELETE"))
    theirs = {**scene.stored()["bystander"], "name": "old", "update_by": "mallory", "update_time": 1_900_000_000}
    scene.emulator.set_state(None, [*scene.stored().values(), theirs])
    deleted = scene.done("DELETE")
    assert scene.apply() == 0
    assert scene.done("DELETE") == deleted == ["old"]
    assert scene.stored()["old"]["update_by"] == "mallory"


def test_one_interrupt_finishes_the_move_that_is_in_flight(scene: Moved, capsys):
    """The old build is deleted: the first Ctrl-C does not stop between that and the create."""
    old = scene.stored()["old"]
    scene.only({**plain("old"), "project_key": "other", "parameters": rich()["parameters"]})
    scene.emulator.set_faults([at("slow", 0, "DELETE")])
    with scene.applying() as run:
        scene.until(lambda: scene.held("slow"), run)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    assert b"other/old created, in place of yaml/old" in out
    scene.emulator.set_faults([])
    converged(scene, "old", old)
