"""What an ignore rule names stays as it is on the server, in updates too, and every plan says why."""

from __future__ import annotations

import copy
import json
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.config import Flags, resolve
from reconciler.model.change import ChangeKind
from reconciler.model.ignore import Ignore
from reconciler.model.settings import Settings
from reconciler.plan.step import Action, Plan, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_plan
from tests.rig import Rig, Stored, plain, template

REASON = "tuned by hand during the migration"
CANARY = "canary-hunter2"


class Ruled(Rig):
    """A rig whose configuration has ignore rules."""

    rules: tuple[Ignore, ...] = ()

    @property
    def settings(self) -> Settings:
        return replace(super().settings, ignore=self.rules)


@pytest.fixture
def ruled(tmp_path):
    return Ruled(tmp_path)


def ignoring(*paths: str, **more: Any) -> dict[str, Any]:
    """A definition with rules."""
    return plain(**more, **{"x-reconciler": {"ignore": [{"path": path, "reason": REASON} for path in paths]}})


def only(plan: Plan) -> Step:
    (step,) = plan.steps
    return step


def notes(step: Step) -> list[str]:
    return [note for note in step.notes if note.startswith("ignored: ")]


def text_of(plan: Plan) -> str:
    return render_plan(plan, Style(Ink(False), verbose=True, quiet=False))


def parameter(key: str, value: str = "v", **more: Any) -> dict[str, Any]:
    return {"key": key, "type": "string", "default_value": value, "is_credential": False, **more}


