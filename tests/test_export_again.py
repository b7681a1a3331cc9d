"""One export after another: whose change it was is known, whatever became of what the last one put into the tree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.exported import Exported
from reconciler.workflow.export import Options, export
from tests.page import PLAIN, made
from tests.rig import Rig, Stored

FILE = "yaml/api.yaml"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A server with one build, exported."""
    rig = Rig(tmp_path, builds=[made(PLAIN)])
    again(rig)
    return rig


def again(rig: Rig, **options: Any) -> Exported:
    rig.time += 100
    return export(replace(rig.settings, projects=("yaml",)), Options(**options), rig.world)


def drift(rig: Rig, minutes: int) -> None:
    def edit(stored: Stored) -> None:
        stored["timeout"] = minutes

    rig.meddle("api", edit)


def text(rig: Rig) -> str:
    return (rig.tree / FILE).read_text(encoding="utf-8")


def put(rig: Rig, before: int, after: int) -> None:
    """Change the timeout in Git."""
    assert f"timeout: {before}\n" in text(rig)
    (rig.tree / FILE).write_text(text(rig).replace(f"timeout: {before}\n", f"timeout: {after}\n"), encoding="utf-8")


def told(done: Exported) -> list[tuple[str, str]]:
    return [(n.topic, n.path) for n in done.notes if n.topic in ("local", "conflict", "undecided")]


def test_drift_that_nobody_kept_is_offered_again(rig: Rig):
    """A branch that was thrown away, a pull request that is not merged: the next export finds the same drift."""
    before = text(rig)
    drift(rig, 45)
    assert again(rig).changed == (FILE,)
    taken = text(rig)
    (rig.tree / FILE).write_text(before, encoding="utf-8")
    done = again(rig)
    assert (done.changed, told(done), text(rig)) == ((FILE,), [], taken)


def test_drift_upon_drift_is_taken(rig: Rig):
    """What the last export put into the tree is no local change."""
    for minutes in (45, 50, 55):
        drift(rig, minutes)
        done = again(rig)
        assert (done.changed, told(done)) == ((FILE,), [])
        assert f"timeout: {minutes}\n" in text(rig)
        assert rig.plan().empty


def test_a_local_change_after_drift_was_taken_stays(rig: Rig):
    """It is on the way to the server, and no export takes it back."""
    drift(rig, 45)
    again(rig)
    put(rig, 45, 50)
    assert told(again(rig)) == [("conflict", "advanced_settings.timeout")]
    assert "timeout: 50\n" in text(rig)


def test_a_change_back_to_what_once_was_stays_where_the_drift_was_agreed_on(rig: Rig):
    """An export that found both sides equal has settled it: going back is a local change like any other."""
    drift(rig, 45)
    again(rig)
    again(rig)
    put(rig, 45, 33)
    assert told(again(rig)) == [("local", "advanced_settings.timeout")]
    assert "timeout: 33\n" in text(rig)
    rig.environ["BUILD_API__PW"] = "page-canary"
    rig.applied()
    assert again(rig).changed == ()


def test_a_conflict_is_told_until_somebody_settles_it(rig: Rig):
    """Git's side is kept each time; with force the server's is taken, and all agree."""
    put(rig, 33, 50)
    drift(rig, 45)
    for _ in range(3):
        assert told(again(rig)) == [("conflict", "advanced_settings.timeout")]
    assert told(again(rig, force=True)) == []
    assert "timeout: 45\n" in text(rig)
    assert rig.plan().empty


def test_without_a_ledger_nobody_knows_which_side_changed(rig: Rig):
    """Git's side stays until it is forced."""
    drift(rig, 45)
    rig.forget()
    for _ in range(2):
        assert told(again(rig)) == [("undecided", "advanced_settings.timeout")]
    assert again(rig, force=True).changed == (FILE,)
    drift(rig, 50)
    assert again(rig).changed == (FILE,)


def test_what_is_only_in_git_is_kept_and_told(rig: Rig):
    """A change that waits for its apply."""
    put(rig, 33, 50)
    assert told(again(rig)) == [("local", "advanced_settings.timeout")]
    assert "timeout: 50\n" in text(rig)


def test_a_script_that_repeats_a_credential_now_stays_as_git_has_it_and_is_told_as_what_it_is(rig: Rig):
    """Not as something that no definition could hold: whoever reads it learns that a password was pasted."""
    before = text(rig)
    rig.meddle("api", lambda b: b.update(scripts="docker login -p page-canary\n"))
    done = again(rig)
    assert [n.topic for n in done.notes if n.path == "build_script"] == ["repeats-credential"]
    assert (text(rig), done.changed) == (before, ())


def test_what_git_takes_from_the_environment_does_not_get_into_the_ledger(tmp_path: Path):
    """A script that is secret because of where it comes from: the server has it in clear, and drift is still found."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts="words-of-a-script-1")])
    rig.environ["BUILD_SCRIPT"] = "words-of-a-script-1"
    again(rig)
    assert b"words-of-a-script-1" in rig.ledger.read_bytes()
    path = rig.tree / FILE
    source = "build_script: {from_env: BUILD_SCRIPT}\n"
    lines = [source if line.startswith("build_script:") else line for line in text(rig).splitlines(keepends=True)]
    path.write_text("".join(lines), encoding="utf-8")
    rig.ledger.unlink()
    assert "words-of-a-script-1" not in text(rig)
    for _ in range(2):
        done = again(rig)
        assert (done.changed, told(done)) == ((), [])
    drift(rig, 45)
    assert FILE in again(rig).changed
    assert source in text(rig)
    assert "timeout: 45\n" in text(rig)
    assert b"words-of-a-script-1" not in rig.ledger.read_bytes()
    assert b"timeout" in rig.ledger.read_bytes()
