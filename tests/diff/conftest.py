"""A repository whose tree is its root."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.diff.history import History


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path)
