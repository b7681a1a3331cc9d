"""A plan and what it was made from → which builds become ours as they are, and the records that say so.

nothing differs ─────────► adopt      new to the ledger
                         ► refresh    ours, and somebody has written since, or the definition declares other paths
                         ► already    ours, and nothing is to be recorded
something differs ───────► differs    refuses the whole run; if drift is allowed: adopt or refresh, as the server is
not on the server ───────► missing
another tree's ──────────► foreign
Jenkins ─────────────────► unwritable
not seen ────────────────► unread, incomplete
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Trust, know
from reconciler.model.definition import Definition
from reconciler.model.live import JENKINS, LiveBuild
from reconciler.model.record import Document, Record
from reconciler.plan import guards
from reconciler.plan.assumed import DIFFERENCES, Signature, assumed, known_afterwards, refreshed
from reconciler.plan.ignoring import Ignoring, with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.kinds import InputKinds, input_kinds
from reconciler.plan.memory import settled
from reconciler.plan.step import Action, Plan, Step
from reconciler.plan.unreadable import Setting, settings_of


class Fate(enum.Enum):
    """What becomes of a definition. The value is the word in JSON."""

    ADOPT = "adopt"
    REFRESH = "refresh"
    ALREADY = "already"
    DIFFERS = "differs"
    MISSING = "missing"
    FOREIGN = "foreign"
    UNWRITABLE = "unwritable"
    UNREAD = "unread"
    INCOMPLETE = "incomplete"


RECORDED = (Fate.ADOPT, Fate.REFRESH)
"""Of these a record is written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One definition and what becomes of it.

    Attributes:
        step: what a plan says of it: its name, place and changes.
        fate: what becomes of it.
        reason: why it is not adopted, a sentence; "" where it is, or is ours already.
        record: what is to be recorded; None where nothing is.
        seen: the internal read showed the whole build.
        drift: it is adopted as the server has it, which is not as Git says.
        unrecorded: declared settings that nothing shows and no ledger may hold, since they are secret.
        unset: environment variables that the definition needs and that are not set: what they hold is not compared.
    """

    step: Step
    fate: Fate
    reason: str = ""
    record: Record | None = None
    seen: bool = False
    drift: bool = False
    unrecorded: tuple[str, ...] = ()
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """What one project's document is to take over.

    Attributes:
        seen: the document as it was read.
        proven: what the server proved of its intents; None: the build is gone.
        records: name → its new record.
    """

    seen: Document
    proven: Mapping[str, Record | None]
    records: Mapping[str, Record]

    def still_meant(self, document: Document) -> frozenset[str]:
        """Return the names of which nobody has recorded or announced anything since."""
        return frozenset(name for name in self.records if self._as_seen(document, name))

    def onto(self, document: Document) -> Document:
        """Write the records into a document; what another run has put there since stays as it is."""
        proofs = {name: record for name, record in self.proven.items() if self._as_seen(document, name)}
        after = settled(document, proofs)
        fresh = {name: self.records[name] for name in sorted(self.still_meant(document))}
        intents = {name: intent for name, intent in after.intents.items() if name not in fresh}
        return replace(after, records={**after.records, **fresh}, intents=intents)

    def _as_seen(self, document: Document, name: str) -> bool:
        same_record = document.records.get(name) == self.seen.records.get(name)
        return same_record and document.intents.get(name) == self.seen.intents.get(name)


@dataclass(frozen=True, slots=True)
class Adoption:
    """Everything an adoption would record, and why not more.

    Attributes:
        tree: whose the builds become.
        entries: one per definition, by project and name.
        settings: who speaks for what detail hides, counted over the builds whose assumed record is written.
        allow_drift: definitions that differ do not refuse the run.
        deep_unserved: why the internal read could not be used, "" where it could, or was not asked.
    """

    tree: str
    entries: tuple[Entry, ...]
    settings: tuple[Setting, ...] = ()
    allow_drift: bool = False
    deep_unserved: str = ""
    pages: Mapping[str, Page] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether nothing may be recorded, because a definition differs."""
        return not self.allow_drift and any(entry.fate is Fate.DIFFERS for entry in self.entries)

    @property
    def to_record(self) -> tuple[Entry, ...]:
        """The builds of which a record is to be written; none where the run is refused."""
        return () if self.refused else tuple(entry for entry in self.entries if entry.fate in RECORDED)

    @property
    def complete(self) -> bool:
        """Whether every build could be looked at."""
        return not self.of(Fate.UNREAD, Fate.INCOMPLETE)

    @property
    def forbidden(self) -> tuple[Entry, ...]:
        """The builds that may not become ours, whatever is allowed."""
        return self.of(Fate.FOREIGN, Fate.UNWRITABLE)

    def of(self, *fates: Fate) -> tuple[Entry, ...]:
        """Return the entries of some fates."""
        return tuple(entry for entry in self.entries if entry.fate in fates)


