"""A run that is killed at any request, to the server or to the ledger, before it arrives or after it was done.

At every home: the next run takes the lock as the home allows, finishes what was begun, and does nothing twice.
"""

from __future__ import annotations

import itertools
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.crowd import Crowd, crowd_at, forks
from tests.ledger.fault_proxy import Fault, FaultProxy
from tests.ledger.forks import Run
from tests.ledger.shared_places import SHARED, SharedPlace
from tests.rig import plain

STEP = 7
"""Every so many points are tried at one home; the homes begin at different ones."""

FLAGS = ("--prune", "owned", "--max-delete-percent", "100", "--allow-moves", "--concurrency", "1", "-q")


@pytest.fixture(scope="module")
def made():
    with forks() as running:
        yield running


@pytest.fixture(params=SHARED)
def crowd(request, tmp_path: Path, made) -> Iterator[Crowd]:
    with crowd_at(request.param, tmp_path, made) as crowd:
        yield crowd


class Killing:
    """Networks in front of the server and of the ledger that kill a run at one of its requests."""

    def __init__(self, crowd: Crowd, server: FaultProxy, ledger: FaultProxy) -> None:
        self.crowd, self.server, self.ledger = crowd, server, ledger
        self.place: SharedPlace = crowd.place.behind(ledger.url)
        self.run: Run | None = None

    def begin(self) -> None:
        """What there is before: a build that will be changed, one that will go, one that gets another name."""
        self.crowd.write("t", plain("a", build_script="1\n"), plain("gone"), plain("old"))
        assert self.apply() == 0
        self.before = (self.crowd.emulator.state()["builds"], self.crowd.place.kept())
        renamed = {**plain("new"), "x-reconciler": {"renamed_from": "old"}}
        self.crowd.write("t", plain("a", build_script="2\n"), plain("b"), renamed)

    def again(self) -> None:
        """Let everything be as it was before."""
        self.crowd.emulator.set_state(None, self.before[0])
        self.crowd.place.put_back(self.before[1])
        self.crowd.emulator.clear_requests()

    def apply(self) -> int:
        """Apply through the networks."""
        self.server.requests.clear()
        self.ledger.requests.clear()
        self.run = self.crowd.apply("t", *FLAGS, place=self.place)
        code = self.run.wait()
        self.crowd.runs.remove(self.run)
        return code

    def kill_at(self, network: FaultProxy, number: int, moment: str) -> int:
        def then() -> None:
            assert self.run is not None
            self.run.kill()

        network.faults = [Fault("", "", moment, skip=number, then=then)]
        return self.apply()


def test_killed_at_any_request_the_next_run_finishes_and_does_nothing_twice(crowd: Crowd, request):
    """The plan is empty, every build was made and deleted at most once, and every record is there and exact."""
    zadig = crowd.url
    with FaultProxy(zadig) as server, FaultProxy(crowd.place.target) as ledger:
        crowd.url = server.url
        crowd.names = {"a", "b", "new"}
        scene = Killing(crowd, server, ledger)
        scene.begin()
        assert scene.apply() == 0
        counts = {"server": len(server.requests), "ledger": len(ledger.requests)}
        points = [(where, n, m) for where, count in counts.items() for n in range(count) for m in ("reset", "lost")]
        first = SHARED.index(request.node.callspec.params["crowd"])
        for where, number, moment in itertools.islice(points, first, None, STEP):
            told = f"killed at request {number} to the {where}, {moment}"
            scene.again()
            code = scene.kill_at({"server": server, "ledger": ledger}[where], number, moment)
            assert code == -signal.SIGKILL, told
            ticket = crowd.place.holder(crowd.url)
            if ticket is not None:
                crowd.freed(ticket)
            converged(crowd, told)


def converged(crowd: Crowd, told: str) -> None:
    code, said = crowd.done("apply", str(crowd.folder / "t"), "--yes", *FLAGS)
    assert code == 0, f"{told}: {said}"
    code, said = crowd.done("plan", str(crowd.folder / "t"), "--detailed-exitcode", *FLAGS[:5])
    assert code == 0, f"{told}: {said}"
    done = Counter({method: Counter(crowd.writes(method)) for method in ("POST", "PUT", "DELETE")})
    assert done["POST"] == {"b": 1, "new": 1}, told
    assert done["DELETE"] == {"gone": 1, "old": 1}, told
    assert done["PUT"] == {"a": 1}, told
    assert {b["name"] for b in crowd.emulator.state()["builds"]} == crowd.names, told
    with crowd.ledger() as ledger:
        document = ledger.read("yaml")
    assert set(document.records) == crowd.names, told
    assert dict(document.intents) == {}, told
    stamps = {b["name"]: b["update_time"] for b in crowd.emulator.state()["builds"]}
    assert {n: r.stamps.update_time for n, r in document.records.items()} == stamps, told
