"""A run that is stopped in the middle, whose lock goes to another one meanwhile: going on, it writes nothing more.

At every home, with real processes: one gets SIGSTOP while the server is at its first write, its lock expires or is
broken, another applies through, and the first gets SIGCONT.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger.lock import FRESH
from tests.ledger.crowd import PATIENCE, Crowd, crowd_at, forks
from tests.ledger.fault_proxy import Fault, FaultProxy
from tests.ledger.forks import Run
from tests.ledger.shared_places import KINDS
from tests.ledger.stores import REAL
from tests.rig import plain

BUILDS = ("a", "b", "c", "d")

WAYS = [("file", "expired"), ("s3", "expired"), *((kind, "broken") for kind in KINDS)]
WAYS += [pytest.param(*real.values, "broken", marks=real.marks) for real in REAL[:1]]
"""A home, and how the lock is lost there. A real store's lease is waited for by nobody, and the protocol has none."""


@pytest.fixture(scope="module")
def made():
    with forks() as running:
        yield running


@pytest.fixture
def crowd(request, tmp_path: Path, made) -> Iterator[Crowd]:
    with crowd_at(request.param, tmp_path, made) as crowd:
        yield crowd


def script(crowd: Crowd, text: str) -> None:
    crowd.write("t", *(plain(name, build_script=text) for name in BUILDS))
    crowd.names = set(BUILDS)


@pytest.mark.parametrize(("crowd", "way"), WAYS, indirect=["crowd"])
def test_a_run_that_was_stopped_sends_nothing_more_when_its_lock_is_gone(crowd: Crowd, way: str):
    """At most the one request on its way; it ends with 75 and says why; all is as the other one left it."""
    zadig = crowd.url
    with FaultProxy(zadig) as network:
        crowd.url = network.url
        script(crowd, "1\n")
        assert crowd.apply("t", "-q").wait() == 0
        script(crowd, "2\n")
        first = stopped_at_a_write(crowd, network, 1)
        script(crowd, "3\n")
        time.sleep(FRESH)
        if way == "expired":
            crowd.place.expire()
        else:
            crowd.unlock()
        code, said = crowd.done("apply", str(crowd.folder / "t"), "--yes", "-q")
        assert code == 0, said
        network.requests.clear()
        left = text(crowd)
        first.send(signal.SIGCONT)
        assert first.wait() == 75
        writes = [request for request in network.requests if request[0] != "GET"]
        assert len(writes) <= 1
        assert "is not this run's any more" in first.said
        assert "Traceback" not in first.said
        assert text(crowd) == left
        assert {b["scripts"] for b in crowd.emulator.state()["builds"]} == {"3\n"}
        assert crowd.done("plan", str(crowd.folder / "t"), "--detailed-exitcode")[0] == 0


def stopped_at_a_write(crowd: Crowd, network: FaultProxy, number: int) -> Run:
    """Begin an apply and stop it while it waits for the answer to a write that is done."""
    arrived, stopped = threading.Event(), threading.Event()

    def then() -> None:
        arrived.set()
        stopped.wait(PATIENCE)

    network.faults = [Fault("PUT", "", "stalled", skip=number, then=then)]
    run = crowd.apply("t", "--concurrency", "1", "-v")
    assert arrived.wait(PATIENCE)
    run.send(signal.SIGSTOP)
    stopped.set()
    return run


def text(crowd: Crowd) -> str:
    with contextlib.closing(crowd.place.home(crowd.url)) as home:
        return home.read("yaml").text
