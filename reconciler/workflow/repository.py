"""What a folder's Git repository looks like, from its files alone: where its root is, whose CI it has.

    .git/config  ─► the host of `origin` (a URL may hold a password: nothing else of it is kept)
    .git/…/HEAD  ─► the default branch
    .github/, .gitlab-ci.yml, Jenkinsfile ─► the platform

Nothing is run and nothing is asked: a folder without a repository is one without a platform.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from pathlib import Path

from reconciler.definitions.files import is_folder, read_bytes

_BRANCH = re.compile(r"ref: refs/(?:heads|remotes/origin)/([A-Za-z0-9][\w./-]*)\s*")
_SECTION = re.compile(r'\s*\[\s*remote\s+"origin"\s*\]\s*(?:[#;].*)?')
_URL = re.compile(r"\s*url\s*=\s*(\S+)")
_HOST = re.compile(r"(?:[a-z+]+://)?(?:[^@/\s]*@)?\[?([A-Za-z0-9.-]+)\]?[:/]")
_DEFAULT_BRANCH = "main"


class Platform(enum.Enum):
    """A platform that a recipe is made for. The value is the word of the flag."""

    GITHUB = "github"
    GITLAB = "gitlab"
    JENKINS = "jenkins"


SIGNS = (
    (".github/workflows", Platform.GITHUB),
    (".gitlab-ci.yml", Platform.GITLAB),
    ("Jenkinsfile", Platform.JENKINS),
)
"""What a repository has that uses a platform."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository around a tree.

    Attributes:
        root: absolute path of its root; the tree's own where there is no repository.
        folder: the tree's folder below it, with slashes; "" for the root itself.
        branch: the default branch.
        host: the host of `origin`, "" where there is none.
        signs: platform → what was seen of it, the first one first.
    """

    root: str
    folder: str
    branch: str
    host: str
    signs: dict[Platform, str]

    @property
    def platform(self) -> tuple[Platform | None, str]:
        """The platform that is in use, and what says so; None and "" where nothing does.

        Where files of several are there, the host of `origin` decides.
        """
        hosted = next((p for p in (Platform.GITHUB, Platform.GITLAB) if p.value in self.host), None)
        if hosted in self.signs:
            return hosted, self.signs[hosted]
        if self.signs:
            return next(iter(self.signs.items()))
        return (hosted, f"origin at {self.host}") if hosted else (None, "")


def look_around(folder: str) -> Repository:
    """Look at the repository that a folder (absolute; it need not be there yet) is in."""
    start = Path(folder)
    root = next((above for above in (start, *start.parents) if is_folder(above / ".git")), None)
    home = root or start
    signs = {platform: name for name, platform in SIGNS if (home / name).exists()}
    if Platform.GITHUB not in signs and is_folder(home / ".github"):
        signs[Platform.GITHUB] = ".github"
    below = start.relative_to(home).as_posix()
    return Repository(str(home), "" if below == "." else below, _branch(root), _host(root), signs)


def _branch(root: Path | None) -> str:
    """Return the branch that `origin` begins with, else the one that is checked out."""
    for name in ("refs/remotes/origin/HEAD", "HEAD"):
        match = _BRANCH.fullmatch(_text(root, name))
        if match:
            return match[1]
    return _DEFAULT_BRANCH


def _host(root: Path | None) -> str:
    inside = False
    for line in _text(root, "config").splitlines():
        if line.lstrip().startswith("["):
            inside = bool(_SECTION.fullmatch(line))
        elif inside and (match := _URL.match(line)):
            host = _HOST.match(match[1])
            return host[1].lower() if host else ""
    return ""


def _text(root: Path | None, name: str) -> str:
    if root is None:
        return ""
    try:
        return read_bytes(root / ".git" / name).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
