"""The questions of `reconciler init`: on a terminal, on stderr, one for each thing that no flag says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click

from reconciler.model.errors import BadToken, UsageError
from reconciler.model.secret import Secret
from reconciler.report.ink import safe

T = TypeVar("T")

ALL = "all"


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Somebody to ask, or nobody.

    Attributes:
        open: somebody sits there.
        brief: ask only for what has no usual answer.
    """

    open: bool
    brief: bool

    def server(self, read: Callable[[str], T]) -> T:
        """Ask for Zadig's address until it is one. Raises UsageError where nobody can be asked.

        `read` makes of the answer what is wanted, or raises UsageError.
        """
        if not self.open:
            raise UsageError("no server is named", "use --server URL, or set ZADIG_SERVER")
        return _until("Zadig's address (as https://zadig.example.com)", read)

    def token(self) -> Secret:
        """Ask for the API token, which is not shown. Raises BadToken where nobody can be asked."""
        from reconciler.config import read_token

        if not self.open:
            raise BadToken(
                "there is no API token",
                "set ZADIG_TOKEN to the token from your account page in Zadig, or use --token-file",
            )

        def read(text: str) -> Secret:
            token = read_token(text, "what you typed")
            if token is None:
                raise UsageError("nothing was typed", "copy the token from your account page in Zadig")
            return token

        return _until("API token, from your account page in Zadig (not shown, and kept nowhere)", read, hidden=True)

    def projects(self, there: Sequence[str]) -> tuple[str, ...]:
        """Ask which projects the tree is about; all of them where nobody is asked."""
        if self.brief:
            return tuple(there)

        def read(text: str) -> tuple[str, ...]:
            chosen = tuple(dict.fromkeys(text.replace(",", " ").split()))
            if chosen in ((), (ALL,)):
                return tuple(there)
            unknown = [project for project in chosen if project not in there]
            if unknown:
                raise UsageError(f"the token sees no project {unknown[0]}", f"it sees {', '.join(there)}")
            return chosen

        return _until("Projects, separated by commas", read, usual=ALL)

    def tree(self, usual: str) -> str:
        """Ask for the tree's name; the usual one where nobody is asked."""
        if self.brief:
            return usual
        return _until("Name of the tree, which marks builds as ours", _some, usual=usual)


def _some(text: str) -> str:
    if not text.strip():
        raise UsageError("a tree needs a name", "for example shop-builds")
    return text.strip()


def _until(question: str, read: Callable[[str], T], *, usual: str | None = None, hidden: bool = False) -> T:
    """Ask until the answer can be used."""
    while True:
        try:
            return read(click.prompt(question, default=usual, hide_input=hidden, err=True))
        except UsageError as error:
            click.echo(f"  {safe(error.message)}: {safe(error.hint)}", err=True)
