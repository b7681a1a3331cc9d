"""What holds of the export of any server: nothing is left to do, nothing is lost unnamed, nothing secret comes out."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.entry import call
from reconciler.emulator import Emulator, running
from reconciler.model.errors import UsageError
from reconciler.model.exported import Exported, Topic
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action, Plan
from reconciler.workflow.adopt import look, record
from reconciler.workflow.export import Options, export
from tests.canaries import Canary, found
from tests.companies import ODD_NAMES, company, secrets_of
from tests.export.places import environment, untold
from tests.page import PLAIN, REPOSITORY, TEMPLATE, made
from tests.rig import TOKEN, Rig, Stored
from tests.stored_servers import stored_servers
from tests.test_properties import examples, new_rig

ASTERISKS = "*" * 8
SEEING = ("deep", "off", "unserved")
"""The internal read: used, not wanted, not served."""

NAMING = {
    topic.value
    for topic in (
        Topic.ASSUMED,
        Topic.UNREADABLE,
        Topic.INEXPRESSIBLE,
        Topic.LEFT_OUT,
        Topic.REPEATS,
        Topic.CODE_HOST,
    )
}
"""Topics whose notes say that a definition does not hold what the server has."""


@contextmanager
def served(builds: list[Stored], seeing: str = "deep", world: dict[str, Any] | None = None) -> Iterator[Rig]:
    """A rig whose server has these builds."""
    with new_rig() as rig:
        rig.emulator.set_state(world, copy.deepcopy(builds))
        rig.deep = seeing != "off"
        rig.emulator.set_settings({"internal_read": seeing != "unserved"})
        yield rig


def exported(rig: Rig, **options: Any) -> Exported:
    done = export(rig.settings, Options(**options), rig.world)
    assert {request["method"] for request in rig.requests()} == {"GET"}
    return done


def planned(rig: Rig) -> Plan | None:
    """The plan of the tree; None where not even one build could be exported."""
    try:
        return rig.plan()
    except UsageError as nothing:
        assert "there is no definition" in nothing.message
        return None


def open_points(plan: Plan) -> list[tuple[str, str, str]]:
    """What a plan is not content with."""
    told = [(s.name, s.action.value, str(s.blocked)) for s in plan.steps if s.action is not Action.KEEP or s.blocked]
    return told + [(s.name, c.path, c.kind.value) for s in plan.steps for c in s.changes]


def files(folder: Path) -> dict[str, bytes]:
    """Every file of a tree."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


# nothing is left to do


@given(builds=stored_servers(), seeing=st.sampled_from(SEEING))
@examples(25)
def test_after_the_export_of_any_server_nothing_is_planned_and_nothing_sent(builds: list[Stored], seeing: str):
    """The plan is empty; with the credentials in the environment nothing is unverifiable; apply sends GETs alone."""
    with served(builds, seeing) as rig:
        exported(rig)
        plan = planned(rig)
        if plan is None:
            return
        assert plan.empty, open_points(plan)
        rig.environ.update(environment(rig.load(), store(rig)))
        plan = rig.plan()
        assert plan.empty, open_points(plan)
        if seeing == "deep" and ASTERISKS not in rig.environ.values():  # stored by mistake, they hide themselves
            assert open_points(plan) == []
        rig.quiet()
        rig.apply()
        assert rig.requests("POST", "PUT", "DELETE") == []


@given(builds=stored_servers(most=4), seeing=st.sampled_from(SEEING))
@examples(15)
def test_what_was_exported_and_adopted_needs_no_other_source(builds: list[Stored], seeing: str):
    """Afterwards nothing is unverifiable, the internal read is not asked again, and apply sends nothing."""
    with served(builds, seeing) as rig:
        exported(rig)
        if planned(rig) is None:
            return
        rig.environ.update(environment(rig.load(), store(rig)))
        record(rig.settings, look(rig.settings, rig.load(), rig.world).adoption, rig.world)
        rig.quiet()
        plan = rig.plan()
        assert plan.empty, open_points(plan)
        if ASTERISKS not in rig.environ.values():
            assert open_points(plan) == []
            assert [request["path"] for request in rig.requests() if "aslan" in request["path"]] == []
        rig.apply()
        assert rig.requests("POST", "PUT", "DELETE") == []


# nothing is lost unnamed


def named_of(done: Exported) -> dict[str, set[str]]:
    """Build → the paths that notes name."""
    found: dict[str, set[str]] = {}
    for note in done.notes:
        if note.topic in NAMING:
            found.setdefault(note.name, set()).add(note.path)
    return found


