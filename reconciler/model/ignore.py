"""Settings that Git leaves to the server: a path with `*`, and why.

Such paths are, for example:

    advanced_settings.timeout            one setting
    advanced_settings.resource_spec.*    everything below
    parameters[PW].default_value         a setting of the element PW
    parameters[*].default_value          of every element
    repo_info                            a whole list
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Ignore:
    """One rule: `path` as above, `reason` for the readers of a plan."""

    path: str
    reason: str
