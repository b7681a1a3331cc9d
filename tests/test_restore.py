"""What was kept comes back: for every field of the table, or the difference is named."""

from __future__ import annotations

import copy
import json
import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.apply import Way, carry_out
from reconciler.cli.entry import call
from reconciler.emulator import running
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.fields import Kind
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.settings import Settings
from reconciler.plan.step import Action
from reconciler.workflow.apply import Options, check_environment, locked
from reconciler.workflow.ledgers import reading_ledger
from reconciler.workflow.plan import Planned
from reconciler.workflow.restore import Kept, find_backups, plan_restore, restored
from tests.field_cases import PLAIN_CASES
from tests.page import PLAIN, made
from tests.page import differences as page_differences
from tests.rig import TOKEN, Rig, Stored, plain, template
from tests.test_backup import kept, let_through, lossy
from tests.test_every_field import document_of
from tests.test_template_fields import CASES as TEMPLATE_CASES
from tests.test_template_fields import document_of as template_document_of

STAMPS = ("update_time", "update_by")


def remove(rig: Rig, name: str) -> Stored:
    """Delete a build behind everybody's back; return what the store had."""
    builds = copy.deepcopy(rig.emulator.state()["builds"])
    rig.emulator.set_state(None, [build for build in builds if build["name"] != name])
    (gone,) = [build for build in builds if build["name"] == name]
    return gone


def found_in(rig: Rig, folder: Path) -> tuple[Kept, ...]:
    return find_backups(replace(rig.settings, path=str(folder)), str(rig.tree))


def restore(rig: Rig, folder: Path, options: Options | None = None) -> list[Outcome]:
    """Restore as the command does."""
    rig.time += 10
    found = found_in(rig, folder)
    planned = plan_restore(replace(rig.settings, path=str(folder)), found, rig.world)
    check_environment(planned)
    with restored(rig.settings, planned, rig.world, found, options or Options()) as outcomes:
        return sorted(outcomes, key=lambda outcome: outcome.index)


def planned_of(rig: Rig, folder: Path) -> Planned:
    return plan_restore(replace(rig.settings, path=str(folder)), found_in(rig, folder), rig.world)


def differences(before: Any, after: Any, path: str = "") -> dict[str, tuple[Any, Any]]:
    """Every leaf in which two stored documents differ; an absent key is its empty value."""
    if isinstance(before, dict) or isinstance(after, dict):
        left, right = before or {}, after or {}
        found: dict[str, tuple[Any, Any]] = {}
        for key in {**left, **right}:
            if path or key not in STAMPS:
                found |= differences(left.get(key), right.get(key), f"{path}.{key}" if path else key)
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        return {
            k: v
            for place, pair in enumerate(zip(before, after, strict=True))
            for k, v in differences(*pair, f"{path}.{place}").items()
        }
    return {} if before == after or (not before and not after) else {path: (before, after)}


UNTOUCHED = {"advanced_setting_modified", "cache_dir_type", "pre_build.res_req", "pre_build.strategy_id"}
"""What the server works out again from a whole block of advanced settings where it had none (contract, section 7)."""


@pytest.mark.parametrize("forgotten", [False, True], ids=["recorded", "record-gone"])
@pytest.mark.parametrize("path", sorted(PLAIN_CASES))
def test_every_setting_of_a_plain_build_comes_back(rig: Rig, path: str, forgotten: bool):
    """Kept, deleted, restored: the store has what it had; also where the delete took the record with it."""
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, case.first))
    rig.applied()
    folder = kept(rig)
    before = remove(rig, "api")
    if forgotten:
        rig.forget()
    rig.environ["BUILD_API__MODE"] = "a"
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    after = rig.stored("api")
    differing = differences(before, after).keys()
    if not before.get("advanced_setting_modified"):
        differing -= UNTOUCHED
    lost = {loss.path for loss in found_in(rig, folder)[0].manifest.lost}
    if path == "parameters[].is_credential":
        assert lost == {"parameters[MODE].choice_option"}
        differing -= {"pre_build.envs.0.choice_option"}
        lost = set()
    assert (differing, lost) == (set(), set())


