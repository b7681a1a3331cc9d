"""Which words of a definition speak of which place of the store, and what may change without being named.

Written from the contract (sections 1, 3 and 7) and the recordings. The table of fields, the mapping and the
emulator are not asked: a mistake in them is to be found by this table, not repeated.

A pattern is a place of the stored form, `[]` an element of a list: `pre_build.envs[].value`. Words are paths
of a definition with `{}` for the keys of those elements, the setting itself first and then those that it follows
from. A pattern that ends in `[]` is the presence of an element, one that names a list is the order in it.
"""

from __future__ import annotations

from collections.abc import Mapping

A = "advanced_settings"
CACHE = f"{A}.cache_setting"
VOLUMES = f"{A}.storages.storages_properties"
DOCKER = "docker_build_step"

Words = Mapping[str, tuple[str, ...]]


def _repositories(stored: str, written: str) -> dict[str, tuple[str, ...]]:
    element, words = f"{stored}[].", f"{written}[{{}}]"
    same = ("branch", "remote_name", "checkout_path", "submodules", "enable_commit", "commit_id", "repo_name")
    return {
        stored: (written,),
        f"{stored}[]": (words,),
        **{f"{element}{leaf}": (f"{words}.{leaf}",) for leaf in same},
        f"{element}repo_owner": (f"{words}.repo_namespace", f"{words}.codehost_name"),
        f"{element}repo_namespace": (f"{words}.repo_namespace", f"{words}.codehost_name"),
        f"{element}repo_name": (f"{words}.repo_name", f"{words}.codehost_name"),
        f"{element}codehost_id": (f"{words}.codehost_name",),
        f"{element}source": (f"{words}.codehost_name",),
    }


def _variables(stored: str, written: str, value: str) -> dict[str, tuple[str, ...]]:
    element, words = f"{stored}[].", f"{written}[{{}}]"
    return {
        stored: (written,),
        f"{stored}[]": (words,),
        f"{element}value": (f"{words}.{value}",),
        f"{element}type": (f"{words}.type",),
        f"{element}is_credential": (f"{words}.is_credential",),
    }


def _pairs(name: str) -> dict[str, tuple[str, ...]]:
    stored, words = f"pre_build.{name}", f"{A}.{name}"
    return {f"{stored}[]": (f"{words}[{{}}]", words, A), f"{stored}[].value": (f"{words}[{{}}].value", A)}


_VOLUME = ("provision_type", "access_mode", "storage_class", "storage_size_in_gib", "pvc", "subpath", "is_temporary")
_IMAGE_STEP = {
    "source": ("dockerfile_source",),
    "work_dir": ("build_context_dir",),
    "docker_file": ("dockerfile_directory", "dockerfile_source"),
    "build_args": ("build_args",),
    "template_id": ("template_name", "dockerfile_source"),
    "template_name": ("template_name", "dockerfile_source"),
    "enable_buildkit": ("enable_buildkit",),
    "platform": ("platforms",),
}
_RESOURCES = ("cpu_req", "cpu_limit", "memory_req", "memory_limit", "gpu_limit")

PLAIN: Words = {
    "infrastructure": ("infrastructure",),
    "script_type": ("script_type",),
    "scripts": ("build_script",),
    "pre_build.image_id": ("build_os",),
    "pre_build.installs": ("installs",),
    "pre_build.installs[]": ("installs[{}]",),
    "pre_build.installs[].version": ("installs[{}].version",),
    **_repositories("repos", "repo_info"),
    **_variables("pre_build.envs", "parameters", "default_value"),
    **{f"pre_build.envs[].{leaf}": (f"parameters[{{}}].{leaf}",) for leaf in ("choice_option", "choice_value")},
    "pre_build.envs[].description": ("parameters[{}].description",),
    "targets[]": ("services[{}]",),
    "post_build.docker_build": (DOCKER,),
    **{f"post_build.docker_build.{k}": tuple(f"{DOCKER}.{w}" for w in words) for k, words in _IMAGE_STEP.items()},
    "timeout": (f"{A}.timeout", A),
    "pre_build.cluster_id": (f"{A}.cluster_name", A),
    "pre_build.strategy_id": (f"{A}.strategy_name", f"{A}.cluster_name", A),
    **{f"pre_build.res_req_spec.{leaf}": (f"{A}.resource_spec.{leaf}", A) for leaf in _RESOURCES},
    "pre_build.use_host_docker_daemon": (f"{A}.use_host_docker_daemon", A),
    "enable_privileged_mode": (f"{A}.privileged_mode", A),
    "cache_enable": (f"{CACHE}.enabled", A),
    "cache_dir_type": (f"{CACHE}.enabled", f"{CACHE}.cache_dir", A),
    "cache_user_dir": (f"{CACHE}.cache_dir", f"{CACHE}.enabled", A),
    "pre_build.storages.enabled": (f"{A}.storages.enabled", A),
    "pre_build.storages.storages_properties[]": (f"{VOLUMES}[{{}}]", VOLUMES, A),
    **{f"pre_build.storages.storages_properties[].{k}": (f"{VOLUMES}[{{}}].{k}", A) for k in _VOLUME},
    **_pairs("custom_annotations"),
    **_pairs("custom_labels"),
    "outputs": (f"{A}.outputs",),
    "outputs[]": (f"{A}.outputs",),
}
"""A plain write (section 2, "What detail shows of what was written")."""

