"""Documents and changes of them, drawn from a source of chance: what was done where is part of the change.

Elements of one list differ from each other, so that it is plain which of them a line belongs to.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any

from tests.definitions.scribe import Path

KEYS = ["name", "project_key", "infrastructure", "build_script", "parameters", "services", "advanced_settings",
        "timeout", "outputs", "x-reconciler", "a", "b b", "on", "构建", "c: d", "12"]  # fmt: skip
TEXTS = ["x", "two words", "", "a: b", "# no comment", "- a", "true", "12", "1.20", "~", "it's", 'say "x"', "{a}",
         "[b", "a,b", "a\tb", " led", "trailed ", "*a", "&a", "a#b", "a #b", "$VAR/x", "?", "|", "a:b"]  # fmt: skip
LINES = ["make\n", "set -e\nmake", "#!/bin/bash\n\nif x; then\n  make\nfi\n", "a\n\n\nb\n", "a\n\n", "  led\nx\n",
         "\n\nlate\n", "x: |\n  y\n", "# a\n# b\n", "trail \n", "\n", "---\n...\n", "a\tb\n\tc\n"]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A document after a change, and the paths (of the document before) whose lines the change may touch."""

    wanted: dict[str, Any]
    touched: frozenset[Path]


def document(chance: random.Random, depth: int = 3) -> dict[str, Any]:
    """Return a document with something in it."""
    return {key: _value(chance, depth - 1, key) for key in chance.sample(KEYS, chance.randint(1, 7))}


def _scalar(chance: random.Random) -> Any:
    kind = chance.random()
    if kind < 0.5:
        return chance.choice(TEXTS)
    if kind < 0.7:
        return chance.choice(LINES)
    return chance.choice([None, True, False, 0, 1, 45, -3, 2**62])


def _value(chance: random.Random, depth: int, key: str = "") -> Any:
    if key == "parameters":
        names = chance.sample(["A", "B", "C", "D", "E 1"], chance.randint(0, 4))
        return [{"key": name} | {k: _value(chance, 0) for k in _few(chance, ["type", "default_value", "description"])}
                for name in names]  # fmt: skip
    kind = chance.random()
    if depth > 0 and kind < 0.3:
        return {inner: _value(chance, depth - 1) for inner in chance.sample(KEYS, chance.randint(0, 4))
                if inner != "parameters"}  # fmt: skip
    if depth > 0 and kind < 0.6:
        return _distinct([_value(chance, depth - 1) for _ in range(chance.randint(0, 4))])
    if kind < 0.65:
        return {"from_env": f"BUILD_{chance.randint(1, 99)}"}
    return _scalar(chance)


def _few(chance: random.Random, items: list[str]) -> list[str]:
    return [item for item in items if chance.random() < 0.5]


def _distinct(items: list[Any]) -> list[Any]:
    return list({repr(item): item for item in items}.values())


def change(chance: random.Random, before: dict[str, Any]) -> Change:
    """Change one thing: a value, a key or an element more or less, the place of an element."""
    wanted = copy.deepcopy(before)
    path = chance.choice([one for one in _paths(wanted) if one])
    holder = _at(wanted, path[:-1])
    step, kind = path[-1], chance.random()
    if isinstance(holder, dict):
        return _change_mapping(chance, wanted, holder, path, kind)
    if kind < 0.3 and "parameters" not in path:
        fresh = _fresh(chance, holder)
        holder[step] = fresh
        touched = {path}
    elif kind < 0.5:
        del holder[step]
        touched = {path, *([path[:-1]] if not holder else [])}
    elif kind < 0.75 or len(holder) == 1:
        new = {"key": "NEW"} if path[:-1] == ("parameters",) else _fresh(chance, holder)
        holder.insert(chance.randint(0, len(holder)), new)
        touched = {(*path[:-1], -1)}
    else:
        here, there = chance.sample(range(len(holder)), 2)
        holder.insert(there, holder.pop(here))
        touched = {(*path[:-1], place) for place in range(min(here, there), max(here, there) + 1)}
    return Change(wanted, frozenset(touched))


def _change_mapping(
    chance: random.Random, wanted: dict[str, Any], holder: dict[str, Any], path: Path, kind: float
) -> Change:
    step = path[-1]
    assert isinstance(step, str)
    if step == "key" and "parameters" in path:
        kind = 0.9
    if kind < 0.4:
        holder[step] = _value(chance, 2, step) if chance.random() < 0.3 else _scalar(chance)
        touched = {path}
    elif kind < 0.6:
        del holder[step]
        touched = {path, *([path[:-1]] if not holder else [])}
    else:
        name = chance.choice([key for key in (*KEYS, "zz") if key not in holder])
        holder[name] = _value(chance, 2, name)
        touched = {(*path[:-1], name)}
    return Change(wanted, frozenset(touched))


def _fresh(chance: random.Random, holder: list[Any]) -> Any:
    there = {repr(item) for item in holder}
    value = _value(chance, 1)
    return value if repr(value) not in there else f"fresh {len(there)}"


def distinct(value: Any) -> bool:
    """Tell whether the elements of every list differ from each other."""
    items = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, list) and len({repr(item) for item in items}) < len(items):
        return False
    return all(distinct(item) for item in items)


def _paths(value: Any, path: Path = ()) -> list[Path]:
    found = [path]
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in steps:
        found += _paths(item, (*path, step))
    return found


def _at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
