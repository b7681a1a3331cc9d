"""Saved plans on the command line: `plan --out FILE` and `apply --plan FILE`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import settings_from
from reconciler.cli.terminal import in_ci
from reconciler.model.errors import UsageError

if TYPE_CHECKING:
    from reconciler.model.definition import Desired
    from reconciler.model.settings import Settings
    from reconciler.workflow.plan import Planned, World
    from reconciler.workflow.saved_file import Read


class Out:
    """Where a plan is to be saved. `name`: the file; None where it is not to be.

    Raises UsageError, before anything is done, where there can be no such file.
    """

    def __init__(self, name: str | None) -> None:
        self.name = name
        if name is not None:
            from reconciler.workflow.saved_file import check_place

            check_place(name)

    def save(self, planned: Planned, settings: Settings, world: World, *, quiet: bool) -> None:
        """Write the file, and say what it is good for. Raises UsageError where it cannot be written."""
        if self.name is None:
            return
        from reconciler.report.document import plan_document
        from reconciler.workflow.saved import save
        from reconciler.workflow.saved_file import write

        text, reading_only = save(planned, plan_document(planned.plan), settings, world)
        write(self.name, text)
        if reading_only:
            click.echo(f"note: the saved plan {self.name} is for reading only: {reading_only}", err=True)
        elif not quiet:
            click.echo(f"saved; to execute it: reconciler apply --plan {shlex.quote(self.name)}", err=True)
            _warn_of_a_new_ledger(planned, settings)


def _warn_of_a_new_ledger(planned: Planned, settings: Settings) -> None:
    """Say in CI that this very run made the ledger, in a file: where that is not kept, no later run has it."""
    known = any(document.digest_key for document in planned.documents.values())
    if in_ci(os.environ) and "://" not in settings.ledger and not known:
        click.echo(
            "note: this run found no ledger and made one: unless the CI keeps it, no other run can execute this plan\n"
            "  → in CI, run the adopt job first, and then this one again",
            err=True,
        )


@dataclass(frozen=True, slots=True)
class Origin:
    """What an apply starts from: PATH, or a saved plan.

    Attributes:
        settings: in force for the run.
        path: PATH; None for the current directory.
        saved: the saved plan, None where there is none.
        keys: the ledger's keys that it was made with.
        all_or_nothing: write nothing where any of its steps is stale.
    """

    settings: Settings
    path: str | None
    saved: Read | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    all_or_nothing: bool = False

    @classmethod
    def of(cls, path: str | None, flags: dict[str, Any], world: World) -> Origin:
        """Tell by the flags.

        Raises:
            UsageError: flags that contradict each other or the saved plan; a file that is none.
            Refused: a saved plan that is not for here, or was changed.
        """
        name = flags["plan_file"]
        if name is None:
            if flags["all_or_nothing"]:
                raise UsageError("--all-or-nothing is about the steps of a saved plan", "use it with --plan FILE")
            return cls(settings_from(path, flags), path)
        if path is not None:
            raise UsageError(
                f"PATH and --plan: the saved plan {name} says what it is about", "leave one of the two out"
            )
        from reconciler.workflow.saved import in_force, keys_for, place_of
        from reconciler.workflow.saved_file import read

        saved = read(name)
        place = place_of(saved, world.cwd)
        settings = in_force(saved, settings_from(place, flags))
        return cls(
            settings, None if place == "." else place, saved, keys_for(saved, settings, world), flags["all_or_nothing"]
        )

    def planned(self, desired: Desired, world: World) -> Planned:
        """Plan; from a saved plan, with every step blocked that is not as in there."""
        from reconciler.workflow.plan import make_plan
        from reconciler.workflow.saved import plan_again

        if self.saved is None:
            return make_plan(self.settings, desired, world)
        return plan_again(self.saved, self.keys, self.settings, desired, world, whole=self.all_or_nothing)
