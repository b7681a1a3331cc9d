"""Paths of ignore rules are read by the table, whatever the keys of elements hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.fields import Kind
from reconciler.model.ignore import LONGEST, keys_named, matches, nearest, parts_of


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("advanced_settings.timeout", "advanced_settings.timeout"),
        ("advanced_settings.resource_spec.*", "advanced_settings.resource_spec.cpu_req"),
        ("advanced_settings.resource_spec.cpu_*", "advanced_settings.resource_spec.cpu_req"),
        ("advanced_settings.storages", "advanced_settings.storages.enabled"),
        ("advanced_settings.storages", "advanced_settings.storages.storages_properties[/a.b].pvc"),
        ("advanced_settings", "advanced_settings"),
        ("parameters[PW].default_value", "parameters[PW].default_value"),
        ("parameters[PW]", "parameters[PW]"),
        ("parameters[PW]", "parameters[PW].default_value"),
        ("parameters[*].default_value", "parameters[a]b].default_value"),
        ("parameters[a]b].default_value", "parameters[a]b].default_value"),
        ("parameters[a].key].type", "parameters[a].key].type"),
        ("parameters[DB_*]", "parameters[DB_HOST].type"),
        ("parameters[*_DB_*]", "parameters[A_DB_B]"),
        ("repo_info", "repo_info[org/demo.git].branch"),
        ("repo_info[org/demo.git]", "repo_info[org/demo.git].branch"),
        ("repo_info[org/demo]", "repo_info[org/demo#2].branch"),
        ("target_services[*].inputs[pw].value", "target_services[shop/web].inputs[pw].value"),
        ("target_services[shop/web].repo_info", "target_services[shop/web].repo_info[org/demo].branch"),
    ],
)
def test_a_rule_covers_what_it_names_and_what_is_below(rule, path):
    assert matches(rule, path)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("advanced_settings.time", "advanced_settings.timeout"),
        ("advanced_settings.resource_spec.*", "advanced_settings.timeout"),
        ("parameters[*]", "parameters"),
        ("parameters[PW].default_value", "parameters[PW]"),
        ("parameters[PW].default_value", "parameters[PW2].default_value"),
        ("parameters[DB_*]", "parameters[XDB_].type"),
        ("parameters[ab*bc]", "parameters[abc]"),
        ("parameters[PW]", "parameters[PW#2]"),
        ("docker_build_step.*", "docker_build_step"),
        ("repo_info[org/demo]", "repo_info[org/demo2]"),
        ("no.such.thing", "no.such.thing"),
        ("", "build_os"),
        ("build_os", ""),
    ],
)
def test_a_rule_covers_nothing_else(rule, path):
    assert not matches(rule, path)


@given(key=st.text(min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_key_can_be_named(key):
    """Keys hold dots, slashes, brackets and stars; as a rule and as a path they name the same element."""
    assert matches(f"parameters[{key}]", f"parameters[{key}]")
    assert matches("parameters[*].type", f"parameters[{key}].type")
    assert keys_named(Kind.PLAIN, f"parameters[{key}]") == ""


def test_a_pattern_of_many_stars_is_matched_at_once():
    """A definition from a stranger's pull request cannot keep a run busy."""
    assert not matches(f"parameters[{'*a' * 400}b]", f"parameters[{'a' * 900}].type")
    assert parts_of(Kind.PLAIN, f"parameters[{']' * LONGEST}]") == ()
    assert parts_of(Kind.PLAIN, f"parameters[{'].' * 500}]") != ()


def test_what_is_meant_is_found():
    assert nearest((Kind.PLAIN,), "parameters[PW].defalt_value") == "parameters[PW].default_value"
    assert nearest((Kind.PLAIN,), "advanced_setings.resource_spec") == "advanced_settings.resource_spec"
    assert nearest((Kind.TEMPLATE,), "target_service[a/b].input[x].value") == "target_services[a/b].inputs[x].value"
    assert nearest((Kind.PLAIN,), "zzz") == ""


def test_a_key_leaf_is_known_as_one():
    assert keys_named(Kind.PLAIN, "parameters[*].key") == "key"
    assert keys_named(Kind.TEMPLATE, "target_services[a/b].repo_info[c/d].repo_name") == "repo_name"
    assert keys_named(Kind.PLAIN, "parameters[*].*") == ""
    assert keys_named(Kind.PLAIN, "build_os") == ""
