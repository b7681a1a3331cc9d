"""The platform's internal read, asked where what detail hides matters (contract, section 5).

    first build ── served? ── no ──► nobody is asked again; the run says so once
                      │ yes
    the others, side by side ──► each live build with its `deep`, or with why its answer was not used

The platform promises nothing about this call: an answer is used only where it agrees with detail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from reconciler.model.errors import BadToken, ServerError
from reconciler.model.live import Live, LiveBuild, Reading
from reconciler.server import typed, wire
from reconciler.server.masking import secrets_of
from reconciler.server.reading import Progress, read_build
from reconciler.server.repeats import unrepeated
from reconciler.server.stored import Aliases, Disagrees, Lacking, Moved, read_stored
from reconciler.server.transport import Answer, ReadDoor

INTERNAL = "/api/aslan/build/build"
CODE_HOSTS = "/api/aslan/code/codehost"

_MAY_PASS = "; that may pass: run again before you let anything go as `unreadable`"

Name = tuple[str, str]
"""Project and name of a build."""


class Unserved(Exception):
    """The internal read cannot be used in this run. Carries why, as a part of a sentence."""


def read_deep(
    door: ReadDoor, live: Live, wanted: Collection[Name], threads: int, progress: Progress = lambda _, __: None
) -> Live:
    """Ask for the wanted builds, as far as their details were read; return the readings completed.

    `progress`: told how many of how many builds were asked for.
    """
    todo = [build for name in sorted(wanted) if (build := _find(live, name)) is not None]
    if not todo or live.deep_unserved:
        return live
    reader = DeepReader(door, code_hosts(door) if any(_has_repositories(build) for build in todo) else {})
    progress(0, len(todo))
    try:
        first = reader.read(todo[0], probing=True)
    except Unserved as reason:
        return replace(live, deep_unserved=str(reason))
    progress(1, len(todo))
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        found = [first]
        for build in pool.map(reader.read, todo[1:]):
            found.append(build)
            progress(len(found), len(todo))
    return _completed(live, found)


def _find(live: Live, name: Name) -> LiveBuild | None:
    build = live.build(*name)
    return build if build is not None and build.build is not None else None


def _has_repositories(build: LiveBuild) -> bool:
    assert build.build is not None
    return any(row in build.build.values for row in ("repo_info", "target_services"))


def _completed(live: Live, found: list[LiveBuild]) -> Live:
    readings: dict[str, Reading] = dict(live.readings)
    for build in found:
        reading = readings[build.project]
        readings[build.project] = replace(reading, builds={**reading.builds, build.name: build})
    return replace(live, readings=readings)


@dataclass(frozen=True, slots=True)
class DeepReader:
    """Asks for one build after the other. `aliases`: the code hosts that the server lists."""

    door: ReadDoor
    aliases: Aliases

    def read(self, live: LiveBuild, *, probing: bool = False) -> LiveBuild:
        """Return the build completed, or with why the answer was not used; anew where somebody has just written it.

        Raises:
            Unserved: only while probing, where nothing that answers is the internal read.
        """
        try:
            return self._read(live, probing=probing)
        except Moved as reason:
            assert live.build is not None
            listed = wire.Listed(live.name, live.project, live.source, live.stamps, live.services)
            again = read_build(self.door, listed, live.build.kind)
            if again.build is None or again.stamps == live.stamps:
                return _unused(live, reason)
        try:
            return self._read(again, probing=probing)
        except Moved as reason:
            return _unused(again, reason)

    def _read(self, live: LiveBuild, *, probing: bool) -> LiveBuild:
        """Ask once. Raises Unserved while probing, and Moved where the answer is of another moment than `live`."""
        try:
            answer = internal(self.door, live.project, live.name)
            stored = read_stored(answer, live, self.aliases)
        except Moved:
            raise
        except (Unserved, Lacking) as reason:
            if probing:
                raise Unserved(str(reason)) from None
            return replace(live, deep_failed=f"the internal read of this build failed: {reason}")
        except (Disagrees, typed.Nonsense) as reason:
            return _unused(live, reason)
        secrets = tuple(secrets_of(answer))
        return replace(
            live,
            deep=stored.build,
            hidden=unrepeated(stored.hidden, secrets),
            own=unrepeated(stored.own, secrets),
            leftover=unrepeated(stored.leftover, secrets),
        )


def _unused(live: LiveBuild, reason: Exception) -> LiveBuild:
    return replace(live, deep_failed=f"the internal read of this build was not used: {reason}")


def internal(door: ReadDoor, project: str, name: str) -> Mapping[str, Any]:
    """Return the whole stored build as JSON. Raises Unserved where the answer is none."""
    # without ifPassFilter another document may be answered
    params = {"projectName": project, "ifPassFilter": "true"}
    answer = _ask(door, f"{INTERNAL}/{quote(name, safe='')}", params)
    found = wire.decode(answer.body, "the internal read") if answer.status == 200 else None
    if answer.status != 200:
        passing = answer.status == 429 or answer.status >= 500
        raise Unserved(f"HTTP {answer.status}{_MAY_PASS if passing else ''}")
    if not isinstance(found, Mapping):
        raise Unserved("it does not answer with a build")
    door.heard.note(secrets_of(found))
    return found


def code_hosts(door: ReadDoor) -> Aliases:
    """Return the alias of every code host by its number; none where the server does not tell."""
    pairs = [(host.get("id"), host.get("alias")) for host in _hosts(door)]
    return {number: alias for number, alias in pairs if isinstance(number, int) and isinstance(alias, str)}


def only_hosts(door: ReadDoor) -> dict[str, str]:
    """Return the alias of every type of code host of which the server has one alone; none where it does not tell."""
    aliases = defaultdict[str, list[str]](list)
    for host in _hosts(door):
        if isinstance(host.get("type"), str) and isinstance(host.get("alias"), str):
            aliases[host["type"]].append(host["alias"])
    return {kind: found[0] for kind, found in aliases.items() if len(found) == 1 and found[0]}


def _hosts(door: ReadDoor) -> list[Mapping[str, Any]]:
    try:
        answer = _ask(door, CODE_HOSTS, {})
        found = wire.decode(answer.body, "the list of code hosts") if answer.status == 200 else []
    except (Unserved, typed.Nonsense):
        return []
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _ask(door: ReadDoor, path: str, params: Mapping[str, str]) -> Answer:
    """Ask what nobody promised: every failure, a page of HTML too, only means that it is not to be had."""
    try:
        answer = door.get(path, params)
    except BadToken:
        raise Unserved("HTTP 401") from None
    except ServerError as error:
        raise Unserved(f"{error.message}{_MAY_PASS}") from None
    if answer.status == 200 and answer.media not in ("application/json", ""):
        raise Unserved(f"it answers with {answer.media}")
    return answer
