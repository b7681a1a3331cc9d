"""Findings as GitLab's code quality report: a JSON array, each entry with a fingerprint of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reconciler.model.whereabouts import Whereabouts
from reconciler.report.findings import Finding, Level, fingerprints
from reconciler.report.ink import line

EMPTY = "[\n]\n"
"""A report without entries: in a tree it is told from a file of somebody's that says `[]`."""

_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor"}


def gitlab(findings: Sequence[Finding], where: Whereabouts) -> str:
    """Return the report; what stands in no file is put at the beginning of the one that stands for the tree."""
    entries = [_entry(f, mark, where) for f, mark in zip(findings, fingerprints(findings, where), strict=True)]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n" if entries else EMPTY


def _entry(finding: Finding, fingerprint: str, where: Whereabouts) -> dict[str, Any]:
    place = finding.place
    return {
        "description": finding.text,
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.level],
        "location": {
            "path": line(where.path(place.file if place else where.home)),
            "lines": {"begin": max(1, place.line) if place else 1},
        },
    }
