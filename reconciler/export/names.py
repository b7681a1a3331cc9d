"""Stub."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def stems(names: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Return names."""
    del taken
    return {name: name.replace("/", "-") for name in names}
