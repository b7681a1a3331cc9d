"""Settings that Git leaves to the server: a definition as if it did not speak of them.

    declared ─┐
              ├─► without_ignored ─► compared and sent like any build: what is absent is kept
    known ────┘

An ignored leaf becomes absent. An ignored element is there if the server has it, where the server has it,
and declares nothing. An ignored list becomes absent. What is made new (an element, the image step, a whole
build) takes Git's values: the server has nothing to keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known
from reconciler.compare.resolve import BLOCK, CLUSTER, DOCKER, STRATEGY, default_of
from reconciler.model.build import DEFAULT, Build, Element, Value, Values, elements_of, same
from reconciler.model.change import Change, ChangeKind
from reconciler.model.declared import declared_paths, secrets_in
from reconciler.model.definition import Definition
from reconciler.model.fields import FOLLOWERS, ROWS, Elements, Leaf, Row, Sight
from reconciler.model.ignore import Part, Parts, matches, parts_of
from reconciler.model.secret import Secret
from reconciler.plan.hidden import sentences
from reconciler.plan.step import Block, Step


@dataclass(frozen=True, slots=True)
class Ignoring:
    """What is left of a definition.

    Attributes:
        definition: to be compared and sent in the place of the original.
        known: what is known, without names that moved at ignored paths.
        original: as it was declared.
        notes: one sentence per rule that hides a difference; no secrets.
    """

    definition: Definition
    known: Known
    original: Definition
    notes: tuple[str, ...] = ()

    def told(self, step: Step) -> Step:
        """Complete a step that was made from `definition`: what was declared, what was hidden, and why."""
        if self.definition is self.original:
            return step
        blocked = step.blocked
        if blocked and blocked.reason is Block.UNWRITABLE and self._ignores_repositories():
            blocked = replace(blocked, hint="take the ignore rule for repo_info away, and declare its code hosts")
        return replace(
            step,
            desired=self.original.build,
            changes=tuple(self._without_released(step.changes)),
            notes=(*step.notes, *self.notes),
            ignored=self.notes,
            blocked=blocked,
        )

    def _without_released(self, changes: Iterable[Change]) -> Iterator[Change]:
        """Leave out what is not declared any more only because it is ignored."""
        declared = declared_paths(self.original.build)
        for change in changes:
            ignored = change.path in declared or any(matches(rule.path, change.path) for rule in self.original.ignore)
            if change.kind is not ChangeKind.RELEASED or not ignored:
                yield change

    def _ignores_repositories(self) -> bool:
        return any("repo_info" in rule.path for rule in self.original.ignore)


def with_ignored(definition: Definition, known: Known, local_cluster: str | None) -> Ignoring:
    """Return a definition as if it left every ignored setting to the server, which is of the same kind."""
    build = definition.build
    rules = tuple(parts for rule in definition.ignore if (parts := parts_of(build.kind, rule.path)))
    if not rules:
        return Ignoring(definition, known, definition)
    renamed = {path: names for path, names in known.renamed.items() if not any(_names(parts, path) for parts in rules)}
    seen = replace(known, renamed=renamed)
    values = _left(build, _with_followers(rules, build, known, local_cluster), known)
    left = replace(build, values=values)
    needed = {secret.name for secret in secrets_in(left) if not secret.is_set}
    unset = tuple(name for name in definition.unset if name in needed)
    hidden = _hidden(build, left, known, local_cluster)
    return Ignoring(
        replace(definition, build=left, unset=unset), seen, definition, sentences(hidden, definition.ignore, FOLLOWERS)
    )


def _names(parts: Parts, path: str) -> bool:
    """Tell whether a rule names a leaf of the build itself."""
    return len(parts) == 1 and parts[0].key is None and parts[0].covers(path)


def _hidden(build: Build, left: Build, known: Known, local_cluster: str | None) -> list[Change]:
    """Return the differences that are there with the rules taken away, and not with them."""
    shown = {(change.path, change.kind) for change in diff(left, known, local_cluster)}
    kinds = (ChangeKind.RELEASED, ChangeKind.UNVERIFIABLE)
    found = diff(build, known, local_cluster)
    return [change for change in found if change.kind not in kinds and (change.path, change.kind) not in shown]


def _with_followers(
    rules: tuple[Parts, ...], build: Build, known: Known, local_cluster: str | None
) -> tuple[Parts, ...]:
    more = list(rules)
    rows = {row.path: row for row in ROWS[build.kind]}
    for leader, followers in FOLLOWERS.items():
        row, have = rows.get(leader), known.values.get(leader)
        want = build.values.get(leader)
        if not isinstance(row, Leaf) or want is None or not any(_names(parts, leader) for parts in rules):
            continue
        wanted = default_of(row, local_cluster) if want is DEFAULT else want
        if have is not None and (wanted is None or not same(wanted, have)):
            more += ((Part(path),) for path in followers)
    return tuple(more)


def _left(build: Build, rules: tuple[Parts, ...], known: Known) -> Values:
    """Return the declared values without the ignored ones.

    `advanced_settings: null` leaves the block out of the request, which resets all of it: where an ignored
    setting in it has another value than that, the block is sent with its defaults written out instead.
    """
    cut = _Cut()
    level = _Level(build.values, known.values, known.last)
    values = cut.level(ROWS[build.kind], level, rules)
    if build.values.get(BLOCK) is DEFAULT and cut.kept_in_block:
        values.pop(BLOCK, None)
        if values.get(STRATEGY) is DEFAULT:
            del values[STRATEGY]
    return values


@dataclass(frozen=True, slots=True)
class _Level:
    """One level: as declared, as known, as last recorded."""

    want: Values
    have: Values
    last: Values

    def seen(self, row: Row) -> Value | None:
        """Return what the server has; of what cannot be seen, the last that is known."""
        value = self.have.get(row.path)
        return self.last.get(row.path) if value is None and row.sight is Sight.UNREADABLE else value

    def made_new(self, path: str, rules: tuple[Parts, ...]) -> bool:
        """Tell whether a leaf belongs to an image step that the server does not have yet."""
        if not path.startswith(f"{DOCKER}.") or any(_names(parts, DOCKER) for parts in rules):
            return False
        return self.have.get(DOCKER) is False


@dataclass(slots=True)
class _Cut:
    """Takes ignored settings out. `kept_in_block`: some of `advanced_settings` are not as without the block."""

    kept_in_block: bool = False

    def level(self, rows: tuple[Row, ...], level: _Level, rules: tuple[Parts, ...]) -> dict[str, Value]:
        """Return the declared values of a level that are not ignored."""
        values = dict(level.want)
        for row in rows:
            here = tuple(parts for parts in rules if parts[0].covers(row.path))
            if row.path not in level.want or not here or level.made_new(row.path, rules):
                continue
            value = self._list(row, level, here) if isinstance(row, Elements) else _leaf(row, level)
            if row.path.startswith(f"{BLOCK}."):
                self.kept_in_block |= _differs(row, level.seen(row), value)
            if value is None:
                del values[row.path]
            else:
                values[row.path] = value
        return values

    def _list(self, row: Elements, level: _Level, rules: tuple[Parts, ...]) -> Value | None:
        """Return what is still declared of a list; None for nothing at all."""
        seen, declared = level.seen(row), level.want[row.path]
        whole = any(parts[0].key is None for parts in rules)
        if whole and (seen is None or row.path == "inputs"):
            return None
        before = {element.key: element.values for element in elements_of(level.last.get(row.path))}
        have = {element.key: element.values for element in elements_of(seen)}
        mine = {element.key: element.values for element in elements_of(declared)}
        ignored = {key for key in {**have, **mine} if whole or _names_element(row, rules, key)}
        kept: list[Element] = []
        for key in [key for key in mine if key not in ignored]:
            inner = _Level(mine[key], have.get(key, {}), before.get(key, {}))
            kept += self._element(row, key, inner, rules if key in have else ())
        if row.path == "inputs":
            return tuple(kept)
        theirs = [Element(key, _silent(row, mine.get(key, {}), have[key])) for key in have if key in ignored]
        return _in_place(kept, theirs, list(have)) if kept or theirs or mine else declared

    def _element(self, row: Elements, key: str, level: _Level, rules: tuple[Parts, ...]) -> list[Element]:
        """Return what is still declared of an element; an input that declares nothing is left out."""
        inner = tuple(parts[1:] for parts in rules if len(parts) > 1 and parts[0].fits(row, key))
        values = self.level(tuple(leaf for leaf in row.rows if leaf.path not in row.key), level, inner)
        nothing_left = inner and row.path == "inputs" and values.keys() <= set(row.key)
        return [] if nothing_left else [Element(key, values)]


def _names_element(row: Elements, rules: tuple[Parts, ...], key: str) -> bool:
    return any(len(parts) == 1 and parts[0].fits(row, key) for parts in rules)


def _leaf(row: Leaf, level: _Level) -> Value | None:
    """Absent; but where Git's value is secret the server's is taken for one too."""
    have = level.have.get(row.path)
    return Secret(have) if isinstance(level.want[row.path], Secret) and isinstance(have, str) else None


def _silent(row: Elements, want: Values, have: Values) -> Values:
    """Return what stands for an element of the server's that declares nothing."""
    if row.sight is Sight.UNREADABLE:
        return have
    leaves = (leaf for leaf in row.rows if isinstance(leaf, Leaf) and leaf.path in want)
    level = _Level(want, have, {})
    return {leaf.path: value for leaf in leaves if (value := _leaf(leaf, level)) is not None}


def _differs(row: Row, seen: Value | None, left: Value | None) -> bool:
    """Tell whether the server has another value at an ignored path than it gets without the block."""
    if isinstance(row, Elements):
        return bool(elements_of(seen)) and left is not DEFAULT
    return seen is not None and (row.path in (CLUSTER, STRATEGY) or not same(row.default, seen))


def _in_place(kept: list[Element], ignored: list[Element], order: list[str]) -> tuple[Element, ...]:
    """Put the server's ignored elements behind what stands in front of them on the server."""
    result = list(kept)
    for element in ignored:
        places = {other.key: place for place, other in enumerate(result)}
        before = order[: order.index(element.key)]
        result.insert(next((places[key] for key in reversed(before) if key in places), -1) + 1, element)
    return tuple(result)
