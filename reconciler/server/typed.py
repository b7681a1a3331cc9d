"""Typed access to the server's JSON: what is missing is empty, what is of another type is nonsense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.model.errors import ServerError

Json = Mapping[str, Any]


class Nonsense(ServerError):
    """The server answered something that a Zadig does not."""

    def __init__(self, message: str, hint: str = "is this the address of a Zadig of v4.2.0 or later?") -> None:
        super().__init__(message, hint)


def branch(detail: Json, path: list[str] | tuple[str, ...]) -> Json:
    """Follow keys downwards; an empty object where one is missing or null."""
    for key in path:
        found = detail.get(key)
        if found is None:
            return {}
        detail = as_object(found, key)
    return detail


def as_object(value: Any, what: str) -> Json:
    """Return an object. Raises Nonsense for anything else."""
    if not isinstance(value, Mapping):
        raise Nonsense(f"{what} is not an object in the server's answer")
    return value


def objects(level: Json, key: str) -> list[Json]:
    """Return a list of objects; empty where it is missing or null."""
    value = level.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Nonsense(f"{key} is not a list in the server's answer")
    return [as_object(item, key) for item in value]


def text(level: Json, key: str) -> str:
    """Return a text; "" where it is missing or null."""
    value = level.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Nonsense(f"{key} is not a text in the server's answer")
    return value


def integer(level: Json, key: str) -> int:
    """Return a whole number; 0 where it is missing or null."""
    value = level.get(key)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool):
        raise Nonsense(f"{key} is not a whole number in the server's answer")
    return value


def boolean(level: Json, key: str) -> bool:
    """Return true or false; False where it is missing or null."""
    value = level.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Nonsense(f"{key} is not true or false in the server's answer")
    return value


def texts(level: Json, key: str) -> tuple[str, ...]:
    """Return a list of texts; empty where it is missing or null."""
    value = level.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Nonsense(f"{key} is not a list of texts in the server's answer")
    return tuple(value)
