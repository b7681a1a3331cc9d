"""What holds for all definitions, and not for examples only.

The oracle is a model of its own: `applied` says what the server has to hold after a definition (who last set
what), `held` reads the same from the server's store. Neither uses the table of fields or the mapping under
test. Several builds go into one example, because a run costs more than a build does.
"""

from __future__ import annotations

import base64
import copy
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.compare.diff import diff
from reconciler.compare.explain import differing
from reconciler.compare.facts import canonical, project
from reconciler.compare.knowledge import know
from reconciler.model.change import ChangeKind
from reconciler.model.fields import ROWS
from reconciler.model.live import LiveBuild, Stamps
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action, Block
from reconciler.plan.whole import whole
from reconciler.report.document import dump, plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_outcome, render_plan
from tests.rig import Rig, Stored

Doc = dict[str, Any]
Model = dict[str, Any]


def examples(number: int) -> settings:
    return settings(
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=number,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


@contextmanager
def new_rig() -> Iterator[Rig]:
    """A rig for one example: hypothesis runs many in one test."""
    with tempfile.TemporaryDirectory() as folder:
        yield Rig(Path(folder))


# definitions ---------------------------------------------------------------------------------------------

ABSENT = object()
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
LINES = st.lists(TEXT, max_size=3).map("\n".join) | TEXT.map(lambda text: f"{text}\n")
WORD = st.from_regex(r"[a-z0-9.-]{1,5}", fullmatch=True)
KEY = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,3}", fullmatch=True)
NUMBER = st.integers(0, 5000)
LOCAL, GPU = "local-20250523164625", "gpu-cluster"


def maybe(strategy: st.SearchStrategy[Any], *, null: bool = True) -> st.SearchStrategy[Any]:
    """A value, null, or nothing at all."""
    choices = [st.just(ABSENT), strategy, strategy]
    return st.one_of(*choices, *([st.none()] if null else []))


@st.composite
def objects(draw: st.DrawFn, **fields: st.SearchStrategy[Any]) -> Doc:
    """An object without its absent fields."""
    drawn = {name: draw(strategy) for name, strategy in fields.items()}
    return {name: value for name, value in drawn.items() if value is not ABSENT}


def unique(element: st.SearchStrategy[Doc], *keys: str, most: int = 3, least: int = 0) -> st.SearchStrategy[list[Doc]]:
    by = lambda item: tuple(item.get(key, "") for key in keys)  # noqa: E731
    return st.lists(element, min_size=least, max_size=most, unique_by=by)


