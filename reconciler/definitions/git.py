"""Git's own commands, asked for what a revision holds. Nothing is checked out, no index is touched, nothing is fetched.

    rev-parse ─► where the repository is, which commit a revision is
    ls-tree   ─► every file of a commit, one process
    cat-file  ─► the contents of files as the repository stores them, one process for all of them

Filters, `eol` and `ident` of `.gitattributes` are not applied: what is stored is what counts.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from reconciler.definitions.origin import Unusable
from reconciler.definitions.text import MAX_BYTES
from reconciler.model.errors import UsageError

LINK, SUBMODULE = "120000", "160000"
"""Modes of a symbolic link and of a submodule in `ls-tree`."""

_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_OFFLINE = {"GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
"""A partial clone would fetch what it lacks: the one variable tells newer versions of Git not to, the other all."""

_ELSEWHERE = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
"""What a hook's Git says of its own repository, relative to where it runs; the folder tells which one is meant."""

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its mode (`LINK`, `SUBMODULE`, or a plain one) and the name of its contents."""

    mode: str
    blob: str


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit. `name`: as the user wrote it; `commit`: its hash; `ambiguous`: others have that name too."""

    name: str
    commit: str
    ambiguous: bool = False

    def __str__(self) -> str:
        short = self.commit[:8]
        return short if self.commit.startswith(self.name) else f"{self.name} ({short})"


