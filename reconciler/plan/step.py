"""The plan as data: steps with their reasons, and the two predicates that everyone asks."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.model.build import Build
from reconciler.model.change import Change, ChangeKind
from reconciler.model.live import Loss, Stamps
from reconciler.model.problem import Place
from reconciler.model.record import Applied, Record
from reconciler.plan.keepsake import Keepsake


class Action(enum.Enum):
    """What is to be done with a build."""

    CREATE = "create"
    UPDATE = "update"
    CONVERT = "convert"
    DELETE = "delete"
    KEEP = "keep"


class Block(enum.Enum):
    """Why a step is not executed (design, "One vocabulary")."""

    LOSS = "loss"
    UNREAD = "unread"
    UNWRITABLE = "unwritable"
    LIMIT = "limit"
    PROTECTED = "protected"
    INCOMPLETE = "incomplete"
    FOREIGN = "foreign"
    IN_USE = "in-use"
    STALE = "stale"
    NAME_TAKEN = "name-taken"
    RENAMED = "renamed"
    CREDENTIALS = "credentials"
    NEEDS_FLAG = "needs-flag"


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why, as a word for machines, a sentence, and the way out."""

    reason: Block
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class PlannedLoss:
    """A live value that the step would erase.

    Attributes:
        path: as in the definition's `accept_loss`.
        value: as text, masked where it is secret.
        digest: what `accept_loss` has to say: the first 12 hex digits of the value's SHA-256, or
            "<update_time> <update_by>" for a secret and for what cannot be seen.
        accepted: whether the definition says so.
        small: nothing but what the page or a message shows depends on it.
    """

    path: str
    value: str
    digest: str = ""
    accepted: bool = False
    small: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """A record that is not what Git and the server have any more, though both have the same.

    Attributes:
        then: as the ledger has it.
        now: as it is to be.
    """

    then: Record
    now: Record


@dataclass(frozen=True, slots=True)
class Step:
    """One build and what becomes of it.

    Attributes:
        action: what is to be done.
        project: project key.
        name: build name.
        reason: one sentence.
        place: where its definition begins; None for a build that no definition names.
        live: stamps of the live build; None where there is none.
        blocked: why it is not executed; None where it is.
        changes: what differs.
        losses: what it would erase.
        notes: what a reader should know beside, sentences.
        ignored: what ignore rules hide, sentences; they are among the notes too.
        desired: what the definition declares; None for a keep that is not ours.
        before: the live build that the plan was made from; None for a create.
        erasable: what detail shows beside it that no request carries.
        send: every value of the request, secrets sealed; None for a keep.
        kept: paths sent as asterisks (see `reconciler.model.body`).
        learn: the template's inputs must be learned from a first write (see `reconciler.apply`).
        unset: names of environment variables that the write would need and that are not set.
        prevent_destroy: what the record is to say.
        recorded: whether the ledger has a record of this build.
        applied: from where it was last applied, as its record says; None where nothing tells.
        exact: an exact record speaks for everything that cannot be seen.
        unsure: somebody has written since, and a declared code host may be another one of the same type.
        old: (project, name) of the build that this create takes the place of, in a move or rename.
        after: (project, name) of the step that must be done before this one; where it is not, this is skipped.
        restore: what to create again under its old project where the step behind this delete fails (a move).
        keepsake: what the backup keeps of the live build; None where it is not backed up.
        agreed: what a keep may remember that both sides have changed alike; None where there is nothing.
    """

    action: Action
    project: str
    name: str
    reason: str
    place: Place | None = None
    live: Stamps | None = None
    blocked: Blocked | None = None
    changes: tuple[Change, ...] = ()
    losses: tuple[PlannedLoss, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    desired: Build | None = None
    before: Build | None = None
    erasable: tuple[Loss, ...] = ()
    send: Build | None = None
    kept: frozenset[str] = frozenset()
    learn: bool = False
    unset: tuple[str, ...] = ()
    prevent_destroy: bool = False
    recorded: bool = False
    applied: Applied | None = None
    exact: bool = False
    unsure: bool = False
    old: tuple[str, str] | None = None
    after: tuple[str, str] | None = None
    restore: Build | None = None
    keepsake: Keepsake | None = None
    agreed: Agreed | None = None

    @property
    def backed_up(self) -> bool:
        """Whether the live build is written to the backup folder first: it is deleted, converted or loses something."""
        return self.action in (Action.DELETE, Action.CONVERT) or bool(self.losses)

    @property
    def will_write(self) -> bool:
        """Whether an apply writes this build."""
        return self.action is not Action.KEEP and self.blocked is None

    def count(self, kind: ChangeKind) -> int:
        """Count the changes of one kind."""
        return sum(1 for change in self.changes if change.kind is kind)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that could not be looked at: `incomplete` readings and the like, with what to do."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run would do, in order; complete, serialisable, identical for identical inputs.

    Attributes:
        steps: by project and name.
        troubles: what could not be looked at.
        notices: what holds for many builds at once, sentences.
        observed: those of them that tell what the server is like, whatever an apply would do.
        orphans: builds of ours that Git no longer has, (project, name).
        undeclared: (project, name) of live builds without a definition; none where only part of the tree was read.
        refusals: why nothing is pruned though it was asked for, and the like; with what to do.
        unknown_uses: steps that take something away, of which nobody could tell whether workflows use it.
    """

    steps: tuple[Step, ...]
    troubles: tuple[Trouble, ...] = ()
    notices: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    orphans: tuple[tuple[str, str], ...] = ()
    undeclared: tuple[tuple[str, str], ...] = ()
    refusals: tuple[Trouble, ...] = ()
    unknown_uses: int = 0

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for could be looked at."""
        unread = any(s.blocked and s.blocked.reason in (Block.UNREAD, Block.INCOMPLETE) for s in self.steps)
        return not self.troubles and not unread

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do: only keeps, none blocked."""
        return all(step.action is Action.KEEP and step.blocked is None for step in self.steps)

    @property
    def writes(self) -> tuple[Step, ...]:
        """The steps that an apply would execute."""
        return tuple(step for step in self.steps if step.will_write)

    @property
    def blocked(self) -> tuple[Step, ...]:
        """The steps that are not executed."""
        return tuple(step for step in self.steps if step.blocked is not None)

    def summary(self) -> dict[str, int]:
        """Count the steps by action, blocked ones included in theirs, and the blocked ones."""
        counts = {action.value: 0 for action in Action}
        for step in self.steps:
            counts[step.action.value] += 1
        return {**counts, "blocked": len(self.blocked)}
