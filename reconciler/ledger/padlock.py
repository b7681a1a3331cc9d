"""A lock as an object store keeps it: the ticket of its holder and for how long, or that nobody holds it.

Enters: a ticket, or an object of the store. Leaves: the object's bytes, and whether its time is over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace

from reconciler.ledger.bucket import Found, Version
from reconciler.ledger.home import Ticket

GRAIN = 1.0
"""Seconds to which a store tells when an object was written."""

_FIELDS = {field.name for field in fields(Ticket)}


@dataclass(frozen=True, slots=True)
class Padlock:
    """The object of a lock.

    Attributes:
        ticket: of its holder; None: free.
        lease: seconds for which it was taken or renewed, counted from `modified`; None: for ever.
        was: id of the ticket that was given back or broken last.
        given_back: by the holder itself, who writes nothing more.
        version: what names this state of it; None for one that was never stored.
        modified: when it was written, by the store's clock, seconds since 1970.
    """

    ticket: Ticket | None
    lease: float | None = None
    was: str = ""
    given_back: bool = False
    version: Version | None = None
    modified: float = 0.0

    @classmethod
    def held(cls, ticket: Ticket, now: float) -> Padlock:
        """Return the lock that a ticket opens; `now` by the clock that its `until` is of."""
        return cls(ticket, None if ticket.until is None else ticket.until - now)

    @classmethod
    def free(cls, was: str, *, given_back: bool) -> Padlock:
        """Return the lock that nobody holds any more."""
        return cls(None, was=was, given_back=given_back)

    @classmethod
    def read(cls, found: Found) -> Padlock | None:
        """Read an object; None where it is no lock. What a newer version adds to a ticket is left out."""
        try:
            data = json.loads(found.body)
            item = data["ticket"]
            ticket = None if item is None else Ticket(**{key: item[key] for key in item if key in _FIELDS})
            lease = None if data["lease"] is None else float(data["lease"])
            return cls(ticket, lease, str(data["was"]), data["given_back"] is True, found.version, found.modified)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def until(self, until: float | None, now: float) -> Padlock:
        """Return the same holder's lock, renewed."""
        assert self.ticket is not None
        return Padlock.held(replace(self.ticket, until=until), now)

    def over(self, now: float) -> bool:
        """Tell whether nobody holds it at a moment of the store's clock, in seconds since 1970."""
        if self.ticket is None:
            return True
        return self.lease is not None and now - self.modified >= self.lease + GRAIN

    def dump(self) -> bytes:
        """Write it as JSON; unlike any other lock's, for the id is of one taking alone."""
        kept = {
            "ticket": self.ticket and asdict(self.ticket),
            "lease": self.lease,
            "was": self.was,
            "given_back": self.given_back,
        }
        return json.dumps(kept, ensure_ascii=False, sort_keys=True).encode()
