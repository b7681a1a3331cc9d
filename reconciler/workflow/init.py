"""Begin a tree: check the folder, look at the server, write what a tree needs beside its definitions.

    folder ─ check_… ──────► it may begin here
    server ─ look ─────────► Looked: the projects that the token sees, and whether hidden settings can be seen
    answers ─ write_first ─► reconciler.yaml, .gitignore          (then the export runs)
            ─ write_recipe ► the recipe for the CI, which names the credentials that the export found

Sends GET requests and nothing else. No file holds the token; nothing outside of the folder is written.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.apply.folders import put_file
from reconciler.definitions.configuration import find_configuration
from reconciler.definitions.configuration_checks import check_configuration
from reconciler.definitions.files import CONFIGURATION, is_folder, real, reason, shown
from reconciler.definitions.loader import load
from reconciler.definitions.writer import render
from reconciler.model.errors import InvalidDefinitions, NotPermitted, UsageError
from reconciler.model.live import JENKINS, Live, is_askable
from reconciler.model.settings import Settings
from reconciler.server.deep import read_deep
from reconciler.server.projects import read_projects
from reconciler.server.reading import Wanted, read_list, read_project
from reconciler.server.transport import ReadDoor
from reconciler.workflow.on_disk import text_there
from reconciler.workflow.plan import World, read_door
from reconciler.workflow.recipes import Recipe

IGNORE = ".gitignore"
IGNORED = (".reconciler/", ".env", "plan.json", "plan.txt")
"""What Git is to leave alone: the ledger and backups, the credentials, and what a plan leaves behind."""

_TRIES = 3
"""So many builds are tried, where details of them fail."""

_NAMED = 3
"""So many files are named; of more, the count."""

_IGNORE_END = "".join(f"{name}\n" for name in IGNORED)
_IGNORE_HEAD = "# The ledger, backups, credentials and plans of the reconciler: none of them belongs into Git.\n"


@dataclass(frozen=True, slots=True)
class Looked:
    """What the server shows to this token.

    Attributes:
        projects: keys, sorted.
        incomplete: why that may not be all, "" where it is.
        probed: the build that the internal read was asked for, as project/name; "" where there was none to ask for.
        hidden: why hidden settings cannot be seen, "" where they can or nobody knows yet.
        requests: how many requests it took.
    """

    projects: tuple[str, ...]
    incomplete: str = ""
    probed: str = ""
    hidden: str = ""
    requests: int = 0


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a tree is to be about.

    Attributes:
        server: base URL.
        tree: its name.
        projects: project keys.
        deep_read: whether the internal read may be asked.
    """

    server: str
    tree: str
    projects: tuple[str, ...]
    deep_read: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the folder: its name, and what became of it: "new", "changed", "same" or "kept" (somebody else's)."""

    file: str
    what: str


def check_folder(root: Path, cwd: str, *, force: bool) -> None:
    """Make sure that a tree may begin in a folder (absolute; it need not be there). Raises UsageError."""
    if os.path.lexists(root) and not is_folder(root):
        raise UsageError(f"{shown(root, cwd)} is not a folder", "name the folder that the tree is to be in")
    found = find_configuration(root)
    if found is None or force:
        return
    if found.parent == root:
        raise UsageError(
            f"{shown(found, cwd)} is there already: the tree has begun",
            "`reconciler export` takes the server's side into it; --force writes the configuration anew",
        )
    raise UsageError(
        f"this folder is inside of another tree, the one of {shown(found, cwd)}",
        f"run `reconciler export --out {shown(root, cwd)}` for more of that tree; --force begins one of its own "
        "here, which the outer one then leaves alone",
    )


def check_files(settings: Settings, world: World) -> None:
    """Make sure that nothing in the folder would be taken for a definition and is none. Raises UsageError."""
    if not is_folder(Path(settings.root)):
        return
    try:
        load(replace(settings, path=settings.root, selected=()), world.environ, cwd=world.cwd)
    except InvalidDefinitions as error:
        files = sorted({problem.place.file for problem in error.problems})
        own = shown(Path(settings.root, "zadig"), world.cwd)
        raise UsageError(
            f"{len(files)} file{'s' * (len(files) != 1)} of this folder would be read as definitions and cannot be: "
            f"{', '.join(files[:_NAMED])}{', …' * (len(files) > _NAMED)}",
            f"give the tree a folder of its own: reconciler init {own}; what is meant as definitions: "
            "reconciler validate",
        ) from None


def look(settings: Settings, world: World, selected: Sequence[str] = ()) -> Looked:
    """Ask which projects there are, and try the internal read on one build of the `selected` ones (else of all).

    Raises:
        UsageError: no server is named, or a selected project is none that the token sees.
        BadToken: there is no token, or the server does not accept it.
        NotPermitted: the token sees no project.
        ServerError: the server is not reachable, or is no Zadig.
    """
    with read_door(settings, world) as door:
        projects, incomplete = read_projects(door)
        _check_projects(projects, incomplete, selected)
        probed, hidden = _probe(door, selected or projects) if settings.deep_read else ("", "deep_read is off")
        return Looked(tuple(projects), incomplete, probed, hidden, door.requests)


def _check_projects(projects: Sequence[str], incomplete: str, selected: Sequence[str]) -> None:
    if not projects and not incomplete:
        raise NotPermitted(
            "the token is good, and sees no project at all",
            "ask an administrator for the right to see the builds of your projects",
        )
    unseen = [project for project in selected if project not in projects]
    if unseen and not incomplete:
        raise UsageError(
            f"--project {unseen[0]}: the token sees no such project", f"it sees {', '.join(projects)}; use the keys"
        )


def _probe(door: ReadDoor, projects: Iterable[str]) -> tuple[str, str]:
    """Return the build that was asked for, and why its hidden settings cannot be seen. Broken ones are passed over."""
    failed = "", ""
    for project, name in itertools.islice(_candidates(door, projects), _TRIES):
        live = Live({project: read_project(door, project, [Wanted(name)], 1)})
        build = live.build(project, name)
        if build is not None and build.build is not None:
            live = read_deep(door, live, [(project, name)], 1)
            build = live.build(project, name)
            return f"{project}/{name}", live.deep_unserved or (build.deep_failed if build else "")
        reason = f"the build could not be read: {build.unread if build else 'it is gone'}"
        failed = failed if failed[0] else (f"{project}/{name}", reason)
    return failed


def _candidates(door: ReadDoor, projects: Iterable[str]) -> Iterator[tuple[str, str]]:
    for project in projects:
        try:
            listed, _ = read_list(door, project)
        except NotPermitted:
            continue
        yield from ((project, name) for name in sorted(listed) if is_askable(name) and listed[name].source != JENKINS)


def check_beginning(root: Path, beginning: Beginning) -> None:
    """Make sure, before anything is written, that a configuration may say this. Raises UsageError."""
    if not beginning.tree:
        raise UsageError("tree: a tree needs a name", "name it with --tree, for example --tree shop-builds")
    values = {"server": beginning.server, "tree": beginning.tree, "projects": list(beginning.projects)}
    for complaint in check_configuration(values, str(root)):
        raise UsageError(f"{complaint.path[0]}: {complaint.message}", complaint.hint or "write it otherwise")


def configuration_text(beginning: Beginning) -> str:
    """Return the text of `reconciler.yaml`."""
    projects = "".join(f"  - {_text('-', project)}\n" for project in beginning.projects)
    deep = "# deep_read: off # never ask" if beginning.deep_read else "deep_read: off # auto: ask"
    return f"""\
# The tree begins here: every definition below this folder belongs to it.
# `reconciler config` prints what is in force, and where it comes from.

server: {_text("server", beginning.server)} # ZADIG_SERVER or --server wins over this line
tree: {_text("tree", beginning.tree)} # the name under which the ledger knows what is ours: keep it
projects: # Zadig's project keys; a definition of any other project is an error
{projects}\
env: ["BUILD_*"] # the only environment variables that {{from_env: …}} may name

# What Git no longer has stays on the server. owned: builds that are ours are deleted; all: everything undeclared.
prune: off
max_deletes: 10 # in one run
max_delete_percent: 10 # of a project's builds

# The ledger remembers what was written and what is ours. In CI, keep it between runs.
# ledger: .reconciler/ledger.db
{deep} Zadig's internal read, which shows what its documented answers hide

# What is left to the web page, everywhere:
# ignore:
#   - {{path: advanced_settings.strategy_name, reason: operations moves builds between node pools}}
"""


def _text(key: str, value: str) -> str:
    """Write a text so that every reader of YAML takes it for that text."""
    return render({key: value}).partition(": ")[2].rstrip("\n")


def ignore_text(before: str, names: Iterable[str]) -> str:
    """Return a `.gitignore` with the names that it lacks at its end; unchanged where it has them all."""
    there = {line.strip().strip("/") for line in before.splitlines()}
    lacking = [name for name in names if name.strip("/") not in there]
    if not lacking:
        return before
    ended = before if before.endswith("\n") or not before else f"{before}\n"
    head = "" if before.endswith(_IGNORE_END) else f"\n{_IGNORE_HEAD}" if before else _IGNORE_HEAD
    return ended + head + "".join(f"{name}\n" for name in lacking)


def write_first(root: Path, beginning: Beginning, secret_files: Iterable[str] = ()) -> list[Written]:
    """Write `reconciler.yaml` and `.gitignore`.

    Args:
        root: the tree's folder, absolute; it is made where it is missing.
        beginning: what the tree is about.
        secret_files: absolute paths of files that must not get into Git, as the token's; those below the root count.

    Raises:
        UsageError: a file cannot be written.
    """
    name = next((name for name in CONFIGURATION if os.path.lexists(root / name)), CONFIGURATION[0])
    below = [path.relative_to(root).as_posix() for path in map(Path, secret_files) if path.is_relative_to(root)]
    ignored = [*IGNORED, *(f"/{path}" for path in below)]
    first = put(root, name, configuration_text(beginning), replace=True)
    return [first, put(root, IGNORE, ignore_text(text_there(root / IGNORE), ignored), replace=True)]


def write_recipe(root: Path, recipe: Recipe) -> Written:
    """Write the recipe for the CI; a file of that name that says something else is kept. Raises UsageError."""
    return put(root, recipe.file, recipe.text, replace=False)


def put(root: Path, name: str, text: str, *, replace: bool) -> Written:
    """Write one file of the folder, whole or not at all. Raises UsageError where it cannot be, or leads elsewhere."""
    path = root / name
    try:
        before = text_there(path)
        if os.path.lexists(path) and before == text:
            return Written(name, "same")
        if os.path.lexists(path) and not replace:
            return Written(name, "kept")
        if path.is_symlink() or not real(path.parent).is_relative_to(real(root)):
            raise UsageError(f"{name} leads out of the folder by a link", "take the link away, or write the file there")
        path.parent.mkdir(parents=True, exist_ok=True)
        put_file(path, text.encode("utf-8"))
    except OSError as error:
        raise UsageError(f"{name} cannot be written: {reason(error)}", "make the folder writable") from None
    return Written(name, "changed" if before else "new")
