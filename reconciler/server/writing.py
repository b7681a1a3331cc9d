"""The five writes, each sent once: what came of it is `Written`, `Refusal` or `Lost`.

`PUT /openapi/build?source=template` is never used (the server runs a create there); the body's project and
name decide, and the query says the same (contract, section 1).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from reconciler.model.body import to_body
from reconciler.model.build import Build
from reconciler.model.errors import TooOld
from reconciler.model.fields import Kind
from reconciler.server import wire
from reconciler.server.reading import LIST, not_permitted
from reconciler.server.transport import Answer, Lost, WriteDoor

UNCERTAIN = (429, 502, 503, 504)
"""Answers of something in front of the server: only reading back tells whether the write arrived."""


@dataclass(frozen=True, slots=True)
class Written:
    """The server said success."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The server said no: HTTP status, business code (0 without a body), and its own text as a hint."""

    status: int
    code: int
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """A dry run: nothing was sent."""


Result = Written | Refusal | Lost | NotSent


class Writer(Protocol):
    """What an apply writes through."""

    def create(self, build: Build) -> Result:
        """Create a build."""
        ...

    def update(self, build: Build, kept: Collection[str]) -> Result:
        """Replace a build of the same kind."""
        ...

    def delete(self, build: Build) -> Result:
        """Delete a build."""
        ...


class ServerWriter:
    """Writes to the server."""

    def __init__(self, door: WriteDoor) -> None:
        self._door = door

    def probe(self) -> None:
        """Make sure that the server has the documented API. Raises TooOld.

        A PUT with an empty body answers 400 from v4.2.0 on and 405 before (contract, section 1).
        """
        answer = self._door.put(LIST, {}, b"")
        if isinstance(answer, Answer) and answer.status in (404, 405):
            raise TooOld(
                f"{self._door.server} is a Zadig before v4.2.0, whose API cannot update builds",
                "upgrade Zadig to v4.2.0 or later; nothing was written",
            )

    def create(self, build: Build) -> Result:
        """`POST /openapi/build`."""
        params = {"projectKey": build.project}
        if build.kind is Kind.TEMPLATE:
            params["source"] = "template"
        return self._result(self._door.post(LIST, params, wire.encode(to_body(build))), build)

    def update(self, build: Build, kept: Collection[str] = ()) -> Result:
        """`PUT /openapi/build`, or its template sibling."""
        body = wire.encode(to_body(build, kept))
        path = LIST if build.kind is Kind.PLAIN else f"{LIST}/{quote(build.name, safe='')}/template"
        return self._result(self._door.put(path, {"projectKey": build.project}, body), build)

    def delete(self, build: Build) -> Result:
        """`DELETE /openapi/build`; the server says success also where there was nothing (contract, section 3).

        Raises RuntimeError where the build has no name or no project, before anything is sent.
        """
        return self._result(self._door.delete(LIST, {"name": build.name, "projectKey": build.project}), build)

    def _result(self, answer: Answer | Lost, build: Build) -> Result:
        if isinstance(answer, Lost):
            return answer
        if answer.status == 200:
            return Written()
        if answer.status in UNCERTAIN:
            return Lost(f"HTTP {answer.status}", answer.retry_after or 0.0)
        return _refusal(answer, build, self._door)


def _refusal(answer: Answer, build: Build, door: WriteDoor) -> Refusal:
    code, description = wire.business(answer.body)
    description = door.heard.told(description)
    if answer.status == 403:
        message, hint = not_permitted(answer, build.project)
        return Refusal(403, 0, message, hint)
    if answer.status == 400 and not answer.body:
        return Refusal(400, 0, "the server does not accept the body", "this is a fault of ours: please report it")
    hint = f'the server says: "{description}"; its text may be about another request' if description else ""
    words = _WORDS.get(code, f"the server answered HTTP {answer.status}")
    if answer.status == 500 and build.kind is Kind.TEMPLATE:
        words = "the server failed; most likely the template or a code host that it names does not exist"
    return Refusal(answer.status, code, words, hint)


_WORDS = {
    6520: "the server refused to create it: the name is taken, or a base image, cluster, code host or Dockerfile "
    "template that it names does not exist",
    6521: "the server refused to update it: a base image, cluster, code host or Dockerfile template that it names "
    "does not exist, or the build is gone",
    6524: "the server refused to delete it",
    6523: "the server does not find the build or its template",
    7050: "template builds need a Professional licence on the server",
}


class DryWriter:
    """Writes nothing and can write nothing: it has no door."""

    def create(self, build: Build) -> Result:
        """Send nothing."""
        del build
        return NotSent()

    def update(self, build: Build, kept: Collection[str]) -> Result:
        """Send nothing."""
        del build, kept
        return NotSent()

    def delete(self, build: Build) -> Result:
        """Send nothing."""
        del build
        return NotSent()
