"""What changed on the server gets into a tree that people have edited: files before, store, files after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.definitions.loader import load
from reconciler.definitions.opened import open_tree
from reconciler.export.document import Rules
from reconciler.export.rewriting import Rewriting
from reconciler.model.fields import Kind
from reconciler.model.live import Live
from reconciler.server import reading
from reconciler.server.deep import read_deep
from reconciler.workflow.export import Options, export
from reconciler.workflow.export_files import write_files
from reconciler.workflow.export_pages import pages_of
from reconciler.workflow.merging import merge_into
from reconciler.workflow.plan import read_door, read_ledger
from tests.export.merging_cases import (
    API,
    CASES,
    PARAMETERS,
    PLAIN,
    ROOT,
    SCRIPTS,
    SECRET,
    SHARED,
    TEMPLATE,
    Case,
    Files,
    both,
    envs,
    named,
    script,
    timeout,
)  # fmt: skip
from tests.rig import Rig, Stored


def merged(rig: Rig, *, force: bool = False, prune: bool = False, path: str = "") -> Rewriting:
    """Read the server and put what changed there into the tree, or into a folder of it."""
    desired = load(replace(rig.settings, path=str(rig.tree / path)), rig.environ, cwd=str(rig.tree))
    projects = sorted({d.build.project for d in desired.definitions})
    documents, _ = read_ledger(rig.settings, projects, rig.world)
    with read_door(rig.settings, rig.world, [d.build for d in desired.definitions]) as door:
        readings = {
            project: reading.read_project(
                door,
                project,
                [reading.Wanted(d.build.name, d.build.kind) for d in desired.definitions if d.build.project == project],
                1,
                everything=True,
            )
            for project in projects
        }
        local = reading.clusters(door).local
        live = Live(readings, local)
        names = [(p, name) for p, one in readings.items() for name, build in one.builds.items() if build.build]
        live = read_deep(door, live, names, 1)
    pages = pages_of(live, documents, Rules()).pages
    made = merge_into(
        open_tree(rig.settings, str(rig.tree)), desired, live, documents, pages, force=force, prune=prune
    ).tree
    write_files(rig.tree, {name: text for name, text in made.files.items() if text is not None})
    for name in (name for name, text in made.files.items() if text is None):
        (rig.tree / name).unlink()
    return made


def write(rig: Rig, files: Files) -> None:
    for name, text in files.items():
        path = rig.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))


def tree(rig: Rig) -> Files:
    """Every file of the tree."""
    return {
        path.relative_to(rig.tree).as_posix(): path.read_bytes().decode("utf-8")
        for path in sorted(rig.tree.rglob("*"))
        if path.is_file()
    }


def notes(made: Rewriting) -> list[tuple[str, str, str]]:
    """What the merge has to say: topic, build and path."""
    return [(note.topic, note.name, note.path) for note in made.notes]


def scene(folder: Path, case: Case) -> Rig:
    """Apply the files, change the server, change the files."""
    rig = Rig(folder)
    rig.environ = case.environ
    write(rig, case.before)
    rig.applied()
    for name, edit in case.drift.items():
        rig.meddle(name, edit)
    write(rig, case.local)
    if not case.base:
        rig.forget()
    return rig


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_drift_is_taken_into_the_files(tmp_path: Path, case: Case):
    """What only the server changed is in the files then, what Git changed stays, and nothing else moves."""
    rig = scene(tmp_path, case)
    made = merged(rig, force=case.force)
    assert tree(rig) == case.after
    assert notes(made) == case.notes
    assert rig.plan().empty == case.settled
    assert "canary" not in str(made)
    again = merged(rig, force=case.force)
    assert (tree(rig), notes(again)) == (case.after, case.notes)


def kinds(folder: Path, name: str) -> Rig:
    """A plain build and one of a template; the server has made of one of them a build of the other kind."""
    rig = Rig(folder)
    write(rig, {**ROOT, "plain.yaml": "name: plain\n", "tpl.yaml": TEMPLATE + KEPT})
    rig.applied()
    other = rig.stored("tpl" if name == "plain" else "plain")
    rig.meddle(name, lambda build: (build.clear(), build.update({**other, "name": name})))
    return rig


KEPT = "x-reconciler: {prevent_destroy: true}  # by law\n"


def test_a_build_that_became_one_of_a_template_is_defined_as_one(tmp_path: Path):
    """The document is what the server has, as a whole; what defaults say of plain builds does not apply."""
    rig = kinds(tmp_path, "plain")
    assert notes(merged(rig)) == []
    assert rig.plan().empty
    (build,) = [d.build for d in rig.load().definitions if d.build.name == "plain"]
    assert build.kind is Kind.TEMPLATE
    assert "build_os" not in tree(rig)["plain.yaml"]


def test_a_build_that_became_a_plain_one_keeps_what_is_ours(tmp_path: Path):
    """What the defaults supply is not written again, and `x-reconciler` stays."""
    rig = kinds(tmp_path, "tpl")
    assert notes(merged(rig)) == []
    assert rig.plan().empty
    after = tree(rig)["tpl.yaml"]
    assert KEPT in after
    assert "template_name: demo-template" not in after
    assert "build_os" not in after
    assert "timeout: 60" in after


@pytest.mark.parametrize(("base", "topic"), [(True, "conflict"), (False, "undecided")])
def test_a_build_of_another_kind_stays_where_git_was_changed_too(tmp_path: Path, base: bool, topic: str):
    """Or where nobody knows; forced, it is the server's."""
    rig = kinds(tmp_path, "plain")
    write(rig, {"plain.yaml": "name: plain\nbuild_script: mine\n"})
    if not base:
        rig.forget()
    assert notes(merged(rig)) == [(topic, "plain", "")]
    assert tree(rig)["plain.yaml"] == "name: plain\nbuild_script: mine\n"
    assert notes(merged(rig, force=True)) == []
    assert rig.load().definitions[0].build.kind is Kind.TEMPLATE


