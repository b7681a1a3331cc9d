"""What is kept of a live build before it is deleted, converted, or loses something.

every value known when the plan was made ──► build    (secrets sealed)
what no definition can hold ───────────────► losses   (with its value)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from reconciler.compare.knowledge import Trust, know
from reconciler.model.build import CHOICE_VALUE, Build, Element, Value, Values, elements_of, join
from reconciler.model.declared import sealed, secret_paths
from reconciler.model.fields import ROWS, Elements, Row, Sight
from reconciler.model.live import LiveBuild, Loss
from reconciler.model.record import Record
from reconciler.plan.chosen import chosen_values, held_value


@dataclass(frozen=True, slots=True)
class Keepsake:
    """What is known of a live build.

    Attributes:
        build: every value, secrets sealed.
        losses: what no definition can bring back.
        outdated: paths whose value is the last that the ledger knew, before somebody else wrote.
        marked: paths that the ledger or a definition marks as secret; of the other kind too, where a conversion
            has left its settings in the store.
    """

    build: Build
    losses: tuple[Loss, ...] = ()
    outdated: tuple[str, ...] = ()
    marked: frozenset[str] = frozenset()


def keepsake(
    live: LiveBuild, record: Record | None, desired: Build | None = None, stays: Collection[Loss] = ()
) -> Keepsake | None:
    """Put together what is known of a live build; None where it was not read.

    Args:
        live: as it was read.
        record: ours, if there is one.
        desired: what takes its place.
        stays: what no definition can hold, and the step leaves where it is.
    """
    if live.build is None:
        return None
    known = know(live, record)
    memory = _Memory()
    values = live.deep.values if live.deep else known.values
    values = memory.level(ROWS[live.build.kind], values, known.last, "")
    marked = live.marks.union(record.secrets if record else (), secret_paths(desired) if desired else ())
    build = sealed(replace(live.build, values=values), marked)
    losses = (*live.losses, *live.hidden, *live.own, *live.leftover, *choices(values, ""))
    lost = tuple(loss for loss in losses if loss not in stays)
    return Keepsake(build, lost, tuple(memory.outdated), marked)


def is_exact(live: LiveBuild, record: Record | None) -> bool:
    """Tell whether an exact record speaks for everything that detail does not show."""
    return live.build is not None and know(live, record).trust is Trust.EXACT


@dataclass(slots=True)
class _Memory:
    outdated: list[str] = field(default_factory=list)

    def level(self, rows: tuple[Row, ...], values: Values, last: Values, parent: str) -> Values:
        """Add the unreadable settings that only an outdated record knows."""
        level = dict(values)
        for row in rows:
            path = join(parent, row.path)
            if row.path not in values and row.sight is Sight.UNREADABLE and row.path in last:
                level[row.path] = last[row.path]
                self.outdated.append(path)
            elif isinstance(row, Elements) and row.path in values:
                level[row.path] = self._elements(row, values[row.path], last.get(row.path), path)
        return level

    def _elements(self, row: Elements, value: Value, last: Value | None, path: str) -> Value:
        before = {e.key: e.values for e in elements_of(last)}
        return tuple(
            Element(e.key, self.level(row.rows, e.values, before.get(e.key, {}), f"{path}[{e.key}]"))
            for e in elements_of(value)
        )


def choices(values: Values, parent: str) -> Iterator[Loss]:
    """Name a template's inputs with chosen values, which no request can write (contract, section 1)."""
    for leaf, value in values.items():
        path = join(parent, leaf)
        if leaf == CHOICE_VALUE and isinstance(value, tuple) and value:
            yield chosen_values(parent, values)
            yield held_value(parent, values)
        for element in elements_of(value):
            yield from choices(element.values, f"{path}[{element.key}]")
