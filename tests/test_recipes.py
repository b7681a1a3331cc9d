"""Recipes for a CI: they parse, every command in them is one of ours, no secret is in them, and none is overwritten."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.cli.entry import call, main
from reconciler.definitions.files import is_definition_name
from reconciler.workflow.init import put
from reconciler.workflow.recipes import can_be_named, credentials_of, recipe_for, recipe_text
from reconciler.workflow.repository import Platform, Repository, look_around
from tests.test_init import Newcomer, newcomer, served
from tests.test_properties import examples

__all__ = ["newcomer", "served"]

GOLDEN = Path(__file__).parent / "recipes"
VARIABLES = ("BUILD_API__REGISTRY_PASSWORD", "BUILD_SIGNING_KEY")
PLAIN = Repository("/repository", "", "main", "", {})
BELOW = Repository("/repository", "zadig/builds", "trunk", "", {})
ALL = list(Platform)


def text_of(platform: Platform, repository: Repository = PLAIN, variables: tuple[str, ...] = VARIABLES) -> str:
    return recipe_text(platform, repository, "Shop builds", variables)


def golden_of(platform: Platform) -> Path:
    """The file that a person would read, in a repository of its own."""
    return GOLDEN / recipe_for(platform, PLAIN, "Shop builds", VARIABLES).file.lstrip(".").replace("/", "-")


@pytest.mark.parametrize("platform", ALL)
def test_a_recipe_is_what_somebody_read(platform: Platform):
    """Byte by byte, but for our version. UPDATE_GOLDEN=1 writes them anew."""
    text = text_of(platform).replace(f"=={__version__}", "==VERSION")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        golden_of(platform).write_text(text, encoding="utf-8")
    assert text == golden_of(platform).read_text("utf-8")


# What stands in them -------------------------------------------------------------------------------------


def commands_in(text: str) -> list[list[str]]:
    """Every `reconciler …` that a shell would run, as words."""
    lines = [line for line in text.replace("\\\n", "").splitlines() if not re.match(r"\s*(#|//)", line)]
    found = re.findall(r"(?:^|[\s'&-])reconciler ([a-z][^|'\n#]*)", "\n".join(lines))
    plain = [command.replace("$FORGE", "github").replace("$CHANGE_ID", "12") for command in found]
    return [shlex.split(command.strip().rstrip("{|& ")) for command in plain]


@pytest.mark.parametrize("platform", ALL)
@pytest.mark.parametrize("repository", [PLAIN, BELOW], ids=["root", "below"])
def test_every_command_is_one_of_ours_with_flags_that_it_has(platform: Platform, repository: Repository):
    """Parsed by the command line itself: what a request shows, that plan applied, drift, and the first record."""
    commands = commands_in(text_of(platform, repository))
    assert {words[0] for words in commands} == {"validate", "diff", "plan", "comment", "apply", "drift", "adopt"}
    assert any({"plan", "--out", "plan.json"} <= {*words} and "--detailed-exitcode" not in words for words in commands)
    assert any({"apply", "--plan", "--yes"} <= {*words} for words in commands)
    assert [words for words in commands if words[0] == "drift"] in ([["drift"]], [["drift", "--summary"]])
    for name, *rest in commands:
        with click.Context(main) as context:
            command = main.get_command(context, name)
        assert command is not None
        command.make_context(name, list(rest))


def test_a_flag_that_is_not_there_would_be_found():
    """The positive control of the test above."""
    assert commands_in("- reconciler plan --no-such-flag | tee x") == [["plan", "--no-such-flag"]]
    with click.Context(main) as context, pytest.raises(click.UsageError):
        main.get_command(context, "plan").make_context("plan", ["--no-such-flag"])  # type: ignore[union-attr]


@pytest.mark.parametrize("platform", ALL)
def test_an_apply_is_never_without_a_plan_that_was_reviewed(platform: Platform):
    """And never together with another one."""
    text = text_of(platform)
    assert all("--plan" in words for words in commands_in(text) if words[0] == "apply")
    assert re.search(r"^ *concurrency:|resource_group:|disableConcurrentBuilds", text, re.MULTILINE)


@pytest.mark.parametrize("platform", [Platform.GITHUB, Platform.GITLAB])
@pytest.mark.parametrize("repository", [PLAIN, BELOW], ids=["root", "below"])
@pytest.mark.parametrize("variables", [VARIABLES, ()], ids=["credentials", "none"])
def test_yaml_parses(platform: Platform, repository: Repository, variables: tuple[str, ...]):
    """As YAML, to the mapping that the platform expects."""
    found = yaml.safe_load(text_of(platform, repository, variables))
    assert isinstance(found, dict)
    if platform is Platform.GITHUB:
        assert found["permissions"] == {}
        assert found["env"].keys() == {"ZADIG_TOKEN", *variables}
        assert found[True]["push"]["branches"] == [repository.branch]
        for job in found["jobs"].values():
            assert job["permissions"]["contents"] == "read"
            assert job["defaults"]["run"]["working-directory"] == (repository.folder or ".")
            assert all(re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)
    else:
        assert {"reconciler-check", "reconciler-plan", "reconciler-apply", "reconciler-drift", "adopt"} <= found.keys()
        assert all(isinstance(line, str) for job in found.values() for line in job.get("script", []))


def test_jenkins_has_as_many_closing_brackets_as_opening_ones():
    """Groovy is not parsed here; what goes wrong first is looked at."""
    for repository in (PLAIN, BELOW):
        text = re.sub(r"//.*", "", text_of(Platform.JENKINS, repository))
        bare = re.sub(r"'''.*?'''", "", text, flags=re.DOTALL)
        assert [bare.count(bracket) for bracket in "{(["] == [bare.count(bracket) for bracket in "})]"]
        assert text.count("'''") % 2 == 0
        assert f"branch '{repository.branch}'" in text
        assert f"dir('{repository.folder or '.'}')" in text


@pytest.mark.parametrize("platform", ALL)
def test_secrets_are_named_and_come_from_the_platform(platform: Platform):
    """By name where the platform wants them named; and nothing is left to be put in."""
    text = text_of(platform)
    if platform is Platform.GITLAB:
        assert "ZADIG_TOKEN and the 2 names of .env.example" in text
    else:
        assert all(len(re.findall(rf"\b{name}\b", text)) >= 2 for name in ("ZADIG_TOKEN", *VARIABLES))
    assert re.findall(r"@[a-z]+@", text) == []
    assert "://" not in text
    assert f"zadig-reconciler=={__version__}" in text


@pytest.mark.parametrize("platform", ALL)
def test_the_ledger_and_the_plan_are_where_the_tree_is(platform: Platform):
    """Below the root of the repository, paths of the platform begin with the folder."""
    text = text_of(platform, BELOW)
    assert ("zadig/builds/.reconciler/ledger.db" in text) == (platform is Platform.GITHUB)
    assert ("zadig/builds/plan.json" in text) == (platform is not Platform.JENKINS)
    assert "zadig/builds" not in text_of(platform)


# Where they go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("platform", "there", "file"),
    [
        (Platform.GITHUB, (), ".github/workflows/reconciler.yml"),
        (Platform.GITLAB, (), ".gitlab-ci.yml"),
        (Platform.GITLAB, (".gitlab-ci.yml",), ".gitlab/reconciler.yml"),
        (Platform.JENKINS, (), "Jenkinsfile"),
        (Platform.JENKINS, ("Jenkinsfile",), "Jenkinsfile.reconciler"),
    ],
)
def test_a_recipe_goes_where_nothing_is_yet_and_no_definition(tmp_path: Path, platform: Platform, there, file: str):
    """A tree reads none of these files; where the usual one is taken, it is said how to bring in the second."""
    for name in there:
        (tmp_path / name).write_text("theirs\n", encoding="utf-8")
    recipe = recipe_for(platform, look_around(str(tmp_path)), "t", ())
    assert recipe.file == file
    assert file.startswith(".") or not is_definition_name(file)
    assert len(recipe.hints) == (2 if there else 1)
    put(tmp_path, recipe.file, recipe.text, replace=False)
    assert [(tmp_path / name).read_text("utf-8") for name in there] == ["theirs\n" for _ in there]


@pytest.mark.parametrize("platform", ALL)
def test_what_is_there_already_is_not_overwritten(newcomer: Newcomer, platform: Platform):
    """Not the usual file, not the second; it is said where the text can be read, and that prints it."""
    theirs = {".github/workflows/reconciler.yml", ".gitlab-ci.yml", ".gitlab/reconciler.yml"}
    theirs |= {"Jenkinsfile", "Jenkinsfile.reconciler"}
    for name in theirs:
        newcomer.write(name, "theirs\n")
    said = newcomer.done("--no-export", "--ci", platform.value)
    assert "was left as it is" in said.out
    assert f"--ci {platform.value} --print-recipe" in said.out
    assert {text for name, text in newcomer.files().items() if name in theirs} == {"theirs\n"}
    newcomer.emulator.clear_requests()
    assert newcomer.done("--ci", platform.value, "--print-recipe").out.count("reconciler plan") >= 2
    assert newcomer.emulator.requests() == []


def test_the_same_recipe_again_is_as_it_was(newcomer: Newcomer):
    newcomer.done("--no-export", "--ci", "github")
    said = newcomer.done("--no-export", "--ci", "github", "--force")
    assert "= .github/workflows/reconciler.yml" in said.out
    assert "left as it is" not in said.out


def test_the_recipe_names_the_credentials_that_the_export_found(newcomer: Newcomer):
    """One line for every name of .env.example."""
    newcomer.done("--ci", "jenkins")
    names = credentials_of(newcomer.folder)
    assert "BUILD_CHECKOUT__REGISTRY_PASSWORD" in names
    text = newcomer.files()["Jenkinsfile"]
    assert [name for name in names if f"{name} = credentials('{name}')" not in text] == []
    assert "--print-recipe" not in newcomer.done("--ci", "jenkins", "--force", "--no-export").out
    newcomer.capsys.readouterr()
    assert call(["validate"]) == 0


def test_below_the_root_of_the_repository_it_is_said_where_the_recipe_belongs(newcomer: Newcomer):
    """Nothing is written above the folder."""
    newcomer.write(".git/HEAD", "ref: refs/heads/trunk\n")
    newcomer.write(".github/workflows/test.yml", "")
    said = newcomer.done("zadig", "--no-export")
    assert "+ .github/workflows/reconciler.yml  (seen: .github/workflows)" in said.out
    assert "move it to .github/workflows/reconciler.yml at the root of the repository" in said.out
    text = newcomer.files()["zadig/.github/workflows/reconciler.yml"]
    assert 'working-directory: "zadig"' in text
    assert 'branches: ["trunk"]' in text


def test_a_folder_that_would_need_quoting_gets_no_recipe(newcomer: Newcomer):
    """It is said; everything else is done."""
    newcomer.write(".git/HEAD", "")
    said = newcomer.done("our builds", "--no-export", "--ci", "gitlab")
    assert "no recipe" in said.err
    assert (newcomer.folder / "our builds" / "reconciler.yaml").is_file()
    assert [name for name in newcomer.files() if name.endswith(".yml")] == []


@given(st.text(max_size=12))
@examples(60)
def test_a_folder_that_can_be_named_is_one_word_everywhere(folder: str):
    """For a shell, for YAML and for Groovy."""
    if can_be_named(folder) and folder:
        assert shlex.split(f"cd {folder}") == ["cd", folder]
        assert yaml.safe_load(f'a: "{folder}/x"') == {"a": f"{folder}/x"}
        assert not {"'", "\\", "$"} & {*folder}


# What is seen --------------------------------------------------------------------------------------------


def config(url: str) -> str:
    return f'[core]\n[remote "mirror"]\n\turl = git@gitlab.example.com:x\n[remote "origin"]\n\turl = {url}\n'


@pytest.mark.parametrize(
    ("files", "platform", "why"),
    [
        ({}, None, ""),
        ({".github/workflows/a.yml": ""}, "github", ".github/workflows"),
        ({".github/CODEOWNERS": ""}, "github", ".github"),
        ({".gitlab-ci.yml": ""}, "gitlab", ".gitlab-ci.yml"),
        ({"Jenkinsfile": ""}, "jenkins", "Jenkinsfile"),
        ({"Jenkinsfile": "", ".github/CODEOWNERS": ""}, "jenkins", "Jenkinsfile"),
        ({".git/config": config("git@github.com:shop/builds.git")}, "github", "origin at github.com"),
        ({".git/config": config("https://oauth2:canary@gitlab.shop.example/b.git")}, "gitlab", "origin at gitlab"),
        ({".git/config": config("ssh://git@git.shop.example:22/b.git")}, None, ""),
        ({".git/config": "[remote\n\x00url ="}, None, ""),
        (
            {".git/config": config("https://gitlab.com/b.git"), ".github/workflows/a.yml": "", ".gitlab-ci.yml": ""},
            "gitlab",
            ".gitlab-ci.yml",
        ),
        ({".git/config": config("https://github.com/b.git"), "Jenkinsfile": ""}, "jenkins", "Jenkinsfile"),
    ],
)
def test_the_platform_is_the_one_that_is_in_use(tmp_path: Path, files: dict[str, str], platform, why: str):
    """Files of the platform, else where origin is; of a URL nothing but the host is kept."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    seen = look_around(str(tmp_path))
    found, reason = seen.platform
    assert ((found.value if found else None), reason.startswith(why)) == (platform, True)
    assert "canary" not in repr(seen)


