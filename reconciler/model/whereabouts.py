"""Where the files that we speak of lie in their repository, and at which address they can be read.

    Place.file, as the user would type it ─ here ─► absolute ─ root ─► "ci/builds/api.yaml" ─ blob ─► its address

Nothing is looked at: paths are put together as text.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote

from reconciler.model.problem import Place

_PLAIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~%-]+)*/?")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """How a run's paths and those of its repository fit together.

    Attributes:
        root: absolute path of the repository; "" where there is none: paths stay below `here` then.
        here: absolute path of the current directory.
        blob: the address that the path of a file is appended to; "" where nobody knows one.
        home: the file that stands for the whole tree, as the user would type it.
    """

    root: str = ""
    here: str = ""
    blob: str = ""
    home: str = "reconciler.yaml"

    def path(self, file: str) -> str:
        """Return a file's path in the repository, without "./"; one outside of it as it was given."""
        if not file:
            return ""
        whole = posixpath.normpath(posixpath.join(self.here or "/", file))
        root = (self.root or self.here or "/").rstrip("/") + "/"
        return whole[len(root) :] if whole.startswith(root) else posixpath.normpath(file)

    def inside(self, file: str) -> bool:
        """Tell whether a file is one of the repository."""
        path = self.path(file)
        return bool(path) and not path.startswith(("/", "../")) and path not in (".", "..")

    def link(self, place: Place | None) -> str:
        """Return the address of a line; "" where none is known or it would not be a plain one."""
        if place is None or not _PLAIN.fullmatch(self.blob) or not self.inside(place.file):
            return ""
        anchor = f"#L{place.line}" if place.line else ""
        return f"{self.blob.rstrip('/')}/{quote(self.path(place.file), safe='/', errors='backslashreplace')}{anchor}"
