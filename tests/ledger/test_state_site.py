"""Where states are and as whom we go there: URLs, names, credentials, and what is refused before anything is sent."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ledger.home import Held, Ticket
from reconciler.ledger.state import StateHome
from reconciler.ledger.state_body import State, dump, load, lock_document, read_lock, wire_id
from reconciler.ledger.state_site import account, site, state_name
from reconciler.model.errors import LedgerError, UsageError
from tests.ledger.state_homes import ANN, BOB, SERVER, scene
from tests.ledger.state_server import StateServer, basic, reply, serving
from tests.test_properties import examples

GITLAB = "https://git.example/api/v4/projects/12/terraform/state"
CANARY = "canary-7f3a91"


# Addresses ---------------------------------------------------------------------------------------------------

ADDRESSES = {
    "plain": ("https://h/s", {}, "https://h/s/N", ("LOCK", "https://h/s/N"), ("UNLOCK", "https://h/s/N")),
    "slash": ("https://h/s/", {}, "https://h/s/N", ("LOCK", "https://h/s/N"), ("UNLOCK", "https://h/s/N")),
    "query": (
        "https://h/s?a=1",
        {},
        "https://h/s/N?a=1",
        ("LOCK", "https://h/s/N?a=1"),
        ("UNLOCK", "https://h/s/N?a=1"),
    ),
    "placed": (
        "https://h/s/{project}.json",
        {},
        "https://h/s/N.json",
        ("LOCK", "https://h/s/N.json"),
        ("UNLOCK", "https://h/s/N.json"),
    ),
    "gitlab": (GITLAB, {}, f"{GITLAB}/N", ("POST", f"{GITLAB}/N/lock"), ("DELETE", f"{GITLAB}/N/lock?ID=1")),
    "prefix": (
        f"{GITLAB}/prod",
        {},
        f"{GITLAB}/prod-N",
        ("POST", f"{GITLAB}/prod-N/lock"),
        ("DELETE", f"{GITLAB}/prod-N/lock?ID=1"),
    ),
    "own lock": (
        "https://h/state?n={project}",
        {
            "TF_HTTP_LOCK_ADDRESS": "https://h/lock?n={project}",
            "TF_HTTP_UNLOCK_ADDRESS": "https://h/lock?n={project}",
            "TF_HTTP_LOCK_METHOD": "PUT",
            "TF_HTTP_UNLOCK_METHOD": "DELETE",
        },
        "https://h/state?n=N",
        ("PUT", "https://h/lock?n=N"),
        ("DELETE", "https://h/lock?n=N"),
    ),
    "terraform's own": (
        GITLAB,
        {
            "TF_HTTP_ADDRESS": f"{GITLAB}/infra",
            "TF_HTTP_LOCK_ADDRESS": f"{GITLAB}/infra/lock",
            "TF_HTTP_UNLOCK_ADDRESS": f"{GITLAB}/infra/lock",
            "TF_HTTP_LOCK_METHOD": "POST",
            "TF_HTTP_UNLOCK_METHOD": "DELETE",
        },
        f"{GITLAB}/N",
        ("POST", f"{GITLAB}/N/lock"),
        ("DELETE", f"{GITLAB}/N/lock?ID=1"),
    ),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_where_a_state_and_its_lock_are(case):
    """In GitLab's form the lock has an address and methods of its own; what Terraform uses for itself stays its own."""
    url, environ, state, lock, unlock = ADDRESSES[case]
    found = site(url, environ)
    assert found.state("N") == state
    assert (found.lock_method, found.locking("N")) == lock
    assert (found.unlock_method, found.unlocking("N", "1")) == unlock


def test_the_method_of_updates_is_terraform_s():
    """TF_HTTP_UPDATE_METHOD."""
    assert site("https://h/s", {"TF_HTTP_UPDATE_METHOD": "PUT"}).update_method == "PUT"


