"""A desired build as a tree declares it, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.build import Build
from reconciler.model.ignore import Ignore
from reconciler.model.problem import Place


@dataclass(frozen=True, slots=True)
class Definition:
    """One document of a tree, loaded.

    Attributes:
        build: what it declares, defaults merged in; a missing key is absent, `DEFAULT` is null.
        place: file, line and column where the document begins.
        prevent_destroy: True: never delete this build, also not after the file is gone; False: lift that;
            None: the definition does not say, and what the ledger remembers stays.
        unset: names of environment variables that it needs and this environment does not hold, sorted.
        ignore: settings that stay as they are on the server; the configuration's rules first.
        accept_loss: path of a loss → its digest, or the stamps for what cannot be shown (design, "Loss guard").
        renamed_from: name of the build that this one was, "" where it always had this name.
    """

    build: Build
    place: Place
    prevent_destroy: bool | None = None
    unset: tuple[str, ...] = ()
    ignore: tuple[Ignore, ...] = ()
    accept_loss: Mapping[str, str] = field(default_factory=dict)
    renamed_from: str = ""


@dataclass(frozen=True, slots=True)
class Desired:
    """Every definition that was selected, sorted by project and name.

    Attributes:
        definitions: the selected ones.
        files: how many definition files were read.
        narrowed: PATH left out part of the tree, or there is no reconciler.yaml: absence of a build means
            nothing then, so that nothing is pruned or moved.
        elsewhere: builds of projects that `--project` did not select: name → project; the names that such
            definitions were renamed from are in it too.
    """

    definitions: tuple[Definition, ...]
    files: int
    narrowed: bool = False
    elsewhere: Mapping[str, str] = field(default_factory=dict)
