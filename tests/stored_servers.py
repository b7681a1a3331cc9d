"""Whatever a server's store can hold, for hypothesis: builds of every kind, also ones that only the page can make.

    stored_builds()  ─► one build, in the server's own form
    stored_servers() ─► one to six of them, of different names, in one or two projects

Most of what is drawn is usual; every oddity is drawn now and then: unknown enumerations, empty kinds, images,
strategies and code hosts that are gone, keys and targets that stand there twice, null where the page leaves it.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.canaries import canary
from tests.companies import ODD_NAMES
from tests.page import PLAIN, TEMPLATE, TEMPLATE_ID
from tests.rig import Stored
from tests.test_losses import HIDDEN, OF_TEMPLATES, SHOWN, Erasable
from tests.test_properties import KEY, LINES, NUMBER, TEXT, WORD

Doc = dict[str, Any]
LOCAL, GPU, GONE = "0123456789abcdef12345678", "5123456789abcdef12345678", "f" * 24
IMAGES = ("63047770931401b9baa6e395", "63047770931401b9baa6e396", "63047770931401b9baa6e397")
HOSTS = {1: "gitlab", 2: "github", 4: "other", 99: "gerrit"}
"""Number of a code host → its type; 99 is gone."""

ODD_TEXTS = (
    "12e5", "no", "~", "0x1F", "1.20", "# no comment", " x ", "a: b", "- a", "'", '"', "{}", "|", "\t", "\r\n",
    "a\r\nb\r\nc\r\nd\r\n", "\ufeffa\nb\nc\nd\n", "a\nb\nc\nd", "\n\n\n\n", "  a\nb\n c\n\td\n", "\x1b[1m", "\u2028",
    "{{.Branch}}", "${VAR}", "<<", "=", "2024-01-01", "\U0001f600", "e\u0301",
)  # fmt: skip


def usually(usual: st.SearchStrategy[Any], *odd: Any, times: int = 9) -> st.SearchStrategy[Any]:
    """Draw what is usual, and one of the odd values in every tenth case."""
    return st.integers(0, times).flatmap(lambda dice: st.sampled_from(odd) if dice == times else usual)


TEXTS = usually(TEXT, *ODD_TEXTS, times=4)
SCRIPTS = usually(LINES, *ODD_TEXTS, "make\n" * 40, times=4)
SECRETS = usually(
    st.integers(0, 10**9).map(lambda number: canary(f"drawn {number}", odd="").text), "", "x", "********"
) | st.integers(0, 10**9).map(lambda number: canary(f"drawn {number}").text)
NAMES = usually(st.from_regex(r"[a-z0-9-]{1,6}", fullmatch=True), *ODD_NAMES, "a/b", "..", "a\nb", times=3)


@st.composite
def repositories(draw: st.DrawFn) -> Doc:
    """One of a known code host, nearly always; owner and namespace are one, nearly always."""
    number = draw(usually(st.sampled_from((1, 2, 4)), 99))
    owner = draw(usually(WORD, "", "a/b"))
    return {
        "source": HOSTS[number],
        "codehost_id": number,
        "repo_owner": owner,
        "repo_namespace": draw(usually(st.just(owner), "", "elsewhere")),
        "repo_name": draw(WORD | st.just("demo")),
        "branch": draw(TEXTS),
        "remote_name": draw(usually(st.just("origin"), "", "up")),
        "checkout_path": draw(usually(st.just(""), "src")),
        "submodules": draw(st.booleans()),
        "hidden": draw(usually(st.just(False), True)),
        "enable_commit": draw(usually(st.just(False), True)),
        "commit_id": draw(usually(st.just(""), "0a1b2c3")),
    }


@st.composite
def variables(draw: st.DrawFn) -> Doc:
    """A parameter of a plain build."""
    kind = draw(usually(st.sampled_from(("string", "choice", "multi-select")), "", "odd", "image", "script"))
    credential = draw(st.integers(0, 3)) == 0
    options = draw(st.lists(TEXTS, max_size=3)) if kind in ("choice", "multi-select") else []
    chosen = draw(st.lists(st.sampled_from(options), max_size=2)) if options and kind == "multi-select" else []
    return {
        "key": draw(usually(KEY, "", "a.b", "a]b", "构", " k")),
        "value": draw(SECRETS if credential else SCRIPTS),
        "type": kind,
        "choice_option": draw(usually(st.just(options), None, ["never chosen"])),
        "choice_value": draw(usually(st.just(chosen), ["not an option"])),
        "is_credential": credential,
        "description": draw(TEXTS),
    }


def lists(element: st.SearchStrategy[Doc], most: int = 3, least: int = 0) -> st.SearchStrategy[Any]:
    """A few elements; sometimes one of them twice, sometimes null in place of the list."""
    some = st.lists(element, min_size=least, max_size=most)
    twice = some.map(lambda items: [*items, *copy.deepcopy(items[:1])])
    return st.integers(0, 12).flatmap(lambda dice: {0: twice, 1: st.none()}.get(dice, some))


MODULES = st.fixed_dictionaries(
    {"service_name": WORD, "service_module": usually(WORD, ""), "product_name": st.just("yaml")}
)
DOCKERS = st.fixed_dictionaries(
    {
        "work_dir": TEXT.map(str.strip),
        "docker_file": usually(TEXT.map(str.strip), " padded"),
        "build_args": TEXTS,
        "source": usually(st.just("local"), "template", "template", "", "odd", times=3),
        "template_id": st.just(""),
        "template_name": st.just(""),
        "enable_buildkit": st.booleans(),
        "platform": usually(st.just("linux/amd64"), "", "linux/amd64,linux/arm64"),
    }
)
VOLUMES = st.fixed_dictionaries(
    {
        "mount_path": usually(WORD.map("/{}".format), ""),
        "provision_type": usually(st.sampled_from(("dynamic", "static")), "", "odd"),
        "access_mode": usually(st.sampled_from(("ReadWriteMany", "ReadOnlyMany")), "", "odd"),
        "storage_size_in_gib": NUMBER,
        "pvc": TEXTS,
        "is_temporary": st.booleans(),
    }
)
PAIRS = st.fixed_dictionaries({"key": usually(KEY, "", "a/b"), "value": usually(TEXTS, None, 5, {"x": [1]}, True)})
SPECS = st.fixed_dictionaries(
    {
        "cpu_req": usually(st.integers(0, 500), 5000),
        "cpu_limit": st.integers(500, 4000),
        "memory_req": st.integers(0, 500),
        "memory_limit": usually(st.integers(500, 4000), 0),
        "gpu_limit": usually(st.just(""), "nvidia.com/gpu:1", "odd"),
    }
)
OUTPUTS = st.fixed_dictionaries(
    {"name": usually(st.sampled_from(("X", "Y", "VERSION")), "IMAGE", ""), "description": usually(st.just(""), "what")}
)
SERVER_OUTPUTS = [{"name": "IMAGE", "description": ""}, {"name": "PKG_FILE", "description": ""}]
CACHES = st.sampled_from(
    (
        {"cache_enable": False, "cache_dir_type": "workspace", "cache_user_dir": ""},
        {"cache_enable": False, "cache_dir_type": "user_defined", "cache_user_dir": "/left/over"},
        {"cache_enable": True, "cache_dir_type": "user_defined", "cache_user_dir": "$WORKSPACE/.cache"},
        {"cache_enable": True, "cache_dir_type": "workspace", "cache_user_dir": ""},
        {"cache_enable": True, "cache_dir_type": "workspace", "cache_user_dir": "/old"},
        {"cache_enable": True, "cache_dir_type": "user_defined", "cache_user_dir": ""},
    )
)


@st.composite
def plain_builds(draw: st.DrawFn) -> Stored:
    """A plain build, or one for virtual machines."""
    made = copy.deepcopy(PLAIN)
    cluster = draw(usually(st.sampled_from((LOCAL, GPU)), GONE, times=29))
    known = {LOCAL: ("aaaa1", "aaaa2"), GPU: ("bbbb1",), GONE: ("aaaa1",)}[cluster]
    made |= draw(CACHES) | {
        "timeout": draw(NUMBER),
        "scripts": draw(SCRIPTS),
        "infrastructure": draw(usually(st.just("kubernetes"), "vm", "vm", "", "odd")),
        "vm_labels": draw(usually(st.just([]), ["linux"])),
        "script_type": draw(usually(st.just("shell"), "batch_file", "powershell", "", "bash", times=4)),
        "targets": draw(lists(MODULES)),
        "repos": draw(lists(repositories(), 2)),
        "enable_privileged_mode": draw(st.booleans()),
        "desc": draw(usually(st.just(""), "made in the page")),
        "outputs": draw(usually(st.lists(OUTPUTS, max_size=2).map(lambda own: [*SERVER_OUTPUTS, *own]), None, [])),
    }
    made["pre_build"] |= {
        "image_id": draw(usually(st.sampled_from(IMAGES), GONE, "", times=29)),
        "cluster_id": cluster,
        "strategy_id": draw(usually(st.sampled_from(known), "", "gone")),
        "installs": draw(lists(st.fixed_dictionaries({"name": usually(WORD, ""), "version": TEXTS}))),
        "envs": draw(lists(variables(), 4)),
        "res_req_spec": draw(SPECS),
        "use_host_docker_daemon": draw(st.booleans()),
        "storages": draw(
            st.none() | st.fixed_dictionaries({"enabled": st.booleans(), "storages_properties": lists(VOLUMES, 2)})
        ),
        "custom_annotations": draw(lists(PAIRS, 2)),
        "custom_labels": draw(lists(PAIRS, 2)),
    }
    made["post_build"]["docker_build"] = docker = draw(st.none() | DOCKERS)
    if docker and docker["source"] == "template":
        docker.update(template_id="65a0000000000000000000aa", template_name="go-dockerfile")
    made["post_build"] = draw(usually(st.just(made["post_build"]), None))
    return _with(draw, made, (*SHOWN, *HIDDEN))


@st.composite
def inputs(draw: st.DrawFn) -> list[Doc]:
    """What a target holds: the template's variables, some of them other, some missing, some of no template."""
    found = []
    for variable in copy.deepcopy(TEMPLATE["targets"][0]["envs"]):
        choice = draw(st.sampled_from(("same", "other", "other", "missing", "odd")))
        if choice == "other":
            variable["value"] = draw(SECRETS if variable.get("is_credential") else SCRIPTS)
        elif choice == "odd":
            odd = {"choice_value": ["b"], "type": draw(st.sampled_from(("", "odd"))), "is_credential": True}
            key = draw(st.sampled_from(sorted(odd)))
            variable[key] = odd[key]
            variable["value"] = draw(SECRETS) if variable.get("is_credential") else variable["value"]
        if choice != "missing":
            found.append(variable)
    return draw(usually(st.just(found), [], [*found, *copy.deepcopy(found[:1])]))


