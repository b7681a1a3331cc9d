"""Nothing that is printed is a command of the CI: a runner that reads the log, modelled after its source, sees none."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.report.document import dump
from reconciler.report.guard import Guard, guarded
from tests.ci import reading
from tests.test_properties import examples

MARKS = ("::", ":", "##[", "#", "##", "[", "]", " ", "\t", "\u2003", "\n", "\r", '"', "<", "x", "-", "+", "\\")
PIECES = st.sampled_from((*MARKS, "error", "set-env name=A", "add-mask"))
TEXTS = st.lists(PIECES, max_size=14).map("".join)


def commands(text: str) -> list[object]:
    return [found for found in map(reading.command, reading.lines(text)) if found]


def test_the_model_sees_what_a_runner_sees():
    """The control: both forms, after blanks and in the middle of a line; what is no command is none."""
    for text in ("::error::x", "  ::set-env name=a::b", "\t::add-mask::", "said ##[error]x", "##[add-path]/x"):
        assert commands(text), text
    for text in ("x ::error::y", "\\::error::x", "##\\[error]x", "::unheard::x", "::", "##["):
        assert commands(text) == [], text


@examples(300)
@given(TEXTS)
def test_no_line_of_a_guarded_text_is_a_command(text: str):
    assert commands(guarded(text)) == []


@examples(300)
@given(st.lists(TEXTS, max_size=5))
def test_it_does_not_matter_in_how_many_pieces_it_is_printed(pieces: list[str]):
    """Neither does a command come of two harmless pieces, nor is anything but marks put in."""
    guard = Guard()
    printed = "".join(guard.passed(piece) for piece in pieces)
    assert commands(printed) == []
    assert printed.count("\n") == "".join(pieces).count("\n")


DANGEROUS = ("::error::x", "  ::add-mask::x", "said ##[error]x", '"##[error]x', "<##[error]x", "###[add-path]/x")


@pytest.mark.parametrize("line", DANGEROUS)
def test_a_command_that_is_printed_in_two_or_three_pieces_is_none_either(line: str):
    """Cut at every place, and at every two places: none of the pieces has to be a command by itself."""
    assert commands(line), "the control: in one piece it is a command"
    for first in range(len(line) + 1):
        for second in range(first, len(line) + 1):
            guard = Guard()
            printed = "".join(guard.passed(piece) for piece in (line[:first], line[first:second], line[second:]))
            assert commands(printed) == [], (line[:first], line[first:second], line[second:])


@examples(100)
@given(st.dictionaries(st.text(max_size=5) | TEXTS, TEXTS | st.lists(TEXTS, max_size=3), max_size=4))
def test_json_reads_as_it_was(document: dict[str, object]):
    """What a program parses out of a log is the same with the guard and without."""
    text = guarded(dump(document))
    assert commands(text) == []
    assert json.loads(text) == document


def test_what_holds_no_command_is_left_alone():
    for text in ("", "a\nb", "a::b\n", "std::string x\n", "## heading\n", "    30 → 45\n", "# [x]\n"):
        assert guarded(text) == text
