"""Renames and moves: the two steps of each, and everything that may stand in their way.

    rename  create ──► delete     the old build is there until the new one is seen
    move    delete ──► create     names are global; the old build is put back where the create fails
    leftover           delete     of a rename whose new build is there already
    resumed            create     of a move whose old build is gone, from what its intent kept

What a definition does not declare is taken over from the old build, live credentials included. Both steps of
a pair are blocked together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known, Trust, know
from reconciler.model.build import Build
from reconciler.model.change import Change, ChangeKind
from reconciler.model.declared import declared_paths, secret_paths
from reconciler.model.fields import Kind
from reconciler.model.live import LiveBuild, Stamps
from reconciler.plan import foresee, guards
from reconciler.plan.ignoring import with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.leftover import only_in_old
from reconciler.plan.notes import notes
from reconciler.plan.pairs import Name, Pair, Turn
from reconciler.plan.step import Action, Block, Blocked, PlannedLoss, Step
from reconciler.plan.whole import InputKinds, Whole, whole

FLAG = "--allow-moves"
_OF_THE_NAME = (Block.INCOMPLETE, Block.NAME_TAKEN, Block.FOREIGN)
"""Why a plain create of the new name would be blocked, that holds for a rename too."""


class Mover:
    """Turns pairs into steps. `seen`: what creates are judged by."""

    def __init__(self, inputs: Inputs, kinds: InputKinds, seen: foresee.Shown) -> None:
        self._inputs = inputs
        self._kinds = kinds
        self._seen = seen

    def replacing(self, pair: Pair, create: Step) -> tuple[Step, ...]:
        """Return the steps of a rename or move, or the one that resumes it.

        Args:
            pair: what takes whose place.
            create: the step as it would be if there were no old build.
        """
        if pair.turn is Turn.RESUMED:
            return (self._resumed(pair, create),)
        create = replace(create, reason=_becomes(pair), old=pair.old, changes=(), send=None, learn=False)
        early = self._never_begun(pair)
        if early:
            return (replace(create, blocked=early),)
        delete = _delete(pair, f"{_is_replaced(pair)} {create.project}/{create.name}")
        if pair.turn is Turn.RENAME:
            delete = replace(delete, after=(create.project, create.name))
        else:
            create = replace(create, after=pair.old)
        return self._put_together(pair, create, delete)

    def _put_together(self, pair: Pair, create: Step, delete: Step) -> tuple[Step, Step]:
        named = create.blocked if create.blocked and create.blocked.reason in _OF_THE_NAME else None
        if named and named.reason is Block.NAME_TAKEN and pair.turn is Turn.MOVE:
            named = None
        blocked = named or self._out_of_reach(pair)
        if blocked:
            return replace(create, blocked=blocked), replace(delete, blocked=blocked)
        known = self._known(pair)
        ignoring = with_ignored(pair.definition, known, self._inputs.live.local_cluster)
        pair, known = replace(pair, definition=ignoring.definition), ignoring.known
        result = self._whole(pair.definition.build, known)
        found = guards.losses(known, result)
        restore = self._restore(known) if pair.turn is Turn.MOVE else None
        blocked = self._forbidden(pair, known, result, found, restore) or self._needs_flag(pair)
        create = replace(
            create,
            blocked=blocked,
            changes=_changes(pair, known, self._inputs.live.local_cluster),
            send=result.send,
            learn=result.learn,
            unset=pair.definition.unset,
            notes=(*notes(pair.definition, known, result.send), *self._guesses(result)),
        )
        create = ignoring.told(create)
        return create, replace(delete, blocked=blocked, losses=found, restore=restore.send if restore else None)

    def leftover(self, pair: Pair, step: Step) -> Step:
        """Return the delete that is left of a rename. `step`: what is planned for the new build."""
        delete = _delete(pair, f"was renamed to {step.project}/{step.name}, which is there")
        if step.will_write:
            delete = replace(delete, after=(step.project, step.name))
        new = self._inputs.build(step.project, step.name)
        assert new is not None
        blocked = step.blocked or guards.not_writable(new) or self._out_of_reach(pair)
        if blocked or new.build is None:
            return replace(delete, blocked=blocked)
        known = self._known(pair)
        definition = with_ignored(pair.definition, known, self._inputs.live.local_cluster).definition
        result = self._whole(definition.build, known)
        now = know(new, self._inputs.record(step.project, step.name))
        if new.build.kind is definition.build.kind:
            current = self._whole(definition.build, now).send
            found = (*guards.losses(known, result), *only_in_old(result.send, current, now))
        else:
            found = guards.losses(known, result)
        blocked = _protected(pair) or guards.lossy(known, found) or self._needs_flag(pair)
        return replace(delete, blocked=blocked, losses=found)

    def _resumed(self, pair: Pair, create: Step) -> Step:
        """Create from the definition and, where it does not speak, from the build that was announced."""
        assert pair.intent is not None
        record = pair.intent.record
        past = LiveBuild(create.project, create.name, "zadig", Stamps(0, ""), build=record.build)
        known = Known(past, record, Trust.EXACT, record.build.values)
        ignoring = with_ignored(pair.definition, known, self._inputs.live.local_cluster)
        result = self._whole(ignoring.definition.build, known)
        named = create.blocked if create.blocked and create.blocked.reason in _OF_THE_NAME else None
        blocked = (
            named
            or guards.unknown_hosts(result)
            or guards.needs_cluster(result)
            or _unkept((*result.no_value, *result.forgotten))
            or foresee.refusal(result.send, self._inputs.live)
        )
        step = replace(
            create,
            reason=f"finishes what an earlier run began: {_shown(pair.old)} is gone",
            old=pair.old,
            blocked=blocked,
            send=result.send,
            learn=result.learn,
            unset=ignoring.definition.unset,
            notes=tuple(dict.fromkeys((*create.notes, *self._guesses(result)))),
        )
        return ignoring.told(step)

    def _guesses(self, result: Whole) -> tuple[str, ...]:
        return foresee.guesses(result.send, self._seen, always=True)

    def _known(self, pair: Pair) -> Known:
        assert pair.live is not None
        return know(pair.live, pair.record)

    def _whole(self, desired: Build, known: Known) -> Whole:
        return whole(desired, known, self._inputs.live.local_cluster, self._kinds, fresh=True)

    def _restore(self, known: Known) -> Whole:
        """Put together the old build as it is, to be created again."""
        build = known.live.build
        assert build is not None
        template = {"template_name": known.values["template_name"]} if build.kind is Kind.TEMPLATE else {}
        return self._whole(replace(build, values=template), known)

    def _never_begun(self, pair: Pair) -> Blocked | None:
        """Find what makes it no pair at all: then nothing is deleted, and the create alone is blocked."""
        old = _shown(pair.old)
        if pair.rival:
            return Blocked(
                Block.NAME_TAKEN,
                f"renamed_from names {old}, and {pair.rival} is about that build too",
                "take renamed_from out here, or the other definition; rename one build at a time",
            )
        if self._inputs.desired.narrowed:
            return Blocked(
                Block.NEEDS_FLAG,
                f"it takes the place of {old}, and nothing is renamed where only a part of the tree is looked at",
                f"run on the whole tree, without --project, with {FLAG}",
            )
        return None

    def _out_of_reach(self, pair: Pair) -> Blocked | None:
        """Find why the old build may not be touched, or what it holds is not known."""
        live, reading = pair.live, self._inputs.live.readings[pair.old[0]]
        assert live is not None
        if pair.record is None:
            return Blocked(
                Block.FOREIGN,
                f"the ledger has no record of {_shown(pair.old)}, so that it is not ours to delete",
                "use the ledger of the run that made it, or take renamed_from out",
            )
        blocked = (
            guards.foreign(pair.record, self._inputs.tree) or guards.incomplete(reading) or guards.not_writable(live)
        )
        if blocked or live.build is None or live.build.kind is pair.definition.build.kind:
            return blocked
        return Blocked(
            Block.LOSS,
            f"{_shown(pair.old)} is a {live.build.kind.value} build and the definition a "
            f"{pair.definition.build.kind.value} one: what the other kind holds cannot be taken over",
            "do it in two steps: keep the kind for now, and convert the build afterwards",
        )

    def _forbidden(
        self, pair: Pair, known: Known, result: Whole, found: tuple[PlannedLoss, ...], restore: Whole | None
    ) -> Blocked | None:
        return (
            _protected(pair)
            or guards.moved_references(pair.definition, known)
            or guards.unknown_hosts(result)
            or (guards.unknown_hosts(restore) if restore else None)
            or guards.needs_cluster(result)
            or guards.lossy(known, found)
            or guards.without_value(result)
            or (_not_supplied(pair, result.send) if pair.turn is Turn.MOVE else None)
            or foresee.refusal(result.send, self._inputs.live)
        )

    def _needs_flag(self, pair: Pair) -> Blocked | None:
        if self._inputs.policy.allow_moves:
            return None
        word = "move" if pair.turn is Turn.MOVE else "rename"
        return Blocked(Block.NEEDS_FLAG, f"this {word} deletes {_shown(pair.old)}", f"run with {FLAG} if that is meant")


def together(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Block both steps of a pair where one of them is: whatever guard looked at one, it holds for the pair."""
    steps = tuple(steps)
    places = {(step.project, step.name): place for place, step in enumerate(steps)}
    result = list(steps)
    for place, step in enumerate(steps):
        other = places.get(step.old) if step.old else None
        if other is None or steps[other].action is not Action.DELETE:
            continue
        blocked = step.blocked or steps[other].blocked
        result[place] = replace(step, blocked=blocked)
        result[other] = replace(steps[other], blocked=blocked)
    return tuple(result)


