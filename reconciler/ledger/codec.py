"""A ledger document ↔ JSON. Secrets are dropped on the way in; a list of elements is `{"elements": [...]}`."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from reconciler.model.build import DEFAULT, Build, Element, Value, Values, elements_of, join
from reconciler.model.errors import LedgerError
from reconciler.model.fields import Kind
from reconciler.model.live import Stamps
from reconciler.model.record import Document, Intent, Record, Seen, Written
from reconciler.model.secret import Secret

FORMAT = 3
"""Version of the document. A newer one is refused, older ones load: in format 1 an intent had no `replaces`, before
format 3 a record had no `author` and no `job`, and a document did not say who had written it; `seen` and `marks` may be
missing in all."""


def dump(document: Document) -> str:
    """Write a document as JSON with sorted keys: same document, same bytes."""
    return json.dumps(
        {
            "format": FORMAT,
            "digest_key": document.digest_key,
            "records": {name: _record(record) for name, record in document.records.items()},
            "intents": {name: _intent(intent) for name, intent in document.intents.items()},
            "seen": {name: _seen(seen) for name, seen in document.seen.items()},
            "written": asdict(document.written),
            "marks": {name: sorted(paths) for name, paths in document.marks.items()},
        },
        ensure_ascii=False,
        sort_keys=True,
    )


def load(text: str, where: str = "document") -> Document:
    """Read a document. `where` it is stored. Raises LedgerError where it is damaged or of a newer format."""
    try:
        data = json.loads(text)
        if data["format"] > FORMAT:
            raise LedgerError(
                f"the ledger {where}, has format {data['format']}, this version reads up to {FORMAT}",
                "upgrade reconciler",
            )
        return Document(
            records={name: _read_record(item) for name, item in data["records"].items()},
            intents={name: _read_intent(item) for name, item in data["intents"].items()},
            digest_key=str(data["digest_key"]),
            seen={name: _read_seen(item) for name, item in data.get("seen", {}).items()},
            written=_read_written(data.get("written", {})),
            marks={name: frozenset(map(str, paths)) for name, paths in data.get("marks", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LedgerError(
            f"the ledger {where}, is damaged: the document cannot be read, and nothing was written over it",
            "put a copy of it back; `reconciler ledger check` tells what is whole, `reconciler ledger forget --all` "
            "begins that project anew: then no build of it is ours",
        ) from None


def _record(record: Record) -> dict[str, Any]:
    return {
        "tree": record.tree,
        "build": _build(record.build, record.secrets),
        "declared": sorted(record.declared),
        "secrets": sorted(record.secrets),
        "update_time": record.stamps.update_time,
        "update_by": record.stamps.update_by,
        "image_id": record.image_id,
        "exact": record.exact,
        "when": record.when,
        "commit": record.commit,
        "author": record.author,
        "job": record.job,
        "prevent_destroy": record.prevent_destroy,
    }


def _intent(intent: Intent) -> dict[str, Any]:
    return {
        "record": _record(intent.record),
        "stages": [_build(stage, intent.record.secrets) for stage in intent.stages],
        "replaces": list(intent.replaces) if intent.replaces else None,
    }


def _seen(seen: Seen) -> dict[str, Any]:
    offered = None if seen.offered is None else _build(seen.offered, ())
    return {"build": _build(seen.build, ()), "when": seen.when, "offered": offered}


def _build(build: Build, secrets: Collection[str]) -> dict[str, Any]:
    values = _values(build.values, secrets, "")
    return {"kind": build.kind.value, "project": build.project, "name": build.name, "values": values}


def _values(values: Values, secrets: Collection[str], parent: str) -> dict[str, Any]:
    """Leave out every secret, and what is marked as one: a definition or a template may say it in clear."""
    paths = {leaf: join(parent, leaf) for leaf in values}
    return {
        leaf: _value(value, secrets, paths[leaf])
        for leaf, value in values.items()
        if paths[leaf] not in secrets and not isinstance(value, Secret)
    }


def _value(value: Value, secrets: Collection[str], path: str) -> Any:
    if value is DEFAULT:
        return {"default": True}
    if elements_of(value):
        elements = elements_of(value)
        return {
            "elements": [{"key": e.key, "values": _values(e.values, secrets, f"{path}[{e.key}]")} for e in elements]
        }
    return list(value) if isinstance(value, tuple) else value


def _read_record(data: Mapping[str, Any]) -> Record:
    return Record(
        tree=data["tree"],
        build=_read_build(data["build"]),
        declared=frozenset(data["declared"]),
        secrets=frozenset(data["secrets"]),
        stamps=Stamps(data["update_time"], data["update_by"]),
        image_id=data["image_id"],
        exact=data["exact"],
        when=data["when"],
        commit=data["commit"],
        author=data.get("author", ""),
        job=data.get("job", ""),
        prevent_destroy=data["prevent_destroy"],
    )


def _read_intent(data: Mapping[str, Any]) -> Intent:
    replaces = data.get("replaces")
    old = (str(replaces[0]), str(replaces[1])) if replaces else None
    return Intent(_read_record(data["record"]), tuple(_read_build(stage) for stage in data["stages"]), old)


def _read_seen(data: Mapping[str, Any]) -> Seen:
    offered = data.get("offered")
    return Seen(_read_build(data["build"]), int(data["when"]), _read_build(offered) if offered else None)


def _read_written(data: Mapping[str, Any]) -> Written:
    return Written(
        when=int(data.get("when", 0)),
        **{name: str(data.get(name, "")) for name in ("reason", "commit", "author", "job", "fence")},
    )


def _read_build(data: Mapping[str, Any]) -> Build:
    return Build(Kind(data["kind"]), data["project"], data["name"], _read_values(data["values"]))


def _read_values(data: Mapping[str, Any]) -> Values:
    return {path: _read_value(value) for path, value in data.items()}


def _read_value(value: Any) -> Value:
    if isinstance(value, dict):
        if "default" in value:
            return DEFAULT
        return tuple(Element(item["key"], _read_values(item["values"])) for item in value["elements"])
    if isinstance(value, list):
        return tuple(str(item) for item in value)
    if isinstance(value, str | int):
        return value
    raise ValueError(value)
