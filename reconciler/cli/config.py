"""`reconciler config`: what is in force, and where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import (
    PATH,
    here,
    output_options,
    output_to,
    policy_options,
    project_option,
    server_options,
    settings_from,
)
from reconciler.cli.telling import Command

if TYPE_CHECKING:
    from reconciler.workflow.config import Configuration, InForce

FORMAT_VERSION = "1.0"

NOTHING = {
    "server": "not set",
    "projects": "those that the definitions name",
    "project": "all",
    "env": "none",
    "ignore": "nothing",
}
"""Setting → what its empty value means."""


@click.command("config", cls=Command)
@PATH
@project_option
@server_options
@policy_options
@output_options
def command(path: str | None, **flags: Any) -> int:
    """Print every setting in force, and where its value comes from.

    Takes the flags of plan. Sends nothing, reads no definition, and never prints the token.
    """
    from reconciler.workflow.config import in_force

    found = in_force(settings_from(path, flags), here())
    with output_to(flags["output"]) as emit:
        if flags["format_"] == "json":
            emit(json.dumps(document_of(found), ensure_ascii=False, indent=2) + "\n")
        else:
            emit("".join(f"{line}\n" for line in lines_of(found)))
    return 0


def document_of(found: Configuration) -> dict[str, Any]:
    """Return the document of `schemas/config.schema.json`."""
    return {
        "format_version": FORMAT_VERSION,
        "root": found.root,
        "path": found.path,
        "file": found.file or None,
        "settings": [
            {"name": entry.name, "value": entry.value, "source": entry.source, "where": entry.where or None}
            for entry in found.settings
        ],
    }


def lines_of(found: Configuration) -> Iterator[str]:
    """Yield one line per setting: name, value, source in brackets; one more per ignore rule."""
    from reconciler.report.ink import safe

    width = max(len(entry.name) for entry in found.settings)
    yield f"{'root':<{width}}  {safe(found.root)} ({safe(found.file) or 'no reconciler.yaml'})"
    yield f"{'path':<{width}}  {safe(found.path)}"
    for entry in found.settings:
        source = f"{entry.source} {entry.where}".strip()
        yield f"{entry.name:<{width}}  {safe(_text(entry))} ({safe(source)})"
        if entry.name == "ignore" and isinstance(entry.value, list):
            for rule in entry.value:
                assert isinstance(rule, dict)
                yield f"{'':<{width}}  - {safe(str(rule['path']))}: {safe(str(rule['reason']))}"


def _text(entry: InForce) -> str:
    value = entry.value
    if value in ("", []):
        return NOTHING[entry.name]
    if entry.name == "ignore" and isinstance(value, list):
        return f"{len(value)} rule{'s' if len(value) != 1 else ''}"
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    units = {"timeout": " s", "max_delete_percent": " %"}
    return f"{value}{units.get(entry.name, '')}"
