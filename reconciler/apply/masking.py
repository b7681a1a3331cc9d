"""The server's answers and a live build → the same without anything secret.

What is secret: what its place in an answer makes so (`reconciler.server.masking`), every value that the ledger or
a definition marks, and each of these texts wherever else it is repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.build import CHOICE_VALUE, Build, Element, Value, Values, elements_of, join
from reconciler.model.fields import ROWS, Elements, Leaf, Row
from reconciler.model.secret import MASK, Secret
from reconciler.server import masking, wire


def mask(answer: Any, secrets: Sequence[Secret]) -> Any:
    """Return an answer with the mask in place of everything secret. Keys stay."""

    def tell(text: str) -> str:
        return MASK if text and any(secret.holds(text) for secret in secrets) else wire.masked(text, secrets)

    return masking.mask(answer, tell)


@dataclass(slots=True)
class Sealer:
    """Seals the texts of a build that repeat a secret; `dropped`: lists that do, which are left out."""

    secrets: Sequence[Secret]
    dropped: list[str] = field(default_factory=list)

    def build(self, build: Build) -> Build:
        """Return the build; what names it or an element of it stays as it is."""
        return replace(build, values=self._level(ROWS[build.kind], build.values, "", ()))

    def _level(self, rows: tuple[Row, ...], values: Values, parent: str, names: tuple[str, ...]) -> Values:
        own = [value for value in values.values() if isinstance(value, Secret)]
        level: dict[str, Value] = {key: values[key] for key in (CHOICE_VALUE,) if key in values}
        for row in rows:
            value = values.get(row.path)
            path = join(parent, row.path)
            if isinstance(row, Elements) and elements_of(value):
                level[row.path] = tuple(
                    Element(e.key, self._level(row.rows, e.values, f"{path}[{e.key}]", row.key))
                    for e in elements_of(value)
                )
            elif isinstance(value, tuple) and self._repeats(value, own):
                self.dropped.append(path)
            elif isinstance(value, str) and isinstance(row, Leaf) and row.path not in names and not row.enum:
                level[row.path] = Secret(value) if wire.masked(value, self.secrets) != value else value
            elif value is not None:
                level[row.path] = value
        return level

    def _repeats(self, value: tuple[object, ...], own: list[Secret]) -> bool:
        texts = [item for item in value if isinstance(item, str)]
        return any(wire.masked(t, self.secrets) != t or any(s.holds(t) for s in own) for t in texts)
