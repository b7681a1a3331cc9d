"""The ledger in a file: nothing is lost between processes, nothing secret is in it, a lock is as good as its holder."""

from __future__ import annotations

import base64
import json
import os
import socket
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.ledger import codec
from reconciler.ledger.home import Ticket
from reconciler.ledger.ledger import Ledger, ReadLedger
from reconciler.ledger.sqlite import LEASE, SqliteHome
from reconciler.model.build import CHOICE_VALUE, CODE_HOST_TYPE, DEFAULT, Build, Element
from reconciler.model.errors import LedgerError, Locked
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Type
from reconciler.model.live import Stamps
from reconciler.model.record import Document, Intent, Record, Written
from reconciler.model.secret import Secret
from tests.ledger_file import file_ledger

ROOT = Path(__file__).parents[1]
SERVER = "https://zadig.example"
CANARY = "ledger-canary"


def opened(path: Path, *, writable: bool = True, **more) -> Ledger:
    return file_ledger(path, SERVER, writable=writable, **more)


def record(name: str = "api", **values) -> Record:
    return Record("tree", Build(Kind.PLAIN, "yaml", name, values), frozenset(values), frozenset(), Stamps(1, "admin"))


def noted(document: Document, name: str) -> Document:
    return replace(document, records={**document.records, name: record(name, timeout=1)})


# Between processes ---------------------------------------------------------------------------------------

WRITER = """
import sys
from dataclasses import replace
from tests.ledger_file import file_ledger
from tests.test_ledger import noted
path, who, count = sys.argv[1:]
with file_ledger(path, "https://zadig.example", writable=True) as ledger:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(count)):
        ledger.change("yaml", lambda document: noted(document, f"{who}-{number}"))
"""


