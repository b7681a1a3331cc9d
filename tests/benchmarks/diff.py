"""Measure what a diff of two revisions costs beside one validate of the same tree. Run by hand, never in the suite.

    python tests/benchmarks/diff.py [BUILDS]

The tree of `run.py` is committed; then one build in ten, all of them, and a default of all is changed. A `validate`
and a `diff` of the two commits, and of a commit and the working tree, run in turn, each a process of its own; ratios
are taken pair by pair, and their medians printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.drift import measure  # noqa: E402 - the root has to be found first
from tests.benchmarks.run import DEFINITION  # noqa: E402

ROUNDS = 7
TOOL = [sys.executable, "-m", "reconciler"]


def git(tree: Path, *words: str) -> None:
    """Run Git in the tree, whoever this machine thinks that somebody is."""
    who = ["-c", "user.name=n", "-c", "user.email=n@example.com"]
    subprocess.run(["git", "-C", str(tree), *who, *words], check=True, capture_output=True)


def compare(label: str, tree: Path, words: list[str], codes: tuple[int, ...]) -> None:
    """Print a validate and a diff of the same tree, and their ratio."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    checks, diffs = [], []
    for _ in range(ROUNDS):
        checks.append(measure([*TOOL, "validate", str(tree)], env, (0,)))
        diffs.append(measure([*TOOL, "diff", *words, str(tree)], env, codes))
    for what, costs in (("validate", checks), ("diff", diffs)):
        wall, cpu, peak = (statistics.median(getattr(one, key) for one in costs) for key in ("wall", "cpu", "peak"))
        ratio = statistics.median(a.wall / b.wall for a, b in zip(costs, checks, strict=True))
        by_cpu = statistics.median(a.cpu / b.cpu for a, b in zip(costs, checks, strict=True))
        print(f"{label:<26}{what:<10}{wall:7.2f} s {cpu:7.2f} s {peak:6.0f} MiB {ratio:8.2f} {by_cpu:8.2f}")
    print(f"    {diffs[0].output.splitlines()[-1]}")


def change(tree: Path, count: int, *, old: str, new: str, each: int) -> None:
    """Change one build in so many, and commit."""
    for n in range(0, count, each):
        path = tree / f"build-{n}.yaml"
        path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    git(tree, "commit", "-qam", "change")


def main() -> None:
    """Measure nothing changed, one in ten, all, and all by a default."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        (tree / "reconciler.yaml").write_text("projects: [yaml]\ntree: bench\n", encoding="utf-8")
        for n in range(count):
            (tree / f"build-{n}.yaml").write_text(DEFINITION.replace("{n}", str(n)), encoding="utf-8")
        git(tree, "init", "-q")
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "first")
        print(f"{count} builds, Python {sys.version.split()[0]}, medians of {ROUNDS}; ratios within one round")
        print(f"{'':<36}{'wall':>9} {'cpu':>9} {'peak':>10} {'wall ×':>8} {'cpu ×':>8}")
        compare("the same", tree, ["HEAD", "HEAD"], (0,))
        change(tree, count, old="timeout: 30", new="timeout: 31", each=10)
        compare("one in ten", tree, ["HEAD~1", "HEAD"], (2,))
        compare("one in ten, working tree", tree, ["HEAD~1"], (2,))
        change(tree, count, old="18.17.0", new="20.1.0", each=1)
        compare("all", tree, ["HEAD~1", "HEAD"], (2,))
        (tree / "_defaults.yaml").write_text("x-reconciler: {prevent_destroy: true}\n", encoding="utf-8")
        git(tree, "add", "-A")
        git(tree, "commit", "-qm", "default")
        compare("all, by a default", tree, ["HEAD~1", "HEAD"], (2,))


if __name__ == "__main__":
    main()
