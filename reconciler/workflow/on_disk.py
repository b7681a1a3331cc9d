"""Files that a command writes into a tree: what they say today, and that no link leads them out of it.

    name ─ check_inside ─► may be written          path ─ text_there ─► its text, "" where there is none
    root ─ fingerprint ─► another one where somebody has changed definitions or scripts since

Whatever is written into a tree stays inside of its folder.
"""

from __future__ import annotations

import os
from pathlib import Path

from reconciler.definitions.files import ENDINGS, read_bytes, real, reason
from reconciler.export.tree import SCRIPTS
from reconciler.model.errors import UsageError

Fingerprint = dict[str, tuple[int, int, int]]
"""Path of a file → what changes when somebody writes it."""


def text_there(path: Path) -> str:
    """Return what a file says, "" where it is not there. Raises UsageError where it cannot be looked at."""
    if not os.path.lexists(path):
        return ""
    try:
        return read_bytes(path).decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {reason(error)}", "make it readable, or take it away") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path.name} is not UTF-8", "convert it, or take it away") from None
    except ValueError as error:
        raise UsageError(f"{path.name}: {error}", "take it away") from None


def check_inside(root: Path, name: str) -> None:
    """Make sure that a file can be written where it is meant to be. Raises UsageError.

    Args:
        root: the folder that nothing is written outside of.
        name: of the file, relative to it.
    """
    path = root / name
    if not real(path).is_relative_to(real(root)):
        raise UsageError(f"{name} leads out of the tree by a link", "take the link away, or put what it leads to there")


def fingerprint(root: Path) -> Fingerprint:
    """Look at every file of a tree that can be a definition or a script; folders that begin with a dot are not its."""
    found = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith((*ENDINGS, *SCRIPTS)) and not name.startswith("."):
                path = Path(folder, name)
                try:
                    status = path.stat()
                except OSError:
                    continue
                found[str(path)] = (status.st_ino, status.st_mtime_ns, status.st_size)
    return found
