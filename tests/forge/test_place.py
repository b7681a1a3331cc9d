"""Where a comment goes and as whom, from the environments that GitHub and GitLab give their jobs."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.forge.place import Asked, Forge, Nowhere, Place, account, place
from reconciler.model.errors import UsageError

HUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_REPOSITORY": "acme/builds",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_REF": "refs/pull/12/merge",
}
LAB = {
    "GITLAB_CI": "true",
    "CI_API_V4_URL": "https://gitlab.acme.example/api/v4",
    "CI_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_IID": "12",
    "CI_PIPELINE_SOURCE": "merge_request_event",
}


def pull(head: str | None = "acme/builds", number: Any = 12) -> dict[str, Any]:
    """GitHub's document of a pull request; a repository that is gone is None."""
    return {
        "pull_request": {
            "number": number,
            "head": {"repo": {"full_name": head} if head else None},
            "base": {"repo": {"full_name": "acme/builds"}},
        }
    }


def of(environ: dict[str, str], event: dict[str, Any] | None = None, **asked: Any) -> Place | Nowhere:
    return place(Asked(**asked), environ, event or {})


def test_a_job_of_a_pull_request():
    """The event has the number; the ref has it too."""
    expected = Place(Forge.GITHUB, "https://api.github.com", "acme/builds", 12)
    assert of({**HUB, "GITHUB_REF": "refs/heads/main"}, pull()) == expected
    assert of(HUB) == expected
    assert str(expected) == "acme/builds#12"


@pytest.mark.parametrize(("head", "fork"), [("acme/builds", False), ("mallory/builds", True), (None, True)])
def test_a_pull_request_from_another_repository_is_a_fork_s(head: str | None, fork: bool):
    """Also where that one is gone."""
    found = of(HUB, pull(head))
    assert isinstance(found, Place)
    assert found.fork is fork


def test_a_comment_on_a_pull_request_is_about_it_and_one_on_an_issue_is_not():
    """GitHub has both as an issue."""
    environ = {**HUB, "GITHUB_EVENT_NAME": "issue_comment", "GITHUB_REF": "refs/heads/main"}
    found = of(environ, {"issue": {"number": 9, "pull_request": {"url": "…"}}})
    assert isinstance(found, Place)
    assert found.request == 9
    assert isinstance(of(environ, {"issue": {"number": 9}}), Nowhere)