def test_a_definition_that_git_made_another_kind_of_is_local(tmp_path: Path):
    """The server has what both had before."""
    rig = scene(tmp_path, Case("", {**ROOT, "plain.yaml": "name: plain\n"}, {}, {}))
    write(rig, {"plain.yaml": TEMPLATE.replace("tpl", "plain")})
    assert notes(merged(rig)) == [("local", "plain", "")]
    assert rig.load().definitions[0].build.kind is Kind.TEMPLATE


TWO = {**ROOT, "two.yaml": "# one\nname: a\n---\n# two\nname: b\nbuild_script: x\n", "c.yaml": "name: c\n"}


def without_builds(folder: Path, *names: str) -> Rig:
    rig = Rig(folder)
    write(rig, TWO)
    rig.applied()
    rig.emulator.set_state(None, [b for b in rig.emulator.state()["builds"] if b["name"] not in names])
    return rig


def test_a_definition_without_a_build_is_told_and_stays(tmp_path: Path):
    """Nothing is taken away unless it is asked for."""
    rig = without_builds(tmp_path, "b", "c")
    assert notes(merged(rig)) == [("gone", "b", ""), ("gone", "c", "")]
    assert tree(rig) == TWO


def test_a_definition_without_a_build_goes_where_that_is_asked_for(tmp_path: Path):
    """Out of its file, or with it; one that Git has changed since stays."""
    rig = without_builds(tmp_path, "a", "b", "c")
    write(rig, {"two.yaml": TWO["two.yaml"].replace("build_script: x", "build_script: y")})
    made = merged(rig, prune=True)
    assert notes(made) == [("gone", "a", ""), ("gone", "b", ""), ("gone", "c", "")]
    assert tree(rig) == {**ROOT, "two.yaml": "# two\nname: b\nbuild_script: y\n"}


def test_a_script_goes_with_the_last_definition_that_names_it(tmp_path: Path):
    """One that another definition, or defaults, take a text from stays, and so does one that nobody named."""
    named = "name: {}\nbuild_script: {{from_file: {}}}\n"
    scripts = {name: f"echo {name}\n" for name in ("a.sh", "shared.sh", "default.sh", "loose.sh")}
    files = {
        **scripts,
        "a.yaml": named.format("a", "a.sh"),
        "b.yaml": named.format("b", "shared.sh"),
        "c.yaml": named.format("c", "shared.sh"),
        "d.yaml": named.format("d", "default.sh"),
        "below/_defaults.yaml": "build_script: {from_file: ../default.sh}\n",
        "below/e.yaml": "name: e\n",
    }
    rig = scene(tmp_path, Case("", {**ROOT, **files}, {}, {}))
    rig.emulator.set_state(None, [b for b in rig.emulator.state()["builds"] if b["name"] in ("c", "e")])
    merged(rig, prune=True)
    gone = {"a.sh", "a.yaml", "b.yaml", "d.yaml"}
    assert tree(rig) == {**ROOT, **{name: text for name, text in files.items() if name not in gone}}


def test_nothing_goes_that_nobody_has_seen_there(tmp_path: Path):
    """Without a record the build may never have been made."""
    rig = without_builds(tmp_path, "c")
    rig.forget()
    merged(rig, prune=True)
    assert tree(rig) == TWO


def test_a_build_in_another_project_is_told(tmp_path: Path):
    """Names are of the whole server: the definition is not gone, and nobody can tell which move is meant."""
    rig = without_builds(tmp_path)
    rig.meddle("c", lambda build: build.update(product_name="other", timeout=7))
    write(rig, {"d.yaml": "name: d\nproject_key: other\n"})
    assert notes(merged(rig, prune=True)) == [("gone", "d", ""), ("unmerged", "c", "project_key")]
    assert tree(rig)["c.yaml"] == TWO["c.yaml"]


def test_what_was_exported_last_is_as_good_a_base_as_a_record(tmp_path: Path):
    """The newer of the two counts: here the server changed after the export, there Git did."""
    rig = scene(tmp_path, Case("", {**ROOT, "api.yaml": API}, {}, {}, base=False))
    rig.time += 60
    export(rig.settings, Options(), rig.world)
    rig.meddle("api", timeout(45))
    write(rig, {"api.yaml": API.replace("make build", "make mine")})
    assert notes(merged(rig)) == [("local", "api", "build_script")]
    assert tree(rig)["api.yaml"] == API.replace("make build", "make mine").replace("30", "45")


