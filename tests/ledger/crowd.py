"""Many runs at one server with one ledger: a tree for each, processes that apply, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.emulator import Emulator, running
from reconciler.ledger.home import Ticket
from reconciler.ledger.ledger import Ledger
from tests.ledger.forks import Forks, Run, forks
from tests.ledger.shared_places import SharedPlace, shared_place
from tests.rig import TOKEN, plain

PATIENCE = 60.0
"""Seconds after which a test gives up waiting for what must come; nothing is measured by it."""


@dataclass
class Crowd:
    """One server, one ledger, and the processes that apply.

    Attributes:
        place: where the ledger is.
        runs: the processes that were started and not yet waited for.
        names: what every tree's definitions are called.
    """

    folder: Path
    place: SharedPlace
    emulator: Emulator
    url: str
    forks: Forks
    runs: list[Run] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    count: int = 0

    def write(self, tree: str, *documents: dict[str, object], more: str = "") -> Path:
        """Let a tree hold these definitions and no others; return its folder."""
        root = self.folder / tree
        root.mkdir(exist_ok=True)
        for file in root.glob("*.json"):
            file.unlink()
        text = f"server: {self.url}\ntree: {tree}\nprojects: [yaml]\n{more}"
        (root / "reconciler.yaml").write_text(text, "utf-8")
        for document in documents:
            (root / f"{document['name']}.json").write_text(json.dumps(document), "utf-8")
        return root

    def scripts(self, tree: str, script: str, numbers: int = 2) -> None:
        """Give a tree's builds a script."""
        self.write(tree, *(plain(f"{tree}-{number}", build_script=script) for number in range(numbers)))
        self.names |= {f"{tree}-{number}" for number in range(numbers)}

    def environ(self, place: SharedPlace | None = None, **more: str) -> dict[str, str]:
        """What a process has in its environment."""
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "WITNESS_FOLDER") if name in os.environ}
        place = place or self.place
        job = {"CI_COMMIT_SHA": "c0ffee00", "CI_JOB_URL": f"https://ci.example/jobs/{self.count}"}
        here = {"ZADIG_TOKEN": TOKEN, "RECONCILER_LEDGER": place.url, "HOME": str(self.folder), **job}
        return {**kept, **here, **place.environ, **more}

    def start(self, *arguments: str, place: SharedPlace | None = None, **environ: str) -> Run:
        """Begin a command in a process of its own."""
        self.count += 1
        log = self.folder / f"{self.count}.log"
        run = self.forks.start(arguments, self.environ(place, **environ), log)
        self.runs.append(run)
        return run

    def apply(self, tree: str, *flags: str, place: SharedPlace | None = None, **environ: str) -> Run:
        """Begin an apply of a tree."""
        return self.start("apply", str(self.folder / tree), "--yes", *flags, place=place, **environ)

    def done(self, *arguments: str, place: SharedPlace | None = None, **environ: str) -> tuple[int, str]:
        """Run a command to its end; return its exit code and what it said."""
        run = self.start(*arguments, place=place, **environ)
        self.runs.remove(run)
        return run.wait(), run.said

    def ends(self) -> list[int]:
        """Wait for every process; return their exit codes, in the order of their beginnings."""
        runs, self.runs = self.runs, []
        return [run.wait() for run in runs]

    def unlock(self) -> None:
        """Break the lock that is held, as a person does who was told its id."""
        ticket = self.place.holder(self.url)
        assert ticket is not None
        tree = next(path.parent for path in self.folder.glob("*/reconciler.yaml"))
        code, said = self.done("unlock", ticket.id, str(tree))
        assert code == 0, said

    def watched(self, ticket: Ticket, requests: int) -> None:
        """Wait until so many more requests have arrived at the server, or the lock is another's."""
        seen = len(self.emulator.requests()) + requests
        until(lambda: len(self.emulator.requests()) >= seen or not self.holds(ticket))

    def holds(self, ticket: Ticket) -> bool:
        """Tell whether a lock is still of that taking, however often it was renewed."""
        held = self.place.holder(self.url)
        return held is not None and held.id == ticket.id

    def freed(self, ticket: Ticket) -> None:
        """See to it that the lock of a run that was killed is free: as its home frees it, else by a person.

        It may have given it back just before; whoever has it then keeps it.
        """
        if self.place.kind == "file" or not self.holds(ticket):
            return
        if self.place.kind == "s3":
            self.place.expire()
        else:
            self.unlock()

    def writes(self, method: str) -> dict[str, int]:
        """How often a write of each build was done since the journal was cleared."""
        done = [r for r in self.emulator.requests() if r["method"] == method and r["status"] == 200]
        return Counter(r["body"]["name"] if r["body"] else dict(r["query"])["name"] for r in done if named(r))

    def ledger(self) -> Ledger:
        """Open the ledger as one more process would."""
        return Ledger(self.place.home(self.url))

    def settled(self, trees: set[str]) -> None:
        """Whatever became of the runs: one more of each tree, and everything is there, once, and recorded."""
        for tree in sorted(trees):
            code, said = self.done("apply", str(self.folder / tree), "--yes", "-q")
            assert code == 0, said
        for tree in sorted(trees):
            self.start("plan", str(self.folder / tree), "--detailed-exitcode", "-q")
        assert self.ends() == [0] * len(trees)
        assert self.place.holder(self.url) is None
        with self.ledger() as ledger:
            document = ledger.read("yaml")
        assert sorted(document.records) == sorted(self.names)
        assert document.intents == {}
        assert {name: record.tree for name, record in document.records.items()} == {n: n[:-2] for n in self.names}
        assert all(record.exact for record in document.records.values())
        stamps = {b["name"]: b["update_time"] for b in self.emulator.state()["builds"]}
        assert {name: record.stamps.update_time for name, record in document.records.items()} == stamps


def named(request: dict[str, object]) -> bool:
    """Tell whether a request names a build: the probe does not."""
    return bool(request["body"]) or "name" in dict(request["query"])  # type: ignore[call-overload]


@contextlib.contextmanager
def crowd_at(kind: str, folder: Path, made: Forks) -> Iterator[Crowd]:
    """A server and an empty ledger in a place of some kind."""
    emulator = Emulator()
    with running(emulator) as url, shared_place(kind, folder) as place:
        crowd = Crowd(folder, place, emulator, url, made)
        try:
            yield crowd
        finally:
            for run in crowd.runs:
                run.kill()
                run.wait()


def until(what: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.003)


__all__ = ["Crowd", "crowd_at", "forks", "until"]
