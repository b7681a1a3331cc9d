"""GitLab's API of merge request notes, from its reference ("Notes API", "REST API", "Pagination", "Quick actions").

* A token is `PRIVATE-TOKEN: …`; an unknown one, and a job's `JOB-TOKEN`, is 401. One without the scope `api` is 403.
* A list has 20 rows a page, 100 at most, the newest first unless told otherwise, `X-Next-Page` that is empty at the
  end, and the system's notes among people's. A project is named by its number or its encoded path.
* A note is of 1,000,000 characters at most (400). Only its author and maintainers change it (403).
* A line that begins with a slash and a command is carried out and taken out of the note, unless it stands in a fence
  that begins with three backticks; a note of commands alone is none (202).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.forge.forge_server import ForgeServer, Reply, Seen, decoded, reply

LIMIT = 1_000_000
_NOTES = re.compile(r"/projects/([^/]+)/merge_requests/(\d+)/notes(?:/(\d+))?")
_QUICK = re.compile(
    r"(?P<code>^```.+?\n```$)|^/(?P<command>merge|close|approve|assign)(?: [^\n]*)?(?:\n|$)", re.M | re.S
)


@dataclass
class Account:
    """Whose token it is. `api`: has the scope to write; `maintains`: may change others' notes."""

    id: int
    api: bool = True
    maintains: bool = False


@dataclass
class GitLabServer(ForgeServer):
    """One project, 7 or `acme/builds`, with one merge request, 12."""

    accounts: dict[str, Account] = field(default_factory=dict)
    notes: list[dict[str, Any]] = field(default_factory=list)
    projects: tuple[str, ...] = ("7", "acme/builds")
    merge_request: int = 12
    carried_out: list[str] = field(default_factory=list)
    last: int = 300

    prefix = "/api/v4"

    def add(self, body: str, author: int = 1, *, system: bool = False) -> dict[str, Any]:
        """Somebody comments, or something happens."""
        self.last += 1
        note = {"id": self.last, "body": body, "author": {"id": author, "username": f"u{author}"}, "system": system}
        self.notes.append(note)
        return note

    def bodies(self) -> list[str]:
        """What people's notes say, the oldest first."""
        return [note["body"] for note in self.notes if not note["system"]]

    def answer(self, seen: Seen) -> Reply:
        """Answer as the API does."""
        account = self.accounts.get(seen.headers.get("private-token", ""))
        if account is None:
            return reply(401, {"message": "401 Unauthorized"})
        if seen.path == "/user":
            return reply(200, {"id": account.id, "username": f"u{account.id}"})
        found = _NOTES.fullmatch(seen.path)
        if not found or decoded(found[1]) not in self.projects:
            return reply(404, {"message": "404 Project Not Found"})
        if int(found[2]) != self.merge_request:
            return reply(404, {"message": "404 Not found"})
        if seen.method == "GET":
            return self._page(seen)
        if not account.api:
            return reply(403, {"error": "insufficient_scope", "scope": "api"})
        return self._create(seen, account) if seen.method == "POST" else self._update(seen, account, int(found[3]))

    def _page(self, seen: Seen) -> Reply:
        size, number = min(100, int(seen.query.get("per_page", 20))), int(seen.query.get("page", 1))
        rows = self.notes if seen.query.get("sort") == "asc" else self.notes[::-1]
        more = len(rows) > number * size
        return reply(200, rows[(number - 1) * size : number * size], X_Next_Page=str(number + 1) if more else "")

    def _create(self, seen: Seen, account: Account) -> Reply:
        if len(seen.body["body"]) > LIMIT:
            return reply(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
        body = self._carry_out(seen.body["body"])
        return reply(201, self.add(body, account.id)) if body.strip() else reply(202, {"commands_changes": {}})

    def _update(self, seen: Seen, account: Account, id: int) -> Reply:
        notes = [note for note in self.notes if note["id"] == id]
        if not notes:
            return reply(404, {"message": "404 Not found"})
        if notes[0]["author"]["id"] != account.id and not account.maintains:
            return reply(403, {"message": "403 Forbidden"})
        if len(seen.body["body"]) > LIMIT:
            return reply(400, {"message": {"note": ["is too long (maximum is 1000000 characters)"]}})
        notes[0]["body"] = self._carry_out(seen.body["body"])
        return reply(200, notes[0])

    def _carry_out(self, body: str) -> str:
        def one(found: re.Match[str]) -> str:
            if found["command"]:
                self.carried_out.append(found["command"])
                return ""
            return found[0]

        return _QUICK.sub(one, body)
