"""One build, three-way per setting: what the record has, what Git has, what the server has.

    changes   Git against the server, as a plan has them ──┐
    since()   each of them against the record ─────────────┼─► settings(): a state for each
    stamps    whether anybody has written since ───────────┘

                          Git as recorded     Git changed
    live as recorded      in sync             pending
    live is another       drifted             conflict, or in sync where both have the same

Of a secret only the stamps tell: the record holds no value. What Git does not declare is kept by every apply, so
a change of it is told as `undeclared` and is no drift.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known, Trust, marked, remembered
from reconciler.model.build import Build, Values, elements_of, join
from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.declared import declared_paths, sealed
from reconciler.model.fields import ROWS, Elements, Row
from reconciler.model.ignore import Ignore, list_of, matches
from reconciler.model.live import LiveBuild
from reconciler.model.record import Record
from reconciler.model.threeway import Changed, changed_by, concerns, counted

Tell = Callable[[LiveBuild, tuple[Change, ...]], tuple[Change, ...]]
"""A live build and changes of it → the same, with every credential masked that a text repeats."""


class State(enum.Enum):
    """What became of a setting."""

    PENDING = "pending"
    DRIFTED = "drifted"
    CONFLICT = "conflict"
    UNVERIFIABLE = "unverifiable"
    UNDECLARED = "undeclared"
    IGNORED = "ignored"
    RELEASED = "released"
    UNSET = "unset"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting that is not the same everywhere.

    Attributes:
        path: names an element of a list by its key.
        state: what became of it.
        kind: what happened on the server since the record; of a pending one, what an apply will do.
        recorded: the value that both had, None where absent, sensitive or not known.
        live: the server's value, likewise.
        git: Git's value, likewise.
        sensitive: the values are secret and not in here.
        live_known: False where nothing shows the server's value.
        recorded_known: False where no record tells the value that both had.
        text: the values are texts of many lines.
        reason: why an ignored one is left to the server.
    """

    path: str
    state: State
    kind: ChangeKind
    recorded: Shown = None
    live: Shown = None
    git: Shown = None
    sensitive: bool = False
    live_known: bool = True
    recorded_known: bool = True
    text: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Since:
    """What differs from the record on each side.

    Attributes:
        record: the record.
        stale: whether anybody but us has written since, as stamps and shown settings tell.
        local: the definition against the record.
        remote: the server against the record: `before` is what was recorded, `after` what is live.
    """

    record: Record
    stale: bool
    local: tuple[Change, ...] = ()
    remote: tuple[Change, ...] = ()


def since(desired: Build, known: Known, local_cluster: str | None, declared: Build, tell: Tell) -> Since | None:
    """Compare both sides with the record; None without one. A side of another kind has no differences here.

    Args:
        desired: the definition, ignored settings left out.
        known: what is known of the live build.
        local_cluster: what null means for a cluster.
        declared: the definition, ignored settings in it: what it marks as secret is told by nobody.
        tell: masks what repeats a credential.
    """
    record, live = known.record, known.live.build
    if record is None or live is None:
        return None
    stale = known.trust is Trust.STALE
    paths = marked(desired, known) | marked(declared, known) if stale else frozenset[str]()
    before = remembered(sealed(record.build, paths))
    local = counted(diff(desired, before, local_cluster)) if record.build.kind is desired.kind else ()
    if not stale or record.build.kind is not live.kind:
        return Since(record, stale, local)
    now = sealed(replace(live, values=known.values), paths)
    remote = tuple(change for change in counted(diff(now, before, local_cluster)) if change.path not in known.renamed)
    return Since(record, stale, local, tell(known.live, tuple(_hidden(change, paths) for change in remote)))


def _hidden(change: Change, secrets: frozenset[str]) -> Change:
    """Take the values out of a change of what is secret to Git, the ledger or the server."""
    return replace(change, before=None, after=None, sensitive=True) if change.path in secrets else change


def settings(changes: Iterable[Change], base: Since | None, others: Iterable[Setting] = ()) -> tuple[Setting, ...]:
    """Return the state of every setting that is not the same everywhere; `()`: all in sync.

    What is released and is told already, as changed or as about to be, is not told twice.

    Args:
        changes: the definition, ignored settings left out, against what is known of the live build.
        base: both sides against the record; None without one: every difference is pending.
        others: what Git does not decide, as `beside` has it.
    """
    changes, others = tuple(changes), tuple(others)
    differ, told = counted(changes), {setting.path for setting in others}
    left = (
        change
        for change in changes
        if change.kind is not ChangeKind.RELEASED or not (change.path in told or concerns(differ, change.path))
    )
    return (*(_setting(change, base) for change in left), *others)


