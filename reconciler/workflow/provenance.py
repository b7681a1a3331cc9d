"""Where a run comes from: the Git commit, who it is by, the CI job. Taken from what is there, never required.

    GitHub · GitLab · Jenkins ── variables ──► Provenance
    else the repository around the tree ── files of .git, nothing is run ──► Provenance, without a job

Nothing of it is a credential: of an address that holds a user or a password, only the rest is kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from reconciler.definitions.files import is_folder, read_bytes

LONGEST = 300
"""Characters of an author or an address that are kept."""

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_REF = re.compile(r"ref: (refs/[^\s]+)\s*")
_SECTION = re.compile(r"\s*\[\s*user\s*\]\s*(?:[#;].*)?", re.IGNORECASE)
_NAME = re.compile(r'\s*name\s*=\s*"?([^"#;\n]*?)"?\s*(?:[#;].*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a run comes from; "" where nothing tells.

    Attributes:
        commit: the Git commit.
        author: who started the run, or whose commit it is, as the platform calls them.
        job: URL of the CI job.
    """

    commit: str = ""
    author: str = ""
    job: str = ""


def provenance(environ: Mapping[str, str], root: str) -> Provenance:
    """Return where a run comes from. `root`: absolute path of the tree's root folder."""
    told = _of_platform(environ)
    return told if told.commit or told.job else _of_repository(Path(root), environ)


def _of_platform(environ: Mapping[str, str]) -> Provenance:
    """Ask the variables of GitHub, GitLab and Jenkins, in this order."""
    if environ.get("GITHUB_SHA"):
        parts = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")]
        job = f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}" if all(parts) else ""
        return _made(environ["GITHUB_SHA"], environ.get("GITHUB_ACTOR", ""), job)
    if environ.get("CI_COMMIT_SHA"):
        job = environ.get("CI_JOB_URL") or environ.get("CI_PIPELINE_URL", "")
        return _made(environ["CI_COMMIT_SHA"], environ.get("GITLAB_USER_LOGIN", ""), job)
    author = environ.get("BUILD_USER_ID") or environ.get("CHANGE_AUTHOR", "")
    return _made(environ.get("GIT_COMMIT", ""), author, environ.get("BUILD_URL", ""))


def _made(commit: str, author: str, job: str) -> Provenance:
    return Provenance(_plain(commit), _plain(author), _plain(_without_credentials(job)))


def _plain(text: str) -> str:
    """Return a text without what is no character for readers, and not too long."""
    return "".join(character for character in text.strip() if character.isprintable())[:LONGEST]


def _without_credentials(url: str) -> str:
    """Return scheme, host and path of an address; "" for what is none."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https"):
        return ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _of_repository(root: Path, environ: Mapping[str, str]) -> Provenance:
    git = _git_folder(root, environ)
    if git is None:
        return Provenance(author=_plain(environ.get("USER", "")))
    shared = Path(git, _text(git / "commondir").strip() or ".")
    names = (_user_name(shared / "config"), _user_name(Path(environ.get("HOME", "/nowhere"), ".gitconfig")))
    author = next((name for name in names if name), environ.get("USER", ""))
    return Provenance(_head(git, shared), _plain(author))


def _git_folder(root: Path, environ: Mapping[str, str]) -> Path | None:
    """Return the folder of the repository's data; of a linked worktree its own one. Looks no higher than Git does."""
    ceilings = environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    for folder in (root, *root.parents):
        if folder != root and str(folder) in ceilings:
            return None
        if is_folder(folder / ".git"):
            return folder / ".git"
        linked = _text(folder / ".git")
        if linked.startswith("gitdir:"):
            return folder / linked.removeprefix("gitdir:").strip()
    return None


def _head(git: Path, shared: Path) -> str:
    head = _text(git / "HEAD")
    branch = _REF.fullmatch(head)
    if branch is None:
        return _commit(head)
    if ".." in branch[1]:
        return ""
    loose = _commit(_text(git / branch[1])) or _commit(_text(shared / branch[1]))
    return loose or _packed(_text(shared / "packed-refs"), branch[1])


def _packed(text: str, ref: str) -> str:
    for line in text.splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return _commit(commit)
    return ""


def _commit(text: str) -> str:
    found = _COMMIT.fullmatch(text.strip())
    return found[0] if found else ""


def _user_name(config: Path) -> str:
    inside = False
    for line in _text(config).splitlines():
        if line.lstrip().startswith("["):
            inside = bool(_SECTION.fullmatch(line))
        elif inside and (match := _NAME.fullmatch(line)):
            return match[1].strip()
    return ""


def _text(file: Path) -> str:
    try:
        return read_bytes(file).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
