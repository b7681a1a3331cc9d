"""A whole plan: announce, perform the steps side by side, record what was seen.

    intents of all steps ── one write ──► ledger
    chains of steps ── threads ──► outcomes, in the order in which they end
    records ── every few seconds and at the end ──► ledger

Killed anywhere, the next run finds the intents and asks the server which of them came true.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from reconciler.apply.chain import Chain, Link, chains, not_begun, perform_chain
from reconciler.apply.inputs import without_unknown_inputs
from reconciler.apply.perform import FENCED, Ended, Performer
from reconciler.ledger.many import side_by_side
from reconciler.model.build import Build
from reconciler.model.declared import choice_paths, declared_paths, secret_paths, secrets_in
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.live import Stamps
from reconciler.model.outcome import Ending, Fault, Outcome
from reconciler.model.record import Document, Intent, Record
from reconciler.plan.step import Action, Block, Plan, Step
from reconciler.server.repeats import repeating

FLUSH = 3.0
"""Seconds between two writes of records to the ledger."""

NOT_LOOKED_AT = (Block.UNREAD, Block.INCOMPLETE)
"""Why a step is blocked of whose build nothing could be seen."""


class Books(Protocol):
    """What an apply needs of a ledger."""

    def change(self, project: str, edit: Callable[[Document], Document]) -> None:
        """Replace a project's document by what `edit` makes of it, atomically."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """Who applies, from what, and how.

    Attributes:
        performer: does single steps.
        books: the ledger; None in a dry run.
        tree: our tree's name.
        commit: the Git commit, "" where unknown.
        author: who that is by, or who started the run, "" where unknown.
        job: URL of the CI job, "" where there is none.
        threads: steps at once.
        now: seconds since 1970.
        stopped: whether the user asked to stop; steps not begun are then skipped.
        documents: project → the ledger's document as the plan saw it.
        proven: project → the records of intents that the server proved; None: the build is gone.
        vanished: project → records of builds that neither Git nor the server has any more; they are dropped.
        backup: tells the folder where this run has written what it deletes, "" where it has not.
        strangers: (project, name) of builds that are written and do not become ours: of them the ledger only learns
            which values are secret.
        fence: tells why nothing of a project may be written any more; None while its lock is ours.
        unrecorded: told why what was done could not be recorded; without it the error is raised.
    """

    performer: Performer
    books: Books | None
    tree: str
    commit: str
    threads: int
    now: Callable[[], float]
    stopped: Callable[[], bool] = lambda: False
    documents: Mapping[str, Document] = field(default_factory=dict)
    proven: Mapping[str, Mapping[str, Record | None]] = field(default_factory=dict)
    vanished: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    backup: Callable[[], str] = lambda: ""
    strangers: frozenset[tuple[str, str]] = frozenset()
    author: str = ""
    job: str = ""
    fence: Callable[[str], Locked | None] = lambda _: None
    unrecorded: Callable[[LedgerError], None] | None = None


def apply(plan: Plan, run: Run) -> Iterator[Outcome]:
    """Execute the plan's steps; yield an outcome per step that is not a keep.

    Raises LedgerError where the ledger cannot be written, before anything else is written.
    """
    writes = [(index, step) for index, step in enumerate(plan.steps) if step.will_write]
    meant = {index: intent for index, step in writes if (intent := _announce(step, run))}
    strange = {index for index, step in writes if (step.project, step.name) in run.strangers}
    announced = {index: intent for index, intent in meant.items() if index not in strange}
    marks = {index: meant[index].record.secrets for index in strange if index in meant}
    todo = [Link(index, step, announced[index].record if index in announced else None) for index, step in writes]
    _open_books(plan, run, announced, marks)
    for index, step in enumerate(plan.steps):
        if step.blocked:
            fault = Fault(step.blocked.reason.value, step.blocked.message, step.blocked.hint)
            yield Outcome(index, Ending.BLOCKED, fault)
    yield from _perform_all(chains(todo), run)


def _perform_all(todo: list[Chain], run: Run) -> Iterator[Outcome]:
    ended: dict[str, dict[str, Ended]] = {}
    last = run.now()
    pool = ThreadPoolExecutor(max_workers=max(1, run.threads))
    futures: dict[Future[list[Ended]], Chain] = {pool.submit(_perform, run, chain): chain for chain in todo}
    try:
        for future in as_completed(futures):
            chain, ends = futures[future], future.result()
            for link, end in zip(chain, ends, strict=True):
                ended.setdefault(link.step.project, {})[link.step.name] = end
            if run.now() - last >= FLUSH:
                with contextlib.suppress(LedgerError):  # it is tried again, and what was announced is enough until then
                    _flush(run, ended)
                last = run.now()
            yield from (Outcome(link.index, end.ending, end.fault) for link, end in zip(chain, ends, strict=True))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _flush_last(run, ended)


def _perform(run: Run, chain: Chain) -> list[Ended]:
    if run.stopped():
        fault = Fault("stopped", "not begun: you stopped the run", "run again: it converges")
        return not_begun(chain, fault)
    lost = run.fence(chain[0].step.project)
    if lost is not None:
        return not_begun(chain, Fault(FENCED, f"not begun: {lost.message}", lost.hint))
    return perform_chain(run.performer, chain, run.backup)


def _announce(step: Step, run: Run) -> Intent | None:
    """Return what the ledger is told before a write: nothing of a delete of what it does not know."""
    if step.action is Action.DELETE:
        record = run.documents.get(step.project, Document()).records.get(step.name)
        return Intent(replace(record, stamps=step.live or record.stamps), ()) if record else None
    assert step.send is not None
    assert step.desired is not None
    first = without_unknown_inputs(step.send) if step.learn else step.send
    declared = declared_paths(step.desired)
    kept = step.keepsake.marked if step.action is Action.CONVERT and step.keepsake else frozenset[str]()
    secrets = [secret for build in (step.send, step.before) if build for secret in secrets_in(build)]
    pasted = repeating(step.send, secrets, run.performer.door.heard)
    marks = secret_paths(step.desired) | secret_paths(first) | (choice_paths(first) - declared) | kept | pasted
    record = Record(
        tree=run.tree,
        build=step.send,
        declared=declared,
        secrets=marks | (_marked(step, run) - declared),
        stamps=step.live or Stamps(0, ""),
        exact=bool(run.performer.user),
        when=int(run.now()),
        commit=run.commit,
        author=run.author,
        job=run.job,
        prevent_destroy=step.prevent_destroy,
    )
    stages: tuple[Build, ...] = (first, step.send) if step.learn else (first,)
    return Intent(record, stages, step.old)


def _marked(step: Step, run: Run) -> frozenset[str]:
    """Return what the ledger marks as secret: it stays so where a write keeps it, whatever it repeated has become."""
    document = run.documents.get(step.project, Document())
    record = document.records.get(step.name)
    return document.marks.get(step.name, frozenset()) | (record.secrets if record else frozenset())


def _open_books(plan: Plan, run: Run, announced: Mapping[int, Intent], marks: Mapping[int, frozenset[str]]) -> None:
    """Write, per project and at once: proven intents, refreshed keeps, and the intents of this run.

    Of strangers the ledger learns which of their values are secret, and nothing else.
    """
    if run.books is None:
        return
    books = run.books

    def write(project: str) -> None:
        steps = [(index, step) for index, step in enumerate(plan.steps) if step.project == project]
        page = _Page(
            steps={step.name: step for _, step in steps},
            intents={step.name: announced[index] for index, step in steps if index in announced},
            proven=run.proven.get(project, {}),
            vanished=run.vanished.get(project, {}),
            tree=run.tree,
            marks={step.name: marks[index] for index, step in steps if marks.get(index)},
            agreed={step.name: record for _, step in steps if (record := _agreed(step, run)) is not None},
        )
        known = run.documents.get(project, Document())
        if page.intents or page.proven or page.opened(known) != known:
            books.change(project, page.opened)

    side_by_side(write, sorted({step.project for step in plan.steps} | run.vanished.keys()))


@dataclass(frozen=True, slots=True)
class _Page:
    """What a run writes into one project's document before its first step."""

    steps: Mapping[str, Step]
    intents: Mapping[str, Intent]
    proven: Mapping[str, Record | None]
    vanished: Mapping[str, Record]
    tree: str
    marks: Mapping[str, frozenset[str]]
    agreed: Mapping[str, Record]

    def opened(self, document: Document) -> Document:
        """Settle what is proven, drop what vanished, refresh the keeps, announce.

        An intent that proved nothing gives way; but it stays as long as its step is blocked and it replaces a
        build, for it may be all that is left of that one, or nobody could look whether it came true. A record
        that another run renewed since the plan stays.
        """
        left = {name: record for name, record in document.records.items() if self.vanished.get(name) != record}
        known = {name: record for name, record in {**left, **self.proven}.items() if record is not None}
        records = _refreshed({**known, **self._renewed(known)}, self.steps, self.tree)
        settled = self.steps.keys() | self.proven.keys()
        others = {
            name: intent
            for name, intent in document.intents.items()
            if name not in settled or self._stays(name, intent)
        }
        marks = {**document.marks, **self.marks}
        return replace(document, records=records, intents={**others, **self.intents}, marks=marks)

    def _renewed(self, records: Mapping[str, Record]) -> dict[str, Record]:
        """Return what keeps remember anew, where the records are still those that the plan was made from."""
        thens = {name: step.agreed.then for name, step in self.steps.items() if step.agreed}
        return {name: record for name, record in self.agreed.items() if records.get(name) == thens.get(name)}

    def _stays(self, name: str, intent: Intent) -> bool:
        blocked = self.steps[name].blocked if name in self.steps else None
        return blocked is not None and (intent.replaces is not None or blocked.reason in NOT_LOOKED_AT)


