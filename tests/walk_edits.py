"""What a walk may write: any definition of a build, and any edit that the page makes in the store.

Definitions ── any() ──► a document of either kind, settings declared, null or absent
Page ── edit(stored) ──► the stored build changed in place, and what was done as text
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

from reconciler.emulator.variables import merge
from tests.field_cases import ADVANCED, DOCKER, PLAIN_CASES, REPO, STORAGE, write
from tests.page import PLAIN, TEMPLATE, TEMPLATE_ID, made
from tests.rig import Rig, Stored, plain, template
from tests.test_losses import EVERY

OTHER_ID = "64a0000000000000000000bb"
LOCAL = ADVANCED["cluster_name"]
A = "advanced_settings"
OF_BOTH = [
    {"key": "name", "value": "admin", "type": "string", "description": "who"},
    {"key": "pw", "value": "template-canary", "type": "string", "is_credential": True},
    {"key": "flags", "value": "a", "type": "multi-select", "choice_option": ["a", "b", "c"], "choice_value": ["a"]},
]
MODE = {"key": "mode", "value": "fast", "type": "choice", "choice_option": ["fast", "slow"]}
MORE = {"key": "more", "value": "m", "type": "string"}
VARIABLES = {TEMPLATE_ID: [*OF_BOTH, MODE], OTHER_ID: [*OF_BOTH, MORE]}
"""Template → its variables."""

VALUES: dict[str, list[Any]] = {
    "build_script": ["a\n", "b\n", None],
    "infrastructure": ["kubernetes", "kubernetes", "vm"],
    "script_type": ["shell", "shell", "powershell"],
    "build_os": ["ubuntu 20.04", "company-go"],
    "installs": [[], None, [{"name": "go", "version": "1.21"}], [{"name": "node"}, {"name": "go"}]],
    "services": [[], None, *([{"service_name": s, "service_module": m}] for s, m in (("s", "m"), ("shop", "web")))],
}
PARAMETER: dict[str, list[Any]] = {
    "type": ["string", "choice", "multi-select"],
    "default_value": ["1", "b", "a", "", {"from_env": "BUILD_PW"}],
    "choice_option": [["a", "b", "c"], ["b", "a"], [], None, ["a", "walk-canary-1"]],
    "choice_value": [["a"], ["b", "a"], [], None],
    "is_credential": [True, False, False, False],
    "description": ["d", "", None, "see walk-canary-1"],
}
CACHES = [{"enabled": True, "cache_dir": "/a"}, {"enabled": True, "cache_dir": "/b"}, {"enabled": False}, None]
IGNORED = ["build_script", "parameters[A].default_value", f"{A}.timeout", "repo_info", "parameters"]
INPUTS = [
    {"value": "page"}, {"value": ""}, {"value": "b"}, {"choice_value": ["b"]}, {"choice_value": []},
    {"choice_value": ["b", "c"], "value": "b"}, {"value": "a", "choice_value": ["a"]}, {"required": True},
    {"registry_id": "r"},
]  # fmt: skip
REPOSITORIES = [{"tag": "v1"}, {"hidden": True}, {"enable_commit": True, "commit_id": "abc"}, {"branch": "dev"}]
PW = {"key": "PW", "value": "page-canary", "is_credential": True, "type": "string"}
ENVS = [
    [],
    [{"key": "M", "value": "b", "type": "multi-select", "choice_option": ["a", "b"], "choice_value": ["b"]}, PW],
    [{**PW, "type": "choice", "choice_option": ["page-canary", "x"]}, {"key": "A", "value": "1"}],
]
_ELSEWHERE = ("outputs", "pre_build.cluster_id", "pre_build.strategy_id")
STORE: list[tuple[str, Any]] = [
    *EVERY,
    *(
        (case.store, case.encode(value))
        for case in PLAIN_CASES.values()
        if case.also is None and not case.store.startswith(_ELSEWHERE)
        for value in (case.first, case.second)
    ),
    *(("pre_build.envs", envs) for envs in ENVS),
    ("outputs", [{"name": "IMAGE"}, {"name": "PKG_FILE"}, {"name": "Z", "description": "zz"}]),
    ("cache_enable", True), ("cache_enable", False), ("cache_dir_type", "workspace"), ("cache_user_dir", "/page"),
    ("cache_user_dir", ""), ("infrastructure", "vm"), ("vm_labels", ["linux"]), ("vm_labels", []),
    ("repos", []), ("targets", []), ("post_build.docker_build", None), ("post_build.scripts", ""),
]  # fmt: skip
"""Place of the store → what somebody may set there."""


def with_second_template(rig: Rig) -> None:
    """Give the server two templates: each has a variable that the other one lacks."""
    state = rig.emulator.state()
    names = {TEMPLATE_ID: "demo-template", OTHER_ID: "other-template"}
    templates = [{"id": key, "name": name, "variables": VARIABLES[key]} for key, name in names.items()]
    rig.emulator.set_state({**state["world"], "build_templates": templates}, state["builds"])


class Definitions:
    """Draws definitions of a build called "api"."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def likely(self, share: float) -> bool:
        return self.random.random() < share

    def pick(self, *of: Any) -> Any:
        return copy.deepcopy(self.random.choice(of))

    def any(self) -> dict[str, Any]:
        return self.plain() if self.likely(0.55) else self.template()

    def plain(self) -> dict[str, Any]:
        more = {key: self.pick(*values) for key, values in VALUES.items() if self.likely(0.35)}
        if self.likely(0.5):
            more["repo_info"] = self.repositories()
        if self.likely(0.5):
            more["parameters"] = self.pick(None, []) if self.likely(0.15) else list(self.parameters())
        if self.likely(0.3):
            more["docker_build_step"] = self.pick(None, self.docker())
        if self.likely(0.5):
            more[A] = None if self.likely(0.12) else self.advanced()
        if self.likely(0.1):
            more["x-reconciler"] = {"ignore": [{"path": self.pick(*IGNORED), "reason": "r"}]}
        return plain(**more)

    def cases(self, parent: str, share: float, *leaves: str) -> dict[str, Any]:
        """Some of the leaves, each with one of its two values or null."""
        chosen = {leaf: PLAIN_CASES[f"{parent}.{leaf}"] for leaf in leaves if self.likely(share)}
        return {leaf: self.pick(case.first, case.second, None) for leaf, case in chosen.items()}

    def repositories(self) -> Any:
        leaves = ("branch", "remote_name", "checkout_path", "submodules", "enable_commit", "commit_id")
        one = {**REPO, **self.cases("repo_info[]", 0.3, *leaves)}
        other = {"codehost_name": self.pick("github-demo", "other-git"), "repo_namespace": "org", "repo_name": "web"}
        return self.pick([one], [one], [other], [one, other], [other, one], [], None)

    def parameters(self) -> Iterator[dict[str, Any]]:
        for key in self.random.sample(["A", "PW", "M", "N", "URL"], self.random.randrange(1, 5)):
            yield {"key": key, **{leaf: self.pick(*of) for leaf, of in PARAMETER.items() if self.likely(0.5)}}

    def docker(self) -> dict[str, Any]:
        if self.likely(0.3):
            return {"dockerfile_source": "template", "template_name": "go-dockerfile"}
        leaves = ("build_args", "enable_buildkit", "platforms", "build_context_dir")
        return {**DOCKER, **self.cases("docker_build_step", 0.4, *leaves)}

    def advanced(self) -> dict[str, Any]:
        flags = ("timeout", "use_host_docker_daemon", "privileged_mode", "outputs", "custom_labels")
        one = self.cases(A, 0.3, *flags, "custom_annotations")
        if self.likely(0.6):
            one["cluster_name"] = self.pick(LOCAL, "gpu-cluster", None)
        if one.get("cluster_name") == LOCAL and self.likely(0.4):
            one["strategy_name"] = self.pick("big-nodes", "default", "", None)
        if self.likely(0.3):
            one["resource_spec"] = {leaf: self.pick(1, 2, None) for leaf in ("cpu_req", "memory_limit")}
        if self.likely(0.4):
            one["cache_setting"] = self.pick(*CACHES)
        if self.likely(0.3):
            one["storages"] = self.storages()
        return one

    def storages(self) -> Any:
        volume = {key: value for key, value in STORAGE.items() if key == "mount_path" or self.likely(0.5)}
        some = {"enabled": True, "storages_properties": [volume]}
        return self.pick(some, some, {"enabled": False}, {"enabled": True}, {"storages_properties": []}, None)

    def template(self) -> dict[str, Any]:
        which = self.pick(TEMPLATE_ID, TEMPLATE_ID, OTHER_ID)
        modules = self.random.sample(["web", "api", "db"], self.random.randrange(1, 3))
        targets = [self.target(module, VARIABLES[which]) for module in modules]
        name = "demo-template" if which == TEMPLATE_ID else "other-template"
        return {**template("api"), "template_name": name, "target_services": targets}

    def target(self, module: str, variables: list[Stored]) -> dict[str, Any]:
        one: dict[str, Any] = {"service_name": "shop", "service_module": module}
        if self.likely(0.6):
            one["repo_info"] = self.repositories()
        if self.likely(0.6):
            some = self.random.sample(variables, self.random.randrange(0, 4))
            one["inputs"] = [self.input(variable) for variable in some]
        return one

    def input(self, variable: Stored) -> dict[str, Any]:
        one: dict[str, Any] = {"key": variable["key"]}
        if self.likely(0.8):
            one["value"] = self.pick("a", "b", "slow", {"from_env": "BUILD_PW"})
        if self.likely(0.3):
            one["type"] = variable["type"]
        if self.likely(0.3):
            one["is_credential"] = variable.get("is_credential", False)
        return one


