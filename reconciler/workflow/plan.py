"""Load, read, settle, ask, plan."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from reconciler.model.build import Build
from reconciler.model.declared import secrets_in
from reconciler.model.definition import Desired
from reconciler.model.errors import BadToken, LedgerError, UsageError
from reconciler.model.live import Live, LiveBuild, Loss, Reading
from reconciler.model.policy import Prune
from reconciler.model.record import Document, Record
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings
from reconciler.model.usage import Usage
from reconciler.plan.inputs import Inputs
from reconciler.plan.memory import proven, settle
from reconciler.plan.planner import plan
from reconciler.plan.prune import vanished
from reconciler.plan.questions import Questions, behind, questions
from reconciler.plan.step import Plan, Step, Trouble
from reconciler.server import reading, wire
from reconciler.server.deep import read_deep
from reconciler.server.heard import Heard
from reconciler.server.repeats import changes_of, told_loss, unrepeated_anywhere
from reconciler.server.transport import Clock, Connection, ReadDoor, Transport
from reconciler.server.usage import read_usage
from reconciler.workflow.ledgers import reading_ledger

Asking = Callable[[Plan, Inputs], Questions]
"""A plan and what it was made from → what is still to be asked."""

_ROUNDS = 3
"""How often a plan may ask: what the internal read shows can lead to asking what workflows use."""


@dataclass(frozen=True, slots=True)
class World:
    """What the edges of a run are made of, so that tests can put others in their place.

    Attributes:
        environ: the environment.
        cwd: the current directory.
        transport: another way to the server than a socket; None for the socket.
        clock: the passing of time.
        progress: told what is being done, how much of it, and of how much.
    """

    environ: Mapping[str, str]
    cwd: str
    transport: Transport | None = None
    clock: Clock | None = None
    progress: Callable[[str, int, int], None] = lambda _, __, ___: None


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan and what it was made from.

    Attributes:
        plan: the plan.
        desired: the definitions.
        documents: project → what the ledger holds.
        proven: project → records of intents that the server proved; None: the build is gone.
        requests: how many requests the reading took.
        live: what was read.
        vanished: project → our records of builds that neither Git nor the server has any more.
        heard: the secrets that it came across.
    """

    plan: Plan
    desired: Desired
    documents: Mapping[str, Document]
    proven: Mapping[str, Mapping[str, Record | None]]
    requests: int
    live: Live = field(default_factory=Live)
    vanished: Mapping[str, Mapping[str, Record]] = field(default_factory=dict)
    heard: Heard = field(default_factory=Heard)


def make_plan(settings: Settings, desired: Desired, world: World, asking: Asking = behind) -> Planned:
    """Compare the definitions with the server, by GETs only. `asking`: what a plan leaves to be asked."""
    documents, warnings = read_ledger(settings, projects_of(settings, desired), world)
    with read_door(settings, world, [d.build for d in desired.definitions]) as door:
        heard = door.heard
        readings = _read(door, settings, desired, documents, world)
        live = Live(readings)
        if questions(desired, live).clusters:
            told = reading.clusters(door)
            live = replace(live, local_cluster=told.local, clusters=told.names)
        user = wire.user_of(settings.token) if settings.token else ""
        settled = {p: settle(documents[p], r, user) for p, r in readings.items() if p in documents}
        inputs = Inputs(desired, live, settled, settings.tree, settings.policy, partial(_told, settled, heard))
        made, live = _plan_until_answered(door, settings, inputs, asking, world)
        requests = door.requests
    made = replace(made, steps=tuple(_without_credentials(step, live, settled, heard) for step in made.steps))
    if warnings:
        made = replace(made, troubles=(*made.troubles, *warnings))
    made = replace(made, refusals=(*made.refusals, *_not_pruned(settings, desired)))
    proofs = {project: proven(documents.get(project, Document()), after) for project, after in settled.items()}
    return Planned(made, desired, documents, proofs, requests, live, vanished(inputs), heard)


def reading_project(world: World, project: str) -> reading.Progress:
    """Return who is told how many builds of a project were read."""
    return partial(world.progress, f"reading project {project}")


def reading_hidden(world: World) -> reading.Progress:
    """Return who is told how many builds the internal read showed."""
    return partial(world.progress, "reading what detail hides")


def _told(documents: Mapping[str, Document], heard: Heard, live: LiveBuild, loss: Loss) -> Loss:
    return told_loss(live, loss, heard, marks_of(documents, live))


def _without_credentials(step: Step, live: Live, documents: Mapping[str, Document], heard: Heard) -> Step:
    """Take every credential out of what a step says of the build that is there."""
    there = live.build(step.project, step.name)
    if there is None or there.build is None:
        return step
    return replace(step, changes=changes_of(there, step.changes, heard, marks_of(documents, there)))


def marks_of(documents: Mapping[str, Document], live: LiveBuild) -> frozenset[str]:
    """Return the paths of a build that the ledger marks as secret."""
    record = documents.get(live.project, Document()).records.get(live.name)
    return live.marks | (record.secrets if record else frozenset())


