"""For every row of the table: apply → stored as declared, plan → empty; changed behind our back → seen; null; absent.

The oracle is a table of its own (`field_cases`): where the server's store has each setting, written from the
recordings and not from the mapping under test.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest

from reconciler.model.change import ChangeKind
from reconciler.model.fields import PLAIN, TEMPLATE, Elements, Leaf, Sight, walk
from reconciler.plan.step import Action
from tests.field_cases import MISSING, PLAIN_CASES, Case, holds, read, write
from tests.rig import Rig, Stored, plain

ELSEWHERE = {
    "docker_build_step",
    "docker_build_step.template_name",
    "advanced_settings",
    "advanced_settings.cache_setting.enabled",
    "installs",
    "repo_info",
    "parameters",
    "services",
    "template_name",
    "target_services",
    "target_services[].repo_info",
    "target_services[].inputs",
}
"""Blocks, lists and pairs of settings that depend on each other: each has a test of its own below."""


_STORAGES = "advanced_settings.storages.storages_properties"
WHOLE_LISTS = {
    _STORAGES: {f"{_STORAGES}[/data]", f"{_STORAGES}[/b]"},
    "advanced_settings.custom_annotations": {"advanced_settings.custom_annotations[team].value"},
    "advanced_settings.custom_labels": {"advanced_settings.custom_labels[team].value"},
}
"""Hidden lists that are changed as a whole: what differs where the internal read shows them."""


def keys_of_lists(rows: Any) -> set[str]:
    """The leaves that name an element: another value is another element."""
    return {f"{path}[].{key}" for path, row in walk(rows) if isinstance(row, Elements) for key in row.key}


def test_every_row_of_the_plain_body_is_tested():
    """A leaf that no test tells about fails here."""
    rows = {path for path, _ in walk(PLAIN)}
    assert rows == PLAIN_CASES.keys() | (ELSEWHERE & rows) | keys_of_lists(PLAIN)


def document_of(path: str, case: Case, value: Any, absent: bool = False) -> dict[str, Any]:
    """The definition with this one setting."""
    document = plain(**copy.deepcopy(case.around or {}))
    level: Any = document
    *parents, leaf = path.split(".")
    for parent in parents:
        level = level.setdefault(parent.removesuffix("[]"), {})
        level = level[0] if parent.endswith("[]") else level
    if absent:
        level.pop(leaf, None)
    else:
        level[leaf] = copy.deepcopy(value)
    return settle(path, document, value)


def settle(path: str, document: dict[str, Any], value: Any) -> dict[str, Any]:
    """Keep the definition sound where one setting forbids another."""
    if path == "docker_build_step.dockerfile_source" and value == "template":
        document["docker_build_step"].pop("dockerfile_directory")
        document["docker_build_step"]["template_name"] = "go-dockerfile"
    if path == "parameters[].choice_option" and value is None:
        document["parameters"][0].pop("choice_value", None)
    return document


def concrete(path: str) -> str:
    """The pattern with the key of the one element that the tests declare."""
    keys = {"installs": "go", "repo_info": "org/demo", "parameters": "MODE", "storages_properties": "/data"}
    for name, key in (*keys.items(), ("custom_annotations", "team"), ("custom_labels", "team"), ("inputs", "mode")):
        path = path.replace(f"{name}[]", f"{name}[{key}]")
    return path.replace("target_services[]", "target_services[shop/web]")


def row_of(path: str) -> Leaf | Elements:
    return dict([*walk(PLAIN), *walk(TEMPLATE)])[path]


def is_hidden(path: str) -> bool:
    """Whether the setting, or a list that it stands in, is never shown."""
    parts = path.split("[]")
    prefixes = ["[]".join(parts[: n + 1]) for n in range(len(parts))]
    return any(row_of(prefix).sight is Sight.UNREADABLE for prefix in prefixes)


def hidden_list(path: str) -> str:
    """The path under which an unreadable setting is reported when nothing is known: its outermost hidden list."""
    parts = path.split("[]")
    for n in range(len(parts)):
        prefix = "[]".join(parts[: n + 1])
        if row_of(prefix).sight is Sight.UNREADABLE:
            return prefix
    return path


@pytest.mark.parametrize("path", sorted(PLAIN_CASES))
def test_a_declared_setting_is_stored_and_then_the_plan_is_empty(rig: Rig, path: str):
    """Apply stores what was declared; the next plan keeps everything, with the ledger and with a new one."""
    case = PLAIN_CASES[path]
    for value in (case.first, case.second):
        rig.write(document_of(path, case, value))
        rig.applied()
        assert holds(read(rig.stored("api"), case.store), case.encode(value))
        assert [step.action for step in rig.plan().steps] == [Action.KEEP]
        assert [c for c in rig.plan().steps[0].changes if c.kind is ChangeKind.UNVERIFIABLE] == []
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("path", sorted(PLAIN_CASES))
def test_a_setting_changed_behind_our_back_is_the_one_that_the_plan_shows(rig: Rig, seeing: bool, path: str):
    """It is named alone, with who and when; where nothing shows it, it is among what nobody can verify.

    What nothing shows is also what an update would erase unseen: the step is blocked until that is let go.
    """
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, case.first))
    rig.applied()

    def edit(stored: Stored) -> None:
        write(stored, case.store, case.encode(case.second))
        if case.also:
            case.also(stored, case.encode(case.second))

    rig.meddle("api", edit)
    (step,) = rig.plan().steps
    shown = {change.path for change in step.changes if change.kind is not ChangeKind.UNVERIFIABLE}
    unseen = {change.path for change in step.changes if change.kind is ChangeKind.UNVERIFIABLE}
    assert step.live is not None
    assert step.live.update_by == "mallory"
    assert step.action is Action.UPDATE
    if seeing:
        assert unseen == set()
        assert step.blocked is None
    else:
        assert rig.accept() == ["unreadable"]
    if is_hidden(path) and not seeing:
        assert shown == set()
        assert concrete(hidden_list(path)) in unseen
    elif path in WHOLE_LISTS:
        assert shown == WHOLE_LISTS[path]
    elif path == "docker_build_step.dockerfile_source":
        assert shown == {path, "docker_build_step.dockerfile_directory", "docker_build_step.template_name"}
    else:
        assert shown == {concrete(path)}
    rig.applied()
    assert holds(read(rig.stored("api"), case.store), case.encode(case.first))
    assert rig.plan().empty


@pytest.mark.parametrize("path", sorted(p for p, c in PLAIN_CASES.items() if c.default is not MISSING))
def test_null_is_the_default(rig: Rig, path: str):
    """A setting set to null goes back to the default, and the plan is empty then."""
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, case.first))
    rig.applied()
    rig.write(document_of(path, case, None))
    rig.applied()
    assert holds(read(rig.stored("api"), case.store), case.default)
    assert rig.plan().empty


@pytest.mark.parametrize("path", sorted(p for p, c in PLAIN_CASES.items() if c.default is not MISSING))
def test_a_setting_left_out_is_kept_and_said_to_be_released(rig: Rig, path: str):
    """Absent is kept, through another update too; the first plan says so, later ones do not."""
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, case.first))
    rig.applied()
    rig.write(document_of(path, case, None, absent=True))
    (step,) = rig.plan().steps
    assert step.action is Action.KEEP
    assert concrete(path) in {c.path for c in step.changes if c.kind is ChangeKind.RELEASED}
    rig.applied()
    assert rig.plan().steps[0].changes == ()
    rig.write(
        {**document_of(path, case, None, absent=True), "services": [{"service_name": "s", "service_module": "m"}]}
    )
    rig.applied()
    assert holds(read(rig.stored("api"), case.store), case.encode(case.first))


AT_DEFAULT = sorted(
    p for p, c in PLAIN_CASES.items() if c.default is not MISSING and p != "advanced_settings.cluster_name"
)
"""Which cluster is the local one is not asked for the sake of a word."""


@pytest.mark.parametrize("path", AT_DEFAULT)
def test_a_setting_left_out_at_its_default_is_not_worth_a_word(rig: Rig, path: str):
    """`write null to reset` would change nothing; at another value it is said, as the test above shows."""
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, None))
    rig.applied()
    rig.write(document_of(path, case, None, absent=True))
    (step,) = rig.plan().steps
    assert step.action is Action.KEEP
    assert concrete(path) not in {c.path for c in step.changes}
