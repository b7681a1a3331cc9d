"""An existing server as a tree: what is written, what is named, what is left alone; GETs only."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, Request, Response, running
from reconciler.model.errors import InvalidDefinitions, NotPermitted, UsageError
from reconciler.model.exported import Exported, Topic
from reconciler.report.document import dump
from reconciler.report.export import document, render_export
from reconciler.report.text import Style
from reconciler.workflow.export import Options, export
from reconciler.workflow.export_files import turn
from tests.page import PLAIN, TEMPLATE, made
from tests.rig import TOKEN, Rig, plain

ROOT = Path(__file__).parents[1]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "export.schema.json").read_text(encoding="utf-8")))
LONG = '#!/bin/bash\nset -e\ncd "$WORKSPACE/$REPONAME_0"\nmake build\n\tmake test  \n'


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """A server with one build of each kind, and an empty tree."""
    jenkins = {**made(PLAIN, name="old"), "source": "jenkins"}
    return Rig(tmp_path, builds=[made(PLAIN, scripts=LONG), made(TEMPLATE), jenkins])


def exported(rig: Rig, **options: Any) -> Exported:
    """Export the project into the rig's tree, and make sure that the report is as the schema says."""
    done = export(replace(rig.settings, projects=("yaml",)), Options(**options), rig.world)
    SCHEMA.validate(json.loads(dump(document(done))))
    assert {request["method"] for request in rig.requests()} == {"GET"}
    return done


def topics(done: Exported) -> set[tuple[str, str]]:
    return {(note.topic, note.path) for note in done.notes}


def text(rig: Rig, name: str) -> str:
    return (rig.tree / name).read_text(encoding="utf-8")


def test_after_an_export_the_plan_is_empty(rig: Rig):
    """Nothing differs, nothing is unverifiable but what the environment lacks."""
    exported(rig)
    plan = rig.plan()
    assert plan.empty
    assert [change.path for step in plan.steps for change in step.changes] == [
        "parameters[PW].default_value",
        "target_services[shop/web].inputs[pw].value",
    ]


def test_a_long_script_is_a_file_byte_for_byte(rig: Rig):
    """Tabs, blanks at the ends of lines and the last line break are as they are on the server."""
    exported(rig)
    assert (rig.tree / "yaml" / "api.sh").read_bytes() == LONG.encode()
    assert "build_script: {from_file: api.sh}" in text(rig, "yaml/api.yaml")


@pytest.mark.parametrize(
    ("script_type", "ending"), [("shell", "sh"), ("batch_file", "bat"), ("powershell", "ps1"), ("", "sh")]
)
def test_a_script_is_called_by_what_runs_it(tmp_path: Path, script_type: str, ending: str):
    """The ending says the interpreter, for editors and linters."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts=LONG, script_type=script_type)])
    exported(rig)
    assert (rig.tree / "yaml" / f"api.{ending}").exists()
    assert rig.plan().empty


@pytest.mark.parametrize(
    "script", ["make\r\ntest\r\nall\r\nnow\r\n", "\ufeffa\nb\nc\nd", "12e5", "a\nb\n", "\u2028\n\n\n\n"]
)
def test_no_script_is_bent(tmp_path: Path, script: str):
    """Line endings, byte order marks and what YAML takes for a number come back as they are."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts=script)])
    exported(rig)
    (definition,) = rig.load().definitions
    assert definition.build.values["build_script"] == script


def test_a_credential_is_a_name_and_its_value_is_nowhere(rig: Rig):
    """Files, report and ledger hold the variable's name alone."""
    done = exported(rig)
    assert done.variables == ("BUILD_API__PW", "BUILD_TPL__SHOP_WEB_PW")
    assert "BUILD_API__PW=\n" in text(rig, ".env.example")
    assert "page-canary" in json.dumps(rig.stored("api"))
    everything = [p.read_bytes() for p in rig.tree.rglob("*") if p.is_file()] + [rig.ledger.read_bytes()]
    said = render_export(done, Style(verbose=True)) + dump(document(done))
    assert b"page-canary" not in b"".join(everything) + said.encode()


