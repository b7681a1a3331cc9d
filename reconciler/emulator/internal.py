"""`GET /api/aslan/build/build/{name}`: the whole stored build (the contract's section 5, recordings 19 to 24)."""

from __future__ import annotations

from typing import Any

from .call import Call
from .documents import BUILD, VARIABLE
from .exchange import Document, Response, as_json
from .refusals import DETAIL, BusinessError, InternalError, MissingError
from .store import Record
from .variables import merge
from .world import NO_DOCUMENTS, World, strategies


def show_stored(call: Call) -> Response:
    """The stored build with its id; `projectName` chooses among builds of the same name."""
    call.identity.reach_user_service()
    call.identity.need_permission()
    record = call.store.find(call.parameters["name"], call.query.first("projectName"))
    if record is None:
        raise BusinessError(DETAIL, NO_DOCUMENTS)
    return as_json(BUILD.show(_completed(call.world, record)))


def _completed(world: World, record: Record) -> Document:
    """The stored document with what the read works out: id, strategy, namespaces, the targets' repositories."""
    document = record.document | {"id": record.identifier, "target_repos": []}
    document["repos"] = _with_namespaces(document.get("repos"))
    if not document.get("template_id"):
        document["pre_build"] = _with_strategy(world, document)
        return document
    targets = [_copied(target) for target in document.get("targets") or ()]
    document["targets"] = targets
    document["target_repos"] = [_target_repos(world, document["template_id"], target) for target in targets]
    return document


def _with_strategy(world: World, document: Document) -> Any:
    """`pre_build`, an empty strategy of a plain Kubernetes build shown as the cluster's default one."""
    pre_build = document.get("pre_build")
    kind = (document.get("source"), document.get("infrastructure"))
    if pre_build is None or pre_build.get("strategy_id") or kind != ("zadig", "kubernetes"):
        return pre_build
    cluster_id = pre_build.get("cluster_id") or ""
    try:
        cluster = world.cluster_by_id(cluster_id)
    except MissingError as error:
        if str(error) == NO_DOCUMENTS:
            return pre_build
        raise InternalError(f"failed to find cluster {cluster_id}, error: {error}") from None
    for strategy in strategies(cluster):
        if strategy.get("default"):
            return pre_build | {"strategy_id": strategy["id"]}
    return pre_build


def _copied(target: Document) -> Document:
    return target | {
        "repos": _with_namespaces(target.get("repos")),
        "envs": [VARIABLE.show(variable) for variable in target.get("envs") or ()],
    }


def _target_repos(world: World, template_id: str, target: Document) -> Document:
    """A target as the page edits it: its variables merged with today's template, if that still exists.

    The merging is seen in `targets` too, since the server merges in place.
    """
    variables = target["envs"]
    try:
        template = world.build_template_by_id(template_id)
        variables = merge(list(template.get("variables") or ()), variables)
    except MissingError:
        pass  # a template that is gone does not keep the server from showing the build
    return {"service": target, "repos": target["repos"], "envs": variables}


def _with_namespaces(repositories: Any) -> list[Document]:
    """Repositories whose missing namespace is filled in with the owner."""
    return [
        repository | {"repo_namespace": repository.get("repo_namespace") or repository.get("repo_owner")}
        for repository in repositories or ()
    ]
