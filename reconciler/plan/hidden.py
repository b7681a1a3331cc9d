"""Differences that ignore rules hide → sentences: one per rule, with its reason, never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from reconciler.model.change import Change, ChangeKind, Shown
from reconciler.model.ignore import Ignore, list_of, matches
from reconciler.model.secret import MASK

MOST = 3
"""How many differences one sentence tells of."""

LONGEST = 60
"""How long a value may be that a sentence repeats."""


def sentences(
    changes: Iterable[Change], rules: tuple[Ignore, ...], followers: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Say what each rule hides, in the order of the rules.

    Args:
        changes: the hidden differences.
        rules: of this definition.
        followers: settings that go with another one.
    """
    told: dict[Ignore, list[str]] = {}
    for change in changes:
        rule = _rule(change.path, rules, followers)
        if rule:
            told.setdefault(rule, []).append(_told(change))
    return tuple(f"ignored: {_joined(told[rule])} ({rule.reason})" for rule in dict.fromkeys(rules) if rule in told)


def _rule(path: str, rules: tuple[Ignore, ...], followers: Mapping[str, tuple[str, ...]]) -> Ignore | None:
    """Find the rule that hides a difference: at the path, at what it follows, or inside the list that it is of."""
    leaders = [leader for leader, behind in followers.items() if path in behind]
    for place in (path, *leaders):
        for rule in rules:
            if matches(rule.path, place):
                return rule
    return next((rule for rule in rules if matches(list_of(rule.path), path)), None)


def _joined(parts: list[str]) -> str:
    more = len(parts) - MOST
    return "; ".join([*parts[:MOST], *([f"and {more} more"] if more > 0 else [])])


def _told(change: Change) -> str:
    if change.kind is ChangeKind.MOVED:
        return f"{change.path} keeps the server's order"
    if change.kind is ChangeKind.REMOVED:
        return f"{change.path} stays on the server, Git does not have it"
    if change.kind is ChangeKind.ADDED:
        return f"{change.path} is not added, though Git has it"
    if change.sensitive:
        return f"{change.path} stays {MASK} on the server, Git says otherwise"
    before, after = _brief(change.before), _brief(change.after)
    if change.text or not change.before_known or not before or not after:
        return f"{change.path} stays as it is on the server, Git says otherwise"
    return f"{change.path} stays {before} on the server, Git says {after}"


def _brief(value: Shown) -> str:
    """Return a value as a sentence can hold it, "" where it cannot."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST and value is not None else ""
