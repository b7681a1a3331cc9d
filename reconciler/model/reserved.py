"""File names that some system keeps for itself, whatever their capitals and whatever ending stands behind them."""

from __future__ import annotations

import re

_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE | re.DOTALL)


def is_reserved(name: str) -> bool:
    """Tell whether Windows takes a file name for one of its devices: `con`, `AUX`, `nul.txt`."""
    return _DEVICE.fullmatch(name) is not None
