"""The first planning pass: what must still be asked before the second one can plan."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.compare.resolve import BLOCK, CLUSTER
from reconciler.model.build import DEFAULT, Build
from reconciler.model.definition import Desired
from reconciler.model.fields import Kind
from reconciler.model.live import Live


@dataclass(frozen=True, slots=True)
class Questions:
    """What to ask the server. `local_cluster`: which cluster a build gets by default."""

    local_cluster: bool = False


def questions(desired: Desired, live: Live) -> Questions:
    """Ask for the local cluster only where a comparison or a body needs its name; asking too much is allowed."""
    return Questions(any(_needs_cluster(d.build, live) for d in desired.definitions))


def _needs_cluster(build: Build, live: Live) -> bool:
    if build.kind is not Kind.PLAIN:
        return False
    cluster = build.values.get(CLUSTER)
    if cluster is DEFAULT:
        return True
    if cluster is not None or not any(path.startswith(f"{BLOCK}.") for path in build.values):
        return False
    reading = live.readings.get(build.project)
    return reading is None or build.name not in reading.builds
