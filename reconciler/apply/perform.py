"""One step: look again, write once, read back.

still as planned? ── no ──► blocked (stale)
    │ yes
takes something away? ── yes ──► keep it (backup) ── not possible ──► failed (backup)
    │ no, or kept
  write ── Refusal ──► failed
    │  └── Lost ──► read back: there? done : write once more, else unknown
    ▼
read back ── other user ──► failed (overtaken)
    │   └── not as sent ──► failed (not taken)
    ▼
  done, with the record of what was seen

A delete goes the same way: done means that it reads back as gone, whoever deleted it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.apply.backup import Backup, BackupFailed
from reconciler.apply.inputs import with_template_kinds, without_unknown_inputs
from reconciler.model.build import Build, modules_of
from reconciler.model.declared import secrets_in
from reconciler.model.errors import BadToken, Locked, ServerError
from reconciler.model.live import LiveBuild, Stamps
from reconciler.model.outcome import Ending, Fault
from reconciler.model.record import Record
from reconciler.plan.memory import not_taken, record_of, unknown_inputs
from reconciler.plan.step import Action, Step
from reconciler.server.heard import Heard
from reconciler.server.raw import Changed
from reconciler.server.reading import Gone, fetch
from reconciler.server.repeats import repeating, unrepeated_in
from reconciler.server.transport import Lost, ReadDoor
from reconciler.server.wire import Listed
from reconciler.server.writing import NotSent, Refusal, Result, Writer, Written

NO_ANSWER = "no-answer"
"""The code of a write of which nothing was ever heard."""

DRY_RUN = "dry-run"
"""The code of a write that was not sent because nothing is."""

FENCED = "fenced"
"""The code of a write that was not sent because the lock is not ours any more."""

OVERTAKEN = "overtaken"
"""The code of a write that somebody else's followed at once: the build is there, and theirs."""

WRITES = 2
"""How often a write is sent at most: once more where reading back shows that it did not arrive."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step ended, and the record that it leaves.

    Attributes:
        ending: how it ended.
        fault: why it was not done.
        record: what is to be remembered of the build; None: what was remembered stays.
        deleted: the build was seen to be gone, and its record is to go too.
        pending: the place of the build that this one replaces is empty: what was announced is all that is left.
    """

    ending: Ending
    fault: Fault | None = None
    record: Record | None = None
    deleted: bool = False
    pending: bool = False

    @property
    def uncertain(self) -> bool:
        """Whether the write may still arrive, so that the next run has to find out what became of it."""
        lost = self.fault is not None and self.fault.code == NO_ANSWER
        return self.record is None and (self.ending is Ending.UNKNOWN or lost)


class Stop(Exception):
    """The step ends here. Carries its ending up to `perform`, never leaves this module."""

    def __init__(self, ending: Ending, code: str, message: str, hint: str = "") -> None:
        super().__init__(code)
        self.ending = ending
        self.fault = Fault(code, message, hint)