def store(rig: Rig) -> dict[str, Stored]:
    """Everything that the server really holds, by name."""
    return {build["name"]: build for build in rig.emulator.state()["builds"]}


def brought_back(rig: Rig) -> list[str]:
    """Delete every build that a definition describes, apply, and return the names of those that were made again."""
    desired = rig.load()
    rig.environ.update(environment(desired, store(rig)))
    names = {definition.build.name for definition in desired.definitions}
    rig.emulator.set_state(None, [b for b in rig.emulator.state()["builds"] if b["name"] not in names])
    plan = rig.plan()
    assert {step.action for step in plan.steps} == {Action.CREATE}
    ended = rig.apply()
    failed = [(o.ending.value, o.fault) for o in ended if o.ending not in (Ending.DONE, Ending.BLOCKED)]
    assert not failed, failed
    return [plan.steps[o.index].name for o in ended if o.ending is Ending.DONE]


def lost(rig: Rig, before: dict[str, Stored], done: Exported, *, deep: bool) -> dict[str, set[str]]:
    """Build → what is not as it was, and no note names."""
    notes = named_of(done)
    made = brought_back(rig)
    after = store(rig)
    world = rig.emulator.state()["world"]
    found = {name: untold(before[name], after[name], notes.get(name, set()), world, deep=deep) for name in made}
    for definition in rig.load().definitions:
        name = definition.build.name
        if name not in made:
            found[name] = set() if notes.get(name) else {"(build): not made again"}
    return {name: places for name, places in found.items() if places}


@given(builds=stored_servers(), seeing=st.sampled_from(SEEING))
@examples(25)
def test_what_is_exported_and_deleted_comes_back_but_for_what_was_named(builds: list[Stored], seeing: str):
    """Whatever the store held: made again from the tree, it is what it was, or a note says where it is not."""
    with served(builds, seeing) as rig:
        done = exported(rig, hosts={"gitlab": "gitlab"})
        if planned(rig) is not None:
            before = store(rig)
            gone = lost(rig, before, done, deep=seeing == "deep")
            assert not gone, gone


GONE_VARIABLE = made(TEMPLATE)
GONE_VARIABLE["targets"][0]["envs"].append({"key": "gone", "value": "1", "type": "string"})
OWN_HOST = made(PLAIN, repos=[{**REPOSITORY, "codehost_id": 3}])


def test_an_input_that_its_template_lost_is_named_and_not_in_the_tree():
    """No request can make it again: the server drops it. Only the internal read shows what the template has today."""
    with served([GONE_VARIABLE]) as rig:
        done = exported(rig)
        assert [n.path for n in done.notes if "gone" in n.path] == ["target_services[shop/web].inputs[gone]"]
        assert lost(rig, store(rig), done, deep=True) == {}


@pytest.mark.parametrize(
    ("build", "seeing", "told"), [(GONE_VARIABLE, "off", "inputs[gone]"), (OWN_HOST, "deep", "proj-only")]
)
def test_what_nothing_shows_to_be_impossible_is_told_when_it_is_applied(build: Stored, seeing: str, told: str):
    """A limit: no documented call tells what a template has today, and none at all that a code host is a project's."""
    with served([build], seeing) as rig:
        exported(rig, hosts={"gitlab": "gitlab"})
        rig.environ.update(environment(rig.load(), store(rig)))
        rig.emulator.set_state(None, [])
        (ended,) = rig.apply()
        assert ended.ending is Ending.FAILED
        assert ended.fault is not None
        assert told in f"{ended.fault.message} {ended.fault.hint}"


@given(builds=stored_servers())
@examples(20)
def test_every_build_of_the_server_is_in_the_tree_or_named(builds: list[Stored]):
    """None is passed over in silence; Jenkins' builds stand in a list."""
    with served(builds) as rig:
        done = exported(rig)
        there = {d.build.name for d in rig.load().definitions} if planned(rig) is not None else set()
        listed = "".join(p.read_text(encoding="utf-8") for p in rig.tree.rglob("not-exported.txt"))
        missing = {b["name"] for b in builds if b["source"] != "jenkins"} - there
        assert missing == {note.name for note in done.notes if note.topic == Topic.NOT_EXPORTED.value}
        assert [b["name"] for b in builds if b["source"] == "jenkins" and f"#   {_seen(b)}" not in listed] == []
        assert sum(done.builds.values()) == len(there)


def _seen(build: Stored) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in build["name"])


# bytes


