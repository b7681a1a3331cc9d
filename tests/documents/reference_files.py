"""The reference of files: what the program reads and writes, from its schemas and the docstrings of its records."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.apply.manifest import DEFINITION, FILE, dump
from reconciler.config import DEFAULTS
from reconciler.definitions.defaults import OPTIONAL
from reconciler.definitions.schema import schema_text
from reconciler.model.live import Stamps
from reconciler.model.manifest import Manifest
from reconciler.model.policy import Policy
from reconciler.model.record import Record
from reconciler.model.settings import DEFAULT_ENV
from tests.documents.reference_commands import cell

USUAL = {
    "tree": "the folder's name",
    "projects": "those of its definitions",
    "ledger": "`.reconciler/ledger.db`",
    "env": f"`{json.dumps(list(DEFAULT_ENV))}`",
    "prune": f"`{Policy().prune.value}`",
    "max_deletes": f"`{Policy().max_deletes}`",
    "max_delete_percent": f"`{Policy().max_delete_percent}`",
    "concurrency": f"`{DEFAULTS.concurrency}`",
    "timeout": f"`{DEFAULTS.timeout:g}`",
    "deep_read": "`auto`" if DEFAULTS.deep_read else "`off`",
    "backup": "`.reconciler/backup`",
}
"""Key of `reconciler.yaml` → what holds without it."""

NOT_SHARED = ("accept_loss", "ignore", "no_defaults", "renamed_from")
"""Keys of `x-reconciler` that `_defaults.yaml` may not hold."""


def files_markdown(head: str) -> str:
    """Return the whole page. `head`: who made it, and how it is renewed."""
    optional = ", ".join(f"`{'.'.join(map(str, path))}`" for path in OPTIONAL)
    refused = ", ".join(f"`{key}`" for key in NOT_SHARED)
    configuration, build, saved = (json.loads(schema_text(name)) for name in ("reconciler", "build", "saved-plan"))
    ours = build["definitions"]["plain_build"]["properties"]["x-reconciler"]
    parts = [
        _OVERVIEW.format(head=head),
        _CONFIGURATION,
        *_table(("key", "type", "without it", "means"), _settings(configuration["properties"])),
        _DEFINITION,
        *_table(("`x-reconciler.`", "type", "means"), _extra(ours["properties"])),
        _DEFAULTS.format(optional=optional, refused=refused),
        _SAVED,
        *_table(("key", "means"), _described(saved["properties"])),
        _BACKUP.format(definition=DEFINITION, manifest=FILE),
        *_table(("key", "means"), _manifest()),
        _LEDGER,
        *_table(("of a build", "means"), attributes(Record)),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for first, *others in rows:
        yield f"| `{first}` | {' | '.join(others)} |"
    yield ""


def _settings(properties: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, schema in properties.items():
        yield (
            key,
            _type(schema),
            USUAL.get(key, "-"),
            cell(re.sub(r"; left out, [^;.]*(?:\.reconciler/backup|\*)?", "", schema["description"])),
        )


def _extra(properties: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, schema in properties.items():
        yield key, _type(schema), cell(schema["description"])


def _described(properties: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, schema in properties.items():
        always = f"Always `{schema['const']}`" if "const" in schema else ""
        yield key, cell(schema.get("description", "")) or always or _WHAT.get(key, _type(schema))


def _type(schema: Mapping[str, Any]) -> str:
    """Return what a schema takes, in words; null is said once for all."""
    choices = schema.get("enum") or schema.get("then", {}).get("enum")
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    types = schema.get("type", "any")
    named = [types] if isinstance(types, str) else [name for name in types if name != "null"]
    limits = [schema.get("minimum"), schema.get("maximum")]
    most = limits[1] if limits[1] is not None and limits[1] < 2**62 else None
    span = "" if limits == [None, None] else f" from {limits[0]}" + (f" to {most}" if most is not None else "")
    return f"{_WORDS.get(named[0], named[0])}{span}"


_WHAT = {
    "server": "Zadig's address.",
    "tree": "The name of the tree.",
    "projects": "The projects that the plan is about.",
    "deep_read": "Whether the internal read was asked for.",
    "seal": "Of everything above, keyed by the ledger; empty where the plan is for reading only.",
}
"""Key of a saved plan whose schema says only what type it has → what it is."""

_WORDS = {"array": "list", "boolean": "`true`, `false`", "object": "map", "string": "text", "integer": "number"}


def _manifest() -> Iterator[tuple[str, str]]:
    told = {"format_version": "Of this file.", "update_time": "When the build was last written, seconds since 1970.",
            "update_by": "Who had written it.", **dict(attributes(Manifest))}  # fmt: skip
    for key in json.loads(dump(Manifest("", "", "", "", "", "", "", Stamps(0, ""), internal=True))):
        yield key, told[key]


def attributes(record: type) -> Iterator[tuple[str, str]]:
    """Yield the attributes that the docstring of a record tells of."""
    told = inspect.cleandoc(record.__doc__ or "").partition("Attributes:\n")[2]
    for name, means in re.findall(r"^    (\w+): (.*(?:\n     +.*)*)", told, re.MULTILINE):
        yield name, cell(f"{means[0].upper()}{means[1:]}".replace("*", ""))


_OVERVIEW = """\
# Files

