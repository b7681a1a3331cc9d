"""The example company: it works as its README says, on the emulator and with nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.company import world
from reconciler.cli.entry import call
from reconciler.emulator import Emulator, running
from tests.rig import TOKEN
from tests.witness_difference import differences

EXAMPLES = Path(__file__).parents[1] / "examples"
COMPANY = EXAMPLES / "company"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
FILES = sorted(
    path.relative_to(COMPANY) for path in COMPANY.rglob("*") if path.is_file() and ".reconciler" not in path.parts
)


def environment() -> dict[str, str]:
    """What `set -a; . .env.example` would set."""
    text = (COMPANY / ".env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=[\w-]+", line) for line in lines)
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator(world())
    with running(emulator) as url:
        yield emulator, url


@pytest.fixture
def company(served, tmp_path, monkeypatch) -> Path:
    """A copy of the tree, its environment, and an emulator without builds."""
    emulator, url = served
    emulator.set_state(None, [])
    emulator.clear_requests()
    for name in ("CI", "RECONCILER_LEDGER", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**environment(), "ZADIG_SERVER": url, "ZADIG_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    shutil.copytree(COMPANY, tmp_path / "company", ignore=shutil.ignore_patterns(".reconciler"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "company"


def test_the_company_goes_round(company: Path, served, capsys):
    """Validate, plan, apply, and nothing to do; one changed value is one update with one change."""
    emulator, _ = served
    assert call(["validate", "company"]) == 0
    assert "15 builds" in capsys.readouterr().out
    assert call(["plan", "company", "--detailed-exitcode"]) == 2
    assert "Plan: 15 to create, 0 unchanged." in capsys.readouterr().out
    assert call(["apply", "company", "--yes"]) == 0
    assert len(emulator.state()["builds"]) == 15
    assert {b["product_name"] for b in emulator.state()["builds"]} == {"yaml", "other"}
    stored = str(emulator.state()["builds"])
    assert [value for value in environment().values() if value not in stored] == []
    capsys.readouterr()
    assert call(["plan", "company", "--detailed-exitcode"]) == 0
    assert capsys.readouterr().out == "Nothing to do: 15 unchanged.\n"
    orders = company / "shop" / "orders.yaml"
    text = orders.read_text(encoding="utf-8")
    assert text.count("timeout: 45") == 1
    orders.write_text(text.replace("timeout: 45", "timeout: 50"), encoding="utf-8")
    assert call(["plan", "company", "--detailed-exitcode"]) == 2
    out = capsys.readouterr().out
    assert re.findall(r"^    [~+-] .*$", out, re.MULTILINE) == ["    ~ advanced_settings.timeout  45 → 50"]
    assert "Plan: 1 to update, 14 unchanged." in out
    emulator.clear_requests()
    assert call(["apply", "company", "--yes"]) == 0
    assert [r["body"]["name"] for r in emulator.requests() if r["method"] == "PUT" and r["body"]] == ["orders"]
    assert call(["plan", "company", "--detailed-exitcode"]) == 0
    assert [value for value in environment().values() if value in out] == []


def test_a_changed_secret_is_shown_as_changed_and_not_as_what(company: Path, monkeypatch, capsys):
    """As the README's last suggestion says."""
    assert call(["apply", "company", "--yes"]) == 0
    monkeypatch.setenv("BUILD_NPM_TOKEN", "another-npm-token")
    capsys.readouterr()
    assert call(["plan", "company"]) == 0
    out = capsys.readouterr().out
    assert "~ parameters[NPM_TOKEN].default_value  (sensitive)" in out
    assert "npm-token" not in out
    assert "1 to update" in out


def test_a_changed_default_reaches_whom_it_should(company: Path, capsys):
    """`timeout` of the root's defaults: builds with their own, with the platform's, or with none stay as they are."""
    assert call(["apply", "company", "--yes"]) == 0
    defaults = company / "_defaults.yaml"
    text = defaults.read_text(encoding="utf-8")
    assert text.count("timeout: 30") == 1
    defaults.write_text(text.replace("timeout: 30", "timeout: 31"), encoding="utf-8")
    capsys.readouterr()
    assert call(["plan", "company"]) == 0
    names = re.findall(r"^~ (\S+) will be updated", capsys.readouterr().out, re.MULTILINE)
    assert names == ["yaml/backoffice", "yaml/checkout", "yaml/mail-sender", "yaml/storefront"]


def block_after(words: str) -> list[str]:
    """The lines of the first block of text below some words of the README."""
    text = README[README.index(words) :]
    return text.split("```text\n", 1)[1].split("```", 1)[0].splitlines()


def lose(company: Path) -> None:
    """Do what the README's `rm` lines do."""
    gone = re.findall(r"examples/company/(\S+)", " ".join(re.findall(r"^rm .*$", README, re.MULTILINE)))
    assert len(gone) == 5
    for name in gone:
        (company / name).unlink()


