"""Values from a stream of scalars, openings and closings: no recursion, every bound in one place.

Both readers (YAML events, JSON text) feed a `Composer`. It watches keys, depth and size, and where
asked for it notes the spot of every value; otherwise a document costs nothing but itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from reconciler.definitions.scalars import Odd

MAX_DEPTH = 64
MAX_NODES = 100_000

Path = tuple[str | int, ...]
"""Where a value is inside a document: keys and positions."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the text itself, from one character offset to another."""

    start: int
    end: int
    message: str
    hint: str
    rule: str


class Unreadable(Exception):
    """The rest of this file cannot be read."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Spot:
    """Character offsets of a value, and of the key in front of it (-1 without a key)."""

    start: int
    end: int
    key_start: int = -1
    key_end: int = -1


Spots = dict[Path, Spot]


@dataclass(frozen=True, slots=True)
class Parsed:
    """One document of a file: its value, where it starts (character offset), and spots where asked for."""

    value: Any
    start: int
    spots: Spots


@dataclass(slots=True)
class _Frame:
    holder: dict[str, Any] | list[Any]
    start: int
    anchor: str | None
    nodes: int
    key: str | None = None
    key_start: int = -1
    key_end: int = -1
    dropped: bool = False


_OPEN = object()


@dataclass(slots=True)
class Composer:
    """Builds documents; collects what is wrong with keys, refuses what is too deep or too large.

    Attributes:
        spotting: note the spot of every value.
        documents: the finished ones; documents that hold nothing at all are left out by the readers.
        faults: what was wrong without stopping the reading.
    """

    spotting: bool = False
    documents: list[Parsed] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    _frames: list[_Frame] = field(default_factory=list)
    _anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    _spots: Spots = field(default_factory=dict)
    _nodes: int = 0

    def begin(self) -> None:
        """Start a document: anchors hold for one only."""
        self._anchors = {}
        self._spots = {}

    def scalar(self, value: Any, start: int, end: int, anchor: str | None = None) -> None:
        """Take a scalar: a key where one is due, else a value."""
        self._count(1, start)
        if anchor is not None:
            self._anchors[anchor] = (value, 1)
        frames = self._frames
        if frames and frames[-1].key is None and type(frames[-1].holder) is dict:
            self._key(frames[-1], value, start, end)
        else:
            self._put(value, start, end)

    def open(self, holder: dict[str, Any] | list[Any], start: int, anchor: str | None = None) -> None:
        """Open a mapping or a list."""
        self._count(1, start)
        frames = self._frames
        if len(frames) >= MAX_DEPTH:
            raise Unreadable(
                Fault(start, start + 1, f"nested deeper than {MAX_DEPTH} levels", "flatten it", "too-deep")
            )
        if frames and frames[-1].key is None and type(frames[-1].holder) is dict:
            raise Unreadable(complex_key(start))
        if anchor is not None:
            self._anchors[anchor] = (_OPEN, 0)
        frames.append(_Frame(holder, start, anchor, self._nodes))

    def close(self, end: int) -> None:
        """Close what was opened last."""
        frame = self._frames.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.holder, self._nodes - frame.nodes + 1)
        self._put(frame.holder, frame.start, end)

    def alias(self, name: str, start: int, end: int) -> None:
        """Put in again what was named before; it counts as often as it is used."""
        value, size = self._anchors.get(name, (None, -1))
        if size < 0:
            raise Unreadable(
                Fault(
                    start,
                    end,
                    f"there is no anchor &{name[:64]} before this",
                    "define it first, in the same document",
                    "unknown-alias",
                )
            )
        if value is _OPEN:
            raise Unreadable(Fault(start, end, f"*{name[:64]} would contain itself", "write it out", "recursive-alias"))
        self._count(size, start)
        frames = self._frames
        if frames and frames[-1].key is None and type(frames[-1].holder) is dict:
            raise Unreadable(complex_key(start))
        self._put(value, start, end)

    def fault(self, start: int, end: int, message: str, hint: str, rule: str) -> None:
        """Note something wrong and go on."""
        self.faults.append(Fault(start, end, message, hint, rule))

    def _count(self, nodes: int, start: int) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES:,} values in one file, counting each alias as what it stands for"
            raise Unreadable(Fault(start, start + 1, message, "split the file, or drop the aliases", "too-large"))

    def _key(self, frame: _Frame, value: object, start: int, end: int) -> None:
        frame.key_start, frame.key_end = start, end
        frame.dropped = True
        holder = frame.holder
        if not isinstance(value, str):
            frame.key = ""
            shown = f'"{_spelling(value)}"'
            self.fault(start, end, "a key must be a text", f"write {shown} if that is what is meant", "key-not-text")
            return
        frame.key = value
        if value in holder:
            self.fault(start, end, f'the key "{value[:64]}" stands here a second time', "keep one of the two", "twice")
            return
        frame.dropped = False

    def drop_merge_key(self, start: int, end: int) -> None:
        """Refuse `<<`, which YAML 1.2 does not have."""
        self._count(1, start)
        frame = self._frames[-1]
        frame.key, frame.key_start, frame.key_end, frame.dropped = "<<", start, end, True
        hint = "what several builds share belongs into _defaults.yaml, next to them or in a folder above"
        self.fault(start, end, "YAML 1.2 has no merge key", hint, "merge-key")

    @property
    def key_due(self) -> bool:
        """Whether the next scalar is a key."""
        return bool(self._frames) and self._frames[-1].key is None and type(self._frames[-1].holder) is dict

    def _put(self, value: Any, start: int, end: int) -> None:
        if not self._frames:
            if self.spotting:
                self._spots[()] = Spot(start, end)
            self.documents.append(Parsed(value, start, self._spots))
            return
        frame = self._frames[-1]
        if self.spotting and not any(outer.dropped for outer in self._frames):
            self._spots[self._path()] = Spot(start, end, frame.key_start, frame.key_end)
        if isinstance(frame.holder, list):
            frame.holder.append(value)
            return
        if not frame.dropped:
            assert frame.key is not None
            frame.holder[frame.key] = value
        frame.key = None
        frame.dropped = False

    def _path(self) -> Path:
        return tuple(len(f.holder) if isinstance(f.holder, list) else f.key or "" for f in self._frames)


def _spelling(value: object) -> str:
    if isinstance(value, Odd):
        return value.text[:64]
    return "null" if value is None else str(value).lower()


def complex_key(start: int) -> Fault:
    """Return the fault of a key that is a mapping, a list or an alias."""
    return Fault(
        start, start + 1, "a key must be a text", "put quotes around it; {{ }} needs quotes too", "key-not-text"
    )
