"""A ledger in an object store behind a network that fails: what is written is written once, and nothing is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ledger.home import Conflict, Held, Home, Lost
from reconciler.model.errors import LedgerError
from tests.ledger.contract import ticket
from tests.ledger.fault_proxy import Fault, FaultProxy
from tests.ledger.small_s3 import KEYS
from tests.ledger.stores import FAITHFUL, home_at, running

DOCUMENT, LOCK = r"yaml\.json", r"yaml\.lock\.json"
UNDONE = ["reset", "409", "500", "503", "429"]
DONE = ["lost", "500 after"]


@pytest.fixture(scope="module", params=FAITHFUL)
def store(request, tmp_path_factory):
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.fixture
def proxy(store):
    """A network between the runner `ann` and the store."""
    with FaultProxy(store.url) as proxy:
        yield proxy


@pytest.fixture
def ann(store, proxy):
    """A runner whose network fails; she opens the ledger before it does."""
    home = home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, f"n{time.monotonic_ns()}")
    home.write("warm", "up", home.read("warm").version, "")
    return home


@pytest.fixture
def bob(store, ann):
    """A runner at the same place whose network is well."""
    return home_at(store.environ, ann.place.removeprefix("s3://led/"))


# Written once --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", UNDONE + DONE)
def test_a_new_text_arrives_once_whatever_becomes_of_the_first_try(ann, bob, proxy, kind):
    """Done or not done: it is there, the version is good for the next write, and no other try was needed."""
    proxy.faults = [Fault("PUT", DOCUMENT, kind, "ConditionalRequestConflict")]
    version = ann.write("yaml", "one", None, "")
    assert proxy.faults == []
    assert bob.read("yaml").text == "one"
    ann.write("yaml", "two", version, "")
    assert bob.read("yaml").text == "two"


@pytest.mark.parametrize("kind", UNDONE + DONE)
def test_a_changed_text_arrives_once_whatever_becomes_of_the_first_try(ann, bob, proxy, kind):
    """As for a new one; the refusal of the repeat is known to be that of our own write."""
    old = ann.write("yaml", "one", None, "")
    proxy.faults = [Fault("PUT", DOCUMENT, kind, "ConditionalRequestConflict")]
    version = ann.write("yaml", "two", old, "")
    assert proxy.faults == []
    assert bob.read("yaml") == ann.read("yaml")
    assert bob.read("yaml").text == "two"
    ann.write("yaml", "three", version, "")


@pytest.mark.parametrize("kind", UNDONE + DONE)
def test_a_lock_is_taken_renewed_and_given_back_whatever_becomes_of_the_first_try(ann, bob, proxy, kind):
    """A retried taking that finds a lock finds its own, by the id."""
    for call in (
        lambda: ann.take("yaml", ticket("1", ann)),
        lambda: ann.renew("yaml", ticket("1", ann, until=3e9)),
        lambda: ann.release("yaml", "1"),
        lambda: ann.take("yaml", ticket("2", ann)),
    ):
        proxy.faults = [Fault("PUT", LOCK, kind, "OperationAborted")]
        assert call() in (None, True)
        assert proxy.faults == []
    assert bob.holder("yaml").id == "2"
    with pytest.raises(Held):
        bob.take("yaml", ticket("3", bob))


@pytest.mark.parametrize("kind", ["reset", "500", "half"])
def test_a_reading_that_fails_is_made_again(ann, bob, proxy, kind):
    """Half of a text is not taken for the whole."""
    bob.write("yaml", "a text of some length", None, "")
    proxy.faults = [Fault("GET", DOCUMENT, kind)]
    assert ann.read("yaml").text == "a text of some length"
    assert proxy.faults == []


def test_what_another_wrote_after_a_lost_answer_stays(ann, bob, proxy):
    """Ann's write was done, its answer lost, and Bob has written since: Ann reads again, and Bob's is not lost."""
    old = ann.write("yaml", "one", None, "")

    def meanwhile() -> None:
        there = bob.read("yaml")
        assert there.text == "ann's"
        bob.write("yaml", "ann's and bob's", there.version, "")

    proxy.faults = [Fault("PUT", DOCUMENT, "lost", then=meanwhile)]
    with pytest.raises(Conflict):
        ann.write("yaml", "ann's", old, "")
    assert ann.read("yaml").text == "ann's and bob's"


def test_the_same_text_of_another_is_not_taken_for_ours(ann, bob, proxy):
    """Ann's write was not done, and Bob has written the very same text: his is not hers."""
    old = ann.write("yaml", "one", None, "")
    proxy.faults = [Fault("PUT", DOCUMENT, "reset", then=lambda: bob.write("yaml", "two", old, ""))]
    with pytest.raises(Conflict):
        ann.write("yaml", "two", old, "")


