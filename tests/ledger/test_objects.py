"""The ledger in an object store by itself: its objects, its clock, its credentials, and what it says when it cannot."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.ledger.answer import heard
from reconciler.ledger.credentials import s3_config
from reconciler.ledger.home import Held, Lost
from reconciler.ledger.objects import ObjectHome, folder_of
from reconciler.model.errors import LedgerError
from tests.ledger.contract import SERVER, ticket
from tests.ledger.fault_proxy import Fault, FaultProxy
from tests.ledger.small_s3 import KEYS, SmallS3
from tests.ledger.stores import FAITHFUL, REAL, home_at, running


@pytest.fixture
def store():
    with SmallS3() as store:
        yield store


# Objects -------------------------------------------------------------------------------------------------


def test_a_person_finds_what_is_whose(store):
    """Server and project are in the names; the document is there as it is, behind one line of JSON."""
    home = home_at(store.environ)
    home.take("yaml", ticket("1", home))
    home.write("yaml", '{"format": 2}', None, "1")
    folder = "ours/zadig.example-410d752d96c9"
    assert sorted(store.objects) == [f"{folder}/clock", f"{folder}/yaml.json", f"{folder}/yaml.lock.json"]
    head, document = store.objects[f"{folder}/yaml.json"][0].decode().split("\n")
    assert document == '{"format": 2}'
    assert json.loads(head)["ledger"] == 1
    lock = json.loads(store.objects[f"{folder}/yaml.lock.json"][0])
    assert lock["ticket"]["holder"] == "ann@far"


def test_servers_have_folders_of_their_own():
    """Also those whose readable part is the same."""
    urls = ["https://z.example", "http://z.example", "https://z.example/", "https://z.example/a", "https://Z.example"]
    assert len({folder_of(url) for url in urls}) == len(urls)
    assert folder_of("https://zadig.example:8443/a/b?c").startswith("zadig.example-8443-a-b-c-")
    assert "/" not in folder_of("https://x/../..")


NAMES = st.lists(
    st.text(min_size=1, max_size=12) | st.sampled_from(["x", "x.lock", "x.json", "..", "%2E"]), unique=True
)


@settings(max_examples=20, deadline=None)
@given(NAMES.map(lambda names: [name for name in names if name.isprintable()]))
def test_any_project_has_a_text_and_a_lock_of_its_own(names):
    """Whatever projects are called, each finds its own again, and the list has their very names."""
    with SmallS3() as store:
        home = home_at(store.environ)
        for name in names:
            home.write(name, f"of {name}", None, "")
            home.take(name, ticket(f"lock of {name}", home))
        assert home.projects() == sorted(names)
        assert [home.read(name).text for name in names] == [f"of {name}" for name in names]
        assert [home.holder(name).id for name in names] == [f"lock of {name}" for name in names]


def test_whoever_reads_writes_nothing(store):
    """Reading, listing and looking at a lock send GET and HEAD, and nothing else."""
    writer = home_at(store.environ)
    writer.write("yaml", "text", None, "")
    writer.take("yaml", ticket("1", writer))
    store.requests.clear()
    home = home_at(store.environ)
    home.read("yaml"), home.read("shop"), home.projects(), home.holder("yaml"), home.holder("shop")
    assert {method for method, _ in store.requests} == {"GET"}
    assert len(store.requests) == 5


def test_a_document_that_a_person_put_there_is_read(store):
    """Restored by hand from a copy of the text alone; the next write puts its line in front of it."""
    store.objects[f"ours/{folder_of(SERVER)}/yaml.json"] = (b'{"format": 2}', 0.0)
    home = home_at(store.environ)
    there = home.read("yaml")
    assert there.text == '{"format": 2}'
    home.write("yaml", "more", there.version, "")
    assert home.read("yaml").text == "more"


def test_what_is_damaged_is_said_to_be_and_left(store):
    """A document that is no text, a lock that is no lock: named, and not replaced by anything."""
    folder = f"ours/{folder_of(SERVER)}"
    store.objects[f"{folder}/yaml.json"] = (b"\xff\xfe", 0.0)
    store.objects[f"{folder}/yaml.lock.json"] = (b"{}", 0.0)
    home = home_at(store.environ)
    with pytest.raises(LedgerError) as caught:
        home.read("yaml")
    assert "damaged" in caught.value.message
    assert caught.value.hint == "put an earlier version of that object back"
    with pytest.raises(LedgerError) as caught:
        home.take("yaml", ticket("1", home))
    key = f"{folder}/yaml.lock.json"
    assert caught.value.message == 'the lock of project "yaml" in s3://led/ours cannot be read'
    assert caught.value.hint == f"see that no run is at it, then delete s3://led/{key}"
    assert store.objects[f"{folder}/yaml.json"][0] == b"\xff\xfe"


def test_a_ticket_of_a_newer_version_is_read(store):
    """What is not known of it is left out; what it lacks has its usual value."""
    home = home_at(store.environ)
    kept = {"ticket": {"id": "1", "mood": "good"}, "lease": None, "was": "", "given_back": False}
    store.objects[f"ours/{folder_of(SERVER)}/yaml.lock.json"] = (json.dumps(kept).encode(), 0.0)
    assert home.holder("yaml").id == "1"


def test_a_project_that_was_only_fenced_is_not_in_the_list(store):
    """The object that fences a project without a text is no text."""
    home = home_at(store.environ)
    home.take("yaml", ticket("1", home, until=0.0))
    home.take("yaml", ticket("2", home))
    home.release("yaml", "2")
    assert len(store.objects) == 3
    assert home.projects() == []
    assert home.read("yaml").text == ""


# The clock -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fast", [-7200.0, 7200.0], ids=["two hours behind", "two hours ahead"])
@pytest.mark.parametrize("whose", ["the holder's", "the other's", "the store's"])
def test_no_clock_has_to_agree_with_another(store, whose, fast):
    """A lock that is held stays held, and one whose time is over becomes free, whoever's clock is wrong."""
    store.skew = fast if whose == "the store's" else 0.0
    clock = {"the holder's": lambda: time.time() + fast}
    holder = home_at(store.environ, now=clock.get(whose, time.time))
    other = home_at(store.environ, now=(lambda: time.time() + fast) if whose == "the other's" else time.time)
    now = holder._now()
    holder.take("yaml", ticket("1", holder, since=now, until=now + 60))
    with pytest.raises(Held):
        other.take("yaml", ticket("2", other))
    store.skew += 70
    other.take("yaml", ticket("2", other))
    with pytest.raises(Lost):
        holder.renew("yaml", ticket("1", holder))


