"""Other documented calls that a reader of builds needs (the contract's sections 5 and 6; not recorded)."""

from __future__ import annotations

from .call import Call
from .exchange import Document, Response, as_json
from .gate import NOBODY
from .refusals import PARAMETER, BusinessError, InternalError
from .world import NO_DOCUMENTS


def list_clusters(call: Call) -> Response:
    """`GET /openapi/system/cluster`: every cluster without its strategies; no permission is asked."""
    return as_json([_cluster(cluster) for cluster in call.world.description.get("clusters") or ()])


def list_projects(call: Call) -> Response:
    """`GET /openapi/projects/project`: the projects that the token may see, in pages."""
    call.identity.reach_user_service()
    number = call.query.number("pageNum", 1)
    size = call.query.number("pageSize", 20)
    if NOBODY in (call.identity.uid, call.identity.name):
        return as_json({"projects": [], "total": 0})
    projects = list(call.world.description.get("projects") or ())
    shown = projects[(number - 1) * size : number * size] if number > 0 and size > 0 else projects
    return as_json({"total": len(projects), "projects": [_project(project) for project in shown] or None})


def list_workflows(call: Call) -> Response:
    """`GET /openapi/workflows`: all workflows of a project at once; no permission is asked."""
    project = call.query.first("projectKey")
    if not project:
        raise BusinessError(PARAMETER, "projectKey is empty")
    found = [workflow for workflow in _workflows(call) if workflow.get("project") == project]
    return as_json({"workflows": [_brief(workflow) for workflow in found]})


def show_workflow(call: Call) -> Response:
    """`GET /openapi/workflows/custom/{key}/detail`: the jobs of one workflow, in one stage."""
    call.identity.reach_user_service()
    project = call.query.first("projectKey")
    if not project:
        raise BusinessError(PARAMETER, "projectKey is empty")
    call.identity.need_permission()
    key = call.parameters["key"]
    for workflow in _workflows(call):
        if workflow.get("key") == key and workflow.get("project") == project:
            return as_json(_workflow(workflow))
    raise InternalError(f"failed to find workflow: {key}, error: {NO_DOCUMENTS}")


def list_code_hosts(call: Call) -> Response:
    """`GET /api/aslan/code/codehost`: number, type and alias of every code host."""
    call.identity.reach_user_service()
    hosts = call.world.description.get("code_hosts") or ()
    return as_json([{key: host.get(key) for key in ("id", "type", "alias")} for host in hosts])


def _cluster(cluster: Document) -> Document:
    local = bool(cluster.get("local"))
    return {
        "cluster_id": cluster.get("id", ""),
        "name": cluster.get("name", ""),
        "production": bool(cluster.get("production")),
        "description": cluster.get("description") or "",
        "provider": 0,
        "provider_name": "",
        "created_by": "",
        "created_time": 0,
        "local": local,
        "status": cluster.get("status") or "normal",
        "type": cluster.get("type") or "agent",
        "project_names": cluster.get("project_names") or [],
    }


def _project(project: Document) -> Document:
    return {
        "project_name": project.get("name") or "",
        "project_key": project.get("key") or "",
        "description": project.get("description") or "",
        "deploy_type": project.get("deploy_type") or "",
    }


def _workflows(call: Call) -> list[Document]:
    return list(call.world.description.get("workflows") or ())


def _brief(workflow: Document) -> Document:
    return {
        "workflow_key": workflow.get("key") or "",
        "workflow_name": workflow.get("name") or "",
        "update_by": workflow.get("update_by") or "",
        "update_time": workflow.get("update_time") or 0,
        "type": workflow.get("type") or "custom",
    }


def _workflow(workflow: Document) -> Document:
    jobs = [
        {"name": job.get("name"), "type": job.get("type"), "skipped": False, "spec": job.get("spec")}
        for job in workflow.get("jobs") or ()
    ]
    return {
        "workflow_key": workflow.get("key") or "",
        "workflow_name": workflow.get("name") or "",
        "project_key": workflow.get("project") or "",
        "stages": [{"name": "build", "parallel": False, "jobs": jobs}],
    }
