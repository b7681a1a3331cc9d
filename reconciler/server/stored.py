"""The stored build as the internal read shows it → what detail hides, and what a write would erase.

The answer is believed only where it agrees with the detail of the same build in everything that both show
(name, project, stamps, every shown setting); otherwise it may be another build's, or of another moment.

    stored × shown ──► build      every value that a request can carry (by the table)
                   └─► losses     every value that no request can carry (`reconciler.server.erased`)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.model.build import (
    CODE_HOST_CHANGED,
    CODE_HOST_TYPE,
    Build,
    Element,
    Value,
    Values,
    cut_slashes,
    elements_of,
    keyed,
)
from reconciler.model.fields import ROWS, SERVER_OUTPUTS, Elements, Kind, Leaf, Row, Sight, Type
from reconciler.model.live import LiveBuild, Loss
from reconciler.model.secret import Secret
from reconciler.server import typed
from reconciler.server.erased import kept_by_updates, leftovers, plain_losses, second_targets, template_losses
from reconciler.server.masking import as_text
from reconciler.server.typed import Json, branch, objects, text

Aliases = Mapping[int, str]
"""Number of a code host → its alias."""

_CACHE = "advanced_settings.cache_setting"
_DOCKER = "docker_build_step"
_NO_IMAGE = "0" * 24
"""What detail shows where the stored image is gone (contract, section 7)."""

_OMITTED = frozenset({"commit_id", "choice_option", "choice_value"})
"""Unreadable settings whose key the server leaves out when they are empty (recordings 19 to 24)."""


class Lacking(Exception):
    """The answer does not hold what it should, as another version's would not. Carries a sentence."""


class Disagrees(Exception):
    """The answer is not about the build that detail shows. Carries a sentence."""


class Moved(Disagrees):
    """Somebody has written the build between the two answers, or it is another one's answer."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the internal read adds.

    Attributes:
        build: the whole build.
        hidden: what a write of the same kind erases and detail does not show.
        own: what every write of this build keeps, and a new one in its place would not have.
        leftover: what turning a template build into a plain one erases beside.
    """

    build: Build
    hidden: tuple[Loss, ...]
    own: tuple[Loss, ...] = ()
    leftover: tuple[Loss, ...] = ()


def read_stored(answer: Any, live: LiveBuild, aliases: Aliases) -> Stored:
    """Read an answer about a build whose detail was read.

    Raises:
        Lacking: the answer does not hold everything that detail hides.
        Disagrees: the answer is another build's; Moved: or of another moment.
        Nonsense: something in it has a type that no Zadig answers.
    """
    assert live.build is not None
    stored = typed.as_object(answer, "the internal read")
    _check_identity(stored, live)
    build = live.build
    rows = ROWS[build.kind]
    values = _Reader(aliases).level(rows, _flattened(stored, build.kind), build.values, "")
    whole = Build(build.kind, build.project, build.name, values)
    if build.kind is Kind.PLAIN:
        return Stored(whole, tuple(plain_losses(stored, whole)), tuple(kept_by_updates(stored)))
    return Stored(
        whole, tuple(template_losses(stored, whole)), tuple(kept_by_updates(stored)), tuple(leftovers(stored))
    )


def _check_identity(stored: Json, live: LiveBuild) -> None:
    facts = (
        ("name", live.name),
        ("product_name", live.project),
        ("update_time", live.stamps.update_time),
        ("update_by", live.stamps.update_by),
    )
    for key, wanted in facts:
        if stored.get(key) != wanted:
            raise (Moved if key.startswith("update_") else Disagrees)(f"it says another {key} than detail")
    image = text(branch(stored, ("pre_build",)), "image_id")
    if live.image_id not in ("", _NO_IMAGE) and image != live.image_id:
        raise Disagrees("it says another base image than detail")


def _flattened(stored: Json, kind: Kind) -> Json:
    """Put what the table looks for under one roof: the names of outputs, without the server's own."""
    if kind is Kind.TEMPLATE:
        return stored
    names = own_outputs(tuple(text(output, "name") for output in objects(stored, "outputs")))
    return {**stored, "outputs": list(names)}


