"""Who is let in, and where a path leads."""

from __future__ import annotations

import base64

import pytest

from reconciler.emulator import Emulator, Request
from tests.emulator import builds, wire

GOOD = wire.token()


def _middle(text: str) -> str:
    return "e30." + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=") + ".sig"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": f"Bearer {GOOD}"}, 200),
        ({"authorization": f"Bearer {GOOD}"}, 200),
        ({"AUTHORIZATION": f"Bearer {GOOD}"}, 200),
        ({"Authorization": f"Bearer {_middle('{}')}"}, 200),
        ({}, 401),
        ({"Authorization": ""}, 401),
        ({"Authorization": GOOD}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": f"Basic {GOOD}"}, 401),
        ({"Authorization": f"Bearer  {GOOD}"}, 401),
        ({"Authorization": f"Bearer {GOOD} x"}, 401),
        ({"Authorization": "Bearer x"}, 401),
        ({"Authorization": "Bearer a.b"}, 401),
        ({"Authorization": f"Bearer {GOOD}.more"}, 401),
        ({"Authorization": "Bearer e30.!!!.sig"}, 401),
        ({"Authorization": f"Bearer {_middle('[]')}"}, 401),
        ({"Authorization": f"Bearer {_middle('{')}"}, 401),
    ],
)
def test_a_token_is_the_second_of_two_words_and_has_three_parts(headers, status):
    answer = Emulator().handle(Request("GET", "/openapi/build", "projectKey=yaml", headers))
    assert answer.status == status
    assert bool(answer.body) == (status == 200)


def test_a_token_in_the_query_overrides_the_header():
    headers = {"Authorization": f"Bearer {GOOD}"}
    query = f"projectKey=yaml&token={wire.token('nobody')}"
    assert Emulator().handle(Request("GET", "/openapi/build", query, headers)).status == 403
    assert Emulator().handle(Request("GET", "/openapi/build", "projectKey=yaml&token=x", headers)).status == 401
    assert Emulator().handle(Request("GET", "/openapi/build", f"projectKey=yaml&token={GOOD}")).status == 200


def test_the_gate_stands_in_front_of_every_path_behind_it():
    for path, status in (
        ("/openapi/nope", 401),
        ("/api/nope", 401),
        ("/%6fpenapi/build", 401),
        ("/nope", 404),
        ("/_emulator/state", 404),
    ):
        assert Emulator().handle(Request("GET", path)).status == status


def test_update_by_is_the_tokens_name():
    emulator = Emulator()
    body = wire.request("POST", "/openapi/build", body=builds.plain()).body
    token = _middle('{"uid": "u9", "name": "石头"}')
    emulator.handle(Request("POST", "/openapi/build", "", {"Authorization": f"Bearer {token}"}, body))
    assert emulator.state()["builds"][0]["update_by"] == "石头"


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/openapi/build/x/template", 405, "Method not allowed: GET /openapi/build/x/template"),
        ("POST", "/openapi/build/x/detail", 405, "Method not allowed: POST /openapi/build/x/detail"),
        ("HEAD", "/openapi/build", 405, "Method not allowed: HEAD /openapi/build"),
        ("PATCH", "/openapi/build/", 404, "Invalid path: /openapi/build/"),
        ("GET", "/openapi/build//detail/x", 404, "Invalid path: /openapi/build//detail/x"),
        ("GET", "/openapi//build", 404, "Invalid path: /openapi//build"),
        ("GET", "/openapi/Build", 404, "Invalid path: /openapi/Build"),
        ("GET", "/openapi/%62uild%3F", 404, "Invalid path: /openapi/build?"),
        ("GET", "/openapi/build/x/detai/", 404, "Invalid path: /openapi/build/x/detai/"),
        ("DELETE", "/openapi/build/x", 404, "Invalid path: /openapi/build/x"),
        ("GET", "/openapi/%zz", 400, "400 Bad Request"),
    ],
)
def test_paths_that_lead_nowhere(method, path, status, text):
    answer = wire.send(Emulator(), method, path)
    assert (answer.status, answer.body.decode()) == (status, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "query", "status", "location"),
    [
        ("GET", "/openapi/build/a%20b/detail/", "x=%31", 301, "/openapi/build/a%20b/detail?x=%31"),
        ("PUT", "/openapi/build/", "", 307, "/openapi/build"),
        ("DELETE", "/openapi/build/", "name=a", 307, "/openapi/build?name=a"),
        ("PUT", "/openapi/build/x/template/", "", 307, "/openapi/build/x/template"),
        ("GET", "/openapi/build/x/", "", 301, "/openapi/build/x"),
        ("GET", "/openapi/system/cluster/", "", 301, "/openapi/system/cluster"),
    ],
)
def test_a_slash_too_many_is_redirected(method, path, query, status, location):
    headers = {"Authorization": f"Bearer {GOOD}"}
    answer = Emulator().handle(Request(method, path, query, headers))
    assert (answer.status, answer.headers["location"]) == (status, location)
    assert bool(answer.body) == (method == "GET")


def test_a_redirects_page_is_escaped():
    headers = {"Authorization": f"Bearer {GOOD}"}
    answer = Emulator().handle(Request("GET", "/openapi/build/", "a=1&b='\"<", headers))
    assert answer.body == b'<a href="/openapi/build?a=1&amp;b=&#39;&#34;&lt;">Moved Permanently</a>.\n\n'


def test_an_empty_name_is_told_before_an_empty_project():
    answer = wire.send(Emulator(), "GET", "/openapi/build//detail", "nobody")
    assert builds.told(answer) == (400, "empty buildName.")


def test_the_version_probe_is_a_400():
    """An older server would answer 405 (the contract's section 1)."""
    assert wire.send(Emulator(), "PUT", "/openapi/build").status == 400
