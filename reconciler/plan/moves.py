"""Renames and moves: the two steps of each, and everything that may stand in their way.

    rename  create ──► delete     the old build is there until the new one is seen
    move    delete ──► create     names are global; the old build is put back where the create fails
    leftover           delete     of a rename whose new build is there already
    resumed            create     of a move whose old build is gone, from what its intent kept

What a definition does not declare is taken over from the old build, live credentials included. Both steps of
a pair are blocked together. What may stand in the way is in `reconciler.plan.obstacles`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from reconciler.compare.diff import diff
from reconciler.compare.knowledge import Known, Trust, know
from reconciler.model.build import Build
from reconciler.model.change import Change, ChangeKind
from reconciler.model.fields import Kind
from reconciler.model.live import LiveBuild, Stamps
from reconciler.plan import foresee, guards, losses, obstacles
from reconciler.plan.ignoring import with_ignored
from reconciler.plan.inputs import Inputs
from reconciler.plan.keepsake import is_exact, keepsake
from reconciler.plan.kinds import InputKinds
from reconciler.plan.leftover import only_in_old
from reconciler.plan.notes import notes
from reconciler.plan.pairs import Pair, Turn
from reconciler.plan.step import Action, Block, Blocked, PlannedLoss, Step
from reconciler.plan.whole import Whole, whole

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
        early = obstacles.never_begun(self._inputs, pair)
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
        blocked = named or obstacles.out_of_reach(self._inputs, pair)
        if blocked:
            return replace(create, blocked=blocked), replace(delete, blocked=blocked)
        known = self._known(pair)
        ignoring = with_ignored(pair.definition, known, self._inputs.live.local_cluster)
        pair, known = replace(pair, definition=ignoring.definition), ignoring.known
        result = self._whole(pair.definition.build, known)
        found = losses.of_replacing(pair.definition, known, result, self._inputs.tell)
        restore = self._restore(known) if pair.turn is Turn.MOVE else None
        blocked = self._forbidden(pair, known, result, found, restore) or obstacles.needs_flag(self._inputs, pair)
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
        blocked = step.blocked or guards.not_writable(new) or obstacles.out_of_reach(self._inputs, pair)
        if blocked or new.build is None:
            return replace(delete, blocked=blocked)
        known = self._known(pair)
        definition = with_ignored(pair.definition, known, self._inputs.live.local_cluster).definition
        result = self._whole(definition.build, known)
        now = know(new, self._inputs.record(step.project, step.name))
        if new.build.kind is definition.build.kind:
            current = self._whole(definition.build, now).send
            more = only_in_old(result.send, current, now, known.live, self._inputs.tell)
            found = (
                *losses.of_replacing(pair.definition, known, result, self._inputs.tell),
                *(losses.accepted(loss, pair.definition) for loss in more),
            )
        else:
            found = losses.of_replacing(pair.definition, known, result, self._inputs.tell)
        blocked = (
            obstacles.protected(pair) or losses.lossy(found, "a rename") or obstacles.needs_flag(self._inputs, pair)
        )
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
            or obstacles.unkept((*result.no_value, *result.forgotten))
            or foresee.refusal(result.send, self._inputs.live)
        )
        step = replace(
            create,
            reason=f"finishes what an earlier run began: {obstacles.shown(pair.old)} is gone",
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

    def _forbidden(
        self, pair: Pair, known: Known, result: Whole, found: tuple[PlannedLoss, ...], restore: Whole | None
    ) -> Blocked | None:
        return (
            obstacles.protected(pair)
            or guards.moved_references(pair.definition, known)
            or guards.unknown_hosts(result)
            or (guards.unknown_hosts(restore) if restore else None)
            or guards.needs_cluster(result)
            or losses.lossy(found, f"a {obstacles.turn_of(pair)}")
            or guards.without_value(result)
            or (obstacles.not_supplied(pair, result.send) if pair.turn is Turn.MOVE else None)
            or foresee.refusal(result.send, self._inputs.live)
        )


def together(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Block both steps of a pair where one of them is: whatever guard looked at one, it holds for the pair.

    So is the delete that is left of a rename where the new build, which it waits for, is not to be written.
    """
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
    for place, step in enumerate(result):
        before = places.get(step.after) if step.after else None
        if before is not None and step.blocked is None:
            result[place] = replace(step, blocked=result[before].blocked)
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
        erasable=pair.live.losses,
        keepsake=keepsake(pair.live, pair.record, pair.definition.build),
        exact=is_exact(pair.live, pair.record),
        recorded=pair.record is not None,
        applied=pair.record.applied if pair.record else None,
    )


def _changes(pair: Pair, known: Known, local_cluster: str | None) -> tuple[Change, ...]:
    """Return how the new build differs from the old one; that it gets another name is said elsewhere."""
    found = diff(pair.definition.build, known, local_cluster)
    return tuple(c for c in found if c.kind is not ChangeKind.UNVERIFIABLE or not c.path.endswith(".codehost_name"))


def _becomes(pair: Pair) -> str:
    word = "move" if pair.turn is Turn.MOVE else "rename"
    return f"a {word}; what the definition does not declare is taken over"


def _is_replaced(pair: Pair) -> str:
    return "makes room for" if pair.turn is Turn.MOVE else "becomes"
