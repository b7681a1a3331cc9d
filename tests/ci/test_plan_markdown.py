"""Markdown of a plan: what takes away comes first, nothing breaks out, it fits, and every step is told or counted."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reconciler.model.change import Change, ChangeKind
from reconciler.model.outcome import Ending, Fault, Outcome
from reconciler.model.problem import Place, Problem
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Action, Plan, Trouble
from reconciler.report.markdown import LONGEST
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.problems_pages import problems_markdown
from tests.ci.plans import HOSTILE, hostile, many, problems, step
from tests.drift.test_drift_markdown import outside

WHERE = Whereabouts("/repo", "/repo/ci", "https://git.example/o/r/blob/abc123")


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("where", [WHERE, Whereabouts()])
def test_nothing_breaks_out(text: str, where: Whereabouts):
    """As a name, a project, a user, a key, a value, a note: outside of fences stands only what we write."""
    markdown = plan_markdown(hostile(text), where)
    left = outside(markdown)
    inside = re.sub(r"<code>.*?</code>", "", left)
    tags = set(re.findall(r"<[^>]*>", re.sub(r'<a href="[^"<> ]*">', "<a>", inside)))
    assert left.count("<code>") == left.count("</code>") > 0
    assert tags <= {"<details>", "<summary>", "</summary>", "</details>", "<a>", "</a>"}
    assert inside.count("<details>") == inside.count("</details>") == inside.count("<summary>")
    assert not re.search(r"[@`\[\]|]", inside)
    assert 'evil.example"' not in inside
    for span in re.findall(r"<code>(.*?)</code>", left):
        assert not re.search(r"[<>@`*_\[\]|]", span)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", markdown)
    markdown.encode()


def test_what_takes_away_comes_first_and_the_rest_is_folded():
    """Refusals, blocked, deletes, losses; then projects with a folded section per build, and counts on top."""
    markdown = plan_markdown(hostile("x"), WHERE)
    found = [
        markdown.index(part)
        for part in ("**Refused**", "is blocked (loss)", "will be deleted", "### <code>x</code>: 1 to")
    ]
    assert found == sorted(found)
    assert markdown.startswith("## Plan: 1 to create, 1 to update, 1 to convert, 1 to delete,")
    assert markdown.count("<details>") == 3


def test_a_script_is_a_diff_in_the_first_column():
    """So that whoever colours diffs colours it."""
    markdown = plan_markdown(Plan((step(Action.UPDATE, "x"),)), WHERE)
    assert "\n```diff\n" in markdown
    assert {"+c", "-b", " a", '-parameters[x].default_value: "x"', '+parameters[x].default_value: "xx"'} <= set(
        markdown.split("\n")
    )


def test_links_lead_to_the_line_and_only_where_an_address_is_known():
    """Below the folder of the run, quoted; outside of the repository, or with an odd address, there is none."""
    place = Place("a (1)/ü.yaml", 7, 3)
    assert WHERE.link(place) == "https://git.example/o/r/blob/abc123/ci/a%20%281%29/%C3%BC.yaml#L7"
    assert WHERE.link(Place("../x.yaml", 1)) == "https://git.example/o/r/blob/abc123/x.yaml#L1"
    assert WHERE.link(Place("../../x.yaml", 1)) == ""
    assert Whereabouts("/repo", "/repo").link(place) == ""
    for odd in ("javascript:alert(1)", 'https://x/"><b>', "https://user:pw@x/y", "https://x/a b"):
        assert Whereabouts("/repo", "/repo", odd).link(place) == ""


@pytest.mark.parametrize("count", [0, 1, 300, 1000, 5000])
@pytest.mark.parametrize("longest", [LONGEST, 4_000])
def test_it_fits_and_counts_what_it_left_out_by_action(count: int, longest: int):
    """Nothing is lost silently: what is shown and what is counted is all there is."""
    markdown = plan_markdown(many(count, lines=40), WHERE, longest=longest)
    assert len(markdown) <= longest
    shown = set(re.findall(r"p\d/build-\d{5}", outside(markdown)))
    left = re.findall(r"([\d,]+) to (create|update|delete|convert)", markdown.partition("did not fit:**")[2])
    assert len(shown) + sum(int(number.replace(",", "")) for number, _ in left) == count
    assert (count >= 300) == bool(left) or longest < LONGEST


@pytest.mark.parametrize("count", [600, 5_000])
def test_what_is_left_out_is_named_as_far_as_there_is_room(count: int):
    """In order, in a fold at the end; how many more there are is said, and nothing is both shown and named."""
    markdown = plan_markdown(many(count), WHERE)
    shown, _, rest = markdown.partition("<summary>Names of what did not fit</summary>")
    above, named = (set(re.findall(r"p\d/build-\d{5}", part)) for part in (shown, rest))
    more = sum(int(number.replace(",", "")) for number in re.findall(r"… and ([\d,]+) more", rest))
    assert not above & named
    assert len(above) + len(named) + more == count
    assert len(named) > 100
    assert (more > 0) == (count == 5_000)


@pytest.mark.parametrize("count", range(260, 340, 10))
def test_where_few_are_left_out_all_of_them_are_named(count: int):
    """Whatever number that is: there is always room for a few names."""
    markdown = plan_markdown(many(count, lines=4), WHERE)
    assert {*re.findall(r"build-\d{5}", markdown)} == {f"build-{n:05}" for n in range(count)}
    assert "more\n" not in markdown.partition("Names of what did not fit")[2]


@pytest.mark.parametrize("longest", [4_000, 31_999, 32_000, LONGEST])
def test_many_sentences_fit_too(longest: int):
    """Of any length and number, of every kind at once, a failed apply among them: each kind is told, cut, counted."""
    long = tuple(Trouble("x", "m" * 5000, "h") for _ in range(100))
    failed = [Outcome(n, Ending.FAILED, Fault("x", "f" * 5000, "h")) for n in range(100)]
    plan = replace(many(100), troubles=long, refusals=long, notices=("n" * 9000,) * 50, orphans=(("p", "o" * 9000),))
    markdown = plan_markdown(plan, WHERE, failed, longest=longest)
    assert len(markdown) <= longest
    assert all(part in markdown for part in ("**Refused**", "not be looked at**", "**Notes**", "100 failed"))
    assert len(re.findall(r"^… \d+ more$", markdown, re.MULTILINE)) == 4


def test_no_endless_line_hides_what_comes_behind_it():
    """Keys of 10,000 characters are cut; the loss, the other change and the note of the build stay on the page."""
    paths = ("k" * 10_000, "j" * 10_000, "advanced_settings.timeout")
    blocked = replace(step(Action.UPDATE, "x", blocked=True), reason="r" * 10_000)
    blocked = replace(blocked, changes=tuple(Change(path, ChangeKind.CHANGED, 1, 2) for path in paths))
    markdown = plan_markdown(Plan((blocked,)), WHERE)
    assert "… (10002 characters)\n" in markdown
    for line in ("- x would be lost: x", "-advanced_settings.timeout: 1", "+advanced_settings.timeout: 2", "# note: x"):
        assert f"\n{line}\n" in markdown


@pytest.mark.parametrize("text", HOSTILE)
def test_problems_break_out_of_nothing_either(text: str):
    """A file, a message, a hint: code all of them, and every problem on the page."""
    markdown = problems_markdown(sorted(problems(text)), 0, WHERE)
    inside = re.sub(r"<code>.*?</code>", "", markdown)
    assert not re.search(r"[@`\[\]|]", inside)
    assert set(re.findall(r"<[^>]*>", re.sub(r'<a href="[^"<> ]*">', "<a>", inside))) <= {"<a>", "</a>"}
    assert len(re.findall(r"^\* ", markdown, re.MULTILINE)) == 3


@pytest.mark.parametrize("count", [1, 50, 5000])
def test_problems_fit_and_are_counted(count: int):
    every = [Problem(Place(f"f{n % 7}.yaml", n + 1, 1), "m" * 500, "h", "r") for n in range(count)]
    markdown = problems_markdown(sorted(every), 0, WHERE)
    left = re.search(r"did not fit:\*\* ([\d,]+) problems", markdown)
    shown = len(re.findall(r"^\* ", markdown, re.MULTILINE))
    assert len(markdown) <= LONGEST
    assert shown + (int(left[1].replace(",", "")) if left else 0) == count
