"""Which values of a raw document may be secret, judged before anything about it is known to be right."""

from __future__ import annotations

import re
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.model.fields import IDENTITY, ROWS, Elements, Leaf, Row, walk

_FLAG = "is_credential"


def _carriers() -> dict[str, frozenset[str]]:
    """Return the lists whose elements can carry a secret → the known leaves of such an element."""
    found: dict[str, frozenset[str]] = {}

    def look(rows: tuple[Row, ...]) -> None:
        for row in rows:
            if isinstance(row, Elements):
                look(row.rows)
                if any(isinstance(leaf, Leaf) and leaf.secret for leaf in row.rows):
                    found[row.path] = frozenset(leaf.path for leaf in row.rows)

    for rows in ROWS.values():
        look(rows)
    return found


CARRIERS = _carriers()
_LEAVES = frozenset().union(*CARRIERS.values())
VALUES = frozenset({"default_value", "value"})


def hidden_paths(value: Any) -> list[Path]:
    """Return the paths of values that no message may show.

    A mapping is taken for a carrier where it stands in such a list, and anywhere else by its keys. Its value
    is hidden where the flag is anything but absent or false, or where it has a key that nobody knows, which
    may be the flag misspelt; what is under such a key is hidden too.
    """
    hidden: list[Path] = []
    pending: list[tuple[Path, Any]] = [((), value)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, list):
            pending += [((*path, index), item) for index, item in enumerate(node)]
        elif isinstance(node, dict):
            hidden += [(*path, key) for key in _hidden_keys(node, listed=len(path) > 1 and path[-2] in CARRIERS)]
            pending += [((*path, key), item) for key, item in node.items()]
    return hidden


def is_hidden(element: Any, key: str) -> bool:
    """Tell whether the value under a key of an element may be secret."""
    return isinstance(element, dict) and key in _hidden_keys(element, listed=False)


def _hidden_keys(element: dict[str, Any], *, listed: bool) -> list[str]:
    if not (listed or _FLAG in element or VALUES & element.keys()):
        return []
    flag = element.get(_FLAG)
    unknown = [key for key in element if key not in _LEAVES]
    if flag is False or (_FLAG not in element and not unknown):
        return []
    return [*(key for key in element if key in VALUES), *unknown]


_SHOWABLE = (
    frozenset(
        step for rows in ROWS.values() for path, _ in walk(rows) for step in path.replace("[]", "").split(".")
    ).union(IDENTITY)
    - VALUES
)
_KEY = re.compile(r"^(\s*(?:- +)*)[\"']?([A-Za-z_][\w-]*)[\"']?\s*:")
_VALUE_KEY = re.compile(r"(?:default_)?value[\"']?\s*:")


def may_be_shown(line: str, *, credentials: bool) -> bool:
    """Judge a line of a text that could not be read, so that nobody knows what its parts are.

    Args:
        line: the line.
        credentials: the text speaks of them: only lines that begin with a key of another setting are shown.
    """
    if _VALUE_KEY.search(line):
        return False
    key = _KEY.match(line)
    return not credentials or (key is not None and key.group(2) in _SHOWABLE)
