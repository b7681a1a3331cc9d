"""Every recorded exchange is answered as the platform answered it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.emulator import Emulator, Request, Response, running
from tests.emulator import wire


def _asked(recorded: dict[str, Any]) -> Request:
    parts = {key: recorded[key] for key in ("query", "body", "raw") if key in recorded}
    return wire.request(recorded["method"], recorded["path"], recorded.get("identity", "admin"), **parts)


def _replay(recording: dict[str, Any], answer: Callable[[Request], Response]) -> list[str]:
    found = []
    for index, exchange in enumerate(recording["exchanges"]):
        asked = exchange["request"]
        title = f"{recording['name']}[{index}] {asked['method']} {asked['path']}"
        differences = wire.differences(exchange["response"], answer(_asked(asked)))
        found += [f"{title} {line}" for line in differences]
    return found


@pytest.mark.parametrize("name", wire.RECORDINGS)
def test_in_process(name):
    """A recording replayed without a socket shows no difference."""
    recording = wire.load(name)
    emulator = Emulator(wire.WORLD, recording.get("given", []))
    assert _replay(recording, emulator.handle) == []


@pytest.mark.parametrize("name", wire.RECORDINGS)
def test_over_a_socket(name):
    """A recording replayed over HTTP shows no difference."""
    recording = wire.load(name)
    with running(Emulator(builds=recording.get("given", []))) as url:
        connection = wire.connect(url)
        try:
            assert _replay(recording, lambda asked: wire.send_over_socket(connection, asked)) == []
        finally:
            connection.close()


def test_the_shipped_world_is_the_recordings():
    assert Emulator().state()["world"] == wire.WORLD


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda answer: answer.update(status=201), "status"),
        (lambda answer: answer.update(content_type="text/plain"), "content type"),
        (lambda answer: answer["json"].update(total=True), "$.total"),
        (lambda answer: answer["json"].update(total=1.0), "$.total"),
        (lambda answer: answer["json"].update(extra=None), "$"),
        (lambda answer: answer["json"]["builds"][0].pop("source"), "$.builds[0]"),
        (lambda answer: answer["json"]["builds"].append("<id>"), "$.builds"),
        (lambda answer: answer["json"]["builds"][0].update(name="<time>"), "is no time"),
        (lambda answer: answer["json"]["builds"][0].update(name="<id>"), "is no id"),
    ],
)
def test_the_comparison_sees_every_difference(spoil, told):
    """The positive control: a recording that is spoiled no longer agrees."""
    recording = copy.deepcopy(wire.load("01-create-minimal"))
    spoil(recording["exchanges"][2]["response"])
    found = _replay(recording, Emulator(wire.WORLD).handle)
    assert found
    assert told in found[0]
