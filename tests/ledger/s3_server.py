"""Real S3 servers, started for a test where they are installed.

`versitygw` is a gateway that companies run in front of their file systems: it checks signatures, answers with the
error documents of S3, and looks at the condition of a PUT under a lock. `gofakes3` is a stand-in for tests that builds
in seconds, checks no signature, and honours conditions too. How to install them, and what else was tried:
docs/ledger-s3.md. They are looked for on PATH, in the folder that RECONCILER_S3_SERVERS names, and in ~/go/bin.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from tests.ledger.small_s3 import KEYS

NAMES = ("versitygw", "gofakes3")


def program(name: str) -> str | None:
    """Return where a server's program is, None where it is not installed."""
    folders = [os.environ.get("RECONCILER_S3_SERVERS", ""), os.environ.get("PATH", ""), str(Path.home() / "go/bin")]
    return shutil.which(name, path=os.pathsep.join(folder for folder in folders if folder))


class S3Server:
    """A server with one bucket, `led`. Use as a context manager."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name, self._folder = name, folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> S3Server:
        (self._folder / "data" / "led").mkdir(parents=True, exist_ok=True)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(self._command(), env=self._environ(), stdout=log, stderr=log)
        self._await()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environ(self) -> dict[str, str]:
        return {**KEYS, "AWS_ENDPOINT_URL": self.url, "HOME": "/nonexistent"}

    def _command(self) -> list[str]:
        found, at = program(self._name), f"127.0.0.1:{self._port}"
        assert found is not None
        if self._name == "gofakes3":
            return [found, "-host", at, "-backend", "memory", "-initialbucket", "led", "-quiet"]
        return [found, "--port", at, "--quiet", "posix", str(self._folder / "data")]

    def _environ(self) -> dict[str, str]:
        keys = {
            "ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"],
            "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"],
            "VGW_REGION": KEYS["AWS_REGION"],
        }
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self._folder), **keys}

    def _await(self) -> None:
        assert self._process is not None
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            assert self._process.poll() is None, (self._folder / "log").read_text(errors="replace")
            time.sleep(0.02)
        raise AssertionError(f"{self._name} does not answer")
