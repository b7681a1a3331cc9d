"""Creating and updating a build from the plain body (the contract's sections 1, 3 and 7).

The order of what is checked is recording 22: body, permission, (update) the build, cluster, image, code hosts,
`null` among services, Docker step, resources, (create) the name.
"""

from __future__ import annotations

from . import template
from .advanced import Settings, stored_settings
from .bodies import read_plain
from .call import Call
from .documents import generated
from .exchange import Document, Response, success
from .refusals import CREATE, UPDATE, BusinessError, Kind, MissingError
from .repositories import ConversionError, present, stored_repositories
from .store import Record
from .variables import from_parameters, keep_masked
from .world import NO_DOCUMENTS, World
from .writing import check_resources, insert_named, stored_variables

_KEPT_IMAGES = ("ubuntu 18.04", "ubuntu 20.04")


def create(call: Call) -> Response:
    """`POST /openapi/build`; with `source=template` the other body is read."""
    call.identity.reach_user_service()
    if call.query.first("source") == "template":
        return template.create(call)
    body = read_plain(call.body)
    call.identity.need_permission()
    document = _generated(call, body, CREATE)
    document.update(name=body["name"], source="zadig", update_by=call.identity.name, update_time=call.now)
    insert_named(call.store, document)
    return success()


def update(call: Call) -> Response:
    """`PUT /openapi/build`: the whole build anew; with `source=template` it creates, as the server does.

    What the store's own update leaves alone stays: description, team, source and the Jenkins link
    (recordings 13 and 20).
    """
    call.identity.reach_user_service()
    if call.query.first("source") == "template":
        return template.create(call)
    body = read_plain(call.body)
    call.identity.need_permission()
    record = _existing(call, body)
    document = _generated(call, body, UPDATE)
    keep_masked(stored_variables(record), document["pre_build"]["envs"])
    document.update(name=record.name, update_by=call.identity.name, update_time=call.now)
    call.store.replace(record, record.document | document)
    return success()


def _existing(call: Call, body: Document) -> Record:
    name, project = body["name"], body["project_key"]
    record = call.store.find(name, project)
    if record is None:
        raise BusinessError(
            UPDATE,
            f"failed to find build module, buildName: {name}, projectName: {project}, err: {NO_DOCUMENTS}",
        )
    return record


def _generated(call: Call, body: Document, kind: Kind) -> Document:
    """The document that a body becomes, without its name, source and stamps."""
    try:
        document = _document(call.world, body)
    except ConversionError as error:
        raise BusinessError(kind, str(error)) from None
    check_resources(document["pre_build"], kind)
    return document


def _document(world: World, body: Document) -> Document:
    variables = from_parameters(body["parameters"])
    installs = present(body["installs"])
    settings = stored_settings(world, body["advanced_settings"])
    pre_build = {
        **settings.pre_build,
        **_image(world, body["build_os"]),
        "installs": installs,
        "envs": variables,
    }
    document = {
        **settings.build,
        "product_name": body["project_key"],
        "infrastructure": body["infrastructure"],
        "script_type": body["script_type"],
        "scripts": body["build_script"],
        "repos": stored_repositories(world, body["repo_info"]),
        "targets": [_target(body["project_key"], service) for service in present(body["services"])],
        "pre_build": pre_build,
        "post_build": _post_build(world, body["docker_build_step"]),
        "outputs": _outputs(settings),
    }
    return generated(document)


def _image(world: World, label: str) -> Document:
    """The image of a label; two labels are kept as sent, of the others the image's value is stored."""
    try:
        image = world.image(label)
    except MissingError as error:
        raise ConversionError(f"failed to find the basic image of name: {label}, error is: {error}") from None
    if label in _KEPT_IMAGES:
        return {"build_os": label, "image_from": "koderover", "image_id": image["id"]}
    return {"build_os": image["value"], "image_from": "custom", "image_id": image["id"]}


def _target(project: str, service: Document) -> Document:
    return {"product_name": project, **service}


def _outputs(settings: Settings) -> list[Document]:
    names = ["IMAGE", "PKG_FILE", *settings.outputs]
    return [{"name": name} for name in names]


def _post_build(world: World, step: Document | None) -> Document:
    docker = None if step is None else _docker_build(world, step)
    return {"docker_build": docker}


def _docker_build(world: World, step: Document) -> Document:
    """The Docker step; each source drops the other's setting (recording 17), spaces at the ends go."""
    source = step["dockerfile_source"]
    directory = name = identifier = ""
    if source == "local":
        directory = step["dockerfile_directory"]
    elif source == "template":
        name = step["template_name"]
        identifier = _dockerfile_id(world, name)
    else:
        raise ConversionError("unsupported dockerfile type, it can only be local or template")
    return {
        "work_dir": step["build_context_dir"].strip(" "),
        "docker_file": directory.strip(" "),
        "build_args": step["build_args"],
        "source": source,
        "template_id": identifier,
        "template_name": name,
        "enable_buildkit": step["enable_buildkit"],
        "platform": step["platforms"],
    }


def _dockerfile_id(world: World, name: str) -> str:
    try:
        return str(world.dockerfile_template(name)["id"])
    except MissingError as error:
        raise ConversionError(f"failed to find the dockerfile template of name: [{name}], err: {error}") from None
