"""The exception tree, each with the exit code that the command line turns it into.

    ReconcilerError                70  a fault of ours, unless a subclass says otherwise
    ├── UsageError                 64  flags or arguments that make no sense
    ├── InvalidDefinitions         65  problems in definitions or configuration, all of them
    ├── Refused                     4  a guard does not let the run start
    ├── ServerError                69  a server is not reachable, or answers what none of its kind answers
    │   ├── NotPermitted           77  not allowed to do this
    │   │   └── BadToken           77  no API token, or one that the server does not accept
    │   └── TooOld                 69  a Zadig before v4.2.0
    ├── LedgerError                 1  the record cannot be read or written
    ├── Locked                     75  another run holds the lock
    └── Interrupted               130  the user stopped it

Exit codes: the table in `docs/exit-codes.md`. Every error has a message (a sentence) and a hint (what to do).
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.model.problem import Problem


class ReconcilerError(Exception):
    """Something went wrong that is told to the user as one sentence and one hint."""

    exit_code = 70

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command line, or what it names, makes no sense."""

    exit_code = 64


class InvalidDefinitions(ReconcilerError):
    """Definitions or configuration have problems; carries all of them, in order of place."""

    exit_code = 65

    def __init__(self, problems: Sequence[Problem]) -> None:
        count = len(problems)
        super().__init__(f"{count} problem{'s' if count != 1 else ''} in the definitions", "Nothing was planned.")
        self.problems = tuple(problems)


class Refused(ReconcilerError):
    """A guard does not let the run start."""

    exit_code = 4


class ServerError(ReconcilerError):
    """A server, Zadig or a forge, is not reachable or does not answer as its kind does."""

    exit_code = 69


class NotPermitted(ServerError):
    """The token is missing, wrong, or not allowed to do this."""

    exit_code = 77


class BadToken(NotPermitted):
    """There is no API token, or the server does not accept it: nothing else will work either."""


class TooOld(ServerError):
    """The server is a Zadig before v4.2.0, whose API lacks what we need."""


class LedgerError(ReconcilerError):
    """The ledger cannot be opened, read or written."""

    exit_code = 1


class Locked(ReconcilerError):
    """Another run holds the ledger."""

    exit_code = 75


class Interrupted(ReconcilerError):
    """The user stopped the run."""

    exit_code = 130
