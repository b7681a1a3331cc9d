"""A ledger in a file, opened as the workflows open it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.ledger.home import Ticket
from reconciler.ledger.ledger import Ledger
from reconciler.ledger.lock import Passing
from reconciler.ledger.sqlite import SqliteHome


def file_ledger(path: str | Path, server: str, *, writable: bool = True, **more: Any) -> Ledger:
    """Open it; `writable=False` opens the file for reading, whatever the type says. `now`: the wall clock."""
    now: Callable[[], float] | None = more.pop("now", None)
    clock = {"now": now} if now else {}
    passing = Passing(wall=now, sleep=lambda _: None) if now else None
    return Ledger(SqliteHome(str(path), server, writable=writable, **clock), passing=passing, **more)


def held_by_another(path: str | Path, server: str, project: str = "yaml", **more: Any) -> Ticket:
    """Lock a project as somebody on another machine, for ages."""
    ticket = replace(Ticket("abcdef0123456789", "ann@elsewhere", "apply", since=0.0, until=4e9), **more)
    home = SqliteHome(str(path), server, writable=True)
    home.take(project, ticket)
    home.close()
    return ticket
