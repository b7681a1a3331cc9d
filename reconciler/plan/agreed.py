"""What Git and the server have changed alike since the record: what a keep may remember, and what it may not.

    Git ──┐
          ├─ the same, setting by setting ─► the record has it from now on
    live ─┘                                  everything else of the record stays, its stamps first of all

Whoever takes a drift into Git makes both sides alike; a record that went on telling the value before it would make a
conflict of the next change. Only a record that others have written after is touched: its stamps, which stay, keep it
from ever being taken for exact again by this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.compare.knowledge import Known, Trust, marked
from reconciler.compare.resolve import DOCKER, default_of, wanted
from reconciler.model.build import CODE_HOST_TYPE, DEFAULT, Build, Element, Value, Values, elements_of, join, same
from reconciler.model.declared import choice_paths, declared_paths, secret_paths
from reconciler.model.definition import Definition
from reconciler.model.fields import ROWS, Elements, Leaf, Row
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.plan.step import Agreed

_IMAGE = "build_os"


def agreed(definition: Definition, known: Known, local_cluster: str | None) -> Agreed | None:
    """Return the record with what both sides have changed alike; None where that is nothing, or nobody has written.

    Args:
        definition: as it is compared, ignored settings left out.
        known: the live build, of which nothing differs from the definition.
        local_cluster: what null means for a cluster.
    """
    record, desired = known.record, definition.build
    if record is None or known.trust is not Trust.STALE or known.live.stamps == record.stamps:
        return None
    if not record.build.kind is desired.kind is _kind(known):
        return None
    secrets = marked(desired, known)
    merge = _Merge(local_cluster, secrets, frozenset(rule.path.partition("[")[0] for rule in definition.ignore))
    want = wanted(desired, known.values, local_cluster)
    values = merge.level(ROWS[desired.kind], _Sides(want, known.values, record.build.values), "")
    build = replace(record.build, values=values)
    if build == record.build:
        return None
    return Agreed(record, _renewed(record, build, known, desired))


def _kind(known: Known) -> object:
    return known.live.build.kind if known.live.build else None


def _renewed(record: Record, build: Build, known: Known, desired: Build) -> Record:
    """`image_id` is that of the base image that the record names."""
    moved = build.values.get(_IMAGE) != record.build.values.get(_IMAGE)
    secrets = secret_paths(build) | (choice_paths(build) - declared_paths(desired))
    image_id = known.live.image_id if moved else record.image_id
    return replace(record, build=build, secrets=record.secrets | secrets, image_id=image_id)


@dataclass(frozen=True, slots=True)
class _Sides:
    """One level: as declared, as known, as recorded."""

    want: Values
    have: Values
    last: Values


@dataclass(frozen=True, slots=True)
class _Merge:
    """`secrets`: paths that no record tells; `ruled`: lists of which an ignore rule speaks, which stay as they are."""

    local_cluster: str | None
    secrets: frozenset[str]
    ruled: frozenset[str]

    def level(self, rows: tuple[Row, ...], sides: _Sides, parent: str) -> Values:
        """Return the recorded values of a level, with what both sides have alike in their place."""
        values: dict[str, Value] = dict(sides.last)
        for row in rows:
            path = join(parent, row.path)
            if row.path not in sides.want or row.path not in sides.have or path in self.secrets:
                continue
            if isinstance(row, Elements):
                values |= self._list(row, sides, path)
            elif self._is_alike(row, sides):
                values |= _with_what_follows(row, sides)
        if values.get(DOCKER) is False:
            return {leaf: value for leaf, value in values.items() if not leaf.startswith(f"{DOCKER}.")}
        return values

    def _is_alike(self, row: Leaf, sides: _Sides) -> bool:
        want, have = sides.want[row.path], sides.have[row.path]
        meant = default_of(row, self.local_cluster) if want is DEFAULT else want
        return meant is not None and not isinstance(have, Secret) and same(meant, have)

    def _list(self, row: Elements, sides: _Sides, path: str) -> Values:
        """Return the list under its name; nothing where its elements are not the same ones.

        Template inputs that Git leaves out are the server's own: of them the record stays as it is.
        """
        mine, theirs, before = (
            {element.key: element.values for element in elements_of(side.get(row.path))}
            for side in (sides.want, sides.have, sides.last)
        )
        if path.partition("[")[0] in self.ruled:
            return {}
        keys = [*theirs]
        if row.path == "inputs":
            keys = [*before, *(key for key in theirs if key in mine and key not in before)]
        elif mine.keys() != theirs.keys() or (row.ordered and [*mine] != keys):
            return {}
        return {row.path: tuple(Element(key, self._element(row, key, (mine, theirs, before), path)) for key in keys)}

    def _element(self, row: Elements, key: str, sides: tuple[dict[str, Values], ...], path: str) -> Values:
        mine, theirs, before = sides
        if key not in before:
            return theirs[key]
        if key not in mine or key not in theirs:
            return before[key]
        return self.level(row.rows, _Sides(mine[key], theirs[key], before[key]), f"{path}[{key}]")


def _with_what_follows(row: Leaf, sides: _Sides) -> Values:
    """The type of a code host goes with its alias."""
    values = {row.path: sides.have[row.path]}
    if row.path == "codehost_name" and CODE_HOST_TYPE in sides.have:
        values[CODE_HOST_TYPE] = sides.have[CODE_HOST_TYPE]
    return values
