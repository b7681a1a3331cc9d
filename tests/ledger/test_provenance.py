"""Commit, person and job: of the CI's variables, else of the files of the repository; never required, no credential."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.workflow.provenance import Provenance, provenance

SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(("environ", "found"), [
    ({"GITHUB_SHA": SHA, "GITHUB_ACTOR": "ann", "GITHUB_SERVER_URL": "https://github.com",
      "GITHUB_REPOSITORY": "org/repo", "GITHUB_RUN_ID": "812"},
     (SHA, "ann", "https://github.com/org/repo/actions/runs/812")),
    ({"GITHUB_SHA": SHA, "GITHUB_RUN_ID": "812"}, (SHA, "", "")),
    ({"CI_COMMIT_SHA": SHA, "GITLAB_USER_LOGIN": "ann", "CI_JOB_URL": "https://gl/j/1", "CI_PIPELINE_URL": "https://gl/p/2"},
     (SHA, "ann", "https://gl/j/1")),
    ({"CI_COMMIT_SHA": SHA, "CI_PIPELINE_URL": "https://gl/p/2"}, (SHA, "", "https://gl/p/2")),
    ({"GIT_COMMIT": SHA, "BUILD_USER_ID": "ann", "BUILD_URL": "https://jenkins/job/1/"},
     (SHA, "ann", "https://jenkins/job/1/")),
    ({"GIT_COMMIT": SHA, "CHANGE_AUTHOR": "bob"}, (SHA, "bob", "")),
    ({"BUILD_URL": "https://jenkins/job/1/"}, ("", "", "https://jenkins/job/1/")),
    ({"USER": "ann"}, ("", "ann", "")),
    ({}, ("", "", "")),
])  # fmt: skip
def test_the_platform_is_asked(environ: dict[str, str], found: tuple[str, str, str], tmp_path: Path):
    """Each by its own variables; what it does not tell is empty."""
    assert provenance(environ, str(tmp_path)) == Provenance(*found)


@pytest.mark.parametrize(("url", "kept"), [
    ("https://user:hunter2@ci/job/1?token=hunter2#hunter2", "https://ci/job/1"),
    ("https://hunter2@ci/job", "https://ci/job"),
    ("javascript:hunter2", ""),
    ("hunter2", ""),
    ("https://[hunter2", ""),
    ("https://ci/\x1b[31m\n1", "https://ci/[31m1"),
])  # fmt: skip
def test_of_an_address_only_what_is_no_credential_is_kept(url: str, kept: str, tmp_path: Path):
    """User, password, query and fragment are left out, and what would spoil a terminal."""
    assert provenance({"GIT_COMMIT": SHA, "BUILD_URL": url}, str(tmp_path)).job == kept


def git(folder: Path, *arguments: str) -> str:
    environ = {**os.environ, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    who = ("-c", "user.name=Someone", "-c", "user.email=a@b")
    run = subprocess.run(["git", *who, *arguments], cwd=folder, env=environ, check=True, capture_output=True, text=True)
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "ci" / "zadig").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    git(root, "commit", "-q", "--allow-empty", "-m", "first")
    git(root, "config", "user.name", "Ann Other")
    return root


@pytest.mark.parametrize("state", ["loose", "packed", "detached", "worktree"])
def test_the_files_of_the_repository_tell_the_commit(repository: Path, state: str):
    """On a branch, in a pack of names, on a commit, and in a linked worktree: as Git itself says it."""
    tree = repository / "ci" / "zadig"
    if state == "packed":
        git(repository, "pack-refs", "--all")
        assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    if state == "detached":
        git(repository, "checkout", "-q", "--detach")
    if state == "worktree":
        git(repository, "worktree", "add", "-q", "../linked", "-b", "side")
        tree = repository.parent / "linked"
        git(tree, "commit", "-q", "--allow-empty", "-m", "second")
    expected = git(tree, "rev-parse", "HEAD")
    assert provenance({"USER": "nobody"}, str(tree)) == Provenance(expected, "Ann Other", "")


def test_a_person_is_who_git_says_else_who_is_logged_in(repository: Path, tmp_path: Path):
    """The repository's own name, then the one of the home folder, then the user."""
    git(repository, "config", "--unset", "user.name")
    environ = {"HOME": str(tmp_path), "USER": "login"}
    assert provenance(environ, str(repository)).author == "login"
    (tmp_path / ".gitconfig").write_text('[user]\n\temail = a@b\n\tname = "Home Name" ; mine\n[core]\n\tname = no\n')
    assert provenance(environ, str(repository)).author == "Home Name"


def test_no_repository_is_looked_for_above_the_ceiling(repository: Path):
    """As Git itself is told not to."""
    below = str(repository / "ci" / "zadig")
    assert provenance({"GIT_CEILING_DIRECTORIES": f"/nowhere:{repository}"}, below).commit == ""
    assert provenance({"GIT_CEILING_DIRECTORIES": "/nowhere"}, below).commit


@pytest.mark.parametrize("head", ["", "garbage", "ref: refs/../../../etc/passwd", "ref: refs/heads/none", "\x00"])
def test_a_damaged_repository_tells_nothing_and_stops_nobody(repository: Path, head: str):
    """No commit, no error."""
    (repository / ".git" / "HEAD").write_text(head)
    assert provenance({}, str(repository)).commit == ""
