"""Definitions, live builds and what was last agreed on → the server's changes in the files of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import know, remembered
from reconciler.definitions.opened import Opened
from reconciler.export.deciding import Base, Pair
from reconciler.export.document import Page
from reconciler.export.merging import Key, Sides
from reconciler.export.rewriting import Rewriting, rewrite
from reconciler.model.build import Build, Element, Value, Values, elements_of, join
from reconciler.model.declared import secret_paths
from reconciler.model.definition import Definition, Desired
from reconciler.model.live import Live, LiveBuild
from reconciler.model.record import Document, Seen
from reconciler.model.threeway import counted
from reconciler.plan.ignoring import with_ignored


@dataclass(frozen=True, slots=True)
class Merging:
    """A tree's files with what changed on the server, and the builds that both sides have."""

    tree: Rewriting
    pairs: tuple[Pair, ...]


def merge_into(
    opened: Opened,
    desired: Desired,
    live: Live,
    documents: Mapping[str, Document],
    pages: Mapping[Key, Page],
    *,
    force: bool = False,
    prune: bool = False,
) -> Merging:
    """Return the files of a tree with what changed on the server.

    Args:
        opened: the tree as it stands in files, all of it.
        desired: the same, loaded; what is not in here stays as it is.
        live: what was read.
        documents: project → what the ledger holds.
        pages: what an export of each live build alone would write; builds without one stay as they are.
        force: the server's side wins everywhere.
        prune: take definitions away whose build is gone and that nobody changed since it was there.
    """
    pairs, gone, elsewhere = [], {}, {}
    projects = {name: p for p, one in sorted(live.readings.items()) for name in one.builds}
    for definition in desired.definitions:
        key = definition.build.project, definition.build.name
        document = documents.get(key[0], Document())
        reading, found = live.readings.get(key[0]), live.build(*key)
        if found is not None:
            if key in pages and found.build is not None:
                pairs.append(pair(definition, found, document, pages[key], live.local_cluster))
        elif key[1] in projects:
            elsewhere[key] = projects[key[1]]
        elif definition.renamed_from in projects:
            continue  # it is on the way to the server
        elif reading is not None and not reading.incomplete:
            gone[key] = _is_as_agreed(definition, document, live.local_cluster)
    return Merging(rewrite(opened, Sides(pairs, gone, elsewhere, force, prune)), tuple(pairs))


def pair(
    definition: Definition, live: LiveBuild, document: Document, page: Page, local_cluster: str | None = None
) -> Pair:
    """Return one build with its three differences. `live` was read.

    A name that moved on the server without a write is a difference here: it is how Git gets to know.
    """
    build, name = definition.build, live.name
    page = replace(page, seen=replace(page.seen, values=_left(page.seen.values, secret_paths(build), "")))
    known = replace(know(live, document.records.get(name)), renamed={})
    now = replace(live.build, values=known.values) if live.build else build
    if now.kind is build.kind:
        left = with_ignored(definition, known, local_cluster)
        build, known = left.definition.build, left.known
    differs = diff(build, known, local_cluster) if now.kind is build.kind else ()
    if now.kind is build.kind and not counted(differs):
        return Pair(page, differs, equal=True)
    bases = [_base(build, now, base, local_cluster) for base in bases_of(document, name)]
    return Pair(page, differs, tuple(bases))


def _left(values: Values, secrets: frozenset[str], parent: str) -> Values:
    """Return what a ledger may hold of values: nothing at the paths that a definition marks as secret."""
    left: dict[str, Value] = {}
    for key, value in values.items():
        path = join(parent, key)
        elements = elements_of(value)
        if elements:
            left[key] = tuple(Element(e.key, _left(e.values, secrets, f"{path}[{e.key}]")) for e in elements)
        elif path not in secrets:
            left[key] = value
    return left


def _base(build: Build, now: Build, base: Build, local_cluster: str | None) -> Base:
    before = remembered(base)
    local = diff(build, before, local_cluster) if base.kind is build.kind else ()
    remote = diff(now, before, local_cluster) if base.kind is now.kind else ()
    return Base(base.kind, local, remote)


def bases_of(document: Document, name: str) -> tuple[Build, ...]:
    """Return the build that Git and the server last agreed on, and the one that was last put into the tree.

    A record that is newer than any export speaks alone.
    """
    record, seen = document.records.get(name), document.seen.get(name)
    if record and (seen is None or record.when > seen.when):
        return (record.build,)
    if seen is None:
        return ()
    return (seen.build,) if seen.offered is None else (seen.build, seen.offered)


def agreed_on(pairs: Iterable[Pair], documents: Mapping[str, Document], now: int, *, force: bool) -> dict[Key, Seen]:
    """Return what the ledger is to remember of builds that a definition describes.

    Where both sides are equal they agree on that. Else they agree on what they agreed on before, and what the
    server has was put into the tree, as far as nothing local stood against it; whether anybody keeps it, the
    next export sees.
    """
    seen = {}
    for pair in pairs:
        project, name = pair.key
        bases = bases_of(documents.get(project, Document()), name)
        if pair.equal or (force and not bases):
            seen[pair.key] = Seen(pair.page.seen, now)
        elif bases:
            seen[pair.key] = Seen(bases[0], now, pair.page.seen)
    return seen


def _is_as_agreed(definition: Definition, document: Document, local_cluster: str | None) -> bool:
    """Tell whether the server once had a build as Git has it now."""
    bases = [
        remembered(base) for base in bases_of(document, definition.build.name) if base.kind is definition.build.kind
    ]
    return any(
        not counted(diff(with_ignored(definition, base, local_cluster).definition.build, base, local_cluster))
        for base in bases
    )
