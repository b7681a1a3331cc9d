"""Load a tree, and say what is missing where there is nothing to load."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.definitions.loader import load as load_tree
from reconciler.model.definition import Desired
from reconciler.model.errors import UsageError
from reconciler.model.settings import Settings


def load(settings: Settings, environ: Mapping[str, str], cwd: str) -> Desired:
    """Load the selected definitions.

    Raises:
        InvalidDefinitions: some have problems; nothing may be planned then.
        UsageError: there is none at all.
    """
    desired = load_tree(settings, environ, cwd=cwd)
    if desired.definitions:
        return desired
    if settings.selected:
        names = ", ".join(settings.selected)
        raise UsageError(
            f"no definition in {settings.path} is of project {names}",
            "check --project: it takes project keys, as `project_key` has them",
        )
    if desired.files:
        raise UsageError(
            f"the files in {settings.path} hold no definition", "each document is a build; see `reconciler demo`"
        )
    raise UsageError(
        f"there is no definition in {settings.path}",
        "put .yaml, .yml or .json files there, each a build (see examples/company), or `reconciler init`",
    )
