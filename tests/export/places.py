"""The oracle of what an export promises: where the store keeps things, and how a note has to call each place.

    place of the store ─► words of a note      "pre_build.envs.1.value" ─► "parameters[PW].default_value"

Written from the contract, and not from the mapping under test. A difference between a build that was there and
the one that was made from its definition is explained where a note names its place, or what that is inside of.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from reconciler.emulator.variables import merge
from reconciler.model.build import Build, Element, elements_of
from reconciler.model.definition import Desired
from reconciler.model.secret import Secret
from tests.page import differences
from tests.rig import Stored

A = "advanced_settings"
_WORDS = {
    "scripts": "build_script",
    "timeout": f"{A}.timeout",
    "enable_privileged_mode": f"{A}.privileged_mode",
    "cache_enable": f"{A}.cache_setting",
    "cache_dir_type": f"{A}.cache_setting",
    "cache_user_dir": f"{A}.cache_setting",
    "pre_build.image_id": "build_os",
    "pre_build.cluster_id": f"{A}.cluster_name",
    "pre_build.strategy_id": f"{A}.strategy_name",
    "pre_build.use_host_docker_daemon": f"{A}.use_host_docker_daemon",
    "post_build.docker_build.source": "docker_build_step.dockerfile_source",
    "post_build.docker_build.work_dir": "docker_build_step.build_context_dir",
    "post_build.docker_build.docker_file": "docker_build_step.dockerfile_directory",
    "post_build.docker_build.platform": "docker_build_step.platforms",
    "post_build.docker_build.template_id": "docker_build_step.template_name",
}
_BEGINNINGS = {
    "pre_build.res_req_spec.": f"{A}.resource_spec.",
    "post_build.docker_build.": "docker_build_step.",
    "pre_build.storages.": f"{A}.storages.",
}
_LISTS = (
    (r"targets\.(\d+)\.repos", "target_services[{}].repo_info", ("repo_owner", "repo_name")),
    (r"targets\.(\d+)\.envs", "target_services[{}].inputs", ("key",)),
    (r"targets", "services", ("service_name", "service_module")),
    (r"repos", "repo_info", ("repo_owner", "repo_name")),
    (r"pre_build\.envs", "parameters", ("key",)),
    (r"pre_build\.installs", "installs", ("name",)),
    (r"pre_build\.storages\.storages_properties", f"{A}.storages.storages_properties", ("mount_path",)),
    (r"pre_build\.custom_labels", f"{A}.custom_labels", ("key",)),
    (r"pre_build\.custom_annotations", f"{A}.custom_annotations", ("key",)),
)
"""Lists: where they are in the store, what notes call them, and what names an element."""

_LEAVES = {"codehost_id": "codehost_name", "source": "codehost_name", "repo_owner": "repo_namespace"}

_SHOWN = re.compile(
    r"name|product_name|template_id|scripts|timeout|cache_enable|cache_user_dir|outputs\..*|post_build\..*"
    r"|(targets\.\d+\.)?repos\.\d+\.(source|repo_owner|repo_name|branch|remote_name|checkout_path|submodules|hidden)"
    r"|pre_build\.(image_id|cluster_id|strategy_id|installs\..*|res_req_spec\..*|use_host_docker_daemon)"
    r"|pre_build\.envs\.\d+\.(key|value|type|is_credential)"
    r"|targets\.\d+\.(service_name|service_module|envs\.\d+\.(key|value|type|is_credential|choice_.*))"
)
"""What detail shows (contract, section 2); of the others nobody can say anything without the internal read."""


def is_shown(place: str) -> bool:
    """Tell whether the documented answers show what the store has here."""
    return _SHOWN.fullmatch(place) is not None


def called(build: Stored, place: str) -> str:
    """Return what a note has to call a place of a build's document in the store."""
    if place in _WORDS:
        return _WORDS[place]
    if match := re.fullmatch(r"outputs\.(\d+)\.description", place):
        return f"outputs[{build['outputs'][int(match[1])]['name']}].description"
    if place.startswith("outputs"):
        return f"{A}.outputs"
    for pattern, name, keys in _LISTS:
        if match := re.fullmatch(rf"({pattern})\.(\d+)\.(\w+).*", place):
            return _in_list(build, match, name, keys)
    for beginning, words in _BEGINNINGS.items():
        if place.startswith(beginning):
            return words + place.removeprefix(beginning)
    return place


def _in_list(build: Stored, match: re.Match[str], name: str, keys: tuple[str, ...]) -> str:
    *_, number, leaf = match.groups()
    if name == "services" and build.get("template_id"):
        name = "target_services"
    if "{}" in name:
        name = name.format(_names(build["targets"], ("service_name", "service_module"))[int(match[2])])
    items: Any = build
    for step in match[1].split("."):
        items = items[int(step)] if step.isdigit() else items[step]
    leaf = {**_LEAVES, **({"value": "default_value"} if name == "parameters" else {})}.get(leaf, leaf)
    return f"{name}[{_names(items, keys)[int(number)]}].{leaf}"


