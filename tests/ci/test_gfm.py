"""Pages read by GitHub's own parser of Markdown: what others wrote is code, and the only links are those of places.

Its parser knows what the rules on paper do not tell: it links addresses in text of every kind, and counts the ticks of
a fence in one byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import given
from hypothesis import strategies as st

from reconciler.compare import revisions
from reconciler.compare.revisions import Revised, Revisions, Rule
from reconciler.model.problem import Place
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.fates import Drift, Fate
from reconciler.plan.step import Trouble
from reconciler.report.diff_markdown import diff_markdown
from reconciler.report.drift_markdown import drift_markdown
from reconciler.report.drift_ways import Commands
from reconciler.report.markdown import LONGEST
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.problems_pages import problems_markdown
from tests.ci.plans import HOSTILE, changes, hostile, problems
from tests.drift.test_drift_markdown import build
from tests.test_properties import examples

BLOB = "https://git.example/o/r/blob/abc123/"
WHERE = Whereabouts("/repo", "/repo/ci", BLOB)
TEXTS = (
    *HOSTILE,
    "a@example.com www.evil.example ftp://evil.example mailto:a@b.co xmpp:a@b.co",
    "`" * 254,
    "`" * 300,
    f"a\n   {'`' * 300}\n</details>\n",
    "~label %milestone $snippet &epic :smile: [[wiki]] $$x$$ GH-12 0123456789abcdef0123456789abcdef01234567",
    "> [!WARNING]\n> x",
    "```mermaid\ngraph\n```",
    "\u2028# h\u2029\x85# h\x0b# x\x0c# y\u200b@all\u2066",
    "~~~\n    indented\n\n\n# x\n---\n===\n",
    "<!-- reconciler: x -->\n/merge\n",
    "\\`\\\n\\",
)
OURS = {"details", "summary", "code", "pre", "p", "h2", "h3", "strong", "ul", "li", "a"}


def diff(text: str) -> Revisions:
    """A build of every fate, with and without a rule, one text in every field."""
    rule = Rule(f"ignore[{text}]", text, text, text)
    place, old = Place(f"{text}.yaml", 3, 1), (text, text)
    builds = [
        Revised(fate, text, f"{text}{fate.value}{len(rules)}", place, changes(text), rules, (text,), old)
        for fate in revisions.Fate
        for rules in ((), (rule,))
    ]
    return Revisions(text, text, tuple(builds), 3, (text,))


def drift(text: str) -> Drift:
    """A build of every fate, one text in every field."""
    builds = [replace(build(text=text, name=f"{text}{f.value}", fate=f), notes=(text,), ignored=(text,)) for f in Fate]
    return Drift(tuple(builds), (Trouble("x", text, text),), (text,), recorded=False)


PAGES = {
    "plan": lambda text: plan_markdown(hostile(text), WHERE),
    "problems": lambda text: problems_markdown(sorted(problems(text)), 0, WHERE),
    "drift": lambda text: drift_markdown(drift(text), Commands()),
    "diff": lambda text: diff_markdown(diff(text)),
}


@dataclass
class Read(HTMLParser):
    """What a page is for a browser: its elements, its links, its remarks, and the text that is not code."""

    open: list[str] = field(default_factory=list)
    tags: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    remarks: set[str] = field(default_factory=set)
    text: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        self.links |= {str(value) for _, value in attrs if tag == "a"}

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.remarks.add(data)

    def handle_data(self, data: str) -> None:
        if {"code", "pre"} & {*self.open}:
            self.code += data
        else:
            self.text += data


def read(markdown: str) -> Read:
    found = Read()
    found.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
    assert found.open == []
    return found


def harmless(markdown: str) -> Read:
    """Read a page, and hold that all of it is ours or code."""
    page = read(markdown)
    assert page.tags <= OURS
    assert all(link.startswith(BLOB) for link in page.links)
    assert page.remarks <= {" "}
    assert not set("@#`[]<>|$%\\") & set(page.text)
    assert len(markdown) <= LONGEST
    return page


@pytest.mark.parametrize("what", PAGES)
@pytest.mark.parametrize("text", TEXTS)
def test_all_that_others_wrote_is_code_for_a_browser(what: str, text: str):
    """Names, users, keys, values, files: no link, no element, no remark of theirs, nothing left open."""
    page = harmless(PAGES[what](text))
    assert "evil" not in page.text
    assert page.code


@pytest.mark.parametrize("what", PAGES)
@examples(25)
@given(text=st.text(st.sampled_from("`~<>!-/\\\n\r\t @.:aw#*_[]()&;|\u2028\x00\ud800"), max_size=40))
def test_no_text_at_all_breaks_out(what: str, text: str):
    harmless(PAGES[what](f"{text}x@y.example"))


def test_an_address_is_read_as_it_was_and_linked_nowhere():
    """What keeps it from being linked is seen by nobody; the same address in a text of ours is linked."""
    page = read(PAGES["problems"]("ann@example.com"))
    assert "ann@example.com" in page.code
    assert page.links
    assert all("mailto" not in link for link in page.links)
    assert read("ann@example.com").links == {"mailto:ann@example.com"}


def test_more_ticks_than_a_parser_counts_are_cut_and_counted():
    """A fence of 301 is closed by 255 for GitHub: the run is shorter, and says how long it was."""
    page = PAGES["plan"](f"a\n{'`' * 300}\nb")
    assert f"\n {'`' * 100}… (300 backticks)\n" in page
    assert "`" * 102 not in page
    assert "`" in read(f"{'`' * 301}\n{'`' * 300}\n`x\n{'`' * 301}").text
