"""Faults on demand: which request is hit, what is done, and what its client gets."""

from __future__ import annotations

import json
import time
from email.utils import parsedate_to_datetime

import pytest

from reconciler.emulator import Emulator
from tests.emulator import builds, wire

NOT_DONE = {
    "reset": 0, "timeout": 0, "429-seconds": 429, "429-date": 429, "500-json": 500, "500-empty": 500,
    "502-html": 502, "403-empty": 403, "401-empty": 401,
}  # fmt: skip
DONE = ("lost-answer", "truncated", "foreign-description", "unsettled-list")


def _faulty(kind: str, **rule: object) -> Emulator:
    emulator = Emulator(builds=[builds.made_in_the_page(f"b{index}") for index in range(3)])
    emulator.set_faults([{"kind": kind, **(rule or {"at": [0]})}])
    return emulator


@pytest.mark.parametrize("kind", NOT_DONE)
def test_faults_that_come_instead_of_the_request(kind):
    emulator = _faulty(kind)
    answer = builds.create(emulator, builds.plain())
    assert answer.status == NOT_DONE[kind]
    assert answer.broken == (kind if kind in ("reset", "timeout") else None)
    assert len(emulator.state()["builds"]) == 3
    assert [entry["fault"] for entry in emulator.requests()] == [kind]
    assert emulator.requests()[0]["status"] == (answer.status or None)
    assert builds.create(emulator, builds.plain()).status == 200
    assert len(emulator.state()["builds"]) == 4


@pytest.mark.parametrize("kind", DONE)
def test_faults_that_come_after_the_request(kind):
    emulator = _faulty(kind, at=[0], match={"method": "POST"})
    builds.create(emulator, builds.plain())
    assert len(emulator.state()["builds"]) == 4


def test_what_the_answers_look_like():
    assert builds.create(_faulty("429-seconds"), {}).headers["retry-after"] == "1"
    assert json.loads(builds.create(_faulty("500-json"), {}).body)["code"] == 500
    for kind in ("500-empty", "403-empty", "401-empty"):
        answer = builds.create(_faulty(kind), {})
        assert (answer.headers, answer.body) == ({}, b"")
    page = builds.create(_faulty("502-html"), {})
    assert page.headers["content-type"].startswith("text/html")
    assert page.body.startswith(b"<html>")


def test_a_date_to_wait_for_is_a_second_away_at_most():
    emulator = Emulator(clock=lambda: 1700000000.25)
    emulator.set_faults([{"kind": "429-date", "at": [0]}])
    date = parsedate_to_datetime(builds.create(emulator, {}).headers["retry-after"])
    assert date.timestamp() == 1700000001


def test_a_truncated_answer_is_half_of_its_body_under_the_whole_length():
    answer = builds.create(_faulty("truncated"), builds.plain())
    assert (answer.broken, answer.body, answer.headers["content-length"]) == ("truncated", b'{"message"', "21")


def test_a_lost_answer_tells_nothing_but_what_was_decided():
    answer = builds.create(_faulty("lost-answer"), builds.plain())
    assert (answer.broken, answer.status, answer.headers, answer.body) == ("lost-answer", 200, {}, b"")


def test_a_slow_answer_comes_after_a_second():
    emulator = _faulty("slow")
    start = time.monotonic()
    assert builds.create(emulator, builds.plain()).status == 200
    assert 0.9 < time.monotonic() - start < 3


def test_a_foreign_description_is_that_of_an_error_alone():
    emulator = _faulty("foreign-description", at=[0, 1])
    assert builds.create(emulator, builds.plain()).status == 200
    status, description = builds.told(builds.create(emulator, builds.plain()))
    assert status == 400
    assert "of-another-request" in description
    assert json.loads(builds.create(emulator, builds.plain()).body)["code"] == 6520


def test_an_unsettled_list_misses_one_and_repeats_another():
    emulator = _faulty("unsettled-list")
    builds.create(emulator, builds.plain(name="not-counted"))

    def names() -> list[str]:
        answer = wire.send(emulator, "GET", "/openapi/build", query={"projectKey": "yaml"})
        page = json.loads(answer.body)
        assert page["total"] == 4
        return [build["name"] for build in page["builds"]]

    assert names() == ["b0", "b1", "b2", "b0"]
    assert names() == ["b0", "b1", "b2", "not-counted"]


def test_only_requests_that_match_are_counted():
    emulator = _faulty("403-empty", at=[1], match={"method": "GET", "path": "^/openapi/build/b. x/detail$"})

    def ask(name: str) -> int:
        return wire.send(emulator, "GET", f"/openapi/build/{name}/detail", query={"projectKey": "yaml"}).status

    builds.update(emulator, {})
    assert [ask("b1"), ask("b1%20x"), ask("b2%20x"), ask("b0%20x")] == [200, 400, 403, 400]


def test_setting_faults_counts_from_the_start_again_and_an_empty_list_clears():
    emulator = _faulty("403-empty")
    assert builds.update(emulator, {}).status == 403
    emulator.set_faults([{"kind": "403-empty", "at": [0]}])
    assert builds.update(emulator, {}).status == 403
    emulator.set_faults([{"kind": "403-empty", "at": [0]}])
    emulator.set_faults([])
    assert builds.update(emulator, {}).status == 400


def test_chance_is_the_same_for_the_same_seed():
    def hits(seed: int) -> list[int]:
        emulator = _faulty("403-empty", probability=0.5, seed=seed)
        return [builds.update(emulator, {}).status for _ in range(40)]

    assert hits(1) == hits(1) != hits(2)
    assert set(hits(1)) == {403, 400}


def test_of_several_rules_the_first_that_hits_decides_and_all_count():
    emulator = Emulator()
    emulator.set_faults([{"kind": "500-empty", "at": [0]}, {"kind": "403-empty", "at": [0, 1]}])
    assert [builds.update(emulator, {}).status for _ in range(3)] == [500, 403, 400]


def test_the_doors_are_not_hit():
    emulator = Emulator(control=True)
    emulator.set_faults([{"kind": "500-empty", "probability": 1}])
    assert wire.send(emulator, "GET", "/_emulator/state").status == 200
