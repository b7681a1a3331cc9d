"""Whole reports of a drift, byte for byte. `UPDATE_GOLDEN=1` rewrites them: read the difference as at night."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from reconciler.compare.drift import State
from reconciler.plan.fates import Fate
from reconciler.report.document import dump
from reconciler.report.drift import VERDICTS, render_drift
from reconciler.report.drift_document import drift_document
from reconciler.report.drift_markdown import drift_markdown
from reconciler.report.drift_ways import Commands
from reconciler.report.text import Style
from tests.drift.night import Night, definition, timeout, whole_night
from tests.test_docs import within
from tests.test_golden import expect

FOLDER = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "drift.schema.json").read_text(encoding="utf-8")))
HERE = Commands()


def test_a_whole_night_reads_as_it_did(tmp_path: Path):
    """Every state but unread, in every format; the same again gives the same bytes."""
    night = whole_night(tmp_path)
    drift = night.look()
    expect(FOLDER / "night.txt", render_drift(drift, HERE, Style()))
    expect(FOLDER / "night-verbose.txt", render_drift(drift, HERE, Style(verbose=True)))
    expect(FOLDER / "night-quiet.txt", render_drift(drift, HERE, Style(quiet=True)))
    expect(FOLDER / "night.md", drift_markdown(drift, HERE))
    document = dump(drift_document(drift, HERE))
    SCHEMA.validate(json.loads(document))
    expect(FOLDER / "night.json", document)
    assert dump(drift_document(night.look(), HERE)) == document


@pytest.fixture
def night(tmp_path: Path) -> Night:
    """Two builds that were applied."""
    made = Night(tmp_path)
    made.define(definition("api"), definition("web"))
    made.applied()
    return made


def test_a_quiet_night_takes_one_line(night: Night):
    expect(FOLDER / "well.txt", render_drift(night.look(), HERE, Style()))


def test_without_a_record_everything_is_pending_and_that_is_said(night: Night):
    night.forget()
    night.meddle("api", timeout(45))
    expect(FOLDER / "no-ledger.txt", render_drift(night.look(), HERE, Style()))


def test_what_could_not_be_read_is_said_first(night: Night):
    """One build's detail fails; commands carry the flags that this run was given."""
    match = {"method": "GET", "path": "/web/detail"}
    night.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": match}])
    commands = Commands("trees/shop", "trees/shop", ("--server", "https://zadig.example.com"))
    expect(FOLDER / "unread.txt", render_drift(night.look(), commands, Style()))


def test_what_nothing_shows_is_said_with_who_wrote_since(night: Night):
    """Without the internal read, after a change of something else that was undone."""
    night.deep = False
    night.edit("web", advanced_settings={"cluster_name": "local-20250523164625", "privileged_mode": True})
    night.applied()
    night.meddle("web", timeout(30))
    expect(FOLDER / "hidden.txt", render_drift(night.look(), HERE, Style()))


def test_what_the_documentation_shows_was_printed():
    """Line by line, in this order, in the golden report of the night; and every state is explained."""
    text = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
    (excerpt,) = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert within(excerpt.splitlines(), (FOLDER / "night.txt").read_text(encoding="utf-8").splitlines())
    explained = re.findall(r"^\| ([A-Za-z ]+?) +\| [^|]+ \| \d \|$", text, re.MULTILINE)
    assert set(explained) >= {VERDICTS[fate][0] for fate in Fate} | {State.PENDING.value}


def test_no_report_tells_a_secret():
    """Every golden file is searched for the word that each secret of the scene holds."""
    every = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())]
    assert any("(sensitive)" in text for text in every)
    assert [text for text in every if "canary" in text] == []
