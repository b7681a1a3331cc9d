"""A desired build as a tree declares it, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.model.build import Build
from reconciler.model.problem import Place


@dataclass(frozen=True, slots=True)
class Definition:
    """One document of a tree, loaded.

    Attributes:
        build: what it declares, defaults merged in; a missing key is absent, `DEFAULT` is null.
        place: file, line and column where the document begins.
        prevent_destroy: never delete this build, also not after the file is gone.
        unset: names of environment variables that it needs and this environment does not hold, sorted.
    """

    build: Build
    place: Place
    prevent_destroy: bool = False
    unset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Desired:
    """Every definition that was selected, sorted by project and name.

    Attributes:
        definitions: the selected ones.
        files: how many definition files were read.
        narrowed: PATH or `--project` left out part of the tree, or there is no reconciler.yaml:
            absence of a build means nothing then.
    """

    definitions: tuple[Definition, ...]
    files: int
    narrowed: bool = False
