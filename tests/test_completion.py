"""Completion: what is offered where, from a tree at a glance; and in real shells no name is more than a name."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.completing import BREAKS as COMP_BREAKS
from reconciler.cli.completing import LINE, lines
from reconciler.cli.completion import SHELLS
from reconciler.cli.entry import COMMANDS, call
from reconciler.cli.shells import SCRIPTS
from reconciler.cli.typed import Typed, typed
from reconciler.workflow.glance import Glance, glance
from tests.ledger_file import held_by_another
from tests.rig import Rig, plain
from tests.screen import inherited
from tests.shells import missing, program, words_of
from tests.test_properties import examples

BREAKS = " \t\n\"'@><=;|&(:"
"""COMP_WORDBREAKS of bash, as it is by default."""

HOSTILE = 'it\'s $(touch pwned) `touch pwned` "x" *'
PLAIN = {"project_key": "shop", "infrastructure": "kubernetes"}


@pytest.fixture
def tree(tmp_path) -> Path:
    """A tree with two builds of one project, and names that a shell would stumble over."""
    (tmp_path / "reconciler.yaml").write_text('projects: [shop, "two words", team:api]\ntree: t\n', encoding="utf-8")
    builds = tmp_path / "builds"
    (builds / "deep er").mkdir(parents=True)
    (builds / "api.yaml").write_text("# a comment\nname: api\nproject_key: shop\nbuild_script: |\n  name: no\n")
    (builds / "two.yaml").write_text("name: 'web''s'\nproject_key: shop\n---\nname: \"\\u6784建 x\"  # 构\n")
    (builds / "hostile.json").write_text(json.dumps({**PLAIN, "name": HOSTILE}), encoding="utf-8")
    (builds / "newline.json").write_text(json.dumps({**PLAIN, "name": "new\nline"}), encoding="utf-8")
    return tmp_path


def asked(folder: Path, line: str, shell: str = "bash", *words: str, **environ: str) -> list[str]:
    """Ask as a shell does, in this process."""
    variables = {LINE: line, COMP_BREAKS: BREAKS, **environ}
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        for name, value in environ.items():
            here.setenv(name, value)
        return list(lines(shell, words, variables))


def answered(folder: Path, line: str) -> list[str]:
    """Ask as a shell does, in a process of its own; nothing is ever said on stderr."""
    variables = {"_RECONCILER_COMPLETE": "bash", LINE: line, COMP_BREAKS: BREAKS}
    ran = subprocess.run(
        [sys.executable, "-m", "reconciler"], capture_output=True, check=False, cwd=folder,
        env={**inherited(), **variables}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, b"")
    return ran.stdout.decode("utf-8").splitlines()


@pytest.mark.parametrize("line", ["reconciler pl", "reconciler plan --project ", "reconciler diff "])
def test_a_process_answers_as_it_does_here(tree: Path, line: str):
    """What the shell's function starts says the same as what the tests below ask."""
    assert answered(tree, line) == asked(tree, line)


def test_commands_flags_and_choices_are_offered(tree: Path):
    """Where each may stand, and only what begins as it was begun."""
    assert asked(tree, "reconciler ") == [f"={name}" for name in COMMANDS]
    assert asked(tree, "reconciler va") == ["=validate"]
    assert asked(tree, "reconciler ledger ") == ["=show", "=check", "=forget", "=move"]
    assert asked(tree, "reconciler plan --max-delete") == ["=--max-deletes", "=--max-delete-percent"]
    assert asked(tree, "reconciler plan --prune ") == ["=off", "=owned", "=all"]
    assert asked(tree, "reconciler plan --format=j") == ["=json", "=junit"]
    assert asked(tree, "reconciler schema sa") == ["=saved-plan"]
    assert asked(tree, "reconciler plan --report sa") == ["+sarif="]
    assert asked(tree, "reconciler plan ") == ["file"]
    assert asked(tree, "reconciler plan --server x > fi") == ["file"]


def test_projects_of_the_tree_are_offered(tree: Path):
    """Of the tree that PATH or the current directory is in, each quoted as the shell wants it."""
    assert asked(tree / "builds", "reconciler plan --project ") == ["=shop", "=team:api", r"=two\ words"]
    assert asked(tree, 'reconciler plan --project "two') == ["=two words"]
    assert asked(tree, "reconciler plan --project=team:a") == ["=api"]
    assert asked(Path("/"), f"reconciler plan {shlex.quote(str(tree))} --project s") == ["=shop"]


