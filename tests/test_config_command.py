"""`reconciler config` says what is in force and where it comes from, asks nobody, and keeps the token to itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.entry import COMMANDS, call, main

ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "config.schema.json").read_text(encoding="utf-8")))
FILE = """\
# the tree
server: https://file.example.com
projects: [shop, demo]
prune: owned

max_deletes: 3
timeout: 12
backup: .backups
token_file: token
ignore:
  - path: advanced_settings.timeout
    reason: tuned by hand
"""
TOKEN = "canary.token.sig"


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Ask from inside a configured tree; nothing of this environment reaches it."""
    (tmp_path / "reconciler.yaml").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    for name in ("ZADIG_SERVER", "ZADIG_TOKEN", "RECONCILER_LEDGER"):
        monkeypatch.delenv(name, raising=False)

    def asked(*arguments: str) -> str:
        capsys.readouterr()
        code = call(["config", *arguments])
        said = capsys.readouterr()
        assert (code, said.err) == (0, "")
        assert TOKEN not in said.out
        return said.out

    return asked


def entries(text: str) -> dict[str, dict[str, Any]]:
    document = json.loads(text)
    SCHEMA.validate(document)
    return {entry["name"]: entry for entry in document["settings"]}


def source(entry: dict[str, Any]) -> tuple[str, str | None]:
    return entry["source"], entry["where"]


def test_each_value_says_where_it_comes_from(ask, monkeypatch):
    """Flag beats environment beats file beats default."""
    monkeypatch.setenv("ZADIG_SERVER", "http://env:80")
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    found = entries(ask("--format", "json", "--prune", "all", "--ledger", "l.db", "--allow-moves", "--project", "shop"))
    assert (found["server"]["value"], *source(found["server"])) == ("http://env:80", "environment", "ZADIG_SERVER")
    assert (found["token"]["value"], *source(found["token"])) == ("set", "environment", "ZADIG_TOKEN")
    assert (found["prune"]["value"], *source(found["prune"])) == ("all", "flag", "--prune")
    assert source(found["ledger"]) == ("flag", "--ledger")
    assert (found["allow_moves"]["value"], *source(found["allow_moves"])) == (True, "flag", "--allow-moves")
    assert (found["project"]["value"], *source(found["project"])) == (["shop"], "flag", "--project")
    assert (found["max_deletes"]["value"], *source(found["max_deletes"])) == (3, "file", "reconciler.yaml:6")
    assert (found["timeout"]["value"], *source(found["timeout"])) == (12, "file", "reconciler.yaml:7")
    assert source(found["ignore"]) == ("file", "reconciler.yaml:10")
    assert (found["max_delete_percent"]["value"], *source(found["max_delete_percent"])) == (10, "default", None)
    assert (found["deep_read"]["value"], *source(found["deep_read"])) == ("auto", "default", None)


def test_without_anything_the_defaults_are_told(ask, tmp_path):
    (tmp_path / "reconciler.yaml").unlink()
    out = ask("--format", "json")
    assert {entry["source"] for entry in entries(out).values()} == {"default"}
    assert json.loads(out)["file"] is None
    assert entries(out)["backup"]["value"] == str(tmp_path / ".reconciler" / "backup")
    assert re.search(r"^server +not set \(default\)$", ask(), re.MULTILINE)


def test_as_text_it_is_a_line_per_setting(ask, monkeypatch):
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    text = ask("--deep-read", "off")
    for line in (
        r"server +https://file\.example\.com \(file reconciler\.yaml:2\)",
        r"token +set \(environment ZADIG_TOKEN\)",
        r"projects +shop, demo \(file reconciler\.yaml:3\)",
        r"prune +owned \(file reconciler\.yaml:4\)",
        r"deep_read +off \(flag --deep-read\)",
        r"break_workflows +off \(default\)",
        r"max_delete_percent +10 % \(default\)",
        r"ignore +1 rule \(file reconciler\.yaml:10\)",
        r" +- advanced_settings\.timeout: tuned by hand",
    ):
        assert re.search(f"^{line}$", text, re.MULTILINE), line


@pytest.mark.parametrize(("held", "value"), [(TOKEN, "set"), ("", "not set"), (None, "not set")])
def test_the_token_s_file_is_named_and_not_its_content(ask, tmp_path, held, value):
    if held is not None:
        (tmp_path / "token").write_text(held)
    found = entries(ask("--format", "json"))["token"]
    assert (found["value"], *source(found)) == (value, "file", "reconciler.yaml:9")
    assert f"{value} (file reconciler.yaml:9)" in ask()


@pytest.mark.parametrize(
    "place", ["https://user:canary@state.example.com/x?sig=canary", "s3://canary@x/y", "x://[canary"]
)
def test_credentials_in_the_ledger_s_address_are_masked(ask, place):
    out = ask("--ledger", place) + ask("--ledger", place, "--format", "json")
    assert "canary" not in out
    assert "(sensitive)" in out


def test_a_file_in_a_folder_below_is_answered_from_the_root(ask, tmp_path):
    (tmp_path / "below").mkdir()
    document = json.loads(ask("below", "--format", "json"))
    assert (document["root"], document["path"]) == (str(tmp_path), str(tmp_path / "below"))


def test_it_takes_the_flags_of_plan():
    """All that make settings."""

    def flags(name: str) -> set[str]:
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        return {flag for parameter in command.params for flag in parameter.opts}

    others = {"--detailed-exitcode", "--fast", "--out", "--report", "--summary"}
    assert flags("plan") - others <= flags("config")
    assert "config" in COMMANDS


def test_flags_reach_plan_and_apply_too():
    """`--assert` is for apply alone."""
    for name in ("plan", "apply", "config"):
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        given = {flag for parameter in command.params for flag in parameter.opts}
        assert {
            "--prune", "--max-deletes", "--max-delete-percent", "--deep-read", "--allow-moves", "--break-workflows",
            "--backup-dir",
        } <= given  # fmt: skip
        assert ("--assert" in given) == (name == "apply")


def test_a_broken_file_is_told_with_its_place(ask, tmp_path, capsys):
    (tmp_path / "reconciler.yaml").write_text("prune: owner\n")
    assert call(["config"]) == 65
    assert 'reconciler.yaml:1:8: "prune" cannot be "owner"' in capsys.readouterr().err


def test_the_flag_of_apply_alone_becomes_a_setting(ask):
    """The others are seen through `config`."""
    from reconciler.cli.options import settings_from

    del ask
    assert settings_from(None, {"assert_all": True}).policy.assert_all
    assert not settings_from(None, {}).policy.assert_all
