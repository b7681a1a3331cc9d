"""`GET /openapi/build/{name}/detail`: one build, half of it (the contract's sections 2 and 7).

What it hides and where it lies is the table "What detail shows of what was written"; what happens where
something that the build refers to is gone is recording 23.
"""

from __future__ import annotations

from . import identifiers
from .bodies import RESOURCES
from .call import Call
from .documents import INSTALL, OUTPUT, POST_BUILD
from .exchange import Document, Response, as_json
from .listing import services
from .refusals import DETAIL, PARAMETER, BusinessError, CrashError, InternalError, MissingError
from .shapes import FLAG, TEXT, Field, Many, Optional, Struct
from .world import NO_DOCUMENTS, World, strategies

_REPOSITORY = Many(
    Struct(
        *(Field(name, TEXT) for name in ("source", "repo_owner", "repo_name", "branch")),
        *(Field(name, TEXT) for name in ("remote_name", "checkout_path")),
        Field("submodules", FLAG),
        Field("hidden", FLAG),
    )
)
_OWN_VARIABLES = Many(
    Struct(Field("key", TEXT), Field("value", TEXT), Field("type", TEXT, omit=True), Field("is_credential", FLAG))
)
_TARGET_VARIABLES = Many(
    Struct(
        Field("key", TEXT),
        Field("value", TEXT),
        Field("type", TEXT, omit=True),
        Field("choice_option", Many(TEXT), omit=True),
        Field("choice_value", Many(TEXT), omit=True),
        Field("is_credential", FLAG),
    )
)
_INSTALLS = Many(Optional(INSTALL))
_OUTPUTS = Many(Optional(OUTPUT))
_POST_BUILD = Optional(POST_BUILD)


def show_detail(call: Call) -> Response:
    """The detail; a missing name or project comes before everything but a user service that is down."""
    call.identity.reach_user_service()
    name, project = call.parameters["name"], call.query.first("projectKey")
    if not name:
        raise BusinessError(PARAMETER, "empty buildName.")
    if not project:
        raise BusinessError(PARAMETER, "empty projectKey.")
    call.identity.need_permission()
    record = call.store.find(name, project)
    if record is None:
        raise BusinessError(DETAIL, NO_DOCUMENTS)
    module = (call.query.first("serviceName"), call.query.first("serviceModule"))
    return as_json(_detail(call.world, record.document, module))


def _detail(world: World, document: Document, module: tuple[str, str]) -> Document:
    template_name = _template_name(world, document)
    repositories, variables = _of_module(document, module)
    pre_build = document.get("pre_build")
    if pre_build is None or not identifiers.is_valid(pre_build.get("image_id") or ""):
        raise CrashError("no valid image id")
    image = world.image_by_id(pre_build["image_id"])
    return {
        "project_key": document.get("product_name") or "",
        "name": document.get("name") or "",
        "source": document.get("source") or "",
        "target_services": services(document),
        "template_name": template_name,
        "update_by": document.get("update_by") or "",
        "update_time": document.get("update_time") or 0,
        "repos": repositories,
        "build_env": {
            "basic_image_id": image["id"],
            "basic_image_label": image["label"],
            "installs": _INSTALLS.show(pre_build.get("installs")),
        },
        "advanced_settings": _advanced(world, document, pre_build),
        "build_script": document.get("scripts") or "",
        "parameters": variables or _OWN_VARIABLES.show(pre_build.get("envs")),
        "outputs": _OUTPUTS.show(document.get("outputs")),
        "post_build": _POST_BUILD.show(document.get("post_build")),
    }


def _template_name(world: World, document: Document) -> str:
    template_id = document.get("template_id") or ""
    if not template_id:
        return ""
    try:
        return str(world.build_template_by_id(template_id)["name"])
    except MissingError as error:
        raise BusinessError(DETAIL, str(error)) from None


def _of_module(document: Document, module: tuple[str, str]) -> tuple[list[Document], list[Document]]:
    """Repositories and variables: of the first target of that pair, for a template build asked with both.

    Otherwise the build's own repositories, and no variables (recordings 09, 23 and 24).
    """
    if not all(module) or not document.get("template_id"):
        return _REPOSITORY.show(document.get("repos")), []
    for target in document.get("targets") or ():
        if (target.get("service_name"), target.get("service_module")) == module:
            return _REPOSITORY.show(target.get("repos")), _TARGET_VARIABLES.show(target.get("envs"))
    return [], []


def _advanced(world: World, document: Document, pre_build: Document) -> Document:
    """The settings that detail shows, and the four that it shows as empty whatever is stored."""
    cluster_id = pre_build.get("cluster_id") or ""
    try:
        cluster = world.cluster_by_id(cluster_id)
    except MissingError as error:
        raise InternalError(f"failed to find cluster of ID: {cluster_id}, the error is: {error}") from None
    return {
        "timeout": document.get("timeout") or 0,
        "cache_setting": {
            "enabled": bool(document.get("cache_enable")),
            "cache_dir": document.get("cache_user_dir") or "",
        },
        "cluster_name": cluster["name"],
        "resource_spec": RESOURCES.show(pre_build.get("res_req_spec")),
        "strategy_name": _strategy_name(cluster, pre_build.get("strategy_id") or ""),
        "storages": None,
        "use_host_docker_daemon": bool(pre_build.get("use_host_docker_daemon")),
        "privileged_mode": False,
        "custom_annotations": [],
        "custom_labels": [],
        "outputs": [],
    }


def _strategy_name(cluster: Document, strategy_id: str) -> str:
    name = ""
    for strategy in strategies(cluster):
        if strategy.get("id", "") == strategy_id:
            name = str(strategy.get("name") or "")
    return name
