"""A live build → the document that declares all of it that can be known.

    values that were seen ─► code hosts ─► what a definition can say ─► credentials become sources
                                    what is withheld ◄─┘                └─► what no valid definition holds goes
                                                                            └─► document, comments, notes

What is not known is left out (absent is kept as it is on the server) and stands as a comment with its
usual value; every such thing has a note. No credential's value is in anything that leaves here.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.definitions.build import to_build
from reconciler.definitions.sources import FROM_ENV
from reconciler.definitions.writer import Ghost, Remarked, nested
from reconciler.export.fitting import fitted
from reconciler.export.telling import head
from reconciler.export.withholding import withhold
from reconciler.model.build import (
    CHOICES,
    CODE_HOST_CHANGED,
    CODE_HOST_TYPE,
    Build,
    Element,
    Values,
    elements_of,
    join,
)
from reconciler.model.definable import definable, variables
from reconciler.model.exported import KEPT, Note, Topic
from reconciler.model.fields import ROWS, Elements, Kind, Row, walk
from reconciler.model.live import LiveBuild, Loss
from reconciler.model.threeway import is_within

REPOSITORIES = "repo_info"
CODE_HOST = "codehost_name"


@dataclass(frozen=True, slots=True)
class Subject:
    """A live build with everything that is known of it.

    Attributes:
        live: as it was read.
        values: what detail, the internal read and the ledger show of it.
        losses: what no request can carry.
    """

    live: LiveBuild
    values: Values
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """How documents are made.

    Attributes:
        credentials: write sources for credentials; False leaves their values out.
        hosts: type of a code host → the alias that it has, where the server does not say.
        repeats: tells whether a text repeats somebody's credential.
        kept: path → the variable that the tree's definition of this build takes it from.
        taken: variables that hold something of other builds.
    """

    credentials: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)
    repeats: Callable[[str], bool] = lambda _: False
    kept: Mapping[str, str] = field(default_factory=dict)
    taken: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One build as an export writes it.

    Attributes:
        build: what the document declares, credentials sealed.
        seen: what the server has, without what is withheld, credentials sealed: the base of the next export.
        document: what stands in the file.
        comment: above the document, "" where there is nothing to say.
        notes: what to look at.
        variables: path of a credential → the variable that is to hold it.
        unknown: paths that the document leaves out although the server has something there.
    """

    build: Build
    seen: Build
    document: dict[str, Any]
    comment: str
    notes: tuple[Note, ...]
    variables: Mapping[str, str]
    unknown: tuple[str, ...] = ()


def page(subject: Subject, rules: Rules) -> Page:
    """Return the document of a live build, whose detail was read. Raises Unfit where no definition can hold it."""
    live = subject.live
    assert live.build is not None
    notes = _Notes(live.project, live.name)
    hosts = _Hosts(rules.hosts)
    values = hosts.level(ROWS[live.build.kind], subject.values, "")
    lost = {loss.path for loss in subject.losses}
    kept = withhold(replace(live.build, values=values), rules.repeats, lost)
    known = definable(kept.build)
    names = variables(known.build, rules.kept, rules.taken)
    away = (*hosts.unknown, *kept.withheld)
    unknown = tuple(path for path in known.unknown if not is_within(path, away))
    ghosts = [path for path in unknown if _matters(known.build, path)]
    made = nested(
        known.build,
        sources={path: {FROM_ENV: name} for path, name in names.items()} if rules.credentials else {},
        ghosts={path: Ghost(_usual(known.build.kind, path)) for path in ghosts},
    )
    _tidy(made)
    _remark(made, known.assumed)
    fit = fitted(made, known.build.kind)
    notes.add(Topic.CODE_HOST, hosts.unknown)
    for path, (topic, text) in kept.withheld.items():
        notes.add(topic, [path], text)
    for path, text in fit.dropped.items():
        notes.add(Topic.LEFT_OUT, [path], text)
    notes.add(Topic.ASSUMED, (*known.assumed, *(path for path in hosts.assumed if not is_within(path, away))))
    notes.add(Topic.UNREADABLE, ghosts)
    for loss in subject.losses:
        notes.add(Topic.INEXPRESSIBLE, [loss.path], "small" if loss.small else "")
    notes.add(Topic.INEXPRESSIBLE, [loss.path for loss in live.own], KEPT)
    build = to_build(fit.value, known.build.kind)
    used = names if rules.credentials else {}
    left = {path: name for path, name in used.items() if not is_within(path, tuple(fit.dropped))}
    found = tuple(sorted(set(notes.found)))
    return Page(build, kept.build, fit.document, head(found), found, left, (*away, *fit.dropped, *unknown))


