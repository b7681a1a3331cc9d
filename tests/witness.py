"""The witness: sees every write of an apply, and says what it changed that no plan named.

It hears two kinds of audit events (PEP 578): what the product is about to write (`reconciler.apply.begun`, with
the plan), and what the emulator's store had before and after each request (`reconciler.emulator.written`). So it
sees every apply in this process, whoever makes it, and judges our own requests alone: what a test changes itself,
as another user does, is no request of ours. A process of its own leaves a note of what its plan names
(`tests/beside/sitecustomize.py`), which is read when its requests arrive.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.emulator import Request
from reconciler.plan.step import Plan
from tests.witness_judge import Document, Named, from_json, named, to_json, unexplained

OURS = "zadig-reconciler/"
"""How the product names itself to a server."""

FOLDER = "WITNESS_FOLDER"
"""Environment variable: where processes leave their notes."""


class Witness:
    """Counts, and remembers what it saw that nobody named.

    Attributes:
        applies: plans whose execution was begun.
        writes: changes of a build by a request of ours.
        allowed: path, as a pattern with `*`, → why the running test excuses it.
    """

    def __init__(self) -> None:
        self.applies = 0
        self.writes = 0
        self.allowed: dict[str, str] = {}
        self.excused: set[str] = set()
        self._open: list[tuple[str, int, list[Named]]] = []
        self._seen: list[str] = []
        self._notes: dict[str, list[Named]] = {}
        self._read: set[str] = set()
        self._guard = threading.Lock()

    def hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take one audit event; what goes wrong in here is something seen, never an error of who is watched."""
        if not event.startswith("reconciler."):
            return
        try:
            with self._guard:
                self._hear(event, arguments)
        except Exception as error:
            self._seen.append(f"the witness itself failed: {error!r}")

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "reconciler.apply.begun":
            self.applies += 1
            self._open.append((host_of(arguments[0]), id(arguments[1]), named(arguments[1])))
        elif event == "reconciler.apply.ended":
            self._open = [entry for entry in self._open if entry[1] != id(arguments[1])]
        elif event == "reconciler.emulator.written":
            self._judge(*arguments)

    def _judge(self, request: Request, before: Document | None, after: Document | None) -> None:
        if not request.headers.get("user-agent", "").startswith(OURS):
            return
        self.writes += 1
        build = after or before or {}
        what = f"{request.method} of {build.get('product_name')}/{build.get('name')}"
        plans = self._plans(request.headers.get("host", ""))
        judged = [unexplained(steps, before, after) for steps in plans] or [["(build): written, and nobody applies"]]
        self._seen += [f"{what}: {one}" for one in min(judged, key=len) if not self._excuses(one)]

    def _plans(self, host: str) -> list[list[Named]]:
        """The plans that are being executed against a server; else what the last process said of its own."""
        found = [steps for where, _, steps in self._open if where == host]
        if not found:
            self._read_notes()
            found = [self._notes[host]] if host in self._notes else []
        return found

    def _read_notes(self) -> None:
        folder = Path(os.environ.get(FOLDER, os.devnull))
        for note in sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            if note.name not in self._read:
                self._read.add(note.name)
                told = json.loads(note.read_text(encoding="utf-8"))
                self._notes[told["host"]] = [from_json(step) for step in told["steps"]]
                self.applies += 1

    def _excuses(self, said: str) -> bool:
        path = said.partition(": ")[0]
        hits = {pattern for pattern in self.allowed if re.fullmatch(_expression(pattern), path)}
        self.excused |= hits
        return bool(hits)

    def begin(self, allowed: dict[str, str]) -> None:
        """A test begins, with what it excuses. What an apply before it left open is nobody's any more.

        Ports are given out again: another server may be at the address by now.
        """
        with self._guard:
            self.allowed, self.excused = allowed, set()
            self._open = []

    def counts(self) -> tuple[int, int]:
        """How many applies and writes there were, those of processes included that announced one and wrote nothing."""
        with self._guard:
            self._read_notes()
            return self.applies, self.writes

    def take(self) -> list[str]:
        """What was seen since the last call."""
        with self._guard:
            seen, self._seen = self._seen, []
        return seen

    def check(self) -> None:
        """Fail where a write changed what no plan named."""
        seen = self.take()
        assert not seen, "an apply changed what its plan does not name:\n" + "\n".join(f"  {one}" for one in seen)


WITNESS = Witness()
"""The one that hears everything in this process."""


def install() -> None:
    """Let the witness hear, in this process and, by their notes, in those that it starts."""
    sys.addaudithook(WITNESS.hear)
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="witness-")
    beside = str(Path(__file__).parent / "beside")
    os.environ["PYTHONPATH"] = os.pathsep.join([beside, *filter(None, [os.environ.get("PYTHONPATH")])])


def leave_note(server: str, plan: Plan) -> None:
    """Write down what a plan names, for the process that holds the emulator."""
    note: dict[str, Any] = {"host": host_of(server), "steps": [to_json(one) for one in named(plan)]}
    folder = Path(os.environ[FOLDER])
    unfinished = folder / f"{os.getpid()}-{id(plan)}"
    unfinished.write_text(json.dumps(note), encoding="utf-8")
    unfinished.rename(unfinished.with_suffix(".json"))


def host_of(server: str) -> str:
    """The `Host` header of requests to a server's address."""
    return urlsplit(server).netloc


def spent(witness: Witness, allowed: Iterable[str]) -> list[str]:
    """Excuses that excused nothing."""
    return sorted(set(allowed) - witness.excused)


def _expression(pattern: str) -> str:
    return ".*".join(re.escape(part) for part in pattern.split("*"))
