"""Creating and updating from the plain body: what is checked first, and what is stored."""

from __future__ import annotations

import json

import pytest

from reconciler.emulator import Emulator
from tests.emulator import builds, wire

NULL_SERVICE = {"services": [None]}
BAD_DOCKER = {"docker_build_step": {"dockerfile_source": "x"}}
BAD_HOST = {"repo_info": [{"codehost_name": "nope"}]}
BAD_IMAGE = {"build_os": "nope"}
BAD_CLUSTER = {"advanced_settings": {"cluster_name": "nope"}}
BAD_GPU = {"advanced_settings": {"cluster_name": builds.LOCAL, "resource_spec": {"gpu_limit": "two"}}}
FAULTS = [
    ({"parameters": [None]}, (500, None)),
    (BAD_CLUSTER, (400, "failed to find cluster of name: nope, error: mongo: no documents in result")),
    (BAD_IMAGE, (400, "failed to find the basic image of name: nope, error is: mongo: no documents in result")),
    (
        BAD_HOST,
        (
            400,
            "failed to convert user repository input info into system repository, codehostName: [nope], "
            "repoName[], err: failed to find codehost with name [nope], error is: mongo: no documents in result",
        ),
    ),
    (NULL_SERVICE, (500, None)),
    (BAD_DOCKER, (400, "unsupported dockerfile type, it can only be local or template")),
    (BAD_GPU, (400, "format of gpu request is incorrect")),
    ({}, (400, "yaml项目中有相同的构建名称存在,请检查!")),
]


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_in_the_servers_order_is_told(first):
    """The contract's section 7, order of a create: every later fault is there as well."""
    emulator = Emulator()
    builds.create(emulator, builds.plain())
    body = builds.plain()
    for changes, _ in reversed(FAULTS[first:]):
        body = body | changes
    assert builds.told(builds.create(emulator, body)) == FAULTS[first][1]


def test_an_update_looks_for_its_build_before_everything_but_body_and_permission():
    body = builds.plain(name="ghost", **BAD_IMAGE)
    wanted = "failed to find build module, buildName: ghost, projectName: yaml, err: mongo: no documents in result"
    assert builds.told(builds.update(Emulator(), body)) == (400, wanted)
    assert wire.send(Emulator(), "PUT", "/openapi/build", "nobody", body=body).status == 403
    assert wire.send(Emulator(), "PUT", "/openapi/build", "nobody", raw="{").status == 400
    assert wire.send(Emulator(), "PUT", "/openapi/build", "down", raw="{").status == 403


def test_an_unknown_code_host_before_a_null_is_told_and_behind_it_is_not():
    refused = builds.create(Emulator(), builds.plain(repo_info=[*BAD_HOST["repo_info"], None]))
    crashed = builds.create(Emulator(), builds.plain(repo_info=[None, *BAD_HOST["repo_info"]]))
    assert (refused.status, crashed.status) == (400, 500)


def test_a_refused_write_changes_nothing():
    emulator = Emulator(builds=[builds.made_in_the_page()])
    before = emulator.state()
    for changes, _ in FAULTS[:-1]:
        assert builds.update(emulator, builds.plain(name="rich", **changes)).status >= 400
    assert emulator.state() == before
    assert builds.update(emulator, builds.plain(name="rich")).status == 200
    assert emulator.state() != before


@pytest.mark.parametrize(
    ("limit", "wrong"),
    [
        ("", None),
        ("gpu:1", None),
        (" g p u : 1 0 ", None),
        ("gpu:1.5", None),
        ("gpu:+2k", None),
        ("gpu:1e3", None),
        ("gpu:1E-3", None),
        ("gpu:2Ei", None),
        ("gpu:k", None),
        ("gpu:1Kii", "failed to parse resource quantity, err: unable to parse quantity's suffix"),
        ("gpu:1e", "failed to parse resource quantity, err: unable to parse quantity's suffix"),
        ("gpu:1k5", "failed to parse resource quantity, err: unable to parse quantity's suffix"),
        ("gpu:1x", "failed to parse resource quantity, err: quantities must match"),
        ("gpu:\t1", "failed to parse resource quantity, err: quantities must match"),
        ("gpu:", "failed to parse resource quantity, err: quantities must match"),
        ("1", "format of gpu request is incorrect"),
        ("a:b:c", "format of gpu request is incorrect"),
    ],
)
def test_a_gpu_limit_is_a_key_and_a_kubernetes_quantity(limit, wrong):
    status, description = 200, None
    answer = builds.create(Emulator(), builds.advanced(resource_spec={"gpu_limit": limit}))
    if answer.status != 200:
        status, description = builds.told(answer)
    assert (status, wrong is None) == (200 if wrong is None else 400, description is None)
    assert description is None or description.startswith(wrong)


@pytest.mark.parametrize("around", ["", " ", "\t\n\v\f\r", "\x85", "\xa0", "\u3000", "\u2009"])
def test_a_name_loses_white_space_at_both_ends_when_created(around):
    emulator = Emulator()
    assert builds.create(emulator, builds.plain(name=f"{around}a b{around}")).status == 200
    assert emulator.state()["builds"][0]["name"] == "a b"


