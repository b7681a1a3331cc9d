"""What is peculiar to GitHub, and to GitLab: accounts, closed conversations, system notes, lines that are commands."""

from __future__ import annotations

import pytest

from reconciler.forge.post import Ending, post
from reconciler.model.errors import NotPermitted, UsageError
from tests.forge.github_server import User
from tests.forge.worlds import TOKEN, World


def test_an_app_on_github_is_known_by_its_kind_and_a_person_by_name(hub: World):
    """A job's token has no user: comments of bots are its; a person's token has one."""
    mark = "<!-- reconciler: company -->"
    hub.server.add(f"{mark}\ngone", None)
    hub.server.add(f"{mark}\nof a person", {"login": "ann", "type": "User", "id": 3})
    assert hub.post("one").ending is Ending.CREATED
    hub.server.users[TOKEN] = User({"login": "ann", "type": "User", "id": 3}, app=False)
    assert hub.post("two").ending is Ending.UPDATED
    assert hub.said() == ["gone", "two", "one"]


def test_a_bot_s_comment_that_is_not_ours_to_change_is_left(hub: World):
    """Another application's: 403, and ours is created beside it; the next run updates ours."""
    hub.server.add("<!-- reconciler: company -->\nanother", {"login": "other[bot]", "type": "Bot", "id": 9})
    assert hub.post("one").ending is Ending.CREATED
    assert hub.post("two").ending is Ending.UPDATED
    assert hub.said() == ["another", "two"]


def test_a_job_that_may_only_read_is_77_and_says_what_to_give_it(hub: World):
    """The token of a job without the right, or from a fork."""
    hub.server.users[TOKEN].writes = False
    with pytest.raises(NotPermitted, match="may not do that") as told:
        hub.post("one")
    assert "pull-requests: write" in told.value.hint


@pytest.mark.parametrize(("what", "words"), [("locked", "is locked"), ("archived", "is archived")])
def test_a_place_that_is_closed_is_told_as_such(hub: World, what: str, words: str):
    """Nobody may write there, whatever the token."""
    setattr(hub.server, what, True)
    with pytest.raises(NotPermitted, match=words):
        hub.post("one")


def test_a_locked_conversation_still_takes_an_update(hub: World):
    """As GitHub does for whoever wrote the comment."""
    hub.post("one")
    hub.server.locked = True
    assert hub.post("two").ending is Ending.UPDATED


def test_a_renamed_repository_is_told(hub: World):
    """GitHub answers 301."""
    hub.server.repository, hub.server.moved = "acme/new", "acme/builds"
    with pytest.raises(UsageError, match="sent elsewhere") as told:
        hub.post("one")
    assert "--repository" in told.value.hint


def test_the_end_of_the_count_of_requests_is_waited_for(hub: World):
    """`X-RateLimit-Remaining: 0` on an answer that is good stops nothing."""
    hub.server.remaining = 0
    assert hub.post("one").ending is Ending.CREATED
    assert hub.hands.waited == []


def test_notes_of_the_system_are_no_comments(lab: World):
    """Though they come in the same list, and in front."""
    for _ in range(120):
        lab.server.add("added 1 commit", 1, system=True)
    lab.server.add("<!-- reconciler: company -->\nby the system", 1, system=True)
    assert lab.post("one").ending is Ending.CREATED
    assert lab.post("two").ending is Ending.UPDATED


def test_no_text_is_carried_out_by_gitlab(lab: World):
    """A line with a slash is a command there, in a fence of tildes too; the stand-in carries one out that it gets."""
    lab.server.add(lab.server._carry_out("/merge\n"))
    assert lab.server.carried_out == ["merge"]
    text = "/close\ntext\n/merge now\n~~~\n/approve\n~~~\n```diff\n/assign @me\n```\n````\n```\n/merge\n````\n"
    assert lab.post(text).ending is Ending.CREATED
    assert lab.server.carried_out == ["merge"]
    assert lab.post(text).ending is Ending.LEFT
    assert "\\/close" in lab.said()[-1]
    assert "~~~\n /approve\n~~~" in lab.said()[-1]


def test_a_token_of_gitlab_without_its_scope_is_77(lab: World):
    """It may read and not write."""
    lab.server.accounts[TOKEN].api = False
    with pytest.raises(NotPermitted, match="may not do that") as told:
        lab.post("one")
    assert "scope `api`" in told.value.hint


def test_a_project_is_named_by_number_or_path(lab: World):
    """A path is one segment."""
    place = type(lab.place)(lab.forge, lab.server.url, "7", 12)
    assert post(place, lab.account, "company", "one", lab.hands.timing).ending is Ending.CREATED
    assert lab.post("one").ending is Ending.LEFT
    assert "/projects/acme%2Fbuilds/" in lab.server.requests[-2].path
