"""Variables of a build: from a body, from a template, and the merging of the two."""

from __future__ import annotations

import re

from .documents import VARIABLE
from .exchange import Document
from .repositories import present

MASK = "*" * 8
_SCRIPT = "script"
_FROM_TEMPLATE = ("choice_option", "description", "script", "function_reference")
_REFERENCE = re.compile(
    r"\{\{\.(job(?:\.[^{}]+){2}|job(?:\.[^{}]+){4}|workflow\.params(?:\.[^{}]+){1}"
    r"|workflow(?:\.[^{}]+){1}|project(?:\.[^{}]+){1}|workflow(?:\.[^{}]+){3})\}\}"
)


def from_parameters(sent: list[Document | None] | None) -> list[Document]:
    """The parameters of a plain body in the stored form."""
    return [VARIABLE.show(item | {"value": item["default_value"]}) for item in present(sent)]


def from_inputs(sent: list[Document | None] | None) -> list[Document]:
    """The inputs of a template body in the stored form."""
    return [VARIABLE.show(item) for item in present(sent)]


def merge(template: list[Document], own: list[Document]) -> list[Document]:
    """A target's variables: the template's, each replaced by the target's own of that key.

    Of one key given twice the last counts, keys that the template does not have are dropped, and a few
    settings come back from the template (the contract's section 1, recordings 09 and 24). The documents of
    `own` that are taken are changed in place.
    """
    named = {variable.get("key"): variable for variable in own}
    merged = []
    for variable in template:
        mine = named.get(variable.get("key"))
        if mine is None:
            merged.append(VARIABLE.show(variable))
            continue
        for key in _FROM_TEMPLATE:
            mine[key] = variable.get(key)
        merged.append(mine)
    return merged


def keep_masked(stored: list[Document], written: list[Document]) -> None:
    """Put stored values where eight asterisks are written (the contract's section 3, recording 12).

    A key that is not stored gets an empty value; a build without any stored variable keeps the asterisks.
    """
    if not stored:
        return
    values = {variable.get("key"): variable.get("value") or "" for variable in stored}
    for variable in written:
        if variable.get("value") == MASK:
            variable["value"] = values.get(variable.get("key"), "")


def with_references(variables: list[Document]) -> list[Document]:
    """Variables whose script parameters have their references worked out again from the call.

    So a template write loses those that the call does not make (the contract's section 7).
    """
    refreshed = []
    for variable in variables:
        document = variable
        if variable.get("type") == _SCRIPT:
            document = {key: value for key, value in variable.items() if key != "function_reference"}
            found = _REFERENCE.findall(variable.get("call_function") or "")
            if found:
                document["function_reference"] = found
        refreshed.append(document)
    return refreshed
