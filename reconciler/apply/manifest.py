"""`backup.json`: what one build's backup is of, and what it cannot bring back.

{"format_version": "1.0", "server": "https://zadig.example.com", "project": "yaml", "name": "api-test",
"action": "delete", "time": "2026-11-25T004312Z", "commit": "0a1b2c3", "tree": "payments",
"update_time": 1690215924, "update_by": "admin", "internal": true, "code_hosts": {"1": "gitlab"},
"masked": [{"path": "parameters[PW].default_value", "env": "BUILD_API_TEST__PW"}],
"lost": [{"path": "post_build.scripts", "value": "echo done", "secret": false, "small": false}],
"assumed": ["script_type"], "outdated": [], "unknown": ["advanced_settings.privileged_mode"]}
"""

from __future__ import annotations

import json

from reconciler.model.errors import UsageError
from reconciler.model.live import Loss, Stamps
from reconciler.model.manifest import Manifest

FILE = "backup.json"
DEFINITION = "definition.yaml"
FORMAT = "1.0"


def dump(manifest: Manifest) -> str:
    """Write a manifest as JSON."""
    data = {
        "format_version": FORMAT,
        "server": manifest.server,
        "project": manifest.project,
        "name": manifest.name,
        "action": manifest.action,
        "time": manifest.time,
        "commit": manifest.commit,
        "tree": manifest.tree,
        "update_time": manifest.stamps.update_time,
        "update_by": manifest.stamps.update_by,
        "internal": manifest.internal,
        "code_hosts": dict(manifest.code_hosts),
        "masked": [{"path": path, "env": name} for path, name in manifest.masked.items()],
        "lost": [
            {"path": loss.path, "value": loss.value, "secret": loss.secret, "small": loss.small}
            for loss in manifest.lost
        ],
        "assumed": list(manifest.assumed),
        "outdated": list(manifest.outdated),
        "unknown": list(manifest.unknown),
    }
    return json.dumps(data, ensure_ascii=False, indent=2) + "\n"


def load(text: str, shown: str) -> Manifest:
    """Read a manifest. Raises UsageError where it is damaged or of a newer format; `shown` names the file."""
    try:
        data = json.loads(text)
        if str(data["format_version"]).partition(".")[0] != FORMAT.partition(".")[0]:
            raise UsageError(f"{shown} has format {data['format_version']}, which this version does not know",
                             "upgrade reconciler")  # fmt: skip
        return Manifest(
            **{key: str(data[key]) for key in ("server", "project", "name", "action", "time", "commit", "tree")},
            stamps=Stamps(int(data["update_time"]), str(data["update_by"])),
            internal=data["internal"] is True,
            code_hosts={str(key): str(value) for key, value in data["code_hosts"].items()},
            masked={str(item["path"]): str(item["env"]) for item in data["masked"]},
            lost=tuple(
                Loss(str(x["path"]), str(x["value"]), x["secret"] is True, x["small"] is True) for x in data["lost"]
            ),
            assumed=tuple(str(path) for path in data["assumed"]),
            outdated=tuple(str(path) for path in data["outdated"]),
            unknown=tuple(str(path) for path in data["unknown"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{shown} is damaged", "use the definition beside it by hand, as any other") from None