@given(builds=stored_servers(), seeing=st.sampled_from(SEEING))
@examples(10)
def test_two_exports_write_the_same_bytes(builds: list[Stored], seeing: str):
    """Into the same folder nothing, into another one the same; the server's order means nothing."""
    with served(builds, seeing) as rig, served(builds[::-1], seeing) as other:
        exported(rig)
        first = files(rig.tree)
        again = exported(rig)
        assert (again.written, again.changed, again.removed) == ((), (), ())
        assert files(rig.tree) == first
        exported(other)
        assert files(other.tree) == first


@given(builds=stored_servers(), seeing=st.sampled_from(SEEING))
@examples(10)
def test_builds_are_the_same_with_defaults_and_without(builds: list[Stored], seeing: str):
    """What a folder shares is said elsewhere, and said of the same builds."""
    with served(builds, seeing) as rig, served(builds, seeing) as other:
        exported(rig)
        exported(other, defaults=False)
        assert list(other.tree.rglob("_defaults.yaml")) == []
        if planned(rig) is not None:
            left, right = ([d.build for d in one.load().definitions] for one in (rig, other))
            assert left == right


# the company

SIZE = 60
"""Builds of the company that the suite exports; the benchmark takes all thousand."""


@pytest.fixture
def firm(tmp_path: Path) -> Rig:
    """A rig in front of the company."""
    rig = Rig(tmp_path)
    rig.emulator.set_state(*company(SIZE))
    return rig


def test_the_company_comes_back_but_for_what_was_named(firm: Rig, seeing: str):
    """Exported, planned empty, deleted, made again: what it was, or a note says where it is not."""
    done = exported(firm)
    assert firm.plan().empty
    before = store(firm)
    assert {name for name in ODD_NAMES if name in before} - {" padded "} <= {
        d.build.name for d in firm.load().definitions
    }
    assert lost(firm, before, done, deep=seeing == "deep") == {}


@pytest.fixture(params=SEEING)
def seeing(request: pytest.FixtureRequest, firm: Rig) -> str:
    firm.deep = request.param != "off"
    firm.emulator.set_settings({"internal_read": request.param != "unserved"})
    return str(request.param)


def test_the_company_has_what_the_laws_speak_of(firm: Rig):
    """Positive control: every kind of build, every odd name, credentials, copies, and what no definition can say."""
    builds = firm.emulator.state()["builds"]
    kinds = Counter((b["source"], bool(b["template_id"]), b["infrastructure"]) for b in builds)
    assert len(kinds) >= 4
    done = exported(firm)
    assert {"inexpressible", "not-exported"} <= {note.topic for note in done.notes}
    assert len(done.variables) > SIZE / 10


def test_requests_are_list_pages_details_and_one_internal_read_each(firm: Rig):
    """And the list of projects and of code hosts once: nothing is asked twice, nothing of Jenkins' builds."""
    builds = firm.emulator.state()["builds"]
    ours = [b for b in builds if b["source"] != "jenkins"]
    done = exported(firm)
    asked = Counter(_what(request["path"]) for request in firm.requests())
    modules = sum(len(b["targets"]) for b in ours if b["template_id"])
    templates = sum(1 for b in ours if b["template_id"])
    plain = len(ours) - templates
    projects = len({b["product_name"] for b in builds})
    assert asked.pop("/openapi/projects/project") == 1
    assert asked.pop("/api/aslan/code/codehost") == 1
    assert asked.pop("list") == projects
    assert plain + modules <= asked.pop("detail") <= plain + templates + modules
    assert asked.pop("internal") == len(ours)
    assert asked == {}
    assert done.requests == len(firm.requests())
    assert (
        Counter(request["path"] for request in firm.requests() if "aslan/build" in request["path"]).most_common(1)[0][1]
        == 1
    )


def _what(path: str) -> str:
    return {"/openapi/build": "list"}.get(path) or re.sub(
        r"/openapi/build/.*/detail|/api/aslan/build/build/.*", _kind, path
    )


def _kind(match: re.Match[str]) -> str:
    return "detail" if match[0].endswith("/detail") and match[0].startswith("/openapi") else "internal"


def test_one_changed_build_is_one_changed_file_in_the_lines_that_changed(firm: Rig, tmp_path: Path):
    """Into the tree that is there, and into an empty folder: the same file, the same line."""
    exported(firm)
    before = files(firm.tree)
    changed = next(
        b["name"] for b in firm.emulator.state()["builds"] if b["source"] == "zadig" and not b["template_id"]
    )
    firm.meddle(changed, lambda build: build.update(timeout=build["timeout"] + 1))
    exported(firm)
    for after in (files(firm.tree), _afresh(firm, tmp_path)):
        (file,) = [name for name in before | after if before.get(name) != after.get(name)]
        old, new = before[file].decode().splitlines(), after[file].decode().splitlines()
        assert [line for line in new if line not in old] == [f"  timeout: {firm.stored(changed)['timeout']}"]
        assert len([line for line in old if line not in new]) <= 1


