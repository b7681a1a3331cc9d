"""What the backup of one build is of, and what it cannot bring back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.live import Loss, Stamps


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one build's backup is of.

    Attributes:
        server: base URL.
        project: project key.
        name: build name.
        action: what was about to be done: "update", "convert" or "delete".
        time: of the run, as its folder is called.
        commit: the Git commit that was applied, "" where unknown.
        tree: the tree whose build it was; "" where the ledger had no record of it.
        stamps: who had written last, and when.
        internal: whether the internal read was served, so that nothing is missing that nobody knows of.
        code_hosts: number → alias, for reading the internal answer.
        masked: path of a secret → the environment variable that a restore takes its value from.
        lost: what no definition can bring back.
        assumed: settings that nothing showed and a definition needs, written with their usual value.
        outdated: settings written as the ledger last knew them, before somebody else wrote.
        unknown: settings that nothing showed: they are not in the definition.
    """

    server: str
    project: str
    name: str
    action: str
    time: str
    commit: str
    tree: str
    stamps: Stamps
    internal: bool
    code_hosts: Mapping[str, str] = field(default_factory=dict)
    masked: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[Loss, ...] = ()
    assumed: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
