"""What stands in the way of a rename or a move, each with its reason, a sentence and the way out."""

from __future__ import annotations

from reconciler.model.build import Build
from reconciler.model.declared import declared_paths, secret_paths
from reconciler.plan import guards
from reconciler.plan.inputs import Inputs
from reconciler.plan.outline import is_protected
from reconciler.plan.pairs import Name, Pair, Turn
from reconciler.plan.step import Block, Blocked

FLAG = "--allow-moves"


def never_begun(inputs: Inputs, pair: Pair) -> Blocked | None:
    """Find what makes it no pair at all: then nothing is deleted, and the create alone is blocked."""
    old = shown(pair.old)
    if pair.rival:
        return Blocked(
            Block.NAME_TAKEN,
            f"renamed_from names {old}, and {pair.rival} is about that build too",
            "take renamed_from out here, or the other definition; rename one build at a time",
        )
    if inputs.desired.narrowed:
        return Blocked(
            Block.NEEDS_FLAG,
            f"it takes the place of {old}, and nothing is renamed where only a part of the tree is looked at",
            f"run on the whole tree, with {FLAG}",
        )
    return None


def out_of_reach(inputs: Inputs, pair: Pair) -> Blocked | None:
    """Find why the old build may not be touched, or what it holds is not known."""
    live, reading = pair.live, inputs.live.readings[pair.old[0]]
    assert live is not None
    if pair.record is None:
        return Blocked(
            Block.FOREIGN,
            f"the ledger has no record of {shown(pair.old)}, so that it is not ours to delete",
            "use the ledger of the run that made it, or take renamed_from out",
        )
    blocked = guards.foreign(pair.record, inputs.tree) or guards.incomplete(reading) or guards.not_writable(live)
    if blocked or live.build is None or live.build.kind is pair.definition.build.kind:
        return blocked
    return Blocked(
        Block.LOSS,
        f"{shown(pair.old)} is a {live.build.kind.value} build and the definition a "
        f"{pair.definition.build.kind.value} one: what the other kind holds cannot be taken over",
        "do it in two steps: keep the kind for now, and convert the build afterwards",
    )


def protected(pair: Pair) -> Blocked | None:
    """Protection holds for the old build until a definition says that it is over."""
    if not is_protected(pair.definition, pair.record):
        return None
    return Blocked(
        Block.PROTECTED,
        f"{shown(pair.old)} is protected by prevent_destroy, and would be deleted",
        'write "prevent_destroy: false" into the definition for this run, and take it out again afterwards',
    )


def not_supplied(pair: Pair, send: Build) -> Blocked | None:
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


def unkept(missing: tuple[str, ...]) -> Blocked | None:
    """An intent holds no secret: what neither it nor the definition has is nowhere."""
    if not missing:
        return None
    return Blocked(
        Block.CREDENTIALS,
        f"the old build is gone, and no value is kept anywhere of {', '.join(missing)}",
        "give it a value in the definition, for example {from_env: BUILD_…}",
    )


def needs_flag(inputs: Inputs, pair: Pair) -> Blocked | None:
    """Whatever deletes a build for the sake of another needs a flag."""
    if inputs.policy.allow_moves:
        return None
    return Blocked(
        Block.NEEDS_FLAG, f"this {turn_of(pair)} deletes {shown(pair.old)}", f"run with {FLAG} if that is meant"
    )


def turn_of(pair: Pair) -> str:
    """Return the word for what is done with the old build."""
    return "move" if pair.turn is Turn.MOVE else "rename"


def shown(name: Name) -> str:
    """Return project and name in quotes."""
    return f'"{name[0]}/{name[1]}"'
