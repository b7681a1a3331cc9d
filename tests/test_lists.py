"""Keyed lists and optional blocks: added, removed, moved, null, empty, absent; and everything declared at once.

Membership and order are managed whole; inside an element matched by its key, absent is kept. The oracle is
where the server's store has each list, written from the recordings.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.model.change import ChangeKind
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.fields import PLAIN, TEMPLATE, Elements, walk
from reconciler.plan.step import Action, Block, Step
from tests.field_cases import ADVANCED, DOCKER, MISSING, PLAIN_CASES, REPO, STORAGE, Case, holds, read, write
from tests.rig import Rig, Stored, plain, template
from tests.test_every_field import WHOLE_LISTS, concrete

A = "advanced_settings"
ADDED, REMOVED, CHANGED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED
MOVED, RELEASED, UNVERIFIABLE = ChangeKind.MOVED, ChangeKind.RELEASED, ChangeKind.UNVERIFIABLE
Element = dict[str, Any]


@dataclass(frozen=True)
class ListCase:
    """One list: three elements and their keys, a leaf with another value, and where the store has it."""

    elements: tuple[Element, Element, Element]
    keys: tuple[str, str, str]
    store: str
    stored_key: Callable[[Element], str]
    leaf: str = ""
    other: Any = None
    stored_leaf: str = ""
    ordered: bool = False
    hidden: bool = False
    required: bool = False
    inside: str = ""

    def document(self, *elements: Element) -> dict[str, Any]:
        return self.whole(list(elements))

    def whole(self, value: Any, *, absent: bool = False) -> dict[str, Any]:
        """A definition whose list is `value`, null, or not there."""
        document: dict[str, Any] = template("b") if self.inside == "template" else plain("b")
        if self.inside == A:
            document[A] = dict(ADVANCED)
        level = self.level(document)
        level.pop(self.name, None)
        if not absent:
            level[self.name] = copy.deepcopy(value)
        return document

    def level(self, document: dict[str, Any]) -> dict[str, Any]:
        """The mapping that holds the list."""
        if self.inside == A and self.name == "storages_properties":
            level: dict[str, Any] = document[A].setdefault("storages", {"enabled": True})
            return level
        if self.inside == "template" and self.name != "target_services":
            return document["target_services"][0]
        return document[A] if self.inside == A else document

    name: str = ""


def by(*names: str) -> Callable[[Element], str]:
    return lambda stored: "/".join(stored[name] for name in names)


def repository(name: str, **more: Any) -> Element:
    return {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": name, "branch": "main", **more}


def parameter(key: str) -> Element:
    return {"key": key, "type": "string", "default_value": f"v-{key}", "is_credential": False, "description": key}


def pair(key: str) -> Element:
    return {"key": key, "value": f"v-{key}"}


def storage(path: str) -> Element:
    return {**STORAGE, "mount_path": path}


def service(module: str) -> Element:
    return {"service_name": "shop", "service_module": module}


def three(make: Callable[[str], Element], *names: str) -> tuple[Element, Element, Element]:
    a, b, c = (make(name) for name in names)
    return a, b, c


REPOS: dict[str, Any] = {
    "elements": three(repository, "a", "b", "c"),
    "keys": ("org/a", "org/b", "org/c"),
    "stored_key": by("repo_namespace", "repo_name"),
    "leaf": "branch",
    "other": "dev",
    "stored_leaf": "branch",
    "ordered": True,
    "name": "repo_info",
}
PAIRS: dict[str, Any] = {
    "elements": three(pair, "a", "app.kubernetes.io/name", "c"),
    "keys": ("a", "app.kubernetes.io/name", "c"),
    "stored_key": by("key"),
    "leaf": "value",
    "other": "other",
    "stored_leaf": "value",
    "hidden": True,
    "inside": A,
}
CASES: dict[str, ListCase] = {
    "installs": ListCase(
        elements=three(lambda name: {"name": name, "version": "1"}, "go", "node", "java"),
        keys=("go", "node", "java"),
        store="pre_build.installs",
        stored_key=by("name"),
        leaf="version",
        other="2",
        stored_leaf="version",
        ordered=True,
        name="installs",
    ),
    "repo_info": ListCase(**REPOS, store="repos"),
    "parameters": ListCase(
        elements=three(parameter, "A", "B.C[D]", "__E"),
        keys=("A", "B.C[D]", "__E"),
        store="pre_build.envs",
        stored_key=by("key"),
        leaf="default_value",
        other="other",
        stored_leaf="value",
        ordered=True,
        name="parameters",
    ),
    "services": ListCase(
        elements=three(service, "a", "b", "c"),
        keys=("shop/a", "shop/b", "shop/c"),
        store="targets",
        stored_key=by("service_name", "service_module"),
        name="services",
    ),
    f"{A}.storages.storages_properties": ListCase(
        elements=three(storage, "/a", "/b.c", "/d"),
        keys=("/a", "/b.c", "/d"),
        store="pre_build.storages.storages_properties",
        stored_key=by("mount_path"),
        leaf="storage_size_in_gib",
        other=7,
        stored_leaf="storage_size_in_gib",
        hidden=True,
        inside=A,
        name="storages_properties",
    ),
    f"{A}.custom_labels": ListCase(**PAIRS, store="pre_build.custom_labels", name="custom_labels"),
    f"{A}.custom_annotations": ListCase(**PAIRS, store="pre_build.custom_annotations", name="custom_annotations"),
    "target_services": ListCase(
        elements=three(service, "a", "b", "c"),
        keys=("shop/a", "shop/b", "shop/c"),
        store="targets",
        stored_key=by("service_name", "service_module"),
        required=True,
        inside="template",
        name="target_services",
    ),
    "target_services[].repo_info": ListCase(**REPOS, store="targets.0.repos", inside="template"),
}
NAMES = sorted(CASES)
ORDERED = [name for name in NAMES if CASES[name].ordered]
SETS = [name for name in NAMES if not CASES[name].ordered]
SHOWN = [name for name in NAMES if not CASES[name].hidden]
HIDDEN = [name for name in NAMES if CASES[name].hidden]
OPTIONAL = [name for name in NAMES if not CASES[name].required]
WITH_LEAF = [name for name in NAMES if CASES[name].leaf]


def test_every_keyed_list_is_tested():
    """A list that no test tells about fails here; `inputs` have their own tests below."""
    lists = {path for rows in (PLAIN, TEMPLATE) for path, row in walk(rows) if isinstance(row, Elements)}
    assert lists == CASES.keys() | {"target_services[].inputs"}


def at(name: str, key: str) -> str:
    return f"{name.replace('target_services[]', 'target_services[shop/web]')}[{key}]"


def listed(name: str) -> str:
    return name.replace("target_services[]", "target_services[shop/web]")


def changes(step: Step, *but: ChangeKind) -> list[tuple[str, ChangeKind]]:
    return [(change.path, change.kind) for change in step.changes if change.kind not in but]


def stored_keys(rig: Rig, case: ListCase) -> list[str]:
    elements = read(rig.stored("b"), case.store)
    return [] if elements is MISSING else [case.stored_key(element) for element in elements or []]


def planned(rig: Rig) -> Step:
    (step,) = rig.plan().steps
    return step


def applied(rig: Rig, name: str, *which: int) -> ListCase:
    """Apply the list with some of its three elements."""
    case = CASES[name]
    rig.write(case.document(*(case.elements[n] for n in which)))
    rig.applied()
    assert stored_keys(rig, case) == [case.keys[n] for n in which]
    assert rig.plan().empty
    return case


# in Git


@pytest.mark.parametrize("name", NAMES)
def test_an_element_added_in_git_is_added(rig: Rig, name: str):
    """The plan names the new element alone, apply stores it, and the plan is empty after, also with a new ledger."""
    case = applied(rig, name, 0, 2)
    rig.write(case.document(*case.elements))
    assert changes(planned(rig)) == [(at(name, case.keys[1]), ADDED)]
    rig.applied()
    assert stored_keys(rig, case) == list(case.keys)
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("name", NAMES)
def test_an_element_removed_in_git_is_removed(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    rig.write(case.document(case.elements[0], case.elements[2]))
    assert changes(planned(rig), RELEASED) == [(at(name, case.keys[1]), REMOVED)]
    rig.applied()
    assert stored_keys(rig, case) == [case.keys[0], case.keys[2]]
    assert rig.plan().empty


@pytest.mark.parametrize("name", NAMES)
def test_an_element_removed_in_git_is_not_said_to_stay(rig: Rig, name: str):
    """`released` means: stays on the server. What is removed does not stay."""
    case = applied(rig, name, 0, 1)
    rig.write(case.document(case.elements[0]))
    assert [path for path, kind in changes(planned(rig)) if kind is RELEASED] == []


@pytest.mark.parametrize("name", WITH_LEAF)
def test_a_change_inside_an_element_is_that_path_alone(rig: Rig, name: str):
    """Elements are matched by their keys: the others are not mentioned."""
    case = applied(rig, name, 0, 1, 2)
    changed = [dict(element) for element in case.elements]
    for n in (1, 2):
        changed[n][case.leaf] = case.other
        rig.write(case.document(*changed))
        assert changes(planned(rig)) == [(f"{at(name, case.keys[n])}.{case.leaf}", CHANGED)]
        rig.applied()
        assert read(rig.stored("b"), case.store)[n][case.stored_leaf] == case.other
        assert rig.plan().empty


@pytest.mark.parametrize("name", WITH_LEAF)
def test_a_setting_left_out_of_an_element_is_kept_when_another_element_changes(rig: Rig, name: str):
    """Absent is kept inside an element that is matched by its key, wherever it moves in the list."""
    case = applied(rig, name, 0, 1)
    first = {key: value for key, value in case.elements[0].items() if key != case.leaf}
    rig.write(case.document(case.elements[2], case.elements[1], first))
    rig.applied()
    kept = {case.stored_key(e): e[case.stored_leaf] for e in read(rig.stored("b"), case.store)}
    assert kept[case.keys[0]] == case.elements[0][case.leaf]
    assert rig.plan().empty


@pytest.mark.parametrize("name", ORDERED)
def test_a_list_in_another_order_is_moved(rig: Rig, name: str):
    """One change of the whole list with both orders, and the server has the new one."""
    case = applied(rig, name, 0, 1, 2)
    rig.write(case.document(case.elements[2], case.elements[0], case.elements[1]))
    (change,) = planned(rig).changes
    assert (change.path, change.kind) == (listed(name), MOVED)
    assert change.before == list(case.keys)
    assert change.after == [case.keys[2], case.keys[0], case.keys[1]]
    rig.applied()
    assert stored_keys(rig, case) == [case.keys[2], case.keys[0], case.keys[1]]
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("name", SETS)
def test_a_set_in_another_order_is_no_change(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    rig.write(case.document(case.elements[2], case.elements[0], case.elements[1]))
    step = planned(rig)
    assert (step.action, step.changes) == (Action.KEEP, ())


# null, empty and absent lists


@pytest.mark.parametrize("value", [None, []])
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_list_that_is_null_or_empty_is_emptied(rig: Rig, name: str, value: list[Any] | None):
    """Both mean: no element; the plan names each one that goes."""
    case = applied(rig, name, 0, 1)
    rig.write(case.whole(value))
    assert changes(planned(rig), RELEASED) == [(at(name, case.keys[0]), REMOVED), (at(name, case.keys[1]), REMOVED)]
    rig.applied()
    assert stored_keys(rig, case) == []
    assert rig.plan().empty


@pytest.mark.parametrize("name", OPTIONAL)
def test_a_list_left_out_is_kept_and_said_to_be_released(rig: Rig, name: str):
    """Kept through another update, elements and order; said once."""
    case = applied(rig, name, 1, 0)
    rig.write(case.whole(None, absent=True))
    step = planned(rig)
    assert step.action is Action.KEEP
    assert changes(step) == [(listed(name), RELEASED)]
    rig.applied()
    assert planned(rig).changes == ()
    before = read(rig.stored("b"), case.store)
    document = case.whole(None, absent=True)
    if case.inside == "template":
        document["target_services"].append(service("another"))
    else:
        document["build_script"] = "changed\n"
    rig.write(document)
    rig.applied()
    assert read(rig.stored("b"), case.store) == before


@pytest.mark.parametrize("name", ["installs", "parameters", "services"])
def test_a_list_that_git_never_declared_is_kept(rig: Rig, name: str):
    """What the page added to a list that Git does not mention survives our update."""
    case = CASES[name]
    rig.write({**case.document(*case.elements[:2]), "name": "model"}, plain("b"))
    rig.applied()
    page = read(rig.stored("model"), case.store)
    rig.meddle("b", lambda stored: write(stored, case.store, copy.deepcopy(page)))
    rig.write({**case.document(*case.elements[:2]), "name": "model"}, plain("b", build_script="changed\n"))
    rig.applied()
    assert stored_keys(rig, case) == list(case.keys[:2])
    assert holds(read(rig.stored("b"), case.store), [{k: e[k] for k in e if k != "description"} for e in page])


@pytest.mark.parametrize("kind", ["plain", "template"])
def test_a_repository_that_git_never_declared_cannot_be_sent_back(rig: Rig, kind: str):
    """Nobody knows its code host's alias: the write is blocked as unwritable, and declaring repo_info lifts that.

    Where the internal read tells the alias, nothing is in the way (`test_deep_read`).
    """
    rig.deep = False
    repos = [repository("a")]
    make: Callable[..., dict[str, Any]] = plain if kind == "plain" else template
    rig.write(make("model", repo_info=repos), make("b"))
    rig.applied()
    where = "repos" if kind == "plain" else "targets.0.repos"
    page = read(rig.stored("model"), where)
    rig.meddle(
        "b",
        lambda stored: (
            write(stored, where, copy.deepcopy(page))
            if kind == "plain"
            else stored["targets"][0].update(repos=copy.deepcopy(page))
        ),
    )
    changed = {"build_script": "x\n"} if kind == "plain" else {"inputs": [INPUTS[0]]}
    rig.write(make("model", repo_info=repos), make("b", **changed))
    (step,) = [s for s in rig.plan().steps if s.name == "b"]
    assert step.blocked is not None
    assert step.blocked.reason is Block.UNWRITABLE
    assert "repo_info[org/a]" in step.blocked.message
    rig.apply()
    assert read(rig.stored("b"), where) == page
    rig.write(make("model", repo_info=repos), make("b", repo_info=repos, **changed))
    assert rig.accept() == ["unreadable"]
    rig.applied()
    assert rig.plan().empty


# on the server


def with_element(case: ListCase, source: list[Stored]) -> Callable[[Stored], None]:
    return lambda stored: write(stored, case.store, copy.deepcopy(source))


@pytest.mark.parametrize("name", SHOWN)
def test_an_element_added_on_the_server_is_taken_away_again(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    full = read(rig.stored("b"), case.store)
    rig.write(case.document(case.elements[0], case.elements[2]))
    rig.applied()
    rig.meddle("b", with_element(case, full))
    step = planned(rig)
    assert changes(step, UNVERIFIABLE) == [(at(name, case.keys[1]), REMOVED)]
    rig.applied()
    assert stored_keys(rig, case) == [case.keys[0], case.keys[2]]
    assert rig.plan().empty


@pytest.mark.parametrize("name", SHOWN)
def test_an_element_removed_on_the_server_is_added_again(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    before = read(rig.stored("b"), case.store)
    rig.meddle("b", with_element(case, [before[0], before[2]]))
    assert changes(planned(rig), UNVERIFIABLE) == [(at(name, case.keys[1]), ADDED)]
    rig.applied()
    assert stored_keys(rig, case) == list(case.keys)
    assert rig.plan().empty


@pytest.mark.parametrize("name", [n for n in ORDERED if n in SHOWN])
def test_a_list_moved_on_the_server_is_moved_back(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    before = read(rig.stored("b"), case.store)
    rig.meddle("b", with_element(case, [before[1], before[2], before[0]]))
    assert changes(planned(rig), UNVERIFIABLE) == [(listed(name), MOVED)]
    rig.applied()
    assert stored_keys(rig, case) == list(case.keys)
    assert rig.plan().empty


@pytest.mark.parametrize("name", [n for n in SETS if n in SHOWN])
def test_a_set_moved_on_the_server_is_no_change(rig: Rig, name: str):
    case = applied(rig, name, 0, 1, 2)
    before = read(rig.stored("b"), case.store)
    rig.meddle("b", with_element(case, [before[1], before[2], before[0]]))
    step = planned(rig)
    assert (step.action, changes(step)) == (Action.KEEP, [])


@pytest.mark.parametrize("how", ["added", "removed", "changed"])
@pytest.mark.parametrize("name", HIDDEN)
def test_an_unreadable_list_changed_on_the_server_is_seen_or_unverifiable_and_written_again(
    rig: Rig, seeing: bool, name: str, how: str
):
    """The very element is named; where nothing shows it, the list is, as unverifiable, with who, and blocked."""
    case = applied(rig, name, 0, 1, 2)
    full = read(rig.stored("b"), case.store)
    rig.write(case.document(case.elements[0], case.elements[1]))
    rig.applied()
    other = [{**full[0], case.stored_leaf: case.other}, full[1]]
    rig.meddle("b", with_element(case, {"added": full, "removed": full[:1], "changed": other}[how]))
    step = planned(rig)
    assert step.action is Action.UPDATE
    if seeing:
        where = f"{name}[{case.keys[0 if how == 'changed' else 2 if how == 'added' else 1]}]"
        kind = {"added": REMOVED, "removed": ADDED, "changed": CHANGED}[how]
        assert changes(step) == [(f"{where}.{case.leaf}" if how == "changed" else where, kind)]
    else:
        assert (name, UNVERIFIABLE) in changes(step)
        assert "mallory" in step.reason
        assert changes(step, UNVERIFIABLE) == []
    assert rig.accept() == ([] if seeing else ["unreadable"])
    rig.applied()
    assert stored_keys(rig, case) == [case.keys[0], case.keys[1]]
    assert read(rig.stored("b"), case.store)[0][case.stored_leaf] == case.elements[0][case.leaf]
    assert rig.plan().empty


# inputs of a template


INPUTS = (
    {"key": "name", "value": "a", "type": "string", "is_credential": False},
    {"key": "mode", "value": "slow", "type": "choice", "is_credential": False},
)
IN = "target_services[shop/web].inputs"


def input_values(rig: Rig) -> dict[str, str]:
    return {e["key"]: e["value"] for e in rig.stored("b")["targets"][0]["envs"]}


def test_inputs_are_a_set(rig: Rig):
    """Another order is no change, in Git and on the server."""
    rig.write(template("b", inputs=list(INPUTS)))
    rig.applied()
    rig.write(template("b", inputs=list(reversed(INPUTS))))
    assert planned(rig).changes == ()
    rig.meddle("b", lambda stored: stored["targets"][0]["envs"].reverse())
    assert planned(rig).action is Action.KEEP


def test_an_input_added_in_git_is_set(rig: Rig):
    """The template has every variable already, so what changes is its value."""
    rig.write(template("b", inputs=[INPUTS[0]]))
    rig.applied()
    rig.write(template("b", inputs=list(INPUTS)))
    assert changes(planned(rig)) == [(f"{IN}[mode].value", CHANGED)]
    rig.applied()
    assert (input_values(rig)["name"], input_values(rig)["mode"]) == ("a", "slow")
    assert rig.plan().empty


@pytest.mark.parametrize("how", ["removed", "empty", "null", "absent"])
def test_an_input_that_is_not_declared_any_more_is_kept(rig: Rig, how: str):
    """Template inputs that are not declared are kept, and said to be released."""
    rig.write(template("b", inputs=list(INPUTS)))
    rig.applied()
    later = {"removed": [INPUTS[0]], "empty": [], "null": None}
    document = template("b", inputs=later[how]) if how in later else template("b")
    rig.write(document)
    step = planned(rig)
    assert step.action is Action.KEEP
    assert {kind for _, kind in changes(step)} == {RELEASED}
    assert any(path.startswith(IN) for path, _ in changes(step))
    rig.applied()
    assert planned(rig).changes == ()
    document["target_services"].append(service("another"))
    rig.write(document)
    rig.applied()
    values = {e["key"]: e["value"] for t in rig.stored("b")["targets"][:1] for e in t["envs"]}
    assert (values["name"], values["mode"]) == ("a", "slow")
    assert rig.plan().empty


def test_an_input_gone_from_the_server_is_added_again(rig: Rig):
    rig.write(template("b", inputs=list(INPUTS)))
    rig.applied()
    rig.meddle("b", lambda stored: stored["targets"][0]["envs"].pop(1))
    assert changes(planned(rig), UNVERIFIABLE) == [(f"{IN}[mode]", ADDED)]
    rig.applied()
    assert input_values(rig)["mode"] == "slow"
    assert rig.plan().empty


# repositories of one name, and with slashes


@pytest.mark.parametrize("kind", ["plain", "template"])
def test_a_repository_may_be_there_twice(rig: Rig, kind: str):
    """The second of the same namespace and name is known as #2."""
    make = plain if kind == "plain" else template
    parent = "" if kind == "plain" else "target_services[shop/web]."
    twice = [repository("demo", branch="a", checkout_path="x"), repository("demo", branch="b", checkout_path="y")]
    rig.write(make("b", repo_info=twice))
    rig.applied()
    assert rig.plan().empty
    twice[1]["branch"] = "c"
    rig.write(make("b", repo_info=twice))
    assert changes(planned(rig)) == [(f"{parent}repo_info[org/demo#2].branch", CHANGED)]
    rig.applied()
    stored = rig.stored("b")
    repos = stored["repos"] if kind == "plain" else stored["targets"][0]["repos"]
    assert [(r["branch"], r["checkout_path"]) for r in repos] == [("a", "x"), ("c", "y")]
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty
    rig.write(make("b", repo_info=twice[:1]))
    assert changes(planned(rig), UNVERIFIABLE) == [(f"{parent}repo_info[org/demo#2]", REMOVED)]


