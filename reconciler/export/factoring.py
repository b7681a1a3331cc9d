"""Stub."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def factor(documents: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return nothing."""
    del documents
    return {}


def relative(document: Mapping[str, Any], defaults: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the document."""
    del defaults
    return document
