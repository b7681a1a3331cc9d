"""A difference of two trees without copies of a credential: what is one here may stand elsewhere in the clear.

    credentials that are written out on either side ─► Pasted ─► changes, ignore rules, with the mask where one stood

A parameter that becomes a credential under another name, or a script that repeats one, would tell it otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.compare.revisions import Revised, Revisions, Rule
from reconciler.model.change import Change, Shown
from reconciler.model.declared import secrets_in
from reconciler.model.definition import Desired
from reconciler.server import wire
from reconciler.server.pasted import Pasted


def without_copies(revisions: Revisions, sides: tuple[Desired, Desired]) -> Revisions:
    """Return the difference without anything that repeats a credential of either side; very short ones are words."""
    written = {secret for side in sides for d in side.definitions for secret in secrets_in(d.build) if secret.is_set}
    pasted = Pasted(filter(wire.is_telling, written))
    return (
        replace(revisions, builds=tuple(_build(build, pasted) for build in revisions.builds)) if written else revisions
    )


def _build(build: Revised, pasted: Pasted) -> Revised:
    changes = tuple(_change(change, pasted) for change in build.changes)
    return replace(build, changes=changes, rules=tuple(_rule(rule, pasted) for rule in build.rules))


def _change(change: Change, pasted: Pasted) -> Change:
    return replace(change, before=_told(change.before, pasted), after=_told(change.after, pasted))


def _rule(rule: Rule, pasted: Pasted) -> Rule:
    before, after = (pasted.masked(text) if isinstance(text, str) else text for text in (rule.before, rule.after))
    return replace(rule, before=before, after=after)


def _told(value: Shown, pasted: Pasted) -> Shown:
    if isinstance(value, list):
        return [_told(item, pasted) for item in value]
    if isinstance(value, dict):
        return {key: _told(item, pasted) for key, item in value.items()}
    return pasted.masked(value) if isinstance(value, str) else value