@pytest.mark.parametrize("kind", ["plain", "template"])
@pytest.mark.parametrize(
    ("owner", "name", "shown"),
    [("/org/", "//r//", ("org", "/r/")), ("/a/b", "c/", ("a/b", "c")), ("", "/r", ("", "r")), ("//", "x", ("", "x"))],
)
def test_a_code_host_that_cuts_slashes_leaves_an_empty_plan(
    rig: Rig, kind: str, owner: str, name: str, shown: tuple[str, str]
):
    """With a code host of type `other` one slash at each end is cut off in detail; what is stored is as declared."""
    make = plain if kind == "plain" else template
    repo = {"codehost_name": "other-git", "repo_namespace": owner, "repo_name": name, "branch": "main"}
    rig.write(make("b", repo_info=[repo]))
    rig.applied()
    stored = rig.stored("b")["repos"] if kind == "plain" else rig.stored("b")["targets"][0]["repos"]
    assert (stored[0]["repo_owner"], stored[0]["repo_name"]) == shown
    assert stored[0]["repo_namespace"] == owner
    assert rig.plan().empty
    rig.write(make("b", repo_info=[{**repo, "branch": "dev"}]))
    (change,) = planned(rig).changes
    assert (change.path.rpartition(".")[2], change.kind) == ("branch", CHANGED)
    rig.applied()
    assert rig.plan().empty
    stored = rig.stored("b")["repos"] if kind == "plain" else rig.stored("b")["targets"][0]["repos"]
    assert stored[0]["repo_namespace"] == owner
    rig.forget()
    assert rig.plan().empty


