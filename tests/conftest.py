"""Fixtures for every test."""

from __future__ import annotations

import pytest

from tests.rig import Rig


@pytest.fixture
def rig(tmp_path):
    """A tree against an emulator in this process."""
    return Rig(tmp_path)
