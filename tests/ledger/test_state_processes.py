"""Eight processes and one state: under the lock nothing is lost, whoever is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.ledger.home import Held
from tests.ledger.state_homes import ANN, SERVER, scene
from tests.ledger.state_server import SILENT

ROOT = Path(__file__).parents[2]
WORKER = f"""
import sys, time
from reconciler.ledger.home import Held, Ticket
from reconciler.ledger.state import StateHome
url, who = sys.argv[1:]
home = StateHome(url, {SERVER!r}, environ={{}})
for number in range(3):
    id = f"{{who}}-{{number}}"
    while True:
        try:
            home.take("yaml", Ticket(id, who))
            break
        except Held:
            time.sleep(0.005)
    there = home.read("yaml")
    home.write("yaml", f"{{there.text}} {{id}}", there.version, id)
    assert home.release("yaml", id)
"""


@pytest.mark.parametrize("gitlab", [False, True], ids=["plain", "gitlab"])
def test_eight_processes_lose_nothing(gitlab):
    """Each adds three words, each under the lock: all are there, once, and no lock is left."""
    with scene(gitlab=gitlab) as made:
        running = [worker(made.states.url, f"p{number}") for number in range(8)]
        assert [process.wait(60) for process in running] == [0] * 8
        words = made.home().read("yaml").text.split()
        assert sorted(words) == sorted(f"p{who}-{number}" for who in range(8) for number in range(3))
        assert made.states.locks == {}


def test_a_killed_holder_s_lock_stays_until_it_is_broken_by_its_id():
    """The protocol has no expiry: the id that whoever waits is told frees it."""
    with scene() as made:
        made.states.fault("POST", SILENT)
        process = worker(made.states.url, "p0")
        while "POST" not in made.states.methods():
            time.sleep(0.01)
        process.kill()
        process.wait()
        with pytest.raises(Held) as caught:
            made.home().take("yaml", ANN)
        assert (caught.value.ticket.id, caught.value.ticket.holder) == ("p0-0", "p0")
        assert made.home().release("yaml", caught.value.ticket.id)
        made.home().take("yaml", ANN)


def worker(url: str, who: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WORKER, url, who], cwd=ROOT)
