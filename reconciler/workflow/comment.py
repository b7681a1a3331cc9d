"""`comment`: a page on its way to the pull or merge request that the job is about.

FILE ──► page        environment, flags ──► place, account        tree ──► mark        ──► Posted, or Skipped
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconciler.config import tree_of
from reconciler.definitions.files import reason
from reconciler.forge.place import TOKEN, Account, Asked, Forge, Nowhere, Place, account, place
from reconciler.forge.post import Ending, Posted, post
from reconciler.forge.wire import Closed, Timing
from reconciler.model.errors import BadToken, NotPermitted, UsageError

__all__ = ["Asked", "Commented", "Ending", "Request", "Skipped", "Timing", "comment"]

_LARGEST = 64 * 1024 * 1024
_LARGEST_TOKEN = 65_536


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for.

    Attributes:
        file: the Markdown's file; "-" is the standard input.
        path: a tree, or a folder or file in it; None for the current directory.
        tree: the tree's name, so that none is looked for.
        token_file: file that holds the token.
        required: nothing that keeps the comment from being posted is all right.
    """

    file: str
    path: str | None = None
    tree: str | None = None
    asked: Asked = field(default_factory=Asked)
    token_file: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Commented:
    """A comment that says what it should, and where."""

    posted: Posted
    place: Place


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing was posted, and that is all right: a sentence, and what to do where it is not."""

    reason: str
    hint: str = ""


def comment(
    request: Request, environ: Mapping[str, str], cwd: str, timing: Timing | None = None
) -> Commented | Skipped:
    """Post or update the comment of a tree.

    Args:
        request: what is asked for.
        environ: the environment.
        cwd: absolute path of the current directory.
        timing: limits, and the passing of time.

    Raises:
        UsageError: a flag or a file makes no sense; with `required` also: this is no pull or merge request.
        InvalidDefinitions: the tree's `reconciler.yaml` has problems.
        ServerError: the other side does not answer as it should.
        NotPermitted: there is no token, or it may not comment.
    """
    markdown = _page(request.file, cwd)
    tree = request.tree or tree_of(request.path, cwd)
    found = place(request.asked, environ, _event(environ))
    if isinstance(found, Nowhere):
        return _nowhere(found, request.required)
    who = _account(found, request, environ, cwd)
    try:
        if who is None:
            raise _no_token(found)
        return Commented(post(found, who, tree, markdown, timing), found)
    except BadToken:
        raise
    except NotPermitted as error:
        if request.required or not (found.fork or isinstance(error, Closed)):
            raise
        why = "" if isinstance(error, Closed) else "; the job of a request from a fork has no right to write comments"
        return Skipped(f"{error.message}{why}", "" if found.fork else error.hint)


def _nowhere(found: Nowhere, required: bool) -> Skipped:
    hint = "name the place with --forge, --repository and --request"
    if required:
        raise UsageError(f"there is nowhere to comment: {found.reason}", hint)
    return Skipped(found.reason, hint)


def _no_token(found: Place) -> NotPermitted:
    """Return the error of a job that has no token."""
    if found.forge is Forge.GITHUB:
        return NotPermitted(
            f"there is no token to comment on {found} with",
            "give the step `env: GITHUB_TOKEN: ${{ github.token }}`, and the job `permissions: pull-requests: write`",
        )
    return NotPermitted(
        f"there is no token to comment on {found} with; a job's own CI_JOB_TOKEN may not write comments",
        f"put a project access token (scope `api`, role Reporter) into the variable {TOKEN}; one that is protected"
        " is not there in a merge request",
    )


def _account(found: Place, request: Request, environ: Mapping[str, str], cwd: str) -> Account | None:
    if request.token_file is None:
        return account(found.forge, environ)
    name = request.token_file
    try:
        with Path(cwd, name).open("rb") as file:
            text = file.read(_LARGEST_TOKEN).decode("utf-8", "replace")
    except OSError as error:
        raise UsageError(f"the token file {name} cannot be read: {reason(error)}", "check --token-file") from None
    return account(found.forge, environ, text, name)


def _page(file: str, cwd: str) -> str:
    """Read the Markdown. Raises UsageError where it cannot be read, or there is nothing in it."""
    name = "the standard input" if file == "-" else file
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_LARGEST)
        else:
            with Path(cwd, file).open("rb") as stream:
                data = stream.read(_LARGEST)
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {reason(error)}", "name a file of Markdown, or - for stdin") from None
    text = data.decode("utf-8-sig", "replace")
    if not text.strip():
        raise UsageError(f"{name} is empty: there is nothing to comment", "did what should have written it fail?")
    return text


def _event(environ: Mapping[str, str]) -> Mapping[str, Any]:
    """Read GitHub's document of what started the job; {} where there is none that can be read."""
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path or not os.path.isfile(path):  # noqa: PTH113 - a path from the environment may hold what Path refuses
        return {}
    try:
        document = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, Mapping) else {}
