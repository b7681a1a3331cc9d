"""No secret comes out anywhere: canaries in every place that can hold one, and every output searched for each.

A scene is a tree, a server in front of which things can be added, and a person who types. Whatever a command
prints or writes is kept; at the end each canary is looked for in all of it, in clear and in disguise, and it is
shown that each had reached the server.
"""

from __future__ import annotations

import base64
import copy
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import yaml

from reconciler.cli.entry import _fault, call
from reconciler.emulator import Emulator, Request, Response, running
from reconciler.model.secret import MASK, Secret
from tests.canaries import Canary, canary, found
from tests.field_cases import PLAIN_CASES
from tests.page import PLAIN, TEMPLATE, made
from tests.rig import Rig, plain, template
from tests.test_every_field import document_of

CONFIGURATION = "projects: [yaml, other]\ntree: silent\n"
HEAD = "e30.eyJuYW1lIjoiYWRtaW4iLCJ1aWQiOiJ1MSIsImFjY291bnQiOiJhZG1pbiJ9."
"""The two parts of a token that say who it is; the third proves it."""

REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}
WORLD = Emulator().state()["world"]
LOOSE = ("--allow-moves", "--break-workflows", "--max-deletes", "99", "--max-delete-percent", "100")


class Front:
    """Stands in front of an emulator: hears the tokens, and changes answers as later versions or gateways would."""

    def __init__(self) -> None:
        self.emulator = Emulator(WORLD)
        self.tokens: set[str] = set()
        self.twist: Callable[[Request, Any], Any] = lambda _, answer: answer

    def handle(self, request: Request) -> Response:
        self.tokens.add(request.headers.get("authorization", ""))
        answer = self.emulator.handle(request)
        try:
            body = json.loads(answer.body)
        except ValueError:
            return answer
        twisted = self.twist(request, copy.deepcopy(body))
        if twisted == body:
            return answer
        data = json.dumps(twisted).encode()
        return answer.but(body=data, headers={**answer.headers, "content-length": str(len(data))})


