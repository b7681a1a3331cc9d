"""The table of three-way situations: what was applied, what Git and the server did since, and what that is called.

A row starts from the definition `FIRST` (or its own), which is applied once. `git` edits the definition, `server` the
store, as somebody called mallory does in the page. Expected are the state of the build and of its settings.
"""
# ruff: noqa: E501 - a table is read with a row per line

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.field_cases import CLUSTERS, IMAGES, REPO, STRATEGIES, outputs, set_custom_image
from tests.page import TEMPLATE_ID
from tests.rig import Rig, Stored, plain, template

Doc = dict[str, Any]
Edit = Callable[[Any], None]

LOCAL = "local-20250523164625"
A, P, C = "advanced_settings", "parameters", "docker_build_step"
FIRST: Doc = plain(
    "api",
    build_script="one\ntwo\nthree\n",
    installs=[{"name": "go", "version": "1.20"}, {"name": "node", "version": "18"}],
    repo_info=[REPO],
    parameters=[
        {"key": "A", "type": "string", "default_value": "a", "is_credential": False},
        {"key": "B", "type": "string", "default_value": "b", "is_credential": False},
        {"key": "PW", "type": "string", "default_value": {"from_env": "BUILD_PW"}, "is_credential": True},
    ],
    services=[{"service_name": "s", "service_module": "m"}],
    docker_build_step={"dockerfile_source": "local", "build_context_dir": "ctx", "dockerfile_directory": "Dockerfile"},
    advanced_settings={
        "cluster_name": LOCAL, "strategy_name": "default", "timeout": 30, "privileged_mode": True, "outputs": ["x"],
        "custom_labels": [{"key": "team", "value": "core"}],
        "cache_setting": {"enabled": True, "cache_dir": "/cache"},
    },
)  # fmt: skip
SMALL: Doc = plain("api", build_script="one\n")
TEMPLATE: Doc = template(
    "api", repo_info=[REPO], inputs=[{"key": "name", "value": "n"}, {"key": "mode", "value": "slow"}]
)


def nothing(_: Any) -> None:
    """Leave a side as it is."""


def to(*path: str | int, value: Any) -> Edit:
    """Put a value at a path of a definition or of the store."""

    def edit(level: Any) -> None:
        for key in path[:-1]:
            level = level[key]
        level[path[-1]] = copy.deepcopy(value)

    return edit


def without(*path: str | int) -> Edit:
    """Take away what stands at a path."""

    def edit(level: Any) -> None:
        for key in path[:-1]:
            level = level[key]
        del level[path[-1]]

    return edit


def plus(*path: str | int, value: Any, at: int = 99) -> Edit:
    """Put an element into a list."""

    def edit(level: Any) -> None:
        for key in path:
            level = level[key]
        level.insert(at, copy.deepcopy(value))

    return edit


def turned(*path: str | int) -> Edit:
    """Turn a list round."""

    def edit(level: Any) -> None:
        for key in path:
            level = level[key]
        level.reverse()

    return edit


def both(*edits: Edit) -> Edit:
    """Do one after the other."""

    def edit(level: Any) -> None:
        for one in edits:
            one(level)

    return edit


def whole(value: Doc) -> Edit:
    """Replace a definition."""

    def edit(level: Any) -> None:
        level.clear()
        level.update(copy.deepcopy(value))

    return edit


def image(stored: Stored) -> None:
    stored["pre_build"]["image_id"] = IMAGES["company-go"]
    set_custom_image(stored, None)


def to_template(stored: Stored) -> None:
    stored["template_id"] = TEMPLATE_ID
    stored["targets"] = [{"product_name": "yaml", "service_name": "shop", "service_module": "web", "repos": []}]


@dataclass(frozen=True)
class Situation:
    """One row. `expect`: path → state of the setting; `kind`: what is said to have happened to the first of them."""

    name: str
    fate: str
    expect: dict[str, str] = field(default_factory=dict)
    git: Edit = nothing
    server: Edit = nothing
    first: Doc = field(default_factory=lambda: FIRST)
    deep: bool = True
    rotated: bool = False
    kind: str = ""
    ignored: bool = False
    world: Callable[[Rig], None] = nothing


def env(key: str, value: str, **more: Any) -> Stored:
    return {"key": key, "value": value, "type": "string", "is_credential": False, **more}


def parameter(key: str, value: str) -> Doc:
    return {"key": key, "type": "string", "default_value": value, "is_credential": False}


