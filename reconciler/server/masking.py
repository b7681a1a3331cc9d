"""Any JSON of the server as it may be told: credentials inside it are masked, at any depth.

What the table has no row for may hold a credential too: a repository's password in a target, a variable that is
one, a key that a later version adds. A name that sounds like a secret is taken for one, and so is who stands in
front of the host of an address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.fields import ASTERISKS
from reconciler.model.secret import MASK, Secret

_SOUNDS_SECRET = re.compile(
    r"pass(w|_?phrase|_?code)|pwd|secret|token|credential|private|(ssh|access|api|auth|sign(ing)?|deploy)_?key",
    re.IGNORECASE,
)
_VALUES = ("value", "default_value", "choice_value", "choice_option", "script")
"""Where a variable that is a credential holds it."""

_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)([^/\s@]+)(?=@)", re.IGNORECASE)
"""An address, and who stands in front of its host."""


@dataclass(frozen=True, slots=True)
class Told:
    """A value as it may be told. `secret`: something in it is masked, so that no digest of it is told either."""

    text: str
    secret: bool


def tell(key: str, value: Any, *, credential: bool = False) -> Told:
    """Return the value of a key as text. `credential`: it belongs to a variable that is one."""
    if credential or _is_secret({}, key, value):
        return Told("", secret=True)
    masked = mask(value)
    return Told(as_text(masked), secret=masked != value)


def mask(answer: Any, tell_text: Callable[[str], str] = lambda text: text) -> Any:
    """Return an answer with the mask in place of everything that its place makes secret. Keys stay.

    Args:
        answer: any JSON.
        tell_text: what may be told of any other text.
    """
    if isinstance(answer, Mapping):
        return {key: MASK if _is_secret(answer, key, item) else mask(item, tell_text) for key, item in answer.items()}
    if isinstance(answer, list):
        return [mask(item, tell_text) for item in answer]
    return _USER.sub(rf"\g<1>{MASK}", tell_text(answer)) if isinstance(answer, str) else answer


def secrets_of(answer: Any) -> Iterator[Secret]:
    """Yield every text of an answer that its place makes a secret."""
    if isinstance(answer, list):
        for item in answer:
            yield from secrets_of(item)
    elif isinstance(answer, Mapping):
        for key, item in answer.items():
            yield from map(Secret, _texts(item)) if _is_secret(answer, key, item) else secrets_of(item)
    elif isinstance(answer, str) and (user := _USER.match(answer)):
        yield Secret(user[2])


def as_text(value: object) -> str:
    """Return any JSON as text with sorted keys: same value, same text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _is_secret(holder: Mapping[str, Any], key: str, value: Any) -> bool:
    """Tell whether a key of an object holds something, and that a secret."""
    if not value or isinstance(value, bool):
        return False
    return (key in _VALUES and bool(holder.get("is_credential"))) or _SOUNDS_SECRET.search(key) is not None


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a secret, but for what stands where the server shows none."""
    if isinstance(value, str):
        yield from [value] if value not in ("", ASTERISKS) else []
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(item)
