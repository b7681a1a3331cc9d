"""The stores that a ledger in an object store is tried against: our small one always, real ones where they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger.objects import ObjectHome
from tests.ledger.contract import SERVER, Place
from tests.ledger.s3_server import NAMES, S3Server, program
from tests.ledger.small_s3 import SmallS3

REAL = [pytest.param(name, marks=pytest.mark.s3) for name in NAMES if program(name)]
"""What is installed; `test_s3_server.py` says what is not."""

ALL = ["small", *REAL]
FAITHFUL = ["small", *REAL[:1]]
"""Without the stand-in, where a test takes its time."""


@contextlib.contextmanager
def running(name: str, folder: Path) -> Iterator[SmallS3 | S3Server]:
    """Start a store with an empty bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    with SmallS3() if name == "small" else S3Server(name, folder) as server:
        yield server


def home_at(environ: dict[str, str], prefix: str = "ours", server: str = SERVER, **more) -> ObjectHome:
    """Open the ledger below a prefix, as another process would."""
    return ObjectHome(f"s3://led/{prefix}", server, environ=environ, **{"patience": 5.0, "timeout": 3.0, **more})


def place_at(environ: dict[str, str], prefix: str) -> Place:
    """An empty place for the contract."""
    return Place(lambda server=SERVER: home_at(environ, prefix, server))