@dataclass(slots=True)
class Proof:
    """What reading back has shown so far of a step's writes: the last one that was seen to be ours.

    `whole`: every shown setting is as it was sent.
    """

    sent: Build | None = None
    seen: LiveBuild | None = None
    whole: bool = True

    def record(self, announced: Record | None, heard: Heard) -> Record | None:
        """Return what is to be remembered; what was not taken as sent makes it an assumed record.

        `heard`: the secrets that the run came across.
        """
        if announced is None or self.sent is None or self.seen is None:
            return None
        build = self.seen.build
        pasted = repeating(build, secrets_in(build), heard) if build else frozenset[str]()
        record = record_of(replace(announced, secrets=announced.secrets | pasted), self.sent, self.seen)
        return record if self.whole else replace(record, exact=False)


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs steps.

    Attributes:
        door: to look again and read back through.
        writer: to write through; a dry run's sends nothing.
        user: our own name, which the read-back must show; "" where the token does not tell it.
        backup: where what is deleted, converted or lossily updated is kept; None in a dry run.
        fence: tells why nothing of a project may be written any more; None while its lock is ours.
    """

    door: ReadDoor
    writer: Writer
    user: str
    backup: Backup | None = None
    fence: Callable[[str], Locked | None] = lambda _: None

    def perform(self, step: Step, announced: Record | None) -> Ended:
        """Perform one step that the plan says is to be written; `announced` is None for a delete. Raises BadToken."""
        proof = Proof()
        try:
            if step.action is Action.DELETE:
                return self._delete(step)
            self._write(step, proof)
        except Stop as stop:
            return Ended(stop.ending, stop.fault, proof.record(announced, self.door.heard))
        except BadToken:
            raise
        except ServerError as error:
            return Ended(Ending.UNKNOWN, Fault("unread", error.message, "run again: it converges"))
        return Ended(Ending.DONE, record=proof.record(announced, self.door.heard))

    def changed(self, step: Step) -> Ended | None:
        """Look whether a build is still as planned, and write nothing; None where it is. Raises BadToken."""
        try:
            self._look_again(step)
        except Stop as stop:
            return Ended(stop.ending, stop.fault)
        except BadToken:
            raise
        except ServerError as error:
            return Ended(Ending.FAILED, Fault("unread", error.message, "run again: it converges"))
        return None

    def _write(self, step: Step, proof: Proof) -> None:
        assert step.send is not None
        before = None if step.action is Action.CREATE else self._look_again(step)
        if before is not None and step.backed_up:
            self._back_up(step, before)
        if not step.learn:
            self._until_seen(step, step.send, before, proof)
            return
        seen = self._until_seen(step, without_unknown_inputs(step.send), before, proof)
        let_go = frozenset(loss.path for loss in step.losses if loss.accepted)
        self._until_seen(step, with_template_kinds(step.send, seen, let_go), seen, proof)

    def _delete(self, step: Step) -> Ended:
        """Delete, and see that the build is gone; one that is gone already needs no request."""
        before = self._read(step)
        if before is None:
            message = "somebody had deleted it since the plan was made"
            return Ended(Ending.DONE, Fault("gone", message), deleted=True)
        self._unchanged(step, before)
        if step.backed_up:
            self._back_up(step, before)
        for attempt in range(WRITES):
            assert before.build is not None
            self._still_ours(step, begun=attempt > 0)
            result = self._accepted(self.writer.delete(before.build))
            seen = self._read(step)
            if seen is None:
                return Ended(Ending.DONE, deleted=True)
            if not isinstance(result, Lost):
                break
            self._unchanged(step, seen)
            if attempt + 1 == WRITES:
                raise Stop(Ending.FAILED, NO_ANSWER, f"the delete did not arrive: {result.why}", "run again")
            self.door.rest(result.wait)
        message = "the server said success, and still has a build of this name"
        raise Stop(Ending.FAILED, "not-taken", message, "somebody may have made it again: plan again")

    def _look_again(self, step: Step) -> LiveBuild:
        """Read the build once more: what was changed since the plan was made is not overwritten."""
        live = self._read(step)
        if live is None:
            raise Stop(Ending.BLOCKED, "stale", "the build was deleted since the plan was made", "plan again")
        return self._unchanged(step, live)

    def _unchanged(self, step: Step, live: LiveBuild) -> LiveBuild:
        """Return the build where it is still the one that was planned with."""
        losses = unrepeated_in(live, self.door.heard).losses
        if (live.stamps, live.build, losses) != (step.live, step.before, step.erasable):
            who = "somebody" if live.stamps == step.live else live.stamps.update_by or "somebody"
            raise Stop(Ending.BLOCKED, "stale", f"{who} changed the build since the plan was made", "plan again")
        return live

    def _back_up(self, step: Step, live: LiveBuild) -> None:
        """Write down what the step takes away; without that it is not done. A dry run has no backup."""
        if self.backup is None:
            return
        try:
            self.backup.keep(step, live, self.door)
        except Changed as error:
            raise Stop(Ending.BLOCKED, "stale", error.message, error.hint) from None
        except BackupFailed as error:
            raise Stop(Ending.FAILED, "backup", error.message, error.hint) from None

    def _until_seen(self, step: Step, sent: Build, before: LiveBuild | None, proof: Proof) -> LiveBuild:
        """Write, and return the build as it reads back."""
        for attempt in range(WRITES):
            self._still_ours(step, begun=attempt > 0 or proof.sent is not None)
            result = self._accepted(self._send(step, sent, before))
            seen = self._read(step)
            if isinstance(result, Lost) and not _arrived(sent, seen, before):
                if attempt + 1 < WRITES:
                    self.door.rest(result.wait)
                    continue
                raise Stop(Ending.FAILED, NO_ANSWER, f"the write did not arrive: {result.why}", "run again")
            return self._judge(step, sent, seen, proof)
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def _still_ours(self, step: Step, *, begun: bool) -> None:
        """Send nothing after the lock was lost. `begun`: something of this step was sent before."""
        lost = self.fence(step.project)
        if lost is not None:
            ending = Ending.FAILED if begun else Ending.SKIPPED
            raise Stop(ending, FENCED, f"not {'finished' if begun else 'sent'}: {lost.message}", lost.hint)

    def _accepted(self, result: Result) -> Written | Lost:
        """Return what the server did not refuse."""
        if isinstance(result, NotSent):
            raise Stop(Ending.SKIPPED, DRY_RUN, "not sent: this is a dry run")
        if isinstance(result, Refusal):
            raise Stop(Ending.FAILED, _code(result), result.message, result.hint)
        return result

    def _send(self, step: Step, sent: Build, before: LiveBuild | None) -> Result:
        if before is None:
            return self.writer.create(sent)
        return self.writer.update(sent, step.kept)

    def _judge(self, step: Step, sent: Build, seen: LiveBuild | None, proof: Proof) -> LiveBuild:
        if seen is None or seen.build is None:
            hint = "somebody deleted it in the same moment: plan again"
            raise Stop(Ending.FAILED, "gone", "the server said success and has no such build", hint)
        if self.user and seen.stamps.update_by != self.user:
            message = f"{seen.stamps.update_by} wrote the build right after us"
            raise Stop(Ending.FAILED, OVERTAKEN, message, "plan again to see what is left of our change")
        lacking = not_taken(sent, seen.build)
        if step.desired is not None and not step.ignored:
            lacking = tuple(dict.fromkeys((*lacking, *unknown_inputs(step.desired, seen.build))))
        proof.sent, proof.seen, proof.whole = sent, seen, not lacking
        if lacking:
            message = f"the server took the build, but not {', '.join(lacking)}"
            hint = "does what it names exist there (a strategy, a variable of the template)?"
            raise Stop(Ending.FAILED, "not-taken", message, hint)
        return seen

    def _read(self, step: Step) -> LiveBuild | None:
        expected = step.send or step.before
        assert expected is not None
        try:
            return fetch(
                self.door, Listed(step.name, step.project, "", Stamps(0, ""), modules_of(expected)), expected.kind
            )
        except Gone:
            return None


def _arrived(sent: Build, seen: LiveBuild | None, before: LiveBuild | None) -> bool:
    """Tell whether a write whose answer was lost was done: it reads back, and something is new."""
    if seen is None or seen.build is None or not_taken(sent, seen.build):
        return False
    return before is None or seen.stamps != before.stamps or seen.build != before.build


def _code(refusal: Refusal) -> str:
    if refusal.status == 403:
        return "not-permitted"
    return str(refusal.code) if refusal.code else f"http-{refusal.status}"
