"""The control doors: state, requests, faults, settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.emulator import Emulator, Request, Response
from tests.emulator import builds, wire


def _door(emulator: Emulator, method: str, name: str, body: Any = None) -> Response:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return emulator.handle(Request(method, f"/_emulator/{name}", "", {}, raw))


@pytest.fixture(name="emulator")
def _emulator() -> Emulator:
    return Emulator(control=True)


def test_without_control_the_doors_are_unknown_paths():
    answer = _door(Emulator(), "GET", "state")
    assert (answer.status, answer.body) == (404, b"Invalid path: /_emulator/state")


@pytest.mark.parametrize("name", wire.RECORDINGS)
def test_a_state_that_is_put_back_is_the_same_state(name, emulator):
    """Round trip after every recording, through the doors: nothing is lost and nothing added."""
    recording = wire.load(name)
    given = recording.get("given", [])
    assert _door(emulator, "PUT", "state", {"builds": given}).body == b"{}"
    assert emulator.state() == {"world": wire.WORLD, "builds": given}
    for exchange in recording["exchanges"]:
        asked = exchange["request"]
        parts = {key: asked[key] for key in ("query", "body", "raw") if key in asked}
        wire.send(emulator, asked["method"], asked["path"], asked.get("identity", "admin"), **parts)
    state = json.loads(_door(emulator, "GET", "state").body)
    assert state == emulator.state()
    other = Emulator({}, control=True)
    assert _door(other, "PUT", "state", state).body == b"{}"
    assert other.state() == state


def test_a_state_without_a_world_keeps_todays(emulator):
    _door(emulator, "PUT", "state", {"world": {"license": "basic"}, "builds": [builds.made_in_the_page()]})
    _door(emulator, "PUT", "state", {"builds": []})
    assert emulator.state() == {"world": {"license": "basic"}, "builds": []}


def test_a_state_is_a_copy(emulator):
    given = builds.made_in_the_page()
    emulator.set_state(None, [given])
    given["pre_build"]["envs"].clear()
    emulator.state()["builds"][0]["pre_build"]["envs"].clear()
    assert len(emulator.state()["builds"][0]["pre_build"]["envs"]) == 4


def test_requests_are_recorded_without_the_token_and_without_the_doors(emulator):
    builds.create(emulator, builds.plain())
    asked = Request(
        "GET", "/openapi/build/a%20b/detail", "projectKey=yaml&x=1&x=2", {"authorization": "Bearer x", "X-A": "b"}
    )
    emulator.handle(asked)
    emulator.handle(Request("POST", "/nope", "", {}, b"\xff{"))
    recorded = json.loads(_door(emulator, "GET", "requests").body)
    assert recorded == [
        {
            "index": 0, "method": "POST", "path": "/openapi/build", "query": {}, "headers": {},
            "body": builds.plain(), "status": 200, "fault": None,
        },
        {
            "index": 1, "method": "GET", "path": "/openapi/build/a%20b/detail",
            "query": {"projectKey": "yaml", "x": ["1", "2"]}, "headers": {"X-A": "b"},
            "body": None, "status": 401, "fault": None,
        },
        {
            "index": 2, "method": "POST", "path": "/nope", "query": {}, "headers": {},
            "body": "\ufffd{", "status": 404, "fault": None,
        },
    ]  # fmt: skip
    assert _door(emulator, "DELETE", "requests").body == b"{}"
    assert emulator.requests() == []
    emulator.handle(asked)
    assert emulator.requests()[0]["index"] == 0


@pytest.mark.parametrize(
    ("method", "name", "body"),
    [
        ("PUT", "state", b"{"),
        ("PUT", "state", b""),
        ("PUT", "state", []),
        ("PUT", "state", {}),
        ("PUT", "state", {"builds": [1]}),
        ("PUT", "state", {"builds": [], "world": []}),
        ("PUT", "state", {"builds": [], "words": {}}),
        ("PUT", "faults", {}),
        ("PUT", "faults", [{"kind": "nonsense", "at": [0]}]),
        ("PUT", "faults", [{"kind": "reset"}]),
        ("PUT", "faults", [{"kind": "reset", "at": [0], "probability": 1}]),
        ("PUT", "faults", [{"kind": "reset", "at": 0}]),
        ("PUT", "faults", [{"kind": "reset", "at": ["0"]}]),
        ("PUT", "faults", [{"kind": "reset", "probability": 2}]),
        ("PUT", "faults", [{"kind": "reset", "at": [0], "match": {"path": "("}}]),
        ("PUT", "faults", [{"kind": "reset", "at": [0], "match": "x"}]),
        ("PUT", "faults", [{"kind": "reset", "at": [0], "times": 1}]),
        ("PUT", "settings", []),
        ("PUT", "settings", {"latency": 1}),
        ("PUT", "settings", {"latency_ms": -1}),
        ("PUT", "settings", {"latency_ms": True}),
        ("PUT", "settings", {"internal_read": 1}),
        ("PUT", "settings", {"license": None}),
    ],
)
def test_a_bad_body_is_a_400_with_a_sentence_and_changes_nothing(emulator, method, name, body):
    before = emulator.state()
    answer = _door(emulator, method, name, body)
    assert answer.status == 400
    assert json.loads(answer.body)["message"].endswith(".")
    assert emulator.state() == before


def test_unknown_doors_and_wrong_methods(emulator):
    assert _door(emulator, "GET", "nope").status == 404
    assert _door(emulator, "POST", "state").status == 405


def test_settings(emulator):
    assert _door(emulator, "PUT", "settings", {"license": "basic", "latency_ms": 1}).body == b"{}"
    assert emulator.state()["world"]["license"] == "basic"
    assert builds.create_from_template(emulator, builds.FROM_TEMPLATE).status == 400
    _door(emulator, "PUT", "settings", {"license": "enterprise"})
    assert builds.create_from_template(emulator, builds.FROM_TEMPLATE).status == 200
