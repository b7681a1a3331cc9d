"""Settings that Git leaves to the server: a path with `*`, and why.

Such paths are, for example:

    advanced_settings.timeout            one setting
    advanced_settings.resource_spec.*    everything below; so does a path without the star
    parameters[PW].default_value         a setting of the element PW
    parameters[*].default_value          of every element
    parameters[DB_*]                     whole elements
    repo_info                            a whole list

A path is read by the table of fields: the key of an element may hold dots, slashes and brackets, and ends
where what follows is a setting of that list. A star stands for any characters, of a key or of a name.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.model.build import REPOSITORY_KEY
from reconciler.model.fields import ROWS, Elements, Kind, Row, walk

LONGEST = 1024
"""How many characters a path may have."""

_ORDINAL = re.compile(r"#[0-9]+$")


@dataclass(frozen=True, slots=True, order=True)
class Ignore:
    """One rule: `path` as above, `reason` for the readers of a plan."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a path: the name of a setting inside its level, and the key of an element, None without one."""

    name: str
    key: str | None = None

    def covers(self, row_path: str) -> bool:
        """Tell whether a row of the level is meant, or stands below what is meant."""
        steps = row_path.split(".")
        return any(_like(self.name, ".".join(steps[: count + 1])) for count in range(len(steps)))

    def fits(self, row: Elements, key: str) -> bool:
        """Tell whether an element of a list is meant. A repository's path means each occurrence of it."""
        if self.key is None:
            return True
        return _like(self.key, key) or (row.key == REPOSITORY_KEY and _like(self.key, _ORDINAL.sub("", key)))


Parts = tuple[Part, ...]


def _like(glob: str, text: str) -> bool:
    """Match a text with a pattern in which a star stands for any characters; linear, whatever the pattern."""
    first, *others = glob.split("*")
    if not others:
        return text == glob
    *middle, last = others
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


@functools.lru_cache(maxsize=4096)
def parts_of(kind: Kind, path: str) -> Parts:
    """Read a path as one of a kind of build; `()` where it names no row of the table."""
    return _parts(ROWS[kind], path) if len(path) <= LONGEST else ()


def _parts(rows: tuple[Row, ...], path: str) -> Parts:
    name, bracket, rest = path.partition("[")
    head = Part(name)
    meant = [row for row in rows if head.covers(row.path)]
    if not bracket or not meant:
        return (head,) if meant else ()
    inside = tuple(inner for row in meant if isinstance(row, Elements) and row.path == name for inner in row.rows)
    end = rest.find("]") if inside else -1
    while end >= 0:
        key, tail = rest[:end], rest[end + 1 :]
        if not tail:
            return (Part(name, key),) if key else ()
        below = _parts(inside, tail[1:]) if key and tail.startswith(".") else ()
        if below:
            return (Part(name, key), *below)
        end = rest.find("]", end + 1)
    return ()


def matches(rule: str, path: str) -> bool:
    """Tell whether a setting, an element or a list is what a rule names, or stands below that."""
    return any(_match(ROWS[kind], parts_of(kind, rule), parts_of(kind, path)) for kind in Kind)


def _match(rows: tuple[Row, ...], rule: Parts, path: Parts) -> bool:
    if not rule or not path:
        return False
    wanted, given = rule[0], path[0]
    row = next((row for row in rows if row.path == given.name), None)
    if not wanted.covers(given.name):
        return False
    if wanted.key is not None and (
        given.key is None or not isinstance(row, Elements) or not wanted.fits(row, given.key)
    ):
        return False
    if len(rule) == 1:
        return True
    return isinstance(row, Elements) and _match(row.rows, rule[1:], path[1:])


def list_of(path: str) -> str:
    """Return the path of the list that holds the elements which a path names; "" where it names none."""
    for kind in Kind:
        parts = parts_of(kind, path)
        if parts and parts[-1].key is not None:
            above = "".join(f"{part.name}[{part.key}]." for part in parts[:-1])
            return f"{above}{parts[-1].name}"
    return ""


def keys_named(kind: Kind, path: str) -> str:
    """Return the key leaf that a path names outright, "" where it names none: it says which element this is."""
    rows, parts = ROWS[kind], parts_of(kind, path)
    keys: tuple[str, ...] = ()
    for part in parts[:-1]:
        row = next(row for row in rows if row.path == part.name)
        assert isinstance(row, Elements)
        rows, keys = row.rows, row.key
    return parts[-1].name if parts and parts[-1].name in keys else ""


def nearest(kinds: tuple[Kind, ...], path: str) -> str:
    """Return the path of the table that is most like one that names nothing, with its keys; "" for none."""
    keys = re.findall(r"\[(.*?)\]", path[:LONGEST])
    known = sorted({name for kind in kinds for name in _names(kind)})
    near = difflib.get_close_matches(re.sub(r"\[.*?\]", "[]", path[:LONGEST]), known, n=1)
    if not near:
        return ""
    filled = near[0]
    for number in range(filled.count("[]")):
        filled = filled.replace("[]", f"[{keys[number] if number < len(keys) else '*'}]", 1)
    return filled


def _names(kind: Kind) -> Iterator[str]:
    """Yield every path of the table, and the blocks above them."""
    for path, _ in walk(ROWS[kind]):
        yield path
        block = path.rpartition(".")[0]
        while block and not block.endswith("]"):
            yield block
            block = block.rpartition(".")[0]