def test_a_lock_is_held_for_its_whole_time(store):
    """Up to its last second, and from its renewal on again; after that it is free within two seconds."""
    ann, bob = home_at(store.environ), home_at(store.environ)
    ann.take("yaml", ticket("1", ann, until=time.time() + 60))
    store.skew = 59
    with pytest.raises(Held):
        bob.take("yaml", ticket("2", bob))
    ann.renew("yaml", ticket("1", ann, until=time.time() + 60))
    store.skew = 59 + 59
    with pytest.raises(Held):
        bob.take("yaml", ticket("2", bob))
    store.skew = 59 + 62
    bob.take("yaml", ticket("2", bob))


def test_a_reader_takes_a_lock_for_held_a_minute_longer(store):
    """It may not ask the store for its time, and rather shows a lock that has expired than hides one that is held."""
    home = home_at(store.environ)
    home.take("yaml", ticket("1", home, until=time.time() - 30))
    assert home.holder("yaml").id == "1"
    home.renew("yaml", ticket("1", home, until=time.time() - 90))
    assert home.holder("yaml") is None


# What it says --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://key:secret@led/ours", "the URL of the ledger holds more than a bucket and a prefix"),
        ("s3://led/ours?access_key=secret", "the URL of the ledger holds more than a bucket and a prefix"),
        ("s3://led/ours#secret", "the URL of the ledger holds more than a bucket and a prefix"),
        ("s3:///ours", "s3:///ours names no place in an object store"),
        ("s3://led/a//b", "s3://led/a//b names no place in an object store"),
        ("s3://led/../b", "s3://led/../b names no place in an object store"),
    ],
)
def test_a_url_that_names_no_place_is_refused(url, message):
    """And one that holds credentials is not repeated."""
    with pytest.raises(LedgerError) as caught:
        ObjectHome(url, SERVER, environ=KEYS)
    assert caught.value.message == message
    assert "secret" not in caught.value.hint


def test_a_place_is_named_without_its_last_slash(store):
    """So that the same place reads the same."""
    assert home_at(store.environ, "a/b/").place == "s3://led/a/b"
    assert ObjectHome("s3://led", SERVER, environ=store.environ).place == "s3://led"


