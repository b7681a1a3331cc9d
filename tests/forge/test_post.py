"""One comment per tree, at both forges: over pages, beside strangers and other runs, through whatever goes wrong."""

from __future__ import annotations

import gzip
import threading

import pytest

from reconciler.forge.place import Account
from reconciler.forge.post import Ending, post
from reconciler.forge.site import site_of
from reconciler.forge.wire import Timing, Wire
from reconciler.model.errors import BadToken, NotPermitted, ReconcilerError, ServerError, UsageError
from tests.forge.forge_server import BROKEN_AFTER, LOST_AFTER, LOST_BEFORE, PROXY, Reply, reply
from tests.forge.github_server import GitHubServer
from tests.forge.worlds import TOKEN, World


def test_the_first_run_creates_the_next_updates_and_one_without_news_leaves_it(world: World):
    """There is one comment all the time, and the third run sends nothing that writes."""
    assert world.post("one\n").ending is Ending.CREATED
    assert world.post("two\n").ending is Ending.UPDATED
    assert world.server.writes() == ["POST", world.update]
    assert world.post("two\n").ending is Ending.LEFT
    assert world.server.writes() == ["POST", world.update]
    assert world.said() == ["two"]


def test_each_tree_has_its_own_comment(world: World):
    """Names that begin alike, that end a hidden remark, or that are no ASCII are kept apart."""
    trees = ["a", "a b", "a --> b", "-", "--", "公司", "a/b", "%2D"]
    for tree in trees:
        world.post(f"about {tree}", tree)
    for tree in trees:
        assert world.post(f"about {tree}", tree).ending is Ending.LEFT
    assert len(world.server.bodies()) == len(trees)
    assert all(body.split("\n")[0].count("-->") == 1 for body in world.server.bodies())


@pytest.mark.parametrize("before", [0, 99, 100, 250])
def test_ours_is_found_on_whatever_page_it_is(world: World, before: int):
    """Strangers' comments, also right at the edge of a page, come before it."""
    for number in range(before):
        world.somebody(f"comment {number}")
    world.post("one")
    for number in range(30):
        world.somebody(f"later {number}")
    assert world.post("two").ending is Ending.UPDATED
    assert world.said() == ["two"]


def test_a_comment_that_only_quotes_ours_or_is_a_strangers_is_never_changed(world: World):
    """The mark counts as the first line of our own account's comment, though we could change others: they could too."""
    mark = "<!-- reconciler: company -->"
    bodies = [f"{mark}\nplanted", f"> {mark}\n> quoted", f"see this:\n{mark}\nlater", f"{mark[:-1]}"]
    for body in bodies:
        world.somebody(body)
    if isinstance(world.server, GitHubServer):
        world.server.users[TOKEN].edits = True
    else:
        world.server.accounts[TOKEN].maintains = True
    world.ourselves(f"> {mark}\nwe quote")
    assert world.post("ours").ending is Ending.CREATED
    assert world.post("ours, again").ending is Ending.UPDATED
    assert world.server.bodies() == [*bodies, f"> {mark}\nwe quote", f"{mark}\nours, again\n"]


def test_ends_of_lines_and_of_the_text_are_no_news(world: World):
    """The other side may keep them as it likes."""
    world.ourselves("<!-- reconciler: company -->\r\none\r\ntwo")
    assert world.post("one\ntwo\n\n").ending is Ending.LEFT
    assert world.server.writes() == []


@pytest.mark.parametrize(
    "lost", [LOST_AFTER, BROKEN_AFTER, LOST_BEFORE, reply(500, {}), reply(503, {}, Retry_After="3")]
)
def test_a_lost_answer_to_a_create_never_makes_a_second_comment(world: World, lost):
    """The list is read again before anything else is sent."""
    world.server.fault("POST", lost)
    assert world.post("one").ending is Ending.CREATED
    assert world.said() == ["one"]
    assert world.server.writes() == (["POST"] if lost.carry_out else ["POST", "POST"])
    methods = [seen.method for seen in world.server.requests]
    assert "GET" in methods[methods.index("POST") + 1 :]


