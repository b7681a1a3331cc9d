"""Open the configured ledger: to read it, or to write it in the name of a run.

A reading run gets a `ReadLedger`, which has no way to write and waits for no lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.ledger.ledger import Ledger, ReadLedger
from reconciler.ledger.lock import Claim, Passing, Waiting
from reconciler.ledger.place import open_home
from reconciler.model.settings import Settings
from reconciler.server.transport import Clock
from reconciler.workflow.provenance import provenance

__all__ = ["Ledger", "Waiting", "reading_ledger", "writing_ledger"]

if TYPE_CHECKING:
    from reconciler.workflow.plan import World


def reading_ledger(settings: Settings, world: World) -> ReadLedger:
    """Open the ledger for reading; nothing is made where there is none. Raises LedgerError, UsageError."""
    clock = world.clock or Clock()
    return ReadLedger(
        open_home(settings.ledger, settings.server, environ=world.environ, writable=False, now=clock.wall)
    )


def writing_ledger(settings: Settings, world: World, reason: str, waiting: Waiting | None = None) -> Ledger:
    """Open the ledger for writing. `reason`: the command. Raises LedgerError, UsageError."""
    clock = world.clock or Clock()
    home = open_home(settings.ledger, settings.server, environ=world.environ, writable=True, now=clock.wall)
    found = provenance(world.environ, settings.root)
    return Ledger(
        home,
        claim=Claim(reason, found.commit, found.author, found.job),
        waiting=waiting,
        passing=Passing(clock.wall, clock.now, clock.sleep),
    )
