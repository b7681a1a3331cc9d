"""What the JSON Schema says about a document, in our own words.

The library's messages print values, which may be secret, and the whole object where a choice fails; ours
are built from the keyword that failed and the path.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterator
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import EXTRA, LONGEST, Complaint, brief, lookup
from reconciler.definitions.scalars import Odd, plainly
from reconciler.definitions.schema import LARGEST, defaults_schema, kind_schema
from reconciler.definitions.secrecy import is_hidden
from reconciler.definitions.sources import FROM_ENV, FROM_FILE, WRITTEN_OUT
from reconciler.model.fields import ROWS, Kind, walk
from reconciler.model.secret import Secret

DEFAULTS = "defaults"
Part = Kind | str


@functools.cache
def _validator(part: Part) -> Any:
    schema = kind_schema(part) if isinstance(part, Kind) else defaults_schema()
    return strict_validator(schema)


def strict_validator(schema: dict[str, Any]) -> Any:
    """Return a validator to which 30.0 is no integer and a secret is a string; the schema is not checked here.

    Most leaves are right, and a descent into one costs 20 µs: where the type alone decides and is right,
    there is none.
    """
    import jsonschema  # noqa: PLC0415 - takes 100 ms

    checker = jsonschema.Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "integer": lambda _, value: type(value) is int,
            "string": lambda _, value: isinstance(value, str | Secret),
        }
    )
    right: dict[int, frozenset[type]] = {}
    _note_right_types(schema, right)

    def properties(validator: Any, known: dict[str, Any], instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
        del schema
        if not isinstance(instance, dict):
            return
        for key, value in instance.items():
            below = known.get(key)
            if below is not None and type(value) not in right.get(id(below), ()):
                yield from validator.descend(value, below, path=key, schema_path=key)

    strict: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft7Validator, {"properties": properties}, type_checker=checker
    )
    return strict(schema)


_PYTHON_TYPES: dict[str, type] = {"string": str, "boolean": bool, "null": type(None)}
_LIMITS = frozenset({"if", "minLength", "pattern", "enum"})


def _note_right_types(schema: dict[str, Any], right: dict[int, frozenset[type]]) -> None:
    """Note for every leaf's schema (by identity) the types whose values are right whatever they are."""
    for below in (*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])):
        _note_right_types(below, right)
        types = below.get("type")
        if not _LIMITS & below.keys():
            names = types if isinstance(types, list) else [types]
            right[id(below)] = frozenset(_PYTHON_TYPES[name] for name in names if name in _PYTHON_TYPES)


def complaints(value: dict[str, Any], part: Part) -> list[Complaint]:
    """Return everything that is wrong with the shape of a document."""
    return explain(_validator(part), value)


def explain(validator: Any, value: dict[str, Any]) -> list[Complaint]:
    """Run a validator; put each failure into words."""
    found: dict[tuple[Path, str], Complaint] = {}
    for error in validator.iter_errors(value):
        for complaint in _explain(error, value):
            found.setdefault((complaint.path, complaint.message), complaint)
    return list(found.values())


def _explain(error: Any, value: dict[str, Any]) -> Iterator[Complaint]:
    path: Path = tuple(error.absolute_path)
    given = error.instance
    word = error.validator
    if word == "additionalProperties":
        yield from _unknown(path, given, error.schema)
    elif word == "required":
        for key in error.validator_value:
            if key not in given:
                yield Complaint(path, f'"{key}" is missing', "it is required", "missing")
    elif word == "type":
        yield _wrong_type(path, given, error.schema, lookup(value, path[:-1]))
    elif word == "enum":
        yield from _not_allowed(path, given, error.validator_value)
    elif word in ("minimum", "maximum"):
        yield Complaint(path, f'"{_name(path)}" cannot be {given}', _bounds(error.schema), "out-of-range")
    elif word in ("minItems", "minLength"):
        yield Complaint(path, f'"{_name(path)}" is empty', "", "empty")
    elif word in ("minProperties", "maxProperties"):
        hint = f"either {{{FROM_ENV}: NAME}} or {{{FROM_FILE}: path}}"
        yield Complaint(path, f'"{_name(path)}" wants a text, or one source of it', hint, "source")
    else:
        yield Complaint(path, f'"{_name(path)}" is not as it should be', "", word)


