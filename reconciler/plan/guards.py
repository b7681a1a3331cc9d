"""What may not be written: each guard answers with the reason, a sentence and the way out, or None.

What a write would erase is weighed in `reconciler.plan.losses`.
"""

from __future__ import annotations

from reconciler.compare.knowledge import Known
from reconciler.model.definition import Definition
from reconciler.model.live import JENKINS, LiveBuild, Reading
from reconciler.model.record import Record
from reconciler.plan.step import Block, Blocked
from reconciler.plan.whole import Whole


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
    return Blocked(Block.INCOMPLETE, f"nobody knows whether it exists: {reading.incomplete}", reading.remedy)


def without_value(result: Whole) -> Blocked | None:
    """A credential needs a value where the server has none to keep."""
    if not result.no_value:
        return None
    return Blocked(
        Block.CREDENTIALS,
        f"no value here for {', '.join(result.no_value)}, and the server has none to keep",
        "give it a value, for example {from_env: BUILD_…}",
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
