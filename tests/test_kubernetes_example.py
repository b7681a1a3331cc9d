"""The example for Kubernetes: what is applied is valid for the API, and as confined as it says.

`tests/kubernetes/` has what this needs without a network: the API's schemas, the manifests as `kubectl kustomize`
renders them (`UPDATE_GOLDEN=1` asks it again), and a small strict renderer of our own, so that a machine without
kubectl checks as much.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubernetes.example import EXAMPLE, KUBERNETES, VARIANTS, complaints, documents, golden, jobs, pod
from tests.kubernetes.kustomize import Manifest, containers_of, pod_of, render

# What is applied ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_our_renderer_says_what_kubectl_said(variant: str):
    """Manifest by manifest, for the example as it is and with each component."""
    assert render(EXAMPLE, *VARIANTS[variant]) == golden(variant)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed; the test above stands for it")
@pytest.mark.parametrize("variant", VARIANTS)
def test_kubectl_still_says_it(variant: str, tmp_path: Path):
    """The golden files are those of the files as they are now."""
    shutil.copytree(EXAMPLE, tmp_path / "example")
    if VARIANTS[variant]:
        with (tmp_path / "example" / "kustomization.yaml").open("a", encoding="utf-8") as file:
            file.write("".join(("components:\n", *(f"  - {name}\n" for name in VARIANTS[variant]))))
    environ = {**os.environ, "HOME": str(tmp_path)}
    made = subprocess.run(
        ["kubectl", "kustomize", "example"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    ).stdout
    if os.environ.get("UPDATE_GOLDEN"):
        (KUBERNETES / "rendered" / f"{variant}.yaml").write_text(made, encoding="utf-8")
    assert {f"{each['kind']}/{each['metadata']['name']}": each for each in yaml.safe_load_all(made)} == golden(variant)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_manifest_is_valid_for_the_api(variant: str):
    """Strictly: by the schemas of Kubernetes, where a key that they do not know is an error."""
    found = {name: wrong for name, each in golden(variant).items() if (wrong := complaints(each))}
    assert found == {}
    kinds = [name.partition("/")[0] for name in golden(variant)]
    assert sorted(kinds) == ["ConfigMap", "CronJob", "CronJob", "Namespace", "NetworkPolicy"]


def test_the_secrets_that_are_shown_are_valid_for_the_api():
    assert [wrong for each in documents(EXAMPLE / "secrets.example.yaml") for wrong in complaints(each)] == []


def spoil(way: str, value: Any) -> Callable[[Manifest], None]:
    """Return what puts a value (None: takes what is there) at a path below the pod's spec, or from the top with "/"."""

    def change(job: Manifest) -> None:
        place: Any = job if way.startswith("/") else pod(job)
        *parts, last = way.strip("/").split("/")
        for part in parts:
            place = place[int(part)] if part.isdigit() else place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("/spec/concurencyPolicy", "Forbid"), "'concurencyPolicy' was unexpected"),
        (spoil("/spec/schedule", None), "'schedule' is a required property"),
        (spoil("/spec/jobTemplate/spec/backoffLimit", "3"), "'3' is not of type 'integer'"),
        (spoil("containers/0/securityContext/readOnlyRootFileSystem", True), "'readOnlyRootFileSystem' was unexpected"),
        (spoil("containers/0/envFrom/0/configMapRef", "reconciler"), "is not of type 'object'"),
        (spoil("volumes/1/emptyDir/sizeLimit", ["64Mi"]), "is not valid under any of the given schemas"),
    ],
    ids=["misspelled", "missing", "text-for-a-number", "misspelled-deep-down", "text-for-an-object", "list-for-text"],
)
def test_the_schemas_find_what_is_wrong(change: Callable[[Manifest], None], said: str):
    """The positive control of the tests above."""
    job = golden("plain")["CronJob/drift-shop"]
    assert complaints(job) == []
    change(job)
    (complaint,) = complaints(job)
    assert said in complaint


# How it is confined ------------------------------------------------------------------------------------------

CONFINED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
USER = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
OPEN = ("hostNetwork", "hostPID", "hostIPC", "hostUsers", "serviceAccountName")
HARMLESS = {"emptyDir", "secret", "configMap"}


