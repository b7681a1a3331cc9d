"""A case per row of the table: two values, what null stores, and where the server's store has it.

Written from the recordings of the real server, not from the mapping under test.
"""
# ruff: noqa: E501 - a table is read with a row per line

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.rig import Stored

CLUSTERS = {"local-20250523164625": "0123456789abcdef12345678", "gpu-cluster": "5123456789abcdef12345678"}
STRATEGIES = {"": "", "default": "aaaa1", "big-nodes": "aaaa2"}
IMAGES = {"ubuntu 20.04": "63047770931401b9baa6e396", "company-go": "63047770931401b9baa6e397"}
HOSTS = {"gitlab": 1, "github-demo": 2, "other-git": 4}
HOST_TYPES = {1: "gitlab", 2: "github", 4: "other"}
MISSING = object()

REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}
PARAMETER = {"key": "MODE", "type": "choice", "default_value": "a", "choice_option": ["a", "b"], "is_credential": False}
STORAGE = {"mount_path": "/data", "provision_type": "dynamic", "storage_class": "cfs", "storage_size_in_gib": 2}
PAIR = {"key": "team", "value": "a"}
DOCKER = {"dockerfile_source": "local", "build_context_dir": "ctx", "dockerfile_directory": "Dockerfile"}
ADVANCED = {"cluster_name": "local-20250523164625"}


@dataclass(frozen=True)
class Case:
    """One row. `first` and `second`: two values; `default`: what null stores (MISSING: null is an error)."""

    first: Any
    second: Any
    store: str
    default: Any = MISSING
    encode: Callable[[Any], Any] = lambda value: value
    around: dict[str, Any] | None = None
    also: Callable[[Stored, Any], None] | None = None


def in_docker(**more: Any) -> dict[str, Any]:
    return {"docker_build_step": {**DOCKER, **more}}


def in_storage(**more: Any) -> dict[str, Any]:
    return {
        "advanced_settings": {**ADVANCED, "storages": {"enabled": True, "storages_properties": [{**STORAGE, **more}]}}
    }


def in_pairs(which: str) -> dict[str, Any]:
    return {"advanced_settings": {**ADVANCED, which: [PAIR]}}


def set_host(stored: Stored, value: Any) -> None:
    stored["repos"][0]["source"] = HOST_TYPES[value]


def set_custom_image(stored: Stored, value: Any) -> None:
    stored["pre_build"]["image_from"] = "custom"


def template_source(stored: Stored, value: Any) -> None:
    stored["post_build"]["docker_build"].update(template_id="65a0000000000000000000aa", docker_file="")
    stored["post_build"]["docker_build"]["template_name"] = "go-dockerfile"


def outputs(names: list[str]) -> list[dict[str, str]]:
    return [{"name": name, "description": ""} for name in ("IMAGE", "PKG_FILE", *names)]


A, S, D = "advanced_settings", "pre_build.storages", "post_build.docker_build"
BOTH = [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]
SPEC = {"cpu_req": 100, "cpu_limit": 2000, "memory_req": 200, "memory_limit": 3000}

