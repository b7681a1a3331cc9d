"""Fixtures for every test, and the witness of every apply."""

from __future__ import annotations

import os
import shutil

import pytest

from tests import witness
from tests.rig import Rig
from tests.witness import WITNESS

COUNTS = pytest.StashKey[dict[str, int]]()


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "witness_allows(path, reason): an apply of this test may change this place of the store (`*` is anything), "
        "though no plan names it",
    )
    config.stash[COUNTS] = {"applies": 0, "writes": 0}
    witness.install()


def pytest_unconfigure(config):
    shutil.rmtree(os.environ[witness.FOLDER], ignore_errors=True)


@pytest.fixture(autouse=True)
def witnessed(request):
    """After every apply nothing in the store has changed that no plan named."""
    allowed = {mark.args[0]: mark.kwargs["reason"] for mark in request.node.iter_markers("witness_allows")}
    WITNESS.begin(allowed)
    yield
    WITNESS.check()
    assert witness.spent(WITNESS, allowed) == [], "excused, and nothing happened: take the mark away"


@pytest.fixture
def rig(tmp_path):
    """A tree against an emulator in this process."""
    return Rig(tmp_path)


def pytest_sessionfinish(session):
    """A worker tells the process that reports what its witness counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["witness"] = {"applies": WITNESS.applies, "writes": WITNESS.writes}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    for key, count in getattr(node, "workeroutput", {}).get("witness", {}).items():
        node.config.stash[COUNTS][key] += count


def pytest_terminal_summary(terminalreporter, config):
    told = config.stash[COUNTS]
    applies, writes = told["applies"] + WITNESS.applies, told["writes"] + WITNESS.writes
    terminalreporter.write_line(f"witness: {applies} applies, {writes} writes seen")


@pytest.fixture(params=["deep", "detail"])
def seeing(request, rig) -> bool:
    """The same rig with the internal read and without it; tells whether hidden settings are seen."""
    rig.deep = request.param == "deep"
    return rig.deep