@pytest.mark.parametrize("lost", [LOST_AFTER, BROKEN_AFTER, LOST_BEFORE, reply(502, "<html>")])
def test_a_lost_answer_to_an_update_is_looked_after_too(world: World, lost):
    """What was done is not sent again, what was not is."""
    world.post("one")
    world.server.fault(world.update, lost)
    assert world.post("two").ending is Ending.UPDATED
    assert world.said() == ["two"]
    assert world.server.writes() == ["POST", world.update] + ([] if lost.carry_out else [world.update])


def test_a_comment_that_goes_away_meanwhile_is_made_again(world: World):
    """Between the list and the update somebody deletes it: 404."""
    id = world.post("one").id

    def delete(seen) -> None:
        if seen.method == world.update:
            world.remove(id)

    world.server.between = delete
    assert world.post("two").ending is Ending.CREATED
    assert world.said() == ["two"]


def test_of_two_comments_the_older_one_is_kept_up(world: World):
    """Two runs at once may make two; the next one updates the first, and the other is left."""
    first = world.ourselves("<!-- reconciler: company -->\none of run A")
    world.ourselves("<!-- reconciler: company -->\none of run B")
    posted = world.post("two")
    assert (posted.ending, posted.id) == (Ending.UPDATED, first)
    assert world.said() == ["two", "one of run B"]