ODD = "? name\n: a\n? build_script\n: {from_file: build.sh}\n"
"""A definition whose layout is not edited."""


def test_a_file_that_cannot_be_edited_stays_whole(tmp_path: Path):
    """It is told by its name, and what it shares does not change as if it had agreed."""
    files = {**SCRIPTS, "a.yaml": ODD}
    rig = scene(tmp_path, Case("", files, {"a": both(script("all\n"), installed), "b": script("all\n")}, {}))
    write(rig, {"a.yaml": ODD + "? installs\n: []\n"})
    rig.forget()
    (note,) = merged(rig, force=True).notes
    assert (note.topic, note.name, note.file) == ("unmerged", "a", "a.yaml")
    assert tree(rig) == {
        **files,
        "a.yaml": ODD + "? installs\n: []\n",
        "b.sh": "all\n",
        "b.yaml": "name: b\nbuild_script: {from_file: b.sh}\n",
    }


def installed(build: Stored) -> None:
    build["pre_build"]["installs"] = [{"name": "go", "version": "1"}]


def test_defaults_that_cannot_be_edited_are_overridden(tmp_path: Path):
    """Each definition says it itself, and the file is told."""
    files = {"_defaults.yaml": PLAIN + "? advanced_settings\n: {timeout: 30}\n", "a.yaml": "name: a\n"}
    rig = scene(tmp_path, Case("", files, {"a": timeout(45)}, {}))
    (note,) = merged(rig).notes
    assert (note.topic, note.file) == ("unmerged", "_defaults.yaml")
    assert tree(rig) == {**files, "a.yaml": "name: a\nadvanced_settings:\n  timeout: 45\n"}
    assert rig.plan().empty


def test_what_is_shared_with_a_broken_file_does_not_change(tmp_path: Path):
    """Where part of the tree was asked for, nobody knows what the rest of it uses."""
    files = {**SHARED, "x/c.yaml": "name: c\n", "y/bad.yaml": "name: d\n"}
    rig = scene(tmp_path, Case("", files, dict.fromkeys("abc", timeout(45)), {}))
    write(rig, {"y/bad.yaml": "name: [\n"})
    merged(rig, path="x")
    assert tree(rig) == {
        **files,
        "y/bad.yaml": "name: [\n",
        "x/c.yaml": "name: c\nadvanced_settings:\n  timeout: 45\n",
    }


def test_a_text_that_repeats_a_credential_is_not_taken(tmp_path: Path):
    """Git's stays, and both the change and its reason are told."""
    text = SECRET + "build_script: make\n"
    rig = Rig(tmp_path)
    rig.environ = {"BUILD_PW": "canary-1234"}
    write(rig, {**ROOT, "api.yaml": text})
    rig.applied()
    rig.meddle("api", script("login canary-1234"))
    assert "canary" in rig.stored("api")["scripts"]
    made = merged(rig)
    assert notes(made) == [("repeats-credential", "api", "build_script")]
    assert tree(rig) == {**ROOT, "api.yaml": text}
    assert "canary" not in repr(made)


@pytest.mark.parametrize("force", [False, True])
def test_what_comes_from_the_environment_stays_there(tmp_path: Path, force: bool):
    """A script too: the server's may hold what nobody wants in Git."""
    text = "name: api\nbuild_script: {from_env: BUILD_SCRIPT}\n"
    rig = Rig(tmp_path)
    rig.environ = {"BUILD_SCRIPT": "canary of git"}
    write(rig, {**ROOT, "api.yaml": text})
    rig.applied()
    rig.meddle("api", script("canary of the server"))
    made = merged(rig, force=force)
    assert [(note.topic, note.path, note.text) for note in made.notes] == [
        ("credential", "build_script", "differs from BUILD_SCRIPT: change it there")
    ]
    assert tree(rig) == {**ROOT, "api.yaml": text}
    assert "canary" not in repr(made)


def test_a_new_credential_comes_as_a_variable(tmp_path: Path):
    """Its value is nowhere."""
    rig = scene(tmp_path, Case("", {**ROOT, "api.yaml": PARAMETERS}, {}, {}))
    rig.meddle("api", envs(lambda found: found.append(named("PW", "canary", is_credential=True))))
    assert "canary" in repr(rig.stored("api"))
    made = merged(rig)
    assert notes(made) == []
    assert "default_value: {from_env: BUILD_API__PW}" in tree(rig)["api.yaml"]
    assert rig.plan().empty
    assert "canary" not in repr(made) + repr(tree(rig))


def test_a_byte_order_mark_and_windows_lines_stay(tmp_path: Path):
    """The file is as its editor left it."""
    text = "\ufeff" + API.replace("\n", "\r\n")
    rig = scene(tmp_path, Case("", {**ROOT, "api.yaml": text}, {"api": timeout(45)}, {}))
    assert notes(merged(rig)) == []
    assert tree(rig)["api.yaml"] == text.replace("30", "45")
