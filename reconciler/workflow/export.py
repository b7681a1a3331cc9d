"""Read everything, make documents of it, merge them into what is there, write files, remember what was seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from reconciler.definitions.loader import load
from reconciler.definitions.sources import Environment
from reconciler.export.document import Rules
from reconciler.model.definition import Desired
from reconciler.model.errors import LedgerError, UsageError
from reconciler.model.exported import Exported, Topic
from reconciler.model.live import Live, Reading
from reconciler.model.record import Document, Seen
from reconciler.model.settings import Settings
from reconciler.server import reading
from reconciler.server.deep import only_hosts, read_deep
from reconciler.server.projects import read_projects
from reconciler.server.transport import Clock, ReadDoor
from reconciler.workflow.export_files import files_of, write_files
from reconciler.workflow.export_pages import Pages, pages_of
from reconciler.workflow.plan import World, open_ledger, read_door, read_ledger

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
        progress: told what is read, how much of it, and of how much.
    """

    defaults: bool = True
    credentials: bool = True
    hosts: Mapping[str, str] = field(default_factory=dict)
    force: bool = False
    prune: bool = False
    progress: Callable[[str, int, int], None] = lambda _, __, ___: None


def export(settings: Settings, options: Options, world: World) -> Exported:
    """Bring the live builds of some projects into the tree, by GETs only.

    Raises:
        InvalidDefinitions: the tree that is there has problems; nothing was written then.
        ServerError: the server could not be read.
    """
    desired = load(replace(settings, path=settings.root, selected=()), world.environ, cwd=world.cwd)
    with read_door(settings, world, [d.build for d in desired.definitions]) as door:
        projects, doubt = _projects(door, settings)
        documents, _ = read_ledger(settings, projects)
        live = _read(door, settings, projects, desired, options)
        hidden = live.deep_unserved or not settings.deep_read
        hosts = {**(only_hosts(door) if hidden else {}), **options.hosts}
        requests = door.requests
    lists = [(project, one.incomplete) for project, one in live.readings.items()]
    found = pages_of(live, documents, Rules(options.credentials, hosts))
    _check_names(settings, found)
    files = files_of(settings, desired, found, world.cwd, defaults=options.defaults)
    written = write_files(Path(settings.root), files.files)
    forgotten = remember(settings, found, world)
    return Exported(
        builds=dict(Counter(project for project, _ in found.pages)),
        written=written.new,
        changed=written.changed,
        unchanged=written.same,
        lines=sum(text.count("\n") for text in files.files.values()),
        saved=files.saved,
        variables=tuple(sorted({name for one in found.pages.values() for name in one.variables.values()})),
        notes=tuple(sorted(found.notes)),
        deep_unserved=live.deep_unserved,
        incomplete={project: why for project, why in [*lists, (ALL, doubt)] if why},
        unread=len(found.unread),
        requests=requests,
        forgotten=forgotten,
    )


def _check_names(settings: Settings, found: Pages) -> None:
    """Refuse to write definitions that this tree does not allow to read their variables. Raises UsageError."""
    allowed = Environment(settings.env, {})
    names = sorted(name for one in found.pages.values() for name in one.variables.values() if not allowed.allows(name))
    if names:
        raise UsageError(
            f"{len(names)} credentials would come from variables that this tree does not allow, such as {names[0]}",
            'add "BUILD_*" to `env:` in reconciler.yaml, or use --credentials omit',
        )


_OPEN = frozenset({Topic.CONFLICT.value, Topic.UNDECIDED.value, Topic.UNMERGED.value})
"""What keeps a build's base as it was: nobody has settled it yet."""


def remember(settings: Settings, found: Pages, world: World) -> str:
    """Note in the ledger what was seen, as the base of the next export; return why not, "" where it was."""
    now = int((world.clock or Clock()).wall())
    unsettled = {(note.project, note.name) for note in found.notes if note.topic in _OPEN}
    seen = defaultdict[str, dict[str, Seen]](dict)
    for (project, name), one in found.pages.items():
        if (project, name) not in unsettled:
            seen[project][name] = Seen(one.seen, now)
    try:
        with open_ledger(settings, writable=True) as ledger:
            for project, builds in sorted(seen.items()):
                ledger.change(project, partial(_with_seen, builds))
    except LedgerError as error:
        return error.message
    return ""


def _with_seen(builds: Mapping[str, Seen], document: Document) -> Document:
    return replace(document, seen={**document.seen, **builds})


def _projects(door: ReadDoor, settings: Settings) -> tuple[list[str], str]:
    """Return the projects that are selected or configured, else all that the token may list, and any doubt of that."""
    if settings.selected or settings.projects:
        return sorted(settings.selected or settings.projects), ""
    return read_projects(door)


def _read(door: ReadDoor, settings: Settings, projects: list[str], desired: Desired, options: Options) -> Live:
    kinds = {(d.build.project, d.build.name): d.build.kind for d in desired.definitions}
    readings: dict[str, Reading] = {}
    for project in projects:
        wanted = [reading.Wanted(name, kind) for (where, name), kind in kinds.items() if where == project]
        readings[project] = reading.read_project(
            door,
            project,
            wanted,
            settings.concurrency,
            everything=True,
            progress=partial(options.progress, f"project {project}"),
        )
    live = Live(readings)
    if not settings.deep_read:
        return live
    names = [(p, name) for p, one in readings.items() for name, build in one.builds.items() if build.build]
    return read_deep(door, live, names, settings.concurrency, partial(options.progress, "what detail hides"))
