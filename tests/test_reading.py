"""Reading the server: complete or said not to be, repeated where it may be, every failure a sentence."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import httpx
import pytest

from reconciler.emulator import Emulator
from reconciler.model.errors import BadToken, NotPermitted, ServerError
from reconciler.model.fields import Kind
from reconciler.model.retry_after import retry_after
from reconciler.model.secret import Secret
from reconciler.server import reading
from reconciler.server.reading import Wanted
from reconciler.server.transport import Clock, Connection, ReadDoor, WriteDoor
from tests.rig import TOKEN
from tests.wire_transport import transport_to

GIVEN = json.loads((Path(__file__).parent / "wire" / "13-made-in-the-page.json").read_text(encoding="utf-8"))["given"]


class Hours:
    """A clock that only moves when somebody sleeps."""

    def __init__(self) -> None:
        self.naps: list[float] = []

    def clock(self) -> Clock:
        return Clock(now=lambda: sum(self.naps), wall=lambda: 1_700_000_000.0, sleep=self.naps.append)


def door_to(emulator: Emulator, hours: Hours | None = None, token: str = TOKEN, kind: type[ReadDoor] = ReadDoor):
    clock = (hours or Hours()).clock()
    transport = lambda: transport_to(emulator)  # noqa: E731
    return kind(Connection("http://zadig.example", Secret(token), 5.0, 120.0, transport, clock))


def made(count: int) -> list[dict]:
    return [{**copy.deepcopy(GIVEN[2]), "name": f"b{n}", "source": "zadig"} for n in range(count)]


def read(emulator: Emulator, *wanted: str, **options):
    return reading.read_project(door_to(emulator, **options), "yaml", [Wanted(name) for name in wanted], 4)


def test_a_reading_door_cannot_write():
    """Not by type, and not on the wire: its client stops everything but GET before it is sent."""
    emulator = Emulator()
    door = door_to(emulator)
    assert not hasattr(door, "put")
    assert not hasattr(door, "post")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        with pytest.raises(RuntimeError, match=method):
            door._client().request(method, "/openapi/build")
    assert emulator.requests() == []
    writer = door_to(emulator, kind=WriteDoor)
    writer.put("/openapi/build", {}, b"")
    assert [r["method"] for r in emulator.requests()] == ["PUT"]


def test_a_list_of_many_pages_is_complete():
    """Pages are put together until the names are as many as the server says."""
    emulator = Emulator(builds=made(reading.PAGE + 40))
    found = read(emulator)
    assert len(found.builds) == reading.PAGE + 40
    assert found.incomplete == ""
    assert [r["query"]["pageNum"] for r in emulator.requests()] == ["1", "2"]


def test_a_list_that_does_not_settle_is_incomplete():
    """A page that misses one build every time leaves the reading incomplete, and says how far it got."""
    emulator = Emulator(builds=made(5))
    emulator.set_faults([{"kind": "unsettled-list", "probability": 1.0, "seed": 1}])
    assert "4 of 5" in read(emulator).incomplete
    emulator.set_faults([{"kind": "unsettled-list", "at": [0]}])
    assert read(emulator).incomplete == ""


@pytest.mark.parametrize(
    "kind", ["reset", "lost-answer", "429-seconds", "502-html", "truncated", "timeout", "500-json", "403-empty"]
)
def test_a_failure_that_passes_is_repeated(kind):
    """One bad answer does not spoil a reading."""
    emulator = Emulator(builds=GIVEN)
    emulator.set_faults([{"kind": kind, "at": [0]}])
    assert set(read(emulator, "ui-build").builds) == {"ui-build", "jenkins-build", "very-old"}


def test_retry_after_is_honoured_in_seconds_and_as_a_date():
    """The server's own word on when to come back counts, however it says it."""
    hours = Hours()
    emulator = Emulator()
    emulator.set_faults([{"kind": "429-seconds", "at": [0]}])
    read(emulator, hours=hours)
    assert hours.naps == [1.0]
    assert retry_after("7", 0) == 7
    assert retry_after("Tue, 14 Nov 2023 22:13:30 GMT", 1_700_000_000) == 10
    assert retry_after("Tue, 14 Nov 2023 22:13:00 GMT", 1_700_000_000) == 0
    assert [retry_after(value, 0) for value in ("soon", "", " ", None, "²")] == [None] * 5
    assert retry_after(None, 0) is None


def test_a_server_that_never_answers_is_given_up_by_the_deadline():
    """The total deadline holds, and the message says what to check."""
    hours = Hours()
    emulator = Emulator()
    emulator.set_faults([{"kind": "502-html", "probability": 1.0, "seed": 1}])
    with pytest.raises(ServerError, match="HTTP 502"):
        read(emulator, hours=hours)
    assert 0 < sum(hours.naps) < 120
    emulator.set_faults([{"kind": "reset", "probability": 1.0, "seed": 1}])
    with pytest.raises(ServerError, match="does not answer"):
        read(emulator)


