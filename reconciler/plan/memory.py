"""What a read-back proves of a write, and what is remembered of it.

sent × seen ──► not_taken: the shown settings that are not as sent
sent × seen ──► remember: shown settings as seen, unreadable ones as sent, credentials left out
intents × live ─► settle: an intent whose build reads back as intended under our user becomes a record;
                          a delete whose build is gone, or is another one now, leaves none
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.compare.compiled import OTHER
from reconciler.compare.explain import differing
from reconciler.compare.facts import canonical, project
from reconciler.compare.show import path_of
from reconciler.model.build import (
    CHOICE_VALUE,
    CODE_HOST_TYPE,
    LEFTOVER_NAMED,
    REPOSITORY_KEY,
    Build,
    Element,
    Value,
    Values,
    cut_slashes,
    elements_of,
    join,
)
from reconciler.model.declared import secret_paths
from reconciler.model.fields import ROWS, Elements, Leaf, Row, Sight
from reconciler.model.live import LiveBuild, Reading
from reconciler.model.record import Document, Intent, Record
from reconciler.model.secret import Secret

_TARGETS = "target_services"


def not_taken(sent: Build, seen: Build) -> tuple[str, ...]:
    """Return the paths of shown settings that do not read back as they were sent."""
    if sent.kind is not seen.kind:
        return ("template_name",)
    facts = project(ROWS[sent.kind], sent.values, seen.values, None, lambda path: path == "advanced_settings")
    orders = [path for path, (have, want) in facts.orders.items() if have != want]
    if canonical(facts.have) == canonical(facts.want):
        return tuple(orders)
    return tuple(sorted({*orders, *(path_of(keys) for keys in differing(facts.have, facts.want))}))


def unknown_inputs(desired: Build, seen: Build) -> tuple[str, ...]:
    """Return the paths of declared inputs that the template turns out not to have; without a value none is sent."""
    there = {
        e.key: {i.key for i in elements_of(e.values.get("inputs"))} for e in elements_of(seen.values.get(_TARGETS))
    }
    return tuple(
        f"{_TARGETS}[{target.key}].inputs[{item.key}]"
        for target in elements_of(desired.values.get(_TARGETS))
        for item in elements_of(target.values.get("inputs"))
        if item.key not in there.get(target.key, ())
    )


def remember(sent: Build, seen: Build, secrets: frozenset[str]) -> Build:
    """Return the build as it now is on the server, as far as shown and sent settings tell; no secrets."""
    return replace(seen, values=_Memory(secrets).level(ROWS[sent.kind], sent.values, seen.values, ""))


@dataclass(frozen=True, slots=True)
class _Memory:
    """`secrets`: the paths whose values are left out, whatever they look like on the server."""

    secrets: frozenset[str]

    def level(self, rows: tuple[Row, ...], sent: Values, seen: Values, parent: str) -> Values:
        beside = (key for key in (CODE_HOST_TYPE, CHOICE_VALUE) if join(parent, key) not in self.secrets)
        values: dict[str, Value] = {key: seen[key] for key in beside if key in seen}
        if sent.get(LEFTOVER_NAMED) is True:
            values[LEFTOVER_NAMED] = True
        if seen.get("is_credential") is True and seen.get(CHOICE_VALUE):
            values.pop(CHOICE_VALUE, None)  # as secret as the value
        for row in rows:
            path = join(parent, row.path)
            value = self._list(row, sent, seen, path) if isinstance(row, Elements) else _leaf(row, sent, seen)
            if value is not None and not isinstance(value, Secret) and path not in self.secrets:
                values[row.path] = value
        return values

    def _list(self, row: Elements, sent: Values, seen: Values, path: str) -> Value:
        if row.sight is Sight.UNREADABLE:
            return self._elements(row, sent.get(row.path), sent.get(row.path), path)
        return self._elements(row, sent.get(row.path), seen.get(row.path), path)

    def _elements(self, row: Elements, sent: object, seen: object, path: str) -> Value:
        mine = {e.key: e.values for e in elements_of(sent)}
        return tuple(
            Element(e.key, self.level(row.rows, mine.get(e.key, {}), e.values, f"{path}[{e.key}]"))
            for e in elements_of(seen)
        )


def _leaf(row: Leaf, sent: Values, seen: Values) -> Value | None:
    if row.sight is Sight.UNREADABLE:
        return sent.get(row.path, row.default)
    if row.sight is Sight.PARTIAL or _bent(row, sent, seen):
        return sent.get(row.path)
    return seen.get(row.path)


def _bent(row: Leaf, sent: Values, seen: Values) -> bool:
    """Tell whether the server shows a repository's name without the slashes that it stored."""
    value = sent.get(row.path)
    return (
        row.path in REPOSITORY_KEY
        and seen.get(CODE_HOST_TYPE) == OTHER
        and isinstance(value, str)
        and cut_slashes(value) == seen.get(row.path)
    )


def record_of(intent: Record, sent: Build, live: LiveBuild) -> Record:
    """Turn what was announced into the record of what was seen. `live.build` must have been read."""
    assert live.build is not None
    secrets = intent.secrets | secret_paths(live.build)
    build = remember(sent, live.build, secrets)
    return replace(intent, build=build, secrets=secrets, stamps=live.stamps, image_id=live.image_id)


def settle(document: Document, reading: Reading, user: str) -> Document:
    """Turn the intents that the server proves into records; the others stay as they are."""
    records, intents = dict(document.records), dict(document.intents)
    for name, intent in document.intents.items():
        if _left(intent, reading, name):
            records.pop(name, None)
            del intents[name]
            continue
        record = _proven(intent, reading.builds.get(name), user)
        if record:
            records[name] = record
            del intents[name]
    return replace(document, records=records, intents=intents)


def proven(before: Document, after: Document) -> dict[str, Record | None]:
    """Return what `settle` made of intents: records, and None for the builds that are gone."""
    return {name: after.records.get(name) for name in before.intents if name not in after.intents}


def settled(before: Document, proofs: Mapping[str, Record | None]) -> Document:
    """Return the document with what was proven of its intents written in: the inverse of `proven`."""
    records = {name: record for name, record in {**before.records, **proofs}.items() if record is not None}
    intents = {name: intent for name, intent in before.intents.items() if name not in proofs}
    return replace(before, records=records, intents=intents)


def _left(intent: Intent, reading: Reading, name: str) -> bool:
    """Tell whether an announced delete was done: the build is gone, or what is there was written since.

    Whoever made or changed it after we meant to delete it: it is not ours any more.
    """
    if intent.stages or reading.incomplete:
        return False
    live = reading.builds.get(name)
    return live is None or live.stamps != intent.record.stamps


def _proven(intent: Intent, live: LiveBuild | None, user: str) -> Record | None:
    if live is None or live.build is None or not user or live.stamps.update_by != user:
        return None
    if live.stamps == intent.record.stamps:
        return None
    for stage in reversed(intent.stages):
        if stage.kind is live.build.kind and not not_taken(stage, live.build):
            return record_of(intent.record, stage, live)
    return None
