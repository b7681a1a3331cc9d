"""The doors under `/_emulator/`, through which any test or benchmark drives the emulator over HTTP.

What comes through them is neither recorded nor subject to faults and latency. A body that is not as described
is answered with 400 and a sentence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from .exchange import Document, Request, Response, as_json, as_text

_PREFIX = "/_emulator/"


class Driven(Protocol):
    """What the doors need of the emulator."""

    def state(self) -> Document:
        """The world and all builds."""

    def set_state(self, world: Document | None, builds: list[Document]) -> None:
        """Replace all builds, and the world where one is given."""

    def requests(self) -> list[Document]:
        """What arrived."""

    def clear_requests(self) -> None:
        """Forget what arrived."""

    def set_faults(self, rules: list[Document]) -> None:
        """Replace the faults."""

    def set_settings(self, changes: Document) -> None:
        """Change some settings."""


class Doors:
    """The control calls of one emulator."""

    def __init__(self, emulator: Driven) -> None:
        self._emulator = emulator
        self._readings: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "state"): emulator.state,
            ("GET", "requests"): emulator.requests,
            ("DELETE", "requests"): emulator.clear_requests,
        }
        self._changes: dict[tuple[str, str], Callable[[Any], None]] = {
            ("PUT", "state"): self._put_state,
            ("PUT", "faults"): emulator.set_faults,
            ("PUT", "settings"): emulator.set_settings,
        }

    def answer(self, request: Request) -> Response:
        """The answer of a door: `{}` where there is nothing to tell."""
        door = request.path.removeprefix(_PREFIX)
        key = (request.method, door)
        if key in self._readings:
            told = self._readings[key]()
            return as_json({} if told is None else told)
        if key in self._changes:
            return self._change(self._changes[key], request.body)
        if any(name == door for _, name in (*self._readings, *self._changes)):
            return as_text(405, f"Method not allowed: {request.method} {request.path}")
        return as_text(404, f"Invalid path: {request.path}")

    def _change(self, change: Callable[[Any], None], body: bytes) -> Response:
        try:
            change(_json(body))
        except ValueError as error:
            return as_json({"message": str(error)}, 400)
        return as_json({})

    def _put_state(self, document: Any) -> None:
        if not isinstance(document, dict) or set(document) - {"world", "builds"}:
            raise ValueError("A state is an object with `builds` and, if it changes, `world`.")
        world, builds = document.get("world"), document.get("builds")
        if world is not None and not isinstance(world, dict):
            raise ValueError("`world` is an object.")
        if not isinstance(builds, list) or not all(isinstance(build, dict) for build in builds):
            raise ValueError("`builds` is a list of objects.")
        self._emulator.set_state(world, builds)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ValueError(f"The body is not JSON: {error}.") from None
