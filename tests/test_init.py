"""`reconciler init`: from an address and a token to a tree with an empty plan; what is wrong writes nothing."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli import company
from reconciler.cli.entry import call
from reconciler.config import Flags, resolve
from reconciler.emulator import Emulator, running
from reconciler.workflow.init import ignore_text
from tests.emulator.wire import WORLD, token
from tests.rig import TOKEN, plain
from tests.test_cli import ROOT, Said, answering, free_port, until

IGNORED = {".reconciler/", ".env", "plan.json", "plan.txt"}


@dataclass
class Newcomer:
    """Somebody with a server full of builds and an empty folder, who types."""

    folder: Path
    emulator: Emulator
    url: str
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Said:
        self.capsys.readouterr()
        code = call(["init", *arguments])
        said = self.capsys.readouterr()
        return Said(code, said.out, said.err)

    def done(self, *arguments: str) -> Said:
        said = self.run(*arguments)
        assert said.code == 0, said
        return said

    def files(self) -> dict[str, str]:
        """Every file of the folder, but for the ledger."""
        found = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        inside = ((path.relative_to(self.folder), path) for path in found)
        return {name.as_posix(): path.read_text("utf-8") for name, path in inside if name.parts[0] != ".reconciler"}

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with running(emulator) as url:
        yield emulator, url


@pytest.fixture
def newcomer(served, tmp_path, monkeypatch, capsys) -> Newcomer:
    """In an empty folder, with a token and a server in the environment."""
    emulator, url = served
    emulator.set_state(WORLD, company.builds())
    emulator.set_faults([])
    emulator.set_settings({"internal_read": True})
    emulator.clear_requests()
    folder = tmp_path / "our-builds"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("CI", "RECONCILER_LEDGER", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ZADIG_SERVER", url)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    return Newcomer(folder, emulator, url, capsys)


# What it makes -------------------------------------------------------------------------------------------


def test_from_a_server_to_a_tree_with_an_empty_plan(newcomer: Newcomer):
    """One command; then the plan is empty, every build that can be is defined, and only GETs were sent."""
    said = newcomer.done()
    files = newcomer.files()
    assert {"reconciler.yaml", ".gitignore", ".env.example", "yaml/checkout.yaml", "other/data-import.yaml"} <= {*files}
    assert "sees 2 projects: other, yaml." in said.out
    assert "Hidden settings can be seen" in said.out
    assert "Exported 9 builds of 2 projects" in said.out
    assert said.out.index("Exported") < said.out.index("reconciler adopt") < said.out.index("reconciler plan")
    assert {r["method"] for r in newcomer.emulator.requests()} == {"GET"}
    newcomer.capsys.readouterr()
    assert call(["validate"]) == 0
    assert call(["plan", "--detailed-exitcode"]) == 0
    assert "9 unchanged" in newcomer.capsys.readouterr().out


def test_the_configuration_says_what_was_chosen(newcomer: Newcomer):
    """It is read back with our own reader: server, projects, tree; nothing is deleted unless somebody says so."""
    newcomer.done("--no-export", "--project", "yaml", "--tree", "shop: builds")
    settings = resolve(None, Flags(), {}, str(newcomer.folder))
    assert (settings.server, settings.projects, settings.tree) == (newcomer.url, ("yaml",), "shop: builds")
    assert (settings.policy.prune.value, settings.env, settings.deep_read) == ("off", ("BUILD_*",), True)
    assert settings.token is None
    assert newcomer.files().keys() == {"reconciler.yaml", ".gitignore"}


def test_the_usual_answers_are_all_projects_and_the_name_of_the_folder(newcomer: Newcomer):
    newcomer.done("--no-export")
    settings = resolve(None, Flags(), {}, str(newcomer.folder))
    assert (settings.projects, settings.tree) == (("other", "yaml"), "our-builds")


def test_a_folder_is_made_and_nothing_outside_of_it_is_written(newcomer: Newcomer):
    """The commands to go on with name it."""
    said = newcomer.done("deep/er", "--ci", "gitlab")
    assert (newcomer.folder / "deep" / "er" / "yaml" / "checkout.yaml").is_file()
    assert [path.name for path in newcomer.folder.iterdir()] == ["deep"]
    assert "  reconciler adopt deep/er  " in said.out
    assert "  reconciler plan deep/er " in said.out


def test_the_same_server_gives_the_same_bytes(newcomer: Newcomer, tmp_path, monkeypatch):
    """Two folders of one name, one after the other."""
    newcomer.done("--ci", "github")
    first = newcomer.files()
    again = tmp_path / "again" / "our-builds"
    again.mkdir(parents=True)
    monkeypatch.chdir(again)
    newcomer.folder = again
    newcomer.done("--ci", "github")
    assert newcomer.files() == first


def test_what_could_not_be_read_is_to_be_brought_in_first(newcomer: Newcomer):
    """The next commands begin with the one that completes the tree; where everything was read, they do not."""
    newcomer.emulator.set_faults([{"kind": "500-json", "probability": 1, "match": {"path": ".*checkout/detail"}}])
    said = newcomer.run("begun")
    assert said.code == 1
    assert said.out.index("reconciler export --out begun") < said.out.index("reconciler adopt begun")
    newcomer.emulator.set_faults([])
    assert "reconciler export" not in newcomer.done("begun", "--force").out


def test_without_the_internal_read_it_says_what_that_means(newcomer: Newcomer):
    """Not served, and switched off; the latter stands in the configuration, too."""
    newcomer.emulator.set_settings({"internal_read": False})
    said = newcomer.done("--no-export")
    assert "Hidden settings cannot be seen: the internal read of other/data-import: HTTP 404" in said.out
    newcomer.emulator.clear_requests()
    said = newcomer.done("--no-export", "--force", "--deep-read", "off")
    assert "internal read is off" in said.out
    assert resolve(None, Flags(), {}, str(newcomer.folder)).deep_read is False
    assert [r for r in newcomer.emulator.requests() if r["path"].startswith("/api/")] == []


def test_a_server_without_builds_begins_a_tree_all_the_same(newcomer: Newcomer):
    """Nothing to try the internal read on, and nothing said of it; there is nothing to adopt either."""
    newcomer.emulator.set_state(WORLD, [])
    said = newcomer.done()
    assert "Hidden settings" not in said.out
    assert "Exported 0 builds" in said.out
    assert "write the first definition" in said.out
    assert "reconciler adopt" not in said.out


def test_jenkins_builds_are_not_tried(newcomer: Newcomer):
    """The first build that the internal read is tried on is one that Zadig runs itself."""
    builds = [b for b in company.builds() if b["name"] in ("old-monolith", "storefront")]
    newcomer.emulator.set_state(WORLD, builds)
    assert "tried on yaml/storefront" in newcomer.done("--no-export").out


# What stops it -------------------------------------------------------------------------------------------


def test_a_build_that_cannot_be_read_does_not_speak_for_the_others(newcomer: Newcomer):
    """Its cluster is gone, or no call can ask for it: the internal read is tried on the next one."""
    builds = [b for b in company.builds() if b["name"] in ("checkout", "payments", "storefront")]
    builds[0]["name"] = "a/b"
    builds[1]["pre_build"]["cluster_id"] = "ffffffffffffffffffffffff"
    builds[1]["name"] = "broken"
    newcomer.emulator.set_state(WORLD, builds)
    assert f"tried on yaml/{builds[2]['name']}" in newcomer.done("--no-export").out


def test_a_wrong_token_writes_nothing(newcomer: Newcomer, monkeypatch):
    """77, once, and the token is not repeated."""
    monkeypatch.setenv("ZADIG_TOKEN", "wrong-canary-token")
    said = newcomer.run()
    said.told(77, "does not accept the API token")
    assert "wrong-canary-token" not in said.out + said.err
    assert newcomer.files() == {}
    assert [r["status"] for r in newcomer.emulator.requests()] == [401]


@pytest.mark.parametrize(
    ("variable", "code", "words"),
    [("ZADIG_SERVER", 64, ("--server", "ZADIG_SERVER")), ("ZADIG_TOKEN", 77, ("--token-file", "ZADIG_TOKEN"))],
)
def test_what_is_missing_is_told_where_nobody_can_be_asked(newcomer: Newcomer, monkeypatch, variable, code, words):
    """With the flag and the variable to use; nothing is sent and nothing is written."""
    monkeypatch.delenv(variable)
    newcomer.run().told(code, *words)
    newcomer.run("--no-input").told(code, *words)
    assert (newcomer.files(), newcomer.emulator.requests()) == ({}, [])


@pytest.mark.parametrize("address", ["zadig.example.com", "http://u:canary@zadig", "http://zadig/path"])
def test_an_address_that_is_none_is_told(newcomer: Newcomer, address: str):
    said = newcomer.run("--server", address)
    said.told(64, "--server", "https://")
    assert "canary" not in said.out + said.err
    assert newcomer.files() == {}


def test_a_server_that_is_down_is_unreachable(newcomer: Newcomer):
    """69 with the address."""
    gone = f"http://127.0.0.1:{free_port()}"
    newcomer.run("--server", gone, "--timeout", "0.2").told(69, gone, "check the address")
    assert newcomer.files() == {}


def test_a_server_that_is_no_zadig_is_told(newcomer: Newcomer):
    """A page of HTML, and an API of somebody else."""
    for status, body in ((200, b"<html>"), (404, b"no"), (200, b'{"items": []}')):
        with answering(status, body) as url:
            newcomer.run("--server", url).told(69, "address" if status != 200 or body[:1] == b"<" else "Zadig")
    assert newcomer.files() == {}


def test_a_token_that_sees_no_project_is_told(newcomer: Newcomer, monkeypatch):
    monkeypatch.setenv("ZADIG_TOKEN", token("nobody"))
    newcomer.run().told(77, "sees no project", "administrator")
    assert newcomer.files() == {}


def test_a_project_that_the_token_does_not_see_is_told_with_those_that_it_sees(newcomer: Newcomer):
    newcomer.run("--project", "yaml", "--project", "ymal").told(64, "ymal", "other, yaml")
    assert newcomer.files() == {}


def test_a_name_that_no_configuration_may_hold_is_told_before_anything_is_written(newcomer: Newcomer):
    newcomer.run("--tree", "a\tb").told(64, "tree")
    newcomer.run("--tree", "  ").told(64, "tree")
    assert newcomer.files() == {}


def test_a_tree_that_has_begun_is_left_alone(newcomer: Newcomer):
    """64, with what to do instead; --force writes the configuration anew, also over one that cannot be read."""
    newcomer.write("reconciler.yaml", "server: [broken\n")
    newcomer.run().told(64, "reconciler.yaml is there already", "reconciler export", "--force")
    assert newcomer.files() == {"reconciler.yaml": "server: [broken\n"}
    assert newcomer.emulator.requests() == []
    said = newcomer.done("--force", "--no-export")
    assert "~ reconciler.yaml" in said.out
    assert resolve(None, Flags(), {}, str(newcomer.folder)).server == newcomer.url


def test_a_folder_of_another_tree_is_told(newcomer: Newcomer):
    """64, naming the outer one; --force begins one of its own."""
    newcomer.write("reconciler.yaml", "tree: outer\n")
    newcomer.run("inner").told(64, "inside of another tree", "reconciler.yaml", "--force")
    assert not (newcomer.folder / "inner").exists()
    newcomer.done("inner", "--force", "--no-export")
    assert resolve("inner", Flags(), {}, str(newcomer.folder)).tree == "inner"
    assert (newcomer.folder / "reconciler.yaml").read_text("utf-8") == "tree: outer\n"


@pytest.mark.parametrize(
    ("name", "text"), [("package.json", '{"name": "shop"}'), ("deploy/a.yml", "kind: Pod\n"), ("b.yaml", "a: [\n")]
)
def test_files_that_would_be_read_as_definitions_and_are_none_are_told(newcomer: Newcomer, name: str, text: str):
    """As in the repository of a program: a folder of its own is what a tree wants there, and the hint names one."""
    newcomer.write(name, text)
    said = newcomer.run()
    said.told(64, name, "reconciler init zadig")
    assert (newcomer.files(), newcomer.emulator.requests()) == ({name: text}, [])
    newcomer.done("zadig", "--no-export")


def test_definitions_that_are_there_already_are_welcome(newcomer: Newcomer):
    """The export adds what they lack, and leaves them as they are."""
    text = json.dumps(plain("billing", build_script="make billing\n"))
    newcomer.write("mine/billing.json", text)
    newcomer.done()
    files = newcomer.files()
    assert files["mine/billing.json"] == text
    assert "yaml/billing.yaml" not in files
    assert any(name.endswith("/checkout.yaml") for name in files)


def test_a_file_in_the_place_of_the_folder_is_told(newcomer: Newcomer):
    newcomer.write("taken", "")
    newcomer.run("taken").told(64, "taken is not a folder")


@pytest.mark.parametrize("name", ["reconciler.yaml", ".gitignore"])
def test_no_link_leads_a_file_out_of_the_folder(newcomer: Newcomer, tmp_path, name: str):
    """What it leads to stays as it was."""
    outside = tmp_path / "outside"
    outside.write_text("theirs\n", encoding="utf-8")
    (newcomer.folder / name).symlink_to(outside)
    newcomer.run("--force", "--no-export").told(64, name, "link")
    assert outside.read_text("utf-8") == "theirs\n"


def test_a_recipe_is_not_written_through_a_linked_folder(newcomer: Newcomer, tmp_path):
    (tmp_path / "outside" / "workflows").mkdir(parents=True)
    (newcomer.folder / ".github").symlink_to(tmp_path / "outside")
    newcomer.run("--no-export", "--ci", "github").told(64, ".github/workflows/reconciler.yml", "link")
    assert list((tmp_path / "outside" / "workflows").iterdir()) == []


def test_an_export_that_fails_says_how_to_go_on(newcomer: Newcomer):
    """The error keeps its code; the configuration is there, and the same command with --force fills the tree."""
    lists = {"method": "GET", "path": "^/openapi/build$"}
    newcomer.emulator.set_faults([{"kind": "401-empty", "at": list(range(2, 20)), "match": lists}])
    newcomer.run().told(77, "reconciler init --force", "token")
    assert newcomer.files().keys() == {"reconciler.yaml", ".gitignore"}
    newcomer.emulator.set_faults([])
    assert "Exported 9 builds" in newcomer.done("--force").out


# Git -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", ["", "*.log\n", "*.log", "# ours\r\n.env\r\n/.reconciler\n", "plan.json\n\n"])
def test_gitignore_keeps_its_lines_and_gets_those_that_it_lacks(before: str):
    """At the end, once; what is there in another spelling is there."""
    after = ignore_text(before, sorted(IGNORED))
    assert after.startswith(before)
    lines = [line.strip().strip("/") for line in after.splitlines()]
    assert {name.strip("/") for name in IGNORED} <= {*lines}
    assert [line for line in lines if line and lines.count(line) > 1] == []
    assert ignore_text(after, sorted(IGNORED)) == after


def test_a_gitignore_that_is_there_is_added_to(newcomer: Newcomer):
    newcomer.write(".gitignore", "*.log\n")
    assert "~ .gitignore" in newcomer.done("--no-export").out
    assert newcomer.files()[".gitignore"].startswith("*.log\n\n#")
    assert "= .gitignore" in newcomer.done("--no-export", "--force").out


def test_what_a_second_run_adds_stands_under_the_first_ones_words(newcomer: Newcomer):
    newcomer.write("t", f"{TOKEN}\n")
    newcomer.done("--no-export")
    newcomer.done("--no-export", "--force", "--token-file", "t")
    ignored = newcomer.files()[".gitignore"]
    assert (ignored.count("#"), ignored.endswith("plan.txt\n/t\n")) == (1, True)


def test_the_commands_to_go_on_with_work_for_any_folder(newcomer: Newcomer):
    """One that looks like an option is named so that it is none."""
    said = newcomer.done("--no-export", "--", "-x y")
    assert "  reconciler adopt './-x y'  " in said.out


def test_a_token_file_in_the_folder_stays_out_of_git(newcomer: Newcomer, monkeypatch):
    """It is named in .gitignore; one elsewhere is not."""
    monkeypatch.delenv("ZADIG_TOKEN")
    newcomer.write("secret/token.txt", f"{TOKEN}\n")
    newcomer.done("--no-export", "--token-file", "secret/token.txt")
    assert "/secret/token.txt" in newcomer.files()[".gitignore"].splitlines()
    assert "token.txt" not in newcomer.files()["reconciler.yaml"]
    outside = newcomer.folder.parent / "token.txt"
    outside.write_text(TOKEN, encoding="utf-8")
    newcomer.done("other", "--no-export", "--force", "--token-file", str(outside))
    assert "token" not in (newcomer.folder / "other" / ".gitignore").read_text("utf-8")


# Secrets -------------------------------------------------------------------------------------------------


def test_neither_the_token_nor_a_credential_is_in_any_file_or_output(newcomer: Newcomer):
    """Both are in use: the server took the token, and its store holds the credentials."""
    said = newcomer.done("--ci", "jenkins")
    assert all(secret in str(newcomer.emulator.state()) for secret in company.SECRETS)
    assert {r["status"] for r in newcomer.emulator.requests()} == {200}
    secrets = [TOKEN, *TOKEN.split(".")[1:2], *company.SECRETS]
    files = [path for path in newcomer.folder.rglob("*") if path.is_file()]
    told = [said.out, said.err, *(path.read_bytes().decode("latin-1") for path in files)]
    assert len(told) > 15
    assert [secret for secret in secrets for text in told if secret in text] == []


# The dialogue --------------------------------------------------------------------------------------------


class Talk:
    """`init` as somebody sees it who sits at a terminal."""

    def __init__(self, newcomer: Newcomer, *arguments: str, **environ: str) -> None:
        self.ours, theirs = pty.openpty()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ZADIG_")}
        environment = {**kept, **environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        self.run = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "init", *arguments], stdin=theirs, stdout=theirs, stderr=theirs,
            cwd=newcomer.folder, env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.heard = b""

    def answer(self, question: bytes, text: str) -> None:
        """Type a line once the question stands there, and the cursor behind it."""
        heard = b""
        while not (question in heard and heard.endswith(b": ")):
            ready, _, _ = select.select([self.ours], [], [], 60)
            assert ready, (heard, question)
            heard += os.read(self.ours, 4096)
        self.heard += heard
        os.write(self.ours, f"{text}\n".encode())

    def end(self) -> tuple[int, str]:
        self.heard += until(self.ours)
        os.close(self.ours)
        return self.run.wait(timeout=60), self.heard.decode()


def test_on_a_terminal_it_asks_for_what_no_flag_says(newcomer: Newcomer):
    """Server, token, projects, tree; a wrong answer is asked again; the token is never shown, and its use is told."""
    talk = Talk(newcomer)
    talk.answer(b"address", "zadig.example.com")
    talk.answer(b"address", newcomer.url)
    talk.answer(b"API token", TOKEN)
    talk.answer(b"[all]", "yaml, nowhere")
    talk.answer(b"[all]", "yaml")
    talk.answer(b"[our-builds]", "")
    code, heard = talk.end()
    assert code == 0, heard
    assert TOKEN not in heard
    assert "must begin with https://" in heard
    assert "the token sees no project nowhere" in heard
    assert "export ZADIG_TOKEN=" in heard
    settings = resolve(None, Flags(), {}, str(newcomer.folder))
    assert (settings.server, settings.projects, settings.tree) == (newcomer.url, ("yaml",), "our-builds")
    assert not (newcomer.folder / "other").exists()
    assert (newcomer.folder / "yaml" / "billing.yaml").is_file()


def test_with_yes_it_asks_only_for_what_is_missing(newcomer: Newcomer):
    talk = Talk(newcomer, "--yes", "--no-export", ZADIG_SERVER=newcomer.url)
    talk.answer(b"API token", "two words")
    talk.answer(b"API token", TOKEN)
    code, heard = talk.end()
    assert code == 0, heard
    assert "Projects" not in re.sub(r"sees 2 projects.*", "", heard)
    assert resolve(None, Flags(), {}, str(newcomer.folder)).projects == ("other", "yaml")


def test_a_person_who_leaves_has_written_nothing(newcomer: Newcomer):
    """The end of the input at a question: 130."""
    talk = Talk(newcomer, ZADIG_SERVER=newcomer.url, ZADIG_TOKEN=TOKEN)
    talk.answer(b"[all]", "\x04")
    code, heard = talk.end()
    assert (code, newcomer.files()) == (130, {}), heard


# The guide -----------------------------------------------------------------------------------------------


def test_the_guide_shows_what_is_printed(newcomer: Newcomer, monkeypatch, tmp_path):
    """Line by line, in this order; an ellipsis stands for what is left out."""
    guide = (ROOT / "docs" / "init.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```text\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    assert TOKEN in guide
    folder = tmp_path / "shop-builds"
    folder.mkdir()
    monkeypatch.chdir(folder)
    first = newcomer.done("--ci", "github").out.replace(newcomer.url, "http://127.0.0.1:8400")
    newcomer.capsys.readouterr()
    assert call(["adopt", "--yes"]) == 0
    assert call(["plan", "--detailed-exitcode"]) == 0
    second = newcomer.capsys.readouterr().out
    for block, printed in zip(blocks, (first, second), strict=True):
        assert not missing(block.splitlines(), printed.splitlines())


def missing(shown: list[str], printed: list[str]) -> list[str]:
    """Lines of the guide that were not printed, or not in this order."""
    rest = iter(printed)
    return [line for line in shown if not any(_is(line, other) for other in rest)]


def _is(line: str, printed: str) -> bool:
    return printed.startswith(line[:-1]) if line.endswith("…") else printed == line


def test_an_invented_line_would_be_found():
    """The positive control of the test above."""
    assert missing(["a", "…", "c…"], ["a", "b", "cd"]) == []
    assert missing(["c", "a"], ["a", "c"]) == ["a"]