def labels_renamed(rig: Rig) -> None:
    """The page calls a base image otherwise; no build is written."""
    state = rig.emulator.state()
    for one in state["world"]["base_images"]:
        if one["label"] == "ubuntu 20.04":
            one["label"] = "ubuntu focal"
    rig.emulator.set_state(state["world"], state["builds"])


ENVS = ("pre_build", "envs")
TIMEOUT = f"{A}.timeout"
STRATEGY = f"{A}.strategy_name"
PRIVILEGED = f"{A}.privileged_mode"
LABELS = f"{A}.custom_labels"
REPO_PATH = "repo_info[org/demo]"
TARGET = "target_services[shop/web]"
IGNORE = {"ignore": [{"path": TIMEOUT, "reason": "operations sets it"}]}
IGNORING: Doc = {**FIRST, "x-reconciler": IGNORE}
QUIET: Doc = plain("api", build_script="one\n", advanced_settings={"cluster_name": LOCAL, "privileged_mode": True})
NULL: Doc = plain("api", build_script="one\n", advanced_settings=None)

SITUATIONS = [
    # a number
    Situation("number: nobody", "in sync"),
    Situation("number: Git", "pending", {TIMEOUT: "pending"}, git=to(A, "timeout", value=45), kind="changed"),
    Situation("number: server", "drifted", {TIMEOUT: "drifted"}, server=to("timeout", value=45), kind="changed"),
    Situation("number: both, otherwise", "conflict", {TIMEOUT: "conflict"}, git=to(A, "timeout", value=45), server=to("timeout", value=60), kind="changed"),
    Situation("number: both, alike", "in sync", git=to(A, "timeout", value=45), server=to("timeout", value=45)),
    Situation("number: server, and undone", "in sync", server=to("timeout", value=30)),
    Situation("number: two on two sides", "drifted", {TIMEOUT: "pending", "build_script": "drifted"}, git=to(A, "timeout", value=45), server=to("scripts", value="x\n")),
    # null, absent, released
    Situation("null in Git since", "pending", {TIMEOUT: "pending"}, git=to(A, "timeout", value=None)),
    Situation("null in Git, server at the default", "in sync", git=to(A, "timeout", value=None), server=to("timeout", value=60)),
    Situation("the whole block null: server", "drifted", {TIMEOUT: "drifted"}, server=to("timeout", value=45), first=NULL),
    Situation("released", "in sync", {TIMEOUT: "released"}, git=without(A, "timeout")),
    Situation("released, and changed on the server", "in sync", {TIMEOUT: "undeclared"}, git=without(A, "timeout"), server=to("timeout", value=45)),
    Situation("never declared, changed on the server", "in sync", {TIMEOUT: "undeclared"}, server=to("timeout", value=45), first=QUIET, kind="changed"),
    Situation("declared since, and changed on the server", "conflict", {TIMEOUT: "conflict"}, git=to(A, "timeout", value=30), server=to("timeout", value=45), first=QUIET),
    # text
    Situation("script: Git", "pending", {"build_script": "pending"}, git=to("build_script", value="one\n2\nthree\n")),
    Situation("script: server", "drifted", {"build_script": "drifted"}, server=to("scripts", value="one\n2\nthree\n")),
    Situation("script: both, other lines of it", "conflict", {"build_script": "conflict"}, git=to("build_script", value="1\ntwo\nthree\n"), server=to("scripts", value="one\ntwo\n3\n")),
    # a list of values
    Situation("outputs: Git", "pending", {f"{A}.outputs": "pending"}, git=to(A, "outputs", value=["x", "y"])),
    Situation("outputs: server", "drifted", {f"{A}.outputs": "drifted"}, server=to("outputs", value=outputs(["x", "y"]))),
    Situation("outputs: both", "conflict", {f"{A}.outputs": "conflict"}, git=to(A, "outputs", value=["y"]), server=to("outputs", value=outputs([]))),
    # elements of an ordered list
    Situation("element: changed by Git", "pending", {f"{P}[A].default_value": "pending"}, git=to(P, 0, "default_value", value="z")),
    Situation("element: changed by the server", "drifted", {f"{P}[A].default_value": "drifted"}, server=to(*ENVS, 0, "value", value="z"), kind="changed"),
    Situation("element: changed by both", "conflict", {f"{P}[A].default_value": "conflict"}, git=to(P, 0, "default_value", value="y"), server=to(*ENVS, 0, "value", value="z")),
    Situation("element: two leaves of it on two sides", "drifted", {f"{P}[A].default_value": "pending", f"{P}[A].type": "drifted"}, git=to(P, 0, "default_value", value="y"), server=to(*ENVS, 0, "type", value="choice")),
    Situation("element: added by Git", "pending", {f"{P}[N]": "pending"}, git=plus(P, value=parameter("N", "n")), kind="added"),
    Situation("element: added by the server", "drifted", {f"{P}[N]": "drifted"}, server=plus(*ENVS, value=env("N", "n")), kind="added"),
    Situation("element: added by both, alike", "in sync", git=plus(P, value=parameter("N", "n")), server=plus(*ENVS, value=env("N", "n"))),
    Situation("element: added by both, otherwise", "conflict", {f"{P}[N].default_value": "conflict"}, git=plus(P, value=parameter("N", "n")), server=plus(*ENVS, value=env("N", "m"))),
    Situation("element: added by both, at two places", "conflict", {P: "conflict"}, git=plus(P, value=parameter("N", "n"), at=0), server=plus(*ENVS, value=env("N", "n"))),
    Situation("element: removed by Git", "pending", {f"{P}[A]": "pending"}, git=without(P, 0), kind="removed"),
    Situation("element: removed by the server", "drifted", {f"{P}[A]": "drifted"}, server=without(*ENVS, 0), kind="removed"),
    Situation("element: removed by both", "in sync", git=without(P, 0), server=without(*ENVS, 0)),
    Situation("element: removed by Git, changed by the server", "conflict", {f"{P}[A]": "conflict"}, git=without(P, 0), server=to(*ENVS, 0, "value", value="z")),
    Situation("element: changed by Git, removed by the server", "conflict", {f"{P}[A]": "conflict"}, git=to(P, 0, "default_value", value="z"), server=without(*ENVS, 0), kind="removed"),
    Situation("element: removed by Git, another added by the server", "drifted", {f"{P}[A]": "pending", f"{P}[N]": "drifted"}, git=without(P, 0), server=plus(*ENVS, value=env("N", "n"))),
    Situation("order: Git", "pending", {"installs": "pending"}, git=turned("installs"), kind="moved"),
    Situation("order: server", "drifted", {"installs": "drifted"}, server=turned("pre_build", "installs"), kind="moved"),
    Situation("order: both, alike", "in sync", git=turned("installs"), server=turned("pre_build", "installs")),
    Situation("order on the server, a value in Git", "drifted", {"installs": "drifted", "installs[go].version": "pending"}, git=to("installs", 0, "version", value="1.21"), server=turned("pre_build", "installs")),
    # sets, and what has no place of its own
    Situation("service: added by the server", "drifted", {"services[s/n]": "drifted"}, server=plus("targets", value={"product_name": "yaml", "service_name": "s", "service_module": "n", "repos": []})),
    Situation("service: removed by Git", "pending", {"services[s/m]": "pending"}, git=without("services", 0)),
    Situation("repository: branch, server", "drifted", {f"{REPO_PATH}.branch": "drifted"}, server=to("repos", 0, "branch", value="dev")),
    Situation("repository: a leaf that Git leaves out", "in sync", {f"{REPO_PATH}.checkout_path": "undeclared"}, server=to("repos", 0, "checkout_path", value="src")),
    Situation("repository: another code host, detail alone", "drifted", {f"{REPO_PATH}.codehost_name": "drifted", PRIVILEGED: "unverifiable", LABELS: "unverifiable"}, server=both(to("repos", 0, "codehost_id", value=2), to("repos", 0, "source", value="github")), deep=False),
    Situation("image step: taken away by the server", "drifted", {C: "drifted"}, server=to("post_build", "docker_build", value=None), kind="removed"),
    Situation("image step: taken away by Git", "pending", {C: "pending"}, git=to(C, value=None), kind="removed"),
    Situation("image step: taken away by the server, changed by Git", "conflict", {C: "conflict"}, git=to(C, "build_context_dir", value="other"), server=to("post_build", "docker_build", value=None)),
    Situation("image step: added by the server, not in Git", "in sync", {C: "undeclared"}, server=to("post_build", "docker_build", value={"source": "local", "work_dir": "w", "docker_file": "D"}), first=SMALL, kind="added"),
    Situation("cache: switched off on the server", "drifted", {f"{A}.cache_setting.enabled": "drifted", f"{A}.cache_setting.cache_dir": "drifted"}, server=both(to("cache_enable", value=False), to("cache_user_dir", value=""))),
    # what detail never shows
    Situation("unreadable: Git", "pending", {PRIVILEGED: "pending"}, git=to(A, "privileged_mode", value=False)),
    Situation("unreadable: server, deep read", "drifted", {PRIVILEGED: "drifted"}, server=to("enable_privileged_mode", value=False)),
    Situation("unreadable: server, detail alone", "unverifiable", {PRIVILEGED: "unverifiable", LABELS: "unverifiable", f"{REPO_PATH}.codehost_name": ""}, server=to("enable_privileged_mode", value=False), deep=False),
    Situation("unreadable: both, deep read", "conflict", {f"{LABELS}[team].value": "conflict"}, git=to(A, "custom_labels", 0, "value", value="x"), server=to("pre_build", "custom_labels", 0, "value", value="y")),
    Situation("unreadable: label added on the server", "drifted", {f"{LABELS}[new]": "drifted"}, server=plus("pre_build", "custom_labels", value={"key": "new", "value": "v"})),
    Situation("unreadable: not declared, deep read", "pending", {PRIVILEGED: "undeclared", "build_script": "pending"}, git=to("build_script", value="z\n"), server=to("enable_privileged_mode", value=True), first=SMALL),
    # secrets
    Situation("secret: rotated in Git", "pending", {f"{P}[PW].default_value": "pending"}, rotated=True),
    Situation("secret: changed on the server", "drifted", {f"{P}[PW].default_value": "drifted"}, server=to(*ENVS, 2, "value", value="other-canary")),
    Situation("secret: rotated in Git, and somebody wrote something else", "drifted", {f"{P}[PW].default_value": "drifted", TIMEOUT: "drifted"}, server=to("timeout", value=45), rotated=True),
    # ignored
    Situation("ignored: server", "in sync", {TIMEOUT: "ignored"}, server=to("timeout", value=45), first=IGNORING, ignored=True),
    Situation("ignored: server, and something else", "drifted", {TIMEOUT: "ignored", "build_script": "drifted"}, server=both(to("timeout", value=45), to("scripts", value="x\n")), first=IGNORING, ignored=True),
    Situation("ignored: Git", "in sync", {}, git=to(A, "timeout", value=45), first=IGNORING, ignored=True),
    # by reference
    Situation("image: server", "drifted", {"build_os": "drifted"}, server=image),
    Situation("image: Git", "pending", {"build_os": "pending"}, git=to("build_os", value="company-go")),
    Situation("image: both, alike", "in sync", git=to("build_os", value="company-go"), server=image),
    Situation("image: called otherwise since", "in sync", world=labels_renamed),
    Situation("image: called otherwise, and Git follows", "in sync", git=to("build_os", value="ubuntu focal"), world=labels_renamed),
    Situation("image: called otherwise, and Git takes a third", "pending", {"build_os": "pending"}, git=to("build_os", value="company-go"), world=labels_renamed),
    Situation("image: called otherwise, and somebody wrote", "drifted", {TIMEOUT: "drifted"}, server=to("timeout", value=45), world=labels_renamed),
    Situation("strategy: server", "drifted", {STRATEGY: "drifted"}, server=to("pre_build", "strategy_id", value=STRATEGIES["big-nodes"])),
    Situation("strategy: Git", "pending", {STRATEGY: "pending"}, git=to(A, "strategy_name", value="big-nodes")),
    Situation("cluster and its strategy: server", "drifted", {f"{A}.cluster_name": "drifted", STRATEGY: "drifted"}, server=both(to("pre_build", "cluster_id", value=CLUSTERS["gpu-cluster"]), to("pre_build", "strategy_id", value="bbbb1"))),
    # templates
    Situation("input: Git", "pending", {f"{TARGET}.inputs[name].value": "pending"}, git=to("target_services", 0, "inputs", 0, "value", value="m"), first=TEMPLATE),
    Situation("input: server", "drifted", {f"{TARGET}.inputs[mode].value": "drifted"}, server=to("targets", 0, "envs", 1, "value", value="fast"), first=TEMPLATE),
    Situation("input: one that Git leaves out", "in sync", {f"{TARGET}.inputs[flags].value": "undeclared"}, server=to("targets", 0, "envs", 3, "value", value="b"), first=TEMPLATE),
    Situation("target: taken away by the server", "drifted", {TARGET: "drifted", "target_services[shop/more]": "drifted"}, server=to("targets", 0, "service_module", value="more"), first=TEMPLATE, kind="added"),
    # the kind
    Situation("kind: Git", "pending", git=whole(TEMPLATE), first=SMALL),
    Situation("kind: server", "drifted", server=to_template, first=SMALL),
    Situation("kind: Git, and the server changed", "conflict", git=whole(TEMPLATE), server=to("scripts", value="x\n"), first=SMALL),
    Situation("kind: server, and Git changed", "conflict", git=to("build_script", value="x\n"), server=to_template, first=SMALL),
]  # fmt: skip
