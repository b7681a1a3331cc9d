"""Fixtures for every test."""

from __future__ import annotations

import pytest

from tests.rig import Rig


@pytest.fixture
def rig(tmp_path):
    """A tree against an emulator in this process."""
    return Rig(tmp_path)


@pytest.fixture(params=["deep", "detail"])
def seeing(request, rig) -> bool:
    """The same rig with the internal read and without it; tells whether hidden settings are seen."""
    rig.deep = request.param == "deep"
    return rig.deep