@pytest.mark.parametrize("path", sorted(TEMPLATE_CASES))
def test_every_setting_of_a_template_build_comes_back(rig: Rig, path: str):
    """Repositories and inputs of each service module."""
    case = TEMPLATE_CASES[path]
    rig.write(template_document_of(path, case.first))
    rig.applied()
    folder = kept(rig, "tpl")
    before = remove(rig, "tpl")
    secrets = {e["key"]: e["value"] for e in before["targets"][0]["envs"] if e.get("is_credential")}
    manifest = found_in(rig, folder)[0].manifest
    rig.environ.update({name: secrets[inner(path)] for path, name in manifest.masked.items()})
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    assert differences(before, rig.stored("tpl")) == {}
    chosen = "target_services[shop/web].inputs[flags]"
    assert {loss.path for loss in manifest.lost} == {f"{chosen}.choice_value", f"{chosen}.value"}


def inner(path: str) -> str:
    """The key of the innermost element of a path."""
    return path.rpartition("[")[2].partition("]")[0]


def test_a_chosen_value_that_the_template_does_not_have_is_named(rig: Rig):
    """Made in the page: no request can write it, so it is among what is lost, with its value."""
    rig.write(template())
    rig.applied()
    (flags,) = [e for e in rig.stored("tpl")["targets"][0]["envs"] if e.get("choice_value")]

    def edit(stored: Stored) -> None:
        for one in stored["targets"][0]["envs"]:
            if one["key"] == flags["key"]:
                one.update(value="b", choice_value=["b"])

    rig.meddle("tpl", edit)
    folder = kept(rig, "tpl")
    before = remove(rig, "tpl")
    manifest = found_in(rig, folder)[0].manifest
    rig.environ.update(dict.fromkeys(manifest.masked.values(), "templ-secret"))
    restore(rig, folder)
    differing = differences(before, rig.stored("tpl"))
    assert {path.removesuffix(".0").rpartition(".")[2] for path in differing} == {"value", "choice_value"}
    lost = {loss.path.rpartition(".")[2]: loss.value for loss in manifest.lost}
    assert lost == {"value": "b", "choice_value": "b"}


def test_the_walk_of_the_store_sees_a_difference():
    """Positive control: it would be satisfied by seeing nothing."""
    before = {"a": [{"b": 1, "c": ""}], "update_by": "x", "d": {"update_by": "x"}}
    after = {"a": [{"b": 2}], "update_by": "y", "d": {"update_by": "y"}}
    assert differences(before, after) == {"a.0.b": (1, 2), "d.update_by": ("x", "y")}
    assert differences({"a": [1]}, {"a": [1, 2]}) == {"a": ([1], [1, 2])}


@pytest.mark.parametrize(
    "document",
    [
        plain(),
        plain(docker_build_step={"dockerfile_source": "template", "template_name": "go-dockerfile"}),
        plain(installs=[{"name": "go", "version": "1.20"}, {"name": "node", "version": "18.17.0"}]),
        plain(services=[{"service_name": "a", "service_module": "b"}, {"service_name": "a", "service_module": "c"}]),
        plain(
            parameters=[
                {"key": "B", "type": "string", "default_value": "x"},
                {"key": "A", "type": "multi-select", "choice_option": ["1", "2"], "choice_value": ["2"]},
            ],
            repo_info=[
                {"codehost_name": "other-git", "repo_namespace": "/o/", "repo_name": "b", "branch": "main"},
                {"codehost_name": "github-demo", "repo_namespace": "o", "repo_name": "a", "branch": "12e5"},
            ],
        ),
    ],
    ids=["smallest", "dockerfile-template", "installs", "services", "lists-in-order"],
)
def test_whole_builds_come_back(rig: Rig, document: dict[str, Any]):
    """Lists in their order, texts that look like numbers, the build step."""
    rig.write(document)
    rig.applied()
    folder = kept(rig)
    before = remove(rig, "api")
    restore(rig, folder)
    assert differences(before, rig.stored("api")).keys() <= UNTOUCHED
    assert rig.plan().empty


