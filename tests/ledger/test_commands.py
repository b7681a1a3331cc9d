"""`unlock` and `ledger`: a person looks, repairs and moves; no server is asked, and nothing is lost by mistake."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.entry import call
from reconciler.ledger.ledger import Ledger
from reconciler.ledger.lock import Claim, Passing
from reconciler.ledger.sqlite import SqliteHome
from reconciler.model.build import Build, Element
from reconciler.model.fields import Kind
from reconciler.model.live import Stamps
from reconciler.model.record import Document, Intent, Record, Seen
from tests.ledger_file import held_by_another

ROOT = Path(__file__).parents[2]
SERVER = "https://zadig.example"
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "ledger.schema.json").read_text(encoding="utf-8")))
CANARY = "hunter2-canary"


@dataclass
class Desk:
    """A tree with a ledger, and a person who types. There is no server."""

    folder: Path
    said: pytest.CaptureFixture[str]

    @property
    def file(self) -> Path:
        return self.folder / ".reconciler" / "ledger.db"

    def ledger(self, file: Path | None = None, **more: Any) -> Ledger:
        claim = Claim("apply", "c0ffee1234", "ann", "https://ci.example/7")
        passing = Passing(wall=lambda: 1_700_000_000.0)
        return Ledger(SqliteHome(str(file or self.file), SERVER, writable=True), claim=claim, passing=passing, **more)

    def change(self, edit: Callable[[Document], Document], project: str = "yaml") -> None:
        with self.ledger() as ledger:
            ledger.change(project, edit)

    def damage(self, text: str, project: str = "yaml") -> None:
        db = sqlite3.connect(self.file)
        with db:
            db.execute("UPDATE documents SET body = ? WHERE project = ?", (text, project))
        db.close()

    def read(self, project: str = "yaml", file: Path | None = None) -> Document:
        with self.ledger(file) as ledger:
            return ledger.read(project)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        self.said.readouterr()
        code = call(arguments)
        told = self.said.readouterr()
        return code, told.out, told.err


def record(name: str = "api", project: str = "yaml", **more: Any) -> Record:
    build = Build(Kind.PLAIN, project, name, {"build_script": "make\n"})
    return replace(Record("rig", build, frozenset(), frozenset(), Stamps(1, "admin")), **more)


def filled(document: Document) -> Document:
    assumed = record("web", exact=False, prevent_destroy=True)
    return replace(
        document,
        records={"api": record(), "web": assumed},
        intents={"cron": Intent(record("cron"), (record("cron").build,))},
        seen={"api": Seen(record().build, 7)},
    )


@pytest.fixture
def desk(tmp_path: Path, monkeypatch, capsys) -> Desk:
    for name in ("CI", "RECONCILER_LEDGER", "ZADIG_SERVER", "ZADIG_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    Path("reconciler.yaml").write_text(f"server: {SERVER}\ntree: rig\nprojects: [shop, yaml]\n", encoding="utf-8")
    made = Desk(tmp_path / "tree", capsys)
    made.change(filled)
    made.change(lambda document: replace(document, records={"cart": record("cart", "shop")}), "shop")
    return made


# Show and check ------------------------------------------------------------------------------------------

SHOWN = """\
ledger {place} of https://zadig.example

shop
  1 build: 1 exact, 0 assumed
  trees: rig (1)
  last written 2023-11-14 22:13:20 UTC by ann: apply from commit c0ffee12, https://ci.example/7
yaml
  2 builds: 1 exact, 1 assumed, 1 protected
  trees: rig (2)
  announced and not yet recorded: cron (the next plan asks the server what became of them)
  1 build remembered by export
  last written 2023-11-14 22:13:20 UTC by ann: apply from commit c0ffee12, https://ci.example/7
  locked by ann@elsewhere since 1970-01-01 00:00:00 UTC: apply, free at 2096-10-02 07:06:40 UTC unless it is renewed \