def test_credentials_can_be_left_to_the_server(rig: Rig):
    """With `omit` a definition says that there is a credential, and not where its value comes from."""
    done = exported(rig, credentials=False)
    assert done.variables == ()
    assert not (rig.tree / ".env.example").exists()
    assert "BUILD_" not in text(rig, "yaml/api.yaml")
    assert rig.plan().empty


def test_jenkins_builds_are_listed_in_comments(rig: Rig):
    """Their names stand in a file that no loader reads."""
    exported(rig)
    assert "#   old\n" in text(rig, "yaml/not-exported.txt")
    assert sorted(d.build.name for d in rig.load().definitions) == ["api", "tpl"]


def test_what_no_definition_can_say_is_named_above_it(tmp_path: Path):
    """A post-build script stands in a comment by its name, not by its value."""
    post = {"docker_build": None, "object_storage_upload": None, "scripts": "curl -d done https://chat.example/hook"}
    rig = Rig(tmp_path, builds=[made(PLAIN, post_build=post)])
    done = exported(rig)
    assert ("inexpressible", "post_build.scripts") in topics(done)
    head = text(rig, "yaml/api.yaml").splitlines()[1]
    assert head == "# No definition can say this, and an update would erase it: post_build.scripts."
    assert "chat.example" not in text(rig, "yaml/api.yaml")


def test_without_the_internal_read_what_nobody_knows_stands_in_comments(rig: Rig):
    """The usual value is a comment where it can be left out, a value with a remark where a definition needs one."""
    rig.emulator.set_settings({"internal_read": False})
    done = exported(rig, hosts={"gitlab": "gitlab"})
    written = text(rig, "yaml/api.yaml")
    assert "infrastructure: kubernetes  # the server does not show it: this is the usual value" in written
    assert "  # privileged_mode: false\n" in written
    assert "    # choice_option: []\n" in written
    assert ("unreadable", "advanced_settings.privileged_mode") in topics(done)
    assert ("assumed", "infrastructure") in topics(done)
    assert done.deep_unserved
    assert rig.plan().empty


def test_repositories_whose_code_host_nobody_knows_are_left_to_the_server(rig: Rig):
    """No alias is guessed: the wrong one would move a build to another code host."""
    rig.deep = False
    rig.twist = lambda request, answer: Response(404, b"") if "codehost" in request.path else answer
    done = exported(rig)
    assert ("code-host", "repo_info") in topics(done)
    assert ("code-host", "target_services[shop/web].repo_info") in topics(done)
    assert "repo_info" not in text(rig, "yaml/api.yaml").replace("they stay as they are: repo_info", "")
    assert rig.plan().empty


