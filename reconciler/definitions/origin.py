"""Where files are read from: the disk, or one revision of a Git repository (`reconciler.definitions.revision`).

A path is absolute in both: of a revision it is where the file would be if that revision were checked out.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from reconciler.definitions.text import MAX_BYTES


class Unusable(ValueError):
    """A file that is there and cannot be used: a sentence, a hint, and the rule that it breaks."""

    def __init__(self, message: str, hint: str = "", rule: str = "too-large") -> None:
        super().__init__(message)
        self.hint, self.rule = hint, rule


@dataclass(frozen=True, slots=True)
class Looked:
    """What a path leads to. `identity`: the same for everything that leads there."""

    folder: bool
    regular: bool
    identity: Hashable


class Files(Protocol):
    """Where files are looked for and read. Paths are absolute; links are followed where nothing else is said."""

    def there(self, path: Path) -> bool:
        """Tell whether there is something of that name, be it a link that leads nowhere."""

    def is_link(self, path: Path) -> bool:
        """Tell whether it is a symbolic link."""

    def look(self, path: Path) -> Looked:
        """Tell what it is. Raises OSError."""

    def entries(self, folder: Path) -> list[Path]:
        """Return what is in a folder, in any order. Raises OSError."""

    def real(self, path: Path) -> Path:
        """Return a path with its links followed."""

    def read(self, path: Path) -> bytes:
        """Read a regular file of at most `MAX_BYTES`. Raises OSError, or Unusable."""

    def begins(self, path: Path, count: int) -> bytes:
        """Return the first bytes of a file. Raises OSError."""


class Disk:
    """The files of this machine, as they are now."""

    def there(self, path: Path) -> bool:
        """As in `Files`."""
        return os.path.lexists(path)

    def is_link(self, path: Path) -> bool:
        """As in `Files`."""
        return path.is_symlink()

    def look(self, path: Path) -> Looked:
        """As in `Files`."""
        status = path.stat()
        mode = status.st_mode
        return Looked(stat.S_ISDIR(mode), stat.S_ISREG(mode), (status.st_dev, status.st_ino))

    def entries(self, folder: Path) -> list[Path]:
        """As in `Files`."""
        return list(folder.iterdir())

    def real(self, path: Path) -> Path:
        """As in `Files`."""
        return real(path)

    def read(self, path: Path) -> bytes:
        """As in `Files`."""
        return read_bytes(path)

    def begins(self, path: Path, count: int) -> bytes:
        """As in `Files`."""
        with path.open("rb") as stream:
            return stream.read(count)


DISK = Disk()


def real(path: Path) -> Path:
    """Return a path with its links followed; one that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def is_folder(path: Path, files: Files = DISK) -> bool:
    """Tell whether a path is a folder; one that cannot be looked at is none."""
    try:
        return files.look(path).folder
    except (OSError, ValueError):
        return False


def read_bytes(path: Path) -> bytes:
    """Read a regular file of at most `MAX_BYTES`. Raises OSError, or Unusable, which is a ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Unusable("this is not a regular file")
        if status.st_size > MAX_BYTES:
            raise Unusable(f"{status.st_size:,} bytes are too many for one file; {MAX_BYTES:,} are allowed")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Unusable(f"more than {MAX_BYTES:,} bytes are too many for one file")
    return data


def reason(error: OSError) -> str:
    """Return the operating system's words for an error, without the path."""
    return (error.strerror or type(error).__name__).lower()
