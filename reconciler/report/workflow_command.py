"""Findings as annotations of GitHub Actions: lines that its runner takes for commands.

::error file=builds/api.yaml,line=3,col=5,title=unknown-key::unknown key "tiemout" → did you mean "timeout"?
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.whereabouts import Whereabouts
from reconciler.report.findings import Finding, Level, totals
from reconciler.report.ink import line

MOST = 10
"""Annotations of one level that GitHub shows of a step."""

NOTHING = "Nothing to annotate: no problem, and nothing that is refused, blocked, deleted or lost."
"""What a log says where there is no finding."""


def github(findings: Sequence[Finding], where: Whereabouts) -> str:
    """Return the annotations, the worst ten of each level, and a line that counts what is found and shown."""
    shown = [f for level in Level for f in [f for f in findings if f.level is level][:MOST]]
    lines = [_annotation(finding, where) for finding in shown]
    if len(shown) < len(findings):
        lines.append(f"Found {totals(findings)}; {len(shown)} are shown as annotations, the worst first.")
    else:
        lines.append(f"Found {totals(findings)}." if findings else NOTHING)
    return "\n".join(lines) + "\n"


def _annotation(finding: Finding, where: Whereabouts) -> str:
    properties = []
    place = finding.place
    if place is not None and where.inside(place.file):
        properties.append(("file", line(where.path(place.file))))
        if place.line:
            properties += [("line", str(place.line)), ("col", str(place.column or 1))]
    properties.append(("title", finding.rule))
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    return f"::{finding.level.value} {told}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
