"""What becomes of each build: what shows, on which builds, and what shows nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.change import Change, ChangeKind
from reconciler.model.secret import MASK
from reconciler.report.diff import render_diff
from reconciler.report.diff_document import diff_document
from reconciler.report.diff_markdown import diff_markdown
from reconciler.report.text import Style
from tests.diff.history import History
from tests.rig import plain, template


def changes(history: History, old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    """Commit two states of one build; return what differs: kind, path, before, after."""
    history.commit({"a.json": old})
    history.commit({"a.json": new})
    builds = history.diff("HEAD~1", "HEAD").builds
    return [(c.kind.value, c.path, c.before, c.after) for build in builds for c in build.changes]


def advanced(**settings: Any) -> dict[str, Any]:
    return plain("a", advanced_settings=settings)


def test_defaults_and_scripts_show_on_every_build_that_they_reach(history: History):
    """And on no other."""
    script = {"from_file": "../s.sh"}
    files = {f"part/{name}.json": plain(name, build_script=script) for name in "ab"}
    history.commit({"reconciler.yaml": "tree: x\n", **files, "c.json": plain("c"), "s.sh": "1\n"})
    history.commit({"s.sh": "2\n"})
    assert history.told("HEAD~1", "HEAD") == [("changed", "a"), ("changed", "b")]
    history.commit({"part/_defaults.yaml": "advanced_settings: {timeout: 5}\n"})
    assert history.told("HEAD~1", "HEAD") == [("changed", "a"), ("changed", "b")]
    history.commit({"_defaults.yaml": "advanced_settings: {timeout: 5}\n"})
    assert history.told("HEAD~1", "HEAD") == [("changed", "c")]


def test_what_says_the_same_in_another_way_shows_nothing(history: History):
    """Another format, order of keys, comment, file, folder, document; a value taken from a default or a file."""
    one = {"name": "a", "project_key": "yaml", "infrastructure": "kubernetes", "build_os": "ubuntu 20.04"}
    history.commit({"a.json": {**one, "script_type": "shell", "build_script": "make\n"}})
    yaml = "# a comment\nbuild_script: |\n    make\nname: a\nproject_key: yaml\nbuild_os: 'ubuntu 20.04'\n"
    history.commit({"a.json": None, "deep/er/a.yaml": f"---\n{yaml}infrastructure: kubernetes\nscript_type: shell\n"})
    defaults = "project_key: yaml\ninfrastructure: kubernetes\nscript_type: shell\n"
    moved = "name: a\nbuild_os: ubuntu 20.04\nbuild_script: {from_file: s.sh}\n"
    history.commit({"deep/er/a.yaml": None, "_defaults.yaml": defaults, "b.yaml": moved, "s.sh": "make\n"})
    assert history.told("HEAD~2", "HEAD~1") == []
    assert history.told("HEAD~2", "HEAD") == []
    history.write({"s.sh": "make all\n"})
    assert history.told("HEAD~2") == [("changed", "a")], "the control"


def test_absent_null_and_declared_are_three_things(history: History):
    """Null is what it stands for; what is not declared any more is released; each in words."""
    assert changes(history, advanced(), advanced(timeout=45)) == [("added", "advanced_settings.timeout", None, 45)]
    assert changes(history, advanced(timeout=45), advanced()) == [("released", "advanced_settings.timeout", 45, 45)]
    found = changes(history, advanced(timeout=45), advanced(timeout=None))
    assert found == [("changed", "advanced_settings.timeout", 45, None)]
    assert changes(history, advanced(timeout=None), advanced(timeout=60)) == []
    assert changes(history, advanced(), advanced(timeout=None)) == [("added", "advanced_settings.timeout", None, None)]
    text = render_diff(history.diff("HEAD~1", "HEAD"), Style())
    assert "+ advanced_settings.timeout  null (its default)" in text
    text = render_diff(history.diff("HEAD", "HEAD~1"), Style())
    assert "· advanced_settings.timeout  released: was null (its default), and stays so" in text


def test_null_is_told_in_words_beside_a_value(history: History):
    """On either side of the arrow, of a number, a list, a short text and a long one."""
    declared = {"build_script": "a\nb\n", "advanced_settings": {"timeout": 45, "outputs": ["X"], "strategy_name": "s"}}
    null = {"build_script": None, "advanced_settings": {"timeout": None, "outputs": None, "strategy_name": None}}
    changes(history, plain("a", **declared), plain("a", **null))
    text = render_diff(history.diff("HEAD~1", "HEAD"), Style())
    back = render_diff(history.diff("HEAD", "HEAD~1"), Style())
    for path, value in (("timeout", "45"), ("outputs", '["X"]'), ("strategy_name", '"s"')):
        assert f"~ advanced_settings.{path}  {value} → null (its default)\n" in text
        assert f"~ advanced_settings.{path}  null (its default) → {value}\n" in back
    assert "~ build_script  now null (its default)\n        @@ -1,2 +0,0 @@\n        -a\n" in text
    assert "~ build_script  was null (its default)\n" in back


def test_a_whole_block_that_is_null_is_told_as_one(history: History):
    """Its settings go back to their defaults; the other way round they are what is declared."""
    block, timeout = "advanced_settings", "advanced_settings.timeout"
    found = changes(history, advanced(timeout=45), plain("a", advanced_settings=None))
    assert sorted(found, key=lambda one: one[0]) == [("added", block, None, None), ("removed", timeout, 45, None)]
    back = [(c.kind.value, c.path) for c in history.diff("HEAD", "HEAD~1").builds[0].changes]
    assert sorted(back) == [("added", timeout), ("released", block)]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [({"dockerfile_source": "local"}, ..., "released"), ({"dockerfile_source": "local"}, None, "removed"),
     (..., {"dockerfile_source": "local"}, "added"), (None, {"dockerfile_source": "local"}, "added"),
     (..., None, "added"), (None, ..., "released")],
)  # fmt: skip
def test_an_image_step_comes_and_goes_as_one(history: History, old: Any, new: Any, kind: str):
    documents = [plain("a", **({} if step is ... else {"docker_build_step": step})) for step in (old, new)]
    ((told, path, _, _),) = changes(history, *documents)
    assert (told, path) == (kind, "docker_build_step")


def test_elements_are_compared_by_their_key(history: History):
    """Added, removed, changed inside, put in another order; in a list that is declared on both sides."""
    one, two = {"name": "go", "version": "1.20"}, {"name": "node", "version": "18"}
    installs = [[one, two], [two, {**one, "version": "1.21"}], [two]]
    first, second, third = (plain("a", installs=listed) for listed in installs)
    assert changes(history, first, second) == [
        ("changed", "installs[go].version", "1.20", "1.21"),
        ("moved", "installs", ["go", "node"], ["node", "go"]),
    ]
    assert changes(history, second, third) == [("removed", "installs[go]", {"name": "go", "version": "1.21"}, None)]
    assert changes(history, third, plain("a")) == [("released", "installs", [two], [two])]
    assert changes(history, plain("a"), third) == [("added", "installs[node]", None, two)]
    assert changes(history, plain("a"), plain("a", installs=[])) == [("added", "installs", None, [])]
    assert changes(history, plain("a", installs=None), plain("a", installs=[])) == []


def test_an_input_that_is_not_declared_any_more_is_released(history: History):
    """A template's variables are kept, never removed."""
    inputs = [{"key": "name", "value": "x"}, {"key": "mode", "value": "fast"}]
    found = changes(history, template("a", inputs=inputs), template("a", inputs=inputs[:1]))
    assert [(kind, path) for kind, path, _, _ in found] == [("released", "target_services[shop/web].inputs[mode]")]