def test_a_project_that_only_a_definition_names_is_offered(tree: Path):
    """`projects:` need not list it, and there need not be a configuration at all."""
    (tree / "builds" / "far.yaml").write_text("name: far\nproject_key: elsewhere\n", encoding="utf-8")
    assert asked(tree, "reconciler plan --project el") == ["=elsewhere"]
    (tree / "reconciler.yaml").unlink()
    assert asked(tree, "reconciler plan --project ") == ["=elsewhere", "=shop"]


def test_builds_are_offered_where_builds_are_named(tree: Path):
    """One that is named already is not offered again; one with a newline in it cannot be typed."""
    line = "reconciler ledger forget --project shop "
    assert asked(tree, line) == [
        "=api", r"=it\'s\ \$\(touch\ pwned\)\ \`touch\ pwned\`\ \"x\"\ \*", r"=web\'s", r"=构建\ x",
    ]  # fmt: skip
    assert asked(tree, f"{line}api w") == [r"=web\'s"]


def test_the_ledger_names_locks(tree: Path):
    """The ID of a lock is what nobody wants to type."""
    ledger = tree / ".reconciler" / "ledger.db"
    ledger.parent.mkdir()
    ticket = held_by_another(ledger, "http://zadig.example", "shop")
    assert asked(tree, "reconciler unlock ", ZADIG_SERVER="http://zadig.example") == [f"={ticket.id}"]


def test_the_ledger_names_builds(rig: Rig):
    """A build that Git has lost is what is forgotten most."""
    rig.write(plain("kept"), plain("lost"))
    rig.applied()
    (rig.tree / "1-builds.json").unlink()
    (rig.tree / "reconciler.yaml").write_text(f"projects: [yaml]\ntree: rig\nledger: {rig.ledger}\n", encoding="utf-8")
    line = "reconciler ledger forget --project yaml "
    assert asked(rig.tree, line, ZADIG_SERVER=rig.settings.server) == ["=kept", "=lost"]


