"""Why a step of a saved plan is not executed: a sentence per way to go stale, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.model.live import LiveBuild, Stamps
from reconciler.plan.step import Action, Block, Blocked

Name = tuple[str, str]
"""Project and name of a build."""

NOTHING_LEFT = "is as the saved plan wanted it: nothing is left to do"
ALREADY_GONE = "is gone from the server: nothing is left to do"

_HINT = "look at what would be done now, then save a new plan: reconciler plan --out FILE"
_NEITHER = "neither its definition nor the build changed since the plan was saved, but "
_ELSE = "a value of the environment, the ledger or another build differs"


@dataclass(frozen=True, slots=True)
class Changed:
    """What differs between a saved step and today's of the same build.

    Attributes:
        definition: whether what Git says differs.
        declared: whether there is a definition today.
        live: whether what the server shows differs.
        before: stamps of the live build then; None where there was none.
        now: the live build today; None where there is none.
        was: what was to be done.
        unset: environment variables that were set then and are not now.
    """

    definition: bool
    declared: bool
    live: bool
    before: Stamps | None
    now: LiveBuild | None
    was: Action
    unset: tuple[str, ...] = ()


def changed(what: Changed, action: Action) -> Blocked:
    """Say which side changed since the plan was saved: the definition, the server, both, or neither."""
    if what.definition and what.live:
        return _stale(f"since the plan was saved, {_in_git(what)}, and {_on_server(what)}")
    if what.definition:
        return _stale(f"since the plan was saved, {_in_git(what)}")
    if what.live:
        return _stale(f"since the plan was saved, {_on_server(what)}")
    if what.unset:
        return _unset(what.unset)
    return _stale(_neither(what, action))


def added() -> Blocked:
    """Answer for a step that the file lacks."""
    return _stale("the saved plan does not have this step: it was not needed or not there when the plan was saved")


def vanished(was: Action) -> Blocked:
    """Answer for a step of the file that today's plan lacks."""
    if was is not Action.DELETE:
        return _stale("since the plan was saved, the definition was taken away")
    return _stale(
        "the saved plan deletes this build, and a plan of today does not: it is not ours any more, "
        "or a guard lets nothing be deleted"
    )


def together(other: Name) -> Blocked:
    """Answer for a step that must not be executed without another one."""
    return _stale(f"it belongs together with {other[0]}/{other[1]}, which is stale")


def nothing_is_written(count: int) -> Blocked:
    """Answer for a step that is still the same, where it is all or nothing."""
    steps = "1 step" if count == 1 else f"{count} steps"
    return Blocked(
        Block.STALE,
        f"nothing is written, because {steps} cannot be executed as saved (--all-or-nothing)",
        "save a new plan, or leave out --all-or-nothing to execute what is still the same",
    )


def nothing_left(names: Sequence[Name]) -> tuple[str, ...]:
    """Tell of the steps that somebody else has done."""
    if not names:
        return ()
    listed = ", ".join(f"{project}/{name}" for project, name in names)
    return (f"in the saved plan, and nothing is left to do: {listed}",)


def _stale(message: str) -> Blocked:
    return Blocked(Block.STALE, message, _HINT)


def _in_git(what: Changed) -> str:
    if not what.declared:
        return "the definition was taken away"
    return "a definition was added" if what.was is Action.DELETE else "the definition was changed"


def _on_server(what: Changed) -> str:
    if what.now is None:
        return "the build was deleted on the server"
    stamps = what.now.stamps
    who = stamps.update_by or "somebody"
    if what.before is None:
        return f"{who} created the build on the server ({stamps.moment})"
    if stamps != what.before:
        return f"{who} wrote the build on the server ({stamps.moment})"
    return "the server shows other values of the build, without a new time stamp"


def _unset(names: Sequence[str]) -> Blocked:
    listed = ", ".join(names)
    return Blocked(
        Block.STALE,
        f"{_NEITHER}what was set in the environment then is not set now: {listed}",
        f"set {listed}, or save a new plan without: reconciler plan --out FILE",
    )


def _neither(what: Changed, action: Action) -> str:
    if what.was is action:
        return f"{_NEITHER}what would be written did: {_ELSE}"
    return f"{_NEITHER}what would be done did, from {what.was.value} to {action.value}: {_ELSE}"