(id abcdef0123456789)
"""


def test_show_tells_everything_of_every_project(desk: Desk):
    """As text, and as JSON by its schema; `--project` shows one."""
    held_by_another(desk.file, SERVER)
    code, out, err = desk.run("ledger", "show")
    assert (code, out, err) == (0, SHOWN.format(place=desk.file), "")
    document = json.loads(desk.run("ledger", "show", "--format", "json")[1])
    SCHEMA.validate(document)
    shop, yaml = document["projects"]
    assert (shop["project"], shop["lock"], shop["written"]["by"]) == ("shop", None, "ann")
    assert (yaml["exact"], yaml["assumed"], yaml["intents"], yaml["exported"]) == (1, 1, ["cron"], 1)
    assert yaml["lock"]["id"] == "abcdef0123456789"
    one = json.loads(desk.run("ledger", "show", "--project", "shop", "--format", "json")[1])
    assert [book["project"] for book in one["projects"]] == ["shop"]


def test_a_whole_ledger_passes_the_check(desk: Desk):
    """0, and how much was looked at."""
    assert desk.run("ledger", "check") == (0, "All is well: 2 documents, 3 records\n", "")
    document = json.loads(desk.run("ledger", "check", "--format", "json")[1])
    SCHEMA.validate(document)
    assert [book["problems"] for book in document["projects"]] == [[], []]


@pytest.mark.parametrize("command", ["show", "check"])
@pytest.mark.parametrize("text", ["{", '{"format": 99}'])
def test_a_document_that_cannot_be_read_is_found_and_hides_no_other(desk: Desk, command: str, text: str):
    """1, with the place and a way out; the other project is shown; nothing is changed."""
    desk.damage(text)
    code, out, _ = desk.run("ledger", command)
    assert code == 1
    assert f'✗ yaml: the ledger {desk.file}, project "yaml"' in out
    assert "  → " in out
    assert ("shop" in out) == (command == "show")
    document = json.loads(desk.run("ledger", command, "--format", "json")[1])
    SCHEMA.validate(document)
    assert [len(book["problems"]) for book in document["projects"]] == [0, 1]
    db = sqlite3.connect(desk.file)
    assert db.execute("SELECT body FROM documents WHERE project = 'yaml'").fetchall() == [(text,)]
    db.close()


def test_the_check_finds_what_should_not_be_there(desk: Desk):
    """A record under another build's name, and values where only marks belong; the values are not told."""
    clear = Build(Kind.PLAIN, "yaml", "api", {"parameters": (
        Element("PW", {"is_credential": True, "default_value": CANARY, "key": "PW"}),
        Element("KEY", {"default_value": CANARY, "key": "KEY"}),
        Element("OPEN", {"default_value": "open", "key": "OPEN"}),
    )})  # fmt: skip
    desk.change(lambda d: replace(d, records={"api": record(), "web": record("other")}, intents={}, seen={}))
    stored = json.loads(subprocess_text(desk))
    values = {"elements": [{"key": e.key, "values": dict(e.values)} for e in clear.values["parameters"]]}  # type: ignore[union-attr]
    stored["records"]["api"]["build"]["values"]["parameters"] = values
    stored["records"]["api"]["secrets"] = ["parameters[KEY].default_value"]
    desk.damage(json.dumps(stored))
    code, out, _ = desk.run("ledger", "check")
    assert code == 1
    assert 'yaml/api: the record of "api" holds the value of parameters[PW].default_value, a secret' in out
    assert 'yaml/api: the record of "api" holds the value of parameters[KEY].default_value, a secret' in out
    assert 'yaml/web: the record of "web" is about "yaml/other"' in out
    assert out.endswith("3 problems in 2 documents, 3 records\n")
    assert CANARY not in out
    assert desk.run("ledger", "show")[0] == 0


def subprocess_text(desk: Desk) -> str:
    with desk.ledger() as ledger:
        return ledger.text("yaml")


def test_looking_makes_no_ledger(desk: Desk):
    """A ledger that is not there is empty, and stays away."""
    place = desk.folder / "none.db"
    for command in (("ledger", "show"), ("ledger", "check"), ("unlock", "7"), ("ledger", "move", "other.db")):
        desk.run(*command, "--ledger", str(place))
    desk.run("ledger", "forget", "x", "--project", "yaml", "--yes", "--ledger", str(place))
    assert sorted(path.name for path in desk.folder.iterdir()) == [".reconciler", "reconciler.yaml"]


