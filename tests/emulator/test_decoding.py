"""Bodies are read as the server's decoder reads them (recording 06 and what follows from it)."""

from __future__ import annotations

import json

import pytest

from reconciler.emulator import Emulator
from tests.emulator import builds, wire

SAMPLES = {
    "text": '"t"', "whole": "7", "flag": "true", "fraction": "1.0", "exponent": "1e3", "object": "{}", "list": "[]",
}  # fmt: skip
LEAVES = {
    ("name",): "text",
    ("infrastructure",): "text",
    ("build_script",): "text",
    ("installs",): "list",
    ("installs", 0): "object",
    ("installs", 0, "version"): "text",
    ("repo_info", 0, "codehost_name"): "text",
    ("repo_info", 0, "submodules"): "flag",
    ("repo_info", 0, "enable_commit"): "flag",
    ("repo_info", 0, "pr"): "whole",
    ("repo_info", 0, "prs"): "list",
    ("repo_info", 0, "prs", 0): "whole",
    ("repo_info", 0, "stream"): "text",
    ("repo_info", 0, "shelve_id"): "whole",
    ("parameters", 0, "key"): "text",
    ("parameters", 0, "default_value"): "text",
    ("parameters", 0, "is_credential"): "flag",
    ("parameters", 0, "choice_option"): "list",
    ("parameters", 0, "choice_value", 0): "text",
    ("services", 0, "service_module"): "text",
    ("docker_build_step",): "object",
    ("docker_build_step", "enable_buildkit"): "flag",
    ("docker_build_step", "platforms"): "text",
    ("advanced_settings",): "object",
    ("advanced_settings", "timeout"): "whole",
    ("advanced_settings", "privileged_mode"): "flag",
    ("advanced_settings", "resource_spec"): "object",
    ("advanced_settings", "resource_spec", "cpu_limit"): "whole",
    ("advanced_settings", "resource_spec", "gpu_limit"): "text",
    ("advanced_settings", "cache_setting"): "object",
    ("advanced_settings", "cache_setting", "enabled"): "flag",
    ("advanced_settings", "storages", "storages_properties", 0, "storage_size_in_gib"): "whole",
    ("advanced_settings", "storages", "storages_properties", 0, "is_temporary"): "flag",
    ("advanced_settings", "custom_labels", 0): "object",
    ("advanced_settings", "custom_labels", 0, "key"): "text",
    ("advanced_settings", "outputs"): "list",
    ("advanced_settings", "outputs", 0): "text",
}


def _with_leaf(path: tuple[str | int, ...], sample: str) -> bytes:
    """A body that holds one value at a path, written as it stands."""
    text = sample
    for step in reversed(path[1:]):
        text = f"[{text}]" if isinstance(step, int) else f'{{"{step}": {text}}}'
    rest = {key: value for key, value in builds.MINIMAL.items() if key != path[0]}
    return (json.dumps(rest)[:-1] + f', "{path[0]}": {text}}}').encode()


def _is_read(body: bytes) -> bool:
    """Whether a body is read; the one who sends it may do nothing, so that nothing else is looked at."""
    answer = Emulator().handle(wire.request("POST", "/openapi/build", "nobody", raw=body.decode()))
    assert answer.status in (400, 403)
    assert answer.body == b""
    return answer.status == 403


@pytest.mark.parametrize("path", LEAVES, ids=lambda path: ".".join(map(str, path)))
def test_every_leaf_takes_its_own_type_alone(path):
    """Any other JSON type at a leaf is an empty 400; a fraction or an exponent is no integer."""
    for kind, sample in SAMPLES.items():
        assert _is_read(_with_leaf(path, sample)) == (kind == LEAVES[path]), kind


@pytest.mark.parametrize("path", [path for path in LEAVES if path not in {("name",), ("infrastructure",)}])
def test_null_is_read_as_absent_everywhere(path):
    assert _is_read(_with_leaf(path, "null"))


@pytest.mark.parametrize("required", builds.MINIMAL)
def test_a_required_key_that_is_null_empty_or_absent_is_missing(required):
    for changes in ({required: None}, {required: ""}):
        assert not _is_read(json.dumps(builds.MINIMAL | changes).encode())
    rest = {key: value for key, value in builds.MINIMAL.items() if key != required}
    assert not _is_read(json.dumps(rest).encode())


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("-0", True),
        ("9223372036854775807", True),
        ("-9223372036854775808", True),
        ("9223372036854775808", False),
        ("-9223372036854775809", False),
        ("1" * 5000, False),
        ("07", False),
        ("+7", False),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_integers_have_64_bits(number, read):
    assert _is_read(_with_leaf(("advanced_settings", "timeout"), number)) == read


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("{} {}", True),
        ("{}x", True),
        (" \n\t\r{}", True),
        ("\x0b{}", False),
        ("\ufeff{}", False),
        ("{'a': 1}", False),
        ('{"x": "a\tb"}', False),
        ('{"x": "\\u12"}', False),
        ('{"x": [1,]}', False),
        ('{"x": {"y": [[], {}, 1.5e300, -1]}}', True),
        ("   ", False),
        ("true", False),
    ],
)
def test_only_the_first_value_counts_and_must_be_json(raw, read):
    """What follows the first value is not looked at; the braces stand for a whole body."""
    body = raw.replace("{}", json.dumps(builds.MINIMAL), 1)
    if raw.startswith('{"x"'):
        body = json.dumps(builds.MINIMAL)[:-1] + "," + raw[1:]
    assert _is_read(body.encode()) == read


