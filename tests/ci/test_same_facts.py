"""Random plans, told as text, JSON, Markdown and to machines: each says the same of every build.

The oracle is the plan as JSON, which is the plan itself; the others are read back as their readers see them.
"""

from __future__ import annotations

import html
import json
import re

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.change import Change, ChangeKind
from reconciler.model.live import Stamps
from reconciler.model.problem import Place
from reconciler.plan.step import Action, Block, Blocked, Plan, PlannedLoss, Step, Trouble
from reconciler.report.findings import of_plan
from reconciler.report.formats import plan_as
from tests.ci.test_formats import TELLING, assert_same_facts
from tests.test_properties import examples

PATHS = ("build_script", "advanced_settings.timeout", "parameters[A].default_value", "repo_info[x/y].branch")
VALUES = st.sampled_from(["", "a", "a\nb", "# x", "- b", 7, True])
LOSSES = st.sampled_from(["post_build.scripts", "unreadable", "labels"])


@st.composite
def changes(draw: st.DrawFn) -> Change:
    kind, before, after = draw(st.sampled_from(ChangeKind)), draw(VALUES), draw(VALUES)
    text = isinstance(before, str) and isinstance(after, str)
    return Change(draw(st.sampled_from(PATHS)), kind, before, after, draw(st.booleans()), text=text)


@st.composite
def steps(draw: st.DrawFn, number: int) -> Step:
    action = draw(st.sampled_from(Action))
    blocked = None
    if draw(st.booleans()):
        reason = draw(st.sampled_from(Block))
        blocked = Blocked(reason, f"stopped {number}", f"do this {number}")
    losing = st.builds(PlannedLoss, LOSSES, st.just(f"value of {number}"), st.just("0" * 12), accepted=st.booleans())
    calm = action is Action.KEEP and blocked is None
    return Step(
        action,
        draw(st.sampled_from(["p", "q"])),
        f"build-{number}",
        f"reason {number}",
        place=None if action is Action.DELETE else Place(f"b/{number}.yaml", 3, 1),
        live=None if action is Action.CREATE else Stamps(1_700_000_000, f"user-{number}"),
        blocked=blocked,
        changes=() if action is Action.DELETE or calm else tuple(draw(st.lists(changes(), max_size=2))),
        losses=() if calm else tuple(draw(st.lists(losing, max_size=2, unique_by=lambda loss: loss.path))),
        notes=() if calm else tuple(draw(st.lists(st.just(f"remark {number}"), max_size=1))),
        old=("p", f"old-{number}") if action is Action.CREATE and draw(st.booleans()) else None,
    )


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    count = draw(st.integers(0, 3))
    every = tuple(draw(steps(number)) for number in range(count))
    trouble = st.builds(Trouble, st.just("limit"), st.just("too many"), st.just("fewer"))
    return Plan(
        tuple(sorted(every, key=lambda step: step.project)),
        tuple(draw(st.lists(trouble, max_size=1))),
        tuple(draw(st.lists(st.just("a notice"), max_size=1))),
        orphans=tuple(draw(st.lists(st.just(("p", "orphan")), max_size=1))),
        refusals=tuple(draw(st.lists(trouble, max_size=1))),
    )


def read(markdown: str) -> str:
    """A page as its reader sees it, without elements."""
    return html.unescape(re.sub(r"</?(code|summary|details|a)\b[^>]*>", "", markdown))


def title_of(markdown: str) -> str:
    return markdown.partition("\n")[0].removeprefix("## ")


@examples(60)
@given(plan=plans())
def test_text_and_markdown_tell_all_that_is_in_the_plan(plan: Plan):
    """Titles, what each build becomes, why not, who wrote last, losses, changes, remarks, notices."""
    document = json.loads(plan_as("json", plan, TELLING))
    text, page = plan_as("text", plan, TELLING), read(plan_as("markdown", plan, TELLING))
    assert title_of(page) == text.rstrip("\n").rpartition("\n")[2]
    assert sum("blocked (" in line for line in page.split("\n")) == document["summary"]["blocked"]
    for told in (text, page):
        assert told.count(" will be deleted") == sum(
            step["action"] == "delete" and not step["blocked"] for step in document["steps"]
        )
        wanted = [t.message for t in (*plan.refusals, *plan.troubles)] + [*plan.notices]
        wanted += [f"{project}/{name}" for project, name in plan.orphans]
        assert [words for words in wanted if words not in told] == []
    for step in plan.steps:
        calm = step.action is Action.KEEP and not step.blocked and not step.count(ChangeKind.RELEASED)
        name = f"{step.project}/{step.name} "
        blocks = [[*filter(lambda block: name in block, parted(told))] for told in (text, page)]
        assert [len(found) for found in blocks] == ([0, 0] if calm else [1, 1])
        for (block,) in () if calm else blocks:
            assert [words for words in facts(step) if words not in block] == []


def parted(told: str) -> list[str]:
    """A part per build: a page begins one with a heading or a fold, a text with a mark in its first column."""
    return re.split(r"\n(?=### |[-+~! ] [pq]/|  [pq]/|[pq]/build-\d+ )", told)


def facts(step: Step) -> list[str]:
    """What a reader has to find where the step is told."""
    found = [*step.notes, *(change.path for change in step.changes)]
    found += [f"{step.place.file}:{step.place.line}"] if step.place else []
    found += [f"in place of {'/'.join(step.old)}"] if step.old else []
    found += [step.blocked.message, step.blocked.hint, f"({step.blocked.reason.value})"] if step.blocked else []
    found += [step.live.update_by, step.live.moment] if step.live and step.action is not Action.KEEP else []
    for loss in step.losses:
        found += [loss.value, "will be" if loss.accepted else "would be"]
    return found


@examples(60)
@given(plan=plans())
def test_machines_are_told_the_same(plan: Plan):
    """Annotations, code quality, SARIF and JUnit, read back."""
    if len(of_plan(plan)) <= 10:
        assert_same_facts(plan, TELLING)