def test_without_a_server_nobody_knows_whose_ledger_it_is(desk: Desk):
    """64, with what to do."""
    Path("reconciler.yaml").write_text("tree: rig\n", encoding="utf-8")
    for command in (("ledger", "show"), ("unlock", "7"), ("ledger", "forget", "--all", "--project", "yaml", "--yes")):
        code, _, err = desk.run(*command)
        assert (code, "--server" in err) == (64, True), command


# Unlock --------------------------------------------------------------------------------------------------


def test_unlock_breaks_the_lock_of_that_id_and_says_whose_it_was(desk: Desk):
    """In all projects that it holds; the other locks stay."""
    held_by_another(desk.file, SERVER, "shop", commit="beefbeefbeef", job="https://ci.example/8")
    held_by_another(desk.file, SERVER, "yaml")
    held_by_another(desk.file, SERVER, "tools", id="other", holder="bob@near")
    code, out, _ = desk.run("unlock", "abcdef0123456789")
    assert code == 0
    assert out.splitlines() == [
        'project "shop" is unlocked: ann@elsewhere held it since 1970-01-01 00:00:00 UTC: apply of commit beefbeef, '
        "https://ci.example/8",
        'project "yaml" is unlocked: ann@elsewhere held it since 1970-01-01 00:00:00 UTC: apply',
    ]
    code, _, err = desk.run("unlock", "abcdef0123456789")
    assert code == 64
    assert "has the id abcdef0123456789" in err
    assert '"tools" by bob@near (other)' in err


def test_what_waits_for_a_lock_names_the_command_that_breaks_it(desk: Desk):
    """The id of the hint is the one that `unlock` takes."""
    held_by_another(desk.file, SERVER)
    code, _, err = desk.run("ledger", "forget", "api", "--project", "yaml", "--yes")
    assert code == 75
    id = err.split("reconciler unlock ")[1].strip()
    assert desk.run("unlock", id)[0] == 0
    assert desk.run("ledger", "forget", "api", "--project", "yaml", "--yes")[0] == 0


# Forget --------------------------------------------------------------------------------------------------


def test_forget_drops_what_is_known_of_builds_and_nothing_else(desk: Desk):
    """Record, intent and note of those that are named; the key of digests stays, and the lock is given back."""
    before = desk.read()
    code, out, _ = desk.run("ledger", "forget", "api", "cron", "--project", "yaml", "--yes")
    after = desk.read()
    assert (code, out.startswith('Forgot api, cron of project "yaml"')) == (0, True)
    assert (set(after.records), set(after.intents), set(after.seen)) == ({"web"}, set(), set())
    assert (after.digest_key, after.written.reason) == (before.digest_key, "ledger forget")
    with desk.ledger() as ledger:
        assert ledger.holder("yaml") is None
    assert set(desk.read("shop").records) == {"cart"}


def test_forget_asks_and_does_not_guess(desk: Desk):
    """Nobody there to be asked: 64. A name that is not known: 64, and nothing is forgotten of the others."""
    before = desk.read()
    for arguments, words in (
        (("api",), "nobody can be asked"),
        (("api", "nope", "--yes"), 'knows no build "nope"'),
        (("--yes",), "say what to forget"),
        (("api", "--all", "--yes"), "say what to forget"),
    ):
        code, _, err = desk.run("ledger", "forget", *arguments, "--project", "yaml")
        assert (code, words in err) == (64, True), (arguments, err)
    assert desk.read() == before


def test_a_damaged_document_is_dropped_only_as_a_whole_and_by_name(desk: Desk):
    """What begins a project anew; the other projects stay as they are."""
    desk.damage("{")
    code, _, err = desk.run("ledger", "forget", "api", "--project", "yaml", "--yes")
    assert (code, "damaged" in err, "ledger forget --all" in err) == (1, True, True)
    assert desk.run("ledger", "forget", "--all", "--project", "yaml", "--yes")[0] == 0
    assert desk.read() == Document()
    assert set(desk.read("shop").records) == {"cart"}
    assert desk.run("ledger", "check")[0] == 0


# Move ----------------------------------------------------------------------------------------------------


def test_move_copies_everything_and_says_how_to_switch(desk: Desk):
    """To the character; the old place stays as it is, and no lock is left anywhere."""
    target = desk.folder / "moved" / "new.db"
    code, out, _ = desk.run("ledger", "move", "moved/new.db")
    assert code == 0
    assert out.startswith(f"Copied shop, yaml (3 records in all) from {desk.file} to {target}")
    assert f"ledger: {target}" in out
    for project in ("shop", "yaml"):
        assert desk.read(project, target) == desk.read(project) != Document()
        with desk.ledger() as old, desk.ledger(target) as new:
            assert old.holder(project) is new.holder(project) is None