@pytest.mark.parametrize(
    ("files", "branch"),
    [
        ({}, "main"),
        ({"HEAD": "ref: refs/heads/trunk\n"}, "trunk"),
        ({"HEAD": "ref: refs/heads/feature\n", "refs/remotes/origin/HEAD": "ref: refs/remotes/origin/m/n\n"}, "m/n"),
        ({"HEAD": "0123456789abcdef0123456789abcdef01234567\n"}, "main"),
        ({"HEAD": "ref: refs/heads/it's\n"}, "main"),
        ({"HEAD": "\xff"}, "main"),
    ],
)
def test_the_default_branch_is_the_one_of_origin(tmp_path: Path, files: dict[str, str], branch: str):
    """Else the one that is checked out; a name that would need quoting is none."""
    for name, text in files.items():
        (tmp_path / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".git" / name).write_bytes(text.encode("latin-1"))
    (tmp_path / ".git").mkdir(exist_ok=True)
    assert look_around(str(tmp_path / "a" / "b")).branch == branch
    assert look_around(str(tmp_path / "a" / "b")).folder == "a/b"


def test_without_a_platform_it_is_said_how_to_name_one(newcomer: Newcomer):
    said = newcomer.done("--no-export")
    assert "No CI is seen here" in said.out
    assert "No CI" not in newcomer.done("--no-export", "--force", "--ci", "none").out
    newcomer.run("--print-recipe").told(64, "--ci github")


@pytest.mark.parametrize("platform", Platform)
def test_a_second_run_knows_the_recipe_of_the_first(tmp_path, platform: Platform):
    """It does not take it for somebody else's and put another one beside it, which would run everything twice."""
    (tmp_path / ".git").mkdir()
    first = recipe_for(platform, look_around(str(tmp_path)), "t", ())
    path = tmp_path / first.file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(first.text + "# mine\n", encoding="utf-8")
    assert recipe_for(platform, look_around(str(tmp_path)), "t", ()).file == first.file