class Scene:
    """A tree, a server, and a person who types; every output is kept by what was typed."""

    def __init__(self, folder: Path, front: Front, capsys: pytest.CaptureFixture[str], setenv: Any) -> None:
        self.folder, self.front, self.capsys, self._setenv = folder, front, capsys, setenv
        self.canaries: list[Canary] = []
        self.outputs: dict[str, bytes] = {}
        self.written: set[Path] = set()
        self.reached = ""
        self.time = 1_700_000_000

    # planting

    def plant(self, where: str, *, odd: str | None = None) -> str:
        """Make a canary for a place, and return its text."""
        one = canary(where) if odd is None else canary(where, odd=odd)
        self.canaries.append(one)
        return one.text

    def env(self, name: str) -> dict[str, str]:
        """Put a canary into the environment, and return what a definition says to get it."""
        one = canary(f"${name}")
        if one not in self.canaries:
            self.canaries.append(one)
        self._setenv(name, one.text)
        return {"from_env": name}

    def write(self, *documents: dict[str, Any], file: str = "") -> None:
        """Make the tree hold these definitions and nothing else."""
        for old in self.folder.glob("*.json"):
            old.unlink()
        for document in documents:
            self.source(file or f"{document['name']}.json", json.dumps(document, ensure_ascii=False))

    def source(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        self.written.add(path)

    def have(self, *builds: dict[str, Any]) -> None:
        """Make the server hold these builds and nothing else."""
        self.front.emulator.set_state(WORLD, list(builds))

    def stored(self, name: str) -> dict[str, Any]:
        (found_one,) = [b for b in self.front.emulator.state()["builds"] if b["name"] == name]
        return found_one

    def meddle(self, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Change a build as the page does."""
        builds = copy.deepcopy(self.front.emulator.state()["builds"])
        for build in builds:
            if build["name"] == name:
                edit(build)
                build.update(update_by="mallory", update_time=build["update_time"] + 60)
        self.front.emulator.set_state(None, builds)

    # typing

    def run(self, *arguments: str) -> int:
        """Type a command; keep what it says, and what the server holds and heard."""
        self._hear()
        self.capsys.readouterr()
        code = call(arguments)
        said = self.capsys.readouterr()
        label = f"{len(self.outputs)}: {' '.join(arguments)}"
        self.outputs[label] = (said.out + said.err).encode("utf-8", "backslashreplace")
        self._hear()
        return code

    def done(self, *arguments: str) -> None:
        """Type a command that ends with 0."""
        code = self.run(*arguments)
        assert code == 0, (arguments, code, [*self.outputs.values()][-1].decode())

    def look(self, *more: str) -> None:
        """Look at what would be done, in every way there is."""
        for way in ((), ("-v",), ("-q",), ("--format", "json"), ("-v", "--color", "always")):
            self.run("plan", *way, *more)
        for way in (("-v",), ("--format", "json")):
            self.run("drift", *way, *more)

    def said(self, last: int = 1) -> str:
        """What the last commands said."""
        return "".join(output.decode() for output in [*self.outputs.values()][-last:])

    def accept(self, *more: str) -> None:
        """Let go what the plan says is lost, by the digests that it prints."""
        self.run("plan", "--format", "json", *more)
        plan = json.loads(self.said().partition("\n}\n")[0] + "\n}")
        for step in plan["steps"]:
            masked = [loss["digest"] for loss in step["losses"] if MASK in loss["value"]]
            stamps = f"{step['live']['update_time']} {step['live']['update_by']}" if step["live"] else ""
            assert set(masked) <= {stamps}, "a digest of what is masked says nothing of the value"
            file = self.folder / f"{step['name']}.json"
            if step["losses"] and file.exists():
                document = json.loads(file.read_text(encoding="utf-8"))
                accepted = {loss["path"]: loss["digest"] for loss in step["losses"]}
                document.setdefault("x-reconciler", {})["accept_loss"] = accepted
                self.source(file.name, json.dumps(document, ensure_ascii=False))

    def _hear(self) -> None:
        seen = [self.front.emulator.state(), self.front.emulator.requests(), sorted(self.front.tokens)]
        self.reached += "\n".join(_texts(seen))

    # judging

    def files(self) -> dict[str, bytes]:
        """Every file that the commands left: ledger, its journals, saved plans, backups."""
        return {
            str(path.relative_to(self.folder.parent)): path.read_bytes()
            for path in sorted(self.folder.parent.rglob("*"))
            if path.is_file() and path not in self.written
        }

    def leaks(self) -> list[str]:
        """What any output or file tells of any canary."""
        everything = {**self.outputs, **self.files(), **{f"name of {name}": name.encode() for name in self.files()}}
        return [f"{name} tells {what}" for name, data in everything.items() for what in found(self.canaries, data)]

    def silent(self, *, unreached: tuple[str, ...] = ()) -> None:
        """No canary came out; and each had been where it could come out of."""
        assert not (leaks := self.leaks()), "\n".join(leaks)
        missing = [one.where for one in self.canaries if one.text not in self.reached and one.where not in unreached]
        assert missing == [], "never reached the server"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


@pytest.fixture
def scene(tmp_path, monkeypatch, capsys):
    """An empty tree in the current directory, a server without builds, a token that is a canary."""
    folder = tmp_path / "tree"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("CI", "RECONCILER_LEDGER", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    front = Front()
    with running(front) as url:
        scene = Scene(folder, front, capsys, monkeypatch.setenv)
        scene.source("reconciler.yaml", CONFIGURATION)
        monkeypatch.setenv("ZADIG_SERVER", url)
        token = f"{HEAD}{scene.plant('token', odd='')}"
        monkeypatch.setenv("ZADIG_TOKEN", token)
        scene.canaries[-1] = Canary("token", f"Bearer {token}", scene.canaries[-1].words)
        yield scene


# The search itself ---------------------------------------------------------------------------------------

FORMS: dict[str, Callable[[str], bytes]] = {
    "clear": str.encode,
    "JSON": lambda text: json.dumps(text).encode(),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False).encode(),
    "URL": lambda text: quote(text).encode(),
    "form": lambda text: quote_plus(text).encode(),
    "repr": lambda text: repr(text).encode(),
    "bytes": lambda text: repr(text.encode()).encode(),
    "YAML": lambda text: yaml.safe_dump({"a": text}).encode(),
    "YAML in double quotes": lambda text: yaml.safe_dump({"a": text}, default_style='"', width=9999).encode(),
    "hex": lambda text: text.encode().hex().encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "the half of it": lambda text: text[: len(text) // 2].encode(),
    **{f"base64 behind {n}": lambda text, n=n: base64.b64encode(b"x" * n + text.encode()) for n in range(4)},
}


def _database(text: str) -> bytes:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE t (body TEXT)")
        db.execute("INSERT INTO t VALUES (?)", (json.dumps({"a": [text]}),))
        db.commit()
        return bytes(db.serialize())


FORMS["a database"] = _database


@pytest.mark.parametrize("form", FORMS)
def test_the_search_finds_a_canary_in_every_form(form: str):
    """The positive control of every "nowhere" below."""
    one = canary("anywhere")
    assert found([one], b"before " + FORMS[form](one.text) + b" after") != []
    assert found([canary("elsewhere")], b"before " + FORMS[form](one.text) + b" after") == []


def test_the_search_finds_a_digest():
    """A digest of a secret allows guessing; its first twelve digits suffice."""
    from reconciler.plan.losses import digest

    one = canary("anywhere")
    assert found([one], digest(one.text).encode()) == ["anywhere: sha256 of the text"]


# Definitions ---------------------------------------------------------------------------------------------


def everywhere(scene: Scene) -> dict[str, Any]:
    """A plain definition with a secret wherever one may stand: from the environment, and written out."""
    literal = {"key": "LITERAL", "type": "string", "is_credential": True, "default_value": scene.plant("literal")}
    return plain(
        "api",
        build_script=scene.env("BUILD_SCRIPT"),
        services=[{"service_name": "s", "service_module": "m"}],
        installs=[{"name": "go", "version": scene.env("BUILD_GO")}],
        repo_info=[
            {
                "codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo",
                "branch": scene.env("BUILD_BRANCH"), "checkout_path": scene.env("BUILD_CHECKOUT"),
                "commit_id": scene.env("BUILD_COMMIT"),
            }
        ],
        parameters=[
            {"key": "PW", "type": "string", "is_credential": True, "default_value": scene.env("BUILD_PW")},
            {"key": "URL", "type": "string", "default_value": scene.env("BUILD_URL"),
             "description": scene.env("BUILD_DESCRIPTION")},
            literal,
        ],
        docker_build_step={
            "dockerfile_source": "local", "build_context_dir": "$W", "dockerfile_directory": scene.env("BUILD_FILE"),
            "build_args": scene.env("BUILD_ARGS"),
        },
        advanced_settings={
            "cluster_name": "gpu-cluster",
            "custom_labels": [{"key": "l", "value": scene.env("BUILD_LABEL")}],
            "custom_annotations": [{"key": "a", "value": scene.env("BUILD_ANNOTATION")}],
            "storages": {
                "enabled": True,
                "storages_properties": [{"mount_path": "/m", "subpath": scene.env("BUILD_SUBPATH")}],
            },
        },
    )  # fmt: skip


def targets(scene: Scene) -> dict[str, Any]:
    """A template definition with the same."""
    return template(
        "tpl",
        repo_info=[
            {"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r", "branch": scene.env("BUILD_TARGET")}
        ],
        inputs=[
            {"key": "name", "value": scene.env("BUILD_NAME"), "type": "string", "is_credential": False},
            {"key": "pw", "value": scene.plant("literal input"), "type": "string", "is_credential": True},
        ],
    )


def test_what_definitions_say_and_the_environment_holds(scene: Scene):
    """Created, planned again, drifted, changed, taken out bit by bit: in every format, ledger and saved plan too."""
    scene.write(everywhere(scene), targets(scene))
    scene.done("validate")
    scene.look("--out", "saved.plan")
    scene.run("apply")
    scene.done("apply", "--yes", "--format", "json", "-v")
    scene.look()
    scene.meddle("api", lambda b: b.update(scripts="changed", timeout=7))
    scene.meddle("api", lambda b: b["pre_build"]["envs"][1].update(value=scene.plant("page drift of BUILD_URL")))
    scene.look()
    scene.run("apply", "--dry-run", "-v")
    scene.done("apply", "--yes", "-v")
    document = json.loads((scene.folder / "api.json").read_text(encoding="utf-8"))
    for key in ("build_script", "installs", "repo_info", "parameters", "docker_build_step", "advanced_settings"):
        del document[key]
        scene.write(document, targets(scene))
        scene.look()
    scene.write(plain("api", parameters=[], docker_build_step=None, repo_info=[], build_script="x"))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "-v")
    scene.silent()


@pytest.mark.parametrize("path", sorted({*PLAIN_CASES, "name", "project_key"}))
def test_an_environment_value_in_the_wrong_place_is_not_told(scene: Scene, path: str):
    """At every setting, those that cannot take it too; over many lines, and padded, which other checks complain of."""
    if path in PLAIN_CASES:
        document = document_of(path, PLAIN_CASES[path], scene.env("BUILD_VALUE"))
    else:
        document = plain() | {path: scene.env("BUILD_VALUE")}
    scene.write(document)
    padded = scene.plant("padded", odd=" ")
    for value in (None, f"  {padded} ", padded.replace(" ", "/ ")):
        if value:
            scene._setenv("BUILD_VALUE", value)
        scene.run("validate")
        scene.run("plan", "-v")
        scene.run("apply", "--yes", "-v")
        scene.run("apply", "--yes", "--format", "json")
    assert scene.leaks() == []


# Builds of the page --------------------------------------------------------------------------------------


def repository(scene: Scene, where: str) -> dict[str, Any]:
    """A repository with every secret that the store keeps of one."""
    secrets = ("oauth_token", "password", "ssh_key", "private_access_token")
    return {**PLAIN["repos"][0], **{key: scene.plant(f"{where}.{key}") for key in secrets}}


def page_build(scene: Scene, name: str, **more: Any) -> dict[str, Any]:
    """A plain build of the page: credentials, a chosen one too; repositories and targets that hold some."""
    envs = [
        {"key": "A", "value": "1", "type": "string"},
        {"key": "PW", "value": scene.plant(f"{name}: credential"), "type": "string", "is_credential": True},
        {
            "key": "PICK", "type": "multi-select", "is_credential": True, "value": scene.plant(f"{name}: picked"),
            "choice_option": [scene.plant(f"{name}: option"), "b"], "choice_value": [scene.plant(f"{name}: choice")],
            "script": scene.plant(f"{name}: script of a credential"),
        },
    ]  # fmt: skip
    target = {
        **PLAIN["targets"][0],
        "build_name": name,
        "repos": [repository(scene, f"{name}: target")],
        "envs": [{"key": "T", "value": scene.plant(f"{name}: target env"), "type": "string", "is_credential": True}],
    }
    build = made(PLAIN, name=name, repos=[repository(scene, name)], targets=[target], **more)
    build["pre_build"]["envs"] = envs
    build["deploy_repos"] = [repository(scene, f"{name}: deploy")]
    build["post_build"]["scripts"] = "echo done"
    return build


def page_template(scene: Scene, name: str) -> dict[str, Any]:
    """A template build of the page: inputs that are credentials, repositories with secrets."""
    build = made(TEMPLATE, name=name)
    build["targets"][0].update(build_name=name, repos=[repository(scene, name)])
    for env in build["targets"][0]["envs"]:
        if env["key"] == "pw":
            env["value"] = scene.plant(f"{name}: input")
    return build


def later(scene: Scene) -> Callable[[Request, Any], Any]:
    """A later version: keys that nobody knows, at every level of both answers, that sound like secrets or hold some."""
    told = {
        "apiKey": scene.plant("later: apiKey"),
        "sshKey": scene.plant("later: sshKey"),
        "vaultPassphrase": scene.plant("later: passphrase"),
        "signing_credential": scene.plant("later: credential"),
        "auth": {"user": "u", "bearerToken": scene.plant("later: nested token")},
        "extra_envs": [{"key": "K", "value": scene.plant("later: variable"), "is_credential": True}],
        "mirror": f"https://bot:{scene.plant('later: user of an address', odd='')}@git.example.com/x.git",
    }

    def twist(request: Request, answer: Any) -> Any:
        if request.method != "GET" or not isinstance(answer, dict) or "update_by" not in answer:
            return answer
        scene.reached += "\n".join(_texts(told))
        levels = [answer, answer.get("pre_build"), answer.get("post_build"), answer.get("advanced_settings")]
        levels += [*(answer.get("repos") or []), *(answer.get("parameters") or []), *(answer.get("targets") or [])]
        levels += (answer.get("pre_build") or {}).get("envs") or []
        for level in levels:
            if isinstance(level, dict):
                level.update(told)
        return answer

    return twist


@pytest.fixture(params=["deep", "detail"])
def deep(request, scene: Scene) -> bool:
    """With the internal read and without it."""
    scene.front.emulator.set_settings({"internal_read": request.param == "deep"})
    return bool(request.param == "deep")


def kept(scene: Scene) -> list[Path]:
    return sorted(path.parent for path in scene.folder.rglob("backup.json"))


def back(scene: Scene) -> None:
    """Restore every backup, in every format: shown, without the variables, and with them."""
    for folder in kept(scene):
        place = str(folder)
        scene.run("restore", place)
        scene.run("restore", place, "--dry-run", "-v")
        scene.run("restore", place, "--yes", "--format", "json")
        told = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
        for item in told["masked"]:
            scene.env(item["env"])
            scene.reached += canary(f"${item['env']}").text  # not every build can be written again
        scene.run("restore", place, "--yes", "-v")


def test_what_the_page_holds_is_lost_accepted_kept_and_brought_back(scene: Scene, deep: bool):
    """Blocked losses, accepted ones, the backup of an update, and its restore."""
    scene.have(page_build(scene, "api"), page_template(scene, "tpl"))
    scene.front.twist = later(scene)
    scene.write(plain("api", build_script="new", repo_info=[REPO]), template("tpl", repo_info=[REPO]))
    scene.look()
    scene.run("apply", "--yes", "-v")
    scene.accept()
    scene.look("--out", "saved.plan")
    scene.run("apply", "--yes", "-v")
    assert kept(scene) != []
    back(scene)
    scene.silent()


def test_prune_deletes_and_restore_makes_again(scene: Scene, deep: bool):
    """Everybody's builds, deleted with their credentials in them."""
    scene.have(page_build(scene, "api"), page_template(scene, "tpl"))
    scene.front.twist = later(scene)
    scene.write(plain("keep"))
    scene.done("apply", "--yes")
    scene.look("--prune", "all", *LOOSE)
    scene.look("--prune", "all")
    scene.run("apply", "--prune", "all", "--yes", "-v", *LOOSE)
    assert len(kept(scene)) == 2
    back(scene)
    scene.silent()


@pytest.mark.parametrize("documents", ["template", "plain"])
def test_a_conversion_names_what_ends(scene: Scene, deep: bool, documents: str):
    """Losses that hold credentials, both ways; then back again, from the leftover and from the backup."""
    scene.have(page_build(scene, "api"), page_template(scene, "tpl"))
    scene.front.twist = later(scene)
    if documents == "template":
        scene.write(template("api", repo_info=[REPO]), plain("tpl", build_script="x"))
    else:
        scene.write(plain("tpl"), plain("api", parameters=[], repo_info=[]))
    scene.look()
    scene.run("apply", "--yes")
    scene.accept()
    scene.look()
    scene.run("apply", "--yes", "-v")
    assert kept(scene) != []
    scene.write(plain("api", build_script="again"), template("tpl", repo_info=[REPO]))
    scene.look()
    scene.accept()
    scene.run("apply", "--yes", "--format", "json")
    back(scene)
    scene.silent()


def test_our_own_secrets_stay_marked_through_a_conversion(scene: Scene, deep: bool):
    """What a definition took from the environment is secret still where another kind has left it in the store."""
    scene.write(everywhere(scene), targets(scene))
    scene.done("apply", "--yes")
    scene.write(template("api"), plain("tpl"))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "-v")
    scene.write(plain("api"), template("tpl"))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "--format", "json")
    assert len(kept(scene)) == 4
    back(scene)
    scene.silent()