def _names(items: list[Stored], keys: tuple[str, ...]) -> list[str]:
    """Return what each element of a list is called: its key, "#2" behind that of a second one."""
    seen: Counter[str] = Counter()
    found = []
    for item in items:
        texts = (str(item.get(key) or "") for key in keys)
        name = "/".join(text.strip("/") if "repo_name" in keys else text for text in texts)
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return found


def untold(before: Stored, after: Stored, notes: Collection[str], world: Mapping[str, Any], *, deep: bool) -> set[str]:
    """Return the places in which a build is not what it was, though no note names them.

    Args:
        notes: the paths that notes name.
        world: what surrounds the builds, such as `world.json`.
        deep: the internal read was served; without it what detail does not show is nobody's to name.
    """
    before, after = _meant(before, world), _meant(after, world)
    return {
        f"{place} ({words})"
        for place in differences(before, after) - dead(before)
        if (deep or is_shown(place)) and not (before.get("template_id") and not place.startswith("targets"))
        for words in [_called(before, after, place)]
        if not any(words == note or words.startswith((f"{note}.", f"{note}[")) for note in notes)
    }


def _meant(build: Stored, world: Mapping[str, Any]) -> Stored:
    """Return a build with what the platform takes for granted where a document does not say it.

    Old builds have no kinds, outputs without the server's own, and repositories without a namespace; a strategy that
    is gone is none; targets hold what they have beside their template (contract, sections 1, 2 and 7).
    """
    build = copy.deepcopy(build)
    build["infrastructure"] = build.get("infrastructure") or "kubernetes"
    build["script_type"] = build.get("script_type") or "shell"
    build["outputs"] = _with_the_servers_own(build.get("outputs") or [])
    targets = build.get("targets") or []
    for repository in [*(build.get("repos") or []), *(one for target in targets for one in target.get("repos") or [])]:
        repository["repo_namespace"] = repository.get("repo_namespace") or repository["repo_owner"]
    strategies = {one["id"] for cluster in world["clusters"] for one in cluster["strategies"]}
    pre = build.get("pre_build") or {}
    if pre.get("strategy_id") not in strategies:
        pre["strategy_id"] = ""
    variables = {one["id"]: one["variables"] for one in world["build_templates"]}.get(build.get("template_id", ""))
    for target in targets if variables else []:
        target["envs"] = _merged(variables or [], target.get("envs") or [])
    return build


def _merged(variables: list[Stored], own: list[Stored]) -> list[Stored]:
    """Return a target's inputs in the template's order, what the template does not know behind them."""
    types = {variable["key"]: variable.get("type") for variable in variables}
    inputs = [{**one, "type": one.get("type") or types.get(one["key"], "")} for one in own]
    return merge(variables, inputs) + [one for one in inputs if one["key"] not in types]


def _with_the_servers_own(outputs: list[Stored]) -> list[Stored]:
    own = [{"name": "IMAGE"}, {"name": "PKG_FILE"}]
    for number, output in enumerate(own):
        if [one["name"] for one in outputs[number : number + 1]] != [output["name"]]:
            outputs = [*outputs[:number], output, *outputs[number:]]
    return outputs


def _called(before: Stored, after: Stored, place: str) -> str:
    try:
        return called(before, place)
    except (IndexError, KeyError, TypeError):
        return called(after, place)


def dead(build: Stored) -> set[str]:
    """Return places that nothing in the platform reads, as the rest of the build is (contract, section 1)."""
    found = {"source"} if not build.get("source") else set()
    docker = (build.get("post_build") or {}).get("docker_build") or {}
    if docker.get("source") == "template":
        found.add("post_build.docker_build.docker_file")
    if docker.get("source") == "local":
        found |= {"post_build.docker_build.template_id", "post_build.docker_build.template_name"}
    return found


def environment(desired: Desired, stored: Mapping[str, Stored]) -> dict[str, str]:
    """Return the value of every variable that the definitions read, from the store."""
    return {
        secret.name: value
        for definition in desired.definitions
        for secret, value in _secrets(definition.build, stored[definition.build.name])
        if secret.name
    }


def _secrets(build: Build, held: Stored) -> Iterator[tuple[Secret, str]]:
    envs = [one for one in (held.get("pre_build") or {}).get("envs") or [] if one]
    for element, one in zip(elements_of(build.values.get("parameters")), envs, strict=False):
        yield from _secret(element, "default_value", one)
    for target in elements_of(build.values.get("target_services")):
        pair = (target.values["service_name"], target.values["service_module"])
        mine = next(t for t in held["targets"] if (t["service_name"], t["service_module"]) == pair)
        for element in elements_of(target.values.get("inputs")):
            one = next(env for env in mine["envs"] if env["key"] == element.values["key"])
            yield from _secret(element, "value", one)


def _secret(element: Element, leaf: str, held: Stored) -> Iterator[tuple[Secret, str]]:
    value = element.values.get(leaf)
    if isinstance(value, Secret):
        yield value, held["value"]
