"""The command as a person or a nightly job types it: exit codes, formats, what stays silent, what can be pasted."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from reconciler.emulator import running
from reconciler.ledger.ledger import Ledger
from reconciler.ledger.lock import Claim
from reconciler.ledger.place import open_home
from tests.drift.night import ADVANCED, Night, definition, timeout
from tests.drift.test_drift_golden import SCHEMA
from tests.rig import TOKEN


@dataclass
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A night's tree with a server, and somebody who types."""

    night: Night
    run: Callable[..., Said]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    """Three builds that were applied on the command line; standing in the tree."""
    night = Night(tmp_path)
    night.define(definition("api"), definition("web"), definition("far", "other"))
    (night.tree / "reconciler.yaml").write_text("projects: [other, yaml]\ntree: rig\n", encoding="utf-8")
    monkeypatch.chdir(night.tree)
    for name in ("CI", "RECONCILER_LEDGER", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = call(arguments)
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(code, said.out, said.err)

    with running(night.emulator) as url:
        monkeypatch.setenv("ZADIG_SERVER", url)
        monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
        assert run("apply", "--yes", "-q").code == 0
        yield Desk(night, run)


def fail(night: Night, name: str) -> None:
    match = {"method": "GET", "path": f"/{name}/detail"}
    night.emulator.set_faults([{"kind": "500-json", "probability": 1.0, "seed": 1, "match": match}])


def test_a_night_is_told_in_several_formats_at_once(desk: Desk, tmp_path: Path):
    """The log as ever, a page and a document beside it; with a quiet night's silence they are written all the same."""
    page, data = tmp_path / "drift.md", tmp_path / "drift.out"
    said = desk.run("drift", "--report", f"markdown={page}", "--report", f"json={data}", "-q")
    assert (said.code, said.out) == (0, "")
    assert page.read_text("utf-8").startswith("## 3 builds in sync")
    desk.night.meddle("api", timeout(45))
    said = desk.run("drift", "--report", f"markdown={page}", "--report", f"json={data}")
    assert said.code == 3
    assert said.out.startswith("1 build drifted")
    assert page.read_text("utf-8").startswith("## 1 build drifted")
    SCHEMA.validate(json.loads(data.read_text("utf-8")))
    assert desk.run("drift", "--report", "sarif=x").code == 64


def test_each_state_has_its_exit_code_and_the_worst_counts(desk: Desk):
    """0, then 2 for pending, 3 for drift before it, 1 for what could not be read before both."""
    codes = [desk.run("drift").code]
    desk.night.edit("web", build_script="new\n")
    codes.append(desk.run("drift").code)
    desk.night.meddle("api", timeout(45))
    codes.append(desk.run("drift").code)
    fail(desk.night, "far")
    codes.append(desk.run("drift").code)
    assert codes == [0, 2, 3, 1]


@pytest.mark.parametrize("what", ["conflict", "missing", "undeclared", "orphan"])
def test_what_else_ends_how(desk: Desk, what: str):
    """A conflict and a missing build are drift; what nobody declared and what is gone from Git are not."""
    night = desk.night
    if what == "conflict":
        night.edit("api", advanced_settings={**ADVANCED, "timeout": 40})
        night.meddle("api", timeout(45))
    elif what == "missing":
        night.delete("api")
    elif what == "undeclared":
        night.appear("page")
    else:
        night.remove("web")
    assert desk.run("drift").code == (3 if what in ("conflict", "missing") else 0)


def test_quiet_says_nothing_where_all_is_well_and_enough_where_it_is_not(desk: Desk):
    assert desk.run("drift", "-q") == Said(0, "", "")
    desk.night.meddle("api", timeout(45))
    said = desk.run("drift", "-q")
    assert (said.code, said.err) == (3, "")
    assert said.out.startswith("1 build drifted, 2 in sync\n")
    assert "mallory" in said.out
    assert "reconciler apply yaml/api.json" in said.out


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_every_format_goes_to_a_file_too(desk: Desk, form: str, tmp_path: Path):
    """The same bytes as on stdout, and as the next time."""
    desk.night.meddle("api", timeout(45))
    said = desk.run("drift", "--format", form)
    file = tmp_path / "report"
    assert desk.run("drift", "--format", form, "--output", str(file)).out == ""
    assert file.read_text(encoding="utf-8") == said.out == desk.run("drift", "--format", form).out
    assert "mallory" in said.out


def test_the_json_is_as_its_schema_says_and_sorted(desk: Desk):
    """Also with problems, and also of one project."""
    desk.night.meddle("api", timeout(45))
    fail(desk.night, "web")
    document = json.loads(desk.run("drift", "--format", "json").out)
    SCHEMA.validate(document)
    assert [(b["project"], b["name"], b["state"]) for b in document["builds"]] == [
        ("other", "far", "in-sync"),
        ("yaml", "api", "drifted"),
        ("yaml", "web", "unread"),
    ]
    assert document["complete"] is False
    one = json.loads(desk.run("drift", "--format", "json", "--project", "other").out)
    SCHEMA.validate(one)
    assert [b["name"] for b in one["builds"]] == ["far"]


def pasteable(text: str) -> list[list[str]]:
    """The command lines of a report, as a shell would read them."""
    lines = (line.strip() for line in text.splitlines())
    return [shlex.split(line)[1:] for line in lines if line.startswith("reconciler ")]


@pytest.mark.parametrize("side", ["git", "server"])
def test_the_commands_of_a_report_settle_it(desk: Desk, side: str):
    """Pasted as they stand: `apply` puts Git's side back, `export` takes the server's into Git; then all is well."""
    desk.night.meddle("api", timeout(45))
    apply, export = pasteable(desk.run("drift").out)
    assert (apply[0], export[0]) == ("apply", "export")
    assert desk.run(*([*apply, "--yes"] if side == "git" else export)).code == 0
    assert desk.run("drift") == Said(0, "3 builds in sync\n", "")
    assert desk.night.stored("api")["timeout"] == (30 if side == "git" else 45)


def test_the_commands_hold_the_flags_and_the_folder_of_this_run(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """From another folder, with a ledger of its own: what is shown works from there."""
    desk.night.meddle("api", timeout(45))
    monkeypatch.chdir(desk.night.tree.parent)
    ledger = str(desk.night.tree / ".reconciler" / "ledger.db")
    apply, export = pasteable(desk.run("drift", "tree", "--ledger", ledger).out)
    assert apply == ["apply", "tree/yaml/api.json", "--ledger", ledger]
    assert export == ["export", "--project", "yaml", "--out", "tree", "--ledger", ledger]
    assert desk.run(*apply, "--yes").code == 0


def test_a_missing_definition_goes_with_the_command_that_is_shown(desk: Desk):
    """`export --prune` takes it away; the report of the build that stays is empty then."""
    desk.night.delete("api")
    _, export = pasteable(desk.run("drift").out)
    assert desk.run(*export).code == 0
    assert not Path(desk.night.tree, "yaml", "api.json").exists()
    assert desk.run("drift").code == 0


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_nothing_is_written_anywhere(desk: Desk):
    """Neither to the server nor to a file, with changes of every kind to look at; the ledger's bytes stay."""
    desk.night.meddle("api", timeout(45))
    desk.night.delete("far")
    desk.night.edit("web", build_script="new\n")
    before, state = everything(desk.night.tree.parent), desk.night.emulator.state()
    desk.night.quiet()
    assert desk.run("drift", "-v").code == 3
    assert {r["method"] for r in desk.night.requests()} == {"GET"}
    assert (everything(desk.night.tree.parent), desk.night.emulator.state()) == (before, state)


def test_without_a_ledger_none_is_made_and_everything_is_pending(desk: Desk, tmp_path: Path):
    desk.night.meddle("api", timeout(45))
    said = desk.run("drift", "--ledger", str(tmp_path / "none" / "ledger.db"))
    assert said.code == 2
    assert "the ledger has no record of these builds" in said.out
    assert not (tmp_path / "none").exists()


def test_a_damaged_ledger_is_a_problem_that_is_told(desk: Desk):
    """1: nobody can say what was recorded."""
    (desk.night.tree / ".reconciler" / "ledger.db").write_bytes(b"not a database, but long enough to be one" * 40)
    said = desk.run("drift")
    assert said.code == 1
    assert "cannot be read" in said.out


def test_without_the_ledger_nobody_is_told_to_apply_what_may_be_a_persons_work(desk: Desk):
    """It is not said that the build was never applied, and nothing is printed that would undo a change of the page."""
    desk.night.meddle("api", timeout(45), "bob")
    (desk.night.tree / ".reconciler" / "ledger.db").write_bytes(b"not a database, but long enough to be one" * 40)
    said = desk.run("drift")
    assert "yaml/api is not as Git has it" in said.out
    assert "nobody knows who changed what, Git or the server; written last by bob" in said.out
    assert "never applied" not in said.out
    assert "reconciler adopt" not in said.out
    assert "reconciler apply" not in said.out
    told = desk.run("drift", "--format", "markdown").out
    assert "written last by bob" in told
    assert "reconciler apply" not in told


def test_a_quiet_run_says_why_it_may_look_worse_than_it_is(desk: Desk, tmp_path: Path):
    """-q leaves out what is well, never what explains the rest: no ledger, or a token that sees nothing any more."""
    desk.night.meddle("api", timeout(45))
    said = desk.run("drift", "-q", "--ledger", str(tmp_path / "none.db"))
    assert (said.code, "the ledger has no record of these builds" in said.out) == (2, True)
    desk.night.emulator.set_state(None, [])
    assert "a token that may not see them any more looks the same" in desk.run("drift", "-q").out


def test_who_applies_just_now_is_told_beside_what_looks_like_drift(desk: Desk):
    """A reading command waits for nobody; whoever reads its report should know that it may be over in a minute."""
    desk.night.meddle("api", timeout(45))
    place = str(desk.night.tree / ".reconciler" / "ledger.db")
    home = open_home(place, os.environ["ZADIG_SERVER"], environ={}, writable=True)
    with Ledger(home, claim=Claim("apply", "1a2b3c4d", "Ann", "https://ci.example/7")).locked(["yaml"]):
        said = desk.run("drift")
        told = json.loads(desk.run("drift", "--format", "json").out)["notices"]
    assert said.code == 3
    assert 'project "yaml" is locked by ' in said.out
    assert ": apply of commit 1a2b3c4d, https://ci.example/7: what it has not finished looks like drift" in said.out
    assert [notice for notice in told if "is locked by" in notice]
    assert "is locked by" not in desk.run("drift").out


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--format", "yaml"], 64), (["--prune", "all"], 64), (["nowhere"], 64)]
)
def test_wrong_usage_is_told_as_everywhere(desk: Desk, arguments: list[str], code: int):
    assert desk.run("drift", *arguments).code == code


def test_broken_definitions_and_a_missing_token_are_told_as_everywhere(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """65 with every problem, and 77."""
    monkeypatch.delenv("ZADIG_TOKEN")
    assert desk.run("drift").code == 77
    Path(desk.night.tree, "yaml", "broken.yaml").write_text("name: [\n", encoding="utf-8")
    assert desk.run("drift").code == 65


def test_a_colour_goes_to_no_file(desk: Desk, tmp_path: Path):
    desk.night.meddle("api", timeout(45))
    desk.run("drift", "--color", "always", "--output", str(tmp_path / "report"))
    assert "\x1b" not in (tmp_path / "report").read_text(encoding="utf-8")
    assert "\x1b" in desk.run("drift", "--color", "always").out


def test_verbose_says_how_much_was_asked(desk: Desk):
    said: Any = desk.run("drift", "-v")
    assert "requests" in said.err
