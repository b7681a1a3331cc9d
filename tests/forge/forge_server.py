"""A socket, faults and a record of requests: what both stand-ins have in common. Nothing of ours is imported.

A fault is put before a request of some method: `server.fault("POST", LOST_AFTER)`, each used once, in order. None among
them lets one request through.
"""

from __future__ import annotations

import abc
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Reply:
    """An answer. `carry_out`: do first what was asked; `close`: then close the connection without an answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    carry_out: bool = False
    close: bool = False


def reply(status: int, document: Any, **headers: str) -> Reply:
    """JSON, or text where it is a text; `_` in a header's name is `-`."""
    text = document if isinstance(document, str) else json.dumps(document)
    media = "text/html" if text.startswith("<") else "application/json; charset=utf-8"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, text.encode(), {"Content-Type": media, **named})


LOST_AFTER = Reply(0, carry_out=True, close=True)
"""It is done, and the connection closed before the answer."""

LOST_BEFORE = Reply(0, close=True)
"""The connection is closed, and nothing done."""

BROKEN_AFTER = Reply(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}, carry_out=True)
"""It is done, and a proxy answers."""

PROXY = reply(200, "<!DOCTYPE html><title>Log in</title>")
"""A page in front of the API."""


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class ForgeServer(abc.ABC):
    """What arrived, and what goes wrong. A subclass answers."""

    requests: list[Seen] = field(default_factory=list)
    faults: dict[str, list[Reply | None]] = field(default_factory=dict)
    between: Callable[[Seen], None] = lambda _: None
    guard: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""

    prefix = ""

    def fault(self, method: str, *replies: Reply | None) -> None:
        """Answer the next requests of a method so."""
        self.faults.setdefault(method, []).extend(replies)

    def writes(self) -> list[str]:
        """The methods that arrived and were no GET, in order."""
        return [seen.method for seen in self.requests if seen.method != "GET"]

    def handle(self, seen: Seen) -> Reply:
        """Answer one request, with its fault where one waits."""
        with self.guard:
            self.requests.append(seen)
            self.between(seen)
            waiting = self.faults.get(seen.method)
            fault = waiting.pop(0) if waiting else None
            if fault is None:
                return self.answer(seen)
            if fault.carry_out:
                self.answer(seen)
            return fault

    @abc.abstractmethod
    def answer(self, seen: Seen) -> Reply:
        """Answer as the API does."""


@contextlib.contextmanager
def serving(server: ForgeServer) -> Iterator[ForgeServer]:
    """Serve on a socket of this machine; `url` is the API's base URL."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}{server.prefix}"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def _handler(server: ForgeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            document = json.loads(body) if body else None
            path = parts.path.removeprefix(server.prefix)
            answer = server.handle(Seen(self.command, path, query, headers, document))
            if answer.close:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(answer.body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def decoded(segment: str) -> str:
    """A segment of a path as it was meant."""
    return unquote(segment)