def test_move_replaces_nothing_without_force(desk: Desk):
    """4 where something is there; with --force what is copied is replaced, and what is not stays."""
    target = desk.folder / "new.db"
    with desk.ledger(target) as there:
        there.change("yaml", lambda document: replace(document, records={"theirs": record("theirs")}))
        there.change("tools", lambda document: document)
    code, _, err = desk.run("ledger", "move", "new.db")
    assert (code, "tools, yaml" in err) == (4, True)
    assert set(desk.read("yaml", target).records) == {"theirs"}
    assert desk.read("shop", target) == Document()
    assert desk.run("ledger", "move", "new.db", "--force")[0] == 0
    assert desk.read("yaml", target) == desk.read("yaml")
    assert desk.read("tools", target).digest_key


@pytest.mark.parametrize("place", ["source", "target"])
def test_move_does_not_run_beside_an_apply(desk: Desk, place: str):
    """75 where somebody holds a lock of either place; nothing is copied."""
    target = desk.folder / "new.db"
    held_by_another(desk.file if place == "source" else target, SERVER)
    assert desk.run("ledger", "move", "new.db")[0] == 75
    assert desk.read("shop", target) == Document()


def test_move_copies_nothing_damaged(desk: Desk):
    """1; nothing is at the other place."""
    desk.damage("{")
    code, _, err = desk.run("ledger", "move", "new.db")
    assert (code, "damaged" in err) == (1, True)
    assert desk.read("shop", desk.folder / "new.db") == Document()


def test_move_to_where_it_is_makes_no_sense(desk: Desk):
    """64, however the place is written."""
    for place in (str(desk.file), f"sqlite://{desk.file}", ".reconciler/ledger.db"):
        assert desk.run("ledger", "move", place)[0] == 64


# Places --------------------------------------------------------------------------------------------------


def test_a_file_may_be_named_as_an_address(desk: Desk):
    """`sqlite://` and a path is that path, for every command."""
    assert desk.run("ledger", "show", "--ledger", f"sqlite://{desk.file}") == desk.run("ledger", "show")


def test_an_address_that_holds_no_ledger_is_told_without_its_password(desk: Desk):
    """64, with the kinds that there are."""
    code, out, err = desk.run("ledger", "show", "--ledger", f"ftp://user:{CANARY}@host/x?key={CANARY}")
    assert code == 64
    assert CANARY not in out + err
    assert "s3://" in err


def test_help_of_every_command_is_there(desk: Desk):
    """And what is not a command suggests the nearest."""
    for command in ("show", "check", "forget", "move"):
        assert desk.run("ledger", command, "--help")[0] == 0
    code, _, err = desk.run("ledger", "chek")
    assert (code, 'did you mean "check"' in err) == (64, True)


def test_a_lock_is_waited_for_and_said_once(desk: Desk):
    """Another process holds it and ends: the command goes on, and has said on stderr for whom it waited."""
    code = (
        "import os, sys; from reconciler.ledger.home import Ticket; from reconciler.ledger.sqlite import SqliteHome\n"
        "home = SqliteHome(sys.argv[1], sys.argv[2], writable=True)\n"
        "home.take('yaml', Ticket('1', 'ann@here', 'apply', since=0, until=9e12, pid=os.getpid()))\n"
        "print('ready', flush=True); sys.stdin.readline()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(desk.file), SERVER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True,
    )  # fmt: skip
    assert run.stdout is not None
    assert run.stdout.readline() == "ready\n"
    waiting = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "ledger", "forget", "api", "--project", "yaml", "--yes", "--lock-timeout",
         "600"], cwd=desk.folder, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert waiting.stderr is not None
    first = waiting.stderr.readline()
    assert first.startswith('waiting up to 600 s: project "yaml" is locked by ann@here')
    run.kill()
    run.communicate()
    rest = waiting.communicate()[1]
    assert (waiting.returncode, rest) == (0, "")
    assert "api" not in desk.read().records
