"""The emulator behind a real socket."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .emulator import Emulator
from .exchange import Request, Response, as_text

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
_POLL_SECONDS = 0.05
_MAX_HEADERS = 1000


class _Listener(ThreadingHTTPServer):
    """A server with a thread per connection that knows its connections, so that closing ends them."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], emulator: Emulator) -> None:
        self.emulator = emulator
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(address, _Connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection and remember it."""
        connection, address = super().get_request()
        with self._guard:
            self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """End a connection and forget it."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake every thread that waits for its client, or hangs in a `timeout` fault."""
        self.stopping.set()
        with self._guard:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away."""


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Listener
    fields: dict[str, str]
    raw_requestline: bytes

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing to standard error."""

    def parse_request(self) -> bool:
        """Read the request line and the headers.

        The library's own reading, made for mail, takes longer than all the rest of a request.
        """
        words = str(self.raw_requestline, "latin-1").split()
        if len(words) != 3:
            self.close_connection = True
            return False
        self.command, self.path, self.request_version = words
        self.fields = {}
        while (line := self.rfile.readline().strip()) and len(self.fields) < _MAX_HEADERS:
            name, _, value = str(line, "latin-1").partition(":")
            self.fields[name.strip().lower()] = value.strip()
        wants_end = self.fields.get("connection", "").lower() == "close"
        self.close_connection = wants_end or self.request_version != "HTTP/1.1"
        if self.fields.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def serve(self) -> None:
        """Answer one request, or break off as its fault demands."""
        target = self.path.encode("latin-1").decode("utf-8", "surrogateescape")
        path, _, query = target.partition("?")
        request = Request(self.command, path, query, self.fields, self._body())
        try:
            answer = self.server.emulator.handle(request)
        except Exception as error:
            # Our own fault is told to the client, there is no other place for it.
            answer = as_text(500, f"The emulator failed: {error!r}\n")
        if answer.broken == "timeout":
            self.server.stopping.wait()
        if answer.broken in ("reset", "lost-answer", "timeout"):
            self.close_connection = True
            return
        self._send(answer)

    def _body(self) -> bytes:
        if self.fields.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        length = self.fields.get("content-length", "0")
        return self.rfile.read(int(length)) if length.isdigit() else b""

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _send(self, answer: Response) -> None:
        if answer.broken == "truncated":
            self.close_connection = True
        headers = {"content-length": str(len(answer.body)), **answer.headers}
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Date: {formatdate(usegmt=True)}"]
        lines += [f"{name.title()}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.wfile.write(head if self.command == "HEAD" else head + answer.body)


for _method in _METHODS:
    setattr(_Connection, f"do_{_method}", _Connection.serve)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Server:
    """A running or startable server; `url` is its base address."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener
        self._started = False
        host, port = listener.server_address[:2]
        self.url = f"http://{host!s}:{port}"

    def start(self) -> None:
        """Serve in a daemon thread."""
        self._started = True
        threading.Thread(target=self.serve_forever, name="emulator", daemon=True).start()

    def serve_forever(self) -> None:
        """Serve until `close` is called from another thread."""
        self._started = True
        self._listener.serve_forever(poll_interval=_POLL_SECONDS)

    def close(self) -> None:
        """Stop serving and end every connection, hanging ones included; a second time it does nothing."""
        if self._started:
            self._listener.shutdown()
            self._started = False
        self._listener.end_connections()
        self._listener.server_close()


def serve(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Server:
    """A server that listens already; port 0 picks a free one."""
    return Server(_Listener((host, port), emulator))


@contextlib.contextmanager
def running(emulator: Emulator, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve an emulator in a daemon thread for as long as the context lasts; yields the base URL."""
    server = serve(emulator, host, port)
    server.start()
    try:
        yield server.url
    finally:
        server.close()
