"""HTTP for states: one request at a time, within its limits, and what an answer means when it is no success.

Enters: a method, a URL, a body. Leaves: an Answer, also where none came (`status` 0). Nothing is repeated here: what
may be sent again, and when, is the business of whoever knows what it means; `Patience` counts for it.
Redirects are not followed, since credentials would go along; certificates are checked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from reconciler import __version__
from reconciler.ledger.state_body import printable
from reconciler.ledger.state_site import LOOPBACK, Account, Site
from reconciler.model.errors import LedgerError, UsageError
from reconciler.model.retry_after import retry_after

LARGEST = 256 * 1024 * 1024
"""Bytes of an answer that are still taken for a ledger."""

_LONGEST_WAIT = 60.0
_SAID = 160


@dataclass(frozen=True, slots=True)
class Timing:
    """Limits in seconds, and the passing of time, so that tests need not wait.

    Attributes:
        silence: how long the server may say nothing.
        request: how long one request may take as a whole.
        total: how long a call of the home may take, waits included.
    """

    silence: float = 30.0
    request: float = 90.0
    total: float = 240.0
    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `status` is 0 where nothing did: the request may have been carried out or not.

    Attributes:
        why: what happened instead of an answer.
        unsent: there was no connection, so that nothing can have been carried out.
        wait: seconds after which the server wants to be asked again, None where it does not say.
    """

    status: int
    body: bytes = b""
    media: str = ""
    wait: float | None = None
    location: str = ""
    why: str = ""
    unsent: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the server says that it did what was asked."""
        return 200 <= self.status < 300

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed later, and nobody knows whether it was carried out."""
        return self.status in (0, 429) or (self.status >= 500 and self.status != 501)

    @property
    def said(self) -> str:
        """What the server says about it, as one line for people; "" where it says nothing that is for them."""
        try:
            document = json.loads(self.body)
        except (ValueError, RecursionError):
            return ""
        told = document.get("message") or document.get("error") if isinstance(document, dict) else None
        return printable(told)[:_SAID] if isinstance(told, str) else ""


class Patience:
    """How often and how long one call of the home goes on trying."""

    def __init__(self, site: Site, timing: Timing, retries: int) -> None:
        self._left = retries
        self._shortest, self._longest = site.waits
        self._timing = timing
        self.until = timing.now() + timing.total
        self._seconds = self._shortest

    def again(self, answer: Answer) -> bool:
        """Wait before the next try; False where there is none."""
        seconds = self._seconds if answer.wait is None else min(answer.wait, _LONGEST_WAIT)
        if self._left <= 0 or self._timing.now() + seconds >= self.until:
            return False
        self._left -= 1
        self._seconds = min(2 * self._seconds, max(self._longest, self._shortest))
        self._timing.sleep(seconds)
        return True


