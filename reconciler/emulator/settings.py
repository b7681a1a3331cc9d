"""The settings that can be changed while the emulator runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Latency of every answer in milliseconds, and whether the internal read is served."""

    latency_ms: float = 0
    internal_read: bool = True

    def changed(self, changes: Any) -> Settings:
        """The settings with some of them changed; raises ValueError for what is unknown or of a wrong type.

        `license` is taken here and kept with the world, which describes it.
        """
        if not isinstance(changes, dict):
            raise ValueError("Settings are an object.")  # noqa: TRY004 - every bad body is a ValueError
        for name, value in changes.items():
            if name not in _CHECKS:
                raise ValueError(f"There is no setting {name!r}; there are {', '.join(_CHECKS)}.")
            if not _CHECKS[name](value):
                raise ValueError(f"The setting {name!r} cannot be {value!r}.")
        return replace(self, **{name: value for name, value in changes.items() if name != "license"})


def _is_duration(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_CHECKS = {"latency_ms": _is_duration, "internal_read": _is_flag, "license": _is_text}
