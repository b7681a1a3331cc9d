"""List, detail, internal read and the calls around them."""

from __future__ import annotations

import json

import pytest

from reconciler.emulator import Emulator
from tests.emulator import builds, wire

ZERO_ID = "0" * 24


def _page(emulator: Emulator, query: str, identity: str = "admin") -> tuple[int, list[str] | None]:
    asked = wire.request("GET", "/openapi/build", identity)
    answer = emulator.handle(type(asked)("GET", "/openapi/build", query, asked.headers))
    shown = json.loads(answer.body)["builds"] if answer.status == 200 else None
    return answer.status, None if shown is None else [build["name"] for build in shown]


@pytest.fixture(name="five")
def _five() -> Emulator:
    return Emulator(builds=[builds.made_in_the_page(f"b{index}") for index in range(5)])


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("pageSize=2", "01"),
        ("pageSize=2&pageNum=3", "4"),
        ("pageSize=2&pageNum=4", ""),
        ("pageSize=2&pageNum=0", "01234"),
        ("pageSize=-2&pageNum=1", "01234"),
        ("pageSize=&pageNum=3", "01234"),
        ("pageNum=&pageSize=2", "01234"),
        ("pageNum=2", ""),
        ("pageSize=%2B2", "01"),
        ("pageSize=2&pageSize=x", "01"),
        ("pageSize=9223372036854775807", "01234"),
        ("PageSize=2", "01234"),
        ("pageSize=2;x", "01234"),
        ("pageSize=%zz", "01234"),
        ("pageSize=9223372036854775808", None),
        ("pageSize=+2", None),
        ("pageSize=2%20", None),
        ("pageSize=0x2", None),
        ("pageSize=1_0", None),
        ("pageSize=２", None),
        ("pageSize=x&pageSize=2", None),
    ],
)
def test_pages(five, query, shown):
    """Numbers as the server's library reads them; a pair that it cannot take apart is not there."""
    names = None if shown is None else [f"b{number}" for number in shown]
    assert _page(five, f"projectKey=yaml&{query}") == (400 if shown is None else 200, names)


def test_an_update_keeps_the_place_in_the_list(five):
    builds.update(five, builds.plain(name="b1"))
    wire.send(five, "DELETE", "/openapi/build", query={"name": "b0", "projectKey": "yaml"})
    builds.create(five, builds.plain(name="a"))
    assert _page(five, "projectKey=yaml")[1] == ["b1", "b2", "b3", "b4", "a"]


def test_a_missing_project_comes_before_numbers_and_these_before_permission(five):
    assert _page(five, "pageNum=x", "nobody")[0] == 400
    assert _page(five, "projectKey=yaml&pageNum=x", "nobody")[0] == 400
    assert _page(five, "projectKey=yaml", "nobody")[0] == 403
    assert _page(five, "", "down")[0] == 403


@pytest.mark.parametrize(
    ("image_id", "shown"),
    [
        ("63047770931401b9baa6e396", "63047770931401b9baa6e396"),
        ("f" * 24, ZERO_ID),
        ("z" * 24, None),
        ("f" * 23, None),
        ("", None),
        (None, None),
    ],
)
def test_detail_needs_an_image_id_of_the_right_form_alone(image_id, shown):
    given = builds.made_in_the_page()
    given["pre_build"]["image_id"] = image_id
    answer = wire.send(Emulator(builds=[given]), "GET", "/openapi/build/rich/detail", query={"projectKey": "yaml"})
    assert answer.status == (200 if shown else 500)
    assert not answer.body if shown is None else json.loads(answer.body)["build_env"]["basic_image_id"] == shown


@pytest.mark.parametrize(
    ("cluster_id", "why"),
    [
        ("", "the provided hex string is not a valid ObjectID"),
        ("f" * 24, "mongo: no documents in result"),
        ("z" * 24, "encoding/hex: invalid byte: U+007A 'z'"),
    ],
)
def test_a_cluster_that_is_not_there_is_a_500_in_detail(cluster_id, why):
    given = builds.made_in_the_page()
    given["pre_build"]["cluster_id"] = cluster_id
    answer = wire.send(Emulator(builds=[given]), "GET", "/openapi/build/rich/detail", query={"projectKey": "yaml"})
    assert builds.told(answer) == (500, f"failed to find cluster of ID: {cluster_id}, the error is: {why}")


def test_a_template_that_is_gone_is_told_before_an_image_that_is_none():
    given = builds.made_in_the_page(template_id="zz", pre_build=None)
    answer = wire.send(Emulator(builds=[given]), "GET", "/openapi/build/rich/detail", query={"projectKey": "yaml"})
    assert builds.told(answer) == (400, "the provided hex string is not a valid ObjectID")


