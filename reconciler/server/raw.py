"""A build's answers as the server gives them, for a backup: nothing is taken out, secrets are in clear.

One detail, for a template build one more per service module, and the platform's internal read where it is
served (contract, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from reconciler.model.errors import ServerError
from reconciler.model.fields import Kind
from reconciler.model.live import LiveBuild, Stamps
from reconciler.server import deep, wire
from reconciler.server.masking import secrets_of
from reconciler.server.reading import LIST
from reconciler.server.stored import Aliases
from reconciler.server.transport import Params, ReadDoor
from reconciler.server.typed import Json

Hosts = Callable[[ReadDoor], Aliases]

_OK = 200


class Changed(ServerError):
    """Somebody wrote the build while it was being read."""


@dataclass(frozen=True, slots=True)
class Raw:
    """The answers.

    Attributes:
        details: service and module that were asked for (None: neither) → the detail.
        internal: the internal read; None where it is not served, or shows another state.
        aliases: number of a code host → its alias, for those that the internal read names.
    """

    details: Mapping[tuple[str, str] | None, Json]
    internal: Json | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)


def read_raw(door: ReadDoor, live: LiveBuild, *, internal: bool, hosts: Hosts = deep.code_hosts) -> Raw:
    """Read a build's answers again, by GETs only.

    Args:
        door: the way to the server.
        live: the build as it was just read; the answers have to be of the same state.
        internal: ask the internal read too; whatever goes wrong there means that it is not served.
        hosts: tells the alias of every code host by its number; a run asks that once.

    Raises:
        Changed: an answer has other stamps than `live`.
        ServerError: an answer did not come.
    """
    template = live.build is not None and live.build.kind is Kind.TEMPLATE
    pairs: list[tuple[str, str] | None] = [None, *(dict.fromkeys(live.services) if template else ())]
    details = {pair: _detail(door, live, pair) for pair in pairs}
    whole = _internal(door, live) if internal else None
    return Raw(details, whole, _aliases(door, whole, hosts) if whole else {})


def _detail(door: ReadDoor, live: LiveBuild, pair: tuple[str, str] | None) -> Json:
    params: Params = {"projectKey": live.project}
    if pair:
        params = {**params, "serviceName": pair[0], "serviceModule": pair[1]}
    answer = door.get(f"{LIST}/{quote(live.name, safe='')}/detail", params)
    if answer.status != _OK:
        raise ServerError(f'HTTP {answer.status} for the detail of "{live.name}"', "run again")
    detail = wire.decode(answer.body, f'the detail of "{live.name}"')
    door.heard.note(secrets_of(detail))
    if not isinstance(detail, Mapping) or detail.get("name") != live.name or _stamps(detail) != live.stamps:
        raise Changed(f'"{live.name}" was written while it was being read', "plan again")
    return detail


def _internal(door: ReadDoor, live: LiveBuild) -> Json | None:
    try:
        found = deep.internal(door, live.project, live.name)
    except (deep.Unserved, ServerError):
        return None
    if found.get("name") != live.name or found.get("product_name") != live.project:
        return None
    return found if _stamps(found) == live.stamps else None


def _aliases(door: ReadDoor, internal: Json, hosts: Hosts) -> dict[str, str]:
    """Resolve the numbers of the code hosts that a build names."""
    targets = internal.get("targets") or []
    repositories = [*(internal.get("repos") or []), *(r for t in targets for r in t.get("repos") or [])]
    numbers = {repository.get("codehost_id") for repository in repositories}
    if not numbers:
        return {}
    return {str(number): alias for number, alias in hosts(door).items() if number in numbers}


def _stamps(answer: Json) -> Stamps | None:
    """Return an answer's stamps; None where they are nonsense."""
    try:
        return wire.read_stamps(answer)
    except ServerError:
        return None
