"""Kubernetes quantities, as far as the check of `gpu_limit` reads them (the contract's section 7, recording 22)."""

from __future__ import annotations

import re

WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
WRONG_SUFFIX = "unable to parse quantity's suffix"

_PARTS = re.compile(r"[+-]?[0-9]*(?:\.[0-9]*)?(?P<suffix>[eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_SUFFIXES = frozenset(["n", "u", "m", "", "k", *"MGTPE", *(f"{letter}i" for letter in "KMGTPE")])
_EXPONENT = re.compile(r"[eE][-+]?[0-9]+", re.ASCII)


def problem(text: str) -> str | None:
    """What Kubernetes says of a text that is no quantity, or `None` for one that is."""
    parts = _PARTS.fullmatch(text)
    if not text or parts is None:
        return WRONG_FORMAT
    suffix = parts["suffix"]
    if suffix in _SUFFIXES or _EXPONENT.fullmatch(suffix):
        return None
    return WRONG_SUFFIX


def gpu_problem(limit: str) -> str | None:
    """What the server says of a GPU limit that is not `key:quantity`, or `None`.

    Spaces are taken out first, and exactly one colon must be there.
    """
    pair = limit.replace(" ", "").split(":")
    if len(pair) != 2:
        return "format of gpu request is incorrect"
    wrong = problem(pair[1])
    return f"failed to parse resource quantity, err: {wrong}" if wrong else None
