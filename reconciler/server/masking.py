"""Any JSON of the server as text that may be told: credentials inside it are masked, at any depth.

What the table has no row for may hold a credential too: a repository's password in a target, a variable that is
one, a key that a later version adds. A name that sounds like a secret is taken for one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.secret import MASK

_SOUNDS_SECRET = re.compile(r"passw|secret|token|ssh_?key|private|access_?key|api_?key|auth_?key", re.IGNORECASE)
_VALUES = ("value", "default_value", "choice_value", "choice_option", "script")
"""Where a variable that is a credential holds it."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value as it may be told. `secret`: something in it is masked, so that no digest of it is told either."""

    text: str
    secret: bool


def tell(key: str, value: Any, *, credential: bool = False) -> Told:
    """Return the value of a key as text. `credential`: it belongs to a variable that is one."""
    if credential or _is_secret(key, value):
        return Told("", secret=True)
    masked = _masked(value)
    return Told(as_text(masked), secret=masked != value)


def as_text(value: object) -> str:
    """Return any JSON as text with sorted keys: same value, same text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_secret(key: str, value: Any) -> bool:
    return bool(value) and not isinstance(value, bool) and _SOUNDS_SECRET.search(key) is not None


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    credential = value.get("is_credential") is True
    return {
        key: MASK if _is_secret(key, item) or (credential and key in _VALUES and item) else _masked(item)
        for key, item in value.items()
    }
