"""Builds as the web page leaves them in the store, and what differs between two states of one, field by field."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from reconciler.emulator.documents import BUILD
from tests.rig import Stored

TEMPLATE_ID = "64a0000000000000000000aa"
REPOSITORY = {
    "source": "gitlab", "repo_owner": "org", "repo_namespace": "org", "repo_name": "demo", "remote_name": "origin",
    "branch": "main", "checkout_path": "src", "submodules": True, "codehost_id": 1,
    # what the server works out again, or nothing reads
    "address": "https://gitlab.example.com", "oauth_token": "host-canary", "username": "u", "disable_ssl": True,
    "repo_index": 2, "submission_id": "s",
    # what holds nothing
    "tag": "", "pr": 0, "prs": [], "merge_branches": [], "hidden": False, "is_primary": False, "enable_proxy": False,
}  # fmt: skip
PLAIN: Stored = {
    "name": "api",
    "source": "zadig",
    "template_id": "",
    "product_name": "yaml",
    "timeout": 33,
    "targets": [{"product_name": "yaml", "service_name": "s", "service_module": "m", "build_name": "api", "repos": []}],
    "desc": "made in the page",
    "team": "core",
    "update_time": 1_690_000_000,
    "update_by": "ui-user",
    "repos": [REPOSITORY],
    "infrastructure": "kubernetes",
    "vm_labels": [],
    "script_type": "shell",
    "scripts": "make\n",
    "pre_build": {
        "clean_workspace": True,
        "res_req": "high",
        "res_req_spec": {"cpu_limit": 16000, "memory_limit": 32768, "cpu_req": 4000, "memory_req": 4096},
        "build_os": "focal",
        "image_from": "koderover",
        "image_id": "63047770931401b9baa6e396",
        "installs": [{"name": "go", "version": "1.20"}],
        "envs": [
            {"key": "A", "value": "1", "type": "choice", "choice_option": ["1", "2"], "description": "da"},
            {"key": "PW", "value": "page-canary", "type": "string", "is_credential": True, "description": "the key"},
        ],
        "enable_proxy": False,
        "parameters": [{"name": "p", "default_value": "d", "param_val": []}],
        "upload_pkg": True,
        "cluster_id": "5123456789abcdef12345678",
        "cluster_source": "fixed",
        "strategy_id": "bbbb1",
        "use_host_docker_daemon": True,
        "storages": {"enabled": True, "storages_properties": [{"mount_path": "/x", "pvc": "claim"}]},
        "custom_annotations": [{"key": "a", "value": "b"}],
        "custom_labels": [{"key": "a", "value": "b"}, {"key": "c", "value": "d"}],
        "namespace": "ns",
    },
    "post_build": {
        "docker_build": {
            "work_dir": "$W", "docker_file": "Dockerfile", "build_args": "x", "source": "local", "template_id": "",
            "template_name": "", "enable_buildkit": True, "platform": "linux/amd64",
        },
        "object_storage_upload": {"enabled": False, "object_storage_id": "66aa", "upload_detail": []},
        "file_archive": {"file_location": ""},
        "scripts": "",
    },
    "cache_enable": False,
    "cache_dir_type": "user_defined",
    "cache_user_dir": "/left/over",
    "enable_privileged_mode": True,
    "advanced_setting_modified": True,
    "outputs": [{"name": "IMAGE", "description": ""}, {"name": "PKG_FILE"}, {"name": "X", "description": ""}],
    "caches": ["c"],
    "sshs": [],
    "pre_deploy": {"build_os": "", "image_from": "", "image_id": "", "installs": []},
    "deploy_vm_labels": [],
    "deploy_repos": [],
    "deploy_type": "",
}  # fmt: skip
"""A build with every setting that an update can keep, and none that it erases."""

TEMPLATE: Stored = {
    **{key: PLAIN[key] for key in ("source", "product_name", "desc", "team", "update_time", "update_by")},
    "name": "tpl",
    "template_id": TEMPLATE_ID,
    "infrastructure": "",
    "pre_build": {"res_req": "low", "image_id": "61af6b575c9beafb9ab130dc", "cluster_id": "0123456789abcdef12345678"},
    "post_build": {},
    "repos": [],
    "targets": [
        {
            "product_name": "yaml",
            "service_name": "shop",
            "service_module": "web",
            "build_name": "tpl",
            "repos": [REPOSITORY],
            "envs": [
                {"key": "name", "value": "page", "type": "string", "description": "who"},
                {"key": "mode", "value": "slow", "type": "choice", "choice_option": ["fast", "slow"]},
                {"key": "pw", "value": "page-canary", "type": "string", "is_credential": True},
                {"key": "flags", "value": "a", "type": "multi-select", "choice_option": ["a", "b", "c"]},
            ],
        }
    ],
}
"""The same from a template: a target with a repository and two inputs."""


def made(base: Stored, **changes: Any) -> Stored:
    """A copy of one of them, changed."""
    return {**copy.deepcopy(base), **changes}


HARMLESS = (
    r"update_time|update_by|advanced_setting_modified|caches",
    r"pre_build\.(res_req|build_os|image_from|clean_workspace|upload_pkg|parameters|namespace|cluster_source)",
    r"(targets\.\d+\.)?repos\.\d+\.(address|oauth_token|username|disable_ssl|repo_index|submission_id)",
    r"targets\.\d+\.build_name",
)
"""No loss though it changes: what the server works out again or nothing in the platform reads (contract, section 3)."""

_HARMLESS = re.compile("|".join(f"({pattern})" for pattern in HARMLESS))


def differences(before: Stored, after: Stored) -> set[str]:
    """The paths of everything that is not as it was and matters: "pre_build.envs.0.value".

    Absent, null, empty and switched off are one (contract, sections 3 and 7).
    """
    left, right = dict(_leaves(BUILD.show(before), "")), dict(_leaves(BUILD.show(after), ""))
    for leaves in (left, right):
        if "cache_enable" not in leaves:  # nothing reads the directory of a cache that is off
            leaves.pop("cache_user_dir", None)
            leaves.pop("cache_dir_type", None)
    changed = {path for path in left.keys() | right.keys() if left.get(path) != right.get(path)}
    return {path for path in changed if not _HARMLESS.match(path)}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if value.get("enabled") is False:
            return
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}.{place}")
    elif value:
        yield path, value
