"""The whole build to send: declared values, and everything else as it is known to be.

An update replaces the whole build (contract, section 3), so what a definition does not mention is sent
back as it was seen; and as soon as anything of `advanced_settings` is declared or to be kept, the whole
block is sent, because inside it what is left out becomes zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from reconciler.compare.knowledge import Known, Trust
from reconciler.compare.resolve import BLOCK, CLUSTER, DOCKER, STRATEGY, default_of, wanted
from reconciler.model.build import (
    CHOICE_VALUE,
    CODE_HOST_CHANGED,
    DEFAULT,
    LEFTOVER_NAMED,
    MASKED,
    Build,
    Element,
    Value,
    Values,
    elements_of,
    join,
)
from reconciler.model.fields import ASTERISKS, HIDDEN, ROWS, Elements, Kind, Leaf, Row, Sight
from reconciler.model.live import Loss
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.plan.asterisks import kept
from reconciler.plan.chosen import chosen_values, held_value
from reconciler.plan.kinds import InputKinds


@dataclass(slots=True)
class Whole:
    """What a write needs, and what stands in its way.

    Attributes:
        send: every value of the request.
        kept: paths of parameters that keep their stored value by asterisks.
        learn: an input's type or credential flag is known to the template alone.
        needs_cluster: the block must be sent and nobody told which cluster is the local one.
        unknown_hosts: repositories whose code host alias nobody knows.
        no_value: credentials without a value, where the server has none to keep.
        forgotten: secrets that nothing shows and the definition does not declare: nobody can send them back.
        choices: what template inputs have chosen (`choice_value`), and the values of those that are left out or that
            another template may lack, which the write would erase.
    """

    send: Build
    kept: frozenset[str] = frozenset()
    learn: bool = False
    needs_cluster: bool = False
    unknown_hosts: tuple[str, ...] = ()
    no_value: tuple[str, ...] = ()
    choices: tuple[Loss, ...] = ()
    forgotten: tuple[str, ...] = ()


def whole(
    desired: Build, known: Known | None, local_cluster: str | None, kinds: InputKinds, *, fresh: bool = False
) -> Whole:
    """Put together the request for a create (`known` None) or an update of the same kind.

    Args:
        desired: what the definition declares.
        known: the build that is updated, or (`fresh`) whose place a new one takes.
        local_cluster: what the server says is the local cluster.
        kinds: what is known of templates' variables.
        fresh: the request creates a build: nothing of it is stored yet that asterisks or silence would keep.
    """
    record = known.record if known else None
    exact = known is not None and known.trust is Trust.EXACT
    gone = frozenset(loss.path for loss in known.live.hidden) if known else frozenset[str]()
    have: Values = known.values if known else {}
    template = str(desired.values.get("template_name", ""))
    moved = have.get("template_name", template) != template
    merge = _Merge(local_cluster, kinds, template, record, exact, gone, fresh, moved)
    last: Values = known.last if known else {}
    values = merge.level(ROWS[desired.kind], _Sources(wanted(desired, have, local_cluster), have, last), "")
    result = Whole(Build(desired.kind, desired.project, desired.name, values))
    if desired.kind is Kind.PLAIN:
        _docker(values)
        result.needs_cluster = _advanced(values, desired, local_cluster)
        if known and not fresh:
            result.kept = kept(values, have)
    elif known is None or fresh or known.leftover_named:
        values[LEFTOVER_NAMED] = True
    result.learn = merge.learn
    result.unknown_hosts, result.no_value = tuple(merge.unknown_hosts), tuple(dict.fromkeys(merge.no_value))
    result.forgotten, result.choices = tuple(merge.forgotten), tuple(merge.choices)
    return result


@dataclass(frozen=True, slots=True)
class _Sources:
    """Where a value may come from, in this order."""

    want: Values
    have: Values
    last: Values


@dataclass(slots=True)
class _Merge:
    """Merges level by level.

    `record`: of the build that is there; `gone`: what it loses; `fresh`: for a new build; `moved`: the build that is
    there is of another template.
    """

    local_cluster: str | None
    kinds: InputKinds
    template: str
    record: Record | None
    exact: bool
    gone: frozenset[str] = frozenset()
    fresh: bool = False
    moved: bool = False
    learn: bool = False
    forgotten: list[str] = field(default_factory=list)
    unknown_hosts: list[str] = field(default_factory=list)
    no_value: list[str] = field(default_factory=list)
    choices: list[Loss] = field(default_factory=list)

    def level(self, rows: tuple[Row, ...], sources: _Sources, parent: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for row in rows:
            value = (
                self._list(row, sources, join(parent, row.path))
                if isinstance(row, Elements)
                else self._leaf(row, sources, join(parent, row.path))
            )
            if value is not None:
                values[row.path] = value
        return values

    def _leaf(self, row: Leaf, sources: _Sources, path: str) -> Value | None:
        value = sources.want.get(row.path)
        if value is DEFAULT:
            return default_of(row, self.local_cluster)
        if value is not None and not (isinstance(value, Secret) and not value.is_set):
            return value
        if row.path in sources.have:
            return None if _idle(row, sources.have[row.path]) else sources.have[row.path]
        stays = row.sight in HIDDEN and not (row.sight is Sight.PARTIAL and CODE_HOST_CHANGED in sources.have)
        known = sources.last.get(row.path) if stays else None
        if value is None and known is None and self._is_secret(path):
            if row.sight is Sight.UNREADABLE:
                self.forgotten.append(path)
            elif self.fresh:
                self.no_value.append(path)
        return row.default if known is None and row.always else known

    def _is_secret(self, path: str) -> bool:
        return self.record is not None and path in self.record.secrets

    def _list(self, row: Elements, sources: _Sources, path: str) -> Value | None:
        declared = sources.want.get(row.path)
        have, last = sources.have.get(row.path), sources.last.get(row.path)
        if declared is None and row.sight is Sight.UNREADABLE and have is None:
            have = last
        if declared is None and have is None:
            return None
        seen = {e.key: e.values for e in elements_of(have)}
        before = {e.key: e.values for e in elements_of(last)}
        mine = {e.key: e.values for e in elements_of(declared)}
        keys = (
            [*mine, *(k for k in seen if k not in mine and f"{path}[{k}]" not in self.gone)]
            if row.path == "inputs"
            else [*(mine if declared is not None else seen)]
        )
        merged = []
        for key in keys:
            inner = _Sources(mine.get(key, {}), seen.get(key, {}), before.get(key, {}))
            element = Element(key, self.level(row.rows, inner, f"{path}[{key}]"))
            if self._belongs(row, element, inner, f"{path}[{key}]"):
                merged.append(element)
        return tuple(merged)

    def _belongs(self, row: Elements, element: Element, sources: _Sources, path: str) -> bool:
        """Look at a merged element for what stands in the way of a write; tell whether it is sent at all."""
        values = element.values
        if row.path == "inputs":
            return self._input(element, sources, path)
        if row.path == "repo_info" and "codehost_name" not in values:
            self.unknown_hosts.append(path)
        if MASKED in sources.have and "default_value" not in values and isinstance(values, dict) and not self.fresh:
            values["default_value"] = ASTERISKS  # the server keeps what it does not show
            if "#" in element.key:
                self.forgotten.append(f"{path}.default_value")  # of which key of the same name, nobody knows
        valueless = "default_value" not in values and "default_value" not in sources.want
        if row.path == "parameters" and values.get("is_credential") is True and valueless:
            self.no_value.append(f"{path}.default_value")
        return True

    def _input(self, element: Element, sources: _Sources, path: str) -> bool:
        """A multi-select input that is not declared is left out: sent, it would lose its `choice_value`.

        Left out, it gets the template's, and so does its value: no loss only where our own write had already left
        it so.
        """
        chosen = sources.have.get(CHOICE_VALUE)
        if isinstance(chosen, tuple) and chosen:
            if not self._left_out_before(sources, path):
                self.choices.append(chosen_values(path, sources.have))
                if not sources.want:
                    self.choices.append(self._held(element.key, path, sources.have))
            if not sources.want:
                return False
        unseen = not (self.exact and self._left_out_before(sources, path))
        if MASKED in sources.have and not sources.want.get("value") and unseen:
            self.forgotten.append(f"{path}.value")
        if "value" not in element.values:
            return False
        if not sources.want and self._may_lack(element.key):
            self._perhaps(element, path)
        if "type" not in element.values or "is_credential" not in element.values:
            self._kind(element)
        return True

    def _may_lack(self, key: str) -> bool:
        return self.moved and (self.template, key) not in self.kinds

    def _held(self, key: str, path: str, values: Values) -> Loss:
        """Return what goes with an input that is left to the template: its value, or all of it where it may lack it."""
        held = held_value(path, values)
        return replace(held, path=path) if self._may_lack(key) else held

    def _perhaps(self, element: Element, path: str) -> None:
        """Nobody knows whether the other template has an input of this key: it is sent where it has.

        It is of that template's type then, and stays a credential.
        """
        values = element.values
        assert isinstance(values, dict)
        self.choices.append(self._held(element.key, path, values))
        values.pop("type", None)
        if values.get("is_credential") is not True:
            values.pop("is_credential", None)

    def _left_out_before(self, sources: _Sources, path: str) -> bool:
        if (
            self.moved
            or sources.want
            or self.record is None
            or not self.record.exact
            or f"{path}.key" in self.record.declared
        ):
            return False
        return all(sources.have.get(leaf) == sources.last.get(leaf) for leaf in (CHOICE_VALUE, "value"))

    def _kind(self, element: Element) -> None:
        """Sent without its type and flag an input loses both (contract, section 1): take them from elsewhere."""
        known = self.kinds.get((self.template, element.key))
        values = element.values
        assert isinstance(values, dict)
        if known is None:
            self.learn = True
        else:
            values.setdefault("type", known[0])
            values.setdefault("is_credential", known[1])
        if values.get("is_credential", True) and isinstance(values["value"], str):
            values["value"] = Secret(values["value"])  # also where only the template knows that it is one


def _idle(row: Leaf, value: Value) -> bool:
    """Tell whether a hidden setting that stays holds only its empty value, which is what leaving it out means."""
    return row.sight is Sight.UNREADABLE and not row.always and not row.required and value == row.default


def _docker(values: dict[str, Value]) -> None:
    if values.get(DOCKER) is not True:
        for path in [p for p in values if p.startswith(f"{DOCKER}.")]:
            del values[path]


def _advanced(values: dict[str, Value], desired: Build, local_cluster: str | None) -> bool:
    """Complete the block where it is sent; tell whether the local cluster's name is missing for it."""
    if desired.values.get(BLOCK) is DEFAULT:
        values[BLOCK] = DEFAULT
        values.pop(STRATEGY, None)
        return False
    values.pop(BLOCK, None)
    if not any(path.startswith(f"{BLOCK}.") for path in values):
        return False
    for row in ROWS[Kind.PLAIN]:
        if isinstance(row, Leaf) and row.path.startswith(f"{BLOCK}.") and row.sight is not Sight.UNREADABLE:
            default = default_of(row, local_cluster)
            if default is not None:
                values.setdefault(row.path, default)
    return not values.get(CLUSTER)
