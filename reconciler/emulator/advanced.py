"""The advanced settings of a plain body in the stored form (the contract's section 7, recordings 04 and 21)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .exchange import Document
from .refusals import CrashError, MissingError
from .repositories import ConversionError, present
from .world import World, strategies

DEFAULT_TIMEOUT = 60
_DEFAULT_RESOURCES = {"cpu_limit": 1000, "memory_limit": 512}
_SIZES = {
    (16000, 32768, 4000, 4096): "high",
    (8000, 16384, 2000, 2048): "medium",
    (4000, 8192, 1000, 1024): "low",
    (2000, 2048, 500, 512): "min",
}
DEFINED = "define"


class Settings(NamedTuple):
    """What advanced settings become: parts of the build, of its `pre_build`, and further output names.

    What is empty is left out.
    """

    build: Document
    pre_build: Document
    outputs: list[str]


def stored_settings(world: World, sent: Document | None) -> Settings:
    """The settings of a body, or the server's defaults where the block is left out."""
    return _defaults(world) if sent is None else _given(world, sent)


def _defaults(world: World) -> Settings:
    cluster = world.local_cluster()
    if cluster is None:
        raise CrashError("no local cluster")
    build = {
        "timeout": DEFAULT_TIMEOUT,
        "cache_dir_type": "workspace",
    }
    pre_build = {
        "res_req": "low",
        "res_req_spec": _DEFAULT_RESOURCES,
        "cluster_id": cluster["id"],
        "strategy_id": _last_id(s for s in strategies(cluster) if s.get("default")),
        "storages": {},
    }
    return Settings(build, pre_build, [])


def _given(world: World, sent: Document) -> Settings:
    name = sent["cluster_name"]
    try:
        cluster = world.cluster(name)
    except MissingError as error:
        raise ConversionError(f"failed to find cluster of name: {name}, error: {error}") from None
    build = {
        "timeout": sent["timeout"],
        "enable_privileged_mode": sent["privileged_mode"],
        "advanced_setting_modified": True,
        **_cache(sent["cache_setting"]),
    }
    pre_build = {
        "res_req": _size(sent["resource_spec"]),
        "res_req_spec": sent["resource_spec"],
        "cluster_id": cluster["id"],
        "strategy_id": _last_id(s for s in strategies(cluster) if s.get("name", "") == sent["strategy_name"]),
        "use_host_docker_daemon": sent["use_host_docker_daemon"],
        "storages": sent["storages"],
        "custom_annotations": present(sent["custom_annotations"]),
        "custom_labels": present(sent["custom_labels"]),
    }
    return Settings(build, pre_build, sent["outputs"] or [])


def _cache(sent: Document | None) -> Document:
    if sent is None or not sent["enabled"]:
        return {}
    return {"cache_enable": True, "cache_dir_type": "user_defined", "cache_user_dir": sent["cache_dir"]}


def _size(spec: Document) -> str:
    """The name of a size; any GPU, or any other numbers, make it a defined one."""
    if spec["gpu_limit"]:
        return DEFINED
    numbers = (spec["cpu_limit"], spec["memory_limit"], spec["cpu_req"], spec["memory_req"])
    return _SIZES.get(numbers, DEFINED)


def _last_id(found: Iterable[Document]) -> str:
    """The id of the last strategy of several; an unknown one is silently none (recording 04)."""
    identifier = ""
    for strategy in found:
        identifier = str(strategy["id"])
    return identifier
