"""Documents → files: where each one goes, scripts beside them, what a folder shares, and what goes along.

pages ─► folder and stem ─► script into its own file ─► without what `_defaults.yaml` supplies ─► text
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.definitions.document import EXTRA
from reconciler.definitions.sources import FROM_FILE
from reconciler.definitions.writer import render
from reconciler.export.document import Page
from reconciler.export.factoring import factor, relative
from reconciler.export.names import stems

SCHEMAS = ".schemas"
"""Folder at the root with the schema that editors complete from; the loader passes over it."""

DEFAULTS = "_defaults.yaml"
_DEFAULTS_HEAD = "What the builds of this folder and below share; a definition says where it differs."
_ENDINGS = {"shell": ".sh", "batch_file": ".bat", "powershell": ".ps1"}
SCRIPTS = tuple(_ENDINGS.values())
"""Endings of scripts."""

_INLINE = 3
"""Lines of a script that stay in the definition."""


def folders_up(folder: str) -> Iterator[str]:
    """Yield a folder and those above it, relative to the root, which is the last."""
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]
    yield ""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is there already. Folders are relative to the root, "" for the root itself.

    Attributes:
        out: the folder that new projects go into.
        homes: project → the folder where its definitions are.
        taken: folder → stems of the files there.
        chains: folder → the defaults in force there; {} where there are none.
    """

    out: str = ""
    homes: Mapping[str, str] = field(default_factory=dict)
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)
    chains: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def defaults(self, folder: str) -> Mapping[str, Any]:
        """Return the defaults in force in a folder, which may not be there yet."""
        return next((self.chains[above] for above in folders_up(folder) if above in self.chains), {})


@dataclass(frozen=True, slots=True)
class New:
    """Files of new definitions.

    Attributes:
        files: path → text.
        saved: lines that defaults saved.
        places: (project, name) → the file of its definition.
    """

    files: Mapping[str, str]
    saved: int = 0
    places: Mapping[tuple[str, str], str] = field(default_factory=dict)


def new_files(pages: Sequence[Page], ground: Ground, *, defaults: bool) -> New:
    """Return the files of builds that no definition describes yet. `defaults`: make `_defaults.yaml` where it pays."""
    by_project = defaultdict[str, list[Page]](list)
    for page in pages:
        by_project[page.build.project].append(page)
    folders = folders_of(by_project, ground)
    files: dict[str, str] = {}
    places: dict[tuple[str, str], str] = {}
    saved = 0
    for project in sorted(by_project):
        made = _Folder(folders[project], ground, defaults).files(by_project[project])
        files |= made.files
        places |= made.places
        saved += made.saved
    return New(files, saved, places)


def scripts_of(pages: Sequence[Page], ground: Ground) -> dict[str, str]:
    """Return path → text of the scripts that new definitions bring along, whatever names are taken."""
    by_project = defaultdict[str, list[Page]](list)
    for page in pages:
        by_project[page.build.project].append(page)
    free = replace(ground, taken={})
    folders = folders_of(by_project, free)
    files: dict[str, str] = {}
    for project, found in by_project.items():
        names = stems([page.build.name for page in found])
        scripts = (with_script(page, names[page.build.name])[1] for page in found)
        files |= {posixpath.join(folders[project], script[0]): script[1] for script in scripts if script}
    return files


def folders_of(projects: Iterable[str], ground: Ground) -> dict[str, str]:
    """Return project → its folder: where its definitions are, else one of its name."""
    new = sorted(project for project in projects if project not in ground.homes)
    names = stems(new, taken=ground.taken.get(ground.out, ()))
    return {**ground.homes, **{project: posixpath.join(ground.out, names[project]) for project in new}}


@dataclass(frozen=True, slots=True)
class _Folder:
    folder: str
    ground: Ground
    factoring: bool

    def files(self, pages: Sequence[Page]) -> New:
        names = stems([page.build.name for page in pages], taken=self.ground.taken.get(self.folder, ()))
        above = self.ground.defaults(self.folder)
        files: dict[str, str] = {}
        documents = []
        for page in pages:
            document, script = with_script(page, names[page.build.name])
            documents.append(document)
            if script:
                files[posixpath.join(self.folder, script[0])] = script[1]
        fresh = self.factoring and not above and self.folder not in self.ground.chains
        shared = factor(documents) if fresh else {}
        places = {}
        saved = 0
        for page, document in zip(pages, documents, strict=True):
            file = posixpath.join(self.folder, f"{names[page.build.name]}.yaml")
            files[file] = text_of(document, page.comment, shared or above, file)
            places[page.build.project, page.build.name] = file
            if shared:
                saved += _lines(text_of(document, page.comment, {}, file)) - _lines(files[file])
        if shared:
            text = render(shared, {"": _DEFAULTS_HEAD})
            files[posixpath.join(self.folder, DEFAULTS)] = text
            saved -= _lines(text)
        return New(files, saved, places)


def with_script(page: Page, stem: str) -> tuple[dict[str, Any], tuple[str, str] | None]:
    """Return the document with a long script as a file, and that file's name and text."""
    script = page.document.get("build_script")
    if not isinstance(script, str) or script.count("\n") < _INLINE:
        return page.document, None
    kind = page.document.get("script_type")
    name = stem + _ENDINGS.get(kind if isinstance(kind, str) else "", ".sh")
    return {**page.document, "build_script": {FROM_FILE: name}}, (name, script)


def text_of(document: Mapping[str, Any], comment: str, above: Mapping[str, Any], file: str) -> str:
    """Return the text of a definition's file: the line for editors, the comment, what defaults do not supply."""
    own = relative(document, above) if above else document
    if own is None:
        extra = {**document.get(EXTRA, {}), "no_defaults": True}
        own = {**document, EXTRA: extra}
    way = "../" * file.count("/")
    schema = f"yaml-language-server: $schema={way}{SCHEMAS}/build.schema.json"
    return render(own, {"": f"{schema}\n{comment}".rstrip("\n")})


def _lines(text: str) -> int:
    return text.count("\n")