def _bounds(schema: dict[str, Any]) -> str:
    least, most = schema["minimum"], schema["maximum"]
    return f"write {least} or more" if most == LARGEST else f"write a number from {least} to {most}"


def _unknown(path: Path, given: dict[str, Any], schema: dict[str, Any]) -> Iterator[Complaint]:
    known = list(schema["properties"])
    if FROM_ENV in known and FROM_ENV not in given and FROM_FILE not in given:
        hint = f"write it in quotes, or as {{{FROM_ENV}: NAME}} or {{{FROM_FILE}: path}}"
        yield Complaint(path, f'"{_name(path)}" wants a text, not a mapping', hint, "wrong-type", on_key=True)
        return
    for number, key in enumerate(key for key in given if key not in known):
        hint = _suggest(key, _shape(path), tuple(known)) if number < _SUGGESTIONS else ""
        yield Complaint((*path, key), f'unknown key "{brief(key)}"', hint, "unknown-key", on_key=True)


_SUGGESTIONS = 50
"""How many unknown keys of one mapping get a suggestion: looking for one takes 0.2 ms."""


def _shape(path: Path) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


_OWN = {
    "accept_loss": "it is about one build's values: write it into the definition",
    "ignore": "write it into the definition, or for every build into reconciler.yaml",
    "no_defaults": "write it into the definition that is to go without",
    "renamed_from": "it is about one build: write it into the definition",
}
"""Keys of ours that defaults may not hold → where they belong."""


@functools.lru_cache(maxsize=1024)
def _suggest(key: str, path: tuple[str, ...], known: tuple[str, ...]) -> str:
    if key in ("choice_value", "choice_option") and "inputs" in path:
        return "the server drops it: choices belong to the template"
    if key == "name" and not path:
        return "every document has a name of its own"
    if path == (EXTRA,) and key in _OWN:
        return _OWN[key]
    near = difflib.get_close_matches(key[:LONGEST], known, n=1)
    if near:
        return f'did you mean "{near[0]}"?'
    if elsewhere := _elsewhere(key, known):
        return elsewhere
    if not path and EXTRA in known:
        return ""
    return f"known here: {', '.join(known)}"


@functools.cache
def _homes() -> dict[str, list[tuple[Kind, str]]]:
    """Return the name of every setting → the kinds and the places that have it."""
    homes: dict[str, list[tuple[Kind, str]]] = {}
    for kind, rows in ROWS.items():
        for full, _ in walk(rows):
            place, _, leaf = full.rpartition(".")
            homes.setdefault(leaf, []).append((kind, place))
    return homes


def _elsewhere(key: str, known: tuple[str, ...]) -> str:
    """Return a hint where a key would be right in another place, or in a build of the other kind."""
    near = difflib.get_close_matches(key[:LONGEST], _homes(), n=1, cutoff=0.8)
    if not near:
        return ""
    kind = Kind.TEMPLATE if "template_name" in known else Kind.PLAIN
    here = [place for of, place in _homes()[near[0]] if of is kind]
    if not here:
        other = "a build from a template has none" if kind is Kind.TEMPLATE else "it needs template_name beside it"
        return other if near[0] == key else ""
    where = here[0].replace("[]", "") or "the top of the document"
    return f'"{near[0]}" belongs into {where}'


def _name(path: Path) -> str:
    """Return the key that a value belongs to, also for an element of its list."""
    for step in reversed(path):
        if isinstance(step, str):
            return step
    return "the document"


