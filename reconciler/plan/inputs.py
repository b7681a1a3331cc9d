"""Everything a plan is made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.model.definition import Desired
from reconciler.model.live import Live, LiveBuild, Loss
from reconciler.model.policy import Policy
from reconciler.model.record import Document, Intent, Record

Tell = Callable[[LiveBuild, Loss], Loss]
"""A build and what it would lose → that loss without any credential that its value repeats."""


def as_it_is(_: LiveBuild, loss: Loss) -> Loss:
    """Return a loss as it is: for builds of which nobody has read a credential."""
    return loss


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a plan is made from.

    Attributes:
        desired: the selected definitions.
        live: the readings of their projects.
        documents: project → what the ledger holds.
        tree: our own name.
        policy: how far the run may go.
        tell: makes of a loss what a plan may say of it.
    """

    desired: Desired
    live: Live
    documents: Mapping[str, Document] = field(default_factory=dict)
    tree: str = ""
    policy: Policy = field(default_factory=Policy)
    tell: Tell = as_it_is

    def record(self, project: str, name: str) -> Record | None:
        """Return what the ledger holds of a build."""
        document = self.documents.get(project)
        return document.records.get(name) if document else None

    def intent(self, project: str, name: str) -> Intent | None:
        """Return what a run announced of a build and never finished."""
        document = self.documents.get(project)
        return document.intents.get(name) if document else None

    def build(self, project: str, name: str) -> LiveBuild | None:
        """Return a live build, as it was listed or read."""
        return self.live.build(project, name)

    def is_ours(self, record: Record | None) -> bool:
        """Tell whether this tree created, adopted or updated what a record is of."""
        return record is not None and record.tree == self.tree

    def is_foreign(self, record: Record | None) -> bool:
        """Tell whether another tree's record says that a build is not ours."""
        return record is not None and record.tree != self.tree