@pytest.mark.parametrize(
    "event",
    [
        {},
        pull(number="12"),
        pull(number=True),
        pull(number=-1),
        {"pull_request": 7},
        {"issue": [], "pull_request": None},
    ],
)
def test_an_event_without_a_number_is_none(event: dict[str, Any]):
    """A push, a schedule, or nonsense: there is nowhere to comment, and the message says what started the job."""
    found = of({**HUB, "GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "push"}, event)
    assert found == Nowhere("this job is not one of a pull request (it was started by push)")


def test_a_job_of_a_merge_request():
    """The number is one of the project that the request is for, wherever the job runs."""
    found = of(LAB)
    assert found == Place(Forge.GITLAB, "https://gitlab.acme.example/api/v4", "7", 12)
    assert str(found) == "7!12"
    forked = {**LAB, "CI_PROJECT_ID": "99", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99"}
    assert of(forked) == Place(Forge.GITLAB, "https://gitlab.acme.example/api/v4", "7", 12, fork=True)


@pytest.mark.parametrize("number", ["9" * 5_000, "٣", "²", "0", "-1", ""])
def test_what_is_no_number_of_a_request_is_none(number: str):
    """Whatever the environment says, there is no traceback."""
    assert isinstance(of({**HUB, "GITHUB_REF": f"refs/pull/{number}/merge"}), Nowhere)
    assert isinstance(of({**LAB, "CI_MERGE_REQUEST_IID": number}), Nowhere)


def test_another_request_than_the_job_s_is_nobody_s_fork():
    """Named by a flag, it is one that somebody means to comment on."""
    forked = {**LAB, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99"}
    for found in (of(HUB, pull("mallory/builds"), request=5), of(forked, request=5)):
        assert isinstance(found, Place)
        assert (found.request, found.fork) == (5, False)


def test_a_pipeline_of_a_branch_is_nowhere():
    """Nor is any other machine."""
    branch = {k: v for k, v in LAB.items() if "MERGE_REQUEST" not in k} | {"CI_PIPELINE_SOURCE": "push"}
    assert of(branch) == Nowhere("this job is not one of a merge request (it was started by push)")
    assert isinstance(of({}), Nowhere)
    assert isinstance(of({"CI": "true", "JENKINS_URL": "x"}), Nowhere)


def test_flags_beat_the_environment():
    """Jenkins has neither's variables: all of it is told."""
    asked = {"forge": "gitlab", "request": 5, "repository": "a.b/c/d-e", "api": "https://git.example/api/v4/"}
    expected = Place(Forge.GITLAB, "https://git.example/api/v4", "a.b/c/d-e", 5)
    assert of({}, **asked) == of(HUB, pull(), **asked) == of(LAB, **asked) == expected
    bare = of({}, forge="github", request=5, repository="a/b")
    assert bare == Place(Forge.GITHUB, "https://api.github.com", "a/b", 5)
    with pytest.raises(UsageError, match="needs to know where"):
        of({}, request=5)


@pytest.mark.parametrize(
    "repository", ["", "builds", "a/b/c", "a/b?x", "a/..", "../b", "a b/c", "https://github.com/a/b", "a/b#", "a/b\n"]
)
def test_a_name_that_would_lead_elsewhere_is_none(repository: str):
    """On GitHub, OWNER/NAME and nothing else."""
    with pytest.raises(UsageError, match="not known which repository") as told:
        of({}, forge="github", request=5, repository=repository)
    assert "OWNER/NAME" in told.value.hint


@pytest.mark.parametrize("repository", ["", "a", "a/../b", "a/./b", "a//b", "/a/b", "7/", "a/b?c=d"])
def test_a_project_s_name_that_would_lead_elsewhere_is_none(repository: str):
    """On GitLab, a number or a path."""
    with pytest.raises(UsageError, match="not known which repository"):
        of({"GITLAB_CI": "true"}, request=5, repository=repository)


@pytest.mark.parametrize(
    ("api", "words"),
    [
        ("api.github.com", "not a usable address"),
        ("ftp://x/y", "not a usable address"),
        ("https://", "not a usable address"),
        ("https://[x", "not a usable address"),
        ("https://x:99999", "not a usable address"),
        ("https://x/y?z", "not a usable address"),
        ("https://user:secret@x/y", "has a user or a password"),
        ("http://git.example/api/v4", "without encryption"),
    ],
)
def test_an_address_that_a_token_should_not_go_to_is_refused(api: str, words: str):
    """And what could be a password is not repeated."""
    with pytest.raises(UsageError, match=words) as told:
        of(HUB, api=api)
    assert "secret" not in told.value.message + told.value.hint


def test_plain_http_can_be_allowed():
    """Where the network between is one's own; on this machine it is anyway."""
    assert isinstance(of({**LAB, "RECONCILER_FORGE_ALLOW_HTTP": "yes"}, api="http://git.example/api/v4"), Place)
    assert isinstance(of(LAB, api="http://127.0.0.1:8080/api/v4"), Place)


def test_our_own_variable_beats_the_forge_s_and_a_file_beats_both():
    """A GitLab job's own token is not taken, nor the other forge's."""
    environ = {"RECONCILER_FORGE_TOKEN": " ours\n", "GITHUB_TOKEN": "hub", "GITLAB_TOKEN": "lab", "CI_JOB_TOKEN": "job"}
    assert [account(forge, environ).headers for forge in Forge] == [
        {"Authorization": "Bearer ours"},
        {"PRIVATE-TOKEN": "ours"},
    ]
    del environ["RECONCILER_FORGE_TOKEN"]
    assert [account(forge, environ).source for forge in Forge] == ["GITHUB_TOKEN", "GITLAB_TOKEN"]
    assert account(Forge.GITLAB, environ).headers == {"PRIVATE-TOKEN": "lab"}
    found = account(Forge.GITLAB, environ, "filed\n", "token.txt")
    assert (found.source, found.headers) == ("the file token.txt", {"PRIVATE-TOKEN": "filed"})
    assert account(Forge.GITLAB, {"CI_JOB_TOKEN": "job", "GITHUB_TOKEN": "hub", "GITLAB_TOKEN": " "}) is None


@pytest.mark.parametrize("token", ["two words", "a\nb", "töken", "x\x00y"])
def test_what_cannot_be_a_token_is_refused_and_not_repeated(token: str):
    """It would break a header."""
    for found in (
        lambda: account(Forge.GITHUB, {"GITHUB_TOKEN": token}),
        lambda: account(Forge.GITHUB, {}, token, "f"),
    ):
        with pytest.raises(UsageError, match="no token has") as told:
            found()
        assert token not in told.value.message + told.value.hint


def test_an_empty_token_file_is_an_error():
    """It was named: another token is not taken in its place."""
    with pytest.raises(UsageError, match=r"the file token\.txt is empty"):
        account(Forge.GITHUB, {"GITHUB_TOKEN": "hub"}, "\n", "token.txt")
