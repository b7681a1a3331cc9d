"""A plan, and the outcome of an apply, as text for people.

~ yaml/api-test will be updated: 2 settings differ            builds/api.yaml:1
    last written by admin, 2026-11-23 22:10:04 UTC
    ~ advanced_settings.timeout  30 → 45
    ~ parameters[PW].default_value  (sensitive)

Plan: 1 to update, 40 unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.record import Applied
from reconciler.model.secret import MASK
from reconciler.plan.losses import UNREADABLE
from reconciler.plan.step import Action, Blocked, Plan, PlannedLoss, Step
from reconciler.report.ink import Colour, Ink, line, safe
from reconciler.report.lines import line_diff

MARKS = {
    Action.CREATE: ("+", Colour.GOOD, "created"),
    Action.UPDATE: ("~", Colour.WARN, "updated"),
    Action.CONVERT: ("~", Colour.WARN, "converted"),
    Action.DELETE: ("-", Colour.BAD, "deleted"),
    Action.KEEP: (" ", Colour.PLACE, "kept"),
}
_SIGNS = {
    ChangeKind.ADDED: ("+", Colour.GOOD),
    ChangeKind.REMOVED: ("-", Colour.BAD),
    ChangeKind.CHANGED: ("~", Colour.WARN),
    ChangeKind.MOVED: ("~", Colour.WARN),
    ChangeKind.RELEASED: ("·", Colour.PLACE),
    ChangeKind.UNVERIFIABLE: ("?", Colour.PLACE),
}
_LONG = 400


@dataclass(frozen=True, slots=True)
class Style:
    """How much to say. `verbose`: also keeps and each unverifiable setting; `quiet`: counts, and what went wrong."""

    ink: Ink = field(default_factory=Ink)
    verbose: bool = False
    quiet: bool = False


def render_plan(plan: Plan, style: Style) -> str:
    """Return the whole plan; its last line counts."""
    lines: list[str] = []
    if not style.quiet:
        said: dict[Blocked, str] = {}
        for step in plan.steps:
            lines += _step(step, style, said)
        lines += _asides(plan, style)
    else:
        lines += _wrong(plan, style)
    lines.append(style.ink.paint(summary(plan), Colour.STRONG))
    return "\n".join(lines) + "\n"


def _step(step: Step, style: Style, said: dict[Blocked, str]) -> list[str]:
    """`said`: what blocks → the step that it was told of already; grows."""
    if step.action is Action.KEEP and not (style.verbose or step.blocked or _released(step)):
        return []
    body = (*_why_not(step, said), *_body(step, style))
    return [_title(step, style.ink), *(f"    {line}" for line in body), ""]


def _why_not(step: Step, said: dict[Blocked, str]) -> Iterator[str]:
    """Say in full what blocks a step, once for all steps that the same sentence blocks."""
    if step.blocked is None:
        return
    name = safe(f"{step.project}/{step.name}")
    first = said.setdefault(step.blocked, name)
    if first != name:
        yield f"for the same reason as {first}, see above"
        return
    yield safe(step.blocked.message)
    yield f"→ {safe(step.blocked.hint)}"


def _released(step: Step) -> bool:
    return step.count(ChangeKind.RELEASED) > 0


def _title(step: Step, ink: Ink) -> str:
    mark, colour, done = MARKS[step.action]
    name = safe(f"{step.project}/{step.name}")
    place = f"  {ink.paint(safe(f'{step.place.file}:{step.place.line}'), Colour.PLACE)}" if step.place else ""
    done += in_place_of(step)
    if step.blocked:
        text = f"! {name} would be {done}, but is blocked ({step.blocked.reason.value})"
        return f"{ink.paint(text, Colour.BAD)}{place}"
    if step.action is Action.KEEP:
        return f"{ink.paint(f'  {name} is kept', colour)}: {step.reason}{place}"
    return f"{ink.paint(f'{mark} {name} will be {done}', colour)}: {safe(step.reason)}{place}"


def in_place_of(step: Step) -> str:
    """Return the end of a title that names the build that goes; "" where none does."""
    return safe(f", in place of {step.old[0]}/{step.old[1]}") if step.old else ""


def _body(step: Step, style: Style) -> Iterator[str]:
    if step.live and step.action is not Action.KEEP:
        yield style.ink.paint(f"last written by {line(step.live.update_by)}, {step.live.moment}", Colour.PLACE)
    if step.applied and style.verbose:
        yield style.ink.paint(applied_line(step.applied), Colour.PLACE)
    for change in step.changes:
        if change.kind is not ChangeKind.UNVERIFIABLE or style.verbose:
            yield from change_lines(change, style.ink)
    unverifiable = [change.path for change in step.changes if change.is_unverifiable]
    if unverifiable and not style.verbose:
        yield f"? {len(unverifiable)} unverifiable: {safe(', '.join(unverifiable))}"
    for loss in step.losses:
        yield style.ink.paint(f"✗ {loss_title(loss)}: {short(safe(loss.value))}", Colour.BAD)
    for note in step.notes:
        yield style.ink.paint(f"note: {safe(note)}", Colour.PLACE)


def applied_line(applied: Applied) -> str:
    """Return from where a build was last applied, as far as that is known."""
    commit = f" from {safe(applied.commit[:8])}" if applied.commit else ""
    author = f" by {safe(applied.author)}" if applied.author else ""
    job = f", {safe(applied.job)}" if applied.job else ""
    return f"last {'applied' if applied.exact else 'adopted'}{commit}{author}{job}"


def loss_title(loss: PlannedLoss) -> str:
    """Say what becomes of a live value, and how much it matters."""
    will = "will be" if loss.accepted else "would be"
    if loss.path == UNREADABLE:
        return f"cannot be seen, and {will} replaced"
    return f"{safe(loss.path)} {will} lost{' (only what the page and messages show)' if loss.small else ''}"


def change_lines(change: Change, ink: Ink) -> Iterator[str]:
    """Yield one change as text: a line, or the lines of a diff."""
    sign, colour = _SIGNS[change.kind]
    head = f"{ink.paint(sign, colour)} {safe(change.path)}"
    if change.kind is ChangeKind.RELEASED and isinstance(change.after, list | dict) and change.after:
        yield f"{head}  released: stays as it is; write null to reset"
        items = change.after if isinstance(change.after, list) else [change.after]
        yield from (f"    {line}" for item in items for line in tree_lines(item))
    elif change.kind is ChangeKind.RELEASED:
        yield f"{head}  released: stays {shown_value(change.after, change)}; write null to reset"
    elif not change.after_known:
        yield f"{head}  its value is not set in this environment, so it is not compared"
    elif change.kind is ChangeKind.UNVERIFIABLE:
        yield f"{head}  {shown_value(change.after, change)} is declared, and nothing shows what the server has"
    elif change.text and not change.sensitive and has_lines(change):
        yield head
        for line in line_diff(as_text(change.before), as_text(change.after)):
            yield f"    {ink.paint(line, _line_colour(line))}"
    elif change.kind in (ChangeKind.ADDED, ChangeKind.REMOVED):
        value = change.after if change.kind is ChangeKind.ADDED else change.before
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield head
            items = value if isinstance(value, list) else [value]
            yield from (f"    {line}" for item in items for line in tree_lines(item))
        else:
            yield f"{head}  {shown_value(value, change)}"
    elif change.kind is ChangeKind.MOVED:
        yield f"{head}  order: {shown_value(change.before, change)} → {shown_value(change.after, change)}"
    elif change.sensitive:
        yield f"{head}  {MASK}"
    else:
        before = shown_value(change.before, change) if change.before_known else "(unknown)"
        yield f"{head}  {before} → {shown_value(change.after, change)}"


def tree_lines(value: Shown) -> Iterator[str]:
    """Yield an element of a list, a line per setting, lists inside it indented."""
    if not isinstance(value, dict):
        yield short(safe(json.dumps(value, ensure_ascii=False)))
        return
    for key, item in value.items():
        if isinstance(item, list) and item and isinstance(item[0], dict):
            yield f"{safe(key)}:"
            for one in item:
                first, *rest = list(tree_lines(one))
                yield f"  - {first}"
                yield from (f"    {line}" for line in rest)
        else:
            yield f"{safe(key)}: {item if item == MASK else short(safe(json.dumps(item, ensure_ascii=False)))}"


def has_lines(change: Change) -> bool:
    """Tell whether a change is one of texts of many lines."""
    return "\n" in as_text(change.before) or "\n" in as_text(change.after)


def as_text(value: Shown) -> str:
    """Return a value that is a text; of another one nothing."""
    return value if isinstance(value, str) else ""


def _line_colour(line: str) -> Colour:
    return {"+": Colour.GOOD, "-": Colour.BAD}.get(line[:1], Colour.PLACE)


def shown_value(value: Shown, change: Change) -> str:
    """Return a value of a change as one line, masked where it is secret."""
    if change.sensitive:
        return MASK
    return short(safe(json.dumps(value, ensure_ascii=False)))


def short(text: str) -> str:
    """Return a text as one line, cut where it is too long."""
    one = text.replace("\n", "\\n").replace("\t", "\\t")
    return one if len(one) <= _LONG else f"{one[:_LONG]}… ({len(one)} characters)"


def _wrong(plan: Plan, style: Style) -> list[str]:
    """Return what went wrong, which is told also where little is to be said: it is why the run does not end with 0."""
    told = (*plan.troubles, *plan.refusals)
    texts = [f"! {safe(t.message)}" + (f"\n    → {safe(t.hint)}" if t.hint else "") for t in told]
    return [style.ink.paint(text, Colour.BAD) for text in texts]


def _asides(plan: Plan, style: Style) -> list[str]:
    lines = _wrong(plan, style)
    lines += [f"note: {safe(notice)}" for notice in plan.notices]
    if plan.orphans:
        names = ", ".join(f"{project}/{name}" for project, name in plan.orphans)
        lines.append(f"note: ours, and not in Git any more (nothing is deleted): {safe(names)}")
        lines.append("    → see with `reconciler plan --prune owned` what deleting them would mean")
    if style.verbose and (others := _left_alone(plan)):
        lines.append(f"note: on the server and in no definition, left alone: {line(', '.join(others))}")
    return [*lines, ""] if lines else []


def _left_alone(plan: Plan) -> list[str]:
    """Return the builds that nothing is done with or said about, beside their number."""
    told = {(step.project, step.name) for step in plan.steps} | {*plan.orphans}
    return [f"{project}/{name}" for project, name in plan.undeclared if (project, name) not in told]


def summary(plan: Plan) -> str:
    """Return the line that counts."""
    counts = plan.summary()
    todo = [f"{_going(plan, action)} to {action.value}" for action in Action if _going(plan, action)]
    unchanged = sum(1 for step in plan.steps if step.action is Action.KEEP and not step.blocked)
    parts = [*todo, f"{unchanged} unchanged"]
    if counts["blocked"]:
        parts.append(f"{counts['blocked']} blocked")
    changes = [change for step in plan.steps for change in step.changes]
    for count, what in (
        (sum(change.is_unverifiable for change in changes), "unverifiable"),
        (sum(change.is_unset for change in changes), "not set in this environment"),
    ):
        if count:
            parts.append(f"{count} {what}")
    if plan.unknown_uses:
        parts.append(f"{plan.unknown_uses} of unknown use by workflows")
    if plan.undeclared:
        parts.append(f"{len(plan.undeclared)} undeclared on the server")
    text = "Plan" if not plan.empty else "Nothing to do"
    return f"{text}: {', '.join(parts)}."


def _going(plan: Plan, action: Action) -> int:
    if action is Action.KEEP:
        return 0
    return sum(1 for step in plan.steps if step.action is action and not step.blocked)


def question(plan: Plan) -> str:
    """Return what is asked before the first write: "Write 3 builds and delete 2?"."""
    deletes = sum(1 for step in plan.writes if step.action is Action.DELETE)
    counts = [("write", len(plan.writes) - deletes), ("delete", deletes)]
    (verb, count), *more = [(verb, count) for verb, count in counts if count]
    text = f"{verb} {count} build{'s' if count != 1 else ''}"
    text += "".join(f" and {verb} {count}" for verb, count in more)
    return f"{text.capitalize()}?"


def render_outcome(plan: Plan, outcome: Outcome, ink: Ink) -> str:
    """Return the line (and, where it went wrong, the lines) of one ended step."""
    step = plan.steps[outcome.index]
    name = safe(f"{step.project}/{step.name}")
    done = f"{MARKS[step.action][2]}{in_place_of(step)}"
    if outcome.ending is Ending.DONE:
        note = f": {safe(outcome.fault.message)}" if outcome.fault else ""
        return f"{ink.paint('✓', Colour.GOOD)} {name} {done}{note}\n"
    fault = outcome.fault
    colour = Colour.PLACE if outcome.ending is Ending.SKIPPED else Colour.BAD
    text = f"{ink.paint('✗' if colour is Colour.BAD else '·', colour)} {name} {outcome.ending.value}"
    if fault is None:
        return f"{text}\n"
    hint = f"\n    → {safe(fault.hint)}" if fault.hint else ""
    return f"{text} ({fault.code}): {safe(fault.message)}{hint}\n"


def counted(plan: Plan, outcomes: Sequence[Outcome]) -> str:
    """Return the line that counts what an apply did, and what it did not."""
    done = [plan.steps[o.index] for o in outcomes if o.ending is Ending.DONE]
    parts = [
        f"{count} {MARKS[action][2]}"
        for action in Action
        if (count := sum(1 for step in done if step.action is action))
    ]
    parts += [
        f"{count} {ending.value}"
        for ending in (Ending.FAILED, Ending.UNKNOWN, Ending.BLOCKED, Ending.SKIPPED)
        if (count := sum(1 for o in outcomes if o.ending is ending))
    ]
    return f"{'Applied' if done else 'Nothing applied'}{': ' if parts else ''}{', '.join(parts)}."


def render_result(plan: Plan, outcomes: Sequence[Outcome], again: str) -> str:
    """Return the last lines of an apply: what was done, what was not, and the command to run next."""
    text = f"{counted(plan, outcomes)}\n"
    if any(o.ending is not Ending.DONE for o in outcomes):
        text += f"Run `{again}` to see what is left.\n"
    return text