def _setting(change: Change, base: Since | None) -> Setting:
    if change.kind is ChangeKind.RELEASED:
        return replace(_as_planned(change, State.RELEASED), git=None)
    if change.is_unset:
        return _as_planned(change, State.UNSET)
    if change.kind is ChangeKind.UNVERIFIABLE:
        return _as_planned(change, State.UNVERIFIABLE)
    who = Changed.GIT if base is None else _who(change, base)
    if base is None or who is Changed.GIT:
        return _as_planned(change, State.PENDING)
    if who is Changed.SERVER:
        return replace(_turned(change), recorded=change.after)
    return _conflict(change, base)


def _as_planned(change: Change, state: State) -> Setting:
    return Setting(
        change.path,
        state,
        change.kind,
        recorded=change.before,
        live=change.before,
        git=change.after,
        sensitive=change.sensitive,
        live_known=change.before_known,
        recorded_known=change.before_known,
        text=change.text,
    )


_TURNED = {ChangeKind.ADDED: ChangeKind.REMOVED, ChangeKind.REMOVED: ChangeKind.ADDED}
"""What an apply would add again, the server has removed."""


def _turned(change: Change) -> Setting:
    return replace(_as_planned(change, State.DRIFTED), kind=_TURNED.get(change.kind, change.kind))


def _conflict(change: Change, base: Since) -> Setting:
    """Tell the value that both had where the record has it at this very path."""
    setting = replace(_turned(change), state=State.CONFLICT, recorded=None, recorded_known=False)
    for other in base.remote:
        if other.path == change.path and (other.kind is ChangeKind.MOVED) is (change.kind is ChangeKind.MOVED):
            return replace(
                setting,
                kind=other.kind,
                recorded=None if setting.sensitive else other.before,
                sensitive=setting.sensitive or other.sensitive,
                recorded_known=not other.sensitive,
            )
    return setting


def _who(change: Change, base: Since) -> Changed:
    """Return who changed a setting that differs. Where the record does not tell, the stamps do."""
    if change.kind is ChangeKind.MOVED:
        return _who_moved(change, base.record.build)
    found = Changed.NOBODY if change.sensitive else changed_by(change.path, base.local, base.remote)
    if found is not Changed.NOBODY:
        return found
    return Changed.SERVER if base.stale else Changed.GIT


def _who_moved(change: Change, record: Build) -> Changed:
    """Compare the order of what both sides have with the order that it had.

    Where neither has another one, both have put new elements among the old ones.
    """
    then = list(_keys(ROWS[record.kind], record.values, "", change.path))
    local, remote = _reordered(change.after, then), _reordered(change.before, then)
    if local and not remote:
        return Changed.GIT
    return Changed.SERVER if remote and not local else Changed.BOTH


def _reordered(keys: Shown, then: list[str]) -> bool:
    assert isinstance(keys, list)
    return [key for key in keys if key in then] != [key for key in then if key in keys]


def _keys(rows: tuple[Row, ...], values: Values, parent: str, path: str) -> Iterator[str]:
    """Yield the keys of the list at a path, in the order that it has in a build."""
    for row in rows:
        if not isinstance(row, Elements):
            continue
        here = join(parent, row.path)
        for element in elements_of(values.get(row.path)):
            if here == path:
                yield element.key
            elif path.startswith(f"{here}["):
                yield from _keys(row.rows, element.values, f"{here}[{element.key}]", path)


def beside(desired: Build, changes: Iterable[Change], base: Since | None, rules: tuple[Ignore, ...]) -> list[Setting]:
    """Return what was changed on the server and Git does not declare, or leaves to the server by a rule.

    Args:
        desired: the definition, ignored settings in it.
        changes: what differs from Git without them.
        base: both sides against the record.
        rules: what is ignored.
    """
    if base is None or not base.remote:
        return []
    declared, told, found = declared_paths(desired), tuple(changes), []
    for change in base.remote:
        rule = _rule(change.path, rules)
        if rule is not None:
            found.append(_happened(change, State.IGNORED, rule.reason))
        elif not _is_declared(change, declared) and not concerns(told, change.path):
            found.append(_happened(change, State.UNDECLARED))
    return found


def _rule(path: str, rules: tuple[Ignore, ...]) -> Ignore | None:
    return next((rule for rule in rules if matches(rule.path, path) or matches(list_of(rule.path), path)), None)


def _happened(change: Change, state: State, reason: str = "") -> Setting:
    return Setting(
        change.path,
        state,
        change.kind,
        recorded=change.before,
        live=change.after,
        sensitive=change.sensitive,
        recorded_known=change.before_known,
        text=change.text,
        reason=reason,
    )


def _is_declared(change: Change, declared: frozenset[str]) -> bool:
    """Tell whether Git says what is at a path; which elements a list has, it says with the list.

    Template inputs that Git leaves out are kept.
    """
    if change.path in declared:
        return True
    whole = list_of(change.path) if change.path.endswith("]") else ""
    if whole.endswith("inputs"):
        return any(path.startswith(f"{change.path}.") for path in declared)
    return whole in declared
