"""Where a comment goes, and as whom: read from the environment of a CI's job, or told by flags.

    environment, event, flags ── place ──► Place, or Nowhere with its reason
    environment, file's token ── account ──► Account

Nothing is asked here. A pull request's event is the document that GitHub writes for a job. In GitLab, a merge request
from a fork runs in the fork's project, and its number is one of the project that it is for.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from reconciler.model.errors import UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

ALLOW_HTTP = "RECONCILER_FORGE_ALLOW_HTTP"
TOKEN = "RECONCILER_FORGE_TOKEN"

_NUMBER = r"[0-9]{1,18}"
_REF = re.compile(rf"refs/pull/({_NUMBER})/\w+")
_GITHUB = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
_GITLAB = re.compile(r"\d+|[\w.+-]+(/[\w.+-]+)+")
_TOKEN = re.compile(r"[!-~]+")


class Forge(enum.Enum):
    """Who keeps the requests."""

    GITHUB = "github"
    GITLAB = "gitlab"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says; None where it does not.

    Attributes:
        forge: "github" or "gitlab".
        request: number of the pull or merge request.
        repository: OWNER/NAME, or the number or path of a GitLab project.
        api: URL of the API.
    """

    forge: str | None = None
    request: int | None = None
    repository: str | None = None
    api: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A pull or merge request.

    Attributes:
        api: base URL of the API, without a slash at the end.
        repository: OWNER/NAME, or the number or path of a GitLab project.
        fork: the request comes from another repository, so that its job has no right to write.
    """

    forge: Forge
    api: str
    repository: str
    request: int
    fork: bool = False

    def __str__(self) -> str:
        return f"{self.repository}{'#' if self.forge is Forge.GITHUB else '!'}{self.request}"

    @property
    def host(self) -> str:
        """The API's host and port, as messages name it."""
        return urlsplit(self.api).netloc


@dataclass(frozen=True, slots=True)
class Nowhere:
    """There is no pull or merge request, and why."""

    reason: str


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """As whom we go: a token, which no message repeats, and where it comes from."""

    source: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: str = ""

    def repeated_in(self, text: str) -> bool:
        """Tell whether a text has the token in it."""
        return bool(self.secret) and self.secret in text


def place(asked: Asked, environ: Mapping[str, str], event: Mapping[str, Any]) -> Place | Nowhere:
    """Find the pull or merge request.

    Args:
        asked: what the command line says; it beats the environment.
        environ: of the job.
        event: GitHub's document of what started it; {} where there is none.

    Raises:
        UsageError: what is said makes no sense, or is not enough.
    """
    forge = _forge(asked, environ)
    if forge is None and asked.request is None:
        return Nowhere("this is no job of GitHub Actions or GitLab")
    if forge is None:
        raise UsageError("--request needs to know where", "add --forge github or --forge gitlab, and --repository")
    found = _github(asked, environ, event) if forge is Forge.GITHUB else _gitlab(asked, environ)
    if isinstance(found, Place):
        _check(found, environ)
    return found


def _forge(asked: Asked, environ: Mapping[str, str]) -> Forge | None:
    if asked.forge:
        return Forge(asked.forge)
    if environ.get("GITLAB_CI") == "true":
        return Forge.GITLAB
    return Forge.GITHUB if environ.get("GITHUB_ACTIONS") == "true" else None


def _github(asked: Asked, environ: Mapping[str, str], event: Mapping[str, Any]) -> Place | Nowhere:
    pull = _object(event, "pull_request")
    issue = _object(event, "issue")
    number = asked.request or _number(pull, "number") or (_number(issue, "number") if "pull_request" in issue else 0)
    ref = _REF.fullmatch(environ.get("GITHUB_REF", ""))
    number = number or (int(ref[1]) if ref else 0)
    if not number:
        return Nowhere(f"this job is not one of a pull request{_because(environ.get('GITHUB_EVENT_NAME', ''))}")
    repository = asked.repository or environ.get("GITHUB_REPOSITORY", "")
    api = asked.api or environ.get("GITHUB_API_URL") or "https://api.github.com"
    own = number == _number(pull, "number") and not asked.repository
    return Place(Forge.GITHUB, api.rstrip("/"), repository, number, own and _is_fork(pull))


