"""Documents over any home: nothing that others write is lost, nothing damaged is written over, nothing just grows."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from reconciler.ledger import codec
from reconciler.ledger.home import Conflict, Held, Ticket
from reconciler.ledger.ledger import ATTEMPTS, Ledger, ReadLedger
from reconciler.ledger.lock import Claim, Passing
from reconciler.model.build import Build
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.fields import Kind
from reconciler.model.live import Stamps
from reconciler.model.record import Document, Record, Written
from tests.ledger.contract import SERVER, run_all
from tests.ledger.memory import MemoryHome, Shelf

CLAIM = Claim("apply", "c0ffee", "ann", "https://ci.example/7")


def record(name: str, **more) -> Record:
    build = Build(Kind.PLAIN, "yaml", name, {"build_script": "make\n"})
    return replace(Record("tree", build, frozenset(), frozenset(), Stamps(1, "admin")), **more)


def noted(document: Document, name: str, **more) -> Document:
    return replace(document, records={**document.records, name: record(name, **more)})


def ledger(shelf: Shelf, home: type[MemoryHome] = MemoryHome, **more) -> Ledger:
    """A ledger whose waiting takes no time."""
    passing = more.pop("passing", Passing(sleep=lambda _: None))
    return Ledger(home(shelf, SERVER), claim=CLAIM, passing=passing, **more)


# Writing -------------------------------------------------------------------------------------------------


def test_what_others_write_between_reading_and_writing_stays():
    """The edit is made again, on what the other one has left."""
    shelf, calls = Shelf(), []
    ours, theirs = ledger(shelf), ledger(shelf)

    def edit(document: Document) -> Document:
        if not calls:
            theirs.change("yaml", lambda other: noted(other, "theirs"))
        calls.append(sorted(document.records))
        return noted(document, "ours")

    ours.change("yaml", edit)
    assert calls == [[], ["theirs"]]
    assert sorted(ours.read("yaml").records) == ["ours", "theirs"]


def test_threads_that_change_at_once_lose_nothing():
    """Six of them, four changes each."""
    shelf = Shelf()

    def work(who: int) -> None:
        for number in range(4):
            ledger(shelf).change("yaml", partial(noted, name=f"{who}-{number}"))

    run_all([lambda who=who: work(who) for who in range(6)])
    assert len(ledger(shelf).read("yaml").records) == 24


def test_a_place_that_never_takes_it_is_an_error_in_the_end():
    """A bounded number of attempts, with pauses between them that grow."""
    pauses: list[float] = []

    class Busy(MemoryHome):
        def write(self, project: str, text: str, version: object, lock: str) -> object:
            raise Conflict

    with pytest.raises(LedgerError, match=f"{ATTEMPTS} times"):
        ledger(Shelf(), Busy, passing=Passing(sleep=pauses.append)).change("yaml", lambda document: document)
    assert len(pauses) == ATTEMPTS
    assert 0 <= min(pauses) <= max(pauses) <= 2


def test_a_change_says_who_made_it():
    """Command, commit, person, job and lock stand in the document, of the last change alone."""
    made = ledger(Shelf(), passing=Passing(wall=lambda: 3_000_000_000.5, sleep=lambda _: None))
    made.change("yaml", lambda document: document)
    assert made.read("yaml").written == Written(3_000_000_000, "apply", "c0ffee", "ann", "https://ci.example/7", "")
    with made.locked(["yaml"]):
        made.change("yaml", lambda document: document)
        holder = made.holder("yaml")
        assert holder is not None
        assert made.read("yaml").written.fence == holder.id


def test_a_document_grows_with_the_builds_and_not_with_the_runs():
    """A hundred runs over the same builds leave as many characters as one."""
    made = ledger(Shelf(), passing=Passing(wall=lambda: 1_700_000_000.0, sleep=lambda _: None))
    sizes = []
    for _ in range(100):
        with made.locked(["yaml"]):
            made.change("yaml", lambda document: noted(noted(document, "a"), "b"))
        sizes.append(len(made.text("yaml")))
    assert set(sizes) == {sizes[0]}
    made.change("yaml", lambda document: noted(document, "c"))
    assert len(made.text("yaml")) > sizes[0]


def test_a_reading_ledger_has_no_way_to_write():
    """By type: what changes, locks or erases is not there."""
    changing = {name for name in vars(Ledger) if not name.startswith("_")}
    assert {"change", "lock", "erase", "put", "break_lock"} <= changing
    assert changing.isdisjoint(dir(ReadLedger))


# Locks and writing ---------------------------------------------------------------------------------------


def test_a_change_without_a_lock_does_not_wait_for_the_one_who_has_it():
    """What an export notes goes beside what an apply writes; both are there afterwards."""
    shelf = Shelf()
    applying, exporting = ledger(shelf), ledger(shelf)
    with applying.locked(["yaml"]):
        exporting.change("yaml", lambda document: noted(document, "exported"))
        applying.change("yaml", lambda document: noted(document, "applied"))
    assert sorted(applying.read("yaml").records) == ["applied", "exported"]


def test_a_run_that_lost_its_lock_cannot_write():
    """Locked, which names who has it now; from then on the ledger says so by itself."""
    shelf = Shelf()
    ours, theirs = ledger(shelf), ledger(shelf)
    with ours.locked(["yaml"]):
        holder = ours.holder("yaml")
        assert holder is not None
        assert theirs.break_lock("yaml", holder.id)
        with theirs.locked(["yaml"]):
            with pytest.raises(Locked, match=r"not this run's any more: .*apply of commit c0ffee"):
                ours.change("yaml", lambda document: noted(document, "late"))
            assert ours.lost() is not None
            assert theirs.lost() is None
    assert ours.read("yaml") == Document()
    assert ours.holder("yaml") is None


def test_a_place_that_takes_nothing_from_others_while_it_is_locked_is_locked():
    """What only a lock protects refuses a change without one."""

    class Strict(MemoryHome):
        def write(self, project: str, text: str, version: object, lock: str) -> object:
            held = self.holder(project)
            if held and held.id != lock:
                raise Held(held)
            return super().write(project, text, version, lock)

    shelf = Shelf()
    with ledger(shelf, Strict).locked(["yaml"]), pytest.raises(Locked, match="is locked by"):
        ledger(shelf, Strict).change("yaml", lambda document: document)


def test_a_change_of_another_project_is_not_under_the_lock():
    """The lock of one project is no right to write another's under it."""
    made = ledger(Shelf())
    with made.locked(["yaml"]):
        made.change("shop", lambda document: document)
    assert made.read("shop").written.fence == ""