TEMPLATE: Words = {
    "template_id": ("template_name",),
    "targets[]": ("target_services[{}]",),
    **_repositories("targets[].repos", "target_services[{}].repo_info"),
    **_variables("targets[].envs", "target_services[{}].inputs", "value"),
}
"""A template write: template and targets are replaced, the rest stays (section 3)."""

UNSEEN = frozenset({
    "infrastructure", "script_type", "enable_privileged_mode", "cache_dir_type",
    "repos[].enable_commit", "repos[].commit_id", "repos[].codehost_id", "repos[].repo_namespace",
    "targets[].repos[].repo_namespace",
    "targets[].repos[].enable_commit", "targets[].repos[].commit_id", "targets[].repos[].codehost_id",
    "pre_build.envs[].choice_option", "pre_build.envs[].choice_value", "pre_build.envs[].description",
    *(pattern for pattern in PLAIN if pattern.startswith(("pre_build.storages", "pre_build.custom_"))),
})  # fmt: skip
"""Of all these, what detail never shows: declared it may change without being a difference that a plan can see."""

OF_AN_UNSEEN_HOST = ("repos[].source", "targets[].repos[].source")
"""What goes with a code host: of which type a declared alias is, no documented call tells.

Only where the plan names the loss of what cannot be seen, code host aliases among it, and that was let go.
"""

UNSEEN_IN_A_BLOCK = ("pre_build.strategy_id",)
"""What `advanced_settings: null` sets to a value that no call tells: the local cluster's default strategy."""

SHOWN_LOSSES = (
    "template_id", "cache_enable", "cache_user_dir",
    "repos[].hidden", "targets[].repos[].hidden", "outputs[].description",
    "post_build.scripts", "post_build.file_archive", "post_build.object_storage_upload",
)  # fmt: skip
"""What an update erases and detail shows (section 3): never covered by the one loss that is called `unreadable`."""

_REPOSITORY = ("address", "oauth_token", "username", "disable_ssl", "repo_index", "submission_id")
HARMLESS = frozenset({
    "update_time", "update_by", "advanced_setting_modified", "caches", "targets[].build_name", "targets",
    *(f"pre_build.{key}" for key in ("res_req", "build_os", "image_from", "clean_workspace", "upload_pkg")),
    *(f"pre_build.{key}" for key in ("parameters", "namespace", "cluster_source")),
    *(f"{parent}[].{key}" for parent in ("repos", "targets[].repos") for key in _REPOSITORY),
    "pre_build.custom_annotations", "pre_build.custom_labels", "pre_build.storages.storages_properties",
})  # fmt: skip
"""Section 3, "No loss, though it changes"; and the order of what is a set."""

IDLE_CACHE = ("cache_dir_type", "cache_user_dir")
"""Mean nothing while the cache is off."""

IDLE_IMAGE = {
    "post_build.docker_build.docker_file": "template",
    "post_build.docker_build.template_name": "local",
    "post_build.docker_build.template_id": "local",
}
"""What means nothing while the Dockerfile is from there: every write drops it (section 1), and nothing reads it."""

_TAKEN = ("choice_option", "description", "script", "function_reference")
FROM_TEMPLATE = frozenset({"targets[].envs", *(f"targets[].envs[].{key}" for key in _TAKEN)})
"""What a template write takes from the template, whatever was there (section 1, "Template body")."""

LEFTOVERS = ("targets", "template_id", "vm_labels", "source", "desc", "team", "jenkins_build", "name", "product_name")
"""What counts of a template build; all else is placeholders, or was left by the plain build that it once was.

A plain write cannot leave it (section 3: it regenerates the whole build), and nothing reads it meanwhile, a cache and
its directory neither: who made the template build of the plain one ended it, and our own plan named each setting then.
"""

ALIASES = {
    "template_id": "template_name", "repos": "repo_info", "pre_build.envs": "parameters", "targets": "services",
    "pre_build.installs": "installs", "pre_build.storages": f"{A}.storages",
    "pre_build.custom_annotations": f"{A}.custom_annotations", "pre_build.custom_labels": f"{A}.custom_labels",
    "enable_privileged_mode": f"{A}.privileged_mode", "post_build.docker_build": DOCKER,
}  # fmt: skip
"""How a loss may begin where a definition has a word for the list or the object, and none for the setting."""