def slashed(word: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return word | word.map(lambda text: f"/{text}/")


REPOSITORY = objects(
    codehost_name=st.sampled_from(["gitlab", "github-demo", "other-git"]),
    repo_namespace=slashed(WORD),
    repo_name=slashed(WORD | st.just("demo")),
    branch=maybe(TEXT),
    remote_name=maybe(TEXT),
    checkout_path=maybe(TEXT),
    submodules=maybe(st.booleans()),
    enable_commit=maybe(st.booleans()),
    commit_id=maybe(TEXT),
)
REPOSITORIES = st.lists(REPOSITORY, max_size=3)
INSTALLS = unique(objects(name=TEXT.filter(bool), version=maybe(TEXT)), "name")
SERVICES = unique(objects(service_name=WORD, service_module=maybe(WORD, null=False)), "service_name", "service_module")
PAIRS = unique(objects(key=KEY, value=maybe(TEXT)), "key")
STORAGES = unique(
    objects(
        mount_path=TEXT.filter(bool),
        provision_type=maybe(st.sampled_from(["dynamic", "static", ""])),
        access_mode=maybe(st.sampled_from(["ReadWriteOnce", "ReadOnlyMany", ""])),
        storage_class=maybe(TEXT),
        storage_size_in_gib=maybe(NUMBER),
        pvc=maybe(TEXT),
        subpath=maybe(TEXT),
        is_temporary=maybe(st.booleans()),
    ),
    "mount_path",
)


@st.composite
def parameters(draw: st.DrawFn) -> Doc:
    item = draw(
        objects(
            key=KEY,
            type=maybe(st.sampled_from(["string", "choice", "multi-select", ""])),
            default_value=maybe(LINES),
            choice_option=maybe(st.lists(TEXT, max_size=3)),
            is_credential=maybe(st.booleans()),
            description=maybe(TEXT),
        )
    )
    options = item.get("choice_option")
    chosen = st.lists(st.sampled_from(options) if options else TEXT, max_size=2) if options != [] else st.just([])
    value = draw(maybe(chosen))
    if value is not ABSENT:
        item["choice_value"] = value
    if item.get("is_credential"):
        item["default_value"] = draw(LINES)
    return item


@st.composite
def docker_steps(draw: st.DrawFn) -> Doc:
    path = TEXT.map(str.strip)
    step = draw(
        objects(
            dockerfile_source=st.sampled_from(["local", "template"]),
            build_context_dir=maybe(path),
            build_args=maybe(TEXT),
            enable_buildkit=maybe(st.booleans()),
            platforms=maybe(TEXT),
        )
    )
    mine, other = "dockerfile_directory", "template_name"
    if step["dockerfile_source"] == "template":
        step["template_name"] = "go-dockerfile"
        other = mine
    elif (directory := draw(maybe(path))) is not ABSENT:
        step[mine] = directory
    if (empty := draw(maybe(st.just("")))) is not ABSENT:
        step[other] = empty
    return step


@st.composite
def resources(draw: st.DrawFn) -> Doc:
    gpu = st.sampled_from(["", "nvidia.com/gpu:1", "a/b:2"])
    spec = draw(
        objects(
            cpu_req=maybe(NUMBER),
            cpu_limit=maybe(NUMBER),
            memory_req=maybe(NUMBER),
            memory_limit=maybe(NUMBER),
            gpu_limit=maybe(gpu),
        )
    )
    for what in ("cpu", "memory"):
        request, limit = spec.get(f"{what}_req"), spec.get(f"{what}_limit")
        if request and limit and request > limit:
            spec[f"{what}_req"] = limit
    return spec


CACHES = st.one_of(
    st.just({}),
    objects(enabled=st.just(True), cache_dir=TEXT.filter(bool)),
    objects(enabled=st.just(False), cache_dir=maybe(st.just(""))),
    st.just({"enabled": None}),
)


@st.composite
def advanced(draw: st.DrawFn) -> Doc:
    names = st.lists(TEXT.filter(lambda t: t not in ("", "IMAGE", "PKG_FILE")), max_size=3, unique=True)
    block = draw(
        objects(
            cluster_name=maybe(st.sampled_from([LOCAL, GPU])),
            timeout=maybe(NUMBER),
            resource_spec=maybe(resources()),
            use_host_docker_daemon=maybe(st.booleans()),
            privileged_mode=maybe(st.booleans()),
            cache_setting=maybe(CACHES),
            storages=maybe(objects(enabled=maybe(st.booleans()), storages_properties=maybe(STORAGES))),
            custom_annotations=maybe(PAIRS),
            custom_labels=maybe(PAIRS),
            outputs=maybe(names),
        )
    )
    cluster = block.get("cluster_name", ABSENT)
    known = {ABSENT: [], None: ["default", "big-nodes"], LOCAL: ["default", "big-nodes"], GPU: ["any"]}[cluster]
    strategy = draw(maybe(st.sampled_from(["", *known])))
    if strategy is not ABSENT:
        block["strategy_name"] = strategy
    return block


PLAINS = objects(
    project_key=st.just("yaml"),
    infrastructure=st.sampled_from(["kubernetes", "vm"]),
    build_os=st.sampled_from(["ubuntu 18.04", "ubuntu 20.04", "company-go"]),
    script_type=st.sampled_from(["shell", "batch_file", "powershell"]),
    installs=maybe(INSTALLS),
    build_script=maybe(LINES),
    repo_info=maybe(REPOSITORIES),
    parameters=maybe(unique(parameters(), "key")),
    services=maybe(SERVICES),
    docker_build_step=maybe(docker_steps()),
    advanced_settings=maybe(advanced()),
)
VARIABLES = {
    "name": ("admin", "string", False),
    "mode": ("fast", "choice", False),
    "pw": ("templ-secret", "string", True),
}


@st.composite
def inputs(draw: st.DrawFn) -> list[Doc]:
    """Inputs of the template's own types: what other builds of a template show of it must not be a mistake."""
    found = []
    for key in draw(st.lists(st.sampled_from(sorted(VARIABLES)), max_size=3, unique=True)):
        _, kind, credential = VARIABLES[key]
        item = draw(
            objects(
                value=maybe(LINES, null=False),
                type=maybe(st.just(kind), null=False),
                is_credential=maybe(st.just(credential), null=False),
            )
        )
        found.append({"key": key, **item})
    return found


TARGETS = unique(
    objects(service_name=WORD, service_module=WORD, repo_info=maybe(REPOSITORIES), inputs=maybe(inputs())),
    "service_name",
    "service_module",
    least=1,
)
TEMPLATES = objects(project_key=st.just("yaml"), template_name=st.just("demo-template"), target_services=TARGETS)
NAME = st.from_regex(r"[a-z0-9-]{0,6}", fullmatch=True)


@st.composite
def trees(draw: st.DrawFn, least: int = 1, most: int = 5) -> list[Doc]:
    """A few definitions of different names."""
    drawn = draw(st.lists(PLAINS | TEMPLATES, min_size=least, max_size=most))
    return [{"name": f"{draw(NAME)}{n}", **document} for n, document in enumerate(drawn)]


@st.composite
def successions(draw: st.DrawFn) -> list[tuple[Doc, Doc]]:
    """A few builds, each defined twice, of one kind."""
    pairs = draw(st.lists(st.tuples(PLAINS, PLAINS) | st.tuples(TEMPLATES, TEMPLATES), min_size=1, max_size=5))
    return [({"name": f"b{n}", **a}, {"name": f"b{n}", **b}) for n, (a, b) in enumerate(pairs)]


# the model -----------------------------------------------------------------------------------------------

CLUSTERS = {"0123456789abcdef12345678": LOCAL, "5123456789abcdef12345678": GPU}
STRATEGIES = {"": "", "aaaa1": "default", "aaaa2": "big-nodes", "bbbb1": "any"}
IMAGES = {
    "63047770931401b9baa6e395": "ubuntu 18.04",
    "63047770931401b9baa6e396": "ubuntu 20.04",
    "63047770931401b9baa6e397": "company-go",
}
HOSTS = {1: "gitlab", 2: "github-demo", 4: "other-git"}
REPO_EMPTY = {
    **dict.fromkeys(("codehost_name", "repo_namespace", "repo_name"), ""),
    **dict.fromkeys(("branch", "remote_name", "checkout_path", "commit_id"), ""),
    "submodules": False,
    "enable_commit": False,
}
PARAMETER_EMPTY = {
    **dict.fromkeys(("key", "type", "default_value", "description"), ""),
    "choice_option": [],
    "choice_value": [],
    "is_credential": False,
}
STORAGE_EMPTY = {
    **dict.fromkeys(("mount_path", "provision_type", "access_mode", "storage_class", "pvc", "subpath"), ""),
    "storage_size_in_gib": 0,
    "is_temporary": False,
}
DOCKER_EMPTY = {
    **dict.fromkeys(("dockerfile_source", "build_context_dir", "dockerfile_directory", "build_args"), ""),
    **dict.fromkeys(("template_name", "platforms"), ""),
    "enable_buildkit": False,
}
SPEC_EMPTY = {"cpu_req": 0, "cpu_limit": 1000, "memory_req": 0, "memory_limit": 512, "gpu_limit": ""}
ADVANCED_EMPTY: Model = {
    "cluster_name": LOCAL,
    "strategy_name": "default",
    "timeout": 60,
    "resource_spec": SPEC_EMPTY,
    "use_host_docker_daemon": False,
    "privileged_mode": False,
    "cache_setting": {"enabled": False, "cache_dir": ""},
    "storages": {"enabled": False, "storages_properties": []},
    "custom_annotations": [],
    "custom_labels": [],
    "outputs": [],
}
PLAIN_EMPTY: Model = {
    "installs": [],
    "build_script": "",
    "repo_info": [],
    "parameters": [],
    "services": [],
    "docker_build_step": None,
    "advanced_settings": ADVANCED_EMPTY,
}


def applied(document: Doc, before: Model | None = None) -> Model:
    """What the server has to hold after this definition: declared is set, null is the default, absent is kept."""
    if "template_name" in document:
        return _applied_template(document, before)
    old = before or {}
    new = {key: document[key] for key in ("infrastructure", "build_os", "script_type")}
    new["build_script"] = _leaf(document, old, "build_script", "")
    new["installs"] = _list(document, old, "installs", ("name",), {"name": "", "version": ""})
    new["repo_info"] = _list(document, old, "repo_info", ("repo_namespace", "repo_name"), REPO_EMPTY)
    new["parameters"] = _list(document, old, "parameters", ("key",), PARAMETER_EMPTY)
    pair = {"service_name": "", "service_module": ""}
    new["services"] = _list(document, old, "services", ("service_name", "service_module"), pair)
    new["docker_build_step"] = _docker(document, old)
    new["advanced_settings"] = _advanced(document, old, create=before is None)
    return new


def _applied_template(document: Doc, before: Model | None) -> Model:
    old = {_key(t, ("service_name", "service_module")): t for t in (before or {}).get("target_services", [])}
    targets = []
    for target in document["target_services"]:
        was = old.get(_key(target, ("service_name", "service_module")), {})
        repos = _list(target, was, "repo_info", ("repo_namespace", "repo_name"), REPO_EMPTY)
        variables = dict(was.get("inputs", {key: values[0] for key, values in VARIABLES.items()}))
        variables |= {item["key"]: item["value"] for item in target.get("inputs") or [] if "value" in item}
        names = {key: target[key] for key in ("service_name", "service_module")}
        targets.append({**names, "repo_info": repos, "inputs": variables})
    return {"template_name": document["template_name"], "target_services": targets}


def _leaf(document: Doc, old: Model, key: str, default: Any) -> Any:
    value = document.get(key, old.get(key, default))
    return default if value is None else value


def _key(element: Doc, keys: tuple[str, ...]) -> tuple[str, ...]:
    tidy = keys == ("repo_namespace", "repo_name")
    texts = [element.get(key, "") for key in keys]
    return tuple(t.removeprefix("/").removesuffix("/") if tidy else t for t in texts)


def _numbered(elements: list[Doc], keys: tuple[str, ...]) -> list[tuple[Any, Doc]]:
    """Each element with its key and the how-manieth of that key it is."""
    seen: Counter[Any] = Counter()
    found = []
    for element in elements:
        key = _key(element, keys)
        seen[key] += 1
        found.append(((key, seen[key]), element))
    return found


def _list(document: Doc, old: Model, name: str, keys: tuple[str, ...], empty: Doc) -> list[Doc]:
    was = old.get(name, [])
    if name not in document:
        return was
    known = dict(_numbered(was, keys))
    return [
        {leaf: _leaf(element, known.get(key, {}), leaf, default) for leaf, default in empty.items()}
        for key, element in _numbered(document[name] or [], keys)
    ]


def _docker(document: Doc, old: Model) -> Doc | None:
    was: Doc | None = old.get("docker_build_step")
    given = document.get("docker_build_step", was)
    if given is None:
        return None
    step = {leaf: _leaf(given, was or {}, leaf, default) for leaf, default in DOCKER_EMPTY.items()}
    step["template_name" if step["dockerfile_source"] == "local" else "dockerfile_directory"] = ""
    return step


def _advanced(document: Doc, old: Model, *, create: bool) -> Model:
    was: Model = old.get("advanced_settings", ADVANCED_EMPTY)
    block = document.get("advanced_settings", {})
    if block is None:
        return ADVANCED_EMPTY
    if create and not _declares(block):
        return was
    new = dict(was)
    for key in ("timeout", "use_host_docker_daemon", "privileged_mode", "outputs"):
        new[key] = _leaf(block, was, key, ADVANCED_EMPTY[key])
    for key in ("custom_annotations", "custom_labels"):
        new[key] = _list(block, was, key, ("key",), {"key": "", "value": ""})
    new["cluster_name"] = _leaf(block, was, "cluster_name", LOCAL)
    kept = "" if create or new["cluster_name"] != was["cluster_name"] else was["strategy_name"]
    new["strategy_name"] = _leaf(block, {"strategy_name": kept}, "strategy_name", "")
    spec = _inside(block, "resource_spec", SPEC_EMPTY)
    new["resource_spec"] = {leaf: _leaf(spec, was["resource_spec"], leaf, d) for leaf, d in SPEC_EMPTY.items()}
    cache = _inside(block, "cache_setting", {"enabled": 0})
    new["cache_setting"] = {
        "enabled": _leaf(cache, was["cache_setting"], "enabled", False),
        "cache_dir": _leaf(cache, was["cache_setting"], "cache_dir", ""),
    }
    if not new["cache_setting"]["enabled"]:
        new["cache_setting"]["cache_dir"] = ""
    storages = _inside(block, "storages", {"enabled": 0, "storages_properties": 0})
    new["storages"] = {
        "enabled": _leaf(storages, was["storages"], "enabled", False),
        "storages_properties": _list(storages, was["storages"], "storages_properties", ("mount_path",), STORAGE_EMPTY),
    }
    return new


def _inside(block: Doc, key: str, leaves: Doc) -> Doc:
    """The object under a key; null there is null for each setting in it."""
    found = block.get(key, {})
    return dict.fromkeys(leaves) if found is None else found


def _declares(block: Doc) -> bool:
    return any(value != {} for value in block.values())


def held(stored: Stored) -> Model:
    """The same, read from the server's store; what is a set there is sorted by `alike`."""
    if stored.get("template_id"):
        return _held_template(stored)
    pre_build = stored["pre_build"]
    return {
        "infrastructure": stored["infrastructure"],
        "script_type": stored["script_type"],
        "build_os": IMAGES[pre_build["image_id"]],
        "build_script": stored["scripts"],
        "installs": [_cut(item, {"name": "", "version": ""}) for item in pre_build["installs"]],
        "repo_info": [_repository(repo) for repo in stored["repos"]],
        "parameters": [_cut({**e, "default_value": e["value"]}, PARAMETER_EMPTY) for e in pre_build["envs"]],
        "services": [_cut(t, {"service_name": "", "service_module": ""}) for t in stored["targets"]],
        "docker_build_step": _held_docker(stored),
        "advanced_settings": _held_advanced(stored),
    }


def _held_template(stored: Stored) -> Model:
    assert stored["template_id"] == "64a0000000000000000000aa"
    targets = []
    for target in stored["targets"]:
        envs = {e["key"]: e for e in target["envs"]}
        assert {k: (e["type"], e["is_credential"]) for k, e in envs.items() if k in VARIABLES} == {
            key: values[1:] for key, values in VARIABLES.items()
        }
        assert envs["flags"]["choice_value"] == ["a"]
        targets.append(
            {
                "service_name": target["service_name"],
                "service_module": target["service_module"],
                "repo_info": [_repository(repo) for repo in target.get("repos") or []],
                "inputs": {key: envs[key]["value"] for key in VARIABLES},
            }
        )
    return {"template_name": "demo-template", "target_services": targets}


def _cut(stored: Stored, empty: Doc) -> Doc:
    return {key: default if stored.get(key) is None else stored[key] for key, default in empty.items()}


def _repository(repo: Stored) -> Doc:
    """The name is stored without the slashes that a code host of type `other` cuts; the namespace is whole."""
    return {**_cut(repo, REPO_EMPTY), "codehost_name": HOSTS[repo["codehost_id"]]}


def _held_docker(stored: Stored) -> Doc | None:
    step = stored["post_build"]["docker_build"]
    if step is None:
        return None
    names = {"build_context_dir": "work_dir", "dockerfile_directory": "docker_file", "platforms": "platform"}
    names["dockerfile_source"] = "source"
    return {leaf: step[names.get(leaf, leaf)] for leaf in DOCKER_EMPTY}


def _held_advanced(stored: Stored) -> Model:
    pre_build = stored["pre_build"]
    storages = pre_build["storages"] or {}
    first, second, *outputs = [output["name"] for output in stored["outputs"]]
    assert (first, second) == ("IMAGE", "PKG_FILE")
    return {
        "cluster_name": CLUSTERS[pre_build["cluster_id"]],
        "strategy_name": STRATEGIES[pre_build["strategy_id"]],
        "timeout": stored["timeout"],
        "resource_spec": _cut(pre_build["res_req_spec"], dict.fromkeys(SPEC_EMPTY, 0) | {"gpu_limit": ""}),
        "use_host_docker_daemon": pre_build["use_host_docker_daemon"],
        "privileged_mode": stored["enable_privileged_mode"],
        "cache_setting": {"enabled": stored["cache_enable"], "cache_dir": stored["cache_user_dir"]},
        "storages": {
            "enabled": storages.get("enabled", False),
            "storages_properties": [_cut(s, STORAGE_EMPTY) for s in storages.get("storages_properties") or []],
        },
        "custom_annotations": [_cut(p, {"key": "", "value": ""}) for p in pre_build["custom_annotations"]],
        "custom_labels": [_cut(p, {"key": "", "value": ""}) for p in pre_build["custom_labels"]],
        "outputs": outputs,
    }


SETS = {"services", "custom_annotations", "custom_labels", "target_services", "storages_properties"}


def alike(model: Any, name: str = "") -> Any:
    """A model in one form: sets sorted, repositories of `other-git` named as they are stored."""
    if isinstance(model, dict):
        level = {key: alike(value, key) for key, value in model.items()}
        if level.get("codehost_name") == "other-git":
            level["repo_name"] = level["repo_name"].removeprefix("/").removesuffix("/")
        return level
    if isinstance(model, list):
        items = [alike(item) for item in model]
        return sorted(items, key=json.dumps) if name in SETS else items
    return model


def write_all(rig: Rig, documents: list[Doc]) -> None:
    for document in documents:
        rig.write(document, file=f"{document['name']}.json")


def not_kept(rig: Rig) -> list[Any]:
    """What a plan holds beside keeps that say nothing."""
    return [
        (step.name, step.action, step.changes, step.blocked)
        for step in rig.plan().steps
        if step.action is not Action.KEEP or step.blocked or step.changes
    ]


def store(rig: Rig, documents: list[Doc]) -> dict[str, Any]:
    return {document["name"]: alike(held(rig.stored(document["name"]))) for document in documents}


# properties of apply and plan ----------------------------------------------------------------------------


@given(documents=trees())
@examples(25)
def test_after_an_apply_the_server_holds_what_was_declared_and_the_plan_is_empty(documents: list[Doc]):
    """Readable and unreadable alike; a second apply sends nothing; with a new ledger too nothing differs."""
    with new_rig() as rig:
        write_all(rig, documents)
        rig.applied()
        assert store(rig, documents) == {d["name"]: alike(applied(d)) for d in documents}
        assert not_kept(rig) == []
        rig.quiet()
        rig.applied()
        assert rig.requests("POST", "PUT", "DELETE") == []
        rig.forget()
        assert rig.plan().empty


@given(pairs=successions())
@examples(25)
def test_what_a_definition_leaves_out_stays_as_the_one_before_set_it(pairs: list[tuple[Doc, Doc]]):
    """A, then B: every setting is as the last of the two that declared it says, and the plan is empty."""
    with new_rig() as rig:
        write_all(rig, [a for a, _ in pairs])
        rig.applied()
        write_all(rig, [b for _, b in pairs])
        rig.applied()
        expected = {a["name"]: alike(applied(b, applied(a))) for a, b in pairs}
        assert store(rig, [b for _, b in pairs]) == expected
        assert rig.plan().empty
        rig.quiet()
        rig.applied()
        assert rig.requests("POST", "PUT", "DELETE") == []
        rig.forget()
        assert rig.plan().empty


@given(documents=trees(least=2), data=st.data())
@examples(20)
def test_the_same_definitions_in_another_order_give_the_same_bytes(documents: list[Doc], data: st.DataObject):
    """Written in another order: the same JSON. In files of other names: the same but for the files' names."""
    order = data.draw(st.permutations(documents))
    plans = []
    for turn, listed in enumerate((documents, order, order)):
        with new_rig() as rig:
            for number, document in enumerate(listed):
                name = document["name"] if turn < 2 else f"{number}/{number}"
                rig.write(document, file=f"{name}.json")
            plans.append(plan_document(rig.plan()))
    assert dump(plans[0]) == dump(plans[1])
    for document in plans:
        for step in document["steps"]:
            assert step.pop("definition")["line"] == 1
    assert dump(plans[0]) == dump(plans[2])


@given(document=PLAINS | TEMPLATES)
@examples(60)
def test_a_build_compared_with_itself_has_no_difference(document: Doc):
    """Its two projections are equal, nothing is new, gone, moved or unknown."""
    with new_rig() as rig:
        rig.write({"name": "b", **document})
        (definition,) = rig.load().definitions
    build = whole(definition.build, None, LOCAL, {}).send
    live = LiveBuild(build.project, build.name, "zadig", Stamps(1, "admin"), build=build)
    assert diff(build, know(live, None), LOCAL) == ()
    facts = project(ROWS[build.kind], build.values, build.values, LOCAL, lambda path: path == "advanced_settings")
    assert canonical(facts.have) == canonical(facts.want)
    assert differing(facts.have, facts.want) == []
    assert (facts.new, facts.gone, facts.unknown, facts.unset) == ({}, {}, {}, {})
    assert all(have == want for have, want in facts.orders.values())


# deepdiff ------------------------------------------------------------------------------------------------

LEAVES = st.text(max_size=4) | st.integers(-2, 2) | st.booleans() | st.sampled_from(["1", "True", "", "[]", "{}"])
KEYS = st.text(st.sampled_from("ab_.['\"]#/ é"), max_size=4) | st.sampled_from(["__a", "__", "a.b", "root['a']"])
NESTED: st.SearchStrategy[Any] = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda inner: st.dictionaries(KEYS, LEAVES | inner, max_size=3),
    max_leaves=8,
)