def test_a_script_that_repeats_a_credential_is_not_written(tmp_path: Path):
    """It stays on the server as it is, and is named."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts="docker login -p page-canary\n" * 5)])
    done = exported(rig)
    assert ("repeats-credential", "build_script") in topics(done)
    assert "page-canary" not in text(rig, "yaml/api.yaml")
    assert not (rig.tree / "yaml" / "api.sh").exists()
    assert b"page-canary" not in rig.ledger.read_bytes()
    assert rig.plan().empty


@pytest.mark.parametrize("source", ["local", "template"])
def test_what_nothing_reads_of_an_image_step_is_no_difference(tmp_path: Path, source: str):
    """The page leaves the file in a step that it turned into one from a template, and the other way round."""
    build = made(PLAIN)
    both = {"docker_file": "Dockerfile", "template_id": "65a0000000000000000000aa", "template_name": "go-dockerfile"}
    build["post_build"]["docker_build"].update(both, source=source)
    rig = Rig(tmp_path, builds=[build])
    exported(rig)
    other = {"local": "template_name", "template": "dockerfile_directory"}[source]
    assert other not in text(rig, "yaml/api.yaml")
    assert rig.plan().empty


def test_a_script_that_repeats_the_credential_of_another_build_is_not_written_either(tmp_path: Path):
    """As far as it looks like nothing else: a long one with letters and digits, not a common word."""
    other = made(PLAIN, name="other")
    other["pre_build"]["envs"] = [
        {"key": "KEY", "value": "8Jk2mNq4rT6vXz", "type": "string", "is_credential": True},
        {"key": "WORD", "value": "production", "type": "string", "is_credential": True},
    ]
    pasted, common = "curl -H 8Jk2mNq4rT6vXz https://x\n", "deploy production\n"
    rig = Rig(tmp_path, builds=[other, made(PLAIN, scripts=pasted), made(PLAIN, name="common", scripts=common)])
    done = exported(rig)
    assert [(n.name, n.path) for n in done.notes if n.topic == "repeats-credential"] == [("api", "build_script")]
    assert "deploy production" in text(rig, "yaml/common.yaml")
    assert rig.plan().empty


def test_what_no_valid_definition_may_say_stays_on_the_server(tmp_path: Path):
    """Doubled outputs, an unknown type, a request over its limit: left out, named, and the rest is exported."""
    build = made(PLAIN)
    build["outputs"] = [{"name": n} for n in ("IMAGE", "PKG_FILE", "X", "X")]
    build["pre_build"]["envs"] = [
        {"key": "A", "value": "1", "type": "odd"},
        {"key": "B", "value": "2", "type": "string"},
    ]
    build["pre_build"]["res_req_spec"] = {"cpu_limit": 1, "cpu_req": 5, "memory_limit": 0, "memory_req": 0}
    rig = Rig(tmp_path, builds=[build])
    done = exported(rig)
    assert {path for topic, path in topics(done) if topic == Topic.LEFT_OUT.value} == {
        "advanced_settings.outputs",
        "advanced_settings.resource_spec.cpu_req",
        "parameters[A].type",
    }
    assert rig.plan().empty


def test_a_build_that_no_definition_can_hold_is_told_and_the_others_are_exported(tmp_path: Path):
    """Its image is gone: it stands in the list of what was not exported, with the reason."""
    gone = made(PLAIN, name="gone")
    gone["pre_build"]["image_id"] = "ffffffffffffffffffffffff"
    rig = Rig(tmp_path, builds=[gone, made(PLAIN)])
    done = exported(rig)
    assert ("not-exported", "") in topics(done)
    assert "gone" in text(rig, "yaml/not-exported.txt")
    assert [d.build.name for d in rig.load().definitions] == ["api"]


@pytest.mark.parametrize("name", ["a/b", ".", ".."])
def test_a_build_that_no_call_can_ask_for_is_told_and_never_asked_for(tmp_path: Path, name: str):
    """A path of its name leads elsewhere, and always will: it is named with the reason, and the run is whole."""
    rig = Rig(tmp_path, builds=[made(PLAIN, name=name), made(PLAIN)])
    done = exported(rig)
    assert done.unread == 0
    assert [(n.name, n.text) for n in done.notes if n.topic == "not-exported"] == [
        (name, "no call can ask for a build of that name")
    ]
    assert name in text(rig, "yaml/not-exported.txt")
    details = [r["path"] for r in rig.requests() if r["path"].endswith("/detail")]
    assert details == ["/openapi/build/api/detail"]
    assert rig.plan().empty


def test_a_build_that_could_not_be_read_is_told(rig: Rig):
    """The rest is exported; the run says that it is not whole."""

    def failing(request: Request, answer: Response) -> Response:
        return Response(500, b"") if request.path.endswith("/tpl/detail") else answer

    rig.twist = failing
    done = exported(rig)
    assert done.unread == 1
    assert [n.name for n in done.notes if n.topic == "not-exported"] == ["tpl"]
    assert [d.build.name for d in rig.load().definitions] == ["api"]


def test_a_project_that_the_token_may_not_see_does_not_stop_the_others(rig: Rig):
    """It is told as incomplete, and nothing of it is taken for gone; where none may be seen, that is the error."""
    rig.write(plain("there", project_key="other"), file="other.json")

    def refusing(*projects: str) -> None:
        rig.twist = lambda request, answer: (
            Response(403, b"") if any(f"projectKey={p}&" in request.query for p in projects) else answer
        )

    refusing("other")
    done = export(replace(rig.settings, projects=("other", "yaml")), Options(prune=True), rig.world)
    assert (done.builds, list(done.incomplete)) == ({"yaml": 2}, ["other"])
    assert (done.removed, [n for n in done.notes if n.topic == "gone"]) == ((), [])
    refusing("other", "yaml")
    with pytest.raises(NotPermitted):
        export(replace(rig.settings, projects=("other", "yaml")), Options(), rig.world)


def test_a_project_that_is_none_is_told(rig: Rig):
    """Its list is as empty as that of a project without builds, for which there is nothing to do."""
    with pytest.raises(UsageError, match="--project yalm: the token sees no such project"):
        export(replace(rig.settings, selected=("yalm", "yaml")), Options(), rig.world)
    assert list(rig.tree.iterdir()) == []
    assert export(replace(rig.settings, selected=("other",)), Options(), rig.world).builds == {}


def test_two_exports_write_the_same_bytes(rig: Rig, tmp_path: Path):
    """Into the same folder nothing is written a second time; into another the same files."""
    first = exported(rig)
    before = {p: p.read_bytes() for p in rig.tree.rglob("*") if p.is_file()}
    again = exported(rig)
    assert (again.written, again.changed) == ((), ())
    assert {p: p.read_bytes() for p in rig.tree.rglob("*") if p.is_file()} == before
    other = tmp_path / "other"
    other.mkdir()
    settings = replace(rig.settings, root=str(other), path=str(other), projects=("yaml",))
    assert export(settings, Options(), rig.world).written == first.written
    assert {p.relative_to(other): p.read_bytes() for p in other.rglob("*") if p.is_file()} == {
        p.relative_to(rig.tree): data for p, data in before.items()
    }


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_an_export_that_was_killed_is_finished_by_the_next_one(tmp_path: Path):
    """Files come in order, each whole: wherever it ended, the next one writes the same tree, under the same names."""
    builds = [made(PLAIN, name=name, scripts=LONG) for name in ("1", "A", "a", "a b", "c")]
    rig = Rig(tmp_path, builds=builds)
    exported(rig)
    whole = _files(rig.tree)
    order = sorted(whole, key=lambda name: turn(rig.tree / name))
    for count in range(len(whole)):
        rig.forget()
        for name in order[count:]:
            (rig.tree / name).unlink()
        (rig.tree / "yaml" / ".0123456789abcdef.part").write_bytes(b"half")
        exported(rig)
        (rig.tree / "yaml" / ".0123456789abcdef.part").unlink()
        assert _files(rig.tree) == whole, count


def test_a_script_that_somebody_else_put_there_is_not_taken_for_a_left_one(tmp_path: Path):
    """It says something else: the project's folder gets another name, and the file stays."""
    rig = Rig(tmp_path, builds=[made(PLAIN, scripts=LONG)])
    (rig.tree / "yaml").mkdir()
    (rig.tree / "yaml" / "api.sh").write_text("theirs\n", encoding="utf-8")
    exported(rig)
    assert text(rig, "yaml/api.sh") == "theirs\n"
    assert [name.partition("~")[0] for name in _files(rig.tree) if name.endswith(".sh")] == ["yaml/api.sh", "yaml"]
    assert rig.plan().empty


