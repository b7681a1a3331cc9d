"""HTTP to a forge's API: one request at a time, limits honoured, and what an answer means that is no success.

Enters: a method, a path, a body. Leaves: an Answer, also where none came (`status` 0). `read` repeats, since it only
looks; whoever writes looks again before it writes again. Redirects are not followed, since the token would go along.
Nothing that the other side says is repeated: it might hold the token; a few known sentences are recognised.

Limits: GitHub answers 429, or 403 with `Retry-After`, with `X-RateLimit-Remaining: 0` or with words about it (then a
minute is the least to wait); GitLab 429 with `Retry-After`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler import __version__
from reconciler.forge.place import LOOPBACK, Account, Forge, Place
from reconciler.model.errors import BadToken, NotPermitted, ServerError, UsageError
from reconciler.model.retry_after import retry_after

if TYPE_CHECKING:
    import httpx

LARGEST = 256 * 1024 * 1024
"""Bytes of an answer that are still taken for a page of comments."""

_MINUTE = 60.0
_SAID = 4096


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits in seconds, and the passing of time, so that tests need not wait.

    Attributes:
        silence: how long the other side may say nothing.
        total: how long all of it may take, waits included.
        tries: how often something passing may be tried again.
        waiting: told why and how long, before a wait.
    """

    silence: float = 30.0
    total: float = 300.0
    tries: int = 5
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    waiting: Callable[[str, float], None] = lambda _why, _seconds: None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 where nothing did: the request may have been carried out or not.

    Attributes:
        limited: it was not carried out, since there were too many.
        wait: seconds after which we may ask again, None where it does not say.
        why: what happened instead of an answer.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None
    limited: bool = False
    wait: float | None = None
    why: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the other side says that it did what was asked."""
        return 200 <= self.status < 300

    @property
    def is_passing(self) -> bool:
        """Whether the same may succeed later."""
        return self.limited or self.status in (0, 408) or (self.status >= 500 and self.status != 501)

    def header(self, name: str) -> str:
        """Return a header, "" where it is not there."""
        return (self.headers or {}).get(name, "")

    def says(self, words: str) -> bool:
        """Tell whether the beginning of the body has some words in it."""
        return words.encode() in self.body[:_SAID].lower()


class Wire:
    """Sends requests to one forge, as one account, as long as `timing` lets it."""

    def __init__(self, place: Place, account: Account, timing: Timing) -> None:
        self.place = place
        self._account = account
        self._timing = timing
        self._until = timing.now() + timing.total
        self._left = timing.tries
        self._seconds = 1.0
        self._client = self._make_client()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def read(self, path: str, doing: str, missing: tuple[int, ...] = ()) -> Answer:
        """Ask until there is an answer.

        Args:
            path: below the API's base URL, with its query.
            doing: what is tried, for messages.
            missing: statuses that are answers too.

        Raises:
            ServerError: nothing usable came back.
            NotPermitted: the token may not.
        """
        while True:
            answer = self.ask("GET", path)
            if answer.is_done or (answer.status in missing and not answer.limited):
                return answer
            if not (answer.is_passing and self.again(answer)):
                raise self.failure(answer, doing)

    def ask(self, method: str, path: str, body: str | None = None) -> Answer:
        """Send once."""
        import httpx  # noqa: PLC0415 - 60 ms that no other command needs

        content = None if body is None else json.dumps({"body": body}).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            with self._client.stream(method, self.place.api + path, content=content, headers=headers) as response:
                return self._answer(response)
        except httpx.TimeoutException:
            return Answer(0, why="no answer in time")
        except httpx.ConnectError as error:
            return Answer(0, why="its certificate is not trusted" if "CERTIFICATE" in str(error) else "cannot connect")
        except httpx.RemoteProtocolError:
            return Answer(0, why="the connection was closed in the middle")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Answer(0, why=f"the request went wrong ({type(error).__name__})")

    def again(self, answer: Answer) -> bool:
        """Wait before the next try; False where there is none."""
        seconds = self._seconds if answer.wait is None else answer.wait
        if self._left <= 0 or self._timing.now() + seconds >= self._until:
            return False
        self._left -= 1
        self._seconds = min(2 * self._seconds, _MINUTE)
        why = "asks us to wait" if answer.limited else answer.why or f"answers HTTP {answer.status}"
        self._timing.waiting(f"{self.place.host}: {why}", seconds)
        self._timing.sleep(seconds)
        return True

    def _answer(self, response: httpx.Response) -> Answer:
        """Read an answer to its end, within the time."""
        if "," in response.headers.get("content-encoding", ""):
            return Answer(0, why="an answer that is packed more than once")
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST or self._timing.now() > self._until:
                return Answer(0, why="no whole answer in time" if size <= LARGEST else "an answer without an end")
        status, body, headers = response.status_code, b"".join(parts), response.headers
        wait = self._wait(headers)
        about_limits = wait is not None or b"rate limit" in body[:_SAID].lower()
        limited = status == 429 or (status == 403 and about_limits)
        return Answer(status, body, headers, limited, _MINUTE if limited and wait is None else wait)

    def _wait(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds after which we may ask again: as said, or until the count of requests begins anew."""
        wall = self._timing.wall()
        told = retry_after(headers.get("retry-after"), wall)
        reset = headers.get("x-ratelimit-reset", "")
        if told is None and headers.get("x-ratelimit-remaining") == "0" and reset.isdecimal():
            return max(1.0, float(reset) - wall)
        return told

    def _make_client(self) -> httpx.Client:
        """Make the client. Proxies come from the environment, but not for a server on this machine."""
        import httpx  # noqa: PLC0415 - 60 ms that no other command needs

        try:
            url = httpx.URL(self.place.api)
            near = url.host in LOOPBACK
        except (httpx.InvalidURL, ValueError):
            raise UsageError("the API's URL is not a usable address", "write https://HOST/PATH into --api") from None
        accept = "application/vnd.github+json" if self.place.forge is Forge.GITHUB else "application/json"
        try:
            return httpx.Client(
                verify=httpx.create_ssl_context() if url.scheme == "https" else False,
                trust_env=not near,
                timeout=self._timing.silence,
                headers={
                    **self._account.headers,
                    "Accept": accept,
                    "User-Agent": f"zadig-reconciler/{__version__}",
                    **({"X-GitHub-Api-Version": "2022-11-28"} if self.place.forge is Forge.GITHUB else {}),
                },
                follow_redirects=False,
            )
        except (httpx.InvalidURL, ValueError, ImportError, OSError):
            raise ServerError(
                f"the way to {self.place.host} cannot be set up",
                "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment",
            ) from None

    def failure(self, answer: Answer, doing: str) -> ServerError | UsageError:
        """Return what an answer means that is no success; `doing` is what was tried, as in "read the comments"."""
        place, status = self.place, answer.status
        cannot = f"cannot {doing} of {place} at {place.host}"
        if status == 0:
            trust = "name the file with its authority's certificate in SSL_CERT_FILE"
            hint = trust if "certificate" in answer.why else "check --api, the network and that it is up; run again"
            return ServerError(f"{cannot}: {answer.why}", hint)
        if answer.limited:
            seconds = min(answer.wait or 0.0, 86_400.0)
            return ServerError(f"{cannot}: too many requests (HTTP {status})", f"run again in {seconds:.0f} seconds")
        if status == 401:
            return BadToken(f"{cannot}: it does not accept {self._account.source} (HTTP 401)", _TOKENS[place.forge])
        if status == 403:
            return self._forbidden(answer, cannot)
        if status in (404, 410):
            hint = f"check --repository and --request; {_RIGHTS[place.forge]}"
            return NotPermitted(f"{cannot}: it is not there, or the token may not see it (HTTP {status})", hint)
        if 300 <= status < 400:
            hint = "name it as it is called today, with --repository or --api; nobody is followed with a token"
            return UsageError(f"{cannot}: we are sent elsewhere (HTTP {status})", hint)
        hint = "run again; if it stays so, ask whoever runs that server" if answer.is_passing else "check --api"
        if status in (409, 413, 422):
            hint = "it does not take this text, or no comments at all: is the request still open, the text too long?"
        return ServerError(f"{cannot}: it answers HTTP {status}", hint)

    def _forbidden(self, answer: Answer, cannot: str) -> NotPermitted:
        if self.place.forge is Forge.GITHUB and answer.says("is locked"):
            return Closed(f"{cannot}: the conversation is locked", "unlock it, and run again")
        if answer.says("archived"):
            return Closed(f"{cannot}: the repository is archived", "it can only be read")
        return NotPermitted(f"{cannot}: the token may not do that (HTTP 403)", _RIGHTS[self.place.forge])

    def nonsense(self, doing: str) -> ServerError:
        """Return the error of an answer that is none of this API."""
        name = "GitHub" if self.place.forge is Forge.GITHUB else "GitLab"
        return ServerError(
            f"cannot {doing} of {self.place} at {self.place.host}: it answers what no {name} answers",
            "is this the address of the API, and not of a page or a login in front of it? Check --api",
        )

    def endless(self, doing: str, pages: int) -> ServerError:
        """Return the error of a list that has no end."""
        cannot = f"cannot {doing} of {self.place} at {self.place.host}"
        return ServerError(f"{cannot}: they are more than {pages:,} pages", "post on a request with fewer comments")

    def document(self, answer: Answer, doing: str) -> Any:
        """Return an answer's JSON. Raises ServerError where it is none."""
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError):
            raise self.nonsense(doing) from None


class Closed(NotPermitted):
    """Nobody may write there any more, on purpose: the conversation is locked, or the repository archived."""


_TOKENS = {
    Forge.GITHUB: "take a new one: in a workflow, `env: GITHUB_TOKEN: ${{ github.token }}`",
    Forge.GITLAB: "take a new project access token with the scope `api`; a job's CI_JOB_TOKEN may not write comments",
}
_RIGHTS = {
    Forge.GITHUB: "give the job `permissions: pull-requests: write`, or use a token that has it",
    Forge.GITLAB: "use a project access token with the scope `api` and the role Reporter or higher",
}
