"""The table of fields against the bodies that the server is known to take: no leaf without a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.fields import IDENTITY, PLAIN, ROWS, TEMPLATE, Elements, Kind, Leaf, Type, walk

WIRE = Path(__file__).parent / "wire"
DROPPED = {"choice_option", "choice_value"}
"""What a template input may carry and the server drops: an error in a definition, so there is no row."""


BLOCK = "advanced_settings"
"""A row of its own that says nothing of what is in it."""


def leaves(value: Any, path: str = "") -> Iterator[str]:
    """Every leaf of a JSON body as a pattern: "parameters[].key"."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path


def bodies() -> list[tuple[Kind, dict[str, Any]]]:
    """Every body that a recorded server took."""
    found = []
    for file in sorted(WIRE.glob("[0-9]*.json")):
        for exchange in json.loads(file.read_text(encoding="utf-8"))["exchanges"]:
            request, body = exchange["request"], exchange["request"].get("body")
            if (
                request["method"] in ("POST", "PUT")
                and isinstance(body, dict)
                and exchange["response"]["status"] == 200
            ):
                kind = Kind.TEMPLATE if "target_services" in body or "template_name" in body else Kind.PLAIN
                found.append((kind, body))
    return found


def without_row(kind: Kind, body: dict[str, Any]) -> set[str]:
    """The leaves of a body that the table does not know."""
    rows = {path for path, _ in walk(ROWS[kind])} | set(IDENTITY)
    return {
        leaf
        for leaf in leaves(body)
        if leaf.rpartition(".")[2] not in DROPPED
        and not any(
            leaf == row or row.startswith(f"{leaf}.") or leaf.startswith(f"{row}.") for row in rows if row != BLOCK
        )
    }


def test_every_leaf_of_every_recorded_body_has_a_row():
    """A setting that the server takes and the table does not know would be erased by every update."""
    unknown = {leaf for kind, body in bodies() for leaf in without_row(kind, body)}
    assert unknown == {"nonsense"}
    assert len(bodies()) > 50


def test_a_leaf_without_a_row_is_found():
    """The test above can fail."""
    assert without_row(Kind.PLAIN, {"name": "x", "advanced_settings": {"timeout": 1, "colour": "red"}}) == {
        "advanced_settings.colour"
    }


def test_the_full_recorded_body_uses_every_row_of_the_plain_body():
    """No row is an invention: what the table has, a recorded server took."""
    taken = {leaf for kind, body in bodies() if kind is Kind.PLAIN for leaf in leaves(body)}
    rows = {path for path, row in walk(PLAIN) if isinstance(row, Leaf) and row.type is not Type.BLOCK}
    assert rows - taken == set()


@pytest.mark.parametrize("rows", [PLAIN, TEMPLATE], ids=["plain", "template"])
def test_every_row_says_what_it_is(rows):
    """Documentation, schema and messages come from the table."""
    assert [path for path, row in walk(rows) if not row.about] == []
    assert [path for path, row in walk(rows) if isinstance(row, Elements) and not row.key] == []
