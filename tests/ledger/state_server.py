"""A server of the Terraform HTTP state protocol, written from its documentation; nothing of ours is imported.

    plain     GET, POST, DELETE, LOCK, UNLOCK on any path; a lock's whole document is kept, and 423 gives it back.
              It stores bytes as they are. Nothing is compared with what was there: the last write wins.
    gitlab    as GitLab's API does: states below /api/v4/projects/7/terraform/state/NAME, names without a slash; the
              lock is POST and DELETE on NAME/lock, and 409 gives the holder's id, account and time, but the asker's
              operation and info; a lock needs all seven fields, its id is of 255 characters at most; a serial that is
              there already is 422; a write under another's lock is a bare 500; DELETE is refused while it is locked.

A fault is put before a request of some method: `server.fault("POST", reply(500))`, each used once, in order.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

FIELDS = ("ID", "Operation", "Info", "Who", "Version", "Created", "Path")
GITLAB = "/api/v4/projects/7/terraform/state/"


@dataclass
class Reply:
    """An answer. `carry_out`: do first what was asked; `close`: then close the connection without an answer.

    `hang`: never answer; `drip`: a byte now and then, so that the connection is never silent.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    carry_out: bool = False
    close: bool = False
    hang: bool = False
    drip: bool = False


def reply(status: int, body: bytes | str = b"", **headers: str) -> Reply:
    """An answer instead of the real one; `_` in a header's name is `-`."""
    text = body.encode() if isinstance(body, str) else body
    return Reply(status, text, {name.replace("_", "-"): value for name, value in headers.items()})


LOST_AFTER = Reply(0, carry_out=True, close=True)
"""It is done, and the connection closed before the answer."""

LOST_BEFORE = Reply(0, close=True)
"""The connection is closed, and nothing done."""

SILENT = Reply(0, hang=True)
"""Nothing is answered, ever."""


