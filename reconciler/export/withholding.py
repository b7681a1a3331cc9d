"""What of a live build must not get into a file: texts that repeat a credential, and what no file can hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.build import CHOICES, Build, Element, Value, Values, elements_of, join
from reconciler.model.exported import Topic
from reconciler.model.fields import ROWS, Elements, Leaf, Row

Reason = tuple[Topic, str]
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHOICES_OF_A_CREDENTIAL = "it says what a credential can be"
_NO_CHARACTER = "it holds half a surrogate pair, which no file can"


@dataclass(frozen=True, slots=True)
class Withheld:
    """A build without what is withheld; `withheld`: path → why."""

    build: Build
    withheld: Mapping[str, Reason]


def withhold(build: Build, repeats: Callable[[str], bool], lost: Collection[str] = ()) -> Withheld:
    """Take away every text that `repeats` a credential, the choices of credentials, and what is no text at all.

    A list of which an element cannot do without such a text goes as a whole. `lost`: paths of elements that go as
    well, of which no more is said here.
    """
    reader = _Reader(repeats, lost)
    values = reader.level(ROWS[build.kind], build.values, "", credential=False)
    return Withheld(replace(build, values=values), reader.found)


@dataclass(slots=True)
class _Reader:
    repeats: Callable[[str], bool]
    lost: Collection[str]
    found: dict[str, Reason] = field(default_factory=dict)

    def level(self, rows: tuple[Row, ...], values: Values, parent: str, *, credential: bool) -> Values:
        left = dict(values)
        for row in rows:
            value = values.get(row.path)
            path = join(parent, row.path)
            if value is None:
                continue
            if isinstance(row, Elements):
                self._list(row, value, path, left)
            elif reason := self._reason(row, value, credential=credential):
                self.found[path] = reason
                del left[row.path]
        return left

    def _list(self, row: Elements, value: Value, path: str, left: dict[str, Value]) -> None:
        elements = []
        for element in elements_of(value):
            inner = f"{path}[{element.key}]"
            if inner in self.lost:
                continue
            credential = element.values.get("is_credential") is True
            elements.append(Element(element.key, self.level(row.rows, element.values, inner, credential=credential)))
            needed = [leaf for leaf in row.rows if isinstance(leaf, Leaf) and (leaf.required or leaf.path in row.key)]
            reasons = [reason for leaf in needed if (reason := self.found.get(f"{inner}.{leaf.path}"))]
            if reasons:
                self.found = {key: told for key, told in self.found.items() if not key.startswith(f"{path}[")}
                self.found[path] = reasons[0]
                del left[row.path]
                return
        left[row.path] = tuple(elements)

    def _reason(self, row: Leaf, value: Value, *, credential: bool) -> Reason | None:
        if credential and row.path in CHOICES and value:
            return Topic.REPEATS, _CHOICES_OF_A_CREDENTIAL
        texts = [value] if isinstance(value, str) else value if isinstance(value, tuple) else ()
        for text in texts:
            if isinstance(text, str) and _SURROGATE.search(text):
                return Topic.LEFT_OUT, _NO_CHARACTER
            if isinstance(text, str) and self.repeats(text):
                return Topic.REPEATS, ""
        return None
