"""An adoption as text for people and as JSON (`schemas/adopt.schema.json`).

Adopt 998 of 1,000 builds in 3 projects: they become ours (tree shop-builds). The server is not written to.

  setting                           declared   read   usual value assumed
  infrastructure                         998      0                     0
  advanced_settings.privileged_mode        3    995                     0

The internal read shows all of it: nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from reconciler.plan.adoption import Adoption, Entry, Fate
from reconciler.plan.assumed import DIFFERENCES
from reconciler.plan.step import Trouble
from reconciler.plan.unreadable import Setting
from reconciler.report.document import change_document
from reconciler.report.ink import Colour, line, number, safe
from reconciler.report.text import Style, change_lines

FORMAT_VERSION = "1.0"

NAMED = 10
"""How many builds one line names; all of them with -v."""

_WAYS_OUT = (
    "→ see everything that differs: reconciler plan",
    "→ make the server as Git says: reconciler apply PATH",
    "→ take the server's side into Git: reconciler export",
    "→ adopt these as the server has them, and let the next plan show what differs: reconciler adopt --allow-drift",
)

_NOT_ADOPTED = {
    Fate.DIFFERS: ("differs from its definition", "differ from their definitions", "reconciler apply settles it"),
    Fate.MISSING: ("is not on the server", "are not on the server", "reconciler apply creates what Git has"),
    Fate.FOREIGN: ("belongs to another tree", "belong to another tree", "change it there"),
    Fate.UNWRITABLE: ("is a Jenkins build", "are Jenkins builds", "which this API cannot express"),
    Fate.UNREAD: ("could not be read", "could not be read", "run again"),
    Fate.INCOMPLETE: ("is of a list that did not settle", "are of a list that did not settle", "run again"),
}


def render_adoption(adoption: Adoption, troubles: Sequence[Trouble], style: Style) -> str:
    """Return what would be recorded and what not; where the run is refused, why."""
    lines = [style.ink.paint(headline(adoption), Colour.STRONG)]
    if not style.quiet or adoption.refused:
        lines += _refused(adoption, style) if adoption.refused else _about(adoption)
    for trouble in troubles:
        lines.append(style.ink.paint(f"! {safe(trouble.message)}", Colour.BAD))
        lines += [f"    → {safe(trouble.hint)}"] if trouble.hint else []
    if not style.quiet:
        left = list(_not_adopted(adoption, style))
        lines += ["", *left] if left else []
    return "\n".join(lines) + "\n"


def headline(adoption: Adoption) -> str:
    """Return the line that counts."""
    total = len(adoption.entries)
    if adoption.refused:
        count = len(adoption.of(Fate.DIFFERS))
        verb = "differs" if count == 1 else "differ"
        return f"Refused: {count:,} of {number(total, 'definition')} {verb} from the server. Nothing is recorded."
    new, renewed, ours = (len(adoption.of(fate)) for fate in (Fate.ADOPT, Fate.REFRESH, Fate.ALREADY))
    already = f"{number(ours, 'build')} {'is' if ours == 1 else 'are'} ours already" if ours else ""
    if not new and not renewed:
        return f"Nothing to adopt: {already or 'no definition has a build that could become ours'}."
    projects = len({entry.step.project for entry in adoption.to_record})
    parts = [
        f"Adopt {new:,} of {number(total, 'build')} in {number(projects, 'project')}: "
        f"{'it becomes' if new == 1 else 'they become'} ours (tree {safe(adoption.tree)})."
        if new
        else "",
        f"Renew {number(renewed, 'record')} of ours." if renewed else "",
        f"{already}.".capitalize() if already else "",
        "The server is not written to.",
    ]
    return " ".join(part for part in parts if part)


def question(adoption: Adoption) -> str:
    """Return what is asked before the ledger is written to."""
    count = len(adoption.to_record)
    return f"Record {number(count, 'build')} as {'it is' if count == 1 else 'they are'}?"


def render_recorded(done: int, newer: Iterable[tuple[str, str]]) -> str:
    """Return the last lines: how many records were written, and whose another run has written meanwhile."""
    text = f"Recorded {number(done, 'build')}. To see what is left to do: reconciler plan\n"
    names = [f"{project}/{name}" for project, name in newer]
    if names:
        text += f"note: another run has recorded {safe(_named(names))} meanwhile: left as it is\n"
    return text


def adoption_document(
    adoption: Adoption, troubles: Sequence[Trouble], recorded: int, newer: Iterable[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Return the adoption. `recorded`: how many records were written; `newer`: left to another run's."""
    return {
        "format_version": FORMAT_VERSION,
        "tree": adoption.tree,
        "refused": adoption.refused,
        "recorded": recorded,
        "newer": [{"project": project, "name": name} for project, name in newer],
        "summary": {fate.value: len(adoption.of(fate)) for fate in Fate},
        "settings": [
            {"path": s.path, "declared": s.declared, "verified": s.verified, "read": s.read, "assumed": s.assumed}
            for s in adoption.settings
        ],
        "builds": [_entry(entry) for entry in adoption.entries],
        "deep_unserved": adoption.deep_unserved,
        "problems": [{"code": t.code, "message": t.message, "hint": t.hint} for t in troubles],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    step = entry.step
    assert step.place is not None
    differs = entry.drift or entry.fate is Fate.DIFFERS
    return {
        "project": step.project,
        "name": step.name,
        "fate": entry.fate.value,
        "reason": entry.reason,
        "definition": {"file": step.place.file, "line": step.place.line},
        "seen": entry.seen,
        "changes": [change_document(c) for c in step.changes if c.kind in DIFFERENCES] if differs else [],
        "unrecorded": list(entry.unrecorded),
        "unset": list(entry.unset),
    }


def _refused(adoption: Adoption, style: Style) -> Iterator[str]:
    """Show what differs, and the ways out."""
    for entry in adoption.of(Fate.DIFFERS):
        yield ""
        yield from _different(entry, style)
    yield ""
    yield from _WAYS_OUT


def _different(entry: Entry, style: Style) -> Iterator[str]:
    step = entry.step
    assert step.place is not None
    place = style.ink.paint(safe(f"{step.place.file}:{step.place.line}"), Colour.PLACE)
    title = style.ink.paint(f"~ {safe(f'{step.project}/{step.name}')}", Colour.WARN)
    yield f"{title}: {safe(entry.reason or 'differs')}  {place}"
    if step.live:
        written = f"last written by {line(step.live.update_by)}, {step.live.moment}"
        yield f"    {style.ink.paint(written, Colour.PLACE)}"
    for change in step.changes:
        if change.kind in DIFFERENCES:
            yield from (f"    {line}" for line in change_lines(change, style.ink))


def _about(adoption: Adoption) -> Iterator[str]:
    """Show who speaks for what detail hides."""
    if adoption.settings:
        yield ""
        yield from _table(adoption.settings)
        yield ""
        yield from _sources(adoption)
    drift = [entry for entry in adoption.entries if entry.drift]
    if drift:
        yield f"note: {_differing(drift)}"
    unrecorded = [f"{e.step.project}/{e.step.name} {path}" for e in adoption.entries for path in e.unrecorded]
    if unrecorded:
        yield f"note: secret, so that no ledger holds it, and unverifiable afterwards: {safe(_named(unrecorded))}"
    unset = sorted({name for entry in adoption.to_record for name in entry.unset})
    if unset:
        yield f"note: not set in this environment, so not compared: {safe(_named(unset))}"


def _differing(drift: Sequence[Entry]) -> str:
    names = [f"{e.step.project}/{e.step.name}" for e in drift]
    verb = "differs from its definition" if len(names) == 1 else "differ from their definitions"
    return f"{number(len(names), 'build')} {verb}, and the next plan shows what: {safe(_named(names))}"


def _table(settings: Sequence[Setting]) -> Iterator[str]:
    read = any(s.read for s in settings)
    heads = ("setting", "declared", *(("read",) if read else ()), "usual value assumed")
    rows = [(s.path, f"{s.declared:,}", *((f"{s.read:,}",) if read else ()), f"{s.assumed:,}") for s in settings]
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    for first, *rest in (heads, *rows):
        yield "  " + "   ".join([first.ljust(widths[0]), *(t.rjust(w) for t, w in zip(rest, widths[1:], strict=True))])


def _sources(adoption: Adoption) -> Iterator[str]:
    """Say where what is recorded of hidden settings comes from."""
    about = [e for e in adoption.to_record if e.record is not None and not e.record.exact]
    seen = sum(1 for entry in about if entry.seen)
    if seen == len(about):
        yield "The internal read shows all of it: nothing is assumed."
    elif seen:
        yield (
            f"The internal read shows {seen:,} of {number(len(about), 'build')}; "
            "of the others, what is declared is taken as true."
        )
    else:
        why = f" (the internal read cannot be used: {safe(adoption.deep_unserved)})" if adoption.deep_unserved else ""
        yield f"Nothing shows these settings{why}: what is declared is taken as true."


def _not_adopted(adoption: Adoption, style: Style) -> Iterator[str]:
    for fate, (one, many, hint) in _NOT_ADOPTED.items():
        entries = adoption.of(fate)
        if not entries or (fate is Fate.DIFFERS and adoption.refused):
            continue
        names = [safe(f"{e.step.project}/{e.step.name}") for e in entries]
        yield f"Not adopted: {len(names):,} {one if len(names) == 1 else many} ({hint}): {_named(names, style.verbose)}"
        if style.verbose:
            yield from (f"    {name}: {safe(e.reason)}" for name, e in zip(names, entries, strict=True))


def _named(names: Sequence[str], whole: bool = False) -> str:
    more = 0 if whole else len(names) - NAMED
    return ", ".join(names if whole else names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
