"""Creating and updating a build from a template (the contract's sections 1, 3 and 7, recordings 09 to 11, 24).

The order of what is checked: body, permission, empty targets, licence, (update) the build, template, code
hosts, (create) the name.
"""

from __future__ import annotations

from .bodies import read_template
from .call import Call
from .documents import TARGET, generated
from .exchange import Document, Response, success
from .refusals import (
    DETAIL,
    LICENSE,
    PARAMETER,
    UPDATE,
    BusinessError,
    CrashError,
    InternalError,
    MissingError,
)
from .repositories import ConversionError, present, stored_repositories
from .store import Record
from .variables import from_inputs, keep_masked, merge, with_references
from .world import NO_DOCUMENTS, World
from .writing import check_resources, insert_named, stored_variables

# The server stores an image of its own here, which no installation has (recording 24).
_IMAGE = "61af6b575c9beafb9ab130dc"


def create(call: Call) -> Response:
    """`POST` or `PUT /openapi/build?source=template`: both create."""
    body = _checked_body(call)
    document = {
        **_skeleton(call.world),
        **_from_template(call.world, body),
        "name": body["name"],
        "product_name": body["project_key"],
        "update_by": call.identity.name,
        "update_time": call.now,
    }
    insert_named(call.store, generated(document))
    return success()


def update(call: Call) -> Response:
    """`PUT /openapi/build/{name}/template`: the body's name decides, not the path's.

    Template, targets and stamps are replaced and the rest stays (recording 14). A build without `pre_build`
    crashes the handler.
    """
    call.identity.reach_user_service()
    body = _checked_body(call)
    record = _existing(call, body)
    written = _from_template(call.world, body)
    pre_build = record.document.get("pre_build")
    if pre_build is None:
        raise CrashError("no pre_build")
    check_resources(pre_build, UPDATE)
    stamps = {"update_by": call.identity.name, "update_time": call.now}
    kept = {"pre_build": _refreshed(record, pre_build), **_trimmed_docker(record.document)}
    call.store.replace(record, record.document | kept | written | stamps)
    return success()


def _checked_body(call: Call) -> Document:
    body = read_template(call.body)
    call.identity.need_permission()
    if not body["target_services"]:
        raise BusinessError(PARAMETER, "target_service must have at least one item in it")
    if not call.world.serves_templates:
        raise BusinessError(LICENSE, "")
    return body


def _existing(call: Call, body: Document) -> Record:
    name, project = body["name"], body["project_key"]
    record = call.store.find(name, project)
    if record is None:
        raise BusinessError(
            DETAIL,
            f"failed to find build module, buildName:{name}, projectName:{project} err: {NO_DOCUMENTS}",
        )
    return record


def _from_template(world: World, body: Document) -> Document:
    """The template and the targets of a body; what is not found is a 500 with a body here (recording 10)."""
    name = body["template_name"]
    try:
        template = world.build_template(name)
    except MissingError as error:
        raise InternalError(
            f"failed to find the build template specified by the user, template name: [{name}], err: {error}"
        ) from None
    variables = list(template.get("variables") or ())
    try:
        targets = [_target(world, body["project_key"], variables, item) for item in body["target_services"]]
    except ConversionError as error:
        raise InternalError(str(error)) from None
    return {"template_id": template["id"], "targets": targets}


def _target(world: World, project: str, variables: list[Document], sent: Document | None) -> Document:
    service = present([sent])[0]
    target = {
        "product_name": project,
        "service_name": service["service_name"],
        "service_module": service["service_module"],
        "repos": stored_repositories(world, service["repo_info"]),
        "envs": merge(variables, from_inputs(service["inputs"])),
    }
    shown: Document = TARGET.show(target)
    return shown


def _skeleton(world: World) -> Document:
    """What a build from a template holds beside its targets: placeholders (recording 24)."""
    pre_build = {
        "res_req": "low",
        "res_req_spec": {"cpu_limit": 1000, "memory_limit": 512},
        "build_os": "focal",
        "image_from": "koderover",
        "image_id": _IMAGE,
        "cluster_id": world.local_cluster_id(),
    }
    return {"source": "zadig", "advanced_setting_modified": True, "pre_build": pre_build, "post_build": {}}


def _refreshed(record: Record, pre_build: Document) -> Document:
    """The build's own `pre_build`, with masks and the references of script parameters worked out again."""
    variables = with_references([dict(variable) for variable in stored_variables(record)])
    keep_masked(stored_variables(record), variables)
    return pre_build | {"envs": variables} if variables else pre_build


def _trimmed_docker(document: Document) -> Document:
    """The Docker step of a stored build without spaces at the ends of its two paths."""
    post_build = document.get("post_build") or {}
    docker = post_build.get("docker_build")
    if not docker:
        return {}
    paths = {key: docker[key].strip(" ") for key in ("work_dir", "docker_file") if key in docker}
    return {"post_build": post_build | {"docker_build": docker | paths}}
