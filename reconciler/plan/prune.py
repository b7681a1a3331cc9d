"""Live builds that Git does not have: which are deleted, and what forbids it.

candidates (owned | all) ─► a delete step each
    what forbids that one ─► unwritable, foreign, protected, limit, incomplete, unread
    workflows ─────────────► in-use      (`reconciler.plan.usage`)
    count and percentage ──► limit       (`reconciler.plan.limits`; deletes that moves make count too)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.model.definition import Desired
from reconciler.model.live import JENKINS, LiveBuild
from reconciler.model.policy import Prune
from reconciler.model.record import Document, Record
from reconciler.plan.inputs import Inputs
from reconciler.plan.keepsake import is_exact, keepsake
from reconciler.plan.limits import limited
from reconciler.plan.step import Action, Block, Blocked, Step, Trouble
from reconciler.plan.usage import guarded


def with_deletes(inputs: Inputs, steps: Iterable[Step]) -> tuple[Step, ...]:
    """Add what is pruned, and guard every step that deletes or takes something away; by project and name."""
    bans = _bans(inputs)
    every = [*steps, *(_delete(inputs, live, bans) for live in candidates(inputs))]
    every.sort(key=lambda step: (step.project, step.name))
    return limited(inputs, [guarded(inputs, step) for step in every])


def named(desired: Desired) -> frozenset[str]:
    """Return every name that the whole tree gives to a build or took from one: those are never pruned.

    Names are unique over the whole server, so a name under another project is a move, and no orphan.
    """
    given = {d.build.name for d in desired.definitions} | desired.elsewhere.keys()
    return frozenset(given | {d.renamed_from for d in desired.definitions if d.renamed_from})


def candidates(inputs: Inputs) -> list[LiveBuild]:
    """Return the live builds that are to be deleted, as far as the mode goes; by project and name."""
    mode = Prune.OFF if inputs.desired.narrowed else inputs.policy.prune
    if mode is Prune.OFF:
        return []
    return [live for live in _undeclared(inputs) if _ours(inputs, live) or (mode is Prune.ALL and not _jenkins(live))]


def orphans(inputs: Inputs) -> tuple[tuple[str, str], ...]:
    """Return the live builds that are ours and gone from Git, where nothing is pruned."""
    if inputs.desired.narrowed or inputs.policy.prune is not Prune.OFF:
        return ()
    return tuple((live.project, live.name) for live in _undeclared(inputs) if _ours(inputs, live))


def vanished(inputs: Inputs) -> dict[str, dict[str, Record]]:
    """Return our records of builds that neither Git nor the server has any more: the next apply drops them.

    Nothing is dropped on a reading that may lack builds: protection is in the records.
    """
    if inputs.desired.narrowed:
        return {}
    names, found = named(inputs.desired), {}
    for project, reading in inputs.live.readings.items():
        if reading.incomplete or not reading.builds:
            continue
        records = inputs.documents.get(project, Document()).records
        lost = {
            name: record
            for name, record in records.items()
            if inputs.is_ours(record) and name not in names and name not in reading.builds
        }
        if lost:
            found[project] = lost
    return found


def troubles(inputs: Inputs) -> tuple[Trouble, ...]:
    """Name the projects whose builds all disappeared: a server that hides them looks the same."""
    if inputs.policy.prune is Prune.OFF:
        return ()
    return tuple(
        Trouble(
            "incomplete",
            f'project "{project}": it shows no build at all, and the ledger knows {count}',
            "look into Zadig's web page; if the project is empty indeed, take it out of `projects:`",
        )
        for project, count in _emptied(inputs).items()
    )


def notices(inputs: Inputs) -> tuple[str, ...]:
    """Where everything undeclared goes: count the Jenkins builds that stay, and say where no ledger speaks of any."""
    if inputs.desired.narrowed or inputs.policy.prune is not Prune.ALL:
        return ()
    counts: dict[str, int] = {}
    for live in _undeclared(inputs):
        if _jenkins(live) and not _ours(inputs, live):
            counts[live.project] = counts.get(live.project, 0) + 1
    jenkins = (
        f'project "{project}": {count} Jenkins build{"s" if count != 1 else ""} left alone, none is ever deleted'
        for project, count in counts.items()
    )
    return (*jenkins, *(_unrecorded(project) for project in _never_recorded(inputs)))


def _never_recorded(inputs: Inputs) -> list[str]:
    """Return the projects in which something would be deleted and of which a readable ledger knows nothing."""
    empty = {project for project, document in inputs.documents.items() if not document.records and not document.intents}
    return sorted(empty & {live.project for live in candidates(inputs)})


def _unrecorded(project: str) -> str:
    return (
        f'project "{project}": this ledger has no record of it; is it the one that the other runs use? '
        "Without it nobody knows which builds are protected, or belong to another tree"
    )


@dataclass(frozen=True, slots=True)
class _Bans:
    """What forbids deletes whatever the build: `undefined`, `foreign` per project, `doubt` for the whole run."""

    undefined: Mapping[str, Blocked]
    foreign: Mapping[str, Blocked]
    doubt: Blocked | None


def _bans(inputs: Inputs) -> _Bans:
    projects = sorted(inputs.live.readings)
    defined = {d.build.project for d in inputs.desired.definitions}
    trees = {project: _other_tree(inputs, project) for project in projects}
    return _Bans(
        undefined={project: _undefined(project) for project in projects if project not in defined},
        foreign={project: _foreign(project, tree) for project, tree in trees.items() if tree},
        doubt=_doubt(inputs),
    )


def _delete(inputs: Inputs, live: LiveBuild, bans: _Bans) -> Step:
    record = inputs.record(live.project, live.name)
    ours = _ours(inputs, live)
    return Step(
        action=Action.DELETE,
        project=live.project,
        name=live.name,
        reason="ours, and not in Git any more" if ours else "no definition has it, and everything undeclared goes",
        live=live.stamps,
        blocked=(
            _unwritable(live)
            or (bans.foreign.get(live.project) if inputs.policy.prune is Prune.ALL else None)
            or _protected(record)
            or bans.undefined.get(live.project)
            or bans.doubt
            or _unread(live)
        ),
        notes=_notes(live, record),
        before=live.build,
        erasable=live.losses,
        keepsake=keepsake(live, record),
        exact=is_exact(live, record),
        prevent_destroy=record is not None and record.prevent_destroy,
        recorded=record is not None,
        applied=record.applied if record else None,
    )


def _undeclared(inputs: Inputs) -> list[LiveBuild]:
    names = named(inputs.desired)
    return [
        live
        for _, reading in sorted(inputs.live.readings.items())
        for name, live in sorted(reading.builds.items())
        if name not in names
    ]


def _ours(inputs: Inputs, live: LiveBuild) -> bool:
    return inputs.is_ours(inputs.record(live.project, live.name))


def _jenkins(live: LiveBuild) -> bool:
    return live.source == JENKINS


def _notes(live: LiveBuild, record: Record | None) -> tuple[str, ...]:
    if record is None or record.stamps == live.stamps:
        return ()
    return (f"{live.stamps.update_by or 'somebody'} has written since our last apply",)


def _unwritable(live: LiveBuild) -> Blocked | None:
    if not _jenkins(live):
        return None
    return Blocked(
        Block.UNWRITABLE,
        "it is a Jenkins build now, which this tool never deletes",
        "delete it in Zadig's web page, or leave it",
    )


def _protected(record: Record | None) -> Blocked | None:
    if record is None or not record.prevent_destroy:
        return None
    return Blocked(
        Block.PROTECTED,
        "its definition said prevent_destroy when it was last applied, and the ledger remembers that",
        "to delete it: bring the definition back with `prevent_destroy: false`, apply, and then remove it",
    )


def _unread(live: LiveBuild) -> Blocked | None:
    if live.build is not None:
        return None
    why = live.unread or "its detail was not asked for"
    return Blocked(
        Block.UNREAD,
        f"the build could not be read, so nothing of it could be kept: {why}",
        "run again; if it stays, look at the build in Zadig's web page and delete it there",
    )


def _other_tree(inputs: Inputs, project: str) -> str:
    """Return the first other tree that the ledger names in a project, "" where there is none."""
    document = inputs.documents.get(project, Document())
    records = [*document.records.values(), *(intent.record for intent in document.intents.values())]
    return min((record.tree for record in records if record.tree != inputs.tree), default="")


def _foreign(project: str, tree: str) -> Blocked:
    return Blocked(
        Block.FOREIGN,
        f'the ledger says that builds of project "{project}" belong to the tree "{tree}", '
        "so not everything undeclared here is free to go",
        "use --prune owned, which deletes only what this tree made",
    )


def _undefined(project: str) -> Blocked:
    return Blocked(
        Block.LIMIT,
        f'Git has no definition of project "{project}" any more, and a whole project is never pruned',
        "keep one definition, take the project out of `projects:`, or delete the builds in Zadig's web page",
    )


def _doubt(inputs: Inputs) -> Blocked | None:
    """An absence that may be none, anywhere in the run: nobody knows then what is really gone from where."""
    readings = sorted(inputs.live.readings.items())
    why = [f'project "{project}": {reading.incomplete}' for project, reading in readings if reading.incomplete]
    why += [f'project "{project}" shows no build at all any more' for project in _emptied(inputs)]
    unknown = [project for project, _ in readings if project not in inputs.documents]
    if unknown:
        why.append("the ledger could not be read, so nobody knows what is protected or belongs to another tree")
    if not why:
        return None
    return Blocked(
        Block.INCOMPLETE,
        f"nothing is deleted while something could not be looked at: {'; '.join(why)}",
        "run again when all of it can be read",
    )


def _emptied(inputs: Inputs) -> dict[str, int]:
    """Return the projects that show no build at all though the ledger has records, and how many it has."""
    return {
        project: len(document.records)
        for project, reading in sorted(inputs.live.readings.items())
        if not reading.builds and not reading.incomplete
        if (document := inputs.documents.get(project)) is not None and document.records
    }
