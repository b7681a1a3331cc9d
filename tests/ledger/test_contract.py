"""Every home keeps the contract: the one in memory and the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.ledger.home import Home
from tests.ledger.contract import CHECKS, SERVER, Place
from tests.ledger.memory import MemoryHome, Shelf


def memory(_: Path) -> Place:
    """A shelf of its own for every check."""
    shelf = Shelf()

    def open_(server: str = SERVER) -> Home:
        return MemoryHome(shelf, server)

    return Place(open_)


def unexpiring(_: Path) -> Place:
    """A shelf whose locks never expire."""
    shelf = Shelf()

    def open_(server: str = SERVER) -> Home:
        return MemoryHome(shelf, server, lease=None)

    return Place(open_)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", [memory, unexpiring], ids=lambda kind: kind.__name__)
def test_a_home_keeps_the_contract(kind: Callable[[Path], Place], check: Callable[[Place], None], tmp_path: Path):
    """What the check's own docstring says."""
    check(kind(tmp_path))