def test_half_of_the_definitions_are_lost_and_what_was_deleted_is_brought_back(
    company: Path, served, monkeypatch, capsys
):
    """Nothing is deleted unasked; the refusals are those of the README; restore brings five builds back."""
    emulator, _ = served
    assert call(["apply", "company", "--yes"]) == 0
    before = stored(emulator)
    lose(company)
    capsys.readouterr()
    assert call(["plan", "company", "--detailed-exitcode"]) == 0
    assert "note: ours, and not in Git any more (nothing is deleted): other/edge-proxy, " in capsys.readouterr().out
    assert call(["plan", "company", "--prune", "owned", "--detailed-exitcode"]) == 4
    out = capsys.readouterr().out.splitlines()
    assert [line for line in block_after("Now ask for the deletes") if line not in out] == []
    (raised,) = re.findall(r"^reconciler apply examples/company (--prune .*) --yes ", README, re.MULTILINE)
    emulator.clear_requests()
    assert call(["apply", "company", *raised.split(), "--yes"]) == 4
    out = capsys.readouterr().out
    assert len([r for r in emulator.requests() if r["method"] == "DELETE"]) == 5
    assert "Applied: 5 deleted, 1 blocked.\n" in out
    assert f"Run `reconciler plan company {raised}` to see what is left.\n" in out
    assert len(stored(emulator)) == 10
    assert "release-bundle" in stored(emulator)
    (folder,) = (company / ".reconciler" / "backup").iterdir()
    assert call(["restore", f"company/.reconciler/backup/{folder.name}", "--yes"]) == 65
    assert "BUILD_ORDERS__MAVEN_PASSWORD" in capsys.readouterr().err
    for name, source in re.findall(r"(BUILD_\w+__\w+)=\$(\w+)", README):
        monkeypatch.setenv(name, environment()[source])
    capsys.readouterr()
    assert call(["restore", f"company/.reconciler/backup/{folder.name}", "--yes"]) == 0
    assert "Plan: 5 to create, 0 unchanged.\n" in capsys.readouterr().out
    after = stored(emulator)
    assert after.keys() == before.keys()
    assert [d for name in before for d in differences(before[name], after[name])] == []
    for part in ("shop", "platform"):
        shutil.copytree(COMPANY / part, company / part, dirs_exist_ok=True)
    capsys.readouterr()
    assert call(["plan", "company", "--detailed-exitcode"]) == 0
    assert capsys.readouterr().out == "Nothing to do: 15 unchanged.\n"


def stored(emulator: Emulator) -> dict[str, dict[str, Any]]:
    """What the server has of each build, but for the time of its last write."""
    return {b["name"]: {k: v for k, v in b.items() if k != "update_time"} for b in emulator.state()["builds"]}


def test_what_is_ignored_stays_and_says_why(company: Path, capsys):
    """The rule of reconciler.yaml and the one of a definition; a build made new takes Git's value."""
    assert call(["apply", "company", "--yes"]) == 0
    for name, old, new in (
        ("_defaults.yaml", "strategy_name: default", "strategy_name: big-nodes"),
        ("shop/storefront.yaml", "default_value: eu", "default_value: us"),
    ):
        text = (company / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (company / name).write_text(text.replace(old, new), encoding="utf-8")
    capsys.readouterr()
    assert call(["plan", "company", "-v", "--detailed-exitcode"]) == 0
    out = capsys.readouterr().out
    assert out.count('"default" on the server, Git says "big-nodes" (operations moves builds between node pools') == 8
    assert out.count("Git says otherwise (the shop team switches the region in the web page") == 1


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_is_named_in_the_readme(file: Path):
    """In the table; a script by the word `.sh`, since every one is named in the definition that it belongs to."""
    if file.suffix == ".sh":
        definition = (COMPANY / file.parent.parent).glob("*.*")
        assert any(f"scripts/{file.name}" in path.read_text(encoding="utf-8") for path in definition)
        assert "`.sh`" in README
    else:
        assert f"| `{file.as_posix()}` |" in README


def test_every_file_of_the_readme_is_there():
    """The table names nothing that is gone."""
    named = re.findall(r"^\| `([^`]+)` \|", README, re.MULTILINE)
    assert len(named) > 10
    assert [name for name in named if not (COMPANY / name).exists()] == []


def test_the_commands_of_the_readme_are_those_that_were_run():
    """The token, the port and the counts that the README names are those of the tree and of these tests."""
    assert TOKEN in README
    assert "reconciler emulator --port 8400" in README
    assert "http://127.0.0.1:8400" in (COMPANY / "reconciler.yaml").read_text(encoding="utf-8")
    assert "# 15 to create" in README
    assert "`timeout: 45`" in README


def test_the_schema_that_definitions_name_is_there():
    """The first line of each YAML definition leads an editor to the schema."""
    named = 0
    for path in COMPANY.rglob("*.yaml"):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        if match := re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first):
            assert (path.parent / match[1]).resolve().is_file()
            named += 1
        else:
            assert path.name in ("_defaults.yaml", "reconciler.yaml")
    assert named > 5


@pytest.mark.skipif(not shutil.which("bash"), reason="scripts are read by bash")
def test_every_script_of_the_company_can_be_read(tmp_path: Path):
    """By bash itself, those of files and those that stand in definitions; one that cannot is found."""
    texts = [path.read_text(encoding="utf-8") for path in COMPANY.rglob("*.sh")]
    documents = (one for path in COMPANY.rglob("*.yaml") for one in yaml.safe_load_all(path.read_text("utf-8")))
    texts += [one["build_script"] for one in documents if isinstance(one.get("build_script"), str)]
    assert len(texts) > 10
    assert [text for text in texts if unreadable(text)] == []
    assert unreadable("if true; then\n")


def unreadable(script: str) -> str:
    """What bash says of a script that it cannot read."""
    return subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False).stderr


def test_every_variable_that_the_tree_needs_has_a_placeholder():
    """And no placeholder is left over."""
    texts = "".join(p.read_text(encoding="utf-8") for p in COMPANY.rglob("*") if p.suffix in (".yaml", ".json"))
    assert set(re.findall(r"from_env\"?: *\"?(BUILD_\w+)", texts)) == set(environment())
