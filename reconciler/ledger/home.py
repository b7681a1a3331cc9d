"""Where a ledger lives: small texts under compare-and-swap, and a lock beside each.

    Ledger (ledger.py) ── text, version ──► Home ──► SQLite · object store · HTTP state

A home knows nothing of what the texts mean. Everything that several homes must do alike (the codec, repeats after
a conflict, the heartbeat, waiting for a lock, fencing) stands above them, once, in `ledger.py` and `lock.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ticket:
    """A lock, as whoever waits for it may read it.

    Attributes:
        id: unique for each taking; what `unlock` names, and what a write is fenced with.
        holder: "user@host".
        reason: the command that took it: "apply", "adopt" …
        commit: the Git commit that the run is about, "" where unknown.
        job: the URL of the CI job, "" where there is none.
        since: when it was taken, seconds since 1970.
        until: when it is free again unless it is renewed, seconds since 1970; None: never by itself.
        pid: of the holder's process on that host, 0 where unknown.
    """

    id: str
    holder: str = ""
    reason: str = ""
    commit: str = ""
    job: str = ""
    since: float = 0.0
    until: float | None = None
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """A text and the version that it has. `text` is "" where there is none yet; `version` means the home something."""

    text: str
    version: object = None


class Conflict(Exception):
    """Somebody else has written since the version that was named. The text must be read again."""


class Held(Exception):
    """Another run holds the lock. `ticket` is its, None where the home does not tell."""

    def __init__(self, ticket: Ticket | None) -> None:
        super().__init__("held")
        self.ticket = ticket


class Lost(Exception):
    """The lock that was named is not ours any more. `ticket` is its holder's now, None where nobody's."""

    def __init__(self, ticket: Ticket | None = None) -> None:
        super().__init__("lost")
        self.ticket = ticket


class Home(Protocol):
    """One server's texts in one place, a text per project. Safe for threads. Raises LedgerError where it fails.

    Attributes:
        lease: seconds after which a lock that nobody renews is free; None where the place knows no expiry.
        place: as messages name it, without credentials.
    """

    lease: float | None
    place: str

    def read(self, project: str) -> Stored:
        """Return a project's text; an empty one where there is none."""
        ...

    def write(self, project: str, text: str, version: object, lock: str) -> object:
        """Put a text where `version` is still the one that is there, and return the new version.

        `lock`: id of the lock that the writer holds, "" without one; where the home can, it writes only under it.
        Raises Conflict where somebody has written since, Lost where the lock is not the writer's any more.
        """
        ...

    def projects(self) -> list[str] | None:
        """Return the projects that have a text or a lock, sorted; None where the place cannot list."""
        ...

    def erase(self, project: str) -> None:
        """Remove a project's text. Nothing happens where there is none."""
        ...

    def take(self, project: str, ticket: Ticket) -> None:
        """Take a project's lock for `ticket`. Raises Held. An answer that was lost is found out, not guessed.

        Where `lease` is None and it raises LedgerError, it has given back what it may have taken, or says it stays.
        """
        ...

    def renew(self, project: str, ticket: Ticket) -> None:
        """Write the ticket's new `until`. Where `lease` is None, look whether the lock is the ticket's. Raises Lost."""
        ...

    def release(self, project: str, id: str) -> bool:
        """Give a lock back, or break another's by its id; tell whether it was there."""
        ...

    def holder(self, project: str) -> Ticket | None:
        """Return who holds a project's lock; None for nobody, or where the place cannot tell."""
        ...

    def close(self) -> None:
        """Let go of connections and files. Locks stay."""
        ...
