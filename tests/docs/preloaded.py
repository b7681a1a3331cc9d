"""The product, loaded once for all commands of a test's pages: each runs in a fork of this process.

What enters: over a Unix socket, arguments, folder, environment and the three streams of whoever typed a command. What
leaves: its exit code. A fork is a process of its own, as new as any other but for the libraries being loaded; that is
most of what a short command costs, and pages have some hundreds of them.

    reconciler (in a page) ── typed ──► serve ── fork ──► reconciler.cli.entry.run ──► exit code
"""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOADED = ("httpx", "jsonschema", "yaml", "click", "deepdiff", "sqlite3", "reconciler.workflow.plan")
"""What nearly every command loads."""


def serve(place: str) -> None:
    """Answer until the standard input ends, which is when the tests do."""
    for name in (*LOADED, "reconciler.cli.entry", "reconciler.workflow.apply"):
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen(16)
        print("ready", flush=True)
        if not os.fork():
            sys.stdin.read()
            os.kill(os.getppid(), signal.SIGTERM)
            os._exit(0)
        while True:
            caller, _ = door.accept()
            if not os.fork():
                door.close()
                _run(caller)
            caller.close()


def _run(caller: socket.socket) -> None:
    """Be the command that somebody typed; never return."""
    code = 70
    try:
        text, handles, _, _ = socket.recv_fds(caller, 1 << 20, 4)
        asked: dict[str, Any] = json.loads(text)
        _become(asked, handles)
        from reconciler.cli.entry import call

        code = call(asked["arguments"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        caller.sendall(str(code).encode())
        os._exit(code)


def _become(asked: dict[str, Any], handles: list[int]) -> None:
    """Take the place of the process that was asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, folder = handles
    os.fchdir(folder)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    for handle in handles:
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, mode, closefd=False), encoding="utf-8", write_through=True)
        for number, mode in enumerate(("r", "w", "w"))
    )
    os.environ.clear()
    os.environ.update(asked["environ"])
    sys.argv = ["reconciler", *asked["arguments"]]


@contextmanager
def preloaded() -> Iterator[str]:
    """A process that is ready to be asked; the address of its socket, which may not be long."""
    with tempfile.TemporaryDirectory(prefix="pages-") as folder, _serving(f"{folder}/door") as place:
        yield place


@contextmanager
def _serving(place: str) -> Iterator[str]:
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-P", __file__, place]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        try:
            yield place
        finally:
            process.stdin.close()
            process.wait(30)


if __name__ == "__main__":
    serve(sys.argv[1])
