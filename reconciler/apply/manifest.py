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
from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.errors import UsageError
from reconciler.model.live import Loss, Stamps

FILE = "backup.json"
DEFINITION = "definition.yaml"
FORMAT = "1.0"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one build's backup is of.

    Attributes:
        server: base URL.
        project: project key.
        name: build name.
        action: what was about to be done: "update", "convert" or "delete".
        time: of the run, as its folder is called.
        commit: the Git commit that was applied, "" where unknown.
        tree: the tree whose build it was; "" where the ledger had no record of it.
        stamps: who had written last, and when.
        internal: whether the internal read was served, so that nothing is missing that nobody knows of.
        code_hosts: number → alias, for reading the internal answer.
        masked: path of a secret → the environment variable that a restore takes its value from.
        lost: what no definition can bring back.
        assumed: settings that nothing showed and a definition needs, written with their usual value.
        outdated: settings written as the ledger last knew them, before somebody else wrote.
        unknown: settings that nothing showed: they are not in the definition.
    """

    server: str
    project: str
    name: str
    action: str
    time: str
    commit: str
    tree: str
    stamps: Stamps
    internal: bool
    code_hosts: Mapping[str, str] = field(default_factory=dict)
    masked: Mapping[str, str] = field(default_factory=dict)
    lost: tuple[Loss, ...] = ()
    assumed: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


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
