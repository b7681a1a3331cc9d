"""What a reader should know beside the changes of a step: sentences."""

from __future__ import annotations

from reconciler.compare.knowledge import Known, Trust
from reconciler.model.build import Build, Values, elements_of
from reconciler.model.definition import Definition
from reconciler.plan.losses import UNSEEN


def writer(known: Known) -> str:
    """Name who wrote after us; a change that left our own stamps may be anybody's."""
    ours = known.record is not None and known.live.stamps == known.record.stamps
    return "somebody" if ours else known.live.stamps.update_by or "somebody"


def notes(definition: Definition, known: Known, send: Build | None = None) -> tuple[str, ...]:
    """Say who wrote since, what is not compared, and which repositories scripts will know by another number.

    `send`: what a write would send; of such a step its losses say what nobody can see.
    """
    found = []
    if known.trust is Trust.STALE and known.record is not None and not known.seen:
        when = "since our last apply" if known.live.stamps != known.record.stamps else "without a new time stamp"
        more = "" if send else f"; an update also replaces what nobody can see: {UNSEEN}"
        found.append(f"{writer(known)} has written {when}{more}")
    if known.live.deep_failed:
        found.append(known.live.deep_failed)
    if send is not None:
        found += _renumbered(known.values, send.values)
    return (*found, *(without_labels(definition) if send else ()), *unset(definition))


def without_labels(definition: Definition) -> tuple[str, ...]:
    """Say what no call can give a build for virtual machines (contract, section 3)."""
    if definition.build.values.get("infrastructure") != "vm":
        return ()
    return (
        "infrastructure vm: no call can set VM labels, and no agent takes the jobs of a build without: "
        "set them in Zadig's web page",
    )


def unset(definition: Definition) -> tuple[str, ...]:
    """Name the environment variables that are not set here."""
    if not definition.unset:
        return ()
    return (f"not set in this environment, so not compared, and a write is refused: {', '.join(definition.unset)}",)


def _renumbered(have: Values, send: Values) -> list[str]:
    """Scripts know repositories by their place: REPONAME_0, REPONAME_1 … (contract, section 2)."""
    before = {e.key: place for place, e in enumerate(elements_of(have.get("repo_info")))}
    after = {e.key: place for place, e in enumerate(elements_of(send.get("repo_info")))}
    moved = [
        f"{key} was {before[key]}, will be {after[key]}" for key in after if before.get(key, after[key]) != after[key]
    ]
    return [f"repositories change their number in scripts (REPONAME_n): {', '.join(moved)}"] if moved else []
