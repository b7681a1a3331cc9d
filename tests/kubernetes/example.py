"""The example for Kubernetes, as tests look at it: its manifests, its jobs, and what the API says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.kubernetes.kustomize import Manifest, containers_of, pod_of, render

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "kubernetes"
KUBERNETES = Path(__file__).parent
SCHEMAS = json.loads((KUBERNETES / "schemas.json").read_text(encoding="utf-8"))
VARIANTS = {
    "plain": (),
    "private-ca": ("private-ca",),
    "tree-from-configmap": ("tree-from-configmap",),
    "both": ("private-ca", "tree-from-configmap"),
}
"""Name → the components that are taken."""


def golden(variant: str) -> dict[str, Manifest]:
    """What `kubectl kustomize` made of it."""
    text = (KUBERNETES / "rendered" / f"{variant}.yaml").read_text(encoding="utf-8")
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(text)}


def documents(path: Path) -> list[Manifest]:
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def jobs(variant: str = "plain") -> dict[str, Manifest]:
    return {name: each for name, each in render(EXAMPLE, *VARIANTS[variant]).items() if each["kind"] == "CronJob"}


def pod(job: Manifest) -> dict[str, Any]:
    spec = pod_of(job)["spec"]
    assert isinstance(spec, dict)
    return spec


def drift_of(job: Manifest) -> dict[str, Any]:
    (container,) = [each for each in containers_of(job) if each["name"] == "drift"]
    return container


def settings() -> dict[str, str]:
    """What all projects share."""
    data = golden("plain")["ConfigMap/reconciler"]["data"]
    assert all(isinstance(value, str) for value in data.values())
    return dict(data)


def complaints(manifest: Manifest) -> list[str]:
    """What the API would refuse: an unknown key, a wrong type, something that is missing."""
    kind = SCHEMAS["kinds"][f"{manifest['apiVersion']} {manifest['kind']}"]
    validator = Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": SCHEMAS["$defs"]})
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(manifest)]
