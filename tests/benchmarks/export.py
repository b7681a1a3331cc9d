"""Measure what an export costs beside the bare requests that it makes. Run by hand, never in the suite.

    python tests/benchmarks/export.py [BUILDS]

The company of `tests.companies` is served by an emulator in another process. Each measurement is a process of its
own and asks the same GETs: once bare (httpx, a client per thread, nothing done with the answers), once as an export
into an empty folder, and once into the tree that is there. Both run in turn, three times; ratios are taken pair by
pair, and their medians are printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.run import TOKEN, call  # noqa: E402 - the root has to be found first
from tests.companies import company  # noqa: E402

ROUNDS = 3
BARE = """
import sys, threading, httpx, json
from concurrent.futures import ThreadPoolExecutor
url, token = sys.argv[1:3]
targets = json.load(open(sys.argv[3]))
local, context = threading.local(), httpx.create_ssl_context()
def get(target):
    client = getattr(local, "client", None)
    if client is None:
        client = local.client = httpx.Client(base_url=url, verify=context, headers={"Authorization": f"Bearer {token}"})
    return client.get(target).raise_for_status().json()
with ThreadPoolExecutor(8) as pool:
    for _ in pool.map(get, targets):
        pass
"""


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds, and MiB at its peak."""

    wall: float
    cpu: float
    peak: float
    output: str


def measure(command: list[str], env: dict[str, str]) -> Cost:
    """Run a command to its end. Raises SystemExit with its output where it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = process.stdout.read().decode() if process.stdout else ""
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command[:5])} failed:\n{output[-2000:]}")
    wall = time.perf_counter() - start
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


@contextmanager
def serving(builds: int) -> Iterator[str]:
    """An emulator in a process of its own that has the company."""
    command = [sys.executable, "-m", "reconciler", "emulator", "--control"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        world, stored = company(builds)
        call(url, "PUT", "/_emulator/state", {"world": world, "builds": stored})
        yield url
    finally:
        process.terminate()
        process.wait()


class Bench:
    """Measures one company over and over, in folders of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.env = {**os.environ, "ZADIG_SERVER": url, "ZADIG_TOKEN": TOKEN, "PYTHONPATH": str(ROOT)}
        self.tool = [sys.executable, "-m", "reconciler"]
        self.made = 0

    def requests(self) -> list[str]:
        """What arrived since the last call, as targets of GETs."""
        heard: Any = call(self.url, "GET", "/_emulator/requests")
        call(self.url, "DELETE", "/_emulator/requests")
        assert {one["method"] for one in heard} <= {"GET"}
        return [one["path"] + (f"?{_query(one['query'])}" if one["query"] else "") for one in heard]

    def export(self, tree: Path | None = None) -> Cost:
        """Export into a new folder, or into a tree that is there."""
        self.made += 1
        return measure([*self.tool, "export", "--out", str(tree or self.folder / f"tree{self.made}"), "-q"], self.env)

    def bare(self, targets: list[str]) -> Cost:
        """Ask the same, and do nothing with the answers."""
        asked = self.folder / "targets.json"
        asked.write_text(json.dumps(targets), encoding="utf-8")
        return measure([sys.executable, "-c", BARE, self.url, TOKEN, str(asked)], self.env)

    def adopt(self, tree: Path) -> Cost:
        """Record a tree as the baseline, in a ledger of its own."""
        self.made += 1
        env = {**self.env, "RECONCILER_LEDGER": str(self.folder / f"ledger{self.made}.db")}
        return measure([*self.tool, "adopt", str(tree), "--yes", "-q"], env)


def _query(query: Any) -> str:
    if isinstance(query, str):
        return query
    from urllib.parse import urlencode

    return urlencode(query, doseq=True)


def row(label: str, costs: list[Cost], bare: list[Cost], requests: int) -> None:
    """Print the medians of some runs, and of their ratios to the bare requests of the same round."""
    wall, cpu, peak = (statistics.median(getattr(one, key) for one in costs) for key in ("wall", "cpu", "peak"))
    pairs = list(zip(costs, bare, strict=True))
    by_wall = statistics.median(a.wall / b.wall for a, b in pairs)
    by_cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
    print(f"{label:<34}{wall:7.2f} s {cpu:7.2f} s {peak:6.0f} MiB {requests:6d} {by_wall:9.2f} {by_cpu:9.2f}")


def table(bench: Bench, latency: int) -> None:
    """Measure everything at one latency."""
    call(bench.url, "PUT", "/_emulator/settings", {"latency_ms": latency})
    bench.export()
    targets = bench.requests()
    there = bench.folder / f"tree{bench.made}"
    runs: dict[str, list[Cost]] = {"bare requests": [], "export": [], "export again": [], "adopt": []}
    counts: dict[str, int] = {}
    for _ in range(ROUNDS):
        for label, run in (
            ("bare requests", lambda: bench.bare(targets)),
            ("export", bench.export),
            ("export again", lambda: bench.export(there)),
            ("adopt", lambda: bench.adopt(there)),
        ):
            runs[label].append(run())
            counts[label] = len(bench.requests())
    for label, costs in runs.items():
        row(f"{label}, {latency} ms", costs, runs["bare requests"], counts[label])


def lines(folder: Path) -> int:
    """Lines of a tree's definitions."""
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.yaml"))


def main() -> None:
    """Measure at both latencies, and what defaults save."""
    builds = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder, serving(builds) as url:
        bench = Bench(url, Path(folder))
        print(f"{builds} builds, Python {sys.version.split()[0]}, medians of {ROUNDS}; ratios to the bare requests")
        head = f"{'':<34}{'wall':>9} {'cpu':>9} {'peak':>10} {'asked':>6} {'wall ×':>9} {'cpu ×':>9}"
        print(head)
        for latency in (0, 20):
            table(bench, latency)
        call(url, "PUT", "/_emulator/settings", {"latency_ms": 0})
        bench.export()
        with_defaults = lines(bench.folder / f"tree{bench.made}")
        measure([*bench.tool, "export", "--out", f"{folder}/bare", "--no-defaults", "-q"], bench.env)
        without = lines(bench.folder / "bare")
        print(f"{without} lines without defaults, {with_defaults} with: {1 - with_defaults / without:.1%} fewer")


if __name__ == "__main__":
    main()
