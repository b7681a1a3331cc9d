"""Small objects in an object store: read, and written only where nobody has written since.

    get ── put(…, the version that was read) ── Conflict ──► somebody else was faster

Enters: keys and bytes. Leaves: bytes with their version and the store's own time. The only module that knows `obstore`.

What goes wrong on the way is dealt with here, once. Whatever may pass (no connection, a late answer, 5xx, 429, 409
while two write at once) is tried again until `patience` is over; the library's own repeats are off. A write whose
answer was lost may have been done: then its repeat is refused, and what is there is read back. Every body that is
put is unlike all others, so a body that is ours says that the write was done. The library's errors hold dumps of
requests; of those only the store's error code reaches a message.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from reconciler.ledger.answer import Answer, heard
from reconciler.ledger.credentials import endpoint, s3_config
from reconciler.ledger.home import Conflict
from reconciler.model.errors import LedgerError

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds in all for which one read or write is tried again."""

TIMEOUT = 20.0
"""Seconds that one answer may take."""

_PAUSES = (0.05, 3.0)


@dataclass(frozen=True, slots=True)
class Version:
    """What names one state of an object. S3 and Azure go by the tag, Google by the generation: both are kept."""

    e_tag: str | None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its bytes, its version, and when it was written by the store's clock, in seconds since 1970."""

    body: bytes
    version: Version
    modified: float


class _Refused(Exception):
    """The store has not done it, because of the version that was named."""


class _Missing(Exception):
    """There is no such object, though there is the bucket."""


