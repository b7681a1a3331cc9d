"""What a backup cannot bring back, and what Git has to say of a restored build, as text for people."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from reconciler.model.manifest import Manifest
from reconciler.model.secret import MASK
from reconciler.report.ink import Colour, Ink, safe

_DONE = {"update": "updated", "convert": "converted", "delete": "deleted"}
_HOST = ".codehost_name"


def render_kept(manifest: Manifest, definition: str, is_set: Callable[[str], bool], ink: Ink) -> str:
    """Return what a reader should know of one build's backup before it is restored.

    Args:
        manifest: the backup.
        definition: its definition's path, as a user types it.
        is_set: whether an environment variable holds something.
        ink: colours.
    """
    name = safe(f"{manifest.project}/{manifest.name}")
    done = _DONE.get(manifest.action, safe(manifest.action))
    lines = [ink.paint(f"{name} as it was before it was {done}, {safe(manifest.time)}", Colour.STRONG)]
    lines += [f"    {line}" for line in _lines(manifest, definition, is_set, ink)]
    return "\n".join(lines) + "\n\n"


def _lines(manifest: Manifest, definition: str, is_set: Callable[[str], bool], ink: Ink) -> Iterator[str]:
    for loss in manifest.lost:
        value = MASK if loss.secret else json.dumps(loss.value, ensure_ascii=False)
        small = " (small: only what a page or a message shows)" if loss.small else ""
        yield ink.paint(f"✗ {safe(loss.path)} cannot be brought back{small}: {safe(value)}", Colour.BAD)
    for path in manifest.unknown:
        if path.endswith(_HOST):
            known = ", ".join(sorted(set(manifest.code_hosts.values())))
            seen = f" (the build used {safe(known)})" if known else ""
            yield ink.paint(f"✗ {safe(path)} is not known{seen}: write it into {safe(definition)}", Colour.BAD)
    for words, paths in (
        ("nothing showed them, so they are not brought back", [p for p in manifest.unknown if not p.endswith(_HOST)]),
        ("nothing showed them, so their usual value is written", manifest.assumed),
        ("written as the ledger last knew them, before somebody else wrote", manifest.outdated),
    ):
        if paths:
            yield f"? {len(paths)} settings: {words}: {safe(', '.join(paths))}"
    if not manifest.internal:
        yield "? what only Zadig's page can set (VM labels, caches, deployment …) could not be looked at"
    gone = manifest.action == "delete"
    unset = "set it first" if gone else "where the server still has the value, that is kept"
    for path, variable in manifest.masked.items():
        state = "is set" if is_set(variable) else f"is not set: {unset}"
        yield f"· {safe(path)} is taken from {safe(variable)}, which {state}"


def render_git(manifest: Manifest, definition: str, file: str, *, defined: bool) -> str:
    """Return what a plan of Git would make of a restored build, and the command that settles it.

    Args:
        manifest: the backup.
        definition: its definition's path.
        file: where in the tree it could be put.
        defined: whether the tree defines this build.
    """
    name = safe(f"{manifest.project}/{manifest.name}")
    if defined:
        text = f"Git has its own definition of {name}, and the next apply follows that one."
        return f"{text}\n  → take over there what is in {safe(definition)}\n"
    kind = "ours, and an orphan that prune deletes" if manifest.tree else "undeclared"
    text = f"Git has no definition of {name}: for a plan it is {kind}."
    return f"{text}\n  → cp {safe(definition)} {safe(file)}\n"
