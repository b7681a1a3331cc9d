"""Folders and files of a backup: names that every file system takes, for our own eyes only, written whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from reconciler.model.reserved import is_reserved

LONGEST = 200
"""Characters of a name, so that it fits every file system with an ending behind it."""

_ODD = re.compile(rb"[^A-Za-z0-9._-]")
_MODE_FOLDER, _MODE_FILE = 0o700, 0o600


def safe_name(text: str) -> str:
    """Return a file name for a text: the same every time, and another one for every other text.

    What is not a letter of ASCII, a digit, "." "_" or "-" is written as %XX of its UTF-8, and so is a dot at an
    end and the first letter of what some system reserves. A name that only its capitals tell from another, or
    that is too long, ends in a part of the text's SHA-256.
    """
    data = text.encode("utf-8", "surrogatepass")
    name = _ODD.sub(lambda match: b"%%%02X" % match.group()[0], data).decode("ascii")
    name = re.sub(r"^\.|\.$", "%2E", name) or "%"
    if is_reserved(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) <= LONGEST and text == text.lower():
        return name
    return f"{name[: LONGEST - 9]}~{hashlib.sha256(data).hexdigest()[:8]}"


def make_folder(folder: Path) -> None:
    """Make a folder and what is missing above it, readable by us alone. Raises OSError."""
    missing = [above for above in (folder, *folder.parents) if not above.exists()]
    for above in reversed(missing):
        above.mkdir(mode=_MODE_FOLDER, exist_ok=True)


def keep_out_of_git(folder: Path) -> None:
    """Put a `.gitignore` over everything into a folder that has none. Raises OSError."""
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def write_file(path: Path, text: str) -> None:
    """Write a file whole or not at all, for our own eyes, on the disk when this returns. Raises OSError."""
    put_file(path, text.encode("utf-8", "backslashreplace"), mode=_MODE_FILE, flush=True)


def put_file(path: Path, data: bytes, *, mode: int = 0o666, flush: bool = False) -> None:
    """Write a file whole or not at all. Raises OSError.

    Args:
        path: one that is there keeps its mode; one that is a link stays one, and what it leads to is written.
        data: its bytes.
        mode: of a new file, less what the umask takes away.
        flush: it is on the disk when this returns.
    """
    part, path = _stage(path, data, mode=mode, flush=flush)
    part.replace(path)
    if flush:
        flush_folder(path.parent)


def put_files(files: Iterable[tuple[Path, bytes]]) -> None:
    """Write files in their order, each whole; none before there is room for all of them.

    Raises OSError, whose `filename` is the file that could not be written.
    """
    staged: list[tuple[Path, Path]] = []
    path = Path()
    try:
        for path, data in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.append((_part(path), path))
            _stage(path, data)
        for part, path in staged:
            part.replace(os.path.realpath(path))
    except BaseException as error:
        for part, _ in staged:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise


def _part(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    path = Path(os.path.realpath(path))
    return path.with_name(f".{hashlib.sha256(path.name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}.part")


def _stage(path: Path, data: bytes, *, mode: int = 0o666, flush: bool = False) -> tuple[Path, Path]:
    """Write what is to take a file's place beside it; return both."""
    part, path = _part(path), Path(os.path.realpath(path))
    there = path.stat().st_mode & 0o7777 if path.exists() else None
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        if there is not None:
            os.fchmod(descriptor, there)
        file.write(data)
        if flush:
            file.flush()
            os.fsync(file.fileno())
    return part, path


def flush_folder(folder: Path) -> None:
    """Make sure that a folder's entries are on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
