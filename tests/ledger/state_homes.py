"""HTTP homes for tests: over a socket, without waiting between two tries."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.ledger.home import Ticket
from reconciler.ledger.state import StateHome
from reconciler.ledger.state_site import state_name
from reconciler.ledger.state_wire import Timing
from tests.ledger.state_server import StateServer, serving

SERVER = "https://zadig.example"
ANN = Ticket(
    "a1", "ann@build-7", "apply", "c0ffee" * 6 + "c0ff", "https://ci.example/jobs/7", 1_700_000_000.0, None, 11
)
BOB = Ticket("b2", "bob@desk", "adopt", "beef", "https://ci.example/jobs/8", 1_700_000_100.0, None, 22)


@dataclass
class Scene:
    """A server, and homes that speak to it.

    Attributes:
        states: the server.
        naps: how long the homes would have waited, in seconds.
    """

    states: StateServer
    naps: list[float] = field(default_factory=list)
    homes: list[StateHome] = field(default_factory=list)

    def home(self, url: str = "", *, timing: Timing | None = None, **environ: str) -> StateHome:
        """Open the place once more, as another process would."""
        timing = timing or Timing(sleep=self.naps.append, wall=lambda: 1_700_000_000.0)
        self.homes.append(StateHome(url or self.states.url, SERVER, environ=environ, timing=timing))
        return self.homes[-1]

    @property
    def key(self) -> str:
        """Where the server keeps the state of project "yaml"."""
        name = state_name(SERVER, "yaml")
        return name if self.states.gitlab else f"/states/{name}"

    def clear(self) -> None:
        """Forget what has arrived."""
        self.states.requests.clear()


@contextlib.contextmanager
def scene(**settings) -> Iterator[Scene]:
    """Serve for as long as the context lasts."""
    with serving(StateServer(**settings)) as states:
        made = Scene(states)
        yield made
        for home in made.homes:
            home.close()
