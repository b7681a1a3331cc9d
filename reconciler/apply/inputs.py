"""Template inputs whose type and credential flag only the template knows.

An input sent without them loses both, and a credential would be shown in clear (contract, section 1). Where
no live build shows them, the build is first written without those inputs, so that the server fills them in
from the template, and then with them, completed by what the read-back shows. So are
inputs of a build that gets another template, of which nobody knows whether that one has them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from reconciler.model.build import Build, Element, Values, elements_of
from reconciler.model.live import LiveBuild

Edit = Callable[[str, Element], Element | None]


def without_unknown_inputs(build: Build) -> Build:
    """Leave out the inputs whose type or flag is not known yet."""

    def edit(_: str, item: Element) -> Element | None:
        return item if "type" in item.values and "is_credential" in item.values else None

    return _edited(build, edit)


def with_template_kinds(build: Build, seen: LiveBuild, let_go: Collection[str]) -> Build:
    """Complete the inputs by what the server shows of them; without those that it lacks and that were let go.

    Args:
        build: every value of the request.
        seen: the build after the first write.
        let_go: paths of accepted losses.
    """
    shown = {
        (target.key, item.key): item.values
        for target in elements_of(seen.build.values.get("target_services") if seen.build else ())
        for item in elements_of(target.values.get("inputs"))
    }

    def edit(target: str, item: Element) -> Element | None:
        known = shown.get((target, item.key), {})
        if not known and f"target_services[{target}].inputs[{item.key}]" in let_go:
            return None
        kinds: Values = {leaf: known[leaf] for leaf in ("type", "is_credential") if leaf in known}
        return Element(item.key, {**kinds, **item.values})

    return _edited(build, edit)


def _edited(build: Build, edit: Edit) -> Build:
    targets = []
    for target in elements_of(build.values.get("target_services")):
        items = [edit(target.key, item) for item in elements_of(target.values.get("inputs"))]
        kept = tuple(item for item in items if item is not None)
        targets.append(Element(target.key, {**target.values, "inputs": kept}))
    return replace(build, values={**build.values, "target_services": tuple(targets)})
