"""Good definitions become exactly the builds that they describe."""

import json
from pathlib import Path

import pytest

from reconciler.definitions.loader import load
from reconciler.model.build import DEFAULT, Element, elements_of
from reconciler.model.definition import Definition, Desired
from reconciler.model.fields import PLAIN, TEMPLATE, Elements, Kind, Type
from reconciler.model.ignore import Ignore
from reconciler.model.problem import Place
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings

BODIES = Path(__file__).parent / "bodies"
GOOD = "name: api\nproject_key: demo\ninfrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"


def desired(root: Path, environ: dict[str, str] | None = None, **settings: object) -> Desired:
    return load(Settings(str(root), **{"path": str(root), **settings}), environ or {}, cwd=str(root))  # type: ignore[arg-type]


def only(root: Path, text: str | bytes, environ: dict[str, str] | None = None, name: str = "a.yaml") -> Definition:
    (root / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (definition,) = desired(root, environ).definitions
    return definition


@pytest.mark.parametrize("name", ["plain", "template"])
def test_the_contract_s_bodies_read_the_same_from_yaml_and_json(name):
    yaml, json_ = (
        load(Settings(str(BODIES), str(BODIES / f"{name}{ending}")), {}, cwd=str(BODIES)).definitions
        for ending in (".yaml", ".json")
    )
    assert [d.build for d in yaml] == [d.build for d in json_]
    assert yaml[0].place == Place(f"{name}.yaml", 1, 1)


def test_the_plain_body_holds_every_leaf():
    (definition,) = load(Settings(str(BODIES), str(BODIES / "plain.json")), {}, cwd=str(BODIES)).definitions
    body = json.loads((BODIES / "plain.json").read_text())
    build = definition.build
    assert (build.kind, build.project, build.name) == (Kind.PLAIN, "yaml", "api-test")
    assert set(build.values) == {row.path for row in PLAIN} - {"advanced_settings"}
    for row in PLAIN:
        if isinstance(row, Elements):
            for element in elements_of(build.values[row.path]):
                assert set(element.values) == {leaf.path for leaf in row.rows}
        elif row.type is not Type.BLOCK:
            node = body
            for step in row.path.split("."):
                node = node[step]
            assert build.values[row.path] == (tuple(node) if isinstance(node, list) else node)


def test_the_template_body_is_a_template_build():
    (definition,) = load(Settings(str(BODIES), str(BODIES / "template.json")), {}, cwd=str(BODIES)).definitions
    assert definition.build.kind is Kind.TEMPLATE
    assert set(definition.build.values) == {row.path for row in TEMPLATE}
    (target,) = elements_of(definition.build.values["target_services"])
    assert target.key == "zadigx/aslan"
    (given,) = elements_of(target.values["inputs"])
    assert given == Element("name", {"key": "name", "value": "admin", "type": "string", "is_credential": False})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("build_script:\n", {"build_script": DEFAULT}),
        ("parameters: null\n", {"parameters": DEFAULT}),
        ("parameters: []\n", {"parameters": ()}),
        ("docker_build_step: null\n", {"docker_build_step": DEFAULT}),
        (
            "docker_build_step: {dockerfile_source: local, build_args: null}\n",
            {
                "docker_build_step": True,
                "docker_build_step.dockerfile_source": "local",
                "docker_build_step.build_args": DEFAULT,
            },
        ),
        ("advanced_settings: {}\n", {}),
        ("advanced_settings: {outputs: null}\n", {"advanced_settings.outputs": DEFAULT}),
        ("advanced_settings: {timeout: 0}\n", {"advanced_settings.timeout": 0}),
        ("advanced_settings: {outputs: [a, b]}\n", {"advanced_settings.outputs": ("a", "b")}),
        (
            "advanced_settings: {cache_setting: null, storages: null}\n",
            {
                "advanced_settings.cache_setting.enabled": DEFAULT,
                "advanced_settings.cache_setting.cache_dir": DEFAULT,
                "advanced_settings.storages.enabled": DEFAULT,
                "advanced_settings.storages.storages_properties": DEFAULT,
            },
        ),
        ("advanced_settings: null\n", {r.path: DEFAULT for r in PLAIN if r.path.startswith("advanced_settings")}),
        (
            "parameters: [{key: a, choice_value: null, description: null}]\n",
            {"parameters": (Element("a", {"key": "a", "choice_value": DEFAULT, "description": DEFAULT}),)},
        ),
        ("advanced_settings: {strategy_name: 默认策略}\n", {"advanced_settings.strategy_name": "默认策略"}),
        (
            "advanced_settings: {resource_spec: {gpu_limit: 'nvidia.com/gpu: 2'}}\n",
            {"advanced_settings.resource_spec.gpu_limit": "nvidia.com/gpu: 2"},
        ),
    ],
)  # fmt: skip
def test_declared_null_and_absent_are_three_things(text, values, tmp_path):
    """A value is declared, null is the default, and what is not there is not declared."""
    usual = {"infrastructure": "kubernetes", "build_os": "ubuntu 20.04", "script_type": "shell"}
    assert only(tmp_path, GOOD + text).build.values == usual | values