@dataclass(frozen=True, slots=True)
class Repository:
    """A Git repository.

    Attributes:
        folder: where Git is run.
        top: absolute path that the paths of a commit are relative to.
        bare: it has no working tree, or Git was asked inside of its own folder.
        shallow: it lacks older commits.
        environ: of Git.
    """

    folder: str
    top: Path
    bare: bool
    shallow: bool
    environ: Mapping[str, str] = field(repr=False)

    def resolve(self, name: str) -> Revision:
        """Return the commit that a revision is. Raises UsageError."""
        found = self._parsed(name)
        if found is None:
            raise UsageError(f'"{name}" is no revision of this repository', self._hint(name))
        commit = self._parsed(f"{found}^{{commit}}")
        if commit is None:
            raise UsageError(f'"{name}" is no commit', "name a branch, a tag of a commit, or a hash of one")
        said = self._git("-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options", name).stderr
        return Revision(name, commit, b"is ambiguous" in said)

    def knows(self, name: str) -> bool:
        """Tell whether a text is a revision."""
        return self._parsed(name) is not None

    @property
    def sparse(self) -> bool:
        """Whether the working tree leaves out files on purpose."""
        return self._git("config", "--type=bool", "core.sparseCheckout").stdout == b"true\n"

    def files(self, commit: str) -> dict[str, Entry]:
        """Return every file of a commit by its path below `top`. Raises UsageError where Git cannot read it."""
        answer = self._git("ls-tree", "-r", "-z", "--full-tree", commit)
        if answer.returncode:
            hint = "`git fetch --refetch` brings what a partial clone lacks; for anything else see `git fsck`"
            raise UsageError(f"the commit {commit[:8]} cannot be read: {_words(answer)}", hint)
        found = {}
        for line in answer.stdout.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, blob = about.decode("ascii").split(" ")
            found[os.fsdecode(path)] = Entry(mode, blob)
        return found

    def blobs(self) -> Blobs:
        """Return what reads contents; to be closed."""
        return Blobs(self.folder, self.environ)

    def _parsed(self, name: str) -> str | None:
        if not name or name.startswith(("-", "^")) or "\x00" in name:
            return None
        answer = self._git("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        return answer.stdout.decode("ascii", "replace").strip() if answer.returncode == 0 else None

    def _hint(self, name: str) -> str:
        if ".." in name:
            return "name the two revisions as two words; `git merge-base A B` tells where two branches parted"
        names = self.names()
        near = [one for one in names if one.endswith(f"/{name}")] or difflib.get_close_matches(name, names, n=1)
        meant = f'did you mean "{near[0]}"? ' if near else ""
        if self.shallow:
            return f"{meant}this clone is shallow: `git fetch --unshallow` brings the rest (fetch-depth: 0 in CI)"
        return meant.rstrip() or f"`git fetch origin {name}` where it is not here yet; `git branch -a` lists branches"

    def names(self) -> list[str]:
        """Return branches and tags, those of other repositories with its name in front."""
        names = self._git("for-each-ref", "--format=%(refname:short)").stdout.decode("utf-8", "replace").split("\n")
        return [name for name in names if name]

    def _git(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return _run(self.folder, self.environ, words)


class Blobs:
    """One running `git cat-file --batch`: asked for a name, it answers with the contents.

    In a partial clone some versions of Git end at a name that they may not fetch; then the next one begins anew.
    """

    def __init__(self, folder: str, environ: Mapping[str, str]) -> None:
        self._folder, self._environ = folder, dict(environ)
        self._missing: set[str] = set()
        self._process = self._started()

    def __enter__(self) -> Blobs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def read(self, blob: str) -> bytes:
        """Return the contents of one file. Raises Unusable where they are too many or not in this clone."""
        told = () if blob in self._missing else self._asked(blob)
        if len(told) != 3 or told[1] != b"blob":
            self._missing.add(blob)
            raise Unusable("its contents are not in this clone", "`git fetch --refetch` brings them", "unreadable")
        size = int(told[2])
        assert self._process.stdout is not None
        if size > MAX_BYTES:
            self._skip(size + 1)
            raise Unusable(f"{size:,} bytes are too many for one file; {MAX_BYTES:,} are allowed")
        return self._process.stdout.read(size + 1)[:-1]

    def _asked(self, blob: str) -> Sequence[bytes]:
        """Return the line about a name, in words; none where Git ended instead."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(f"{blob}\n".encode("ascii"))
            self._process.stdin.flush()
            told = self._process.stdout.readline().split()
        except BrokenPipeError:
            told = []
        if not told:
            self._stop()
            self._process = self._started()
        return told

    def _skip(self, size: int) -> None:
        assert self._process.stdout is not None
        while size > 0:
            size -= len(self._process.stdout.read(min(size, _CHUNK))) or size

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["git", "cat-file", "--batch"],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def _stop(self) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                assert stream is not None
                stream.close()
        self._process.wait()


def find_repository(folder: str, environ: Mapping[str, str]) -> Repository:
    """Return the repository that a folder is in.

    Args:
        folder: absolute; it exists.
        environ: the environment that Git is run in, with what keeps it from locking, asking and fetching.

    Raises:
        UsageError: there is none, Git does not trust it, or there is no Git.
    """
    quiet = {name: value for name, value in environ.items() if name not in _ELSEWHERE} | _QUIET | _OFFLINE
    answer = _run(folder, quiet, ("rev-parse", "--is-shallow-repository", "--show-toplevel"))
    shallow, _, top = os.fsdecode(answer.stdout).partition("\n")
    if shallow not in ("true", "false"):
        raise _no_repository(_words(answer), folder)
    bare = answer.returncode != 0
    return Repository(folder, Path(folder if bare else top.removesuffix("\n")), bare, shallow == "true", quiet)


def _no_repository(said: str, folder: str) -> UsageError:
    """Return the error of a folder without a repository that Git would read; `said`: what it says of it."""
    trusted = re.search(r"dubious ownership in repository at '(.+)'", said)
    if trusted or "safe.directory" in said or "unsafe repository" in said:
        hint = f"`git config --global --add safe.directory {shlex.quote(trusted[1] if trusted else folder)}`"
        return UsageError("Git does not trust this repository: it belongs to somebody else", f"{hint} says that you do")
    hint = "run this inside of the repository that the definitions are in"
    return UsageError(f"no Git repository here: {said}", hint)


def _run(folder: str, environ: Mapping[str, str], words: tuple[str, ...]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *words], cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except FileNotFoundError:
        raise UsageError("there is no `git` here", "install Git: revisions are read with it") from None


def _words(answer: subprocess.CompletedProcess[bytes]) -> str:
    """Return the first line of what Git says is wrong."""
    lines = answer.stderr.decode("utf-8", "replace").strip().split("\n")
    return lines[0].removeprefix("fatal: ") or f"git ended with {answer.returncode}"