@st.composite
def template_builds(draw: st.DrawFn) -> Stored:
    """A build from a template, what it was before still in it or not."""
    made = copy.deepcopy(draw(usually(st.just(TEMPLATE), {**PLAIN, **TEMPLATE, "scripts": "old\n"})))
    made["template_id"] = draw(usually(st.just(TEMPLATE_ID), GONE, times=29))
    made["targets"] = [
        {**module, "build_name": "", "repos": draw(lists(repositories(), 2)), "envs": draw(inputs())}
        for module in draw(lists(MODULES, least=1)) or []
    ]
    return _with(draw, made, OF_TEMPLATES)


def _with(draw: st.DrawFn, made: Stored, cases: tuple[Erasable, ...]) -> Stored:
    """Put some of what no request can carry into a build, where it has the place for it."""
    for case in draw(st.lists(st.sampled_from(cases), max_size=2, unique_by=lambda case: case.store)):
        try:
            case.put(made)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue
    return made


JENKINS = st.just(
    {
        **{key: PLAIN[key] for key in ("product_name", "update_time", "update_by", "targets")},
        "source": "jenkins", "template_id": "", "pre_build": {"res_req": "low"},
        "jenkins_build": {"jenkins_id": "66", "job_name": "old", "jenkins_build_param": []},
    }
)  # fmt: skip


def stored_builds() -> st.SearchStrategy[Stored]:
    """One build of any kind; its name is the caller's to give."""
    return st.one_of(plain_builds(), plain_builds(), template_builds(), st.integers(0, 4).flatmap(_rarely_jenkins))


def _rarely_jenkins(dice: int) -> st.SearchStrategy[Stored]:
    return JENKINS.map(copy.deepcopy) if dice == 0 else plain_builds()


@st.composite
def stored_servers(draw: st.DrawFn, most: int = 6) -> list[Stored]:
    """A few builds of different names, in one or two projects."""
    names = draw(st.lists(NAMES, min_size=1, max_size=most, unique=True))
    projects = draw(st.sampled_from((("yaml",), ("yaml", "other"))))
    return [_placed(draw(stored_builds()), name, draw(st.sampled_from(projects))) for name in names]


def _placed(build: Stored, name: str, project: str) -> Stored:
    build.update(name=name, product_name=project)
    for target in build.get("targets") or []:
        target.update(product_name=project, build_name=name)
    return build
