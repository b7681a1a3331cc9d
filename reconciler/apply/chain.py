"""Steps that wait for each other: one chain, in order, in one thread.

    rename  old unchanged? ─► create ─► delete the old one
    move    delete ─► create ─┬─ done
                              └─ failed ─► put back what was deleted

Every step has its own ending. What waits for a step that was not done is skipped, and says for which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from reconciler.apply.inputs import without_unknown_inputs
from reconciler.apply.perform import DRY_RUN, OVERTAKEN, Ended, Performer
from reconciler.model.errors import BadToken
from reconciler.model.outcome import Ending, Fault
from reconciler.model.record import Record
from reconciler.plan.step import Action, Step


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: its place in the plan, itself, and what the ledger was told of it, if anything."""

    index: int
    step: Step
    announced: Record | None

    @property
    def name(self) -> tuple[str, str]:
        """Project and name."""
        return self.step.project, self.step.name


Chain = tuple[Link, ...]


def chains(links: Iterable[Link]) -> list[Chain]:
    """Put steps that wait for each other into one chain, in order; all others stand alone, in the order given."""
    links = list(links)
    places = {link.name: link for link in links}
    waiting: dict[tuple[str, str], list[Link]] = {}
    for link in links:
        if link.step.after in places and link.step.after is not None:
            waiting.setdefault(link.step.after, []).append(link)
    first = [link for link in links if link.step.after not in places]
    return [tuple(_behind(link, waiting)) for link in first]


def _behind(link: Link, waiting: dict[tuple[str, str], list[Link]]) -> Iterable[Link]:
    yield link
    for follower in waiting.get(link.name, ()):
        yield from _behind(follower, waiting)


def perform_chain(performer: Performer, chain: Chain, backup: Callable[[], str]) -> list[Ended]:
    """Perform the steps of a chain one after the other; return an ending for each.

    Args:
        performer: does single steps.
        chain: what to do.
        backup: tells the folder that deleted builds were written to, "" where there is none.
    """
    ends: dict[tuple[str, str], Ended] = {}
    stale = _stale(performer, chain)
    for link in chain:
        before = link.step.after
        if stale:
            ends[link.name] = stale
        elif before is not None and not _passed(ends.get(before)):
            ends[link.name] = _skipped(before)
        else:
            ends[link.name] = _performed(performer, link)
            _put_back(performer, chain, ends, link, backup)
    return _as_left(chain, ends)


def not_begun(chain: Chain, fault: Fault) -> list[Ended]:
    """Return the endings of a chain of which no step is performed."""
    return _as_left(chain, {link.name: Ended(Ending.SKIPPED, fault) for link in chain})


def _stale(performer: Performer, chain: Chain) -> Ended | None:
    """Look whether what a rename takes over is still as planned, before anything is made of it."""
    create = chain[0].step
    old = next((link.step for link in chain if link.name == create.old), None)
    if old is None:
        return None
    try:
        return performer.changed(old)
    except BadToken as error:
        return _bad_token(error)


def _performed(performer: Performer, link: Link) -> Ended:
    try:
        return performer.perform(link.step, link.announced)
    except BadToken as error:
        return _bad_token(error)


def _bad_token(error: BadToken) -> Ended:
    return Ended(Ending.FAILED, Fault("bad-token", error.message, error.hint))


def _passed(end: Ended | None) -> bool:
    """Tell whether the next step may go on; a dry run goes all the way."""
    if end is None:
        return False
    return end.ending is Ending.DONE or (end.fault is not None and end.fault.code == DRY_RUN)


def _skipped(before: tuple[str, str]) -> Ended:
    message = f'not begun: it waits for "{before[0]}/{before[1]}", which was not done'
    return Ended(Ending.SKIPPED, Fault("waits", message, "settle that one, then run again: it converges"))


def _put_back(
    performer: Performer, chain: Chain, ends: dict[tuple[str, str], Ended], link: Link, backup: Callable[[], str]
) -> None:
    """Where a move's create failed for good, create the deleted build again and say so at both steps."""
    end = ends[link.name]
    deleted = next((other for other in chain if other.name == link.step.after and other.step.restore), None)
    if deleted is None or not _failed_for_good(end) or not _by_us(ends[deleted.name]):
        return
    again = _performed(performer, replace(deleted, step=_restoring(deleted.step)))
    assert end.fault is not None
    what = f'"{deleted.name[0]}/{deleted.name[1]}"'
    if again.record is not None:
        told = f"; {what} was put back" + (f", but {again.fault.message}" if again.fault else " as it was")
        ends[link.name] = replace(end, fault=replace(end.fault, message=end.fault.message + told))
        why = f'deleted, and put back because "{link.name[0]}/{link.name[1]}" could not be created'
        back = Fault("put-back", why, "correct that definition, then run again")
        ends[deleted.name] = Ended(Ending.FAILED, back, again.record)
        return
    reason = again.fault.message if again.fault else "no reason was given"
    kept = f"its backup is in {backup()}; " if backup() else ""
    ends[link.name] = replace(
        end,
        fault=Fault(
            "not-put-back",
            f"{end.fault.message}; and {what} IS DELETED AND COULD NOT BE PUT BACK: {reason}",
            f"{kept}settle what the message names and apply again: what Git does not declare is known to the ledger",
        ),
    )


def _failed_for_good(end: Ended) -> bool:
    """Tell whether the build is not there and will not be: then its place is free."""
    there = end.record is not None or (end.fault is not None and end.fault.code == OVERTAKEN)
    return end.ending is Ending.FAILED and not end.uncertain and not there


def _by_us(end: Ended) -> bool:
    return end.deleted and end.fault is None


def _restoring(delete: Step) -> Step:
    build = delete.restore
    assert build is not None
    learn = without_unknown_inputs(build) != build if "target_services" in build.values else False
    return Step(
        Action.CREATE, delete.project, delete.name, "is put back", delete.place, desired=build, send=build, learn=learn
    )


def _as_left(chain: Chain, ends: dict[tuple[str, str], Ended]) -> list[Ended]:
    """Mark the creates that are not done and whose old build is gone, or may be: only their intent knows it now."""
    result = []
    for link in chain:
        end, old = ends[link.name], ends.get(link.step.old) if link.step.old else None
        empty = end.record is None and (old is None or old.deleted or old.uncertain)
        replaces = link.step.action is Action.CREATE and link.step.old is not None
        result.append(replace(end, pending=True) if replaces and empty else end)
    return result
