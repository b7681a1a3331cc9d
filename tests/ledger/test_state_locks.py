"""Locks in the HTTP home against the protocol's corner cases, over sockets."""

from __future__ import annotations

import json

import pytest

from reconciler.ledger.home import Held
from reconciler.model.errors import LedgerError
from tests.ledger.state_homes import ANN, BOB, scene
from tests.ledger.state_server import LOST_AFTER, LOST_BEFORE, Reply, reply


def test_whoever_waits_is_told_everything_about_the_holder(plain):
    """From the document that the server gives back with 423."""
    plain.home().take("yaml", ANN)
    with pytest.raises(Held) as caught:
        plain.home().take("yaml", BOB)
    assert caught.value.ticket == ANN


def test_whoever_waits_for_gitlab_is_told_of_the_holder_and_not_of_oneself(gitlab):
    """GitLab gives back the asker's operation and info: what the holder does and where is in the lock's id."""
    gitlab.home().take("yaml", ANN)
    with pytest.raises(Held) as caught:
        gitlab.home().take("yaml", BOB)
    told = caught.value.ticket
    assert (told.id, told.holder, told.reason, told.commit, told.job) == (
        ANN.id,
        ANN.holder,
        ANN.reason,
        ANN.commit,
        ANN.job,
    )
    assert told.since == 1772600767.0


@pytest.mark.parametrize("body", ["", "<html>", "[]", "{}", '"x"'], ids=["none", "page", "list", "empty", "text"])
@pytest.mark.parametrize("status", [409, 423])
def test_a_holder_who_is_not_named_is_a_holder(plain, status, body):
    """The lock is held, and nobody knows by whom."""
    plain.states.fault("LOCK", reply(status, body))
    with pytest.raises(Held) as caught:
        plain.home().take("yaml", ANN)
    assert caught.value.ticket is None


