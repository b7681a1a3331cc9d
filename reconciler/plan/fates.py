"""What became of every build since it was recorded, as data: one fate per build, and the predicates on all of them."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from reconciler.compare.drift import Setting, State
from reconciler.model.fields import Kind
from reconciler.model.live import Stamps
from reconciler.model.problem import Place
from reconciler.model.record import Record
from reconciler.plan.step import Trouble


class Fate(enum.Enum):
    """What became of a build; the order is that of a report."""

    CONFLICT = "conflict"
    DRIFTED = "drifted"
    MISSING = "missing"
    UNREAD = "unread"
    PENDING = "pending"
    UNVERIFIABLE = "unverifiable"
    FOREIGN = "foreign"
    JENKINS = "jenkins"
    ORPHAN = "orphan"
    UNDECLARED = "undeclared"
    IN_SYNC = "in sync"


DRIFT = (Fate.CONFLICT, Fate.DRIFTED, Fate.MISSING)
"""Somebody changed the server behind Git's back."""

LEDGER = "ledger"
"""The code of the trouble that the ledger could not be read."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """One build.

    Attributes:
        fate: what became of it.
        project: project key.
        name: build name.
        place: where its definition begins; None for a build that no definition names.
        live: the stamps that it has; None where it is not there.
        by: who wrote since it was recorded, "" where nobody did or the stamps do not tell.
        same_account: whether that is the account of the record, so that it may have been a run of ours elsewhere.
        record: what the ledger holds of it; None where it was never applied or adopted.
        kinds: the kinds that Git and the server have, where they are two.
        settings: what is not the same everywhere.
        ignored: what ignore rules hide, sentences.
        notes: what a reader should know beside, sentences.
        blocked: the word for why an apply would not write it, "" where it would.
        ledger_read: False where the ledger could not be read, so that nobody knows whether it has a record.
        now_in: the other project that has a build of this name now, of one that is missing; "" for none.
    """

    fate: Fate
    project: str
    name: str
    place: Place | None = None
    live: Stamps | None = None
    by: str = ""
    same_account: bool = False
    record: Record | None = None
    kinds: tuple[Kind, Kind] | None = None
    settings: tuple[Setting, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    blocked: str = ""
    ledger_read: bool = True
    now_in: str = ""

    @property
    def touched(self) -> bool:
        """Whether there is something to tell of it beside its fate: it was changed in what Git does not decide."""
        return any(setting.state in (State.UNDECLARED, State.IGNORED) for setting in self.settings)

    def of(self, *states: State) -> tuple[Setting, ...]:
        """Return its settings of some states."""
        return tuple(setting for setting in self.settings if setting.state in states)


@dataclass(frozen=True, slots=True)
class Drift:
    """Every build of a run.

    Attributes:
        builds: by project and name.
        troubles: what could not be looked at.
        notices: what holds for many builds at once, sentences.
        recorded: whether the ledger has a record of any build of these projects.
        narrowed: only part of the tree was read, so that nothing is said of what no definition names.
        emptied: projects that show no build at all any more: they may be hidden from us.
    """

    builds: tuple[Drifted, ...]
    troubles: tuple[Trouble, ...] = ()
    notices: tuple[str, ...] = ()
    recorded: bool = True
    narrowed: bool = False
    emptied: frozenset[str] = frozenset()

    def of(self, *fates: Fate) -> tuple[Drifted, ...]:
        """Return the builds of some fates."""
        return tuple(build for build in self.builds if build.fate in fates)

    @property
    def complete(self) -> bool:
        """Whether everything could be looked at."""
        return not self.troubles and not self.of(Fate.UNREAD)

    @property
    def ledger_read(self) -> bool:
        """Whether the ledger could be read. Otherwise nobody knows what any build was before."""
        return all(trouble.code != LEDGER for trouble in self.troubles)

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do about any build, and everything could be looked at."""
        return self.complete and not self.of(*DRIFT, Fate.PENDING)

    def summary(self) -> dict[Fate, int]:
        """Count the builds of each fate."""
        counts = dict.fromkeys(Fate, 0)
        for build in self.builds:
            counts[build.fate] += 1
        return counts
