"""One build, desired against known: the changes, in the order of the table.

    desired ─ wanted() ─┐
                        ├─ project() ─ equal bytes? ── yes ─► nothing differs
    known ──────────────┘                └─ no ─ differing() ─► Change per leaf, element, order

What no source shows becomes a change of kind `unverifiable`; what was declared at the last apply and is
not any more becomes `released`. Values that are secret never get into a `Change`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from reconciler.compare.compiled import agrees
from reconciler.compare.explain import differing
from reconciler.compare.facts import Facts, Side, canonical, project
from reconciler.compare.knowledge import Known, Trust, marked
from reconciler.compare.resolve import BLOCK, DOCKER, STRATEGY, default_of, is_default, wanted
from reconciler.compare.show import path_of, shown, shown_level, shown_value
from reconciler.model.build import DEFAULT, Build, Value, Values, elements_of, join
from reconciler.model.change import Change, ChangeKind
from reconciler.model.declared import declared_paths
from reconciler.model.fields import ASSUMED_USUAL, PLAIN, ROWS, Elements, Leaf, Row, Type
from reconciler.model.secret import Secret


def diff(desired: Build, known: Known, local_cluster: str | None) -> tuple[Change, ...]:
    """Return every change of one build of the same kind, sorted by the table and then by key."""
    rows = ROWS[desired.kind]
    want = _with_default_strategy(desired, wanted(desired, known.values, local_cluster), known)
    if agrees(desired.kind)(want, known.values):
        return _untold(_sorted(rows, _released(desired, want, known)), desired, known)
    facts = project(rows, want, known.values, local_cluster, _skipper(desired, want, known))
    changes = [
        *_differences(facts, want, known),
        *_moves(facts),
        *_unset(facts),
        *_unverifiable(facts, known),
        *_released(desired, want, known),
    ]
    return _untold(_sorted(rows, changes), desired, known)


def _untold(changes: list[Change], desired: Build, known: Known) -> tuple[Change, ...]:
    """Take the values out of the changes of what is secret on either side, a credential's choices too."""
    if not changes:
        return ()
    secret = marked(desired, known)
    return tuple(
        replace(change, before=None, after=None, sensitive=True)
        if change.path in secret and not change.sensitive
        else change
        for change in changes
    )


def _with_default_strategy(desired: Build, want: Values, known: Known) -> Values:
    """With `advanced_settings: null` the server takes the local cluster's default strategy.

    No call tells its name, but a record of the build as it was written so does.
    """
    record = known.record
    if desired.values.get(BLOCK) is not DEFAULT or record is None or BLOCK not in record.declared:
        return want
    strategy = record.build.values.get(STRATEGY)
    return want if strategy is None else {**want, STRATEGY: strategy}


def _sorted(rows: tuple[Row, ...], changes: Iterable[Change]) -> list[Change]:
    places = {row.path: place for place, row in enumerate(rows)}
    return sorted(changes, key=lambda c: (places[c.path.partition("[")[0]], c.path, c.kind.value))


def additions(build: Build, local_cluster: str | None) -> tuple[Change, ...]:
    """Return what a create adds: one change per declared setting and per element, in the order of the table."""
    whole_block = build.values.get(BLOCK) is DEFAULT
    changes: list[Change] = []
    for row in ROWS[build.kind]:
        value = build.values.get(row.path)
        if value is None or (whole_block and row.path.startswith(f"{BLOCK}.")):
            continue
        if isinstance(row, Elements):
            changes += (_element(f"{row.path}[{e.key}]", ChangeKind.ADDED, row, e.values) for e in elements_of(value))
        elif row.type is not Type.BLOCK or value is DEFAULT:
            changes.append(_added(row, default_of(row, local_cluster) if value is DEFAULT else value))
    return tuple(changes)


def _added(row: Leaf, value: Value | None) -> Change:
    sensitive = isinstance(value, Secret)
    after = None if sensitive or value is None or row.type is Type.BLOCK else shown(value)
    return Change(row.path, ChangeKind.ADDED, after=after, sensitive=sensitive, text=row.type is Type.TEXT)


def _skipper(desired: Build, want: Values, known: Known) -> Callable[[str], bool]:
    """Name what is not compared: moved references, the inside of an image step that only one side has.

    A moved reference for which Git has a third name is compared: that is another one.
    With `advanced_settings: null` the block itself is left aside, and the strategy where nobody knows it.
    """
    docker_differs = (want.get(DOCKER) is True) != (known.values.get(DOCKER) is True)
    skipped = {path for path, names in known.renamed.items() if not _is_another(want.get(path), names)}
    if desired.values.get(BLOCK) is DEFAULT:
        skipped |= {BLOCK, STRATEGY} if want.get(STRATEGY) is DEFAULT else {BLOCK}

    def skip(path: str) -> bool:
        return path in skipped or (docker_differs and path.startswith(f"{DOCKER}."))

    return skip


