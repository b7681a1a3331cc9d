"""How two trees that are known to differ do: the paths, from deepdiff.

deepdiff is imported here only, and only when something differs: it costs about 0.1 s of start-up.
`threshold_to_diff_deeper=0`: its default reports a whole mapping as one change where few keys agree.
`ignore_private_variables=False`: its default is blind to keys that begin with two underscores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_KINDS = ("values_changed", "type_changes", "dictionary_item_added", "dictionary_item_removed")


def differing(have: Mapping[str, Any], want: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the paths (keys from the root) at which two trees of mappings and scalars differ, sorted."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - heavy, see above

    found = DeepDiff(have, want, threshold_to_diff_deeper=0, view="tree", ignore_private_variables=False)
    paths = {
        tuple(str(key) for key in item.path(output_format="list")) for kind in _KINDS for item in found.get(kind, ())
    }
    return sorted(paths)