# Formats -------------------------------------------------------------------------------------------------

BUILD = {"kind": "plain", "name": "api", "project": "yaml", "values": {"build_script": "make\n", "repo_info": {
    "elements": [{"key": "org/demo", "values": {"branch": "main", "enable_commit": {"default": True}}}]}}}  # fmt: skip
OLD_RECORD = {
    "build": BUILD, "commit": "c0ffee", "declared": ["build_script"], "exact": True, "image_id": "i1",
    "prevent_destroy": True, "secrets": ["parameters[PW].default_value"], "tree": "rig", "update_by": "admin",
    "update_time": 7, "when": 9,
}  # fmt: skip
FORMAT_1 = {"format": 1, "digest_key": "ab", "records": {"api": OLD_RECORD},
            "intents": {"api": {"record": OLD_RECORD, "stages": [BUILD]}}}  # fmt: skip
FORMAT_2 = {**FORMAT_1, "format": 2, "intents": {"api": {"record": OLD_RECORD, "stages": [BUILD], "replaces":
            ["yaml", "old"]}}, "seen": {"api": {"build": BUILD, "when": 3, "offered": BUILD}}}  # fmt: skip


def placed(shelf: Shelf, text: str) -> None:
    """Put a text where a document is expected."""
    home = MemoryHome(shelf, SERVER)
    home.write("yaml", text, home.read("yaml").version, "")


@pytest.mark.parametrize("old", [FORMAT_1, FORMAT_2], ids=["1", "2"])
def test_documents_of_earlier_versions_load_and_are_written_in_this_one(old: dict):
    """With all that they hold; what they do not say is not known."""
    shelf = Shelf()
    placed(shelf, json.dumps(old))
    made = ledger(shelf)
    before = made.read("yaml")
    assert (before.records["api"].commit, before.records["api"].author, before.records["api"].job) == ("c0ffee", "", "")
    assert before.records["api"].prevent_destroy
    assert before.intents["api"].replaces == (("yaml", "old") if old["format"] == 2 else None)
    assert before.written == Written()
    made.change("yaml", lambda document: document)
    assert json.loads(made.text("yaml"))["format"] == codec.FORMAT == 3
    assert replace(made.read("yaml"), written=Written()) == before


def test_a_newer_document_is_refused_and_stays():
    """Neither read nor written over; the message names the place and both formats."""
    shelf, text = Shelf(), json.dumps({"format": codec.FORMAT + 1})
    placed(shelf, text)
    made = ledger(shelf)
    for use in (lambda: made.read("yaml"), lambda: made.change("yaml", lambda document: document)):
        with pytest.raises(LedgerError, match=r'memory, project "yaml".*format 4.*up to 3') as caught:
            use()
        assert caught.value.hint == "upgrade reconciler"
    assert made.text("yaml") == text


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"format": 3}', "\x00", "[" * 100_000, '{"format": 1e999}',
    '{"format": 3, "digest_key": "", "records": {}, "intents": {}, "written": 7}'])  # fmt: skip
def test_a_damaged_document_is_told_and_stays(text: str):
    """The message names place and project, the hint a way out; nothing is written over it."""
    shelf = Shelf()
    placed(shelf, text)
    made = ledger(shelf)
    for use in (lambda: made.read("yaml"), lambda: made.change("yaml", lambda document: document)):
        with pytest.raises(LedgerError, match=r"damaged|format inf") as caught:
            use()
        assert 'memory, project "yaml"' in caught.value.message
        assert caught.value.hint
    assert made.text("yaml") == text


def test_a_lock_ticket_of_nobody_is_told_as_one():
    """A place that does not tell who holds a lock still says that it is held."""

    class Silent(MemoryHome):
        def take(self, project: str, ticket: Ticket) -> None:
            raise Held(None)

    with pytest.raises(Locked, match="does not tell by whom"):
        ledger(Shelf(), Silent).lock(["yaml"])
