"""Which workflows a step would break: those that use a build that goes, or a service module that leaves it.

The server warns of neither; such a workflow fails at its next run (contract, section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconciler.model.build import modules_of
from reconciler.model.usage import Use
from reconciler.plan.inputs import Inputs
from reconciler.plan.step import Action, Block, Blocked, Step

UNKNOWN = "not known whether workflows use "
"""How a note begins where some or all workflows could not be looked at."""

_SHOWN = 5
"""How many reasons or names one sentence holds."""


def leaving(step: Step) -> tuple[tuple[str, str], ...]:
    """Return the service modules that an update takes from its live build, sorted."""
    if step.action not in (Action.UPDATE, Action.CONVERT) or step.before is None or step.send is None:
        return ()
    return tuple(sorted({*modules_of(step.before)} - {*modules_of(step.send)}))


def asks(step: Step) -> bool:
    """Tell whether it matters what workflows use: something goes, and nothing but a limit stands in the way."""
    if step.blocked is not None and step.blocked.reason is not Block.LIMIT:
        return False
    return step.action is Action.DELETE or bool(leaving(step))


def guarded(inputs: Inputs, step: Step) -> Step:
    """Block a step that breaks workflows, unless that is wanted; say where nobody could look."""
    if step.blocked is not None or not asks(step):
        return step
    left = leaving(step)
    uses = [use for use in _uses(inputs) if use.build == step.name and _taken(use, left)]
    if uses and not inputs.policy.break_workflows:
        return replace(step, blocked=_in_use(step, uses))
    broken = (f"breaks {_workflows(uses)} (--break-workflows)",) if uses else ()
    what = "it" if step.action is Action.DELETE else _pairs(left)
    return replace(step, notes=(*step.notes, *broken, *_unknown(inputs, step, what)))


def unknown_uses(steps: Iterable[Step]) -> int:
    """Count the steps of which nobody could tell whether they break workflows."""
    return sum(1 for step in steps if any(note.startswith(UNKNOWN) for note in step.notes))


def _uses(inputs: Inputs) -> list[Use]:
    """Build names are unique over the whole server: a workflow of another project may use one as well."""
    return [use for _, usage in sorted(inputs.live.usage.items()) for use in usage.uses]


def _taken(use: Use, left: Sequence[tuple[str, str]]) -> bool:
    return not left or (use.service, use.module) in left


def _in_use(step: Step, uses: Sequence[Use]) -> Blocked:
    if step.action is Action.DELETE:
        return Blocked(
            Block.IN_USE,
            f"{_workflows(uses)} would fail: {_verb(uses)} this build",
            "let them use another build first, or use --break-workflows",
        )
    pairs = _pairs(sorted({(use.service, use.module) for use in uses}))
    return Blocked(
        Block.IN_USE,
        f"{_workflows(uses)} would fail: {_verb(uses)} this build for {pairs}, which leaves it",
        "let them build it otherwise first, keep it in the definition, or use --break-workflows",
    )


def _unknown(inputs: Inputs, step: Step, what: str) -> tuple[str, ...]:
    usage = inputs.live.usage.get(step.project)
    reasons = ("they were not asked for",) if usage is None else usage.unknown
    if not reasons:
        return ()
    return (f"{UNKNOWN}{what}: {_some(reasons, '; ')}",)


def _workflows(uses: Sequence[Use]) -> str:
    names = sorted({use.workflow for use in uses})
    return f"the workflow{'s' if len(names) != 1 else ''} {_some(names)}"


def _verb(uses: Sequence[Use]) -> str:
    return "it uses" if len({use.workflow for use in uses}) == 1 else "they use"


def _pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return _some([f"{service}/{module}" for service, module in pairs])


def _some(texts: Sequence[str], between: str = ", ") -> str:
    more = len(texts) - _SHOWN
    shown = between.join(texts[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
