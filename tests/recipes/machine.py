"""A machine of a CI that runs our recipes: tools in front of the PATH, a checkout of a commit, and a shell.

    origin (a real repository) ─ checkout ─► workspace ─ shell ─► code, what was said
    store: what the platform keeps between runs (plans, caches)

`reconciler` and `git` are real. `pip` installs nothing and remembers what it was asked for; `python3 -m venv` makes a
folder with both; `gh` and `curl` know the few requests of the recipes, and ask the store.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")

_GH = r"""#!/usr/bin/env python3
import json, pathlib, shutil, subprocess, sys
store = pathlib.Path("@STORE@")
words = sys.argv[1:]
def tell(document):
    filter = words[words.index("--jq") + 1]
    if shutil.which("jq"):
        subprocess.run(["jq", "-r", filter], input=json.dumps(document), text=True, check=True)
    elif isinstance(document, list):
        print("\n".join(row["head"]["sha"] for row in document if row["merge_commit_sha"] in filter))
    else:
        print("\n".join(str(row["workflow_run"]["id"]) for row in document["artifacts"] if not row["expired"]))
if words[0] == "api" and "/commits/" in words[1]:
    sha = words[1].split("/")[4]
    merged = store / "merged" / sha
    other = {"merge_commit_sha": "0" * 40, "head": {"sha": "f" * 40}}
    tell([other] + ([{"merge_commit_sha": sha, "head": {"sha": merged.read_text()}}] if merged.exists() else []))
elif words[0] == "api" and "/actions/artifacts?name=plan-" in words[1]:
    name = words[1].split("name=")[1]
    run = {"id": 77, "head_sha": name[5:]}
    found = [{"workflow_run": run, "expired": False}] if (store / "artifacts" / name).exists() else []
    tell({"artifacts": [{"workflow_run": {"id": 76, "head_sha": name[5:]}, "expired": True}, *found]})
elif words[:3] == ["run", "download", "77"]:
    shutil.copytree(store / "artifacts" / words[words.index("--name") + 1], ".", dirs_exist_ok=True)
else:
    sys.exit(9)
"""
_CURL = """#!/bin/sh
for last; do :; done
file=@STORE@/${last##*/}
case "$*" in
  *--upload-file*) cp plan.json "$file" ;;
  *--output*) [ -f "$file" ] || exit 22; cp "$file" plan.json ;;
  *) exit 9 ;;
esac
"""
_RECONCILER = """#!/bin/sh
exec "@PYTHON@" -m reconciler "$@"
"""
_PIP = """#!/bin/sh
for last; do :; done
echo "$last" >> "@STORE@/installed"
"""
_PYTHON = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
  mkdir -p "$3/bin"
  ln -sf "@TOOLS@/pip" "$3/bin/pip"
  ln -sf "@TOOLS@/reconciler" "$3/bin/reconciler"
  echo "PATH=\\"$(cd "$3/bin" && pwd):\\$PATH\\"" > "$3/bin/activate"
else
  exec "@PYTHON@" "$@"
fi
"""
_TOOLS = {"gh": _GH, "curl": _CURL, "reconciler": _RECONCILER, "pip": _PIP, "python3": _PYTHON}
_NOT_A_JOBS = ("GITHUB_", "GITLAB_", "CI", "RECONCILER_", "ZADIG_", "BUILD_", "CHANGE_", "GIT_")


@dataclass
class Machine:
    """Machines that differ in nothing but their checkout.

    Attributes:
        origin: the repository, a real one.
        folder: where everything else is.
        environ: what every job of the platform has.
    """

    origin: Path
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    said: str = ""

    def __post_init__(self) -> None:
        (self.folder / "tools").mkdir(parents=True)
        (self.store / "merged").mkdir(parents=True)
        facts = {"@PYTHON@": sys.executable, "@STORE@": str(self.store), "@TOOLS@": str(self.folder / "tools")}
        for name, text in _TOOLS.items():
            path = self.folder / "tools" / name
            path.write_text(re.sub("@[A-Z]+@", lambda found: facts[found[0]], text), encoding="utf-8")
            path.chmod(0o755)

    @property
    def store(self) -> Path:
        """What the platform keeps."""
        return self.folder / "store"

    @property
    def installed(self) -> list[str]:
        """What pip was asked for, in order."""
        path = self.store / "installed"
        return path.read_text(encoding="utf-8").split() if path.exists() else []

    def checkout(self, commit: str, depth: int = 0) -> Path:
        """Return a new folder with a commit, and of its history so many (0: all)."""
        count = sum(1 for _ in self.folder.glob("work-*"))
        workspace = self.folder / f"work-{count}"
        workspace.mkdir()
        git(workspace, "init", "--quiet")
        git(workspace, "remote", "add", "origin", self.origin.as_uri())
        deep = [f"--depth={depth}"] if depth else []
        git(
            workspace,
            "fetch",
            "--quiet",
            *deep,
            "origin",
            commit,
            "+refs/heads/*:refs/remotes/origin/*" if not depth else commit,
        )
        git(workspace, "checkout", "--quiet", commit)
        return workspace

    def shell(
        self, script: str, cwd: Path, environ: Mapping[str, str], path: str = "", shell: Sequence[str] = BASH
    ) -> int:
        """Run a script as the platforms do: in a shell that the first command that fails ends; return its code."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_A_JOBS)}
        search = ":".join(part for part in (path, str(self.folder / "tools"), os.environ["PATH"]) if part)
        python = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
        ran = subprocess.run(
            [*shell, "-c", script],
            cwd=cwd, env={**inherited, "PATH": search, "PYTHONPATH": python, **self.environ, **environ},
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        self.said += ran.stdout + ran.stderr
        assert "Traceback" not in ran.stderr, ran.stderr
        return ran.returncode


def git(folder: Path, *words: str) -> str:
    """Run git in a folder, as nobody in particular; return what it says."""
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = {f"GIT_{role}_{what}": "ann@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ran = subprocess.run(
        ["git", *words], cwd=folder, env={**inherited, **quiet, **who}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()