class Page:
    """Draws edits of a stored build, as people make them."""

    def __init__(self, source: random.Random) -> None:
        self.random = source

    def pick(self, *of: Any) -> Any:
        return copy.deepcopy(self.random.choice(of))

    def build(self) -> Stored:
        """A build of the page."""
        return self.pick(made(PLAIN), made(PLAIN), made(TEMPLATE, name="api"))  # type: ignore[no-any-return]

    def edit(self, build: Stored, *, silent: bool) -> str:
        """Change something; what leaves no stamps is the page's change of service modules alone (section 4)."""
        if silent and not build["template_id"]:
            build["targets"] = self.pick([], PLAIN["targets"], [{**PLAIN["targets"][0], "service_module": "n"}])
            return "service modules"
        if not silent and self.random.random() < 0.2:
            return self.convert(build)
        return self.of_template(build, silent=silent) if build["template_id"] else self.of_plain(build)

    def of_plain(self, build: Stored) -> str:
        path, value = self.random.choice(STORE)
        try:
            write(build, path, copy.deepcopy(value))
        except (KeyError, IndexError, TypeError):
            return f"nothing at {path}"
        if build.get("cache_enable") and not build.get("cache_dir_type"):
            build["cache_dir_type"] = "user_defined"  # the page writes one of the two
        return f"{path}={value!r}"

    def of_template(self, build: Stored, *, silent: bool) -> str:
        target = self.random.choice(build["targets"])
        what = self.pick("env", "env", "env", "no repos", "a repo", "repo", "target", *(() if silent else ("vm",)))
        if what == "env":
            env = self.random.choice(target["envs"])
            env.update(self.pick(*INPUTS))
            return f"{env}"
        if what in ("no repos", "a repo"):
            target["repos"] = [] if what == "no repos" else [copy.deepcopy(PLAIN["repos"][0])]
        elif what == "repo" and target.get("repos"):
            target["repos"][0].update(more := self.pick(*REPOSITORIES))
            return f"repo {more}"
        elif what == "target" and len(build["targets"]) < 3:
            build["targets"].append({**copy.deepcopy(target), "service_module": self.pick("api", "db", "web")})
        elif what == "vm":
            build["vm_labels"] = self.pick([], ["linux"])
        return what  # type: ignore[no-any-return]

    def convert(self, build: Stored) -> str:
        """Give it another template, make it a plain build, or one of a template."""
        if not build["template_id"]:
            build.update(template_id=TEMPLATE_ID, targets=made(TEMPLATE)["targets"])
            return "to a template"
        if self.random.random() < 0.5:
            build["template_id"] = OTHER_ID if build["template_id"] == TEMPLATE_ID else TEMPLATE_ID
            for target in build["targets"]:
                target["envs"] = merge(copy.deepcopy(VARIABLES[build["template_id"]]), target["envs"])
            return "another template"
        fresh = made(PLAIN)
        build.update(
            {key: fresh[key] for key in ("pre_build", "post_build", "outputs", "script_type", "infrastructure")}
        )
        build.update(template_id="", targets=[{**target, "envs": [], "repos": []} for target in build["targets"]])
        return "to plain"
