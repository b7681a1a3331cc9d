"""What can be read of a declarative pipeline without Groovy: its stages, what they stand in, and their shell.

text ─► stages, each with the shell that it runs itself and all that stands around it
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

_STAGE = re.compile(r"stage\('([^']+)'\) \{")
_SHELL = re.compile(r"\bsh '''\n(.*?)'''|\bsh '([^'\n]*)'", re.DOTALL)


@dataclass(frozen=True)
class Stage:
    """A stage. `within`: the names of the stages that it stands in; `head`: its text before the stages in it."""

    name: str
    within: tuple[str, ...]
    head: str

    @property
    def scripts(self) -> list[str]:
        """Its shell scripts, in order, as the shell gets them."""
        return [textwrap.dedent(one or two).replace("\\\\", "\\") for one, two in _SHELL.findall(self.head)]


def stages_of(text: str) -> dict[str, Stage]:
    """Return all stages of a pipeline by name, the outer ones before those in them."""
    bare = re.sub(r"(?m)//.*$", lambda found: " " * len(found[0]), text)
    return dict(_walk(text, bare, 0, len(text), ()))


def _walk(text: str, bare: str, start: int, end: int, within: tuple[str, ...]) -> list[tuple[str, Stage]]:
    found: list[tuple[str, Stage]] = []
    while match := _STAGE.search(bare, start, end):
        stop = _closing(bare, match.end())
        inner = _STAGE.search(bare, match.end(), stop)
        head = text[match.end() : inner.start() if inner else stop]
        found.append((match[1], Stage(match[1], within, head)))
        found += _walk(text, bare, match.end(), stop, (*within, match[1]))
        start = stop
    return found


def _closing(bare: str, start: int) -> int:
    depth = 1
    for place in range(start, len(bare)):
        depth += {"{": 1, "}": -1}.get(bare[place], 0)
        if depth == 0:
            return place
    raise ValueError("a stage does not end")