def test_runs_at_once_settle_on_one_comment(world: World):
    """However many they make, all of the later runs write the same one."""
    threads = [
        threading.Thread(target=lambda: post(world.place, world.account, "company", "same", Timing())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = world.server.writes().count("POST")
    assert made >= 1
    assert world.post("new").ending is Ending.UPDATED
    assert world.post("newer").ending is Ending.UPDATED
    assert world.said() == ["newer", *["same"] * (made - 1)]


@pytest.mark.parametrize(
    "limit",
    [
        reply(429, {"message": "429"}, Retry_After="7"),
        reply(429, "Retry later", Retry_After="7"),
        reply(403, {"message": "You have exceeded a secondary rate limit."}, Retry_After="7"),
        reply(403, {"message": "API rate limit exceeded"}, X_RateLimit_Remaining="0", X_RateLimit_Reset="1700000007"),
        reply(429, {}, Retry_After="Tue, 14 Nov 2023 22:13:27 GMT"),
    ],
)
def test_limits_are_waited_for_as_long_as_they_say(world: World, limit):
    """In front of a list, a create and an update; the request was not carried out, and is sent again."""
    world.server.fault("GET", limit)
    world.server.fault("POST", limit)
    assert world.post("one").ending is Ending.CREATED
    world.server.fault(world.update, limit)
    assert world.post("two").ending is Ending.UPDATED
    assert world.said() == ["two"]
    assert world.hands.waited[0] == 7.0


def test_a_limit_that_says_nothing_is_waited_for_a_minute(world: World):
    """As GitHub's guide has it."""
    world.server.fault("POST", reply(403, {"message": "You have exceeded a secondary rate limit"}))
    world.post("one")
    assert world.hands.waited == [60.0]


def test_a_limit_beyond_our_patience_is_told_at_once(world: World):
    """Nobody waits for an hour: the message says when."""
    world.server.fault("GET", reply(429, {}, Retry_After="1800"))
    with pytest.raises(ServerError, match="too many requests") as told:
        world.post("one")
    assert told.value.hint == "run again in 1800 seconds"
    assert world.hands.waited == []


@pytest.mark.parametrize("value", ["9" * 400, "²", "soon", "-1", ""])
def test_a_limit_with_a_strange_number_ends_no_run_with_a_traceback(world: World, value: str):
    """Whatever stands in the header."""
    world.server.fault("GET", reply(429, {}, **{"Retry_After": value.encode().decode("latin-1")}))
    try:
        assert world.post("one").ending is Ending.CREATED
    except ServerError as told:
        assert "too many requests" in told.message


def test_reads_are_repeated_and_give_up(world: World):
    """Five times more, with growing waits; nothing was written."""
    world.server.fault("GET", *[reply(502, "<html>")] * 6)
    with pytest.raises(ServerError, match="HTTP 502") as told:
        world.post("one")
    assert told.value.exit_code == 69
    assert world.hands.waited == [1, 2, 4, 8, 16]
    assert world.server.writes() == []
    assert world.post("one").ending is Ending.CREATED


@pytest.mark.parametrize(
    "page",
    [
        PROXY,
        reply(200, {"message": "hello"}),
        reply(200, [7]),
        reply(200, [{"body": "x"}]),
        reply(200, [{"id": "x", "user": 7, "author": 7}]),
        reply(200, '[{"id": 1e999, "body": "x", "user": {}, "author": {}}]'),
        reply(200, "[" * 100_000),
        reply(200, "null"),
    ],
)
def test_a_page_that_no_forge_answers_is_told_as_such(world: World, page):
    """A proxy's login above all: exit 69, and nothing is written."""
    world.server.fault("GET", page)
    with pytest.raises(ServerError, match="answers what no Git") as told:
        world.post("one")
    assert told.value.exit_code == 69
    assert world.server.writes() == []


@pytest.mark.parametrize("page", [PROXY, reply(200, {}), reply(200, "null"), reply(201, '{"id": 1e999}')])
def test_a_write_is_done_only_where_a_comment_comes_back(world: World, page):
    """A proxy's page says 200 too: the list is read again."""
    world.server.fault("POST", page)
    assert world.post("one").ending is Ending.CREATED
    world.server.fault(world.update, page)
    assert world.post("two").ending is Ending.UPDATED
    assert world.said() == ["two"]
    world.server.fault(world.update, *[page] * 9)
    with pytest.raises(ServerError, match="answers what no forge answers"):
        world.post("three")


def test_a_list_without_an_end_makes_no_comment(world: World):
    """Each run would make another one, since ours is never found; pages are counted, not followed."""
    rows = [{"id": 5, "body": "x", "user": {"login": "ann"}, "author": {"id": 5}}]
    page = reply(200, rows, Link='<https://elsewhere.example/steal>; rel="next"', X_Next_Page="1")
    world.server.fault("GET", *[page] * 300)
    with pytest.raises(ServerError, match="more than 200 pages"):
        world.post("one")
    assert world.server.writes() == []
    assert len(world.server.requests) == 200


def test_an_answer_that_is_packed_twice_is_none(world: World):
    """64 KB of it could be 64 GB; one that is packed once is read."""
    packed = gzip.compress(b"[]")
    world.server.fault("GET", *[Reply(200, gzip.compress(packed), {"Content-Encoding": "gzip, gzip"})] * 9)
    with pytest.raises(ServerError, match="packed more than once"):
        world.post("one")
    world.server.faults.clear()
    world.server.fault("GET", Reply(200, packed, {"Content-Encoding": "gzip"}))
    assert world.post("one").ending is Ending.CREATED


def test_nobody_is_followed_with_a_token(world: World):
    """A redirect is told, without where to."""
    world.server.fault("GET", reply(302, "", Location="https://elsewhere.example/steal"))
    with pytest.raises(UsageError, match="sent elsewhere") as told:
        world.post("one")
    assert "elsewhere.example" not in told.value.message + told.value.hint
    assert len(world.server.requests) == 1


def test_a_token_that_nobody_knows_is_77(world: World):
    """And where it comes from is named, not what it is."""
    other = Account("the variable", {k: v.replace(TOKEN, "wrong-token") for k, v in world.account.headers.items()})
    with pytest.raises(BadToken, match="does not accept the variable") as told:
        post(world.place, other, "company", "one", world.hands.timing)
    assert told.value.exit_code == 77


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 429, 500, 503])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_message_repeats_what_the_other_side_says(world: World, status: int, method: str):
    """A server that echoes the headers of a request would tell the token."""
    echo = reply(status, {"message": f"refused {TOKEN}", "error": TOKEN}, Retry_After="9999")
    world.server.fault(method, *[echo] * 9)
    with pytest.raises(ReconcilerError) as told:
        world.post("one")
    assert TOKEN not in told.value.message + told.value.hint + repr(told.value)
    assert any(TOKEN in repr(seen.headers) for seen in world.server.requests)


