"""The command line: every bad use is a sentence, a way out and an exit code; no output shows a secret."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pty
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.entry import COMMANDS, call
from reconciler.emulator import Emulator, running
from tests.emulator.wire import token
from tests.ledger_file import held_by_another
from tests.rig import TOKEN, plain, template

ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "plan.schema.json").read_text(encoding="utf-8")))
ANSI = "\x1b["
FROM_ENV, LITERAL = "canary-from-the-environment", "canary-as-a-literal"
CONFIGURATION = "projects: [yaml, other]\ntree: cli\n"


@dataclass(frozen=True)
class Said:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The plan on stdout, shown to be as the schema says."""
        return checked(self.out)

    def told(self, code: int, *words: str) -> None:
        """Make sure that it ended as it should: one error on stderr, these words, a hint, and no traceback."""
        self._told(self.err, code, words)

    def found(self, *words: str) -> None:
        """Make sure that `validate` found problems: they are its data, so they are on stdout."""
        self._told(self.out, 65, words)
        assert self.err == ""

    def _told(self, text: str, code: int, words: tuple[str, ...]) -> None:
        assert self.code == code, self
        for word in words:
            assert word in text, self
        assert re.search(r"^(error: \S.*\n  → \S.*|Found \d+ problems? in .*)$", text, re.MULTILINE), self
        assert "Traceback" not in self.out + self.err


def checked(text: str) -> dict[str, Any]:
    document = json.loads(text)
    SCHEMA.validate(document)
    assert isinstance(document, dict)
    return document


