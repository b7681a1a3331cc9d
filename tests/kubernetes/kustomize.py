"""A folder with a `kustomization.yaml` → its manifests, for the few features that the example uses, strictly.

`kubectl kustomize` is the authority; `rendered/` holds what it said, and a test compares. This one runs everywhere, and
is stricter: a key that it does not know, a patch without a target and a file that is not there are errors.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]

KEYS = {"apiVersion", "kind", "namespace", "resources", "components", "nameSuffix", "labels", "patches", "images"}
CLUSTER_WIDE = {"Namespace"}
POD_OF_CRONJOB = ("spec", "jobTemplate", "spec", "template")
MERGED_BY = {"containers": "name", "initContainers": "name", "env": "name", "volumes": "name"}
MERGED_BY["volumeMounts"] = "mountPath"


def render(folder: Path, *components: str) -> dict[str, Manifest]:
    """Return "Kind/name" → manifest, with components added to those that the folder names itself."""
    text = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert text.keys() <= KEYS, f"{folder}: {text.keys() - KEYS}"
    manifests = [manifest for name in text["resources"] for manifest in resource(folder / name)]
    for component in (*text.get("components", ()), *components):
        patched_by(folder / component, manifests)
    for patch in text.get("patches", ()):
        apply(patch, manifests)
    for manifest in manifests:
        adjust(manifest, text)
    for image in text.get("images", ()):
        assert replace_image(image, manifests) or components, f"nobody uses the image {image['name']}"
    named = {f"{manifest['kind']}/{manifest['metadata']['name']}": manifest for manifest in manifests}
    assert len(named) == len(manifests), "two manifests have one name"
    return named


def resource(path: Path) -> list[Manifest]:
    """Return the manifests of a file or of a folder."""
    if path.is_dir():
        return list(render(path).values())
    manifests = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    return [json.loads(json.dumps(manifest)) for manifest in manifests]  # what an alias repeats becomes two


def patched_by(folder: Path, manifests: list[Manifest]) -> None:
    """Apply a component, which may only patch."""
    text = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert text.keys() == {"apiVersion", "kind", "patches"}
    assert (text["apiVersion"], text["kind"]) == ("kustomize.config.k8s.io/v1alpha1", "Component")
    for patch in text["patches"]:
        apply(patch, manifests)


def apply(patch: dict[str, Any], manifests: list[Manifest]) -> None:
    """Change every manifest that a patch is about, in its place; there has to be one."""
    assert patch.keys() == {"target", "patch"}
    target = patch["target"]
    assert target.keys() <= {"kind", "name"}
    meant = [
        manifest
        for manifest in manifests
        if manifest["kind"] == target["kind"] and target.get("name") in (None, manifest["metadata"]["name"])
    ]
    assert meant, f"nothing to patch: {target}"
    change = yaml.safe_load(patch["patch"])
    for manifest in meant:
        if isinstance(change, list):
            replace_values(change, manifest)
        else:
            manifest["spec"] = merged(manifest["spec"], copy.deepcopy(change["spec"]))


def replace_values(operations: list[dict[str, Any]], manifest: Manifest) -> None:
    """Perform a JSON patch that replaces what is there."""
    for operation in operations:
        assert operation.keys() == {"op", "path", "value"}
        assert operation["op"] == "replace"
        *way, last = operation["path"].strip("/").split("/")
        place = manifest
        for part in way:
            place = place[part]
        assert last in place, f"nothing to replace: {operation['path']}"
        place[last] = operation["value"]


def merged(old: Any, new: Any, key: str = "") -> Any:
    """Return a value with a strategic merge patch applied; `key`: where it stands."""
    if isinstance(old, dict) and isinstance(new, dict):
        both = {**old, **{name: merged(old.get(name), value, name) for name, value in new.items()}}
        return {name: value for name, value in both.items() if value is not None}
    if key in MERGED_BY and isinstance(new, list):
        return merged_list(old or [], new, MERGED_BY[key])
    return new


def merged_list(old: list[dict[str, Any]], new: list[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Merge elements that have the same key; what the patch names stands first."""
    changes = {element[by]: element for element in new}
    there = {element[by]: element for element in old}
    gone = {name for name, element in changes.items() if element.get("$patch") == "delete"}
    assert gone <= there.keys(), f"nothing to delete: {gone - there.keys()}"
    names = [*(name for name in changes if name not in gone), *(name for name in there if name not in changes)]
    return [merged(there.get(name, {}), changes.get(name, {})) for name in names]


def adjust(manifest: Manifest, text: dict[str, Any]) -> None:
    """Add the namespace, the suffix of the name and the labels that a folder gives to what is in it."""
    metadata = manifest["metadata"]
    metadata["name"] += text.get("nameSuffix", "")
    if "namespace" in text and manifest["kind"] not in CLUSTER_WIDE:
        metadata["namespace"] = text["namespace"]
    for labels in text.get("labels", ()):
        assert labels.keys() == {"pairs", "includeTemplates"}
        assert labels["includeTemplates"] is True
        assert manifest["kind"] == "CronJob", "what else has a template, and where?"
        for place in (manifest, manifest["spec"]["jobTemplate"], pod_of(manifest)):
            place["metadata"].setdefault("labels", {}).update(labels["pairs"])


def pod_of(manifest: Manifest) -> dict[str, Any]:
    """Return the template of the pods of a CronJob: its metadata and its spec."""
    place: dict[str, Any] = manifest
    for part in POD_OF_CRONJOB:
        place = place[part]
    return place


def containers_of(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the containers of a CronJob, those that come first included; none of another manifest."""
    if manifest["kind"] != "CronJob":
        return []
    pod = pod_of(manifest)["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def replace_image(image: dict[str, str], manifests: list[Manifest]) -> bool:
    """Give an image its name and tag, wherever it is used. Tell whether it is."""
    assert image.keys() <= {"name", "newName", "newTag"}
    users = [container for manifest in manifests for container in containers_of(manifest)]
    users = [container for container in users if container["image"] == image["name"]]
    for container in users:
        container["image"] = f"{image.get('newName', image['name'])}:{image['newTag']}"
    return bool(users)
