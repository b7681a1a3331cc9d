"""A lock in sentences: who holds it, what for, since when, until when, and what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.ledger.home import Ticket
from reconciler.model.errors import Locked

SHORT = 8
"""Characters of a commit that are shown."""


def locked(project: str, ticket: Ticket | None, now: float) -> Locked:
    """Return what is told where a lock is held. `now`: seconds since 1970."""
    if ticket is None:
        return Locked(f'project "{project}" is locked, and the place does not tell by whom', "wait with --lock-timeout")
    since = f"since {moment(ticket.since)} ({duration(now - ticket.since)})"
    process = f" (process {ticket.pid})" if ticket.pid else ""
    free = "" if ticket.until is None else f"; free at {moment(ticket.until)} unless it is renewed"
    return Locked(
        f'project "{project}" is locked by {ticket.holder or "somebody"}{process} {since}{what(ticket)}{free}',
        f"wait for that run (--lock-timeout SECONDS); if it is gone for good: reconciler unlock {ticket.id}",
    )


def taken_over(project: str, ticket: Ticket | None) -> Locked:
    """Return what is told where a run finds that its lock is another's, or was broken."""
    if ticket is None:
        return Locked(
            f'the lock of project "{project}" is not this run\'s any more: somebody has broken it',
            "ask who ran `reconciler unlock`, then run again: it converges",
        )
    return Locked(
        f'the lock of project "{project}" is not this run\'s any more: {ticket.holder or "somebody"} took it at '
        f"{moment(ticket.since)}{what(ticket)}",
        "run again when that run is done: it converges",
    )


def unrenewed(age: float, why: str) -> Locked:
    """Return what is told where a lock may have gone to another. `age`: seconds since it was last renewed."""
    return Locked(
        f"the lock could not be renewed for {duration(age)}, so that it may be another run's by now: {why}",
        "see that the ledger's place can be reached, then run again: it converges",
    )


def stuck(project: str, id: str, why: str) -> str:
    """Return what is told where a lock could not be given back, at a place where none expires."""
    return f'the lock of project "{project}" stays, until somebody types `reconciler unlock {id}`: {why}'


def moment(when: float) -> str:
    """Return a moment for readers; a number that is none is told as it is."""
    try:
        return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{when}"


def duration(seconds: float) -> str:
    """Return how long something took, for readers."""
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 7200 else f"{whole // 3600} h"


def what(ticket: Ticket) -> str:
    """Return what a lock was taken for, behind a colon; "" where nothing is known."""
    commit = f" of commit {ticket.commit[:SHORT]}" if ticket.commit else ""
    told = ", ".join(part for part in (f"{ticket.reason or 'a run'}{commit}", ticket.job) if part)
    return f": {told}" if ticket.reason or commit or ticket.job else ""
