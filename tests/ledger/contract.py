"""What every home of a ledger does alike: checks that take a place, for whichever home is to be tested.

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_the_home_keeps_the_contract(check, tmp_path):
        check(Place(lambda server=SERVER: MyHome(..., server)))

A check opens the place as often as it needs: every opening stands for another process. What a kind of home cannot
do by its nature is said in `Place`, and then the check asks for what is left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import pytest

from reconciler.ledger.home import Conflict, Held, Home, Lost, Ticket

SERVER = "https://zadig.example"
OTHER = "https://other.example/zadig"
AGES = 4e9
"""A moment in the far future, seconds since 1970."""

ODD = ["A", "a", "a b", "a/b", "a%2Fb", "..", ".", "a?b#c", "日本", "ledger", "x.json", "a\\b"]
"""Names of projects that a home must keep apart."""


class Opening(Protocol):
    """Opens the place once more, for some server."""

    def __call__(self, server: str = SERVER) -> Home: ...


@dataclass(frozen=True)
class Place:
    """One empty place, and what its kind cannot do.

    Attributes:
        open: opens it once more, as another process would.
        atomic: of two writes at once without a lock one is a Conflict; where not, only one after the other.
        fenced: a write under a lock that was lost is refused.
        lists: `projects` tells what there is.
        tells: `holder` shows the lock.
        large: bytes of the largest text that is tried.
    """

    open: Opening
    atomic: bool = True
    fenced: bool = True
    lists: bool = True
    tells: bool = True
    large: int = 2_000_000


def ticket(id: str, home: Home, **more) -> Ticket:
    """A ticket that is good for ages, where the home knows expiry."""
    until = None if home.lease is None else AGES
    return replace(
        Ticket(id, "ann@far", "apply", "c0ffee", "https://ci.example/jobs/7", 1_700_000_000.0, until), **more
    )


# Texts ---------------------------------------------------------------------------------------------------


def what_is_not_there_is_empty(place: Place) -> None:
    """A project that nobody has written is an empty text, and not in the list."""
    home = place.open()
    assert home.read("yaml").text == ""
    assert home.projects() == ([] if place.lists else None)
    assert home.holder("yaml") is None
    home.erase("yaml")
    home.close()


def what_was_written_is_read_by_others(place: Place) -> None:
    """The same text, to the character, by whoever opens the place next; and the writer may go on with the version."""
    home = place.open()
    text = '{"a": "\\u0000 日本 😀 \\n \' \\" \\\\ ", "b": [1]}\r\n'
    version = home.write("yaml", text, home.read("yaml").version, "")
    assert place.open().read("yaml").text == text
    home.write("yaml", text + "more", version, "")
    assert place.open().read("yaml").text == text + "more"
    assert home.projects() == (["yaml"] if place.lists else None)


def a_large_text_is_kept_whole(place: Place) -> None:
    """A document of thousands of builds."""
    text = "日x" * (place.large // 4)
    home = place.open()
    home.write("yaml", text, home.read("yaml").version, "")
    assert place.open().read("yaml").text == text


def a_write_on_an_old_version_is_a_conflict(place: Place) -> None:
    """Whoever has read before somebody else wrote must read again; nothing of the others' is lost."""
    ann, bob = place.open(), place.open()
    mine, yours = ann.read("yaml"), bob.read("yaml")
    first = ann.write("yaml", "ann", mine.version, "")
    with pytest.raises(Conflict):
        bob.write("yaml", "bob", yours.version, "")
    assert bob.read("yaml").text == "ann"
    bob.write("yaml", "ann, bob", bob.read("yaml").version, "")
    with pytest.raises(Conflict):
        ann.write("yaml", "ann again", first, "")
    assert ann.read("yaml").text == "ann, bob"


def the_same_text_again_is_a_new_version(place: Place) -> None:
    """There and back again is a change as well: a text that reads as before may have been another meanwhile."""
    if not place.atomic:
        return
    ann, bob = place.open(), place.open()
    old = ann.write("yaml", "one", ann.read("yaml").version, "")
    second = bob.write("yaml", "two", bob.read("yaml").version, "")
    assert second != old


def projects_and_servers_are_apart(place: Place) -> None:
    """Whatever a project is called, its text is its own; the list has the names as they were given, sorted."""
    home = place.open()
    for name in ODD:
        home.write(name, f"text of {name}", home.read(name).version, "")
        home.take(name, ticket(f"lock of {name}", home))
    again, other = place.open(), place.open(OTHER)
    for name in ODD:
        assert again.read(name).text == f"text of {name}"
        assert other.read(name).text == ""
        other.take(name, ticket("another", other))
        if place.tells:
            assert _id(again.holder(name)) == f"lock of {name}"
    assert again.projects() == (sorted(ODD) if place.lists else None)


