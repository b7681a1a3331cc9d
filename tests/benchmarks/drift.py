"""Measure what a drift costs beside a plan of the same tree. Run by hand, never in the suite.

    python tests/benchmarks/drift.py [BUILDS]

The tree of `run.py` is applied to an emulator in another process; then `plan` and `drift` look at it in turn:
unchanged, adopted instead of applied, and with one build in ten changed in the page. Each measurement is a process of
its own; ratios are taken pair by pair, and their medians printed. The requests of both have to be the same.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.export import Cost  # noqa: E402 - the root has to be found first
from tests.benchmarks.run import bench, call  # noqa: E402

ROUNDS = 5
EACH = 10
"""One build of so many is changed in the page."""


def measure(command: list[str], env: dict[str, str], codes: tuple[int, ...]) -> Cost:
    """Run a command to its end. Raises SystemExit with its output where it ends otherwise."""
    import time

    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read().decode() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) not in codes:
        raise SystemExit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}:\n{output[-2000:]}")
    wall = time.perf_counter() - start
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def heard(url: str) -> list[tuple[str, str, str]]:
    """What arrived since the last call, without its order."""
    requests: Any = call(url, "GET", "/_emulator/requests")
    call(url, "DELETE", "/_emulator/requests")
    return sorted((one["method"], one["path"], str(one["query"])) for one in requests)


def compare(label: str, tree: str, url: str, env: dict[str, str]) -> None:
    """Print a plan and a drift of the same, and their ratio."""
    tool = [sys.executable, "-m", "reconciler"]
    plans, drifts, asked = [], [], []
    for _ in range(ROUNDS):
        heard(url)
        plans.append(measure([*tool, "plan", tree], env, (0,)))
        asked.append(heard(url))
        drifts.append(measure([*tool, "drift", tree], env, (0, 3)))
        asked.append(heard(url))
    assert all(one == asked[0] for one in asked), "a drift asks what a plan asks"
    assert {method for method, _, _ in asked[0]} == {"GET"}
    for what, costs in (("plan", plans), ("drift", drifts)):
        wall, cpu, peak = (statistics.median(getattr(one, key) for one in costs) for key in ("wall", "cpu", "peak"))
        ratio = statistics.median(a.wall / b.wall for a, b in zip(costs, plans, strict=True))
        by_cpu = statistics.median(a.cpu / b.cpu for a, b in zip(costs, plans, strict=True))
        figures = f"{wall:7.2f} s {cpu:7.2f} s {peak:6.0f} MiB {len(asked[0]):6d} {ratio:8.2f} {by_cpu:8.2f}"
        print(f"{label:<26}{what:<6}{figures}")
    print(f"    {drifts[0].output.splitlines()[0]}")


def changed(url: str) -> None:
    """Somebody sets another time limit in the page, for one build in ten."""
    state: Any = call(url, "GET", "/_emulator/state")
    for build in state["builds"][::EACH]:
        build.update(timeout=build["timeout"] + 1, update_by="mallory", update_time=build["update_time"] + 60)
    call(url, "PUT", "/_emulator/state", {"builds": state["builds"]})


def main() -> None:
    """Measure all three, without latency."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with bench(count) as (tree, url, env):
        everything(count, tree, url, env)


def everything(count: int, tree: str, url: str, env: dict[str, str]) -> None:
    """Apply, then measure: unchanged, adopted, changed."""
    tool = [sys.executable, "-m", "reconciler"]
    print(f"{count} builds, Python {sys.version.split()[0]}, medians of {ROUNDS}; ratios to the plan of the same round")
    print(f"{'':<32}{'wall':>9} {'cpu':>9} {'peak':>10} {'asked':>6} {'wall ×':>8} {'cpu ×':>8}")
    measure([*tool, "apply", tree, "--yes", "-q"], env, (0,))
    compare("unchanged", tree, url, env)
    adopted = {**env, "RECONCILER_LEDGER": f"{tree}/../adopted.db"}
    measure([*tool, "adopt", tree, "--yes", "-q"], adopted, (0,))
    compare("unchanged, adopted", tree, url, adopted)
    changed(url)
    compare("one in ten changed", tree, url, env)


if __name__ == "__main__":
    main()
