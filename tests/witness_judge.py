"""Whether a plan named what a write did to a build.

plan ── named() ──► Named per step that writes ─┐
                                                ├─► unexplained() ─► what nobody named
store, before and after ── differences() ───────┘
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from reconciler.model.build import DEFAULT, Build, Values, elements_of
from reconciler.model.change import ChangeKind
from reconciler.plan.step import Action, Plan, Step
from tests.witness_difference import MISSING, Difference, differences, filled
from tests.witness_table import (
    ALIASES,
    FROM_TEMPLATE,
    HARMLESS,
    IDLE_CACHE,
    IDLE_IMAGE,
    LEFTOVERS,
    OF_AN_UNSEEN_HOST,
    PLAIN,
    SHOWN_LOSSES,
    TEMPLATE,
    UNSEEN,
    UNSEEN_IN_A_BLOCK,
    A,
)

Document = dict[str, Any]


@dataclass(frozen=True)
class Named:
    """What a plan says of one build that it writes.

    Attributes:
        action: `create`, `update`, `convert`, `delete`.
        project: project key.
        name: build name.
        declared: paths that the definition declares, `advanced_settings` only where it is null.
        changed: paths of changes of a setting or of an order.
        whole: paths of what comes or goes whole: elements, objects, accepted losses.
        unreadable: whether the loss of what nothing shows is accepted.
        restored: whether the build is created again where the step after its delete fails.
    """

    action: str
    project: str
    name: str
    declared: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    whole: frozenset[str] = frozenset()
    unreadable: bool = False
    restored: bool = False


def named(plan: Plan) -> list[Named]:
    """What a plan names, per step that it would execute."""
    return [_named(step) for step in plan.writes]


def _named(step: Step) -> Named:
    told = [c for c in step.changes if c.kind is not ChangeKind.RELEASED]
    accepted = {loss.path for loss in step.losses if loss.accepted}
    whole = {c.path for c in told if c.kind in (ChangeKind.ADDED, ChangeKind.REMOVED)}
    return Named(
        action=step.action.value,
        project=step.project,
        name=step.name,
        declared=frozenset(_declared(step.desired)),
        changed=frozenset(c.path for c in told),
        whole=frozenset(whole | accepted),
        unreadable="unreadable" in accepted,
        restored=step.restore is not None,
    )


def _declared(build: Build | None) -> Iterator[str]:
    if build is not None:
        block = {A} if build.values.get(A) is not DEFAULT else set()
        yield from (path for path in _paths(build.values, "") if path not in block)


def _paths(values: Values, parent: str) -> Iterator[str]:
    for path, value in values.items():
        yield f"{parent}{path}"
        for element in elements_of(value):
            yield f"{parent}{path}[{element.key}]"
            yield from _paths(element.values, f"{parent}{path}[{element.key}].")


def to_json(what: Named) -> Document:
    """What a process writes down for another one."""
    return {key: sorted(value) if isinstance(value, frozenset) else value for key, value in asdict(what).items()}


def from_json(told: Mapping[str, Any]) -> Named:
    """The inverse of `to_json`."""
    return Named(**{key: frozenset(value) if isinstance(value, list) else value for key, value in told.items()})


def unexplained(steps: list[Named], before: Document | None, after: Document | None) -> list[str]:
    """What one write did and no step of the plan named: the place, in the store's words, and a sentence."""
    build = after or before or {}
    mine = [s for s in steps if (s.project, s.name) == (build.get("product_name"), build.get("name"))]
    if before is None:
        return [] if any(s.action == "create" or s.restored for s in mine) else ["(build): made, and no step makes it"]
    if after is None:
        gone = any(s.action == "delete" for s in mine)
        return [] if gone else ["(build): deleted, and no step deletes it"]
    writing = [s for s in mine if s.action != Action.DELETE.value]
    if not writing:
        return ["(build): written, and no step writes it"]
    found = [d for d in differences(before, after) if not _harmless(d, before, after)]
    return [str(d) for d in found if not any(_explains(step, d, bool(after.get("template_id"))) for step in writing)]


def _harmless(found: Difference, before: Document, after: Document) -> bool:
    if found.pattern in HARMLESS:
        return True
    if found.pattern in IDLE_CACHE and not before.get("cache_enable") and not after.get("cache_enable"):
        return True
    if found.pattern in IDLE_IMAGE and {_dockerfile(before), _dockerfile(after)} == {IDLE_IMAGE[found.pattern]}:
        return True
    if after.get("template_id"):
        return _from_template(found)
    return bool(before.get("template_id")) and found.pattern.partition(".")[0].partition("[")[0] not in LEFTOVERS


def _dockerfile(build: Document) -> str:
    """Where the Dockerfile of a build is from: "local", "template", or "" without an image step."""
    return str(((build.get("post_build") or {}).get("docker_build") or {}).get("source", ""))


def _from_template(found: Difference) -> bool:
    """What the server takes from the template; and the stray spaces of an image step that means nothing here."""
    if found.pattern.startswith("post_build.docker_build."):
        return isinstance(found.before, str) and found.before.strip(" ") == found.after
    return found.pattern in FROM_TEMPLATE or (found.pattern == "targets[].envs[]" and found.before is MISSING)


def _explains(step: Named, found: Difference, template: bool) -> bool:
    words = (TEMPLATE if template else PLAIN).get(found.pattern, ())
    paths = {path for word in words for path in filled(word, found.keys)}
    if paths & step.changed or any(_within(path, step.whole) for path in paths):
        return True
    unseen = found.pattern in UNSEEN or (found.pattern in UNSEEN_IN_A_BLOCK and A in step.declared)
    if paths & step.declared and (unseen or step.action == Action.CONVERT.value):
        return True
    if step.unreadable and found.pattern in OF_AN_UNSEEN_HOST and paths & step.declared:
        return True
    if step.unreadable and (found.pattern in UNSEEN or not (words or found.pattern.startswith(SHOWN_LOSSES))):
        return True
    return any(_within(path, step.whole) for path in (*found.spellings, *_aliases(found)))


def _within(path: str, whole: frozenset[str]) -> bool:
    """Whether a path, or something that it lies in, is named as a whole."""
    return any(path == one or path.startswith((f"{one}.", f"{one}[")) for one in whole)


def _aliases(found: Difference) -> Iterator[str]:
    for path in found.spellings:
        for stored, words in ALIASES.items():
            if path == stored or path.startswith((f"{stored}[", f"{stored}.")):
                rest = path.removeprefix(stored)
                yield words + rest
                if words == "services":
                    yield "target_services" + rest.replace("].repos[", "].repo_info[").replace("].envs[", "].inputs[")
