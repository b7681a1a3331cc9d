"""A build that the server does not have yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.compare.diff import additions
from reconciler.model.definition import Definition
from reconciler.plan import foresee, guards
from reconciler.plan.inputs import Inputs
from reconciler.plan.kinds import InputKinds
from reconciler.plan.notes import unset, without_labels
from reconciler.plan.outline import outline
from reconciler.plan.step import Action, Block, Blocked, Step
from reconciler.plan.whole import whole


def create(
    inputs: Inputs, definition: Definition, elsewhere: Mapping[str, str], kinds: InputKinds, seen: foresee.Shown
) -> Step:
    """Plan the create of a build that its project does not have.

    Args:
        inputs: what the plan is made from.
        definition: of the build.
        elsewhere: name of every live build → its project.
        kinds: what is known of templates' variables.
        seen: what creates are judged by.
    """
    build = definition.build
    record = inputs.record(build.project, build.name)
    reason = "is not on the server" if record is None else "was applied before and is gone from the server"
    result = whole(build, None, inputs.live.local_cluster, kinds)
    blocked = (
        guards.incomplete(inputs.live.readings[build.project])
        or _taken(build.name, elsewhere)
        or guards.foreign(record, inputs.tree)
        or guards.needs_cluster(result)
        or guards.without_value(result)
        or foresee.refusal(result.send, inputs.live)
    )
    step = outline(definition, Action.CREATE, reason, None, record)
    return replace(
        step,
        blocked=blocked,
        changes=additions(build, inputs.live.local_cluster),
        send=result.send,
        learn=result.learn,
        unset=definition.unset,
        notes=(*without_labels(definition), *unset(definition), *foresee.guesses(result.send, seen)),
    )


def _taken(name: str, elsewhere: Mapping[str, str]) -> Blocked | None:
    project = elsewhere.get(name)
    if project is None:
        return None
    return Blocked(
        Block.NAME_TAKEN,
        f'the project "{project}" has a build of this name, and names are unique over the whole server',
        "choose another name, or delete the other build in Zadig's web page first",
    )