def test_an_update_is_undone(rig: Rig):
    """Where the build lives and differs, the restore is an update; what the API cannot send was named."""
    rig.write(plain(build_script="old\n", installs=[{"name": "go", "version": "1.20"}]))
    rig.applied()
    folder = kept(rig)
    rig.write(plain(build_script="new\n", installs=None))
    rig.applied()
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    assert rig.stored("api")["scripts"] == "old\n"
    assert rig.stored("api")["pre_build"]["installs"][0]["version"] == "1.20"
    assert [o.ending for o in restore(rig, folder)] == []


CREDENTIAL = {"key": "PW", "type": "string", "is_credential": True}


def test_a_credential_that_the_server_still_has_is_kept(rig: Rig):
    """No variable is asked for; the write sends asterisks."""
    rig.environ["BUILD_PW"] = "hunter22"
    parameter = {**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}
    rig.write(plain(build_script="old\n", parameters=[parameter]))
    rig.applied()
    folder = kept(rig)
    rig.write(plain(build_script="new\n", parameters=[parameter]))
    rig.applied()
    rig.environ.clear()
    rig.quiet()
    (step,) = planned_of(rig, folder).plan.steps
    assert step.unset == ()
    assert not [note for note in step.notes if "not set" in note]
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "hunter22"
    assert "hunter22" not in str(rig.requests("PUT"))


@pytest.mark.parametrize("lives", [False, True], ids=["deleted", "only-the-parameter-is-gone"])
def test_a_credential_that_nobody_has_is_asked_for_by_name(rig: Rig, lives: bool):
    """Without it the run is refused with the names, and nothing is sent; with it the build is whole."""
    rig.environ["BUILD_PW"] = "hunter22"
    rig.write(plain(parameters=[{**CREDENTIAL, "default_value": {"from_env": "BUILD_PW"}}]))
    rig.applied()
    folder = kept(rig)
    if lives:
        rig.write(plain(parameters=[]))
        rig.applied()
    else:
        remove(rig, "api")
    rig.environ.clear()
    rig.quiet()
    with pytest.raises(InvalidDefinitions) as refused:
        restore(rig, folder)
    assert refused.value.exit_code == 65
    assert ["BUILD_API__PW" in problem.message for problem in refused.value.problems] == [True]
    assert rig.requests("PUT", "POST", "DELETE") == []
    rig.environ["BUILD_API__PW"] = "hunter23"
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    assert rig.stored("api")["pre_build"]["envs"][0]["value"] == "hunter23"


def test_what_was_not_ours_is_not_ours_afterwards(rig: Rig):
    """Deleted as undeclared, restored, and no prune of what is owned takes it: the ledger has no record of it."""
    rig.write(plain())
    rig.applied()
    rig.forget()
    folder = kept(rig)
    remove(rig, "api")
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    with reading_ledger(rig.settings, rig.world) as ledger:
        document = ledger.read("yaml")
    assert (dict(document.records), dict(document.intents)) == ({}, {})


def test_the_ledger_never_hears_of_what_was_not_ours(rig: Rig):
    """Nor while it is restored: a restore that dies leaves nothing behind that a prune of what is owned takes."""
    rig.write(plain())
    rig.applied()
    rig.forget()
    folder = kept(rig)
    remove(rig, "api")
    found, planned = found_in(rig, folder), planned_of(rig, folder)
    with restored(rig.settings, planned, rig.world, found, Options()) as outcomes:
        assert next(outcomes).ending is Ending.DONE
        with reading_ledger(rig.settings, rig.world) as ledger:
            document = ledger.read("yaml")
        assert list(outcomes) == []
    assert rig.names() == ["api"]
    assert (dict(document.records), dict(document.intents)) == ({}, {})


