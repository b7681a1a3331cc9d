"""HTTP: a client per thread over one TLS context, deadlines, and retries of GETs only.

    ReadDoor   get()                  nothing but GET passes, by type and in front of the wire
    WriteDoor  get(), post(), put(),  one attempt per write; a lost answer is `Lost`, never repeated here
               delete()               and no delete passes that does not name one build of one project

Measured: one client per thread makes 1,100 requests/s per core where a shared one makes a third; building a
TLS context costs 30 ms, so there is one. `Retry-After` is honoured in seconds and as a date.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import httpx

from reconciler import __version__
from reconciler.model.errors import BadToken, ServerError
from reconciler.model.retry_after import retry_after
from reconciler.model.secret import Secret
from reconciler.server import wire
from reconciler.server.heard import Heard

Transport = Callable[[], httpx.BaseTransport]
Params = Mapping[str, str]
Hook = Callable[[httpx.Request], None]

ATTEMPTS = 5
"""How often a GET is tried in all."""

_TRANSIENT = (429, 502, 503, 504)
_LONGEST_WAIT = 60.0
_ONE_BUILD = ("name", "projectKey")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, media type, body."""

    status: int
    media: str
    body: bytes
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """A write whose answer never came: it may have been done or not.

    `wait`: seconds after which the server wants to be asked again.
    """

    why: str
    wait: float = 0.0


@dataclass(slots=True)
class Clock:
    """The passing of time, so that tests need not wait."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class Connection:
    """Where and how to speak: base URL, token, timeouts in seconds, and (in tests) another transport.

    A text of the server that repeats the token, or one of the secrets that were `heard` of, is not told.
    """

    server: str
    token: Secret
    timeout: float = 30.0
    deadline: float = 600.0
    transport: Transport | None = None
    clock: Clock = field(default_factory=Clock)
    heard: Heard = field(default_factory=Heard)


def refuse_writes(request: httpx.Request) -> None:
    """Stop everything but a GET, whoever asks. Raises RuntimeError before anything is sent."""
    if request.method != "GET":
        raise RuntimeError(f"a reading command tried to send {request.method}")


def refuse_wide_deletes(request: httpx.Request) -> None:
    """Stop a DELETE that does not name one build of one project. Raises RuntimeError before anything is sent.

    With an empty `projectKey` the server deletes that name in every project (contract, section 1).
    """
    if request.method != "DELETE":
        return
    params = request.url.params
    one = all(len(params.get_list(key)) == 1 and params[key].strip() for key in _ONE_BUILD)
    if not one or set(params) != set(_ONE_BUILD):
        raise RuntimeError("a delete must name one build and its project, and nothing else")


class ReadDoor:
    """Reads. It has no method that writes, and its clients refuse everything but GET."""

    hooks: ClassVar[list[Hook]] = [refuse_writes]
    """What every request of every client passes through first."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._local = threading.local()
        self._lock = threading.Lock()
        self._clients: list[httpx.Client] = []
        self._tls: ssl.SSLContext | None = None
        self._until = connection.clock.now() + connection.deadline
        self.requests = 0
        self.heard = connection.heard
        self.heard.own([connection.token])

    @property
    def server(self) -> str:
        """The base URL."""
        return self._connection.server

    def get(self, path: str, params: Params) -> Answer:
        """Ask; transient failures are repeated until the deadline of the run.

        Raises:
            ServerError: nothing usable came back in all attempts.
            BadToken: 401.
        """
        attempt = 0
        while True:
            answer = self._try(path, params)
            if isinstance(answer, Answer) and not _worth_repeating(answer, attempt):
                return self._permitted(answer)
            if not self._pause(attempt, answer.retry_after if isinstance(answer, Answer) else None):
                break
            attempt += 1
        if isinstance(answer, Answer):
            return self._permitted(answer)
        raise ServerError(
            f"{self.server} does not answer: {answer}",
            "check the address (--server, ZADIG_SERVER or reconciler.yaml), the network and that Zadig is up",
        )

    def rest(self, seconds: float) -> None:
        """Wait as long as the server asked for, a minute at most."""
        self._connection.clock.sleep(min(seconds, _LONGEST_WAIT))

    def close(self) -> None:
        """Close every client."""
        for client in self._clients:
            client.close()

    def _client(self) -> httpx.Client:
        """Return this thread's client.

        Raises ServerError where the environment's proxy or certificates cannot be used.
        """
        client: httpx.Client | None = getattr(self._local, "client", None)
        if client is None:
            with self._lock:
                try:
                    client = self._make_client()
                except (ValueError, ImportError, OSError) as error:
                    raise ServerError(
                        f"the way to {self.server} cannot be set up: {error}",
                        "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment",
                    ) from None
                self._clients.append(client)
            self._local.client = client
        return client

    def _make_client(self) -> httpx.Client:
        """Make a client. Proxies come from the environment, but not for a server on this machine.

        The TLS context costs 30 ms: it is shared, and not made where nothing will be encrypted.
        """
        connection = self._connection
        near = httpx.URL(connection.server).host in _LOOPBACK
        transport = connection.transport() if connection.transport else None
        if self._tls is None and transport is None and not (near and connection.server.startswith("http:")):
            self._tls = httpx.create_ssl_context()
        return httpx.Client(
            base_url=connection.server,
            verify=self._tls or False,
            transport=transport,
            trust_env=not near,
            timeout=connection.timeout,
            headers={
                "Authorization": f"Bearer {wire.bearer(connection.token)}",
                "User-Agent": f"zadig-reconciler/{__version__}",
            },
            event_hooks={"request": self.hooks},
            follow_redirects=False,
        )

    def _send(self, method: str, path: str, params: Params, body: bytes | None = None) -> Answer:
        """Send once. Raises httpx.HTTPError."""
        with self._lock:
            self.requests += 1
        headers = {"Content-Type": "application/json"} if body is not None else {}
        response = self._client().request(method, path, params=dict(params), content=body, headers=headers)
        media = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        wait = retry_after(response.headers.get("retry-after"), self._connection.clock.wall())
        return Answer(response.status_code, media, response.content, wait)

    def _try(self, path: str, params: Params) -> Answer | str:
        try:
            return self._send("GET", path, params)
        except httpx.InvalidURL as error:
            raise ServerError(f"{self.server} is not a usable address: {error}", "check --server") from None
        except httpx.TimeoutException:
            return f"no answer within {self._connection.timeout:g} s"
        except httpx.HTTPError as error:
            return _reason(error)

    def _pause(self, attempt: int, wait: float | None) -> bool:
        """Wait before the next attempt; False where there is none, or the deadline would pass."""
        if attempt + 1 >= ATTEMPTS:
            return False
        clock = self._connection.clock
        seconds = 0.2 * 2**attempt * (1 + random.random() / 4) if wait is None else min(wait, _LONGEST_WAIT)
        if clock.now() + seconds > self._until:
            return False
        clock.sleep(seconds)
        return True

    def _permitted(self, answer: Answer) -> Answer:
        if answer.status == 401:
            raise BadToken(
                f"{self.server} does not accept the API token (HTTP 401)",
                "take a new one from your account page in Zadig and set ZADIG_TOKEN",
            )
        return answer