def json_file(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


@dataclass
class Desk:
    """A folder with a tree, a server, and a person who types."""

    folder: Path
    emulator: Emulator
    url: str
    capsys: pytest.CaptureFixture[str]
    heard: list[str] = field(default_factory=list)

    def write(self, *documents: dict[str, Any]) -> None:
        """Replace the definitions, one file each, named by the build."""
        for old in self.folder.glob("*.json"):
            old.unlink()
        for document in documents:
            json_file(self.folder / f"{document['name']}.json", document)

    def run(self, *arguments: str) -> Said:
        """Type a command."""
        self.capsys.readouterr()
        code = call(arguments)
        said = self.capsys.readouterr()
        self.heard += [said.out, said.err]
        return Said(code, said.out, said.err)

    def done(self, *arguments: str) -> Said:
        """Type a command that ends with 0."""
        said = self.run(*arguments)
        assert said.code == 0, said
        return said

    def methods(self) -> set[str]:
        """The methods of the requests that arrived, the probe of an apply left out."""
        return {r["method"] for r in self.emulator.requests() if (r["method"], r["body"]) != ("PUT", None)}

    def meddle(self, name: str, edit: Callable[[dict[str, Any]], None], user: str = "mallory") -> None:
        """Change a build as the web page does."""
        builds = self.emulator.state()["builds"]
        for build in builds:
            if build["name"] == name:
                edit(build)
                build.update(update_by=user, update_time=build["update_time"] + 60)
        self.emulator.set_state(None, builds)

    def stored(self, name: str) -> dict[str, Any]:
        """What the server really holds of a build."""
        (found,) = [b for b in self.emulator.state()["builds"] if b["name"] == name]
        return found


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with running(emulator) as url:
        yield emulator, url


WORLD = Emulator().state()["world"]


@pytest.fixture
def desk(served, tmp_path, monkeypatch, capsys):
    """An empty tree, the current directory in it, a server without builds, a good token."""
    emulator, url = served
    emulator.set_state(WORLD, [])
    emulator.set_faults([])
    emulator.set_settings({"internal_read": True})
    emulator.clear_requests()
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "reconciler.yaml").write_text(CONFIGURATION, encoding="utf-8")
    monkeypatch.chdir(folder)
    for name in ("CI", "RECONCILER_LEDGER", "NO_COLOR", "FORCE_COLOR", "BUILD_PW"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_SERVER", url)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    return Desk(folder, emulator, url, capsys)


@pytest.fixture
def applied(desk: Desk) -> Desk:
    """One build that was applied."""
    desk.write(plain(build_script="make\n"))
    desk.done("apply", "--yes")
    desk.emulator.clear_requests()
    return desk


@contextlib.contextmanager
def answering(status: int, body: bytes, media: str = "text/html") -> Iterator[str]:
    """A server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# Usage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "meant"), [("plna", "plan"), ("aply", "apply"), ("validat", "validate")])
def test_an_unknown_command_suggests_the_nearest(desk: Desk, typed: str, meant: str):
    """64, and what was probably meant."""
    desk.run(typed).told(64, f'"{typed}"', f'did you mean "{meant}"?', "--help")


def test_a_command_far_from_any_is_an_error_without_a_guess(desk: Desk):
    said = desk.run("xyzzy")
    said.told(64, "xyzzy")
    assert "did you mean" not in said.err


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "emulator"])
def test_an_unknown_flag_is_wrong_usage(desk: Desk, command: str):
    """64, naming the flag and where to look, for every command; nothing is sent."""
    desk.run(command, "--wrong-flag").told(64, "--wrong-flag", f"{command} --help")
    assert desk.emulator.requests() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan", "--concurrency", "0"),
        ("plan", "--concurrency", "many"),
        ("plan", "--timeout", "0"),
        ("plan", "--format", "xml"),
        ("plan", "--color", "blue"),
        ("plan", "a", "b"),
        ("plan", "--server"),
        ("schema", "nothing"),
    ],
)
def test_a_wrong_value_of_a_flag_is_wrong_usage(desk: Desk, arguments: tuple[str, ...]):
    desk.write(plain())
    desk.run(*arguments).told(64)
    assert desk.emulator.requests() == []


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_without_a_server_every_way_to_name_one_is_told(desk: Desk, monkeypatch, command: str):
    monkeypatch.delenv("ZADIG_SERVER")
    desk.write(plain())
    desk.run(command, "--yes" if command == "apply" else "-q").told(
        64, "no server", "--server", "ZADIG_SERVER", "reconciler.yaml"
    )


@pytest.mark.parametrize("server", ["zadig.example.com", "ftp://zadig", "http://", "http://a b", "http://u:p@zadig"])
def test_an_address_that_is_none_is_wrong_usage(desk: Desk, server: str):
    """Said before anything is sent, with an example of a right one."""
    desk.write(plain())
    desk.run("plan", "--server", server).told(64, "--server", "https://")


def test_the_password_of_an_address_is_not_repeated(desk: Desk):
    desk.write(plain())
    said = desk.run("plan", "--server", "http://user:canary-password@zadig")
    said.told(64)
    assert "canary-password" not in said.out + said.err


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_without_a_token_the_run_says_where_to_get_one(desk: Desk, monkeypatch, command: str):
    """77; an empty variable counts as none."""
    monkeypatch.setenv("ZADIG_TOKEN", "")
    desk.write(plain())
    desk.run(command).told(77, "no API token", "ZADIG_TOKEN", "--token-file")
    assert desk.emulator.requests() == []


def test_a_token_file_that_is_not_there_is_wrong_usage(desk: Desk):
    desk.write(plain())
    desk.run("plan", "--token-file", "nowhere").told(64, "nowhere", "--token-file")


def test_a_token_file_beats_the_environment(desk: Desk, monkeypatch):
    """Flag beats environment: the file's good token is used, not the bad one of the variable."""
    monkeypatch.setenv("ZADIG_TOKEN", "not-a-token")
    desk.write(plain())
    desk.run("plan").told(77)
    token_file = desk.folder.parent / "token"
    token_file.write_text(f"{TOKEN}\n", encoding="utf-8")
    desk.done("plan", "--token-file", str(token_file))


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_a_token_that_the_server_refuses_is_not_permitted(desk: Desk, monkeypatch, command: str):
    """77, once and not again and again; nothing was written, and the token is not repeated."""
    monkeypatch.setenv("ZADIG_TOKEN", "wrong-canary-token")
    desk.write(plain())
    said = desk.run(command, *(["--yes"] if command == "apply" else []))
    said.told(77, "token", "ZADIG_TOKEN")
    assert "wrong-canary-token" not in said.out + said.err
    assert [r["status"] for r in desk.emulator.requests()] == [401]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_an_account_without_the_right_is_not_permitted(desk: Desk, monkeypatch, command: str):
    """77, naming the project."""
    monkeypatch.setenv("ZADIG_TOKEN", token("nobody"))
    desk.write(plain())
    desk.run(command, *(["--yes"] if command == "apply" else [])).told(77, '"', "project")
    assert desk.methods() == {"GET"}


def test_a_server_that_is_gone_is_unreachable(desk: Desk):
    """69, after a few tries, with the address in the message."""
    desk.write(plain())
    gone = f"http://127.0.0.1:{free_port()}"
    desk.run("plan", "--server", gone, "--timeout", "0.2").told(69, gone, "check the address")


@pytest.mark.parametrize(
    ("status", "body", "media"),
    [
        (200, b"<html><title>Welcome</title></html>", "text/html"),
        (404, b"<html>no such page</html>", "text/html"),
        (302, b"", "text/html"),
        (200, b"[]", "application/json"),
        (200, b'{"total": "1", "builds": []}', "application/json"),
        (200, b'{"total": 1, "builds": [7]}', "application/json"),
        (200, b"\xff\xfe", "application/json"),
        (200, b"[" * 100_000, "application/json"),
    ],
    ids=["html", "404", "redirect", "list", "text-total", "number-build", "bytes", "deep"],
)
def test_a_server_that_is_no_zadig_answers_nonsense(desk: Desk, status: int, body: bytes, media: str):
    """69 with a sentence, whatever it is that answers there."""
    desk.write(plain())
    with answering(status, body, media) as url:
        desk.run("plan", "--server", url).told(69)


@pytest.mark.parametrize(
    ("variable", "value", "server"),
    [
        ("SSL_CERT_FILE", "/nowhere/ca.pem", ""),
        ("HTTP_PROXY", "socks5://127.0.0.1:1", "http://zadig.invalid"),
        ("HTTP_PROXY", "nonsense://127.0.0.1:1", "http://zadig.invalid"),
    ],
)
def test_a_machine_that_is_set_up_wrongly_is_no_fault_of_ours(
    desk: Desk, monkeypatch, variable: str, value: str, server: str
):
    """A certificate or a proxy of the environment that cannot be used: a sentence names the variable, not its value."""
    for name in ("HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    desk.write(plain())
    said = desk.run("plan", *(["--server", server] if server else []))
    assert "a fault of ours" not in said.err
    if said.code:
        said.told(said.code, variable)
        assert said.code in (64, 69)


def test_an_empty_tree_is_told_with_the_next_step(desk: Desk):
    """64 for validate, plan and apply: no definition is never taken as "delete everything"."""
    for command in ("validate", "plan", "apply"):
        desk.run(command).told(64, "no definition", ".yaml")
    assert desk.emulator.requests() == []


def test_a_folder_without_a_configuration_may_be_empty_too(desk: Desk, tmp_path, monkeypatch):
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    desk.run("validate").told(64, "no definition")


@pytest.mark.parametrize("name", ["plan.json", "plan.yaml"])
@pytest.mark.parametrize("flags", [("--out",), ("--format", "json", "--output")], ids=["saved", "report"])
def test_what_a_run_wrote_into_the_tree_is_no_definition(applied: Desk, flags: tuple[str, ...], name: str):
    """A pipeline keeps its plan beside the definitions, and the next command still reads the tree."""
    applied.done("plan", *flags, name)
    assert (applied.folder / name).stat().st_size > 0
    applied.done("plan", "--detailed-exitcode")
    applied.done("apply", "--yes")


@pytest.mark.parametrize("content", ["", "# nothing yet\n", "---\n---\n"])
def test_files_without_a_definition_are_told(desk: Desk, content: str):
    """64: there are files, and no build in any."""
    (desk.folder / "a.yaml").write_text(content, encoding="utf-8")
    desk.run("validate").told(64, "hold no definition")
    desk.run("plan").told(64, "hold no definition")


def test_a_project_without_a_definition_is_told(desk: Desk):
    """64, naming it; also one that the tree is not about at all."""
    desk.write(plain())
    desk.run("plan", "--project", "other").told(64, "other", "--project")
    desk.run("validate", "--project", "nowhere").told(64, "nowhere")


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_a_path_that_does_not_exist_is_told(desk: Desk, command: str):
    desk.write(plain())
    desk.run(command, "nowhere").told(64, "nowhere does not exist")
    desk.run(command, "reconciler.yaml").told(64, "reconciler.yaml")


def test_a_current_directory_that_is_gone_is_told(desk: Desk):
    """64 or 69 with a sentence: it is nobody's fault in the program."""
    gone = desk.folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    said = desk.run("plan")
    assert "a fault of ours" not in said.err
    said.told(64)


def test_an_apply_that_cannot_ask_writes_nothing(desk: Desk):
    """64 without a terminal and without --yes, the same with --no-input; the plan was shown."""
    desk.write(plain())
    for flags in ((), ("--no-input",)):
        said = desk.run("apply", *flags)
        said.told(64, "nothing was written", "--yes")
        assert "Plan: 1 to create" in said.out
    assert desk.methods() == {"GET"}
    assert desk.emulator.state()["builds"] == []


def test_an_apply_with_nothing_to_do_asks_nothing(applied: Desk):
    """No question, no write, exit 0."""
    assert "Nothing to do" in applied.done("apply").out
    assert applied.methods() == {"GET"}


@pytest.mark.parametrize(("answer", "names"), [("n", []), ("", []), ("y", ["api"])])
def test_on_a_terminal_an_apply_asks_and_takes_no_for_an_answer(desk: Desk, answer: str, names: list[str]):
    """A plain Enter is a no, and a no writes nothing."""
    desk.write(plain())
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", str(desk.folder)], stdin=theirs, stdout=theirs, stderr=theirs,
        cwd=ROOT,
    ) as run:  # fmt: skip
        os.close(theirs)
        heard = until(ours, b"?", b"[y/N]")
        os.write(ours, f"{answer}\n".encode())
        heard += until(ours)
    os.close(ours)
    assert b"Write 1 build?" in heard
    assert [b["name"] for b in desk.emulator.state()["builds"]] == names
    assert run.returncode == (0 if names else 130)
    assert (b"nothing was written" in heard) == (not names)


def until(descriptor: int, *ends: bytes) -> bytes:
    heard = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while not ends or not all(end in heard for end in ends):
            read = os.read(descriptor, 4096)
            if not read:
                break
            heard += read
    return heard


@pytest.mark.parametrize("kind", ["folder", "garbage", "text"])
def test_a_ledger_that_cannot_be_used_stops_an_apply_before_it_writes(desk: Desk, tmp_path, kind: str):
    """1 with a sentence; a plan is still made, says that it is without its ledger, and ends with 1."""
    place = tmp_path / "the-ledger"
    if kind == "folder":
        place.mkdir()
    else:
        place.write_bytes(os.urandom(8192) if kind == "garbage" else b"this is no database\n" * 100)
    desk.write(plain())
    said = desk.run("plan", "--ledger", str(place))
    assert said.code == 1
    assert re.search(r"planned without it\n    → \S", said.out)
    assert str(place) in said.out
    assert "1 to create" in said.out
    document = desk.run("plan", "--ledger", str(place), "--format", "json").json
    assert (document["complete"], [p["code"] for p in document["problems"]]) == (False, ["ledger"])
    desk.run("apply", "--yes", "--ledger", str(place)).told(1, "ledger", str(place))
    assert desk.methods() == {"GET"}
    assert desk.emulator.state()["builds"] == []


@pytest.mark.parametrize("url", ["ftp://bucket/key", "nowhere://x"])
def test_a_ledger_at_an_address_that_is_not_supported_is_told(desk: Desk, monkeypatch, url: str):
    """64 for plan and apply, from the flag and from the environment; nothing is sent."""
    desk.write(plain())
    scheme = url.partition("://")[0]
    desk.run("plan", "--ledger", url).told(64, f"{scheme}://", "--ledger")
    monkeypatch.setenv("RECONCILER_LEDGER", url)
    desk.run("apply", "--yes").told(64, f"{scheme}://")
    assert desk.emulator.requests() == []


def test_a_ledger_that_another_run_holds_is_told(applied: Desk):
    """75, naming the holder, before anything is read: what were planned now would not be true when that run is done."""
    applied.write(plain(build_script="other\n"))
    held_by_another(applied.folder / ".reconciler" / "ledger.db", applied.url)
    applied.run("apply", "--yes").told(75, "ann@elsewhere", "wait")
    assert applied.methods() == set()


@pytest.mark.parametrize("command", [("plan",), ("plan", "--format", "json"), ("apply", "--yes")])
def test_invalid_definitions_stop_everything_before_anything_is_sent(desk: Desk, command: tuple[str, ...]):
    """65: every problem of every file, each with its place, nothing on stdout; what `validate` finds is the same."""
    (desk.folder / "a.yaml").write_text("name: a\nproject_key: yaml\ntiemout: 5\n", encoding="utf-8")
    (desk.folder / "b.yaml").write_text("name: [\n", encoding="utf-8")
    said, found = desk.run(*command), desk.run("validate")
    said.told(65, "a.yaml:3:1", "tiemout", "b.yaml:", "in 2 files")
    found.found()
    assert (said.out, said.err) == ("", found.out)
    assert desk.emulator.requests() == []


@pytest.mark.parametrize("text", ["projects: 7\n", "sevrer: http://x\n", "tree: [\n"])
def test_an_invalid_configuration_is_told_as_a_definition_is(desk: Desk, text: str):
    """65, with the place in reconciler.yaml."""
    desk.write(plain())
    (desk.folder / "reconciler.yaml").write_text(text, encoding="utf-8")
    for command in ("plan", "apply"):
        desk.run(command).told(65, "reconciler.yaml:1:")
    desk.run("validate").found("reconciler.yaml:1:")


def test_a_write_that_needs_an_unset_variable_is_refused_with_its_place(desk: Desk, monkeypatch):
    """A plan is made all the same; the apply ends with 65 and sends nothing."""
    desk.write(with_secrets())
    assert "BUILD_PW" in desk.done("plan").out
    said = desk.run("apply", "--yes")
    said.told(65, "api.json:1:", "BUILD_PW")
    assert desk.methods() == {"GET"}


# Exit codes ----------------------------------------------------------------------------------------------


def test_a_plan_with_changes_is_0_and_2_in_detail(applied: Desk):
    """An empty plan is 0 in both ways; so is everything that plan reads, nothing that it writes."""
    applied.done("plan")
    applied.done("plan", "--detailed-exitcode")
    applied.write(plain(build_script="other\n"))
    applied.done("plan")
    assert applied.run("plan", "--detailed-exitcode").code == 2
    assert applied.methods() == {"GET"}


def test_a_blocked_plan_is_0_and_4_in_detail_before_2(applied: Desk):
    """Blocked and pending together: 4; an apply does the rest and says 4 too."""
    applied.meddle("api", lambda stored: stored["post_build"].update(scripts="echo page\n"))
    applied.write(plain(build_script="other\n"), plain("new"))
    applied.done("plan")
    assert applied.run("plan", "--detailed-exitcode").code == 4
    assert applied.run("apply", "--yes").code == 4
    assert {b["name"] for b in applied.emulator.state()["builds"]} == {"api", "new"}


def test_an_unread_build_is_1_before_everything(applied: Desk):
    """1 for plan, in detail and not, and for apply, also where something else is blocked or was done."""
    applied.write(plain(build_script="other\n"), plain("new"))
    unread = [{"kind": "500-json", "probability": 1.0, "seed": 1, "match": {"path": "/api/detail"}}]
    applied.emulator.set_faults(unread)
    assert applied.run("plan").code == 1
    assert applied.run("plan", "--detailed-exitcode").code == 1
    assert applied.run("apply", "--yes").code == 1
    assert applied.stored("new")["name"] == "new"
    assert applied.stored("api")["scripts"] == "make\n"


def test_a_failed_step_is_1_and_says_what_to_do(desk: Desk):
    """The others are done; the last line names the command that shows what is left."""
    desk.write(plain("bad", build_os="no such image"), plain("good"))
    said = desk.run("apply", "--yes", str(desk.folder))
    assert said.code == 1
    assert "✗ yaml/bad failed (6520)" in said.out
    assert "✓ yaml/good created" in said.out
    assert f"Run `reconciler plan {desk.folder}`" in said.out
    assert [b["name"] for b in desk.emulator.state()["builds"]] == ["good"]


def test_validate_of_a_good_tree_is_0_and_counts(desk: Desk):
    desk.write(plain("a"), plain("b"))
    assert desk.done("validate").out == "All good: 2 builds in 2 files.\n"
    assert desk.done("validate", "-q").out == ""
    assert desk.done("validate", "a.json", "b.json").out == "All good: 2 builds in 2 files.\n"


# Output --------------------------------------------------------------------------------------------------


def with_secrets() -> dict[str, Any]:
    return plain(
        parameters=[
            {"key": "ENV", "type": "string", "is_credential": True, "default_value": {"from_env": "BUILD_PW"}},
            {"key": "LIT", "type": "string", "is_credential": True, "default_value": LITERAL},
        ]
    )


@pytest.mark.parametrize("seeing", [True, False])
def test_every_kind_of_step_as_json_is_as_the_schema_says(desk: Desk, monkeypatch, seeing: bool):
    """Create, update, keep, released, unverifiable, losses, blocked and unread: one plan, one schema.

    Where the internal read is served, what detail hides is a change; else it is unverifiable, and blocked.
    """
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    desk.emulator.set_settings({"internal_read": seeing})
    unreadable = {"advanced_settings": {"privileged_mode": True, "timeout": 9}}
    before = [plain(name, **unreadable) for name in ("released", "seen", "lossy", "unread")]
    desk.write(*before, {**with_secrets(), "name": "gone"})
    desk.done("apply", "--yes")
    desk.meddle("seen", lambda stored: stored.update(enable_privileged_mode=False))
    desk.meddle("lossy", lambda stored: stored["post_build"].update(scripts="echo page\n"))
    jenkins = {"name": "old", "source": "jenkins", "product_name": "yaml", "targets": []}
    desk.emulator.set_state(None, [*desk.emulator.state()["builds"], jenkins])
    desk.write(
        plain("released", advanced_settings={"privileged_mode": True}),
        plain("seen", **unreadable), plain("lossy", build_script="x\n"), plain("unread", build_script="x\n"),
        plain("old"), {**with_secrets(), "name": "made"},
        template("from-template", inputs=[{"key": "pw", "value": LITERAL}]),
    )  # fmt: skip
    unread = [{"kind": "500-json", "probability": 1.0, "seed": 1, "match": {"path": "/unread/detail"}}]
    desk.emulator.set_faults(unread)
    said = desk.run("plan", "--format", "json")
    assert (said.code, said.err) == (1, "")
    plan = said.json
    steps = {step["name"]: step for step in plan["steps"]}
    kinds = {change["kind"] for step in plan["steps"] for change in step["changes"]}
    assert kinds >= {"added", "changed", "released"} | ({"unverifiable"} if not seeing else set())
    assert {s["action"] for s in plan["steps"]} == {"create", "update", "keep"}
    assert {s["blocked"] for s in plan["steps"]} == {None, "loss", "unread", "unwritable"}
    unseen = [] if seeing else ["unreadable"]
    assert [loss["path"] for loss in steps["lossy"]["losses"]] == ["post_build.scripts", *unseen]
    assert [loss["path"] for loss in steps["seen"]["losses"]] == unseen
    assert re.fullmatch("[0-9a-f]{12}", steps["lossy"]["losses"][0]["digest"])
    assert plan["summary"]["blocked"] == (3 if seeing else 4)
    assert plan["complete"] is False
    assert plan["orphans"] == [{"project": "yaml", "name": "gone"}]
    known = ("changed", None) if seeing else ("unverifiable", False)
    assert [(c["kind"], c.get("before_known")) for c in steps["seen"]["changes"]] == [known]
    outcome = desk.run("apply", "--yes", "--format", "json").json
    ended = {step["name"]: step.get("outcome") for step in outcome["steps"]}
    assert ended == {
        "from-template": "done", "lossy": "blocked", "made": "done", "old": "blocked", "released": None,
        "seen": "done" if seeing else "blocked", "unread": "blocked",
    }  # fmt: skip


def test_a_failed_apply_as_json_is_as_the_schema_says(desk: Desk):
    """Each step says how it ended, and where it went wrong why and what to do."""
    desk.write(plain("bad", build_os="no such image"), plain("good"))
    said = desk.run("apply", "--yes", "--format", "json")
    assert said.code == 1
    bad, good = said.json["steps"]
    assert (bad["outcome"], bad["error"]["code"]) == ("failed", "6520")
    assert bad["error"]["message"]
    assert (good["outcome"], "error" in good) == ("done", False)


def test_a_dry_run_as_json_says_that_nothing_was_sent(desk: Desk):
    desk.write(plain())
    said = desk.done("apply", "--dry-run", "--format", "json")
    (step,) = said.json["steps"]
    assert (step["outcome"], step["error"]["code"]) == ("skipped", "dry-run")


def test_an_unset_variable_as_json_is_after_known_false(desk: Desk, monkeypatch):
    """Not a step by itself, counted as unverifiable, and honest about what is not known."""
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    desk.write(with_secrets())
    desk.done("apply", "--yes")
    monkeypatch.delenv("BUILD_PW")
    (step,) = desk.done("plan", "--format", "json", "--detailed-exitcode").json["steps"]
    (change,) = step["changes"]
    assert (step["action"], change["kind"]) == ("keep", "unverifiable")
    assert (change["after_known"], change["after"], change["sensitive"]) == (False, None, True)


def test_identical_inputs_give_identical_bytes(applied: Desk):
    applied.write(plain(build_script="b\n"), plain("new"), template())
    for format_ in ("json", "text"):
        assert applied.run("plan", "--format", format_).out == applied.run("plan", "--format", format_).out


@pytest.mark.parametrize("format_", ["text", "json"])
def test_a_plan_goes_whole_into_a_file(desk: Desk, format_: str):
    """The same bytes as on stdout, and nothing on stdout."""
    desk.write(plain())
    on_stdout = desk.done("plan", "--format", format_).out
    said = desk.done("plan", "--format", format_, "--output", "plan.out", "--color", "always")
    assert said.out == ""
    assert (desk.folder / "plan.out").read_text(encoding="utf-8") == on_stdout


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_outcome_of_an_apply_goes_into_a_file(desk: Desk, format_: str):
    """`--output` says "instead of stdout", and means it for an apply too."""
    desk.write(plain())
    said = desk.done("apply", "--yes", "--format", format_, "--output", "outcome.out")
    content = (desk.folder / "outcome.out").read_text(encoding="utf-8")
    assert '"done"' in content if format_ == "json" else "created" in content
    assert said.out == ""


def test_a_file_that_cannot_be_written_is_wrong_usage(desk: Desk):
    desk.write(plain())
    desk.run("plan", "--output", "nowhere/plan.txt").told(64, "nowhere/plan.txt")


def test_an_apply_that_cannot_write_its_report_writes_nothing(desk: Desk):
    """A place that cannot be written is found out before the server is changed, not after."""
    desk.write(plain())
    desk.run("apply", "--yes", "--format", "json", "--output", "nowhere/outcome.json").told(64, "nowhere/outcome.json")
    assert desk.methods() <= {"GET"}


def test_quiet_is_the_line_that_counts(applied: Desk):
    """One line for a plan; for an apply the counts before and after, and what went wrong."""
    applied.write(plain(build_script="b\n"), plain("bad", build_os="nope"))
    assert applied.run("plan", "-q").out == "Plan: 1 to create, 1 to update, 0 unchanged.\n"
    lines = applied.run("apply", "-q", "--yes").out.splitlines()
    assert lines[0].startswith("Plan: ")
    assert not any("✓" in line for line in lines)
    assert any("bad failed" in line for line in lines)


def test_verbose_tells_keeps_and_how_the_run_went(applied: Desk):
    """Keeps with their reason on stdout; the number of requests on stderr."""
    quiet, loud = applied.done("plan"), applied.done("plan", "-v")
    assert "yaml/api is kept: as declared" in loud.out
    assert "yaml/api is kept" not in quiet.out
    assert (quiet.err, "requests" in loud.err) == ("", True)


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes")])
def test_colours_are_for_whom_they_are_wanted(desk: Desk, monkeypatch, command: tuple[str, ...]):
    """Flag before FORCE_COLOR before NO_COLOR; a pipe has none, JSON never has any."""
    desk.write(plain(build_os="no such image"))
    assert ANSI not in desk.run(*command).out
    assert ANSI in desk.run(*command, "--color", "always").out
    assert ANSI not in desk.run(*command, "--color", "always", "--format", "json").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ANSI in desk.run(*command).out
    assert ANSI not in desk.run(*command, "--color", "never").out
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    assert ANSI not in desk.run(*command).out
    assert ANSI in desk.run(*command, "--color", "always").out


@pytest.mark.parametrize("command", ["validate", "plan", "apply"])
def test_problems_obey_the_flag_for_colours_too(desk: Desk, monkeypatch, command: str):
    """`--color` is about all that a command says, also about definitions that are wrong."""
    (desk.folder / "a.yaml").write_text("name: [\n", encoding="utf-8")

    def coloured(*flags: str) -> bool:
        said = desk.run(command, *flags)
        return ANSI in said.out + said.err

    assert (coloured(), coloured("--color", "always")) == (False, True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert (coloured(), coloured("--color", "never")) == (True, False)


def test_the_schemas_are_printed_as_they_are_shipped(desk: Desk):
    """`build` by default; each is a JSON Schema that is itself right."""
    for name in ("build", "reconciler", "plan", "config"):
        schema = json.loads(desk.done("schema", name).out)
        assert schema == json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft7Validator.check_schema(schema)
    assert desk.done("schema").out == desk.done("schema", "build").out
    assert desk.emulator.requests() == []


def python(code_or_module: list[str], **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *code_or_module], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60,
        env={**os.environ, **environ},
    )  # fmt: skip


def test_the_module_runs_and_tells_its_version():
    """`python -m reconciler --version`: one line."""
    from reconciler import __version__

    ran = python(["-m", "reconciler", "--version"])
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"reconciler {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["apply", "--help"], ["validate", "-h"], []])
def test_help_imports_no_heavy_library(arguments: list[str]):
    """Neither HTTP nor YAML, schemas or differences are needed to help."""
    code = (
        "import sys; from reconciler.cli.entry import call; call(sys.argv[1:]);"
        "print('heavy:', sorted({'httpx', 'jsonschema', 'deepdiff', 'yaml', 'ssl', 'sqlite3'} & set(sys.modules)))"
    )
    ran = python(["-c", code, *arguments])
    assert ran.returncode == 0, ran
    assert "heavy: []" in ran.stdout
    assert "Usage" in ran.stdout + ran.stderr


def test_help_lists_every_command_and_what_it_does(desk: Desk):
    out = desk.done("--help").out
    for name, (_, line) in COMMANDS.items():
        assert re.search(rf"^  {name}\s+{re.escape(line[:30])}", out, re.MULTILINE)


def test_a_reader_that_leaves_is_no_fault(desk: Desk):
    """`reconciler plan | head -1` ends without a traceback."""
    desk.write(*(plain(f"b{n}", build_script="line\n" * 2000) for n in range(20)))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "plan", str(desk.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 0


def test_a_reader_that_leaves_does_not_stop_an_apply(desk: Desk):
    """`reconciler apply --yes | head -1`: every build is there, recorded, and nothing is left to do."""
    desk.write(*(plain(f"b{n}", build_script="line\n" * 2000) for n in range(20)))
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply", "--yes", "--concurrency", "1", str(desk.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
    ) as run:  # fmt: skip
        assert run.stdout is not None
        run.stdout.readline()
        run.stdout.close()
    assert run.returncode == 0
    assert desk.done("plan", str(desk.folder)).out == "Nothing to do: 20 unchanged.\n"


def test_a_reader_that_leaves_does_not_hide_problems(desk: Desk):
    """The exit code is that of what was found, not that of who stopped reading."""
    (desk.folder / "wrong.yaml").write_text("no_such_key: 1\n" * 1, encoding="utf-8")
    run = subprocess.run(
        f"{sys.executable} -m reconciler validate {desk.folder} 2>&1 | head -c 0; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", cwd=ROOT, check=False, capture_output=True,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (65, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
@pytest.mark.parametrize(("words", "code"), [(("--help",), 1), (("validate",), 1), (("schema", "plan"), 1)])
def test_output_that_finds_no_room_is_an_error_of_its_own(desk: Desk, words: tuple[str, ...], code: int):
    """Said in a sentence, with 1 where all else went well."""
    desk.write(plain())
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "reconciler", *words],
            stdout=full, stderr=subprocess.PIPE, cwd=desk.folder, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    assert run.returncode == code
    assert run.stderr.startswith(b"error: stdout cannot be written: no space left on device\n")


# Reading is reading --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [("validate",), ("plan",), ("plan", "--format", "json", "-v"), ("apply", "--dry-run"), ("apply", "--dry-run", "-y"),
     ("schema", "plan"), ("plan", "--detailed-exitcode"), ("config",)],
)  # fmt: skip
def test_a_reading_command_sends_get_and_nothing_else(applied: Desk, command: tuple[str, ...]):
    """With work to do for every kind of step; and the store is the same after."""
    applied.write(plain(build_script="other\n"), plain("new"), template())
    before = applied.emulator.state()
    assert applied.run(*command).code in (0, 2)
    assert {r["method"] for r in applied.emulator.requests()} <= {"GET"}
    assert applied.emulator.state() == before
    if command[0] in ("validate", "schema", "config"):
        assert applied.emulator.requests() == []