def test_a_text_that_holds_the_token_is_not_posted(world: World):
    """Whoever printed it into the report is told before anybody reads it."""
    with pytest.raises(UsageError, match="holds RECONCILER_FORGE_TOKEN") as told:
        world.post(f"env\n{TOKEN}\n")
    assert TOKEN not in told.value.message + told.value.hint
    assert world.server.requests == []


def test_the_account_does_not_print_its_token(world: World):
    """It has no repr that could."""
    assert TOKEN not in repr(world.account) + str(world.account)
    assert TOKEN in str(world.account.headers)


def test_a_request_that_is_not_there_is_77(world: World):
    """It may be that the token cannot see it."""
    world.server.fault("GET", reply(404, {"message": "404 Not found"}))
    with pytest.raises(NotPermitted, match="the token may not see it"):
        world.post("one")


def test_a_server_that_is_not_there_is_69(world: World):
    """After all tries."""
    place = type(world.place)(world.forge, "http://127.0.0.1:9", "acme/builds", 12)
    with pytest.raises(ServerError, match="cannot connect") as told:
        post(place, world.account, "company", "one", world.hands.timing)
    assert told.value.exit_code == 69


@pytest.mark.parametrize(
    "api", ["https://-ä..com", "https://xn--/", "https://x/\x01", "https://x/a\tb", f"https://{'x' * 70_000}"]
)
def test_an_address_that_only_looks_like_one_is_64(world: World, api: str):
    """What no request can be sent to is told before any is."""
    with pytest.raises(UsageError, match="not a usable address"):
        post(
            type(world.place)(world.forge, api, "acme/builds", 12), world.account, "company", "one", world.hands.timing
        )


@pytest.mark.parametrize("proxy", ["http://[::1", "\x01", f"http://{'x' * 70_000}"])
def test_a_proxy_that_is_no_address_is_69(world: World, proxy: str, monkeypatch: pytest.MonkeyPatch):
    """The environment is named, and nothing of what stands in it."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    place = type(world.place)(world.forge, "https://git.example", "acme/builds", 12)
    with pytest.raises(ServerError, match=r"the way to git\.example cannot be set up") as told:
        post(place, world.account, "company", "one", world.hands.timing)
    assert "HTTPS_PROXY" in told.value.hint
    assert proxy not in told.value.message


def test_a_text_that_is_refused_is_told_as_such(world: World):
    """Not as a wrong address."""
    world.server.fault("POST", reply(422, {"message": "Validation Failed"}))
    with pytest.raises(ServerError, match="HTTP 422") as told:
        world.post("one")
    assert "does not take this text" in told.value.hint


def test_a_long_text_fits_exactly_once_it_is_cut(world: World):
    """At 300 and 100,000 lines: the other side's limit is kept, and the next run leaves it alone."""
    text = "".join(f"line {number} {'x' * 20}\n" for number in range(100_000))
    assert world.post("".join(text.splitlines(keepends=True)[:300])).ending is Ending.CREATED
    assert "left out" not in world.said()[0]
    assert world.post(text).ending is Ending.UPDATED
    assert "of 100,000 lines are left out here" in world.said()[0]
    limit = 65_536 if world.update == "PATCH" else 1_000_000
    assert limit - 200 < len(world.server.bodies()[0]) <= limit
    assert world.post(text).ending is Ending.LEFT


def test_one_character_more_would_have_been_refused(world: World):
    """The stand-ins hold the limits, so that the test above can fail."""
    wire = Wire(world.place, world.account, world.hands.timing)
    limit = 65_536 if world.update == "PATCH" else 1_000_000
    path = site_of(world.place).comments
    assert wire.ask("POST", path, "x" * limit).status == 201
    assert wire.ask("POST", path, "x" * (limit + 1)).status in (400, 422)
    wire.close()
