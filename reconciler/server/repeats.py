"""Losses and changes that repeat a credential: a script that somebody pasted the token into, and copies of that build.

What repeats a credential of its own build is found as that build is read; what repeats another one's, when all of
them were. The mask stands where it was, and such a loss has no digest: what is left out could be guessed from one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from reconciler.model.build import CHOICE_VALUE, Build, Value, Values, elements_of, join
from reconciler.model.change import Change, Shown
from reconciler.model.declared import marked_texts, secrets_in
from reconciler.model.fields import ASTERISKS, ROWS, Elements, Row
from reconciler.model.live import Live, LiveBuild, Loss
from reconciler.model.secret import Secret
from reconciler.server import wire
from reconciler.server.heard import Heard
from reconciler.server.pasted import Pasted


def unrepeated(losses: Iterable[Loss], secrets: Iterable[Secret]) -> tuple[Loss, ...]:
    """Return the losses without any of the secrets that are long enough to be known again."""
    losses = tuple(losses)
    told = [secret for secret in secrets if not secret.holds(ASTERISKS)] if losses else []
    return tuple(_unrepeated(loss, told) for loss in losses) if told else losses


def _unrepeated(loss: Loss, secrets: list[Secret]) -> Loss:
    text = wire.masked(loss.value, secrets)
    return loss if text == loss.value else replace(loss, value=text, secret=True)


def unrepeated_anywhere(live: Live, heard: Heard) -> Live:
    """Return the live builds without any credential of another build in what a write would erase."""
    readings = {
        project: replace(one, builds={name: unrepeated_in(build, heard) for name, build in one.builds.items()})
        for project, one in live.readings.items()
    }
    return replace(live, readings=readings)


def unrepeated_in(build: LiveBuild, heard: Heard) -> LiveBuild:
    """Return one live build without any credential of another one in what a write would erase."""
    if not (build.losses or build.hidden or build.own or build.leftover):
        return build
    pasted = heard.pasted()
    losses, hidden, own, leftover = (
        tuple(_unpasted(loss, pasted) for loss in losses)
        for losses in (build.losses, build.hidden, build.own, build.leftover)
    )
    return replace(build, losses=losses, hidden=hidden, own=own, leftover=leftover)


def _unpasted(loss: Loss, pasted: Pasted) -> Loss:
    return replace(loss, value=pasted.masked(loss.value), secret=True) if pasted.repeats(loss.value) else loss


def told_loss(live: LiveBuild, loss: Loss, heard: Heard, marks: Collection[str] = ()) -> Loss:
    """Return a loss that a plan has found in a live build without any credential, of this build or another one.

    `marks`: the paths that the ledger marks as secret.
    """
    (own,) = unrepeated([loss], _secrets_of(live, marks))
    return _unpasted(own, heard.pasted())


def _secrets_of(live: LiveBuild, marks: Collection[str]) -> Iterator[Secret]:
    for build in (live.build, live.deep):
        if build is not None:
            yield from (*secrets_in(build), *marked_texts(build, marks))


def changes_of(
    live: LiveBuild, changes: tuple[Change, ...], heard: Heard, marks: Collection[str] = ()
) -> tuple[Change, ...]:
    """Return the changes of a live build without any credential that is long enough to be known again.

    `marks`: the paths that the ledger marks as secret.
    """
    if not changes:
        return changes
    secrets = [secret for secret in _secrets_of(live, marks) if not secret.holds(ASTERISKS)]
    pasted = heard.pasted()
    return tuple(
        replace(c, before=_told(c.before, secrets, pasted), after=_told(c.after, secrets, pasted)) for c in changes
    )


def _told(value: Shown, secrets: list[Secret], pasted: Pasted) -> Shown:
    if isinstance(value, list):
        return [_told(item, secrets, pasted) for item in value]
    if isinstance(value, dict):
        return {key: _told(item, secrets, pasted) for key, item in value.items()}
    return wire.masked(pasted.masked(value), secrets) if isinstance(value, str) else value


def repeating(build: Build, secrets: Iterable[Secret], heard: Heard) -> frozenset[str]:
    """Return the paths of the texts of a build that a ledger must not hold: they repeat a secret.

    Args:
        build: whose texts.
        secrets: its own ones.
        heard: those that a run came across.
    """
    found = {path for pasted in (Pasted(secrets), heard.pasted()) for path in _paths(build, pasted)}
    return frozenset(found)


def _paths(build: Build, pasted: Pasted) -> Iterator[str]:
    return _paths_below(ROWS[build.kind], build.values, "", pasted)


def _paths_below(rows: tuple[Row, ...], values: Values, parent: str, pasted: Pasted) -> Iterator[str]:
    """Yield the texts that repeat a secret; what names an element stands in every path, and a word of an enum is none.

    What a template's input has chosen is remembered too, though no row is about it.
    """
    for row in rows:
        path, value = join(parent, row.path), values.get(row.path)
        if isinstance(row, Elements):
            for element in elements_of(value):
                inner = tuple(leaf for leaf in row.rows if leaf.path not in row.key)
                yield from _paths_below(inner, element.values, f"{path}[{element.key}]", pasted)
        elif not row.enum and _repeats(value, pasted):
            yield path
    if _repeats(values.get(CHOICE_VALUE), pasted):
        yield join(parent, CHOICE_VALUE)


def _repeats(value: Value | None, pasted: Pasted) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(text, str) and pasted.repeats(text) for text in texts)
