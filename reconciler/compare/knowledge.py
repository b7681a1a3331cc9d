"""What can be known of a live build, and from where.

    detail shows it ─────────────────────────────┐
    the internal read shows it (`Known.seen`) ───┤
    the record, while it is exact or assumed ────┼──► Known.values
    the record, whatever came after ─────────────┴──► Known.last   (kept by, compared with nothing)

A record is exact as long as the stamps and every shown setting stay as our own write left them
(design, "Unreadable settings"). What is shown by reference (labels of images, names of clusters,
strategies and templates) may move under a build without a write and does not end exactness.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.compare.compiled import OTHER, alike
from reconciler.model.build import (
    CODE_HOST_CHANGED,
    CODE_HOST_TYPE,
    LEFTOVER_NAMED,
    REPOSITORY_KEY,
    Build,
    Element,
    Value,
    Values,
    cut_slashes,
    elements_of,
)
from reconciler.model.declared import choice_paths, secret_paths
from reconciler.model.fields import HIDDEN, ROWS, Elements, Leaf, Row, Sight, Type
from reconciler.model.live import LiveBuild, Stamps
from reconciler.model.record import Record
from reconciler.model.secret import Secret


class Trust(enum.Enum):
    """How far the record of a build can be relied on."""

    NONE = "no record"
    EXACT = "exact"
    ASSUMED = "assumed"
    STALE = "somebody has written since"


@dataclass(frozen=True, slots=True)
class Known:
    """A live build with everything that is known of it.

    Attributes:
        live: as it was read; its `build` is not None.
        record: ours, if there is one.
        trust: how far the record goes.
        values: shown settings, and unreadable ones where the record speaks for them.
        last: the record's values, the last that we know of what nothing else shows.
        seen: the internal read shows the whole build, so that nothing is unverifiable and every loss has a name.
        renamed: settings by reference whose name moved without a write: path → (recorded, shown).
    """

    live: LiveBuild
    record: Record | None
    trust: Trust
    values: Values
    last: Values = field(default_factory=dict)
    renamed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    seen: bool = False

    @property
    def leftover_named(self) -> bool:
        """Whether no plan has yet to name what a template build holds of a plain one: made by us, or none is seen."""
        if self.trust is Trust.EXACT:
            return self.last.get(LEFTOVER_NAMED) is True
        return self.seen and not self.live.leftover


def know(live: LiveBuild, record: Record | None) -> Known:
    """Put together what detail shows and what the record holds. `live.build` must have been read."""
    build = live.build
    if build is None:
        raise ValueError(f"{live.name} was not read")
    rows = ROWS[build.kind]
    seen = live.deep is not None
    shown = live.deep.values if live.deep is not None else build.values
    if record is None:
        return Known(live, None, Trust.NONE, _seal(rows, shown, live.marks, ""), seen=seen)
    recorded = record.build.values if record.build.kind is build.kind else {}
    trust = _trust(live, record)
    marked = _seal(rows, shown, record.secrets | live.marks, "")
    values = _merge(rows, marked, recorded, trusted=trust is not Trust.STALE and not seen)
    return Known(live, record, trust, values, recorded, _renamed(rows, live, record), seen)


def remembered(build: Build) -> Known:
    """Return a build that is not read but remembered, so that others can be compared with it."""
    live = LiveBuild(build.project, build.name, "", Stamps(0, ""), build=build)
    return Known(live, None, Trust.NONE, build.values)


def marked(desired: Build, known: Known) -> frozenset[str]:
    """Return the paths that are secret to the definition, the ledger or the server; a credential's choices too."""
    assert known.live.build is not None
    now = replace(known.live.build, values=known.values)
    kept = known.live.marks.union(known.record.secrets if known.record else ())
    return kept.union(*(paths(build) for build in (desired, now) for paths in (secret_paths, choice_paths)))


def unsure(build: Build, known: Known) -> bool:
    """Tell whether a code host was declared and recorded, and somebody wrote since: detail shows only its type."""
    if known.trust is not Trust.STALE or known.seen:
        return False
    targets = elements_of(build.values.get("target_services"))
    return any(elements_of(values.get("repo_info")) for values in (build.values, *(t.values for t in targets)))


