"""What a shell is offered for a flag or an argument: names of the tree, of the ledger, of Git. Never an error."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reconciler.model.settings import Settings

Offer = Callable[[click.Context, click.Parameter, str], "list[CompletionItem] | list[str]"]


def projects(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Offer the projects that the tree of PATH names."""
    from reconciler.workflow import glance

    return _begun(glance.glance(str(Path.cwd()), _path(context)).projects, begun)


def recorded(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Offer builds of the chosen project: what the ledger has of it, where that is a file, and the tree."""
    from reconciler.workflow import glance

    project = context.params.get("project")
    tree = [name for where, name in glance.glance(str(Path.cwd())).builds if where in ("", project) or not project]
    settings = _settings(context)
    known = glance.recorded(settings, os.environ, project) if settings else []
    given = context.params.get("names") or ()
    return [name for name in _begun({*tree, *known}, begun) if name not in given]


def locks(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """Offer the IDs of the locks that are held, where the ledger is a file."""
    from reconciler.workflow import glance

    settings = _settings(context)
    return _begun(glance.held(settings, os.environ) if settings else (), begun)


def revisions(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """Offer branches and tags."""
    from reconciler.workflow import glance

    return _begun(glance.revisions(str(Path.cwd()), os.environ), begun)


def revisions_and_files(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Offer branches, tags and files: the second word may be any of them."""
    from click.shell_completion import CompletionItem

    found = [CompletionItem(name) for name in revisions(context, parameter, begun)]
    return [*found, CompletionItem(begun, type="file")]


def reports(formats: Sequence[str]) -> Offer:
    """Return what offers `FORMAT=`, and behind it files."""

    def offer(_: click.Context, __: click.Parameter, begun: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        if "=" in begun:
            return [CompletionItem(begun, type="file")]
        return [CompletionItem(f"{name}=") for name in formats if name.startswith(begun)]

    return offer


def _begun(names: Any, begun: str) -> list[str]:
    return sorted(name for name in names if name.startswith(begun))


def _path(context: click.Context) -> str | None:
    """Return the tree that a command line is about, as far as it is typed."""
    found = context.params.get("path") or context.params.get("folder") or context.params.get("out")
    if found is None and context.params.get("paths"):
        found = context.params["paths"][0]
    return found if isinstance(found, str) else None


def _settings(context: click.Context) -> Settings | None:
    """Return the settings where the ledger is a file; nothing is asked over a network for a suggestion."""
    from reconciler.cli.options import settings_from

    settings = settings_from(_path(context), {"ledger": context.params.get("ledger")})
    return settings if "://" not in settings.ledger else None
