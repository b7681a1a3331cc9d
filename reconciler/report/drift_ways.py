"""A drift → the commands that would settle it, ready to paste.

put back what Git has ───────────────► reconciler apply builds/api.yaml
take the server's side into Git ─────► reconciler export --project shop --out .
bring to the server what is pending ─► reconciler apply
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.compare.drift import State
from reconciler.plan.fates import DRIFT, Drift, Drifted, Fate
from reconciler.report.ink import safe

FILES = 5
"""How many files are named one by one; above that the whole tree is."""


@dataclass(frozen=True, slots=True)
class Commands:
    """What command lines are made of.

    Attributes:
        root: the tree, as one would type it; "" for the current directory.
        path: what this run was asked about; "" for the current directory.
        flags: `--server` and the like, as they were given.
        projects: `--project` of this run, as words.
    """

    root: str = ""
    path: str = ""
    flags: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()

    def line(self, command: str, *words: str) -> str:
        """Return a command line with the flags of this run."""
        return safe(shlex.join(["reconciler", command, *words, *self.flags])).replace("\n", "\\n")

    def here(self) -> tuple[str, ...]:
        """Return the words for what this run was about."""
        return (*((typed(self.path),) if self.path else ()), *self.projects)


def typed(path: str) -> str:
    """Return a path as no command takes it for an option."""
    return f"./{path}" if path.startswith("-") else path


@dataclass(frozen=True, slots=True)
class Way:
    """What a command would do, in words, and its line."""

    what: str
    command: str


def ways(drift: Drift, commands: Commands) -> tuple[Way, ...]:
    """Return what would settle a drift, Git's side first; `()` where there is nothing to settle."""
    back = tuple(_back(drift, commands))
    into = tuple(_into_git(drift, commands))
    if into and not back:
        into = (replace(into[0], what=into[0].what.removeprefix("or ")), *into[1:])
    return (*back, *into, *_onwards(drift, commands), *_looking(drift, commands))


def _back(drift: Drift, commands: Commands) -> Iterator[Way]:
    builds = _written(drift.of(*DRIFT))
    if not builds:
        return
    what = "create it again" if all(b.fate is Fate.MISSING for b in builds) else "make the server as Git has it again"
    for words in _targets(builds, commands):
        yield Way(what, commands.line("apply", *words))


def _written(builds: Iterable[Drifted]) -> list[Drifted]:
    """Return those that an apply would write; of the others a plan says why not."""
    return [build for build in builds if not build.blocked]


def _can_be_taken(build: Drifted) -> bool:
    """Tell whether an export takes anything of it over: no secret, and no build of Jenkins."""
    return build.kinds is not None or not all(s.sensitive for s in build.of(State.DRIFTED, State.CONFLICT))


def _targets(builds: Iterable[Drifted], commands: Commands) -> Iterator[tuple[str, ...]]:
    """Yield what to name on a command line: a file each, or everything where they are many."""
    files = sorted({build.place.file for build in builds if build.place})
    if len(files) <= FILES:
        yield from ((typed(file),) for file in files)
    else:
        yield commands.here()


def _into_git(drift: Drift, commands: Commands) -> Iterator[Way]:
    out = ("--out", commands.root or ".")
    if changed := [build for build in drift.of(Fate.CONFLICT, Fate.DRIFTED) if _can_be_taken(build)]:
        yield Way(
            "or take the server's side into Git, and look at it with git diff",
            commands.line("export", *_projects(changed), *out),
        )
    if both := [build for build in drift.of(Fate.CONFLICT) if _can_be_taken(build)]:
        yield Way(
            "where both changed, that keeps Git's side; this takes the server's side everywhere",
            commands.line("export", *_projects(both), *out, "--force"),
        )
    if gone := [build for build in drift.of(Fate.MISSING) if build.project not in drift.emptied]:
        yield Way(
            "or take the definitions of what is gone away too",
            commands.line("export", *_projects(gone), *out, "--prune"),
        )


def _projects(builds: Iterable[Drifted]) -> tuple[str, ...]:
    """Return the projects to name: also those where a build is now, so that it does not leave Git."""
    names = sorted({name for build in builds for name in (build.project, build.now_in) if name})
    return tuple(word for name in names for word in ("--project", name))


def _onwards(drift: Drift, commands: Commands) -> Iterator[Way]:
    if not drift.ledger_read:
        return  # what looks pending may be somebody's change on the server
    if _written(drift.of(Fate.PENDING)):
        yield Way("bring to the server what is pending", commands.line("apply", *commands.here()))
    if _written(drift.of(Fate.UNVERIFIABLE)):
        yield Way("write what nothing shows, to be sure of it", commands.line("apply", *commands.here(), "--assert"))
    if any(build.blocked for build in drift.of(*DRIFT, Fate.PENDING, Fate.UNVERIFIABLE)):
        yield Way("see why an apply would not write some of them", commands.line("plan", *commands.here()))


def _looking(drift: Drift, commands: Commands) -> Iterator[Way]:
    if not drift.complete:
        yield Way("look again at what could not be read", commands.line("drift", *commands.here()))
    if drift.of(Fate.ORPHAN):
        root = (typed(commands.root),) if commands.root else ()
        yield Way(
            "see what deleting would mean that is ours and gone from Git",
            commands.line("plan", *root, "--prune", "owned"),
        )