def test_a_build_of_the_page_whose_definition_marks_the_place(scene: Scene, deep: bool):
    """The page has a parameter that is no credential; Git takes it from the environment: what is there is secret."""
    build = page_build(scene, "api")
    build["pre_build"]["envs"][0]["value"] = scene.plant("page value of A")
    build["scripts"] = scene.plant("page script")
    build["post_build"]["docker_build"]["build_args"] = scene.plant("page build args")
    build["pre_build"]["custom_labels"] = [{"key": "a", "value": scene.plant("page label")}]
    build["pre_build"]["envs"][0]["description"] = scene.plant("page description")
    scene.have(build)
    definition = plain(
        "api",
        build_script=scene.env("BUILD_SCRIPT"),
        parameters=[
            {"key": "A", "default_value": scene.env("BUILD_A"), "type": "string", "description": scene.env("BUILD_D")}
        ],
        docker_build_step={
            "dockerfile_source": "local", "dockerfile_directory": "D", "build_context_dir": "$W",
            "build_args": scene.env("BUILD_ARGS"),
        },
        repo_info=[REPO],
        advanced_settings={
            "cluster_name": "gpu-cluster", "custom_labels": [{"key": "a", "value": scene.env("BUILD_LABEL")}],
        },
    )  # fmt: skip
    scene.write(definition)
    scene.look()
    scene.accept()
    scene.look("--out", "saved.plan")
    scene.run("apply", "--yes", "-v")
    assert kept(scene) != []
    back(scene)
    scene.silent()