REFUSED = {
    "no host": ("https:///s", {}, "not a usable address"),
    "bad port": ("https://h:x/s", {}, "not a usable address"),
    "user": (f"https://ann:{CANARY}@h/s", {}, "a user or a password in it"),
    "fragment": (f"https://h/s#{CANARY}", {}, "a fragment"),
    "unencrypted": (f"http://h/s?token={CANARY}", {}, "without encryption"),
    "lock is the state": ("https://h/s", {"TF_HTTP_LOCK_METHOD": "POST"}, "would change the ledger itself"),
    "unlock deletes": ("https://h/s", {"TF_HTTP_UNLOCK_METHOD": "delete"}, "would change the ledger itself"),
    "retries": ("https://h/s", {"TF_HTTP_RETRY_MAX": "-1"}, "TF_HTTP_RETRY_MAX is not a number"),
    "token": ("https://h/s", {"RECONCILER_LEDGER_TOKEN": f"{CANARY}\nX-Other: 1"}, "RECONCILER_LEDGER_TOKEN has"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_not_be_safe_is_refused_before_anything_is_sent(case):
    """With the reason and what to write instead, and without repeating what could be a credential."""
    url, environ, sentence = REFUSED[case]
    with pytest.raises(UsageError) as caught:
        StateHome(url, SERVER, environ=environ)
    assert sentence in caught.value.message
    assert caught.value.hint
    assert CANARY not in caught.value.message + caught.value.hint


def test_a_network_of_one_s_own_may_go_without_encryption():
    """Only where that is said; this machine needs no word."""
    StateHome("http://state.infra/s", SERVER, environ={"RECONCILER_LEDGER_ALLOW_HTTP": "yes"}).close()
    StateHome("http://localhost:1/s", SERVER, environ={}).close()


# Credentials -------------------------------------------------------------------------------------------------

JOB = {"CI_JOB_TOKEN": CANARY, "CI_SERVER_HOST": "git.example", "CI_SERVER_PORT": "443", "CI_SERVER_PROTOCOL": "https"}
TERRAFORM = {"TF_HTTP_USERNAME": "ann", "TF_HTTP_PASSWORD": "pw"}
WHOM = {
    "nobody": (GITLAB, {}, {}),
    "token": ("https://h/s", {"RECONCILER_LEDGER_TOKEN": "t\n"}, {"Authorization": "Bearer t"}),
    "gitlab token": (GITLAB, {"RECONCILER_LEDGER_TOKEN": "t"}, {"PRIVATE-TOKEN": "t"}),
    "terraform": ("https://h/s", TERRAFORM, {"Authorization": basic("ann", "pw")}),
    "no password": ("https://h/s", {"TF_HTTP_USERNAME": "ann"}, {"Authorization": basic("ann", "")}),
    "token first": (GITLAB, {**JOB, **TERRAFORM, "RECONCILER_LEDGER_TOKEN": "t"}, {"PRIVATE-TOKEN": "t"}),
    "terraform before job": (GITLAB, {**JOB, **TERRAFORM}, {"Authorization": basic("ann", "pw")}),
    "job": (GITLAB, JOB, {"Authorization": basic("gitlab-ci-token", CANARY)}),
    "terraform is here": (
        GITLAB,
        {**TERRAFORM, "TF_HTTP_ADDRESS": f"{GITLAB}/infra"},
        {"Authorization": basic("ann", "pw")},
    ),
    "terraform is elsewhere": (GITLAB, {**TERRAFORM, "TF_HTTP_ADDRESS": "https://other.example/x"}, {}),
    "job of another server": (GITLAB, {**JOB, "CI_SERVER_HOST": "other.example"}, {}),
    "job of another port": (GITLAB.replace("git.example", "git.example:8443"), JOB, {}),
    "job, and no gitlab": ("https://git.example/s", JOB, {}),
}


@pytest.mark.parametrize("case", WHOM)
def test_a_credential_goes_to_the_server_that_it_is_for(case):
    """Our own token before Terraform's pair before a job's; none of another host's is sent."""
    url, environ, headers = WHOM[case]
    assert dict(account(url, site(url, environ).gitlab, environ).headers) == headers


@pytest.mark.parametrize("gitlab", [False, True], ids=["plain", "gitlab"])
@pytest.mark.parametrize("kind", ["basic", "token"])
def test_a_server_that_asks_for_credentials_gets_them(kind, gitlab):
    """Read, written and locked with them; refused without and with others; the reason names where they come from."""
    token = CANARY if gitlab else f"Bearer {CANARY}"
    environ = {
        "basic": {"TF_HTTP_USERNAME": "ann", "TF_HTTP_PASSWORD": CANARY},
        "token": {"RECONCILER_LEDGER_TOKEN": CANARY},
    }[kind]
    with scene(gitlab=gitlab, accounts=frozenset({basic("ann", CANARY), token})) as made:
        home = made.home(**environ)
        home.take("yaml", ANN)
        home.write("yaml", "one", home.read("yaml").version, "a1")
        assert home.release("yaml", "a1")
        with pytest.raises(LedgerError, match="requests without credentials"):
            made.home().read("yaml")
        wrong = {key: value if key.endswith("NAME") else "wrong" for key, value in environ.items()}
        with pytest.raises(LedgerError, match=f"does not accept {next(iter(environ))}"):
            made.home(**wrong).read("yaml")


@pytest.mark.parametrize("environ", [{"RECONCILER_LEDGER_TOKEN": CANARY}, {**TERRAFORM, "TF_HTTP_PASSWORD": CANARY}])
@pytest.mark.parametrize("gitlab", [False, True], ids=["plain", "gitlab"])
def test_no_credential_is_in_a_message_or_in_what_is_kept(gitlab, environ):
    """Also where the server repeats it, in clear or as it was sent."""
    pair = basic("ann", CANARY).split()[1]
    with scene(gitlab=gitlab) as made:
        home = made.home(**environ)
        home.take("yaml", ANN)
        home.write("yaml", "one", None, "a1")
        told = [repr(home), home.place]
        for echo in (CANARY, f"Basic {pair}"):
            for status in (400, 401, 403, 422, 500):
                made.states.fault("GET", *[reply(status, json.dumps({"message": f"bad: {echo}"}))] * 3)
                with pytest.raises(LedgerError) as caught:
                    home.read("yaml")
                told.append(caught.value.message + caught.value.hint)
        sent = "".join(str(seen.headers) for seen in made.states.requests)
        assert CANARY in sent or pair in sent
        for text in (*told, made.states.kept().decode()):
            assert CANARY not in text
            assert pair not in text


def test_what_stands_in_the_query_is_not_in_the_place():
    """A URL's query may hold a token."""
    with scene() as made:
        home = made.home(f"{made.states.url}?token={CANARY}")
        made.states.fault("GET", reply(418))
        with pytest.raises(LedgerError) as caught:
            home.read("yaml")
        assert CANARY not in home.place + caught.value.message + caught.value.hint
        assert CANARY in made.states.requests[0].query


def test_a_home_speaks_through_the_transport_that_it_is_given():
    """As other doors do in tests."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(404)

    home = StateHome("https://h/s", SERVER, environ={}, transport=httpx.MockTransport(answer))
    assert home.read("yaml").text == ""
    assert asked == [f"https://h/s/{state_name(SERVER, 'yaml')}"]


def test_a_server_that_is_not_there_is_told():
    """Which one, and what to look at."""
    with scene() as made:
        url = made.states.url
    home = StateHome(url, SERVER, environ={"TF_HTTP_RETRY_MAX": "0"})
    with pytest.raises(LedgerError, match=f"cannot read project yaml in {re.escape(url)}: cannot connect") as caught:
        home.read("yaml")
    home.close()
    assert "check the address" in caught.value.hint


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with it")
def test_a_certificate_that_nobody_knows_is_refused(tmp_path, monkeypatch):
    """Before a credential is sent; with its authority in SSL_CERT_FILE it is known."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subject = ["-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with serving(StateServer(), tls) as states:
        environ = {"TF_HTTP_RETRY_MAX": "0", "RECONCILER_LEDGER_TOKEN": CANARY}
        home = StateHome(states.url, SERVER, environ=environ)
        with pytest.raises(LedgerError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            home.read("yaml")
        home.close()
        assert "SSL_CERT_FILE" in caught.value.hint
        assert states.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        home = StateHome(states.url, SERVER, environ=environ)
        assert home.read("yaml").text == ""
        home.close()
        assert states.requests[0].headers["authorization"] == f"Bearer {CANARY}"


# For all inputs ----------------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=()), max_size=40)
NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
PRINTED = st.text(st.characters(exclude_categories=("C", "Z")), max_size=60)


@examples(60)
@given(st.lists(st.tuples(st.sampled_from([SERVER, "https://b.example"]), NAMES), unique=True, max_size=6))
def test_a_state_s_name_is_safe_and_nobody_else_s(pairs):
    """Letters, digits, `-` and `_`, of bearable length; two servers or projects never share one."""
    names = [state_name(server, project) for server, project in pairs]
    assert len(set(names)) == len(pairs)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,100}", name) for name in names)


@examples(60)
@given(TEXTS, NAMES, st.integers(1, 10**9))
def test_a_state_is_read_as_it_was_written(text, project, serial):
    """To the character, surrogates and control characters included; the bytes are ASCII."""
    state = State(text, "6f1c", serial)
    body = dump(state, SERVER, project)
    assert body.isascii()
    assert load(body, SERVER, project, "here") == state


@examples(100)
@given(PRINTED, PRINTED, PRINTED, PRINTED, PRINTED)
def test_a_lock_says_the_same_on_the_wire_in_either_form(id, holder, reason, commit, job):
    """In the plain form all of it; in an id of 255 characters the first of it, and never something else."""
    ticket = Ticket(id or "1", holder, reason, commit, job, 1_700_000_000.0)
    plain = read_lock(lock_document(ticket, wire_id(ticket, packed=False), "p"), packed=False)
    assert plain is not None
    assert plain.ticket == ticket
    long = wire_id(ticket, packed=True)
    packed = read_lock(lock_document(ticket, long, "p"), packed=True)
    assert packed is not None
    assert packed.id == long
    if ";" in long:
        assert len(long) <= 255
        assert packed.ticket.id == ticket.id
        for name in ("reason", "holder", "job", "commit"):
            assert getattr(packed.ticket, name) in (getattr(ticket, name), "" if name != "holder" else ticket.holder)


def test_a_long_job_leaves_the_holder_in_a_lock_s_id():
    """GitLab takes 255 characters: the commit goes first, then the job."""
    with scene(gitlab=True) as made:
        made.home().take("yaml", replace(ANN, job="https://ci.example/" + "j" * 300))
        with pytest.raises(Held) as caught:
            made.home().take("yaml", BOB)
    told = caught.value.ticket
    assert (told.id, told.holder, told.reason, told.commit, told.job) == ("a1", "ann@build-7", "apply", "", "")


def test_the_addresses_are_urls_whatever_the_project_is_called():
    """Its state's name is one segment of the path."""
    found = site("https://h/s", {})
    for project in ("a/b", "..", "a?b#c", "日本", ""):
        path = urlsplit(found.state(state_name(SERVER, project))).path
        assert path.count("/") == 2
        assert unquote(path).rpartition("/")[2] == state_name(SERVER, project)
