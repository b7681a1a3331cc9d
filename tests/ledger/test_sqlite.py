"""The file: whole after a kill at any statement, read while others write, older files taken over."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.ledger.home import Held, Ticket
from reconciler.ledger.process import gone, identity
from reconciler.ledger.sqlite import READ_PATIENCE, SCHEMA, SqliteHome
from reconciler.model.errors import LedgerError
from tests.ledger.contract import AGES, OTHER, SERVER

ROOT = Path(__file__).parents[2]


OPEN: list[SqliteHome] = []


@pytest.fixture(autouse=True)
def closing() -> Iterator[None]:
    """Close what a test has opened."""
    yield
    while OPEN:
        OPEN.pop().close()


def opened(path: Path, server: str = SERVER, *, writable: bool = True) -> SqliteHome:
    OPEN.append(SqliteHome(str(path), server, writable=writable))
    return OPEN[-1]


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, env=environ, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip


# Killed at any statement ---------------------------------------------------------------------------------

DYING = """
import os, signal, sqlite3, sys
count, path, at = 0, sys.argv[1], int(sys.argv[2])

def counting(statement):
    global count
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)

class Traced(sqlite3.Connection):
    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.set_trace_callback(counting)

connect = sqlite3.connect
sqlite3.connect = lambda *arguments, **more: connect(*arguments, factory=Traced, **more)
from reconciler.ledger.home import Ticket
from reconciler.ledger.sqlite import SqliteHome
home = SqliteHome(path, "https://zadig.example", writable=True)
ticket = Ticket("mine", "ann@here", until=4e9, pid=os.getpid())
home.take("yaml", ticket)
version = home.write("yaml", "one " * 3000, home.read("yaml").version, "mine")
home.renew("yaml", ticket)
home.write("yaml", "two " * 9000, version, "mine")
home.release("yaml", "mine")
print(count)
"""


def killed(path: Path, at: int) -> str:
    """Run until the statement of that number, which kills the process; return what it printed, "" where it died."""
    run = started(DYING, str(path), str(at))
    out, _ = run.communicate()
    assert run.returncode == (0 if out else -signal.SIGKILL)
    return out


@pytest.mark.parametrize("before", ["new", "filled"])
def test_a_process_that_is_killed_at_any_statement_leaves_before_or_after(tmp_path: Path, before: str):
    """A new file and one that holds something: the next one reads a whole text, and gets the lock at once."""
    texts = ["", "one " * 3000, "two " * 9000] if before == "new" else ["old " * 2000, "one " * 3000, "two " * 9000]
    count = int(killed(tmp_path / "whole.db", 10_000))
    assert count > 20
    seen = []
    for at in range(1 if before == "new" else 3, count + 1):
        path = tmp_path / f"{at}.db"
        if before == "filled":
            opened(path).write("yaml", texts[0], None, "")
        if killed(path, at):
            break
        home = opened(path)
        text = home.read("yaml").text
        seen.append(texts.index(text))
        home.take("yaml", Ticket("next", "bob@here", until=AGES))
        home.write("yaml", "next", home.read("yaml").version, "next")
        assert opened(path, writable=False).read("yaml").text == "next"
        path.unlink()
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2}


# Read while others write ---------------------------------------------------------------------------------

WRITING = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute(f"BEGIN {sys.argv[2]}")
db.execute("UPDATE documents SET body = 'half'")
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(params=["IMMEDIATE", "EXCLUSIVE"])
def written_meanwhile(request, tmp_path: Path):
    """A file in which another process is in the middle of a transaction."""
    path = tmp_path / "ledger.db"
    opened(path).write("yaml", "whole", None, "")
    run = started(WRITING, str(path), request.param)
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    yield path, request.param
    run.kill()
    run.communicate()


def test_a_reader_does_not_wait_for_a_writer(written_meanwhile):
    """It reads what was there before. One that keeps everybody out, as none of ours does, is given up on soon."""
    path, kind = written_meanwhile
    home = None
    if kind == "EXCLUSIVE":
        with pytest.raises(LedgerError, match="locked"):
            home = opened(path, writable=False)
        assert READ_PATIENCE <= 5
        return
    home = opened(path, writable=False)
    assert home.read("yaml").text == "whole"
    assert home.holder("yaml") is None
    home.close()


def test_what_a_killed_writer_left_in_the_middle_is_rolled_back(written_meanwhile):
    """Also by one that only reads."""
    path, _ = written_meanwhile
    holder = next(iter(pids_of(path)), None)
    if holder is not None:
        os.kill(holder, signal.SIGKILL)
        os.waitpid(holder, 0)
    home = opened(path, writable=False)
    assert home.read("yaml").text == "whole"
    home.close()


def pids_of(path: Path) -> list[int]:
    """Our children that have the file open."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in children if str(path).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_file_in_a_folder_that_cannot_be_written_is_read(tmp_path: Path):
    """As a mount for a nightly run is; nothing is put beside it."""
    path = tmp_path / "ledger.db"
    home = opened(path)
    home.write("yaml", "text", None, "")
    home.close()
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert opened(path, writable=False).read("yaml").text == "text"
        assert [file.name for file in tmp_path.iterdir()] == ["ledger.db"]
    finally:
        tmp_path.chmod(0o700)


