"""What can be wrong with the keys of `x-reconciler`, and with ignore rules wherever they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reconciler.definitions.compose import Path
from reconciler.definitions.document import EXTRA, Complaint, brief, lookup
from reconciler.model.fields import IDENTITY, Kind
from reconciler.model.ignore import Ignore, keys_named, nearest, parts_of

_DIGEST = re.compile(r"[0-9a-f]{12}|[0-9]{1,19} .*", re.DOTALL)
"""The first 12 hex digits of a value's SHA-256, or the stamps: "<update_time> <update_by>"."""

_HINT_DIGEST = "copy what plan prints for this loss: 12 hex digits, or a time and a user"


def check_extra(value: dict[str, Any], kind: Kind) -> Iterator[Complaint]:
    """Say what is wrong with a definition's `x-reconciler`; only values of the right type are looked at."""
    extra = value.get(EXTRA)
    if not isinstance(extra, dict):
        return
    yield from check_ignore(extra.get("ignore"), (kind,), (EXTRA, "ignore"))
    yield from _accepted(extra.get("accept_loss"))
    old, name = extra.get("renamed_from"), value.get("name")
    if isinstance(old, str) and old and old == name:
        hint = "write the name that it had before, or take renamed_from out"
        yield Complaint((EXTRA, "renamed_from"), "this is the build's own name", hint, "renamed-from")


def _accepted(losses: object) -> Iterator[Complaint]:
    if not isinstance(losses, dict):
        return
    for path, digest in losses.items():
        if isinstance(digest, str) and not _DIGEST.fullmatch(digest):
            message = f'this accepts no value of "{brief(path)}"'
            yield Complaint((EXTRA, "accept_loss", path), message, _HINT_DIGEST, "accept-loss")


def check_ignore(rules: object, kinds: tuple[Kind, ...], at: Path) -> Iterator[Complaint]:
    """Say what is wrong with a list of ignore rules.

    Args:
        rules: as it was read; entries that are no rules are left to the schema.
        kinds: the kinds of build that the rules are for; a path may fit any of them.
        at: where the list stands.
    """
    seen: set[str] = set()
    for index, rule in enumerate(rules if isinstance(rules, list) else ()):
        path, reason = lookup(rule, ("path",)), lookup(rule, ("reason",))
        if isinstance(reason, str) and reason and not reason.strip():
            hint = "say why: plans print it to those who wonder"
            yield Complaint((*at, index, "reason"), '"reason" is empty', hint, "empty")
        if not isinstance(path, str) or not path:
            continue
        if path in seen:
            message = f'"{brief(path)}" is ignored a second time'
            yield Complaint((*at, index, "path"), message, "keep one of the two", "twice")
        elif wrong := _wrong_path(path, kinds):
            yield Complaint((*at, index, "path"), *wrong, "ignore-path")
        seen.add(path)


def _wrong_path(path: str, kinds: tuple[Kind, ...]) -> tuple[str, str] | None:
    """Return what is wrong with a path, and what to do."""
    if path in IDENTITY:
        return f'"{path}" says which build this is and cannot be ignored', "take the rule out"
    if path.strip("*.") == "":
        return f'"{brief(path)}" would ignore the whole build', "take the definition out of the tree instead"
    fitting = [kind for kind in kinds if parts_of(kind, path)]
    if not fitting:
        return f'there is no setting "{brief(path)}"', _nearby(path, kinds)
    keys = [key for kind in fitting if (key := keys_named(kind, path))]
    if len(keys) == len(fitting):
        whole = path.removesuffix(f".{keys[0]}")
        hint = f'ignore whole elements with "{brief(whole)}", or their other settings one by one'
        return f'"{keys[0]}" says which element this is and cannot be ignored', hint
    return None


def _nearby(path: str, kinds: tuple[Kind, ...]) -> str:
    """Return what may be meant by a path that names nothing."""
    other = [kind for kind in Kind if kind not in kinds and parts_of(kind, path)]
    if other:
        template = "builds from a template"
        return f"only {template if other[0] is Kind.TEMPLATE else 'plain builds'} have it: take the rule out"
    if path.count("[") > path.count("]"):
        return "a bracket is not closed: an element is parameters[PW]"
    near = nearest(kinds, path)
    known = "docs/fields.md lists the settings; elements go by their key: parameters[PW].default_value"
    return f'did you mean "{near}"?' if near else known


def rules_of(given: object) -> tuple[Ignore, ...]:
    """Return the rules of a list without complaints."""
    return tuple(Ignore(rule["path"], rule["reason"].strip()) for rule in (given if isinstance(given, list) else ()))
