"""GitHub's API of issue comments, from its reference ("REST API endpoints for issue comments", "Rate limits").

* A token is `Authorization: Bearer …`; an unknown one is 401 "Bad credentials". `/user` is 403 for a job's token, which
  is an application's and has no user. A job of a request from a fork has a token that can only read.
* A list has 30 rows a page, 100 at most, the oldest first, and a Link header; what one may not see is 404.
* A body is of 65,536 characters at most (422). A locked conversation and an archived repository are 403.
* A comment is changed by its author; by others only with the right to write to the repository.
* A repository that was renamed is 301.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.forge.forge_server import ForgeServer, Reply, Seen, reply

BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
LIMIT = 65_536
_COMMENTS = re.compile(r"/repos/([^/]+/[^/]+)/issues/(\d+)/comments")
_ONE = re.compile(r"/repos/([^/]+/[^/]+)/issues/comments/(\d+)")
_INTEGRATION = {"message": "Resource not accessible by integration", "status": "403"}


@dataclass
class User:
    """Whose token it is. `writes`: may comment; `edits`: may change others' comments; `app`: has no `/user`."""

    document: dict[str, Any] = field(default_factory=lambda: BOT)
    writes: bool = True
    edits: bool = False
    app: bool = True


@dataclass
class GitHubServer(ForgeServer):
    """One repository, `acme/builds`, with one pull request, 12."""

    users: dict[str, User] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    repository: str = "acme/builds"
    pull: int = 12
    locked: bool = False
    archived: bool = False
    moved: str = ""
    remaining: int = 5_000
    last: int = 1_000

    def add(self, body: str, user: dict[str, Any] | None = BOT) -> dict[str, Any]:
        """Somebody comments; None is an account that is gone."""
        self.last += 1
        comment = {"id": self.last, "body": body, "user": user, "author_association": "NONE"}
        self.comments.append(comment)
        return comment

    def bodies(self) -> list[str]:
        """What the comments say, the oldest first."""
        return [comment["body"] for comment in self.comments]

    def answer(self, seen: Seen) -> Reply:
        """Answer, with the count of requests that are left."""
        answer = self._answer(seen)
        self.remaining = max(0, self.remaining - 1)
        answer.headers["X-RateLimit-Remaining"] = str(self.remaining)
        answer.headers["X-RateLimit-Reset"] = "1700000100"
        return answer

    def _answer(self, seen: Seen) -> Reply:
        user = self.users.get(seen.headers.get("authorization", "").removeprefix("Bearer "))
        if user is None:
            return reply(401, {"message": "Bad credentials", "status": "401"})
        if seen.path == "/user" and seen.method == "GET":
            return reply(403, _INTEGRATION) if user.app else reply(200, user.document)
        for pattern in (_COMMENTS, _ONE):
            found = pattern.fullmatch(seen.path)
            if found and found[1] == self.moved:
                return reply(301, {"message": "Moved Permanently"}, Location=f"{self.url}/repositories/7{seen.path}")
            if found and found[1] == self.repository:
                return self._list(seen, user, int(found[2])) if pattern is _COMMENTS else self._one(seen, user, found)
        return _missing()

    def _list(self, seen: Seen, user: User, number: int) -> Reply:
        if number != self.pull:
            return _missing()
        return self._page(seen) if seen.method == "GET" else self._create(seen, user)

    def _page(self, seen: Seen) -> Reply:
        size, number = min(100, int(seen.query.get("per_page", 30))), int(seen.query.get("page", 1))
        pages = max(1, -(-len(self.comments) // size))
        at = f"<{self.url}{seen.path}?per_page={size}&page="
        links = [f'{at}{number - 1}>; rel="prev"', f'{at}1>; rel="first"'] if number > 1 else []
        links += [f'{at}{number + 1}>; rel="next"', f'{at}{pages}>; rel="last"'] if number < pages else []
        rows = self.comments[(number - 1) * size : number * size]
        return reply(200, rows, **({"Link": ", ".join(links)} if links else {}))

    def _refused(self, user: User, body: str) -> Reply | None:
        if self.archived:
            return reply(403, {"message": "Repository was archived so is read-only.", "status": "403"})
        if not user.writes:
            return reply(403, _INTEGRATION)
        if len(body) > LIMIT:
            message = f"Body is too long (maximum is {LIMIT} characters)"
            return reply(422, {"message": "Validation Failed", "errors": [{"field": "data", "message": message}]})
        return None if body else reply(422, {"message": "Validation Failed", "errors": [{"field": "body"}]})

    def _create(self, seen: Seen, user: User) -> Reply:
        refused = self._refused(user, seen.body["body"])
        if refused is None and self.locked:
            refused = reply(403, {"message": "Unable to create comment because issue is locked.", "status": "403"})
        return refused or reply(201, self.add(seen.body["body"], user.document))

    def _one(self, seen: Seen, user: User, found: re.Match[str]) -> Reply:
        comments = [comment for comment in self.comments if comment["id"] == int(found[2])]
        if not comments or seen.method != "PATCH":
            return _missing()
        if comments[0]["user"] != user.document and not user.edits:
            return reply(403, {"message": "Must have admin rights to Repository.", "status": "403"})
        refused = self._refused(user, seen.body["body"])
        if refused is None:
            comments[0]["body"] = seen.body["body"]
        return refused or reply(200, comments[0])


def _missing() -> Reply:
    return reply(404, {"message": "Not Found", "status": "404"})