def test_where_one_file_cannot_be_written_none_is(rig: Rig):
    """The others wait beside their places until there is room for all, and leave nothing behind."""
    (rig.tree / "yaml").mkdir()
    (rig.tree / "yaml" / "not-exported.txt").mkdir()
    with pytest.raises(UsageError, match=r"yaml.*cannot be written"):
        exported(rig)
    assert _files(rig.tree) == {}


def test_a_project_of_which_nothing_was_exported_keeps_its_folder(tmp_path: Path):
    """The list of what is not in the tree stands where it stood before."""
    rig = Rig(tmp_path, builds=[{**made(PLAIN, name="old"), "source": "jenkins"}])
    assert exported(rig).written == (".schemas/build.schema.json", "yaml/not-exported.txt")
    assert exported(rig).written == ()


def test_a_broken_tree_is_not_touched(rig: Rig):
    """Its problems are told first, and nothing is asked of the server."""
    (rig.tree / "broken.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(InvalidDefinitions):
        exported(rig)
    assert rig.requests() == []
    assert [p.name for p in rig.tree.iterdir()] == ["broken.yaml"]


@pytest.mark.parametrize("name", [".env.example", ".gitattributes", ".schemas"])
def test_no_link_leads_a_file_out_of_the_tree(rig: Rig, tmp_path: Path, name: str):
    """What it leads to stays as it was, there or not, and nothing is written beside it either."""
    outside = tmp_path / "outside"
    if name == ".schemas":
        outside.mkdir()
    (rig.tree / name).symlink_to(outside)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="leads out of the tree"):
        exported(rig)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("data", "words"), [(b"A=\xff\n", "not UTF-8"), (None, "is a directory")])