def test_the_empty_texts_that_the_reference_prints_are_fine(tmp_path):
    text = """\
docker_build_step: {dockerfile_source: local, template_name: ""}
advanced_settings:
  resource_spec: {gpu_limit: ""}
  cache_setting: {enabled: false, cache_dir: ""}
  storages: {enabled: true, storages_properties: [{mount_path: /a, provision_type: dynamic, pvc: "", access_mode: ""}]}
"""
    assert only(tmp_path, GOOD + text)


def test_repositories_are_keyed_as_the_model_says(tmp_path):
    text = "repo_info:\n" + "- {codehost_name: c, repo_namespace: o, repo_name: r}\n" * 2
    elements = elements_of(only(tmp_path, GOOD + text).build.values["repo_info"])
    assert [element.key for element in elements] == ["o/r", "o/r#2"]


SCRIPT = "#!/bin/bash\nset -e\n\tindented \t \ntrailing   \n${VAR} $(cmd) %s {{x}} 'q' \"q\" \\n\n\n# 中文 🚀 é\n"


def test_a_block_scalar_is_taken_byte_for_byte(tmp_path):
    block = "build_script: |\n" + "".join(f"  {line}\n" if line else "\n" for line in SCRIPT.split("\n")[:-1])
    assert only(tmp_path, GOOD + block).build.values["build_script"] == SCRIPT


def test_a_quoted_scalar_is_taken_byte_for_byte(tmp_path):
    for name, ending in (("a.yaml", GOOD), ("a.json", None)):
        script = SCRIPT.replace("\n", "\r\n")
        quoted = json.dumps(script)
        if ending is None:
            body = dict(line.split(": ") for line in GOOD.splitlines())
            text = json.dumps(body | {"name": "other", "build_script": script})
        else:
            text = GOOD + f"build_script: {quoted}\n".replace("\\ud83d\\ude80", "🚀")
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert {d.build.values["build_script"] for d in desired(tmp_path).definitions} == {script}


@pytest.mark.parametrize(
    "content",
    [SCRIPT, SCRIPT.replace("\n", "\r\n"), "no newline at the end", "", "\ufeffm", "x" * 1_000_000, "a\rb\u2028\x85"],
    ids=["unix", "windows", "no-end", "empty", "mark", "large", "odd-breaks"],
)  # fmt: skip
def test_a_file_is_taken_byte_for_byte(content, tmp_path):
    (tmp_path / "run.sh").write_bytes(content.encode())
    text = GOOD + "build_script: {from_file: run.sh}\n"
    assert only(tmp_path, text).build.values["build_script"] == content


def test_a_script_of_a_megabyte_fits_into_a_block_scalar(tmp_path):
    script = "echo 0123456789 ${VAR}\n" * 45_000
    block = "build_script: |\n" + "".join(f"  {line}\n" for line in script.splitlines())
    assert only(tmp_path, GOOD + block).build.values["build_script"] == script


def test_the_environment_gives_secrets_and_unset_names_are_kept(tmp_path):
    text = """\
build_script: {from_env: BUILD_SCRIPT}
parameters:
  - {key: A, default_value: {from_env: BUILD_A}, is_credential: true}
  - {key: B, default_value: {from_env: BUILD_B}}
  - {key: C, default_value: {from_env: BUILD_C}}
"""
    definition = only(tmp_path, GOOD + text, {"BUILD_SCRIPT": "make", "BUILD_A": "canary", "BUILD_B": ""})
    a, b, c = (e.values["default_value"] for e in elements_of(definition.build.values["parameters"]))
    assert definition.build.values["build_script"] == Secret("make", "BUILD_SCRIPT")
    assert (a, b, c) == (Secret("canary", "BUILD_A"), Secret(None, "BUILD_B"), Secret(None, "BUILD_C"))
    assert definition.unset == ("BUILD_B", "BUILD_C")
    assert "canary" not in repr(definition)