def test_slashes_are_kept_when_repositories_are_not_declared_any_more(rig: Rig):
    """Absent is kept as it is on the server: the stored namespace is the one with its slashes."""
    repo = {"codehost_name": "other-git", "repo_namespace": "/org/", "repo_name": "//r//", "branch": "main"}
    rig.write(plain("b", repo_info=[repo]))
    rig.applied()
    before = rig.stored("b")["repos"]
    rig.write(plain("b", build_script="x\n"))
    rig.applied()
    assert rig.stored("b")["repos"] == before


# docker_build_step


LOCAL = {**DOCKER, "build_args": "--x", "enable_buildkit": True, "platforms": "linux/amd64"}
FROM_TEMPLATE = {"dockerfile_source": "template", "build_context_dir": "ctx", "template_name": "go-dockerfile"}
D = "docker_build_step"


def stored_docker(rig: Rig) -> dict[str, Any] | None:
    step: dict[str, Any] | None = (rig.stored("b")["post_build"] or {}).get("docker_build")
    return step


def test_a_docker_step_is_added_kept_and_removed(rig: Rig):
    """Added as one change, kept while it is absent, removed by null."""
    rig.write(plain("b"))
    rig.applied()
    rig.write(plain("b", docker_build_step=LOCAL))
    assert changes(planned(rig)) == [(D, ADDED)]
    rig.applied()
    assert holds(
        stored_docker(rig), {"source": "local", "docker_file": "Dockerfile", "work_dir": "ctx", "build_args": "--x"}
    )
    assert rig.plan().empty
    rig.write(plain("b"))
    assert rig.plan().empty
    rig.write(plain("b", build_script="x\n"))
    rig.applied()
    assert holds(stored_docker(rig), {"docker_file": "Dockerfile", "enable_buildkit": True, "platform": "linux/amd64"})
    rig.write(plain("b", build_script="x\n", docker_build_step=None))
    assert changes(planned(rig), RELEASED) == [(D, REMOVED)]
    rig.applied()
    assert stored_docker(rig) is None
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


