"""A Git repository that tests make commits in: the same hashes every time, whatever this machine's Git is told."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.workflow.diff import Asked, Revisions, find_diff

ENVIRON = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "BUILD_SET": "canary-of-the-environment",
}
Contents = str | bytes | Mapping[str, Any]


class History:
    """A repository with a working tree. `tree`: where the definitions are, the root or a folder below."""

    def __init__(self, folder: Path, below: str = "") -> None:
        self.top = folder / "repository"
        self.tree = self.top / below
        self.tree.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str, stdin: bytes = b"", at: Path | None = None) -> str:
        """Run Git; return what it prints."""
        run = subprocess.run(
            ["git", *words], cwd=at or self.top, env=ENVIRON, input=stdin, capture_output=True, check=False
        )
        assert run.returncode == 0, run.stderr.decode()
        return run.stdout.decode().strip()

    def write(self, files: Mapping[str, Contents | None]) -> None:
        """Write files below the tree; None takes one away."""
        for name, contents in files.items():
            path = self.tree / name
            if contents is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            text = contents if isinstance(contents, str | bytes) else json.dumps(contents, indent=2, ensure_ascii=False)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def commit(self, files: Mapping[str, Contents | None] | None = None) -> str:
        """Write files and commit all there is; return the hash."""
        self.write(files or {})
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "a commit")
        return self.git("rev-parse", "HEAD")

    def diff(self, old: str, *words: str, cwd: Path | None = None, projects: tuple[str, ...] = ()) -> Revisions:
        """Compare as somebody does who stands in the tree."""
        return find_diff(Asked(old, words, projects), ENVIRON, str(cwd or self.tree))

    def told(self, *words: str, **more: Any) -> list[tuple[str, str]]:
        """Compare; return what became of which build."""
        return [(build.fate.value, build.name) for build in self.diff(*words, **more).builds]
