"""What a write would erase: every loss named, weighed against the definition, and the way to let it go.

    live.losses     detail shows it                       ┐
    live.hidden     the internal read alone shows it      ├─► mentioned by the definition? no loss
    result          the request itself cannot carry it    │   accepted for this very value? let through
    unreadable      nothing shows what there is           ┘   else: blocked, with what to paste

A loss is accepted by the digest of its value, what cannot be told or seen by the stamps: so for this value,
and not for next month's (design, "Loss guard").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator

from reconciler.compare.knowledge import Known, Trust, marked
from reconciler.compare.resolve import BLOCK, CACHE, DOCKER
from reconciler.compare.show import is_masked
from reconciler.model.build import DEFAULT, Build, Values, elements_of
from reconciler.model.change import Shown
from reconciler.model.definition import Definition
from reconciler.model.fields import SERVER_OUTPUTS
from reconciler.model.live import Loss, Stamps
from reconciler.model.secret import MASK
from reconciler.plan.inputs import Tell
from reconciler.plan.step import Block, Blocked, PlannedLoss
from reconciler.plan.whole import Whole

UNREADABLE = "unreadable"
"""The path of the one loss that stands for everything that cannot be seen."""

UNSEEN = (
    "infrastructure, script_type, VM labels, privileged mode, storages, annotations and labels, "
    "choices and descriptions of parameters, fixed commits, code host aliases, and what only the page sets "
    "(tags and merge branches of repositories, scripts of parameters, SSH keys, deployment)"
)
"""What detail never shows and an update replaces (contract, section 3)."""

_OUTPUTS = f"{BLOCK}.outputs"
_NAMED = 6
"""How many losses a sentence names."""


def of_update(definition: Definition, known: Known, result: Whole, tell: Tell) -> tuple[PlannedLoss, ...]:
    """Name what an update of the same kind would erase, each once."""
    losses = [loss for loss in held(known) if not mentioned(loss, definition.build)]
    return weighed(definition, known, [*losses, *_of_request(result)], tell)


def held(known: Known) -> list[Loss]:
    """Return what is there that no request carries, but for what our own write has left there.

    Of a cache without a directory detail cannot tell what kind it is; the internal read can.
    """
    exact = known.trust is Trust.EXACT
    shown = [loss for loss in known.live.losses if not (loss.path == CACHE and known.seen)]
    return [loss for loss in (*shown, *known.live.hidden) if not (loss.new and exact)]


def of_replacing(definition: Definition, known: Known, result: Whole, tell: Tell) -> tuple[PlannedLoss, ...]:
    """Name what a new build in the place of this one would lack: what an update keeps, too."""
    own = weighed(definition, known, known.live.own, tell)
    return tuple(sorted({*of_update(definition, known, result, tell), *own}, key=lambda loss: loss.path))


def weighed(
    definition: Definition, known: Known, losses: Iterable[Loss], tell: Tell, *, all_told: bool = True
) -> tuple[PlannedLoss, ...]:
    """Give each loss its digest, and say which the definition accepts.

    Args:
        definition: of the build.
        known: the live build.
        losses: what would be erased.
        tell: makes of each what may be said.
        all_told: an exact record speaks for everything that would be.
    """
    stamps = known.live.stamps
    secret = marked(definition.build, known)
    told = (
        Loss(loss.path, "", secret=True, small=loss.small) if loss.path in secret else tell(known.live, loss)
        for loss in losses
    )
    found = {loss.path: planned(loss, stamps) for loss in told}
    if not known.seen and not (known.trust is Trust.EXACT and all_told):
        found[UNREADABLE] = PlannedLoss(UNREADABLE, UNSEEN, stamped(stamps))
    return tuple(accepted(loss, definition) for _, loss in sorted(found.items()))


def _of_request(result: Whole) -> Iterator[Loss]:
    yield from result.choices
    for path in result.forgotten:
        yield Loss(path, "", secret=True)


def as_loss(path: str, value: Shown) -> Loss:
    """Return a value as a reader may see it as the loss that it is; secret where any of it is masked."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Loss(path, text, secret=is_masked(value))


def planned(loss: Loss, stamps: Stamps) -> PlannedLoss:
    """Give a loss its digest: of its value, or the stamps where that is not told."""
    if loss.secret:
        return PlannedLoss(loss.path, loss.value or MASK, stamped(stamps), small=loss.small)
    return PlannedLoss(loss.path, loss.value, digest(loss.value), small=loss.small)


