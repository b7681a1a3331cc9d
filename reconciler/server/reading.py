"""Fetching the live side: lists until they are complete, then the details that somebody asked for.

A list is read with a large page until the number of distinct names equals the total that the server says;
if it does not settle, the reading is incomplete. Details are read by several threads. A detail that fails
marks its build as unread, and the rest goes on. Jenkins builds are listed and never asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from reconciler.model.build import Build, elements_of
from reconciler.model.declared import secrets_in
from reconciler.model.errors import BadToken, NotPermitted, ServerError
from reconciler.model.fields import Kind
from reconciler.model.live import JENKINS, LiveBuild, Loss, Reading, is_askable
from reconciler.server import erased_shown, wire
from reconciler.server.repeats import unrepeated
from reconciler.server.transport import Answer, Params, ReadDoor
from reconciler.server.typed import Json, Nonsense
from reconciler.server.wire import Listed

PAGE = 1000
"""Builds asked for at once; the server has no cap (contract, section 2)."""

ROUNDS = 4
"""How often a list that shifts under our reading is read again."""

LIST = "/openapi/build"
CLUSTERS = "/openapi/system/cluster"


Progress = Callable[[int, int], None]
"""Told how many of how many are done."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A build whose detail is wanted, with the kind that Git or the ledger expects (a hint that saves requests)."""

    name: str
    kind: Kind | None = None


class Gone(ServerError):
    """The server has no such build (any more): HTTP 400 with code 6523 (contract, section 4)."""


def read_project(
    door: ReadDoor,
    project: str,
    wanted: Iterable[Wanted],
    threads: int,
    *,
    everything: bool = False,
    progress: Progress = lambda _, __: None,
) -> Reading:
    """List one project and read the wanted builds that it has.

    Args:
        door: how to ask.
        project: project key.
        wanted: builds whose details are wanted.
        threads: how many details are asked for at once.
        everything: also those that nobody named.
        progress: told how many of how many builds were read.
    """
    listed, incomplete = read_list(door, project)
    builds = {name: _as_listed(row) for name, row in listed.items() if name}
    asked = {w.name: w for w in wanted}
    if everything:
        asked = {name: asked.get(name, Wanted(name)) for name in builds}
    todo = [w for w in asked.values() if w.name in builds and builds[w.name].source != JENKINS]
    progress(0, len(todo))
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        for done, build in enumerate(pool.map(lambda w: read_build(door, listed[w.name], w.kind), todo), 1):
            builds[build.name] = build
            progress(done, len(todo))
    return Reading(project, builds, incomplete, unnamed=1 if "" in listed else 0)


def read_permitted(projects: Sequence[str], read: Callable[[str], Reading]) -> dict[str, Reading]:
    """Read every project; one that the token may not see is incomplete. Raises NotPermitted where all are."""
    found: dict[str, Reading] = {}
    refused = []
    for project in projects:
        try:
            found[project] = read(project)
        except BadToken:
            raise
        except NotPermitted as error:
            refused.append(error)
            found[project] = Reading(project, {}, error.message, error.hint)
    if refused and len(refused) == len(projects):
        raise refused[0]
    return found


def _as_listed(row: Listed) -> LiveBuild:
    return LiveBuild(row.project, row.name, row.source, row.stamps, row.services)


def read_list(door: ReadDoor, project: str) -> tuple[dict[str, Listed], str]:
    """Return every build of a project by name, and why that may not be all ("" where it is)."""
    for _ in range(ROUNDS):
        found, total = _pages(door, project)
        if len(found) == total:
            return found, ""
    return found, f"the list did not settle: {len(found)} of {total} builds seen"


def _pages(door: ReadDoor, project: str) -> tuple[dict[str, Listed], int]:
    found: dict[str, Listed] = {}
    page = 1
    while True:
        params = {"projectKey": project, "pageNum": str(page), "pageSize": str(PAGE)}
        answer = door.get(LIST, params)
        total, rows = wire.read_list(content(door, answer, f'the list of project "{project}"', project))
        found.update((row.name, row) for row in rows)
        if not rows or page * PAGE >= total:
            return found, total
        page += 1


def read_build(door: ReadDoor, listed: Listed, kind: Kind | None = None) -> LiveBuild:
    """Read one build; whatever fails is told in `unread` and does not stop the others."""
    if not is_askable(listed.name):
        return replace(_as_listed(listed), unread="no call can ask for a build of that name")
    try:
        return _whole(door, listed, kind)
    except BadToken:
        raise
    except Gone:
        unread = f'"{listed.name}" is listed and has no detail: its template is gone, or somebody has just deleted it'
    except ServerError as error:
        unread = error.message
    return replace(_as_listed(listed), unread=unread)


class Torn(Nonsense):
    """The details of one build are of two moments."""


def _whole(door: ReadDoor, listed: Listed, kind: Kind | None) -> LiveBuild:
    """Read one build, once more where somebody wrote it meanwhile."""
    try:
        return fetch(door, listed, kind)
    except Torn:
        return fetch(door, listed, kind)