class WriteDoor(ReadDoor):
    """Reads and writes. A write is sent exactly once."""

    hooks: ClassVar[list[Hook]] = [refuse_wide_deletes]

    def post(self, path: str, params: Params, body: bytes) -> Answer | Lost:
        """Send a POST."""
        return self._write("POST", path, params, body)

    def put(self, path: str, params: Params, body: bytes) -> Answer | Lost:
        """Send a PUT."""
        return self._write("PUT", path, params, body)

    def delete(self, path: str, params: Params) -> Answer | Lost:
        """Send a DELETE. Raises RuntimeError where it does not name one build of one project."""
        return self._write("DELETE", path, params, None)

    def _write(self, method: str, path: str, params: Params, body: bytes | None) -> Answer | Lost:
        try:
            return self._permitted(self._send(method, path, params, body))
        except httpx.TimeoutException:
            return Lost(f"no answer within {self._connection.timeout:g} s")
        except httpx.HTTPError as error:
            return Lost(_reason(error))


def _worth_repeating(answer: Answer, attempt: int) -> bool:
    """Gateways' answers are repeated; a 403 or a 500 once, in case the user service stumbled; a 401 never."""
    return answer.status in _TRANSIENT or (answer.status in (403, 500) and attempt == 0)


def _reason(error: httpx.HTTPError) -> str:
    """Say what happened on the wire in the field's words, without the library's."""
    text = str(error) or type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return f"cannot connect ({text})"
    if isinstance(error, httpx.RemoteProtocolError):
        return "the connection was closed in the middle of an answer"
    return text
