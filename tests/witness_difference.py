"""What differs between two documents of the store, place by place, down to the leaves.

A key that is absent means its empty value (the contract's section 7), and an object with `enabled: false` is
empty too (section 3). Elements of a list are matched by what names them, never by their position.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = Any

MISSING = object()


@dataclass(frozen=True)
class Difference:
    """One place that differs.

    Attributes:
        pattern: the place, `[]` for any element: "repos[].tag".
        keys: the keys of the elements on the way, each with its other spellings.
        before: what was there.
        after: what is there now.
    """

    pattern: str
    keys: tuple[tuple[str, ...], ...]
    before: Json
    after: Json

    @property
    def path(self) -> str:
        """The place, its elements by their keys."""
        return self.spellings[0]

    @property
    def spellings(self) -> tuple[str, ...]:
        """The place in every spelling of its keys."""
        return filled(self.pattern.replace("[]", "[{}]"), self.keys)

    def __str__(self) -> str:
        return f"{self.path}: {_short(self.before)} → {_short(self.after)}"


def filled(words: str, keys: tuple[tuple[str, ...], ...]) -> tuple[str, ...]:
    """Put the keys into the braces of a path, in every combination of their spellings."""
    head, brace, tail = words.partition("{}")
    if not brace or not keys:
        return (words,)
    return tuple(f"{head}{key}{rest}" for key in keys[0] for rest in filled(tail, keys[1:]))


def differences(before: Json, after: Json) -> Iterator[Difference]:
    """Every place at which a build differs."""
    yield from _walk("", (), before, after)


def is_empty(value: Json) -> bool:
    """Whether a value is what an absent key means."""
    if isinstance(value, dict):
        return ("enabled" in value and not value["enabled"]) or all(is_empty(item) for item in value.values())
    return value is MISSING or value is None or value in ("", 0, [])


def _walk(place: str, keys: tuple[tuple[str, ...], ...], before: Json, after: Json) -> Iterator[Difference]:
    if before == after and type(before) is type(after):
        return
    leaf = place.rpartition(".")[2]
    if leaf in KEYS:
        yield from _elements(place, keys, *([] if is_empty(side) else side for side in (before, after)))
    elif is_empty(before) and is_empty(after):
        return
    elif isinstance(before, dict) or isinstance(after, dict):
        old, new = _object(before, leaf), _object(after, leaf)
        for key in dict.fromkeys((*old, *new)):
            inner = f"{place}.{key}" if place else key
            yield from _walk(inner, keys, old.get(key, MISSING), new.get(key, MISSING))
    else:
        yield Difference(place, keys, before, after)


def _elements(place: str, keys: tuple[tuple[str, ...], ...], before: Json, after: Json) -> Iterator[Difference]:
    name = KEYS[place.rpartition(".")[2]]
    old, new = _named(before, name), _named(after, name)
    for key in dict.fromkeys((*old, *new)):
        spelt = (*keys, (old.get(key) or new[key])[0])
        if key in old and key in new:
            yield from _walk(f"{place}[]", spelt, old[key][1], new[key][1])
        else:
            yield Difference(f"{place}[]", spelt, *(side[key][1] if key in side else MISSING for side in (old, new)))
    order = [key for key in old if key in new], [key for key in new if key in old]
    if order[0] != order[1]:
        yield Difference(place, keys, *order)


def _named(items: Json, spell: Callable[[Json], tuple[str, ...]]) -> dict[str, tuple[tuple[str, ...], Json]]:
    """The elements by their keys; a second one of the same key is "#2"."""
    named: dict[str, tuple[tuple[str, ...], Json]] = {}
    for item in items:
        spelt, number = spell(item or {}), 1
        while spelt[0] + (f"#{number}" if number > 1 else "") in named:
            number += 1
        end = f"#{number}" if number > 1 else ""
        named[spelt[0] + end] = (tuple(key + end for key in spelt), item or {})
    return named


def _object(value: Json, leaf: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        return {}
    if "repo_owner" in value and not value.get("repo_namespace"):
        return {**value, "repo_namespace": value["repo_owner"]}
    return value


def _by(*leaves: str) -> Callable[[Json], tuple[str, ...]]:
    def spell(item: Json) -> tuple[str, ...]:
        return ("/".join(str(item.get(leaf) or "") for leaf in leaves),)

    return spell


def _repository(item: Json) -> tuple[str, ...]:
    """Without outer slashes, which not every code host shows; as detail shows it; as it is written."""
    owner, space, name = (str(item.get(key) or "") for key in ("repo_owner", "repo_namespace", "repo_name"))
    plain = f"{(owner or space).strip('/')}/{name.strip('/')}"
    return tuple(dict.fromkeys((plain, f"{owner}/{name}", f"{space or owner}/{name}")))


KEYS: dict[str, Callable[[Json], tuple[str, ...]]] = {
    "repos": _repository,
    "deploy_repos": _repository,
    "envs": _by("key"),
    "installs": _by("name"),
    "outputs": _by("name"),
    "targets": _by("service_name", "service_module"),
    "storages_properties": _by("mount_path"),
    "custom_annotations": _by("key"),
    "custom_labels": _by("key"),
}
"""Key of a list in the store → what names its elements."""


def _short(value: Json) -> str:
    text = "nothing" if value is MISSING else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