def _trust(live: LiveBuild, record: Record) -> Trust:
    if live.build is None or record.build.kind is not live.build.kind or record.stamps != live.stamps:
        return Trust.STALE
    unchanged = alike(live.build.kind)(live.build.values, record.build.values, record.secrets, "")
    if record.image_id != live.image_id or not unchanged:
        return Trust.STALE
    return Trust.EXACT if record.exact else Trust.ASSUMED


def _seal(rows: tuple[Row, ...], values: Values, secrets: frozenset[str], parent: str) -> Values:
    """Seal the live values at the paths that the record marks as secret."""
    heads = {path.removeprefix(parent).partition("[")[0] for path in secrets if path.startswith(parent)}
    if not heads:
        return values
    sealed = dict(values)
    for row in rows:
        value = values.get(row.path)
        if row.path not in heads:
            continue
        if isinstance(row, Elements):
            sealed[row.path] = tuple(
                Element(e.key, _seal(row.rows, e.values, secrets, f"{parent}{row.path}[{e.key}]."))
                for e in elements_of(value)
            )
        elif isinstance(value, str):
            sealed[row.path] = Secret(value)
    return sealed


def _merge(rows: tuple[Row, ...], shown: Values, recorded: Values, *, trusted: bool) -> Values:
    """Add to the shown settings what the record knows: unreadable ones if trusted, code hosts of the same type."""
    values = dict(shown)
    for row in _telling(rows):
        known = recorded.get(row.path)
        if known is None:
            continue
        if isinstance(row, Elements) and row.sight is not Sight.UNREADABLE:
            values[row.path] = _merge_elements(row, shown.get(row.path, ()), known, trusted=trusted)
        elif row.sight is Sight.UNREADABLE:
            if trusted:
                values[row.path] = known
        elif row.sight is Sight.PARTIAL and row.path in shown:
            continue  # the internal read has told it
        elif isinstance(row, Leaf) and _speaks_for(row, shown, recorded):
            values[row.path] = known
        elif row.sight is Sight.PARTIAL:
            values[CODE_HOST_CHANGED] = True
    return values


@functools.cache
def _telling(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return the rows of which a record can know more than detail shows."""
    return tuple(
        row
        for row in rows
        if row.sight in HIDDEN or row.path in REPOSITORY_KEY or (isinstance(row, Elements) and _telling(row.rows))
    )


def _merge_elements(row: Elements, shown: Value, known: Value, *, trusted: bool) -> tuple[Element, ...]:
    recorded = {e.key: e.values for e in elements_of(known)}
    return tuple(
        Element(e.key, _merge(row.rows, e.values, recorded.get(e.key, {}), trusted=trusted)) for e in elements_of(shown)
    )


def _speaks_for(row: Leaf, shown: Values, recorded: Values) -> bool:
    """Tell whether a repository's record fills in what detail bends: the alias, and outer slashes."""
    if shown.get(CODE_HOST_TYPE) is None or shown.get(CODE_HOST_TYPE) != recorded.get(CODE_HOST_TYPE):
        return False
    if row.sight is Sight.PARTIAL:
        return CODE_HOST_CHANGED not in shown
    value = recorded.get(row.path)
    return (
        shown.get(CODE_HOST_TYPE) == OTHER
        and row.path in REPOSITORY_KEY
        and isinstance(value, str)
        and cut_slashes(value) == shown.get(row.path)
    )


def _renamed(rows: tuple[Row, ...], live: LiveBuild, record: Record) -> dict[str, tuple[str, str]]:
    """Find names by reference that moved: same stored image, or no new stamps at all."""
    if live.build is None:
        return {}
    moved = {}
    for row in rows:
        if not isinstance(row, Leaf) or row.sight is not Sight.REFERENCE or row.type is not Type.STRING:
            continue
        old, new = record.build.values.get(row.path), live.build.values.get(row.path)
        if not isinstance(old, str) or not isinstance(new, str) or old == new or not old:
            continue
        still = live.image_id == record.image_id != "" if row.path == "build_os" else live.stamps == record.stamps
        if still:
            moved[row.path] = (old, new)
    return moved
