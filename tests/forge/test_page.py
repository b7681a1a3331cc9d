"""The text of a comment: its mark, and how it is cut. What is open where is known by how the text was made."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.forge.page import body_of, fitting, is_marked, is_same, mark_of
from reconciler.plan.fates import Drift, Fate
from reconciler.plan.step import Trouble
from reconciler.report.drift_markdown import drift_markdown
from reconciler.report.drift_ways import Commands
from tests.drift.test_drift_markdown import HOSTILE, build, outside
from tests.test_properties import examples

TREES = st.text(st.characters(codec=None, exclude_characters=""), max_size=12) | st.text("->!<% /", max_size=12)
WORDS = st.sampled_from(["text", "", "/merge", "`<`", "# heading", "- item", "| a | b |", "x" * 40, "公司"])
INNER = st.sampled_from(
    ["+ new", "- old", "<details>", "</details>", "<!-- not open", "-->", "/close", "``", "    ```"]
)


@dataclass(frozen=True)
class Line:
    """A line, and what is open behind it, the innermost last."""

    text: str
    open: tuple[str, ...]


@st.composite
def fences(draw: st.DrawFn, above: tuple[str, ...]) -> list[Line]:
    fence = draw(st.sampled_from("`~")) * draw(st.integers(3, 6))
    shorter = [fence[:-1]] if len(fence) > 3 else []
    other = ("~" if fence[0] == "`" else "`") * 7
    inner = draw(st.lists(INNER | st.sampled_from([*shorter, other, f"{fence} not the end"]), max_size=5))
    head = Line(f"{fence}{draw(st.sampled_from(['', 'diff', 'sh x']))}", (*above, fence))
    return [head, *(Line(text, (*above, fence)) for text in inner), Line(fence + " " * draw(st.integers(0, 2)), above)]


@st.composite
def remarks(draw: st.DrawFn, above: tuple[str, ...]) -> list[Line]:
    inner = draw(st.lists(st.sampled_from(["hidden " * 9, "<details>", "```"]), max_size=9))
    return [Line("<!-- a", (*above, "-->")), *(Line(text, (*above, "-->")) for text in inner), Line("b -->", above)]


@st.composite
def blocks(draw: st.DrawFn, above: tuple[str, ...] = (), depth: int = 0) -> list[Line]:
    lines: list[Line] = []
    for kind in draw(st.lists(st.sampled_from(["words", "fence", "remark", "fold"]), max_size=4)):
        if kind == "words":
            lines += [Line(text, above) for text in draw(st.lists(WORDS, min_size=1, max_size=3))]
        elif kind == "fence":
            lines += draw(fences(above))
        elif kind == "remark":
            lines += draw(remarks(above))
        elif depth < 3:
            inside = (*above, "</details>")
            lines += [Line("<details><summary>s</summary>", inside), Line("", inside)]
            lines += [*draw(blocks(inside, depth + 1)), Line("</details>", above)]
    return lines


@examples(120)
@given(TREES, TREES)
def test_no_two_trees_have_the_same_mark_and_none_ends_it(one: str, other: str):
    """Any text at all may be a tree's name; the mark is one line of ASCII with one end."""
    mark = mark_of(one)
    assert mark.isascii()
    assert mark.isprintable()
    assert mark.startswith("<!-- reconciler: ")
    assert "--" not in mark[4:-3].strip()
    assert (mark_of(other) == mark) is (one == other)
    assert is_marked(f"{mark}\nx", mark)
    assert is_marked(f"{mark}\r\nx", mark)
    assert not is_marked(f"x\n{mark}", mark)


@examples(200)
@given(blocks(), st.floats(0, 1))
def test_a_cut_closes_exactly_what_it_went_through(lines: list[Line], share: float):
    """Fences, hidden remarks and folded sections, the innermost first; the rest is counted; it always fits."""
    lines = [*lines, *(Line("filling", ()) for _ in range(40))]
    text = "\n".join(line.text for line in lines)
    longest = 200 + int(share * len(text))
    cut = fitting(text, longest)
    assert len(cut) <= longest
    if len(text) <= longest:
        assert cut == text
        return
    head, note = cut[: cut.rindex("**", 0, cut.rindex("**"))], cut[cut.rindex("**", 0, cut.rindex("**")) :]
    left = int(note[2:].split(" ")[0])
    kept = lines[: len(lines) - left]
    open_ = kept[-1].open if kept else ()
    start = "".join(f"{line.text}\n" for line in kept)
    assert head.startswith(start)
    assert [line for line in head[len(start) :].split("\n") if line] == list(reversed(open_))
    assert f"of {len(lines)} lines are left out here" in note


@examples(100)
@given(blocks())
def test_in_a_text_without_commands_nothing_is_harmed(lines: list[Line]):
    """Only a slash in the first column is moved: in a fence by a space, elsewhere by a backslash."""
    mark = mark_of("t")
    text = "\n".join(line.text for line in lines)
    body = body_of(mark, text, 1_000_000, acts=True)
    assert not [line for line in body.split("\n") if line.startswith("/")]
    assert body.replace("\\/", "/").replace("\n /", "\n/") == body_of(mark, text, 1_000_000, acts=False)


@pytest.mark.parametrize("longest", [250, 1_000, 65_536])
def test_as_much_is_kept_as_fits(longest: int):
    """One line more would have been too long."""
    text = "```\n" + "x" * 20 + "\n" + ("line\n" * 20_000)
    cut = fitting(text, longest)
    assert longest - 15 < len(cut) <= longest


@pytest.mark.parametrize("longest", [700, 2_000, 5_000, 20_000])
@pytest.mark.parametrize("acts", [False, True])
def test_a_hostile_report_stays_in_its_place_wherever_it_is_cut(longest: int, acts: bool):
    """A real report of a drift: behind the cut nothing is open, and no line is a command."""
    builds = tuple(build(n, text, fate=fate) for n, text in enumerate(HOSTILE) for fate in Fate)
    page = drift_markdown(Drift(builds, (Trouble("x", "/merge", "\n/close"),), ("\n/merge",)), Commands())
    for most in range(longest, longest + 60):
        body = body_of(mark_of("t"), page, most, acts=acts)
        left = outside(body)
        assert len(body) <= most < len(page)
        assert left.count("<details>") == left.count("</details>")
        assert "lines are left out here" in left.splitlines()[-1]
        assert not (acts and [line for line in body.split("\n") if line.startswith("/")])


def test_a_first_line_that_is_too_long_leaves_the_count_alone():
    """Nothing is cut in the middle of a line."""
    assert fitting("x" * 1_000, 300).startswith("**1 of 1 lines are left out")


def test_what_no_forge_takes_is_no_part_of_a_comment():
    """A zero byte is replaced, and lines end in one way."""
    assert body_of("<!-- m -->", "\n\na\r\nb\rc\x00\n\n", 1_000, acts=False) == "<!-- m -->\na\nb\nc\ufffd\n"


def test_two_texts_that_differ_in_a_line_are_not_the_same():
    """The positive control of what counts as no news."""
    assert is_same("a\r\nb\n\n", "a\nb")
    assert not is_same("a\nb", "a\n b")
    assert not is_same("a\nb", "a\nb\nc")
