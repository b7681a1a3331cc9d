"""The reference says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler.model.errors import InvalidDefinitions
from tests.documents.reference import COMMAND, reference
from tests.documents.reference_commands import EXITS, commands, commands_markdown
from tests.documents.reference_environment import SECTIONS
from tests.documents.reference_files import NOT_SHARED, USUAL, files_markdown
from tests.rig import plain

ROOT = Path(__file__).parents[2]
CODE = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py"))
VARIABLES = [name for _, _, variables in SECTIONS for name, _ in variables]


def test_the_reference_is_the_programs():
    """Byte for byte, and there is no other page in its folder."""
    made = reference()
    assert sorted(made) == sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs" / "reference").iterdir())
    stale = [name for name, text in made.items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert stale == [], f"renew them with `{COMMAND}`"


@pytest.mark.parametrize("columns", ["20", "300"])
def test_no_terminal_has_a_say_in_the_reference(monkeypatch, columns):
    """Narrow or wide, with colours or without."""
    expected = commands_markdown("")
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert commands_markdown("") == expected


def test_every_flag_of_every_command_is_in_the_reference():
    """In the section of its command."""
    sections = re.split(r"^## ", commands_markdown(""), flags=re.MULTILINE)[1:]
    told = {section.partition("\n")[0]: section for section in sections}
    for name, command in commands():
        flags = [flag for param in command.params if param.param_type_name == "option" for flag in param.opts]
        assert [flag for flag in flags if not re.search(rf"`{flag}[` ]", told[name])] == []


def test_the_exit_codes_of_commands_are_those_that_are_explained():
    """Each code stands in the table of all codes, each command is there."""
    table = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert {code for codes in EXITS.values() for code in codes} <= explained
    assert EXITS.keys() <= {name.removeprefix("reconciler ") for name, _ in commands()}


def test_every_variable_of_ours_is_explained_and_every_explained_one_is_looked_at():
    """Ours by name; those of others are in the code where they are in the reference."""
    ours = set(re.findall(r'"((?:ZADIG|RECONCILER)_[A-Z_]+)"', CODE))
    assert len(ours) >= 7
    assert ours <= set(VARIABLES)
    plain = [name for name in VARIABLES if not name.endswith("*") and name not in ("HTTP_PROXY", "SSL_CERT_FILE")]
    assert [name for name in plain if f'"{name}"' not in CODE] == []


def test_every_key_of_the_configuration_says_what_holds_without_it():
    """But for those without which there is nothing."""
    page = files_markdown("")
    keys = re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    assert len(keys) >= 14
    assert set(keys) - USUAL.keys() == {"server", "token_file", "ignore"}


@pytest.mark.parametrize("key", NOT_SHARED)
def test_defaults_may_not_hold_what_is_about_one_build(rig, key):
    """Loading says so."""
    value = {"accept_loss": {"a": "b"}, "ignore": [], "no_defaults": True, "renamed_from": "old"}[key]
    rig.write({"x-reconciler": {key: value}}, file="_defaults.json")
    with pytest.raises(InvalidDefinitions) as raised:
        rig.load()
    assert [key for problem in raised.value.problems if key in problem.message] == [key]


def test_defaults_may_hold_protection(rig):
    """The positive control of the test above."""
    rig.write({"x-reconciler": {"prevent_destroy": True}}, file="_defaults.json")
    rig.write(plain())
    assert [definition.prevent_destroy for definition in rig.load().definitions] == [True]
