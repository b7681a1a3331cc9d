"""What arrived: every request since the last clearing, as `GET /_emulator/requests` shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .exchange import Document, Request
from .query import Query


@dataclass
class Entry:
    """A request, and what became of it; `status` is `None` until it is answered, and where nothing was done."""

    request: Request
    fault: str | None
    status: int | None = None

    def as_document(self, index: int) -> Document:
        """The entry with its body parsed and its token left out."""
        request = self.request
        return {
            "index": index,
            "method": request.method,
            "path": request.path,
            "query": Query(request.query).as_document(),
            "headers": {name: value for name, value in request.headers.items() if name.lower() != "authorization"},
            "body": _parsed(request.body),
            "status": self.status,
            "fault": self.fault,
        }


class Journal:
    """The requests since the last clearing, counted from 0."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def open(self, request: Request, fault: str | None) -> Entry:
        """Note a request that has arrived."""
        entry = Entry(request, fault)
        self._entries.append(entry)
        return entry

    def clear(self) -> None:
        """Forget everything; what arrives next has index 0."""
        self._entries = []

    def documents(self) -> list[Document]:
        """Every entry in the order of arrival."""
        return [entry.as_document(index) for index, entry in enumerate(list(self._entries))]


def _parsed(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
