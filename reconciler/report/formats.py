"""The formats of a plan and of problems, by their names.

plan     ─ text, json, markdown, github, gitlab, sarif, junit ─► text
problems ─ json, markdown, github, gitlab, sarif, junit ─► text
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.definition import Definition
from reconciler.model.problem import Problem
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Plan
from reconciler.report.document import dump, plan_document
from reconciler.report.findings import Finding, of_plan, of_problems
from reconciler.report.gitlab import gitlab
from reconciler.report.guard import guarded
from reconciler.report.junit import Case, cases_of_plan, cases_of_problems, junit
from reconciler.report.plan_markdown import plan_markdown
from reconciler.report.problems import render
from reconciler.report.problems_pages import all_good, problems_document, problems_markdown
from reconciler.report.sarif import sarif
from reconciler.report.text import Style, render_plan
from reconciler.report.workflow_command import github


@dataclass(frozen=True, slots=True)
class Telling:
    """How to tell. `command`: what was run; `version`: of this program; `style`: of what is for readers."""

    command: str
    version: str
    where: Whereabouts
    style: Style


def plan_as(format_: str, plan: Plan, telling: Telling) -> str:
    """Return a plan in one of its formats."""
    if format_ == "json":
        return dump(plan_document(plan))
    if format_ == "markdown":
        return plan_markdown(plan, telling.where)
    if format_ == "text":
        return render_plan(plan, telling.style)
    text = render_plan(plan, telling.style) if format_ == "github" else ""
    return _pointed(format_, of_plan(plan), cases_of_plan(plan), text, telling)


def problems_as(format_: str, problems: Iterable[Problem], definitions: Iterable[Definition], telling: Telling) -> str:
    """Return problems in one of their formats. `definitions`: those that were read without any."""
    every, well = sorted(set(problems)), list(definitions)
    if format_ == "json":
        return dump(problems_document(every, len(well)))
    if format_ == "markdown":
        return problems_markdown(every, len(well), telling.where)
    findings = of_problems(every)
    text = "" if telling.style.quiet else render(every) if every else f"{all_good(len(well))}.\n"
    return _pointed(format_, findings, cases_of_problems(findings, well, telling.where), text, telling)


def _pointed(format_: str, findings: Sequence[Finding], cases: Sequence[Case], text: str, telling: Telling) -> str:
    """`text`: the same for readers, which a log shows before its annotations."""
    if format_ == "gitlab":
        return gitlab(findings, telling.where)
    if format_ == "sarif":
        return sarif(findings, telling.where, telling.version)
    if format_ == "junit":
        return junit(cases, telling.command)
    return guarded(text) + github(findings, telling.where)
