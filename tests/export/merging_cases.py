"""The table of merging: files before, what changed on the server and in Git, files after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import dedent

from tests.rig import Stored

Edit = Callable[[Stored], None]
Files = dict[str, str]
PLAIN = "project_key: yaml\ninfrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"
"""What every plain definition needs; scenes put it into the defaults of the root."""


@dataclass
class Case:
    """A scene: files that were applied; what changed on the server; what changed in Git; the files after."""

    name: str
    before: Files
    drift: dict[str, Edit]
    after: Files
    local: Files = field(default_factory=dict)
    notes: list[tuple[str, str, str]] = field(default_factory=list)
    force: bool = False
    base: bool = True
    settled: bool = True
    environ: dict[str, str] = field(default_factory=dict)


def lines(text: str) -> str:
    return dedent(text).lstrip("\n")


def timeout(minutes: int) -> Edit:
    return lambda build: build.update(timeout=minutes)


def script(text: str) -> Edit:
    return lambda build: build.update(scripts=text)


def envs(edit: Callable[[list[Stored]], object]) -> Edit:
    def change(build: Stored) -> None:
        edit(build["pre_build"]["envs"])

    return change


def both(*edits: Edit) -> Edit:
    def change(build: Stored) -> None:
        for edit in edits:
            edit(build)

    return change


ROOT = {"_defaults.yaml": PLAIN}
API = lines("""
    # the front door
    name: api

    advanced_settings:
      timeout: 30  # minutes, see the wiki
    build_script: make build
""")
PARAMETERS = lines("""
    name: api
    parameters:
      # who
      - key: A
        type: string
        default_value: "1"
      # what
      - key: B
        type: string
        default_value: "2"
      - key: C
        type: string
        default_value: "3"
""")
SHARED = {
    "_defaults.yaml": PLAIN + "# for everybody\nadvanced_settings:\n  timeout: 30\n",
    "a.yaml": "name: a\n",
    "b.yaml": "name: b  # the second\n",
}
SCRIPTS = {
    **ROOT,
    "build.sh": "make\n",
    "a.yaml": "name: a\nbuild_script: {from_file: build.sh}\n",
    "b.yaml": "name: b\nbuild_script: {from_file: build.sh}\n",
}
SECRET = lines("""
    name: api
    parameters:
      - key: PW
        type: string
        default_value: {from_env: BUILD_PW}
        is_credential: true
""")


def named(key: str, value: str, **more: object) -> Stored:
    return {"key": key, "value": value, "type": "string", "is_credential": False, **more}


def docker(**keys: object) -> Edit:
    step = {
        "work_dir": "", "docker_file": "", "build_args": "", "source": "local", "template_id": "", "template_name": "",
        "enable_buildkit": False, "platform": "",
    }  # fmt: skip

    def change(build: Stored) -> None:
        build["post_build"] = {**(build.get("post_build") or {}), "docker_build": {**step, **keys}}

    return change


def repos(edit: Callable[[list[Stored]], object]) -> Edit:
    def change(build: Stored) -> None:
        edit(build["repos"])

    return change


IGNORE = """\
x-reconciler:
  ignore:
    - path: advanced_settings.timeout
      reason: tuned by hand
"""
ALONE = "name: b\n" + PLAIN + "advanced_settings: {timeout: 30}\nx-reconciler: {no_defaults: true}\n"
REPOSITORIES = lines("""
    name: api
    repo_info:
      - codehost_name: gitlab
        repo_namespace: org
        repo_name: one
        branch: main
""")
TEMPLATE = lines("""
    name: tpl
    project_key: yaml
    template_name: demo-template
    target_services:
      - service_name: shop
        service_module: web
        inputs:
          - key: name  # who
            value: admin
            type: string
            is_credential: false
""")
COMES = """\
  - service_name: shop
    service_module: two
    repo_info: []
    inputs: []
