"""`DELETE /openapi/build`: success whether or not there was anything (recordings 08 and 22)."""

from __future__ import annotations

from .call import Call
from .exchange import Response, success
from .refusals import PARAMETER, BusinessError


def delete(call: Call) -> Response:
    """Delete by name; an empty `projectKey` deletes that name in every project."""
    call.identity.reach_user_service()
    call.identity.need_permission()
    name = call.query.first("name")
    if not name:
        raise BusinessError(PARAMETER, "empty build name.")
    call.store.delete(name, call.query.first("projectKey"))
    return success()
