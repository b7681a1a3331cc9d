"""Documents in a home: read by everybody, changed by compare-and-swap, locked by whoever applies.

    read ─► edit ─► write where nobody has written since ── Conflict ──► again
                                    └── Lost ──► Locked: the run must stop

A `ReadLedger` has no way to write. What two runs change at once both arrives: an edit is made anew on what the other
one has left, so an edit is a function of the document alone, and may be called more than once.
"""

from __future__ import annotations

import contextlib
import random
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Self

from reconciler.ledger import codec
from reconciler.ledger.home import Conflict, Held, Home, Lost, Stored, Ticket
from reconciler.ledger.lock import Claim, Hold, Passing, Waiting, acquire
from reconciler.ledger.many import side_by_side
from reconciler.ledger.telling import locked
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.record import Document, Written

ATTEMPTS = 20
"""How often a change is tried: each time somebody else's went through."""

LONGEST = 2.0
"""Seconds of the longest pause between two attempts."""


class ReadLedger:
    """One server's documents, to be read. Use as a context manager; it closes the home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._home.close()

    @property
    def place(self) -> str:
        """Where it is, as messages name it."""
        return self._home.place

    def read(self, project: str) -> Document:
        """Return the document of a project; an empty one where there is none. Raises LedgerError."""
        return self._loaded(project, self._home.read(project))

    def read_all(self, projects: Iterable[str]) -> dict[str, Document]:
        """Return the documents of some projects, read side by side. Raises LedgerError."""
        return dict(side_by_side(lambda project: (project, self.read(project)), projects))

    def text(self, project: str) -> str:
        """Return a project's document as it is stored; "" where there is none. Raises LedgerError."""
        return self._home.read(project).text

    def projects(self) -> list[str] | None:
        """Return the projects that have a document or a lock, sorted; None where the place cannot list."""
        return self._home.projects()

    def holder(self, project: str) -> Ticket | None:
        """Return who holds a project's lock; None for nobody, or where the place cannot tell."""
        return self._home.holder(project)

    def _loaded(self, project: str, stored: Stored) -> Document:
        return codec.load(stored.text, f'{self.place}, project "{project}"') if stored.text else Document()


class Ledger(ReadLedger):
    """One server's documents, to be read and written.

    Args:
        home: where they are.
        claim: what the run is about; stands in its locks and in what it writes.
        waiting: what becomes of the run where another one holds a lock.
        passing: the passing of time.
    """

    def __init__(
        self,
        home: Home,
        *,
        claim: Claim | None = None,
        waiting: Waiting | None = None,
        passing: Passing | None = None,
    ) -> None:
        super().__init__(home)
        self._claim = claim or Claim()
        self._waiting = waiting or Waiting()
        self._passing = passing or Passing()
        self._hold: Hold | None = None

    def __exit__(self, *_: object) -> None:
        self.unlock()
        super().__exit__()

    def lock(self, projects: Iterable[str]) -> None:
        """Take the locks of some projects, all or none, before anything else.

        Raises Locked, LedgerError, Interrupted.
        """
        assert self._hold is None, "a run takes its locks at once"
        self._hold = acquire(self._home, projects, self._claim, self._waiting, self._passing)

    def unlock(self) -> None:
        """Give back our own locks. Nothing happens without them."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.give_back()

    @contextlib.contextmanager
    def locked(self, projects: Iterable[str]) -> Iterator[Self]:
        """Hold the locks of some projects for as long as the context lasts. Raises Locked, LedgerError."""
        self.lock(projects)
        try:
            yield self
        finally:
            self.unlock()

    def lost(self, project: str = "") -> Locked | None:
        """Return why a run that took locks may not write any more; None while they are ours, or without locks.

        `project`: the one that is to be written; "" for any.
        """
        return self._hold.lost(project) if self._hold is not None else None

    def change(self, project: str, edit: Callable[[Document], Document]) -> None:
        """Replace a project's document by what `edit` makes of it; nothing that others write meanwhile is lost.

        Under the project's lock where we hold it; otherwise by compare-and-swap alone, whoever holds it.

        Raises:
            Locked: our lock is not ours any more, or the place takes nothing from others while one is held.
            LedgerError: the place cannot be used, or the document is damaged or of a newer format.
        """
        hold = self._hold if self._hold is not None and project in self._hold.projects else None
        gone = hold.lost(project) if hold is not None else None
        if gone is not None:
            raise gone
        for attempt in range(ATTEMPTS):
            stored = self._home.read(project)
            text = codec.dump(self._signed(edit(self._loaded(project, stored)), hold))
            try:
                self._home.write(project, text, stored.version, hold.id if hold else "")
            except Conflict:
                self._passing.sleep(random.uniform(0.0, min(LONGEST, 0.02 * 2**attempt)))
            except Lost as lost:
                raise self._stopped(project, hold, lost.ticket) from None
            except Held as held:
                raise locked(project, held.ticket, self._passing.wall()) from None
            else:
                return
        raise LedgerError(
            f'the ledger {self.place} could not be written: others changed project "{project}" {ATTEMPTS} times '
            "meanwhile",
            "run again when less is going on",
        )

    def erase(self, project: str) -> None:
        """Remove a project's document, whatever it is. Raises LedgerError."""
        self._home.erase(project)

    def put(self, project: str, text: str) -> None:
        """Store a document as it is, whatever is there. Raises LedgerError where somebody else writes just now."""
        stored = self._home.read(project)
        if stored.text == text:
            return
        try:
            self._home.write(project, text, stored.version, self._hold.id if self._hold else "")
        except (Conflict, Lost, Held):
            raise LedgerError(f'somebody else has just written project "{project}" into {self.place}') from None

    def break_lock(self, project: str, id: str) -> bool:
        """Free a lock, whosever it is; tell whether it was there."""
        return self._home.release(project, id)

    def _stopped(self, project: str, hold: Hold | None, ticket: Ticket | None) -> Locked:
        return locked(project, ticket, self._passing.wall()) if hold is None else hold.taken(project, ticket)

    def _signed(self, document: Document, hold: Hold | None) -> Document:
        """Add who writes, and the key of plan digests where there is none yet."""
        written = Written(
            when=int(self._passing.wall()),
            reason=self._claim.reason,
            commit=self._claim.commit,
            author=self._claim.author,
            job=self._claim.job,
            fence=hold.id if hold else "",
        )
        return replace(document, digest_key=document.digest_key or secrets.token_hex(32), written=written)
