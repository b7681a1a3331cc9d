"""Who speaks for each setting that detail hides, over many builds: the definition, the internal read, or nobody.

parameters[].description   12 builds declare it (12 of them the internal read shows), of 3 it was read,
of none the usual value is assumed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.model.build import Values, elements_of
from reconciler.model.fields import HIDDEN, ROWS, Elements, Kind, Row, Sight, walk
from reconciler.plan.ignoring import Ignoring


@dataclass(frozen=True, slots=True)
class Setting:
    """One hidden setting, counted over builds; a build with several elements may count as both.

    Attributes:
        path: its pattern path ("parameters[].description").
        declared: builds whose definition declares it.
        verified: those of them where the internal read shows it.
        read: builds that do not declare it and where the internal read shows it.
        assumed: builds that do not declare it and where nothing shows it: it is taken to be as last recorded, or usual.
    """

    path: str
    declared: int
    verified: int
    read: int
    assumed: int


def settings_of(builds: Iterable[Ignoring]) -> tuple[Setting, ...]:
    """Count the hidden settings of some builds, in the order of the table; those that none of them has are left out."""
    counts = Counter[tuple[str, bool, bool]]()
    for one in builds:
        build, seen = one.definition.build, one.known.seen
        found = set(_spoken(ROWS[build.kind], build.values, one.known.values, ""))
        counts.update((path, declares, seen) for path, declares in found)
    paths = dict.fromkeys(path for kind in Kind for path, _ in walk(ROWS[kind]))
    settings = (
        Setting(
            path,
            declared=counts[path, True, True] + counts[path, True, False],
            verified=counts[path, True, True],
            read=counts[path, False, True],
            assumed=counts[path, False, False],
        )
        for path in paths
    )
    return tuple(s for s in settings if s.declared or s.read or s.assumed)


def _spoken(rows: tuple[Row, ...], want: Values, have: Values, parent: str) -> Iterator[tuple[str, bool]]:
    """Yield each hidden setting that a build has a place for, and whether it is declared there.

    A code host has no usual value: one that nobody names is not assumed to be anything.
    """
    for row in rows:
        path = f"{parent}{row.path}"
        if row.sight in HIDDEN:
            if row.path in want or row.path in have or row.sight is Sight.UNREADABLE:
                yield path, row.path in want
        elif isinstance(row, Elements):
            mine = {e.key: e.values for e in elements_of(want.get(row.path))}
            for element in elements_of(have.get(row.path)):
                yield from _spoken(row.rows, mine.get(element.key, {}), element.values, f"{path}[].")
