"""What differs between two revisions, as a JSON-able document (`schemas/diff.schema.json`), secrets masked."""

from __future__ import annotations

from typing import Any

from reconciler.compare.revisions import Fate, Revised, Revisions
from reconciler.report.document import change_document

FORMAT_VERSION = "1.0"


def diff_document(revisions: Revisions) -> dict[str, Any]:
    """Return the difference; same trees, same document."""
    return {
        "format_version": FORMAT_VERSION,
        "old": revisions.old,
        "new": revisions.new,
        "summary": revisions.summary(),
        "builds": [_build(build) for build in revisions.builds],
        "notices": list(revisions.notices),
    }


def _build(build: Revised) -> dict[str, Any]:
    document: dict[str, Any] = {
        "project": build.project,
        "name": build.name,
        "state": build.fate.value,
        "definition": {
            "side": "old" if build.fate is Fate.REMOVED else "new",
            "file": build.place.file,
            "line": build.place.line,
        },
        "from": {"project": build.old[0], "name": build.old[1]} if build.old else None,
        "changes": [change_document(change) for change in build.changes],
        "rules": [
            {"path": rule.path, "before": rule.before, "after": rule.after, "meaning": rule.meaning}
            for rule in build.rules
        ],
        "notes": list(build.notes),
    }
    if build.kinds:
        document["kinds"] = {"old": build.kinds[0].value, "new": build.kinds[1].value}
    return document