def test_there_and_back_again_is_a_change(ann, bob):
    """A text that reads as before is not the one that was read: what came between may have been acted upon."""
    old = ann.write("yaml", "one", None, "")
    bob.write("yaml", "one", bob.write("yaml", "two", old, ""), "")
    with pytest.raises(Conflict):
        ann.write("yaml", "three", old, "")


def test_a_write_that_arrives_late_overwrites_nothing(ann, bob, proxy, store):
    """Ann gave it up and repeated it, Bob wrote on top; then the first try comes out of some queue, and is refused."""
    old = ann.write("yaml", "one", None, "")
    hasty = home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, ann.place[9:], timeout=0.4)
    proxy.faults = [Fault("PUT", DOCUMENT, "slow")]
    version = hasty.write("yaml", "ann's", old, "")
    bob.write("yaml", "ann's and bob's", version, "")
    proxy.settle()
    assert ann.read("yaml").text == "ann's and bob's"


def test_a_taking_that_arrives_late_takes_nothing(ann, bob, proxy, store):
    """Ann's taking is repeated, she gives the lock back, Bob takes it; her first request does not take it from him."""
    hasty = home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, ann.place[9:], timeout=0.4)
    proxy.faults = [Fault("PUT", LOCK, "slow")]
    hasty.take("yaml", ticket("1", hasty))
    assert hasty.release("yaml", "1")
    bob.take("yaml", ticket("2", bob))
    proxy.settle()
    assert bob.holder("yaml").id == "2"


def test_a_store_that_stays_away_is_said_in_a_sentence(ann, proxy, store):
    """After the patience is over: where, what is wrong, what to do; no address with keys, no dump."""
    home = home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, "away", patience=0.3)
    proxy.faults = [Fault("GET", "", "503", "SlowDown", skip=0) for _ in range(30)]
    with pytest.raises(LedgerError) as caught:
        home.read("yaml")
    assert caught.value.message.startswith("the ledger s3://led/away cannot be used: the store answers 503")
    assert caught.value.hint == f"see whether the store at {proxy.url} is up and AWS_ENDPOINT_URL is right"
    assert caught.value.__context__ is None


WORDS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["", *UNDONE, *DONE])), max_size=5)


@settings(max_examples=8, deadline=None)
@given(WORDS)
def test_whatever_fails_each_word_is_there_once(store, words):
    """Any writers, any faults: the text is the words that were added, each once, in the order of their adding."""
    with FaultProxy(store.url) as proxy:
        place = f"words-{time.monotonic_ns()}"
        homes = [home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url}, place) for _ in range(3)]
        for number, (who, kind) in enumerate(words):
            proxy.faults = [Fault("PUT", DOCUMENT, kind)] if kind else []
            append(homes[who], str(number))
        assert homes[0].read("yaml").text.split() == [str(number) for number in range(len(words))]


def append(home: Home, word: str) -> None:
    there = home.read("yaml")
    home.write("yaml", f"{there.text} {word}", there.version, "")


