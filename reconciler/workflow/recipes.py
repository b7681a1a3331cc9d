"""Recipes for a CI: the plan in the pull request, that plan on merge, a look for drift every night.

    platform, branch, folder, credentials ─► the file's name and its text

The texts are in `recipe/`; what is between two @ is put in here. No secret is in any of them: they name the places in
the platform's own store. Same facts, same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from reconciler import __version__
from reconciler.apply.folders import safe_name
from reconciler.definitions.files import read_bytes
from reconciler.export.beside import ENV
from reconciler.workflow.repository import Platform, Repository

_OURS = "Written by `reconciler init`"
"""Stands in every recipe, so that a second run knows the first one's."""

_PLAIN = re.compile(r"[A-Za-z0-9._/-]*")
_VARIABLE = re.compile(r"(?:export +)?([A-Za-z_][A-Za-z0-9_]*)=")

_TEXTS = {Platform.GITHUB: "github.yml", Platform.GITLAB: "gitlab.yml", Platform.JENKINS: "jenkins.groovy"}

_FILES = {
    Platform.GITHUB: (".github/workflows/reconciler.yml",),
    Platform.GITLAB: (".gitlab-ci.yml", ".gitlab/reconciler.yml"),
    Platform.JENKINS: ("Jenkinsfile", "Jenkinsfile.reconciler"),
}
"""Where a recipe goes, the second where somebody has the first. A tree reads no file of these as a definition."""

_HINTS = {
    Platform.GITHUB: "add the secrets that it names, then run the workflow once by hand: its first lines say how",
    Platform.GITLAB: "add the variables that it names, then run its job `adopt` once: its first lines say how",
    Platform.JENKINS: "add the credentials that it names, then build once with ADOPT: its first lines say how",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """A file for a CI.

    Attributes:
        file: its name, relative to the tree's root, with slashes.
        text: what stands in it.
        hints: what is left to do by hand, a sentence each.
    """

    file: str
    text: str
    hints: tuple[str, ...]


def recipe_for(platform: Platform, repository: Repository, tree: str, variables: Sequence[str]) -> Recipe:
    """Return the recipe for a tree that is in a repository; in the file that has one already, or that is not taken.

    Args:
        platform: whose.
        repository: where the tree is.
        tree: its name.
        variables: names of the environment variables that hold credentials.
    """
    root = Path(repository.root, repository.folder)
    names = _FILES[platform]
    taken = [name for name in names[:-1] if _is_somebody_elses(root / name)]
    file = names[len(taken)]
    text = recipe_text(platform, repository, tree, variables)
    return Recipe(file, text, (*_placing(platform, repository, file, second=bool(taken)), _HINTS[platform]))


def _is_somebody_elses(path: Path) -> bool:
    try:
        return _OURS not in read_bytes(path).decode("utf-8", "replace")
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True


def recipe_text(platform: Platform, repository: Repository, tree: str, variables: Sequence[str]) -> str:
    """Return the text of a recipe; arguments as for `recipe_for`."""
    folder = repository.folder
    facts = {
        "branch": repository.branch,
        "directory": folder or ".",
        "prefix": f"{folder}/" if folder else "",
        "state": safe_name(tree),
        "version": __version__,
        "variables": _CREDENTIALS[platform](variables),
        "credentials": f" and the {len(variables)} names of {ENV}" if variables else "",
    }
    source = resources.files("reconciler.workflow").joinpath("recipe", _TEXTS[platform])
    text = source.read_text(encoding="utf-8")
    return re.sub(r"@([a-z]+)@", lambda match: facts[match[1]], text)


def can_be_named(folder: str) -> bool:
    """Tell whether a tree's folder stands in every recipe as it is, without any quoting."""
    return bool(_PLAIN.fullmatch(folder)) and not any(part.startswith("-") for part in folder.split("/"))


def credentials_of(root: Path) -> tuple[str, ...]:
    """Return the names that `.env.example` lists, sorted; none where there is no such file."""
    try:
        text = read_bytes(root / ENV).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ()
    found = {match[1] for line in text.splitlines() if (match := _VARIABLE.match(line.strip()))}
    return tuple(sorted(found - {"ZADIG_TOKEN"}))


def _placing(platform: Platform, repository: Repository, file: str, *, second: bool) -> list[str]:
    """Say what has to be done before the platform sees the file at all."""
    folder = repository.folder
    if platform is Platform.JENKINS:
        place = f"{folder}/{file}" if folder else file
        return [f"make a multibranch pipeline of it (script path {place})"] if second or folder else []
    if platform is Platform.GITLAB and (second or folder):
        place = f"{folder}/{file}" if folder else file
        return [f"put `include: /{place}` into .gitlab-ci.yml at the root of the repository"]
    return [f"move it to {file} at the root of the repository, which is above this folder"] if folder else []


def _github(variables: Sequence[str]) -> str:
    lines = [f"  {name}: ${{{{ secrets.{name} }}}}" for name in variables]
    return "\n".join(lines or [f"  # one more line for every credential that {ENV} names"])


def _jenkins(variables: Sequence[str]) -> str:
    lines = [f"        {name} = credentials('{name}')" for name in variables]
    return "\n".join(lines or [f"        // one more line for every credential that {ENV} names"])


_CREDENTIALS: dict[Platform, Callable[[Sequence[str]], str]] = {
    Platform.GITHUB: _github,
    Platform.GITLAB: lambda _: "",
    Platform.JENKINS: _jenkins,
}
"""How a platform hands secrets to a job; GitLab hands out all of them."""
