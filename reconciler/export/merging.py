"""The server's changes → the documents of a tree that people have edited, as they should be then.

    definition, live, base ─► what is taken (`deciding`) ─► what should be in force (`taking`)
        ─► what changes for all who share it (`sharing`) ─► what each definition says itself (`placing`)
        ─► Merge: target documents, texts of scripts, notes

Nothing that only Git has is overwritten unless forced, nothing is added that Git leaves to the server, and no
value of a credential is written. What is valid stays valid: a definition that would not be keeps Git's side.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.definitions.checks import check
from reconciler.definitions.document import EXTRA
from reconciler.definitions.layers import Layers, Source, equal, without_sources
from reconciler.definitions.opened import OpenDefinition, Opened, folder_of
from reconciler.definitions.rules import check_extra
from reconciler.definitions.sources import FROM_ENV
from reconciler.definitions.structure import DEFAULTS, complaints
from reconciler.export.deciding import Pair, Remark, decide
from reconciler.export.placing import placed
from reconciler.export.sharing import Shared, Wish, scripts_named, share
from reconciler.export.taking import Rewritten, clean, take
from reconciler.model.exported import Note, Topic
from reconciler.model.fields import Kind
from reconciler.model.secret import Secret

Key = tuple[str, str]
"""Project and name."""

Spot = tuple[str, int]
"""A file, relative to the root, and the number of a document in it."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What was read, beside the tree.

    Attributes:
        pairs: builds on both sides.
        gone: definitions whose build the server does not have → whether it once had it as Git has it now.
        elsewhere: definitions whose build the server has under another project → that project.
        force: the server's side wins everywhere.
        prune: take the definitions of `gone` away that nobody has changed since.
    """

    pairs: Sequence[Pair] = ()
    gone: Mapping[Key, bool] = field(default_factory=dict)
    elsewhere: Mapping[Key, str] = field(default_factory=dict)
    force: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Merge:
    """What the tree should hold; what is not named here stays as it is. Paths are relative to the root.

    Attributes:
        documents: definition → its raw document, sources as mappings.
        defaults: defaults file → its raw document.
        scripts: file → its text.
        removed: definitions to be taken out of their files.
        dropped: scripts that nothing but those named.
        notes: what was not taken, and what to look at.
    """

    documents: Mapping[Spot, dict[str, Any]] = field(default_factory=dict)
    defaults: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)
    removed: frozenset[Spot] = frozenset()
    dropped: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


def merge(opened: Opened, sides: Sides, frozen: Collection[str] = ()) -> Merge:
    """Take what changed on the server into a tree.

    Args:
        opened: the tree.
        sides: what was read. A definition that is nowhere in it stays as it is.
        frozen: files that cannot be changed; what needs it is noted and stays.
    """
    merging = _Merging(opened, sides, frozenset(frozen))
    return merging.merged()


@dataclass(slots=True)
class _Merging:
    opened: Opened
    sides: Sides
    frozen: frozenset[str]
    notes: list[Note] = field(default_factory=list)

    def merged(self) -> Merge:
        pairs = {pair.key: pair for pair in self.sides.pairs}
        wishes = [self._wish(one, pairs.get(one.key)) for one in self.opened.definitions]
        shared = self._valid(share(self.opened, wishes, self.frozen))
        documents = {}
        for wish in wishes:
            made = self._document(wish, shared) if wish.target is not wish.now else None
            if made is not None and not equal(made, wish.definition.layers.own):
                spot = wish.definition.file, wish.definition.index
                documents[spot] = without_sources(made, folder_of(wish.definition.file))
        removed = frozenset((one.file, one.index) for one in self.opened.definitions if self._is_to_go(one))
        defaults = {file: without_sources(value, folder_of(file)) for file, value in shared.defaults.items()}
        notes = tuple(sorted(set(self.notes)))
        return Merge(documents, defaults, shared.scripts, removed, self._dropped(wishes, shared), notes)

    def _dropped(self, wishes: Sequence[Wish], shared: Shared) -> frozenset[str]:
        """Return the scripts that go with the definitions that go; none where a file could not be read."""
        if self.opened.broken:
            return frozenset()
        going: set[str] = set()
        left = {file for one in self.opened.defaults.values() for file in scripts_named(one.value)}
        for value in shared.defaults.values():
            left |= scripts_named(value)
        for wish in wishes:
            if self._is_to_go(wish.definition):
                going |= scripts_named(wish.definition.layers.own)
            else:
                left |= scripts_named(wish.target) | scripts_named(wish.definition.layers.own)
        return frozenset(going - left - self.opened.texts.keys())

    def _wish(self, one: OpenDefinition, pair: Pair | None) -> Wish:
        """Return what should be in force for a definition."""
        now = one.layers.effective()
        if pair is None:
            self._tell_of_absence(one)
            return Wish(one, now, now)
        decision = decide(pair, one.kind, now, force=self.sides.force)
        remarks, target, kind = list(decision.remarks), now, one.kind
        if decision.converted:
            kind = pair.page.build.kind
            target = clean(pair.page) | ({EXTRA: now[EXTRA]} if EXTRA in now else {})
        elif decision.taken or decision.secret:
            taken = take(now, kind, pair.page, decision)
            remarks += taken.remarks
            target = now if equal(taken.document, now) else taken.document
        if target is not now and (wrong := self._wrong(target, kind)):
            left = any(remark.topic is Topic.UNMERGED for remark in remarks)
            topic = Topic.UNMERGED if left or self.sides.force else Topic.CONFLICT
            remarks.append(Remark(topic, "", f"together with what the server has it is not valid: {wrong}"))
            target = now
        if target is not now and one.file in self.frozen:
            target = now
        for remark in remarks:
            self._note(one, remark)
        return Wish(one, now, target, converted=kind is not one.kind and target is not now)

    def _tell_of_absence(self, one: OpenDefinition) -> None:
        if one.key in self.sides.elsewhere:
            project = self.sides.elsewhere[one.key]
            text = f'the server has it in the project "{project}": write that, or move it with an apply'
            self._note(one, Remark(Topic.UNMERGED, "project_key", text))
        elif one.key in self.sides.gone:
            text = "its definition was taken away" if self._is_to_go(one) else ""
            self._note(one, Remark(Topic.GONE, "", text))

    def _is_to_go(self, one: OpenDefinition) -> bool:
        return self.sides.prune and self.sides.gone.get(one.key, False) and one.file not in self.frozen

    def _note(self, one: OpenDefinition, remark: Remark) -> None:
        shown = self.opened.texts[one.file].shown
        self.notes.append(Note(remark.topic.value, one.project, one.name, remark.path, remark.text, shown))

    def _wrong(self, target: dict[str, Any], kind: Kind) -> str:
        """Return what the loader would complain of first, "" where it would not."""
        value = self._loaded(target)
        found = [*complaints(value, kind), *check(value, kind), *check_extra(value, kind)]
        return found[0].message if found else ""

    def _loaded(self, value: Any) -> Any:
        """Return a document as the loader sees it without looking into the environment."""
        if isinstance(value, Rewritten):
            return value.text
        if isinstance(value, Source):
            return Secret(None, value.target) if value.kind == FROM_ENV else self.opened.scripts.get(value.target, "")
        if isinstance(value, dict):
            return {key: item if key == EXTRA else self._loaded(item) for key, item in value.items()}
        return [self._loaded(item) for item in value] if isinstance(value, list) else value

    def _valid(self, shared: Shared) -> Shared:
        """Leave out defaults that would not be valid by themselves."""
        valid = {
            file: value for file, value in shared.defaults.items() if not complaints(self._loaded(value), DEFAULTS)
        }
        return replace(shared, defaults=valid)

    def _document(self, wish: Wish, shared: Shared) -> dict[str, Any] | None:
        """Return the document that makes a wish true; None where none does, which is noted."""
        one = wish.definition
        own, kind = one.layers.own, one.kind
        if wish.converted:
            kind = Kind.PLAIN if kind is Kind.TEMPLATE else Kind.TEMPLATE
            own = {key: value for key, value in own.items() if key == EXTRA}
        chain = tuple(shared.defaults.get(file, value) for file, value in zip(one.chain, one.layers.chain, strict=True))
        made: dict[str, Any] | None = placed(own, chain, kind, wish.target)
        if made is None or self._wrong(Layers(made, chain, kind).effective(), kind):
            self._note(one, Remark(Topic.UNMERGED, "", "its defaults leave no way to write what the server has"))
            return None
        return made