def _afresh(firm: Rig, tmp_path: Path) -> dict[str, bytes]:
    """What an export into an empty folder writes."""
    folder = tmp_path / "afresh"
    folder.mkdir()
    export(
        replace(firm.settings, root=str(folder), path=str(folder), ledger=str(tmp_path / "l.db")), Options(), firm.world
    )
    return files(folder)


def test_defaults_make_the_tree_of_the_company_smaller_by_a_third(firm: Rig, tmp_path: Path):
    """At least 30 % fewer lines of definitions than without."""
    firm.emulator.set_state(*company(150))
    exported(firm)
    folder = tmp_path / "without"
    folder.mkdir()
    bare = replace(firm.settings, root=str(folder), path=str(folder), ledger=str(tmp_path / "l.db"))
    export(bare, Options(defaults=False), firm.world)
    lines = {where: _lines(where) for where in (firm.tree, folder)}
    less = 1 - lines[firm.tree] / lines[folder]
    assert less >= 0.30, f"{lines[folder]} lines without defaults, {lines[firm.tree]} with: {less:.1%} fewer"


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.rglob("*.yaml"))


def test_odd_names_are_exported_planned_and_updated(firm: Rig):
    """A value is changed in each of their files: the plan says so, apply writes it, the store has it."""
    exported(firm)
    places = {d.build.name: d.place.file for d in firm.load().definitions if d.build.kind.value == "plain"}
    odd = [name for name in ODD_NAMES if name in places]
    assert {"A B", "a+b", "构建", "CON", "x?y", "n" * 200} <= set(odd)
    for name in odd:
        path = firm.tree / places[name]
        path.write_text(_later(path.read_text(encoding="utf-8")), encoding="utf-8")
    plan = firm.plan()
    firm.environ.update(environment(firm.load(), store(firm)))
    updates = [s.name for s in plan.steps if s.action is Action.UPDATE]
    assert sorted(updates) == sorted(odd)
    firm.accept()
    firm.apply()
    assert {name: firm.stored(name)["timeout"] for name in odd} == dict.fromkeys(odd, 77)


def _later(text: str) -> str:
    """The same definition with another time limit."""
    if re.search(r"^  timeout: ", text, re.M):
        return re.sub(r"^  timeout: .*$", "  timeout: 77", text, flags=re.M)
    if re.search(r"^advanced_settings:$", text, re.M):
        return re.sub(r"^advanced_settings:$", "advanced_settings:\n  timeout: 77", text, flags=re.M)
    return f"{text}advanced_settings:\n  timeout: 77\n"


# credentials


def _copied(builds: list[Stored], secrets: list[Canary]) -> None:
    """Copy scripts as people do who forget the other build's password in them."""
    scripts = [build for build in builds if build["source"] != "jenkins" and not build["template_id"]]
    for build, secret in zip(scripts, secrets[::-1], strict=False):
        if not secret.where.startswith(build["name"]) and len(build["scripts"]) % 3 == 0:
            build["scripts"] += f"\ncurl -u 'ci:{secret.text}' https://registry.example.com\n"


def test_no_credential_of_the_company_comes_out(tmp_path: Path, monkeypatch: Any, capsys: Any):
    """In no file, in no output, not in the ledger: raw, as base64, percent-encoded, as JSON, as hex."""
    world, builds = company(SIZE)
    secrets = secrets_of(builds)
    _copied(builds, secrets)
    emulator = Emulator(world, builds)
    assert len(secrets) > SIZE / 4
    monkeypatch.setenv("ZADIG_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    said = b""
    with running(emulator) as url:
        monkeypatch.setenv("ZADIG_SERVER", url)
        for number, more in enumerate((["-v"], ["--format", "json"], ["--no-defaults"], ["--credentials", "omit"])):
            assert call(["export", "--out", f"tree{number}", *more]) == 0
            said += "".join(capsys.readouterr()).encode()
        assert call(["export", "--out", "tree0", "-v", "--force"]) == 0
        said += "".join(capsys.readouterr()).encode()
    written = files(tmp_path)
    assert "tree0/.reconciler/ledger.db" in written
    assert found(secrets, said + b"\n".join(written.values())) == []
    planted = f"# {secrets[0].text}\n".encode()
    assert found(secrets, said + planted + b"\n".join(written.values())) != []
    assert found(secrets, json.dumps(emulator.state()).encode()) != []
