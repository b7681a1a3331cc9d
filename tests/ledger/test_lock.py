"""The lock of a run: all or none, waited for as long as asked, renewed, and known to be lost when it is."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from reconciler.ledger.home import Ticket
from reconciler.ledger.lock import Claim, Hold, Passing, Waiting, acquire
from reconciler.model.errors import Interrupted, LedgerError, Locked
from tests.ledger.contract import AGES, SERVER
from tests.ledger.memory import MemoryHome, Shelf

PATIENCE = 30.0
"""Seconds after which a test gives up waiting for what must come; nothing is measured by it."""


class Time:
    """A clock that a test moves; sleeping moves it too."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.slept: list[float] = []
        self.passing = Passing(lambda: self.now, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def home(shelf: Shelf, time: Time, **more) -> MemoryHome:
    return MemoryHome(shelf, SERVER, now=lambda: time.now, **more)


THEIRS = Ticket("1", "ann@far", "apply", "c0ffee1234", "https://ci.example/7", 1_699_999_940.0, AGES, 42)


def held(shelf: Shelf, **more) -> None:
    shelf.locks[SERVER, "shop"] = replace(THEIRS, **more)


# Taking --------------------------------------------------------------------------------------------------


def test_a_held_lock_is_told_with_everything_that_is_known(shelf: Shelf, time: Time):
    """Who, since when, what for, of which commit, in which job, until when, and what to type."""
    held(shelf)
    with pytest.raises(Locked) as caught:
        acquire(home(shelf, time), ["yaml", "shop", "zebra"], Claim(), passing=time.passing)
    assert caught.value.message == (
        'project "shop" is locked by ann@far (process 42) since 2023-11-14 22:12:20 UTC (60 s): '
        "apply of commit c0ffee12, https://ci.example/7; free at 2096-10-02 07:06:40 UTC unless it is renewed"
    )
    assert "reconciler unlock 1" in caught.value.hint
    assert "--lock-timeout" in caught.value.hint
    assert time.slept == []
    assert shelf.locks.keys() == {(SERVER, "shop")}


def test_a_lock_is_waited_for_as_long_as_asked(shelf: Shelf, time: Time):
    """Whoever waits is told once for whom, and takes nothing meanwhile."""
    held(shelf)
    told: list[str] = []
    with pytest.raises(Locked, match="ann@far"):
        acquire(home(shelf, time), ["a", "shop"], Claim(), Waiting(10, told.append), time.passing)
    assert sum(time.slept) == pytest.approx(10)
    assert len(told) == 1
    assert "waiting up to 10 s" in told[0]
    assert "ann@far" in told[0]
    assert shelf.locks.keys() == {(SERVER, "shop")}


@pytest.mark.parametrize("way", ["given back", "expired"])
def test_a_lock_that_becomes_free_is_taken_by_who_waits(shelf: Shelf, time: Time, way: str):
    """Given back by its holder, or expired because that is gone."""
    held(shelf, until=time.now + 5 if way == "expired" else AGES)

    def sleep(seconds: float) -> None:
        time.sleep(seconds)
        if way == "given back":
            shelf.locks.clear()

    passing = replace(time.passing, sleep=sleep)
    hold = acquire(home(shelf, time), ["yaml", "shop"], Claim("apply"), Waiting(60), passing)
    assert {lock.id for lock in shelf.locks.values()} == {hold.id}
    assert sum(time.slept) < 10
    hold.give_back()
    assert shelf.locks == {}


def test_whoever_stops_a_run_that_waits_need_not_wait(shelf: Shelf, time: Time):
    """It ends after the pause that it is in, and holds nothing."""
    held(shelf)
    waiting = Waiting(600, stopped=lambda: len(time.slept) == 2)
    with pytest.raises(Interrupted, match="nothing was written"):
        acquire(home(shelf, time), ["a", "shop"], Claim(), waiting, time.passing)
    assert len(time.slept) == 2
    assert shelf.locks.keys() == {(SERVER, "shop")}


def test_what_was_taken_is_given_back_where_the_place_fails(shelf: Shelf, time: Time):
    """Also by an interrupt, and also the one of which it is not known whether it was taken."""

    class Failing(MemoryHome):
        def take(self, project: str, ticket: Ticket) -> None:
            super().take(project, ticket)
            if project == "shop":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acquire(Failing(shelf, SERVER), ["shop", "a", "z"], Claim(), passing=time.passing)
    assert shelf.locks == {}


def test_two_runs_over_the_same_projects_never_wait_for_each_other(shelf: Shelf, time: Time):
    """The first one of the sorted names decides, whatever order the projects are named in; each is taken once."""
    order: list[str] = []

    class Watched(MemoryHome):
        def take(self, project: str, ticket: Ticket) -> None:
            order.append(project)
            super().take(project, ticket)

    acquire(Watched(shelf, SERVER), ["c", "a", "b", "a"], Claim(), passing=time.passing).give_back()
    assert (order[0], sorted(order)) == ("a", ["a", "b", "c"])


# Keeping -------------------------------------------------------------------------------------------------


def test_a_lock_is_renewed_by_itself_for_as_long_as_it_is_held():
    """A short lease, real time: it lives through many leases, and is free as soon as it is given back."""
    shelf, renewed = Shelf(), threading.Semaphore(0)

    class Counting(MemoryHome):
        def renew(self, project: str, ticket: Ticket) -> None:
            super().renew(project, ticket)
            renewed.release()

    hold = acquire(Counting(shelf, SERVER, lease=0.06), ["yaml"], Claim())
    first = shelf.locks[SERVER, "yaml"].until
    for _ in range(5):
        assert renewed.acquire(timeout=PATIENCE)
    last = shelf.locks[SERVER, "yaml"].until
    assert first is not None
    assert last is not None
    assert last > first
    hold.give_back()
    assert shelf.locks == {}


def taken(shelf: Shelf, time: Time, **more) -> Hold:
    return acquire(home(shelf, time, **more), ["shop", "yaml"], Claim("apply"), passing=time.passing)


def test_a_run_that_asks_late_renews_first(shelf: Shelf, time: Time):
    """Right after a renewal nothing is asked; a moment later the place is."""
    hold = taken(shelf, time)
    before = dict(shelf.locks)
    assert hold.lost() is None
    assert shelf.locks == before
    time.now += 50
    assert hold.lost() is None
    assert shelf.locks[SERVER, "shop"].until == time.now + 60
    hold.give_back()


def test_a_run_whose_lock_was_taken_is_told_so(shelf: Shelf, time: Time):
    """It was stopped for longer than the lease, and another has the lock: it must not write any more, ever."""
    hold = taken(shelf, time)
    time.now += 100
    theirs = acquire(home(shelf, time), ["shop"], Claim("adopt", "beef", "ann", "https://ci/8"), passing=time.passing)
    lost = hold.lost()
    assert lost is not None
    assert 'lock of project "shop" is not this run\'s any more' in lost.message
    assert "adopt of commit beef, https://ci/8" in lost.message
    assert lost.exit_code == 75
    theirs.give_back()
    assert hold.lost() is lost
    hold.give_back()
    assert shelf.locks == {}


def test_a_run_whose_lock_was_broken_is_told_so(shelf: Shelf, time: Time):
    """Nobody has taken it, but somebody has said that this run is gone."""
    hold = taken(shelf, time)
    del shelf.locks[SERVER, "yaml"]
    time.now += 2
    lost = hold.lost()
    assert lost is not None
    assert "somebody has broken it" in lost.message
    hold.give_back()
    assert shelf.locks == {}


def test_a_run_that_slept_through_its_lease_and_lost_nothing_goes_on(shelf: Shelf, time: Time):
    """Nobody wanted the lock meanwhile, so it is still ours."""
    hold = taken(shelf, time)
    time.now += 10_000
    assert hold.lost() is None
    hold.give_back()


def test_a_place_that_cannot_be_reached_stops_the_run_before_the_lease_ends(shelf: Shelf, time: Time):
    """As long as the lease is sure the run goes on; from its last quarter on it does not; back again, it does."""
    down = [True]

    class Shaky(MemoryHome):
        def renew(self, project: str, ticket: Ticket) -> None:
            if down[0]:
                raise LedgerError("the place is down")
            super().renew(project, ticket)

    hold = acquire(Shaky(shelf, SERVER, now=lambda: time.now), ["yaml"], Claim(), passing=time.passing)
    time.now += 44
    assert hold.lost() is None
    time.now += 2
    lost = hold.lost()
    assert lost is not None
    assert "could not be renewed for 46 s" in lost.message
    assert "the place is down" in lost.message
    down[0] = False
    assert hold.lost() is None
    hold.give_back()


def test_a_suspended_machine_counts_by_the_wall_clock(shelf: Shelf):
    """The monotonic clock stands still in a suspended machine; the lease does not."""
    wall = [1_700_000_000.0]
    passing = Passing(lambda: wall[0], lambda: 5.0, lambda _: None)
    far = MemoryHome(shelf, SERVER, now=lambda: wall[0])
    hold = acquire(far, ["yaml"], Claim(), passing=passing)
    wall[0] += 3600
    acquire(far, ["yaml"], Claim("apply"), passing=passing)
    assert hold.lost() is not None
    hold.give_back()


def test_a_place_without_expiry_keeps_its_lock_without_renewals(shelf: Shelf, time: Time):
    """No thread, no renewal; what the place says of a lost lock is believed."""
    hold = taken(shelf, time, lease=None)
    time.now += 1e6
    assert hold.lost() is None
    assert shelf.locks[SERVER, "yaml"].until is None
    hold.taken("yaml", THEIRS)
    assert hold.lost() is not None
    hold.give_back()


@pytest.mark.parametrize(("lease", "told"), [(60.0, 0), (None, 1)], ids=["expires", "stays"])
def test_a_lock_that_cannot_be_given_back_is_told_where_nothing_expires(
    shelf: Shelf, time: Time, lease: float | None, told: int
):
    """Else the next run would be the first to hear of it. Where it expires by itself, nobody has to do anything."""

    class Failing(MemoryHome):
        def release(self, project: str, id: str) -> bool:
            raise LedgerError("the place is down")

    said: list[str] = []
    place = Failing(shelf, SERVER, lease=lease, now=time.passing.wall)
    hold = acquire(place, ["yaml"], Claim(), Waiting(told=said.append), time.passing)
    hold.give_back()
    assert len(said) == told
    assert all(f"reconciler unlock {hold.id}" in sentence and "the place is down" in sentence for sentence in said)
