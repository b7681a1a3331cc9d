"""What can be wrong with keys of `reconciler.yaml` that have the right type, and with a server's address."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.definitions.document import Complaint
from reconciler.definitions.rules import check_ignore
from reconciler.model.fields import Kind

SERVER_HINT = "write it as https://zadig.example.com or http://10.0.0.1:8080"
BACKUP_HINT = "name a folder outside of the tree, or one whose name begins with a dot, as in .reconciler/backup"


def wrong_server(text: str) -> str:
    """Say what is wrong with a server's address, without repeating it: it may hold a password."""
    if not text.isprintable() or " " in text:
        return "the address holds white space or a control character"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return "the address has no valid host or port"
    if parts.scheme not in ("http", "https"):
        return "the address must begin with https:// or http://"
    if "@" in parts.netloc:
        return "the address must not hold a user or a password"
    if not parts.hostname or port == 0 or parts.netloc.endswith(":"):
        return "the address has no valid host or port"
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        return "the address must not hold a path, a query or a fragment"
    return ""


def in_the_way(folder: str, root: str) -> bool:
    """Tell whether a tree would read what is in a folder (absolute) as definitions."""
    inside = Path(folder).is_relative_to(root)
    return inside and not any(part.startswith(".") for part in Path(folder).relative_to(root).parts)


def check_configuration(values: Mapping[str, Any], root: str) -> list[Complaint]:
    """Return what is wrong with a configuration in the folder `root`, which is absolute."""
    return [*_server(values), *_names(values), *_backup(values, root), *_rules(values)]


def _server(values: Mapping[str, Any]) -> Iterator[Complaint]:
    server = values.get("server")
    if isinstance(server, str) and server and (wrong := wrong_server(server)):
        yield Complaint(("server",), wrong, SERVER_HINT, "server", hide="@" in server)


def _names(values: Mapping[str, Any]) -> Iterator[Complaint]:
    tree = values.get("tree")
    if isinstance(tree, str) and (tree != tree.strip() or not tree.isprintable()):
        yield Complaint(("tree",), "a tree's name has no white space at its ends", "", "padded")
    projects = values.get("projects")
    for index, project in enumerate(projects if isinstance(projects, list) else ()):
        if isinstance(project, str) and project != project.strip():
            yield Complaint(("projects", index), "white space at an end of a project key", "", "padded")
        if project in values["projects"][:index]:
            yield Complaint(("projects", index), "this project is listed twice", "take one out", "twice")


def _backup(values: Mapping[str, Any], root: str) -> Iterator[Complaint]:
    folder = values.get("backup")
    if isinstance(folder, str) and folder and in_the_way(os.path.normpath(Path(root, folder)), root):
        message = "backups in this folder would be read as definitions"
        yield Complaint(("backup",), message, BACKUP_HINT, "backup-dir")


def _rules(values: Mapping[str, Any]) -> Iterator[Complaint]:
    yield from check_ignore(values.get("ignore"), tuple(Kind), ("ignore",))
