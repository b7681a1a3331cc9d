"""Where a run's files lie in their repository, as its CI or the repository's folder tells: no request, no process.

GITHUB_WORKSPACE, CI_PROJECT_DIR, WORKSPACE, else the folder around it that has .git ──► root
GITHUB_SERVER_URL/GITHUB_REPOSITORY/blob/GITHUB_SHA, CI_PROJECT_URL/-/blob/CI_COMMIT_SHA ──► blob
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.definitions.files import ENDINGS, OURS, real
from reconciler.model.settings import Settings
from reconciler.model.whereabouts import Whereabouts

ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "WORKSPACE")
"""Where CI platforms say into which folder they have checked out: GitHub, GitLab, Jenkins."""

CONFIGURATION = "reconciler.yaml"


def whereabouts(settings: Settings | None, environ: Mapping[str, str], cwd: str) -> Whereabouts:
    """Return how paths and addresses are made. `settings`: None where the configuration itself has problems."""
    here, start = real(Path(cwd)), real(Path(settings.root if settings else cwd))
    checked_out = [real(Path(environ[name])) for name in ROOTS if environ.get(name)]
    root = next((folder for folder in checked_out if start.is_relative_to(folder)), None)
    return Whereabouts(str(root or _repository(start)), str(here), _blob(environ), _home(settings, cwd))


def is_foreign(path: Path) -> bool:
    """Tell whether a file may be a definition of somebody: its name ends as one's, and it is no report of ours.

    Raises OSError.
    """
    if not path.name.endswith(ENDINGS) or not path.is_file():
        return False
    with path.open("rb") as stream:
        begins = stream.read(max(map(len, OURS)))
    return bool(begins.strip()) and not begins.startswith(OURS)


def _repository(start: Path) -> Path:
    """Return the folder around a path that has .git: a folder, or the file of a worktree or a submodule."""
    return next((above for above in (start, *start.parents) if os.path.lexists(above / ".git")), start)


def _blob(environ: Mapping[str, str]) -> str:
    """Return the address of files at the commit that is built; "" where no platform tells."""
    github = [environ.get(name, "") for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA")]
    if all(github):
        return f"{github[0].rstrip('/')}/{github[1]}/blob/{github[2]}"
    gitlab = [environ.get(name, "") for name in ("CI_PROJECT_URL", "CI_COMMIT_SHA")]
    return f"{gitlab[0].rstrip('/')}/-/blob/{gitlab[1]}" if all(gitlab) else ""


def _home(settings: Settings | None, cwd: str) -> str:
    if settings is None or not settings.configured:
        return CONFIGURATION
    return Path(os.path.relpath(Path(settings.root, CONFIGURATION), cwd)).as_posix()