def test_a_docker_step_left_out_is_said_to_be_released(rig: Rig):
    """It was declared at the last apply, is absent now, and stays: the plan says so."""
    rig.write(plain("b", docker_build_step=LOCAL))
    rig.applied()
    rig.write(plain("b"))
    step = planned(rig)
    assert step.action is Action.KEEP
    assert RELEASED in {kind for path, kind in changes(step) if path.startswith(D)}


def test_nothing_of_a_docker_step_that_becomes_null_is_said_to_stay(rig: Rig):
    """It goes as a whole: its leaves were declared, are not any more, and are not kept."""
    rig.write(plain("b", docker_build_step=LOCAL))
    rig.applied()
    rig.write(plain("b", docker_build_step=None))
    assert changes(planned(rig)) == [(D, REMOVED)]


def test_a_directory_that_goes_with_its_cache_is_not_said_to_stay(rig: Rig):
    """A cache that is off has no directory: it is a change, and no second line says that it stays."""
    cache = {"enabled": True, "cache_dir": "/cache"}
    rig.write(plain("b", advanced_settings={"cluster_name": "local-20250523164625", "cache_setting": cache}))
    rig.applied()
    off = {"cluster_name": "local-20250523164625", "cache_setting": {"enabled": False}}
    rig.write(plain("b", advanced_settings=off))
    assert [kind for path, kind in changes(planned(rig)) if path.endswith("cache_dir")] == [CHANGED]


