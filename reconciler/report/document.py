"""A plan, and the outcome of an apply, as JSON-able documents (`schemas/plan.schema.json`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.change import Change
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.record import Applied
from reconciler.plan.step import Plan, Step, Trouble

FORMAT_VERSION = "1.0"


def dump(document: Mapping[str, Any]) -> str:
    """Write a document as indented JSON with a final newline: same document, same bytes."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def plan_document(plan: Plan, outcomes: Sequence[Outcome] = ()) -> dict[str, Any]:
    """Return the plan; with outcomes, each step says how it ended."""
    ended = {outcome.index: outcome for outcome in outcomes}
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "complete": plan.complete,
        "summary": plan.summary(),
        "steps": [_step(step, ended.get(index)) for index, step in enumerate(plan.steps)],
        "problems": [_trouble(trouble) for trouble in plan.troubles],
        "notices": list(plan.notices),
        "orphans": [{"project": project, "name": name} for project, name in plan.orphans],
        "undeclared": len(plan.undeclared),
    }
    if plan.refusals:
        document["refusals"] = [_trouble(refusal) for refusal in plan.refusals]
    if plan.unknown_uses:
        document["unknown_uses"] = plan.unknown_uses
    return document


def _trouble(trouble: Trouble) -> dict[str, str]:
    return {"code": trouble.code, "message": trouble.message, "hint": trouble.hint}


def _step(step: Step, outcome: Outcome | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "action": step.action.value,
        "project": step.project,
        "name": step.name,
        "blocked": step.blocked.reason.value if step.blocked else None,
        "reason": step.reason,
        "definition": {"file": step.place.file, "line": step.place.line} if step.place else None,
        "live": {"update_by": step.live.update_by, "update_time": step.live.update_time} if step.live else None,
        "changes": [change_document(change) for change in step.changes],
        "losses": [
            {"path": loss.path, "value": loss.value, "digest": loss.digest, "accepted": loss.accepted}
            | ({"small": True} if loss.small else {})
            for loss in step.losses
        ],
        "notes": list(step.notes),
    }
    if step.applied:
        document["recorded"] = _applied(step.applied)
    if step.old:
        document["old"] = {"project": step.old[0], "name": step.old[1]}
    if step.blocked:
        document["block"] = {"message": step.blocked.message, "hint": step.blocked.hint}
    if outcome:
        document["outcome"] = outcome.ending.value
        if outcome.fault and outcome.ending is Ending.DONE:
            document["notes"].append(outcome.fault.message)
        elif outcome.fault:
            fault = outcome.fault
            document["error"] = {"code": fault.code, "message": fault.message, "hint": fault.hint}
    return document


def _applied(applied: Applied) -> dict[str, Any]:
    """Return from where a build was last applied, as far as that is known."""
    told = {"commit": applied.commit, "author": applied.author, "job": applied.job}
    return {name: value or None for name, value in told.items()} | {"when": applied.when, "exact": applied.exact}


def change_document(change: Change) -> dict[str, Any]:
    """Return one change."""
    document: dict[str, Any] = {
        "path": change.path,
        "before": change.before,
        "after": change.after,
        "kind": change.kind.value,
        "sensitive": change.sensitive,
    }
    if not change.before_known:
        document["before_known"] = False
    if not change.after_known:
        document["after_known"] = False
    return document