def test_a_credential_whose_flag_was_taken_away(scene: Scene, deep: bool):
    """By the page, and by Git itself: the value stays what it was, and stays unsaid; after a delete, too."""
    parameters = [
        {"key": "PW", "type": "string", "is_credential": True, "default_value": scene.plant("literal")},
        {"key": "KEEP", "type": "string", "is_credential": True, "default_value": scene.env("BUILD_KEEP")},
    ]
    scene.write(plain("api", parameters=parameters))
    scene.done("apply", "--yes")
    scene.meddle("api", lambda b: [env.update(is_credential=False) for env in b["pre_build"]["envs"]])
    scene.meddle("api", lambda b: b["post_build"].update(scripts="lost"))
    scene.look()
    without = [{"key": "PW", "type": "string", "is_credential": False}, {"key": "KEEP", "is_credential": False}]
    scene.write(plain("api", parameters=without))
    scene.look()
    scene.accept()
    scene.done("apply", "--yes", "-v")
    scene.look()
    scene.write(plain("api", parameters=[]))
    scene.look()
    scene.write(template("api"))
    scene.look()
    scene.write(plain("other"))
    scene.run("apply", "--prune", "all", "--yes", *LOOSE)
    back(scene)
    scene.silent()


def test_a_literal_whose_flag_is_the_servers(scene: Scene, deep: bool):
    """Git gives a value and no flag; the server has the flag, so the value is secret: in an intent, too."""
    build = made(PLAIN, name="api")
    build["pre_build"]["envs"][1]["value"] = scene.plant("page")
    tpl = page_template(scene, "tpl")
    scene.have(build, tpl)
    value = scene.plant("literal without a flag")
    inputs = [{"key": "pw", "value": scene.plant("literal input without a flag")}]
    scene.write(
        plain("api", parameters=[{"key": "PW", "default_value": value}], repo_info=[REPO]),
        template("tpl", inputs=inputs, repo_info=[REPO]),
    )
    scene.look()
    scene.accept()
    for kind in ("reset", "lost-answer"):
        scene.front.emulator.set_faults([{"kind": kind, "probability": 1, "match": {"method": "PUT"}}])
        scene.run("apply", "--yes")
        assert scene.leaks() == []
    scene.front.emulator.set_faults([])
    scene.run("apply", "--yes", "-v")
    scene.look()
    scene.silent()