def own_outputs(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of outputs without the two that the server puts in front, where they stand there."""
    for own in SERVER_OUTPUTS:
        names = names[1:] if names[:1] == (own,) else names
    return names


def idle(values: Values) -> tuple[str, ...]:
    """Return the settings that nothing reads as the others are: no request carries what the page left there.

    The directory of a cache that is off, a file where the Dockerfile is a template, a template where it is a file.
    """
    cache = (f"{_CACHE}.cache_dir",) if values.get(f"{_CACHE}.enabled") is False else ()
    source = values.get(f"{_DOCKER}.dockerfile_source")
    unused = {"local": ("template_name",), "template": ("dockerfile_directory",)}
    return cache + tuple(f"{_DOCKER}.{leaf}" for leaf in unused.get(str(source), ()))


@dataclass(frozen=True, slots=True)
class _Reader:
    aliases: Aliases

    def level(self, rows: tuple[Row, ...], stored: Json, shown: Values, parent: str) -> Values:
        """Complete the shown values of a level. Raises Disagrees where a shown one is another."""
        values: dict[str, Value] = dict(shown)
        for row in rows:
            path = f"{parent}{row.path}"
            if isinstance(row, Elements):
                values[row.path] = self._list(row, stored, shown.get(row.path), path)
            elif row.sight is Sight.UNREADABLE:
                values[row.path] = _hidden(row, stored, path)
            elif row.sight is Sight.PARTIAL:
                self._code_host(row, stored, values)
            elif row.path in shown and row.type is not Type.BLOCK:
                values[row.path] = _agreed(row, stored, shown, path)
        return values

    def _list(self, row: Elements, stored: Json, shown: Value | None, path: str) -> Value:
        *parents, key = row.internal.split(".")
        items = objects(branch(stored, parents), key)
        if row.sight is Sight.UNREADABLE:
            if key not in branch(stored, parents) and branch(stored, parents[:-1]).get(parents[-1], {}) is not None:
                raise Lacking(f"it has no {path}")
            return keyed(row, [self.level(row.rows, item, {}, f"{path}[].") for item in items])
        seen = elements_of(shown)
        if len(seen) != len(items):
            raise Disagrees(f"it says another number of {path} than detail")
        return tuple(
            element
            if row.path == "target_services" and element.key in second_targets(seen)
            else Element(element.key, self.level(row.rows, item, element.values, f"{path}[{element.key}]."))
            for element, item in zip(seen, items, strict=True)
        )

    def _code_host(self, row: Leaf, stored: Json, values: dict[str, Value]) -> None:
        """Name the code host; one that the list lacks is none that a record could mean (a project's own)."""
        if row.internal not in stored:
            raise Lacking(f"its repositories have no {row.internal}")
        alias = self.aliases.get(typed.integer(stored, row.internal))
        if alias:
            values[row.path] = alias
        elif self.aliases:
            values[CODE_HOST_CHANGED] = True


def _hidden(row: Leaf, stored: Json, path: str) -> Value:
    """Return a setting that nothing but this answer shows. Raises Lacking where its key is not there at all."""
    *parents, key = row.internal.split(".")
    inside: Any = stored
    for step in parents:
        if step not in inside:
            raise Lacking(f"it has no {path}")
        if inside[step] is None:
            return row.default
        inside = typed.as_object(inside[step], step)
    if key not in inside and key not in _OMITTED:
        raise Lacking(f"it has no {path}")
    return _leaf(row, stored)


def _leaf(row: Leaf, stored: Json) -> Value:
    *parents, key = row.internal.split(".")
    inside = branch(stored, parents)
    if row.type is Type.BOOLEAN:
        return typed.boolean(inside, key)
    if row.type is Type.INTEGER:
        return typed.integer(inside, key)
    if row.type is Type.STRINGS:
        return typed.texts(inside, key)
    value = inside.get(key)
    if row.always and value is not None:  # labels take any JSON (contract, section 7)
        return as_text(value)
    return text(inside, key) or row.usual  # old builds have none, and run as the usual one


def _agreed(row: Leaf, stored: Json, shown: Values, path: str) -> Value:
    """Return the stored value of a shown leaf. Raises Disagrees where detail shows another."""
    seen = shown[row.path]
    if row.sight is Sight.REFERENCE:
        return seen
    value = _leaf(row, stored)
    if row.path == "repo_namespace":
        return _namespace(stored, seen, path, bends=shown.get(CODE_HOST_TYPE) == "other")
    if isinstance(seen, Secret):
        masked = isinstance(value, str) and set(value) <= {"*"}
        if not masked and not (isinstance(value, str) and seen.holds(value)):
            raise Disagrees(f"it says another {path} than detail")
        return seen
    if row.path == "repo_name" and value == seen and shown.get(CODE_HOST_TYPE) == "other":
        return _uncut(str(value))
    if row.path in idle(shown):
        return seen
    if type(value) is not type(seen) or value != seen:
        raise Disagrees(f"it says another {path} than detail")
    return value


def _namespace(stored: Json, seen: Value, path: str, *, bends: bool) -> Value:
    """Return what to send as namespace: the owner that detail shows, with the outer slashes that it hides."""
    owner, namespace = text(stored, "repo_owner"), text(stored, "repo_namespace")
    if owner != seen:
        raise Disagrees(f"it says another {path} than detail")
    return namespace if bends and cut_slashes(namespace) == owner else owner


def _uncut(name: str) -> str:
    """Return what to send so that the server, which cuts a slash off each end, stores this name again."""
    before, after = "/" if name.startswith("/") else "", "/" if name.endswith("/") else ""
    return f"{before}{name}{after}"
