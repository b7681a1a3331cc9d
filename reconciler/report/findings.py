"""What a machine is to point at: problems of definitions, and what of a plan takes away or cannot be done.

    problems ─┐
    plan ─────┴─► findings, worst first ─► annotations, code quality, SARIF, JUnit

All of those formats are made of the same findings, so that they carry the same facts.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from reconciler.model.problem import Place, Problem
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Action, Plan, PlannedLoss, Step, Trouble
from reconciler.report.ink import line, number
from reconciler.report.text import loss_title, short


class Level(enum.Enum):
    """How bad it is: an error stops something, a warning takes something away that was asked for."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to point at.

    Attributes:
        level: how bad it is.
        rule: a stable name of what was looked for.
        message: one sentence, masked, on one line.
        hint: what to do about it; "" where there is nothing to do.
        place: where in the definitions; None for what no definition speaks of.
        subject: project and name of the build, with a slash; "" where it is about a file or the whole run.
        pointer: which of several like it in one place: a setting's path, or the sentence itself.
    """

    level: Level
    rule: str
    message: str
    hint: str = ""
    place: Place | None = None
    subject: str = ""
    pointer: str = ""

    @property
    def text(self) -> str:
        """The sentence, of what, and what to do, on one line."""
        named = f"{self.subject}: " if self.subject else ""
        return f"{named}{self.message}{f' → {self.hint}' if self.hint else ''}"


def of_problems(problems: Iterable[Problem]) -> tuple[Finding, ...]:
    """Return the findings of problems, in order of place."""
    return tuple(
        Finding(Level.ERROR, p.rule or "problem", line(p.message), line(p.hint), p.place, pointer=p.message)
        for p in sorted(set(problems))
    )


def of_plan(plan: Plan) -> tuple[Finding, ...]:
    """Return what of a plan cannot be done, was not looked at, or takes something away; errors first."""
    found = [_trouble("refused", t) for t in plan.refusals] + [_trouble("not-looked-at", t) for t in plan.troubles]
    for step in plan.steps:
        found += of_step(step)
    return tuple(sorted(found, key=lambda finding: finding.level is not Level.ERROR))


def _trouble(what: str, trouble: Trouble) -> Finding:
    message = line(trouble.message)
    return Finding(Level.ERROR, f"{what}-{trouble.code}", message, line(trouble.hint), pointer=message)


def of_step(step: Step) -> Iterator[Finding]:
    """Yield why a step is blocked, that it deletes, and each value that it would erase."""
    subject = line(f"{step.project}/{step.name}")
    if step.blocked:
        rule, message = f"blocked-{step.blocked.reason.value}", line(step.blocked.message)
        yield Finding(Level.ERROR, rule, message, line(step.blocked.hint), step.place, subject)
    elif step.action is Action.DELETE:
        yield Finding(Level.WARNING, "delete", f"will be deleted: {line(step.reason)}", "", step.place, subject)
    for loss in step.losses:
        yield _loss(loss, step, subject)


def _loss(loss: PlannedLoss, step: Step, subject: str) -> Finding:
    level = Level.WARNING if step.will_write else Level.ERROR
    message = f"{line(loss_title(loss))}: {short(line(loss.value))}"
    return Finding(level, "loss", message, "", step.place, subject, loss.path)


def fingerprints(findings: Sequence[Finding], where: Whereabouts) -> list[str]:
    """Return one fingerprint per finding: another one for each, and the same again when lines move."""
    seen: dict[str, int] = {}
    made = []
    for finding in findings:
        file = where.path(finding.place.file) if finding.place else ""
        key = "\0".join((file, finding.rule, finding.subject, finding.pointer))
        seen[key] = seen.get(key, 0) + 1
        made.append(hashlib.sha256(f"{key}\0{seen[key]}".encode("utf-8", "backslashreplace")).hexdigest()[:40])
    return made


def totals(findings: Sequence[Finding]) -> str:
    """Return how many there are of each level: "2 errors, 1 warning"; "" for none."""
    counts = [(level, sum(1 for finding in findings if finding.level is level)) for level in Level]
    return ", ".join(number(count, level.value) for level, count in counts if count)