class Bucket:
    """One place in an object store. Safe for threads.

    Args:
        url: `s3://bucket/prefix`; `gs://` and `az://` go the same way and were never tried.
        environ: where the credentials are.
        patience: seconds in all for which one read or write is tried again.
        timeout: seconds that one answer may take.

    Raises:
        LedgerError: the URL makes no sense or holds what must not be in it, a profile cannot be used, or the library
            is not installed.
    """

    def __init__(
        self, url: str, environ: Mapping[str, str], *, patience: float = PATIENCE, timeout: float = TIMEOUT
    ) -> None:
        self.place = checked(url)
        self._patience = patience
        self._lib: Any = _library()
        self._endpoint = ""
        self._store = self._connect(environ, timeout)

    def get(self, key: str) -> Found | None:
        """Return an object; None where there is none. Raises LedgerError."""

        def read() -> Found:
            answer = self._lib.get(self._store, key)
            meta = answer.meta
            version = Version(meta["e_tag"], meta["version"])
            return Found(bytes(answer.bytes()), version, _seconds(meta["last_modified"]))

        try:
            found = self._ask(read)
        except _Missing:
            return None
        if found.version == Version(None):
            raise LedgerError(
                f"the ledger {self.place} cannot be used: what answers there gives no version of what it holds",
                self._look(),
            )
        return found

    def put(self, key: str, body: bytes, version: Version | None) -> Version:
        """Put an object in place of the version that was read, or where there was none; return the new version.

        `body` must be unlike every other one that anybody puts there: it is how a write is known again.

        Raises:
            Conflict: somebody else has written since; nothing was done.
            LedgerError: the store cannot be used.
        """
        ends = time.monotonic() + self._patience
        mode: UpdateVersion | str = "create" if version is None else _update(version)
        while True:
            try:
                return self._put(key, body, mode, ends)
            except (_Refused, _Missing):
                found = self.get(key)
            if found is not None and found.body == body:
                return found.version
            if (found and found.version) != version:
                raise Conflict
            self._wait(ends, 1, "refuses to write, though nobody has written since")

    def now(self, key: str) -> float:
        """Write an object and return when that was, by the store's clock: seconds since 1970, without fractions."""
        self._sure(lambda: self._lib.put(self._store, key, b"now", use_multipart=False))
        return self._sure(lambda: _seconds(self._lib.head(self._store, key)["last_modified"]))

    def careful(self, key: str) -> bool:
        """Tell whether the store heeds conditions: it must refuse to create what is there, and to replace what is not.

        `key`: of an object that is there and of no value.
        """
        ends = time.monotonic() + self._patience
        for mode in ("create", _update(Version('"0123456789abcdef0123456789abcdef"', "1"))):
            try:
                self._put(key, b"never", mode, ends)
            except (_Refused, _Missing):
                continue
            return False
        return True

    def delete(self, key: str) -> None:
        """Remove an object, whatever it holds. Nothing happens where there is none."""
        with contextlib.suppress(_Missing):
            self._ask(lambda: self._lib.delete(self._store, key))

    def list(self, folder: str) -> dict[str, int]:
        """Return the keys below a folder, and the size of each in bytes."""
        found = self._sure(lambda: self._lib.list(self._store, prefix=folder).collect())
        return {item["path"]: item["size"] for item in found}

    def _put(self, key: str, body: bytes, mode: UpdateVersion | str, ends: float) -> Version:
        """Put in one request: a put in parts would be checked when it is complete, and leave parts behind."""
        result = self._ask(lambda: self._lib.put(self._store, key, body, mode=mode, use_multipart=False), ends)
        version = Version(result["e_tag"], result["version"])
        if version == Version(None):
            raise _Refused  # the answer does not say; what is there does
        return version

    def _ask(self, call: Callable[[], T], ends: float | None = None) -> T:
        """Make a request until it is answered. Raises _Refused, _Missing, LedgerError."""
        ends = time.monotonic() + self._patience if ends is None else ends
        tries = 0
        while True:
            try:
                return call()
            except (self._lib.exceptions.BaseError, OSError, ValueError) as error:
                failure: Exception = error  # judged outside, so that nothing of ours carries its dump along
            answer = heard(str(failure))
            self._judge(failure, answer)
            tries += 1
            self._wait(ends, tries, f"answers {answer}" if answer.status else "does not answer")

    def _sure(self, call: Callable[[], T]) -> T:
        """Make a request that no version and no missing object stands in the way of."""
        try:
            return self._ask(call)
        except (_Refused, _Missing):
            raise self._failed("the store refuses what depends on nothing", self._look()) from None

    def _judge(self, error: Exception, answer: Answer) -> None:
        """Return where the request may be made again. Raises _Refused, _Missing, LedgerError."""
        errors = self._lib.exceptions
        if answer.passing:
            return
        if answer.hopeless:
            raise self._failed(answer.hopeless, answer.hint or self._look())
        if isinstance(error, errors.PreconditionError | errors.AlreadyExistsError | errors.NotModifiedError):
            raise _Refused
        if answer.missing:
            raise _Missing
        raise self._failed(f"the store answers {answer}", answer.hint or self._look())

    def _look(self) -> str:
        at = f" at {self._endpoint}" if self._endpoint else ""
        return f"see whether the store{at} is up and AWS_ENDPOINT_URL is right"

    def _wait(self, ends: float, tries: int, why: str) -> None:
        """Pause before another try. Raises LedgerError where there is no time for one."""
        pause = random.uniform(0.5, 1.0) * min(_PAUSES[1], _PAUSES[0] * 2 ** (tries - 1))
        if time.monotonic() + pause >= ends:
            raise self._failed(f"the store {why}", self._look())
        time.sleep(pause)

    def _failed(self, why: str, hint: str) -> LedgerError:
        return LedgerError(f"the ledger {self.place} cannot be used: {why}", hint)

    def _connect(self, environ: Mapping[str, str], timeout: float) -> ObjectStore:
        config = s3_config(environ) if self.place.startswith("s3://") else {}
        url = endpoint(config)
        self._endpoint = _shown(url)
        plain = url.startswith("http://") or environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
        try:
            store: ObjectStore = self._lib.store.from_url(
                self.place,
                config=config or None,
                client_options={
                    "timeout": timedelta(seconds=timeout),
                    "connect_timeout": timedelta(seconds=min(5.0, timeout)),
                    "allow_http": plain,
                },
                retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=timeout)},
            )
        except (self._lib.exceptions.BaseError, ValueError):
            raise self._failed("the store's address or account makes no sense", self._look()) from None
        return store


def checked(url: str) -> str:
    """Return the URL without a slash at its end. Raises LedgerError where it cannot name a place in a store."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise LedgerError(
            "the URL of the ledger holds more than a bucket and a prefix",
            "give credentials and settings in the environment: AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL …",
        )
    segments = parts.path.strip("/").split("/") if parts.path.strip("/") else []
    if not parts.hostname or any(segment in ("", ".", "..") for segment in segments):
        raise LedgerError(f"{url} names no place in an object store", "write s3://BUCKET/PREFIX")
    return "/".join((f"{parts.scheme}://{parts.netloc}", *segments))


def _library() -> Any:
    try:
        for name in ("store", "exceptions"):
            importlib.import_module(f"obstore.{name}")
        return importlib.import_module("obstore")
    except ImportError:
        raise LedgerError(
            "a ledger in an object store needs a library that is not installed",
            "pip install 'zadig-reconciler[ledger]'",
        ) from None


def _update(version: Version) -> UpdateVersion:
    """Name the version to be replaced: what is not known is left out, for the library takes no None."""
    mode: UpdateVersion = {}
    if version.e_tag is not None:
        mode["e_tag"] = version.e_tag
    if version.number is not None:
        mode["version"] = version.number
    return mode


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _shown(url: str) -> str:
    """Return an endpoint without what may be in it besides a host."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}" if parts.netloc else ""
