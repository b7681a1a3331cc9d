"""The command itself: exit codes, flags, formats, errors as everywhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from tests.diff.history import ENVIRON, History
from tests.rig import plain


@pytest.fixture
def told(history: History, monkeypatch, capsys):
    """Two commits, and a shell in their tree without server and token."""
    history.commit({"a.json": plain("a"), "b.json": plain("b", project_key="other")})
    history.commit({"a.json": plain("a", build_script="x\n"), "b.json": plain("b", project_key="other")})
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    for name in ("ZADIG_SERVER", "ZADIG_TOKEN", "RECONCILER_LEDGER", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(history.tree)

    def run(*words: str) -> tuple[int, str, str]:
        code = call(["diff", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_exit_code_says_whether_something_differs(told: Any):
    """0 and 2; with -q in one line."""
    assert told("HEAD", "main")[0] == 0
    code, out, err = told("HEAD~1", "HEAD", "-q")
    assert (code, out, err) == (2, "Diff: 1 changed, 1 unchanged.\n", "")
    assert told("HEAD~1", "HEAD", "--project", "other", "-q") == (0, "Nothing differs: 1 unchanged.\n", "")


def test_nothing_is_left_behind(told: Any, history: History):
    """No ledger, no state folder."""
    told("HEAD~1", "HEAD")
    assert history.git("status", "--porcelain", "--ignored") == ""


def test_every_format_goes_where_it_is_wanted(told: Any, tmp_path: Path):
    """Data on stdout or in a file, with the same exit code."""
    assert json.loads(told("HEAD~1", "--format", "json")[1])["summary"]["changed"] == 1
    assert told("HEAD~1", "--format", "markdown")[1].startswith("## Diff: 1 changed")
    file = tmp_path / "diff.md"
    assert told("HEAD~1", "--format", "markdown", "--output", str(file)) == (2, "", "")
    assert file.read_text(encoding="utf-8").startswith("## Diff")
    assert "\x1b[" in told("HEAD~1", "--color", "always")[1]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], 'error: "nope" is no revision of this repository\n'),
        (["mian"], '  → did you mean "main"?\n'),
        (["HEAD", "HEAD", "nope"], "error: nope is neither in HEAD ("),
        (["HEAD", "HEAD", ".", "more"], "error: diff takes OLD, NEW and PATH, and no more\n"),
        (["HEAD", "--project", "nope"], "error: no definition of either side is of project nope\n"),
        ([], "error: Missing argument 'OLD'.\n"),
    ],
)
def test_wrong_usage_is_64_and_a_sentence(told: Any, words: list[str], message: str):
    code, out, err = told(*words)
    assert (code, out) == (64, "")
    assert message in err


def test_outside_of_a_repository_it_is_64(told: Any, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = told("HEAD")
    assert (code, out) == (64, "")
    assert err.startswith("error: no Git repository here: not a git repository")


def test_without_git_it_is_64(told: Any, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert told("HEAD") == (64, "", "error: there is no `git` here\n  → install Git: revisions are read with it\n")


def test_an_invalid_revision_is_65_with_the_revision_in_the_place(told: Any, history: History):
    """The offending line is shown, as in validate."""
    history.commit({"c.yaml": "name: c\ntiemout: 1\n"})
    code, out, err = told("HEAD~1", "HEAD")
    assert (code, out) == (65, "")
    assert 'HEAD:c.yaml:2:1: unknown key "tiemout"' in err
    assert "2 | tiemout: 1" in err
    history.write({"c.yaml": None})  # type: ignore[dict-item]
    assert told("HEAD")[0] == 65
    assert told("HEAD~1")[0] == 0


def test_a_configuration_that_is_wrong_in_one_revision_names_it(told: Any, history: History):
    history.commit({"reconciler.yaml": "tree: x\nprnue: off\n"})
    history.commit({"reconciler.yaml": "tree: x\n"})
    code, _, err = told("HEAD~1", "HEAD")
    assert code == 65
    assert "HEAD~1:reconciler.yaml:2:1:" in err


def test_no_token_is_looked_at(told: Any, history: History):
    """Neither a token file that is nonsense nor a server of the environment matters to a diff."""
    history.commit({"reconciler.yaml": "tree: x\ntoken_file: t.txt\nserver: http://127.0.0.1:1\n", "t.txt": "a b\n"})
    assert told("HEAD~1", "HEAD", "-q") == (0, "Nothing differs: 2 unchanged.\n", "")