def test_a_literal_credential_is_sealed(tmp_path):
    (tmp_path / "pw").write_text("canary2")
    text = """\
parameters:
  - {key: A, default_value: canary1, is_credential: true}
  - {key: B, default_value: {from_file: pw}, is_credential: true}
  - {key: C, default_value: plain, is_credential: false}
  - {key: D, is_credential: true}
"""
    definition = only(tmp_path, GOOD + text)
    values = [e.values.get("default_value") for e in elements_of(definition.build.values["parameters"])]
    assert values == [Secret("canary1"), Secret("canary2"), "plain", None]
    assert "canary" not in repr(definition)


def test_several_documents_each_know_where_they_begin(tmp_path):
    text = f"# first\n{GOOD}---\n\n# second\n{GOOD.replace('api', 'web')}...\n"
    (tmp_path / "a.yaml").write_text(text)
    assert [(d.build.name, d.place.line) for d in desired(tmp_path).definitions] == [("api", 2), ("web", 10)]


def test_anchors_and_aliases_stand_for_what_they_name(tmp_path):
    text = (
        "services: &s [{service_name: a}]\nparameters: [{key: k, choice_option: &o [x]}, {key: l, choice_option: *o}]\n"
    )
    parameters = elements_of(only(tmp_path, GOOD + text).build.values["parameters"])
    assert [e.values["choice_option"] for e in parameters] == [("x",), ("x",)]


def test_prevent_destroy_is_read(tmp_path):
    assert only(tmp_path, GOOD + "x-reconciler: {prevent_destroy: true}\n").prevent_destroy
    assert not only(tmp_path, GOOD + "x-reconciler: {prevent_destroy: false}\n").prevent_destroy


def test_definitions_are_sorted_and_selected_by_project(tmp_path):
    for name, project in (("c", "one"), ("a", "two"), ("b", "one")):
        (tmp_path / f"{name}.yaml").write_text(GOOD.replace("api", name).replace("demo", project))
    everything = desired(tmp_path, configured=True)
    assert [(d.build.project, d.build.name) for d in everything.definitions] == [
        ("one", "b"),
        ("one", "c"),
        ("two", "a"),
    ]
    assert (everything.files, everything.narrowed) == (3, False)
    assert everything.elsewhere == {}
    some = desired(tmp_path, configured=True, selected=("two",))
    assert ([d.build.name for d in some.definitions], some.narrowed) == (["a"], False)
    assert some.elsewhere == {"b": "one", "c": "one"}
    one = desired(tmp_path, configured=True, path=str(tmp_path / "c.yaml"))
    assert ([d.build.name for d in one.definitions], one.narrowed) == (["c"], True)
    assert desired(tmp_path).narrowed


def test_what_the_project_flag_leaves_out_is_known_with_its_old_names(tmp_path):
    """A build that another project's definition takes over is not undeclared."""
    (tmp_path / "a.yaml").write_text(GOOD)
    (tmp_path / "b.yaml").write_text(
        GOOD.replace("api", "new").replace("demo", "other") + "x-reconciler: {renamed_from: old}\n"
    )
    assert desired(tmp_path, configured=True, selected=("demo",)).elsewhere == {"new": "other", "old": "other"}
    assert desired(tmp_path, configured=True, selected=("other",)).elsewhere == {"api": "demo"}


def test_our_own_keys_arrive(tmp_path):
    extra = """\
x-reconciler:
  renamed_from: old-api
  accept_loss: {post_build.scripts: 3fa9c21b77e0, unreadable: "1690215924 Jane Doe"}
  ignore:
    - {path: advanced_settings.timeout, reason: tuned by hand}
"""
    (tmp_path / "a.yaml").write_text(GOOD + extra)
    (found,) = desired(tmp_path, ignore=(Ignore("repo_info", "theirs"),)).definitions
    assert found.prevent_destroy is None
    assert found.renamed_from == "old-api"
    assert found.accept_loss == {"post_build.scripts": "3fa9c21b77e0", "unreadable": "1690215924 Jane Doe"}
    assert found.ignore == (Ignore("repo_info", "theirs"), Ignore("advanced_settings.timeout", "tuned by hand"))


def test_protection_may_come_from_defaults_and_be_lifted(tmp_path):
    (tmp_path / "_defaults.yaml").write_text("x-reconciler: {prevent_destroy: true}\n")
    assert only(tmp_path, GOOD).prevent_destroy is True
    assert only(tmp_path, GOOD + "x-reconciler: {prevent_destroy: false}\n").prevent_destroy is False
