"""Two plain trees that say the same things of a build: what is wanted, and what is known of exactly that.

Desired and live are projected onto the declared settings, lists become mappings by key, values become
JSON, of a secret only whether it differs. Equal canonical bytes mean no difference; otherwise the pair
is handed to deepdiff (`reconciler.compare.explain`). A declared setting that no source shows is left out
of both trees and returned as unknown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.compare.compiled import OTHER
from reconciler.compare.resolve import default_of
from reconciler.model.build import (
    CODE_HOST_CHANGED,
    CODE_HOST_TYPE,
    DEFAULT,
    Element,
    Value,
    Values,
    cut_slashes,
    elements_of,
    join,
    same,
)
from reconciler.model.fields import Elements, Leaf, Row, Sight
from reconciler.model.secret import Secret

Tree = dict[str, "Tree | str | int | bool"]


@dataclass(slots=True)
class Side:
    """Where a leaf of the trees came from: its row and the two real values."""

    row: Leaf
    have: Value
    want: Value


@dataclass(slots=True)
class Facts:
    """The projection of one build.

    Attributes:
        have: what is known of the declared settings.
        want: what is declared.
        leaves: path → where the value came from, for every leaf that was compared.
        unknown: path → (row, wanted value) of what no source shows.
        other_hosts: paths of code hosts whose type is not the recorded one any more.
        unset: path → row of declared values that this environment does not hold.
        orders: path of an ordered list → (keys as they are, keys as they are wanted).
        gone: path of an element → its live level, for elements that only the server has.
        new: path of an element → its wanted level, for elements that only the definition has.
    """

    have: Tree = field(default_factory=dict)
    want: Tree = field(default_factory=dict)
    leaves: dict[str, Side] = field(default_factory=dict)
    unknown: dict[str, tuple[Row, Value]] = field(default_factory=dict)
    other_hosts: set[str] = field(default_factory=set)
    unset: dict[str, Leaf] = field(default_factory=dict)
    orders: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    gone: dict[str, tuple[Elements, Values]] = field(default_factory=dict)
    new: dict[str, tuple[Elements, Values]] = field(default_factory=dict)


def project(
    rows: tuple[Row, ...],
    want: Values,
    have: Values,
    local_cluster: str | None,
    skip: Callable[[str], bool],
) -> Facts:
    """Project one build. `skip` names the paths that are not compared at all."""
    facts = Facts()
    projection = _Projection(facts, local_cluster, skip)
    projection.level(rows, _Level(want, have, facts.want, facts.have), "")
    return facts


@dataclass(frozen=True, slots=True)
class _Level:
    """One level on both sides, and the two trees that it is projected into."""

    want: Values
    have: Values
    want_tree: Tree
    have_tree: Tree

    def inside(self, key: str, want: Values, have: Values) -> _Level:
        """Open a branch of both trees under `key`."""
        want_tree: Tree = {}
        have_tree: Tree = {}
        self.want_tree[key], self.have_tree[key] = want_tree, have_tree
        return _Level(want, have, want_tree, have_tree)


@dataclass(frozen=True, slots=True)
class _Projection:
    facts: Facts
    local_cluster: str | None
    skip: Callable[[str], bool]

    def level(self, rows: tuple[Row, ...], level: _Level, parent: str) -> None:
        """Project the declared rows of one level."""
        for row in rows:
            path = join(parent, row.path)
            if row.path not in level.want or self.skip(path):
                continue
            if isinstance(row, Elements):
                self._list(row, level, path)
            else:
                self._leaf(row, level, path)

    def _leaf(self, row: Leaf, level: _Level, path: str) -> None:
        value = level.want[row.path]
        resolved = default_of(row, self.local_cluster) if value is DEFAULT else value
        if isinstance(resolved, Secret) and not resolved.is_set:
            self.facts.unset[path] = row
        elif resolved is None or row.path not in level.have:
            self.facts.unknown[path] = (row, value if resolved is None else resolved)
            if row.sight is Sight.PARTIAL and CODE_HOST_CHANGED in level.have:
                self.facts.other_hosts.add(path)
        else:
            have = level.have[row.path]
            self.facts.leaves[path] = Side(row, have, resolved)
            tokens = _tokens(have, _as_shown(row, resolved, level.have))
            level.have_tree[row.path], level.want_tree[row.path] = tokens

    def _list(self, row: Elements, level: _Level, path: str) -> None:
        if row.path not in level.have and row.sight is Sight.UNREADABLE:
            self.facts.unknown[path] = (row, level.want[row.path])
            return
        wanted = {e.key: e for e in elements_of(level.want[row.path])}
        known = {e.key: e for e in elements_of(level.have.get(row.path))}
        branch = level.inside(row.path, {}, {})
        for key in {**known, **wanted}:
            self._element(row, branch, f"{path}[{key}]", (wanted.get(key), known.get(key)))
        if row.ordered:
            self.facts.orders[path] = [k for k in known if k in wanted], [k for k in wanted if k in known]

    def _element(self, row: Elements, branch: _Level, path: str, pair: tuple[Element | None, Element | None]) -> None:
        want, have = pair
        if want is not None and have is not None:
            self.level(row.rows, branch.inside(want.key, want.values, have.values), path)
        elif want is not None:
            branch.want_tree[want.key] = {}
            self.facts.new[path] = (row, want.values)
        elif have is not None and row.path != "inputs":  # a template's variables are kept, never removed (design)
            branch.have_tree[have.key] = {}
            self.facts.gone[path] = (row, have.values)


def _as_shown(row: Leaf, value: Value, have: Values) -> Value:
    """Bend a wanted repository as detail does for a code host of type `other`."""
    shown = have.get(row.path)
    if (
        have.get(CODE_HOST_TYPE) == OTHER
        and row.path in ("repo_namespace", "repo_name")
        and isinstance(value, str)
        and cut_slashes(value) == shown
    ):
        return shown
    return value


def _plain(value: Value) -> str | int | bool:
    """A leaf as plain JSON; a list of strings is one value."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False)
    assert isinstance(value, str | int)
    return value


def _tokens(have: Value, want: Value) -> tuple[str | int | bool, str | int | bool]:
    """The pair as it goes into the trees; of a secret only whether it differs."""
    if isinstance(have, Secret) or isinstance(want, Secret):
        return "", "" if same(have, want) else "differs"
    return _plain(have), _plain(want)


def canonical(tree: Mapping[str, object]) -> bytes:
    """Return bytes that are equal exactly where two trees are: the order of keys does not count, types do."""
    return repr(_sorted(tree)).encode("utf-8", "surrogatepass")


def _sorted(value: object) -> object:
    if isinstance(value, Mapping):
        return sorted((key, _sorted(item)) for key, item in value.items())
    return value
