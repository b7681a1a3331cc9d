"""Which handler a path leads to, and what is said where none does (recording 16).

A route is matched segment by segment on the path without its escapes, so an escaped slash is a slash. A slash
too many at the end is redirected where the same method has the shorter path.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from . import deleting, detail, internal, listing, plain, surroundings, template
from .call import Handler
from .exchange import HTML_TYPE, Response, as_text, empty
from .query import has_bad_escape, unescape

_MARKS = {"&quot;": "&#34;", "&#x27;": "&#39;"}


@dataclass(frozen=True)
class Route:
    """A method and a path, whose `{name}` segments match anything, the empty segment included."""

    method: str
    path: str
    handler: Handler

    @cached_property
    def segments(self) -> list[str]:
        """The segments of the path."""
        return self.path.split("/")

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The values of the path's parameters, or `None`; the last segment is never empty."""
        wanted = self.segments
        if len(wanted) != len(segments) or not segments[-1]:
            return None
        values = {}
        for want, have in zip(wanted, segments, strict=True):
            if want.startswith("{"):
                values[want[1:-1]] = have
            elif want != have:
                return None
        return values

    def ends_in_parameter(self, segments: list[str]) -> bool:
        """Whether a path stops with a slash right behind a parameter in the middle of this route."""
        count = len(segments) - 1
        wanted = self.segments
        if segments[-1] or count >= len(wanted) or not wanted[count - 1].startswith("{"):
            return False
        pairs = zip(wanted[:count], segments[:count], strict=True)
        return all(want.startswith("{") or want == have for want, have in pairs)


INTERNAL_READ = Route("GET", "/api/aslan/build/build/{name}", internal.show_stored)
ROUTES = (
    Route("GET", "/openapi/build", listing.list_builds),
    Route("GET", "/openapi/build/{name}/detail", detail.show_detail),
    Route("POST", "/openapi/build", plain.create),
    Route("PUT", "/openapi/build", plain.update),
    Route("PUT", "/openapi/build/{name}/template", template.update),
    Route("DELETE", "/openapi/build", deleting.delete),
    INTERNAL_READ,
    Route("GET", "/api/aslan/code/codehost", surroundings.list_code_hosts),
    Route("GET", "/openapi/system/cluster", surroundings.list_clusters),
    Route("GET", "/openapi/projects/project", surroundings.list_projects),
    Route("GET", "/openapi/workflows", surroundings.list_workflows),
    Route("GET", "/openapi/workflows/custom/{key}/detail", surroundings.show_workflow),
)
WITHOUT_INTERNAL_READ = tuple(route for route in ROUTES if route is not INTERNAL_READ)


class Found(NamedTuple):
    """A handler and the parameters of its path."""

    handler: Handler
    parameters: dict[str, str]


def find(method: str, raw_path: str, raw_query: str, routes: tuple[Route, ...] = ROUTES) -> Found | Response:
    """The handler of a path as it was sent, or the answer where there is none."""
    if has_bad_escape(raw_path):
        return as_text(400, "400 Bad Request")
    path = unescape(raw_path)
    segments = path.split("/")
    allowed = False
    for route in routes:
        values = route.match(segments)
        if values is not None and route.method == method:
            return Found(route.handler, values)
        allowed = allowed or values is not None
    if _has_slash_too_many(method, segments, routes):
        return _redirect(method, path[:-1], raw_query)
    if allowed:
        return as_text(405, f"Method not allowed: {method} {path}")
    return as_text(404, f"Invalid path: {path}")


def _has_slash_too_many(method: str, segments: list[str], routes: tuple[Route, ...]) -> bool:
    if segments[-1]:
        return False
    return any(
        route.method == method and (route.match(segments[:-1]) is not None or route.ends_in_parameter(segments))
        for route in routes
    )


def _redirect(method: str, path: str, raw_query: str) -> Response:
    """301 with a page for GET, 307 without a body for the others."""
    location = posixpath.normpath(quote(path, safe="$&+,/:;=@", errors="surrogateescape"))
    if raw_query:
        location = f"{location}?{raw_query}"
    if method != "GET":
        return empty(307).but(headers={"location": location})
    link = escape(location)
    for ours, theirs in _MARKS.items():
        link = link.replace(ours, theirs)
    page = as_text(301, f'<a href="{link}">Moved Permanently</a>.\n\n', HTML_TYPE)
    return page.but(headers={**page.headers, "location": location})
