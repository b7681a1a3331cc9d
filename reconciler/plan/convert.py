"""A build becomes one of the other kind: plain ↔ template (contract, section 3).

A template update on a plain build leaves the plain settings in the store, where nothing reads them any more; a
plain update on a template build erases the template and what is left of an earlier plain build. Either way
everything that was in force is named: as a change where this tree had declared it, else as a loss. Inside a list
or block that was declared, a loss is each setting that was not: somebody else had put it there. What was left is named
once: by our own conversion, or on the way back where somebody else's had left it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from reconciler.compare.diff import additions
from reconciler.compare.knowledge import Known, Trust
from reconciler.compare.resolve import CLUSTER, DOCKER, STRATEGY, is_default
from reconciler.compare.show import shown, shown_level, shown_value
from reconciler.model.build import Build, Values, elements_of, join
from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.definition import Definition
from reconciler.model.fields import PLAIN, ROWS, Elements, Kind, Row
from reconciler.model.live import Loss
from reconciler.model.secret import Secret
from reconciler.plan import guards
from reconciler.plan.inputs import Inputs
from reconciler.plan.keepsake import keepsake
from reconciler.plan.kinds import InputKinds
from reconciler.plan.losses import as_loss, held, lossy, weighed
from reconciler.plan.notes import notes
from reconciler.plan.outline import outline
from reconciler.plan.step import Action, PlannedLoss, Step
from reconciler.plan.whole import whole

_Paths = Collection[str]
_Levels = tuple[Values, Values]
"""A level of values as it is, and as our record has it."""

_OF_THE_TEMPLATE = ("build_os", "services", "infrastructure", "script_type", CLUSTER, STRATEGY)
"""Settings that every plain build has and its template then decides."""


def convert(inputs: Inputs, definition: Definition, known: Known, kinds: InputKinds) -> Step:
    """Plan the conversion of a build of the other kind. `known`: what is there."""
    build = definition.build
    result = whole(build, None, inputs.live.local_cluster, kinds)
    found = losses_of(definition, known, inputs)
    blocked = (
        guards.foreign(known.record, inputs.tree)
        or guards.needs_cluster(result)
        or lossy(found, "a conversion", "which the other kind does not have")
        or guards.without_value(result)
    )
    other = "plain" if build.kind is Kind.TEMPLATE else "template"
    step = outline(definition, Action.CONVERT, f"is a {other} build on the server", known.live, known.record)
    return replace(
        step,
        changes=changes_of(definition, known, inputs.tree, inputs.live.local_cluster),
        losses=found,
        blocked=blocked,
        send=result.send,
        learn=result.learn,
        unset=definition.unset,
        notes=notes(definition, known, result.send),
        keepsake=keepsake(known.live, known.record, build, known.live.own),
        exact=known.trust is Trust.EXACT,
    )


def changes_of(definition: Definition, known: Known, tree: str, local_cluster: str | None) -> tuple[Change, ...]:
    """Return what the new kind brings, and what this tree had declared of the old kind and now ends."""
    declared = _declared(known, tree)
    gone = [(path, _shown(row, known.values)) for path, row in _in_force(known) if path in declared]
    removed = (Change(path, ChangeKind.REMOVED, before=before) for path, before in gone)
    return (*additions(definition.build, local_cluster), *removed, *_left_modules(definition.build, known))


def _declared(known: Known, tree: str) -> frozenset[str]:
    """Return what Git itself said until now: that it ends is in Git's history."""
    return known.record.declared if known.record and known.record.tree == tree else frozenset()


def _left_modules(desired: Build, known: Known) -> Iterator[Change]:
    """Name the service modules that this build made and the targets of a template build lack."""
    targets = {element.key for element in elements_of(desired.values.get("target_services"))}
    for element in elements_of(known.values.get("services")):
        if element.key not in targets:
            before = {path: shown(value) for path, value in element.values.items()}
            yield Change(f"services[{element.key}]", ChangeKind.REMOVED, before=before)


def losses_of(definition: Definition, known: Known, inputs: Inputs) -> tuple[PlannedLoss, ...]:
    """Name what ends and was not declared by this tree, and what the write erases beside."""
    assert known.live.build is not None
    declared = _declared(known, inputs.tree)
    losses = [as_loss(path, _shown(row, known.values)) for path, row in _in_force(known) if path not in declared]
    losses += _inside(ROWS[known.live.build.kind], known, (known.values, known.last), "", declared)
    losses += held(known)
    all_told = definition.build.kind is Kind.TEMPLATE or (known.trust is Trust.EXACT and known.leftover_named)
    if not all_told:
        losses += known.live.leftover
    return weighed(definition, known, losses, inputs.tell, all_told=all_told)


def _in_force(known: Known) -> Iterator[tuple[str, Row]]:
    """Yield the settings of the old kind that hold more than nothing."""
    assert known.live.build is not None
    for row in ROWS[known.live.build.kind]:
        value = known.values.get(row.path)
        if value is None or row.path in _OF_THE_TEMPLATE or row.path.startswith(f"{DOCKER}."):
            continue
        if not is_default(row, value):
            yield row.path, row


def _inside(rows: tuple[Row, ...], known: Known, levels: _Levels, parent: str, declared: _Paths) -> Iterator[Loss]:
    """Yield what was not declared, in lists and in the block that were."""
    values, last = levels
    for row in rows:
        path, value = join(parent, row.path), values.get(row.path)
        within = bool(parent) or (path.startswith(f"{DOCKER}.") and DOCKER in declared)
        if isinstance(row, Elements) and (path in declared or row.path == "inputs"):
            before = {element.key: element.values for element in elements_of(last.get(row.path))}
            for element in elements_of(value):
                both = (element.values, before.get(element.key, {}))
                yield from _of_element(row, known, both, f"{path}[{element.key}]", declared)
        elif within and path not in declared and value is not None and not is_default(row, value):
            yield as_loss(path, _shown(row, values))


def _of_element(row: Elements, known: Known, levels: _Levels, path: str, declared: _Paths) -> Iterator[Loss]:
    """Which elements there are is up to Git, as in an update; but inputs that it lacks were kept until now.

    They hold what the template gives, or what somebody wrote: what was there after our own write is no loss.
    """
    values, last = levels
    mine = f"{path}.{row.key[0]}" in declared
    if row.path != "inputs":
        yield from _inside(row.rows, known, levels, path, declared) if mine else ()
    elif not mine and known.trust is not Trust.EXACT and "value" in values:
        value = values["value"]
        if isinstance(value, Secret) or value != last.get("value"):
            yield Loss(f"{path}.value", str(value), secret=isinstance(value, Secret))


def _shown(row: Row, values: Values) -> Shown:
    if row.path == DOCKER:
        rows = tuple(row for row in PLAIN if row.path.startswith(f"{DOCKER}."))
        return shown_level(rows, values, f"{DOCKER}.")
    return shown_value(row, values[row.path])