def test_a_docker_step_added_on_the_server_is_removed_by_null_only(rig: Rig):
    """Absent keeps what the page added; null takes it away."""
    rig.write(plain("with", docker_build_step=LOCAL), plain("b"))
    rig.applied()
    step = rig.stored("with")["post_build"]["docker_build"]
    rig.meddle("b", lambda stored: stored["post_build"].update(docker_build=copy.deepcopy(step)))
    assert rig.plan().empty
    rig.write(plain("with", docker_build_step=LOCAL), plain("b", docker_build_step=None))
    (of_b,) = [s for s in rig.plan().steps if s.name == "b"]
    assert changes(of_b) == [(D, REMOVED)]
    rig.applied()
    assert stored_docker(rig) is None
    assert rig.plan().empty


def test_a_dockerfile_from_a_template_drops_the_directory_and_back(rig: Rig):
    """The server drops the other half; the plan names it."""
    rig.write(plain("b", docker_build_step=LOCAL))
    rig.applied()
    rig.write(plain("b", docker_build_step=FROM_TEMPLATE))
    step = planned(rig)
    found = {c.path: (c.before, c.after) for c in step.changes if c.kind is CHANGED}
    assert found == {
        f"{D}.dockerfile_source": ("local", "template"),
        f"{D}.dockerfile_directory": ("Dockerfile", ""),
        f"{D}.template_name": ("", "go-dockerfile"),
    }
    rig.applied()
    assert holds(stored_docker(rig), {"source": "template", "template_name": "go-dockerfile", "docker_file": ""})
    assert holds(stored_docker(rig), {"build_args": "--x"})
    assert rig.plan().empty
    rig.write(plain("b", docker_build_step=LOCAL))
    found = {c.path: (c.before, c.after) for c in planned(rig).changes if c.kind is CHANGED}
    assert found == {
        f"{D}.dockerfile_source": ("template", "local"),
        f"{D}.dockerfile_directory": ("", "Dockerfile"),
        f"{D}.template_name": ("go-dockerfile", ""),
    }
    rig.applied()
    assert holds(stored_docker(rig), {"source": "local", "template_name": "", "docker_file": "Dockerfile"})
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


