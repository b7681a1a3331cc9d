"""What a step is about to delete, convert or erase is first written down.

    <backup dir>/<time of the run>/<project>/<build>/definition.yaml   what a definition can bring back
                                                    /detail.json …     the raw answers, secrets masked
                                                    /internal.json     where the internal read is served
                                                    /backup.json       what it is, and what is not in it (last)

A folder without `backup.json` was not finished. Nothing secret is in any of the files.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from reconciler.apply.folders import keep_out_of_git, make_folder, safe_name, write_file
from reconciler.apply.manifest import DEFINITION, FILE, dump
from reconciler.apply.masking import Sealer, mask
from reconciler.model.build import Build
from reconciler.model.declared import declared_paths, secrets_in
from reconciler.model.definable import definable, variables
from reconciler.model.errors import ServerError
from reconciler.model.live import LiveBuild, Loss
from reconciler.model.manifest import Manifest
from reconciler.model.secret import MASK, Secret
from reconciler.plan.keepsake import Keepsake, keepsake
from reconciler.plan.step import Action, Step
from reconciler.server.deep import code_hosts
from reconciler.server.marked import in_detail, in_internal
from reconciler.server.masking import secrets_of
from reconciler.server.raw import Changed, Raw, read_raw
from reconciler.server.stored import Aliases
from reconciler.server.transport import ReadDoor

STATE = ".reconciler"
_KEPT_BY_UPDATES = ("desc", "team")
"""What an update keeps and a delete takes along, in the words of the internal read (contract, section 3)."""

_DONE = {Action.UPDATE: "updated", Action.CONVERT: "converted", Action.DELETE: "deleted"}


class BackupFailed(Exception):
    """There is no backup, so the step must not be done. Carries a sentence and what to do."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


class Define(Protocol):
    """What writes a definition: `reconciler.definitions.writer.write`, which this room may not import."""

    def __call__(
        self,
        build: Build,
        *,
        sources: Mapping[str, Mapping[str, str]],
        comments: Mapping[str, str],
        extra: Mapping[str, Any],
    ) -> str:
        """Return the text of a definition."""
        ...


@dataclass(slots=True)
class Backup:
    """One run's backup.

    Attributes:
        home: the folder that backups are written into.
        server: base URL.
        tree: our tree's name.
        commit: the Git commit that is applied, "" where unknown.
        begun: seconds since 1970; names the run's folder.
        define: writes a definition.
        secrets: every secret that the run knows of.
        deep: whether the internal read may be asked.
        tell: told the run's folder when the first file is about to be written.
    """

    home: Path
    server: str
    tree: str
    commit: str
    begun: float
    define: Define
    secrets: tuple[Secret, ...] = ()
    deep: bool = True
    tell: Callable[[str], None] = lambda _: None
    _folder: Path | None = None
    _hosts: Aliases | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def time(self) -> str:
        """When the run began, as its folder is called."""
        return datetime.fromtimestamp(self.begun, UTC).strftime("%Y-%m-%dT%H%M%SZ")

    def place(self) -> str:
        """Return the run's folder, "" where nothing had to be kept so far."""
        return str(self._folder or "")

    def keep(self, step: Step, live: LiveBuild, door: ReadDoor) -> None:
        """Write down a live build that a step is about to touch.

        Raises:
            Changed: somebody wrote it after `live` was read.
            BackupFailed: it cannot be read or written.
        """
        try:
            raw = read_raw(door, live, internal=self.deep, hosts=self._code_hosts)
        except Changed:
            raise
        except ServerError as error:
            raise BackupFailed(f"the build could not be read for its backup: {error.message}", "run again") from None
        files = self._files(step, live, raw)
        try:
            folder = self._run_folder() / safe_name(step.project) / safe_name(step.name)
            make_folder(folder)
            for name, text in files.items():
                write_file(folder / name, text)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            hint = "make room or the folder writable, or name another with --backup-dir; nothing was changed"
            raise BackupFailed(f"the backup in {self.home} cannot be written: {reason}", hint) from None

    def _code_hosts(self, door: ReadDoor) -> Aliases:
        """Return the code hosts, asked for once in a run."""
        with self._lock:
            if self._hosts is None:
                self._hosts = code_hosts(door)
            return self._hosts

    def _run_folder(self) -> Path:
        """Make the run's own folder once: another run of the same second has another one."""
        with self._lock:
            if self._folder is None:
                state = self.home.parent if self.home.parent.name == STATE else self.home
                make_folder(self.home)
                keep_out_of_git(state)
                self._folder = self._new_folder()
                self.tell(str(self._folder))
            return self._folder

    def _new_folder(self) -> Path:
        for number in range(1, 1000):
            folder = self.home / (self.time if number == 1 else f"{self.time}-{number}")
            try:
                folder.mkdir(mode=0o700)
            except FileExistsError:
                continue
            return folder
        raise FileExistsError(17, "too many backups of one second", str(self.home))

    def _files(self, step: Step, live: LiveBuild, raw: Raw) -> dict[str, str]:
        """Return the contents of every file by its name, `backup.json` last."""
        kept = step.keepsake or keepsake(live, None)
        if kept is None:
            raise BackupFailed("the build was not read, so it cannot be kept", "run again")
        answers = {_detail_name(pair): detail for pair, detail in raw.details.items()}
        if raw.internal is not None:
            answers["internal.json"] = raw.internal
        secrets = self._secrets(step, live, kept, raw)
        sealer = Sealer(secrets)
        known = definable(sealer.build(kept.build))
        manifest = Manifest(
            server=self.server,
            project=step.project,
            name=step.name,
            action=step.action.value,
            time=self.time,
            commit=self.commit,
            tree=self.tree if step.recorded else "",
            stamps=live.stamps,
            internal=raw.internal is not None,
            code_hosts=raw.aliases,
            masked=variables(known.build),
            lost=_lost(step, kept, raw, (known.build, sealer.dropped), secrets),
            assumed=known.assumed,
            outdated=kept.outdated,
            unknown=known.unknown,
        )
        text = self.define(
            known.build,
            sources={path: {"from_env": name} for path, name in manifest.masked.items()},
            comments={"": head(manifest, _DONE[step.action])},
            extra={"prevent_destroy": True} if step.prevent_destroy else {},
        )
        return {DEFINITION: text, **{k: _json(mask(v, secrets)) for k, v in answers.items()}, FILE: dump(manifest)}

    def _secrets(self, step: Step, live: LiveBuild, kept: Keepsake, raw: Raw) -> tuple[Secret, ...]:
        builds = [build for build in (step.desired, step.send, step.before, live.build, kept.build) if build]
        found = [*self.secrets, *(secret for build in builds for secret in secrets_in(build))]
        for detail in raw.details.values():
            found += (*secrets_of(detail), *in_detail(detail, kept.marked))
        if raw.internal is not None:
            found += (*secrets_of(raw.internal), *in_internal(raw.internal, kept.marked))
        return tuple(dict.fromkeys(found))


