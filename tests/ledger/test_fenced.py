"""A run that loses its lock in the middle: it sends nothing more, says who has it, and the next run converges."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema

from reconciler.cli.apply import Way, carry_out
from reconciler.emulator import Request, Response
from reconciler.ledger.home import Ticket
from reconciler.ledger.sqlite import SqliteHome
from reconciler.model.errors import Locked
from reconciler.model.outcome import Ending, Outcome
from reconciler.report.document import plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_plan
from reconciler.workflow.apply import Options, locked
from tests.ledger.contract import AGES
from tests.ledger_file import file_ledger
from tests.rig import Rig, plain, template

ROOT = Path(__file__).parents[2]
THEIRS = Ticket("2", "bob@far", "apply", "beefbeef00", "https://ci.example/8", 1_700_000_000.0, AGES)


def home(rig: Rig) -> SqliteHome:
    return SqliteHome(str(rig.ledger), rig.settings.server, writable=True, now=lambda: rig.time)


def stolen(rig: Rig) -> None:
    """Break the lock and take it as another."""
    there = home(rig)
    ticket = there.holder("yaml")
    assert ticket is not None
    there.release("yaml", ticket.id)
    there.take("yaml", THEIRS)
    there.close()


def losing_after(rig: Rig, count: int, then: Callable[[Rig], None] = stolen) -> None:
    """After so many writes to the server the lock is lost, and a while passes."""
    writes = 0

    def twist(request: Request, answer: Response) -> Response:
        nonlocal writes
        if request.method in ("POST", "PUT", "DELETE") and answer.status == 200:
            writes += 1
            if writes == count:
                then(rig)
                rig.time += 30
        return answer

    rig.twist = twist


def applied(rig: Rig) -> tuple[list[Outcome], list[Locked]]:
    """Apply, one step after the other; return the outcomes, and what was told of the lock."""
    told: list[Locked] = []
    planned = rig.planned()
    with locked(replace(rig.settings, concurrency=1), planned, rig.world, Options(fenced=told.append)) as outcomes:
        return sorted(outcomes, key=lambda outcome: outcome.index), told


def written(rig: Rig) -> list[str]:
    return [r["body"]["name"] for r in rig.requests("POST", "PUT") if r["body"]]


def free(rig: Rig) -> None:
    there = home(rig)
    there.release("yaml", "2")
    there.close()
    rig.twist = lambda _, answer: answer


def test_nothing_is_sent_after_the_lock_was_lost(rig: Rig):
    """What was begun is finished and not recorded, the rest is skipped; the next run makes nothing twice."""
    rig.write(plain("a"), plain("b"), plain("c"))
    losing_after(rig, 1)
    ended, told = applied(rig)
    assert [o.ending for o in ended] == [Ending.DONE, Ending.SKIPPED, Ending.SKIPPED]
    assert {o.fault.code for o in ended[1:] if o.fault} == {"fenced"}
    assert "bob@far took it" in told[0].message
    assert written(rig) == ["a"]
    there = home(rig)
    assert there.holder("yaml") == THEIRS
    there.close()
    with file_ledger(rig.ledger, rig.settings.server, writable=False) as ledger:
        assert (set(ledger.read("yaml").records), set(ledger.read("yaml").intents)) == (set(), {"a", "b", "c"})
    free(rig)
    rig.applied()
    assert written(rig) == ["a", "b", "c"]
    assert rig.plan().empty


def test_a_step_of_two_writes_stops_between_them(rig: Rig):
    """It is told as failed, because half of it is there; the next run finishes it."""
    repo = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}
    inputs = [{"key": "mode", "value": "slow"}, {"key": "pw", "value": "x"}]
    rig.write(template("t", repo_info=[repo], inputs=inputs))
    losing_after(rig, 1)
    ((outcome,), told) = applied(rig)
    assert outcome.ending is Ending.FAILED
    assert outcome.fault is not None
    assert (outcome.fault.code, "not finished" in outcome.fault.message) == ("fenced", True)
    assert len(told) >= 1
    assert len(written(rig)) == 1
    free(rig)
    rig.applied()
    assert rig.plan().empty


def test_a_lock_that_somebody_broke_stops_the_run_as_well(rig: Rig):
    """Nobody has taken it, but somebody has said that this run is gone."""

    def broken(rig: Rig) -> None:
        there = home(rig)
        ticket = there.holder("yaml")
        assert ticket is not None
        there.release("yaml", ticket.id)
        there.close()

    rig.write(plain("a"), plain("b"))
    losing_after(rig, 1, broken)
    ended, told = applied(rig)
    assert [o.ending for o in ended] == [Ending.DONE, Ending.SKIPPED]
    assert "somebody has broken it" in told[0].message


def test_a_run_that_keeps_its_lock_is_not_stopped_however_long_it_takes(rig: Rig):
    """Hours between two writes: the lock is renewed before the next one."""
    rig.write(plain("a"), plain("b"), plain("c"))
    losing_after(rig, 1, lambda rig: setattr(rig, "time", rig.time + 9000))
    ended, told = applied(rig)
    assert ([o.ending for o in ended], told) == ([Ending.DONE] * 3, [])


def carried_out(rig: Rig) -> tuple[int, str]:
    """Apply as the command does; its exit code and what it wrote."""
    settings = replace(rig.settings, concurrency=1)
    planned = rig.planned()
    flags: dict[str, Any] = {"format_": "text", "dry_run": False, "yes": True, "quiet": False, "verbose": False}
    out: list[str] = []
    way = Way(out.append, "reconciler plan", partial(locked, settings, planned, rig.world))
    done = carry_out(planned, settings, {**flags, "output": None, "color": "never", "no_input": True}, way)
    return done.code, "".join(out)


def test_what_was_done_is_told_where_the_ledger_fails_at_the_end(rig: Rig, capsys):
    """1: the outcomes first, then that they could not be recorded, and that the next run finds out."""

    def breaking(rig: Rig) -> None:
        with contextlib.closing(sqlite3.connect(rig.ledger)) as db:
            db.execute("DROP TABLE documents")

    rig.write(plain("a"), plain("b"))
    losing_after(rig, 2, breaking)
    code, out = carried_out(rig)
    said = capsys.readouterr().err
    assert code == 1
    assert "yaml/a created" in out
    assert "2 created" in out
    assert "was done on the server and could not be recorded" in said
    assert "the next run finds out from the server what was done" in said


def test_the_command_ends_with_75_and_says_who_has_the_lock(rig: Rig, capsys):
    """After the report of what was done; on stderr, with what to do."""
    rig.write(plain("a"), plain("b"))
    losing_after(rig, 1)
    code, out = carried_out(rig)
    said = capsys.readouterr().err
    assert code == 75
    assert 'error: the lock of project "yaml" is not this run\'s any more: bob@far took it' in said
    assert "apply of commit beefbeef, https://ci.example/8" in said
    assert "run again when that run is done: it converges" in said
    assert "yaml/a created" in out
    assert "yaml/b" in out


# Asked of the environment --------------------------------------------------------------------------------

GITHUB = {"GITHUB_SHA": "c0ffee", "GITHUB_ACTOR": "ann", "GITHUB_SERVER_URL": "https://u:pw@gh", "GITHUB_REPOSITORY":
          "org/repo", "GITHUB_RUN_ID": "7"}  # fmt: skip


def test_record_and_lock_say_commit_person_and_job(rig: Rig):
    """Whoever waits for the lock reads them, and so does whoever reads the record; an update brings the new ones."""
    seen: list[Ticket | None] = []

    def twist(request: Request, answer: Response) -> Response:
        there = home(rig)
        seen.append(there.holder("yaml"))
        there.close()
        return answer

    rig.write(plain("a"))
    rig.environ = dict(GITHUB)
    rig.twist = twist
    rig.applied()
    (ticket,) = {ticket.id: ticket for ticket in seen if ticket}.values()
    job = "https://gh/org/repo/actions/runs/7"
    assert (ticket.reason, ticket.commit, ticket.job) == ("apply", "c0ffee", job)
    with file_ledger(rig.ledger, rig.settings.server, writable=False) as ledger:
        record, written_by = ledger.read("yaml").records["a"], ledger.read("yaml").written
    assert (record.commit, record.author, record.job) == ("c0ffee", "ann", job)
    assert (written_by.commit, written_by.author, written_by.job) == ("c0ffee", "ann", job)
    assert b"pw@" not in rig.ledger.read_bytes()
    rig.environ = {"CI_COMMIT_SHA": "beef", "GITLAB_USER_LOGIN": "bob", "CI_JOB_URL": "https://gl/8"}
    rig.write(plain("a", build_script="make\n"))
    rig.applied()
    with file_ledger(rig.ledger, rig.settings.server, writable=False) as ledger:
        record = ledger.read("yaml").records["a"]
    assert (record.commit, record.author, record.job) == ("beef", "bob", "https://gl/8")


def test_a_reading_run_does_not_ask_for_the_lock(rig: Rig):
    """Somebody holds it for ages: a plan is made at once, and takes nothing."""
    rig.write(plain("a"))
    rig.applied()
    there = home(rig)
    there.take("yaml", THEIRS)
    there.close()
    assert rig.plan().empty
    there = home(rig)
    assert there.holder("yaml") == THEIRS
    there.close()


def test_a_plan_says_from_where_a_build_was_last_applied(rig: Rig):
    """In JSON where it is known, in text with -v; nothing of it where nobody knows."""
    rig.write(plain("a"))
    rig.applied()
    assert "recorded" not in plan_document(rig.plan())["steps"][0]
    rig.environ = dict(GITHUB)
    rig.write(plain("a", build_script="make\n"))
    rig.applied()
    rig.write(plain("a", build_script="make all\n"))
    job = "https://gh/org/repo/actions/runs/7"
    step = plan_document(rig.plan())["steps"][0]
    schema = json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(schema).validate(plan_document(rig.plan()))
    when = int(rig.time)
    assert step["recorded"] == {"commit": "c0ffee", "author": "ann", "job": job, "when": when, "exact": True}
    line = f"last applied from c0ffee by ann, {job}"
    assert line in render_plan(rig.plan(), Style(Ink(), verbose=True))
    assert line not in render_plan(rig.plan(), Style(Ink()))