def test_a_template_of_a_dockerfile_changed_behind_our_back_is_seen(rig: Rig):
    rig.write(plain("b", docker_build_step=FROM_TEMPLATE))
    rig.applied()
    rig.meddle("b", lambda stored: stored["post_build"]["docker_build"].update(template_name="other"))
    assert [(c.path, c.before, c.after) for c in planned(rig).changes if c.kind is CHANGED] == [
        (f"{D}.template_name", "other", "go-dockerfile")
    ]
    rig.applied()
    assert rig.plan().empty


# advanced_settings


FULL = {
    "cluster_name": "local-20250523164625",
    "strategy_name": "big-nodes",
    "timeout": 30,
    "resource_spec": {"cpu_req": 100, "cpu_limit": 2000, "memory_req": 200, "memory_limit": 3000},
    "use_host_docker_daemon": True,
    "privileged_mode": True,
    "cache_setting": {"enabled": True, "cache_dir": "/cache"},
    "outputs": ["bb"],
}


def test_advanced_settings_null_resets_the_whole_block(rig: Rig):
    """The block is left out of the body: the server's own defaults, named in the plan one by one."""
    rig.write(plain("b", advanced_settings=FULL))
    rig.applied()
    rig.write(plain("b", advanced_settings=None))
    found = {c.path.removeprefix(f"{A}."): (c.before, c.after) for c in planned(rig).changes if c.kind is CHANGED}
    assert found == {
        "timeout": (30, 60),
        "resource_spec.cpu_req": (100, 0),
        "resource_spec.cpu_limit": (2000, 1000),
        "resource_spec.memory_req": (200, 0),
        "resource_spec.memory_limit": (3000, 512),
        "use_host_docker_daemon": (True, False),
        "privileged_mode": (True, False),
        "cache_setting.enabled": (True, False),
        "cache_setting.cache_dir": ("/cache", ""),
        "outputs": (["bb"], []),
    }
    rig.quiet()
    rig.applied()
    (put,) = [r for r in rig.requests("PUT") if r["body"]]
    assert A not in put["body"]
    stored = rig.stored("b")
    assert (stored["timeout"], stored["advanced_setting_modified"], stored["cache_enable"]) == (60, False, False)
    assert stored["pre_build"]["strategy_id"] == "aaaa1"
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("block", [None, {}, "absent"])
def test_a_create_without_advanced_settings_leaves_the_block_out(rig: Rig, block: Any):
    """Null, empty and absent declare nothing: the server's defaults, and an empty plan."""
    rig.write(plain("b") if block == "absent" else plain("b", advanced_settings=block))
    rig.applied()
    (post,) = rig.requests("POST")
    assert A not in post["body"]
    assert rig.stored("b")["timeout"] == 60
    assert rig.plan().empty
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("block", [{}, "absent"])
def test_advanced_settings_that_declare_nothing_are_kept(rig: Rig, block: Any):
    """An empty object is no null: nothing in it is declared, so everything stays."""
    rig.write(plain("b", advanced_settings=FULL))
    rig.applied()
    before = rig.stored("b")
    more = {} if block == "absent" else {"advanced_settings": block}
    rig.write(plain("b", **more))
    step = planned(rig)
    assert step.action is Action.KEEP
    assert {kind for _, kind in changes(step)} == {RELEASED}
    rig.applied()
    rig.write(plain("b", build_script="x\n", **more))
    assert changes(planned(rig)) == [("build_script", CHANGED)]
    rig.applied()
    after = rig.stored("b")
    for path in ("timeout", "enable_privileged_mode", "cache_enable", "cache_user_dir", "outputs"):
        assert after[path] == before[path]
    for stored in (before, after):
        assert not (stored["pre_build"].pop("storages") or {}).get("enabled")
    assert after["pre_build"] == before["pre_build"]


def test_a_part_of_advanced_settings_leaves_the_rest(rig: Rig):
    """What is declared changes, what is left out is sent back as it was."""
    rig.write(plain("b", advanced_settings=FULL))
    rig.applied()
    before = rig.stored("b")
    rig.write(plain("b", advanced_settings={"timeout": 45, "resource_spec": {"cpu_limit": 4000}}))
    assert changes(planned(rig), RELEASED) == [
        (f"{A}.timeout", CHANGED),
        (f"{A}.resource_spec.cpu_limit", CHANGED),
    ]
    rig.applied()
    after = rig.stored("b")
    assert after["timeout"] == 45
    assert after["pre_build"]["res_req_spec"] == {**before["pre_build"]["res_req_spec"], "cpu_limit": 4000}
    for path in ("enable_privileged_mode", "cache_enable", "cache_user_dir", "outputs"):
        assert after[path] == before[path]
    assert after["pre_build"]["strategy_id"] == "aaaa2"
    assert rig.plan().empty