def test_a_target_without_variables_falls_back_to_the_builds_own():
    template_id = wire.WORLD["build_templates"][0]["id"]
    given = builds.made_in_the_page(template_id=template_id)
    given["targets"][0]["envs"] = []
    shown = builds.detail(Emulator(builds=[given]), "rich", serviceName="s", serviceModule="m")
    assert [variable["key"] for variable in shown["parameters"]] == ["A", "S", "I", "F"]
    assert shown["repos"][0]["repo_name"] == "x"


def test_renaming_an_image_a_cluster_or_a_strategy_changes_what_detail_shows():
    emulator = Emulator()
    builds.create(emulator, builds.advanced(strategy_name="big-nodes"))
    state = emulator.state()
    state["world"]["base_images"][0]["label"] = "renamed"
    state["world"]["clusters"][0]["name"] = "moved"
    state["world"]["clusters"][0]["strategies"][1]["name"] = "huge"
    emulator.set_state(**state)
    shown = builds.detail(emulator)
    settings = shown["advanced_settings"]
    assert (settings["cluster_name"], settings["strategy_name"]) == ("moved", "huge")
    assert shown["build_env"]["basic_image_label"] == "renamed"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "bbbb1"),
        ({"infrastructure": "vm"}, ""),
        ({"source": "jenkins"}, ""),
        ({"template_id": "f" * 24}, ""),
    ],
)
def test_the_internal_read_fills_in_an_empty_strategy_of_a_plain_kubernetes_build(changes, shown):
    given = builds.made_in_the_page(infrastructure="kubernetes") | changes
    given["pre_build"]["strategy_id"] = ""
    emulator = Emulator(builds=[given])
    assert builds.stored(emulator, "rich")["pre_build"]["strategy_id"] == shown
    assert emulator.state()["builds"][0]["pre_build"]["strategy_id"] == ""


@pytest.mark.parametrize(("cluster_id", "status"), [("f" * 24, 200), ("", 500)])
def test_the_internal_read_of_an_empty_strategy_needs_a_cluster_id_of_the_right_form(cluster_id, status):
    given = builds.made_in_the_page(infrastructure="kubernetes")
    given["pre_build"] |= {"strategy_id": "", "cluster_id": cluster_id}
    answer = wire.send(Emulator(builds=[given]), "GET", "/api/aslan/build/build/rich")
    assert answer.status == status


def test_the_internal_read_shows_a_template_build_whose_template_is_gone():
    given = builds.made_in_the_page(template_id="f" * 24)
    shown = builds.stored(Emulator(builds=[given]), "rich")
    assert shown["target_repos"][0]["envs"] == shown["targets"][0]["envs"]
    assert shown["target_repos"][0]["service"] == {"product_name": "yaml", "service_name": "s", "service_module": "m"}


def test_a_namespace_that_is_missing_is_shown_as_the_owner():
    given = builds.made_in_the_page()
    given["repos"][0].pop("repo_namespace")
    assert builds.stored(Emulator(builds=[given]), "rich")["repos"][0]["repo_namespace"] == "org"


def test_the_internal_read_can_be_left_out():
    emulator = Emulator(builds=[builds.made_in_the_page()])
    assert wire.send(emulator, "GET", "/api/aslan/build/build/rich").status == 200
    emulator.set_settings({"internal_read": False})
    answer = wire.send(emulator, "GET", "/api/aslan/build/build/rich")
    assert (answer.status, answer.body) == (404, b"Invalid path: /api/aslan/build/build/rich")


def test_what_surrounds_the_builds():
    """The contract's section 6, from the source alone."""
    job = {"name": "j", "type": "zadig-build", "spec": {"service_and_builds": [{"build_name": "api"}]}}
    workflow = {"key": "w", "name": "W", "project": "yaml", "jobs": [job]}
    emulator = Emulator(wire.WORLD | {"workflows": [workflow]})

    def ask(path: str, identity: str = "admin", **query: str) -> object:
        return json.loads(wire.send(emulator, "GET", path, identity, query=query).body)

    clusters = ask("/openapi/system/cluster", "nobody")
    assert [(cluster["name"], cluster["local"]) for cluster in clusters] == [
        (builds.LOCAL, True),
        ("gpu-cluster", False),
    ]
    projects = ask("/openapi/projects/project", pageNum="2", pageSize="1")
    assert (projects["total"], projects["projects"][0]["project_key"]) == (2, "other")
    assert ask("/openapi/projects/project", "nobody") == {"projects": [], "total": 0}
    assert ask("/openapi/workflows", projectKey="yaml")["workflows"][0]["workflow_key"] == "w"
    assert ask("/openapi/workflows", projectKey="other") == {"workflows": []}
    assert ask("/openapi/workflows")["code"] == 400
    shown = ask("/openapi/workflows/custom/w/detail", projectKey="yaml")
    assert shown["stages"][0]["jobs"][0]["spec"] == job["spec"]
    assert ask("/openapi/workflows/custom/none/detail", projectKey="yaml")["code"] == 500
    assert ask("/api/aslan/code/codehost")[0] == {"id": 1, "type": "gitlab", "alias": "gitlab"}
