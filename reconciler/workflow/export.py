"""Read everything, make documents of it, merge them into what is there, write files, remember what was seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from reconciler.definitions.loader import load
from reconciler.definitions.opened import open_tree
from reconciler.definitions.sources import Environment
from reconciler.export.document import Rules
from reconciler.model.declared import secrets_in
from reconciler.model.definition import Desired
from reconciler.model.errors import BadToken, LedgerError, Locked, ServerError, UsageError
from reconciler.model.exported import Exported
from reconciler.model.live import Live, Reading
from reconciler.model.record import Document, Seen
from reconciler.model.settings import Settings
from reconciler.plan.questions import questions
from reconciler.server import reading
from reconciler.server.deep import only_hosts, read_deep
from reconciler.server.projects import read_projects
from reconciler.server.transport import Clock, ReadDoor
from reconciler.workflow.export_files import files_of, write_files
from reconciler.workflow.export_notes import lookalikes_of, notes_of, places_of
from reconciler.workflow.export_pages import Name, pages_of
from reconciler.workflow.ledgers import writing_ledger
from reconciler.workflow.merging import agreed_on, merge_into
from reconciler.workflow.on_disk import Fingerprint, fingerprint
from reconciler.workflow.plan import World, read_door, read_ledger, reading_hidden, reading_project

ALL = "*"
"""In `Exported.incomplete`: the list of projects itself."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to export.

    Attributes:
        defaults: factor what the builds of a folder share into `_defaults.yaml`.
        credentials: write sources for credentials; False leaves their values out.
        hosts: type of a code host → alias, for servers that hide it.
        force: take the server's side also where Git was changed.
        prune: take definitions away whose build the server does not have any more.
    """

    defaults: bool = True
    credentials: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class _Looked:
    """What was read, and how documents are to be made of it. `doubt`: why there may be more projects."""

    live: Live
    documents: Mapping[str, Document]
    rules: Rules
    doubt: str
    requests: int


def export(settings: Settings, options: Options, world: World) -> Exported:
    """Bring the live builds of some projects into the tree, by GETs only.

    Raises:
        InvalidDefinitions: the tree that is there has problems; nothing was written then.
        Locked: somebody else writes into the tree; likewise.
        ServerError: the server could not be read.
    """
    root = Path(settings.root)
    before, desired = fingerprint(root), _load(settings, world)
    looked = _look(settings, options, desired, world)
    live, documents = looked.live, looked.documents
    if (now_there := fingerprint(root)) != before:
        before, desired = now_there, _load(settings, world)
    found = pages_of(live, documents, looked.rules, desired)
    opened = open_tree(settings, world.cwd)
    merging = merge_into(opened, desired, live, documents, found.pages, force=options.force, prune=options.prune)
    merged = merging.tree
    files = files_of(settings, opened, found, merged, defaults=options.defaults)
    _check_names(settings, files.variables)
    _check_peace(root, before)
    written = write_files(root, files.files)
    places = places_of(settings, desired, files, world.cwd)
    notes = notes_of(found, merged, places, {one.shown: one.text for one in opened.texts.values()})
    notes = tuple(sorted({*notes, *lookalikes_of(settings, files, written, found, world.cwd)}))
    now = int((world.clock or Clock()).wall())
    new = {name: Seen(found.pages[name].seen, now) for name in files.places}
    forgotten = remember(settings, new | agreed_on(merging.pairs, documents, now, force=options.force), world)
    lists = [(project, one.incomplete) for project, one in live.readings.items()]
    return Exported(
        builds=dict(Counter(project for project, _ in found.pages)),
        written=written.new,
        changed=written.changed,
        removed=written.removed,
        unchanged=written.same + len(opened.texts.keys() - files.files.keys()),
        lines=files.lines,
        saved=files.saved,
        variables=tuple(sorted({*files.variables, *_names(desired)})),
        notes=notes,
        deep_unserved=live.deep_unserved,
        incomplete={project: why for project, why in [*lists, (ALL, looked.doubt)] if why},
        unread=len(found.unread),
        requests=looked.requests,
        forgotten=forgotten,
    )


def _look(settings: Settings, options: Options, desired: Desired, world: World) -> _Looked:
    with read_door(settings, world, [d.build for d in desired.definitions]) as door:
        projects, doubt = _projects(door, settings)
        documents, _ = read_ledger(settings, projects, world)
        live = _read(door, settings, projects, desired, world)
        marks = {project: document.marks for project, document in documents.items()}
        live = replace(live, readings={name: one.marked(marks.get(name, {})) for name, one in live.readings.items()})
        hidden = live.deep_unserved or not settings.deep_read
        hosts = {**(only_hosts(door) if hidden else {}), **options.hosts}
        rules = Rules(options.credentials, hosts, door.heard.pasted().repeats)
        return _Looked(live, documents, rules, doubt, door.requests)


def _names(desired: Desired) -> set[str]:
    """Return the names of the variables that the tree's definitions take secrets from."""
    return {secret.name for d in desired.definitions for secret in secrets_in(d.build) if secret.name}