def _is_another(want: Value | None, names: tuple[str, str]) -> bool:
    """Tell whether Git wants neither what a reference was called nor what it is called now."""
    return isinstance(want, str) and want not in names


def _differences(facts: Facts, want: Values, known: Known) -> Iterator[Change]:
    if canonical(facts.have) == canonical(facts.want):
        return
    for keys in differing(facts.have, facts.want):
        path = path_of(keys)
        if path in facts.gone:
            yield _element(path, ChangeKind.REMOVED, *facts.gone[path])
        elif path in facts.new:
            yield _element(path, ChangeKind.ADDED, *facts.new[path])
        elif path == DOCKER:
            yield _docker(want, known.values)
        else:
            yield _leaf(path, facts.leaves[path])


def _docker(want: Values, have: Values) -> Change:
    rows = tuple(row for row in PLAIN if row.path.startswith(f"{DOCKER}."))
    if want.get(DOCKER) is True:
        return Change(DOCKER, ChangeKind.ADDED, after=shown_level(rows, want, f"{DOCKER}."))
    return Change(DOCKER, ChangeKind.REMOVED, before=shown_level(rows, have, f"{DOCKER}."))


def _leaf(path: str, side: Side) -> Change:
    sensitive = isinstance(side.have, Secret) or isinstance(side.want, Secret)
    return Change(
        path,
        ChangeKind.CHANGED,
        before=None if sensitive else shown(side.have),
        after=None if sensitive else shown(side.want),
        sensitive=sensitive,
        text=side.row.type is Type.TEXT,
    )


def _element(path: str, kind: ChangeKind, row: Elements, level: Values) -> Change:
    value = shown_level(row.rows, level)
    if kind is ChangeKind.REMOVED:
        return Change(path, kind, before=value)
    return Change(path, kind, after=value)


def _moves(facts: Facts) -> Iterator[Change]:
    for path, (have, want) in facts.orders.items():
        if have != want:
            yield Change(path, ChangeKind.MOVED, before=list(have), after=list(want))


def _unset(facts: Facts) -> Iterator[Change]:
    for path in facts.unset:
        yield Change(path, ChangeKind.UNVERIFIABLE, sensitive=True, after_known=False)


def _unverifiable(facts: Facts, known: Known) -> Iterator[Change]:
    for path, (row, want) in facts.unknown.items():
        if path in facts.other_hosts:
            yield Change(path, ChangeKind.CHANGED, after=shown(want), before_known=False)
        elif _matters(row, want, known.trust):
            sensitive = isinstance(want, Secret)
            after = None if sensitive else shown_value(row, want)
            yield Change(path, ChangeKind.UNVERIFIABLE, after=after, sensitive=sensitive, before_known=False)


def _matters(row: Row, want: Value, trust: Trust) -> bool:
    """Tell whether an unseen setting is worth naming: not at its usual value, or somebody wrote since."""
    if isinstance(row, Elements):
        return bool(elements_of(want)) or trust is Trust.STALE
    usual = want is DEFAULT or want == row.usual_value
    return not usual or (trust is Trust.STALE and row.path not in ASSUMED_USUAL)


def _released(desired: Build, want: Values, known: Known) -> Iterator[Change]:
    """Paths that the last apply declared and the definition does not any more: kept, and said so.

    What follows from the definition (`want`) does not stay; nor does the inside of an image step that is null.
    """
    if known.record is None or known.record.build.kind is not desired.kind:
        return
    gone = known.record.declared - declared_paths(desired) - want.keys()
    if want.get(DOCKER) is DEFAULT:
        gone = frozenset(path for path in gone if not path.startswith(f"{DOCKER}."))
    if gone:
        yield from _kept(ROWS[desired.kind], (desired.values, known.values), "", gone)


def _kept(rows: tuple[Row, ...], pair: tuple[Values, Values], parent: str, gone: frozenset[str]) -> Iterator[Change]:
    """Walk what is there on both sides: what was taken out of a declared list does not stay.

    What is as null would make it is not worth a word. Template inputs are never taken out: one that is not
    declared any more is kept.
    """
    want, have = pair
    for row in rows:
        path = join(parent, row.path)
        if row.path not in have or path == BLOCK or (DOCKER in gone and path.startswith(f"{DOCKER}.")):
            continue
        if path in gone:
            if not is_default(row, have[row.path]):
                yield _release(path, row, have)
        elif isinstance(row, Elements):
            mine = {e.key: e.values for e in elements_of(want.get(row.path))}
            for element in elements_of(have[row.path]):
                if element.key in mine or row.path == "inputs":
                    inner = (mine.get(element.key, {}), element.values)
                    yield from _kept(row.rows, inner, f"{path}[{element.key}]", gone)


def _release(path: str, row: Row, have: Values) -> Change:
    value = have[row.path]
    sensitive = isinstance(value, Secret)
    now = None if sensitive else shown_value(row, value)
    if path == DOCKER:
        now = _docker(have, {}).after if value is True else None
    return Change(path, ChangeKind.RELEASED, before=now, after=now, sensitive=sensitive)
