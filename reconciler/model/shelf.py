"""What a ledger holds, counted: what `reconciler ledger show` and `check` tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.model.record import Written


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a project's lock.

    Attributes:
        id: what `reconciler unlock` takes.
        holder: "user@host".
        reason: the command.
        commit: the Git commit that its run is about, "" where unknown.
        job: URL of the CI job, "" where there is none.
        since: when it was taken, seconds since 1970.
        until: when it is free unless it is renewed, seconds since 1970; None: never by itself.
    """

    id: str
    holder: str
    reason: str
    commit: str
    job: str
    since: float
    until: float | None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a ledger that is not as it should be. `name`: the build, "" for the whole document."""

    name: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Book:
    """One project's document.

    Attributes:
        project: project key.
        exact: records that were written and read back.
        assumed: records that somebody adopted.
        protected: records whose definition said prevent_destroy.
        trees: tree → how many builds are its.
        intents: names of builds of which a step was announced and not yet recorded.
        seen: builds that an export remembers.
        size: characters of the document; 0 where there is none.
        written: who wrote it last.
        lock: who holds its lock, None for nobody.
        findings: what is not as it should be.
    """

    project: str
    exact: int = 0
    assumed: int = 0
    protected: int = 0
    trees: tuple[tuple[str, int], ...] = ()
    intents: tuple[str, ...] = ()
    seen: int = 0
    size: int = 0
    written: Written = field(default_factory=Written)
    lock: Holder | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def builds(self) -> int:
        """How many builds have a record."""
        return self.exact + self.assumed


@dataclass(frozen=True, slots=True)
class Shelf:
    """One server's documents in one place, without credentials of that."""

    place: str
    server: str
    books: tuple[Book, ...]

    @property
    def whole(self) -> bool:
        """Whether everything is as it should be."""
        return not any(book.findings for book in self.books)
