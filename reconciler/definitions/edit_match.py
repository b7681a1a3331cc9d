"""What is there × what shall be there → which entry is which, and in what order they stand.

    old list × new list  ─► per new element: which old one it is
    old keys × new keys  ─► the keys in their order: those that are there keep theirs

Pure: what is moved, added or taken away is decided here, how it looks elsewhere.
"""

from __future__ import annotations

import bisect
import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.scalars import Odd
from reconciler.definitions.writer import is_ghost
from reconciler.model.fields import IDENTITY, ROWS, Elements, Kind, Row


def settled(value: Any) -> Any:
    """Return a value as the reader would give it: what is written as comments alone is left out. Raises TypeError."""
    if isinstance(value, Mapping):
        return {str(key): settled(item) for key, item in value.items() if not is_ghost(item)}
    if isinstance(value, list | tuple):
        return [settled(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if value is None or isinstance(value, bool | int | Odd):
        return value
    raise TypeError(type(value).__name__)


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same: true is not 1, and keys have no order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@functools.cache
def _table() -> tuple[dict[tuple[str, ...], list[str]], dict[tuple[str, ...], tuple[str, ...]]]:
    """Return, per path without positions, the order of keys there, and what names an element there."""
    orders: dict[tuple[str, ...], list[str]] = {(): list(IDENTITY)}
    names: dict[tuple[str, ...], tuple[str, ...]] = {}

    def take(rows: Sequence[Row], above: tuple[str, ...]) -> None:
        for row in rows:
            steps = (*above, *row.path.split("."))
            for depth in range(len(above), len(steps)):
                order = orders.setdefault(steps[:depth], [])
                if steps[depth] not in order:
                    order.append(steps[depth])
            if isinstance(row, Elements):
                names[steps] = row.key
                take(row.rows, steps)

    take(ROWS[Kind.TEMPLATE], ())
    take(ROWS[Kind.PLAIN], ())
    return orders, names


def keys_of_table(path: Path) -> tuple[str, ...]:
    """Return the keys that the table of fields has at a path, in its order."""
    return tuple(_table()[0].get(_pattern(path), ()))


def _pattern(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


def arranged(there: Sequence[str], added: Sequence[str], order: Sequence[str]) -> list[str]:
    """Return the keys that are there, in their order, and the added ones where the order puts them.

    A key that the order does not know comes last.
    """
    rank = {key: place for place, key in enumerate(order)}
    last = len(rank)
    keys = list(there)
    for key in sorted(added, key=lambda key: rank.get(key, last)):
        mine = rank.get(key, last)
        before = [(rank.get(one, last), place) for place, one in enumerate(keys)]
        before = [one for one in before if one[0] < mine or mine == last]
        keys.insert(max(before)[1] + 1 if before else 0, key)
    return keys


def align(old: Sequence[Any], new: Sequence[Any], path: Path) -> list[int | None]:
    """Return, per new element, the position of the old one that it is; None: it is added.

    Where the table names the elements of the list, equal names are the same element; elsewhere equal values
    are, and what stands between the same neighbours in the same place.
    """
    key = _table()[1].get(_pattern(path), ())
    if not all(isinstance(item, dict) and any(part in item for part in key) for item in (*old, *new)):
        key = ()
    known = {name: place for place, name in enumerate(_names(old, key))}
    found = [known.get(name) for name in _names(new, key)]
    return found if key else _paired(found, len(old))


def _names(items: Sequence[Any], key: tuple[str, ...]) -> list[Any]:
    """Name every element; the second of one name is its second."""
    counts: Counter[Any] = Counter()
    names = []
    for item in items:
        name = tuple(_frozen(item.get(part, "")) for part in key) if key else _frozen(item)
        counts[name] += 1
        names.append((name, counts[name]))
    return names


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return "mapping", frozenset((key, _frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "list", tuple(_frozen(item) for item in value)
    return type(value).__name__, value


def _paired(found: list[int | None], count: int) -> list[int | None]:
    """Let what is new between two neighbours be what was between them."""
    taken = {place for place in found if place is not None}
    paired, behind = list(found), -1
    for place, match in enumerate(found):
        if match is not None:
            behind = match
        elif behind + 1 < count and behind + 1 not in taken:
            behind += 1
            taken.add(behind)
            paired[place] = behind
        else:
            behind = count
    return paired


def staying(places: Sequence[int | None]) -> set[int]:
    """Return the old positions that need not move: the longest run of them in rising order."""
    ends: list[int] = []
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for place in places:
        if place is None:
            continue
        at = bisect.bisect_left(ends, place)
        before[place] = tails[at - 1] if at else None
        ends[at : at + 1] = [place]
        tails[at : at + 1] = [place]
    stay: set[int] = set()
    here = tails[-1] if tails else None
    while here is not None:
        stay.add(here)
        here = before[here]
    return stay