@pytest.mark.parametrize("real", FAITHFUL)
def test_a_bucket_that_is_not_there_is_no_empty_ledger(real, tmp_path):
    """A slip in the bucket's name must not read as `nothing is ours`; nor does it end as a conflict for ever."""
    with running(real, tmp_path) as server:
        home = ObjectHome("s3://lde/ours", SERVER, environ=server.environ, patience=1.0)
        for call in (
            lambda: home.read("yaml"),
            lambda: home.holder("yaml"),
            lambda: home.write("yaml", "text", None, ""),
            lambda: home.take("yaml", ticket("1", home)),
            home.projects,
        ):
            with pytest.raises(LedgerError) as caught:
                call()
            assert caught.value.message == "the ledger s3://lde/ours cannot be used: there is no such bucket"
            assert caught.value.hint == "make the bucket, or correct --ledger"


@pytest.mark.s3
@pytest.mark.skipif(not REAL, reason="no real server is installed: docs/ledger-s3.md")
@pytest.mark.parametrize("real", REAL[:1] or [""])
def test_a_wrong_key_is_said_and_not_shown(real, tmp_path):
    """A real server answers it with what was signed; nothing of that reaches the message."""
    with running(real, tmp_path) as server:
        for wrong in ({"AWS_SECRET_ACCESS_KEY": "not-the-secret"}, {"AWS_ACCESS_KEY_ID": "AKNOBODY"}):
            home = ObjectHome("s3://led/ours", SERVER, environ={**server.environ, **wrong}, patience=1.0)
            with pytest.raises(LedgerError) as caught:
                home.read("yaml")
            said = "404 XAdminUserNotFound" if "AWS_ACCESS_KEY_ID" in wrong else "403 SignatureDoesNotMatch"
            assert caught.value.message == f"the ledger s3://led/ours cannot be used: the store answers {said}"
            assert caught.value.hint == "correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"


def test_a_gateway_that_finds_nothing_is_no_empty_ledger(store):
    """404 is also what a proxy says of a path, and some stores of an unknown key: only the store's own word counts."""
    with FaultProxy(store.url) as proxy:
        home = home_at({**store.environ, "AWS_ENDPOINT_URL": proxy.url})
        proxy.faults = [Fault("GET", "", "404", "NotFound")]
        with pytest.raises(LedgerError, match="the store answers 404 NotFound"):
            home.read("yaml")
        assert home.read("yaml").text == ""


def test_a_store_without_versions_is_refused(store):
    """Whatever answers without a tag is no object store that a ledger can live in: a login page, say."""
    home = home_at(store.environ)
    home.write("yaml", "text", None, "")
    store.tags = False
    with pytest.raises(LedgerError, match="gives no version of what it holds"):
        home.read("yaml")


def test_nothing_listens_there(store):
    """The address is said, for it is the first thing to look at; a password in it is not."""
    environ = {**store.environ, "AWS_ENDPOINT_URL": "http://user:secret@127.0.0.1:9"}
    home = home_at(environ, patience=0.2)
    with pytest.raises(LedgerError) as caught:
        home.read("yaml")
    assert caught.value.message == "the ledger s3://led/ours cannot be used: the store does not answer"
    assert caught.value.hint == "see whether the store at http://127.0.0.1:9 is up and AWS_ENDPOINT_URL is right"


GET = "Generic S3 error: Error performing GET https://key:secret@s3.example/led/x in 1ms - "


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        (
            GET + "HTTP error: error sending request\n\nDebug source: InvalidCertificate(X)",
            "trusted",
            "SSL_",
        ),
        (
            "Error performing PUT http://169.254.169.254/latest/api in 1s - HTTP error: x",
            "credentials",
            "AWS_PROF",
        ),
        (GET + "Server returned non-2xx status code: 403 Forbidden: <Code>AccessDenied</Code>", "", "s3:ListBucket"),
        (GET + "Server returned non-2xx status code: 501 : <Code>NotImplemented</Code>", "", "If-Match"),
        (GET + "Server returned non-2xx status code: 403 : <Code>RequestTimeTooSkewed</Code>", "", "clock"),
        ("Received redirect without LOCATION, this normally indicates", "", "AWS_REGION"),
        ("DeleteObjects request failed for key p/x: Access Denied (code: AccessDenied)", "", "s3:DeleteObject"),
        ("Unable to extract metadata from headers: ETag Header missing from response", "", ""),
    ],
)
def test_what_does_not_pass_by_itself_is_said_at_once_with_what_to_do(text, why, hint):
    """The texts are the library's; no address and no dump of theirs is in what is said."""
    answer = heard(text)
    assert not answer.passing
    assert why in answer.hopeless
    assert hint in answer.hint
    assert "secret" not in f"{answer}{answer.hopeless}{answer.hint}"


