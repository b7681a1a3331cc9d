"""The HTTP home against the protocol's corner cases, over sockets."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from reconciler.ledger.home import Conflict, Lost
from reconciler.ledger.state_wire import Timing
from reconciler.model.errors import LedgerError
from tests.ledger.state_homes import ANN, BOB, SERVER, Scene, scene
from tests.ledger.state_server import LOST_AFTER, LOST_BEFORE, SILENT, Reply, reply

QUICK = Timing(silence=0.15, request=0.15, sleep=lambda _: None)
PAGE = reply(200, "<html><title>Sign in</title></html>", Content_Type="text/html")


def written(made: Scene, text: str = "one") -> object:
    """Write a text as somebody else; the version."""
    home = made.home()
    version = home.write("yaml", text, home.read("yaml").version, "")
    made.clear()
    return version


# Reading -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [reply(200), reply(204), reply(404, "nothing")], ids=lambda empty: str(empty.status))
def test_nothing_there_is_an_empty_text_however_it_is_said(either, empty):
    """A success without a body, 204 and 404 all mean that nothing was written yet."""
    either.states.fault("GET", empty)
    assert either.home().read("yaml").text == ""
    assert either.states.methods() == ["GET"]


def test_a_state_of_5_megabytes_goes_there_and_back(either):
    """Whole, and to the character."""
    text = "日x" * 800_000
    home = either.home()
    home.write("yaml", text, None, "")
    assert len(either.states.states[either.key][-1]) > 5_000_000
    assert either.home().read("yaml").text == text


def test_what_is_kept_is_a_state_that_terraform_could_read(either):
    """Version 4, with serial, lineage and terraform_version, and without outputs, which pages would show."""
    home = either.home()
    home.write("yaml", "two", home.write("yaml", "one", None, ""), "")
    state = json.loads(either.states.states[either.key][-1])
    ours = state.pop("reconciler")
    assert ours == {"format": 1, "server": SERVER, "project": "yaml", "text": "two"}
    lineage = state.pop("lineage")
    assert len(lineage) == 36
    assert state == {"version": 4, "terraform_version": "1.0.0", "serial": 2, "outputs": {}, "resources": []}
    home.write("yaml", "three", home.read("yaml").version, "")
    assert json.loads(either.states.states[either.key][-1])["lineage"] == lineage


REFUSALS = {
    "401": (reply(401), "does not accept requests without credentials (HTTP 401)", "RECONCILER_LEDGER_TOKEN"),
    "403": (reply(403, '{"message": "403 Forbidden"}'), "does not permit it (HTTP 403): 403 Forbidden", ""),
    "page": (PAGE, "is not JSON", "a login in front of them"),
    "redirect": (reply(302, Location="https://login.example/in?next=1"), "to https://login.example/in (HTTP 302)", ""),
    "foreign": (reply(200, '{"version": 4, "serial": 3, "lineage": "x"}'), "is no ledger", "another place"),
    "list": (reply(200, "[]"), "is no ledger", "another place"),
    "teapot": (reply(418), "answers HTTP 418", "Terraform HTTP state protocol"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_no_ledger_is_told_with_its_place_and_what_to_do(either, case):
    """Never taken for an empty ledger, and asked once only: the same question would have the same answer."""
    answer, sentence, hint = REFUSALS[case]
    either.states.fault("GET", answer)
    with pytest.raises(LedgerError) as caught:
        either.home().read("yaml")
    assert sentence in caught.value.message
    assert "yaml" in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint
    assert either.states.methods() == ["GET"]


def test_nobody_is_followed_elsewhere_with_credentials(plain):
    """A redirect to another host is told, and nothing is sent there."""
    with scene() as other:
        plain.states.fault("GET", reply(307, Location=other.states.url))
        with pytest.raises(LedgerError):
            plain.home(RECONCILER_LEDGER_TOKEN="canary-7f3a").read("yaml")
        assert other.states.requests == []


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"text": 7}, {"project": "shop"}, {"server": "https://other.example"}],
    ids=lambda change: next(iter(change)),
)
def test_a_state_that_is_damaged_newer_or_of_another_project_is_not_read(plain, change):
    """And not written over either."""
    version = written(plain)
    kept = plain.states.states[plain.key]
    state = json.loads(kept[-1])
    state["reconciler"] |= change
    kept[-1] = json.dumps(state).encode()
    before = list(kept)
    for act in (lambda: plain.home().read("yaml"), lambda: plain.home().write("yaml", "mine", version, "")):
        with pytest.raises(LedgerError):
            act()
    assert plain.states.states[plain.key] == before


def test_gitlab_s_404_for_a_project_is_no_empty_ledger(gitlab):
    """A wrong number, or an account that may not see the project, must not look like a beginning."""
    for url in (gitlab.states.url.replace("/7/", "/8/"), gitlab.states.url.replace("/v4", "")):
        with pytest.raises(LedgerError, match="is not there"):
            gitlab.home(url).read("yaml")
    gitlab.states.fault("GET", reply(404, "<html>", Content_Type="text/html"))
    with pytest.raises(LedgerError, match="is not there"):
        gitlab.home().read("yaml")


# Repeats -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "passing", [reply(429), reply(500), reply(502), reply(503), reply(504), LOST_BEFORE], ids=lambda r: str(r.status)
)
def test_a_reading_that_failed_in_passing_is_repeated(either, passing):
    """Twice by default, as Terraform does."""
    written(either)
    either.states.fault("GET", passing, passing)
    assert either.home().read("yaml").text == "one"
    assert either.naps == [1, 2]
    either.states.fault("GET", passing, passing, passing)
    with pytest.raises(LedgerError):
        either.home().read("yaml")
    assert either.states.methods() == ["GET"] * 6


def test_a_server_that_asks_to_wait_is_given_the_time(plain):
    """Seconds or a date; a minute at most."""
    later = "Tue, 14 Nov 2023 22:13:25 GMT"
    plain.states.fault("GET", reply(429, Retry_After="7"), reply(503, Retry_After=later))
    plain.home().read("yaml")
    assert plain.naps == [7, 5]
    plain.states.fault("GET", reply(429, Retry_After="86400"))
    plain.home().read("yaml")
    assert plain.naps[2:] == [60]


def test_terraform_s_variables_say_how_often_and_how_long(plain):
    """TF_HTTP_RETRY_MAX, _WAIT_MIN and _WAIT_MAX."""
    plain.states.fault("GET", *[reply(502)] * 4)
    plain.home(TF_HTTP_RETRY_MAX="4", TF_HTTP_RETRY_WAIT_MIN="3", TF_HTTP_RETRY_WAIT_MAX="5").read("yaml")
    assert plain.naps == [3, 5, 5, 5]
    plain.states.fault("GET", reply(502))
    with pytest.raises(LedgerError, match="HTTP 502"):
        plain.home(TF_HTTP_RETRY_MAX="0").read("yaml")


def test_a_server_that_says_nothing_is_left_in_time(plain):
    """Each request has its limit, and so has the whole."""
    plain.states.fault("GET", SILENT, SILENT, SILENT)
    with pytest.raises(LedgerError, match="no answer in time"):
        plain.home(timing=QUICK).read("yaml")
    assert plain.states.methods() == ["GET"] * 3


def test_a_server_that_speaks_for_ever_is_left_in_time(plain):
    """A byte now and then is no silence, and no answer either."""
    plain.states.fault("GET", Reply(200, b" " * 1000, drip=True))
    with pytest.raises(LedgerError, match="no whole answer in time"):
        plain.home(timing=replace(QUICK, silence=30.0), TF_HTTP_RETRY_MAX="0").read("yaml")


def test_no_try_is_begun_beyond_the_whole_time(plain):
    """A wait that would end after it is not waited."""
    plain.states.fault("GET", reply(503, Retry_After="20"))
    with pytest.raises(LedgerError, match="HTTP 503"):
        plain.home(timing=Timing(total=10.0, sleep=plain.naps.append)).read("yaml")
    assert plain.naps == []


def test_a_body_that_is_not_what_its_checksum_says_is_asked_for_again(plain):
    """Half a state is not a state."""
    written(plain)
    plain.states.fault("GET", reply(200, "{}", Content_MD5="AAAAAAAAAAAAAAAAAAAAAA=="))
    assert plain.home().read("yaml").text == "one"


# Writing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [LOST_BEFORE, LOST_AFTER], ids=["not done", "done"])
def test_a_write_whose_answer_was_lost_is_read_back(either, lost):
    """It is sent again only where it is not there; in either case it is there once."""
    home, version = either.home(), written(either)
    either.states.fault("POST", lost)
    home.write("yaml", "two", version, "")
    posts = 1 if lost is LOST_AFTER else 2
    assert either.states.methods() == ["GET", *["POST", "GET"][: 2 * posts], *["POST"][: posts - 1]]
    assert either.home().read("yaml").text == "two"
    assert json.loads(either.states.states[either.key][-1])["serial"] == 2


def test_a_write_that_somebody_came_before_is_a_conflict(either):
    """Also where that happened while our own answer was lost."""
    home, version = either.home(), written(either)
    other = either.home()
    other.write("yaml", "two", version, "")
    with pytest.raises(Conflict):
        home.write("yaml", "mine", version, "")
    assert either.home().read("yaml").text == "two"


def test_gitlab_lets_one_of_two_writers_win(gitlab):
    """Both have read the same serial: the second is refused with 422, and that is a conflict."""
    home, version = gitlab.home(), written(gitlab)
    stale = reply(200, gitlab.states.states[gitlab.key][-1])
    gitlab.home().write("yaml", "two", version, "")
    gitlab.clear()
    gitlab.states.fault("GET", stale)
    with pytest.raises(Conflict):
        home.write("yaml", "mine", version, "")
    assert gitlab.states.methods() == ["GET", "POST", "GET"]
    assert gitlab.home().read("yaml").text == "two"


def test_a_422_that_is_no_conflict_is_told(gitlab):
    """A state that is being deleted, for one."""
    gitlab.states.fault("POST", reply(422, '{"message": "state is being deleted"}'))
    with pytest.raises(LedgerError, match=r"HTTP 422.*: state is being deleted") as caught:
        gitlab.home().write("yaml", "one", None, "")
    assert "run again later" in caught.value.hint


@pytest.mark.parametrize(("status", "hint"), [(413, "max_terraform_state_size_bytes"), (403, "Maintainer")])
def test_a_refused_write_says_what_to_do(gitlab, status, hint):
    """Too large, or not permitted."""
    gitlab.states.fault("POST", reply(status))
    with pytest.raises(LedgerError, match=f"cannot write project yaml.*HTTP {status}") as caught:
        gitlab.home().write("yaml", "one", None, "")
    assert hint in caught.value.hint


def test_a_write_goes_under_the_lock_of_its_writer(either):
    """The id is in the query, as Terraform sends it; nobody else can write then."""
    home = either.home()
    home.take("yaml", ANN)
    version = home.write("yaml", "one", None, "a1")
    post = next(seen for seen in either.states.requests if seen.method == "POST" and "lock" not in seen.path)
    assert post.query.startswith("ID=a1")
    with pytest.raises(Lost) as caught:
        either.home().write("yaml", "two", version, "")
    assert caught.value.ticket is not None
    assert caught.value.ticket.holder == "ann@build-7"
    assert either.home().read("yaml").text == "one"


def test_whoever_lost_its_lock_is_told_to_whom(either):
    """A 423 with the holder's document, or GitLab's bare 500, which is looked into."""
    ann, bob = either.home(), either.home()
    ann.take("yaml", ANN)
    assert bob.release("yaml", "a1")
    bob.take("yaml", BOB)
    with pytest.raises(Lost) as caught:
        ann.write("yaml", "ann", None, "a1")
    assert (caught.value.ticket.id, caught.value.ticket.holder, caught.value.ticket.reason) == (
        "b2",
        "bob@desk",
        "adopt",
    )
    assert bob.read("yaml").text == ""
    assert [lock["ID"].partition(";")[0] for lock in either.states.locks.values()] == ["b2"]


def test_a_broken_lock_that_nobody_has_is_lost_too(gitlab):
    """The look at it leaves no lock behind."""
    ann = gitlab.home()
    ann.take("yaml", ANN)
    gitlab.home().release("yaml", "a1")
    with pytest.raises(Lost) as caught:
        ann.write("yaml", "ann", None, "a1")
    assert caught.value.ticket is None
    assert gitlab.states.locks == {}


@pytest.mark.parametrize("refusal", [reply(423), reply(409), reply(423, "<html>")], ids=["423", "409", "page"])
def test_a_refusal_without_a_document_is_looked_into(plain, refusal):
    """Where the lock is ours after all, it is the server's fault and told as one; where it is another's, it is lost."""
    ann, bob = plain.home(), plain.home()
    ann.take("yaml", ANN)
    plain.states.fault("POST", refusal)
    with pytest.raises(LedgerError, match="cannot write project yaml"):
        ann.write("yaml", "ann", None, "a1")
    bob.release("yaml", "a1")
    bob.take("yaml", BOB)
    plain.states.fault("POST", refusal)
    with pytest.raises(Lost) as caught:
        ann.write("yaml", "ann", None, "a1")
    assert caught.value.ticket.id == "b2"


def test_a_500_to_a_holder_is_repeated(gitlab):
    """The bare 500 is no lost lock where the lock is there."""
    ann = gitlab.home()
    ann.take("yaml", ANN)
    gitlab.states.faults["POST"] = [reply(500)]
    ann.write("yaml", "one", None, "a1")
    assert gitlab.home().read("yaml").text == "one"


def test_an_erased_project_is_empty_also_under_a_lock(either):
    """Its serial goes on, so that whoever has read it before is told of a conflict."""
    home, version = either.home(), written(either)
    home.take("yaml", ANN)
    home.erase("yaml")
    home.erase("yaml")
    assert home.read("yaml").text == ""
    assert json.loads(either.states.states[either.key][-1])["serial"] == 2
    with pytest.raises(Conflict):
        home.write("yaml", "two", version, "a1")