# Renames and moves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("project", ["yaml", "other"])
def test_a_rename_and_a_move_take_secrets_along(scene: Scene, deep: bool, project: str):
    """Done, and refused in the middle with a server that repeats what it was sent; put back, or not even that."""
    old = everywhere(scene)
    scene.write(old)
    scene.done("apply", "--yes")
    new = {**old, "project_key": project, "name": "api" if project == "other" else "new"}
    if project == "yaml":
        new["x-reconciler"] = {"renamed_from": "api"}
    scene.write(new)
    scene.look()
    scene.look(*LOOSE, "--out", "saved.plan")
    repeating(scene)
    scene.front.emulator.set_faults([{"kind": "500-json", "at": [0], "match": {"method": "POST"}}])
    scene.run("apply", "--yes", "-v", *LOOSE)
    scene.front.emulator.set_faults([{"kind": "500-json", "probability": 1, "match": {"method": "POST"}}])
    scene.run("apply", "--yes", "--format", "json", *LOOSE)
    scene.front.emulator.set_faults([])
    scene.look(*LOOSE)
    scene.done("apply", "--yes", "-v", *LOOSE)
    back(scene)
    scene.silent()


def repeating(scene: Scene, *said: str) -> None:
    """Let every refusal repeat some texts, as a server's log line would; all secrets that there are by default."""
    texts = said or tuple(form for one in scene.canaries for form in as_servers_say(one.text))

    def twist(_: Request, answer: Any) -> Any:
        if not isinstance(answer, dict) or "code" not in answer:
            return answer
        return {**answer, "description": f"failed: {' '.join(texts)} was there"}

    scene.front.twist = twist


