"""A request as it arrives and an answer as it leaves, without any transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Document = dict[str, Any]
Broken = Literal["reset", "lost-answer", "timeout", "truncated"]

JSON_TYPE = "application/json; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request: `path` with its percent escapes as sent, `query` raw and without the question mark."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """One HTTP answer; `broken` names what the transport does instead of delivering it whole.

    `reset`, `lost-answer` and `timeout` deliver nothing (their `status` tells what the server had decided,
    0 when it did nothing); `truncated` delivers the half of the body that is here and then closes.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: Broken | None = None

    def but(self, **changes: Any) -> Response:
        """The same answer with some parts replaced."""
        return replace(self, **changes)


def as_json(value: Any, status: int = 200) -> Response:
    """An answer with a JSON body."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, {"content-type": JSON_TYPE}, body)


def as_text(status: int, text: str, content_type: str = TEXT_TYPE) -> Response:
    """An answer with a body of text."""
    return Response(status, {"content-type": content_type}, text.encode("utf-8", "surrogateescape"))


def empty(status: int) -> Response:
    """An answer without a body, and so without a content type (the contract's section 4)."""
    return Response(status)


def success() -> Response:
    """The answer of every call that succeeds without data (the contract's section 4)."""
    return as_json({"message": "success"})
