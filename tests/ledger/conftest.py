"""Servers of the Terraform HTTP state protocol, each with homes that speak to it."""

from __future__ import annotations

import pytest

from tests.ledger.state_homes import scene


@pytest.fixture
def plain():
    with scene() as made:
        yield made


@pytest.fixture
def gitlab():
    with scene(gitlab=True) as made:
        yield made


@pytest.fixture(params=[False, True], ids=["plain", "gitlab"])
def either(request):
    with scene(gitlab=request.param) as made:
        yield made
