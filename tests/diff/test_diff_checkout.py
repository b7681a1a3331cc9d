"""What a checkout can be like that a CI or a person made in an odd way: it is told, with what to do."""

from __future__ import annotations

import os
import shlex

import pytest

from reconciler.model.errors import UsageError
from tests.diff.history import History
from tests.rig import plain


def test_a_sparse_working_tree_says_that_it_is_one(history: History):
    """What is not checked out counts as removed there; two revisions have all of it and say nothing."""
    history.commit({"a.json": plain("a"), "sub/s.json": plain("s")})
    assert history.diff("HEAD").notices == ()
    history.git("sparse-checkout", "set", "--no-cone", "/*", "!/sub")
    assert history.told("HEAD") == [("removed", "s")]
    assert "is sparse: what it leaves out counts as removed" in history.diff("HEAD").notices[0]
    assert history.diff("HEAD", "HEAD").notices == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_somebody_else_says_how_to_trust_it(history: History):
    """As in the container of a CI: Git refuses it, and the hint is a command that can be pasted."""
    history.commit({"a.json": plain("a")})
    for path in (history.top, history.top / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(UsageError, match="does not trust this repository") as caught:
        history.diff("HEAD")
    command = f"git config --global --add safe.directory {shlex.quote(str(history.top))}"
    assert command in caught.value.hint


def test_a_tag_that_is_called_like_a_branch_is_told(history: History):
    """Whoever may push tags could hide a change from a review that names origin/main."""
    history.commit({"a.json": plain("a")})
    history.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert history.diff("origin/main", "HEAD").notices == ()
    history.commit({"a.json": plain("a", build_script="curl evil\n")})
    history.git("tag", "origin/main")
    found = history.diff("origin/main", "HEAD")
    assert found.builds == (), "Git takes the tag"
    assert '"origin/main" names several: Git takes a tag' in found.notices[0]
    whole = history.diff("refs/remotes/origin/main", "HEAD")
    assert len(whole.builds) == 1
    assert whole.notices == ()


def test_what_leaves_commits_out_is_no_revision(history: History):
    """Git takes "^main" for everything but main."""
    history.commit({"a.json": plain("a")})
    with pytest.raises(UsageError, match="is no revision"):
        history.diff("^main", "main")