def test_a_list_of_variables_that_cannot_be_read_is_told_before_anything_is_written(
    rig: Rig, data: bytes | None, words: str
):
    """Somebody keeps it in another encoding, or has a folder of that name."""
    path = rig.tree / ".env.example"
    if data is None:
        path.mkdir()
    else:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=words):
        exported(rig)
    assert [one.name for one in rig.tree.iterdir()] == [".env.example"]


def test_a_tree_that_does_not_allow_the_variables_is_told_so(rig: Rig):
    """Otherwise the export would write definitions that the next command refuses."""
    settings = replace(rig.settings, projects=("yaml",), env=("CI_*",))
    with pytest.raises(UsageError, match="does not allow, such as BUILD_API__PW") as told:
        export(settings, Options(), rig.world)
    assert "BUILD_*" in told.value.hint
    assert list(rig.tree.iterdir()) == []


@pytest.fixture
def served(rig: Rig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The rig's server on a socket, and its address in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    with running(rig.emulator) as url:
        monkeypatch.setenv("ZADIG_SERVER", url)
        yield rig.emulator


def test_the_command_writes_a_tree_that_plans_empty(served: Emulator, capsys: pytest.CaptureFixture[str]):
    """Export without a project takes every project that the token may list."""
    assert call(["export", "--out", "company"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1].startswith("Exported 2 builds of 1 project; files: ")
    assert said.err == ""
    assert call(["plan", "company", "--detailed-exitcode"]) == 0
    assert {request["method"] for request in served.requests()} == {"GET"}
    assert any(request["path"] == "/openapi/projects/project" for request in served.requests())


def test_the_command_leaves_no_folder_where_nothing_was_exported(served: Emulator, monkeypatch: pytest.MonkeyPatch):
    """A wrong token makes no folder."""
    monkeypatch.setenv("ZADIG_TOKEN", "wrong")
    assert call(["export", "--out", "a/b"]) == 77
    assert not Path("a").exists()


def test_the_command_prints_json(served: Emulator, capsys: pytest.CaptureFixture[str]):
    """The report as data is as its schema says."""
    assert call(["export", "--out", "company", "--format", "json"]) == 0
    SCHEMA.validate(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("given", ["gitlab", "=x", "gitlab="])
def test_a_wrong_code_host_is_told(served: Emulator, capsys: pytest.CaptureFixture[str], given: str):
    """TYPE=ALIAS is wanted."""
    assert call(["export", "--out", "company", "--code-host", given]) == 64
    assert "TYPE=ALIAS is wanted" in capsys.readouterr().err


def test_what_looks_like_a_secret_is_told_with_its_place_and_not_with_its_words(tmp_path: Path):
    """In a script by its line, in a parameter by that of its value; the export writes them all the same."""
    build = made(PLAIN, scripts="#!/bin/bash\nset -e\ngit clone https://bot:hidden-7Gk2@git.example/x\nmake\n")
    build["pre_build"]["envs"] = [{"key": "NPM_TOKEN", "value": "k2J9xQ71mZ", "type": "string"}]
    rig = Rig(tmp_path, builds=[build])
    done = exported(rig)
    found = [note for note in done.notes if note.topic == "looks-secret"]
    assert [(n.name, n.path, n.file, n.line) for n in found] == [
        ("api", "", "yaml/api.sh", 3),
        ("api", "parameters[NPM_TOKEN].default_value", "yaml/api.yaml", 24),
    ]
    assert text(rig, "yaml/api.yaml").splitlines()[23] == "    default_value: k2J9xQ71mZ"
    said = render_export(done, Style(verbose=True)) + dump(document(done))
    assert "hidden-7Gk2" not in said
    assert "k2J9xQ71mZ" not in said
    assert [note for note in exported(rig).notes if note.topic == "looks-secret"] == []