class Wire:
    """Sends requests for one site, as one account. Safe for threads."""

    def __init__(self, site: Site, account: Account, timing: Timing, transport: httpx.BaseTransport | None) -> None:
        self.site = site
        self.account = account
        self._timing = timing
        self._client = self._make_client(transport)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def patience(self, retries: int | None = None) -> Patience:
        """Return a count for one call of the home, with the site's retries unless others are named."""
        return Patience(self.site, self._timing, self.site.retries if retries is None else retries)

    def ask(self, method: str, url: str, patience: Patience, body: bytes | None = None) -> Answer:
        """Send once."""
        headers = {} if body is None else {"Content-Type": "application/json", "Content-MD5": _md5(body)}
        until = min(patience.until, self._timing.now() + self._timing.request)
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                return self._answer(response, until)
        except httpx.InvalidURL:
            raise UsageError("the ledger's URL is not a usable address", "write https://HOST/PATH") from None
        except httpx.TimeoutException:
            return Answer(0, why="no answer in time")
        except httpx.ConnectError as error:
            return Answer(0, why=f"cannot connect ({error})", unsent=True)
        except httpx.RemoteProtocolError:
            return Answer(0, why="the connection was closed in the middle")
        except httpx.HTTPError as error:
            return Answer(0, why=f"the request went wrong ({type(error).__name__})")

    def _answer(self, response: httpx.Response, until: float) -> Answer:
        """Read an answer to its end, within the time; a body that is not the one that was sent is no answer."""
        parts: list[bytes] = []
        size = 0
        for part in response.iter_bytes():
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise LedgerError(
                    f"{self.site.place} answers with more than {LARGEST // 2**20} MiB", "is this the address of states?"
                )
            if self._timing.now() > until:
                return Answer(0, why="no whole answer in time")
        body, headers = b"".join(parts), response.headers
        if headers.get("content-md5") and headers["content-md5"] != _md5(body):
            return Answer(0, why="the answer is not what its checksum says")
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        wait = retry_after(headers.get("retry-after"), self._timing.wall())
        return Answer(response.status_code, body, media, wait, printable(headers.get("location", "")))

    def _make_client(self, transport: httpx.BaseTransport | None) -> httpx.Client:
        """Make the client. Proxies come from the environment, but not for a server on this machine.

        The TLS context costs 30 ms: it is not made where nothing will be encrypted.
        """
        site, near = self.site, self.site.host in LOOPBACK
        encrypted = site.address.startswith("https:") and transport is None
        try:
            return httpx.Client(
                verify=httpx.create_ssl_context() if encrypted else False,
                transport=transport,
                trust_env=not near,
                timeout=self._timing.silence,
                headers={**self.account.headers, "User-Agent": f"zadig-reconciler/{__version__}"},
                follow_redirects=False,
            )
        except (ValueError, ImportError, OSError) as error:
            raise LedgerError(
                f"the way to {site.place} cannot be set up: {error}",
                "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR in the environment",
            ) from None

    def failure(self, answer: Answer, doing: str) -> LedgerError:
        """Return what an answer means that is no success; `doing` is what was tried, as in "read project p"."""
        message, hint = _meaning(answer, doing, self.site, self.account.source)
        said = "" if self.account.repeated_in(answer.said) else answer.said
        return LedgerError(f"{message}: {said}" if said and answer.status else message, hint)


def _meaning(answer: Answer, doing: str, site: Site, source: str) -> tuple[str, str]:
    """Return a sentence and what to do."""
    place, status = site.place, answer.status
    if status == 0:
        hint = _CERTIFICATE if "CERTIFICATE" in answer.why else "check the address, the network and that it is up"
        return f"cannot {doing} in {place}: {answer.why}", hint
    if status == 401:
        return f"cannot {doing}: {place} does not accept {source or 'requests without credentials'} (HTTP 401)", (
            "set RECONCILER_LEDGER_TOKEN, or TF_HTTP_USERNAME and TF_HTTP_PASSWORD"
        )
    if status == 403:
        return f"cannot {doing}: {place} does not permit it (HTTP 403)", _ROLES if site.gitlab else _OTHER_ACCOUNT
    if status == 404:
        return f"cannot {doing}: {place} is not there (HTTP 404)", (
            "check the project's number or path in the URL, and that the account may see it" if site.gitlab else _URL
        )
    if 300 <= status < 400:
        where = f" to {answer.location.partition('?')[0]}" if answer.location and "@" not in answer.location else ""
        return f"cannot {doing}: {place} sends us elsewhere{where} (HTTP {status})", (
            "write the address where the states are; nobody is followed with credentials"
        )
    if status == 413:
        return f"cannot {doing}: the ledger is too large for {place} (HTTP 413)", _LIMIT
    if status == 422:
        return f"cannot {doing}: {place} does not take it (HTTP 422)", _BEING_DELETED if site.gitlab else _URL
    if status in (405, 501):
        return f"cannot {doing}: {place} does not know how (HTTP {status})", _URL
    hint = "run again; if it stays so, ask whoever runs that server" if answer.is_passing else _URL
    return f"cannot {doing}: {place} answers HTTP {status}", hint


_ROLES = "in GitLab, reading needs the Developer role, writing and locking the Maintainer role; a job has its starter's"
_OTHER_ACCOUNT = "use credentials of an account that may"
_URL = "is this the address of a server of the Terraform HTTP state protocol?"
_CERTIFICATE = "name the file with its authority's certificate in SSL_CERT_FILE"
_BEING_DELETED = "a state that is being deleted can be used again when GitLab is done with that: run again later"
_LIMIT = "raise the server's limit (in GitLab: max_terraform_state_size_bytes), or use another home"


def _md5(body: bytes) -> str:
    """Return the checksum that the protocol sends along; it protects from accidents, nothing else."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode("ascii")
