"""What the server showed: a reading of each project, and in it every build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler.model.build import Build
from reconciler.model.usage import Usage

JENKINS = "jenkins"
"""`source` of the builds that are listed and left alone."""


@dataclass(frozen=True, slots=True)
class Stamps:
    """Who wrote last and when (whole seconds since 1970): the only signs of a change (contract, section 4)."""

    update_time: int
    update_by: str

    @property
    def moment(self) -> str:
        """When that was, for readers; a number that is no moment is told as it is."""
        try:
            return datetime.fromtimestamp(self.update_time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        except (ValueError, OverflowError, OSError):
            return f"at {self.update_time}"


@dataclass(frozen=True, slots=True)
class Loss:
    """A live value that a write would erase.

    Attributes:
        path: in the table's words where it has a row, else in the server's.
        value: as text; "" for a secret.
        secret: the value is not told.
        new: an own write may have left it there, as under a key that this version does not know: no loss of a
            build whose record is exact.
        small: nothing but what the page or a message shows depends on it (contract, section 3).
    """

    path: str
    value: str
    secret: bool = False
    small: bool = False
    new: bool = False


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
        deep: the canonical build with everything that the internal read shows; None where it was not asked or
            its answer was not used.
        hidden: what an update would erase and the internal read alone shows.
        own: what every write of this build keeps, and a new one in its place would not have.
        leftover: what turning a template build into a plain one would erase beside, from the internal read.
        deep_failed: why its answer was not used, one sentence; "" where it was, or was not asked.
        unread: why the detail failed, one sentence; "" where it did not.
        marks: the paths of a build that is not ours whose values are secret, as the ledger says.
    """

    project: str
    name: str
    source: str
    stamps: Stamps
    services: tuple[tuple[str, str], ...] = ()
    build: Build | None = None
    image_id: str = ""
    losses: tuple[Loss, ...] = ()
    deep: Build | None = None
    hidden: tuple[Loss, ...] = ()
    own: tuple[Loss, ...] = ()
    leftover: tuple[Loss, ...] = ()
    deep_failed: str = ""
    unread: str = ""
    marks: frozenset[str] = frozenset()


def is_askable(name: str) -> bool:
    """Tell whether a call can ask for a build of that name: a path of it leads elsewhere (contract, section 1)."""
    return name not in ("", ".", "..") and "/" not in name


@dataclass(frozen=True, slots=True)
class Reading:
    """One project as read. `incomplete` says why the list cannot be trusted ("": it can), `remedy` what to do then."""

    project: str
    builds: Mapping[str, LiveBuild]
    incomplete: str = ""
    remedy: str = "run again when nobody is writing"
    unnamed: int = 0

    def marked(self, marks: Mapping[str, frozenset[str]]) -> Reading:
        """Return the same with the paths that the ledger marks as secret in builds that are not ours, by name."""
        builds = {name: replace(build, marks=marks.get(name, build.marks)) for name, build in self.builds.items()}
        return replace(self, builds=builds) if marks else self


@dataclass(frozen=True, slots=True)
class Live:
    """All projects of a run.

    Attributes:
        readings: project → what it has.
        local_cluster: name of the cluster that a build gets by default; None: not known.
        clusters: names of all clusters; None: not asked, or not told.
        usage: project → what its workflows use, where it was asked.
        deep_unserved: why the internal read cannot be used in this run, one sentence; "" where it can.
    """

    readings: Mapping[str, Reading] = field(default_factory=dict)
    local_cluster: str | None = None
    clusters: frozenset[str] | None = None
    usage: Mapping[str, Usage] = field(default_factory=dict)
    deep_unserved: str = ""

    def build(self, project: str, name: str) -> LiveBuild | None:
        """Return a build as it was listed or read; None where the server has none."""
        reading = self.readings.get(project)
        return reading.builds.get(name) if reading else None
