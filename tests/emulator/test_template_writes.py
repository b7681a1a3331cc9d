"""Creating and updating from a template: what is checked first, and how variables are merged."""

from __future__ import annotations

import json

import pytest

from reconciler.emulator import Emulator
from tests.emulator import builds, wire

UNLICENSED = wire.WORLD | {"license": "basic"}
BAD_HOST = [{"codehost_name": "nope"}]


def _variables(*inputs: dict[str, object]) -> list[dict[str, object]]:
    emulator = Emulator()
    assert builds.create_from_template(emulator, builds.target(inputs=list(inputs))).status == 200
    shown: list[dict[str, object]] = builds.detail(emulator, serviceName="s", serviceModule="m")["parameters"]
    return shown


def test_variables_come_in_the_templates_order_and_those_left_out_are_its_own():
    shown = _variables({"key": "pw", "value": "x"}, {"key": "name", "value": "y"}, {"key": "none", "value": "z"})
    assert [(variable["key"], variable["value"]) for variable in shown] == [
        ("name", "y"),
        ("mode", "fast"),
        ("pw", "x"),
        ("flags", "a"),
    ]


def test_an_input_has_its_own_type_and_flag_and_the_templates_choices():
    """Sent without them, type and credential flag are lost; `choice_value` cannot be sent."""
    mode, secret, flags = _variables(
        {"key": "mode", "value": "odd", "choice_option": ["mine"], "description": "mine"},
        {"key": "pw", "value": "x"},
        {"key": "flags", "value": "b", "type": "multi-select", "choice_value": ["b"]},
    )[1:]
    assert mode == {"key": "mode", "value": "odd", "choice_option": ["fast", "slow"], "is_credential": False}
    assert secret == {"key": "pw", "value": "x", "is_credential": False}
    assert flags == {
        "key": "flags", "value": "b", "type": "multi-select", "choice_option": ["a", "b", "c"], "is_credential": False,
    }  # fmt: skip


def test_asterisks_are_stored_in_inputs():
    emulator = Emulator()
    for _ in range(2):
        body = builds.target(inputs=[{"key": "pw", "value": "*" * 8}])
        (builds.update_from_template if emulator.state()["builds"] else builds.create_from_template)(emulator, body)
    shown = builds.detail(emulator, serviceName="s", serviceModule="m")["parameters"]
    assert shown[2]["value"] == "*" * 8


FAULTS = [
    ({"target_services": []}, (400, "target_service must have at least one item in it")),
    ({"license": "basic"}, (400, "")),
    (
        {"template_name": "nope"},
        (
            500,
            "failed to find the build template specified by the user, template name: [nope], "
            "err: mongo: no documents in result",
        ),
    ),
    ({"target_services": [{"repo_info": [None]}]}, (500, None)),
    ({}, (400, "yaml项目中有相同的构建名称存在,请检查!")),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_in_the_servers_order_is_told(first):
    """The contract's section 7, order of a create from a template."""
    emulator = Emulator(builds=[builds.made_in_the_page("api")])
    body = dict(builds.FROM_TEMPLATE)
    for changes, _ in reversed(FAULTS[first:]):
        body.update({key: value for key, value in changes.items() if key != "license"})
        if "license" in changes:
            emulator.set_settings(changes)
    assert builds.told(builds.create_from_template(emulator, body)) == FAULTS[first][1]


def test_a_missing_licence_is_a_400_with_code_7050():
    answer = builds.create_from_template(Emulator(UNLICENSED), builds.FROM_TEMPLATE)
    assert answer.status == 400
    assert json.loads(answer.body)["code"] == 7050
    assert builds.create(Emulator(UNLICENSED), builds.plain()).status == 200


def test_permission_comes_before_empty_targets_and_behind_the_body():
    body = builds.FROM_TEMPLATE | {"target_services": []}
    assert builds.create_from_template(Emulator(), body, "nobody").status == 403
    assert builds.create_from_template(Emulator(), body | {"name": ""}, "nobody").status == 400
    assert builds.update_from_template(Emulator(), body, "nobody").status == 403


def test_an_unknown_code_host_is_a_500_with_a_body():
    status, description = builds.told(builds.create_from_template(Emulator(), builds.target(repo_info=BAD_HOST)))
    assert status == 500
    assert description.startswith("failed to convert user repository input info into system repository")


def test_an_update_from_a_template_leaves_all_but_template_targets_and_stamps():
    given = builds.made_in_the_page(of_a_later_version=1)
    emulator = Emulator(builds=[given])
    assert builds.update_from_template(emulator, builds.target() | {"name": "rich"}).status == 200
    after = emulator.state()["builds"][0]
    changed = {key for key in after if after[key] != given.get(key)}
    assert changed == {"template_id", "targets", "update_by", "update_time", "pre_build"}
    references = [variable.get("function_reference") for variable in after["pre_build"]["envs"]]
    assert references == [None] * 4
    for variable in (*given["pre_build"]["envs"], *after["pre_build"]["envs"]):
        variable.pop("function_reference", None)
    assert after["pre_build"] == given["pre_build"]


def test_an_update_from_a_template_works_references_out_from_the_call():
    given = builds.made_in_the_page()
    given["pre_build"]["envs"][1]["call_function"] = "f({{.workflow.params.x}}, {{.project}}, {{.job.build.a.b.c}})"
    emulator = Emulator(builds=[given])
    builds.update_from_template(emulator, builds.target() | {"name": "rich"})
    assert emulator.state()["builds"][0]["pre_build"]["envs"][1]["function_reference"] == [
        "workflow.params.x",
        "job.build.a.b.c",
    ]


def test_an_update_from_a_template_checks_the_resources_that_are_stored():
    given = builds.made_in_the_page()
    given["pre_build"] |= {"res_req": "define", "res_req_spec": {"gpu_limit": "two"}}
    answer = builds.update_from_template(Emulator(builds=[given]), builds.target() | {"name": "rich"})
    assert builds.told(answer) == (400, "format of gpu request is incorrect")


def test_an_update_from_a_template_crashes_on_a_build_without_pre_build():
    emulator = Emulator(builds=[builds.made_in_the_page(pre_build=None)])
    before = emulator.state()
    answer = builds.update_from_template(emulator, builds.target() | {"name": "rich"})
    assert builds.told(answer) == (500, None)
    assert emulator.state() == before


def test_todays_template_is_seen_in_the_internal_read_and_not_in_detail():
    """A key that the template gained is merged when the page reads; what was written is what detail shows."""
    emulator = Emulator()
    builds.create_from_template(emulator, builds.target(inputs=[{"key": "mode", "value": "slow"}]))
    state = emulator.state()
    state["world"]["build_templates"][0]["variables"] = [
        {"key": "mode", "value": "fast", "type": "choice", "choice_option": ["new"], "description": "d"},
        {"key": "gained", "value": "g", "type": "string"},
    ]
    emulator.set_state(**state)
    shown = builds.stored(emulator)
    merged = shown["target_repos"][0]["envs"]
    assert [(variable["key"], variable["value"]) for variable in merged] == [("mode", "slow"), ("gained", "g")]
    assert [variable["key"] for variable in shown["targets"][0]["envs"]] == ["name", "mode", "pw", "flags"]
    assert shown["targets"][0]["envs"][1] == merged[0]
    assert merged[0]["choice_option"] == ["new"]
    detail = builds.detail(emulator, serviceName="s", serviceModule="m")["parameters"]
    assert detail[1]["choice_option"] == ["fast", "slow"]
    assert emulator.state()["builds"] == state["builds"]
