"""The stored build, as the internal read shows it (the contract's section 5, recordings 19 to 24).

Which keys are left out when empty is part of the shape. The store itself holds plain documents with these
keys; an absent key means its empty value.
"""

from __future__ import annotations

from .bodies import LABEL, RESOURCES, STORAGES
from .exchange import Document
from .shapes import ANYTHING, FLAG, TEXT, WHOLE, Field, Many, Optional, Struct


def _texts(*names: str) -> list[Field]:
    return [Field(name, TEXT) for name in names]


def _omitted(*names: str) -> list[Field]:
    return [Field(name, TEXT, omit=True) for name in names]


INSTALL = Struct(*_texts("name", "version"))
OUTPUT = Struct(*_texts("name", "description"))
REPOSITORY = Struct(
    *_omitted("source"),
    *_texts("repo_owner", "repo_namespace", "repo_name"),
    *_omitted("remote_name"),
    *_texts("branch"),
    Field("merge_branches", Many(TEXT)),
    Field("pr", WHOLE, omit=True),
    Field("prs", Many(WHOLE), omit=True),
    *_omitted("tag"),
    Field("enable_commit", FLAG),
    *_omitted("commit_id", "commit_message", "checkout_path"),
    Field("submodules", FLAG, omit=True),
    Field("hidden", FLAG),
    Field("use_default", FLAG, omit=True),
    Field("is_primary", FLAG),
    Field("codehost_id", WHOLE),
    *_texts("oauth_token", "address"),
    *_omitted("author_name", "checkout_ref", "username", "password", "perforce_host"),
    Field("perforce_port", WHOLE, omit=True),
    Field("enable_proxy", FLAG, omit=True),
    *_omitted("filter_regexp", "auth_type", "ssh_key", "private_access_token"),
    *_texts("source_from", "param_name", "job_name", "service_name", "service_module"),
    Field("repo_index", WHOLE),
    *_texts("submission_id"),
    Field("disable_ssl", FLAG),
    *_omitted("depot_type", "stream", "view_mapping"),
    Field("changelist_id", WHOLE, omit=True),
    Field("shelve_id", WHOLE, omit=True),
)
VARIABLE = Struct(
    *_texts("key", "value"),
    *_omitted("type"),
    *_texts("registry_id"),
    Field("choice_option", Many(TEXT), omit=True),
    Field("choice_value", Many(TEXT), omit=True),
    *_omitted("script", "call_function"),
    Field("function_reference", Many(TEXT), omit=True),
    *_omitted("file_path", "file_name", "file_id"),
    Field("is_credential", FLAG),
    *_texts("description"),
    Field("required", FLAG, omit=True),
)
TARGET = Struct(
    *_texts("product_name", "service_name", "service_module", "build_name"),
    Field("repos", Many(Optional(REPOSITORY)), omit=True),
    Field("envs", Many(Optional(VARIABLE))),
)
SERVICE = Struct(*_texts("product_name", "service_name", "service_module"))
TARGET_REPOS = Struct(
    Field("service", Optional(SERVICE)),
    Field("repos", Many(Optional(REPOSITORY))),
    Field("envs", Many(Optional(VARIABLE))),
)
_SCRIPT_PARAMETER = Struct(
    *_texts("name", "default_value"),
    Field("param_val", Many(Optional(Struct(*_texts("target", "value"))))),
)
PRE_BUILD = Struct(
    Field("clean_workspace", FLAG),
    *_texts("res_req"),
    Field("res_req_spec", RESOURCES),
    *_texts("build_os", "image_from", "image_id"),
    Field("installs", Many(Optional(INSTALL))),
    Field("envs", Many(Optional(VARIABLE))),
    Field("enable_proxy", FLAG),
    Field("parameters", Many(Optional(_SCRIPT_PARAMETER))),
    Field("upload_pkg", FLAG),
    *_texts("cluster_id", "cluster_source", "strategy_id"),
    Field("use_host_docker_daemon", FLAG),
    Field("storages", Optional(STORAGES)),
    Field("custom_annotations", Many(Optional(LABEL))),
    Field("custom_labels", Many(Optional(LABEL))),
    *_texts("namespace"),
)
DOCKER_BUILD = Struct(
    *_texts("work_dir", "docker_file", "build_args", "source", "template_id", "template_name"),
    Field("enable_buildkit", FLAG),
    *_texts("platform"),
)
UPLOAD = Struct(
    Field("enabled", FLAG),
    *_texts("object_storage_id"),
    Field("upload_detail", Many(Optional(Struct(*_texts("file_path", "abs_file_path", "dest_path"))))),
)
POST_BUILD = Struct(
    Field("docker_build", Optional(DOCKER_BUILD)),
    Field("object_storage_upload", Optional(UPLOAD)),
    Field("file_archive", Optional(Struct(*_texts("file_location"))), omit=True),
    *_texts("scripts"),
)
PRE_DEPLOY = Struct(
    *_texts("build_os", "image_from", "image_id"),
    Field("installs", Many(Optional(INSTALL))),
)
JENKINS_PARAMETER = Struct(
    *_omitted("name"),
    Field("value", ANYTHING, omit=True),
    *_omitted("type"),
    Field("auto_generate", FLAG, omit=True),
    Field("choice_option", Many(TEXT), omit=True),
    Field("choice_value", Many(TEXT), omit=True),
)
JENKINS = Struct(
    *_texts("jenkins_id", "job_name"),
    Field("jenkins_build_params", Many(Optional(JENKINS_PARAMETER)), stored="jenkins_build_param"),
)
BUILD = Struct(
    *_omitted("id"),
    *_texts("name"),
    *_omitted("team", "source"),
    *_texts("template_id"),
    Field("timeout", WHOLE),
    Field("targets", Many(Optional(TARGET))),
    Field("target_repos", Many(Optional(TARGET_REPOS))),
    *_texts("desc"),
    Field("update_time", WHOLE),
    *_texts("update_by"),
    Field("repos", Many(Optional(REPOSITORY))),
    Field("pre_build", Optional(PRE_BUILD)),
    *_texts("infrastructure"),
    Field("vm_labels", Many(TEXT)),
    Field("jenkins_build", Optional(JENKINS), omit=True),
    *_texts("script_type", "scripts"),
    Field("post_build", Optional(POST_BUILD)),
    Field("caches", Many(TEXT)),
    *_texts("product_name"),
    Field("sshs", Many(TEXT)),
    Field("pre_deploy", Optional(PRE_DEPLOY)),
    *_texts("deploy_infrastructure"),
    Field("deploy_vm_labels", Many(TEXT)),
    Field("deploy_repos", Many(Optional(REPOSITORY))),
    *_texts("deploy_type", "deploy_artifact_type", "pm_deploy_script_type", "pm_deploy_scripts"),
    Field("cache_enable", FLAG),
    *_texts("cache_dir_type", "cache_user_dir"),
    Field("enable_privileged_mode", FLAG),
    Field("advanced_setting_modified", FLAG),
    Field("outputs", Many(Optional(OUTPUT))),
)


def generated(document: Document) -> Document:
    """What a write puts into the store: every key that the internal read shows, but two.

    `target_repos` is worked out when it is read, and a description that is empty is not written, so that an
    update leaves today's (recording 20).
    """
    shown: Document = BUILD.show(document)
    del shown["target_repos"], shown["desc"]
    return shown
