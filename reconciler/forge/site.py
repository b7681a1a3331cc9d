"""What differs between the two APIs: paths, pages, how a comment looks, and how we know that it is ours.

GitHub: https://docs.github.com/en/rest/issues/comments (a pull request is an issue; pages by the Link header; a job's
token has no user, its comments are a bot's). GitLab: https://docs.gitlab.com/api/notes (X-Next-Page; system notes are
no comments; a line that begins with a slash is carried out).

Only comments of our own account are ever changed: anybody may write a comment with our mark into it, and change it
again behind our back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

from reconciler.forge.place import Forge, Place
from reconciler.forge.wire import Answer

_NEXT = re.compile(r">\s*;\s*(?:\w+=\"?\w+\"?;\s*)*rel=\"?next\"?", re.IGNORECASE)
PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as it is there. `author`: name or number of an account; `bot`: that account is an application's."""

    id: int
    body: str
    author: str
    bot: bool = False


class Site(Protocol):
    """One of the two APIs, for one pull or merge request. Paths are below the API's base URL."""

    name: str
    longest: int
    acts: bool
    anonymous: tuple[int, ...]
    comments: str
    update_method: str

    def page(self, number: int) -> str:
        """Return the path of a page of comments, the oldest first; numbers begin with 1."""

    def has_next(self, answer: Answer) -> bool:
        """Tell whether a page is followed by another one."""

    def comment(self, document: Mapping[str, Any]) -> Comment | None:
        """Read a comment; None where it is none of an account. Raises KeyError, TypeError or ValueError."""

    def one(self, id: int) -> str:
        """Return the path of a comment."""

    def me(self, document: Mapping[str, Any]) -> str:
        """Read who we are from the answer of `/user`. Raises KeyError."""


class GitHub:
    """A pull request of GitHub, or of a GitHub Enterprise Server."""

    name = "GitHub"
    longest = 65_536
    acts = False
    anonymous: tuple[int, ...] = (403, 404)
    update_method = "PATCH"

    def __init__(self, place: Place) -> None:
        self._repository = f"/repos/{place.repository}/issues"
        self.comments = f"{self._repository}/{place.request}/comments"

    def page(self, number: int) -> str:
        """Return the path of a page of comments."""
        return f"{self.comments}?per_page={PER_PAGE}&page={number}"

    def has_next(self, answer: Answer) -> bool:
        """Look into the Link header; the address in it is not followed."""
        return _NEXT.search(answer.header("link")) is not None

    def comment(self, document: Mapping[str, Any]) -> Comment | None:
        """Read a comment; an account that is gone has no name."""
        user = document.get("user") or {}
        body = document.get("body") or ""
        return Comment(int(document["id"]), str(body), str(user.get("login", "")), user.get("type") == "Bot")

    def one(self, id: int) -> str:
        """Return the path of a comment."""
        return f"{self._repository}/comments/{id}"

    def me(self, document: Mapping[str, Any]) -> str:
        """Return our login."""
        return str(document["login"])


class GitLab:
    """A merge request of GitLab."""

    name = "GitLab"
    longest = 1_000_000
    acts = True
    anonymous: tuple[int, ...] = ()
    update_method = "PUT"

    def __init__(self, place: Place) -> None:
        project = quote(place.repository, safe="")
        self.comments = f"/projects/{project}/merge_requests/{place.request}/notes"

    def page(self, number: int) -> str:
        """Return the path of a page of notes."""
        return f"{self.comments}?sort=asc&order_by=created_at&per_page={PER_PAGE}&page={number}"

    def has_next(self, answer: Answer) -> bool:
        """Look into X-Next-Page, which is empty on the last one."""
        return bool(answer.header("x-next-page").strip())

    def comment(self, document: Mapping[str, Any]) -> Comment | None:
        """Read a note; one that the system wrote is no comment."""
        if document.get("system"):
            return None
        author = document.get("author") or {}
        return Comment(int(document["id"]), str(document.get("body") or ""), str(author.get("id", "")))

    def one(self, id: int) -> str:
        """Return the path of a note."""
        return f"{self.comments}/{id}"

    def me(self, document: Mapping[str, Any]) -> str:
        """Return the number of our account."""
        return str(document["id"])


def site_of(place: Place) -> Site:
    """Return the API of a place."""
    return GitHub(place) if place.forge is Forge.GITHUB else GitLab(place)