def test_what_was_ours_is_ours_again(rig: Rig):
    """Though the delete took the record: the next plan finds nothing to do and nothing unverifiable."""
    rig.write(plain(script_type="powershell"))
    rig.applied()
    folder = kept(rig)
    remove(rig, "api")
    rig.forget()
    restore(rig, folder)
    (step,) = rig.plan().steps
    assert (step.reason, step.recorded) == ("as declared", True)


def test_nothing_else_is_touched(rig: Rig):
    """A restore of one build asks for that one, prunes nothing, and leaves the definitions of the tree alone."""
    for name in ("api", "web"):
        rig.write(plain(name), file=f"{name}.json")
    rig.applied()
    folder = kept(rig)
    remove(rig, "api")
    rig.write(plain("web", build_script="waiting\n"), file="web.json")
    restore(rig, folder)
    assert rig.names() == ["api", "web"]
    assert rig.stored("web")["scripts"] == ""
    assert [r["method"] for r in rig.requests("DELETE")] == []


def test_a_dry_run_sends_nothing(rig: Rig):
    """All the way, and the server stays as it is."""
    rig.write(plain())
    rig.applied()
    folder = kept(rig)
    remove(rig, "api")
    rig.quiet()
    assert [o.ending for o in restore(rig, folder, Options(dry_run=True))] == [Ending.SKIPPED]
    assert rig.requests("PUT", "POST", "DELETE") == []
    assert rig.names() == []


def test_an_unknown_code_host_is_a_problem_with_its_place(rig: Rig):
    """A definition cannot do without it: the message names the line of the backup's definition."""
    rig.write(plain(repo_info=[{"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r"}]))
    rig.applied()
    rig.forget()
    rig.emulator.set_settings({"internal_read": False})
    folder = kept(rig)
    remove(rig, "api")
    with pytest.raises(InvalidDefinitions) as refused:
        planned_of(rig, folder)
    (problem,) = refused.value.problems
    assert "codehost_name" in problem.message
    assert problem.place.file.endswith("api/definition.yaml")


def test_a_conversion_is_planned_back(rig: Rig):
    """What was a template build and is a plain one now becomes one again, by a step that says so."""
    rig.write(template(inputs=[{"key": "mode", "value": "slow"}]))
    rig.applied()
    folder = kept(rig, "tpl", Action.CONVERT)
    remove(rig, "tpl")
    rig.write(plain("tpl"))
    rig.forget()
    rig.applied()
    (step,) = planned_of(rig, folder).plan.steps
    assert step.action is Action.CONVERT
    assert step.desired is not None
    assert step.desired.kind is Kind.TEMPLATE


def test_a_conversion_that_erased_what_git_did_not_declare_is_undone(rig: Rig):
    """What the definition in the backup holds is not said to be lost: only the rest is, and that stays away."""
    stored = made(PLAIN, post_build={**PLAIN["post_build"], "scripts": "echo done"})
    rig.emulator.set_state(None, [stored])
    rig.write(template("api"))
    rig.accept()
    rig.applied()
    (folder,) = (rig.tree / ".reconciler" / "backup").glob("*/yaml/api")
    manifest = found_in(rig, folder)[0].manifest
    assert [loss.path for loss in manifest.lost] == ["post_build.scripts"]
    rig.environ.update(dict.fromkeys(manifest.masked.values(), "page-canary"))
    assert [o.ending for o in restore(rig, folder)] == [Ending.DONE]
    assert page_differences(stored, rig.stored("api")) == {"post_build.scripts"}


# The command ----------------------------------------------------------------------------------------------


