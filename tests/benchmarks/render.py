"""Measure what it costs to render a plan in each format. Run by hand, never in the suite.

    python tests/benchmarks/render.py [BUILDS]

A plan of BUILDS steps, of every action in turn, each with a script of 40 lines. CPU time, the median of ROUNDS, and its
ratio to the same plan as JSON of the same round.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from reconciler.model.whereabouts import Whereabouts
from reconciler.report.formats import Telling, plan_as
from reconciler.report.text import Style
from tests.ci.plans import many

ROUNDS = 7
FORMATS = ("json", "text", "markdown", "github", "gitlab", "sarif", "junit")
TELLING = Telling("plan", "1.2.3", Whereabouts("/repo", "/repo", "https://git.example/o/r/blob/abc"), Style())


def main() -> None:
    """Print a line per format."""
    plan = many(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, lines=40)
    costs: dict[str, list[float]] = {format_: [] for format_ in FORMATS}
    sizes = {}
    for _ in range(ROUNDS):
        for format_ in FORMATS:
            begun = time.process_time()
            sizes[format_] = len(plan_as(format_, plan, TELLING))
            costs[format_].append(time.process_time() - begun)
    for format_ in FORMATS:
        ratio = statistics.median(a / b for a, b in zip(costs[format_], costs["json"], strict=True))
        print(
            f"{format_:<10}{statistics.median(costs[format_]) * 1000:8.1f} ms {ratio:6.2f} × {sizes[format_]:10,} chars"
        )


if __name__ == "__main__":
    main()