def _delete(pair: Pair, reason: str) -> Step:
    assert pair.live is not None
    return Step(
        action=Action.DELETE,
        project=pair.old[0],
        name=pair.old[1],
        reason=reason,
        place=pair.definition.place,
        live=pair.live.stamps,
        before=pair.live.build,
        recorded=pair.record is not None,
    )


def _changes(pair: Pair, known: Known, local_cluster: str | None) -> tuple[Change, ...]:
    """Return how the new build differs from the old one; that it gets another name is said elsewhere."""
    found = diff(pair.definition.build, known, local_cluster)
    return tuple(c for c in found if c.kind is not ChangeKind.UNVERIFIABLE or not c.path.endswith(".codehost_name"))


def _protected(pair: Pair) -> Blocked | None:
    """Protection holds for the old build until a definition says that it is over."""
    said = pair.definition.prevent_destroy
    if not (said if said is not None else pair.record is not None and pair.record.prevent_destroy):
        return None
    return Blocked(
        Block.PROTECTED,
        f"{_shown(pair.old)} is protected by prevent_destroy, and would be deleted",
        'write "prevent_destroy: false" into the definition for this run, and take it out again afterwards',
    )


def _not_supplied(pair: Pair, send: Build) -> Blocked | None:
    """A move deletes first: what only the old build holds would be gone, should the run die in between."""
    declared = declared_paths(pair.definition.build)
    missing = sorted(path for path in secret_paths(send) if path not in declared)
    if not missing:
        return None
    return Blocked(
        Block.CREDENTIALS,
        f"a move deletes the old build first, and only that one holds the value of {', '.join(missing)}",
        "give it a value in the definition, for example {from_env: BUILD_…}",
    )


def _unkept(missing: tuple[str, ...]) -> Blocked | None:
    if not missing:
        return None
    return Blocked(
        Block.CREDENTIALS,
        f"the old build is gone, and no value is kept anywhere of {', '.join(missing)}",
        "give it a value in the definition, for example {from_env: BUILD_…}",
    )


def _becomes(pair: Pair) -> str:
    word = "move" if pair.turn is Turn.MOVE else "rename"
    return f"a {word}; what the definition does not declare is taken over"


def _is_replaced(pair: Pair) -> str:
    return "makes room for" if pair.turn is Turn.MOVE else "becomes"


def _shown(name: Name) -> str:
    return f'"{name[0]}/{name[1]}"'
