"""Flags that several commands share, and the settings that they make."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.cli import offered
from reconciler.cli.near import Choice
from reconciler.cli.terminal import ink
from reconciler.model.errors import UsageError
from reconciler.model.settings import Settings

if TYPE_CHECKING:
    from reconciler.report.text import Style
    from reconciler.workflow.ledgers import Waiting

Function = TypeVar("Function", bound=Callable[..., Any])

PATH = click.argument("path", required=False, type=click.Path(), metavar="[PATH]")

_LEDGER = (
    click.option("--server", metavar="URL", help="Zadig's address; or ZADIG_SERVER, or reconciler.yaml."),
    click.option("--ledger", metavar="PLACE", help="Default: .reconciler/ledger.db at the root; or RECONCILER_LEDGER."),
)
_SERVER = (
    _LEDGER[0],
    click.option(
        "--token-file", metavar="FILE", type=click.Path(), help="Read the API token from here; or ZADIG_TOKEN."
    ),
    _LEDGER[1],
    click.option("--concurrency", type=click.IntRange(1, 64), metavar="N", help="Requests at once (8)."),
    click.option("--timeout", type=click.FloatRange(min=0.1), metavar="S", help="Seconds one request may take (30)."),
)
_DEEP_READ = click.option("--deep-read", type=Choice(["auto", "off"]), help="Ask Zadig's internal read (auto).")
_LIMITS = (
    click.option("--prune", type=Choice(["off", "owned", "all"]), help="Delete builds that Git lacks (off)."),
    click.option("--max-deletes", type=click.IntRange(0), metavar="N", help="Builds one run may delete (10)."),
    click.option(
        "--max-delete-percent",
        type=click.IntRange(0, 100),
        metavar="P",
        help="Percent of a project's builds one run may delete (10).",
    ),
    click.option("--allow-moves", is_flag=True, help="Perform renames and moves, which delete the old build."),
    click.option("--break-workflows", is_flag=True, help="Delete also what workflows use."),
    _DEEP_READ,
    click.option("--backup-dir", type=click.Path(), metavar="DIR", help="Default: .reconciler/backup at the root."),
)
_ASSERT = click.option("--assert", "assert_all", is_flag=True, help="Write what is declared and cannot be verified.")
_LOCK_TIMEOUT = click.option(
    "--lock-timeout",
    type=click.FloatRange(0),
    default=0.0,
    metavar="S",
    help="Seconds to wait for another run's lock (0: fail at once).",
)
_PROJECT = click.option(
    "--project",
    "projects",
    multiple=True,
    metavar="P",
    help="Only this project; repeatable.",
    shell_complete=offered.projects,
)
_OUTPUT = (
    click.option("--output", type=click.Path(), metavar="FILE", help="Write to a file instead of stdout."),
    click.option(
        "--color", type=Choice(["auto", "always", "never"]), default="auto", show_default=True, help="Colours."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Only the line that counts, and what went wrong."),
    click.option("-v", "--verbose", is_flag=True, help="What is kept too, and how the run went."),
)
_FORMAT = click.option(
    "--format", "format_", type=Choice(["text", "json"]), default="text", show_default=True, help="How it is written."
)
_REPORT_FORMAT = click.option(
    "--format",
    "format_",
    type=Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How it is written.",
)


def project_option(function: Function) -> Function:
    """Add `--project`."""
    return _PROJECT(function)


def output_options_of(formats: Sequence[str]) -> Callable[[Function], Function]:
    """Add `--format` with these formats, the first of which is the default, `--output`, `--color`, `-q`, `-v`."""

    def add(function: Function) -> Function:
        option = click.option(
            "--format",
            "format_",
            type=Choice(formats),
            default=formats[0],
            show_default=True,
            help="How it is written.",
        )
        for one in (*reversed(_OUTPUT), option):
            function = one(function)
        return function

    return add


def output_options(function: Function) -> Function:
    """Add `--format`, `--output`, `--color`, `-q`, `-v`."""
    for option in (*reversed(_OUTPUT), _FORMAT):
        function = option(function)
    return function


def report_options(function: Function) -> Function:
    """Add `--format` with Markdown among them, `--output`, `--color`, `-q`, `-v`."""
    for option in (*reversed(_OUTPUT), _REPORT_FORMAT):
        function = option(function)
    return function


def server_options(function: Function) -> Function:
    """Add what says where the server and the ledger are."""
    for option in reversed(_SERVER):
        function = option(function)
    return function


def ledger_options(function: Function) -> Function:
    """Add what says which ledger, and about which server."""
    for option in reversed(_LEDGER):
        function = option(function)
    return function


def deep_read_option(function: Function) -> Function:
    """Add `--deep-read`."""
    return _DEEP_READ(function)


def policy_options(function: Function) -> Function:
    """Add what says how far a run may go, and what it may look at."""
    for option in reversed(_LIMITS):
        function = option(function)
    return function


def lock_option(function: Function) -> Function:
    """Add `--lock-timeout`."""
    return _LOCK_TIMEOUT(function)


def waiting_for(flags: dict[str, Any]) -> Waiting:
    """Return how long to wait for a lock; who holds it is said on stderr."""
    from reconciler.report.ink import safe
    from reconciler.workflow.ledgers import Waiting

    return Waiting(flags.get("lock_timeout", 0.0), lambda sentence: click.echo(safe(sentence), err=True))


def assert_option(function: Function) -> Function:
    """Add `--assert`."""
    return _ASSERT(function)


def settings_from(path: str | None, flags: dict[str, Any]) -> Settings:
    """Put flags, environment and `reconciler.yaml` together. Raises UsageError or InvalidDefinitions."""
    from reconciler.config import Flags, resolve

    chosen = Flags(
        server=flags.get("server"),
        projects=tuple(flags.get("projects") or ()),
        ledger=flags.get("ledger"),
        concurrency=flags.get("concurrency"),
        timeout=flags.get("timeout"),
        token_file=flags.get("token_file"),
        prune=flags.get("prune"),
        max_deletes=flags.get("max_deletes"),
        max_delete_percent=flags.get("max_delete_percent"),
        deep_read=flags.get("deep_read"),
        backup_dir=flags.get("backup_dir"),
        allow_moves=flags.get("allow_moves", False),
        break_workflows=flags.get("break_workflows", False),
        assert_all=flags.get("assert_all", False),
    )
    return resolve(path, chosen, os.environ, here())


def plan_command(path: str | None, flags: dict[str, Any]) -> str:
    """Return the command line that plans again what these flags asked for."""
    words = ["reconciler", "plan", *([path] if path else [])]
    for flag in ("projects", "server", "ledger", "prune", "max_deletes", "max_delete_percent", "deep_read"):
        given = flags.get(flag)
        values = given if isinstance(given, tuple) else () if given is None else (given,)
        name = "--project" if flag == "projects" else f"--{flag.replace('_', '-')}"
        words += [word for value in values for word in (name, str(value))]
    words += [f"--{flag.replace('_', '-')}" for flag in ("allow_moves", "break_workflows") if flags.get(flag)]
    return shlex.join(words)


def here() -> str:
    """Return the current directory. Raises UsageError where it is gone."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        raise UsageError("the current directory does not exist any more", "change into one that does") from None


def print_plain(text: str) -> None:
    """Print to stdout as it is."""
    click.echo(text, nl=False, color=True)


@contextmanager
def output_to(file: str | None) -> Iterator[Callable[[str], None]]:
    """Hand out what writes the data: to stdout, or to a file that is opened before anything is done."""
    if file is None:
        yield print_plain
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(file).open("w", encoding="utf-8", errors="backslashreplace"))
        except OSError as error:
            raise UsageError(f"cannot write {file}: {error.strerror}", "choose another --output") from None
        yield lambda text: print(text, end="", file=stream)


def style_of(flags: dict[str, Any]) -> Style:
    """Return how much to say and in which colours; a file gets none."""
    from reconciler.report.text import Style

    return Style(ink("never" if flags["output"] else flags["color"]), flags["verbose"], flags["quiet"])


def plain_style(flags: dict[str, Any]) -> Style:
    """Return how much to say in a file that is no screen."""
    from reconciler.report.ink import Ink
    from reconciler.report.text import Style

    return Style(Ink(), flags["verbose"], flags["quiet"])
