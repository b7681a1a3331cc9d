"""A tree as it stands in files: whose value is in force, who shares what, and what is not merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.definitions.layers import Source, equal, without_sources
from reconciler.definitions.opened import Opened, open_tree
from reconciler.model.fields import Kind
from reconciler.model.settings import Settings

USUAL = "infrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"
ADV = "advanced_settings"


def opened(root: Path, files: dict[str, str], path: str = "") -> Opened:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return open_tree(Settings(str(root), str(root / path)), str(root))


TREE = {
    "_defaults.yaml": f"project_key: demo\n{USUAL}build_script: {{from_file: build.sh}}\n"
    f"{ADV}:\n  timeout: 5\n  resource_spec: {{cpu_req: 1, cpu_limit: 2}}\n  cache_setting: {{cache_dir: /c}}\n"
    "docker_build_step: {build_args: x}\n",
    "build.sh": "make\n",
    "x/_defaults.yaml": f"{ADV}: {{timeout: 6}}\ninstalls: []\n",
    "x/two.yaml": f"name: a\n{ADV}: {{resource_spec: {{cpu_limit: 3}}}}\n"
    f"---\nname: b\n{ADV}: {{resource_spec: null}}\n",
    "x/t.yaml": "name: t\ntemplate_name: go\ntarget_services: [{service_name: a, service_module: b}]\n",
    "y/c.json": '{"name": "c", "docker_build_step": {}, "build_script": {"from_file": "../build.sh"}}',
    "y/d.yaml": f"name: d\nproject_key: demo\n{USUAL}x-reconciler: {{no_defaults: true}}\n",
}


@pytest.mark.parametrize(
    ("name", "path", "file"),
    [
        ("a", "build_script", "_defaults.yaml"),
        ("a", f"{ADV}.timeout", "x/_defaults.yaml"),
        ("a", f"{ADV}.resource_spec.cpu_limit", "x/two.yaml"),
        ("a", f"{ADV}.resource_spec.cpu_req", "_defaults.yaml"),
        ("b", f"{ADV}.resource_spec", "x/two.yaml"),
        ("b", f"{ADV}.resource_spec.cpu_req", None),
        ("a", f"{ADV}.cache_setting.cache_dir", None),
        ("a", "docker_build_step.build_args", None),
        ("c", "docker_build_step.build_args", "_defaults.yaml"),
        ("c", "build_script", "y/c.json"),
        ("c", f"{ADV}.timeout", "_defaults.yaml"),
        ("c", "installs", None),
        ("d", f"{ADV}.timeout", None),
        ("t", "installs", None),
        ("t", "project_key", "_defaults.yaml"),
        ("t", "name", "x/t.yaml"),
    ],
)
def test_a_value_is_from_the_nearest_file_that_has_it(tmp_path: Path, name: str, path: str, file: str | None):
    """What the kind lacks, what an absent block would hold, and what null replaced comes from nowhere."""
    tree = opened(tmp_path, TREE)
    (one,) = [one for one in tree.definitions if one.name == name]
    assert one.supplier(tuple(path.split("."))) == file


def test_users_are_those_whose_value_is_in_force(tmp_path: Path):
    """Of a defaults file; scripts are read once, wherever their path is written."""
    tree = opened(tmp_path, TREE)
    assert [one.name for one in tree.users_of_defaults("_defaults.yaml", ("build_script",))] == ["a", "b"]
    assert [one.name for one in tree.users_of_defaults("x/_defaults.yaml", (ADV, "timeout"))] == ["a", "b"]
    assert tree.scripts == {"build.sh": "make\n"}


def test_the_whole_tree_is_opened_whatever_path_selects(tmp_path: Path):
    """Files and documents keep their places; kinds and projects are as the loader sees them."""
    tree = opened(tmp_path, TREE, "y")
    assert [(one.name, one.project, one.file, one.index, one.kind) for one in tree.definitions] == [
        ("a", "demo", "x/two.yaml", 0, Kind.PLAIN),
        ("b", "demo", "x/two.yaml", 1, Kind.PLAIN),
        ("c", "demo", "y/c.json", 0, Kind.PLAIN),
        ("d", "demo", "y/d.yaml", 0, Kind.PLAIN),
        ("t", "demo", "x/t.yaml", 0, Kind.TEMPLATE),
    ]
    assert {"x/two.yaml", "y/c.json"} <= tree.taken
    assert tree.broken == ()


def test_what_cannot_be_read_is_named(tmp_path: Path):
    """Nobody knows what it shares."""
    tree = opened(
        tmp_path, {**TREE, "z/bad.yaml": "name: [\n", "z/list.yaml": "- 1\n", "z/e.yaml": "x: {from_file: no}\n"}
    )
    assert tree.broken == ("z/bad.yaml", "z/e.yaml", "z/list.yaml")


def test_a_source_is_written_as_seen_from_the_file_that_it_gets_into(tmp_path: Path):
    """Where it stood it stays as it was written."""
    tree = opened(tmp_path, TREE)
    (value,) = [one.layers.own["build_script"] for one in tree.definitions if one.name == "c"]
    assert value == Source("from_file", "build.sh", "build.sh")
    assert without_sources([value], "y") == [{"from_file": "../build.sh"}]
    assert without_sources({"k": value}, "") == {"k": {"from_file": "build.sh"}}
    assert without_sources(value, "x/z") == {"from_file": "../../build.sh"}


def test_equal_is_strict():
    """True is not 1, absent is not null, and the order of keys does not count."""
    assert equal({"a": 1, "b": [{"c": True}]}, {"b": [{"c": True}], "a": 1})
    assert not equal({"a": 1}, {"a": True})
    assert not equal({"a": None}, {})
    assert not equal([1, 2], [2, 1])
