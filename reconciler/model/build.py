"""The canonical build: what a definition says and what the server shows, in one type.

A level of a build (the build itself, or one element of a list) is a flat mapping from the path of a leaf
inside that level to its value; a list of elements is a tuple of `Element`. A key that is missing means
*absent*: not declared in Git, not seen on the server. `DEFAULT` means *null*: declared to be the default.

    {"build_os": "ubuntu 20.04",
     "advanced_settings.timeout": 30,
     "parameters": (Element("PW", {"key": "PW", "is_credential": True, "default_value": Secret(...)}),)}
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.fields import Elements, Kind
from reconciler.model.secret import Secret


class Default(enum.Enum):
    """The type of `DEFAULT`."""

    DEFAULT = "default"

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final = Default.DEFAULT

Scalar = str | int | bool | tuple[str, ...] | Secret
"""A leaf's value. Strict: True is not 1 (see `same`)."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a keyed list: its printable key, unique in the list, and its level of values."""

    key: str
    values: Mapping[str, Value]


Value = Scalar | Default | tuple[Element, ...]
Values = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Build:
    """One build, desired or live: kind, project key, name, and its level of values."""

    kind: Kind
    project: str
    name: str
    values: Values


def elements_of(value: object) -> tuple[Element, ...]:
    """Return the value where it is a list of elements, else `()` (null, absent, a list of strings)."""
    if isinstance(value, tuple) and value and isinstance(value[0], Element):
        return value
    return ()


def modules_of(build: Build) -> tuple[tuple[str, str], ...]:
    """Return the service modules that a build makes, (service, module), in its order."""
    path = "target_services" if build.kind is Kind.TEMPLATE else "services"
    return tuple(
        (str(e.values.get("service_name", "")), str(e.values.get("service_module", "")))
        for e in elements_of(build.values.get(path))
    )


REPOSITORY_KEY = ("repo_namespace", "repo_name")
"""The leaves that name a repository; a code host of type `other` shows them without their outer slashes."""

CODE_HOST_TYPE = "codehost_name:type"
"""In a repository that the server showed: the type of its code host, all that detail says of `codehost_name`."""

CODE_HOST_CHANGED = "codehost_name:changed"
"""In a known repository: True where its code host is not even of the recorded type any more."""

MASKED = "value:masked"
"""In a parameter or input that the server showed: True where its value was asterisks, so that nobody knows it."""

LEFTOVER_NAMED = "leftover:named"
"""In a template build that is sent and recorded: True where a plan has named all that it holds of a plain one."""

CHOICE_VALUE = "choice_value:seen"
"""In a template input that the server showed: its `choice_value`, which no request can write."""


CHOICES = ("choice_option", "choice_value")
"""What a parameter or input may hold beside its value: of a credential they are as secret as that."""


def cut_slashes(text: str) -> str:
    """Cut one slash off each end, as the server does for a code host of type `other` (contract, section 1)."""
    return text.removeprefix("/").removesuffix("/")


def keyed(row: Elements, levels: Iterable[Values]) -> tuple[Element, ...]:
    """Give each level its key: the row's key leaves joined by "/", "#2" added for a second one of the same.

    Repositories are keyed without any outer slashes, so that one is found again whatever its code host's type.
    """
    seen: Counter[str] = Counter()
    outer = "/" if row.key == REPOSITORY_KEY else ""
    result = []
    for level in levels:
        key = "/".join(str(level.get(leaf, "")).strip(outer) if outer else str(level.get(leaf, "")) for leaf in row.key)
        seen[key] += 1
        result.append(Element(key if seen[key] == 1 else f"{key}#{seen[key]}", level))
    return tuple(result)


def same(left: Value, right: Value) -> bool:
    """Strict equality: types count (True is not 1), a secret equals its clear text, order counts."""
    if isinstance(left, Secret) and isinstance(right, str):
        return left.holds(right)
    if isinstance(right, Secret) and isinstance(left, str):
        return right.holds(left)
    return type(left) is type(right) and left == right


def join(parent: str, path: str) -> str:
    """Join a parent path such as "parameters[PW]" and a path inside that level."""
    return f"{parent}.{path}" if parent else path
