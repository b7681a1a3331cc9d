"""Losses and changes that repeat a credential of the same build: a script that somebody pasted the token into.

The mask stands where it was, and such a loss has no digest: what is left out could be guessed from one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.model.build import CHOICE_VALUE, Build, Value, Values, elements_of, join
from reconciler.model.change import Change, Shown
from reconciler.model.declared import secrets_in
from reconciler.model.fields import ASTERISKS, ROWS, Elements, Row
from reconciler.model.live import Loss
from reconciler.model.secret import Secret
from reconciler.server import wire
from reconciler.server.pasted import Pasted


def unrepeated(losses: Iterable[Loss], secrets: Iterable[Secret]) -> tuple[Loss, ...]:
    """Return the losses without any of the secrets that are long enough to be known again."""
    losses = tuple(losses)
    told = [secret for secret in secrets if not secret.holds(ASTERISKS)] if losses else []
    return tuple(_unrepeated(loss, told) for loss in losses) if told else losses


def _unrepeated(loss: Loss, secrets: list[Secret]) -> Loss:
    text = wire.masked(loss.value, secrets)
    return loss if text == loss.value else replace(loss, value=text, secret=True)


def changes_of(live: Build, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the changes of a live build without any of its credentials that are long enough to be known again."""
    secrets = [secret for secret in secrets_in(live) if not secret.holds(ASTERISKS)] if changes else []
    if not secrets:
        return changes
    return tuple(replace(c, before=_told(c.before, secrets), after=_told(c.after, secrets)) for c in changes)


def _told(value: Shown, secrets: list[Secret]) -> Shown:
    if isinstance(value, list):
        return [_told(item, secrets) for item in value]
    if isinstance(value, dict):
        return {key: _told(item, secrets) for key, item in value.items()}
    return wire.masked(value, secrets) if isinstance(value, str) else value


def repeating(build: Build, secrets: Iterable[Secret]) -> frozenset[str]:
    """Return the paths of the texts of a build that repeat one of the secrets, as a ledger must not hold them."""
    return frozenset(_paths(ROWS[build.kind], build.values, "", Pasted(secrets)))


def _paths(rows: tuple[Row, ...], values: Values, parent: str, pasted: Pasted) -> Iterator[str]:
    """Yield the texts that repeat a secret; what names an element stands in every path, and a word of an enum is none.

    What a template's input has chosen is remembered too, though no row is about it.
    """
    for row in rows:
        path, value = join(parent, row.path), values.get(row.path)
        if isinstance(row, Elements):
            for element in elements_of(value):
                inner = tuple(leaf for leaf in row.rows if leaf.path not in row.key)
                yield from _paths(inner, element.values, f"{path}[{element.key}]", pasted)
        elif not row.enum and _repeats(value, pasted):
            yield path
    if _repeats(values.get(CHOICE_VALUE), pasted):
        yield join(parent, CHOICE_VALUE)


def _repeats(value: Value | None, pasted: Pasted) -> bool:
    texts = value if isinstance(value, tuple) else (value,)
    return any(isinstance(text, str) and pasted.repeats(text) for text in texts)