def test_the_file_at_rest_is_one_file(tmp_path: Path):
    """What a CI keeps between runs, and what a person copies, is everything."""
    path = tmp_path / "ledger.db"
    home = opened(path)
    home.write("yaml", "text", None, "")
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.db"]
    home.close()


# Who holds a lock ----------------------------------------------------------------------------------------

HOLDING = """
import os, sys
from reconciler.ledger.home import Ticket
from reconciler.ledger.process import identity
from reconciler.ledger.sqlite import SqliteHome
home = SqliteHome(sys.argv[1], "https://zadig.example", writable=True)
home.take("yaml", Ticket("1", "ann@here", until=4e9, pid=os.getpid()))
print(identity(), flush=True)
sys.stdin.readline()
"""


def test_a_lock_of_a_process_that_is_gone_is_free_at_once(tmp_path: Path):
    """Killed, and not even waited for by its parent; while it lives the lock is held, whatever the clock says."""
    path = tmp_path / "ledger.db"
    run = started(HOLDING, str(path))
    assert run.stdout is not None
    theirs = run.stdout.readline().strip()
    home = opened(path)
    with pytest.raises(Held) as caught:
        home.take("yaml", Ticket("2", until=AGES))
    assert caught.value.ticket is not None
    assert caught.value.ticket.pid == run.pid
    assert not gone(theirs)
    run.kill()
    os.waitid(os.P_PID, run.pid, os.WEXITED | os.WNOWAIT)
    assert gone(theirs)
    assert home.holder("yaml") is None
    home.take("yaml", Ticket("2", until=AGES))
    run.communicate()
    home.close()


def test_a_process_is_told_from_others_of_its_number():
    """Of another host, another container or an unreadable word nothing is known; a number used again is another."""
    host, namespace, pid, start = identity().split("|")
    assert not gone(identity())
    assert gone("|".join((host, namespace, pid, f"{start}0")))
    assert gone("|".join((host, namespace, "4194304999", start))) is False
    assert not gone("|".join(("elsewhere", namespace, "4194303", start)))
    assert not gone("|".join((host, "pid:[1]", "4194303", start)))
    assert not gone("")
    assert not gone("words")


# Files of earlier versions -------------------------------------------------------------------------------


def of_an_earlier_version(path: Path) -> None:
    """A file as it was before documents had versions and locks had tickets, with a lock of another machine."""
    db = sqlite3.connect(path)
    db.executescript("""
        CREATE TABLE documents (server TEXT, project TEXT, body TEXT NOT NULL, PRIMARY KEY (server, project));
        CREATE TABLE locks (server TEXT, project TEXT, holder TEXT NOT NULL, host TEXT NOT NULL,
            pid INTEGER NOT NULL, since REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (server, project));
    """)
    with db:
        db.execute("INSERT INTO documents VALUES (?, 'yaml', 'old text')", (SERVER,))
        db.execute("INSERT INTO documents VALUES (?, 'shop', 'other text')", (OTHER,))
        db.execute("INSERT INTO locks VALUES (?, 'yaml', 'ann@far', 'far', 7, 900, ?)", (SERVER, AGES))
    db.close()


def test_a_file_of_an_earlier_version_is_read_as_it_is(tmp_path: Path):
    """A reading run changes not a byte of it."""
    path = tmp_path / "ledger.db"
    of_an_earlier_version(path)
    before = path.read_bytes()
    home = opened(path, writable=False)
    assert (home.read("yaml").text, home.projects(), home.holder("yaml")) == ("old text", ["yaml"], None)
    home.close()
    assert path.read_bytes() == before


def test_a_file_of_an_earlier_version_is_taken_over_by_who_writes(tmp_path: Path):
    """With all documents and with the lock that somebody holds."""
    path = tmp_path / "ledger.db"
    of_an_earlier_version(path)
    home = opened(path)
    assert opened(path, OTHER).read("shop").text == "other text"
    with pytest.raises(Held) as caught:
        home.take("yaml", Ticket("2", until=AGES))
    assert caught.value.ticket is not None
    assert (caught.value.ticket.holder, caught.value.ticket.until) == ("ann@far", AGES)
    assert home.release("yaml", caught.value.ticket.id)
    home.write("yaml", "new text", home.read("yaml").version, "")
    assert opened(path, writable=False).read("yaml").text == "new text"


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path):
    """By readers and writers, and nothing of it is changed."""
    path = tmp_path / "ledger.db"
    opened(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    db.close()
    before = path.read_bytes()
    for writable in (True, False):
        with pytest.raises(LedgerError, match=f"version {SCHEMA + 1}.* up to {SCHEMA}") as caught:
            opened(path, writable=writable)
        assert caught.value.hint == "upgrade reconciler"
    assert path.read_bytes() == before


def test_a_lock_that_cannot_be_read_is_held_and_can_be_broken(tmp_path: Path):
    """Damaged, or of a newer version: it is somebody's."""
    path = tmp_path / "ledger.db"
    home = opened(path)
    for text in ("{", "[]", json.dumps({"novel": 1})):
        db = sqlite3.connect(path)
        with db:
            db.execute("INSERT OR REPLACE INTO locks VALUES (?, 'yaml', ?, '')", (SERVER, text))
        db.close()
        with pytest.raises(Held):
            home.take("yaml", Ticket("2", until=AGES))
        assert home.release("yaml", "unreadable")