def _is_fork(pull: Mapping[str, Any]) -> bool:
    """Tell whether a pull request comes from another repository; one that is gone was another one."""
    head, base = _object(pull, "head"), _object(pull, "base")
    return bool(head) and _object(head, "repo").get("full_name") != _object(base, "repo").get("full_name")


def _gitlab(asked: Asked, environ: Mapping[str, str]) -> Place | Nowhere:
    given = environ.get("CI_MERGE_REQUEST_IID", "")
    number = asked.request or (int(given) if re.fullmatch(_NUMBER, given) else 0)
    if not number:
        return Nowhere(f"this job is not one of a merge request{_because(environ.get('CI_PIPELINE_SOURCE', ''))}")
    target = environ.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "")
    repository = asked.repository or target or environ.get("CI_PROJECT_ID", "")
    api = asked.api or environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4"
    forked = bool(target and source) and target != source and not (asked.request or asked.repository)
    return Place(Forge.GITLAB, api.rstrip("/"), repository, number, forked)


def _because(event: str) -> str:
    return f" (it was started by {event})" if re.fullmatch(r"\w+", event) else ""


def _check(found: Place, environ: Mapping[str, str]) -> None:
    """Make sure that a token goes where it should, and no name leads to another address. Raises UsageError."""
    form = _GITHUB if found.forge is Forge.GITHUB else _GITLAB
    if not form.fullmatch(found.repository) or any(part in (".", "..") for part in found.repository.split("/")):
        what = "OWNER/NAME" if found.forge is Forge.GITHUB else "the project's number or path"
        raise UsageError("it is not known which repository the comment is for", f"name it with --repository: {what}")
    try:
        parts = urlsplit(found.api)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or parts.query or parts.fragment:
        raise UsageError("the API's URL is not a usable address", "write https://HOST/PATH into --api")
    if parts.username is not None or parts.password is not None:
        raise UsageError(f"the API's URL at {host} has a user or a password in it", f"leave them out, and set {TOKEN}")
    if parts.scheme == "http" and host not in LOOPBACK and not environ.get(ALLOW_HTTP):
        raise UsageError(
            f"{host} would be reached without encryption, and the token with it",
            f"write https://, or set {ALLOW_HTTP}=yes where the network between is your own",
        )


def account(forge: Forge, environ: Mapping[str, str], text: str = "", file: str = "") -> Account | None:
    """Find the token: of a file, else RECONCILER_FORGE_TOKEN, else GITHUB_TOKEN or GITLAB_TOKEN; None without one.

    Args:
        forge: whose.
        environ: of the job. A GitLab job's own CI_JOB_TOKEN may not write comments, and is not taken.
        text: what a token file says.
        file: its name for messages; "" where none was named.

    Raises:
        UsageError: what there is cannot be a token; it is not repeated.
    """
    source, token = file and f"the file {file}", text.strip()
    for name in () if file else (TOKEN, f"{forge.name}_TOKEN"):
        if not token:
            source, token = name, environ.get(name, "").strip()
    if not token and not file:
        return None
    if not _TOKEN.fullmatch(token):
        what = "is empty" if not token else "has a space, a line break or a letter that no token has"
        raise UsageError(f"{source} {what}", "let it be the token alone")
    headers = {"Authorization": f"Bearer {token}"} if forge is Forge.GITHUB else {"PRIVATE-TOKEN": token}
    return Account(source, headers, token)


def _object(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _number(document: Mapping[str, Any], key: str) -> int:
    value = document.get(key)
    return value if type(value) is int and value > 0 else 0
