"""Runners in processes of their own at one ledger in an object store: none loses what another wrote, dead or alive."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.ledger.home import Ticket
from tests.ledger.fault_proxy import Fault, FaultProxy
from tests.ledger.stores import FAITHFUL, home_at, running

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=FAITHFUL)
def store(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


def start(environ: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    """Start a runner; its words can be read from its stdout."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.ledger.object_worker", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "RUST_BACKTRACE": "0", **environ},
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )


def words(runner: subprocess.Popen[str]) -> list[str]:
    """What a runner acknowledged, when it has ended."""
    return runner.communicate()[0].split()


def test_eight_processes_that_write_at_once_lose_nothing(store):
    """Without any lock: every word that was acknowledged is there, and each once."""
    runners = [start(store.environ, "add", "eight", who, 6) for who in range(8)]
    told = [word for runner in runners for word in words(runner)]
    assert [runner.returncode for runner in runners] == [0] * 8
    assert len(told) == 48
    assert sorted(home_at(store.environ, "eight").read("yaml").text.split()) == sorted(told)


def test_when_holders_are_killed_the_others_go_on(store):
    """Two of eight die while they hold the lock: the rest ends by itself, and what was acknowledged is there once."""
    modes = ["die"] * 2 + ["lock"] * 6
    runners = [start(store.environ, mode, "holders", who, 3) for who, mode in enumerate(modes)]
    told = [word for runner in runners for word in words(runner)]
    assert [runner.returncode for runner in runners] == [-signal.SIGKILL] * 2 + [0] * 6
    assert len(told) == 2 * 2 + 6 * 3
    text = home_at(store.environ, "holders").read("yaml").text.split()
    assert len(text) == len(set(text))
    assert set(told) <= set(text) <= {*told, "0-2", "1-2"}, "besides, at most what a killed one was at"


@pytest.mark.parametrize("number", range(7))
@pytest.mark.parametrize("moment", ["reset", "lost"], ids=["before it", "after it"])
def test_killed_at_any_write_a_runner_leaves_what_the_next_can_go_on_with(store, moment, number):
    """The text is whole and has what was written until then; the lock is free at its time; the next run writes."""
    place = f"killed-{moment}-{number}"
    kill_at(store.environ, place, moment, number)
    home = home_at(store.environ, place)
    home.take("yaml", Ticket("next", until=time.time() + 60))
    there = home.read("yaml")
    done = number + (moment == "lost")
    assert there.text.split() == ["1-intent", "1-record"][: max(0, done - FIRST_TEXT)]
    home.write("yaml", f"{there.text} next", there.version, "next")
    assert home.release("yaml", "next")


FIRST_TEXT = 4
"""Writes of a run before its first text: three that try the store, and the lock."""


def test_a_run_makes_seven_writes(store):
    """So that the test above kills at each of them."""
    with FaultProxy(store.url) as proxy:
        runner = start({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, "once", "whole", 1, 1)
        assert words(runner) == []
        assert runner.returncode == 0
        assert proxy.puts() == 7
        assert [method for method, path in proxy.requests if method == "PUT" and "/yaml" in path] == ["PUT"] * 4


def kill_at(environ: dict[str, str], place: str, moment: str, number: int) -> None:
    """Start a runner and kill it at one of its writes: before the store has it, or after that and before the answer."""
    with FaultProxy(environ["AWS_ENDPOINT_URL"]) as proxy:
        victims: list[subprocess.Popen[str]] = []
        proxy.faults = [Fault("PUT", "", moment, skip=number, then=lambda: victims[0].kill())]  # noqa: PLW0108 - it is started below
        victims.append(start({**environ, "AWS_ENDPOINT_URL": proxy.url}, "once", place, 1, 1))
        assert words(victims[0]) == []
        assert victims[0].returncode == -signal.SIGKILL