{head}

| file | written by | in Git |
|---|---|---|
| [`reconciler.yaml`](#reconcileryaml) | you, `init` | yes |
| [definitions](#definitions): `*.yaml`, `*.yml`, `*.json` | you, `export` | yes |
| [`_defaults.yaml`](#_defaultsyaml) | you, `export` | yes |
| scripts and other texts that definitions take with `from_file` | you, `export` | yes |
| `.env.example`, `.gitattributes`, `.schemas/`, `not-exported.txt` | `export` ([export.md](../export.md)) | yes |
| [a saved plan](#a-saved-plan) | `plan --out FILE` | no |
| [`.reconciler/backup/`](#a-backup) | `apply`, `restore` | no |
| [`.reconciler/ledger.db`](#the-ledger) | `apply`, `adopt`, `export` and others | no |

Everything is UTF-8. No secret is in any of these files, but for what you write into definitions yourself.
"""
_CONFIGURATION = """\
## reconciler.yaml

Its folder is the root of a tree: the nearest one upwards from PATH. A flag beats the environment, which beats this
file; `reconciler config` prints what is in force and where it comes from. A key that is left out or `null` is as in
the third column. In an editor: `reconciler schema reconciler`.
"""
_DEFINITION = """\
## Definitions

A document is the body of Zadig's Build API; several may stand in a YAML file, divided by `---`. With
`template_name` it is a build from a template. Every setting: [fields.md](../fields.md). Hidden files and folders,
`_defaults.yaml` and `reconciler.yaml` are no definitions. YAML is read as version 1.2, strictly: a key that is
unknown or there twice is an error, and so is a number where a text is wanted. In an editor: `reconciler schema
build`.

A text may also be `{from_env: NAME}`, a variable of the environment whose value is secret, or `{from_file: path}`,
a file of the tree, relative to the definition. What concerns us and not the server:
"""
_DEFAULTS = """\
## _defaults.yaml

What the definitions of its folder and below share. Maps merge, lists and scalars replace, the nearest file wins.
Keys that a document's kind lacks do not apply. Inside {optional} a default applies only where the document has that
object. Not in it: `name`, and of `x-reconciler` {refused}. A definition with `no_defaults: true` takes nothing from
it.
"""
_SAVED = """\
## A saved plan

JSON, for people and programs to read and nobody to change: a seal tells. Its form: `reconciler schema saved-plan`.
"""
_BACKUP = """\
## A backup

`<backup>/<time of the run>/<project>/<build>/`, where `<backup>` is `backup:` of `reconciler.yaml`. `{definition}`
is what a definition can bring back, `detail.json` and `internal.json` are the server's answers with secrets masked,
and `{manifest}` says what it is of. It is written last: without it the backup was not finished. `reconciler restore
FOLDER` reads it.
"""
_LEDGER = """\
## The ledger

A document per server and project ([ledger.md](../ledger.md)); its summary as JSON: `reconciler schema ledger`. It
holds the steps that were announced and not yet recorded, and for every build of ours:
"""