def accepted(loss: PlannedLoss, definition: Definition) -> PlannedLoss:
    """Mark a loss as accepted where the definition says its digest."""
    if definition.accept_loss.get(loss.path) != loss.digest:
        return loss
    return PlannedLoss(loss.path, loss.value, loss.digest, accepted=True, small=loss.small)


def digest(value: str) -> str:
    """Return the first 12 hex digits of the SHA-256 of a value's UTF-8."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def stamped(stamps: Stamps) -> str:
    """Return what accepts a loss whose value cannot be told: the stamps that it was seen under."""
    return f"{stamps.update_time} {stamps.update_by}"


def mentioned(loss: Loss, desired: Build) -> bool:
    """Tell whether a definition itself takes away or sets what a loss is about."""
    path, values = loss.path, desired.values
    if path.startswith("outputs["):
        declared = values.get(_OUTPUTS, DEFAULT if values.get(BLOCK) is DEFAULT else None)
        name = path.removeprefix("outputs[").partition("]")[0]
        return declared is not None and name not in SERVER_OUTPUTS and not _holds(declared, name)
    if path.startswith(CACHE):
        return values.get(BLOCK) is DEFAULT or (path == CACHE and any(key.startswith(f"{CACHE}.") for key in values))
    if path.startswith(f"{BLOCK}.") and values.get(BLOCK) is DEFAULT:
        return True
    if path.startswith(f"{BLOCK}.custom_") and path.endswith("].value"):
        return _says_otherwise(loss, values)
    if path.startswith(f"{DOCKER}."):
        return values.get(DOCKER) is DEFAULT
    return _taken_out(path, values)


def _holds(declared: object, name: str) -> bool:
    return isinstance(declared, tuple) and name in declared


def _says_otherwise(loss: Loss, values: Values) -> bool:
    """Tell whether a label is declared with other words than its value has: with the same ones no change is shown."""
    pairs, _, key = loss.path.partition("[")
    if pairs not in values:
        return False
    declared = {f"{element.key}].value": element.values.get("value") for element in elements_of(values[pairs])}
    return not loss.secret and declared.get(key) != loss.value


def _taken_out(path: str, values: Values) -> bool:
    """Tell whether the element that a path goes through is not in its declared list any more.

    Template inputs are never taken out: one that is not declared is sent back.
    """
    for row, value in values.items():
        if not path.startswith(f"{row}["):
            continue
        rest = path.removeprefix(f"{row}[")
        for element in elements_of(value):
            if rest.startswith(f"{element.key}]"):
                return _taken_out(rest.removeprefix(f"{element.key}]."), element.values)
        return row != "inputs"
    return False


def lossy(
    found: tuple[PlannedLoss, ...], doing: str = "an update", why: str = "which the API cannot send"
) -> Blocked | None:
    """Block a write that would erase anything that was not let go; the hint is ready to paste."""
    open_ones = [loss for loss in found if not loss.accepted]
    if not open_ones:
        return None
    names = [loss.path for loss in open_ones if loss.path != UNREADABLE]
    parts = []
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{doing} would erase {', '.join(names[:_NAMED])}{more}, {why}")
    if len(names) < len(open_ones):
        parts.append(
            f"nothing shows what else {doing} would erase" if names else f"nothing shows what {doing} would erase"
        )
    return Blocked(Block.LOSS, "; ".join(parts), f"to let exactly this go, put into the definition: {to_paste(found)}")


def to_paste(found: Iterable[PlannedLoss]) -> str:
    """Return the line that accepts all of these losses, for a definition in YAML or in JSON."""
    accepted = {loss.path: loss.digest for loss in found}
    return f'"x-reconciler": {json.dumps({"accept_loss": accepted}, ensure_ascii=False)}'


def spent(definition: Definition, known: Known, found: tuple[PlannedLoss, ...], tell: Tell) -> tuple[str, ...]:
    """Say which acceptances match nothing any more, as far as everything can be seen."""
    if not definition.accept_loss or not (known.seen or known.trust is Trust.EXACT):
        return ()
    weighing = found or weighed(definition, known, held(known), tell)
    matched = {loss.path for loss in weighing if loss.accepted}
    return tuple(
        f'{definition.place.file}:{definition.place.line}: accept_loss "{path}" of "{definition.build.name}" '
        "matches nothing (any more): take it out"
        for path in sorted(definition.accept_loss)
        if path not in matched
    )
