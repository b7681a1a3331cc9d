"""The table of fields → `docs/fields.md`."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.definitions.schema import null_means
from reconciler.model.fields import ROWS, Elements, Kind, Row, Type, walk

_INTRODUCTION = """\
# Settings of a definition

Generated from the table of fields by `python -m reconciler.definitions.generate`; do not edit.

A definition is the body of Zadig's Build API. Beside the settings below it has `name` and `project_key`
(both required), and `x-reconciler` for what concerns us and not the server:

| `x-reconciler.` | |
|---|---|
| `prevent_destroy` | `true`: never delete this build, also not after its file is gone; `false` lifts that again. |
| `no_defaults` | `true`: take nothing from `_defaults.yaml`. |
| `renamed_from` | The name that this build had before: it is made anew and the old one deleted (`--allow-moves`). |
| `accept_loss` | Path → digest or stamps, as plan prints them: exactly this value may be erased by a write. |
| `ignore` | List of `{path, reason}`: settings that stay as they are on the server. |

A path of `ignore` is a setting of the tables below; an element of a list goes by its key, `*` stands for any
characters, and what is below a path goes with it: `advanced_settings.timeout`, `advanced_settings.resource_spec.*`,
`parameters[PW].default_value`, `parameters[DB_*]`, `target_services[shop/web].inputs[*].value`, `repo_info`. Rules
for every definition stand in `reconciler.yaml`. Where something is made new, Git's values are used.

* **Seen**: how much of a setting the server's documented answers show. *shown*: all of it. *partial*: part of
  it. *by reference*: today's name of a stored id. *unreadable*: nothing, or always the same constant.
* **null** means the default in the column; "-" where null is an error. A setting that is left out is kept
  as it is on the server.
* Every text may also be `{from_env: NAME}` or `{from_file: path}`, except those that say which build or
  which element of a list it is (marked *key*).
"""

_TITLES = {
    Kind.PLAIN: "## Plain builds",
    Kind.TEMPLATE: "## Builds from a template\n\nA definition with `template_name`.",
}


def fields_markdown() -> str:
    """Return the documentation of all fields: one table per kind of build."""
    parts = [_INTRODUCTION]
    for kind, title in _TITLES.items():
        lines = [title, "", "| setting | type | seen | null | |", "|---|---|---|---|---|"]
        keys = {f"{path}[].{leaf}" for path, row in walk(ROWS[kind]) if isinstance(row, Elements) for leaf in row.key}
        lines += [_line(path, row, is_key=path in keys) for path, row in walk(ROWS[kind])]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _line(path: str, row: Row, *, is_key: bool) -> str:
    cannot = row.required or is_key or ".inputs[]." in path
    null = "-" if cannot else null_means(row) or "the server's own defaults"
    notes = " ".join(_notes(row, is_key=is_key))
    return f"| `{path}` | {_type(row)} | {row.sight.value} | {null} | {notes} |"


def _type(row: Row) -> str:
    if isinstance(row, Elements):
        return "list" if row.ordered else "set"
    names = {Type.TEXT: "text", Type.STRINGS: "list of strings", Type.BLOCK: "object"}
    name = names.get(row.type, row.type.value)
    return f"{name}, {row.unit}" if row.unit else name


def _notes(row: Row, *, is_key: bool) -> Iterator[str]:
    yield row.about
    if row.required:
        yield "**Required.**"
    if is_key:
        yield "*Key.*"
    if isinstance(row, Elements):
        yield f"Matched by {', '.join(f'`{leaf}`' for leaf in row.key)}{'; the order counts' if row.ordered else ''}."
        return
    if row.enum:
        yield "One of " + ", ".join(f"`{word}`" for word in row.enum) + "."
    if row.usual:
        yield f"Usually `{row.usual}`."
    if row.secret:
        yield "Secret where `is_credential` is true."
