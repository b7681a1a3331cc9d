"""Many processes apply at once against one server with one ledger: each build once, every record there.

At every home: a file, object stores, servers of the Terraform HTTP state protocol.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.crowd import Crowd, crowd_at, forks, until
from tests.ledger.shared_places import EVERY

TREES = ("one", "two", "three", "four", "common", "common", "common", "common")
"""The tree of each process: four of their own, and four times the same."""


@pytest.fixture(scope="module")
def made():
    with forks() as running:
        yield running


@pytest.fixture(params=EVERY)
def crowd(request, tmp_path: Path, made) -> Iterator[Crowd]:
    with crowd_at(request.param, tmp_path, made) as crowd:
        yield crowd


def start(crowd: Crowd) -> None:
    """Let every process begin, each of which waits for the lock as long as it takes."""
    for tree in TREES:
        crowd.apply(tree, "--lock-timeout", "600", "-q")


def test_many_runs_at_once_write_every_build_once_and_lose_no_record(crowd: Crowd):
    """Eight processes create, then eight that change and create, two of which are killed while they hold the lock.

    Whoever comes second to a build finds it done and does not fail. After a kill the others go on: at once where the
    process is known to be gone, when its time is over where locks expire, else when somebody unlocks. No build is
    written twice, none is left out, and every record is there, as the server is.
    """
    for tree in set(TREES):
        crowd.scripts(tree, "make\n", 1)
    start(crowd)
    assert crowd.ends() == [0] * len(TREES)
    assert crowd.writes("POST") == dict.fromkeys(crowd.names, 1)
    crowd.emulator.clear_requests()
    for tree in set(TREES):
        crowd.scripts(tree, "make all\n", 2)
    crowd.emulator.set_settings({"latency_ms": 10})
    start(crowd)
    killed_while_holding(crowd, 2)
    assert sorted(crowd.ends()) == [-signal.SIGKILL] * 2 + [0] * (len(TREES) - 2)
    crowd.emulator.set_settings({"latency_ms": 0})
    crowd.settled(set(TREES))
    assert crowd.writes("PUT") == {name: 1 for name in crowd.names if name.endswith("0")}
    assert crowd.writes("POST") == {name: 1 for name in crowd.names if name.endswith("1")}


def killed_while_holding(crowd: Crowd, count: int) -> None:
    """Kill some holders of the lock, each after some more requests, and see to it that the lock is free again."""
    chance, dead = random.Random(7), set[str]()
    while len(dead) < count:
        until(lambda: crowd.place.holder(crowd.url) is not None or all(run.poll() is not None for run in crowd.runs))
        ticket = crowd.place.holder(crowd.url)
        if ticket is None:
            assert any(run.poll() is None for run in crowd.runs), "all are done, and too few were killed"
            continue
        crowd.watched(ticket, chance.randrange(5))
        (run,) = [run for run in crowd.runs if ticket.job == run.job]
        run.kill()
        if run.wait() < 0:
            dead.add(ticket.id)
            time.sleep(0.05)  # what was on its way arrives
            crowd.freed(ticket)
