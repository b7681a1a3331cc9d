"""Findings as JUnit XML: a test case per definition, which fails where it has an error.

A warning stands in the output of a case that passes. What no definition has is a case of the run itself.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.model.definition import Definition
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Plan
from reconciler.report.findings import Finding, Level, of_plan, of_step
from reconciler.report.ink import line, number, safe


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: what it is about, what was found in it. No two have both names alike: a CI shows only one."""

    group: str
    name: str
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What makes it fail."""
        return tuple(finding for finding in self.findings if finding.level is Level.ERROR)


def cases_of_problems(findings: Iterable[Finding], definitions: Iterable[Definition], where: Whereabouts) -> list[Case]:
    """Return a case per file with problems, and one per definition where there is none."""
    files: dict[str, list[Finding]] = {}
    for finding in findings:
        files.setdefault(finding.place.file if finding.place else "", []).append(finding)
    wrong = [Case("definitions", where.path(file), tuple(found)) for file, found in files.items()]
    return wrong + [Case(d.build.project, d.build.name) for d in definitions]


def cases_of_plan(plan: Plan) -> list[Case]:
    """Return a case per step, and one for each thing that holds for the whole run."""
    cases = [Case(s.project, s.name, tuple(of_step(s))) for s in plan.steps]
    whole = [finding for finding in of_plan(plan) if not finding.subject]
    return cases + [Case("run", f"{finding.rule} {place}", (finding,)) for place, finding in enumerate(whole, 1)]


def junit(cases: Sequence[Case], name: str) -> str:
    """Return the report. `name`: of the command that was run."""
    failed = sum(1 for case in cases if case.errors)
    totals = f'name={_attribute(f"reconciler {name}")} tests="{len(cases)}" failures="{failed}" errors="0"'
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite {totals} skipped="0" time="0">']
    for case in cases:
        lines += _case(case)
    return "\n".join([*lines, "  </testsuite>", "</testsuites>", ""])


def _case(case: Case) -> list[str]:
    head = f"    <testcase classname={_attribute(case.group)} name={_attribute(case.name)}"
    head += ' time="0"'
    if not case.findings:
        return [f"{head}/>"]
    lines = [f"{head}>"]
    if errors := case.errors:
        more = f" (and {number(len(errors) - 1, 'more problem')})" if len(errors) > 1 else ""
        about = f"message={_attribute(f'{errors[0].message}{more}')} type={_attribute(errors[0].rule)}"
        lines.append(f"      <failure {about}>{_listed(errors)}</failure>")
    if warnings := [finding for finding in case.findings if finding.level is Level.WARNING]:
        lines.append(f"      <system-out>{_listed(warnings)}</system-out>")
    return [*lines, "    </testcase>"]


def _listed(findings: Iterable[Finding]) -> str:
    """Return one line per finding; as references, so that no text begins a line of the file."""
    lines = [f"{line(str(f.place))}: {f.rule}: {f.text}" if f.place else f"{f.rule}: {f.text}" for f in findings]
    return "&#10;".join(_escaped(text) for text in lines)


def _attribute(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Return a text as XML 1.0 can hold it: what no reader sees is spelled out."""
    return html.escape(safe(text)).replace("\n", "&#10;").replace("\t", "&#9;")
