"""A document is the API body: what the public reference prints, and what was recorded, is a definition as it stands."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.errors import InvalidDefinitions
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action
from tests.rig import Rig, Stored

STRATEGY = "默认策略"
PLAIN: dict[str, Any] = {
    "name": "api-test",
    "project_key": "yaml",
    "infrastructure": "kubernetes",
    "build_os": "ubuntu 20.04",
    "installs": [{"name": "go", "version": "1.20.7"}],
    "script_type": "shell",
    "build_script": "#!/bin/bash\nset -e\nmake build",
    "repo_info": [
        {
            "codehost_name": "gitlab",
            "repo_namespace": "org",
            "repo_name": "demo",
            "branch": "main",
            "remote_name": "origin",
            "checkout_path": "",
            "submodules": False,
            "enable_commit": False,
            "commit_id": "",
        }
    ],
    "parameters": [
        {
            "key": "aa",
            "type": "multi-select",
            "default_value": "a",
            "choice_option": ["a", "b", "c"],
            "choice_value": ["a", "b"],
            "is_credential": False,
            "description": "",
        }
    ],
    "services": [{"service_name": "service1", "service_module": "service1"}],
    "docker_build_step": {
        "dockerfile_source": "local",
        "build_context_dir": "$REPONAME_0",
        "dockerfile_directory": "$REPONAME_0/Dockerfile",
        "build_args": "",
        "template_name": "",
        "enable_buildkit": True,
        "platforms": "linux/amd64",
    },
    "advanced_settings": {
        "cluster_name": "local-20250523164625",
        "strategy_name": STRATEGY,
        "timeout": 30,
        "resource_spec": {
            "cpu_req": 100,
            "cpu_limit": 1000,
            "memory_req": 200,
            "memory_limit": 2000,
            "gpu_limit": "",
        },
        "use_host_docker_daemon": False,
        "privileged_mode": False,
        "cache_setting": {"enabled": True, "cache_dir": "$WORKSPACE"},
        "storages": {
            "enabled": True,
            "storages_properties": [
                {
                    "access_mode": "ReadOnlyMany",
                    "is_temporary": True,
                    "mount_path": "/workspace",
                    "provision_type": "dynamic",
                    "pvc": "pvc-xxx",
                    "storage_class": "cfs",
                    "storage_size_in_gib": 2,
                    "subpath": "$PROJECT",
                }
            ],
        },
        "custom_annotations": [{"key": "k", "value": "v"}],
        "custom_labels": [{"key": "k", "value": "v"}],
        "outputs": ["bb"],
    },
}
"""The plain body of the contract, section 1."""

PLAIN_YAML = f"""\
name: api-test
project_key: yaml
infrastructure: kubernetes
build_os: ubuntu 20.04
installs:
  - name: go
    version: 1.20.7
script_type: shell
build_script: |-
  #!/bin/bash
  set -e
  make build
repo_info:
  - codehost_name: gitlab
    repo_namespace: org
    repo_name: demo
    branch: main
    remote_name: origin
    checkout_path: ""
    submodules: false
    enable_commit: false
    commit_id: ""
parameters:
  - key: aa
    type: multi-select
    default_value: a
    choice_option: [a, b, c]
    choice_value: [a, b]
    is_credential: false
    description: ""
services:
  - service_name: service1
    service_module: service1
docker_build_step:
  dockerfile_source: local
  build_context_dir: $REPONAME_0
  dockerfile_directory: $REPONAME_0/Dockerfile
  build_args: ""
  template_name: ""
  enable_buildkit: true
  platforms: linux/amd64
advanced_settings:
  cluster_name: local-20250523164625
  strategy_name: {STRATEGY}
  timeout: 30
  resource_spec: {{cpu_req: 100, cpu_limit: 1000, memory_req: 200, memory_limit: 2000, gpu_limit: ""}}
  use_host_docker_daemon: false
  privileged_mode: false
  cache_setting:
    enabled: true
    cache_dir: $WORKSPACE
  storages:
    enabled: true
    storages_properties:
      - access_mode: ReadOnlyMany
        is_temporary: true
        mount_path: /workspace
        provision_type: dynamic
        pvc: pvc-xxx
        storage_class: cfs
        storage_size_in_gib: 2
        subpath: $PROJECT
  custom_annotations:
    - key: k
      value: v
  custom_labels:
    - key: k
      value: v
  outputs:
    - bb