@dataclass(slots=True)
class _Notes:
    project: str
    name: str
    found: list[Note] = field(default_factory=list)

    def add(self, topic: Topic, paths: Iterable[str], text: str = "") -> None:
        self.found += [Note(topic.value, self.project, self.name, path, text) for path in paths]


@dataclass(slots=True)
class _Hosts:
    """Names the code hosts that are known by their type alone; takes away repositories of which one has none."""

    known: Mapping[str, str]
    assumed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def level(self, rows: tuple[Row, ...], values: Values, parent: str) -> Values:
        completed = dict(values)
        for row in rows:
            path = join(parent, row.path)
            if not isinstance(row, Elements) or row.path not in values:
                continue
            elements = elements_of(values[row.path])
            if row.path == REPOSITORIES:
                named = tuple(self._named(element, f"{path}[{element.key}]") for element in elements)
                completed[row.path] = named
                if not all(CODE_HOST in element.values for element in named):
                    del completed[row.path]
                    self.unknown.append(path)
            elif any(inner.path == REPOSITORIES for inner in row.rows):
                completed[row.path] = tuple(
                    Element(e.key, self.level(row.rows, e.values, f"{path}[{e.key}]")) for e in elements
                )
        return completed

    def _named(self, element: Element, path: str) -> Element:
        values = element.values
        alias = self.known.get(str(values.get(CODE_HOST_TYPE, "")))
        if CODE_HOST in values or CODE_HOST_CHANGED in values or not alias:
            return element
        self.assumed.append(f"{path}.{CODE_HOST}")
        return Element(element.key, {**values, CODE_HOST: alias})


_CHOOSING = ("choice", "multi-select")


def _matters(build: Build, path: str) -> bool:
    """Tell whether an unknown setting can mean anything where it stands: choices only where one can choose."""
    list_path, _, leaf = path.rpartition("].")
    if leaf == "commit_id":
        return False  # enable_commit stands there, and means it
    if leaf not in CHOICES:
        return True
    name, _, key = list_path.partition("[")
    level = next((e.values for e in elements_of(build.values.get(name)) if e.key == key), {})
    return level.get("type") in _CHOOSING


@functools.cache
def _patterns(kind: Kind) -> tuple[tuple[re.Pattern[str], Row], ...]:
    found = ((re.escape(path).replace(r"\[\]", r"\[.*\]"), row) for path, row in walk(ROWS[kind]))
    return tuple((re.compile(regex, re.DOTALL), row) for regex, row in found)


def _usual(kind: Kind, path: str) -> str:
    """Return the usual value of a setting, as YAML."""
    row = next(row for regex, row in _patterns(kind) if regex.fullmatch(path))
    if isinstance(row, Elements):
        return "[]"
    value = row.usual_value
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _tidy(node: Any) -> None:
    """Leave out what is empty and can mean nothing where it stands: choices of what is not chosen, no commit."""
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, dict | list):
            _tidy(value)
    if not isinstance(node, dict):
        return
    idle = [] if node.get("type") in _CHOOSING else list(CHOICES)
    for leaf in [*idle, "commit_id"]:
        if node.get(leaf) in ([], ""):
            del node[leaf]


def _remark(document: dict[str, Any], paths: Iterable[str]) -> None:
    """Put a remark behind what was assumed: settings of the document itself."""
    for path in paths:
        document[path] = Remarked(document[path], "the server does not show it: this is the usual value")
