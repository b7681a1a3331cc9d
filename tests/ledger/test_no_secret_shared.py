"""No secret of a run comes out at a shared ledger: not in what is stored there, not in what any command says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canaries import canary, found
from tests.ledger.crowd import Crowd, crowd_at, forks
from tests.ledger.shared_places import SHARED, SharedPlace
from tests.ledger.small_s3 import SmallS3
from tests.ledger.state_server import StateServer, basic, reply
from tests.rig import TOKEN, plain

ZADIG, VALUE, OTHER = canary("ZADIG_TOKEN", odd=""), canary("BUILD_PASSWORD"), canary("BUILD_OTHER")
PASSWORD, KEY, TOKEN_OF_STATES = (
    canary("TF_HTTP_PASSWORD"),
    canary("AWS_SECRET_ACCESS_KEY", odd=""),
    canary("t", odd=""),
)
SESSION, JOB = canary("AWS_SESSION_TOKEN", odd=""), canary("the password in CI_JOB_URL", odd="")
WRONG = canary("a wrong password", odd="")
SECRETS = [ZADIG, VALUE, OTHER, PASSWORD, KEY, TOKEN_OF_STATES, SESSION, JOB, WRONG]

ENVIRON = {
    "ZADIG_TOKEN": TOKEN.rpartition(".")[0] + "." + ZADIG.text,
    "BUILD_PASSWORD": VALUE.text,
    "BUILD_OTHER": OTHER.text,
    "CI_COMMIT_SHA": "c0ffee00",
    "CI_JOB_URL": f"https://ann:{JOB.text}@ci.example/jobs/7?token={JOB.text}",
}


@pytest.fixture(scope="module")
def made():
    with forks() as running:
        yield running


@pytest.fixture(params=SHARED)
def crowd(request, tmp_path: Path, made) -> Iterator[Crowd]:
    with crowd_at(request.param, tmp_path, made) as crowd:
        guard(crowd.place)
        yield crowd


def guard(place: SharedPlace) -> None:
    """Let a place want one of the secrets."""
    if place.kind == "s3":
        keys = {"AWS_SECRET_ACCESS_KEY": KEY.text, "AWS_SESSION_TOKEN": SESSION.text}
        place.environ = {**place.environ, **keys}
        return
    assert isinstance(place.server, StateServer)
    if place.kind == "gitlab":
        place.server.accounts = frozenset([TOKEN_OF_STATES.text])
        place.environ = {"RECONCILER_LEDGER_TOKEN": TOKEN_OF_STATES.text}
    else:
        place.server.accounts = frozenset([basic("ann", PASSWORD.text)])
        place.environ = {"TF_HTTP_USERNAME": "ann", "TF_HTTP_PASSWORD": PASSWORD.text}


def wrong(place: SharedPlace) -> dict[str, str]:
    """The same place with credentials that are not let in; each of them is a secret too."""
    names = ("RECONCILER_LEDGER_TOKEN", "TF_HTTP_PASSWORD", "AWS_SECRET_ACCESS_KEY")
    return {name: WRONG.text for name in names if name in place.environ}


def stored(place: SharedPlace) -> bytes:
    if isinstance(place.server, SmallS3):
        return b"\n".join(body for body, _ in place.server.objects.values())
    assert isinstance(place.server, StateServer)
    return place.server.kept()


def test_no_secret_is_stored_or_said(crowd: Crowd):
    """Whatever is typed, also wrongly: applied, killed, locked, refused, repeated by the place in its errors."""
    parameter = {"key": "PW", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PASSWORD"}}
    other = {"key": "O", "type": "string", "default_value": {"from_env": "BUILD_OTHER"}}
    tree = str(crowd.write("t", plain("a", parameters=[parameter, other])))
    said, kept = [], []

    def run(*arguments: str, **environ: str) -> int:
        code, text = crowd.done(*arguments, **{**ENVIRON, **environ})
        said.append(text)
        kept.append(stored(crowd.place))
        return code

    assert run("apply", tree, "--yes", "-v") == 0
    crowd.emulator.set_faults([{"kind": "timeout", "at": [0], "match": {"method": "POST"}}])
    crowd.write("t", plain("a", parameters=[parameter, other]), plain("b", parameters=[parameter, other]))
    victim = crowd.apply("t", "-v", **ENVIRON)
    while not any(r["fault"] for r in crowd.emulator.requests()):
        assert victim.poll() is None, victim.said
    kept.append(stored(crowd.place))
    assert run("apply", tree, "--yes", "-v") == 75
    victim.kill()
    assert run("plan", tree, "-v", "--format", "json") == 0
    for command in (["show"], ["check"], ["show", "--format", "json"], ["check", "--format", "json"]):
        assert run("ledger", *command, tree) in (0, 64), said[-1]
    run("config", tree)
    run("config", tree, "--format", "json")
    run("unlock", "nobody", tree)
    ticket = crowd.place.holder(crowd.url)
    assert ticket
    assert run("unlock", ticket.id, tree) == 0
    for url in ("https://ann:{0}@states.example/x?token={0}", "s3://ann:{0}@led/x?key={0}"):
        for command in ("plan", "apply", "config"):
            run(command, tree, *(["--yes"] if command == "apply" else []), "--ledger", url.format(PASSWORD.words[0]))
    if isinstance(crowd.place.server, StateServer):
        assert run("apply", tree, "--yes", "-v", **wrong(crowd.place)) == 1
        echo = '{"message": "no entry for %s"}' % (crowd.place.environ | ENVIRON)
        crowd.place.server.fault("GET", *[reply(403, echo)] * 2)
        run("apply", tree, "--yes", "-v")
    said.append(victim.said)
    told = "\n".join(said).encode()
    assert b"Traceback" not in told
    assert found(SECRETS, told) == []
    assert found(SECRETS, b"\n".join(kept)) == []
    assert len(kept[-1]) > 500