def repo(name: str, branch: str = "main") -> dict[str, Any]:
    return {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": name, "branch": branch}


def envs(rig: Rig, name: str = "api") -> dict[str, str]:
    return {env["key"]: env["value"] for env in rig.stored(name)["pre_build"]["envs"]}


def set_timeout(minutes: int):
    def edit(build: Stored) -> None:
        build["timeout"] = minutes

    return edit


# one setting ---------------------------------------------------------------------------------------------


def advanced(**more: Any) -> dict[str, Any]:
    return {"advanced_settings": {"cluster_name": "local-20250523164625", **more}}


def test_an_ignored_setting_is_no_difference_and_the_plan_says_why(rig):
    """Without the rule it is one: the control."""
    rig.write(plain(**advanced(timeout=30)))
    rig.applied()
    rig.meddle("api", set_timeout(45))
    assert only(rig.plan()).action is Action.UPDATE
    rig.write(ignoring("advanced_settings.timeout", **advanced(timeout=30)))
    step = only(rig.plan())
    assert (step.action, step.changes) == (Action.KEEP, ())
    assert notes(step) == [f"ignored: advanced_settings.timeout stays 45 on the server, Git says 30 ({REASON})"]


def test_an_update_for_another_reason_sends_the_server_s_value_back(rig):
    rig.write(ignoring("advanced_settings.timeout", build_script="one", **advanced(timeout=30)))
    rig.applied()
    rig.meddle("api", set_timeout(45))
    rig.write(ignoring("advanced_settings.timeout", build_script="two", **advanced(timeout=30)))
    changes = only(rig.plan()).changes
    assert [c.path for c in changes if c.kind is not ChangeKind.UNVERIFIABLE] == ["build_script"]
    rig.applied()
    assert (rig.stored("api")["timeout"], rig.stored("api")["scripts"]) == (45, "two")
    assert only(rig.plan()).action is Action.KEEP


def test_a_create_uses_git_s_values(rig):
    rig.write(ignoring("advanced_settings.timeout", "repo_info", repo_info=[repo("demo")], **advanced(timeout=30)))
    assert notes(only(rig.plan())) == []
    rig.applied()
    assert rig.stored("api")["timeout"] == 30
    assert [r["repo_name"] for r in rig.stored("api")["repos"]] == ["demo"]


def test_everything_below_a_path_goes_with_it(rig):
    spec = {"cpu_req": 1, "cpu_limit": 2, "memory_req": 3, "memory_limit": 4}
    rig.write(ignoring("advanced_settings.resource_spec.*", build_script="one", **advanced(resource_spec=spec)))
    rig.applied()

    def edit(build: Stored) -> None:
        build["pre_build"]["res_req_spec"].update(cpu_limit=4000, memory_limit=8000, cpu_req=100)

    rig.meddle("api", edit)
    rig.write(ignoring("advanced_settings.resource_spec.*", build_script="two", **advanced(resource_spec=spec)))
    (note,) = notes(only(rig.plan()))
    assert "cpu_limit stays 4000 on the server, Git says 2; " in note
    rig.applied()
    assert rig.stored("api")["pre_build"]["res_req_spec"]["memory_limit"] == 8000


def test_an_ignored_setting_is_not_released(rig):
    """A setting that Git still declares was not let go; one that it does not declare any more is nobody's news."""
    rig.write(plain(build_script="one", **advanced(timeout=30, use_host_docker_daemon=True)))
    rig.applied()
    rig.write(ignoring("advanced_settings.timeout", "advanced_settings.use_host_docker_daemon", **advanced(timeout=30)))
    step = only(rig.plan())
    assert [(c.path, c.kind) for c in step.changes] == [("build_script", ChangeKind.RELEASED)]


def test_without_the_rule_the_setting_is_git_s_again(rig):
    rig.write(ignoring("advanced_settings.timeout", **advanced(timeout=30)))
    rig.applied()
    rig.meddle("api", set_timeout(45))
    rig.plan()
    rig.write(plain(**advanced(timeout=30)))
    rig.applied()
    assert rig.stored("api")["timeout"] == 30


def test_an_ignored_base_image_may_move(rig):
    """A write that needs the old name would be blocked; the server's name is sent."""
    rig.write(ignoring("build_os", build_script="one"))
    rig.applied()
    rig.meddle("api", lambda build: build["pre_build"].update(image_id="63047770931401b9baa6e397", build_os="company"))
    rig.write(ignoring("build_os", build_script="two"))
    assert notes(only(rig.plan())) == [
        f'ignored: build_os stays "company-go" on the server, Git says "ubuntu 20.04" ({REASON})'
    ]
    rig.applied()
    assert rig.stored("api")["pre_build"]["image_id"] == "63047770931401b9baa6e397"


def test_null_for_the_whole_block_spares_an_ignored_setting(rig):
    """The request cannot leave the block out then: that would reset the setting."""
    rig.write(ignoring("advanced_settings.timeout", build_script="one", advanced_settings=None))
    rig.applied()
    strategy = rig.stored("api")["pre_build"]["strategy_id"]
    rig.meddle("api", set_timeout(45))
    rig.write(ignoring("advanced_settings.timeout", build_script="two", advanced_settings=None))
    changes = only(rig.plan()).changes
    assert [c.path for c in changes if c.kind is not ChangeKind.UNVERIFIABLE] == ["build_script"]
    rig.applied()
    assert (rig.stored("api")["timeout"], rig.stored("api")["pre_build"]["strategy_id"]) == (45, strategy)
    assert only(rig.plan()).action is Action.KEEP


@pytest.mark.parametrize("setting", ["strategy_name", "cluster_name", "custom_labels[team]", "storages"])
def test_null_for_the_whole_block_spares_whatever_is_ignored_in_it(rig, setting):
    """What the server would choose by default is not known to be what it has."""
    storage = {"enabled": True, "storages_properties": [{"mount_path": "/data", "storage_size_in_gib": 2}]}
    labels = [{"key": "team", "value": "a"}]
    block = {"cluster_name": "gpu-cluster", "custom_labels": labels, "storages": storage}
    if setting == "strategy_name":
        block = {"cluster_name": "local-20250523164625", "strategy_name": "big-nodes"}
    rig.write(plain(advanced_settings=block))
    rig.applied()
    had = copy.deepcopy(rig.stored("api")["pre_build"])
    rig.write(ignoring(f"advanced_settings.{setting}", build_script="new", advanced_settings=None))
    rig.applied()
    key = {"strategy_name": "strategy_id", "cluster_name": "cluster_id"}.get(setting, setting.partition("[")[0])
    assert had[key]
    assert rig.stored("api")["pre_build"][key] == had[key]
    assert only(rig.plan()).action is Action.KEEP


def test_what_goes_with_an_ignored_setting_is_left_alone_too(rig):
    """Beside another Dockerfile source, Git's template or directory would be dropped by the server."""
    docker = {"dockerfile_source": "local", "dockerfile_directory": "Dockerfile", "build_context_dir": "ctx"}
    rig.write(ignoring("docker_build_step.dockerfile_source", docker_build_step=docker))
    rig.applied()

    def edit(build: Stored) -> None:
        build["post_build"]["docker_build"].update(
            source="template", template_id="65a0000000000000000000aa", template_name="go-dockerfile", docker_file=""
        )

    rig.meddle("api", edit)
    rig.write(ignoring("docker_build_step.dockerfile_source", docker_build_step={**docker, "build_context_dir": "new"}))
    (note,) = notes(only(rig.plan()))
    assert "docker_build_step.dockerfile_directory" in note
    rig.applied()
    stored = rig.stored("api")["post_build"]["docker_build"]
    assert (stored["source"], stored["template_id"], stored["work_dir"]) == (
        "template",
        "65a0000000000000000000aa",
        "new",
    )


def test_a_new_image_step_takes_git_s_values(rig):
    rig.write(ignoring("docker_build_step.dockerfile_source", "docker_build_step.build_args"))
    rig.applied()
    docker = {"dockerfile_source": "local", "dockerfile_directory": "Dockerfile", "build_args": "--x"}
    rig.write(ignoring("docker_build_step.dockerfile_source", "docker_build_step.build_args", docker_build_step=docker))
    rig.applied()
    assert rig.stored("api")["post_build"]["docker_build"]["build_args"] == "--x"


def test_an_ignored_image_step_is_not_added(rig):
    rig.write(ignoring("docker_build_step"))
    rig.applied()
    rig.write(ignoring("docker_build_step", docker_build_step={"dockerfile_source": "local"}))
    step = only(rig.plan())
    assert (step.action, len(notes(step))) == (Action.KEEP, 1)


# what cannot be seen -------------------------------------------------------------------------------------


def test_an_unreadable_setting_is_kept_as_the_record_has_it(rig):
    rig.write(ignoring(build_script="one", **advanced(privileged_mode=True)))
    rig.applied()
    rule = "advanced_settings.privileged_mode"
    rig.write(ignoring(rule, build_script="two", **advanced(privileged_mode=False)))
    assert notes(only(rig.plan())) == [f"ignored: {rule} stays true on the server, Git says false ({REASON})"]
    rig.applied()
    assert rig.stored("api")["enable_privileged_mode"] is True


def test_an_unreadable_setting_is_kept_as_last_known_when_somebody_wrote_since(rig):
    labels = [{"key": "team", "value": "a"}]
    rig.write(plain(build_script="one", **advanced(privileged_mode=True, custom_labels=labels)))
    rig.applied()
    rig.meddle("api", set_timeout(45))
    rules = ("advanced_settings.privileged_mode", "advanced_settings.custom_labels[*]")
    rig.write(ignoring(*rules, build_script="two", **advanced(privileged_mode=False, custom_labels=[])))
    rig.applied()
    assert rig.stored("api")["enable_privileged_mode"] is True
    assert rig.stored("api")["pre_build"]["custom_labels"] == labels


def test_an_unreadable_setting_that_nothing_shows_is_no_step(rig):
    """A foreign build, never recorded: the declared value would be named as unverifiable."""
    rig.deep = False
    rig.write(plain(**advanced(privileged_mode=True)))
    rig.applied()
    rig.forget()
    assert [c.path for c in only(rig.plan()).changes] == ["advanced_settings.privileged_mode"]
    rig.write(ignoring("advanced_settings.privileged_mode", **advanced(privileged_mode=True)))
    assert only(rig.plan()).changes == ()


# lists ---------------------------------------------------------------------------------------------------


def add_env(key: str, value: str, place: int = 0, **more: Any):
    def edit(build: Stored) -> None:
        build["pre_build"]["envs"].insert(place, {"key": key, "value": value, "type": "string", **more})

    return edit


def test_a_setting_of_one_element_by_its_key(rig):
    both = [parameter("PW", "git"), parameter("MODE", "git")]
    rig.write(plain(parameters=both))
    rig.applied()

    def edit(build: Stored) -> None:
        for env in build["pre_build"]["envs"]:
            env["value"] = "page"

    rig.meddle("api", edit)
    rig.write(ignoring("parameters[PW].default_value", parameters=both))
    step = only(rig.plan())
    assert [change.path for change in step.changes] == ["parameters[MODE].default_value"]
    rig.applied()
    assert envs(rig) == {"PW": "page", "MODE": "git"}


def test_a_star_means_every_element_and_a_new_one_takes_git_s_value(rig):
    rig.write(plain(parameters=[parameter("A"), parameter("B")]))
    rig.applied()

    def edit(build: Stored) -> None:
        for env in build["pre_build"]["envs"]:
            env["value"] = "page"

    rig.meddle("api", edit)
    rig.write(ignoring("parameters[*].default_value", parameters=[parameter(k, "git") for k in ("B", "A", "NEW")]))
    rig.applied()
    assert envs(rig) == {"B": "page", "A": "page", "NEW": "git"}
    assert list(envs(rig)) == ["B", "A", "NEW"]


def test_whole_elements_are_kept_in_their_place_and_not_added(rig):
    """One that only the server has stays where it is; one that only Git has is not added."""
    rig.write(plain(parameters=[parameter("A"), parameter("B")]))
    rig.applied()
    rig.meddle("api", add_env("DB_HOST", "db", 1))
    declared = [parameter("A"), parameter("B"), parameter("DB_PORT", "5432")]
    rig.write(ignoring("parameters[DB_*]", parameters=declared))
    step = only(rig.plan())
    assert (step.action, step.changes) == (Action.KEEP, ())
    assert notes(step) == [
        f"ignored: parameters[DB_HOST] stays on the server, Git does not have it; "
        f"parameters[DB_PORT] is not added, though Git has it ({REASON})"
    ]
    rig.write(ignoring("parameters[DB_*]", build_script="new", parameters=declared))
    rig.applied()
    assert list(envs(rig)) == ["A", "DB_HOST", "B"]


def test_the_order_of_the_others_is_git_s(rig):
    rig.write(plain(parameters=[parameter("A"), parameter("X"), parameter("B")]))
    rig.applied()
    rig.write(ignoring("parameters[X]", parameters=[parameter("X"), parameter("B"), parameter("A")]))
    rig.applied()
    assert list(envs(rig)) == ["B", "A", "X"]
    assert only(rig.plan()).action is Action.KEEP


def test_an_empty_list_in_git_spares_an_ignored_element(rig):
    rig.write(plain(parameters=[parameter("A"), parameter("X")]))
    rig.applied()
    for declared in ([], None):
        rig.write(ignoring("parameters[X]", parameters=declared))
        rig.applied()
        assert list(envs(rig)) == ["X"]


def test_a_whole_list_is_the_server_s(rig):
    rig.write(plain(repo_info=[repo("demo"), repo("tools")]))
    rig.applied()
    rig.write(ignoring("repo_info", build_script="new", repo_info=[repo("other", "dev")]))
    (note,) = notes(only(rig.plan()))
    assert "repo_info[org/demo] stays on the server" in note
    rig.applied()
    assert [r["repo_name"] for r in rig.stored("api")["repos"]] == ["demo", "tools"]


def test_a_moved_list_is_named_where_a_rule_hides_only_that(rig):
    rig.write(plain(parameters=[parameter("A"), parameter("X")]))
    rig.applied()
    rig.write(ignoring("parameters[X]", parameters=[parameter("X"), parameter("A")]))
    assert notes(only(rig.plan())) == [f"ignored: parameters keeps the server's order ({REASON})"]


def test_a_repository_that_nobody_can_send_back_names_the_rule(rig):
    """Its code host is not known, and declaring it does not help while it is ignored."""
    rig.deep = False
    rig.write(plain())
    rig.applied()
    rig.meddle(
        "api",
        lambda build: build["repos"].append(
            {"codehost_id": 1, "source": "gitlab", "repo_owner": "org", "repo_namespace": "org", "repo_name": "demo"}
        ),
    )
    rig.write(ignoring("repo_info", build_script="new", repo_info=[repo("demo")]))
    blocked = only(rig.plan()).blocked
    assert blocked is not None
    assert blocked.hint == "take the ignore rule for repo_info away, and declare its code hosts"


# builds from a template ----------------------------------------------------------------------------------


def inputs_of(rig: Rig) -> dict[str, str]:
    (target,) = rig.stored("tpl")["targets"]
    return {env["key"]: env["value"] for env in target["envs"]}


@pytest.mark.parametrize(
    "path",
    ["target_services[shop/web].inputs[name].value", "target_services[*].inputs[na*]", "target_services[*].inputs"],
)
def test_an_input_of_a_template_build(rig, path):
    name = {"key": "name", "value": "git", "type": "string"}
    rig.write(template(inputs=[name]))
    rig.applied()

    def edit(build: Stored) -> None:
        for env in build["targets"][0]["envs"]:
            if env["key"] == "name":
                env["value"] = "page"

    rig.meddle("tpl", edit)
    assert only(rig.plan()).action is Action.UPDATE
    extra = {"ignore": [{"path": path, "reason": REASON}]}
    rig.write({**template(inputs=[name]), "x-reconciler": extra})
    assert only(rig.plan()).action is Action.KEEP
    rig.write({**template(inputs=[name], repo_info=[repo("demo")]), "x-reconciler": extra})
    rig.applied()
    assert inputs_of(rig)["name"] == "page"


# secrets -------------------------------------------------------------------------------------------------


def everything(plan: Plan) -> str:
    """All that a reader or the server's log may see of a plan with one step."""
    return text_of(plan) + dump(plan_document(plan)) + repr(only(plan).send) + repr(only(plan).notes)


@pytest.mark.parametrize("credential", [True, False])
def test_an_ignored_secret_is_nowhere_and_stays(rig, credential):
    """By the flag, or because Git takes it from the environment."""
    rig.environ["BUILD_PW"] = "git-secret"
    declared = [{**parameter("PW"), "is_credential": credential, "default_value": {"from_env": "BUILD_PW"}}]
    rig.write(plain(build_script="one", parameters=declared))
    rig.applied()

    def edit(build: Stored) -> None:
        build["pre_build"]["envs"][0]["value"] = CANARY

    rig.meddle("api", edit)
    assert envs(rig) == {"PW": CANARY}
    rig.write(ignoring("parameters[PW].default_value", build_script="two", parameters=declared))
    plan = rig.plan()
    assert notes(only(plan)) == [
        f"ignored: parameters[PW].default_value stays (sensitive) on the server, Git says otherwise ({REASON})"
    ]
    rig.applied()
    assert envs(rig) == {"PW": CANARY}
    assert CANARY not in everything(plan) + everything(rig.plan())
    assert CANARY.encode() not in rig.ledger.read_bytes()


def test_a_new_secret_mark_covers_the_ignored_value_too(rig):
    """The record knows of no secret yet; Git says by its source that it is one."""
    rig.environ["BUILD_PW"] = "git-secret"
    rig.write(plain(build_script="one", parameters=[parameter("PW", CANARY)]))
    rig.applied()
    assert CANARY.encode() in rig.ledger.read_bytes()
    declared = [{**parameter("PW"), "default_value": {"from_env": "BUILD_PW"}}]
    for rule in ("parameters[PW].default_value", "parameters[PW]", "parameters"):
        rig.write(ignoring(rule, build_script=rule, parameters=declared))
        plan = rig.plan()
        assert only(plan).send is not None
        assert CANARY not in everything(plan)
        rig.applied()
        assert envs(rig) == {"PW": CANARY}


def test_an_unset_variable_at_an_ignored_path_stops_nothing(rig):
    """The server's value is sent, so that Git's is not needed."""
    rig.environ["BUILD_PW"] = "git-secret"
    declared = [{**parameter("PW"), "is_credential": True, "default_value": {"from_env": "BUILD_PW"}}]
    rig.write(plain(build_script="one", parameters=declared))
    rig.applied()
    del rig.environ["BUILD_PW"]
    rig.write(plain(build_script="two", parameters=declared))
    assert only(rig.plan()).unset == ("BUILD_PW",)
    rig.write(ignoring("parameters[PW].default_value", build_script="two", parameters=declared))
    assert only(rig.plan()).unset == ()
    rig.applied()
    assert envs(rig) == {"PW": "git-secret"}


# where rules stand, and what is printed ------------------------------------------------------------------


def test_rules_of_the_configuration_hold_for_every_definition(ruled):
    """A path of the other kind of build is silently without effect."""
    ruled.write(plain("a", **advanced(timeout=30)), plain("b", **advanced(timeout=30)), template())
    ruled.applied()
    for name in ("a", "b"):
        ruled.meddle(name, set_timeout(45))
    (ruled.tree / "reconciler.yaml").write_text(
        f"ignore:\n- {{path: advanced_settings.timeout, reason: {REASON}}}\n"
        '- {path: "target_services[*].inputs", reason: theirs}\n'
    )
    ruled.rules = resolve(None, Flags(), {}, str(ruled.tree)).ignore
    plan = ruled.plan()
    assert {step.action for step in plan.steps} == {Action.KEEP}
    assert [len(notes(step)) for step in plan.steps] == [1, 1, 0]


def test_the_reason_is_printed_in_text_and_json(rig):
    rig.write(ignoring("advanced_settings.timeout", build_script="one", **advanced(timeout=30)))
    rig.applied()
    rig.meddle("api", set_timeout(45))
    rig.write(ignoring("advanced_settings.timeout", build_script="two", **advanced(timeout=30)))
    plan = rig.plan()
    sentence = f"ignored: advanced_settings.timeout stays 45 on the server, Git says 30 ({REASON})"
    assert f"note: {sentence}" in text_of(plan)
    assert sentence in json.loads(dump(plan_document(plan)))["steps"][0]["notes"]


def test_many_differences_under_one_rule_are_one_sentence(rig):
    keys = [f"P{number}" for number in range(7)]
    rig.write(plain(parameters=[parameter(key) for key in keys]))
    rig.applied()
    rig.write(ignoring("parameters[*].default_value", parameters=[parameter(key, "git") for key in keys]))
    (note,) = notes(only(rig.plan()))
    assert note.count("Git says") == 3
    assert note.endswith(f"; and 4 more ({REASON})")


def test_a_rule_that_hides_nothing_says_nothing(rig):
    rig.write(ignoring("advanced_settings.timeout", "parameters[X]", **advanced(timeout=30)))
    rig.applied()
    assert only(rig.plan()).notes == ()


# for all inputs ------------------------------------------------------------------------------------------

RULES = {
    "advanced_settings.timeout": lambda b: b["timeout"],
    "advanced_settings.resource_spec.*": lambda b: b["pre_build"]["res_req_spec"],
    "advanced_settings.use_host_docker_daemon": lambda b: b["pre_build"]["use_host_docker_daemon"],
    "advanced_settings.outputs": lambda b: b["outputs"],
    "advanced_settings.strategy_name": lambda b: b["pre_build"]["strategy_id"],
    "advanced_settings.privileged_mode": lambda b: b["enable_privileged_mode"],
    "advanced_settings.custom_labels": lambda b: b["pre_build"]["custom_labels"] or [],
    "advanced_settings.custom_labels[t*]": lambda b: [
        pair for pair in b["pre_build"]["custom_labels"] or [] if pair["key"].startswith("t")
    ],
    "advanced_settings.storages": lambda b: b["pre_build"]["storages"] or {"enabled": False, "storages_properties": []},
    "build_script": lambda b: b["scripts"],
    "build_os": lambda b: b["pre_build"]["image_id"],
    "installs": lambda b: b["pre_build"]["installs"],
    "services": lambda b: b["targets"],
    "docker_build_step": lambda b: b["post_build"]["docker_build"] if b["post_build"] else None,
    "parameters": lambda b: [(e["key"], e["value"]) for e in b["pre_build"]["envs"]],
    "parameters[A*]": lambda b: [(e["key"], e["value"]) for e in b["pre_build"]["envs"] if e["key"].startswith("A")],
    "repo_info": lambda b: [(r["repo_name"], r["branch"]) for r in b["repos"]],
    "repo_info[org/demo]": lambda b: [(r["repo_name"], r["branch"]) for r in b["repos"] if r["repo_name"] == "demo"],
}
"""A rule → what the store has at its path."""

WORD = st.text("abc/.]", min_size=1, max_size=3)
KEYS = st.sampled_from(["A", "AB", "B", "C]d", "A.x"])


def lists(element: st.SearchStrategy[Any], key: str) -> st.SearchStrategy[Any]:
    return st.lists(element, max_size=4, unique_by=lambda item: item[key])


BODY = st.fixed_dictionaries(
    {},
    optional={
        "build_os": st.sampled_from(["ubuntu 20.04", "company-go"]),
        "build_script": WORD,
        "installs": lists(
            st.builds(lambda n, v: {"name": n, "version": v}, st.sampled_from(["go", "java"]), WORD), "name"
        ),
        "services": lists(st.builds(lambda n: {"service_name": n, "service_module": n}, WORD), "service_name"),
        "parameters": lists(st.builds(parameter, KEYS, WORD), "key"),
        "repo_info": lists(st.builds(repo, st.sampled_from(["demo", "tools", "x"]), WORD), "repo_name"),
        "docker_build_step": st.none()
        | st.builds(lambda d: {"dockerfile_source": "local", "dockerfile_directory": d}, WORD),
        "advanced_settings": st.none()
        | st.fixed_dictionaries(
            {"cluster_name": st.just("local-20250523164625")},
            optional={
                "timeout": st.integers(0, 99),
                "use_host_docker_daemon": st.booleans(),
                "resource_spec": st.builds(lambda n: {"cpu_limit": n}, st.integers(0, 9000)),
                "strategy_name": st.sampled_from(["default", "big-nodes"]),
                "privileged_mode": st.booleans(),
                "custom_labels": lists(
                    st.builds(lambda k, v: {"key": k, "value": v}, st.sampled_from(["team", "tier", "x"]), WORD), "key"
                ),
                "storages": st.builds(lambda on: {"enabled": on}, st.booleans()),
                "outputs": st.lists(st.sampled_from(["x", "y"]), unique=True),
            },
        ),
    },
)


@contextmanager
def new_rig():
    with tempfile.TemporaryDirectory() as folder:
        yield Rig(Path(folder))


@settings(
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=120,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(before=BODY, after=BODY, rules=st.sets(st.sampled_from(sorted(RULES)), max_size=4))
def test_whatever_is_ignored_is_unchanged_after_an_apply(before, after, rules):
    """And what the next plan finds is nothing."""
    with new_rig() as rig:
        rig.write(plain(**before))
        rig.applied()
        had = copy.deepcopy(rig.stored("api"))
        extra = {"ignore": [{"path": rule, "reason": REASON} for rule in sorted(rules)]}
        rig.write({**plain(), **after, "x-reconciler": extra})
        rig.applied()
        for rule in rules:
            assert RULES[rule](rig.stored("api")) == RULES[rule](had), rule
        assert only(rig.plan()).action is Action.KEEP
