"""A live build → what a definition can say of it, and what it cannot.

A definition needs two settings that the documented answers never show (their usual value stands in), knows
no enumerated setting that is empty, and holds no credential: each gets the name of an environment variable.
A template's input with chosen values is left out: sent it would lose them, left out it gets the template's.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.build import CHOICE_VALUE, DEFAULT, Build, Element, Value, Values, elements_of, join
from reconciler.model.fields import HIDDEN, ROWS, Elements, Kind, Leaf, Row
from reconciler.model.secret import Secret

_DOCKER = "docker_build_step"
_CACHE = "advanced_settings.cache_setting"
_KEYS = re.compile(r"\[([^\]]*)\]")
_PAGE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Definable:
    """What a definition can say of a live build.

    Attributes:
        build: as a definition declares it; every credential's value is a `Secret`.
        assumed: paths that no source shows and a definition needs: their usual value stands there.
        unknown: paths that no source shows: they are left out.
    """

    build: Build
    assumed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def definable(live: Build) -> Definable:
    """Return what a definition can say of a live build."""
    reader = _Reader()
    values = reader.level(ROWS[live.kind], live.values, "")
    if live.kind is Kind.PLAIN:
        _settle(values)
    return Definable(replace(live, values=values), tuple(reader.assumed), tuple(reader.unknown))


@dataclass(slots=True)
class _Reader:
    assumed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def level(self, rows: tuple[Row, ...], values: Values, parent: str) -> dict[str, Value]:
        level: dict[str, Value] = {}
        for row in rows:
            path = join(parent, row.path)
            value = values.get(row.path)
            if isinstance(row, Leaf) and row.secret and values.get("is_credential") is True:
                level[row.path] = _credential(value)
            elif value is None:
                self._missing(row, path, level)
            elif isinstance(row, Elements):
                level[row.path] = tuple(
                    Element(e.key, self.level(row.rows, e.values, f"{path}[{e.key}]"))
                    for e in elements_of(value)
                    if not e.values.get(CHOICE_VALUE)
                )
            elif not (row.enum and value == ""):
                level[row.path] = value
        return level

    def _missing(self, row: Row, path: str, level: dict[str, Value]) -> None:
        if row.sight not in HIDDEN:
            return
        if isinstance(row, Leaf) and row.required and row.usual:
            level[row.path] = row.usual
            self.assumed.append(path)
        else:
            self.unknown.append(path)


def _credential(value: Value | None) -> Value:
    """An empty one is no secret; one that nobody shows is a secret without a value."""
    if value == "" or (isinstance(value, Secret) and value.holds("")):
        return ""
    if isinstance(value, Secret):
        return value
    return Secret(value if isinstance(value, str) else None)


def _settle(values: dict[str, Value]) -> None:
    """Leave out what the server would drop, and a cache that no request can express."""
    source = values.get(f"{_DOCKER}.dockerfile_source")
    if values.get(_DOCKER) is not True:
        values[_DOCKER] = DEFAULT
        for path in [path for path in values if path.startswith(f"{_DOCKER}.")]:
            del values[path]
    elif source in ("local", "template"):
        values.pop(f"{_DOCKER}.{'template_name' if source == 'local' else 'dockerfile_directory'}", None)
    if values.get(f"{_CACHE}.enabled") is not True:
        values.pop(f"{_CACHE}.cache_dir", None)
    elif not values.get(f"{_CACHE}.cache_dir"):
        values.pop(f"{_CACHE}.enabled")
        values.pop(f"{_CACHE}.cache_dir", None)


def variables(build: Build, kept: Mapping[str, str] | None = None, taken: Collection[str] = ()) -> dict[str, str]:
    """Return, for the path of each secret of a build, the name of the environment variable that is to hold it.

    BUILD_<build>__<key>: the same every time, and of no other build where names are as the web page wants them.

    Args:
        build: with a `Secret` wherever a name is wanted.
        kept: path → the name that it has already.
        taken: names that hold something else.
    """
    paths = list(_secrets(build.values, ""))
    names = {path: name for path, name in (kept or {}).items() if path in paths}
    used = {*taken, *names.values()}
    for path in paths:
        if path not in names:
            name = _variable(build.name, path)
            further = (f"{name}_{number}" for number in itertools.count(2))
            names[path] = next(free for free in itertools.chain([name], further) if free not in used)
            used.add(names[path])
    return {path: names[path] for path in paths}


def sources(build: Build) -> dict[str, str]:
    """Return, for the path of each secret that a definition takes from the environment, the variable's name."""
    return {path: secret.name for path, secret in _found(build.values, "") if secret.name}


def _secrets(values: Values, parent: str) -> Iterator[str]:
    return (path for path, _ in _found(values, parent))


def _found(values: Values, parent: str) -> Iterator[tuple[str, Secret]]:
    for leaf, value in values.items():
        path = join(parent, leaf)
        if isinstance(value, Secret):
            yield path, value
        for element in elements_of(value):
            yield from _found(element.values, f"{path}[{element.key}]")


def _variable(build: str, path: str) -> str:
    leaf = path.rpartition("]")[2].removeprefix(".")
    parts = [*_KEYS.findall(path), *([] if leaf in ("default_value", "value") else [leaf])]
    plain = _upper(build)
    odd = "" if _PAGE_NAME.fullmatch(build) or plain == _short_hash(build) else f"_{_short_hash(build)}"
    return f"BUILD_{plain}{odd}__{'_'.join(_upper(part) for part in parts)}"


def _upper(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return plain.upper() or _short_hash(text)


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6].upper()
