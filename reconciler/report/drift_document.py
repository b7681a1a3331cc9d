"""A drift as a JSON-able document (`schemas/drift.schema.json`): builds by project and name, every value masked."""

from __future__ import annotations

from typing import Any

from reconciler.compare.drift import Setting
from reconciler.model.record import Record
from reconciler.plan.fates import Drift, Drifted, Fate
from reconciler.report.drift_ways import Commands, ways

FORMAT_VERSION = "1.0"


def drift_document(drift: Drift, commands: Commands) -> dict[str, Any]:
    """Return the drift; same drift, same document."""
    return {
        "format_version": FORMAT_VERSION,
        "complete": drift.complete,
        "recorded": drift.recorded,
        "narrowed": drift.narrowed,
        "summary": {word(fate): count for fate, count in drift.summary().items()},
        "builds": [_build(build) for build in drift.builds],
        "problems": [{"code": t.code, "message": t.message, "hint": t.hint} for t in drift.troubles],
        "notices": list(drift.notices),
        "commands": [{"what": way.what, "command": way.command} for way in ways(drift, commands)],
    }


def word(fate: Fate) -> str:
    """Return the word for machines."""
    return fate.value.replace(" ", "-")


def _build(build: Drifted) -> dict[str, Any]:
    document: dict[str, Any] = {
        "project": build.project,
        "name": build.name,
        "state": word(build.fate),
        "definition": {"file": build.place.file, "line": build.place.line} if build.place else None,
        "live": {"update_by": build.live.update_by, "update_time": build.live.update_time} if build.live else None,
        "changed_by": build.by or None,
        "applied": _applied(build.record) if build.record else None,
        "settings": [_setting(setting) for setting in build.settings],
        "ignored": list(build.ignored),
        "notes": list(build.notes),
        "blocked": build.blocked or None,
    }
    if build.kinds:
        document["kinds"] = {"git": build.kinds[0].value, "live": build.kinds[1].value}
    return document


def _applied(record: Record) -> dict[str, Any]:
    return {
        "tree": record.tree,
        "exact": record.exact,
        "when": record.when,
        "commit": record.commit,
        "author": record.author,
        "job": record.job,
        "update_by": record.stamps.update_by,
        "update_time": record.stamps.update_time,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    document: dict[str, Any] = {
        "path": setting.path,
        "state": setting.state.value,
        "kind": setting.kind.value,
        "recorded": setting.recorded,
        "live": setting.live,
        "git": setting.git,
        "sensitive": setting.sensitive,
    }
    if not setting.live_known:
        document["live_known"] = False
    if not setting.recorded_known:
        document["recorded_known"] = False
    if setting.reason:
        document["reason"] = setting.reason
    return document
