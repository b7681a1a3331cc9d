"""A drift as text, for somebody who was woken up by it.

1 build drifted, 1 pending, 997 in sync

~ shop/api drifted  builds/api.yaml:1
    changed by mallory, 2026-11-23 22:10:04 UTC
    last applied from 1a2b3c4 by Ann, https://ci.example/812, on 2026-11-22 09:00:00 UTC
    ~ advanced_settings.timeout  30 → 45  (Git has 30)

What now:
    make the server as Git has it again
        reconciler apply builds/api.yaml
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.compare.drift import State
from reconciler.model.live import Stamps
from reconciler.model.record import Record
from reconciler.plan.fates import DRIFT, Drift, Drifted, Fate
from reconciler.report.drift_settings import LINES, setting_lines
from reconciler.report.drift_ways import Commands, ways
from reconciler.report.ink import Colour, line, safe
from reconciler.report.text import Style

NAMED = 10
"""How many builds one line names; all of them with -v."""

SETTINGS = 50
"""How many settings of one build are shown; all of them with -v."""

SHOWN = 20
"""How many pending builds are shown with their settings; all of them with -v."""

VERDICTS = {
    Fate.CONFLICT: ("in conflict", "!", Colour.BAD),
    Fate.DRIFTED: ("drifted", "~", Colour.BAD),
    Fate.MISSING: ("missing", "-", Colour.BAD),
    Fate.UNREAD: ("unread", "?", Colour.BAD),
    Fate.PENDING: ("pending", "+", Colour.WARN),
    Fate.UNVERIFIABLE: ("unverifiable", "?", Colour.WARN),
    Fate.FOREIGN: ("of another tree", "·", Colour.PLACE),
    Fate.JENKINS: ("of Jenkins", "·", Colour.PLACE),
    Fate.ORPHAN: ("ours and gone from Git", "·", Colour.PLACE),
    Fate.UNDECLARED: ("undeclared", "·", Colour.PLACE),
    Fate.IN_SYNC: ("in sync", " ", Colour.PLACE),
}
"""Fate → how it is told, its mark and its colour."""

_TITLES = {
    Fate.CONFLICT: "was changed in Git and on the server",
    Fate.DRIFTED: "drifted",
    Fate.MISSING: "is gone from the server",
    Fate.UNREAD: "could not be read",
    Fate.PENDING: "is waiting to be applied",
    Fate.UNVERIFIABLE: "cannot be verified",
    Fate.FOREIGN: "is of another tree",
    Fate.JENKINS: "is a Jenkins build",
    Fate.ORPHAN: "is ours, and not in Git any more",
    Fate.UNDECLARED: "is undeclared",
    Fate.IN_SYNC: "is in sync",
}
_TOLD = (Fate.CONFLICT, Fate.DRIFTED, Fate.MISSING, Fate.UNREAD)
_LISTED = {
    Fate.FOREIGN: "of another tree, left to it",
    Fate.JENKINS: "of Jenkins, left alone",
    Fate.ORPHAN: "ours and gone from Git (nothing is deleted)",
    Fate.UNDECLARED: "undeclared on the server",
}
_ORDER = (*_TOLD, Fate.PENDING, Fate.UNVERIFIABLE, Fate.IN_SYNC, *_LISTED)


def render_drift(drift: Drift, commands: Commands, style: Style) -> str:
    """Return the whole report; its first line is the verdict. `style.quiet`: what is drift or unknown alone."""
    colour = Colour.BAD if drift.of(*DRIFT) or not drift.complete else Colour.STRONG
    lines = [style.ink.paint(verdict(drift), colour), ""]
    for fate in _ORDER:
        lines += _of_fate(drift.of(fate), fate, style)
    lines += _unknown(drift, style)
    lines += _what_now(drift, commands, style)
    while not lines[-1]:
        lines.pop()
    return "\n".join(lines) + "\n"


def verdict(drift: Drift) -> str:
    """Return the line that counts: "2 builds drifted, 1 pending, 997 in sync"."""
    found = drift.summary()
    counts = {fate: found[fate] for fate in _ORDER if found[fate]}
    if not counts:
        return "no build is declared, and none is on the server"
    first, *others = counts
    whole = f"{counts[first]:,} {'build' if counts[first] == 1 else 'builds'} {VERDICTS[first][0]}"
    parts = [whole, *(f"{counts[fate]:,} {VERDICTS[fate][0]}" for fate in others)]
    if touched := sum(build.touched for build in drift.of(Fate.IN_SYNC)):
        place = [*counts].index(Fate.IN_SYNC)
        parts[place] += f" ({touched:,} changed in what Git leaves to the server)"
    return ", ".join(parts)


def _of_fate(builds: Sequence[Drifted], fate: Fate, style: Style) -> Iterator[str]:
    if fate in _LISTED:
        if builds and not style.quiet:
            yield f"{len(builds):,} {_LISTED[fate]}: {_named(builds, style)}"
            yield ""
        return
    if fate is Fate.IN_SYNC:
        builds = [build for build in builds if style.verbose or build.touched]
    elif fate is Fate.UNVERIFIABLE and not style.verbose:
        yield from _unverifiable(builds, style)
        return
    most = len(builds) if style.verbose or fate in _TOLD else SHOWN
    if style.quiet and fate not in _TOLD:
        return
    for build in builds[:most]:
        yield from block(build, style)
    if len(builds) > most:
        yield f"… and {len(builds) - most:,} more {VERDICTS[fate][0]}, shown with -v"
        yield ""


def _unverifiable(builds: Sequence[Drifted], style: Style) -> Iterator[str]:
    """Name the builds of which something is declared that nothing shows, and who wrote since it was known."""
    if not builds or style.quiet:
        return
    yield f"{len(builds):,} with settings that are declared and that nothing shows:"
    for build in builds[:NAMED]:
        paths = ", ".join(setting.path for setting in build.of(State.UNVERIFIABLE))
        yield f"    ? {_name(build)}: {safe(paths)}{_since_when(build)}"
    if len(builds) > NAMED:
        yield f"    … and {len(builds) - NAMED:,} more"
    yield ""


def _since_when(build: Drifted) -> str:
    if not build.by or build.live is None:
        return ""
    return f"; not known since {safe(build.by)} wrote, {build.live.moment}"


def _named(builds: Sequence[Drifted], style: Style) -> str:
    names = [_name(build) for build in builds]
    more = 0 if style.verbose else len(names) - NAMED
    return ", ".join(names if more <= 0 else names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _name(build: Drifted) -> str:
    return line(f"{build.project}/{build.name}")


def block(build: Drifted, style: Style) -> Iterator[str]:
    """Yield one build: what became of it, who and when, the settings, what else there is to know."""
    _, mark, colour = VERDICTS[build.fate]
    place = f"  {style.ink.paint(line(f'{build.place.file}:{build.place.line}'), Colour.PLACE)}" if build.place else ""
    yield style.ink.paint(f"{mark} {_name(build)} {title(build)}", colour) + place
    for text in about(build):
        yield f"    {style.ink.paint(text, Colour.PLACE)}"
    yield from _settings(build, style)
    for text in beside(build, verbose=style.verbose):
        yield f"    {style.ink.paint(text, Colour.PLACE)}"
    yield ""


def _settings(build: Drifted, style: Style) -> Iterator[str]:
    """Yield what is not the same everywhere; without -v not all of very much, and what is not compared elsewhere."""
    hidden = () if style.verbose else (State.RELEASED, State.UNVERIFIABLE, State.UNSET)
    shown = [setting for setting in build.settings if setting.state not in hidden]
    most = len(shown) if style.verbose else SETTINGS
    for setting in shown[:most]:
        lines = None if style.verbose else LINES
        yield from (f"    {text}" for text in setting_lines(setting, style.ink, lines, mixed=build.fate in DRIFT))
    if len(shown) > most:
        yield style.ink.paint(f"    … and {len(shown) - most:,} more settings, shown with -v", Colour.PLACE)


def title(build: Drifted) -> str:
    """Return what became of a build, in words."""
    if build.fate is Fate.IN_SYNC and build.touched:
        return "is in sync, but was changed in what Git leaves to the server"
    if build.kinds:
        git, live = build.kinds
        return f"{_TITLES[build.fate]}: a {git.value} build in Git, a {live.value} one on the server"
    if build.fate is Fate.PENDING and not build.ledger_read:
        return "is not as Git has it"
    return _TITLES[build.fate]


def about(build: Drifted) -> Iterator[str]:
    """Yield who changed a build and when, and what was last known of it."""
    if build.fate is Fate.MISSING:
        yield "gone since it was recorded; the server does not tell who deleted it"
    elif build.live is not None and (build.fate in DRIFT or build.touched):
        if build.by:
            again = " (the account that applied it: another job, or somebody with its token)"
            yield f"changed by {line(build.by)}, {build.live.moment}{again if build.same_account else ''}"
        else:
            yield "changed by somebody, without a new time stamp"
    if build.record is not None:
        yield applied(build.record)
    elif build.fate in (Fate.PENDING, Fate.UNVERIFIABLE) and not build.ledger_read:
        wrote = f"; written last by {line(build.live.update_by)}, {build.live.moment}" if build.live else ""
        yield f"the ledger could not be read: nobody knows who changed what, Git or the server{wrote}"
    elif build.fate in (Fate.PENDING, Fate.UNVERIFIABLE) and build.live is not None:
        yield "never applied or adopted: nobody knows what it was before, so every difference is pending"


def applied(record: Record) -> str:
    """Return when a build was recorded, from which commit, by whom and in which job, as far as that is known."""
    commit = f" from {line(record.commit[:7])}" if record.commit else ""
    author = f" by {line(record.author)}" if record.author else ""
    job = f", {line(record.job)}" if record.job else ""
    when = f"{', ' if job else ' '}on {Stamps(record.when, '').moment}" if record.when else ""
    return f"last {'applied' if record.exact else 'adopted'}{commit}{author}{job}{when}"


def beside(build: Drifted, *, verbose: bool) -> Iterator[str]:
    """Yield what else there is to know: what could not be compared, what is ignored, what would be in the way."""
    hidden = [s.path for s in build.of(State.UNVERIFIABLE)]
    if hidden and not verbose:
        yield f"? {len(hidden)} declared, and nothing shows what the server has: {line(', '.join(hidden))}"
    unset = [s.path for s in build.of(State.UNSET)]
    if unset and not verbose:
        yield f"? {len(unset)} not compared, no value in this environment: {line(', '.join(unset))}"
    if verbose:
        yield from (line(text) for text in build.ignored)
    yield from (f"note: {line(text)}" for text in build.notes)
    if build.blocked and build.fate in (*DRIFT, Fate.PENDING):
        yield f"note: an apply would not write it as it is ({build.blocked})"


def _unknown(drift: Drift, style: Style) -> Iterator[str]:
    for trouble in drift.troubles:
        yield style.ink.paint(f"! {line(trouble.message)}", Colour.BAD)
        if trouble.hint:
            yield f"    → {line(trouble.hint)}"
    notes = [f"note: {line(notice)}" for notice in remarks(drift, quiet=style.quiet)]
    yield from notes
    if notes or drift.troubles:
        yield ""


def remarks(drift: Drift, *, quiet: bool = False) -> Iterable[str]:
    """Return what holds for the whole run, sentences; `quiet`: what may make the rest look like what it is not."""
    if not drift.recorded and drift.ledger_read:
        yield (
            "the ledger has no record of these builds, so that whatever differs counts as pending; "
            "`reconciler adopt` records them, --ledger names the ledger that the other runs use"
        )
    yield from drift.notices
    if quiet:
        return
    unset = [len(build.of(State.UNSET)) for build in drift.builds if build.of(State.UNSET)]
    if unset:
        values = "1 value is" if sum(unset) == 1 else f"{sum(unset):,} values are"
        builds = "1 build" if len(unset) == 1 else f"{len(unset):,} builds"
        yield f"{values} not set in this environment, so not compared, in {builds} (-v names them)"
    if drift.narrowed:
        yield "only part of the tree was read: nothing is said of builds that no definition names"


def _what_now(drift: Drift, commands: Commands, style: Style) -> Iterator[str]:
    found = ways(drift, commands)
    if not found:
        return
    yield style.ink.paint("What now:", Colour.STRONG)
    said = ""
    for way in found:
        if way.what != said:
            yield f"    {way.what}"
        said = way.what
        yield f"        {way.command}"
