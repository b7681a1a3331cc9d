"""Two sets of desired builds → what became of each build. No server, no ledger, no environment.

in both ─────────────────────────► changed, or nothing where they say the same
only in the new ─────────────────► added; renamed or moved where it takes the place of one that is gone
only in the old ─────────────────► removed
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.compare.desired import added, changes, removed
from reconciler.model.build import Values, elements_of, join
from reconciler.model.change import Change, ChangeKind
from reconciler.model.definition import Definition, Desired
from reconciler.model.fields import Kind
from reconciler.model.problem import Place
from reconciler.model.secret import Secret

Name = tuple[str, str]
"""Project and name."""


class Fate(enum.Enum):
    """What became of a build, worst first."""

    REMOVED = "removed"
    RENAMED = "renamed"
    MOVED = "moved"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Rule:
    """A change of what concerns us and not the server (`x-reconciler`).

    Attributes:
        path: below `x-reconciler`; the path of a setting in brackets.
        before: as it was written, None where it was not.
        after: as it is written, None where it is not.
        meaning: what follows from it, a sentence.
    """

    path: str
    before: str | bool | None
    after: str | bool | None
    meaning: str


@dataclass(frozen=True, slots=True)
class Revised:
    """One build that is not the same on both sides.

    Attributes:
        fate: what became of it.
        project: project key, the old one of a removed build.
        name: its name.
        place: where its definition begins: in the new tree, of a removed build in the old one.
        changes: what differs in its settings.
        rules: what differs in `x-reconciler`.
        notes: what a reader should know beside, sentences.
        old: (project, name) that it had before, of a renamed or moved one.
        kinds: what it was and what it is, where that differs.
    """

    fate: Fate
    project: str
    name: str
    place: Place
    changes: tuple[Change, ...] = ()
    rules: tuple[Rule, ...] = ()
    notes: tuple[str, ...] = ()
    old: Name | None = None
    kinds: tuple[Kind, Kind] | None = None


@dataclass(frozen=True, slots=True)
class Revisions:
    """What differs between two trees.

    Attributes:
        old: how the old side is called.
        new: how the new side is called.
        builds: those that differ, by project and name.
        unchanged: how many do not.
        notices: what holds for all of it, sentences.
    """

    old: str
    new: str
    builds: tuple[Revised, ...]
    unchanged: int = 0
    notices: tuple[str, ...] = ()

    def of(self, fate: Fate) -> tuple[Revised, ...]:
        """Return the builds of one fate."""
        return tuple(build for build in self.builds if build.fate is fate)

    def summary(self) -> dict[str, int]:
        """Count the builds by their fate, and those that do not differ."""
        return {**{fate.value: len(self.of(fate)) for fate in Fate}, "unchanged": self.unchanged}


def compare(old: Desired, new: Desired, names: tuple[str, str], notices: tuple[str, ...] = ()) -> Revisions:
    """Compare two loaded trees. Pure: identical inputs give an identical answer.

    Args:
        old: of the old side; what comes from the environment has only its name.
        new: of the new side, likewise.
        names: how the two are called.
        notices: what holds for all of it.
    """
    before = {_key(d): d for d in old.definitions}
    after = {_key(d): d for d in new.definitions}
    places = _places(before, after)
    pairs = [(before.get(places.get(key, key)), definition) for key, definition in after.items()]
    told = [_compared(was, now, old.elsewhere) for was, now in pairs]
    gone = before.keys() - after.keys() - set(places.values())
    builds = [one for one in told if one is not None]
    builds += [_gone(before[key], new.elsewhere) for key in gone]
    builds.sort(key=lambda build: (build.project, build.name))
    return Revisions(*names, tuple(builds), told.count(None), notices)


def _key(definition: Definition) -> Name:
    return definition.build.project, definition.build.name


def _places(before: Mapping[Name, Definition], after: Mapping[Name, Definition]) -> dict[Name, Name]:
    """Return new key → the key of the old build whose place it takes: by `renamed_from`, else by its name."""
    left = {key[1]: key for key in before if key not in after}
    found = {}
    for key, definition in after.items():
        if key in before:
            continue
        renamed = (key[0], definition.renamed_from)
        if definition.renamed_from and left.get(renamed[1]) == renamed:
            found[key] = left.pop(renamed[1])
    for key in after.keys() - before.keys() - found.keys():
        if key[1] in left:
            found[key] = left.pop(key[1])
    return found


def _compared(was: Definition | None, now: Definition, elsewhere: Mapping[str, str]) -> Revised | None:
    """Return what became of a build that is there now, None where it says the same as before."""
    project, name = _key(now)
    if was is None:
        other = elsewhere.get(name)
        notes = (f"was in the project {other} before, which --project leaves out",) if other else ()
        rules = (*_rules(None, now),)
        return Revised(Fate.ADDED, project, name, now.place, added(now.build), rules, (*notes, *_variables(None, now)))
    found = () if was.build == now.build else changes(was.build, now.build)
    rules = (*_rules(was, now),)
    kinds = (was.build.kind, now.build.kind) if was.build.kind is not now.build.kind else None
    fate, old = _fate(was, now)
    if not (found or rules or old or kinds):
        return None
    literals = _literals(was, now) if any(change.sensitive for change in found) else ()
    beside = (*_variables(was, now), *literals, *_line_ends(found))
    return Revised(fate, project, name, now.place, found, rules, beside, old, kinds)


def _fate(was: Definition, now: Definition) -> tuple[Fate, Name | None]:
    if _key(was) == _key(now):
        return Fate.CHANGED, None
    return Fate.RENAMED if was.build.name != now.build.name else Fate.MOVED, _key(was)


def _gone(was: Definition, elsewhere: Mapping[str, str]) -> Revised:
    project, name = _key(was)
    notes = []
    if other := elsewhere.get(name):
        notes.append(f"is in the project {other} now, which --project leaves out")
    if was.prevent_destroy:
        notes.append("was protected (prevent_destroy): no run deletes it from the server")
    return Revised(Fate.REMOVED, project, name, was.place, removed(was.build), notes=tuple(notes))


def _rules(was: Definition | None, now: Definition) -> Iterator[Rule]:
    """Yield what differs in `x-reconciler`, what lets something happen first."""
    yield from _accepted(was.accept_loss if was else {}, now.accept_loss)
    before, after = was.prevent_destroy if was else None, now.prevent_destroy
    if before != after:
        yield Rule("prevent_destroy", before, after, _PROTECTION[after])
    former = was.renamed_from if was else ""
    if former != now.renamed_from and (was is None or was.build.name == now.build.name):
        meaning = "an apply takes it for the build of that name" if now.renamed_from else "tells no old name now"
        yield Rule("renamed_from", former or None, now.renamed_from or None, meaning)
    yield from _ignored({rule.path: rule.reason for rule in was.ignore} if was else {}, now)


_PROTECTION = {
    True: "the build is protected: no run deletes it",
    False: "the build is not protected, also where the ledger remembers that it was",
    None: "not written any more; the ledger remembers the protection, only false lifts it",
}


def _accepted(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Rule]:
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            meaning = "an apply may erase this value" if path in after else "an apply may not erase it any more"
            yield Rule(f"accept_loss[{path}]", before.get(path), after.get(path), meaning)


def _ignored(before: Mapping[str, str], now: Definition) -> Iterator[Rule]:
    after = {rule.path: rule.reason for rule in now.ignore}
    for path in sorted(before.keys() | after.keys()):
        if before.get(path) != after.get(path):
            meaning = "is compared and written again" if path not in after else "stays as it is on the server"
            meaning = "the reason is another one" if path in before and path in after else meaning
            yield Rule(f"ignore[{path}]", before.get(path), after.get(path), meaning)


def _variables(was: Definition | None, now: Definition) -> Iterator[str]:
    """Say which environment variables an apply needs now, and which not any more; by name, none is looked up."""
    before, after = set(was.unset) if was else set[str](), set(now.unset)
    if more := sorted(after - before):
        yield f"takes from the environment{' now' if was else ''}: {', '.join(more)}"
    if fewer := sorted(before - after):
        yield f"takes no longer from the environment: {', '.join(fewer)}"


def _literals(was: Definition, now: Definition) -> Iterator[str]:
    """Say where a value that came from the environment is written out now: Git remembers it for good."""
    before = dict(_secrets(was.build.values, ""))
    for path, secret in _secrets(now.build.values, ""):
        if secret.name is None and path in before and before[path].name is not None:
            yield f"{path} came from the environment and is written in Git now"


def _secrets(values: Values, parent: str) -> Iterator[tuple[str, Secret]]:
    for leaf, value in values.items():
        path = join(parent, leaf)
        if isinstance(value, Secret):
            yield path, value
        for element in elements_of(value):
            yield from _secrets(element.values, f"{path}[{element.key}]")


def _line_ends(found: tuple[Change, ...]) -> Iterator[str]:
    for change in found:
        before, after = change.before, change.after
        if not change.text or change.kind is not ChangeKind.CHANGED:
            continue
        if isinstance(before, str) and isinstance(after, str) and _unix(before) == _unix(after):
            yield f"{change.path} differs in its line ends alone (.gitattributes may have Git change them)"


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")
