"""What an old build has that the build in its place has not, though no definition speaks of it.

After a rename was interrupted, both builds are there, and somebody may have changed the old one since.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known
from reconciler.compare.resolve import BLOCK
from reconciler.model.build import DEFAULT, Build
from reconciler.model.change import Change, ChangeKind
from reconciler.model.live import LiveBuild
from reconciler.model.secret import MASK
from reconciler.plan.inputs import Tell
from reconciler.plan.losses import as_loss, planned
from reconciler.plan.step import PlannedLoss

_DIFFERS = (ChangeKind.ADDED, ChangeKind.CHANGED, ChangeKind.MOVED)


def only_in_old(old: Build, new: Build, known: Known, live: LiveBuild, tell: Tell) -> tuple[PlannedLoss, ...]:
    """Name the settings that the new build would get if it were made from the old one today.

    Args:
        old: the definition, completed by the old build.
        new: the same definition, completed by the build in its place: they differ where it does not speak.
        known: the build in its place.
        live: the old build; its stamps accept what cannot be told.
        tell: makes of a loss what a plan may say of it.
    """
    changes = diff(_sent(old), replace(known, values=_sent(new).values, last={}, renamed={}), None)
    return tuple(_loss(change, live, tell) for change in changes if change.kind in _DIFFERS)


def _sent(build: Build) -> Build:
    """Leave out what no request holds: settings of the block where the definition wants the server's own."""
    if build.values.get(BLOCK) is not DEFAULT:
        return build
    return replace(build, values={p: v for p, v in build.values.items() if not p.startswith(f"{BLOCK}.")})


def _loss(change: Change, live: LiveBuild, tell: Tell) -> PlannedLoss:
    untold = change.sensitive or change.after is None
    return planned(tell(live, as_loss(change.path, MASK if untold else change.after)), live.stamps)
