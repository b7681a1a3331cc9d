"""A live build and its definition → the record that takes the definition's word where nothing shows a setting.

shown settings        as the server shows them
unreadable settings   the internal read, or a record that still speaks
► else what the definition declares
► else what was last recorded ► else the usual value
secrets               their places, never their values; a text that repeats one is left out likewise
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.compare.knowledge import Known, know, marked
from reconciler.model.build import Build, Element, Value, Values, elements_of
from reconciler.model.change import ChangeKind
from reconciler.model.declared import choice_paths, declared_paths, secret_paths, secrets_in
from reconciler.model.fields import HIDDEN, ROWS, Elements, Leaf, Row, Sight
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.plan.ignoring import Ignoring
from reconciler.plan.kinds import InputKinds
from reconciler.plan.memory import remember
from reconciler.plan.step import Step
from reconciler.plan.whole import whole

DIFFERENCES = (ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED, ChangeKind.MOVED)
"""Changes that say that a setting is not as declared; the others say that nobody can tell, or that nobody cares."""

Repeats = Callable[[Build, tuple[Secret, ...]], frozenset[str]]
"""A build and secrets → the paths of its texts that repeat one of them."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What all records of one adoption have in common.

    Attributes:
        tree: our tree's name.
        when: seconds since 1970.
        commit: the Git commit, "" where unknown.
        author: who that is by, or who started the run, "" where unknown.
        job: URL of the CI job, "" where there is none.
        repeats: finds the texts of a build that repeat a secret.
    """

    tree: str
    when: int
    commit: str
    author: str
    job: str
    repeats: Repeats


def assumed(
    ignoring: Ignoring, step: Step, local_cluster: str | None, kinds: InputKinds, signature: Signature
) -> Record:
    """Return the record of a build that is of its definition's kind, whether or not it is as declared.

    Args:
        ignoring: the definition without what it leaves to the server, and what is known of the build.
        step: what the plan says of it.
        local_cluster: what the server says is the local cluster.
        kinds: what is known of templates' variables.
        signature: what the record says beside.
    """
    live, known = ignoring.known.live, ignoring.known
    assert live.build is not None
    send = whole(ignoring.definition.build, known, local_cluster, kinds).send
    sent = replace(send, values=_server_first(ROWS[send.kind], known.values, send.values))
    secrets = _secret_places(ignoring, step, send)
    build = remember(sent, live.build, secrets)
    secrets |= signature.repeats(build, _secrets_of(ignoring))
    build = remember(sent, live.build, secrets)
    return Record(
        tree=signature.tree,
        build=_under_old_names(build, known),
        declared=declared_paths(ignoring.original.build),
        secrets=secrets,
        stamps=live.stamps,
        image_id=live.image_id,
        exact=False,
        when=signature.when,
        commit=signature.commit,
        author=signature.author,
        job=signature.job,
        prevent_destroy=step.prevent_destroy,
    )


def known_afterwards(ignoring: Ignoring, record: Record) -> Known:
    """Return what the next plan knows of a build by its record alone, should nobody ask the internal read."""
    known = know(replace(ignoring.known.live, deep=None), record)
    return replace(known, renamed=ignoring.known.renamed)


def refreshed(record: Record, step: Step) -> Record:
    """Return an exact record with what the definition of a keep declares now, as an apply does."""
    assert step.desired is not None
    return replace(
        record,
        declared=declared_paths(step.desired),
        secrets=record.secrets | secret_paths(step.desired),
        prevent_destroy=step.prevent_destroy,
    )


def _server_first(rows: tuple[Row, ...], have: Values, sent: Values) -> Values:
    """Put what is known of hidden settings before what is declared, and the usual value where both are silent."""
    values: dict[str, Value] = dict(sent)
    for row in rows:
        if row.sight in HIDDEN:
            if row.path in have:
                values[row.path] = have[row.path]
            elif isinstance(row, Leaf) and row.usual:
                values.setdefault(row.path, row.usual)
        elif isinstance(row, Elements) and row.path in have:
            mine = {e.key: e.values for e in elements_of(sent.get(row.path))}
            values[row.path] = tuple(
                Element(e.key, _server_first(row.rows, e.values, mine.get(e.key, {})))
                for e in elements_of(have[row.path])
            )
    return values


def _secret_places(ignoring: Ignoring, step: Step, send: Build) -> frozenset[str]:
    """Return the paths of what definition, ledger or server call secret.

    A credential's choices are as secret as its value, unless Git says the very same in clear.
    """
    build = ignoring.original.build
    now = _known_build(ignoring.known)
    told = declared_paths(build) - {c.path for c in step.changes if c.kind in DIFFERENCES} - secret_paths(build)
    choices = choice_paths(build) | choice_paths(now)
    return (marked(build, ignoring.known) - choices) | secret_paths(send) | (choices - told)


def _secrets_of(ignoring: Ignoring) -> tuple[Secret, ...]:
    return (*secrets_in(_known_build(ignoring.known)), *secrets_in(ignoring.original.build))


def _known_build(known: Known) -> Build:
    assert known.live.build is not None
    return replace(known.live.build, values=known.values)


def _under_old_names(build: Build, known: Known) -> Build:
    """Keep the names by reference that moved without a write: only the record tells that they did."""
    if not known.renamed:
        return build
    rows = {row.path for row in ROWS[build.kind] if row.sight is Sight.REFERENCE}
    old = {path: name for path, (name, _) in known.renamed.items() if path in rows}
    return replace(build, values={**build.values, **old})
