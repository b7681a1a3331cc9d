"""Bodies and stored builds to start from, and short ways to ask for one build."""

from __future__ import annotations

import copy
import json
from typing import Any

from reconciler.emulator import Emulator, Response
from tests.emulator import wire

LOCAL = "local-20250523164625"
MINIMAL = {
    "name": "api",
    "project_key": "yaml",
    "infrastructure": "kubernetes",
    "build_os": "ubuntu 20.04",
    "script_type": "shell",
}
FROM_TEMPLATE = {
    "name": "api",
    "project_key": "yaml",
    "template_name": "demo-template",
    "target_services": [{"service_name": "s", "service_module": "m"}],
}


def plain(**changes: Any) -> dict[str, Any]:
    return MINIMAL | changes


def advanced(**changes: Any) -> dict[str, Any]:
    return plain(advanced_settings={"cluster_name": LOCAL} | changes)


def target(**changes: Any) -> dict[str, Any]:
    return FROM_TEMPLATE | {"target_services": [{"service_name": "s", "service_module": "m"} | changes]}


def made_in_the_page(name: str = "rich", **changes: Any) -> dict[str, Any]:
    """The stored build with every setting that the page can make (recording 20)."""
    return copy.deepcopy(wire.load("20-read-modify-write")["given"][0]) | {"name": name} | changes


def create(emulator: Emulator, body: Any) -> Response:
    return wire.send(emulator, "POST", "/openapi/build", body=body)


def update(emulator: Emulator, body: Any) -> Response:
    return wire.send(emulator, "PUT", "/openapi/build", body=body)


def create_from_template(emulator: Emulator, body: Any, identity: str = "admin") -> Response:
    return wire.send(emulator, "POST", "/openapi/build", identity, query={"source": "template"}, body=body)


def update_from_template(emulator: Emulator, body: Any, identity: str = "admin") -> Response:
    return wire.send(emulator, "PUT", f"/openapi/build/{body['name']}/template", identity, body=body)


def detail(emulator: Emulator, name: str = "api", **query: str) -> Any:
    answer = wire.send(emulator, "GET", f"/openapi/build/{name}/detail", query={"projectKey": "yaml", **query})
    assert answer.status == 200, answer
    return json.loads(answer.body)


def stored(emulator: Emulator, name: str = "api") -> Any:
    """What the internal read shows."""
    query = {"projectName": "yaml", "ifPassFilter": "true"}
    answer = wire.send(emulator, "GET", f"/api/aslan/build/build/{name}", query=query)
    assert answer.status == 200, answer
    return json.loads(answer.body)


def told(answer: Response) -> tuple[int, Any]:
    """Status and description of an answer, the description `None` where there is no body."""
    return answer.status, json.loads(answer.body)["description"] if answer.body else None