def paths_that_differ(have: Any, want: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The plain definition of a difference."""
    if isinstance(have, dict) and isinstance(want, dict):
        found = {(*path, key) for key in have.keys() ^ want.keys()}
        return found.union(*(paths_that_differ(have[k], want[k], (*path, k)) for k in have.keys() & want.keys()))
    return set() if type(have) is type(want) and have == want else {path}


@st.composite
def pairs_of_trees(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two trees; often the second is the first with something changed in it."""
    have = draw(NESTED)
    if draw(st.booleans()):
        return have, draw(NESTED)
    want = copy.deepcopy(have)
    level = want
    while level:
        key = draw(st.sampled_from(sorted(level)))
        if isinstance(level[key], dict) and level[key] and draw(st.booleans()):
            level = level[key]
            continue
        level[key] = draw(LEAVES)
        break
    return have, want


@given(pair=pairs_of_trees())
@examples(150)
def test_deepdiff_sees_a_difference_exactly_when_the_bytes_differ(pair: tuple[Any, Any]):
    """And it names exactly the paths that differ: a value, a type, a key more or less, whatever the key is."""
    have, want = pair
    found = differing(have, want)
    assert (canonical(have) != canonical(want)) == (found != [])
    assert set(found) == paths_that_differ(have, want)
    assert found == sorted(found)


@given(tree=NESTED)
@examples(50)
def test_the_order_of_keys_does_not_count(tree: Any):
    turned = dict(reversed(list(tree.items())))
    assert canonical(tree) == canonical(turned)
    assert differing(tree, turned) == []


# secrets -------------------------------------------------------------------------------------------------

CANARY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=6)