def test_branches_and_tags_are_offered_to_diff(tree: Path):
    """For OLD, and for NEW beside files; where there is no repository only those."""
    assert asked(tree, "reconciler diff ", GIT_CEILING_DIRECTORIES=str(tree.parent)) == []
    git = ["git", "-C", str(tree), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for words in (["init", "-qb", "trunk"], ["commit", "-qm", "x", "--allow-empty"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    assert asked(tree, "reconciler diff ") == ["=HEAD", "=trunk", "=v1"]
    assert asked(tree, "reconciler diff HEAD v") == ["=v1", "file"]


@pytest.mark.parametrize(
    "text",
    ["name: [\n", "\x00", "projects: {a: [", "name: *x\n", "- name\n", "[" * 5000, 'name: "\\q"\n', '{"name": 7}'],
)
@pytest.mark.parametrize("file", ["reconciler.yaml", "x.json", "x.yaml"])
def test_a_broken_tree_offers_nothing_and_says_nothing(tmp_path: Path, file: str, text: str):
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert glance(str(tmp_path)) == Glance()


def test_what_is_not_there_offers_nothing(tmp_path: Path):
    """Neither a missing PATH, a link to itself, nor a pipe that nobody writes to."""
    (tmp_path / "again").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert glance(str(tmp_path), "nowhere/at/all") == glance(str(tmp_path)) == Glance()


def test_a_flag_that_is_wrong_is_no_reason_to_complain(tree: Path):
    assert asked(tree, "reconciler plan --nonsense --prune o") in ([], ["=off", "=owned"])
    assert answered(tree, "reconciler nonsense --pru") == []
    assert answered(tree, "reconciler \udcff") == []


def test_zsh_and_fish_are_told_what_a_word_means(tree: Path):
    """A tab, and the line of the help; flags that are written in one word with their value come whole."""
    (line,) = asked(tree, "", "zsh", "va")
    assert line == f"=validate\t{COMMANDS['validate'][1]}"
    assert asked(tree, "", "fish", "plan", "--format=js") == ["=--format=json"]
    assert asked(tree, "", "fish", "plan", "--project", "two") == ["=two words"]


def test_no_heavy_library_is_loaded_to_complete_a_name(tree: Path):
    """Nor YAML: a finger is still on the key."""
    code = (
        "import sys, os; from reconciler.cli.completing import complete; complete('zsh', sys.argv[1:], os.environ);"
        "print(sorted({'httpx', 'jsonschema', 'yaml', 'rich', 'sqlite3', 'ssl'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "plan", "--project", "s"], capture_output=True, text=True, check=True, cwd=tree,
        env=inherited(),
    )  # fmt: skip
    assert ran.stdout == "=shop\n[]\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_is_printed(shell: str, capsys):
    """To be read by the shell; another shell is wrong usage."""
    assert call(["completion", shell]) == 0
    assert capsys.readouterr().out == SCRIPTS[shell]
    assert call(["completion", "csh"]) == 64


# How a line of bash is read ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "words", "last"),
    [
        ("a b", ["a"], "b"),
        ("a ", ["a"], ""),
        (r"a b\ c", ["a"], "b c"),
        ("a 'b c' \"d $(e)", ["a", "b c"], "d $(e)"),
        (r'a "b\"\x', ["a"], r'b"\x'),
        ("a\t b'c'd", ["a"], "bcd"),
        ("a '' b", ["a", ""], "b"),
        ("a \\", ["a"], ""),
    ],
)
def test_words_are_taken_apart_as_bash_does(line: str, words: list[str], last: str):
    found = typed(line, BREAKS)
    assert (found.words, found.last) == (words, last)


NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)


@examples(40)
@given(st.lists(NAMES, min_size=1, max_size=8))
def test_a_name_that_is_offered_reads_back_as_itself(names: list[str]):
    """Whatever it is made of, behind a blank and in either quote: bash reads the name, and so do we."""
    said, meant = [], []
    for name in names:
        for quote in ("", "'", '"'):
            inside = Typed(quote=quote).quoted(name)
            assert inside is not None or quote
            if inside is not None:
                said.append(f"{quote}{inside}{quote}")
                meant.append(name)
                assert typed(f"reconciler {quote}{inside}", BREAKS).last == name
    line = f"printf '%s\\0' {' '.join(said)}"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert ran.stdout.split("\0")[:-1] == meant


# Real shells ---------------------------------------------------------------------------------------------

LINES = [
    ("reconciler val", ["validate"]),
    ("reconciler plan --project=te", ["plan", "--project=team:api"]),
    ("reconciler plan --project team:", ["plan", "--project", "team:api"]),
    ("reconciler plan --project 'tw", ["plan", "--project", "two words"]),
    ("reconciler ledger forget --project shop it", ["ledger", "forget", "--project", "shop", HOSTILE]),
    ("reconciler ledger forget --project shop 构", ["ledger", "forget", "--project", "shop", "构建 x"]),
    ("reconciler plan --report js", ["plan", "--report", "json="]),
    ("reconciler validate builds/ap", ["validate", "builds/api.yaml"]),
]


@pytest.mark.parametrize("shell", [
    pytest.param(shell, marks=pytest.mark.skipif(missing(shell), reason=f"there is no {shell} here"))
    for shell in SHELLS
])  # fmt: skip
@pytest.mark.parametrize(("line", "words"), LINES)
def test_a_real_shell_completes_to_exactly_that_name(tree: Path, shell: str, line: str, words: list[str]):
    """A TAB and Enter: the program is given the name, and nothing that stands in a name is run."""
    program(tree, SCRIPTS[shell])
    assert words_of(shell, line, tree, {}) == words
    assert not (tree / "pwned").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_the_line_of_the_documentation_puts_the_script_where_the_shell_looks(tmp_path: Path, shell: str):
    """As it stands there, in a home that has the folders."""
    page = (Path(__file__).parents[1] / "docs" / "shell.md").read_text(encoding="utf-8")
    (line,) = re.findall(rf"^\$ (reconciler completion {shell} > .*)$", page, re.MULTILINE)
    program(tmp_path, "")
    (tmp_path / "bin" / "reconciler").write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    for folder in (".local/share/bash-completion/completions", ".config/fish/completions"):
        (tmp_path / folder).mkdir(parents=True)
    environ = {**inherited(), "HOME": str(tmp_path), "fpath": str(tmp_path)}
    environ["PATH"] = f"{tmp_path / 'bin'}:{environ['PATH']}"
    before = set(tmp_path.rglob("*"))
    subprocess.run(["bash", "-c", line.replace("${fpath[1]}", "$fpath")], check=True, env=environ, cwd=tmp_path)
    (made,) = set(tmp_path.rglob("*")) - before
    assert made.read_text(encoding="utf-8") == SCRIPTS[shell]
