"""Findings as SARIF 2.1.0, for code scanning. Errors first; above MOST results the others are counted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from reconciler.model.whereabouts import Whereabouts
from reconciler.report.findings import Finding, fingerprints, totals

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

MOST = 5_000
"""Results of one run that GitHub keeps."""


def sarif(findings: Sequence[Finding], where: Whereabouts, version: str) -> str:
    """Return the log with one run. `version`: of this program."""
    shown = findings[:MOST]
    rules = sorted({finding.rule for finding in shown})
    marks = fingerprints(findings, where)
    invocation: dict[str, Any] = {"executionSuccessful": True}
    if len(shown) < len(findings):
        text = f"Found {totals(findings)}; the first {MOST:,} are in here."
        invocation["toolExecutionNotifications"] = [{"level": "note", "message": {"text": text}}]
    run = {
        "tool": {"driver": {"name": "reconciler", "version": version, "rules": [_rule(rule) for rule in rules]}},
        "invocations": [invocation],
        "columnKind": "unicodeCodePoints",
        "results": [_result(f, mark, rules, where) for f, mark in zip(shown, marks, strict=False)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=2) + "\n"


def _rule(rule: str) -> dict[str, Any]:
    return {"id": rule, "shortDescription": {"text": rule.replace("-", " ")}}


def _result(finding: Finding, mark: str, rules: Sequence[str], where: Whereabouts) -> dict[str, Any]:
    properties = {"subject": finding.subject} if finding.subject else {}
    return {
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
        "level": finding.level.value,
        "message": {"text": _plain(finding.text)},
        "locations": [{"physicalLocation": _location(finding, where)}],
        "partialFingerprints": {"reconciler/v1": mark},
        **({"properties": properties} if properties else {}),
    }


def _plain(text: str) -> str:
    """Return a message in which nothing is a link: SARIF reads `[text](address)` in plain ones too."""
    return text.replace("](", "] (")


def _location(finding: Finding, where: Whereabouts) -> dict[str, Any]:
    place = finding.place
    path = where.path(place.file if place else where.home)
    location: dict[str, Any] = {"artifactLocation": {"uri": quote(path, safe="/", errors="backslashreplace")}}
    if place is None or where.inside(place.file):
        location["artifactLocation"]["uriBaseId"] = "%SRCROOT%"
    if place and place.line:
        location["region"] = {"startLine": place.line, "startColumn": max(1, place.column)}
    return location
