"""`reconciler adopt` as people and programs meet it: what it says, asks and ends with, and that it is killed safely."""

from __future__ import annotations

import json
import os
import pty
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.ledger_file import held_by_another
from tests.page import PLAIN, TEMPLATE, made
from tests.rig import plain, template
from tests.test_cli import Desk, Said, desk, served, until
from tests.test_golden import expect

__all__ = ["desk", "served"]

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "adopt.schema.json").read_text(encoding="utf-8")))
DECLARED = {"parameters": [{"key": "A", "description": "da"}, {"key": "PW"}]}


@pytest.fixture
def company(desk: Desk) -> Desk:
    """Four builds of the page, one of them Jenkins', with a definition each, and a definition of a build to be made."""
    desk.emulator.set_state(
        None, [made(PLAIN), made(PLAIN, name="web"), made(TEMPLATE), made(PLAIN, name="old", source="jenkins")]
    )
    desk.write(plain(**DECLARED, advanced_settings={"privileged_mode": True}), plain("web"), template(), plain("new"))
    desk.emulator.clear_requests()
    return desk


def ledger(desk: Desk) -> Path:
    return desk.folder / ".reconciler" / "ledger.db"


def recorded(desk: Desk) -> list[str]:
    """The builds of which the ledger has a record."""
    if not ledger(desk).exists():
        return []
    with sqlite3.connect(ledger(desk)) as db:
        rows = db.execute("SELECT body FROM documents").fetchall()
    return sorted(name for (body,) in rows for name in json.loads(body)["records"])


def as_json(said: Said) -> dict[str, Any]:
    document = json.loads(said.out)
    SCHEMA.validate(document)
    assert isinstance(document, dict)
    return document


# What it says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", ["auto", "off"])
def test_an_adoption_reads_as_it_did(company: Desk, deep: str):
    """Text and JSON, with the internal read and without: every byte."""
    shown = company.done("adopt", "--dry-run", "--deep-read", deep, "--format", "json")
    as_json(shown)
    expect(GOLDEN / f"adopt-{deep}.json", shown.out)
    expect(GOLDEN / f"adopt-{deep}.txt", company.done("adopt", "--yes", "--deep-read", deep).out)
    assert recorded(company) == ["api", "tpl", "web"]
    assert company.methods() == {"GET"}


def test_a_refusal_reads_as_it_did(company: Desk):
    """What differs, where its definition is, and the ways out."""
    company.write(plain(build_script="make all\n"), plain("web", advanced_settings={"timeout": 44}), template("web2"))
    said = company.run("adopt", "--yes")
    assert said.code == 4
    expect(GOLDEN / "adopt-refused.txt", said.out)
    assert recorded(company) == []
    document = as_json(company.run("adopt", "--yes", "--format", "json"))
    assert (document["refused"], document["recorded"], document["summary"]["differs"]) == (True, 0, 2)
    assert document["builds"][0]["changes"][0]["path"] == "build_script"


