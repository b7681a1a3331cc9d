"""Where a ledger is → the home there. The libraries that a shared one needs are loaded when it is opened."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from reconciler.ledger.home import Home
from reconciler.ledger.sqlite import SqliteHome
from reconciler.model.errors import LedgerError, UsageError
from reconciler.model.secret import MASK

SQLITE = "sqlite://"
OBJECTS = ("s3", "gs", "az")
STATES = ("http", "https")


def open_home(
    place: str,
    server: str,
    *,
    environ: Mapping[str, str],
    writable: bool,
    now: Callable[[], float] = time.time,
) -> Home:
    """Open the home that a place names.

    Args:
        place: a path, `sqlite://PATH`, `s3://`, `gs://` or `az://BUCKET/PREFIX`, or `https://…` of the Terraform
            HTTP state protocol.
        server: the base URL that the texts are about.
        environ: where credentials of the place are.
        writable: whether anything may be made there.
        now: seconds since 1970.

    Raises:
        UsageError: no ledger lives in such a place.
        LedgerError: it cannot be opened, or what it needs is not installed.
    """
    scheme, apart, path = place.partition("://")
    if not apart or f"{scheme}://" == SQLITE:
        return SqliteHome(path if apart else place, server, writable=writable, now=now)
    if scheme in OBJECTS:
        return _loaded("reconciler.ledger.objects", "ObjectHome", place, server, environ)
    if scheme in STATES:
        return _loaded("reconciler.ledger.state", "StateHome", place, server, environ)
    raise UsageError(
        f"no ledger lives at {shown_place(place)}",
        "name a file with --ledger, or a place that begins with s3://, gs://, az://, https:// or http://",
    )


def _loaded(module: str, name: str, place: str, server: str, environ: Mapping[str, str]) -> Home:
    try:
        home: Home = getattr(importlib.import_module(module), name)(place, server, environ=environ)
    except ImportError:
        raise LedgerError(
            f"a ledger at {place.partition('://')[0]}:// needs a library that is not installed",
            "pip install 'zadig-reconciler[ledger]'",
        ) from None
    return home


def shown_place(place: str) -> str:
    """Return a ledger's place for readers; a URL may hold a user, a password or a signature."""
    if "://" not in place:
        return place
    try:
        parts = urlsplit(place)
    except ValueError:
        return MASK
    user, at, host = parts.netloc.rpartition("@")
    query = f"?{MASK}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{MASK if user else ''}{at}{host}{parts.path}{query}"