def _load(settings: Settings, world: World) -> Desired:
    """Load the whole tree, whatever is selected. Raises InvalidDefinitions."""
    return load(replace(settings, path=settings.root, selected=()), world.environ, cwd=world.cwd)


def _check_peace(root: Path, before: Fingerprint) -> None:
    """Make sure that the tree is as it was when it was merged: nobody's work is overwritten. Raises Locked."""
    now = fingerprint(root)
    changed = sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))
    if changed:
        raise Locked(
            f"somebody else writes into this tree, such as {Path(changed[0]).relative_to(root).as_posix()}; "
            "nothing was written",
            "run again when that is done",
        )


def _check_names(settings: Settings, variables: Collection[str]) -> None:
    """Refuse to write definitions that this tree does not allow to read their variables. Raises UsageError."""
    allowed = Environment(settings.env, {})
    names = sorted(name for name in variables if not allowed.allows(name))
    if names:
        raise UsageError(
            f"{len(names)} credentials would come from variables that this tree does not allow, such as {names[0]}",
            'add "BUILD_*" to `env:` in reconciler.yaml, or use --credentials omit',
        )


def remember(settings: Settings, builds: Mapping[Name, Seen], world: World) -> str:
    """Note in the ledger what the next export compares with; return why not, "" where it was.

    No lock is taken: it is a note beside the records, written where nobody else has written since it was read, so
    that an export neither waits for an apply nor fails because of one.
    """
    by_project = defaultdict[str, dict[str, Seen]](dict)
    for (project, name), seen in builds.items():
        by_project[project][name] = seen
    try:
        with writing_ledger(settings, world, "export") as ledger:
            for project, found in sorted(by_project.items()):
                ledger.change(project, partial(_with_seen, found))
    except (LedgerError, Locked) as error:
        return error.message
    return ""


def _with_seen(builds: Mapping[str, Seen], document: Document) -> Document:
    return replace(document, seen={**document.seen, **builds})


def _projects(door: ReadDoor, settings: Settings) -> tuple[list[str], str]:
    """Return the projects that are selected or configured, else all that the token may list, and any doubt of that."""
    if settings.selected or settings.projects:
        return sorted(settings.selected or settings.projects), ""
    return read_projects(door)


def _read(door: ReadDoor, settings: Settings, projects: list[str], desired: Desired, world: World) -> Live:
    live = Live(_readings(door, settings, projects, desired, world))
    _check_selected(door, settings, live)
    if questions(desired, live).clusters:
        live = replace(live, local_cluster=reading.clusters(door).local)
    if not settings.deep_read:
        return live
    names = [(p, name) for p, one in live.readings.items() for name, build in one.builds.items() if build.build]
    return read_deep(door, live, names, settings.concurrency, reading_hidden(world))


def _readings(
    door: ReadDoor, settings: Settings, projects: list[str], desired: Desired, world: World
) -> dict[str, Reading]:
    """Read every project; one that the token may not see is incomplete. Raises NotPermitted where all are."""
    kinds = {(d.build.project, d.build.name): d.build.kind for d in desired.definitions}

    def read(project: str) -> Reading:
        wanted = [reading.Wanted(name, kind) for (where, name), kind in kinds.items() if where == project]
        told = reading_project(world, project)
        return reading.read_project(door, project, wanted, settings.concurrency, everything=True, progress=told)

    return reading.read_permitted(projects, read)


def _check_selected(door: ReadDoor, settings: Settings, live: Live) -> None:
    """Make sure that a selected project without builds is one: an unknown one's list is empty. Raises UsageError."""
    empty = [p for p in settings.selected if (one := live.readings[p]) and not (one.builds or one.incomplete)]
    try:
        known, doubt = read_projects(door) if empty else ([], "")
    except BadToken:
        raise
    except ServerError:
        return
    unknown = [project for project in empty if project not in known]
    if unknown and not doubt:
        raise UsageError(
            f"--project {unknown[0]}: the token sees no such project", f"it sees {', '.join(known)}; use the keys"
        )
