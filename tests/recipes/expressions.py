"""GitHub's expressions, as far as our workflows use them, from its reference ("Evaluate expressions in workflows").

    "a == 'x' && !cancelled()", contexts ─► value          "plan-${{ github.sha }}", contexts ─► text

What is not there is null; texts are compared without their case; && and || give one of their sides. Nothing of ours is
imported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<sign>==|!=|&&|\|\||[!()])|(?P<name>[A-Za-z_][\w.-]*))")

Contexts = Mapping[str, Any]
"""By name: what stands behind a dot, and functions without arguments under `()`."""


def interpolated(text: Any, contexts: Contexts) -> str:
    """Return a text of a workflow with the value of each `${{ }}` in it."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: _text(evaluate(found[1], contexts)), _text(text))


def condition(text: Any, contexts: Contexts) -> bool:
    """Return whether an `if` holds; without a word about success or failure it means success, too."""
    bare = str(text).strip()
    bare = bare[3:-2] if bare.startswith("${{") and bare.endswith("}}") else bare
    asks = re.search(r"\b(always|failure|cancelled|success)\(\)", bare)
    holds = bool(evaluate(bare, contexts))
    return holds if asks else holds and bool(evaluate("success()", contexts))


def evaluate(text: str, contexts: Contexts) -> Any:
    """Return the value of an expression. Raises ValueError for what this reader does not know."""
    reader = _Reader(text.strip(), contexts)
    value = reader.either()
    if reader.rest:
        raise ValueError(f"cannot read {reader.rest!r} of {text!r}")
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Reader:
    """Reads an expression from the left."""

    def __init__(self, text: str, contexts: Contexts) -> None:
        self.rest = text
        self._contexts = contexts

    def either(self) -> Any:
        value = self._both()
        while self._take("||"):
            other = self._both()
            value = value or other
        return value

    def _both(self) -> Any:
        value = self._compared()
        while self._take("&&"):
            other = self._compared()
            value = value and other
        return value

    def _compared(self) -> Any:
        value = self._one()
        for sign in ("==", "!="):
            if self._take(sign):
                same = _text(value).lower() == _text(self._one()).lower()
                return same if sign == "==" else not same
        return value

    def _one(self) -> Any:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            value = self.either()
            if not self._take(")"):
                raise ValueError(f"no ) before {self.rest!r}")
            return value
        found = self._next()
        if found is None or found["sign"]:
            raise ValueError(f"cannot read {self.rest!r}")
        self.rest = self.rest[found.end() :]
        if found["text"]:
            return found["text"][1:-1].replace("''", "'")
        if self._take("("):
            if not self._take(")"):
                raise ValueError(f"no function with arguments is known: {found['name']}")
            function: Callable[[], Any] = self._contexts["()"][found["name"]]
            return function()
        return self._looked_up(found["name"])

    def _looked_up(self, name: str) -> Any:
        if name in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[name]
        value: Any = self._contexts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self.rest)

    def _take(self, sign: str) -> bool:
        found = self._next()
        if found is None or found["sign"] != sign:
            return False
        self.rest = self.rest[found.end() :]
        return True