def test_what_drifts_and_what_is_left_reads_as_it_did(company: Desk):
    """Allowed drift, Jenkins, a variable that is not set, many builds that are not on the server, verbose."""
    secret = {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    company.write(
        plain(build_script="make all\n"),
        plain("web", parameters=[{"key": "A"}, secret]),
        plain("old"),
        *(plain(f"new-{number:02}") for number in range(12)),
    )
    said = company.run("adopt", "--yes", "--allow-drift")
    assert said.code == 4
    expect(GOLDEN / "adopt-drift.txt", said.out)
    assert recorded(company) == ["api", "web"]
    verbose = company.run("adopt", "--dry-run", "--allow-drift", "-v")
    assert "yaml/new-11" in verbose.out
    assert "read with" in verbose.err


def test_quiet_is_the_line_that_counts(company: Desk):
    """And how it ended."""
    lines = company.done("adopt", "--yes", "-q").out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Adopt 3 of 4 builds in 1 project: they become ours (tree cli).")


def test_the_same_twice_has_nothing_to_do(company: Desk):
    """It asks nobody, also where nobody could be asked."""
    company.done("adopt", "--yes")
    said = company.done("adopt")
    assert said.out.startswith("Nothing to adopt: 3 builds are ours already.\n")
    assert as_json(company.done("adopt", "--format", "json"))["summary"]["already"] == 3
    assert company.done("plan", "--project", "yaml").code == 0


def test_then_a_plan_in_detail_is_0(company: Desk):
    """The whole way of somebody who begins: adopt, plan, apply."""
    company.write(plain(**DECLARED), plain("web"), template())
    company.done("adopt", "--yes")
    company.done("plan", "--detailed-exitcode")
    company.done("apply", "--yes")
    assert company.methods() == {"GET"}


def test_the_schema_is_shipped(desk: Desk):
    """`reconciler schema adopt` prints it."""
    schema = json.loads(desk.done("schema", "adopt").out)
    assert schema == SCHEMA.schema
    jsonschema.Draft7Validator.check_schema(schema)


# Asking --------------------------------------------------------------------------------------------------


def test_without_a_terminal_it_needs_yes(company: Desk):
    """It shows everything, says what to do, and records nothing."""
    said = company.run("adopt")
    said.told(64, "nothing was recorded", "--yes")
    assert "Adopt 3 of 4 builds" in said.out
    assert recorded(company) == []


def test_a_dry_run_records_nothing(company: Desk):
    """Not even an empty ledger."""
    assert "Nothing was recorded (--dry-run)." in company.done("adopt", "--dry-run", "--yes").out
    assert not ledger(company).exists()


@pytest.mark.parametrize(("answer", "names"), [("y", ["api", "tpl", "web"]), ("n", [])])
def test_on_a_terminal_it_asks_and_takes_no_for_an_answer(company: Desk, answer: str, names: list[str]):
    """130 after a no."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "adopt", str(company.folder)],
        cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
    ) as run:  # fmt: skip
        os.close(theirs)
        heard = until(ours, b"?", b"[y/N]")
        os.write(ours, f"{answer}\n".encode())
        heard += until(ours)
    os.close(ours)
    assert b"Record 3 builds as they are?" in heard
    assert recorded(company) == names
    assert run.returncode == (0 if names else 130)
    assert (b"nothing was recorded" in heard) == (not names)


# How it ends ---------------------------------------------------------------------------------------------


def test_an_unread_build_is_1_and_the_others_are_adopted(company: Desk):
    """1 before 4: something could not be looked at."""
    fault = {"kind": "500-json", "probability": 1.0, "match": {"path": "/web/detail"}}
    company.emulator.set_faults([fault])
    said = company.run("adopt", "--yes")
    assert said.code == 1
    assert "Not adopted: 1 could not be read (run again): yaml/web" in said.out
    assert recorded(company) == ["api", "tpl"]


def test_an_incomplete_list_is_1_and_nothing_of_it_is_adopted(company: Desk):
    """Said with what to do."""
    company.emulator.set_faults([{"kind": "unsettled-list", "probability": 1.0}])
    said = company.run("adopt", "--yes")
    assert said.code == 1
    assert "Nothing to adopt" in said.out
    assert 'project "yaml"' in said.out
    assert recorded(company) == []


def test_another_trees_builds_are_4(company: Desk):
    """They stay theirs."""
    company.done("adopt", "--yes")
    (company.folder / "reconciler.yaml").write_text("projects: [yaml, other]\ntree: another\n", encoding="utf-8")
    said = company.run("adopt", "--yes")
    assert said.code == 4
    assert "Not adopted: 3 belong to another tree (change it there): yaml/api, yaml/tpl, yaml/web" in said.out


def test_a_locked_ledger_is_75(company: Desk):
    """Somebody else holds it."""
    company.done("adopt", "--yes")
    company.write(plain(), plain("web"))
    held_by_another(ledger(company), company.url)
    company.run("adopt", "--yes").told(75, "ann@elsewhere", "wait")


@pytest.mark.parametrize(("arguments", "code"), [
    (("--ledger", "ftp://bucket/key"), 64),
    (("--ledger", "garbage"), 1),
    (("--project", "nowhere"), 64),
    (("nowhere",), 64),
    (("--format", "yaml"), 64),
])  # fmt: skip
def test_every_bad_use_is_told(company: Desk, arguments: tuple[str, ...], code: int):
    """One error, a way out, an exit code; nothing is recorded."""
    (company.folder / "garbage").write_bytes(b"this is no database\n" * 100)
    said = company.run("adopt", "--yes", *arguments)
    assert (said.code, said.err.startswith("error: "), "  → " in said.err) == (code, True, True), said
    assert recorded(company) == []


def test_invalid_definitions_are_65(company: Desk):
    """All problems are told, nothing is sent."""
    (company.folder / "bad.json").write_text('{"name": "x"}', encoding="utf-8")
    company.run("adopt", "--yes").told(65)
    assert company.emulator.requests() == []


def test_without_the_right_it_is_77(company: Desk, monkeypatch):
    """No token."""
    monkeypatch.delenv("ZADIG_TOKEN")
    company.run("adopt", "--yes").told(77, "ZADIG_TOKEN")


def test_project_selects(company: Desk):
    """Only builds of the selected project become ours."""
    other = made(PLAIN, name="b", product_name="other", targets=[])
    company.emulator.set_state(None, [made(PLAIN), other])
    company.write(plain(), {**plain("b"), "project_key": "other"})
    company.done("adopt", "--yes", "--project", "other")
    assert recorded(company) == ["b"]


def test_a_path_selects(company: Desk):
    """A file: only its build becomes ours, though the tree has others."""
    company.done("adopt", "--yes", "web.json")
    assert recorded(company) == ["web"]


def test_in_ci_a_local_ledger_is_warned_about(company: Desk, monkeypatch):
    """On stderr, where something is recorded in it."""
    monkeypatch.setenv("CI", "true")
    assert "lost" not in company.done("adopt", "--dry-run").err
    assert "lost" in company.done("adopt", "--yes").err


def test_a_report_goes_whole_into_a_file(company: Desk):
    """Nothing of it on stdout."""
    assert company.done("adopt", "--yes", "--output", "report.txt").out == ""
    text = (company.folder / "report.txt").read_text(encoding="utf-8")
    assert text.startswith("Adopt 3 of 4 builds")
    assert "Recorded 3 builds." in text


def test_no_output_and_no_ledger_holds_a_secret(company: Desk, monkeypatch):
    """The page's credential, the token and the environment's value; all of them were in play."""
    monkeypatch.setenv("BUILD_PW", "env-canary")
    stored = made(PLAIN, scripts="echo page-canary\n")
    company.emulator.set_state(None, [stored, made(PLAIN, name="web")])
    secret = {"key": "PW", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}
    company.write(plain(), plain("web", parameters=[{"key": "A"}, secret]))
    assert "page-canary" in json.dumps(company.emulator.state())
    for more in ((), ("--format", "json"), ("--allow-drift", "-v"), ("--allow-drift", "--yes"), ("--format", "json")):
        company.run("adopt", *more)
    assert recorded(company) == ["api", "web"]
    heard = "".join(company.heard)
    token = os.environ["ZADIG_TOKEN"]
    for word in ("canary", token, token.split(".")[1]):
        assert word not in heard
        assert word.encode() not in ledger(company).read_bytes()


# Killed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/web/detail$", "^/api/aslan/build/build/web$"])
def test_killed_while_it_looks_nothing_is_recorded(company: Desk, path: str):
    """In front of any answer; run again it does everything."""
    company.emulator.set_faults([{"kind": "timeout", "at": [0], "match": {"path": path}}])
    command = [sys.executable, "-m", "reconciler", "adopt", str(company.folder), "--yes", "--concurrency", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while not any(r["fault"] == "timeout" for r in company.emulator.requests()):
            assert run.poll() is None, run.communicate()
        run.kill()
        assert run.wait() == -signal.SIGKILL
    assert recorded(company) == []
    company.emulator.set_faults([])
    company.done("adopt", "--yes")
    assert recorded(company) == ["api", "tpl", "web"]
