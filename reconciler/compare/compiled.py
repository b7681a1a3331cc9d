"""The table compiled once into plain closures, for what is asked of every build in every run.

    agrees(kind)(want, have)              is every declared setting known and as wanted?
    alike(kind)(shown, recorded, secrets) is every shown setting as the record has it?

Most builds of most runs have not changed: these two answer without building a tree or a path. Walking the
rows each time instead costs ten times as much (`tests/benchmarks/run.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconciler.model.build import CODE_HOST_TYPE, DEFAULT, REPOSITORY_KEY, Element, Values, cut_slashes, elements_of
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Sight
from reconciler.model.secret import Secret

OTHER = "other"
"""The type of code host whose stored owner and name lose their outer slashes in detail."""

Agree = Callable[[Values, Values], bool]
Alike = Callable[[Values, Values, frozenset[str], str], bool]

_ABSENT: Any = object()


def agrees(kind: Kind) -> Agree:
    """Return the test whether all that is declared is known and equal; False only means: look closer."""
    return _AGREES[kind]


def alike(kind: Kind) -> Alike:
    """Return the test whether all that is shown is as recorded; secrets and names by reference are left aside."""
    return _ALIKE[kind]


def _agreement(rows: tuple[Row, ...]) -> Agree:
    tests = tuple(_list_agrees(row) if isinstance(row, Elements) else _leaf_agrees(row) for row in rows)

    def agree(want: Values, have: Values) -> bool:
        return all(test(want, have) for test in tests)

    return agree


def _leaf_agrees(row: Leaf) -> Agree:
    path, default = row.path, row.default

    def agree(want: Values, have: Values) -> bool:
        value = want.get(path, _ABSENT)
        if value is _ABSENT:
            return True
        if value is DEFAULT:
            value = default
        known = have.get(path)
        return type(value) is type(known) and value == known

    return agree


def _list_agrees(row: Elements) -> Agree:
    path, ordered, subset, inner = row.path, row.ordered, row.path == "inputs", _agreement(row.rows)

    def agree(want: Values, have: Values) -> bool:
        value = want.get(path, _ABSENT)
        if value is _ABSENT:
            return True
        wanted: tuple[Element, ...] = () if value is DEFAULT else value
        known: tuple[Element, ...] = have.get(path, _ABSENT)  # type: ignore[assignment]
        if known is _ABSENT or (len(wanted) != len(known) and not subset):
            return False
        if ordered:
            pairs = zip(wanted, known, strict=True)
            return all(w.key == k.key and inner(w.values, k.values) for w, k in pairs)
        found = {k.key: k.values for k in known}
        return all(w.key in found and inner(w.values, found[w.key]) for w in wanted)

    return agree


def _likeness(rows: tuple[Row, ...]) -> Alike:
    tests = tuple(
        _list_alike(row) if isinstance(row, Elements) else _leaf_alike(row)
        for row in rows
        if isinstance(row, Elements) or row.sight is Sight.SHOWN
    )

    def test(shown: Values, recorded: Values, secrets: frozenset[str], parent: str) -> bool:
        if shown.get(CODE_HOST_TYPE) != recorded.get(CODE_HOST_TYPE):
            return False
        return all(one(shown, recorded, secrets, parent) for one in tests)

    return test


def _leaf_alike(row: Leaf) -> Alike:
    path, bends = row.path, row.path in REPOSITORY_KEY

    def test(shown: Values, recorded: Values, secrets: frozenset[str], parent: str) -> bool:
        value = shown.get(path, _ABSENT)
        if value is _ABSENT or isinstance(value, Secret):
            return True
        written = recorded.get(path)
        if type(value) is type(written) and value == written:
            return True
        if bends and shown.get(CODE_HOST_TYPE) == OTHER and isinstance(written, str):
            return bool(cut_slashes(written) == value)
        return bool(secrets) and f"{parent}{path}" in secrets

    return test


def _list_alike(row: Elements) -> Alike:
    path, ordered, inner = row.path, row.ordered, _likeness(row.rows)

    def test(shown: Values, recorded: Values, secrets: frozenset[str], parent: str) -> bool:
        if path not in shown:
            return True
        left, right = elements_of(shown[path]), elements_of(recorded.get(path))
        if len(left) != len(right) or (ordered and any(a.key != b.key for a, b in zip(left, right, strict=True))):
            return False
        found = {e.key: e.values for e in right}
        return all(e.key in found and inner(e.values, found[e.key], secrets, f"{parent}{path}[{e.key}].") for e in left)

    return test


_AGREES = {kind: _agreement(rows) for kind, rows in ROWS.items()}
_ALIKE = {kind: _likeness(rows) for kind, rows in ROWS.items()}