def process(code: str, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


def go(run: subprocess.Popen[str]) -> None:
    assert run.stdin is not None
    run.stdin.write("go\n")
    run.stdin.flush()


def ready(run: subprocess.Popen[str]) -> None:
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"


def test_processes_that_write_at_once_lose_no_record(tmp_path: Path):
    """Three processes, eight changes each, all of them begun while the others write."""
    path = tmp_path / "ledger.db"
    runs = [process(WRITER, str(path), str(who), "8") for who in range(3)]
    for run in runs:
        ready(run)
    for run in runs:
        go(run)
    for run in runs:
        run.communicate()
        assert run.returncode == 0
    with opened(path, writable=False) as ledger:
        names = set(ledger.read("yaml").records)
    assert names == {f"{who}-{number}" for who in range(3) for number in range(8)}


def test_a_change_that_fails_in_the_middle_changes_nothing(tmp_path: Path):
    """One transaction: before or after, never between; and the ledger goes on working."""

    def fails(document: Document) -> Document:
        noted(document, "lost")
        raise KeyboardInterrupt

    with opened(tmp_path / "ledger.db") as ledger:
        ledger.change("yaml", lambda document: noted(document, "kept"))
        with pytest.raises(KeyboardInterrupt):
            ledger.change("yaml", fails)
        assert set(ledger.read("yaml").records) == {"kept"}
        ledger.change("yaml", lambda document: noted(document, "more"))
        assert set(ledger.read("yaml").records) == {"kept", "more"}


FULL = """
import resource, sys
from dataclasses import replace
from tests.ledger_file import file_ledger
from reconciler.model.errors import LedgerError
with file_ledger(sys.argv[1], "http://zadig.example", writable=True) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        ledger.change("yaml", lambda document: replace(document, digest_key="x" * 200_000))
    except LedgerError as error:
        print(error.message)
"""


def test_a_full_disk_is_told_as_one(tmp_path: Path):
    """What the library says first is what the reader gets, not what came of cleaning up after it."""
    path = tmp_path / "ledger.db"
    with opened(path) as ledger:
        ledger.change("yaml", lambda document: noted(document, "kept"))
    told, _ = process(FULL, str(path)).communicate()
    assert "cannot be used: " in told
    assert "rollback" not in told
    with opened(path, writable=False) as ledger:
        assert set(ledger.read("yaml").records) == {"kept"}


def test_servers_and_projects_do_not_mix(tmp_path: Path):
    """A document belongs to one server and one project."""
    path = tmp_path / "ledger.db"
    with opened(path) as ledger, file_ledger(str(path), "https://other", writable=True) as other:
        ledger.change("yaml", lambda document: noted(document, "here"))
        assert set(ledger.read("yaml").records) == {"here"}
        assert ledger.read("shop") == other.read("yaml") == Document()


def test_the_key_of_plan_digests_is_made_once(tmp_path: Path):
    """32 random bytes for each document, and the same ones from then on."""
    with opened(tmp_path / "ledger.db") as ledger:
        ledger.change("yaml", lambda document: document)
        ledger.change("shop", lambda document: document)
        key = ledger.read("yaml").digest_key
        ledger.change("yaml", lambda document: noted(document, "a"))
        assert ledger.read("yaml").digest_key == key
        assert len(bytes.fromhex(key)) == 32
        assert ledger.read("shop").digest_key != key


# Files ---------------------------------------------------------------------------------------------------


def test_reading_creates_nothing(tmp_path: Path):
    """Neither the file nor its folder; what is not there is empty, and cannot be changed."""
    with opened(tmp_path / "state" / "ledger.db", writable=False) as ledger:
        assert ledger.read("yaml") == Document()
        with pytest.raises(LedgerError, match="for reading only"):
            ledger.change("yaml", lambda document: document)
    assert not hasattr(ReadLedger, "change")
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_is_ignored_by_git_and_closed_to_others(tmp_path: Path):
    """The folder gets a `.gitignore` for everything in it; a folder that is there is left as it is."""
    with opened(tmp_path / "made" / "ledger.db"):
        pass
    assert (tmp_path / "made" / ".gitignore").read_text() == "*\n"
    assert (tmp_path / "made").stat().st_mode & 0o077 == 0
    (tmp_path / "there").mkdir()
    with opened(tmp_path / "there" / "ledger.db"):
        pass
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["ledger.db"]


def test_git_does_not_see_the_ledger(tmp_path: Path):
    """In a repository without any ignore file of its own."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    with opened(tmp_path / ".reconciler" / "ledger.db") as ledger:
        ledger.change("yaml", lambda document: document)
    (tmp_path / "seen.yaml").touch()
    status = subprocess.run(["git", "-C", tmp_path, "status", "--short"], check=True, capture_output=True, text=True)
    assert status.stdout == "?? seen.yaml\n"


def written(path: Path) -> bytes:
    with opened(path) as ledger:
        for number in range(40):
            ledger.change("yaml", lambda document, n=number: noted(document, f"build-{n}"))
    return path.read_bytes()


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("damage", ["garbage", "text", "half", "head", "folder"])
def test_a_damaged_file_is_told_and_left_as_it_is(tmp_path: Path, damage: str, writable: bool):
    """LedgerError with the path and a way out, from opening or from the first use; not a byte is changed."""
    path = tmp_path / "ledger.db"
    whole = written(path)
    assert len(whole) > 8192
    if damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        content = {"garbage": os.urandom(4096), "text": b"no database\n" * 50, "half": whole[: len(whole) // 2]}
        path.write_bytes(content.get(damage, whole[:100]))
    before = None if damage == "folder" else path.read_bytes()
    with pytest.raises(LedgerError) as caught, opened(path, writable=writable) as ledger:
        ledger.read("yaml")
    assert str(path) in caught.value.message
    assert caught.value.hint
    assert caught.value.exit_code == 1
    assert before is None or path.read_bytes() == before


def test_an_empty_file_is_an_empty_ledger(tmp_path: Path):
    """What a run leaves that was killed between making the file and writing to it."""
    path = tmp_path / "ledger.db"
    path.touch()
    with opened(path, writable=False) as ledger:
        assert ledger.read("yaml") == Document()
    with opened(path) as ledger:
        ledger.change("yaml", lambda document: noted(document, "a"))
        assert set(ledger.read("yaml").records) == {"a"}


def put(path: Path, body: str) -> None:
    with opened(path) as ledger:
        ledger.change("yaml", lambda document: noted(document, "a"))
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE documents SET body = ?", (body,))
    db.close()


def test_a_newer_format_is_refused_and_not_overwritten(tmp_path: Path):
    """The message names both formats; neither a reading nor a writing run touches the document."""
    path = tmp_path / "ledger.db"
    body = json.dumps({"format": codec.FORMAT + 1, "digest_key": "", "records": [], "novelty": {}})
    put(path, body)
    with opened(path) as ledger:
        for use in (lambda: ledger.read("yaml"), lambda: ledger.change("yaml", lambda document: document)):
            with pytest.raises(LedgerError, match=f"format {codec.FORMAT + 1}.* up to {codec.FORMAT}") as caught:
                use()
            assert caught.value.hint == "upgrade reconciler"
    db = sqlite3.connect(path)
    assert db.execute("SELECT body FROM documents").fetchone() == (body,)
    db.close()


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]", "7", "null", '"text"', "{}", '{"format": "1"}', '{"format": 1, "records": [], "intents": {}}',
     '{"format": 1, "digest_key": "", "records": {"a": {}}, "intents": {}}',
     '{"format": 1, "digest_key": "", "records": {"a": 7}, "intents": {}}',
     '{"format": null, "digest_key": "", "records": {}, "intents": {}}'],
)  # fmt: skip
def test_a_damaged_document_is_told(tmp_path: Path, body: str):
    """LedgerError, whatever stands there instead of a document."""
    put(tmp_path / "ledger.db", body)
    with opened(tmp_path / "ledger.db", writable=False) as ledger, pytest.raises(LedgerError, match="damaged"):
        ledger.read("yaml")


# Locks ---------------------------------------------------------------------------------------------------

HOLDER = """
import sys
from tests.ledger_file import file_ledger
ledger = file_ledger(sys.argv[1], "https://zadig.example", writable=True)
ledger.lock(["yaml", "shop"])
print("ready", flush=True)
sys.stdin.readline()
"""


def test_a_lock_is_held_as_long_as_its_process_lives(tmp_path: Path):
    """Locked names the holder and the process; once that is gone from this machine the lock is free."""
    path = tmp_path / "ledger.db"
    run = process(HOLDER, str(path))
    ready(run)
    with opened(path) as ledger:
        with pytest.raises(Locked) as caught:
            ledger.lock(["other", "yaml"])
        assert f"process {run.pid}" in caught.value.message
        assert f"@{socket.gethostname()}" in caught.value.message
        assert (caught.value.exit_code, bool(caught.value.hint)) == (75, True)
        with opened(path) as second:
            second.lock(["other"])
            second.unlock()
        run.kill()
        run.communicate()
        ledger.lock(["other", "yaml", "shop"])
        ledger.unlock()


def hold(path: Path, ticket: Ticket) -> None:
    home = SqliteHome(str(path), SERVER, writable=True)
    home.take("yaml", ticket)
    home.close()


def locks(path: Path) -> dict[str, Ticket]:
    """What lies there, expired or not."""
    db = sqlite3.connect(path)
    rows = db.execute("SELECT project, ticket FROM locks").fetchall()
    db.close()
    return {project: Ticket(**json.loads(text)) for project, text in rows}


def test_a_lock_of_another_machine_is_held_until_it_expires(tmp_path: Path):
    """Its process cannot be looked at, so only time frees it."""
    path, now = tmp_path / "ledger.db", [1000.0]
    hold(path, Ticket("1", "ann@far", since=900.0, until=1000 + LEASE, pid=1))
    with opened(path, now=lambda: now[0]) as ledger:
        with pytest.raises(Locked, match="ann@far"):
            ledger.lock(["yaml"])
        now[0] += LEASE - 1
        with pytest.raises(Locked, match="ann@far"):
            ledger.lock(["yaml"])
        now[0] += 1
        ledger.lock(["yaml"])


def test_what_is_locked_stays_so_for_others_until_it_is_given_back(tmp_path: Path):
    """Whoever asks whether the lock is still ours renews it; giving it back frees it at once."""
    path, now = tmp_path / "ledger.db", [1000.0]
    with opened(path, now=lambda: now[0]) as ledger:
        ledger.lock(["yaml"])
        now[0] += LEASE - 1
        assert ledger.lost() is None
        assert locks(path)["yaml"].until == now[0] + LEASE
        ledger.unlock()
        assert locks(path) == {}


def test_locks_are_taken_all_or_none(tmp_path: Path):
    """A run over several projects that finds one of them locked leaves the others free."""
    path = tmp_path / "ledger.db"
    hold(path, Ticket("1", "ann@far", until=9e12))
    with opened(path) as ledger:
        with pytest.raises(Locked):
            ledger.lock(["zebra", "yaml", "alpha"])
        assert locks(path).keys() == {"yaml"}


# What is in it -------------------------------------------------------------------------------------------

_TEXT = st.text(max_size=8)
_VALUES = {
    Type.INTEGER: st.integers(-(2**40), 2**40),
    Type.BOOLEAN: st.booleans(),
    Type.STRINGS: st.lists(_TEXT, max_size=3).map(tuple),
    Type.BLOCK: st.booleans(),
}


def values_of(rows: tuple[Row, ...]) -> st.SearchStrategy:
    """Any values of a level: every field may be there, null, or absent."""
    return st.fixed_dictionaries({}, optional={row.path: value_of(row) for row in rows})


def value_of(row: Row) -> st.SearchStrategy:
    if isinstance(row, Elements):
        element = st.tuples(_TEXT, values_of(row.rows)).map(lambda pair: Element(*pair))
        return st.one_of(st.just(DEFAULT), st.lists(element, max_size=2).map(tuple))
    return st.one_of(st.just(DEFAULT), _VALUES.get(row.type, _TEXT))


def builds() -> st.SearchStrategy:
    return st.sampled_from(Kind).flatmap(
        lambda kind: st.builds(Build, st.just(kind), _TEXT, _TEXT, values_of(ROWS[kind]))
    )


_NAMES = st.frozensets(_TEXT, max_size=3)
_RECORDS = st.builds(
    Record, tree=_TEXT, build=builds(), declared=_NAMES, secrets=_NAMES,
    stamps=st.builds(Stamps, st.integers(0, 2**40), _TEXT), image_id=_TEXT, exact=st.booleans(),
    when=st.integers(0, 2**40), commit=_TEXT, author=_TEXT, job=_TEXT, prevent_destroy=st.booleans(),
)  # fmt: skip
_INTENTS = st.builds(Intent, _RECORDS, st.lists(builds(), max_size=2).map(tuple))
_DOCUMENTS = st.builds(
    Document,
    st.dictionaries(_TEXT, _RECORDS, max_size=2),
    st.dictionaries(_TEXT, _INTENTS, max_size=1),
    _TEXT,
    written=st.builds(Written, st.integers(0, 2**40), _TEXT, _TEXT, _TEXT, _TEXT, _TEXT),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(_DOCUMENTS)
def test_what_is_written_is_read(document: Document):
    """Every kind of value in every place of the table, and the same bytes for the same document."""
    text = codec.dump(document)
    assert codec.load(text) == document
    assert codec.dump(codec.load(text)) == text


def full(kind: Kind) -> Build:
    """A build with every field of the table, credentials by their type."""

    def level(rows: tuple[Row, ...]) -> dict:
        return {row.path: value(row) for row in rows}

    def value(row: Row):
        if isinstance(row, Elements):
            marks = {CODE_HOST_TYPE: "gitlab"} if row.path == "repo_info" else {}
            marks |= {CHOICE_VALUE: ("a", "b")} if row.path == "inputs" else {}
            return (Element("one", {**level(row.rows), **marks}), Element("two", level(row.rows)))
        if isinstance(row, Leaf) and row.secret:
            return Secret(CANARY)
        return {Type.INTEGER: 7, Type.BOOLEAN: False, Type.STRINGS: ("x", "y"), Type.BLOCK: True}.get(row.type, "text")

    return Build(kind, "yaml", "full", level(ROWS[kind]))


def without_secrets(build: Build) -> Build:
    def strip(values) -> dict:
        return {path: inside(value) for path, value in values.items() if not isinstance(value, Secret)}

    def inside(value):
        if not isinstance(value, tuple):
            return value
        return tuple(Element(e.key, strip(e.values)) if isinstance(e, Element) else e for e in value)

    return replace(build, values=strip(build.values))


@pytest.mark.parametrize("kind", list(Kind))
def test_a_build_with_every_field_comes_back_without_its_secrets(tmp_path: Path, kind: Kind):
    """Every field as it was, types included; of a secret the mark, and in no byte of the file its value."""
    secrets = frozenset({"parameters[one].default_value"})
    whole = Record(
        "tree",
        full(kind),
        frozenset({"a.b"}),
        secrets,
        Stamps(5, "admin"),
        "image",
        False,
        9,
        "c0ffee",
        "ann",
        "https://ci/7",
        True,
    )
    path = tmp_path / "ledger.db"
    with opened(path) as ledger:
        ledger.change(
            "yaml", lambda d: replace(d, records={"full": whole}, intents={"full": Intent(whole, (full(kind),))})
        )
    with opened(path, writable=False) as ledger:
        document = ledger.read("yaml")
    expected = replace(whole, build=without_secrets(whole.build))
    assert document.records == {"full": expected}
    assert document.intents == {"full": Intent(expected, (expected.build,))}
    assert in_order(document.records["full"].build.values) == in_order(expected.build.values)
    assert any(isinstance(value, Secret) for value in flat(full(kind)))
    content = path.read_bytes()
    for form in (CANARY, base64.b64encode(CANARY.encode()).decode().rstrip("="), "(sensitive)"):
        assert form.encode() not in content
    assert b"parameters[one].default_value" in content


def in_order(values) -> str:
    """Values with their types, the order of keys left aside: True is not 1, a tuple is no list."""
    return repr([(key, _in_order(values[key])) for key in sorted(values)])


def _in_order(value):
    if isinstance(value, tuple):
        return tuple((e.key, in_order(e.values)) if isinstance(e, Element) else e for e in value)
    return value


def flat(build: Build) -> list:
    def walk(values):
        for value in values.values():
            if isinstance(value, tuple):
                for item in value:
                    yield from walk(item.values) if isinstance(item, Element) else [item]
            else:
                yield value

    return list(walk(build.values))
