"""Which paths a build declares, and which of them hold a secret."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from reconciler.model.build import CHOICES, Build, Element, Value, Values, elements_of, join
from reconciler.model.fields import ROWS, Elements, Leaf, Row
from reconciler.model.secret import Secret

Wanted = Callable[[Leaf, Values], bool]
"""Tells whether a leaf of a level is meant."""


def declared_paths(build: Build) -> frozenset[str]:
    """Return every declared path: leaves, lists, and the leaves of each list's elements."""
    return frozenset(_paths(ROWS[build.kind], build.values, ""))


def _paths(rows: tuple[Row, ...], values: Values, parent: str) -> Iterator[str]:
    for row in rows:
        if row.path not in values:
            continue
        path = join(parent, row.path)
        yield path
        if isinstance(row, Elements):
            for element in elements_of(values[row.path]):
                yield from _paths(row.rows, element.values, f"{path}[{element.key}]")


def secrets_in(build: Build) -> tuple[Secret, ...]:
    """Return every secret value of a build."""
    return tuple(_values(build.values))


def _values(values: Values) -> Iterator[Secret]:
    for value in values.values():
        if isinstance(value, Secret):
            yield value
        for element in elements_of(value):
            yield from _values(element.values)


def marked_texts(build: Build, paths: Collection[str]) -> tuple[Secret, ...]:
    """Return the texts of a build at some paths, those of lists too, which cannot hold a sealed one."""
    return tuple(_marked_texts(build.values, paths, "")) if paths else ()


def _marked_texts(values: Values, paths: Collection[str], parent: str) -> Iterator[Secret]:
    for leaf, value in values.items():
        path = join(parent, leaf)
        for element in elements_of(value):
            yield from _marked_texts(element.values, paths, f"{path}[{element.key}]")
        if path in paths:
            texts = value if isinstance(value, tuple) else (value,)
            yield from (Secret(text) for text in texts if isinstance(text, str) and text)


def secret_paths(build: Build) -> frozenset[str]:
    """Return the paths whose value is a `Secret`, or a credential's whose value is left out."""
    return frozenset(_secrets(ROWS[build.kind], build.values, "", _is_value))


def choice_paths(build: Build) -> frozenset[str]:
    """Return the paths of what credentials can be or are chosen to be: as secret as their value, unless Git says it."""
    return frozenset(_secrets(ROWS[build.kind], build.values, "", _is_choice))


def _secrets(rows: tuple[Row, ...], values: Values, parent: str, wanted: Wanted) -> Iterator[str]:
    for row in rows:
        path = join(parent, row.path)
        if isinstance(row, Elements):
            for element in elements_of(values.get(row.path)):
                yield from _secrets(row.rows, element.values, f"{path}[{element.key}]", wanted)
        elif wanted(row, values):
            yield path


def _is_value(row: Leaf, values: Values) -> bool:
    return isinstance(values.get(row.path), Secret) or (row.secret and values.get("is_credential") is True)


def _is_choice(row: Leaf, values: Values) -> bool:
    return row.path in CHOICES and values.get("is_credential") is True and bool(values.get(row.path))


def sealed(build: Build, paths: Collection[str]) -> Build:
    """Return a build whose texts at some paths are secrets."""
    return replace(build, values=_sealed(build.values, paths, "")) if paths else build


def _sealed(values: Values, paths: Collection[str], parent: str) -> Values:
    sealed: dict[str, Value] = {}
    for leaf, value in values.items():
        path = join(parent, leaf)
        if elements := elements_of(value):
            sealed[leaf] = tuple(Element(e.key, _sealed(e.values, paths, f"{path}[{e.key}]")) for e in elements)
        else:
            sealed[leaf] = Secret(value) if isinstance(value, str) and path in paths else value
    return sealed
