"""`GET /openapi/build`: the builds of a project, in pages (the contract's section 2, recordings 07 and 22)."""

from __future__ import annotations

from .call import Call
from .exchange import Document, Response, as_json
from .refusals import PARAMETER, BusinessError


def list_builds(call: Call) -> Response:
    """One page, or everything at once where number or size is not above zero."""
    call.identity.reach_user_service()
    project = call.query.first("projectKey")
    if not project:
        raise BusinessError(PARAMETER, "empty project key.")
    number = call.query.number("pageNum", 1)
    size = call.query.number("pageSize", 20)
    call.identity.need_permission()
    records = call.store.of_project(project)
    shown = records[(number - 1) * size : number * size] if number > 0 and size > 0 else records
    return as_json({"total": len(records), "builds": [_brief(record.document) for record in shown]})


def _brief(document: Document) -> Document:
    return {
        "name": document.get("name") or "",
        "project_key": document.get("product_name") or "",
        "source": document.get("source") or "",
        "update_by": document.get("update_by") or "",
        "update_time": document.get("update_time") or 0,
        "target_services": services(document),
    }


def services(document: Document) -> list[Document]:
    """The service modules that a build serves, as list and detail show them."""
    return [
        {
            "service_name": target.get("service_name") or "",
            "service_module": target.get("service_module") or "",
        }
        for target in document.get("targets") or ()
    ]
