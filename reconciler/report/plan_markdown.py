"""A plan as Markdown, for a comment, a description or a step summary: what takes away first, the rest folded.

    counts ─► refused and not looked at ─► blocked ─► deletes ─► losses ─► per project, per build ─► notes, left out

Nothing of it breaks out of its place (`reconciler.report.markdown`), and it is never longer than asked for.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler.model.change import ChangeKind
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Action, Plan, Step, Trouble
from reconciler.report.change_diff import change_diff
from reconciler.report.ink import Ink, line
from reconciler.report.markdown import LARGE, LEAST, LONGEST, Page, code, cut, fenced, paged, shortened
from reconciler.report.text import MARKS, counted, loss_title, render_outcome, short, summary


def plan_markdown(plan: Plan, where: Whereabouts, outcomes: Sequence[Outcome] = (), *, longest: int = LONGEST) -> str:
    """Return the plan, at most `longest` characters; what did not fit is counted by action at its end.

    Args:
        plan: the plan.
        where: makes links of places.
        outcomes: how the steps ended; () before an apply.
        longest: characters, at least 4,000.
    """
    ending = _ending(plan, longest)

    def fill(page: Page) -> Sequence[str]:
        page.add(f"## {summary(plan)}\n")
        for piece in (*_ended(plan, outcomes, longest), *_first(plan, longest)):
            page.add(piece)
        page.room -= sum(len(piece) + 1 for piece in ending)
        _steps(page, plan, where)
        return ending

    return paged(longest, fill, lambda step: f"{step.project}/{step.name}")


def _steps(page: Page, plan: Plan, where: Whereabouts) -> None:
    urgent, others = _sorted(plan)
    for step in urgent:
        _take(page, step, lambda step: _open(step, where))
    for project, steps in itertools.groupby(others, key=lambda step: step.project):
        _project(page, project, list(steps), where)


def _sorted(plan: Plan) -> tuple[list[Step], list[Step]]:
    """Return what has to be looked at, worst first, and what is only to be known."""
    blocked = [step for step in plan.steps if step.blocked]
    going = [step for step in plan.steps if step.will_write]
    deletes = [step for step in going if step.action is Action.DELETE]
    losing = [step for step in going if step.losses and step.action is not Action.DELETE]
    urgent = [*blocked, *deletes, *losing]
    named = {(step.project, step.name, step.action) for step in urgent}
    others = [step for step in plan.steps if (step.project, step.name, step.action) not in named and _told(step)]
    return urgent, others


def _told(step: Step) -> bool:
    return step.action is not Action.KEEP or step.count(ChangeKind.RELEASED) > 0


def _what(step: Step) -> str:
    """Return by which name a step is counted that did not fit."""
    if step.blocked:
        return "blocked"
    return "kept" if step.action is Action.KEEP else f"to {step.action.value}"


def _take(page: Page, step: Step, written: Callable[[Step], str]) -> None:
    page.add_all((step,), _what(step), written)


def _project(page: Page, project: str, steps: Sequence[Step], where: Whereabouts) -> None:
    counts = [(what, sum(1 for s in steps if _what(s) == what)) for what in dict.fromkeys(_what(s) for s in steps)]
    heading = f"### {code(project)}: {', '.join(f'{count:,} {what}' for what, count in counts)}\n"
    if page.room < len(heading) + LEAST or not page.add(heading):
        for step in steps:
            page.leave(_what(step), step)
        return
    for step in steps:
        _take(page, step, lambda step: _folded(step, where))


def _open(step: Step, where: Whereabouts) -> str:
    return f"### {_title(step, where)}\n\n{fenced(shortened(list(_lines(step))))}\n"


def _folded(step: Step, where: Whereabouts) -> str:
    block = fenced(shortened(list(_lines(step))))
    return f"<details><summary>{_title(step, where)}</summary>\n\n{block}\n\n</details>\n"


def _title(step: Step, where: Whereabouts) -> str:
    done = MARKS[step.action][2]
    instead = f", in place of {code('/'.join(step.old))}" if step.old else ""
    state = f"would be {done}" if step.blocked else "is kept" if step.action is Action.KEEP else f"will be {done}"
    why = f", but is blocked ({step.blocked.reason.value})" if step.blocked else ""
    return f"{code(f'{step.project}/{step.name}')} {state}{instead}{why}{_place(step, where)}"


def _place(step: Step, where: Whereabouts) -> str:
    if step.place is None:
        return ""
    shown, link = code(f"{step.place.file}:{step.place.line}"), where.link(step.place)
    return f' — <a href="{link}">{shown}</a>' if link else f" — {shown}"


def _lines(step: Step) -> Iterator[str]:
    """Yield why, who wrote last, what would be lost and what differs, a mark at each beginning."""
    yield f"# {line(step.reason)}"
    if step.blocked:
        yield f"! {line(step.blocked.message)}"
        yield f"!   → {line(step.blocked.hint)}"
    if step.live and step.action is not Action.KEEP:
        yield f"# last written by {line(step.live.update_by)}, {step.live.moment}"
    for loss in step.losses:
        yield f"- {line(loss_title(loss))}: {short(line(loss.value))}"
    for change in step.changes:
        yield from change_diff(change)
    yield from (f"# note: {line(note)}" for note in step.notes)


def _ended(plan: Plan, outcomes: Sequence[Outcome], longest: int) -> Iterator[str]:
    """Yield what an apply did, and what went wrong in it."""
    if not outcomes:
        return
    yield f"**{counted(plan, outcomes)}**\n"
    wrong = [o for o in outcomes if o.ending in (Ending.FAILED, Ending.UNKNOWN)]
    told = [line(render_outcome(plan, outcome, Ink()).rstrip("\n")) for outcome in wrong]
    if told:
        yield f"{fenced(_few(told, longest), 'text')}\n"


def _first(plan: Plan, longest: int) -> Iterator[str]:
    """Yield what was refused and what could not be looked at."""
    for what, troubles in (("Refused", plan.refusals), ("What could not be looked at", plan.troubles)):
        if troubles:
            yield f"**{what}**\n\n{fenced(_few(map(_sentence, troubles), longest), 'text')}\n"


def _few(sentences: Iterable[str], longest: int) -> list[str]:
    """Keep as much of one kind as all kinds together have room for on a page of this length."""
    return cut(sentences, 12 if longest >= LARGE else 3, min(600, longest // 60))


def _sentence(trouble: Trouble) -> str:
    return line(f"{trouble.message}{f' → {trouble.hint}' if trouble.hint else ''}")


def _ending(plan: Plan, longest: int) -> list[str]:
    """Return what holds for the whole run: it is never left out."""
    notes = [line(notice) for notice in plan.notices]
    if plan.orphans:
        names = ", ".join(f"{project}/{name}" for project, name in plan.orphans)
        notes.append(line(f"ours, and not in Git any more (nothing is deleted): {names}"))
        notes.append("→ see with `reconciler plan --prune owned` what deleting them would mean")
    return [f"**Notes**\n\n{fenced(_few(notes, longest), 'text')}\n"] if notes else []