PLAIN_CASES: dict[str, Case] = {
    "infrastructure": Case("vm", "kubernetes", "infrastructure"),
    "build_os": Case(
        "ubuntu 20.04", "company-go", "pre_build.image_id", encode=IMAGES.__getitem__, also=set_custom_image
    ),
    "installs[].version": Case("1.20", "1.21", "pre_build.installs.0.version", "", around={"installs": [{"name": "go"}]}),
    "script_type": Case("powershell", "batch_file", "script_type"),
    "build_script": Case("make a\n", "make b\n\n", "scripts", ""),
    "repo_info[].codehost_name": Case(
        "gitlab", "github-demo", "repos.0.codehost_id", encode=HOSTS.__getitem__, around={"repo_info": [REPO]}, also=set_host
    ),
    "repo_info[].branch": Case("main", "dev", "repos.0.branch", "", around={"repo_info": [REPO]}),
    "repo_info[].remote_name": Case("origin", "up", "repos.0.remote_name", "", around={"repo_info": [REPO]}),
    "repo_info[].checkout_path": Case("src", "lib", "repos.0.checkout_path", "", around={"repo_info": [REPO]}),
    "repo_info[].submodules": Case(True, False, "repos.0.submodules", False, around={"repo_info": [REPO]}),
    "repo_info[].enable_commit": Case(True, False, "repos.0.enable_commit", False, around={"repo_info": [REPO]}),
    "repo_info[].commit_id": Case("0a1b2c3", "4d5e6f7", "repos.0.commit_id", "", around={"repo_info": [REPO]}),
    "parameters[].type": Case("choice", "string", "pre_build.envs.0.type", "", around={"parameters": [PARAMETER]}),
    "parameters[].default_value": Case("a", "b", "pre_build.envs.0.value", "", around={"parameters": [PARAMETER]}),
    "parameters[].choice_option": Case(
        ["a", "b"], ["a", "b", "c"], "pre_build.envs.0.choice_option", [], around={"parameters": [PARAMETER]}
    ),
    "parameters[].choice_value": Case(
        ["a"], ["a", "b"], "pre_build.envs.0.choice_value", [], around={"parameters": [PARAMETER]}
    ),
    "parameters[].is_credential": Case(
        True, False, "pre_build.envs.0.is_credential", False, around={"parameters": [PARAMETER]}
    ),
    "parameters[].description": Case("d", "e", "pre_build.envs.0.description", "", around={"parameters": [PARAMETER]}),
    "docker_build_step.dockerfile_source": Case("local", "template", f"{D}.source", around=in_docker(), also=template_source),
    "docker_build_step.build_context_dir": Case("ctx", "$REPONAME_0", f"{D}.work_dir", "", around=in_docker()),
    "docker_build_step.dockerfile_directory": Case("Dockerfile", "d/Dockerfile", f"{D}.docker_file", "", around=in_docker()),
    "docker_build_step.build_args": Case("--a", " --b ", f"{D}.build_args", "", around=in_docker()),
    "docker_build_step.enable_buildkit": Case(True, False, f"{D}.enable_buildkit", False, around=in_docker()),
    "docker_build_step.platforms": Case("linux/amd64", "linux/arm64", f"{D}.platform", "", around=in_docker()),
    f"{A}.cluster_name": Case(
        "gpu-cluster", "local-20250523164625", "pre_build.cluster_id", CLUSTERS["local-20250523164625"],
        encode=CLUSTERS.__getitem__, around={A: ADVANCED},
    ),
    f"{A}.strategy_name": Case(
        "big-nodes", "default", "pre_build.strategy_id", "", encode=STRATEGIES.__getitem__, around={A: ADVANCED}
    ),
    f"{A}.timeout": Case(30, 45, "timeout", 60, around={A: ADVANCED}),
    f"{A}.resource_spec.cpu_req": Case(100, 200, "pre_build.res_req_spec.cpu_req", 0, around={A: {**ADVANCED, "resource_spec": SPEC}}),
    f"{A}.resource_spec.cpu_limit": Case(2000, 2500, "pre_build.res_req_spec.cpu_limit", 1000, around={A: {**ADVANCED, "resource_spec": SPEC}}),
    f"{A}.resource_spec.memory_req": Case(200, 300, "pre_build.res_req_spec.memory_req", 0, around={A: {**ADVANCED, "resource_spec": SPEC}}),
    f"{A}.resource_spec.memory_limit": Case(3000, 4000, "pre_build.res_req_spec.memory_limit", 512, around={A: {**ADVANCED, "resource_spec": SPEC}}),
    f"{A}.resource_spec.gpu_limit": Case("nvidia.com/gpu:1", "nvidia.com/gpu:2", "pre_build.res_req_spec.gpu_limit", "", around={A: ADVANCED}),
    f"{A}.use_host_docker_daemon": Case(True, False, "pre_build.use_host_docker_daemon", False, around={A: ADVANCED}),
    f"{A}.privileged_mode": Case(True, False, "enable_privileged_mode", False, around={A: ADVANCED}),
    f"{A}.cache_setting.cache_dir": Case("/a", "/b", "cache_user_dir", around={A: {**ADVANCED, "cache_setting": {"enabled": True}}}),
    f"{A}.storages.enabled": Case(True, False, f"{S}.enabled", False, around=in_storage()),
    f"{A}.storages.storages_properties": Case([STORAGE], [{**STORAGE, "mount_path": "/b"}], f"{S}.storages_properties", [], around={A: ADVANCED}),
    f"{A}.storages.storages_properties[].provision_type": Case("dynamic", "static", f"{S}.storages_properties.0.provision_type", "", around=in_storage()),
    f"{A}.storages.storages_properties[].access_mode": Case("ReadWriteOnce", "ReadOnlyMany", f"{S}.storages_properties.0.access_mode", "", around=in_storage()),
    f"{A}.storages.storages_properties[].storage_class": Case("cfs", "nfs", f"{S}.storages_properties.0.storage_class", "", around=in_storage()),
    f"{A}.storages.storages_properties[].storage_size_in_gib": Case(2, 3, f"{S}.storages_properties.0.storage_size_in_gib", 0, around=in_storage()),
    f"{A}.storages.storages_properties[].pvc": Case("claim", "other", f"{S}.storages_properties.0.pvc", "", around=in_storage()),
    f"{A}.storages.storages_properties[].subpath": Case("a", "b", f"{S}.storages_properties.0.subpath", "", around=in_storage()),
    f"{A}.storages.storages_properties[].is_temporary": Case(True, False, f"{S}.storages_properties.0.is_temporary", False, around=in_storage()),
    f"{A}.custom_annotations": Case([PAIR], [{**PAIR, "value": "z"}], "pre_build.custom_annotations", [], around={A: ADVANCED}),
    f"{A}.custom_annotations[].value": Case("a", "b", "pre_build.custom_annotations.0.value", "", around=in_pairs("custom_annotations")),
    f"{A}.custom_labels": Case([PAIR], [{**PAIR, "value": "z"}], "pre_build.custom_labels", [], around={A: ADVANCED}),
    f"{A}.custom_labels[].value": Case("a", "b", "pre_build.custom_labels.0.value", "", around=in_pairs("custom_labels")),
    f"{A}.outputs": Case(["bb", "cc"], ["cc"], "outputs", outputs([]), encode=outputs, around={A: ADVANCED}),
}  # fmt: skip


def read(stored: Stored, path: str) -> Any:
    value: Any = stored
    for key in path.split("."):
        if value is None:
            return MISSING
        value = value[int(key)] if key.isdigit() else value.get(key, MISSING)
        if value is MISSING:
            return MISSING
    return value


def write(stored: Stored, path: str, value: Any) -> None:
    *parents, leaf = path.split(".")
    level: Any = stored
    for key in parents:
        level = level[int(key)] if key.isdigit() else level[key]
    level[leaf] = value


def holds(stored: Any, value: Any) -> bool:
    """Equality as the store has it: an absent key is its empty value; objects may hold more keys."""
    if stored is MISSING or stored is None:
        return value in ("", [], 0, False, None)
    if isinstance(value, list):
        return len(stored) == len(value) and all(holds(s, v) for s, v in zip(stored, value, strict=True))
    if isinstance(value, dict):
        return all(holds(stored.get(key, MISSING), item) for key, item in value.items())
    return type(stored) is type(value) and stored == value