def forms(secret: str) -> list[bytes]:
    """A secret as it might stand in an output: raw, escaped for JSON twice over, in base64, its lines alone."""
    encoded = base64.b64encode(secret.encode()).rstrip(b"=")[:-1]
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return [secret.encode(), encoded, *(text.encode() for text in escaped)]


@given(texts=st.lists(CANARY, min_size=8, max_size=8))
@examples(20)
def test_no_output_holds_the_clear_text_of_a_secret(texts: list[str]):
    """In a create, an update, a plan over somebody's change, and an ending; the store is shown to hold each one."""
    canaries = [f"cnry{n}Q{text}Z{n}yrnc" for n, text in enumerate(texts)]
    env, literal, new_env, new_literal, page, item, new_item, element = canaries
    flag = {"type": "string", "is_credential": True}
    outputs: list[str] = []

    def documents(script: str, *, first: str, tpl: str, extra: bool) -> None:
        parameters = [
            {"key": "ENV", "default_value": {"from_env": "BUILD_PW"}, **flag},
            {"key": "LIT", "default_value": first, **flag},
            {"key": "NOFLAG", "type": "string", "default_value": {"from_env": "BUILD_PW"}, "is_credential": False},
        ]
        if extra:
            parameters.append({"key": "EXTRA", "default_value": element, **flag})
        text = {"from_env": "BUILD_PW"} if extra else script
        rig.write({**plain_of("api"), "build_script": text, "parameters": parameters}, file="api.json")
        inputs = [{"key": "pw", "value": tpl}, {"key": "name", "value": {"from_env": "BUILD_PW"}}]
        target = {"service_name": "s", "service_module": "m", "inputs": inputs}
        names = {"name": "tpl", "project_key": "yaml", "template_name": "demo-template"}
        rig.write({**names, "target_services": [target]}, file="tpl.json")

    def look() -> None:
        plan = rig.plan()
        outputs.extend(render_plan(plan, style) for style in (Style(), Style(verbose=True)))
        outcomes = rig.apply()
        outputs.append("".join(render_outcome(plan, o, Ink()) for o in outcomes))
        outputs.append(dump(plan_document(plan, outcomes)))

    def values() -> list[str]:
        stored = rig.stored("api")
        envs = stored["pre_build"]["envs"] + rig.stored("tpl")["targets"][0]["envs"]
        return [stored["scripts"], *(e["value"] for e in envs)]

    with new_rig() as rig:
        rig.environ["BUILD_PW"] = env
        documents("a\n", first=literal, tpl=item, extra=True)
        look()
        reached = values()
        rig.environ["BUILD_PW"] = new_env
        look()
        reached += values()
        documents("b\n", first=new_literal, tpl=new_item, extra=False)
        look()
        reached += values()
        rig.meddle("api", lambda stored: stored["pre_build"]["envs"][0].update(value=page))
        rig.meddle("tpl", lambda stored: stored["targets"][0]["envs"][2].update(value=page))
        reached += values()
        look()
        rig.environ.clear()
        outputs.append(render_plan(rig.plan(), Style(verbose=True)))
        ledger = rig.ledger.read_bytes()
    assert set(canaries) <= set(reached)
    assert b"parameters[LIT].default_value" in ledger
    assert "parameters[LIT]" in "".join(outputs)
    found = {
        (place, where)
        for place, text in enumerate([*(text.encode() for text in outputs), ledger])
        for where, canary in enumerate(canaries)
        if any(form in text for form in forms(canary))
    }
    assert found == set()


