"""The demo: the whole story in one command, without a question, leaving nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reconciler.cli.demo_company import FILES, LET_GO, SECRET, TOKEN
from reconciler.cli.entry import call

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def told(tmp_path_factory) -> dict[str, object]:
    """The demo as a stranger runs it: a process in an empty folder, with an empty temporary one."""
    home, temporary = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("temporary")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("ZADIG_", "RECONCILER_", "BUILD_"))}
    environ |= {"TMPDIR": str(temporary), "HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-m", "reconciler", "demo"], cwd=home, env=environ, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return {
        "code": ran.returncode,
        "out": ran.stdout,
        "err": ran.stderr,
        "left": [*home.iterdir(), *temporary.iterdir()],
    }


def test_the_demo_ends_well_and_leaves_nothing_behind(told):
    """0, nothing on stderr, no file in the current, the home or the temporary folder."""
    assert (told["code"], told["err"], told["left"]) == (0, "", [])


def test_the_demo_prints_every_command_that_it_runs(told):
    """In the order of the story; each is one that the command line knows."""
    assert re.findall(r"^\$ (.*)$", told["out"], re.MULTILINE) == [
        "reconciler plan",
        "reconciler apply --yes --quiet",
        "reconciler plan --detailed-exitcode",
        "reconciler plan",
        "reconciler apply --yes --quiet",
        "reconciler plan",
        "reconciler plan --prune owned",
    ]


def test_the_demo_tells_the_whole_story(told):
    """A loss blocked and let go, a build made, mallory's change named and healed, a delete refused."""
    out = str(told["out"])
    story = [
        "search-index would be updated, but is blocked (loss)",
        f"put into the definition: {LET_GO}",
        "post_build.scripts would be lost: curl",
        "Plan: 1 to create, 0 unchanged, 1 blocked",
        f"\n{LET_GO}\n",
        "Applied: 1 created, 1 updated.",
        "What was taken away is kept in .reconciler/backup/",
        "matches nothing (any more): take it out",
        "Nothing to do: 2 unchanged",
        "3 settings differ",
        "last written by mallory",
        "~ advanced_settings.timeout  5 → 30",
        "~ advanced_settings.privileged_mode  false → true",
        "also the one that the API hides",
        "Applied: 1 updated.",
        "not in Git any more (nothing is deleted): yaml/api",
        "yaml/api would be deleted, but is blocked (protected)",
        "→ to delete it: ",
        "examples/README.md",
        "docs/guards.md",
    ]
    at = 0
    for words in story:
        at = out.index(words, at) + 1
    assert out.count("undeclared on the server") == len(re.findall("^(Plan|Nothing to do): ", out, re.MULTILINE))
    assert out.count("accept_loss") == 3, "printed, pasted, reported as spent once and then taken out"


def test_the_demo_fits_three_screens(told):
    """A reader sees the end of it."""
    assert len(str(told["out"]).splitlines()) < 150


def test_the_demo_says_no_secret(told):
    """Its credential and its token stand nowhere, though the definition with the credential is shown."""
    out = str(told["out"])
    assert "{from_env: BUILD_REGISTRY_PASSWORD}" in out
    assert "default_value: (sensitive)" in out
    assert [secret for secret in (SECRET, TOKEN, TOKEN.split(".")[1]) if secret in out] == []


def test_the_demo_shows_the_files_that_it_plans(told):
    """Word for word, so that a reader can take them home."""
    assert [name for name in ("api.yaml", "search-index.yaml") if FILES[name] not in str(told["out"])] == []


def test_the_demo_needs_nothing_and_changes_nothing_of_where_it_runs(monkeypatch, tmp_path, capsys):
    """In a place with a wrong server, a bad token, a ledger and CI set: the same story, and all is as before."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reconciler.yaml").write_text("this: is wrong\n", encoding="utf-8")
    for name, value in {
        "ZADIG_SERVER": "http://nowhere.invalid", "ZADIG_TOKEN": "bad", "RECONCILER_LEDGER": str(tmp_path / "mine.db"),
        "CI": "true", "GITHUB_SHA": "c0ffee", "BUILD_REGISTRY_PASSWORD": "mine",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    before, where = dict(os.environ), Path.cwd()
    temporary = set(Path(tempfile.gettempdir()).glob("reconciler-demo-*"))
    assert call(["demo"]) == 0
    said = capsys.readouterr()
    assert "last written by mallory" in said.out
    assert (dict(os.environ), Path.cwd()) == (before, where)
    assert [path.name for path in tmp_path.iterdir()] == ["reconciler.yaml"]
    assert set(Path(tempfile.gettempdir()).glob("reconciler-demo-*")) <= temporary
    assert "mine" not in said.out + said.err


@pytest.mark.parametrize("choice", ["always", "never"])
def test_the_demo_has_colours_where_they_are_wanted(choice: str, capsys):
    assert call(["demo", "--color", choice]) == 0
    assert ("\x1b[" in capsys.readouterr().out) == (choice == "always")