class Desk(Rig):
    """A rig whose emulator listens, and a person who types in its tree."""

    url = ""
    said: pytest.CaptureFixture[str]

    @property
    def settings(self) -> Settings:
        return replace(super().settings, server=self.url)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Type a command; return its exit code, what it said on stdout and on stderr."""
        self.said.readouterr()
        code = call(arguments)
        said = self.said.readouterr()
        return code, said.out, said.err


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    rig = Desk(tmp_path)
    rig.said = capsys
    with running(rig.emulator) as rig.url:
        (rig.tree / "reconciler.yaml").write_text("tree: rig\n", encoding="utf-8")
        monkeypatch.chdir(rig.tree)
        for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("ZADIG_SERVER", rig.url)
        monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
        monkeypatch.setenv("RECONCILER_LEDGER", str(rig.ledger))
        yield rig


PLACE = ".reconciler/backup/2023-11-14T221330Z"


def deleted(desk: Desk, **more: Any) -> Stored:
    """A build that was applied, kept and deleted, and whose definition is gone from Git."""
    desk.write(plain(**more))
    desk.applied()
    kept(desk)
    (desk.tree / "builds.json").unlink()
    return remove(desk, "api")


@pytest.mark.parametrize("path", [PLACE, f"{PLACE}/yaml", f"{PLACE}/yaml/api", f"{PLACE}/yaml/api/definition.yaml"])
def test_the_command_brings_a_build_back(desk: Desk, path: str):
    """Whichever folder of a run is named; the last lines say that Git lacks it, and the command."""
    before = deleted(desk, build_script="make\n")
    code, out, err = desk.run("restore", path, "--yes")
    assert code == 0
    assert "yaml/api as it was before it was deleted, 2023-11-14T221330Z\n" in out
    assert "✓ yaml/api created" in out
    assert err == (
        "Git has no definition of yaml/api: for a plan it is ours, and an orphan that prune deletes.\n"
        f"  → cp {PLACE}/yaml/api/definition.yaml api.yaml\n"
    )
    assert differences(before, desk.stored("api")).keys() <= UNTOUCHED
    shutil.copy(f"{PLACE}/yaml/api/definition.yaml", "api.yaml")
    assert desk.run("plan", "--detailed-exitcode")[0] in (0, 64)
    assert desk.plan().empty


def test_the_command_says_what_git_would_do_where_it_has_its_own_definition(desk: Desk):
    """An undone update is done again by the next apply, unless Git changes too."""
    desk.write(plain(build_script="old\n"))
    desk.applied()
    kept(desk)
    desk.write(plain(build_script="new\n"))
    desk.applied()
    code, _, err = desk.run("restore", PLACE, "--yes")
    assert code == 0
    assert "the next apply follows that one" in err
    assert desk.stored("api")["scripts"] == "old\n"


def test_what_cannot_be_brought_back_is_named_before_anything_is_asked(desk: Desk):
    """With its values, secrets masked; nobody can be asked here, so nothing is written."""
    desk.write(plain(parameters=[{**CREDENTIAL, "default_value": "hunter22"}]))
    desk.applied()
    desk.forget()
    desk.meddle("api", lambda stored: stored.update(post_build={"scripts": "echo hunter22\n"}))
    kept(desk)
    desk.quiet()
    code, out, err = desk.run("restore", PLACE)
    assert (code, err) == (0, "")
    assert '✗ post_build.scripts cannot be brought back: "echo (sensitive)\\n"' in out
    assert "nothing showed them, so their usual value is written: infrastructure, script_type" in out
    assert "parameters[PW].default_value is taken from BUILD_API__PW, which is not set" in out
    assert "Nothing to do" in out
    remove(desk, "api")
    code, out, err = desk.run("restore", PLACE)
    assert code == 65
    assert "BUILD_API__PW, which is not set" in err
    os.environ["BUILD_API__PW"] = "hunter22"
    try:
        code, out, err = desk.run("restore", PLACE)
    finally:
        del os.environ["BUILD_API__PW"]
    assert code == 64
    assert "use --yes" in err
    assert "which is set" in out
    assert desk.requests("POST", "DELETE") == []


def test_json_stays_json(desk: Desk):
    """The plan and its outcomes on stdout, everything else on stderr."""
    deleted(desk)
    code, out, err = desk.run("restore", PLACE, "--yes", "--format", "json")
    assert code == 0
    assert json.loads(out)["steps"][0]["outcome"] == "done"
    assert "as it was before it was deleted" in err


def test_another_server_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """What was kept from one server is not written to another by mistake."""
    deleted(desk)
    code, _, err = desk.run("restore", PLACE, "--yes", "--server", "http://127.0.0.1:1")
    assert code == 64
    assert f"was kept from {desk.url}" in err
    assert desk.names() == []


def test_another_tree_is_refused(desk: Desk):
    """A restored build is ours only if it was."""
    deleted(desk)
    (desk.tree / "reconciler.yaml").write_text("tree: theirs\n", encoding="utf-8")
    code, _, err = desk.run("restore", PLACE, "--yes")
    assert code == 64
    assert 'belonged to the tree "rig", and this is "theirs"' in err


def test_wrong_paths_are_sentences(desk: Desk):
    """No backup there, several runs, an unfinished or damaged one, a newer format, another project."""
    deleted(desk)
    assert "nowhere does not exist" in desk.run("restore", "nowhere")[2]
    assert "holds no backup" in desk.run("restore", ".")[2]
    assert "keeps several runs: 2023-11-14T221330Z" in desk.run("restore", ".reconciler/backup")[2]
    assert "keeps no build of that project" in desk.run("restore", PLACE, "--project", "other")[2]
    file = desk.tree / PLACE / "yaml" / "api" / "backup.json"
    whole = json.loads(file.read_text(encoding="utf-8"))
    for text, words in (
        ("{", "is damaged"),
        ("[]", "is damaged"),
        (json.dumps({**whole, "masked": 1}), "is damaged"),
        (json.dumps({**whole, "format_version": "2.0"}), "has format 2.0"),
    ):
        file.write_text(text, encoding="utf-8")
        code, _, err = desk.run("restore", PLACE, "--yes")
        assert code == 64
        assert words in err
    file.unlink()
    assert "holds no backup" in desk.run("restore", PLACE)[2]
    assert desk.names() == []


def test_where_no_write_arrived_the_last_lines_do_not_say_that_something_was_taken_away(desk: Desk):
    """The backup is made first, so that it is there all the same."""
    lossy(desk)
    before = desk.stored("api")
    planned = desk.planned()
    planned = replace(planned, plan=let_through(planned.plan))
    fault = {"kind": "502-html", "probability": 1.0, "seed": 1, "match": {"method": "PUT", "path": "/openapi/build"}}
    desk.emulator.set_faults([fault])
    flags = {"format_": "text", "dry_run": False, "yes": True, "quiet": False, "verbose": False}
    written: list[str] = []
    way = Way(written.append, "reconciler plan", partial(locked, desk.settings, planned, desk.world))
    done = carry_out(planned, desk.settings, {**flags, "output": None, "color": "never", "no_input": True}, way)
    assert (done.code, desk.stored("api")) == (1, before)
    assert written[-1].startswith(f"What the failed steps were about to take away is kept in {PLACE}\n")


@pytest.mark.parametrize("format_", ["text", "json"])
def test_the_last_lines_of_an_apply_say_where_the_backup_is(desk: Desk, format_: str):
    """With the command that brings it back; beside JSON on stderr."""
    lossy(desk)
    planned = desk.planned()
    planned = replace(planned, plan=let_through(planned.plan))
    flags = {"format_": format_, "dry_run": False, "yes": True, "quiet": False, "verbose": False}
    written: list[str] = []
    desk.said.readouterr()
    way = Way(written.append, "reconciler plan", partial(locked, desk.settings, planned, desk.world))
    done = carry_out(planned, desk.settings, {**flags, "output": None, "color": "never", "no_input": True}, way)
    assert done.code == 0
    last = written[-1] if format_ == "text" else desk.said.readouterr().err
    assert last == f"What was taken away is kept in {PLACE}\n  → reconciler restore {PLACE}\n"
