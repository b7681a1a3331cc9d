"""What the JSON Schema cannot say: what the server would drop silently, refuse, or take for something else.

Source of the facts: the contract, section 1. Every check looks only at values of the right type, because
the wrong ones have been told about already.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import Complaint, brief, exists, lookup, spelled
from reconciler.model.fields import ASTERISKS, ROWS, SERVER_OUTPUTS, Elements, Kind, Leaf, Row, Type

_DOCKER = ("docker_build_step",)
_ADVANCED = ("advanced_settings",)
_SPEC = (*_ADVANCED, "resource_spec")
_CACHE = (*_ADVANCED, "cache_setting")
_QUANTITY = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?")
_REPEATABLE = frozenset({"repo_info"})
_MAY_BE_EMPTY = frozenset({"repo_namespace"})

Value = dict[str, Any]


def check(value: Value, kind: Kind) -> list[Complaint]:
    """Return what is wrong with a document, its defaults merged in."""
    found = [*_identity(value), *_levels(ROWS[kind], value, ())]
    if kind is Kind.PLAIN:
        for whole in (*_SINGLE, *_TOGETHER):
            found += whole(value)
    return found


def check_defaults(value: Value) -> list[Complaint]:
    """Return what is wrong with defaults by themselves: nothing that a document may complete."""
    rows = {row.path: row for kind in Kind for row in ROWS[kind]}
    found = [*_identity({"name": "-", **value}), *_levels(tuple(rows.values()), value, ())]
    for single in _SINGLE:
        found += single(value)
    return found


def _identity(value: Value) -> Iterator[Complaint]:
    for key in ("name", "project_key"):
        text = value.get(key)
        if not isinstance(text, str) or not text:
            continue
        if text != text.strip():
            message = f'"{key}" has white space at an end'
            yield Complaint(
                (key,), message, f'write "{brief(text.strip())}"' if text.strip() else "give it a name", "padded"
            )
        if any(unicodedata.category(character) == "Cc" for character in text.strip()):
            yield Complaint((key,), f'"{key}" holds a control character', "take it out", "control-character")
    name = value.get("name")
    if isinstance(name, str) and "/" in name:
        yield Complaint(("name",), 'a build whose name holds "/" cannot be read again', 'use "-" instead', "name")
    if name in (".", ".."):
        yield Complaint(("name",), f'a build named "{name}" cannot be read again', "give it a name", "name")


def _levels(rows: tuple[Row, ...], value: Value, path: Path) -> Iterator[Complaint]:
    """Look at every leaf and list of a level, and at the elements of its lists."""
    for row in rows:
        here = (*path, *row.path.split("."))
        given = lookup(value, here[len(path) :])
        if isinstance(row, Leaf):
            yield from _leaf(row, given, here)
        elif isinstance(given, list):
            elements = [(index, element) for index, element in enumerate(given) if isinstance(element, dict)]
            if row.path not in _REPEATABLE:
                yield from _twice(row, elements, here)
            for index, element in elements:
                yield from _levels(row.rows, element, (*here, index))
                yield from _choices(element, (*here, index))


def _leaf(row: Leaf, given: object, path: Path) -> Iterator[Complaint]:
    name = path[-1]
    if given == "" and row.required and not row.enum and name not in _MAY_BE_EMPTY:
        yield Complaint(path, f'"{name}" is empty', "the server needs it", "empty")
    if row.secret and given == ASTERISKS:
        hint = "leave the key out to keep the server's value, or use {from_env: NAME}"
        message = f'"{name}" is the mask that the server shows, not a value'
        yield Complaint(path, message, hint, "asterisks")
    if row.type is Type.STRINGS and name == "outputs" and isinstance(given, list):
        yield from _outputs(given, path)


def _twice(row: Elements, elements: list[tuple[int, Value]], path: Path) -> Iterator[Complaint]:
    seen: dict[tuple[object, ...], int] = {}
    for index, element in elements:
        key = tuple(element.get(leaf) for leaf in row.key)
        if not isinstance(key[0], str) or not all(part is None or isinstance(part, str) for part in key):
            continue
        key = tuple(part or "" for part in key)
        if key in seen:
            name = brief("/".join(str(part) for part in key))
            first = spelled((*path, seen[key]))
            message = f'"{name}" stands in {path[-1]} a second time (also {first})'
            yield Complaint((*path, index, row.key[0]), message, "keep one of the two", "twice")
        seen.setdefault(key, index)


def _choices(element: Value, path: Path) -> Iterator[Complaint]:
    options, chosen = element.get("choice_option"), element.get("choice_value")
    if not isinstance(options, list) or not isinstance(chosen, list):
        return
    for index, value in enumerate(chosen):
        if isinstance(value, str) and value not in options:
            where = (*path, "choice_value", index)
            yield Complaint(
                where, "this value is not among choice_option", "add it there, or take it out here", "choice"
            )


def _outputs(given: list[Any], path: Path) -> Iterator[Complaint]:
    seen = set()
    for index, name in enumerate(given):
        if not isinstance(name, str):
            continue
        here = (*path, index)
        if name in SERVER_OUTPUTS:
            yield Complaint(here, f"every build has the output {name}", "take it out; the server adds it", "outputs")
        elif not name:
            yield Complaint(here, "an output without a name", "name it, or take it out", "empty")
        elif name in seen:
            yield Complaint(
                here, f'the output "{brief(name)}" stands here a second time', "keep one of the two", "twice"
            )
        seen.add(name)


def _gpu(value: Value) -> Iterator[Complaint]:
    path = (*_SPEC, "gpu_limit")
    given = lookup(value, path)
    if not isinstance(given, str) or given == "":
        return
    key, _, quantity = given.replace(" ", "").partition(":")
    if not key or not _QUANTITY.fullmatch(quantity):
        hint = "write a resource and a quantity, for example nvidia.com/gpu:1"
        yield Complaint(path, '"gpu_limit" is not key:quantity', hint, "gpu-limit")


def _padded_paths(value: Value) -> Iterator[Complaint]:
    for key in ("build_context_dir", "dockerfile_directory"):
        given = lookup(value, (*_DOCKER, key))
        if isinstance(given, str) and given != given.strip():
            hint = "the server cuts it off; take it out"
            yield Complaint((*_DOCKER, key), f'"{key}" has white space at an end', hint, "padded")


def _requests(value: Value) -> Iterator[Complaint]:
    for what in ("cpu", "memory"):
        request, limit = (lookup(value, (*_SPEC, f"{what}_{end}")) for end in ("req", "limit"))
        if type(request) is int and type(limit) is int and 0 < limit < request:
            message = f'"{what}_req" ({request}) is more than "{what}_limit" ({limit})'
            yield Complaint((*_SPEC, f"{what}_req"), message, "a pod that asks so is refused", "request-over-limit")


def _cache(value: Value) -> Iterator[Complaint]:
    enabled, folder = (lookup(value, (*_CACHE, key)) for key in ("enabled", "cache_dir"))
    if enabled is True and folder in ("", None):
        message = "a cache that is enabled needs a cache_dir"
        yield Complaint(
            (*_CACHE, "enabled"), message, 'write cache_dir: "$WORKSPACE" to keep the workspace', "cache-dir"
        )
    disabled = enabled is False or (enabled is None and exists(value, (*_CACHE, "enabled")))
    if disabled and isinstance(folder, str) and folder:
        message = "the server drops cache_dir where the cache is not enabled"
        yield Complaint((*_CACHE, "cache_dir"), message, "write enabled: true, or take cache_dir out", "cache-dir")


def _docker(value: Value) -> Iterator[Complaint]:
    step = lookup(value, _DOCKER)
    if not isinstance(step, dict):
        return
    source, name, directory = (step.get(key) for key in ("dockerfile_source", "template_name", "dockerfile_directory"))
    if source == "local" and isinstance(name, str) and name:
        message = "the server drops template_name where dockerfile_source is local"
        yield Complaint((*_DOCKER, "template_name"), message, "take it out, or write template", "dockerfile")
    if source == "template" and isinstance(directory, str) and directory:
        message = "the server drops dockerfile_directory where dockerfile_source is template"
        yield Complaint((*_DOCKER, "dockerfile_directory"), message, "take it out, or write local", "dockerfile")
    if source == "template" and name in ("", None):
        message = "dockerfile_source: template needs a template_name"
        yield Complaint((*_DOCKER, "dockerfile_source"), message, "name the Dockerfile template", "dockerfile")


_Check = Callable[[Value], Iterator[Complaint]]
_SINGLE: tuple[_Check, ...] = (_gpu, _padded_paths)
_TOGETHER: tuple[_Check, ...] = (_requests, _cache, _docker)