def fetch(door: ReadDoor, listed: Listed, kind: Kind | None = None) -> LiveBuild:
    """Read one build, as many details as it takes.

    Raises:
        Gone: it does not exist any more.
        Torn: somebody wrote it meanwhile.
        ServerError: it could not be read.
    """
    pairs = list(dict.fromkeys(listed.services))
    if kind is Kind.TEMPLATE and pairs:
        first = _detail(door, listed, pairs[0])
        if first.get("template_name"):
            return _template(door, listed, first, {pairs[0]: first})
    detail = _detail(door, listed, None)
    if detail.get("template_name"):
        return _template(door, listed, detail, {})
    build = Build(Kind.PLAIN, listed.project, listed.name, wire.read_plain(detail))
    door.heard.note(secrets_in(build))
    return _live(listed, detail, build, wire.image_id(detail), erased_shown.plain_losses(detail, build.values))


def _template(door: ReadDoor, listed: Listed, detail: Json, known: Mapping[tuple[str, str], Json]) -> LiveBuild:
    """Read a template build: one detail per service module that `detail` names."""
    pairs = wire.read_services(detail)
    asked = {pair: known[pair] if pair in known else _detail(door, listed, pair) for pair in dict.fromkeys(pairs)}
    details = [(pair, asked[pair]) for pair in pairs]  # of a second target of the same module it shows the first
    stamps = {wire.read_stamps(one) for _, one in details} | {wire.read_stamps(detail)}
    if len(stamps) > 1:
        raise Torn("somebody wrote the build while it was being read", "run again")
    values = wire.read_targets(details, str(detail["template_name"]))
    targets = zip(elements_of(values.get("target_services")), details, strict=True)
    losses = tuple(
        loss
        for target, (_, one) in targets
        for loss in erased_shown.target_losses(one, target.values, f"target_services[{target.key}].")
    )
    build = Build(Kind.TEMPLATE, listed.project, listed.name, values)
    door.heard.note(secrets_in(build))
    return _live(listed, detail, build, "", losses)


def _live(listed: Listed, detail: Json, build: Build, image: str, losses: tuple[Loss, ...]) -> LiveBuild:
    stamps, services = wire.read_stamps(detail), wire.read_services(detail)
    losses = unrepeated(losses, secrets_in(build))
    return LiveBuild(listed.project, listed.name, listed.source, stamps, services, build, image, losses)


def _detail(door: ReadDoor, listed: Listed, pair: tuple[str, str] | None) -> Json:
    params: Params = {"projectKey": listed.project}
    if pair:
        params = {**params, "serviceName": pair[0], "serviceModule": pair[1]}
    answer = door.get(f"{LIST}/{quote(listed.name, safe='')}/detail", params)
    detail = content(door, answer, f'the detail of "{listed.name}"', listed.project)
    if not isinstance(detail, Mapping) or detail.get("name") != listed.name:
        raise Nonsense(f'the detail of "{listed.name}" is another build\'s or none', "run again")
    return detail


@dataclass(frozen=True, slots=True)
class Clusters:
    """What the server says of its clusters. `local`, `names`: None where it does not say."""

    local: str | None = None
    names: frozenset[str] | None = None


def clusters(door: ReadDoor) -> Clusters:
    """Ask which clusters there are, and which one is the local one."""
    answer = door.get(CLUSTERS, {})
    if answer.status != 200:
        return Clusters()
    rows = [c for c in wire.decode(answer.body, "the list of clusters") if isinstance(c, Mapping)]
    names = frozenset(str(c["name"]) for c in rows if c.get("name"))
    local = [str(c["name"]) for c in rows if c.get("local") is True and c.get("name")]
    return Clusters(local[0] if local else None, names or None)


def content(door: ReadDoor, answer: Answer, what: str, project: str = "") -> Any:
    """Return the JSON of a good answer; every other one becomes an error that says what to do.

    Args:
        door: the way to the server, which knows what its texts must not repeat.
        answer: what came back.
        what: what was asked for, as the messages name it.
        project: the project that it was asked of; "" where it is about none.

    Raises:
        NotPermitted: 403.
        Gone: there is no such build.
        ServerError: everything else that is no good answer.
    """
    if answer.status == 200:
        return wire.decode(answer.body, what)
    if answer.status == 403:
        raise NotPermitted(*not_permitted(answer, project))
    code, description = wire.business(answer.body)
    if answer.status == 400 and code == 6523:
        raise Gone(f"{what}: the server has no such build", "")
    if answer.status in (301, 302, 307, 308, 404, 405) and not code:
        raise Nonsense(
            f"{door.server} does not answer as a Zadig does (HTTP {answer.status} for {what})",
            "check the address: it is scheme://host[:port] of Zadig v4.2.0 or later, without a path",
        )
    told = f" ({door.heard.told(description)})" if description else ""
    raise ServerError(f"HTTP {answer.status} for {what}{told}", "look into Zadig's own log (aslan), or run again")


def not_permitted(answer: Answer, project: str) -> tuple[str, str]:
    """Say what a 403 means: the sentence and the hint."""
    if b"mfa_" in answer.body:
        return "the server wants a second factor for this token", "use the token of an account that needs none"
    if not project:
        hint = "ask an administrator what this account may see; if it worked before, run again"
        return "not permitted (HTTP 403)", hint
    return (
        f'not permitted in project "{project}" (HTTP 403), or there is no such project',
        "ask an administrator for the right to see and edit builds there; if it worked before, run again",
    )
