"""One export after another: whose change it was is known, whatever became of what the last one put into the tree."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator import Request, Response
from reconciler.model.definable import sources
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


def _credential(name: str, *keys: str) -> Stored:
    build = made({**PLAIN, "name": name})
    build["pre_build"]["envs"] = [
        {"key": key, "value": f"word-of-{name}-{key}", "type": "string", "is_credential": True} for key in keys
    ]
    return build


def _variables(rig: Rig) -> list[tuple[str, str]]:
    """Every credential of the tree's definitions, and the variable that it comes from."""
    return sorted(
        (f"{d.build.name}/{path}", name) for d in rig.load().definitions for path, name in sources(d.build).items()
    )


def test_a_new_credential_gets_no_variable_that_holds_another(tmp_path: Path):
    """Two keys that look alike, one of them later; a variable that somebody renamed; a new build: none gets a
    name that is in use, because it would be written with another credential's value."""
    rig = Rig(tmp_path, builds=[_credential("api", "a_b", "own")])
    again(rig)
    (rig.tree / FILE).write_text(text(rig).replace("BUILD_API__OWN", "BUILD_WEB__PW"), encoding="utf-8")
    before = _variables(rig)
    rig.emulator.set_state(None, [_credential("api", "a-b", "a_b", "own"), _credential("web", "PW")])
    again(rig)
    assert set(before) < set(_variables(rig))
    assert len({name for _, name in _variables(rig)}) == len(_variables(rig)) == 4
    files = {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}
    assert again(rig).changed == ()
    assert files == {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}


def test_no_name_is_defined_a_second_time(rig: Rig):
    """Names are of the whole server. A build that moved to another project there is told, and the tree stays valid."""
    rig.meddle("api", lambda stored: stored.update(product_name="other"))
    before = {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}
    rig.time += 100
    for force in (False, True):
        done = export(replace(rig.settings, projects=("other", "yaml")), Options(force=force), rig.world)
        assert [(n.topic, n.project, n.path) for n in done.notes] == [
            ("not-exported", "other", ""),
            ("unmerged", "yaml", "project_key"),
        ]
        assert before == {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}
    (rig.tree / FILE).write_text(text(rig).replace("project_key: yaml", "project_key: other"), encoding="utf-8")
    done = export(replace(rig.settings, projects=("other", "yaml")), Options(), rig.world)
    assert {n.topic for n in done.notes} == {"inexpressible"}, "of its services, which are of the old project"


def test_a_rename_that_is_not_applied_is_not_undone(rig: Rig):
    """The old name is on the server, and Git has the new one: neither comes back nor goes."""
    renamed = text(rig).replace("name: api\n", "name: new\nx-reconciler: {renamed_from: api}\n", 1)
    (rig.tree / FILE).write_text(renamed, encoding="utf-8")
    before = {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}
    done = again(rig, prune=True)
    assert [(n.topic, n.name) for n in done.notes] == [("not-exported", "api")]
    assert "renamed from it" in done.notes[0].text
    assert before == {path: path.read_bytes() for path in rig.tree.rglob("*") if path.is_file()}
    assert [d.build.name for d in rig.load().definitions] == ["new"]


def test_a_local_change_that_is_made_while_the_server_is_read_stays(rig: Rig):
    """Reading a company takes minutes, and somebody has the file open: what is merged is the tree as it is then."""
    drift(rig, 45)

    def meanwhile(request: Request, answer: Response) -> Response:
        if request.path.endswith("/detail"):
            put(rig, 33, 50)
            (rig.tree / "yaml" / "moved").mkdir()
            (rig.tree / FILE).rename(rig.tree / "yaml" / "moved" / "api.yaml")
        return answer

    rig.twist = meanwhile
    done = again(rig)
    assert (done.written, done.changed, told(done)) == ((), (), [("conflict", "advanced_settings.timeout")])
    assert "timeout: 50\n" in (rig.tree / "yaml" / "moved" / "api.yaml").read_text(encoding="utf-8")
    assert [d.build.name for d in rig.load().definitions] == ["api"]


def test_what_no_definition_can_hold_is_no_conflict(rig: Rig):
    """Somebody asks for more than the limit: Git has not changed, and forcing would not help, so nobody is told to."""

    def edit(stored: Stored) -> None:
        stored["pre_build"]["res_req_spec"].update(cpu_limit=1, cpu_req=2)

    rig.meddle("api", edit)
    before = text(rig)
    for force in (False, True):
        topics = {note.topic for note in again(rig, force=force).notes}
        assert topics == {"unmerged"}
    assert text(rig) == before