def weaknesses(job: Manifest) -> Iterator[str]:
    """What a pod may do that a look for drift has no need of."""
    spec = pod(job)
    if spec.get("automountServiceAccountToken") is not False:
        yield "a token of the cluster's API"
    yield from (key for key in OPEN if key in spec)
    context = spec.get("securityContext", {})
    yield from (f"pod {key}" for key, value in USER.items() if context.get(key) != value)
    if not context.get("runAsUser"):
        yield "pod runAsUser"
    yield from (f"volume {volume['name']}" for volume in spec["volumes"] if not volume.keys() - {"name"} <= HARMLESS)
    for container in containers_of(job):
        if container.get("securityContext") != CONFINED:
            yield f"{container['name']} securityContext"
        if not (container["resources"]["requests"] and container["resources"]["limits"]["memory"]):
            yield f"{container['name']} resources"
        for mount in container["volumeMounts"]:
            if mount["mountPath"] != "/tmp" and not mount.get("readOnly") and container["name"] != "checkout":
                yield f"{container['name']} writes {mount['mountPath']}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_job_may_do_nothing_that_it_does_not_need(variant: str):
    """No root, no capability, no writable system, no token of the cluster; only /tmp can be written while it looks."""
    assert {name: found for name, job in jobs(variant).items() if (found := list(weaknesses(job)))} == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil("automountServiceAccountToken", None), "a token of the cluster's API"),
        (spoil("hostNetwork", True), "hostNetwork"),
        (spoil("securityContext/runAsNonRoot", False), "pod runAsNonRoot"),
        (spoil("securityContext/runAsUser", 0), "pod runAsUser"),
        (spoil("securityContext/seccompProfile", {"type": "Unconfined"}), "pod seccompProfile"),
        (spoil("containers/0/securityContext/readOnlyRootFilesystem", None), "drift securityContext"),
        (spoil("initContainers/0/securityContext/capabilities", {"add": ["NET_RAW"]}), "checkout securityContext"),
        (spoil("containers/0/resources/limits", {"memory": ""}), "drift resources"),
        (spoil("containers/0/volumeMounts/0/readOnly", None), "drift writes /tree"),
        (spoil("volumes/0/hostPath", {"path": "/"}), "volume tree"),
    ],
)
def test_each_weakness_would_be_found(change: Callable[[Manifest], None], said: str):
    """The positive control of the test above."""
    job = copy.deepcopy(jobs()["CronJob/drift-shop"])
    change(job)
    assert list(weaknesses(job)) == [said]


def test_the_namespace_holds_its_pods_to_the_strictest_standard():
    """So that the cluster refuses what somebody loosens later."""
    labels = golden("plain")["Namespace/reconciler"]["metadata"]["labels"]
    assert labels == {"pod-security.kubernetes.io/enforce": "restricted"}


def test_the_network_is_closed_but_for_names_and_https():
    """For the pods of every job; nobody can connect to them."""
    rules = golden("plain")["NetworkPolicy/drift"]["spec"]
    assert rules["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in rules
    assert {port["port"] for rule in rules["egress"] for port in rule["ports"]} == {53, 443}
    for job in jobs().values():
        labels = pod_of(job)["metadata"]["labels"]
        assert rules["podSelector"]["matchLabels"].items() <= labels.items()


def test_no_secret_has_a_value_and_none_is_applied():
    """Placeholders alone, in a file that no kustomization names; tokens are mounted, each where it is needed."""
    shown = documents(EXAMPLE / "secrets.example.yaml")
    assert {value for each in shown for value in each["stringData"].values()} == {"REPLACE-ME"}
    assert not any(name.startswith("Secret/") for variant in VARIANTS for name in golden(variant))
    for job in jobs().values():
        mounted = {each["name"]: {m["name"] for m in each["volumeMounts"]} for each in containers_of(job)}
        assert mounted == {"checkout": {"tree", "tmp", "git-token"}, "drift": {"tree", "tmp", "zadig-token"}}
        assert "ZADIG_TOKEN" not in json.dumps(job)
