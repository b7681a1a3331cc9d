"""Defaults of folders: maps merge, lists and scalars replace, the nearest wins, and only what fits applies."""

from pathlib import Path

import pytest

from reconciler.definitions.loader import load
from reconciler.model.build import DEFAULT, elements_of
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.settings import Settings

IDENTITY = "name: api\nproject_key: demo\n"
PLAIN = "infrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"
TEMPLATE = "template_name: go\ntarget_services: [{service_name: a, service_module: b}]\n"
USUAL = {"infrastructure": "kubernetes", "build_os": "ubuntu 20.04", "script_type": "shell"}
ADV = "advanced_settings"


def definition(root: Path, files: dict[str, str], path: str = ""):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (only,) = load(Settings(str(root), str(root / path)), {"BUILD_X": "x"}, cwd=str(root)).definitions
    return only


def values(root: Path, files: dict[str, str], path: str = ""):
    return definition(root, files, path).build.values


@pytest.mark.parametrize(
    ("defaults", "document", "expected"),
    [
        ("advanced_settings: {timeout: 5}", "", {f"{ADV}.timeout": 5}),
        ("advanced_settings: {timeout: 5}", "advanced_settings: {timeout: 9}", {f"{ADV}.timeout": 9}),
        (
            "advanced_settings: {timeout: 5, resource_spec: {cpu_req: 1}}",
            "advanced_settings: {resource_spec: {cpu_limit: 2}}",
            {f"{ADV}.timeout": 5, f"{ADV}.resource_spec.cpu_req": 1, f"{ADV}.resource_spec.cpu_limit": 2},
        ),
        ("advanced_settings: {timeout: null}", "", {f"{ADV}.timeout": DEFAULT}),
        ("build_script: shared", "build_script: null", {"build_script": DEFAULT}),
        ("docker_build_step: {dockerfile_source: local, build_args: x}", "", {}),
        (
            "docker_build_step: {dockerfile_source: local, build_args: x}",
            "docker_build_step: {build_args: y}",
            {
                "docker_build_step": True,
                "docker_build_step.dockerfile_source": "local",
                "docker_build_step.build_args": "y",
            },
        ),
        (
            "docker_build_step: {dockerfile_source: local}",
            "docker_build_step: {}",
            {"docker_build_step": True, "docker_build_step.dockerfile_source": "local"},
        ),
        ("docker_build_step: {dockerfile_source: local}", "docker_build_step: null", {"docker_build_step": DEFAULT}),
        ("advanced_settings: {cache_setting: {enabled: true, cache_dir: /c}}", "", {}),
        (
            "advanced_settings: {timeout: 3, cache_setting: {enabled: true, cache_dir: /c}}",
            "advanced_settings: {cache_setting: {cache_dir: /d}}",
            {
                f"{ADV}.timeout": 3,
                f"{ADV}.cache_setting.enabled": True,
                f"{ADV}.cache_setting.cache_dir": "/d",
            },
        ),
        (
            "advanced_settings: {cache_setting: {enabled: true, cache_dir: /c}, storages: {enabled: true}}",
            "advanced_settings: {storages: {}}",
            {f"{ADV}.storages.enabled": True},
        ),
        (
            "advanced_settings: {cache_setting: {enabled: true}}",
            "advanced_settings: {cache_setting: null}",
            {f"{ADV}.cache_setting.enabled": DEFAULT, f"{ADV}.cache_setting.cache_dir": DEFAULT},
        ),
    ],
)  # fmt: skip
def test_defaults_are_laid_under_the_document(defaults, document, expected, tmp_path):
    files = {"_defaults.yaml": defaults + "\n", "a.yaml": f"{IDENTITY}{PLAIN}{document}\n"}
    assert values(tmp_path, files) == USUAL | expected


def test_a_null_block_takes_nothing_from_below(tmp_path):
    files = {
        "_defaults.yaml": "advanced_settings: {timeout: 5}\n",
        "a.yaml": f"{IDENTITY}{PLAIN}advanced_settings: null\n",
    }
    found = values(tmp_path, files)
    assert found[ADV] is DEFAULT
    assert found[f"{ADV}.timeout"] is DEFAULT