def _agreed(step: Step, run: Run) -> Record | None:
    """Return what a keep remembers anew, without texts that repeat a secret."""
    if step.agreed is None or step.before is None or step.desired is None:
        return None
    secrets = [secret for build in (step.before, step.desired) for secret in secrets_in(build)]
    now = step.agreed.now
    pasted = repeating(now.build, secrets, run.performer.door.heard)
    return replace(now, secrets=now.secrets | pasted)


def _refreshed(records: Mapping[str, Record], steps: Mapping[str, Step], tree: str) -> dict[str, Record]:
    """Take over what the definitions of recorded keeps of ours declare now."""
    fresh = dict(records)
    for name, step in steps.items():
        record = records.get(name)
        kept = step.action is Action.KEEP and step.blocked is None
        if kept and step.desired is not None and record is not None and record.tree == tree:
            fresh[name] = replace(
                record,
                declared=declared_paths(step.desired),
                secrets=record.secrets | secret_paths(step.desired),
                prevent_destroy=step.prevent_destroy,
            )
    return fresh


def _flush(run: Run, ended: dict[str, dict[str, Ended]]) -> None:
    """Write the records of ended steps, drop those of deleted builds; an unknown ending leaves its intent.

    After the lock was lost nothing is written: the intents stay, and the next run sees which of them came true.
    """
    if run.books is None:
        return
    books = run.books

    def write(project: str) -> None:
        try:
            books.change(project, partial(_with_endings, ended[project]))
        except Locked:
            if run.fence(project) is None:
                raise

    side_by_side(write, sorted(ended))
    ended.clear()


def _with_endings(ends: Mapping[str, Ended], document: Document) -> Document:
    records, intents, marks = dict(document.records), dict(document.intents), dict(document.marks)
    for name, end in ends.items():
        if not (end.uncertain or end.pending):
            intents.pop(name, None)
        if end.record is not None or end.deleted:
            marks.pop(name, None)
        if end.record is not None:
            records[name] = end.record
        elif end.deleted:
            records.pop(name, None)
    return replace(document, records=records, intents=intents, marks=marks)


def _flush_last(run: Run, ended: dict[str, dict[str, Ended]]) -> None:
    """Write what is left; where that fails, what was announced stays, and the next run asks the server."""
    try:
        _flush(run, ended)
    except LedgerError as error:
        if run.unrecorded is None:
            raise
        run.unrecorded(error)