def test_a_part_of_advanced_settings_on_create_has_the_defaults_for_the_rest(rig: Rig):
    """The whole block is sent: what is left out is as it would be without the block, not zero; no strategy is none."""
    rig.write(plain("b", advanced_settings={"privileged_mode": True}))
    rig.applied()
    stored = rig.stored("b")
    assert (stored["timeout"], stored["enable_privileged_mode"]) == (60, True)
    assert holds(
        stored["pre_build"]["res_req_spec"], {"cpu_limit": 1000, "memory_limit": 512, "cpu_req": 0, "memory_req": 0}
    )
    assert stored["pre_build"]["cluster_id"] == "0123456789abcdef12345678"
    assert stored["pre_build"]["strategy_id"] == ""
    assert rig.plan().empty


@pytest.mark.parametrize("setting", [{"enabled": False}, {"enabled": None}, {"enabled": False, "cache_dir": ""}, None])
def test_a_cache_that_is_disabled_loses_its_directory(rig: Rig, setting: Any):
    """The server drops the directory with it; the plan says both, and is empty after."""
    rig.write(plain("b", advanced_settings={"cache_setting": {"enabled": True, "cache_dir": "/cache"}}))
    rig.applied()
    rig.write(plain("b", advanced_settings={"cache_setting": setting}))
    found = [(c.path, c.before, c.after) for c in planned(rig).changes if c.kind is CHANGED]
    assert sorted(found) == [
        (f"{A}.cache_setting.cache_dir", "/cache", ""),
        (f"{A}.cache_setting.enabled", True, False),
    ]
    rig.applied()
    assert (rig.stored("b")["cache_enable"], rig.stored("b")["cache_user_dir"]) == (False, "")
    assert rig.plan().empty
    rig.write(plain("b", advanced_settings={"cache_setting": {"enabled": True, "cache_dir": "/again"}}))
    rig.applied()
    assert (rig.stored("b")["cache_enable"], rig.stored("b")["cache_user_dir"]) == (True, "/again")
    assert rig.plan().empty


@pytest.mark.parametrize("cluster", ["gpu-cluster", None])
def test_another_cluster_resets_a_strategy_that_is_not_declared(rig: Rig, cluster: str | None):
    """A strategy belongs to its cluster: the plan says that it goes."""
    first = {"cluster_name": "local-20250523164625", "strategy_name": "big-nodes"}
    if cluster is None:
        first = {"cluster_name": "gpu-cluster", "strategy_name": "any"}
    rig.write(plain("b", advanced_settings=first))
    rig.applied()
    rig.write(plain("b", advanced_settings={"cluster_name": cluster}))
    found = {c.path: (c.before, c.after) for c in planned(rig).changes if c.kind is CHANGED}
    assert found == {
        f"{A}.cluster_name": (first["cluster_name"], cluster or "local-20250523164625"),
        f"{A}.strategy_name": (first["strategy_name"], ""),
    }
    rig.applied()
    assert rig.stored("b")["pre_build"]["strategy_id"] == ""
    assert rig.plan().empty


def test_null_and_empty_strategy_are_the_same(rig: Rig):
    """Where the block is sent, a null strategy goes as "" and compares with that."""
    for given in ("big-nodes", None, "", "big-nodes", ""):
        rig.write(plain("b", advanced_settings={**ADVANCED, "strategy_name": given}))
        rig.applied()
        assert rig.stored("b")["pre_build"]["strategy_id"] == ("aaaa2" if given else "")
        assert rig.plan().empty


# everything at once


EVERYTHING: dict[str, Any] = {
    "infrastructure": "kubernetes",
    "build_os": "ubuntu 20.04",
    "installs": [{"name": "go", "version": "1.20"}, {"name": "node", "version": "20"}],
    "script_type": "shell",
    "build_script": "make a\n",
    "repo_info": [
        {
            **REPO,
            "remote_name": "origin",
            "checkout_path": "src",
            "submodules": True,
            "enable_commit": True,
            "commit_id": "0a1b2c3",
        },
        {**REPO, "repo_name": "second"},
    ],
    "parameters": [
        {
            "key": "MODE",
            "type": "choice",
            "default_value": "a",
            "choice_option": ["a", "b", "c"],
            "choice_value": ["a"],
            "is_credential": False,
            "description": "d",
        },
        {"key": "PW", "type": "string", "default_value": "hunter2", "is_credential": True},
    ],
    "services": [{"service_name": "shop", "service_module": "web"}, {"service_name": "shop", "service_module": "api"}],
    "docker_build_step": LOCAL,
    "advanced_settings": {
        **FULL,
        "resource_spec": {**FULL["resource_spec"], "gpu_limit": "nvidia.com/gpu:1"},  # type: ignore[dict-item]
        "storages": {
            "enabled": True,
            "storages_properties": [
                {**STORAGE, "access_mode": "ReadWriteOnce", "pvc": "claim", "subpath": "a", "is_temporary": True}
            ],
        },
        "custom_annotations": [{"key": "team", "value": "a"}],
        "custom_labels": [{"key": "team", "value": "a"}],
    },
}
NOT_BEHIND_OUR_BACK = {
    "docker_build_step.dockerfile_source": "changes three settings; tested above",
    "advanced_settings.cluster_name": "takes its strategy with it; tested above",
}


