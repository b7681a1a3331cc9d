"""What a page's other people do, as commands: `serve [company]` and `colleague NAME KEY=JSON…`.

`serve` is the emulator being started: it has the builds of the company, or none. `colleague` is somebody in Zadig's web
page: one build gets other values (of the server's own stored form, dots lead inwards), and the stamps of a write.
"""

from __future__ import annotations

import json
import sys
import time
from http.client import HTTPConnection
from typing import Any

NAME = "lin"


def main(url: str, command: str, *arguments: str) -> None:
    """Do it at the emulator's doors."""
    host = url.partition("//")[2]
    if command == "serve":
        exchange(host, "PUT", {"builds": company() if arguments else []})
    else:
        state = exchange(host, "GET")
        name, *changes = arguments
        (build,) = [one for one in state["builds"] if one["name"] == name]
        for change in changes:
            put(build, *change.partition("=")[::2])
        build.update(update_by=NAME, update_time=max(int(time.time()), build["update_time"] + 1))
        exchange(host, "PUT", {"builds": state["builds"]})


def put(build: dict[str, Any], path: str, value: str) -> None:
    """Set one place of a build."""
    *folders, last = path.split(".")
    for folder in folders:
        build = build[folder]
    build[last] = json.loads(value)


def company() -> list[dict[str, Any]]:
    """The builds of `reconciler emulator --company`."""
    from reconciler.cli.company import builds

    return builds()


def exchange(host: str, method: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the emulator's state, or replace it."""
    connection = HTTPConnection(host, timeout=30)
    connection.request(method, "/_emulator/state", json.dumps(body) if body else None)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{answer.status}: {text!r}")
    return json.loads(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
