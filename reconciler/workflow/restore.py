"""A backup → definitions → a plan → what `apply` does with it. Nothing is pruned, nothing is moved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.apply import manifest as manifests
from reconciler.apply.folders import safe_name
from reconciler.definitions.files import shown
from reconciler.definitions.loader import load
from reconciler.model.build import Value, Values, elements_of, join
from reconciler.model.definition import Definition, Desired
from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.model.manifest import Manifest
from reconciler.model.outcome import Outcome
from reconciler.model.policy import Prune
from reconciler.model.problem import Problem
from reconciler.model.record import Document
from reconciler.model.secret import Secret
from reconciler.model.settings import DEFAULT_ENV, Settings
from reconciler.plan.notes import unset
from reconciler.plan.step import Action, Step
from reconciler.workflow.apply import Options, locked
from reconciler.workflow.plan import Planned, World, make_plan

_LEVELS = ("", "*/", "*/*/", "*/*/*/")
"""A build's folder, a project's, a run's, and the one that all runs are in."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One build's backup: its folder and its manifest."""

    folder: Path
    manifest: Manifest

    @property
    def definition(self) -> Path:
        """The file that a restore loads."""
        return self.folder / manifests.DEFINITION


def find_backups(settings: Settings, cwd: str) -> tuple[Kept, ...]:
    """Find the builds that PATH keeps, sorted by project and name.

    Raises UsageError where there is none, where they are of several runs, of another server or of another tree.
    """
    path = Path(settings.path)
    if not path.exists():
        raise UsageError(f"{shown(path, cwd)} does not exist", "name the folder that an apply told in its last lines")
    folder = path if path.is_dir() else path.parent
    for level, pattern in enumerate(_LEVELS):
        files = sorted(folder.glob(f"{pattern}{manifests.FILE}"))
        if files and level == len(_LEVELS) - 1:
            runs = ", ".join(sorted({file.parents[2].name for file in files}))
            raise UsageError(f"{shown(path, cwd)} keeps several runs: {runs}", "name the folder of one")
        if files:
            found = [Kept(file.parent, _manifest(file, cwd)) for file in files]
            chosen = [kept for kept in found if not settings.selected or kept.manifest.project in settings.selected]
            if not chosen:
                names = ", ".join(sorted({kept.manifest.project for kept in found}))
                raise UsageError(f"{shown(path, cwd)} keeps no build of that project", f"it keeps builds of {names}")
            for kept in chosen:
                _check(kept.manifest, settings)
            return tuple(sorted(chosen, key=lambda kept: (kept.manifest.project, kept.manifest.name)))
    hint = "name the folder that an apply told in its last lines; one without backup.json was never finished"
    raise UsageError(f"{shown(path, cwd)} holds no backup", hint)


def _manifest(file: Path, cwd: str) -> Manifest:
    try:
        return manifests.load(file.read_text(encoding="utf-8"), shown(file, cwd))
    except OSError as error:
        raise UsageError(f"{shown(file, cwd)} cannot be read: {error.strerror}", "make it readable") from None


def _check(manifest: Manifest, settings: Settings) -> None:
    name = f"{manifest.project}/{manifest.name}"
    if settings.server and manifest.server != settings.server:
        raise UsageError(
            f"{name} was kept from {manifest.server}, and this run is about {settings.server}",
            "name the other one with --server if that is what you mean",
        )
    if manifest.tree not in ("", settings.tree):
        raise UsageError(
            f'{name} belonged to the tree "{manifest.tree}", and this is "{settings.tree}"',
            "run it in that tree: a restored build is ours only if it was",
        )


def plan_restore(settings: Settings, found: tuple[Kept, ...], world: World) -> Planned:
    """Plan to make the server what was kept. Raises InvalidDefinitions, and what planning raises."""
    definitions: list[Definition] = []
    problems: list[Problem] = []
    for kept in found:
        try:
            definitions += load(_alone(settings, kept), world.environ, cwd=world.cwd).definitions
        except InvalidDefinitions as error:
            problems += error.problems
    if problems:
        raise InvalidDefinitions(sorted(problems))
    policy = replace(settings.policy, prune=Prune.OFF, allow_moves=False)
    settings = replace(settings, policy=policy)
    planned = make_plan(settings, Desired(tuple(definitions), len(found), narrowed=True), world)
    by_name = {(d.build.project, d.build.name): d for d in definitions}
    steps = tuple(_without_kept(step, by_name[step.project, step.name]) for step in planned.plan.steps)
    return replace(planned, plan=replace(planned.plan, steps=steps, undeclared=()))


def _alone(settings: Settings, kept: Kept) -> Settings:
    """Return settings that load one backup's definition, without the tree's defaults and rules."""
    folder, env = str(kept.folder), (*settings.env, *DEFAULT_ENV)
    return Settings(root=folder, path=str(kept.definition), env=tuple(dict.fromkeys(env)))


def _without_kept(step: Step, definition: Definition) -> Step:
    """Ask for no credential that the server still holds and that the write sends back."""
    if step.action is Action.CREATE or step.send is None or not step.unset:
        return step
    sent, needed = _leaves(step.send.values), set()
    for path, value in _leaves(definition.build.values).items():
        if isinstance(value, Secret) and not value.is_set and value.name and path not in sent:
            needed.add(value.name)
    names = tuple(sorted(needed))
    before = unset(definition)
    notes = (*(note for note in step.notes if note not in before), *unset(replace(definition, unset=names)))
    return replace(step, unset=names, notes=notes)


def _leaves(values: Values, parent: str = "") -> dict[str, Value]:
    leaves: dict[str, Value] = {}
    for leaf, value in values.items():
        path = join(parent, leaf)
        leaves[path] = value
        for element in elements_of(value):
            leaves |= _leaves(element.values, f"{path}[{element.key}]")
    return leaves


def restored(
    settings: Settings, planned: Planned, world: World, found: tuple[Kept, ...], options: Options
) -> AbstractContextManager[Iterator[Outcome]]:
    """Apply; a build that was not ours before does not become ours, so that no prune takes it again."""
    strangers = frozenset(
        (kept.manifest.project, kept.manifest.name)
        for kept in found
        if not kept.manifest.tree and kept.manifest.name not in _recorded(planned, kept.manifest.project)
    )
    return locked(settings, planned, world, replace(options, strangers=strangers, reason="restore"))


def _recorded(planned: Planned, project: str) -> Mapping[str, object]:
    return planned.documents.get(project, Document()).records


def in_git(settings: Settings, world: World) -> frozenset[tuple[str, str]] | None:
    """Return which builds the tree defines, (project, name); None where it cannot be loaded."""
    try:
        tree = load(replace(settings, path=settings.root, selected=()), world.environ, cwd=world.cwd)
    except (InvalidDefinitions, UsageError):
        return None
    return frozenset((definition.build.project, definition.build.name) for definition in tree.definitions)


def suggested_file(settings: Settings, manifest: Manifest, cwd: str) -> str:
    """Return where in the tree a build's definition could be put."""
    builds = Path(settings.root, "builds")
    folder = builds if builds.is_dir() else Path(settings.root)
    return shown(folder / f"{safe_name(manifest.name)}.yaml", cwd)


def shown_definition(kept: Kept, cwd: str) -> str:
    """Return the definition's path as a user types it."""
    return shown(kept.definition, cwd)