def credential(value: Any) -> dict[str, Any]:
    return plain("a", parameters=[{"key": "PW", "is_credential": True, "default_value": value}])


def test_values_from_the_environment_are_compared_by_their_name(history: History):
    """Set or unset does not matter; no value is shown; what leaves the environment for Git is said."""
    same = changes(history, credential({"from_env": "BUILD_SET"}), credential({"from_env": "BUILD_SET"}))
    assert same == []
    history.commit({"a.json": credential({"from_env": "BUILD_UNSET"})})
    (build,) = history.diff("HEAD~1", "HEAD").builds
    path = "parameters[PW].default_value"
    assert build.changes == (Change(path, ChangeKind.CHANGED, sensitive=True, text=True),)
    assert build.notes == (
        "takes from the environment now: BUILD_UNSET",
        "takes no longer from the environment: BUILD_SET",
    )
    history.commit({"a.json": credential("written-out-canary")})
    (build,) = history.diff("HEAD~1", "HEAD").builds
    assert f"{path} came from the environment and is written in Git now" in build.notes
    assert "canary" not in render_diff(history.diff("HEAD~2", "HEAD"), Style(verbose=True))


def test_a_value_that_is_a_secret_on_one_side_is_shown_on_neither(history: History):
    """Somebody marks today what stood there in the clear, or takes the mark away."""
    clear = plain("a", parameters=[{"key": "PW", "default_value": "canary-one"}])
    assert "canary-one" in str(changes(history, plain("a"), clear)), "the control: shown while it is none"
    for old, new in ((clear, credential("canary-two")), (credential("canary-two"), clear)):
        found = changes(history, old, new)
        assert "parameters[PW].default_value" in [path for _, path, _, _ in found]
        assert "canary" not in str(found)


