"""What a shell and its user wait for, in CPU: `--help`, one TAB, and httpx with and without its own command line.

python tests/benchmarks/shell.py [RUNS]      # the median of so many runs each, 20 by default
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
BREAKS = " \t\n\"'@><=;|&(:"
SCRIPTS = {
    "python -c pass": "pass",
    "import click": "import click",
    "import rich.live, as for a bar": "import reconciler.cli.bar",
    "our entry, import httpx": "import reconciler.cli.entry, httpx",
    "our entry, import httpx without its command line": "from reconciler.cli import entry;"
    " entry._without_httpx_command_line(); import httpx",
}


def cpu(words: list[str], folder: Path, environ: Mapping[str, str] | None = None) -> float:
    """Return the milliseconds of CPU that one run takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *words], check=False, cwd=folder, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def tree(folder: Path, files: int) -> None:
    """Write a tree of so many definitions."""
    (folder / "reconciler.yaml").write_text("projects: [shop]\ntree: t\n", encoding="utf-8")
    for n in range(files):
        path = folder / f"part{n % 20}" / f"b{n}.yaml"
        path.parent.mkdir(exist_ok=True)
        script = "".join(f"  make target-{line}\n" for line in range(40))
        path.write_text(f"name: b{n}\nproject_key: shop\nbuild_script: |\n{script}", encoding="utf-8")


def main(runs: int) -> None:
    """Print a line for each thing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree(folder, 1000)
        said = ["-m", "reconciler"]
        things: list[tuple[str, list[str], dict[str, str]]] = [(n, ["-c", code], {}) for n, code in SCRIPTS.items()]
        things += [(" ".join(("reconciler", *w)), [*said, *w], {}) for w in (["--help"], ["plan", "--help"])]
        for line in ("reconciler pl", "reconciler plan --project ", "reconciler ledger forget --project shop b1"):
            asking = {"_RECONCILER_COMPLETE": "bash", "_RECONCILER_LINE": line, "_RECONCILER_BREAKS": BREAKS}
            things.append((f"{line}<TAB>, 1,000 files", said, asking))
        for title, words, environ in things:
            times = [cpu(words, folder, environ) for _ in range(runs)]
            print(f"{statistics.median(times):6.0f} ms  (best {min(times):4.0f})  {title}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
