"""The `reconciler` command: one place where errors become messages and exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from reconciler import __version__
from reconciler.cli.group import Lazy
from reconciler.cli.guarded import guarded_streams
from reconciler.cli.streams import enduring_streams
from reconciler.cli.telling import tell
from reconciler.model.errors import ReconcilerError

USAGE, FAULT, INTERRUPTED, UNWRITTEN = 64, 70, 130, 1

COMPLETE = "_RECONCILER_COMPLETE"
"""Variable: a shell wants to know what may stand where its user is."""

COMMANDS = {
    "init": ("reconciler.cli.init", "Bring an existing server under Git: ask, look, write, export."),
    "validate": ("reconciler.cli.validate", "Check definitions offline: every problem of every file."),
    "plan": ("reconciler.cli.plan", "Show what apply would do. Reads, never writes."),
    "apply": ("reconciler.cli.apply", "Make the server match the definitions."),
    "drift": ("reconciler.cli.drift", "Show who changed what behind Git's back. Reads, never writes."),
    "diff": ("reconciler.cli.diff", "Show what differs between two Git revisions. Offline."),
    "comment": ("reconciler.cli.comment", "Post a report on the pull or merge request: one comment per tree."),
    "export": ("reconciler.cli.export", "Bring the server's builds under Git, and drift too."),
    "adopt": ("reconciler.cli.adopt", "Record builds that are as declared as ours. Reads, never writes."),
    "config": ("reconciler.cli.config", "Print every setting in force, and where it comes from."),
    "restore": ("reconciler.cli.restore", "Bring back what an apply took away, from its backup."),
    "ledger": ("reconciler.cli.ledger", "Look into the ledger, and repair it: show, check, forget, move."),
    "unlock": ("reconciler.cli.unlock", "Break a lock whose holder is gone."),
    "demo": ("reconciler.cli.demo", "Show it all on an embedded emulator, in seconds."),
    "emulator": ("reconciler.cli.emulator", "Serve a stand-in for Zadig's Build API."),
    "schema": ("reconciler.cli.schema", "Print a JSON Schema, for editors and scripts."),
    "completion": ("reconciler.cli.completion", "Print what completes commands in bash, zsh or fish."),
}

TITLES = {
    "Begin": ("init", "export", "adopt"),
    "Every day": ("validate", "diff", "plan", "apply"),
    "Watch": ("drift",),
    "Review": ("comment",),
    "Repair": ("restore", "ledger", "unlock"),
    "Look": ("config", "schema", "emulator", "demo", "completion"),
}
"""The sections of `--help`."""


@click.group(
    cls=Lazy, commands_by_name=COMMANDS, titles=TITLES, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
def main() -> None:
    """Keep Zadig builds under Git: validate, plan, apply."""


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code; after an interrupt without waiting for requests."""
    if shell := os.environ.pop(COMPLETE, None):
        from reconciler.cli.completing import complete

        sys.exit(complete(shell, sys.argv[1:], os.environ))
    _without_httpx_command_line()
    code = call(arguments)
    if code == INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _without_httpx_command_line() -> None:
    """Let httpx believe that its own command line is not installed: it would cost 45 ms of every run."""
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # what the import system takes for "not there"


def _open_streams() -> None:
    """Put nothing where a stream is closed, so that no file of ours takes its number and is written to as one."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8"))


def call(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code (`docs/exit-codes.md`)."""
    _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    with enduring_streams() as streams:
        with guarded_streams(os.environ):
            code = _called(arguments)
        return code if (lost := streams.ended()) is None else _unwritten(lost, code)


def _called(arguments: Sequence[str] | None) -> int:
    words = None if arguments is None else list(arguments)
    try:
        result: Any = main.main(args=words, prog_name="reconciler", standalone_mode=False)
        return int(result or 0)
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted" if sys.stderr.isatty() else "interrupted", err=True)
        return INTERRUPTED
    except ReconcilerError as error:
        return tell(error)
    except Exception as error:  # the last net: no traceback reaches a user
        return _fault(error)


def _unwritten(lost: OSError, code: int) -> int:
    click.echo(f"error: stdout cannot be written: {(lost.strerror or type(lost).__name__).lower()}", err=True)
    click.echo("  → what was to be done is done; make room, or write to another place", err=True)
    return code or UNWRITTEN


def _usage(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        click.echo(error.format_message(), err=True)
        return USAGE
    from reconciler.cli.near import sentence

    click.echo(f"error: {sentence(error)}", err=True)
    name = context.command_path if context else "reconciler"
    click.echo(f"  → see `{name} --help`", err=True)
    return USAGE


def _fault(error: Exception) -> int:
    """Name the place in our own code and nothing of the values, which may be secret."""
    trace = error.__traceback__
    place = ""
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    click.echo(f"error: a fault of ours: {type(error).__name__} at {place}", err=True)
    click.echo("  → please report it, with the command and this line; nothing more was done", err=True)
    return FAULT
