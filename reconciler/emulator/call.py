"""What a handler is given, and the type of every handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .exchange import Response
from .gate import Identity
from .query import Query
from .store import Store
from .world import World


@dataclass(frozen=True)
class Call:
    """One request on its way into a handler; `now` is in whole seconds."""

    world: World
    store: Store
    identity: Identity
    query: Query
    body: bytes
    now: int
    parameters: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Response]
