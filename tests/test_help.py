"""`--help`: one golden file per command, within 80 columns, in groups, with examples that can be typed."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.entry import COMMANDS, TITLES, call, main
from reconciler.cli.examples import EXAMPLES
from reconciler.cli.helping import NARROWEST, render
from reconciler.cli.near import meant
from tests.test_properties import examples

GOLDEN = Path(__file__).parent / "help"


def contexts() -> Iterator[click.Context]:
    """Every command with its place on the command line, the groups too."""
    top = click.Context(main, info_name="reconciler")
    yield top
    pending = [top]
    while pending:
        above = pending.pop()
        assert isinstance(above.command, click.Group)
        for name in above.command.list_commands(above):
            command = above.command.get_command(above, name)
            assert command is not None
            found = click.Context(command, parent=above, info_name=name)
            yield found
            if isinstance(command, click.Group):
                pending.append(found)


ALL = {context.command_path.removeprefix("reconciler").strip(): context for context in contexts()}


def asked(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert call([*words, "--help"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    return said.out


@pytest.mark.parametrize("words", [[], ["ledger"]])
def test_a_command_that_needs_another_word_shows_its_help(words: list[str], capsys: pytest.CaptureFixture[str]):
    """Its own lines, and no error before them that names none."""
    call(words)
    said = capsys.readouterr()
    told = said.out + said.err
    assert told.startswith(f"Usage: {' '.join(['reconciler', *words])} ")
    assert "error:" not in told


@pytest.mark.parametrize("path", ALL, ids=lambda path: path or "reconciler")
def test_the_help_is_as_it_was(path: str, monkeypatch, capsys):
    """A change of a help is seen in review; and no line of it is over 80 columns, however wide the terminal is."""
    monkeypatch.setenv("COLUMNS", "200")
    out = asked(path.split(), capsys)
    golden = GOLDEN / f"{path.replace(' ', '-') or 'reconciler'}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(out, encoding="utf-8")
    assert out == golden.read_text(encoding="utf-8")
    assert [line for line in out.splitlines() if len(line) > 80] == []


def test_every_golden_help_is_of_a_command():
    assert {file.stem for file in GOLDEN.iterdir()} == {path.replace(" ", "-") or "reconciler" for path in ALL}


@pytest.mark.parametrize("path", ALL, ids=lambda path: path or "reconciler")
def test_a_narrow_terminal_breaks_nothing(path: str):
    """Every word of the wide help is in the narrow one, in the same order; what can be wrapped is."""
    context = ALL[path]
    wide = render(context.command, context, 80)
    for columns in (60, 40, NARROWEST):
        narrow = render(context.command, context, columns)
        assert narrow.split() == wide.split()
        long = [line for line in narrow.splitlines() if len(line) > columns]
        prose = [line for line in long if not re.match(r"  (reconciler |-|\w+$)|\s+\S+$", line)]
        assert prose == []


@pytest.mark.parametrize("path", ALL, ids=lambda path: path or "reconciler")
def test_every_flag_is_in_one_group_and_says_something(path: str):
    """Each once, with what it is for."""
    context = ALL[path]
    text = render(context.command, context, 80)
    for parameter in context.command.get_params(context):
        if isinstance(parameter, click.Option):
            rows = re.findall(rf"^  (?:-\w, )?{parameter.opts[-1]}(?![\w-]).*$", text, re.MULTILINE)
            assert len(rows) == 1
            assert parameter.help


@pytest.mark.parametrize("path", ALL, ids=lambda path: path or "reconciler")
def test_the_examples_of_a_help_can_be_typed(path: str):
    """Each is read as a command line of that command, without a word that is left over."""
    assert EXAMPLES[path]
    for typed, _ in EXAMPLES[path]:
        words = shlex.split(typed)
        assert words[: len(path.split())] == path.split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in ALL else words[0]
        context = ALL[name]
        assert not isinstance(context.command, click.Group)
        made = context.command.make_context(name, words[len(name.split()) :], parent=context.parent)
        assert made.args == []


def test_every_command_is_in_one_section_of_the_help():
    assert sorted(name for names in TITLES.values() for name in names) == sorted(COMMANDS)
    assert EXAMPLES.keys() == ALL.keys()


# What was meant ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ledgr"], 'there is no command "ledgr"; did you mean "ledger"?'),
        (["ledger", "shwo"], 'there is no command "shwo"; did you mean "show"?'),
        (["completion", "fsh"], 'Invalid value for \'SHELL\': "fsh" is none of bash, zsh, fish; did you mean "fish"?'),
        (["plan", "--fromat", "json"], 'there is no option "--fromat"; did you mean "--format"?'),
        (["plan", "--detailed-exit-code"], '"--detailed-exit-code"; did you mean "--detailed-exitcode"?'),
        (["plan", "--format", "JSON"], 'did you mean "json"?'),
        (["plan", "--prune=al"], '"al" is none of off, owned, all; did you mean "all"?'),
        (["schema", "save-plan"], 'did you mean "saved-plan"?'),
        (["plan", "--xyzzy"], 'there is no option "--xyzzy"\n'),
        (["plan", "-x"], 'there is no option "-x"\n'),
        (["plan", "--format"], "reconciler plan --help"),
        (["plan", "--\x1b[31mred"], r"\u001b[31mred"),
    ],
)
def test_a_mistyped_word_suggests_the_nearest(words: list[str], told: str, capsys):
    """Of commands, subcommands, flags and choices; where nothing is near, nothing is guessed; 64."""
    assert call(words) == 64
    said = capsys.readouterr()
    assert told in said.err, said.err
    assert "\n  → see `reconciler " in said.err
    assert (said.out, "\x1b" in said.err) == ("", False)


@examples(100)
@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=12), max_size=6))
def test_a_suggestion_is_one_of_what_there_is(word: str, known: list[str]):
    """And a word that is there is suggested for itself."""
    question = meant(word, known)
    assert question == "" or question[len('; did you mean "') : -2] in known
    if known:
        assert meant(known[-1], known) != ""
