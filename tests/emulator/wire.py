"""The recordings, and how an answer is compared with one: as `tests/wire/README.md` says."""

from __future__ import annotations

import base64
import http.client
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from reconciler.emulator import Emulator, Request, Response

FOLDER = Path(__file__).parents[1] / "wire"
RECORDINGS = {path.stem: path for path in sorted(FOLDER.glob("[0-9]*.json"))}
WORLD = json.loads((FOLDER / "world.json").read_text())
_ID = re.compile("[0-9a-f]{24}")


def load(name: str) -> dict[str, Any]:
    return json.loads(RECORDINGS[name].read_text())


def token(identity: str = "admin") -> str:
    claims = {"name": identity, "uid": "u1" if identity == "admin" else identity, "account": identity}
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.sig"


def request(method: str, path: str, identity: str = "admin", **parts: Any) -> Request:
    """A request as a recording describes it: `query`, and `body` (JSON) or `raw` (bytes as text)."""
    body = parts["raw"].encode() if "raw" in parts else json.dumps(parts["body"]).encode() if "body" in parts else b""
    return Request(
        method=method,
        path=quote(path, safe="/%+!$&'()*,;=:@~"),
        query=urlencode(parts.get("query", {})),
        headers={"Authorization": f"Bearer {token(identity)}"},
        body=body,
    )


def send(emulator: Emulator, method: str, path: str, identity: str = "admin", **parts: Any) -> Response:
    return emulator.handle(request(method, path, identity, **parts))


def send_over_socket(connection: http.client.HTTPConnection, wanted: Request) -> Response:
    target = wanted.path + (f"?{wanted.query}" if wanted.query else "")
    connection.request(wanted.method, target, wanted.body or None, dict(wanted.headers))
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, headers, answer.read())


def connect(url: str) -> http.client.HTTPConnection:
    address = urlsplit(url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=5)


def differences(recorded: dict[str, Any], answer: Response) -> list[str]:
    """Every way in which an answer is not the recorded one."""
    found = []
    for name, ours, theirs in (
        ("status", answer.status, recorded["status"]),
        ("content type", answer.headers.get("content-type"), recorded.get("content_type")),
        ("location", answer.headers.get("location"), recorded.get("location")),
    ):
        if ours != theirs:
            found.append(f"{name}: {ours!r} instead of {theirs!r}")
    if "json" in recorded:
        found += unlike(recorded["json"], json.loads(answer.body or b"null"), "$")
    elif answer.body.decode() != recorded.get("text", ""):
        found.append(f"text: {answer.body.decode()!r} instead of {recorded.get('text', '')!r}")
    return found


def unlike(recorded: Any, ours: Any, place: str) -> list[str]:
    """Where two JSON values differ; `<time>` and `<id>` stand for any time and any id, `1` is not `true`."""
    if recorded == "<time>":
        return [] if type(ours) is int else [f"{place}: {ours!r} is no time"]
    if recorded == "<id>":
        return [] if isinstance(ours, str) and _ID.fullmatch(ours) else [f"{place}: {ours!r} is no id"]
    if isinstance(recorded, dict) and isinstance(ours, dict) and recorded.keys() == ours.keys():
        return [line for key in recorded for line in unlike(recorded[key], ours[key], f"{place}.{key}")]
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = enumerate(zip(recorded, ours, strict=True))
        return [line for index, pair in pairs for line in unlike(*pair, f"{place}[{index}]")]
    if type(recorded) is type(ours) and recorded == ours:
        return []
    return [f"{place}: {ours!r} instead of {recorded!r}"]
