"""Every home keeps the contract: the one in memory and the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.ledger.home import Conflict, Held, Home, Lost, Stored, Ticket
from reconciler.ledger.sqlite import SqliteHome
from tests.ledger.contract import CHECKS, SERVER, Place, writers_at_once_lose_nothing
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


OPEN: list[Home] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Close what a check has opened."""
    yield
    while OPEN:
        OPEN.pop().close()


def file(folder: Path) -> Place:
    """One file for all that is opened."""

    def open_(server: str = SERVER) -> Home:
        OPEN.append(SqliteHome(str(folder / "ledger.db"), server, writable=True))
        return OPEN[-1]

    return Place(open_)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", [memory, unexpiring, file], ids=lambda kind: kind.__name__)
def test_a_home_keeps_the_contract(kind: Callable[[Path], Place], check: Callable[[Place], None], tmp_path: Path):
    """What the check's own docstring says."""
    check(kind(tmp_path))


class Overwriting(MemoryHome):
    """Writes whatever the version is."""

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        return super().write(project, text, self.read(project).version, lock)


class Unfenced(MemoryHome):
    """Writes under a lock that is another's."""

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        return super().write(project, text, version, "")


class Generous(MemoryHome):
    """Gives a lock that somebody has."""

    def take(self, project: str, ticket: Ticket) -> None:
        self._shelf.locks[self._server, project] = ticket


class Careless(MemoryHome):
    """Breaks any lock, whatever id it is asked for."""

    def release(self, project: str, id: str) -> bool:
        return self._shelf.locks.pop((self._server, project), None) is not None


class Blind(MemoryHome):
    """Renews a lock that is lost."""

    def renew(self, project: str, ticket: Ticket) -> None:
        self._shelf.locks[self._server, project] = ticket


class Mixing(MemoryHome):
    """Takes names for one that differ in their case."""

    def read(self, project: str) -> Stored:
        return super().read(project.lower())

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        return super().write(project.lower(), text, version, lock)


@pytest.mark.parametrize("broken", [Overwriting, Unfenced, Generous, Careless, Blind, Mixing])
def test_the_contract_finds_a_home_that_breaks_it(broken: type[MemoryHome]):
    """Each of these fails one check at least, and passes another, so that it is not simply broken."""
    failed = 0
    for check in CHECKS:
        if check is writers_at_once_lose_nothing:
            continue
        shelf = Shelf()

        def open_(server: str = SERVER, shelf: Shelf = shelf) -> Home:
            return broken(shelf, server)

        try:
            check(Place(open_))
        except (AssertionError, pytest.fail.Exception, Conflict, Held, Lost):
            failed += 1
    assert 0 < failed < len(CHECKS) / 2
