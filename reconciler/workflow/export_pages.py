"""Everything that was read → a page per build, and what is to be said of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.compare.knowledge import know
from reconciler.export.document import Page, Rules, Subject, page
from reconciler.export.fitting import Unfit
from reconciler.model.declared import marked_texts, secrets_in
from reconciler.model.definable import sources
from reconciler.model.definition import Definition, Desired
from reconciler.model.exported import Note, Topic
from reconciler.model.live import JENKINS, Live, LiveBuild, is_askable
from reconciler.model.record import Document
from reconciler.plan.keepsake import choices
from reconciler.server.pasted import Pasted

Name = tuple[str, str]


@dataclass(slots=True)
class Pages:
    """What becomes of each build of the server.

    Attributes:
        pages: (project, name) → what an export writes of it.
        jenkins: project → names of builds that Jenkins runs.
        unfit: project → (name, reason) of builds that no definition can hold.
        unread: builds whose detail failed.
        notes: what to look at.
        taken: variables that credentials come from.
    """

    pages: dict[Name, Page] = field(default_factory=dict)
    jenkins: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unfit: defaultdict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    unread: list[Name] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def leave_out(self, live: LiveBuild, reason: str) -> None:
        """Note a build that is not exported."""
        self.notes.append(Note(Topic.NOT_EXPORTED.value, live.project, live.name, "", reason))


def pages_of(live: Live, documents: Mapping[str, Document], rules: Rules, desired: Desired | None = None) -> Pages:
    """Make a page of every build that was read. No two credentials get one variable.

    Args:
        live: what was read.
        documents: project → what the ledger holds.
        rules: how pages are made; `repeats` is of credentials of other builds.
        desired: the tree that is there; what its definitions name their variables stays.
    """
    claims = _Claims(desired.definitions if desired else ())
    kept = claims.sources
    found = Pages(taken={name for names in kept.values() for name in names.values()})
    for project, one in sorted(live.readings.items()):
        document = documents.get(project, Document())
        if one.unnamed:
            reason = "a build without a name: no call can ask for it"
            found.notes.append(Note(Topic.NOT_EXPORTED.value, project, "", "", reason))
        for name, build in sorted(one.builds.items()):
            if build.source == JENKINS:
                found.jenkins[project].append(name)
            elif build.build is None:
                reason = build.unread or "it was not read"
                found.leave_out(build, reason)
                if is_askable(name):
                    found.unread.append((project, name))
                else:
                    found.unfit[project].append((name, reason))
            elif claim := claims.against(build):
                found.leave_out(build, claim)
            else:
                own = kept.get((project, name), {})
                _add(found, build, document, replace(rules, kept=own, taken=found.taken))
    return found


class _Claims:
    """What the tree says already of builds that the server has: no name is defined a second time."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self.sources = {(d.build.project, d.build.name): sources(d.build) for d in definitions}
        self._projects = {name: project for project, name in self.sources}
        self._renamed = {d.renamed_from: d.build.name for d in definitions if d.renamed_from}

    def against(self, build: LiveBuild) -> str:
        """Return why a build gets no page, "" where it gets one."""
        if (build.project, build.name) in self.sources:
            return ""
        if build.name in self._renamed:
            return f'the definition of "{self._renamed[build.name]}" says that it is renamed from it'
        if (project := self._projects.setdefault(build.name, build.project)) != build.project:
            return f'the project "{project}" defines that name, and names are unique over the whole server'
        return ""


def _add(found: Pages, build: LiveBuild, document: Document, rules: Rules) -> None:
    assert build.build is not None
    known = know(build, document.records.get(build.name))
    losses = (*build.losses, *build.hidden, *build.leftover, *choices(known.values, ""))
    marks = known.record.secrets if known.record else ()
    own, others = Pasted((*secrets_in(build.build), *marked_texts(build.deep or build.build, marks))), rules.repeats
    judged = replace(rules, repeats=lambda text: own.repeats(text) or others(text))
    try:
        one = page(Subject(build, known.values, losses), judged)
    except Unfit as reason:
        found.unfit[build.project].append((build.name, str(reason)))
        found.leave_out(build, str(reason))
        return
    found.pages[build.project, build.name] = one
    found.notes += one.notes
    found.taken.update(one.variables.values())
