"""JSON Schema of what concerns us and not the server: the keys of `x-reconciler`, and ignore rules."""

from __future__ import annotations

from typing import Any

from reconciler.definitions.document import EXTRA

Schema = dict[str, Any]


def extra(properties: Schema) -> Schema:
    """Return the schema of `x-reconciler` with some of its keys."""
    return {
        "title": EXTRA,
        "description": "What concerns the reconciler and not the server.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _flag(title: str, about: str) -> Schema:
    return {"title": title, "description": about, "type": "boolean"}


def rules(about: str, *, null: bool = False) -> Schema:
    """Return the schema of a list of ignore rules."""
    texts = {
        "path": "A setting, an element by its key, or a list; with *: parameters[*].default_value.",
        "reason": "Why; every plan that it matters to prints it.",
    }
    rule = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: {"title": key, "description": what, "type": "string", "minLength": 1} for key, what in texts.items()
        },
        "required": [*texts],
    }
    return {"title": "ignore", "description": about, "type": ["array", "null"] if null else "array", "items": rule}


PROTECT: Schema = {
    "prevent_destroy": _flag(
        "prevent_destroy", "Never delete this build, also not after its file is gone; false lifts that again."
    )
}
OWN: Schema = {
    **PROTECT,
    "no_defaults": _flag("no_defaults", "Take nothing from _defaults.yaml."),
    "renamed_from": {
        "title": "renamed_from",
        "description": "Name that this build had before; it is made anew and the old one deleted (--allow-moves).",
        "type": "string",
        "minLength": 1,
    },
    "accept_loss": {
        "title": "accept_loss",
        "description": "Losses that may happen: path, and the digest (or stamps) that plan prints for its value.",
        "type": "object",
        "additionalProperties": {"type": "string"},
    },
    "ignore": rules("Settings that stay as they are on the server."),
}
"""The keys of `x-reconciler`: those that defaults may hold, and those of one definition."""