def _not_allowed(path: Path, given: object, allowed: list[str]) -> Iterator[Complaint]:
    named = [word for word in allowed if word]
    hint = f"allowed: {', '.join(named)}"
    if isinstance(given, Secret):
        if given.is_set and not any(given.holds(word) for word in allowed):
            yield Complaint(path, f'"{_name(path)}" cannot be what {given.name} holds', hint, "not-allowed")
        return
    near = difflib.get_close_matches(str(given)[:LONGEST], named, n=1)
    shown = "empty" if given == "" else f'"{brief(str(given))}"'
    suggestion = f'did you mean "{near[0]}"? ' if near else ""
    yield Complaint(path, f'"{_name(path)}" cannot be {shown}', f"{suggestion}{hint}", "not-allowed")


def _wrong_type(path: Path, given: object, schema: dict[str, Any], parent: object) -> Complaint:
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    wanted = types[0]
    name = f'"{_name(path)}"'
    if given is None:
        return _null(path, name)
    if isinstance(given, Secret):
        return Complaint(path, f"{name} cannot come from {FROM_ENV}: {_WANTED[wanted]} is wanted", "", "wrong-type")
    if (
        isinstance(given, dict)
        and wanted == "string"
        and _name(path) in WRITTEN_OUT
        and {FROM_ENV, FROM_FILE} & given.keys()
    ):
        return Complaint(path, f"{name} must be written out here", "it says which build or element this is", "source")
    if wanted == "object" and isinstance(given, list) and not isinstance(path[-1], int):
        return Complaint(
            path, f"{name} is one object, not a list", "write its keys directly below it", "wrong-type", on_key=True
        )
    secret = bool(path) and is_hidden(parent, str(path[-1]))
    words = schema.get("then", {}).get("enum")
    hint = f"allowed: {', '.join(filter(None, words))}" if words else _hint(wanted, given, secret=secret)
    on_key = isinstance(given, dict | list)
    each = "each entry of " if path and isinstance(path[-1], int) else ""
    what = _what(given, wanted)
    return Complaint(path, f"{each}{name} wants {_WANTED[wanted]}, not {what}", hint, "wrong-type", on_key=on_key)


def _null(path: Path, name: str) -> Complaint:
    if path and isinstance(path[-1], int):
        return Complaint(path, f"{name} has an entry that is null", "take it out", "null-in-list")
    return Complaint(
        path, f"{name} cannot be null", "write a value; null means the default, and it has none", "null-required"
    )


_WANTED = {
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_YES, _NO = frozenset({"yes", "on", "y", "true", "1"}), frozenset({"no", "off", "n", "false", "0"})


def _what(given: object, wanted: str) -> str:
    if isinstance(given, Odd):
        if wanted == "string":
            return "a boolean" if given.is_boolean else "a number"
        return given.text if len(given.text) <= LONGEST else f"a number of {len(given.text):,} characters"
    if isinstance(given, str):
        return f'the text "{given}"' if wanted == "integer" and len(given) <= LONGEST else "a text"
    return {bool: "a boolean", int: "a number", list: "a list", dict: "a mapping"}.get(type(given), "this")


def _hint(wanted: str, given: object, *, secret: bool) -> str:
    text = given.text if isinstance(given, Odd) else str(given).lower() if isinstance(given, bool) else str(given)
    if isinstance(given, dict | list):
        return ""
    if wanted == "string":
        return "put it in quotes" if secret or len(text) > LONGEST else f'write "{text}"'
    if wanted == "integer":
        plain = plainly(text)
        digits = isinstance(given, Odd) and given.text.lstrip("+-").isdecimal()
        largest = f"the largest number is {LARGEST}"
        return f"write {plain}" if plain is not None else largest if digits else "write digits only"
    if wanted == "boolean":
        word = text.lower()
        return "write true" if word in _YES else "write false" if word in _NO else "write true or false"
    if wanted == "array" and isinstance(given, str):
        return "put a dash in front of each entry"
    return ""