def test_a_credential_s_copies_are_shown_nowhere(history: History):
    """In a script, beside it, under the name that it had before it was one, in another build, in a removed one."""
    clear = plain("a", parameters=[{"key": "OLD", "default_value": "written-canary-1"}])
    marked = credential("written-canary-1")
    marked["build_script"] = "login written-canary-1\nmake\n"
    marked["x-reconciler"] = {"ignore": [{"path": "services", "reason": "see written-canary-1"}]}
    other = plain("b", build_script="echo written-canary-1\n")
    history.commit({"a.json": clear, "b.json": other})
    assert "canary" in str(history.diff(history.commit({"b.json": None}), "HEAD~1")), "the control: shown while none is"
    history.commit({"a.json": marked})
    for old, new in (("HEAD~2", "HEAD"), ("HEAD", "HEAD~2")):
        found = history.diff(old, new)
        told = render_diff(found, Style(verbose=True)) + diff_markdown(found) + json.dumps(diff_document(found))
        assert "canary" not in told
        assert f"login {MASK}" in told


def test_renamed_moved_and_converted_builds_are_told_as_such(history: History):
    """With what else differs, and not as one that goes and one that comes."""
    history.commit({"a.json": plain("a"), "b.json": plain("b"), "c.json": plain("c")})
    renamed = plain("new", build_script="x\n", **{"x-reconciler": {"renamed_from": "a"}})
    converted = template("c")
    history.commit({"a.json": renamed, "b.json": plain("b", project_key="other"), "c.json": converted})
    found = {build.name: build for build in history.diff("HEAD~1", "HEAD").builds}
    assert {name: (build.fate.value, build.old) for name, build in found.items()} == {
        "new": ("renamed", ("yaml", "a")),
        "b": ("moved", ("yaml", "b")),
        "c": ("changed", None),
    }
    assert [change.path for change in found["new"].changes] == ["build_script"]
    assert found["b"].changes == ()
    assert found["c"].kinds is not None
    assert {change.kind.value for change in found["c"].changes} == {"added", "removed"}
    text = render_diff(history.diff("HEAD~1", "HEAD"), Style())
    assert "~ yaml/new is renamed from yaml/a: 1 setting  a.json:1" in text
    assert "~ other/b moves from yaml/b  b.json:1" in text
    assert "~ yaml/c changes from a plain to a template build" in text


def test_a_name_that_is_still_declared_is_not_renamed(history: History):
    """Neither is one that was renamed before."""
    history.commit({"a.json": plain("new", **{"x-reconciler": {"renamed_from": "a"}})})
    history.commit({"a.json": plain("new", build_script="x\n", **{"x-reconciler": {"renamed_from": "a"}})})
    assert history.told("HEAD~1", "HEAD") == [("changed", "new")]


def test_what_concerns_us_is_shown_as_it_matters(history: History):
    """Protection, ignored settings (also of the configuration), accepted losses, old names."""
    history.commit({"reconciler.yaml": "tree: x\n", "a.json": plain("a"), "b.json": plain("b")})
    mine = {"prevent_destroy": True, "accept_loss": {"post_build.scripts": "3fa9c21b77e0"}, "renamed_from": "z"}
    rule = "ignore: [{path: build_os, reason: theirs}]\n"
    history.commit({"reconciler.yaml": f"tree: x\n{rule}", "a.json": plain("a", **{"x-reconciler": mine})})
    a, b = history.diff("HEAD~1", "HEAD").builds
    assert [rule.path for rule in a.rules] == [
        "accept_loss[post_build.scripts]", "prevent_destroy", "renamed_from", "ignore[build_os]",
    ]  # fmt: skip
    assert [(rule.path, rule.before, rule.after) for rule in b.rules] == [("ignore[build_os]", None, "theirs")]
    a, _ = history.diff("HEAD", "HEAD~1").builds
    assert "the ledger remembers" in a.rules[1].meaning
    history.commit({"a.json": plain("a", **{"x-reconciler": {"no_defaults": True}})})
    history.commit({"a.json": plain("a")})
    assert history.told("HEAD~1", "HEAD") == [], "what defaults are taken shows in the settings or not at all"


def test_a_removed_build_is_named_where_it_stood(history: History):
    """And where it is protected, that is said."""
    history.commit({"gone/a.json": plain("a", **{"x-reconciler": {"prevent_destroy": True}}), "b.json": plain("b")})
    history.commit({"gone/a.json": None})
    (build,) = history.diff("HEAD~1", "HEAD").builds
    assert (build.place.file, build.place.line) == ("gone/a.json", 1)
    assert build.notes == ("was protected (prevent_destroy): no run deletes it from the server",)


def test_a_selected_project_says_what_became_of_what_left_it(history: History):
    """Moved to or from a project that is left out."""
    history.commit({"a.json": plain("a"), "b.json": plain("b", project_key="other")})
    history.commit({"a.json": plain("a", project_key="other"), "b.json": plain("b")})
    found = {build.name: build for build in history.diff("HEAD~1", "HEAD", projects=("yaml",)).builds}
    assert {name: build.fate.value for name, build in found.items()} == {"a": "removed", "b": "added"}
    assert "in the project other now" in found["a"].notes[0]
    assert "in the project other before" in found["b"].notes[0]