def what_is_erased_is_not_there(place: Place) -> None:
    """It reads as empty, can be written anew, and a write on what was erased is a conflict."""
    home = place.open()
    version = home.write("yaml", "text", home.read("yaml").version, "")
    home.write("shop", "text", home.read("shop").version, "")
    place.open().erase("yaml")
    assert home.read("yaml").text == ""
    assert home.read("shop").text == "text"
    assert home.projects() == (["shop"] if place.lists else None)
    with pytest.raises(Conflict):
        home.write("yaml", "more", version, "")
    home.write("yaml", "anew", home.read("yaml").version, "")
    assert place.open().read("yaml").text == "anew"


def writers_at_once_lose_nothing(place: Place) -> None:
    """Four threads that each add three words, two through one home and two through homes of their own."""
    shared = place.open()
    homes = [shared, shared, place.open(), place.open()] if place.atomic else [shared] * 1
    run_all([lambda home=home, who=who: add(home, who) for who, home in enumerate(homes)])
    words = place.open().read("yaml").text.split()
    assert sorted(words) == sorted(f"{who}-{n}" for who in range(len(homes)) for n in range(3))


def add(home: Home, who: int) -> None:
    """Add three words, each on what is there."""
    for number in range(3):
        while True:
            there = home.read("yaml")
            try:
                home.write("yaml", f"{there.text} {who}-{number}", there.version, "")
                break
            except Conflict:
                pass


# Locks ---------------------------------------------------------------------------------------------------


def a_lock_is_held_against_others(place: Place) -> None:
    """Whoever comes second is told who came first, with everything that the ticket says; others' projects are free."""
    ann, bob = place.open(), place.open()
    mine = ticket("1", ann)
    ann.take("yaml", mine)
    with pytest.raises(Held) as caught:
        bob.take("yaml", ticket("2", bob, holder="bob@near"))
    if place.tells:
        assert same(caught.value.ticket, mine)
        assert same(bob.holder("yaml"), mine)
    bob.take("shop", ticket("3", bob))
    assert bob.read("yaml").text == ""


def a_lock_that_is_given_back_is_free(place: Place) -> None:
    """The next one has it; giving back what one does not have changes nothing and says so."""
    ann, bob = place.open(), place.open()
    ann.take("yaml", ticket("1", ann))
    assert ann.release("yaml", "1")
    assert ann.holder("yaml") is None
    bob.take("yaml", ticket("2", bob))
    if place.tells:
        assert not ann.release("yaml", "1")
        assert _id(ann.holder("yaml")) == "2"


def anyone_can_break_a_lock_by_its_id(place: Place) -> None:
    """What `unlock` does: by the id alone, from another process."""
    ann, bob = place.open(), place.open()
    ann.take("yaml", ticket("1", ann))
    assert not bob.release("yaml", "no such id")
    with pytest.raises(Held):
        bob.take("yaml", ticket("2", bob))
    assert bob.release("yaml", "1")
    bob.take("yaml", ticket("2", bob))


def taking_again_with_the_same_ticket_is_no_contest(place: Place) -> None:
    """A taking whose answer was lost is sent again: the lock that is found there is our own."""
    home = place.open()
    home.take("yaml", ticket("1", home))
    home.take("yaml", ticket("1", home))
    assert home.release("yaml", "1")


def a_closed_home_leaves_its_locks(place: Place) -> None:
    """Letting go of a connection is not giving back a lock."""
    ann, bob = place.open(), place.open()
    ann.take("yaml", ticket("1", ann))
    ann.close()
    with pytest.raises(Held):
        bob.take("yaml", ticket("2", bob))


def an_expired_lock_is_free(place: Place) -> None:
    """Whoever comes after `until` has it, and its former holder is told so when it renews."""
    ann, bob = place.open(), place.open()
    if ann.lease is None:
        return
    old = ticket("1", ann, until=1_700_000_001.0)
    ann.take("yaml", old)
    bob.take("yaml", ticket("2", bob))
    assert _id(ann.holder("yaml")) == "2"
    with pytest.raises(Lost) as caught:
        ann.renew("yaml", replace(old, until=AGES))
    assert _id(caught.value.ticket) == "2"
    assert not ann.release("yaml", "1")


