"""What may not be written: each guard answers with the reason, a sentence and the way out, or None.

Until losses can be acknowledged one by one, an update is blocked wherever detail shows anything that it
erases, and wherever the ledger has no record of the build.
"""

from __future__ import annotations

import hashlib

from reconciler.compare.knowledge import Known, Trust
from reconciler.model.definition import Definition
from reconciler.model.live import JENKINS, LiveBuild, Reading
from reconciler.model.record import Record
from reconciler.model.secret import MASK
from reconciler.plan.step import Block, Blocked, PlannedLoss
from reconciler.plan.whole import Whole

UNSEEN = (
    "infrastructure, script_type, VM labels, privileged mode, storages, annotations and labels, "
    "choices and descriptions of parameters, fixed commits, code host aliases"
)
"""What detail never shows and an update replaces (contract, section 3)."""


def foreign(record: Record | None, tree: str) -> Blocked | None:
    """Another tree's build is never written."""
    if record is None or record.tree == tree:
        return None
    return Blocked(
        Block.FOREIGN,
        f'the ledger says that this build belongs to the tree "{record.tree}"',
        f'change it there, or set "tree: {record.tree}" in reconciler.yaml if this is that tree',
    )


def not_writable(live: LiveBuild) -> Blocked | None:
    """Jenkins builds are listed, never asked for and never written; an unread build is left alone."""
    if live.source == JENKINS:
        return Blocked(
            Block.UNWRITABLE,
            "it is a Jenkins build, which this API cannot express",
            "remove the definition, or delete the build in Zadig's web page first",
        )
    if live.build is None:
        return Blocked(
            Block.UNREAD, f"the build could not be read: {live.unread}", "run again; if it stays, open it in Zadig"
        )
    return None


def incomplete(reading: Reading) -> Blocked | None:
    """Nothing that depends on absence happens on a list that did not settle."""
    if not reading.incomplete:
        return None
    return Blocked(Block.INCOMPLETE, f"nobody knows whether it exists: {reading.incomplete}", "run again")


def without_value(result: Whole) -> Blocked | None:
    """A credential needs a value where the server has none to keep."""
    if not result.no_value:
        return None
    return Blocked(
        Block.CREDENTIALS,
        f"no value here for {', '.join(result.no_value)}, and the server has none to keep",
        "give it a value, for example {from_env: BUILD_…}",
    )


def converts(definition: Definition, live: LiveBuild) -> Blocked | None:
    """A plain build does not become a template build, or back."""
    if live.build is None or live.build.kind is definition.build.kind:
        return None
    return Blocked(
        Block.LOSS,
        f"the server has a {live.build.kind.value} build of this name, the definition is a "
        f"{definition.build.kind.value} build; converting would erase what the other kind holds",
        "conversions are not supported yet: rename the definition, or convert the build in Zadig's web page",
    )


def moved_references(definition: Definition, known: Known) -> Blocked | None:
    """A write that needs a name which does not exist any more would be refused by the server."""
    for path, (old, new) in sorted(known.renamed.items()):
        if definition.build.values.get(path) == old:
            return Blocked(Block.RENAMED, f'{path} "{old}" is now called "{new}" on the server', f'write "{new}"')
    return None


def unknown_hosts(result: Whole) -> Blocked | None:
    """A repository whose code host nobody can name cannot be sent back."""
    if not result.unknown_hosts:
        return None
    return Blocked(
        Block.UNWRITABLE,
        f"the code host of {', '.join(result.unknown_hosts)} is not known, and an update has to send it",
        "declare repo_info in the definition",
    )


def needs_cluster(result: Whole) -> Blocked | None:
    """The block of advanced settings cannot be sent without a cluster."""
    if not result.needs_cluster:
        return None
    return Blocked(
        Block.UNREAD,
        "advanced_settings needs a cluster, and the server did not say which one is the local one",
        "declare advanced_settings.cluster_name",
    )


def losses(known: Known, result: Whole) -> tuple[PlannedLoss, ...]:
    """Name what an update of this build would erase, as far as it can be seen."""
    found = [PlannedLoss(loss.path, loss.value, digest(loss.value)) for loss in known.live.losses]
    for path, values in result.choices.items():
        text = ", ".join(values)
        found.append(PlannedLoss(path, text, digest(text)))
    found += [PlannedLoss(path, MASK) for path in result.forgotten]
    if known.trust is Trust.NONE:
        found.append(PlannedLoss("unreadable", UNSEEN))
    return tuple(found)


def lossy(known: Known, found: tuple[PlannedLoss, ...]) -> Blocked | None:
    """Block an update that would erase anything."""
    if known.trust is Trust.NONE:
        return Blocked(
            Block.LOSS,
            "the ledger has no record of this build, so nothing shows what an update would erase",
            "use the ledger of the run that made it, or make the change in Zadig's web page",
        )
    if not found:
        return None
    names = ", ".join(loss.path for loss in found)
    return Blocked(
        Block.LOSS,
        f"an update would erase {names}, which the API cannot send",
        "declare them where a definition can, else make the change in Zadig's web page or remove those settings there",
    )


def digest(value: str) -> str:
    """Return the first 12 hex digits of the SHA-256 of a value's UTF-8."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:12]