def test_lists_replace(tmp_path):
    files = {
        "_defaults.yaml": "parameters: [{key: A}, {key: B}]\nservices: [{service_name: s}]\n",
        "a.yaml": f"{IDENTITY}{PLAIN}parameters: [{{key: C}}]\n",
    }
    found = values(tmp_path, files)
    assert [e.key for e in elements_of(found["parameters"])] == ["C"]
    assert [e.key for e in elements_of(found["services"])] == ["s/"]


def test_the_nearest_wins_from_the_root_down(tmp_path):
    files = {
        "_defaults.yaml": f"project_key: demo\n{PLAIN}advanced_settings: {{timeout: 1, strategy_name: root}}\n",
        "team/_defaults.yml": "advanced_settings: {timeout: 2}\n",
        "team/deep/er/_defaults.json": '{"build_script": "from json"}',
        "team/deep/er/a.yaml": "name: api\n",
        "other/_defaults.yaml": "advanced_settings: {timeout: 9}\n",
    }
    expected = USUAL | {f"{ADV}.timeout": 2, f"{ADV}.strategy_name": "root", "build_script": "from json"}
    assert values(tmp_path, files) == expected
    assert values(tmp_path, {}, "team/deep/er/a.yaml") == expected
    assert values(tmp_path, {}, "team/deep") == expected


def test_keys_that_the_kind_lacks_do_not_apply(tmp_path):
    files = {
        "_defaults.yaml": f"{PLAIN}template_name: other\nbuild_script: make\n",
        "a.yaml": f"{IDENTITY}{TEMPLATE}",
        "b.yaml": f"name: b\nproject_key: demo\n{PLAIN}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    template, plain = load(Settings(str(tmp_path), str(tmp_path)), {}, cwd=str(tmp_path)).definitions
    assert set(template.build.values) == {"template_name", "target_services"}
    assert template.build.values["template_name"] == "go"
    assert plain.build.values == USUAL | {"build_script": "make"}


def test_a_template_build_may_take_its_template_from_the_defaults(tmp_path):
    files = {
        "_defaults.yaml": "template_name: go\n",
        "a.yaml": f"{IDENTITY}target_services: [{{service_name: a, service_module: b}}]\n",
    }
    assert values(tmp_path, files)["template_name"] == "go"


def test_no_defaults_takes_nothing(tmp_path):
    document = f"{IDENTITY}{PLAIN}x-reconciler: {{no_defaults: true}}\n"
    assert values(tmp_path, {"_defaults.yaml": "build_script: x\n", "a.yaml": document}) == USUAL


def test_protection_is_inherited_and_can_be_lifted(tmp_path):
    files = {
        "_defaults.yaml": "x-reconciler: {prevent_destroy: true}\n",
        "a.yaml": f"{IDENTITY}{PLAIN}",
    }
    assert definition(tmp_path, files).prevent_destroy
    lifted = {"a.yaml": f"{IDENTITY}{PLAIN}x-reconciler: {{prevent_destroy: false}}\n"}
    assert not definition(tmp_path, lifted).prevent_destroy


def test_from_file_of_defaults_is_relative_to_them(tmp_path):
    files = {
        "shared/_defaults.yaml": "build_script: {from_file: run.sh}\n",
        "shared/run.sh": "make\n",
        "shared/team/a.yaml": f"{IDENTITY}{PLAIN}",
    }
    assert values(tmp_path, files)["build_script"] == "make\n"


def test_two_folders_may_share_their_defaults_by_a_link(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "shared.txt").write_text(PLAIN + "project_key: demo\n")
    for name in ("one", "two"):
        (tmp_path / name / "_defaults.yaml").symlink_to("../shared.txt")
        (tmp_path / name / "a.yaml").write_text(f"name: {name}\n")
    found = load(Settings(str(tmp_path), str(tmp_path)), {}, cwd=str(tmp_path)).definitions
    assert [d.build.name for d in found] == ["one", "two"]


def test_a_fault_in_defaults_is_told_once_and_at_its_own_place(tmp_path):
    (tmp_path / "_defaults.yaml").write_text("advanced_settings: {timeout: soon}\n")
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text(f"name: {name}\nproject_key: demo\n{PLAIN}")
    with pytest.raises(InvalidDefinitions) as caught:
        load(Settings(str(tmp_path), str(tmp_path)), {}, cwd=str(tmp_path))
    assert [str(problem.place) for problem in caught.value.problems] == ["_defaults.yaml:1:30"]
