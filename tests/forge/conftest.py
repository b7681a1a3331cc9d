"""Both forges for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.forge.worlds import World, github, gitlab


@pytest.fixture(params=["github", "gitlab"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """One of the two, after the other."""
    with github() if request.param == "github" else gitlab() as found:
        yield found


@pytest.fixture
def hub() -> Iterator[World]:
    """GitHub alone."""
    with github() as found:
        yield found


@pytest.fixture
def lab() -> Iterator[World]:
    """GitLab alone."""
    with gitlab() as found:
        yield found
