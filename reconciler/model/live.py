"""What the server showed: a reading of each project, and in it every build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.build import Build

JENKINS = "jenkins"
"""`source` of the builds that are listed and left alone."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """Who wrote last and when (whole seconds since 1970): the only signs of a change (contract, section 4)."""

    update_time: int
    update_by: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A live value that a write would erase: its path and the value as text, never a secret's."""

    path: str
    value: str


@dataclass(frozen=True, slots=True)
class LiveBuild:
    """One build as the list and the detail show it.

    Attributes:
        project: project key.
        name: build name.
        source: `zadig`, `jenkins`, or "" on very old builds.
        stamps: of the detail where it was read, else of the list.
        services: the service modules as the list shows them.
        build: the canonical build; None where the detail was not asked for or failed.
        image_id: the stored id behind `build_os`; "" where unknown.
        losses: what an update through the API would erase, as far as detail shows it.
        unread: why the detail failed, one sentence; "" where it did not.
    """

    project: str
    name: str
    source: str
    stamps: Stamps
    services: tuple[tuple[str, str], ...] = ()
    build: Build | None = None
    image_id: str = ""
    losses: tuple[Loss, ...] = ()
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One project as read. `incomplete` says why the list cannot be trusted; "" where it can."""

    project: str
    builds: Mapping[str, LiveBuild]
    incomplete: str = ""
    unnamed: int = 0


@dataclass(frozen=True, slots=True)
class Live:
    """All projects of a run. `local_cluster`: name of the cluster that a build gets by default; None: not known."""

    readings: Mapping[str, Reading] = field(default_factory=dict)
    local_cluster: str | None = None