def test_the_lock_s_document_has_every_field_that_terraform_sends(either):
    """GitLab refuses one that lacks a field."""
    home = either.home()
    home.take("yaml", ANN)
    seen = next(seen for seen in either.states.requests if seen.method in ("LOCK", "POST"))
    document = json.loads(seen.body)
    assert set(document) == {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"}
    assert (document["Operation"], document["Who"]) == ("apply", "ann@build-7")
    assert document["Created"] == "2023-11-14T22:13:20+00:00"
    assert json.loads(document["Info"]) == {"commit": ANN.commit, "job": ANN.job, "pid": 11}


@pytest.mark.parametrize("lost", [LOST_BEFORE, LOST_AFTER, reply(502)], ids=["not done", "done", "gateway"])
def test_a_lock_whose_answer_was_lost_is_found_out(either, lost):
    """It is asked for again with the same id: where our own is found there, it is ours."""
    home = either.home()
    either.states.fault("POST" if either.states.gitlab else "LOCK", lost)
    home.take("yaml", ANN)
    with pytest.raises(Held):
        either.home().take("yaml", BOB)
    assert home.release("yaml", "a1")
    either.home().take("yaml", BOB)


def test_a_lock_that_nobody_knows_of_is_given_back(plain):
    """Every answer was lost: it may be there and would never expire, so it is unlocked before the fault is told."""
    plain.states.fault("LOCK", LOST_AFTER, LOST_BEFORE, LOST_BEFORE)
    with pytest.raises(LedgerError, match="cannot lock project yaml"):
        plain.home().take("yaml", ANN)
    assert plain.states.locks == {}


def test_a_lock_that_cannot_be_given_back_is_told_with_what_to_type(either):
    """Its short id, which `unlock` takes."""
    lock, unlock = ("POST", "DELETE") if either.states.gitlab else ("LOCK", "UNLOCK")
    either.states.fault(lock, LOST_AFTER, LOST_BEFORE, LOST_BEFORE)
    either.states.fault(unlock, reply(500))
    with pytest.raises(LedgerError) as caught:
        either.home().take("yaml", ANN)
    assert caught.value.hint.endswith("reconciler unlock a1")
    assert either.home().release("yaml", "a1")


def test_a_lock_that_may_be_our_own_is_not_taken_for_another_s(plain):
    """The answer was lost, and the server does not name the holder: said so, with what to do."""
    plain.states.fault("LOCK", LOST_AFTER, reply(423))
    with pytest.raises(LedgerError, match="does not tell by whom") as caught:
        plain.home().take("yaml", ANN)
    assert "reconciler unlock a1" in caught.value.hint


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_server_without_locks_is_refused(status):
    """Two runs could write at once."""
    with scene(no_locks=status) as made, pytest.raises(LedgerError, match=f"cannot lock.*HTTP {status}") as caught:
        made.home().take("yaml", ANN)
    assert "another home" in caught.value.hint


def test_a_server_that_gives_a_lock_to_everybody_is_refused():
    """It says 200 to LOCK and has no locks: seen at the first one, since a second one must be refused."""
    with scene(no_locks=200) as made, pytest.raises(LedgerError, match="gives the same lock to two"):
        made.home().take("yaml", ANN)


def test_that_a_server_locks_is_seen_once(plain):
    """Two requests for the first lock of a home, one for every other one."""
    home = plain.home()
    home.take("yaml", ANN)
    home.take("shop", ANN)
    assert plain.states.methods() == ["LOCK", "LOCK", "LOCK"]
    assert len(plain.states.locks) == 2


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_lock_is_taken_whatever_the_success_says(either, status):
    """With the document, with another one, or without a body."""
    either.states.fault("POST" if either.states.gitlab else "LOCK", Reply(status, carry_out=True))
    either.home().take("yaml", ANN)
    assert len(either.states.locks) == 1


def test_an_unlock_that_fails_is_told(either):
    """The lock stays, and would for ever: how to free it is in the hint, and that works."""
    home = either.home()
    home.take("yaml", ANN)
    either.states.fault("DELETE" if either.states.gitlab else "UNLOCK", *[reply(500)] * 3)
    with pytest.raises(LedgerError, match=r"cannot unlock project yaml.*HTTP 500") as caught:
        home.release("yaml", "a1")
    assert caught.value.hint.endswith("the lock stays until: reconciler unlock a1")
    assert either.home().release("yaml", "a1")
    assert either.states.locks == {}


@pytest.mark.parametrize("lost", [LOST_BEFORE, LOST_AFTER, reply(503)], ids=["not done", "done", "gateway"])
def test_an_unlock_whose_answer_was_lost_is_sent_again(either, lost):
    """That it is not there the second time is no failure."""
    home = either.home()
    home.take("yaml", ANN)
    either.states.fault("DELETE" if either.states.gitlab else "UNLOCK", lost)
    assert home.release("yaml", "a1")
    assert either.states.locks == {}


def test_unlocking_what_is_not_there_changes_nothing(either):
    """Neither a lock that nobody holds, nor one that another one holds; the look at it leaves none behind."""
    assert not either.home().release("yaml", "a1")
    assert either.states.locks == {}
    either.home().take("yaml", BOB)
    assert not either.home().release("yaml", "a1")
    assert len(either.states.locks) == 1


def test_another_s_lock_stays_where_a_server_does_not_compare_ids():
    """Such a server would free any lock: ours asks who holds it before it breaks one by its id."""
    with scene(checks_ids=False) as made:
        made.home().take("yaml", BOB)
        assert not made.home().release("yaml", "a1")
        assert len(made.states.locks) == 1


def test_whoever_was_refused_frees_nothing():
    """A run that ends tries to give back what it asked for; what it was refused is not among that."""
    with scene(checks_ids=False) as made:
        made.home().take("yaml", BOB)
        ann = made.home()
        with pytest.raises(Held):
            ann.take("yaml", ANN)
        assert not ann.release("yaml", "a1")
        assert len(made.states.locks) == 1


@pytest.mark.parametrize("id", ["9db590f1-b6fe-c5f2-2678-8804f089deba", "a;b", "50%25"])
def test_a_lock_that_terraform_took_is_told_and_can_be_broken(either, id):
    """Whoever holds it; its id on the wire is what is typed then."""
    either.states.locks[either.key] = {
        "ID": id,
        "Operation": "OperationTypeApply",
        "Info": "",
        "Who": "carol@laptop",
        "Created": "2026-01-02T03:04:05.123456789Z",
    }
    either.states.states[either.key] = either.states.states.get(either.key, [])
    with pytest.raises(Held) as caught:
        either.home().take("yaml", ANN)
    assert caught.value.ticket.holder == "carol@laptop"
    assert int(caught.value.ticket.since) == 1767323045
    assert either.home().release("yaml", id)
    assert either.states.locks == {}


def test_what_a_holder_says_cannot_move_the_cursor(plain):
    """Who stands in a lock comes from whoever took it."""
    plain.states.locks[plain.key] = {"ID": "x", "Who": "carol\x1b[2J\r\nroot", "Operation": "a\x07b"}
    with pytest.raises(Held) as caught:
        plain.home().take("yaml", ANN)
    assert (caught.value.ticket.holder, caught.value.ticket.reason) == ("carol[2Jroot", "ab")


def test_nobody_is_told_without_asking(either):
    """The protocol lists nothing and shows no lock, and a reading command does not ask for one."""
    either.home().take("yaml", ANN)
    either.clear()
    assert either.home().projects() is None
    assert either.home().holder("yaml") is None
    assert either.states.requests == []