def has_every_leaf(level: Any, rows: Any, path: str = "") -> set[str]:
    """The settings that the definition above does not declare."""
    missing = set()
    for row in rows:
        value = level
        for step in row.path.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            missing.add(f"{path}{row.path}")
        elif isinstance(row, Elements):
            missing |= has_every_leaf(value[0], row.rows, f"{path}{row.path}[].")
    return missing


def test_everything_declared_at_once_is_stored(rig: Rig):
    """All settings of the plain body together: stored, an empty plan, and nothing unverifiable."""
    assert has_every_leaf(EVERYTHING, PLAIN) == {"docker_build_step.template_name"}
    rig.write(plain("b", **EVERYTHING))
    rig.applied()
    stored = rig.stored("b")
    assert [e["key"] for e in stored["pre_build"]["envs"]] == ["MODE", "PW"]
    assert stored["pre_build"]["envs"][1]["value"] == "hunter2"
    assert [(t["service_name"], t["service_module"]) for t in stored["targets"]] == [("shop", "web"), ("shop", "api")]
    for path, case in PLAIN_CASES.items():
        assert holds(read(stored, case.store), case.encode(declared(path))), path
    step = planned(rig)
    assert (step.action, step.changes) == (Action.KEEP, ())
    rig.quiet()
    rig.applied()
    assert rig.requests("POST", "PUT", "DELETE") == []
    rig.forget()
    step = planned(rig)
    assert (step.action, changes(step, UNVERIFIABLE)) == (Action.KEEP, [])


def declared(path: str) -> Any:
    level: Any = EVERYTHING
    for part in path.split("."):
        level = level[part.removesuffix("[]")]
        level = level[0] if part.endswith("[]") else level
    return level


def other_than(path: str, case: Case) -> Any:
    """One of the case's two values that is not the declared one."""
    return case.second if case.first == declared(path) else case.first


@pytest.mark.parametrize("path", sorted(PLAIN_CASES.keys() - NOT_BEHIND_OUR_BACK.keys()))
def test_of_everything_declared_each_change_behind_our_back_is_seen_and_undone(rig: Rig, seeing: bool, path: str):
    """Also in the company of all other settings, one that changed is the one that the plan shows."""
    case = PLAIN_CASES[path]
    rig.write(plain("b", **EVERYTHING))
    rig.applied()
    value = case.encode(other_than(path, case))

    def edit(stored: Stored) -> None:
        write(stored, case.store, value)
        if case.also:
            case.also(stored, value)

    rig.meddle("b", edit)
    step = planned(rig)
    assert step.action is Action.UPDATE
    shown = {c.path for c in step.changes if c.kind is not UNVERIFIABLE}
    unseen = {c.path for c in step.changes if c.kind is UNVERIFIABLE}
    keys = {"installs": "go", "repo_info": "org/demo", "parameters": "MODE"}
    where = path
    for name, key in keys.items():
        where = where.replace(f"{name}[]", f"{name}[{key}]")
    outer = path.partition("[]")[0] if "storages_properties[]" in path or "custom_" in path else where
    if seeing:
        assert (unseen, step.blocked) == (set(), None)
        inside = {place for place in shown if place.startswith(f"{path}[")}
        assert shown == (inside if path in WHOLE_LISTS and inside else {concrete(path)})
    elif shown:
        assert shown == {where}
    else:
        assert outer in unseen or path in ("infrastructure", "script_type")
    assert rig.accept() == ([] if seeing else ["unreadable"])
    rig.applied()
    assert holds(read(rig.stored("b"), case.store), case.encode(declared(path)))
    assert rig.plan().empty


def test_what_is_declared_as_null_everywhere_is_everywhere_the_default(rig: Rig):
    """All optional settings null at once, on a build that had them all."""
    rig.write(plain("b", **EVERYTHING))
    rig.applied()
    rig.write(
        plain(
            "b",
            installs=None,
            build_script=None,
            repo_info=None,
            parameters=None,
            services=None,
            docker_build_step=None,
            advanced_settings=None,
        )
    )
    rig.applied()
    stored = rig.stored("b")
    assert stored["scripts"] == ""
    assert (stored["repos"], stored["targets"], stored["pre_build"]["envs"], stored["pre_build"]["installs"]) == (
        [],
        [],
        [],
        [],
    )
    assert stored_docker(rig) is None
    assert stored["enable_privileged_mode"] is False
    assert (stored["pre_build"]["custom_labels"], stored["pre_build"]["custom_annotations"]) == ([], [])
    assert holds(stored["pre_build"]["storages"], {"enabled": False, "storages_properties": []})
    assert [o["name"] for o in stored["outputs"]] == ["IMAGE", "PKG_FILE"]
    assert rig.plan().empty


@pytest.mark.parametrize("what", ["installs", "services", "parameters"])
def test_the_same_key_twice_is_an_error(rig: Rig, what: str):
    """Membership by key needs keys that are there once; only a repository may repeat."""
    case = CASES[what]
    rig.write(case.document(case.elements[0], case.elements[0]))
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert [problem.rule for problem in caught.value.problems] == ["twice"]


@pytest.mark.parametrize("cache", [{"enabled": None, "cache_dir": "/cache"}, {"enabled": False, "cache_dir": "/cache"}])
def test_a_directory_of_a_disabled_cache_is_an_error(rig: Rig, cache: dict[str, Any]):
    """The server would drop it silently; null means disabled."""
    rig.write(plain("b", advanced_settings={"cache_setting": cache}))
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert [problem.rule for problem in caught.value.problems] == ["cache-dir"]
