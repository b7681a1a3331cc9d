"""Measure how soon hostile definitions are answered: seconds of CPU each. Run by hand, never in the suite.

python tests/benchmarks/hostile.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from reconciler.definitions.loader import load
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.settings import Settings
from reconciler.report.problems import render
from tests.definitions.hostile import HOSTILE


def answer(text: str) -> tuple[float, str]:
    """Load one file that holds `text`; return the seconds and the first line of what was said."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_text(text, encoding="utf-8")
        before = time.process_time()
        try:
            load(Settings(folder, folder), {}, cwd=folder)
            said = "nothing to say"
        except InvalidDefinitions as error:
            said = render(error.problems).partition("\n")[0]
        return time.process_time() - before, said


if __name__ == "__main__":
    for name, hostile in HOSTILE.items():
        seconds, said = answer(hostile)
        print(f"{name:<26} {seconds:6.2f} s   {len(hostile) / 1e6:5.1f} MB   {said[:70]}")
