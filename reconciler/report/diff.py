"""What differs between two revisions, as text, in the words of a plan.

main (1a2b3c4d) → working tree

~ shop/api changes: 2 settings  builds/api.yaml:1
    ~ advanced_settings.timeout  30 → 45
    · advanced_settings.privileged_mode  released: stays true; write null to reset

Diff: 1 to change, 40 unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from reconciler.compare.revisions import Fate, Revised, Revisions, Rule
from reconciler.model.change import Change, ChangeKind
from reconciler.report.ink import Colour, Ink, line
from reconciler.report.text import Style, change_lines

MARKS = {
    Fate.REMOVED: ("-", Colour.BAD),
    Fate.RENAMED: ("~", Colour.WARN),
    Fate.MOVED: ("~", Colour.WARN),
    Fate.CHANGED: ("~", Colour.WARN),
    Fate.ADDED: ("+", Colour.GOOD),
}
"""Fate → its mark and its colour."""

NULL = "null (its default)"


def render_diff(revisions: Revisions, style: Style) -> str:
    """Return the whole report; its last line counts. `style.quiet`: that line alone."""
    lines: list[str] = []
    if not style.quiet:
        lines += [style.ink.paint(sides(revisions), Colour.STRONG), ""]
        for build in revisions.builds:
            lines += block(build, style)
        notes = [f"note: {line(notice)}" for notice in revisions.notices]
        lines += [*notes, ""] if notes else []
    lines.append(style.ink.paint(summary(revisions), Colour.STRONG))
    return "\n".join(lines) + "\n"


def sides(revisions: Revisions) -> str:
    """Return what is compared with what."""
    return f"{line(revisions.old)} → {line(revisions.new)}"


def summary(revisions: Revisions) -> str:
    """Return the line that counts: "Diff: 1 removed, 2 changed, 40 unchanged."."""
    counts = {what: count for what, count in revisions.summary().items() if count or what == "unchanged"}
    text = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    return f"{'Diff' if revisions.builds else 'Nothing differs'}: {text}."


def title(build: Revised, named: Callable[[str], str] = line) -> str:
    """Return what became of a build, in words. `named`: makes of a foreign name what may stand there."""
    several = f"{len(build.changes):,} setting{'' if len(build.changes) == 1 else 's'}"
    if build.fate is Fate.REMOVED:
        return "is removed"
    if build.fate is Fate.ADDED:
        return f"is added: {several}"
    kinds = f" from a {build.kinds[0].value} to a {build.kinds[1].value} build" if build.kinds else ""
    settings = f": {several}" if build.changes else ""
    if build.old is None:
        return f"changes{kinds}{settings}"
    done = "is renamed" if build.fate is Fate.RENAMED else "moves"
    kinds = f", and changes{kinds}" if kinds else ""
    return f"{done} from {named('/'.join(build.old))}{kinds}{settings}"


def block(build: Revised, style: Style) -> Iterator[str]:
    """Yield one build: what became of it, what differs, what a reader should know beside."""
    mark, colour = MARKS[build.fate]
    name = line(f"{build.project}/{build.name}")
    place = style.ink.paint(line(f"{build.place.file}:{build.place.line}"), Colour.PLACE)
    yield f"{style.ink.paint(f'{mark} {name} {title(build)}', colour)}  {place}"
    for text in body(build, style.ink, whole=style.verbose):
        yield f"    {text}"
    yield ""


def body(build: Revised, ink: Ink, *, whole: bool, flush: bool = False) -> Iterator[str]:
    """Yield what differs in a build, line by line.

    Args:
        build: the build.
        ink: colours.
        whole: also all that a removed one had.
        flush: the lines of a text's difference begin where a line begins, for who colours them.
    """
    for rule in build.rules:
        yield rule_line(rule, ink)
    if whole or build.fate is not Fate.REMOVED:
        for change in build.changes:
            lines = _lines(change, ink)
            yield from (text.removeprefix("    ") for text in lines) if flush and change.text else lines
    for note in build.notes:
        yield ink.paint(f"note: {line(note)}", Colour.PLACE)


def rule_line(rule: Rule, ink: Ink) -> str:
    """Return a change of `x-reconciler` as it matters."""
    value = rule.after if rule.after is not None else rule.before
    told = f" ({line(value)})" if isinstance(value, str) else ""
    return ink.paint(f"! x-reconciler.{line(rule.path)}{told}: {line(rule.meaning)}", Colour.BAD)


def _lines(change: Change, ink: Ink) -> Iterator[str]:
    """Yield one change; what is null says so in words."""
    first, *rest = [text.replace("\n", "\\n") for text in change_lines(change, ink)]
    if not change.sensitive and change.kind in (ChangeKind.ADDED, ChangeKind.CHANGED, ChangeKind.RELEASED):
        first = _in_words(change, first, ink)
    yield first
    yield from rest


def _in_words(change: Change, text: str, ink: Ink) -> str:
    head, gap, _ = text.partition("  ")
    if not gap:  # a text of many lines, whose difference follows
        null = change.kind is ChangeKind.CHANGED and None in (change.before, change.after)
        return f"{text}  {'now' if change.after is None else 'was'} {NULL}" if null else text
    if change.kind is ChangeKind.RELEASED:
        return f"{head}  released: was {NULL}, and stays so" if change.before is None else text
    if change.kind is ChangeKind.ADDED:
        return f"{head}  {NULL}" if change.after is None else text
    if change.before is not None and change.after is not None:
        return text
    known = [_alone(change, value is not None, ink) for value in (change.before, change.after)]
    return f"{head}  {known[0]} → {known[1]}"


def _alone(change: Change, there: bool, ink: Ink) -> str:
    """Return the side that is not null as a change tells it."""
    if not there:
        return NULL
    value = change.before if change.before is not None else change.after
    (told,) = list(change_lines(replace(change, kind=ChangeKind.ADDED, after=value, text=False), ink))
    return told.partition("  ")[2]
