"""A setting that differs → whether the server's value is taken, by who changed it since they last agreed.

                        Git as then      Git changed
    server as then           -           LOCAL: Git's stays
    server changed         taken         CONFLICT: Git's stays
    nobody knows       UNDECIDED: Git's stays          (forced: the server's, everywhere)

What an export has put into the tree and nobody may have kept is a second base: where Git is as one of the two,
nobody has changed it there.

Settings that mean something only together (`FOLLOWERS`, a block that is null in the file) are decided as one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reconciler.definitions.document import exists, lookup
from reconciler.export.document import Page
from reconciler.model.change import Change, ChangeKind
from reconciler.model.exported import Topic
from reconciler.model.fields import FOLLOWERS, ROWS, Kind
from reconciler.model.threeway import Changed, changed_by, concerns, counted, is_within, order_of

BLOCK = "advanced_settings"
_LEADERS = {follower: leader for leader, followers in FOLLOWERS.items() for follower in followers}


@dataclass(frozen=True, slots=True)
class Base:
    """A build as Git and the server once had it.

    Attributes:
        kind: of it.
        local: the definition against it; `()` where they are of two kinds.
        remote: the server against it; likewise.
    """

    kind: Kind
    local: tuple[Change, ...] = ()
    remote: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A build that Git defines and the server has, in the same project.

    Attributes:
        page: what an export of it alone would write.
        differs: the definition against the server; `()` where they are of two kinds.
        bases: what both last agreed on, and what the last export put into the tree; none where nobody knows.
        equal: they agree now.
    """

    page: Page
    differs: tuple[Change, ...] = ()
    bases: tuple[Base, ...] = ()
    equal: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Project and name."""
        return self.page.build.project, self.page.build.name


@dataclass(frozen=True, slots=True)
class Remark:
    """What a decision has to say about a setting; `path` "" is the whole build."""

    topic: Topic
    path: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the definition takes from the server.

    Attributes:
        taken: the differences to settle in the server's favour.
        secret: secrets that differ: they are told, and no value is taken.
        converted: the definition becomes what the server has as a whole, of the other kind.
        remarks: what stays as it is in Git, and why.
    """

    taken: tuple[Change, ...] = ()
    secret: tuple[Change, ...] = ()
    converted: bool = False
    remarks: tuple[Remark, ...] = ()


def decide(pair: Pair, kind: Kind, whole: dict[str, Any], *, force: bool) -> Decision:
    """Decide about every difference of one build.

    Args:
        pair: the build.
        kind: of the definition.
        whole: the definition with its defaults.
        force: the server's side wins everywhere.
    """
    if pair.page.build.kind is not kind:
        return _converted(pair, kind, force=force)
    court = _Court(pair, kind, tuple(null_blocks(whole, kind)))
    taken, secret, remarks = [], [], []
    for change in counted(pair.differs):
        if change.sensitive and change.kind is ChangeKind.CHANGED:
            secret.append(change)
            continue
        topic = None if force else court.against(change)
        if topic is None:
            taken.append(change)
        else:
            remarks.append(Remark(topic, change.path))
    return Decision(tuple(taken), tuple(secret), remarks=tuple(remarks))


def _converted(pair: Pair, kind: Kind, *, force: bool) -> Decision:
    now = pair.page.build.kind
    text = f"a {kind.value} build in Git, a {now.value} one on the server"
    if force or any(base.kind is kind and not counted(base.local) for base in pair.bases):
        return Decision(converted=True)
    if not pair.bases:
        return Decision(remarks=(Remark(Topic.UNDECIDED, "", text),))
    return Decision(remarks=(Remark(Topic.CONFLICT if pair.bases[0].kind is kind else Topic.LOCAL, "", text),))


def null_blocks(whole: dict[str, Any], kind: Kind) -> Iterator[str]:
    """Yield the blocks of settings that a document sets to null as a whole, outer ones first."""
    blocks = {path[: path.rindex(".")] for row in ROWS[kind] if "." in (path := row.path)}
    for block in sorted({*blocks, *(block.rpartition(".")[0] for block in blocks)} - {"", "docker_build_step"}):
        steps = tuple(block.split("."))
        if exists(whole, steps) and lookup(whole, steps) is None:
            yield block


@dataclass(frozen=True, slots=True)
class _Court:
    pair: Pair
    kind: Kind
    nulls: tuple[str, ...]

    def against(self, change: Change) -> Topic | None:
        """Return why the server's value is not taken; None where it is."""
        verdicts = [self._since(base, self._about(change)) for base in self.pair.bases] or [Topic.UNDECIDED]
        return None if None in verdicts else verdicts[0]

    def _since(self, base: Base, about: str) -> Topic | None:
        if base.kind is not self.kind:
            return Topic.CONFLICT
        changed = changed_by(about, base.local, base.remote, self._about)
        if changed is Changed.BOTH:
            return Topic.CONFLICT
        if changed is Changed.GIT:
            return Topic.LOCAL
        unknown = concerns((*base.local, *base.remote), about, self._about)
        return Topic.UNDECIDED if unknown and changed is Changed.NOBODY else None

    def _about(self, change: Change) -> str:
        """Return what is decided as one with a change."""
        path = _LEADERS.get(change.path, change.path)
        if change.kind is ChangeKind.MOVED:
            path = order_of(path)
        return next((block for block in self.nulls if is_within(path, (block,))), path)
