"""A forge with one request, comments on it, and a clock that only moves when somebody waits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.forge.place import Account, Forge, Place, account
from reconciler.forge.post import Posted, post
from reconciler.forge.wire import Timing
from tests.forge.forge_server import serving
from tests.forge.github_server import BOT, GitHubServer, User
from tests.forge.gitlab_server import Account as GitLabAccount
from tests.forge.gitlab_server import GitLabServer

TOKEN = "tok-9d1f-canary-of-the-forge"
STRANGER = {"login": "mallory", "id": 5, "type": "User"}


@dataclass
class Hands:
    """A clock for `Timing`: it stands still until somebody waits."""

    time: float = 1_700_000_000.0
    waited: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.time += seconds

    @property
    def timing(self) -> Timing:
        return Timing(silence=5.0, now=lambda: self.time, wall=lambda: self.time, sleep=self.sleep)


@dataclass
class World:
    """A forge, our account there, and the request."""

    forge: Forge
    server: GitHubServer | GitLabServer
    hands: Hands = field(default_factory=Hands)

    @property
    def place(self) -> Place:
        return Place(self.forge, self.server.url, "acme/builds", 12)

    @property
    def account(self) -> Account:
        found = account(self.forge, {"RECONCILER_FORGE_TOKEN": TOKEN})
        assert found is not None
        return found

    def post(self, markdown: str, tree: str = "company") -> Posted:
        return post(self.place, self.account, tree, markdown, self.hands.timing)

    def somebody(self, body: str) -> int:
        """A stranger comments."""
        if isinstance(self.server, GitHubServer):
            return int(self.server.add(body, STRANGER)["id"])
        return int(self.server.add(body, 5)["id"])

    def ourselves(self, body: str) -> int:
        """Our account comments, in another run."""
        if isinstance(self.server, GitHubServer):
            return int(self.server.add(body, BOT)["id"])
        return int(self.server.add(body, 1)["id"])

    def remove(self, id: int) -> None:
        """Somebody deletes a comment."""
        rows = self.server.comments if isinstance(self.server, GitHubServer) else self.server.notes
        rows[:] = [row for row in rows if row["id"] != id]

    @property
    def update(self) -> str:
        return "PATCH" if self.forge is Forge.GITHUB else "PUT"

    def said(self, tree: str = "company") -> list[str]:
        """What our comments about a tree say, without their mark."""
        mark = f"<!-- reconciler: {tree} -->\n"
        return [body.removeprefix(mark).strip() for body in self.server.bodies() if body.startswith(mark)]


@contextlib.contextmanager
def github() -> Iterator[World]:
    """A pull request of GitHub, and the token of a job."""
    with serving(GitHubServer(users={TOKEN: User()})) as server:
        assert isinstance(server, GitHubServer)
        yield World(Forge.GITHUB, server)


@contextlib.contextmanager
def gitlab() -> Iterator[World]:
    """A merge request of GitLab, and a project's token."""
    with serving(GitLabServer(accounts={TOKEN: GitLabAccount(1)})) as server:
        assert isinstance(server, GitLabServer)
        yield World(Forge.GITLAB, server)