def as_servers_say(text: str) -> list[str]:
    """A text as a server written in Go repeats it: as it is, quoted, as JSON inside of JSON, in a URL, encoded."""
    go = json.dumps(text, ensure_ascii=False)
    for sign in "<>&":
        go = go.replace(sign, f"\\u{ord(sign):04x}")
    forms = [
        text,
        go,
        json.dumps(go),
        json.dumps(text),
        repr(text),
        quote(text),
        quote(text, safe=""),
        quote_plus(text),
    ]
    return [*forms, base64.b64encode(text.encode()).decode(), text.encode().hex()]


@pytest.mark.parametrize("form", range(10))
def test_a_server_that_repeats_a_secret_is_not_quoted(scene: Scene, form: int):
    """In whatever form: sent ones, kept ones, live ones that a delete takes away, and the token."""
    scene.have(page_build(scene, "old"))
    scene.write(plain("api", parameters=[{"key": "P", "default_value": scene.env("BUILD_P")}]), targets(scene))

    scene.front.emulator.set_faults([{"kind": "500-json", "probability": 1, "match": {"method": m}} for m in WRITES])
    some = (
        "token",
        "$BUILD_P",
        "literal input",
        "old: credential",
        "old: target.password",
        "old: script of a credential",
    )
    for one in (one for one in scene.canaries if one.where in some):
        repeating(scene, as_servers_say(one.text.removeprefix("Bearer "))[form])
        scene.run("apply", "--yes", "--prune", "all", "--format", "json", *LOOSE)
        assert "left out" in scene.said()
    scene.silent(unreached=("$BUILD_P", "$BUILD_TARGET", "$BUILD_NAME", "literal input"))


