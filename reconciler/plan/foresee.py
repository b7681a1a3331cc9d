"""What the server would refuse in a create, told before anything is written.

    a cluster that the server does not list ──────────────────► blocked
    an image, code host or template that nothing read shows ──► a note, said to be a guess

The server lists its clusters and nothing else (contract, section 6): for the rest, what other builds use is all
that there is to judge by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.compare.resolve import BLOCK, CLUSTER, DOCKER
from reconciler.model.build import DEFAULT, Build, Values, elements_of
from reconciler.model.fields import Kind
from reconciler.model.live import Live
from reconciler.plan.inputs import Inputs
from reconciler.plan.step import Block, Blocked

IMAGE = "image"
HOST = "code host"
TEMPLATE = "build template"
DOCKERFILE = "Dockerfile template"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the builds read in this run, and the ledger's records, refer to: (kind of thing, its name)."""

    names: frozenset[tuple[str, str]] = frozenset()

    def any_of(self, thing: str) -> bool:
        """Tell whether there is anything to judge by."""
        return any(kind == thing for kind, _ in self.names)


def shown(inputs: Inputs) -> Shown:
    """Collect what builds refer to, in whatever project."""
    builds = [b for r in inputs.live.readings.values() for live in r.builds.values() for b in (live.build, live.deep)]
    builds += [record.build for document in inputs.documents.values() for record in document.records.values()]
    return Shown(frozenset(pair for build in builds if build for pair in _references(build)))


def _references(build: Build) -> Iterator[tuple[str, str]]:
    values = build.values
    if build.kind is Kind.PLAIN:
        yield from _named(IMAGE, values, "build_os")
        yield from _hosts(values)
        if values.get(f"{DOCKER}.dockerfile_source") == "template":
            yield from _named(DOCKERFILE, values, f"{DOCKER}.template_name")
        return
    yield from _named(TEMPLATE, values, "template_name")
    for target in elements_of(values.get("target_services")):
        yield from _hosts(target.values)


def _hosts(values: Values) -> Iterator[tuple[str, str]]:
    for repository in elements_of(values.get("repo_info")):
        yield from _named(HOST, repository.values, "codehost_name")


def _named(thing: str, values: Values, path: str) -> Iterator[tuple[str, str]]:
    name = values.get(path)
    if isinstance(name, str) and name:
        yield thing, name


def refusal(send: Build, live: Live) -> Blocked | None:
    """Block a create that names a cluster which the server does not list."""
    cluster = send.values.get(CLUSTER)
    if live.clusters is None or not isinstance(cluster, str) or send.values.get(BLOCK) is DEFAULT:
        return None
    if not cluster or cluster in live.clusters:
        return None
    return Blocked(
        Block.UNWRITABLE,
        f'the server has no cluster "{cluster}", so that it would refuse the build',
        f"write one that it has as {CLUSTER}: {', '.join(sorted(live.clusters))}",
    )


def guesses(send: Build, seen: Shown, *, always: bool = False) -> tuple[str, ...]:
    """Name what the create refers to and nothing that was read shows, in the order of the body.

    Args:
        send: the request.
        seen: what there is to judge by.
        always: also where no build shows a thing of that kind at all.
    """
    missing = [
        (thing, name)
        for thing, name in dict.fromkeys(_references(send))
        if (thing, name) not in seen.names and (always or seen.any_of(thing))
    ]
    return tuple(
        f'a guess: no build on the server shows the {thing} "{name}": if it does not exist, the create is refused'
        for thing, name in missing
    )