def _plan_until_answered(
    door: ReadDoor, settings: Settings, inputs: Inputs, asking: Asking, world: World
) -> tuple[Plan, Live]:
    """Plan; ask what the plan could not see and plan again, until it asks nothing new."""
    live = unrepeated_anywhere(inputs.live, door.heard)
    made = plan(replace(inputs, live=live))
    read: frozenset[tuple[str, str]] = frozenset()
    for _ in range(_ROUNDS):
        asked = asking(made, inputs)
        deep = asked.deep - read
        projects = sorted(asked.workflows - live.usage.keys())
        may_ask = settings.deep_read and not live.deep_unserved
        if not projects and not (deep and may_ask):
            break
        if may_ask:
            live = read_deep(door, live, deep, settings.concurrency, reading_hidden(world))
            live = unrepeated_anywhere(live, door.heard)
            read = read | deep
        usage = {project: _usage(door, settings, project, world) for project in projects}
        live = replace(live, usage={**live.usage, **usage})
        made = plan(replace(inputs, live=live))
    return made, live


def _usage(door: ReadDoor, settings: Settings, project: str, world: World) -> Usage:
    progress = partial(world.progress, f"reading workflows of project {project}")
    return read_usage(door, project, settings.concurrency, progress)


def _not_pruned(settings: Settings, desired: Desired) -> list[Trouble]:
    """Tell who asked for it by flag why nothing is pruned; the configuration's wish holds for whole trees alone."""
    mode = settings.policy.prune
    if not desired.narrowed or mode is Prune.OFF or settings.sources.get("prune") != "flag":
        return []
    command = f"reconciler plan {settings.root} --prune {mode.value}"
    if not settings.configured:
        message = "nothing is pruned: there is no reconciler.yaml, so that nobody knows where the tree ends"
        hint = f"write one with `tree:` and `projects:` into {settings.root}, then run `{command}`"
        return [Trouble("prune", message, hint)]
    message = "nothing is pruned: only part of the tree was read, and what is missing may be in the rest of it"
    return [Trouble("prune", message, f"run it on the whole tree: `{command}`")]


def projects_of(settings: Settings, desired: Desired) -> list[str]:
    """Return the projects that a run is about: those selected, configured, or named by definitions."""
    named = {d.build.project for d in desired.definitions}
    if settings.selected:
        return sorted(settings.selected)
    return sorted(named if desired.narrowed else named | set(settings.projects))


def read_ledger(settings: Settings, projects: list[str], world: World) -> tuple[dict[str, Document], list[Trouble]]:
    """Return what the ledger holds; a ledger that cannot be read leaves the run without, and says so."""
    try:
        with reading_ledger(settings, world) as ledger:
            return ledger.read_all(projects), []
    except LedgerError as error:
        return {}, [Trouble("ledger", f"{error.message}; planned without it", error.hint)]


@contextlib.contextmanager
def read_door(settings: Settings, world: World, builds: Iterable[Build] = ()) -> Iterator[ReadDoor]:
    """Open the door for reading. Raises UsageError without a server, BadToken without a token."""
    door = ReadDoor(connection(settings, world, builds))
    try:
        yield door
    finally:
        door.close()


def connection(
    settings: Settings, world: World, builds: Iterable[Build] = (), heard: Heard | None = None
) -> Connection:
    """Put together where to connect and as whom.

    No text that repeats a secret of `builds`, or one that was `heard` of before, will be told.
    """
    if not settings.server:
        raise UsageError(
            "no server is configured", "use --server URL, set ZADIG_SERVER, or write `server:` into reconciler.yaml"
        )
    heard = heard or Heard()
    heard.own(secret for build in builds for secret in secrets_in(build))
    return Connection(
        settings.server,
        _token(settings),
        settings.timeout,
        settings.deadline,
        world.transport,
        world.clock or Clock(),
        heard,
    )


def _token(settings: Settings) -> Secret:
    if settings.token is None:
        raise BadToken(
            "there is no API token", "set ZADIG_TOKEN to the token from your account page in Zadig, or use --token-file"
        )
    return settings.token


def _read(
    door: ReadDoor, settings: Settings, desired: Desired, documents: Mapping[str, Document], world: World
) -> dict[str, Reading]:
    everything = settings.policy.prune is Prune.ALL and not desired.narrowed

    def read(project: str) -> Reading:
        document = documents.get(project, Document())
        recorded = {} if desired.narrowed else document.records
        expected = {name: record.build.kind for name, record in recorded.items()}
        expected |= {name: intent.record.build.kind for name, intent in document.intents.items()}
        expected |= {d.build.name: d.build.kind for d in desired.definitions if d.build.project == project}
        wanted = [reading.Wanted(name, kind) for name, kind in sorted(expected.items())]
        told = reading_project(world, project)
        found = reading.read_project(door, project, wanted, settings.concurrency, everything=everything, progress=told)
        return found.marked(document.marks)

    return reading.read_permitted(projects_of(settings, desired), read)
