"""The places where runs share a ledger, each with what a test must see of it and do to it from outside.

file     a file of this machine
s3       an object store: the small one of the tests, or a real one where it is installed
http     a server of the Terraform HTTP state protocol, plain, behind a token
gitlab   the same in GitLab's form
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.ledger.home import Home, Ticket
from reconciler.ledger.place import open_home
from reconciler.ledger.state_body import read_lock
from reconciler.ledger.state_site import state_name
from tests.ledger.small_s3 import SmallS3
from tests.ledger.state_server import StateServer, serving
from tests.ledger.stores import REAL, running

TOKEN = "token-of-the-states"
KINDS = ("file", "s3", "http", "gitlab")
SHARED = ("s3", "http", "gitlab")
EVERY = [*KINDS, *REAL[:1]]


@dataclass
class SharedPlace:
    """One place.

    Attributes:
        kind: which.
        url: as `--ledger` names it.
        environ: what a runner needs in its environment to use it.
        target: the server's own address, "" for a file; for a network in between.
        server: what answers there.
    """

    kind: str
    url: str
    environ: dict[str, str] = field(default_factory=dict)
    target: str = ""
    server: object = None

    def home(self, zadig: str) -> Home:
        """Open it as one more process would."""
        return open_home(self.url, zadig, environ=self.environ, writable=True)

    def holder(self, zadig: str, project: str = "yaml") -> Ticket | None:
        """Who holds a lock, known without a request that the place would see where it counts them."""
        if isinstance(self.server, StateServer):
            name = state_name(zadig, project)
            locks = self.server.locks
            found = locks.get(name if self.server.gitlab else f"/states/{name}")
            lock = read_lock(json.dumps(found).encode(), packed=self.server.gitlab) if found else None
            return lock.ticket if lock else None
        if isinstance(self.server, SmallS3):
            with self.server.guard:
                found_at = [o for key, o in self.server.objects.items() if key.endswith(f"/{project}.lock.json")]
            held = json.loads(found_at[0][0])["ticket"] if found_at else None
            return Ticket(**held) if held else None
        return self.home(zadig).holder(project)

    def expire(self) -> None:
        """Let the time of every lock that is held now be over, as two minutes without its holder would."""
        if isinstance(self.server, SmallS3):
            self.server.skew += 130.0
        if self.kind == "file":
            with sqlite3.connect(self.url) as db:
                for server, project, ticket in db.execute("SELECT server, project, ticket FROM locks").fetchall():
                    text = json.dumps({**json.loads(ticket), "until": 1.0})
                    query = "UPDATE locks SET ticket = ? WHERE server = ? AND project = ?"
                    db.execute(query, (text, server, project))
            db.close()

    def kept(self) -> dict[str, Any]:
        """Return what is stored now, to be put back; locks are none of it."""
        if isinstance(self.server, SmallS3):
            return dict(self.server.objects)
        assert isinstance(self.server, StateServer)
        return {key: list(states) for key, states in self.server.states.items()}

    def put_back(self, kept: dict[str, Any]) -> None:
        """Let it be as it was."""
        if isinstance(self.server, SmallS3):
            self.server.objects = dict(kept)
            return
        assert isinstance(self.server, StateServer)
        self.server.states = {key: list(states) for key, states in kept.items()}
        self.server.locks.clear()

    def behind(self, proxy: str) -> SharedPlace:
        """The same place, seen through a network in between."""
        if self.kind in ("http", "gitlab"):
            return replace(self, url=self.url.replace(self.target, proxy))
        return replace(self, environ={**self.environ, "AWS_ENDPOINT_URL": proxy})


@contextlib.contextmanager
def shared_place(kind: str, folder: Path) -> Iterator[SharedPlace]:
    """Make an empty place, and serve it for as long as the context lasts."""
    if kind == "file":
        yield SharedPlace(kind, str(folder / "ledger.db"))
    elif kind in ("http", "gitlab"):
        token = TOKEN if kind == "gitlab" else f"Bearer {TOKEN}"
        with serving(StateServer(gitlab=kind == "gitlab", accounts=frozenset([token]))) as states:
            target = states.url[: states.url.index("/", 8)]
            yield SharedPlace(kind, states.url, {"RECONCILER_LEDGER_TOKEN": TOKEN}, target, states)
    else:
        with running("small" if kind == "s3" else kind, folder / "store") as store:
            yield SharedPlace(kind, "s3://led/shared", store.environ, store.url, store)
