"""`--format`, `--report` and `--summary` on the command line: what is written where, and when nothing is."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.entry import call
from reconciler.cli.summary import LIMIT, fitting
from reconciler.emulator import Emulator, running
from tests.ci import reading
from tests.ci.test_formats import check
from tests.rig import TOKEN, plain

ROOT = Path(__file__).parents[2]
FORGED = "make\n  ::set-env name=PATH::/evil\n::add-mask::make\necho ##[add-path]/evil\n"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A tree in a checkout of GitHub Actions, against a server without builds."""
    repository = tmp_path / "checkout"
    folder = repository / "ci"
    folder.mkdir(parents=True)
    (folder / "reconciler.yaml").write_text("projects: [yaml]\ntree: ci\n", encoding="utf-8")
    (folder / "api.json").write_text(json.dumps(plain("api", build_script=FORGED)), encoding="utf-8")
    with running(Emulator()) as url:
        for name, value in {
            "ZADIG_SERVER": url,
            "ZADIG_TOKEN": TOKEN,
            "RECONCILER_LEDGER": str(tmp_path / "ledger.db"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(repository),
            "GITHUB_SERVER_URL": "https://git.example",
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SHA": "abc1234",
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("CI", raising=False)
        monkeypatch.chdir(folder)
        yield folder


def commands(text: str) -> list[object]:
    return [found for found in map(reading.command, reading.lines(text)) if found]


def test_a_plan_in_several_formats_at_once(tree: Path, tmp_path: Path, capsys):
    """Each file in its format, stdout as without them, links to the line of the commit."""
    assert call(["plan"]) == 0
    before = capsys.readouterr().out
    files = {name: tmp_path / name for name in ("json", "markdown", "gitlab", "sarif", "junit", "github", "text")}
    assert call(["plan", *(f"--report={name}={file}" for name, file in files.items())]) == 0
    assert capsys.readouterr().out == before
    for name, file in files.items():
        check(name, file.read_text("utf-8"))
    assert json.loads(files["json"].read_text("utf-8"))["summary"]["create"] == 1
    assert 'href="https://git.example/o/r/blob/abc1234/ci/api.json#L1"' in files["markdown"].read_text("utf-8")
    assert not (tmp_path / "summary.md").exists()


@pytest.mark.parametrize(
    "arguments", [["plan"], ["plan", "--format", "json"], ["plan", "--format", "markdown"], ["drift"]]
)
def test_what_definitions_hold_is_no_command_of_the_ci(tree: Path, capsys, monkeypatch, arguments: list[str]):
    """Scripts, errors and documents alike; where no CI reads the log, the text stands as it is."""
    call(arguments)
    heard = capsys.readouterr()
    assert commands(heard.out) + commands(heard.err) == []
    assert "/evil" in heard.out or arguments == ["drift"]
    monkeypatch.delenv("GITHUB_ACTIONS")
    call(arguments)
    assert "\\::" not in capsys.readouterr().out


def test_an_error_is_no_command_either(tree: Path, capsys):
    """A path on the command line ends up in a message."""
    assert call(["validate", "x\n::error::forged"]) == 64
    assert commands(capsys.readouterr().err) == []


def test_problems_stand_on_their_lines(tree: Path, tmp_path: Path, capsys):
    """validate and plan alike: annotations on stdout, files in their formats; exit 65 as ever."""
    (tree / "web.json").write_text('{\n  "tiemout": 3\n}', encoding="utf-8")
    for command in ("validate", "plan"):
        junit = tmp_path / f"{command}.xml"
        assert call([command, "--format", "github", "--report", f"junit={junit}"]) == 65
        facts = reading.github(capsys.readouterr().out)
        assert ("error", "unknown-key", "ci/web.json", 2) in {(f[0], f[1], f[3], f[4]) for f in facts}
        check("junit", junit.read_text("utf-8"))
        assert "unknown-key" in junit.read_text("utf-8")


@pytest.mark.parametrize("git", ["folder", "file", "none"])
def test_paths_are_those_of_the_repository_wherever_the_run_stands(tree: Path, tmp_path: Path, monkeypatch, git: str):
    """Above it too, with and without problems; in a worktree .git is a file, and without any the CI knows the place."""
    if git != "none":
        monkeypatch.delenv("GITHUB_WORKSPACE")
        dot = tree.parent / ".git"
        dot.mkdir() if git == "folder" else dot.write_text("gitdir: elsewhere\n", encoding="utf-8")
    (tree / "web.json").write_text('{"tiemout": 3}', encoding="utf-8")
    for folder in (tree, tree.parent, tmp_path):
        monkeypatch.chdir(folder)
        for command in ("validate", "plan"):
            report = tmp_path / "found.json"
            assert call([command, str(tree), "--report", f"gitlab={report}"]) == 65
            assert {entry["location"]["path"] for entry in json.loads(report.read_text("utf-8"))} == {"ci/web.json"}


def test_problems_stand_where_a_plan_was_to_be(tree: Path, tmp_path: Path, capsys):
    """The page of a comment and the step summary say what is wrong; a document of another kind is not written."""
    (tree / "web.json").write_text('{"tiemout": 3}', encoding="utf-8")
    page, document = tmp_path / "page.md", tmp_path / "plan.json"
    assert call(["plan", f"--report=markdown={page}", f"--report=json={document}", "--summary"]) == 65
    assert page.read_text("utf-8").startswith("## ")
    assert "tiemout" in page.read_text("utf-8")
    assert "tiemout" in (tmp_path / "summary.md").read_text("utf-8")
    assert not document.exists()
    capsys.readouterr()
    assert call(["validate", "--format", "json", "--summary"]) == 65
    assert json.loads(capsys.readouterr().out)["valid"] is False


def test_valid_definitions_are_cases_that_pass(tree: Path, capsys):
    assert call(["validate", "--format", "junit"]) == 0
    assert '<testcase classname="yaml" name="api" time="0"/>' in capsys.readouterr().out
    assert call(["validate", "--format", "sarif"]) == 0
    check("sarif", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--report", "sarif=-"], "stdout is taken already"),
        (["--output", "x", "--report", "sarif=-", "--report", "junit=-"], "stdout is taken already"),
        (["--report", "json=a", "--report", "sarif=a"], "a is taken already"),
        (["--output", "a", "--report", "sarif=a"], "a is taken already"),
        (["--out", "a", "--report", "json=a"], "a is taken already"),
        (["--report", "json=a", "--report", "sarif=./a"], "./a is taken already"),
        (["--output", "a", "--report", "sarif=../ci/a"], "../ci/a is taken already"),
        (["--out", "a", "--report", "sarif=linked"], "linked is taken already"),
        (["--report", "sarif=dangling"], "there is no folder"),
        (["--report", "json=api.json"], "api.json is there already, and is no report"),
        (["--report", "markdown=./reconciler.yaml"], "is no report: it would be lost"),
        (["--report", "sarif=loop"], "symbolic links"),
        (["--report", f"sarif={'a' * 300}"], "File name too long"),
        (["--report", "pdf=a"], "is not FORMAT=FILE"),
        (["--report", "sarif"], "is not FORMAT=FILE"),
        (["--report", "sarif="], "is not FORMAT=FILE"),
        (["--report", "sarif=/"], "is a folder"),
        (["--report", "sarif=no/such/folder"], "there is no folder"),
    ],
)
def test_a_report_that_cannot_be_is_refused_before_anything_is_done(tree: Path, capsys, arguments, said):
    """By whatever name a place is called: nothing is asked, nothing printed, nothing written."""
    for name, target in {"linked": "a", "dangling": "no/such", "loop": "loop"}.items():
        (tree / name).symlink_to(target)
    assert call(["plan", *arguments]) == 64
    heard = capsys.readouterr()
    assert said in heard.err
    assert heard.out == ""


@pytest.mark.parametrize("wrong", [False, True])
def test_reports_that_lie_in_the_tree_are_no_definitions(tree: Path, tmp_path: Path, monkeypatch, wrong: bool):
    """Where the root of the repository is the tree there is no other place: the next command of the job passes over."""
    monkeypatch.delenv("GITHUB_ACTIONS")
    if wrong:
        (tree / "web.json").write_text('{"tiemout": 3}', encoding="utf-8")
    reports = ["gitlab=quality.json", "sarif=sarif.json", "json=found.json", "junit=plan.xml"]
    arguments = [f"--report={report}" for report in reports]
    assert call(["validate", *arguments]) == (65 if wrong else 0)
    assert json.loads((tree / "quality.json").read_text("utf-8")) or not wrong
    (tree / "web.json").unlink(missing_ok=True)
    assert call(["plan", *arguments]) == 0
    assert call(["apply", "--yes"]) == 0
    (tree / "mine.json").write_text("[]\n", encoding="utf-8")
    assert call(["validate"]) == 65


def test_a_closed_stdout_is_no_fault_where_a_ci_reads_the_log(tree: Path, tmp_path: Path):
    """Nothing is read there, so nothing has to be guarded; what was asked for is done."""
    words = shlex.join([sys.executable, "-m", "reconciler", "validate", "--format", "github"])
    command = f"{words} --report json={tmp_path / 'found.json'} >&-"
    subprocess.run(command, shell=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert json.loads((tmp_path / "found.json").read_text("utf-8"))["valid"] is True


def test_stdout_is_free_where_the_plan_goes_into_a_file(tree: Path, tmp_path: Path, capsys):
    assert call(["plan", "--output", str(tmp_path / "plan.txt"), "--report", "gitlab=-"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert "to create" in (tmp_path / "plan.txt").read_text("utf-8")


def test_the_summary_grows_by_what_each_run_says(tree: Path, tmp_path: Path, capsys, monkeypatch):
    """Plan, apply with its outcome, drift: appended in order, only where asked for and where there is one."""
    for arguments in (["plan"], ["apply", "--yes"], ["drift"]):
        assert call([*arguments, "--summary"]) == 0
    text = (tmp_path / "summary.md").read_text("utf-8")
    found = [text.index(part) for part in ("## Plan: 1 to create", "**Applied: 1 created.**", "## 1 build in sync")]
    assert found == sorted(found)
    assert text.count("## Plan: 1 to create") == 2
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert call(["plan", "--summary"]) == 0


@pytest.mark.parametrize("command", ["plan", "apply", "drift"])
def test_the_summary_says_what_is_wrong_with_definitions(tree: Path, tmp_path: Path, capsys, command: str):
    """Whoever looks at a failed job finds the reason there, whatever the job was about to do."""
    (tree / "wrong.yaml").write_text("no_such_key: 1\n", encoding="utf-8")
    assert call([command, "--summary", *(["--yes"] if command == "apply" else [])]) == 65
    assert "unknown key" in (tmp_path / "summary.md").read_text("utf-8")


def test_a_summary_that_cannot_be_written_is_told_and_changes_nothing(tree: Path, tmp_path: Path, capsys, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert call(["plan", "--summary"]) == 0
    assert "the step summary cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("room", [LIMIT, 5_000, 100, 10])
def test_a_summary_never_outgrows_its_room(room: int):
    """In bytes, whatever the characters; where no page fits, it says so if even that fits."""
    page = fitting(lambda longest: "你" * longest, room)
    assert len(page) <= room + 2
    assert (page.strip() != b"") == (room > 10)


def test_a_full_summary_is_left_alone(tree: Path, tmp_path: Path):
    """What earlier runs of the step wrote counts."""
    full = tmp_path / "summary.md"
    full.write_bytes(b"x" * (LIMIT - 1))
    assert call(["plan", "--summary"]) == 0
    assert full.stat().st_size <= LIMIT
