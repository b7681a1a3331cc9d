"""A stand-in for the Zadig platform's Build OpenAPI, from the contract and the recordings alone.

Its job: answer every request as the platform would, byte for byte where the recordings show it, hold the
builds in the platform's own stored form, and fail on demand.

What enters: a `Request` (through `Emulator.handle`, or over a socket through `serve` and `running`), a world
and builds in the stored form. What leaves: a `Response`, and what is really stored (`Emulator.state`).

Forbidden here: anything of `reconciler` outside `reconciler.emulator`, and any library but Python's own, so
that a mistake in our mapping is never mirrored by its own test double.

    server ─► emulator ─► router ─► plain · template · listing · detail · internal · deleting ─► store · world
                  │                     └─ bodies, shapes, gojson: how the server reads JSON
                  └─ faults, journal, control (the doors), settings, gate (who asks)
"""

from .emulator import Emulator
from .exchange import Request, Response
from .server import running, serve

__all__ = ["Emulator", "Request", "Response", "running", "serve"]
