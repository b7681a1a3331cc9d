"""Load the definitions of two sides, each a Git revision or the working tree, and compare them. Offline.

    OLD ─► files of the commit ─► Desired ─┐
                                           ├─► Revisions
    NEW ─► files of the commit ─► Desired ─┘
       or the working tree

No server, no ledger, no token and no value of the environment is looked at, and nothing is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.compare.revisions import Revisions, compare
from reconciler.config import of_definitions
from reconciler.definitions.files import Files, shown
from reconciler.definitions.git import Repository, Revision, find_repository
from reconciler.definitions.loader import load
from reconciler.definitions.revision import RevisionFiles, WorkingTree
from reconciler.model.definition import Desired
from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.model.problem import Problem
from reconciler.workflow.diff_copies import without_copies

__all__ = ["Asked", "Revisions", "find_diff"]

WORKING_TREE = "working tree"


@dataclass(frozen=True, slots=True)
class Asked:
    """What to compare.

    Attributes:
        old: a revision.
        words: what follows it: a second revision, a path, both in this order, or nothing.
        projects: of `--project`; `()` means all.
    """

    old: str
    words: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """One side. `revision`: None for the working tree; `submodules`: paths of what is another repository's."""

    revision: Revision | None
    files: Files
    submodules: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """How reports call it."""
        return str(self.revision) if self.revision else WORKING_TREE

    def placed(self, problem: Problem) -> Problem:
        """Return a problem whose place says in which revision it is, as Git writes it."""
        if self.revision is None:
            return problem
        return replace(problem, place=replace(problem.place, file=f"{self.revision.name}:{problem.place.file}"))


def find_diff(asked: Asked, environ: Mapping[str, str], cwd: str) -> Revisions:
    """Compare what two sides declare.

    Args:
        asked: which ones, and where.
        environ: what Git is run with; no definition takes a value of it.
        cwd: absolute path of the current directory.

    Raises:
        UsageError: no repository, no such revision, nothing at the path in either.
        InvalidDefinitions: with the problems of both sides.
    """
    new, path = _sorted_out(asked, environ, cwd)
    target = Path(os.path.normpath(Path(cwd, path or ".")))
    repository, target = _repository(target, environ, cwd)
    revisions = (repository.resolve(asked.old), repository.resolve(new) if new is not None else None)
    with _opened(repository, revisions) as sides:
        if not any(side.files.there(target) for side in sides):
            raise UsageError(f"{shown(target, cwd)} is neither in {sides[0].name} nor in {sides[1].name}", "check PATH")
        old, new_one = _both(sides, target, asked.projects, cwd)
        _not_nothing(old, new_one, asked.projects)
        names, notices = (sides[0].name, sides[1].name), (*_notices(repository, sides, target, cwd),)
        return without_copies(compare(old, new_one, names, notices), (old, new_one))


def _sorted_out(asked: Asked, environ: Mapping[str, str], cwd: str) -> tuple[str | None, str | None]:
    """Return NEW and PATH: one word alone is a revision, else a path, as it is for Git."""
    if len(asked.words) != 1:
        return (asked.words[0], asked.words[1]) if asked.words else (None, None)
    (word,) = asked.words
    path = Path(os.path.normpath(Path(cwd, word)))
    is_path = os.path.lexists(path)
    repository, _ = _repository(path if is_path else Path(cwd), environ, cwd)
    if not repository.knows(word):
        return (None, word) if is_path else (word, None)
    if is_path and not repository.bare:
        hint = f"write ./{word} for the path, or name all three: OLD, NEW and PATH"
        raise UsageError(f'"{word}" is a revision and a path', hint)
    return word, None


def _repository(target: Path, environ: Mapping[str, str], cwd: str) -> tuple[Repository, Path]:
    """Return the repository around a path, which only an old revision may have, and the path as Git spells it."""
    folder = next(path for path in (target, *target.parents) if path.is_dir())
    repository = find_repository(str(folder), environ)
    if repository.bare and target.is_relative_to(cwd):
        repository = find_repository(cwd, environ)
    if not target.is_relative_to(repository.top):
        target = Path(os.path.realpath(folder)) / target.relative_to(folder)
    return repository, target


@contextmanager
def _opened(repository: Repository, revisions: tuple[Revision, Revision | None]) -> Iterator[tuple[_Side, _Side]]:
    """Open both sides for reading."""
    with ExitStack() as stack:
        old = _of_revision(repository, revisions[0], stack)
        if revisions[1] is not None:
            yield old, _of_revision(repository, revisions[1], stack)
            return
        if repository.bare:
            raise UsageError("this repository has no working tree", "name two revisions: reconciler diff OLD NEW")
        yield old, _Side(None, WorkingTree(repository.top))


def _of_revision(repository: Repository, revision: Revision, stack: ExitStack) -> _Side:
    blobs = stack.enter_context(repository.blobs())
    files = RevisionFiles(repository.top, repository.files(revision.commit), blobs)
    return _Side(revision, files, tuple(repository.top / path for path in files.submodules))


def _both(sides: tuple[_Side, _Side], target: Path, projects: tuple[str, ...], cwd: str) -> tuple[Desired, Desired]:
    """Load both sides. Raises InvalidDefinitions with the problems of both."""
    problems: list[Problem] = []
    loaded = []
    for side in sides:
        try:
            loaded.append(_loaded(side.files, target, projects, cwd))
        except InvalidDefinitions as error:
            problems += [side.placed(problem) for problem in error.problems]
    if problems:
        raise InvalidDefinitions(problems)
    return loaded[0], loaded[1]


def _loaded(files: Files, target: Path, projects: tuple[str, ...], cwd: str) -> Desired:
    """Load one side; where it has nothing at the path, nothing is declared there."""
    if not files.there(target):
        return Desired((), 0)
    return load(of_definitions(target, projects, cwd, files), {}, cwd=cwd, files=files)


def _not_nothing(old: Desired, new: Desired, projects: Sequence[str]) -> None:
    if old.definitions or new.definitions:
        return
    if projects:
        hint = "check --project: it takes project keys, as `project_key` has them"
        raise UsageError(f"no definition of either side is of project {', '.join(projects)}", hint)
    raise UsageError("there is no definition on either side", "name the folder of the tree as PATH")


def _notices(repository: Repository, sides: tuple[_Side, _Side], target: Path, cwd: str) -> Iterator[str]:
    """Say what of the tree is not this repository's, and what only seems to be gone."""
    for revision in [side.revision for side in sides if side.revision and side.revision.ambiguous]:
        yield f'"{revision.name}" names several: Git takes a tag before a branch; write refs/remotes/… in full'
    if sides[1].revision is None and repository.sparse:
        yield "the working tree is sparse: what it leaves out counts as removed; name HEAD as NEW, or check all out"
    for path in sorted({path for side in sides for path in side.submodules if path.is_relative_to(target)}):
        yield f"the submodule {shown(path, cwd)} is left out: it is a repository of its own"