def test_a_writing_command_would_have_been_seen(applied: Desk):
    """The positive control: the same work, applied, arrives as POST and PUT."""
    applied.write(plain(build_script="other\n"), plain("new"))
    applied.done("apply", "--yes")
    assert applied.methods() == {"GET", "POST", "PUT"}


def test_a_plan_leaves_nothing_in_the_tree(desk: Desk):
    """Neither a ledger nor a folder for one; an apply makes one that Git ignores."""
    desk.write(plain())
    before = sorted(desk.folder.rglob("*"))
    desk.done("plan")
    desk.done("apply", "--dry-run")
    assert sorted(desk.folder.rglob("*")) == before
    desk.done("apply", "--yes")
    assert (desk.folder / ".reconciler" / "ledger.db").is_file()
    assert (desk.folder / ".reconciler" / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_in_ci_a_local_ledger_is_warned_about(desk: Desk, monkeypatch):
    """On stderr, for an apply that writes to it, and only there."""
    monkeypatch.setenv("CI", "true")
    desk.write(plain())
    assert "ledger" not in desk.done("plan").err
    assert "lost" in desk.done("apply", "--yes").err


# Secrets and hostile text --------------------------------------------------------------------------------


def test_no_command_says_a_secret_at_any_verbosity(desk: Desk, monkeypatch):
    """From the environment, as a literal, of a template, the token: in no output, though all reached the server."""
    canaries = [FROM_ENV, LITERAL, f"tpl-{LITERAL}", "canary-stored", TOKEN, TOKEN.split(".")[1]]
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    script = plain("script", build_script="one\n")
    desk.write(with_secrets(), template(inputs=[{"key": "pw", "value": f"tpl-{LITERAL}"}]), script)
    every_way(desk)
    values = {e["key"]: e["value"] for e in desk.stored("api")["pre_build"]["envs"]}
    assert values == {"ENV": FROM_ENV, "LIT": LITERAL}
    assert desk.stored("tpl")["targets"][0]["envs"][2]["value"] == f"tpl-{LITERAL}"

    def undo(stored: dict[str, Any]) -> None:
        for env in stored["pre_build"]["envs"]:
            env["value"] = "canary-stored"
            env["is_credential"] = False

    desk.meddle("api", undo)
    monkeypatch.setenv("BUILD_PW", f"new-{FROM_ENV}")
    every_way(desk)
    assert {e["value"] for e in desk.stored("api")["pre_build"]["envs"]} == {f"new-{FROM_ENV}", LITERAL}
    said = "".join(desk.heard)
    assert "(sensitive)" in said
    assert [c for c in canaries if c in said] == []
    assert [c for c in canaries if base64.b64encode(c.encode()).decode() in said] == []


def every_way(desk: Desk) -> None:
    for flags in ((), ("-v",), ("-q",), ("--format", "json"), ("--color", "always", "-v")):
        assert desk.run("plan", *flags).code == 0
    desk.done("validate")
    desk.done("apply", "--dry-run", "-v")
    desk.done("apply", "--yes", "-v")
    desk.done("apply", "--yes", "--format", "json")


@pytest.mark.parametrize(
    "kind", ["500-json", "502-html", "lost-answer", "truncated", "403-empty", "401-empty", "reset"]
)
def test_no_failure_says_a_secret(desk: Desk, monkeypatch, kind: str):
    """Whatever the server does to the write, its body is not told; and that the body held them is shown."""
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    desk.write(with_secrets())
    desk.emulator.set_faults([{"kind": kind, "probability": 1.0, "seed": 1, "match": {"method": "POST"}}])
    desk.run("apply", "--yes", "-v")
    desk.run("apply", "--yes", "--format", "json")
    sent = [json.dumps(r["body"]) for r in desk.emulator.requests() if r["method"] == "POST"]
    assert FROM_ENV in sent[0]
    assert LITERAL in sent[0]
    said = "".join(desk.heard)
    assert [c for c in (FROM_ENV, LITERAL, TOKEN) if c in said] == []


def test_a_server_that_repeats_the_request_does_not_get_a_secret_told(desk: Desk, monkeypatch):
    """A gateway that answers with the body it was sent, as a page or as an error of the platform."""
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    desk.write(with_secrets())

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200, b'{"total": 0, "builds": []}')

        def do_PUT(self) -> None:
            self.answer(400, b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            text = json.dumps({"code": 6520, "description": f"cannot do {body} {self.headers['Authorization']}"})
            self.answer(400, text.encode())

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        said = desk.run("apply", "--yes", "-v", "--server", url)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert said.code == 1
    assert "failed (6520)" in said.out
    assert [c for c in (FROM_ENV, LITERAL, TOKEN) if c in said.out + said.err] == []


def test_an_error_of_our_own_says_no_secret(desk: Desk, monkeypatch):
    """A fault inside ends with a sentence, without a traceback and without a value."""
    monkeypatch.setenv("BUILD_PW", FROM_ENV)
    desk.write(with_secrets())
    with answering(200, b"[" * 100_000, "application/json") as url:
        said = desk.run("plan", "--server", url)
    assert said.code in (69, 70)
    assert "Traceback" not in said.err
    assert said.err.startswith("error: ")
    assert [c for c in (FROM_ENV, LITERAL, TOKEN) if c in said.out + said.err] == []


def test_an_invalid_definition_does_not_show_its_credential(desk: Desk):
    """The offending line and the caret are shown, but not where they hold a credential's value."""
    wrong = f"""\
name: api
project_key: yaml
infrastructure: kubernetes
build_os: ubuntu 20.04
script_type: shell
parameters:
  - {{key: PW, is_credential: true, default_value: {LITERAL}, tpye: string}}
"""
    (desk.folder / "a.yaml").write_text(wrong, encoding="utf-8")
    desk.run("validate").found("tpye", "a.yaml:7:")
    desk.run("plan").told(65, "tpye", "a.yaml:7:")
    assert LITERAL not in "".join(desk.heard)


HOSTILE = "evil\x1b[2J\x1b]0;owned\x07\u202egpj.exe\u2066\r\x9b31m\x00\u2028end"
RAW = ["\x1b", "\x07", "\u202e", "\u2066", "\r", "\x9b", "\x00", "\u2028"]


def test_hostile_text_of_the_server_does_not_reach_the_terminal_raw(desk: Desk):
    """Names, users, scripts, labels and losses with escapes and direction marks are spelled out."""
    desk.write(plain(build_script="make\n"), plain("lossy"), plain("kept"))
    desk.done("apply", "--yes")

    def spoil(stored: dict[str, Any]) -> None:
        stored["scripts"] = f"{HOSTILE}\nmake\n"
        stored["pre_build"]["installs"] = [{"name": HOSTILE, "version": HOSTILE}]
        stored["repos"] = [{"source": HOSTILE, "repo_owner": HOSTILE, "repo_name": HOSTILE, "branch": HOSTILE}]

    desk.meddle("api", spoil, user=HOSTILE)
    desk.meddle("lossy", lambda stored: stored["post_build"].update(scripts=HOSTILE), user=HOSTILE)
    desk.meddle("kept", lambda stored: None, user=HOSTILE)
    world = desk.emulator.state()["world"]
    for image in world["base_images"]:
        image["label"] = HOSTILE
    desk.emulator.set_state(world, [*desk.emulator.state()["builds"], {**desk.stored("api"), "name": HOSTILE}])
    desk.write(
        plain(build_script="make\n", installs=[], repo_info=[]), plain("lossy", build_script="x\n"), plain("kept")
    )
    for flags in ((), ("-v",), ("-q",)):
        said = desk.run("plan", *flags)
        assert [r for r in RAW if r in said.out + said.err] == []
    assert "\\u001b" in desk.run("plan", "-v").out
    assert "\\u202e" in desk.run("plan", "-v").out
    assert "\x1b" not in desk.run("plan", "--format", "json").out
    said = desk.run("apply", "--yes")
    assert [r for r in RAW if r in said.out + said.err] == []


def test_hostile_errors_of_the_server_do_not_reach_the_terminal_raw(desk: Desk):
    """The platform's description is a hint, spelled out: of a failed reading, and of a failed write."""
    desk.write(plain())
    body = json.dumps({"code": 500, "description": HOSTILE}, ensure_ascii=False).encode()
    with answering(500, body, "application/json") as url:
        said = desk.run("plan", "--server", url)
    said.told(69, "evil")
    assert [r for r in RAW if r in said.out + said.err] == []


def test_hostile_text_of_a_definition_does_not_reach_the_terminal_raw(desk: Desk):
    """Also what a stranger's pull request holds: names of files, keys and values."""
    json_file(desk.folder / "evil\x1b[2J.json", {**plain("api"), f"key-{HOSTILE}": 1})
    said = desk.run("validate")
    said.found("\\u001b")
    assert [r for r in RAW if r in said.out + said.err] == []
    (desk.folder / "evil\x1b[2J.json").unlink()
    desk.write(plain(build_script=HOSTILE, installs=[{"name": HOSTILE, "version": HOSTILE}]))
    said = desk.done("plan")
    assert [r for r in RAW if r in said.out + said.err] == []


def test_a_file_name_that_is_no_text_is_no_fault_of_ours(desk: Desk):
    """A name in bytes that are not UTF-8 is told, in text and as JSON."""
    name = os.fsdecode(b"b\xff.json")
    json_file(desk.folder / name, plain())
    for command in (("validate",), ("plan",), ("plan", "--format", "json")):
        said = desk.run(*command)
        assert "a fault of ours" not in said.err
        assert said.code in (0, 65)


def test_the_command_to_run_next_asks_for_the_same_again(applied: Desk):
    """The flags that decide what is planned are in it, quoted as a shell wants them."""
    applied.write(plain("other"))
    flags = ("--prune", "owned", "--max-deletes", "0", "--project", "yaml", "--allow-moves")
    said = applied.run("apply", "--yes", *flags)
    assert said.code == 4
    last = said.out.splitlines()[-1]
    assert last == (
        "Run `reconciler plan --project yaml --prune owned --max-deletes 0 --allow-moves` to see what is left."
    )