def test_a_control_character_is_no_white_space():
    emulator = Emulator()
    assert builds.create(emulator, builds.plain(name="\x1cx\u200b")).status == 200
    assert emulator.state()["builds"][0]["name"] == "\x1cx\u200b"


def test_an_update_does_not_trim_the_name_it_looks_for():
    emulator = Emulator()
    builds.create(emulator, builds.plain())
    assert builds.update(emulator, builds.plain(name=" api ")).status == 400


def test_a_name_of_white_space_is_taken_by_any_build_at_all():
    """An empty name is no condition in the lookup, so any build answers to it."""
    emulator = Emulator()
    builds.create(emulator, builds.plain(project_key="other"))
    assert builds.told(builds.create(emulator, builds.plain(name=" "))) == (
        400,
        "other项目中有相同的构建名称存在,请检查!",
    )
    empty = Emulator()
    assert builds.create(empty, builds.plain(name=" ")).status == 200
    assert builds.create(empty, builds.plain(name=" ")).status == 400


def test_an_update_erases_what_the_body_cannot_say_and_keeps_four_things():
    """Recording 20; unknown keys at the top stay as well, since the store's update sets single keys."""
    given = builds.made_in_the_page(jenkins_build={"job_name": "j"}, of_a_later_version={"x": 1})
    emulator = Emulator(builds=[given], clock=lambda: 1700000000.9)
    assert builds.update(emulator, builds.plain(name="rich")).status == 200
    after = emulator.state()["builds"][0]
    for key in ("desc", "team", "source", "jenkins_build", "of_a_later_version"):
        assert after[key] == given[key]
    lost = ("vm_labels", "caches", "sshs", "deploy_vm_labels", "repos", "targets")
    assert [after[key] for key in lost] == [[]] * len(lost)
    assert (after["update_time"], after["update_by"], after["template_id"]) == (1700000000, "admin", "")
    assert after["post_build"] == {"docker_build": None, "object_storage_upload": None, "scripts": ""}


def test_asterisks_keep_the_last_of_several_values_of_a_key():
    emulator = Emulator()
    twice = [{"key": "k", "default_value": "1"}, {"key": "k", "default_value": "2"}]
    builds.create(emulator, builds.plain(parameters=twice))
    masked = [{"key": "k", "default_value": "*" * 8}, {"key": "K", "default_value": "*" * 8}]
    builds.update(emulator, builds.plain(parameters=masked))
    assert [shown["value"] for shown in builds.detail(emulator)["parameters"]] == ["2", ""]


def test_the_last_strategy_of_a_name_is_taken():
    """And so is the last default one, where the settings are left out."""
    world = json.loads(json.dumps(wire.WORLD))
    world["clusters"][0]["strategies"] += [
        {"id": "aaaa3", "name": "default", "default": False},
        {"id": "aaaa4", "name": "late", "default": True},
    ]
    emulator = Emulator(world)
    builds.create(emulator, builds.advanced(strategy_name="default"))
    builds.create(emulator, builds.plain(name="b"))
    stored = [build["pre_build"]["strategy_id"] for build in emulator.state()["builds"]]
    assert stored == ["aaaa3", "aaaa4"]


def test_pull_requests_of_a_repository_are_stored():
    """The body takes them, though nothing documents them; what is Perforce's is read and forgotten."""
    emulator = Emulator()
    repository = {"codehost_name": "gitlab", "pr": 3, "prs": [3, 4], "stream": "s", "shelve_id": 1}
    builds.create(emulator, builds.plain(repo_info=[repository]))
    shown = builds.stored(emulator)["repos"][0]
    assert (shown["pr"], shown["prs"]) == (3, [3, 4])
    assert "stream" not in shown
    assert "shelve_id" not in shown


def test_put_with_the_template_source_creates():
    emulator = Emulator()
    answer = wire.send(emulator, "PUT", "/openapi/build", query={"source": "template"}, body=builds.FROM_TEMPLATE)
    assert answer.status == 200
    assert emulator.state()["builds"][0]["template_id"]


def test_delete_without_a_project_takes_every_build_of_that_name():
    given = [builds.made_in_the_page("twin", product_name=project) for project in ("yaml", "other")]
    emulator = Emulator(builds=[*given, builds.made_in_the_page("keeps")])
    answer = wire.send(emulator, "DELETE", "/openapi/build", query={"name": "twin"})
    assert answer.status == 200
    assert [build["name"] for build in emulator.state()["builds"]] == ["keeps"]


def test_the_same_requests_give_the_same_bytes():
    def bytes_of_a_run() -> list[bytes]:
        emulator = Emulator(clock=lambda: 5.0)
        builds.create(emulator, builds.advanced(timeout=3))
        query = {"projectName": "yaml", "ifPassFilter": "true"}
        paths = ["/api/aslan/build/build/api", "/openapi/build/api/detail"]
        return [wire.send(emulator, "GET", path, query=query | {"projectKey": "yaml"}).body for path in paths]

    assert bytes_of_a_run() == bytes_of_a_run()
