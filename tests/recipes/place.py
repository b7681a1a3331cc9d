"""A company's repository with a tree of definitions, as `reconciler init` begins it, and what people do to it.

emulator with a company ─ init, commit ─► origin (main)          people: branches, merges, changes in the web page
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli import company
from reconciler.emulator import Emulator, running
from tests.emulator.wire import WORLD
from tests.recipes.machine import ROOT, Machine, git
from tests.rig import TOKEN

SECRETS = {"ZADIG_TOKEN": TOKEN, "BUILD_PAYMENTS__REGISTRY_PASSWORD": "registry-word-of-the-company"}


@dataclass
class Company:
    """A server, and a repository that nobody has touched since it was begun."""

    emulator: Emulator
    url: str
    folder: Path

    @property
    def ledger(self) -> Path:
        """A ledger in which all builds are adopted, as the recipes' job by hand makes one."""
        return self.folder.parent / "ledger.db"

    def reset(self) -> None:
        """Put the server's builds back to what they were."""
        self.emulator.set_state(WORLD, company.builds())
        self.emulator.set_faults([])
        self.emulator.clear_requests()


@contextmanager
def founded(folder: Path) -> Iterator[Company]:
    """A server, and the repository that `init` and one commit made for it."""
    emulator = Emulator()
    with running(emulator) as url:
        made = Company(emulator, url, folder / "our-builds")
        made.reset()
        made.folder.mkdir()
        git(made.folder, "init", "--quiet", "--initial-branch=main")
        git(made.folder, "config", "uploadpack.allowAnySHA1InWant", "true")
        words = [sys.executable, "-m", "reconciler", "init", "--server", url, "--tree", "our-builds", "--ci", "none"]
        environ = {"PYTHONPATH": str(ROOT), "ZADIG_TOKEN": TOKEN, "PATH": ""}
        subprocess.run(words, cwd=made.folder, env=environ, capture_output=True, check=True)
        git(made.folder, "add", "--all")
        git(made.folder, "commit", "--quiet", "--message", "Begin")
        words = [sys.executable, "-m", "reconciler", "adopt", "--yes", "--ledger", str(made.ledger)]
        subprocess.run(words, cwd=made.folder, env=environ, capture_output=True, check=True)
        yield made


@dataclass
class Place:
    """A repository of its own for one test, and the machine of its CI."""

    company: Company
    machine: Machine

    @property
    def main(self) -> str:
        """The last commit of main."""
        return git(self.machine.origin, "rev-parse", "main")

    @property
    def script(self) -> str:
        """The script of the build `billing` on the server."""
        return str(self.build("billing")["scripts"])

    def build(self, name: str) -> dict:
        """A build as the server has it."""
        (found,) = [build for build in self.company.emulator.state()["builds"] if build["name"] == name]
        return found

    def branch(self, name: str, file: str = "yaml/billing.sh", text: str = "make publish\n") -> tuple[str, str]:
        """Somebody adds a line to a file; return the branch's commit, and what merging it into main gives today."""
        git(self.machine.origin, "checkout", "--quiet", "-b", name, "main")
        path = self.machine.origin / file
        path.write_bytes(path.read_bytes() + text.encode())
        git(self.machine.origin, "commit", "--quiet", "--all", "--message", f"Change {file}")
        head = git(self.machine.origin, "rev-parse", "HEAD")
        return head, self._merged(head, f"request-{name}")

    def without_billing(self) -> str:
        """Somebody takes a definition away and asks for its build to go; return the branch's commit."""
        origin = self.machine.origin
        git(origin, "checkout", "--quiet", "-b", "prune", "main")
        path = origin / "reconciler.yaml"
        kept = [one for one in path.read_text("utf-8").splitlines() if not one.startswith(("prune:", "max_delete"))]
        path.write_text("\n".join([*kept, "prune: owned", "max_delete_percent: 100", ""]), encoding="utf-8")
        git(origin, "rm", "--quiet", "yaml/billing.yaml")
        git(origin, "commit", "--quiet", "--all", "--message", "Take billing away")
        return git(origin, "rev-parse", "HEAD")

    def merge(self, head: str) -> str:
        """Merge a branch into main; return the merge."""
        merge = self._merged(head, "merging")
        git(self.machine.origin, "branch", "--force", "main", merge)
        (self.machine.store / "merged" / merge).write_text(head, encoding="utf-8")
        return merge

    def _merged(self, head: str, branch: str) -> str:
        git(self.machine.origin, "checkout", "--quiet", "-B", branch, "main")
        git(self.machine.origin, "merge", "--quiet", "--no-ff", "--message", "Merge", head)
        return git(self.machine.origin, "rev-parse", "HEAD")

    def meddle(self) -> None:
        """Somebody changes `billing` in the web page."""
        builds = self.company.emulator.state()["builds"]
        for build in builds:
            if build["name"] == "billing":
                build.update(scripts="theirs\n", update_by="mallory", update_time=build["update_time"] + 60)
        self.company.emulator.set_state(None, builds)

    def writes(self) -> int:
        """How many requests arrived that were no GET."""
        return len([seen for seen in self.company.emulator.requests() if seen["method"] != "GET"])


def settle(company: Company, folder: Path) -> Place:
    """Return a copy of the company's repository, and a machine; the server is as it was in the beginning."""
    company.reset()
    origin = folder / "origin"
    shutil.copytree(company.folder, origin)
    return Place(company, Machine(origin, folder / "machine"))
