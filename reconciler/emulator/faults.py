"""Faults on demand: which request is hit, and what the fault makes of its answer.

Some faults come instead of the request (nothing is done on the server), the others after it.

    instead   reset, timeout, 429-seconds, 429-date, 500-json, 500-empty, 502-html, 403-empty, 401-empty
    after     lost-answer, truncated, slow, foreign-description, unsettled-list
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from .exchange import HTML_TYPE, Document, Request, Response, as_json, as_text, empty
from .query import unescape

SLOW_SECONDS = 1.0
_LIST_PATH = "/openapi/build"
_FOREIGN = (
    "failed to find build module, buildName: of-another-request, projectName: elsewhere, "
    "err: mongo: no documents in result"
)
_BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


def _too_many(retry_after: str) -> Response:
    answer = as_text(429, "Too Many Requests\n")
    return answer.but(headers={**answer.headers, "retry-after": retry_after})


def _internal_error() -> Response:
    body = {"code": 500, "description": "context deadline exceeded", "message": "Internal Error: "}
    return as_json(body, 500)


INSTEAD = {
    "reset": Response(0, broken="reset"),
    "timeout": Response(0, broken="timeout"),
    "429-seconds": _too_many("1"),
    "429-date": _too_many(""),
    "500-json": _internal_error(),
    "500-empty": empty(500),
    "502-html": as_text(502, _BAD_GATEWAY, HTML_TYPE),
    "403-empty": empty(403),
    "401-empty": empty(401),
}


def instead(kind: str, now: float) -> Response:
    """The answer of a fault that comes instead of the request; `429-date` names a moment a second away at most."""
    if kind == "429-date":
        return _too_many(formatdate(int(now) + 1, usegmt=True))
    return INSTEAD[kind]


def _lose(answer: Response) -> Response:
    return Response(answer.status, broken="lost-answer")


def _truncate(answer: Response) -> Response:
    """The half of the body; the length that was announced is that of the whole."""
    headers = {**answer.headers, "content-length": str(len(answer.body))}
    half = answer.body[: len(answer.body) // 2]
    return Response(answer.status, headers, half, broken="truncated")


def _delay(answer: Response) -> Response:
    time.sleep(SLOW_SECONDS)
    return answer


def _mix_up(answer: Response) -> Response:
    """An error that carries another request's text (the contract's section 4)."""
    body = _object(answer)
    if answer.status < 400 or body is None or "description" not in body:
        return answer
    return as_json(body | {"description": _FOREIGN}, answer.status)


def _unsettle(answer: Response) -> Response:
    """A page of the list that misses its last build and shows its first one twice."""
    body = _object(answer)
    if answer.status != 200 or body is None or not body.get("builds"):
        return answer
    builds = body["builds"]
    return as_json(body | {"builds": [*builds[:-1], builds[0]] if len(builds) > 1 else []})


AFTER: dict[str, Callable[[Response], Response]] = {
    "lost-answer": _lose,
    "truncated": _truncate,
    "slow": _delay,
    "foreign-description": _mix_up,
    "unsettled-list": _unsettle,
}
KINDS = frozenset(INSTEAD) | frozenset(AFTER)


@dataclass
class Rule:
    """One fault and the requests that it hits, counted from 0 among those that match."""

    kind: str
    at: frozenset[int] | None
    probability: float
    seed: Any
    method: str | None
    path: re.Pattern[str] | None
    seen: int = 0
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def hits(self, request: Request) -> bool:
        """Count a request that matches, and tell whether it is hit; a path is matched without its escapes."""
        path = unescape(request.path)
        if self.method is not None and request.method != self.method:
            return False
        if self.path is not None and not self.path.search(path):
            return False
        if self.kind == "unsettled-list" and (request.method, path) != ("GET", _LIST_PATH):
            return False
        index = self.seen
        self.seen += 1
        return index in self.at if self.at is not None else self.dice.random() < self.probability


class Faults:
    """The rules that are set; the first of several that hit decides, and all of them count."""

    def __init__(self, rules: Any = ()) -> None:
        self._rules = [_rule(item) for item in _list(rules)]

    def pick(self, request: Request) -> str | None:
        """The fault of a request, if any."""
        hits = [rule.kind for rule in self._rules if rule.hits(request)]
        return hits[0] if hits else None


def _list(rules: Any) -> list[Any]:
    if not isinstance(rules, list | tuple):
        raise ValueError("Faults are a list of objects.")  # noqa: TRY004 - every bad body is a ValueError
    return list(rules)


def _rule(item: Any) -> Rule:
    """A rule from its JSON; raises ValueError with a sentence for anything that is not as described."""
    if not isinstance(item, dict) or item.get("kind") not in KINDS:
        raise ValueError(f"A fault has a kind, one of: {', '.join(sorted(KINDS))}.")
    unknown = set(item) - {"kind", "at", "probability", "seed", "match"}
    if unknown:
        raise ValueError(f"A fault has no {sorted(unknown)[0]!r}.")
    at, match = item.get("at"), item.get("match") or {}
    if at is not None and not (isinstance(at, list) and all(type(index) is int for index in at)):
        raise ValueError("`at` is a list of indexes.")
    if (at is None) == ("probability" not in item):
        raise ValueError("A fault has either `at` or `probability`.")
    return Rule(
        kind=item["kind"],
        at=None if at is None else frozenset(at),
        probability=_probability(item.get("probability", 0)),
        seed=_seed(item.get("seed", 0)),
        method=_text(match, "method"),
        path=_pattern(_text(match, "path")),
    )


def _probability(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("`probability` is a number from 0 to 1.")
    return float(value)


def _seed(value: Any) -> Any:
    if value is not None and not isinstance(value, int | float | str):
        raise ValueError("`seed` is a number or a text.")
    return value


def _text(match: Any, key: str) -> str | None:
    value = match.get(key) if isinstance(match, dict) else 0
    if value is not None and not isinstance(value, str):
        raise ValueError(f"`match` is an object, and its `{key}` a text.")
    return value


def _pattern(text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise ValueError(f"`path` is not a regular expression: {error}.") from None


def _object(answer: Response) -> Document | None:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
