"""The two request bodies (the contract's section 1): their shapes, and what must not be missing."""

from __future__ import annotations

from . import gojson
from .exchange import Document
from .refusals import BodyError
from .shapes import ANYTHING, FLAG, TEXT, WHOLE, Field, Many, Optional, Struct


def _texts(*names: str) -> list[Field]:
    return [Field(name, TEXT) for name in names]


# Some keys of a repository are read for their type and then forgotten: those of Perforce.
REPOSITORY = Struct(
    *_texts("codehost_name", "repo_namespace", "repo_name", "branch"),
    *_texts("commit_id", "remote_name", "checkout_path", "stream", "view_mapping"),
    Field("enable_commit", FLAG),
    Field("submodules", FLAG),
    Field("pr", WHOLE),
    Field("prs", Many(WHOLE)),
    Field("changelist_id", WHOLE),
    Field("shelve_id", WHOLE),
)
PARAMETER = Struct(
    *_texts("key", "type", "default_value", "description"),
    Field("choice_option", Many(TEXT)),
    Field("choice_value", Many(TEXT)),
    Field("is_credential", FLAG),
)
INPUT = Struct(*_texts("key", "value", "type"), Field("is_credential", FLAG))
DOCKER_STEP = Struct(
    *_texts("dockerfile_source", "build_context_dir", "dockerfile_directory"),
    *_texts("build_args", "template_name", "platforms"),
    Field("enable_buildkit", FLAG),
)
RESOURCES = Struct(
    Field("cpu_limit", WHOLE),
    Field("memory_limit", WHOLE),
    Field("cpu_req", WHOLE),
    Field("memory_req", WHOLE),
    Field("gpu_limit", TEXT),
)
STORAGE = Struct(
    *_texts("provision_type", "storage_class", "pvc", "access_mode", "subpath", "mount_path"),
    Field("storage_size_in_gib", WHOLE),
    Field("is_temporary", FLAG),
)
STORAGES = Struct(Field("enabled", FLAG), Field("storages_properties", Many(Optional(STORAGE))))
LABEL = Struct(Field("key", TEXT), Field("value", ANYTHING))
CACHE = Struct(Field("enabled", FLAG), Field("cache_dir", TEXT))
ADVANCED = Struct(
    *_texts("cluster_name", "strategy_name"),
    Field("timeout", WHOLE),
    Field("resource_spec", RESOURCES),
    Field("use_host_docker_daemon", FLAG),
    Field("privileged_mode", FLAG),
    Field("cache_setting", Optional(CACHE)),
    Field("storages", Optional(STORAGES)),
    Field("custom_annotations", Many(Optional(LABEL))),
    Field("custom_labels", Many(Optional(LABEL))),
    Field("outputs", Many(TEXT)),
)
PLAIN = Struct(
    *_texts("name", "project_key", "infrastructure", "build_os", "script_type", "build_script"),
    Field("installs", Many(Optional(Struct(*_texts("name", "version"))))),
    Field("repo_info", Many(Optional(REPOSITORY))),
    Field("parameters", Many(Optional(PARAMETER))),
    Field("services", Many(Optional(Struct(*_texts("service_name", "service_module"))))),
    Field("docker_build_step", Optional(DOCKER_STEP)),
    Field("advanced_settings", Optional(ADVANCED)),
)
TARGET = Struct(
    *_texts("service_name", "service_module"),
    Field("repo_info", Many(Optional(REPOSITORY))),
    Field("inputs", Many(Optional(INPUT))),
)
TEMPLATE = Struct(
    *_texts("name", "project_key", "template_name"),
    Field("target_services", Many(Optional(TARGET))),
)


def read_plain(body: bytes) -> Document:
    """The plain body; an absent list is `None`."""
    return _read(PLAIN, body, ("name", "project_key", "infrastructure", "build_os", "script_type"))


def read_template(body: bytes) -> Document:
    """The template body; `target_services` may be empty here, it is looked at after the permission."""
    document = _read(TEMPLATE, body, ("name", "project_key", "template_name"))
    if document["target_services"] is None:
        raise BodyError("target_services is required")
    return document


def _read(shape: Struct, body: bytes, required: tuple[str, ...]) -> Document:
    document: Document = shape.read(gojson.parse(body), shape.zero)
    for name in required:
        if not document[name]:
            raise BodyError(f"{name} is required")
    return document
