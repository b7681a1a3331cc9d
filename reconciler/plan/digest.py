"""What a keyed digest covers: every field of every value, but for those that are left out with a reason.

    Definition, desired ───────────────► definition
    LiveBuild, stamps, before ─────────► live
    everything else of a step ─────────► request

Environment values count by their name, other secrets by a keyed digest of their own, so that without the
ledger's key nothing can be guessed from a digest.
"""

from __future__ import annotations

import enum
import hmac
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from reconciler.model.build import Element, Value, Values, elements_of, join
from reconciler.model.definition import Definition
from reconciler.model.live import LiveBuild
from reconciler.model.secret import Secret
from reconciler.plan.step import Step

STEP_LEFT_OUT = {
    "reason": "a sentence about the changes",
    "notes": "sentences about what the other fields say",
    "ignored": "sentences about what ignore rules leave to the server; it changes nothing that is sent",
    "place": "where a definition stands is not what it says",
    "unset": "the environment is no part of a plan; what it changes shows in the changes",
    "unsure": "only asks the internal read; what it shows is in the changes",
    "exact": "whether a record speaks for what is not shown; what follows from it shows in the losses",
    "applied": "from where it was applied is told beside, and changes with every run elsewhere",
    "agreed": "what the ledger will remember; nothing of it is sent",
    "keepsake": "what a backup would hold of the live build, which is covered",
}
"""Fields of a step that no digest covers, and why."""

DEFINITION_LEFT_OUT = {
    "place": STEP_LEFT_OUT["place"],
    "unset": STEP_LEFT_OUT["unset"],
}
"""Fields of a definition that no digest covers, and why."""

LIVE_LEFT_OUT = {
    "unread": "why there is no build, which is covered",
    "deep_failed": "why there is no deep reading, which is covered",
    "own": "what an update keeps; what a new build in its place loses of it shows in its losses",
    "leftover": "what a conversion would erase beside, which shows in its losses",
    "marks": "which values are secret, not what they are; it shows in the changes",
}
"""Fields of a live build that no digest covers, and why."""

_ASKED = ("deep", "hidden")
"""What we asked about a live build beyond its detail: it can differ though nobody wrote."""

_SIDES = ("project", "name", "desired", "live", "before")
"""Fields of a step that stand in every digest, or are covered as the definition or the live build."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Of one build, as hex: what Git says, what the server shows, what would be done."""

    definition: str
    live: str
    request: str


def digests(
    step: Step, definition: Definition | None, live: LiveBuild | None, key: str, unset: Collection[str] = ()
) -> Digests:
    """Digest one step and what it was made from.

    Args:
        step: of a plan.
        definition: None where no definition names the build.
        live: None where the server has no such build.
        key: the ledger's `digest_key` of the step's project.
        unset: names of environment variables whose values were compared with nothing, and are not to count.
    """
    keyed = Keyed(key.encode("utf-8", "surrogatepass"))
    who = (step.project, step.name)
    rest = {f.name: _request(step, f.name, unset) for f in fields(Step) if f.name not in (*_SIDES, *STEP_LEFT_OUT)}
    asked = [getattr(live, name) for name in _ASKED] if live else []
    said = _but(definition, DEFINITION_LEFT_OUT)
    seen = _but(live, (*LIVE_LEFT_OUT, *_ASKED))
    return Digests(
        definition=keyed.digest("definition", who, said, step.desired),
        live=keyed.digest("live", who, seen, step.live, step.before),
        request=keyed.digest("request", who, rest, asked),
    )


def _but(value: Definition | LiveBuild | None, left_out: Collection[str]) -> dict[str, object] | None:
    if value is None:
        return None
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in left_out}


def _request(step: Step, name: str, unset: Collection[str]) -> object:
    """Return one field as it counts: a block by its reason, values from the environment by their names."""
    if name == "blocked":
        return step.blocked.reason if step.blocked else None
    if step.desired is None or name not in ("send", "kept", "changes"):
        return getattr(step, name)
    named = step.desired.values
    if name == "send":
        return step.send and replace(step.send, values=_by_name(step.send.values, named))
    idle = {path for path, variable in _variables(named, "") if variable in unset}
    if name == "kept":
        return step.kept - idle
    return tuple(change for change in step.changes if change.path not in idle)


def _by_name(send: Values, desired: Values) -> Values:
    """Put the declared name in the place of each value that comes from the environment, sent or not."""
    values: dict[str, Value] = dict(send)
    for path, value in desired.items():
        if isinstance(value, Secret) and value.name is not None:
            values[path] = value
        elif elements_of(value) and elements_of(send.get(path)):
            mine = {element.key: element.values for element in elements_of(value)}
            sent = elements_of(send[path])
            values[path] = tuple(Element(e.key, _by_name(e.values, mine.get(e.key, {}))) for e in sent)
    return values


def _variables(values: Values, parent: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the variable's name of every value that comes from the environment."""
    for path, value in values.items():
        if isinstance(value, Secret) and value.name is not None:
            yield join(parent, path), value.name
        for element in elements_of(value):
            yield from _variables(element.values, f"{join(parent, path)}[{element.key}]")


@dataclass(frozen=True, slots=True)
class Keyed:
    """A key, and the digests that it makes."""

    key: bytes

    def digest(self, what: str, *values: object) -> str:
        """Return the HMAC-SHA256 of canonical bytes, as hex. `what` keeps digests of different things apart."""
        text = json.dumps([what, *map(self.plain, values)], sort_keys=True, separators=(",", ":"))
        return hmac.new(self.key, text.encode("ascii"), "sha256").hexdigest()

    def plain(self, value: object) -> Any:
        """Return a value as JSON, strictly: types count. Raises TypeError for a type that nobody thought of."""
        if value is None or isinstance(value, str | int):
            return value
        if isinstance(value, Secret):
            return {"environment": value.name} if value.name is not None else {"secret": value.digest(self.key)}
        if isinstance(value, enum.Enum):
            return {type(value).__name__: value.value}
        if isinstance(value, Mapping):
            return {"mapping": {str(name): self.plain(item) for name, item in value.items()}}
        if isinstance(value, frozenset):
            return {"set": sorted(json.dumps(self.plain(item)) for item in value)}
        if isinstance(value, tuple | list):
            return [self.plain(item) for item in value]
        if is_dataclass(value):
            return {type(value).__name__: [self.plain(getattr(value, field.name)) for field in fields(value)]}
        raise TypeError(f"{type(value).__name__} has no canonical form")
