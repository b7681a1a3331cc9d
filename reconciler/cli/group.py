"""A command group that imports a command only when it is used, and suggests what was meant."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.helping import Helped
from reconciler.cli.near import meant

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Lazy(Helped, click.Group):
    """Commands by name: module (which has a `command`) and the line that `--help` shows, in titled sections."""

    def __init__(
        self,
        *args: Any,
        commands_by_name: Mapping[str, tuple[str, str]],
        titles: Mapping[str, Sequence[str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = commands_by_name
        self._titles = titles or {"Commands": tuple(commands_by_name)}

    @property
    def sections(self) -> dict[str, list[tuple[str, str]]]:
        """Title → the commands below it, each with its line."""
        return {title: [(name, self._lazy[name][1]) for name in names] for title, names in self._titles.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which a user meets them."""
        del ctx
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in self._lazy:
            return None
        command = importlib.import_module(self._lazy[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands, and the flags where one has begun, without importing any of them."""
        from click.shell_completion import CompletionItem

        names = [name for name in self._lazy if name.startswith(incomplete)]
        commands = [CompletionItem(name, help=self._lazy[name][1]) for name in names]
        return commands + click.Command.shell_complete(self, ctx, incomplete)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is an error that suggests the nearest."""
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            raise click.UsageError(f'there is no command "{args[0]}"{meant(args[0], self._lazy) or "."}', ctx)
        return super().resolve_command(ctx, args)
