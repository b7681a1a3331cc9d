"""Which workflows of a project use which builds (contract, section 6)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One job of one workflow that uses a build for a service module. `workflow`: its name, else its key."""

    workflow: str
    build: str
    service: str
    module: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one project's workflows use.

    Attributes:
        uses: sorted, without repetition.
        unknown: why some or all workflows could not be looked at, one sentence each, sorted; `()`: all were.
    """

    uses: tuple[Use, ...] = ()
    unknown: tuple[str, ...] = ()
