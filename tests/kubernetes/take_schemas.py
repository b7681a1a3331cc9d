"""The schemas of Kubernetes → `schemas.json` beside this file: those of the kinds that the example uses, made strict.

They come from the package `kubernetes-validate`, which has those of every version: 22 MB to download and 111 MB on
disk for the 60 KB that are needed here, so it is installed by hand when a newer version is wanted, and by nobody else:

    pip install kubernetes-validate==1.37.0 && python tests/kubernetes/take_schemas.py 1.37.0

Descriptions are left out, and so is null, which the API takes for absent and a manifest has no reason to write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

KINDS = {
    "batch/v1 CronJob": "io.k8s.api.batch.v1.CronJob",
    "networking.k8s.io/v1 NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
    "v1 ConfigMap": "io.k8s.api.core.v1.ConfigMap",
    "v1 Namespace": "io.k8s.api.core.v1.Namespace",
    "v1 Secret": "io.k8s.api.core.v1.Secret",
}
"""What a manifest says that it is → the name of its definition."""

TARGET = Path(__file__).with_name("schemas.json")


def main(version: str) -> None:
    """Write the schemas of a version of Kubernetes."""
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}-local-strict"
    definitions = json.loads((folder / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    needed = sorted(closure(definitions, list(KINDS.values())))
    document = {
        "from": f"kubernetes-validate, Kubernetes {version}, Apache-2.0",
        "kinds": KINDS,
        "$defs": {name: essence(definitions[name]) for name in needed},
    }
    TARGET.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def closure(definitions: dict[str, Any], names: list[str]) -> set[str]:
    """Return the definitions that some lead to, themselves included."""
    found: set[str] = set()
    while names:
        name = names.pop()
        if name not in found:
            found.add(name)
            names += references(definitions[name])
    return found


def references(schema: Any) -> Iterator[str]:
    """Yield the names of the definitions that a schema refers to."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def essence(schema: Any) -> Any:
    """Return a schema without what is for readers, with references into one document, and without null."""
    if isinstance(schema, list):
        return [essence(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not is_for_readers(key, value)}
    if isinstance(kept.get("$ref"), str):
        kept["$ref"] = f"#/$defs/{kept['$ref'].rpartition('/')[2]}"
    if isinstance(kept.get("type"), list):
        kept["type"] = next(name for name in kept["type"] if name != "null")
    return {key: essence(value) for key, value in kept.items()}


def is_for_readers(key: str, value: Any) -> bool:
    """Tell whether a keyword says nothing about what is valid; a property may have the same name, and is a mapping."""
    return key.startswith("x-kubernetes-") or (key in ("description", "format") and isinstance(value, str))


if __name__ == "__main__":
    main(sys.argv[1])
