"""What live template builds show of their template's variables, which no call lists."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.model.build import elements_of
from reconciler.model.fields import Kind
from reconciler.model.live import Live

InputKinds = Mapping[tuple[str, str], tuple[str, bool]]
"""(template, key of a variable) → its type and whether it is a credential, as seen in live builds."""


def input_kinds(live: Live) -> InputKinds:
    """Collect what live template builds show of their template's variables; builds disagree only after a mistake."""
    kinds: dict[tuple[str, str], tuple[str, bool]] = {}
    for reading in live.readings.values():
        for build in reading.builds.values():
            if build.build is None or build.build.kind is not Kind.TEMPLATE:
                continue
            template = str(build.build.values["template_name"])
            for target in elements_of(build.build.values.get("target_services")):
                for item in elements_of(target.values.get("inputs")):
                    _learn(kinds, (template, item.key), item.values.get("type"), item.values.get("is_credential"))
    return kinds


def _learn(
    kinds: dict[tuple[str, str], tuple[str, bool]], key: tuple[str, str], kind: object, credential: object
) -> None:
    """Keep the safer of two sights: with a type, and a credential rather than not."""
    if isinstance(kind, str) and kind:
        known = kinds.get(key, ("", False))
        kinds[key] = (known[0] or kind, known[1] or credential is True)