"""

TEMPLATE: dict[str, Any] = {
    "name": "demo-build",
    "project_key": "yaml",
    "template_name": "demo-template",
    "target_services": [
        {
            "service_name": "zadigx",
            "service_module": "aslan",
            "repo_info": [
                {"codehost_name": "github-demo", "repo_namespace": "org", "repo_name": "zadig", "branch": "main"}
            ],
            "inputs": [{"key": "name", "value": "admin"}, {"key": "pw", "value": "hunter2"}],
        }
    ],
}
"""The template body as the reference prints it: inputs without `type` and `is_credential`."""

TEMPLATE_YAML = """\
name: demo-build
project_key: yaml
template_name: demo-template
target_services:
  - service_name: zadigx
    service_module: aslan
    repo_info:
      - codehost_name: github-demo
        repo_namespace: org
        repo_name: zadig
        branch: main
    inputs:
      - key: name
        value: admin
      - key: pw
        value: hunter2
"""

WIRE = Path(__file__).parent / "wire"


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """A server whose local cluster has a strategy with a Chinese name."""
    world = rig.emulator.state()["world"]
    (local,) = [cluster for cluster in world["clusters"] if cluster["local"]]
    local["strategies"].append({"id": "aaaa3", "name": STRATEGY, "default": False})
    rig.emulator.set_state(world, [])
    return rig


def put(rig: Rig, form: str, body: dict[str, Any], yaml: str) -> None:
    if form == "yaml":
        (rig.tree / "build.yaml").write_text(yaml, encoding="utf-8")
    else:
        (rig.tree / "build.json").write_text(json.dumps(body, indent=2, ensure_ascii=False), encoding="utf-8")


def check_plain(stored: Stored) -> None:
    """What the server has to hold after the plain body, written out by hand."""
    assert (stored["infrastructure"], stored["script_type"]) == ("kubernetes", "shell")
    assert stored["scripts"] == "#!/bin/bash\nset -e\nmake build"
    pre_build = stored["pre_build"]
    assert pre_build["image_id"] == "63047770931401b9baa6e396"
    assert pre_build["installs"] == [{"name": "go", "version": "1.20.7"}]
    (variable,) = pre_build["envs"]
    assert (variable["choice_option"], variable["choice_value"]) == (["a", "b", "c"], ["a", "b"])
    (repo,) = stored["repos"]
    assert (repo["codehost_id"], repo["repo_owner"], repo["repo_name"]) == (1, "org", "demo")
    assert (repo["branch"], repo["remote_name"]) == ("main", "origin")
    assert pre_build["strategy_id"] == "aaaa3"
    assert pre_build["res_req_spec"] == PLAIN["advanced_settings"]["resource_spec"]
    assert pre_build["storages"] == PLAIN["advanced_settings"]["storages"]
    assert pre_build["custom_labels"] == pre_build["custom_annotations"] == [{"key": "k", "value": "v"}]
    assert (stored["timeout"], stored["cache_enable"], stored["cache_user_dir"]) == (30, True, "$WORKSPACE")
    assert [output["name"] for output in stored["outputs"]] == ["IMAGE", "PKG_FILE", "bb"]
    docker = stored["post_build"]["docker_build"]
    assert (docker["source"], docker["docker_file"]) == ("local", "$REPONAME_0/Dockerfile")
    assert (docker["work_dir"], docker["enable_buildkit"], docker["platform"]) == ("$REPONAME_0", True, "linux/amd64")


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_the_plain_body_of_the_reference_is_a_definition(rig: Rig, form: str):
    """Valid as printed, stored as printed, and an empty plan after, with the ledger and with a new one."""
    put(rig, form, PLAIN, PLAIN_YAML)
    rig.applied()
    check_plain(rig.stored("api-test"))
    (step,) = rig.plan().steps
    assert (step.action, step.changes) == (Action.KEEP, ())
    rig.forget()
    assert rig.plan().empty


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_the_template_body_of_the_reference_is_a_definition(rig: Rig, form: str):
    """Inputs without type and flag keep those of the template: the credential stays one."""
    put(rig, form, TEMPLATE, TEMPLATE_YAML)
    rig.applied()
    (target,) = rig.stored("demo-build")["targets"]
    envs = {e["key"]: e for e in target["envs"]}
    assert (envs["name"]["value"], envs["name"]["type"], envs["name"]["is_credential"]) == ("admin", "string", False)
    assert (envs["pw"]["value"], envs["pw"]["type"], envs["pw"]["is_credential"]) == ("hunter2", "string", True)
    (repo,) = target["repos"]
    assert (repo["codehost_id"], repo["repo_owner"], repo["repo_name"]) == (2, "org", "zadig")
    (step,) = rig.plan().steps
    assert (step.action, step.changes) == (Action.KEEP, ())
    rig.forget()
    assert rig.plan().empty


def test_yaml_and_json_of_the_same_body_are_the_same_definition(rig: Rig):
    """Applied from one, the other changes nothing."""
    for body, yaml in ((PLAIN, PLAIN_YAML), (TEMPLATE, TEMPLATE_YAML)):
        put(rig, "json", body, yaml)
        rig.applied()
        from_json = rig.load().definitions[0].build
        (rig.tree / "build.json").unlink()
        put(rig, "yaml", body, yaml)
        assert rig.load().definitions[0].build == from_json
        assert rig.plan().empty
        (rig.tree / "build.yaml").unlink()


def test_each_empty_text_of_the_reference_body_may_be_left_out(rig: Rig):
    """An empty text says the same as the default: without all of them, or with them, the plan is empty."""
    rig.write(PLAIN)
    rig.applied()
    bare = without_empty(PLAIN)
    assert bare != PLAIN
    rig.write(bare)
    assert rig.plan().empty
    rig.applied()
    rig.write(PLAIN)
    assert rig.plan().empty


def without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_empty(item) for key, item in value.items() if item != ""}
    return [without_empty(item) for item in value] if isinstance(value, list) else value


# recorded bodies


DROPPED = {
    "04-advanced-settings-16": "advanced_settings.strategy_name",
    "09-template-8": "target_services[zadigx/aslan].inputs[unknown]",
}
"""What the real server took without storing it: a strategy and a variable that do not exist."""


def recorded() -> list[Any]:
    """Every body of a create or an update that the server answered with 200, numbered copies of one only once."""
    found, seen = [], set()
    for path in sorted(WIRE.glob("[0-9]*.json")):
        for index, exchange in enumerate(json.loads(path.read_text(encoding="utf-8"))["exchanges"]):
            request = exchange["request"]
            body = request.get("body")
            written = request["method"] in ("POST", "PUT") and request["path"].startswith("/openapi/build")
            if not written or exchange["response"]["status"] != 200 or not isinstance(body, dict):
                continue
            text = re.sub("[0-9]{2}", "", json.dumps(body)) if path.stem == "07-list" else json.dumps(body)
            if text not in seen:
                found.append(pytest.param(f"{path.stem}-{index}", body, id=f"{path.stem}-{index}"))
            seen.add(text)
    return found


RECORDED = recorded()


def test_the_recordings_hold_many_bodies():
    assert len(RECORDED) > 70


@pytest.mark.parametrize(("where", "body"), RECORDED)
def test_a_recorded_body_is_a_definition_whose_plan_is_empty_after_an_apply(rig: Rig, where: str, body: dict[str, Any]):
    """What the real server took is applied and then kept; or the loader says why it would not be what it says."""
    rig.write(copy.deepcopy(body))
    try:
        rig.load()
    except InvalidDefinitions as error:
        pytest.skip(f"the loader says: {error.problems[0].message}")
    (outcome,) = rig.apply()
    if where in DROPPED:
        assert outcome.fault is not None
        assert outcome.fault.message == f"the server took the build, but not {DROPPED[where]}"
        return
    assert (outcome.ending, outcome.fault) == (Ending.DONE, None)
    (step,) = rig.plan().steps
    assert (step.action, step.changes) == (Action.KEEP, ())
    rig.quiet()
    rig.applied()
    assert rig.requests("POST", "PUT", "DELETE") == []
    rig.forget()
    assert rig.plan().empty