def test_keys_match_without_regard_to_case_and_the_last_one_wins():
    """ſ and K fold to letters of ASCII, as the decoder has it."""
    emulator = Emulator()
    raw = (
        '{"NAME": "a", "name": "b", "Name": "api", "project_\u212aey": "yaml", "infra\u017ftructure": "vm",'
        '"BUILD_OS": "ubuntu 20.04", "script_type": "x", "script_type": null, "build-script": "no"}'
    )
    assert wire.send(emulator, "POST", "/openapi/build", raw=raw).status == 200
    shown = builds.stored(emulator)
    assert (shown["infrastructure"], shown["script_type"], shown["scripts"]) == ("vm", "x", "")


def test_an_object_that_is_sent_twice_is_merged():
    emulator = Emulator()
    once = f'"advanced_settings": {{"cluster_name": "{builds.LOCAL}", "timeout": 5}}'
    again = '"advanced_settings": {"timeout": 6, "resource_spec": {"cpu_limit": 1}, "resource_spec": {"cpu_req": 2}}'
    raw = json.dumps(builds.MINIMAL)[:-1] + f", {once}, {again}}}"
    assert wire.send(emulator, "POST", "/openapi/build", raw=raw).status == 200
    settings = builds.detail(emulator)["advanced_settings"]
    assert (settings["timeout"], settings["resource_spec"]["cpu_limit"]) == (6, 1)
    assert settings["resource_spec"]["cpu_req"] == 2


def test_null_after_an_object_takes_it_away():
    emulator = Emulator()
    raw = json.dumps(builds.MINIMAL)[:-1] + ', "advanced_settings": {}, "advanced_settings": null}'
    assert wire.send(emulator, "POST", "/openapi/build", raw=raw).status == 200
    assert builds.detail(emulator)["advanced_settings"]["timeout"] == 60


def test_a_list_that_is_sent_twice_is_read_over_the_first():
    emulator = Emulator()
    first = '"installs": [{"name": "go", "version": "1"}, {"name": "node"}]'
    raw = json.dumps(builds.MINIMAL)[:-1] + f', {first}, "installs": [{{"version": "2"}}]}}'
    assert wire.send(emulator, "POST", "/openapi/build", raw=raw).status == 200
    assert builds.detail(emulator)["build_env"]["installs"] == [{"name": "go", "version": "2"}]


def test_what_is_no_text_becomes_replacement_characters():
    """Every bad byte is one, and so is every lone surrogate; a pair of escapes is its character."""
    emulator = Emulator()
    script = b'"a\xff\xe4\xbd\xf0\x9f\x98z\\ud800-\\udc00\\ud83d\\ude00\\ud800\\u0041"'
    body = json.dumps(builds.MINIMAL).encode()[:-1] + b', "build_script": ' + script + b"}"
    asked = wire.request("POST", "/openapi/build")
    answer = emulator.handle(type(asked)(asked.method, asked.path, "", asked.headers, body))
    assert answer.status == 200
    wanted = "a" + "\ufffd" * 6 + "z\ufffd-\ufffd\U0001f600\ufffdA"
    assert builds.detail(emulator)["build_script"] == wanted


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("1", 1),
        ("1.0", 1),
        ("1.5", 1.5),
        ("1e2", 100),
        ("123456789012345678", 123456789012345680),
        ('{"a": [null, true, "x"], "a": 2}', {"a": 2}),
        ("[]", []),
        ("null", None),
        ('"\\ud800"', "\ufffd"),
    ],
)
def test_a_label_has_any_value_and_its_numbers_are_doubles(sent, shown):
    emulator = Emulator()
    raw = json.dumps(builds.advanced())[:-2] + f', "custom_labels": [{{"key": "k", "value": {sent}}}]}}}}'
    assert wire.send(emulator, "POST", "/openapi/build", raw=raw).status == 200
    assert builds.stored(emulator)["pre_build"]["custom_labels"] == [{"key": "k", "value": shown}]


def test_a_label_whose_number_is_too_great_is_refused():
    value = ("advanced_settings", "custom_labels", 0, "value")
    assert _is_read(_with_leaf(value, "1e308"))
    assert not _is_read(_with_leaf(value, "1e400"))