def _detail_name(pair: tuple[str, str] | None) -> str:
    return f"detail.{safe_name('/'.join(pair))}.json" if pair else "detail.json"


def _json(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=2) + "\n"


def _lost(
    step: Step, kept: Keepsake, raw: Raw, written: tuple[Build, Iterable[str]], secrets: tuple[Secret, ...]
) -> tuple[Loss, ...]:
    """Name what no definition can bring back, each once, secrets masked.

    `written`: what the definition holds, and the paths that were left out of it. A conversion loses settings
    that a definition can hold very well.
    """
    held, dropped = declared_paths(written[0]), written[1]
    found = {loss.path: loss for loss in kept.losses}
    for planned in step.losses:
        if planned.path != "unreadable" and planned.path not in held:
            secret = planned.value == MASK
            found.setdefault(planned.path, Loss(planned.path, "" if secret else planned.value, secret, planned.small))
    for path in dropped:
        found[path] = Loss(path, "", secret=True)
    if step.action is Action.DELETE and raw.internal is not None:
        for key in _KEPT_BY_UPDATES:
            if raw.internal.get(key):
                found.setdefault(key, Loss(key, str(raw.internal[key])))
    return tuple(_masked(found[path], secrets) for path in sorted(found))


def _masked(loss: Loss, secrets: tuple[Secret, ...]) -> Loss:
    """Return a loss as a file may hold it; what is told of a secret one has the mask in it already."""
    told = loss.value if MASK in loss.value else ""
    if (loss.secret and told in ("", MASK)) or any(secret.holds(loss.value) for secret in secrets):
        return replace(loss, value="", secret=True)
    try:
        value = json.dumps(mask(json.loads(loss.value), secrets), ensure_ascii=False, sort_keys=True)
    except ValueError:
        value = mask(loss.value, secrets)
    return replace(loss, value=value, secret=False) if loss.secret or value != loss.value else loss


def head(manifest: Manifest, done: str) -> str:
    """Return the comment at the head of a definition: what it is of, and what it cannot bring back."""
    lines = [
        f"{manifest.project}/{manifest.name} as it was before it was {done} ({manifest.time});",
        f"last written by {manifest.stamps.update_by or 'somebody'}, {manifest.stamps.moment}.",
    ]
    if manifest.masked:
        lines += ["", "Credentials are not in here. A restore takes them from:"]
        lines += [f"  {name}  ({path})" for path, name in manifest.masked.items()]
    if manifest.lost:
        lines += ["", "No definition can bring back:"]
        lines += [f"  {x.path}: {MASK if x.secret else json.dumps(x.value, ensure_ascii=False)}" for x in manifest.lost]
    for words, paths in (
        ("Nothing showed these; their usual value stands here:", manifest.assumed),
        ("Somebody wrote after our last apply; these are as they were before that:", manifest.outdated),
        ("Nothing showed these, so they are not in here:", manifest.unknown),
    ):
        if paths:
            lines += ["", words, *(f"  {path}" for path in paths)]
    return "\n".join(lines)
