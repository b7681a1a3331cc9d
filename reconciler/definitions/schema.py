"""The table of fields → JSON Schema (draft-07, which every editor knows).

One generated schema serves editors, scripts and `validate`; `validate` takes the part for the document's
kind, and a third part, without what is required, for `_defaults.yaml`.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
from pathlib import Path
from typing import Any

from reconciler.definitions.document import EXTRA
from reconciler.definitions.ours import OWN, PROTECT, extra, rules
from reconciler.definitions.sources import ENV_NAME, FROM_ENV, FROM_FILE
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Sight, Type

DRAFT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]

LARGEST = 2**63 - 1

_DEFINITIONS: Schema = {
    FROM_ENV: {
        "title": FROM_ENV,
        "description": "Name of an environment variable; `env:` in reconciler.yaml says which may be used.",
        "type": "string",
        "pattern": f"^{ENV_NAME}$",
    },
    FROM_FILE: {
        "title": FROM_FILE,
        "description": "Path of a file of the tree, relative to this file; its text is taken byte for byte.",
        "type": "string",
        "minLength": 1,
    },
}

_IDENTITY: Schema = {
    "name": {
        "title": "name",
        "description": "Name of the build, unique over the whole server.",
        "type": "string",
        "minLength": 1,
    },
    "project_key": {
        "title": "project_key",
        "description": "The project that the build belongs to.",
        "type": "string",
        "minLength": 1,
    },
}


@functools.cache
def build_schema() -> Schema:
    """Return the schema of a definition, either kind."""
    return {
        "$schema": DRAFT,
        "title": "Zadig build definition",
        "description": "The body of Zadig's Build API; with template_name it is a build from a template.",
        "type": "object",
        "if": {"required": ["template_name"]},
        "then": {"$ref": "#/definitions/template_build"},
        "else": {"$ref": "#/definitions/plain_build"},
        "definitions": {
            "plain_build": _document(Kind.PLAIN),
            "template_build": _document(Kind.TEMPLATE),
            **_DEFINITIONS,
        },
    }


def kind_schema(kind: Kind) -> Schema:
    """Return the schema of one kind of definition."""
    return {"$schema": DRAFT, **_document(kind), "definitions": _DEFINITIONS}


def defaults_schema() -> Schema:
    """Return the schema of `_defaults.yaml`: keys of both kinds, nothing required but inside of list elements."""
    properties: Schema = {}
    for kind in Kind:
        properties |= _object(ROWS[kind], partial=True)["properties"]
    properties["project_key"] = _IDENTITY["project_key"]
    properties[EXTRA] = extra(PROTECT)
    body = {"type": "object", "additionalProperties": False, "properties": properties}
    return {"$schema": DRAFT, **body, "definitions": _DEFINITIONS}


def _document(kind: Kind) -> Schema:
    schema = _object(ROWS[kind])
    schema["properties"] = {**_IDENTITY, **schema["properties"], EXTRA: extra(OWN)}
    schema["required"] = [*_IDENTITY, *schema.get("required", ())]
    return schema


def _object(
    rows: tuple[Row, ...], *, partial: bool = False, no_null: bool = False, keys: tuple[str, ...] = ()
) -> Schema:
    """Nest the flat rows of a level: "a.b" becomes property b of property a."""
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": {}}
    for row in rows:
        *blocks, leaf = row.path.split(".")
        inside = schema
        for block in blocks:
            empty = {"title": block, "type": ["object", "null"], "additionalProperties": False, "properties": {}}
            inside = inside["properties"].setdefault(block, empty)
        if isinstance(row, Leaf) and row.type is Type.BLOCK:
            made: Schema = {"type": ["object", "null"], "additionalProperties": False, "properties": {}}
        elif isinstance(row, Leaf):
            made = _leaf(row, null=not (row.required or no_null), plain=leaf in keys)
        else:
            made = _list(row, no_null=no_null)
        inside["properties"][leaf] = {"title": leaf, "description": describe(row), **made}
        if row.required and not (partial and not keys):
            inside.setdefault("required", []).append(leaf)
    return schema


def _list(row: Elements, *, no_null: bool) -> Schema:
    items = _object(row.rows, no_null=no_null or row.path == "inputs", keys=row.key)
    schema: Schema = {"type": "array" if row.required else ["array", "null"], "items": items}
    return {**schema, "minItems": 1} if row.required else schema


def _leaf(row: Leaf, *, null: bool, plain: bool) -> Schema:
    kind = {Type.INTEGER: "integer", Type.BOOLEAN: "boolean", Type.STRINGS: "array"}.get(row.type, "string")
    types = [kind, *(["null"] if null and not plain else [])]
    if row.type is Type.INTEGER:
        return {"type": types, "minimum": 0, "maximum": LARGEST}
    if row.type is Type.STRINGS:
        return {"type": types, "items": {"type": "string"}}
    if row.type is Type.BOOLEAN:
        return {"type": types}
    if plain:
        return {"type": "string"}
    sources = {name: {"$ref": f"#/definitions/{name}"} for name in _DEFINITIONS}
    schema: Schema = {"type": [*types, "object"], "properties": sources, "additionalProperties": False}
    schema |= {"minProperties": 1, "maxProperties": 1}
    if row.enum:
        allowed = [*row.enum, *([] if row.required else [""])]
        schema |= {"if": {"type": "string"}, "then": {"enum": allowed}}
    return schema


def describe(row: Row) -> str:
    """Return what a row is about, its unit, how it can be seen, and what null means."""
    parts = [row.about]
    if isinstance(row, Leaf) and row.unit:
        parts.append(f"In {row.unit}.")
    if row.sight is not Sight.SHOWN:
        parts.append(f"The server's answers: {row.sight.value}.")
    if not row.required and (null := null_means(row)):
        parts.append(f"null: {null}.")
    return " ".join(parts)


def null_means(row: Row) -> str:
    """Return what null stands for, "" where the description of the row says it."""
    if isinstance(row, Elements) or row.type is Type.STRINGS:
        return "an empty list"
    if row.type is Type.BLOCK:
        return "" if row.path == "advanced_settings" else "none"
    if row.path.endswith(("cluster_name", "strategy_name")):
        return "the local cluster" if row.path.endswith("cluster_name") else "none"
    if isinstance(row.default, bool):
        return "true" if row.default else "false"
    return str(row.default) or "empty"


_CONFIGURATION: dict[str, tuple[str, str]] = {
    "server": ("string", "Zadig's address, http(s)://host[:port]; flag --server, environment ZADIG_SERVER."),
    "projects": ("array", "Project keys that this tree is about; left out, those that its definitions name."),
    "tree": ("string", "Name that marks builds as this tree's in the ledger; left out, the folder's name."),
    "ledger": ("string", "Where the ledger is, a path relative to this file or a URL; flag --ledger."),
    "env": ("array", "Patterns of the environment names that from_env may use; left out, BUILD_*."),
    "token_file": ("string", "File that holds the API token, relative to this file; ZADIG_TOKEN beats it."),
    "prune": (
        "string",
        "Which builds without a definition are deleted: off (none), owned (those that are ours), all; flag --prune.",
    ),
    "max_deletes": ("integer", "How many builds one run may delete; left out, 10; flag --max-deletes."),
    "max_delete_percent": (
        "integer",
        "How many percent of a project's builds one run may delete; left out, 10; flag --max-delete-percent.",
    ),
    "concurrency": ("integer", "Requests at once; left out, 8; flag --concurrency."),
    "timeout": ("integer", "Seconds that one request may take; left out, 30; flag --timeout."),
    "deep_read": (
        "string",
        "auto: ask the platform's internal read where it matters; off: never; left out, auto; flag --deep-read.",
    ),
    "backup": (
        "string",
        "Folder for backups, relative to this file; left out, .reconciler/backup; flag --backup-dir.",
    ),
}
"""Key of `reconciler.yaml` → type, and what it is about."""

_LIMITS: dict[str, Schema] = {
    "prune": {"if": {"type": "string"}, "then": {"enum": ["off", "owned", "all"]}},
    "deep_read": {"if": {"type": "string"}, "then": {"enum": ["auto", "off"]}},
    "max_deletes": {"minimum": 0, "maximum": LARGEST},
    "max_delete_percent": {"minimum": 0, "maximum": 100},
    "concurrency": {"minimum": 1, "maximum": 64},
    "timeout": {"minimum": 1, "maximum": 86_400},
}


@functools.cache
def configuration_schema() -> Schema:
    """Return the schema of `reconciler.yaml`."""
    properties: Schema = {}
    for key, (kind, about) in _CONFIGURATION.items():
        properties[key] = {"title": key, "description": about, "type": [kind, "null"], **_LIMITS.get(key, {})}
        if kind == "array":
            properties[key]["items"] = {"type": "string", "minLength": 1}
        elif kind == "string" and key not in _LIMITS:
            properties[key]["minLength"] = 1
    properties["ignore"] = rules("Settings of every definition that stay as they are on the server.", null=True)
    return {
        "$schema": DRAFT,
        "title": "Configuration of the reconciler",
        "description": "Stands in the root folder of a tree of definitions as reconciler.yaml.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


SCHEMAS = {"build": build_schema, "reconciler": configuration_schema}
"""Name of a schema file without its ending → what makes it."""


def schema_text(name: str) -> str:
    """Return the text of a shipped schema: "build", "reconciler", "plan", "config". Raises KeyError for another.

    A wheel has the files inside the package, a checkout beside it.
    """
    file = f"{name}.schema.json"
    inside = importlib.resources.files("reconciler") / "schemas"
    beside = Path(__file__).parents[2] / "schemas"
    for folder in (inside, beside):
        if folder.is_dir() and file in {entry.name for entry in folder.iterdir()}:
            return (folder / file).read_text(encoding="utf-8")
    raise KeyError(name)


def generated_schema(name: str) -> str:
    """Return what the file of a schema has to hold."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"