def adoption(
    plan: Plan,
    inputs: Inputs,
    signature: Signature,
    ledger: tuple[Mapping[str, Document], Mapping[str, Mapping[str, Record | None]]],
    *,
    allow_drift: bool,
) -> Adoption:
    """Decide what to record. Pure: identical inputs give an identical adoption.

    Args:
        plan: of all that follows.
        inputs: what it was made from; the documents with what the server proved written in.
        signature: what the records say beside.
        ledger: the documents as they were read, and what the server proved of their intents.
        allow_drift: adopt also what differs, as the server has it.
    """
    steps = {(s.project, s.name): s for s in plan.steps if s.place is not None and s.action is not Action.DELETE}
    judge = _Judge(inputs, signature, input_kinds(inputs.live), allow_drift)
    judged = [judge.entry(d, steps[d.build.project, d.build.name]) for d in inputs.desired.definitions]
    written = [i for entry, i in judged if i is not None and entry.record is not None and not entry.record.exact]
    found = Adoption(
        signature.tree,
        tuple(entry for entry, _ in judged),
        settings_of(written),
        allow_drift,
        inputs.live.deep_unserved,
    )
    documents, proven = ledger
    return replace(found, pages=_pages(found.to_record, documents, proven))


def _pages(
    entries: Iterable[Entry],
    documents: Mapping[str, Document],
    proven: Mapping[str, Mapping[str, Record | None]],
) -> dict[str, Page]:
    records: dict[str, dict[str, Record]] = {}
    for entry in entries:
        assert entry.record is not None
        records.setdefault(entry.step.project, {})[entry.step.name] = entry.record
    return {
        project: Page(documents.get(project, Document()), proven.get(project, {}), found)
        for project, found in sorted(records.items())
    }


@dataclass(frozen=True, slots=True)
class _Judge:
    inputs: Inputs
    signature: Signature
    kinds: InputKinds
    allow_drift: bool

    def entry(self, definition: Definition, step: Step) -> tuple[Entry, Ignoring | None]:
        """Judge one definition; beside it what it was compared with, where it could be."""
        build = definition.build
        live = self.inputs.build(build.project, build.name)
        refused = self._out_of_reach(step, live)
        if refused or live is None or live.build is None:
            assert refused is not None
            return refused, None
        if live.build.kind is not build.kind:
            kinds = f"a {live.build.kind.value} build on the server, and a {build.kind.value} one in Git"
            return Entry(step, Fate.DIFFERS, f"it is {kinds}"), None
        known = know(live, self.inputs.record(build.project, build.name))
        ignoring = with_ignored(definition, known, self.inputs.live.local_cluster)
        return replace(self._compared(step, ignoring), unset=ignoring.definition.unset), ignoring

    def _out_of_reach(self, step: Step, live: LiveBuild | None) -> Entry | None:
        """Find why a build cannot become ours, whatever it holds."""
        reading = self.inputs.live.readings[step.project]
        if reading.incomplete:
            return Entry(step, Fate.INCOMPLETE, f"the list of its project cannot be trusted: {reading.incomplete}")
        foreign = guards.foreign(self.inputs.record(step.project, step.name), self.inputs.tree)
        if foreign:
            return Entry(step, Fate.FOREIGN, foreign.message)
        if live is None:
            return Entry(step, Fate.MISSING, step.blocked.message if step.blocked else "it is not on the server")
        closed = guards.not_writable(live)
        if closed is None:
            return None
        return Entry(step, Fate.UNWRITABLE if live.source == JENKINS else Fate.UNREAD, closed.message)

    def _compared(self, step: Step, ignoring: Ignoring) -> Entry:
        known = ignoring.known
        differs = any(change.kind in DIFFERENCES for change in step.changes)
        if differs and not self._may_drift(step):
            return Entry(step, Fate.DIFFERS, _difference(step), seen=known.seen)
        if known.trust is Trust.EXACT:
            assert known.record is not None
            return self._exact(step, known.record, differs=differs)
        record = assumed(ignoring, step, self.inputs.live.local_cluster, self.kinds, self.signature)
        entry = Entry(step, Fate.ADOPT, record=record, seen=known.seen, drift=differs)
        entry = replace(entry, unrecorded=self._unrecorded(ignoring, record))
        if known.record is None:
            return entry
        if _as_applied(record, known.record) == known.record:
            return replace(entry, fate=Fate.ALREADY, record=None)
        return replace(entry, fate=Fate.REFRESH)

    def _may_drift(self, step: Step) -> bool:
        """Tell whether a record can say that this difference is one; of a code host it could not."""
        return self.allow_drift and all(c.before_known for c in step.changes if c.kind in DIFFERENCES)

    def _exact(self, step: Step, record: Record, *, differs: bool) -> Entry:
        """Leave an exact record that holds as it is, but for what the definition of a keep declares."""
        fresh = record if differs else refreshed(record, step)
        if fresh == record:
            return Entry(step, Fate.ALREADY, drift=differs)
        return Entry(step, Fate.REFRESH, record=fresh)

    def _unrecorded(self, ignoring: Ignoring, record: Record) -> tuple[str, ...]:
        """Return what the next plan will still call unverifiable though its value is in this environment."""
        known = known_afterwards(ignoring, record)
        changes = diff(ignoring.definition.build, known, self.inputs.live.local_cluster)
        return tuple(c.path for c in changes if c.is_unverifiable)


def _difference(step: Step) -> str:
    count = sum(1 for change in step.changes if change.kind in DIFFERENCES)
    return f"{count} setting{'' if count == 1 else 's'} differ{'s' if count == 1 else ''}"


def _as_applied(record: Record, known: Record) -> Record:
    """Return a record as if it had been made when, and from what, another one was."""
    return replace(record, when=known.when, commit=known.commit, author=known.author, job=known.job)
