"""Repositories of a request body in the stored form."""

from __future__ import annotations

from .documents import REPOSITORY
from .exchange import Document
from .refusals import CrashError, MissingError
from .world import World

OTHER = "other"


class ConversionError(Exception):
    """A body that refers to something that is not there, or asks for what is not known; the text is the answer's."""


def present(items: list[Document | None] | None) -> list[Document]:
    """The elements of a list; a `null` among them crashes the server's handler (recording 06)."""
    documents = []
    for item in items or ():
        if item is None:
            raise CrashError("null in a list")
        documents.append(item)
    return documents


def stored_repositories(world: World, sent: list[Document | None] | None) -> list[Document]:
    """Every repository in the stored form, in order; raises ConversionError for an unknown code host.

    They are taken one by one, so an unknown code host before a `null` is the one that is told.
    """
    stored = []
    for item in sent or ():
        if item is None:
            raise CrashError("null in a list")
        stored.append(_stored(world, item))
    return stored


def _stored(world: World, sent: Document) -> Document:
    alias = sent["codehost_name"]
    try:
        host = world.code_host(alias)
    except MissingError as error:
        raise ConversionError(
            "failed to convert user repository input info into system repository, "
            f"codehostName: [{alias}], repoName[{sent['repo_name']}], "
            f"err: failed to find codehost with name [{alias}], error is: {error}"
        ) from None
    owner, name = sent["repo_namespace"], sent["repo_name"]
    document = {
        "source": host["type"],
        "repo_owner": without_slashes(owner) if host["type"] == OTHER else owner,
        "repo_namespace": owner,
        "repo_name": without_slashes(name) if host["type"] == OTHER else name,
        "codehost_id": host["id"],
    }
    copied = ("branch", "pr", "prs", "enable_commit", "commit_id", "remote_name", "submodules", "checkout_path")
    shown: Document = REPOSITORY.show(document | {key: sent[key] for key in copied})
    return shown


def without_slashes(text: str) -> str:
    """A text without one slash at each end (the contract's section 1, recording 21)."""
    return text.removeprefix("/").removesuffix("/")
