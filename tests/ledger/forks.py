"""Runs of the command line in processes of their own, forked from one that has everything imported.

    with forks() as made:
        run = made.start(["apply", "tree", "--yes"], environ, log)
        run.kill(); run.stop(); run.go_on(); run.wait()

A fork begins in milliseconds, where a Python with our imports takes half a second of a core. The process that forks
has one thread and has made no request, so that a fork of it is as good as a process that was started.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

IMPORTED = (
    "httpx",
    "obstore.store",
    "obstore.exceptions",
    "deepdiff",
    "jsonschema",
    "reconciler.cli.apply",
    "reconciler.cli.plan",
    "reconciler.cli.saved",
    "reconciler.cli.unlock",
    "reconciler.ledger.objects",
    "reconciler.ledger.state",
    "reconciler.report.document",
    "reconciler.report.text",
    "reconciler.workflow.apply",
    "reconciler.workflow.validate",
)


@dataclass
class Run:
    """One process that runs a command.

    Attributes:
        job: the URL of its CI job, by which every home tells whose a lock is.
        code: how it ended, as `subprocess` tells it; None while it runs.
    """

    forks: Forks
    pid: int
    log: Path
    job: str = ""
    code: int | None = None

    def poll(self) -> int | None:
        """Tell how it ended, without waiting."""
        if self.code is None:
            self.code = self.forks.ask({"poll": self.pid})
        return self.code

    def wait(self) -> int:
        """Wait for its end; return how it was."""
        if self.code is None:
            self.code = self.forks.ask({"wait": self.pid})
        assert self.code is not None
        return self.code

    def kill(self) -> None:
        """Kill it, as the system does when it has no memory left."""
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)

    def send(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    @property
    def said(self) -> str:
        """What it has told so far, on stdout and stderr."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""


class Forks:
    """The process that forks, as its parent sees it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.ledger.forks"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._runs: list[Run] = []

    def start(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> Run:
        """Begin a run with an environment; what it says goes into a file."""
        pid = self.ask({"run": list(arguments), "environ": dict(environ), "log": str(log)})
        assert pid is not None
        self._runs.append(Run(self, pid, log, environ.get("CI_JOB_URL", "")))
        return self._runs[-1]

    def ask(self, order: object) -> int | None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer

    def end(self) -> None:
        """Kill what still runs, and the process that forks."""
        for run in self._runs:
            if run.poll() is None:
                run.kill()
        with self._process:
            self._process.kill()


@contextlib.contextmanager
def forks() -> Iterator[Forks]:
    made = Forks()
    try:
        yield made
    finally:
        made.end()


def serve() -> None:
    """Obey orders, a line each: fork a run, look how one ended, wait for one."""
    for name in IMPORTED:
        importlib.import_module(name)
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for line in orders:
        order = json.loads(line)
        if "run" in order:
            answer: int | None = begin(order)
        else:
            pid = order.get("poll") or order["wait"]
            ended, status = os.waitpid(pid, os.WNOHANG if "poll" in order else 0)
            answer = os.waitstatus_to_exitcode(status) if ended else None
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


def begin(order: dict[str, object]) -> int:
    """Fork; return the child's id, and never return in the child."""
    pid = os.fork()
    if pid:
        return pid
    from reconciler.cli.entry import run

    log = os.open(str(order["log"]), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(order["environ"])  # type: ignore[call-overload]
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(order["run"])  # type: ignore[arg-type]
    raise AssertionError


if __name__ == "__main__":
    serve()
