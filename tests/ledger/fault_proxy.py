"""A network that fails on purpose, in front of any S3: lost answers, closed connections, errors, delays, a kill.

    with FaultProxy(server.url) as proxy:
        proxy.faults = [Fault("PUT", r"yaml\\.json$", "lost")]

Requests pass as they are, the signed Host header too, so a real server accepts them. Every fault strikes once.
"""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to one request.

    Attributes:
        method: of the request; "" for any.
        path: a pattern that its path has; "" for any.
        kind: `lost`: done, and the connection is closed; `reset`: closed before; `half`: half of the answer;
            `409`, `500`, `503` …: answered so and not done; `500 after`: done and answered so; `slow`: done late;
            `stalled`: done, and answered only after `then`.
        code: the store's word in an error.
        skip: so many such requests pass before it strikes.
        then: called in between, with nobody answered yet.
    """

    method: str
    path: str
    kind: str
    code: str = "Planted"
    skip: int = 0
    then: Callable[[], None] = lambda: None


class FaultProxy:
    """Passes requests on to a server. Use as a context manager.

    Attributes:
        faults: what is still to strike; the first that fits is taken.
        requests: method and path of everything that arrived.
        delay: seconds for which a slow request is kept before it is passed on.
        open: how many requests are under way.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.delay = 1.0
        self._passed: dict[Fault, int] = {}
        self.open = 0
        self.guard = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    def __enter__(self) -> FaultProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def puts(self, pattern: str = "") -> int:
        """Return how many writes arrived."""
        return sum(method == "PUT" and bool(re.search(pattern, path)) for method, path in self.requests)

    def settle(self) -> None:
        """Wait until every request that arrived has been passed on, also those that nobody waits for."""
        while self.open:
            time.sleep(0.02)

    def strike(self, method: str, path: str) -> Fault | None:
        """Note a request, and return the fault that it meets."""
        with self.guard:
            self.requests.append((method, path))
            for fault in self.faults:
                if fault.method in ("", method) and re.search(fault.path, path):
                    self._passed[fault] = self._passed.get(fault, 0) + 1
                    if self._passed[fault] > fault.skip:
                        self.faults.remove(fault)
                        return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.proxy.guard:
            self.proxy.open += 1
        try:
            self._meet(body)
        except OSError:
            self.close_connection = True  # whoever asked has gone
        finally:
            with self.proxy.guard:
                self.proxy.open -= 1

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.do_GET()

    def do_LOCK(self) -> None:
        self.do_GET()

    def do_UNLOCK(self) -> None:
        self.do_GET()

    def _meet(self, body: bytes) -> None:
        fault = self.proxy.strike(self.command, self.path)
        kind = fault.kind if fault else ""
        if fault and kind in ("reset", "lost"):
            if kind == "lost":
                self._forward(body)
            fault.then()
            self.close_connection = True
            return
        if fault and kind.isdigit():
            fault.then()
            self._send(int(kind), {}, f"<Error><Code>{fault.code}</Code></Error>".encode())
            return
        if kind == "slow":
            time.sleep(self.proxy.delay)
        status, headers, answer = self._forward(body)
        if fault:
            fault.then()
        if kind == "500 after":
            status, headers, answer = 500, {}, b"<Error><Code>InternalError</Code></Error>"
        self._send(status, headers, answer, half=kind == "half")

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.proxy.target, timeout=20)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _send(self, status: int, headers: dict[str, str], body: bytes, *, half: bool = False) -> None:
        self.send_response(status)
        length = headers.get("Content-Length", str(len(body))) if self.command == "HEAD" else str(len(body))
        for name, value in headers.items():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass
