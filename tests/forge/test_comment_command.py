"""`reconciler comment`, as a job calls it: what it prints, its exit codes, and that no token is in any of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.entry import call
from tests.forge.forge_server import reply
from tests.forge.github_server import User
from tests.forge.test_place import HUB, LAB, pull
from tests.forge.worlds import TOKEN, World

ROOT = Path(__file__).parents[2]
Job = Callable[..., tuple[int, str, str]]


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Job:
    """Run a command in an environment, in a tree called `company` with a page in it; return code, stdout, stderr."""
    (tmp_path / "reconciler.yaml").write_text("tree: company\n", encoding="utf-8")
    (tmp_path / "page.md").write_text("## 2 changes\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def run(environ: dict[str, str], *arguments: str, event: Any = None, stdin: bytes = b"") -> tuple[int, str, str]:
        for name in [n for n in os.environ if n.startswith(("GITHUB_", "GITLAB_", "CI", "RECONCILER_", "ZADIG_"))]:
            monkeypatch.delenv(name)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        if event is not None:
            (tmp_path / "event.json").write_text(event if isinstance(event, str) else json.dumps(event), "utf-8")
            monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
        if "-" in arguments:
            command = [sys.executable, "-m", "reconciler", "comment", *arguments]
            path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
            ran = subprocess.run(
                command, input=stdin, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": path}
            )
            code, out, err = ran.returncode, ran.stdout.decode(), ran.stderr.decode()
        else:
            code = call(["comment", *arguments])
            out, err = capfd.readouterr()
        assert TOKEN not in out + err
        assert "Traceback" not in err
        return code, out, err

    return run


def hub_of(world: World, **more: str) -> dict[str, str]:
    return {**HUB, "GITHUB_API_URL": world.server.url, "GITHUB_TOKEN": TOKEN, **more}


def lab_of(world: World, **more: str) -> dict[str, str]:
    return {**LAB, "CI_API_V4_URL": world.server.url, "GITLAB_TOKEN": TOKEN, "CI_JOB_TOKEN": "job", **more}


def test_a_job_on_github_comments(hub: World, job: Job):
    """Created, updated, left: one line on stdout each, exit 0; -q says nothing."""
    assert job(hub_of(hub), "page.md", event=pull()) == (0, "The comment on acme/builds#12 is created.\n", "")
    assert job(hub_of(hub), "page.md")[1] == "The comment on acme/builds#12 is left as it is.\n"
    assert job(hub_of(hub), "-", stdin=b"## Nothing to do\n")[1] == "The comment on acme/builds#12 is updated.\n"
    assert job(hub_of(hub), "-q", "page.md") == (0, "", "")
    assert hub.said() == ["## 2 changes"]
    assert {seen.headers["x-github-api-version"] for seen in hub.server.requests} == {"2022-11-28"}


def test_a_job_on_gitlab_comments(lab: World, job: Job):
    """With GitLab's own variables, and a token that is not the job's."""
    assert job(lab_of(lab), "page.md") == (0, "The comment on 7!12 is created.\n", "")
    assert lab.said() == ["## 2 changes"]
    assert {seen.headers.get("job-token") for seen in lab.server.requests} == {None}


def test_any_other_machine_comments_by_flags(world: World, job: Job, tmp_path: Path):
    """Jenkins for example: everything is told, the token by a file."""
    (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
    place = ["--forge", world.forge.value, "--api", world.server.url, "--repository", "acme/builds", "--request", "12"]
    assert job({}, "page.md", *place, "--token-file", "token")[0] == 0
    assert job({}, "page.md", *place, "--token-file", "token", "--tree", "other")[0] == 0
    assert (world.said(), world.said("other")) == (["## 2 changes"], ["## 2 changes"])


def test_the_tree_is_the_one_of_path(hub: World, job: Job, tmp_path: Path):
    """Or the folder's name where nothing says another one; a broken `reconciler.yaml` is told as everywhere."""
    for name, text in (("named", "tree: second\n"), ("broken", "tree: [1]\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "reconciler.yaml").write_text(text, encoding="utf-8")
    assert job(hub_of(hub), "page.md", "named")[0] == 0
    assert hub.said("second") == ["## 2 changes"]
    code, _, err = job(hub_of(hub), "page.md", "broken")
    assert (code, "reconciler.yaml" in err) == (65, True)
    assert job(hub_of(hub), "page.md", "broken", "--tree", "x")[0] == 0
    assert job(hub_of(hub), "page.md", "not-there")[0] == 64


def test_no_token_of_zadig_is_looked_at(hub: World, job: Job):
    """A comment has nothing to do with it, whatever it is."""
    assert job(hub_of(hub, ZADIG_TOKEN="two words", ZADIG_SERVER="nonsense"), "page.md")[0] == 0


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        (
            {**HUB, "GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "push"},
            "a pull request (it was started by push)",
        ),
        ({"GITLAB_CI": "true", "CI_PROJECT_ID": "7", "CI_PIPELINE_SOURCE": "schedule"}, "started by schedule"),
        ({}, "no job of GitHub Actions or GitLab"),
    ],
)
def test_outside_of_a_request_it_says_so(environ: dict[str, str], reason: str, job: Job):
    """Exit 0, as on a push; with --required 64."""
    code, out, err = job(environ, "page.md")
    assert (code, err, out.startswith("No comment: "), reason in out) == (0, "", True, True)
    assert job(environ, "page.md", "-q") == (0, "", "")
    code, out, err = job(environ, "page.md", "--required")
    assert (code, out, reason in err) == (64, "", True)


def test_a_fork_without_a_token_is_no_error(hub: World, lab: World, job: Job):
    """It says so; --required makes it 77. Outside of a fork a missing token is always 77, with what to write."""
    forked = {**lab_of(lab), "GITLAB_TOKEN": "", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99", "CI_PROJECT_ID": "99"}
    for environ, event in ((hub_of(hub, GITHUB_TOKEN=""), pull("mallory/builds")), (forked, None)):
        code, out, err = job(environ, "page.md", event=event)
        assert (code, err) == (0, "")
        assert out.startswith("No comment: there is no token")
        assert "from a fork" in out
        code, out, err = job(environ, "page.md", "--required", event=event)
        assert (code, out) == (77, "")
    assert hub.server.requests + lab.server.requests == []
    code, _, err = job(hub_of(hub, GITHUB_TOKEN=""), "page.md", event=pull())
    assert (code, "GITHUB_TOKEN: ${{ github.token }}" in err) == (77, True)
    code, _, err = job(lab_of(lab, GITLAB_TOKEN=""), "page.md")
    assert (code, "CI_JOB_TOKEN may not" in err, "RECONCILER_FORGE_TOKEN" in err) == (77, True, True)


def test_a_fork_s_token_that_can_only_read_is_no_error(hub: World, job: Job):
    """GitHub gives such a job one; in the repository's own jobs it is 77."""
    hub.server.users[TOKEN].writes = False
    code, out, _ = job(hub_of(hub), "page.md", event=pull("mallory/builds"))
    assert (code, "may not do that" in out, "from a fork" in out) == (0, True, True)
    code, out, err = job(hub_of(hub), "page.md", event=pull())
    assert (code, out, "pull-requests: write" in err) == (77, "", True)
    assert job(hub_of(hub), "page.md", "--required", event=pull("mallory/builds"))[0] == 77
    hub.server.users = {TOKEN: User()}
    assert job(hub_of(hub), "page.md", event=pull("mallory/builds"))[0] == 0
    assert hub.said() == ["## 2 changes"]


def test_a_closed_conversation_is_no_error(hub: World, job: Job):
    """Somebody locked it on purpose: the job goes on, unless the comment is required."""
    hub.server.locked = True
    code, out, err = job(hub_of(hub), "page.md", event=pull())
    assert (code, "the conversation is locked" in out, err) == (0, True, "")
    assert "from a fork" not in out
    code, _, err = job(hub_of(hub), "page.md", "--required", event=pull())
    assert (code, "unlock it" in err) == (77, True)


def test_a_wrong_token_is_77_in_a_fork_too(hub: World, job: Job):
    """It is a token that somebody set."""
    for event in (pull(), pull("mallory/builds")):
        code, out, err = job(hub_of(hub, RECONCILER_FORGE_TOKEN="wrong"), "page.md", event=event)
        assert (code, out, "does not accept RECONCILER_FORGE_TOKEN" in err) == (77, "", True)


def test_an_unreachable_forge_is_69(hub: World, job: Job):
    """A page of a proxy as well."""
    hub.server.fault("GET", reply(200, "<html>log in"))
    code, _, err = job(hub_of(hub), "page.md")
    assert (code, "answers what no GitHub answers" in err) == (69, True)


def test_a_wait_is_told(hub: World, job: Job):
    """On stderr, so that nobody takes a silent job for a dead one; -q says nothing."""
    wait = reply(429, {"message": TOKEN}, Retry_After="0")
    hub.server.fault("POST", wait)
    host = hub.place.host
    code, out, err = job(hub_of(hub), "page.md")
    assert (code, err) == (0, f"{host}: asks us to wait: trying again in 0 s\n")
    assert out == "The comment on acme/builds#12 is created.\n"
    hub.server.fault("GET", wait)
    assert job(hub_of(hub), "-q", "page.md") == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["not-there.md"], "not-there.md cannot be read"),
        (["."], ". cannot be read: is a directory"),
        (["-"], "the standard input is empty"),
        (["empty.md"], "empty.md is empty"),
        (["page.md", "--token-file", "nope"], "the token file nope cannot be read"),
        (["page.md", "--forge", "gitea"], "gitea"),
        (["page.md", "--request", "0"], "0"),
        (["page.md", "--token", "abc"], "--token"),
        ([], "FILE"),
    ],
)
def test_wrong_usage_is_64(hub: World, job: Job, tmp_path: Path, arguments: list[str], words: str):
    """And nothing was sent. A token is never taken from a flag."""
    (tmp_path / "empty.md").write_bytes(b"\xef\xbb\xbf \n")
    code, out, err = job(hub_of(hub), *arguments)
    assert (code, out, words in err) == (64, "", True)
    assert hub.server.requests == []


@pytest.mark.parametrize(
    "event", ["", "{", "[]", "null", "[" * 100_000, '{"pull_request": {"number": 99999999999999}}']
)
def test_an_event_that_says_nothing_is_passed_over(hub: World, job: Job, event: str):
    """The ref still has the number; a number that is not there is 77."""
    code, _, _ = job(hub_of(hub), "page.md", event=event)
    assert code == (77 if "number" in event else 0)


def test_an_event_s_path_that_leads_nowhere_is_passed_over(hub: World, job: Job):
    """The ref has the number."""
    assert job(hub_of(hub, GITHUB_EVENT_PATH="/not/there"), "page.md")[0] == 0


def test_bytes_that_are_no_text_are_posted_as_what_they_look_like(hub: World, job: Job):
    """Whatever wrote them."""
    assert job(hub_of(hub), "-", stdin=b"caf\xe9 \x00 end")[0] == 0
    assert hub.said() == ["caf\ufffd \ufffd end"]
