"""One comment per tree: look for ours, write it where it says something else, and look again where that is unsure.

    list ─ none of ours ──► create          ─ done ──► Posted
         ─ ours differs ──► update the oldest ─ gone, or not ours to change ──► list again without it
         ─ ours is the same ──► leave it     ─ no answer, or too many ──► wait, list again

So nothing is written twice blindly, two runs at once settle on the older of their comments, and a run that was killed
is finished by the next one.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.forge.page import body_of, is_marked, is_same, mark_of
from reconciler.forge.place import Account, Place
from reconciler.forge.site import Comment, Site, site_of
from reconciler.forge.wire import Answer, Timing, Wire
from reconciler.model.errors import UsageError

PAGES = 200
"""Pages of comments that are looked through; where ours is behind them, or there is no end, none is made anew."""

_READING, _WRITING, _ASKING = "read the comments", "write the comment", "ask for the account"


class Ending(enum.Enum):
    """What became of the comment."""

    CREATED = "created"
    UPDATED = "updated"
    LEFT = "left as it is"


@dataclass(frozen=True, slots=True)
class Posted:
    """A comment that says what it should. `id` is the other side's number for it."""

    ending: Ending
    id: int


def post(place: Place, account: Account, tree: str, markdown: str, timing: Timing | None = None) -> Posted:
    """Make the comment of a tree say something.

    Args:
        place: the pull or merge request.
        account: as whom.
        tree: name of the tree; its mark is the comment's hidden first line.
        markdown: what the comment is to say; it is cut at a line where it is too long.
        timing: limits.

    Raises:
        UsageError: the text holds the token, or the repository is elsewhere now.
        ServerError: the other side is not reachable, wants to be asked later, or answers nonsense.
        BadToken: it does not know the token.
        NotPermitted: the token may not comment there; `Closed` where nobody may.
    """
    if account.repeated_in(markdown):
        raise UsageError(
            f"the text for the comment holds {account.source}: it is not posted", "take it out of the text"
        )
    site, mark = site_of(place), mark_of(tree)
    body = body_of(mark, markdown, site.longest, acts=site.acts)
    wire = Wire(place, account, timing or Timing())
    try:
        return _Posting(wire, site, mark, body).run()
    finally:
        wire.close()


class _Posting:
    """One comment on its way."""

    def __init__(self, wire: Wire, site: Site, mark: str, body: str) -> None:
        self._wire = wire
        self._site = site
        self._mark = mark
        self._body = body
        self._me: str | None = None

    def run(self) -> Posted:
        """Look and write until the comment says what it should."""
        refused: set[int] = set()
        lost: Ending | None = None
        while True:
            ours = self._ours(refused)
            if ours is not None and is_same(ours.body, self._body):
                return Posted(lost or Ending.LEFT, ours.id)
            ending = Ending.CREATED if ours is None else Ending.UPDATED
            answer = self._write(ours)
            id = _id_of(answer)
            if answer.is_done and id is not None:
                return Posted(ending, id)
            answer = Answer(0, why="it answers what no forge answers") if answer.is_done else answer
            if ours is not None and answer.status in (403, 404, 410) and not answer.limited:
                refused.add(ours.id)
            elif answer.is_passing and self._wire.again(answer):
                lost = lost if answer.limited else ending
            else:
                raise self._wire.failure(answer, _WRITING)

    def _write(self, ours: Comment | None) -> Answer:
        if ours is None:
            return self._wire.ask("POST", self._site.comments, self._body)
        return self._wire.ask(self._site.update_method, self._site.one(ours.id), self._body)

    def _ours(self, refused: Collection[int]) -> Comment | None:
        """Return the oldest comment that has our mark and is our account's."""
        marked = [c for c in self._comments() if is_marked(c.body, self._mark) and c.id not in refused]
        return min((c for c in marked if self._is_own(c)), key=lambda c: c.id, default=None)

    def _is_own(self, comment: Comment) -> bool:
        """Tell whether a comment is our account's; an account that is not told is an application's."""
        if self._me is None:
            answer = self._wire.read("/user", _ASKING, self._site.anonymous)
            self._me = self._who(answer) if answer.is_done else ""
        return comment.author == self._me if self._me else comment.bot

    def _who(self, answer: Answer) -> str:
        document = self._wire.document(answer, _ASKING)
        try:
            return self._site.me(document)
        except (KeyError, TypeError):
            raise self._wire.nonsense(_ASKING) from None

    def _comments(self) -> Iterator[Comment]:
        for number in range(1, PAGES + 1):
            answer = self._wire.read(self._site.page(number), _READING)
            rows = self._wire.document(answer, _READING)
            try:
                yield from [c for row in _rows(rows) if (c := self._site.comment(row)) is not None]
            except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
                raise self._wire.nonsense(_READING) from None
            if not rows or not self._site.has_next(answer):
                return
        raise self._wire.endless(_READING, PAGES)


def _rows(document: Any) -> list[Mapping[str, Any]]:
    if not isinstance(document, list):
        raise TypeError
    return document


def _id_of(answer: Answer) -> int | None:
    """Return the number of what was written; None where it is no comment that came back, but a page of a proxy."""
    try:
        return int(json.loads(answer.body)["id"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