def test_without_the_library_it_is_said_what_to_install():
    """The file ledger needs none of it, and nothing is loaded before a place in a store is named."""
    script = (
        "import sys; sys.modules['obstore'] = None\n"
        "from reconciler.ledger.objects import ObjectHome\n"
        "from reconciler.model.errors import LedgerError\n"
        "try: ObjectHome('s3://led/ours', 'https://z', environ={})\n"
        "except LedgerError as error: print(error.message, '/', error.hint)\n"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=root)
    assert told.stdout == (
        "a ledger in an object store needs a library that is not installed / pip install 'zadig-reconciler[ledger]'\n"
    )


# Credentials ---------------------------------------------------------------------------------------------


def profiles(folder: Path, config: str = "", keys: str = "", **environ: str) -> dict[str, str]:
    """Write both files of AWS, and return an environment that has them at home."""
    (folder / ".aws").mkdir()
    (folder / ".aws" / "config").write_text(config)
    (folder / ".aws" / "credentials").write_text(keys)
    return {"HOME": str(folder), **environ}


TWO = """
[default]
aws_access_key_id = D
aws_secret_access_key = d
[ci]
aws_access_key_id = C
aws_secret_access_key = c
"""


def test_keys_of_the_environment_beat_every_profile(tmp_path):
    """A runner's variables are what CI sets; of the profile only region and endpoint remain."""
    environ = profiles(tmp_path, "[default]\nregion = eu-west-1\n", TWO, **KEYS)
    del environ["AWS_REGION"]
    assert s3_config(environ) == {
        "aws_access_key_id": KEYS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": KEYS["AWS_SECRET_ACCESS_KEY"],
        "aws_region": "eu-west-1",
    }


def test_a_profile_is_read_from_both_files(tmp_path):
    """The one that is named, else the default one; variables beat its region and endpoint."""
    config = "[profile ci]\nregion = eu-west-1\nendpoint_url = http://s3.example\n"
    environ = profiles(tmp_path, config, TWO)
    assert s3_config(environ)["aws_access_key_id"] == "D"
    assert s3_config({**environ, "AWS_PROFILE": "ci"}) == {
        "aws_access_key_id": "C",
        "aws_secret_access_key": "c",
        "aws_region": "eu-west-1",
        "aws_endpoint_url": "http://s3.example",
    }
    assert s3_config({**environ, "AWS_PROFILE": "ci", "AWS_REGION": "us-east-2"})["aws_region"] == "us-east-2"
    assert "aws_region" not in s3_config({**environ, "AWS_PROFILE": "ci", "AWS_DEFAULT_REGION": "us-east-2"})


def test_a_profile_that_cannot_be_used_is_said(tmp_path):
    """Not there, or without keys of its own, with the command that gets them; a broken file by its name."""
    config = "[profile sso]\nsso_session = work\n[profile role]\nrole_arn = arn:x\nsource_profile = default\n"
    environ = profiles(tmp_path, config, TWO)
    with pytest.raises(LedgerError, match='there is no AWS profile "nobody"'):
        s3_config({**environ, "AWS_PROFILE": "nobody"})
    for name in ("sso", "role"):
        with pytest.raises(LedgerError) as caught:
            s3_config({**environ, "AWS_PROFILE": name})
        assert caught.value.hint == f'run: eval "$(aws configure export-credentials --profile {name} --format env)"'
    (tmp_path / ".aws" / "credentials").write_text("no section\n")
    with pytest.raises(LedgerError, match="is no file of AWS profiles"):
        s3_config(environ)


def test_the_keys_of_a_profile_open_the_store(store, tmp_path):
    """What is read is what is signed with."""
    keys = f"[ci]\naws_access_key_id = {KEYS['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = x\n"
    environ = profiles(tmp_path, "", keys, AWS_PROFILE="ci", AWS_ENDPOINT_URL=store.url)
    home = home_at(environ)
    home.write("yaml", "text", None, "")
    assert home.read("yaml").text == "text"
