"""`reconciler.yaml` → its keys, read as strictly as a definition, with the same diagnostics."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.definitions.document import Complaint
from reconciler.definitions.files import CONFIGURATION, DISK, Files, SourceFile, Unusable, is_folder, reason, shown
from reconciler.definitions.hints import hint_for
from reconciler.definitions.place import of_complaints, of_faults
from reconciler.definitions.reader import read
from reconciler.definitions.schema import configuration_schema
from reconciler.definitions.structure import explain, strict_validator
from reconciler.definitions.text import Lines, Undecodable, decode
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.problem import Place, Problem

Check = Callable[[dict[str, Any]], list[Complaint]]


@functools.cache
def _validator() -> Any:
    return strict_validator(configuration_schema())


def find_configuration(start: Path, files: Files = DISK) -> Path | None:
    """Return the nearest `reconciler.yaml` in a folder or above it; None where there is none."""
    for folder in (start, *start.parents):
        for name in CONFIGURATION:
            path = folder / name
            if files.there(path) and not is_folder(path, files):
                return path
    return None


def read_configuration(path: Path, cwd: str, check: Check, files: Files = DISK) -> dict[str, Any]:
    """Return the configuration's keys; null counts as absent.

    Args:
        path: absolute path of the file.
        cwd: the file is named relative to it in messages.
        check: what else can be wrong with keys of the right type.
        files: where it is read from.

    Raises:
        InvalidDefinitions: with every problem of the file.
    """
    file = SourceFile(path, shown(path, cwd), path.parent, files)
    text = _text(file)
    contents = read(text, json=False)
    problems = of_faults(file, text, contents.faults)
    documents = [(i, d.value) for i, d in enumerate(contents.documents) if d.value is not None]
    found: list[tuple[int, Complaint]] = []
    if documents:
        index, value = documents[0]
        if isinstance(value, dict):
            found += [(index, complaint) for complaint in (*explain(_validator(), value), *check(value))]
        else:
            found.append((index, Complaint((), "the configuration is one mapping", "", "not-a-mapping")))
    if len(documents) > 1:
        found.append((documents[1][0], Complaint((), "the configuration is one document", "", "two-documents")))
    problems += of_complaints(file, text, found)
    if problems:
        raise InvalidDefinitions(sorted(set(problems)))
    return {key: value for key, value in documents[0][1].items() if value is not None} if documents else {}


def key_lines(path: Path) -> dict[str, int]:
    """Return key → the line that it stands in, of a configuration that was read without problems."""
    text = _text(SourceFile(path, str(path), path.parent))
    documents = read(text, json=False, spotting=True).documents
    lines = Lines(text)
    return {
        str(at[0]): lines.at(spot.key_start)[0]
        for document in documents
        for at, spot in document.spots.items()
        if len(at) == 1
    }


def _text(file: SourceFile) -> str:
    place = Place(file.shown)
    try:
        return decode(file.files.read(file.path))
    except Undecodable as error:
        problem = Problem(Place(file.shown, error.line, error.column), error.message, error.hint, "not-utf-8")
    except OSError as error:
        problem = Problem(place, f"cannot be read: {reason(error)}", hint_for("unreadable", ""), "unreadable")
    except Unusable as error:
        problem = Problem(place, str(error), hint_for(error.rule, error.hint), error.rule)
    raise InvalidDefinitions([problem])