WRITES = ("POST", "PUT", "DELETE")


def test_a_server_that_repeats_a_harmless_text_is_quoted(scene: Scene):
    """The positive control: what the server says is told where it holds no secret."""
    scene.write(plain("api"))
    scene.front.emulator.set_faults([{"kind": "500-json", "probability": 1, "match": {"method": "POST"}}])
    scene.run("apply", "--yes", "-v")
    assert "context deadline exceeded" in scene.said()


# Saved plans, rules, faults ------------------------------------------------------------------------------


def test_a_stale_saved_plan_shows_differences_without_secrets(scene: Scene):
    """The file, and what is said of it when everything differs."""
    scene.write(everywhere(scene), targets(scene))
    scene.done("apply", "--yes")
    scene.meddle("api", lambda b: b.update(timeout=7))
    scene.done("plan", "--out", "saved.plan")
    scene.meddle("api", lambda b: b["pre_build"]["envs"][1].update(value=scene.plant("page drift")))
    scene.meddle("tpl", lambda b: b["targets"][0]["envs"][0].update(value=scene.plant("page drift of an input")))
    for way in ((), ("-v",), ("--format", "json"), ("--all-or-nothing",)):
        scene.run("apply", "--plan", "saved.plan", "--yes", *way)
    scene.env("BUILD_PW")
    scene._setenv("BUILD_URL", scene.plant("another value"))
    scene.run("apply", "--plan", "saved.plan", "--yes", "-v")
    scene.silent(unreached=("another value",))


def test_an_ignored_secret_is_not_told(scene: Scene):
    """The note of a rule says that the server has another value, and not which."""
    definition = everywhere(scene)
    scene.write(definition, targets(scene))
    scene.done("apply", "--yes")
    rules = (
        "parameters[*]",
        "build_script",
        "docker_build_step.build_args",
        "advanced_settings",
        "repo_info",
        "installs",
    )
    scene.meddle("api", lambda b: b["pre_build"]["envs"][0].update(value=scene.plant("page PW")))
    scene.meddle("api", lambda b: b["pre_build"]["envs"][1].update(value=scene.plant("page URL")))
    scene.meddle(
        "api", lambda b: b["pre_build"]["envs"][2].update(value=scene.plant("page LITERAL"), is_credential=False)
    )
    scene.meddle("api", lambda b: b.update(scripts=scene.plant("page script")))
    scene.meddle("api", lambda b: b["post_build"]["docker_build"].update(build_args=scene.plant("page args")))
    definition["x-reconciler"] = {"ignore": [{"path": path, "reason": "the page's"} for path in rules]}
    scene.write(definition, targets(scene))
    scene.look()
    assert "ignored" in scene.said(7)
    definition["services"] = []
    scene.write(definition, targets(scene))
    scene.accept()
    scene.run("apply", "--yes", "-v")
    scene.look()
    scene.silent()


KINDS = ("reset", "lost-answer", "429-seconds", "500-json", "500-empty", "502-html", "403-empty", "401-empty",
         "truncated", "foreign-description", "unsettled-list")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_faults_of_the_way_tell_nothing(scene: Scene, kind: str):
    """69, 77, unknown endings, intents that stay in the ledger: half of all requests go wrong."""
    scene.write(everywhere(scene), targets(scene))
    wrong = {"kind": kind, "probability": 0.5, "seed": 7}
    if kind == "429-seconds":
        wrong = {"kind": kind, "at": [1]}
    scene.front.emulator.set_faults([wrong])
    scene.run("plan", "-v")
    scene.front.emulator.set_faults([{**wrong, "match": {"method": "POST"}}])
    scene.run("apply", "--yes", "-v")
    scene.run("apply", "--yes", "--format", "json")
    scene.front.emulator.set_faults([])
    scene.run("apply", "--yes")
    scene.meddle("api", lambda b: b.update(timeout=3))
    scene.front.emulator.set_faults([{**wrong, "match": {"method": "PUT"}}])
    scene.run("apply", "--yes", "-v")
    scene.silent()