@dataclass
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class StateServer:
    """What is stored, how it behaves, and what arrived.

    Attributes:
        gitlab: which form.
        accounts: values of `Authorization` or `PRIVATE-TOKEN` that are let in; nobody is asked where empty.
        locks_at_all: a plain server without locks answers LOCK and UNLOCK with this status instead.
        checks_ids: a plain server that compares the ids of locks.
        encode: what the server does to a state before it keeps it.
        username: GitLab's name of the account.
    """

    gitlab: bool = False
    accounts: frozenset[str] = frozenset()
    no_locks: int = 0
    checks_ids: bool = True
    encode: Callable[[bytes], bytes] = bytes
    username: str = "ann.of.gitlab"
    states: dict[str, list[bytes]] = field(default_factory=dict)
    locks: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[Seen] = field(default_factory=list)
    faults: dict[str, list[Reply]] = field(default_factory=dict)
    guard: threading.RLock = field(default_factory=threading.RLock)
    stopped: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def fault(self, method: str, *replies: Reply) -> None:
        """Answer the next requests of a method so."""
        self.faults.setdefault(method, []).extend(replies)

    def methods(self) -> list[str]:
        """The methods that arrived, in order."""
        return [seen.method for seen in self.requests]

    def kept(self) -> bytes:
        """Everything that is kept, for searches."""
        return b"\n".join([*(body for states in self.states.values() for body in states), repr(self.locks).encode()])

    def handle(self, seen: Seen) -> Reply:
        """Answer one request, with its fault where one waits."""
        with self.guard:
            self.requests.append(seen)
            waiting = self.faults.get(seen.method)
            fault = waiting.pop(0) if waiting else None
            if fault is None:
                return self._answer(seen)
            if fault.carry_out:
                self._answer(seen)
            return fault

    def _answer(self, seen: Seen) -> Reply:
        given = {seen.headers.get("authorization", ""), seen.headers.get("private-token", "")}
        if self.accounts and not given & self.accounts:
            return _json(401, {"message": "401 Unauthorized"})
        return self._gitlab(seen) if self.gitlab else self._plain(seen)

    # Plain ---------------------------------------------------------------------------------------------------

    def _plain(self, seen: Seen) -> Reply:
        key = seen.path
        if seen.method == "GET":
            return reply(200, self.states[key][-1]) if key in self.states else reply(404, "no such state")
        if seen.method in ("LOCK", "UNLOCK") and self.no_locks:
            return reply(self.no_locks)
        if seen.method == "LOCK":
            return self._plain_lock(key, json.loads(seen.body))
        if seen.method == "UNLOCK":
            return self._plain_unlock(key, json.loads(seen.body))
        held, id = self.locks.get(key), (parse_qs(seen.query).get("ID") or [""])[0]
        if held and self.checks_ids and held["ID"] != id:
            return _json(423, held)
        if seen.method == "POST":
            self.states[key] = [self.encode(seen.body)]
            return reply(200)
        if seen.method == "DELETE":
            self.states.pop(key, None)
            return reply(200)
        return reply(405)

    def _plain_lock(self, key: str, document: dict[str, str]) -> Reply:
        if key in self.locks:
            return _json(423, self.locks[key])
        self.locks[key] = document
        return reply(200)

    def _plain_unlock(self, key: str, document: dict[str, str]) -> Reply:
        held = self.locks.get(key)
        if held is None:
            return reply(404)
        if self.checks_ids and held["ID"] != document["ID"]:
            return _json(409, held)
        del self.locks[key]
        return reply(200)

    # GitLab --------------------------------------------------------------------------------------------------

    def _gitlab(self, seen: Seen) -> Reply:
        if not seen.path.startswith(GITLAB):
            known = re.match(r"/api/v4/projects/[^/]+/terraform/state/", seen.path)
            return _json(404, {"message": "404 Project Not Found"} if known else {"error": "404 Not Found"})
        name, slash, rest = seen.path.removeprefix(GITLAB).partition("/")
        if not name or (slash and rest != "lock"):
            return _json(404, {"error": "404 Not Found"})
        name, id = unquote(name), (parse_qs(seen.query).get("ID") or [None])[0]
        if rest == "lock":
            return self._gitlab_lock(name, seen) if seen.method == "POST" else self._gitlab_unlock(name, seen, id)
        if seen.method == "GET":
            return self._gitlab_get(name)
        if seen.method == "DELETE":
            return self._gitlab_delete(name)
        return self._gitlab_post(name, seen.body, id) if seen.method == "POST" else reply(405)

    def _gitlab_get(self, name: str) -> Reply:
        if name not in self.states:
            return _json(404, {"message": "404 Not found"})
        return reply(200, self.states[name][-1]) if self.states[name] else reply(204)

    def _gitlab_post(self, name: str, body: bytes, id: str | None) -> Reply:
        if not body:
            return reply(204)
        try:
            document = json.loads(body)
        except ValueError:
            return _json(422, {"message": "422 Unprocessable Entity - invalid JSON"})
        serial = document.get("serial")
        if serial is None:
            return _json(422, {"message": "422 Unprocessable Entity - No serial in payload"})
        self.states.setdefault(name, [])
        held = self.locks.get(name)
        if (held["ID"] if held else None) != id and not (held is None and id == ""):
            return _json(500, {"message": "500 Internal Server Error"})
        if any(json.loads(old)["serial"] == serial for old in self.states[name]):
            return _json(422, {"message": "PG::UniqueViolation: duplicate key value violates unique constraint"})
        self.states[name].append(self.encode(body))
        return reply(200)

    def _gitlab_delete(self, name: str) -> Reply:
        if name not in self.states:
            return _json(404, {"message": "404 Not found"})
        if name not in self.locks:
            del self.states[name]
        return reply(200)

    def _gitlab_lock(self, name: str, seen: Seen) -> Reply:
        document = json.loads(seen.body)
        missing = [key for key in FIELDS if key not in document]
        if missing or len(document["ID"]) > 255:
            return _json(400, {"error": f"{', '.join(missing) or 'ID'} is missing or too long"})
        self.states.setdefault(name, [])
        taken = name in self.locks
        if not taken:
            self.locks[name] = {"ID": document["ID"], "Who": self.username, "Created": "2026-03-04T05:06:07.000Z"}
        theirs = {key: document[key] for key in ("Operation", "Info", "Version", "Path")}
        return _json(409 if taken else 200, theirs | self.locks[name])

    def _gitlab_unlock(self, name: str, seen: Seen, id: str | None) -> Reply:
        if id is None and seen.body:
            id = json.loads(seen.body).get("ID")
        held = self.locks.get(name)
        if id is not None and (held["ID"] if held else None) != id:
            return _json(409, None)
        self.locks.pop(name, None)
        return _json(200, None)


@contextlib.contextmanager
def serving(server: StateServer, tls: ssl.SSLContext | None = None) -> Iterator[StateServer]:
    """Serve on a socket of this machine; `url` is what a ledger is to be told."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    path = GITLAB.rstrip("/") if server.gitlab else "/states"
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{http.server_address[1]}{path}"
    try:
        yield server
    finally:
        server.stopped.set()
        http.shutdown()
        http.server_close()
        thread.join()


def basic(user: str, password: str) -> str:
    """The value of `Authorization` for a user and a password."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _json(status: int, document: object) -> Reply:
    return reply(status, json.dumps(document), Content_Type="application/json")


def _handler(server: StateServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = server.handle(Seen(self.command, parts.path, parts.query, headers, body))
            if answer.hang:
                server.stopped.wait()
            if answer.hang or answer.close:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            for part in (bytes([byte]) for byte in answer.body) if answer.drip else (answer.body,):
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(part)
                if answer.drip and server.stopped.wait(0.02):
                    return

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._any
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler
