"""The ledger in an object store keeps what every home must keep: against our small store, and against real ones."""

from __future__ import annotations

import pytest

from tests.ledger.contract import CHECKS
from tests.ledger.stores import ALL, place_at, running


@pytest.fixture(scope="module", params=ALL)
def store(request, tmp_path_factory):
    """A store that runs for as long as the file's tests do; each test has a prefix of its own."""
    with running(request.param, tmp_path_factory.mktemp(request.param)) as server:
        yield server


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_home_in_an_object_store_keeps_the_contract(store, check):
    """What the check's own docstring says."""
    check(place_at(store.environ, check.__name__))