def plain_of(name: str) -> Doc:
    kinds = {"infrastructure": "kubernetes", "build_os": "ubuntu 20.04", "script_type": "shell"}
    return {"name": name, "project_key": "yaml", **kinds}


# sequences -----------------------------------------------------------------------------------------------

PLAIN_EDITS = ("script", "timeout", "parameter", "services", "repositories", "null", "gone", "page-script")
SERVER_EDITS = (
    "touch",
    "live-script",
    "live-timeout",
    "live-privileged",
    "live-parameter",
    "live-post",
    "live-service",
)
EDITS = st.lists(
    st.tuples(
        st.lists(st.sampled_from((*PLAIN_EDITS, *SERVER_EDITS)), min_size=4, max_size=4),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


def edit_in_git(document: Doc, edit: str, turn: int) -> Doc | None:
    """The next definition of a build; None where Git has none any more."""
    if edit == "gone":
        return None
    more: Doc = {
        "script": {"build_script": f"turn {turn}\n"},
        "timeout": {"advanced_settings": {"timeout": turn + 1, "privileged_mode": turn % 2 == 0}},
        "parameter": {"parameters": [{"key": f"K{turn % 2}", "type": "string", "default_value": str(turn)}]},
        "services": {"services": [{"service_name": "s", "service_module": str(turn)}]},
        "repositories": {
            "repo_info": [
                {"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r", "enable_commit": turn % 2 == 1}
            ]
        },
        "null": {"advanced_settings": None, "parameters": None},
        "page-script": {"docker_build_step": {"dockerfile_source": "local", "build_context_dir": str(turn)}},
    }[edit]
    return {**document, **more}


def edit_on_server(stored: Stored, edit: str, turn: int) -> None:
    """What somebody does in the page."""
    if edit == "live-script":
        stored["scripts"] = f"page {turn}\n"
    elif edit == "live-timeout":
        stored["timeout"] = 100 + turn
    elif edit == "live-privileged":
        stored["enable_privileged_mode"] = not stored["enable_privileged_mode"]
    elif edit == "live-parameter":
        stored["pre_build"]["envs"] = [{"key": "PAGE", "value": str(turn), "type": "string"}]
    elif edit == "live-post":
        stored["post_build"]["scripts"] = f"echo {turn}\n"
    elif edit == "live-service":
        stored["targets"] = [{"product_name": "yaml", "service_name": "p", "service_module": str(turn)}]


@given(turns=EDITS)
@examples(12)
def test_whatever_happens_in_between_nothing_is_made_twice_or_deleted_and_it_settles(
    turns: list[tuple[list[str], bool]],
):
    """One POST per name at most, no DELETE ever, GET alone while reading; what is left after an apply is blocked."""
    names = ["a", "b", "c", "d"]
    definitions: dict[str, Doc] = {name: plain_of(name) for name in names}
    with new_rig() as rig:
        write_all(rig, list(definitions.values()))
        for turn, (edits, applies) in enumerate([*turns, (["touch"] * 4, True)]):
            there = rig.names()
            for name, edit in zip(names, edits, strict=True):
                if edit in PLAIN_EDITS:
                    (rig.tree / f"{name}.json").unlink(missing_ok=True)
                    document = edit_in_git(definitions[name], edit, turn)
                    if document is not None:
                        definitions[name] = document
                        write_all(rig, [document])
                elif name in there:
                    rig.meddle(name, lambda stored, e=edit, t=turn: edit_on_server(stored, e, t))
            if not any(rig.tree.iterdir()):
                write_all(rig, [definitions["a"]])
            before = len(rig.requests())
            rig.plan()
            assert {request["method"] for request in rig.requests()[before:]} == {"GET"}
            if applies:
                kept = {name: rig.stored(name) for name in rig.names()}
                plan = rig.plan()
                ended = rig.apply()
                assert {o.ending for o in ended} <= {Ending.DONE, Ending.BLOCKED}
                assert rig.plan().writes == ()
                mine = {step.name for step in plan.writes}
                assert {n: s for n, s in kept.items() if n not in mine} == {
                    n: rig.stored(n) for n in kept if n not in mine
                }
        posts = Counter(r["body"]["name"] for r in rig.requests("POST"))
        assert set(posts.values()) <= {1}
        assert set(posts) == set(rig.names()) != set()
        assert rig.requests("DELETE") == []


# values from the environment -----------------------------------------------------------------------------

FROM_ENV = {"from_env": "BUILD_V"}
REPO = {"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r"}
PARAMETER = {"key": "K", "type": "string", "is_credential": False}
STORAGE = {"mount_path": "/m"}
DOCKER = {"dockerfile_source": "local"}
ANYWHERE: dict[str, Doc] = {
    "installs version": {"installs": [{"name": "go", "version": FROM_ENV}]},
    "build_script": {"build_script": FROM_ENV},
    "branch": {"repo_info": [{**REPO, "branch": FROM_ENV}]},
    "remote_name": {"repo_info": [{**REPO, "remote_name": FROM_ENV}]},
    "checkout_path": {"repo_info": [{**REPO, "checkout_path": FROM_ENV}]},
    "commit_id": {"repo_info": [{**REPO, "commit_id": FROM_ENV}]},
    "default_value": {"parameters": [{**PARAMETER, "default_value": FROM_ENV}]},
    "description": {"parameters": [{**PARAMETER, "description": FROM_ENV}]},
    "build_context_dir": {"docker_build_step": {**DOCKER, "build_context_dir": FROM_ENV}},
    "dockerfile_directory": {"docker_build_step": {**DOCKER, "dockerfile_directory": FROM_ENV}},
    "build_args": {"docker_build_step": {**DOCKER, "build_args": FROM_ENV}},
    "platforms": {"docker_build_step": {**DOCKER, "platforms": FROM_ENV}},
    "cache_dir": {"advanced_settings": {"cache_setting": {"enabled": True, "cache_dir": FROM_ENV}}},
    "storage_class": {"advanced_settings": {"storages": {"storages_properties": [{**STORAGE, "pvc": FROM_ENV}]}}},
    "annotation": {"advanced_settings": {"custom_annotations": [{"key": "k", "value": FROM_ENV}]}},
    "label": {"advanced_settings": {"custom_labels": [{"key": "k", "value": FROM_ENV}]}},
    "input": {"target_services": [{"inputs": [{"key": "name", "value": FROM_ENV}]}]},
    "input of a credential": {"target_services": [{"inputs": [{"key": "pw", "value": FROM_ENV}]}]},
    "branch of a target": {"target_services": [{"repo_info": [{**REPO, "branch": FROM_ENV}]}]},
    "commit_id of a target": {"target_services": [{"repo_info": [{**REPO, "commit_id": FROM_ENV}]}]},
}
"""A definition per setting that takes a text, its value from the environment."""

UNREADABLE = {
    "commit_id": "repo_info[o/r].commit_id",
    "description": "parameters[K].description",
    "storage_class": "advanced_settings.storages.storages_properties[/m].pvc",
    "annotation": "advanced_settings.custom_annotations[k].value",
    "label": "advanced_settings.custom_labels[k].value",
    "commit_id of a target": "target_services[s/m].repo_info[o/r].commit_id",
}
"""Those that nothing shows: the ledger keeps the mark and not the value, so nobody can tell whether they differ."""


def document_with(which: str) -> Doc:
    more = copy.deepcopy(ANYWHERE[which])
    if "target_services" not in more:
        return {**plain_of("b"), **more}
    more["target_services"][0] |= {"service_name": "s", "service_module": "m"}
    return {"name": "b", "project_key": "yaml", "template_name": "demo-template", **more}


def everything_said(rig: Rig) -> str:
    """Every rendering of today's plan."""
    plan = rig.plan()
    return "".join([render_plan(plan, Style()), render_plan(plan, Style(verbose=True)), dump(plan_document(plan))])


def with_another_change(document: Doc) -> Doc:
    """The same definition with one more service module."""
    other = {"service_name": "other", "service_module": "m"}
    key = "target_services" if "template_name" in document else "services"
    return {**document, key: [*document.get(key, []), other]}


def without_the_value(which: str) -> Doc:
    """The definition without the setting."""
    document = {key: value for key, value in document_with(which).items() if key not in ANYWHERE[which]}
    if "template_name" in document:
        document["target_services"] = [{"service_name": "s", "service_module": "m"}]
    return document


@pytest.mark.parametrize("which", sorted(ANYWHERE))
def test_a_value_from_the_environment_is_secret_wherever_it_stands(rig: Rig, which: str):
    """Everything from the environment is secret: it reaches the store, and neither a plan nor the ledger."""
    rig.environ["BUILD_V"] = "canary-one"
    rig.write(document_with(which))
    said = [everything_said(rig)]
    rig.applied()
    assert "canary-one" in json.dumps(rig.stored("b"))
    said.append(everything_said(rig))
    rig.environ["BUILD_V"] = "canary-two"
    rig.write(with_another_change(document_with(which)))
    said.append(everything_said(rig))
    rig.applied()
    assert "canary-two" in json.dumps(rig.stored("b"))
    assert "canary-one" not in json.dumps(rig.stored("b"))
    rig.meddle("b", lambda stored: None)
    said.append(everything_said(rig))
    rig.environ.clear()
    said.append(everything_said(rig))
    assert [number for number, text in enumerate(said) if "canary" in text] == []
    assert b"canary" not in rig.ledger.read_bytes()


@pytest.mark.parametrize("which", sorted(ANYWHERE.keys() - UNREADABLE.keys()))
def test_a_value_from_the_environment_is_compared_like_any_other(rig: Rig, which: str):
    """An unchanged one leaves the plan empty, a changed one is a step and settles."""
    rig.environ["BUILD_V"] = "canary-one"
    rig.write(document_with(which))
    rig.applied()
    assert rig.plan().empty
    rig.environ["BUILD_V"] = "canary-two"
    assert [step.action for step in rig.plan().steps] == [Action.UPDATE]
    rig.applied()
    assert rig.plan().empty
    assert "canary-two" in json.dumps(rig.stored("b"))


@pytest.mark.parametrize("which", sorted(UNREADABLE))
def test_an_unreadable_value_from_the_environment_is_unverifiable(rig: Rig, which: str):
    """No step by itself, counted and named without its value; stays so while the environment does."""
    rig.environ["BUILD_V"] = "canary-one"
    rig.write(document_with(which))
    rig.applied()
    for value in ("canary-one", "canary-two"):
        rig.environ["BUILD_V"] = value
        (step,) = rig.plan().steps
        assert (step.action, step.blocked) == (Action.KEEP, None)
        assert [(c.path, c.kind, c.sensitive, c.after) for c in step.changes] == [
            (UNREADABLE[which], ChangeKind.UNVERIFIABLE, True, None)
        ]


@pytest.mark.parametrize("which", sorted(ANYWHERE.keys() - UNREADABLE.keys()))
def test_a_value_that_came_from_the_environment_once_is_not_shown_when_git_lets_go_of_it(rig: Rig, which: str):
    """The record marks the path: left out of Git the value stays on the server, is kept, and stays hidden."""
    rig.environ["BUILD_V"] = "canary-one"
    rig.write(document_with(which))
    rig.applied()
    rig.write(without_the_value(which))
    said = [everything_said(rig)]
    assert "released" in said[0]
    rig.applied()
    rig.write(with_another_change(without_the_value(which)))
    said.append(everything_said(rig))
    rig.applied()
    assert "canary-one" in json.dumps(rig.stored("b"))
    rig.meddle("b", lambda stored: None)
    said.append(everything_said(rig))
    assert [number for number, text in enumerate(said) if "canary" in text] == []
    assert b"canary" not in rig.ledger.read_bytes()


@pytest.mark.parametrize("which", sorted(UNREADABLE))
def test_an_unreadable_secret_that_git_lets_go_of_is_not_erased_unseen(rig: Rig, which: str):
    """Nothing holds its value any more, so a write would erase it: that is blocked as a loss, or it stays."""
    rig.environ["BUILD_V"] = "canary-one"
    rig.write(document_with(which))
    rig.applied()
    rig.write(with_another_change(without_the_value(which)))
    (step,) = rig.plan().steps
    rig.apply()
    assert "canary-one" in json.dumps(rig.stored("b"))
    assert step.blocked is None or step.blocked.reason is Block.LOSS
