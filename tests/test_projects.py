"""The list of projects: all that the token may see, or said not to be all, and every failure a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import Emulator, Request, Response
from reconciler.model.errors import BadToken, NotPermitted, ServerError
from reconciler.model.secret import Secret
from reconciler.server.projects import PAGE, read_projects
from reconciler.server.transport import Clock, Connection, ReadDoor
from tests.emulator.wire import WORLD, token
from tests.test_properties import examples
from tests.wire_transport import Server, transport_to

Bend = Callable[[dict[str, Any]], Any]


def company(*keys: str) -> Emulator:
    """A server with these projects, in this order."""
    return Emulator(WORLD | {"projects": [{"key": key, "name": f"The {key}"} for key in keys]})


def door_to(server: Server, user: str = "admin", given: str = "") -> ReadDoor:
    clock = Clock(now=lambda: 0.0, wall=lambda: 0.0, sleep=lambda _: None)
    secret = Secret(given or token(user))
    return ReadDoor(Connection("http://zadig.example", secret, transport=lambda: transport_to(server), clock=clock))


class Bent:
    """An emulator whose answers somebody changes on their way."""

    def __init__(self, emulator: Emulator, bend: Bend) -> None:
        self.emulator = emulator
        self.bend = bend

    def handle(self, request: Request) -> Response:
        answer = self.emulator.handle(request)
        return answer.but(body=json.dumps(self.bend(json.loads(answer.body))).encode())


class Small:
    """A server that hands out less than a page asks for."""

    def __init__(self, emulator: Emulator, size: int) -> None:
        self.emulator = emulator
        self.size = size

    def handle(self, request: Request) -> Response:
        query = request.query.replace(f"pageSize={PAGE}", f"pageSize={self.size}")
        return self.emulator.handle(Request(request.method, request.path, query, request.headers, request.body))


def test_the_keys_come_sorted_and_once():
    """The order of the server is nobody's; the key counts, not the name that is shown. One GET is enough."""
    emulator = company("web", "api", "构建", "Api")
    assert read_projects(door_to(emulator)) == (["Api", "api", "web", "构建"], "")
    (request,) = emulator.requests()
    assert (request["method"], request["path"]) == ("GET", "/openapi/projects/project")
    assert request["query"] == {"pageNum": "1", "pageSize": str(PAGE)}


def test_many_projects_take_many_pages():
    """More than one page, and pages that are smaller than what was asked for, are put together."""
    keys = [f"p{n:04}" for n in range(PAGE + 5)]
    emulator = company(*keys)
    assert read_projects(door_to(emulator)) == (keys, "")
    assert [request["query"]["pageNum"] for request in emulator.requests()] == ["1", "2"]
    emulator = company(*keys[:7])
    assert read_projects(door_to(Small(emulator, 3))) == (keys[:7], "")
    assert len(emulator.requests()) == 3


@given(st.sets(st.text("abcxyz-", min_size=1, max_size=4), max_size=12), st.integers(1, 6))
@examples(25)
def test_whatever_the_pages_are_nothing_is_missed(keys: set[str], size: int):
    """For all projects and all sizes of a page."""
    assert read_projects(door_to(Small(company(*sorted(keys, reverse=True)), size))) == (sorted(keys), "")


def test_a_token_that_may_see_nothing_sees_no_project():
    """Both ways in which the server says so: an empty list, and null."""
    assert read_projects(door_to(company("web"), "nobody")) == ([], "")
    assert read_projects(door_to(company())) == ([], "")
    assert json.loads(company().handle(_asking()).body) == {"total": 0, "projects": None}


def _asking() -> Request:
    headers = {"Authorization": f"Bearer {token()}"}
    return Request("GET", "/openapi/projects/project", "pageNum=1&pageSize=20", headers)


@pytest.mark.parametrize("total", [3, 1])
def test_a_list_that_does_not_settle_is_said_to_be_incomplete(total: int):
    """Fewer or more than the server says, four times over; what was seen is handed on."""
    emulator = company("web", "api")
    keys, why = read_projects(door_to(Bent(emulator, lambda page: {**page, "total": total})))
    assert keys == ["api", "web"]
    assert why == f"the list of projects did not settle: 2 of {total} seen"


def test_a_page_that_shifts_once_is_read_again():
    """What is missing in one round is there in the next."""
    seen: list[int] = []

    def bend(page: dict[str, Any]) -> dict[str, Any]:
        seen.append(1)
        return {**page, "projects": page["projects"][:1]} if len(seen) == 1 else page

    assert read_projects(door_to(Bent(company("web", "api"), bend))) == (["api", "web"], "")
    assert len(seen) > 1


def test_a_project_without_a_key_is_left_out():
    """No call can name it."""
    assert read_projects(door_to(company("", "web"))) == (["web"], "")


@pytest.mark.parametrize(
    "answer",
    [[], "x", {}, {"total": 1}, {"projects": []}, {"total": True, "projects": []}, {"total": "1", "projects": []}]
    + [{"total": 1, "projects": projects} for projects in ("x", {}, ["x"], [{"project_key": 7}])],
)
def test_nonsense_is_an_error_and_no_empty_list(answer: Any):
    """What no Zadig answers is never taken for a server without projects."""
    with pytest.raises(ServerError) as caught:
        read_projects(door_to(Bent(company("web"), lambda _: answer)))
    assert (caught.value.exit_code, bool(caught.value.hint)) == (69, True)


@pytest.mark.parametrize(
    ("kind", "error", "code"),
    [
        ("401-empty", BadToken, 77),
        ("403-empty", NotPermitted, 77),
        ("500-json", ServerError, 69),
        ("502-html", ServerError, 69),
        ("429-seconds", ServerError, 69),
        ("reset", ServerError, 69),
        ("timeout", ServerError, 69),
    ],
)
def test_a_failure_that_stays_is_a_sentence_and_one_that_passes_is_none(kind: str, error: type, code: int):
    """Repeated as every GET is; the message names no project, for none was asked for."""
    emulator = company("web")
    emulator.set_faults([{"kind": kind, "probability": 1.0, "seed": 1}])
    with pytest.raises(error) as caught:
        read_projects(door_to(emulator))
    assert caught.value.exit_code == code
    assert 'project ""' not in caught.value.message
    assert caught.value.hint
    emulator.set_faults([{"kind": kind, "at": [0]}])
    if kind != "401-empty":
        assert read_projects(door_to(emulator)) == (["web"], "")


def test_an_address_that_is_no_zadig_is_told():
    """A page of HTML, and a 404."""
    for answer in (Response(200, {"content-type": "text/html"}, b"<html>"), Response(404, {}, b"not found")):
        with pytest.raises(ServerError) as caught:
            read_projects(door_to(_Always(answer)))
        assert "address" in caught.value.hint


class _Always:
    def __init__(self, answer: Response) -> None:
        self.answer = answer

    def handle(self, _: Request) -> Response:
        return self.answer


def test_a_word_that_is_no_token_is_refused_by_the_server():
    with pytest.raises(BadToken):
        read_projects(door_to(company("web"), given="no-token"))
