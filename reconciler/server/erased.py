"""What a write erases, found in the stored build by leaving away what a request carries or the server works out.

What we do not know is named too: a key that a later version adds is a loss like any other, never dropped.
Facts: contract, section 3, and recording 20, which holds two internal reads around the most careful update.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.model.build import Build, Value, elements_of
from reconciler.model.fields import PLAIN, TEMPLATE, Elements, Row
from reconciler.model.live import Loss
from reconciler.server.typed import Json, branch, objects, text

_CACHE = "advanced_settings.cache_setting"


def _carried(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of the stored form, in the object `under`, that the table's rows read."""
    paths = [row.internal.removeprefix(under) for row in rows if row.internal.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


def _shown(rows: tuple[Row, ...], under: str = "") -> frozenset[str]:
    """Return the keys of a detail answer, in the object `under`, that the table's rows read."""
    paths = [row.detail.removeprefix(under) for row in rows if row.detail.startswith(under)]
    return frozenset(path.partition(".")[0] for path in paths if path)


def _rows_of(path: str, rows: tuple[Row, ...] = PLAIN) -> tuple[Row, ...]:
    return next(row.rows for row in rows if isinstance(row, Elements) and row.path == path)


_IDENTITY = frozenset({"id", "name", "product_name", "update_time", "update_by", "template_id", "target_repos"})
_KEPT = frozenset({"desc", "team", "source", "jenkins_build"})
_WORKED_OUT = frozenset({"cache_dir_type", "advanced_setting_modified", "caches"})
_BUILD = _carried(PLAIN) | _IDENTITY | _KEPT | _WORKED_OUT
_PRE_BUILD = _carried(PLAIN, "pre_build.") | frozenset(
    {"res_req", "build_os", "image_from", "clean_workspace", "upload_pkg", "parameters", "namespace", "cluster_source"}
)
_POST_BUILD = frozenset({"docker_build", "object_storage_upload", "file_archive", "scripts"})
_DOCKER = _carried(PLAIN, "post_build.docker_build.") | {"template_id"}
_REPOSITORY = _carried(_rows_of("repo_info")) | frozenset(
    {"source", "repo_owner", "hidden", "address", "oauth_token", "username", "disable_ssl"}
    | {"repo_index", "submission_id"}
)
_VARIABLE = _carried(_rows_of("parameters"))
_INPUT = _VARIABLE | {"script", "function_reference"}
_TARGET = _carried(_rows_of("services")) | {"product_name", "build_name"}
_STORAGES = _carried(PLAIN, "pre_build.storages.")
_SPEC = _carried(PLAIN, "pre_build.res_req_spec.")
_DETAIL = {
    "": _shown(PLAIN) | _shown(TEMPLATE) | {"project_key", "name", "source", "update_by", "update_time"},
    "build_env": _shown(PLAIN, "build_env.") | {"basic_image_id"},
    "advanced_settings": _shown(PLAIN, "advanced_settings.")
    | {"storages", "privileged_mode", "custom_annotations", "custom_labels", "outputs"},
    "post_build": _shown(PLAIN, "post_build.") | _POST_BUILD,
}
_SHOWN_REPOSITORY = _shown(_rows_of("repo_info")) | _REPOSITORY
_SHOWN_VARIABLE = _shown(_rows_of("parameters")) | _VARIABLE
"""Of each object: what a request carries, every write keeps, a template gives back, or is no loss."""

_SMALL = frozenset({"is_primary", "use_default", "hidden"})
"""What only the page and messages show (contract, section 3)."""

_SECRET_KEY = re.compile("token|passw|secret|ssh_key|private|credential", re.IGNORECASE)
"""Names of keys whose values are not told."""


def as_text(value: object) -> str:
    """Return any JSON as text with sorted keys: same value, same text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def counts(value: object) -> bool:
    """Tell whether a setting holds more than its empty value (contract, section 3, "No loss")."""
    if isinstance(value, Mapping):
        return value.get("enabled", True) is not False and any(counts(item) for item in value.values())
    return bool(value)


def _rest(level: Json, known: frozenset[str], parent: str) -> Iterator[Loss]:
    """Name every key of a level beyond the known ones that holds anything."""
    for key in sorted(level):
        value = level[key]
        if key in known or not counts(value):
            continue
        secret = _SECRET_KEY.search(key) is not None or _holds_secret(value)
        yield Loss(f"{parent}{key}", "" if secret else as_text(value), secret, key in _SMALL)


def _holds_secret(value: object) -> bool:
    """Tell whether anything inside of a value is a secret by its key, or a credential's value."""
    if isinstance(value, list):
        return any(_holds_secret(item) for item in value)
    if not isinstance(value, Mapping):
        return False
    if value.get("is_credential") is True:
        return True
    return any(
        counts(v) and (_SECRET_KEY.search(k) or _holds_secret(v)) for k, v in value.items() if k != "is_credential"
    )


def new_keys(detail: Json, shown: Mapping[str, Value]) -> Iterator[Loss]:
    """Name what a plain build's detail holds under keys that this version does not know."""
    for block, known in _DETAIL.items():
        level = branch(detail, (block,)) if block else detail
        for loss in _rest(level, known, f"{block}." if block else ""):
            yield replace(loss, new=True)
    lists = (("repos", "repo_info", _SHOWN_REPOSITORY), ("parameters", "parameters", _SHOWN_VARIABLE))
    for key, path, known in lists:
        for element, item in zip(elements_of(shown.get(path)), objects(detail, key), strict=True):
            for loss in _rest(item, known, f"{path}[{element.key}]."):
                secret = loss.secret or item.get("is_credential") is True
                yield replace(loss, new=True, secret=secret, value="" if secret else loss.value)


def _repositories(items: list[Json], seen: Value | None, parent: str) -> Iterator[Loss]:
    for element, item in zip(elements_of(seen), items, strict=True):
        here = f"{parent}[{element.key}]."
        yield from _rest(item, _REPOSITORY, here)
        owner, namespace = text(item, "repo_owner"), text(item, "repo_namespace")
        if namespace and owner and owner != namespace:
            yield Loss(f"{here}repo_namespace", namespace)


def _variables(items: list[Json], known: frozenset[str], seen: Value | None, parent: str) -> Iterator[Loss]:
    for element, item in zip(elements_of(seen), items, strict=True):
        yield from _rest(item, known, f"{parent}[{element.key}].")


def plain_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a plain update erases and detail does not show."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    yield from _rest(stored, _BUILD, "")
    yield from _repositories(objects(stored, "repos"), whole.values.get("repo_info"), "repo_info")
    yield from _variables(objects(pre, "envs"), _VARIABLE, whole.values.get("parameters"), "parameters")
    yield from _rest(pre, _PRE_BUILD, "pre_build.")
    yield from _rest(post, _POST_BUILD, "post_build.")
    yield from _rest(branch(post, ("docker_build",)), _DOCKER, "docker_build_step.")
    for element, target in zip(elements_of(whole.values.get("services")), objects(stored, "targets"), strict=True):
        yield from _rest(target, _TARGET, f"services[{element.key}].")
    yield from _inner_rest(pre)
    if (
        stored.get("cache_enable") is True
        and stored.get("cache_dir_type") == "workspace"
        and text(stored, "cache_user_dir")
    ):
        yield Loss(_CACHE, "a cache of the workspace")


def _inner_rest(pre: Json) -> Iterator[Loss]:
    """Name keys inside of what the table describes, and values of labels that are no texts."""
    yield from _rest(
        branch(pre, ("storages",)), frozenset({"enabled", "storages_properties"}), "advanced_settings.storages."
    )
    spec = frozenset(["cpu_limit", "memory_limit", "cpu_req", "memory_req", "gpu_limit"])
    yield from _rest(branch(pre, ("res_req_spec",)), spec, "advanced_settings.resource_spec.")
    for name in ("custom_annotations", "custom_labels"):
        for item in objects(pre, name):
            value = item.get("value")
            if value is not None and not isinstance(value, str):
                yield Loss(f"advanced_settings.{name}[{text(item, 'key')}].value", as_text(value))


def template_losses(stored: Json, whole: Build) -> Iterator[Loss]:
    """Name what a template update erases and detail does not show."""
    targets = zip(elements_of(whole.values.get("target_services")), objects(stored, "targets"), strict=True)
    for element, target in targets:
        parent = f"target_services[{element.key}]."
        yield from _rest(target, _TARGET | {"repos", "envs"}, parent)
        yield from _repositories(objects(target, "repos"), element.values.get("repo_info"), f"{parent}repo_info")
        yield from _variables(objects(target, "envs"), _INPUT, element.values.get("inputs"), f"{parent}inputs")


def leftovers(stored: Json) -> Iterator[Loss]:
    """Name what a template build still holds of the plain one that it was: a conversion back erases it."""
    pre, post = branch(stored, ("pre_build",)), branch(stored, ("post_build",))
    yield from _rest(stored, _BUILD, "")
    yield from _rest(pre, _PRE_BUILD, "pre_build.")
    yield from _rest(post, frozenset({"docker_build"}), "post_build.")
    held = {"build_script": stored.get("scripts"), "repo_info": stored.get("repos"), "parameters": pre.get("envs")}
    held["docker_build_step"] = post.get("docker_build")
    names = [name for name, value in held.items() if counts(value)]
    if names:
        yield Loss("leftover", f"the plain build that it was: {', '.join(names)}", secret=True)