"""

CASES = [
    Case(
        "a value in the file",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API.replace("30", "45")},
    ),
    Case(
        "a text in the file",
        {**ROOT, "api.yaml": API},
        {"api": script("make all")},
        {**ROOT, "api.yaml": API.replace("make build", "make all")},
    ),
    Case(
        "what Git does not declare is not added",
        {**ROOT, "api.yaml": API},
        {"api": lambda build: build.update(outputs=[*build["outputs"], {"name": "X", "description": ""}])},
        {**ROOT, "api.yaml": API},
    ),
    Case(
        "changed in Git only",
        {**ROOT, "api.yaml": API},
        {},
        {**ROOT, "api.yaml": API.replace("30", "50")},
        local={"api.yaml": API.replace("30", "50")},
        notes=[("local", "api", "advanced_settings.timeout")],
        settled=False,
    ),
    Case(
        "changed in Git here and on the server there",
        {**ROOT, "api.yaml": API},
        {"api": script("make all")},
        {**ROOT, "api.yaml": API.replace("30", "50").replace("make build", "make all")},
        local={"api.yaml": API.replace("30", "50")},
        notes=[("local", "api", "advanced_settings.timeout")],
        settled=False,
    ),
    Case(
        "changed on both sides",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API.replace("30", "50")},
        local={"api.yaml": API.replace("30", "50")},
        notes=[("conflict", "api", "advanced_settings.timeout")],
        settled=False,
    ),
    Case(
        "changed on both sides, forced",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API.replace("30", "45")},
        local={"api.yaml": API.replace("30", "50")},
        force=True,
    ),
    Case(
        "changed on both sides alike",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API.replace("30", "45")},
        local={"api.yaml": API.replace("30", "45")},
    ),
    Case(
        "nobody knows who changed it",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API},
        base=False,
        notes=[("undecided", "api", "advanced_settings.timeout")],
        settled=False,
    ),
    Case(
        "nobody knows who changed it, forced",
        {**ROOT, "api.yaml": API},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API.replace("30", "45")},
        base=False,
        force=True,
    ),
    Case(
        "a value of defaults, and all agree",
        SHARED,
        {"a": timeout(45), "b": timeout(45)},
        {**SHARED, "_defaults.yaml": SHARED["_defaults.yaml"].replace("30", "45")},
    ),
    Case(
        "a value of defaults, and one differs",
        SHARED,
        {"a": timeout(45)},
        {**SHARED, "a.yaml": "name: a\nadvanced_settings:\n  timeout: 45\n"},
    ),
    Case(
        "a value of defaults that another project uses too",
        {**SHARED, "c.yaml": "name: c\nproject_key: other\n"},
        {"a": timeout(45), "b": timeout(45)},
        {
            **SHARED,
            "a.yaml": "name: a\nadvanced_settings:\n  timeout: 45\n",
            "b.yaml": "name: b  # the second\nadvanced_settings:\n  timeout: 45\n",
            "c.yaml": "name: c\nproject_key: other\n",
        },
    ),
    Case(
        "a value of defaults that those who override it do not hold back",
        {**SHARED, "c.yaml": "name: c\nadvanced_settings: {timeout: 5}\n"},
        {"a": timeout(45), "b": timeout(45)},
        {
            **SHARED,
            "_defaults.yaml": SHARED["_defaults.yaml"].replace("30", "45"),
            "c.yaml": "name: c\nadvanced_settings: {timeout: 5}\n",
        },
    ),
    Case(
        "a list of defaults, and one differs: it is written whole",
        {
            "_defaults.yaml": PLAIN + 'installs:\n  - name: go\n    version: "1.20"\n',
            "a.yaml": "name: a\n",
            "b.yaml": "name: b\n",
        },
        {"a": lambda build: build["pre_build"]["installs"].append({"name": "node", "version": "20"})},
        {
            "_defaults.yaml": PLAIN + 'installs:\n  - name: go\n    version: "1.20"\n',
            "a.yaml": lines("""
                name: a
                installs:
                  - name: go
                    version: "1.20"
                  - name: node
                    version: "20"
            """),
            "b.yaml": "name: b\n",
        },
    ),
    Case(
        "a script in a file of its own",
        {**ROOT, "build.sh": "make\n", "api.yaml": "name: api\nbuild_script: {from_file: build.sh}\n"},
        {"api": script("make all\r\n")},
        {**ROOT, "build.sh": "make all\r\n", "api.yaml": "name: api\nbuild_script: {from_file: build.sh}\n"},
    ),
    Case(
        "a shared script, and all agree",
        SCRIPTS,
        {"a": script("make all\n"), "b": script("make all\n")},
        {**SCRIPTS, "build.sh": "make all\n"},
    ),
    Case(
        "a shared script, and one differs",
        SCRIPTS,
        {"a": script("make all\n")},
        {**SCRIPTS, "a.sh": "make all\n", "a.yaml": "name: a\nbuild_script: {from_file: a.sh}\n"},
    ),
    Case(
        "a shared script, and the name beside the definition is taken",
        {**SCRIPTS, "A.sh": "other\n"},
        {"a": script("make all\n")},
        {
            **SCRIPTS,
            "A.sh": "other\n",
            "a-2.sh": "make all\n",
            "a.yaml": "name: a\nbuild_script: {from_file: a-2.sh}\n",
        },
    ),
    Case(
        "a script that defaults name for all, and one differs",
        {
            "_defaults.yaml": PLAIN + "build_script: {from_file: shared/build.sh}\n",
            "shared/build.sh": "make\n",
            "x/a.yaml": "name: a\n",
            "x/b.yaml": "name: b\n",
        },
        {"a": script("make all\n")},
        {
            "_defaults.yaml": PLAIN + "build_script: {from_file: shared/build.sh}\n",
            "shared/build.sh": "make\n",
            "x/a.yaml": "name: a\nbuild_script: {from_file: a.sh}\n",
            "x/a.sh": "make all\n",
            "x/b.yaml": "name: b\n",
        },
    ),
    Case(
        "a credential from the environment",
        {**ROOT, "api.yaml": SECRET},
        {"api": envs(lambda found: found[0].update(value="canary-of-the-server"))},
        {**ROOT, "api.yaml": SECRET},
        environ={"BUILD_PW": "canary-of-git"},
        notes=[("credential", "api", "parameters[PW].default_value")],
        settled=False,
    ),
    Case(
        "a credential from the environment, forced",
        {**ROOT, "api.yaml": SECRET},
        {"api": envs(lambda found: found[0].update(value="canary-of-the-server"))},
        {**ROOT, "api.yaml": SECRET},
        environ={"BUILD_PW": "canary-of-git"},
        notes=[("credential", "api", "parameters[PW].default_value")],
        force=True,
        settled=False,
    ),
    Case(
        "a parameter becomes a credential",
        {**ROOT, "api.yaml": SECRET.replace("{from_env: BUILD_PW}", "plain").replace("true", "false")},
        {"api": envs(lambda found: found[0].update(value="canary-of-the-server", is_credential=True))},
        {**ROOT, "api.yaml": SECRET.replace("BUILD_PW", "BUILD_API__PW")},
    ),
    Case(
        "an element comes, in its place",
        {**ROOT, "api.yaml": PARAMETERS},
        {"api": envs(lambda found: found.insert(1, named("NEW", "x")))},
        {
            **ROOT,
            "api.yaml": PARAMETERS.replace(
                "  # what\n",
                '  - key: NEW\n    type: string\n    default_value: x\n    is_credential: false\n    description: ""\n'
                "  # what\n",
            ),
        },
    ),
    Case(
        "an element goes",
        {**ROOT, "api.yaml": PARAMETERS},
        {"api": envs(lambda found: found.pop(0))},
        {**ROOT, "api.yaml": PARAMETERS.replace('  # who\n  - key: A\n    type: string\n    default_value: "1"\n', "")},
    ),
    Case(
        "elements move",
        {**ROOT, "api.yaml": PARAMETERS},
        {"api": envs(lambda found: found.insert(0, found.pop(2)))},
        {
            **ROOT,
            "api.yaml": lines("""
                name: api
                parameters:
                  - key: C
                    type: string
                    default_value: "3"
                  # who
                  - key: A
                    type: string
                    default_value: "1"
                  # what
                  - key: B
                    type: string
                    default_value: "2"
            """),
        },
    ),
    Case(
        "one element goes on the server, another in Git",
        {**ROOT, "api.yaml": PARAMETERS},
        {"api": envs(lambda found: found.pop(0))},
        {
            **ROOT,
            "api.yaml": 'name: api\nparameters:\n  # what\n  - key: B\n    type: string\n    default_value: "2"\n',
        },
        local={"api.yaml": PARAMETERS.replace('  - key: C\n    type: string\n    default_value: "3"\n', "")},
        notes=[("local", "api", "parameters[C]")],
        settled=False,
    ),
    Case(
        "an element changes on the server that went in Git",
        {**ROOT, "api.yaml": PARAMETERS},
        {"api": envs(lambda found: found[2].update(value="9"))},
        {**ROOT, "api.yaml": PARAMETERS.replace('  - key: C\n    type: string\n    default_value: "3"\n', "")},
        local={"api.yaml": PARAMETERS.replace('  - key: C\n    type: string\n    default_value: "3"\n', "")},
        notes=[("conflict", "api", "parameters[C]")],
        settled=False,
    ),
    Case(
        "the image step goes",
        {
            **ROOT,
            "api.yaml": "name: api\ndocker_build_step:\n  dockerfile_source: local\n  build_context_dir: .\n"
            "installs: []  # none\n",
        },
        {"api": lambda build: build["post_build"].update(docker_build=None)},
        {**ROOT, "api.yaml": "name: api\ndocker_build_step: null\ninstalls: []  # none\n"},
    ),
    Case(
        "the cache goes whose directory is from the defaults",
        {
            "_defaults.yaml": PLAIN + "advanced_settings:\n  cache_setting:\n    cache_dir: /cache\n",
            "a.yaml": "name: a\nadvanced_settings:\n  cache_setting:\n    enabled: true\n",
            "b.yaml": "name: b\nadvanced_settings:\n  cache_setting:\n    enabled: true\n",
        },
        {"a": lambda build: build.update(cache_enable=False, cache_user_dir="")},
        {
            "_defaults.yaml": PLAIN + "advanced_settings:\n  cache_setting:\n    cache_dir: /cache\n",
            "a.yaml": "name: a\nadvanced_settings:\n  cache_setting:\n    enabled: false\n    cache_dir: null\n",
            "b.yaml": "name: b\nadvanced_settings:\n  cache_setting:\n    enabled: true\n",
        },
    ),
    Case(
        "a cache comes, with its directory",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cache_setting: {enabled: false}}\n"},
        {"api": lambda build: build.update(cache_enable=True, cache_dir_type="user_defined", cache_user_dir="/c")},
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cache_setting: {enabled: true, cache_dir: /c}}\n"},
    ),
    Case(
        "an image step comes, over what defaults say of such steps",
        {
            "_defaults.yaml": PLAIN + "docker_build_step: {dockerfile_source: local, platforms: linux/amd64}\n",
            "api.yaml": "name: api\ndocker_build_step: null\n",
        },
        {"api": docker(work_dir="src", platform="linux/amd64", source="local")},
        {
            "_defaults.yaml": PLAIN + "docker_build_step: {dockerfile_source: local, platforms: linux/amd64}\n",
            "api.yaml": lines("""
                name: api
                docker_build_step:
                  build_context_dir: src
                  dockerfile_directory: ""
                  build_args: ""
                  enable_buildkit: false
            """),
        },
    ),
    Case(
        "the Dockerfile becomes a template",
        {
            **ROOT,
            "api.yaml": "name: api\ndocker_build_step:\n  dockerfile_source: local\n  dockerfile_directory: D\n",
        },
        {
            "api": docker(
                source="template", docker_file="", template_id="65a0000000000000000000aa", template_name="go-dockerfile"
            )
        },
        {
            **ROOT,
            "api.yaml": "name: api\ndocker_build_step:\n  dockerfile_source: template\n"
            "  template_name: go-dockerfile\n",
        },
    ),
    Case(
        "cluster and strategy are one: changed here and there",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cluster_name: null, strategy_name: default}\n"},
        {"api": lambda b: b["pre_build"].update(cluster_id="5123456789abcdef12345678", strategy_id="bbbb1")},
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cluster_name: null, strategy_name: big-nodes}\n"},
        local={"api.yaml": "name: api\nadvanced_settings: {cluster_name: null, strategy_name: big-nodes}\n"},
        notes=[
            ("conflict", "api", "advanced_settings.cluster_name"),
            ("conflict", "api", "advanced_settings.strategy_name"),
        ],
        settled=False,
    ),
    Case(
        "another cluster, and Git says nothing of a strategy",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cluster_name: null}\n"},
        {"api": lambda b: b["pre_build"].update(cluster_id="5123456789abcdef12345678", strategy_id="bbbb1")},
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {cluster_name: gpu-cluster}\n"},
    ),
    Case(
        "a block that was null is written whole",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings:\n  timeout: 5\n  resource_spec: null\n"},
        {"api": lambda b: b["pre_build"].update(res_req_spec={**b["pre_build"]["res_req_spec"], "cpu_limit": 3000})},
        {
            **ROOT,
            "api.yaml": lines("""
                name: api
                advanced_settings:
                  timeout: 5
                  resource_spec:
                    cpu_req: 0
                    cpu_limit: 3000
                    memory_req: 0
                    memory_limit: 512
                    gpu_limit: ""
            """),
        },
    ),
    Case(
        "together they would not be valid",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings:\n  resource_spec: {cpu_req: 100, cpu_limit: 1000}\n"},
        {"api": lambda b: b["pre_build"].update(res_req_spec={**b["pre_build"]["res_req_spec"], "cpu_limit": 500})},
        {**ROOT, "api.yaml": "name: api\nadvanced_settings:\n  resource_spec: {cpu_req: 900, cpu_limit: 1000}\n"},
        local={"api.yaml": "name: api\nadvanced_settings:\n  resource_spec: {cpu_req: 900, cpu_limit: 1000}\n"},
        notes=[("conflict", "api", ""), ("local", "api", "advanced_settings.resource_spec.cpu_req")],
        settled=False,
    ),
    Case(
        "an ignored setting is left alone",
        {**ROOT, "api.yaml": API + IGNORE},
        {"api": timeout(45)},
        {**ROOT, "api.yaml": API + IGNORE},
    ),
    Case(
        "no defaults for this one",
        {**SHARED, "b.yaml": ALONE},
        {"a": timeout(45), "b": timeout(50)},
        {
            **SHARED,
            "_defaults.yaml": SHARED["_defaults.yaml"].replace("30", "45"),
            "b.yaml": ALONE.replace("30", "50"),
        },
    ),
    Case(
        "a repository comes, and a branch changes",
        {**ROOT, "api.yaml": REPOSITORIES},
        {
            "api": both(
                repos(lambda r: r[0].update(branch="dev")), repos(lambda r: r.append({**r[0], "repo_name": "two"}))
            )
        },
        {
            **ROOT,
            "api.yaml": REPOSITORIES.replace("main", "dev")
            + lines("""
                  - codehost_name: gitlab
                    repo_namespace: org
                    repo_name: two
                    branch: dev
                    remote_name: ""
                    checkout_path: ""
                    submodules: false
                    enable_commit: false
            """)
            .replace("- ", "  - ")
            .replace("\n  ", "\n    "),
        },
    ),
    Case(
        "what nobody can read without the internal read",
        {**ROOT, "api.yaml": "name: api\nadvanced_settings: {privileged_mode: false, custom_labels: []}\n"},
        {
            "api": both(
                lambda b: b.update(enable_privileged_mode=True),
                lambda b: b["pre_build"].update(custom_labels=[{"key": "k", "value": "v"}]),
            )
        },
        {
            **ROOT,
            "api.yaml": "name: api\nadvanced_settings: {privileged_mode: true, custom_labels: [{key: k, value: v}]}\n",
        },
    ),
    Case(
        "a build of a template: an input, and a module that comes",
        {"t.yaml": TEMPLATE},
        {
            "tpl": lambda b: (
                b["targets"][0]["envs"][0].update(value="root"),
                b["targets"].append({"service_name": "shop", "service_module": "two", "repos": [], "envs": []}),
            )
        },
        {"t.yaml": TEMPLATE.replace("admin", "root") + COMES},
    ),
    Case(
        "several documents",
        {**ROOT, "all.yaml": "# one\nname: a\nbuild_script: make a\n---\n# two\nname: b\nbuild_script: make b\n"},
        {"b": script("make all")},
        {**ROOT, "all.yaml": "# one\nname: a\nbuild_script: make a\n---\n# two\nname: b\nbuild_script: make all\n"},
    ),
    Case(
        "JSON",
        {**ROOT, "api.json": '{\n  "name": "api",\n  "build_script": "make", "installs": []\n}\n'},
        {"api": both(script("make all"), lambda b: b["pre_build"].update(installs=[{"name": "go", "version": "1"}]))},
        {
            **ROOT,
            "api.json": '{\n  "name": "api",\n  "build_script": "make all", '
            '"installs": [{"name": "go", "version": "1"}]\n}\n',
        },
    ),
]