def test_a_wrong_token_is_never_repeated():
    """A 401 is final: one request, and the hint says where to take a new token."""
    emulator = Emulator()
    with pytest.raises(BadToken, match="401") as caught:
        read(emulator, token="nonsense")
    assert "ZADIG_TOKEN" in caught.value.hint
    assert len(emulator.requests()) == 1


def test_a_project_that_is_not_ours_is_named():
    """A 403 names the project, after one more try for a user service that stumbled."""
    token = "e30.eyJuYW1lIjoibm9ib2R5IiwidWlkIjoibm9ib2R5IiwiYWNjb3VudCI6Im5vYm9keSJ9.sig"
    emulator = Emulator()
    with pytest.raises(NotPermitted, match='"yaml"'):
        read(emulator, token=token)
    assert len(emulator.requests()) == 2


def test_a_jenkins_build_is_listed_and_never_asked_for():
    """Its detail crashes the server's handler, so there is no request for it."""
    emulator = Emulator(builds=GIVEN)
    found = read(emulator, "jenkins-build", "very-old")
    assert found.builds["jenkins-build"].source == "jenkins"
    assert found.builds["jenkins-build"].build is None
    assert not any("jenkins-build" in r["path"] for r in emulator.requests())


def test_a_detail_that_fails_marks_that_build_and_the_rest_goes_on():
    """An unreadable build is unread, with a sentence; its neighbours are read."""
    emulator = Emulator(builds=GIVEN)
    emulator.set_faults([{"kind": "500-empty", "probability": 1.0, "seed": 1, "match": {"path": "ui-build"}}])
    found = read(emulator, "ui-build", "very-old")
    assert "500" in found.builds["ui-build"].unread
    assert found.builds["ui-build"].build is None
    assert found.builds["very-old"].build is not None


def test_what_an_update_would_erase_is_named_with_its_value():
    """Everything that detail shows and the API cannot send."""
    found = read(Emulator(builds=GIVEN), "ui-build").builds["ui-build"]
    assert {loss.path for loss in found.losses} == {
        "post_build.scripts",
        "post_build.file_archive",
        "post_build.object_storage_upload",
        "repo_info[org/demo].hidden",
        "outputs[sha].description",
        "advanced_settings.cache_setting",
    }
    assert next(loss.value for loss in found.losses if loss.path == "post_build.scripts") == "echo done\n"


@pytest.mark.witness_allows("(build)", reason="the build is made through the door for writing, and not by an apply")
def test_a_template_build_takes_one_detail_per_service_module():
    """Where Git or the ledger says that it is one; otherwise one more, to find out."""
    emulator = Emulator()
    targets = [{"service_name": "s", "service_module": f"m{n}"} for n in range(3)]
    body = {"name": "t", "project_key": "yaml", "template_name": "demo-template", "target_services": targets}
    writer = door_to(emulator, kind=WriteDoor)
    writer.post("/openapi/build", {"projectKey": "yaml", "source": "template"}, json.dumps(body).encode())
    for kind, requests in ((Kind.TEMPLATE, 3), (None, 4)):
        emulator.clear_requests()
        found = reading.read_project(door_to(emulator), "yaml", [Wanted("t", kind)], 4).builds["t"]
        assert found.build is not None
        assert found.build.kind is Kind.TEMPLATE
        assert len([r for r in emulator.requests() if r["path"].endswith("/detail")]) == requests


def test_a_name_that_a_path_must_escape_is_read():
    """Names with spaces, signs and Chinese letters are asked for as they are."""
    names = ["A B", "a+b", "x?y", "构建", "50%", "a#b"]
    emulator = Emulator(builds=[{**copy.deepcopy(GIVEN[2]), "name": name} for name in names])
    found = read(emulator, *names)
    assert [n for n in names if found.builds[n].build is None] == []


def test_a_build_without_a_name_is_counted_and_left_alone():
    """No call can name it, so nobody asks."""
    found = read(Emulator(builds=[{**copy.deepcopy(GIVEN[2]), "name": ""}]))
    assert found.unnamed == 1
    assert found.builds == {}
    assert found.incomplete == ""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(200, html="<html>login</html>"), "not JSON"),
        (httpx.Response(200, json=[]), "not an object"),
        (httpx.Response(200, json={"total": "3"}), "no total"),
        (httpx.Response(302, headers={"location": "/signin"}), "HTTP 302"),
        (httpx.Response(404, text="404 page not found"), "does not answer as a Zadig"),
    ],
)
def test_what_is_not_a_zadig_is_said_not_to_be(answer, words):
    """HTML, other JSON, redirects and unknown paths: an error that says to check the address."""
    transport = lambda: httpx.MockTransport(lambda _: answer)  # noqa: E731
    door = ReadDoor(Connection("http://x", Secret(TOKEN), 5.0, 9.0, transport, Hours().clock()))
    with pytest.raises(ServerError, match=words) as caught:
        reading.read_list(door, "yaml")
    assert caught.value.exit_code == 69
