"""Many processes apply at once against one server with one ledger: each build once, every record there."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, running
from tests.ledger_file import file_ledger
from tests.rig import TOKEN, plain

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds after which a test gives up waiting for what must come; nothing is measured by it."""

TREES = ("one", "two", "three", "four", "common", "common", "common", "common")
"""The tree of each process: four of their own, and four times the same."""

NAMES = sorted({f"{tree}-{number}" for tree in TREES for number in range(2)})


@dataclass
class Crowd:
    """One server, one ledger, and the processes that apply."""

    folder: Path
    emulator: Emulator
    url: str
    runs: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.db"

    def write(self, script: str) -> None:
        """Give every tree's builds a script."""
        for tree in set(TREES):
            root = self.folder / tree
            root.mkdir(exist_ok=True)
            (root / "reconciler.yaml").write_text(f"server: {self.url}\ntree: {tree}\nledger: ../ledger.db\n", "utf-8")
            for number in range(2):
                document = plain(f"{tree}-{number}", build_script=script)
                (root / f"{number}.json").write_text(json.dumps(document), "utf-8")

    def start(self) -> None:
        """Let every process begin, each of which waits for the lock as long as it takes."""
        for tree in TREES:
            command = [sys.executable, "-m", "reconciler", "apply", str(self.folder / tree), "--yes"]
            self.runs.append(
                subprocess.Popen([*command, "--lock-timeout", "600"], cwd=ROOT, text=True,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )  # fmt: skip

    def ends(self) -> list[int]:
        """Wait for every process; return their exit codes."""
        codes = []
        while self.runs:
            run = self.runs.pop()
            run.wait()
            codes.append(run.returncode)
        return codes

    def writes(self, method: str) -> dict[str, int]:
        """How often a write of each build was done since the journal was cleared."""
        done = [r for r in self.emulator.requests() if r["method"] == method and r["status"] == 200 and r["body"]]
        return Counter(r["body"]["name"] for r in done)

    def settled(self) -> None:
        """Whatever became of the runs: one more of each tree, and everything is there, once, and recorded."""
        for tree in sorted(set(TREES)):
            assert call(["apply", str(self.folder / tree), "--yes", "-q"]) == 0
            assert call(["plan", str(self.folder / tree), "--detailed-exitcode", "-q"]) == 0
        with file_ledger(self.ledger, self.url, writable=False) as ledger:
            document = ledger.read("yaml")
            assert ledger.holder("yaml") is None
        assert sorted(document.records) == NAMES
        assert document.intents == {}
        assert {name: record.tree for name, record in document.records.items()} == {n: n[:-2] for n in NAMES}
        assert all(record.exact for record in document.records.values())


@pytest.fixture
def crowd(tmp_path: Path, monkeypatch) -> Iterator[Crowd]:
    for name in ("CI", "RECONCILER_LEDGER", "ZADIG_SERVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    emulator = Emulator()
    with running(emulator) as url:
        made = Crowd(tmp_path, emulator, url)
        yield made
        for run in made.runs:
            run.kill()
            run.wait()


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_many_runs_at_once_write_every_build_once(crowd: Crowd):
    """Eight processes create: whoever comes second to a build finds it done, and no record is lost."""
    crowd.write("make\n")
    crowd.start()
    codes = crowd.ends()
    assert crowd.writes("POST") == dict.fromkeys(NAMES, 1)
    assert set(codes) <= {0, 1, 4}
    assert codes.count(0) >= len(set(TREES))
    crowd.settled()
    assert crowd.writes("POST") == dict.fromkeys(NAMES, 1)


def test_runs_that_are_killed_do_not_hold_up_the_others(crowd: Crowd):
    """Two of eight that change builds are killed while they hold the lock: the others take it over at once.

    No build is written twice, none is left out, and every record is there afterwards.
    """
    crowd.write("make\n")
    crowd.settled()
    crowd.emulator.clear_requests()
    crowd.write("make all\n")
    crowd.emulator.set_settings({"latency_ms": 10})
    crowd.start()
    chance, dead = random.Random(7), set[int]()
    while len(dead) < 2 and any(run.poll() is None for run in crowd.runs):
        pid = holder(crowd)
        if pid is not None and pid not in dead:
            seen = len(crowd.emulator.requests()) + chance.randrange(6)
            until(lambda pid=pid, seen=seen: len(crowd.emulator.requests()) >= seen or holder(crowd) != pid)
            dead |= {run.pid for run in crowd.runs if run.pid == pid and killed(run)}
    crowd.ends()
    assert len(dead) == 2
    crowd.emulator.set_settings({"latency_ms": 0})
    crowd.settled()
    assert crowd.writes("PUT") == dict.fromkeys(NAMES, 1)
    assert crowd.writes("POST") == {}


def killed(run: subprocess.Popen[str]) -> bool:
    """Kill a process; tell whether it had not ended by itself."""
    run.kill()
    run.wait()
    return run.returncode < 0


def holder(crowd: Crowd) -> int | None:
    """The process that holds the lock now."""
    with file_ledger(crowd.ledger, crowd.url, writable=False) as ledger:
        ticket = ledger.holder("yaml")
        return ticket.pid if ticket else None