def a_renewed_lock_is_held_longer(place: Place) -> None:
    """Also one that has expired and that nobody has taken meanwhile."""
    ann, bob = place.open(), place.open()
    if ann.lease is None:
        ann.take("yaml", ticket("1", ann))
        ann.renew("yaml", ticket("1", ann))
        return
    old = ticket("1", ann, until=1_700_000_001.0)
    ann.take("yaml", old)
    ann.renew("yaml", replace(old, until=AGES))
    with pytest.raises(Held) as caught:
        bob.take("yaml", ticket("2", bob))
    assert caught.value.ticket is not None
    assert caught.value.ticket.until == AGES


def a_broken_lock_cannot_be_renewed(place: Place) -> None:
    """Lost, with nobody as the holder."""
    ann, bob = place.open(), place.open()
    ann.take("yaml", ticket("1", ann))
    bob.release("yaml", "1")
    if ann.lease is None:
        return
    with pytest.raises(Lost) as caught:
        ann.renew("yaml", ticket("1", ann))
    assert caught.value.ticket is None
    assert ann.holder("yaml") is None


def a_write_under_a_lock_goes_through(place: Place) -> None:
    """The holder writes as often as it likes, and gives the lock back afterwards."""
    home = place.open()
    home.take("yaml", ticket("1", home))
    version = home.write("yaml", "one", home.read("yaml").version, "1")
    home.write("yaml", "two", version, "1")
    if home.lease is not None:
        home.renew("yaml", ticket("1", home))
    home.write("yaml", "three", home.read("yaml").version, "1")
    assert home.release("yaml", "1")
    assert place.open().read("yaml").text == "three"


def a_write_under_a_lost_lock_is_refused(place: Place) -> None:
    """A holder that lost its lock to another cannot write any more, and is told to whom it lost it."""
    ann, bob = place.open(), place.open()
    ann.take("yaml", ticket("1", ann))
    version = ann.write("yaml", "ann", ann.read("yaml").version, "1")
    bob.release("yaml", "1")
    bob.take("yaml", ticket("2", bob))
    if not place.fenced:
        return
    with pytest.raises(Lost) as caught:
        ann.write("yaml", "ann again", version, "1")
    if place.tells:
        assert _id(caught.value.ticket) == "2"
    assert bob.read("yaml").text == "ann"
    bob.write("yaml", "bob", bob.read("yaml").version, "2")


def of_many_that_take_one_wins(place: Place) -> None:
    """Six at once, each with a home of its own."""
    won: list[str] = []

    def take(home: Home, id: str) -> None:
        try:
            home.take("yaml", ticket(id, home))
            won.append(id)
        except Held:
            pass

    homes = [place.open() for _ in range(6)]
    run_all([lambda home=home, id=str(n): take(home, id) for n, home in enumerate(homes)])
    assert len(won) == 1
    if place.tells:
        assert _id(place.open().holder("yaml")) == won[0]


def a_lock_alone_is_in_the_list(place: Place) -> None:
    """Who looks for a lock to break finds the project, also before its first text."""
    home = place.open()
    home.take("yaml", ticket("1", home))
    assert place.open().projects() == (["yaml"] if place.lists else None)


CHECKS: list[Callable[[Place], None]] = [
    what_is_not_there_is_empty,
    what_was_written_is_read_by_others,
    a_large_text_is_kept_whole,
    a_write_on_an_old_version_is_a_conflict,
    the_same_text_again_is_a_new_version,
    projects_and_servers_are_apart,
    what_is_erased_is_not_there,
    writers_at_once_lose_nothing,
    a_lock_is_held_against_others,
    a_lock_that_is_given_back_is_free,
    anyone_can_break_a_lock_by_its_id,
    taking_again_with_the_same_ticket_is_no_contest,
    a_closed_home_leaves_its_locks,
    an_expired_lock_is_free,
    a_renewed_lock_is_held_longer,
    a_broken_lock_cannot_be_renewed,
    a_write_under_a_lock_goes_through,
    a_write_under_a_lost_lock_is_refused,
    of_many_that_take_one_wins,
    a_lock_alone_is_in_the_list,
]
"""Every check; each wants an empty place of its own."""


def same(found: Ticket | None, meant: Ticket) -> bool:
    """Whether a ticket is the one that was meant; a home may keep moments to the second, and no process."""
    if found is None:
        return False
    moments = abs(found.since - meant.since) < 1 and (meant.until is None or found.until == meant.until)
    return moments and replace(found, since=0, until=None, pid=0) == replace(meant, since=0, until=None, pid=0)


def run_all(calls: list[Callable[[], None]]) -> None:
    """Run at once, wait for all; what one of them raises is raised here."""
    failed: list[BaseException] = []
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], None]) -> None:
        gate.wait()
        try:
            call()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _id(found: Ticket | None) -> str:
    return found.id if found else ""
