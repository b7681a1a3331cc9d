"""The files of one Git revision, and of a working tree, as `reconciler.definitions.origin.Files`.

Links are followed inside of the revision. A submodule is an empty folder: its files are another repository's, and
what of it stands in a working tree is passed over as well.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.definitions.git import LINK, SUBMODULE, Blobs, Entry
from reconciler.definitions.origin import Disk, Looked, Unusable

_HOPS = 40
"""Links that one path may lead over, as on Linux."""

_SMALL = 1 << 16
"""Bytes up to which contents are kept between a look at how a file begins and its reading."""

_LFS = b"version https://git-lfs.github.com/spec/"


class RevisionFiles:
    """The files of one commit.

    Args:
        top: absolute path that the commit's paths are relative to.
        entries: path → what is there.
        blobs: reads contents.
    """

    def __init__(self, top: Path, entries: Mapping[str, Entry], blobs: Blobs) -> None:
        self._top = str(top)
        self._blobs = blobs
        self._kept: dict[str, bytes] = {}
        self._entries = {self._at(path): entry for path, entry in entries.items()}
        self._folders: dict[str, set[str]] = {self._top: set()}
        self._links = any(entry.mode == LINK for entry in entries.values())
        self.submodules = sorted(path for path, entry in entries.items() if entry.mode == SUBMODULE)
        for path in self._entries:
            self._note(path)

    def _at(self, path: str) -> str:
        return f"{self._top.rstrip('/')}/{path}"

    def _note(self, path: str) -> None:
        """Note a path in the folder above it, and so on up to the top."""
        while path != self._top:
            above, _, name = path.rpartition("/")
            above = above or "/"
            known = above in self._folders
            self._folders.setdefault(above, set()).add(name)
            if known:
                return
            path = above

    def there(self, path: Path) -> bool:
        """As in `Files`."""
        return self._named(path) is not None

    def is_link(self, path: Path) -> bool:
        """As in `Files`."""
        named = self._named(path)
        return named in self._entries and self._entries[named].mode == LINK

    def look(self, path: Path) -> Looked:
        """As in `Files`."""
        found = self._followed(str(path))
        entry = self._entries.get(found)
        folder = found in self._folders or (entry is not None and entry.mode == SUBMODULE)
        if not folder and entry is None and self.is_link(path) and not f"{found}/".startswith(f"{self._top}/"):
            return Looked(folder=False, regular=True, identity=found)  # nobody looks there: it leads out of the tree
        if not folder and entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return Looked(folder, not folder, found)

    def entries(self, folder: Path) -> list[Path]:
        """As in `Files`."""
        return [folder / name for name in self._folders.get(self._followed(str(folder)), ())]

    def real(self, path: Path) -> Path:
        """As in `Files`."""
        try:
            return Path(self._followed(str(path)))
        except OSError:
            return path

    def read(self, path: Path) -> bytes:
        """As in `Files`."""
        found = self._followed(str(path))
        entry = self._entries.get(found)
        if entry is None or entry.mode == SUBMODULE:
            raise self._absent(found)
        data = self._kept.pop(entry.blob, None)
        data = self._blobs.read(entry.blob) if data is None else data
        if data.startswith(_LFS):
            hint = "keep definitions and scripts out of Git LFS"
            raise Unusable("this is a pointer of Git LFS, and a revision holds no more of the file", hint, "lfs")
        return data

    def begins(self, path: Path, count: int) -> bytes:
        """As in `Files`."""
        try:
            data = self.read(path)
        except ValueError:
            return b""
        if len(data) <= _SMALL:
            self._kept[self._entries[self._followed(str(path))].blob] = data
        return data[:count]

    def _absent(self, found: str) -> OSError:
        if found in self._folders:
            return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if any(found == self._at(path) or found.startswith(f"{self._at(path)}/") for path in self.submodules):
            return OSError(errno.EXDEV, "it is in a submodule, and a revision holds none of its files")
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))

    def _named(self, path: Path) -> str | None:
        """Return a path with the links above it followed, None where there is nothing of that name."""
        try:
            above = self._followed(str(path.parent))
        except OSError:
            return None
        named = str(path) if str(path) == self._top else f"{above.rstrip('/')}/{path.name}"
        return named if named in self._entries or named in self._folders else None

    def _followed(self, path: str) -> str:
        """Return a path with "..", "." and links taken out. Raises OSError where links lead in a circle."""
        if not self._links:
            return os.path.normpath(path)
        done, left, hops = "", path.split("/")[::-1], 0
        while left:
            step = left.pop()
            if step in ("", "."):
                continue
            if step == "..":
                done = done.rpartition("/")[0]
                continue
            done = f"{done}/{step}"
            entry = self._entries.get(done)
            if entry is None or entry.mode != LINK:
                continue
            hops += 1
            if hops > _HOPS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
            target = os.fsdecode(self._target(entry.blob))
            left += target.split("/")[::-1]
            done = "" if target.startswith("/") else done.rpartition("/")[0]
        return done or "/"

    def _target(self, blob: str) -> bytes:
        if blob not in self._kept:
            self._kept[blob] = self._blobs.read(blob)
        return self._kept[blob]


class WorkingTree(Disk):
    """The files of a working tree as they are now, tracked or not; what is not this repository's is left out.

    Args:
        top: absolute path of the working tree.
    """

    def __init__(self, top: Path) -> None:
        self._top = top

    def there(self, path: Path) -> bool:
        """As in `Files`."""
        return path.is_relative_to(self._top) and super().there(path)

    def entries(self, folder: Path) -> list[Path]:
        """As in `Files`."""
        if folder != self._top and os.path.lexists(folder / ".git"):
            return []
        return super().entries(folder)