def test_exit_69_77_and_the_configuration(scene: Scene, monkeypatch):
    """No server, no Zadig, a token that is none, an address and a proxy with a password in them."""
    scene.write(everywhere(scene))
    scene.run("config")
    scene.run("config", "-v", "--format", "json")
    scene.done("apply", "--yes")
    password = scene.plant("password of an address", odd="")
    monkeypatch.setenv("HTTPS_PROXY", f"htp://user:{password}@proxy")
    assert scene.run("plan", "--server", "https://zadig.invalid") == 69
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{password}@127.0.0.1:1")
    assert scene.run("plan", "--server", "https://zadig.invalid", "--timeout", "0.2") == 69
    monkeypatch.delenv("HTTPS_PROXY")
    assert scene.run("plan", "--server", "http://127.0.0.1:1") == 69
    assert scene.run("plan", "--server", f"http://u:{password}@127.0.0.1:1") == 64
    assert scene.run("config", "--server", f"http://u:{password}@127.0.0.1:1") == 64
    scene.run("config", "--ledger", f"https://u:{password}@ledger/state?signature={password}")
    scene.run("plan", "--ledger", f"https://u:{password}@ledger/state?signature={password}")
    for end in ("\nx", " x", "\u00e9", "\x01"):
        monkeypatch.setenv("ZADIG_TOKEN", HEAD + scene.plant(f"bad token {end!r}", odd="") + end)
        assert scene.run("plan") in (64, 77)
    monkeypatch.setenv("ZADIG_TOKEN", scene.plant("refused token", odd=""))
    assert scene.run("plan") == 77
    assert scene.run("apply", "--yes") == 77
    never = tuple(one.where for one in scene.canaries if "token" in one.where[1:] or "address" in one.where)
    scene.silent(unreached=never)


BROKEN = {
    "an unknown key beside it": lambda d: d["parameters"][2].update(is_credental=True),
    "a wrong type": lambda d: d["parameters"][2].update(type=7),
    "a second one": lambda d: d["parameters"].append(d["parameters"][2]),
    "a key too much": lambda d: d.update(tiemout=4),
    "not allowed": lambda d: d["parameters"][0].update(default_value={"from_env": "ZADIG_TOKEN"}),
    "a list of values": lambda d: d["parameters"][2].update(default_value=[d["parameters"][2]["default_value"]]),
    "a flag that is a text": lambda d: d["parameters"][2].update(is_credential="yes"),
    "no list": lambda d: d.update(parameters=d["parameters"][2]),
}


@pytest.mark.parametrize("wrong", BROKEN)
def test_problems_with_their_carets_show_no_credential(scene: Scene, wrong: str):
    """65: the offending line is left out where it may hold one."""
    document = everywhere(scene)
    BROKEN[wrong](document)
    path = scene.folder / "api.yaml"
    for style in ({}, {"default_style": '"'}, {"default_flow_style": True, "width": 9999}):
        path.write_text(yaml.safe_dump(document, allow_unicode=True, **style), encoding="utf-8")
        scene.written.add(path)
        assert scene.run("validate") == 65
        assert scene.run("plan", "-v") == 65
    assert scene.leaks() == []


def test_what_an_environment_lacks_is_named_and_nothing_else(scene: Scene, monkeypatch):
    """65 of an apply that would write a build whose value is not set."""
    scene.write(everywhere(scene))
    scene.done("apply", "--yes")
    scene.meddle("api", lambda b: b.update(scripts="changed"))
    monkeypatch.setenv("BUILD_PW", "")
    scene.look()
    assert scene.run("apply", "--yes") == 65
    scene.silent()


def test_a_fault_of_ours_names_a_place_and_no_value(scene: Scene):
    """70: of an exception nobody thought of, where it was and not what it said."""
    said = scene.plant("in an exception")
    try:
        {}[(said, Secret(said))]
    except KeyError as error:
        assert _fault(error) == 70
    told = scene.capsys.readouterr()
    scene.outputs["a fault"] = (told.out + told.err).encode()
    assert "test_no_secret_anywhere.py:" in scene.said()
    assert scene.leaks() == []


def test_a_kept_script_that_repeats_a_credential_does_not_get_into_the_ledger(tmp_path: Path):
    """Git says nothing of the script, so that it is sent back as it is; the record holds its place alone."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts="docker login -p page-canary\n", desc="", team="")])
    rig.write(plain(advanced_settings={"timeout": 7}))
    rig.applied()
    assert "page-canary" in rig.stored("api")["scripts"]
    assert b"page-canary" not in rig.ledger.read_bytes()
    assert rig.plan().empty
    rig.meddle("api", lambda stored: stored.update(scripts="another\n"), user="")
    assert rig.plan().empty