# Fencing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrote", [True, False], ids=["bob has written", "bob has not written yet"])
@pytest.mark.parametrize("there", [True, False], ids=["a text", "no text yet"])
def test_a_write_on_its_way_does_not_arrive_after_another_took_the_lock(ann, bob, proxy, wrote, there):
    """Ann looks at her lock and is stopped; it expires, Bob takes it; Ann goes on: nothing is hers."""
    version = ann.write("yaml", "before", None, "") if there else None
    ann.take("yaml", ticket("1", ann, until=time.time() - 9))

    def meanwhile() -> None:
        bob.take("yaml", ticket("2", bob))
        if wrote:
            bob.write("yaml", "bob's", bob.read("yaml").version, "2")

    proxy.faults = [Fault("GET", LOCK, "stalled", then=meanwhile)]
    with pytest.raises(Lost) as caught:
        ann.write("yaml", "ann's", version, "1")
    assert proxy.faults == []
    assert caught.value.ticket.id == "2"
    assert bob.read("yaml").text == ("bob's" if wrote else "before" if there else "")
    assert bob.projects() == ["warm", "yaml"]


def test_a_write_on_its_way_does_not_arrive_after_the_lock_was_broken_and_taken(ann, bob, proxy):
    """What `unlock` does is no giving back: whoever takes the lock next fences the former holder."""
    version = ann.write("yaml", "before", None, "")
    ann.take("yaml", ticket("1", ann))

    def meanwhile() -> None:
        assert bob.release("yaml", "1")
        bob.take("yaml", ticket("2", bob))

    proxy.faults = [Fault("GET", LOCK, "stalled", then=meanwhile)]
    with pytest.raises(Lost):
        ann.write("yaml", "ann's", version, "1")
    assert bob.read("yaml").text == "before"


def test_a_lock_that_was_given_back_costs_no_fence(ann, bob, proxy, store):
    """The usual run writes nothing but its own: the text keeps its version."""
    version = ann.write("yaml", "before", None, "")
    ann.take("yaml", ticket("1", ann))
    ann.release("yaml", "1")
    ann.take("yaml", ticket("2", ann))
    assert ann.read("yaml").version == version
    bob.release("yaml", "2")
    bob.take("yaml", ticket("3", bob))
    assert ann.read("yaml").version != version


def test_a_lost_lock_is_found_out_by_the_renewal(ann, bob, proxy):
    """Also where the renewal was on its way: it names a version that is gone."""
    ann.take("yaml", ticket("1", ann, until=time.time() - 9))
    bob.take("yaml", ticket("2", bob))
    with pytest.raises(Lost) as caught:
        ann.renew("yaml", ticket("1", ann))
    assert caught.value.ticket.id == "2"
    assert bob.holder("yaml").id == "2"


def test_two_that_find_an_expired_lock_do_not_both_take_it(ann, bob, proxy):
    """Between Ann's look at the expired lock and her taking it, Bob has taken it."""
    bob.take("yaml", ticket("0", bob, until=time.time() - 9))
    proxy.faults = [Fault("PUT", LOCK, "reset", then=lambda: bob.take("yaml", ticket("2", bob)))]
    with pytest.raises(Held) as caught:
        ann.take("yaml", ticket("1", ann))
    assert caught.value.ticket.id == "2"


def test_no_key_is_in_what_is_stored_or_said(ann, proxy):
    """The secret key signs requests; it is in no text, no lock and no message."""
    ann.take("yaml", ticket("1", ann))
    proxy.faults = [Fault("PUT", DOCUMENT, "403", "SignatureDoesNotMatch")]
    with pytest.raises(LedgerError) as caught:
        ann.write("yaml", "text", None, "1")
    said = repr(caught.value.__dict__) + repr(vars(ann)) + repr(ann._bucket)
    assert "AWS_ACCESS_KEY_ID" in said
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in said
    assert KEYS["AWS_ACCESS_KEY_ID"] not in said
