"""What changed on the server gets into a tree that people have edited: files before, store, files after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from reconciler.definitions.opened import open_tree
from reconciler.export.document import Rules
from reconciler.export.rewriting import Rewriting
from reconciler.model.fields import Kind
from reconciler.server import reading
from reconciler.server.deep import read_deep
from reconciler.model.live import Live
from reconciler.workflow.export import Options, export
from reconciler.workflow.export_files import write_files
from reconciler.workflow.export_pages import pages_of
from reconciler.workflow.merging import merge_into
from reconciler.workflow.plan import read_door, read_ledger
from tests.rig import Rig, Stored

Edit = Callable[[Stored], None]
Files = dict[str, str]
PLAIN = "project_key: yaml\ninfrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"
"""What every plain definition needs; scenes put it into the defaults of the root."""


def merged(rig: Rig, *, force: bool = False, prune: bool = False) -> Rewriting:
    """Read the server and put what changed there into the tree."""
    desired = rig.load()
    projects = sorted({d.build.project for d in desired.definitions})
    documents, _ = read_ledger(rig.settings, projects)
    with read_door(rig.settings, rig.world, [d.build for d in desired.definitions]) as door:
        readings = {
            project: reading.read_project(
                door,
                project,
                [reading.Wanted(d.build.name, d.build.kind) for d in desired.definitions if d.build.project == project],
                1,
                everything=True,
            )
            for project in projects
        }
        local = reading.clusters(door).local
        live = Live(readings, local)
        names = [(p, name) for p, one in readings.items() for name, build in one.builds.items() if build.build]
        live = read_deep(door, live, names, 1)
    pages = pages_of(live, documents, Rules()).pages
    made = merge_into(
        open_tree(rig.settings, str(rig.tree)), desired, live, documents, pages, force=force, prune=prune
    )
    write_files(rig.tree, {name: text for name, text in made.files.items() if text is not None})
    for name in (name for name, text in made.files.items() if text is None):
        (rig.tree / name).unlink()
    return made


def write(rig: Rig, files: Files) -> None:
    for name, text in files.items():
        path = rig.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))


def tree(rig: Rig) -> Files:
    """Every file of the tree."""
    return {
        path.relative_to(rig.tree).as_posix(): path.read_bytes().decode("utf-8")
        for path in sorted(rig.tree.rglob("*"))
        if path.is_file()
    }


def notes(made: Rewriting) -> list[tuple[str, str, str]]:
    """What the merge has to say: topic, build and path."""
    return [(note.topic, note.name, note.path) for note in made.notes]


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
            "_defaults.yaml": PLAIN + "installs:\n  - name: go\n    version: \"1.20\"\n",
            "a.yaml": "name: a\n",
            "b.yaml": "name: b\n",
        },
        {"a": lambda build: build["pre_build"]["installs"].append({"name": "node", "version": "20"})},
        {
            "_defaults.yaml": PLAIN + "installs:\n  - name: go\n    version: \"1.20\"\n",
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
        {"api": envs(lambda found: found.insert(1, named("N", "n")))},
        {
            **ROOT,
            "api.yaml": PARAMETERS.replace(
                "  # what\n",
                '  - key: N\n    type: string\n    default_value: "n"\n    is_credential: false\n    description: ""\n'
                "  # what\n",
            ).replace('"n"', "n"),
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
        {**ROOT, "api.yaml": 'name: api\nparameters:\n  # what\n  - key: B\n    type: string\n    default_value: "2"\n'},
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
        {
            "api": lambda build: build.update(
                cache_enable=True, cache_dir_type="user_defined", cache_user_dir="/c"
            )
        },
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
            "api.yaml": "name: api\ndocker_build_step:\n  dockerfile_source: local\n  dockerfile_directory: Dockerfile\n",
        },
        {
            "api": docker(
                source="template", docker_file="", template_id="65a0000000000000000000aa", template_name="go-dockerfile"
            )
        },
        {
            **ROOT,
            "api.yaml": "name: api\ndocker_build_step:\n  dockerfile_source: template\n  template_name: go-dockerfile\n",
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
        {"api": both(repos(lambda r: r[0].update(branch="dev")), repos(lambda r: r.append({**r[0], "repo_name": "two"})))},
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
            """).replace("- ", "  - ").replace("\n  ", "\n    "),
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


def scene(folder: Path, case: Case) -> Rig:
    """Apply the files, change the server, change the files."""
    rig = Rig(folder)
    rig.environ = case.environ
    write(rig, case.before)
    rig.applied()
    for name, edit in case.drift.items():
        rig.meddle(name, edit)
    write(rig, case.local)
    if not case.base:
        rig.forget()
    return rig


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_drift_is_taken_into_the_files(tmp_path: Path, case: Case):
    """What only the server changed is in the files then, what Git changed stays, and nothing else moves."""
    rig = scene(tmp_path, case)
    made = merged(rig, force=case.force)
    assert tree(rig) == case.after
    assert notes(made) == case.notes
    assert rig.plan().empty == case.settled
    assert "canary" not in str(made)
    again = merged(rig, force=case.force)
    assert (tree(rig), notes(again)) == (case.after, case.notes)


def kinds(folder: Path, name: str) -> Rig:
    """A plain build and one of a template; the server has made of one of them a build of the other kind."""
    rig = Rig(folder)
    write(rig, {**ROOT, "plain.yaml": "name: plain\n", "tpl.yaml": TEMPLATE + KEPT})
    rig.applied()
    other = rig.stored("tpl" if name == "plain" else "plain")
    rig.meddle(name, lambda build: (build.clear(), build.update({**other, "name": name})))
    return rig


KEPT = "x-reconciler: {prevent_destroy: true}  # by law\n"


def test_a_build_that_became_one_of_a_template_is_defined_as_one(tmp_path: Path):
    """The document is what the server has, as a whole; what defaults say of plain builds does not apply."""
    rig = kinds(tmp_path, "plain")
    assert notes(merged(rig)) == []
    assert rig.plan().empty
    (build,) = [d.build for d in rig.load().definitions if d.build.name == "plain"]
    assert build.kind is Kind.TEMPLATE
    assert "build_os" not in tree(rig)["plain.yaml"]


def test_a_build_that_became_a_plain_one_keeps_what_is_ours(tmp_path: Path):
    """What the defaults supply is not written again, and `x-reconciler` stays."""
    rig = kinds(tmp_path, "tpl")
    assert notes(merged(rig)) == []
    assert rig.plan().empty
    after = tree(rig)["tpl.yaml"]
    assert KEPT in after
    assert "template_name: demo-template" not in after
    assert "build_os" not in after
    assert "timeout: 60" in after


@pytest.mark.parametrize(("base", "topic"), [(True, "conflict"), (False, "undecided")])
def test_a_build_of_another_kind_stays_where_git_was_changed_too(tmp_path: Path, base: bool, topic: str):
    """Or where nobody knows; forced, it is the server's."""
    rig = kinds(tmp_path, "plain")
    write(rig, {"plain.yaml": "name: plain\nbuild_script: mine\n"})
    if not base:
        rig.forget()
    assert notes(merged(rig)) == [(topic, "plain", "")]
    assert tree(rig)["plain.yaml"] == "name: plain\nbuild_script: mine\n"
    assert notes(merged(rig, force=True)) == []
    assert rig.load().definitions[0].build.kind is Kind.TEMPLATE


def test_a_definition_that_git_made_another_kind_of_is_local(tmp_path: Path):
    """The server has what both had before."""
    rig = kinds(tmp_path, "plain")
    rig.applied()
    write(rig, {"plain.yaml": TEMPLATE.replace("tpl", "plain")})
    assert notes(merged(rig)) == [("local", "plain", "")]
    assert rig.load().definitions[0].build.kind is Kind.TEMPLATE


TWO = {**ROOT, "two.yaml": "# one\nname: a\n---\n# two\nname: b\nbuild_script: x\n", "c.yaml": "name: c\n"}


def without_builds(folder: Path, *names: str) -> Rig:
    rig = Rig(folder)
    write(rig, TWO)
    rig.applied()
    rig.emulator.set_state(None, [b for b in rig.emulator.state()["builds"] if b["name"] not in names])
    return rig


def test_a_definition_without_a_build_is_told_and_stays(tmp_path: Path):
    """Nothing is taken away unless it is asked for."""
    rig = without_builds(tmp_path, "b", "c")
    assert notes(merged(rig)) == [("gone", "b", ""), ("gone", "c", "")]
    assert tree(rig) == TWO


def test_a_definition_without_a_build_goes_where_that_is_asked_for(tmp_path: Path):
    """Out of its file, or with it; one that Git has changed since stays."""
    rig = without_builds(tmp_path, "a", "b", "c")
    write(rig, {"two.yaml": TWO["two.yaml"].replace("build_script: x", "build_script: y")})
    made = merged(rig, prune=True)
    assert notes(made) == [("gone", "a", ""), ("gone", "b", ""), ("gone", "c", "")]
    assert tree(rig) == {**ROOT, "two.yaml": "# two\nname: b\nbuild_script: y\n"}


def test_nothing_goes_that_nobody_has_seen_there(tmp_path: Path):
    """Without a record the build may never have been made."""
    rig = without_builds(tmp_path, "c")
    rig.forget()
    merged(rig, prune=True)
    assert tree(rig) == TWO


def test_a_build_in_another_project_is_a_conflict(tmp_path: Path):
    """Names are of the whole server: the definition is not gone, and not merged."""
    rig = without_builds(tmp_path)
    rig.meddle("c", lambda build: build.update(product_name="other", timeout=7))
    write(rig, {"d.yaml": "name: d\nproject_key: other\n"})
    assert notes(merged(rig, prune=True)) == [("gone", "d", ""), ("conflict", "c", "project_key")]
    assert tree(rig)["c.yaml"] == TWO["c.yaml"]


def test_what_was_exported_last_is_as_good_a_base_as_a_record(tmp_path: Path):
    """The newer of the two counts: here the server changed after the export, there Git did."""
    rig = scene(tmp_path, Case("", {**ROOT, "api.yaml": API}, {}, {}, base=False))
    rig.time += 60
    export(rig.settings, Options(), rig.world)
    rig.meddle("api", timeout(45))
    write(rig, {"api.yaml": API.replace("make build", "make mine")})
    assert notes(merged(rig)) == [("local", "api", "build_script")]
    assert tree(rig)["api.yaml"] == API.replace("make build", "make mine").replace("30", "45")


def test_a_file_that_cannot_be_edited_stays_whole(tmp_path: Path):
    """It is told by its name, and what is shared does not change as if it had agreed."""
    files = {
        **ROOT,
        "a.yaml": "name: a\nbuild_script: &s |\n  one\n  two\ninstalls: []\nparameters:\n"
        "  - {key: X, default_value: *s}\n",
    }
    rig = scene(tmp_path, Case("", files, {"a": script("one\nthree\n")}, {}))
    made = merged(rig)
    after = tree(rig)
    assert (after == files and notes(made) == [("unmerged", "a", "")]) or rig.plan().empty


def test_a_byte_order_mark_and_windows_lines_stay(tmp_path: Path):
    """The file is as its editor left it."""
    text = "\ufeff" + API.replace("\n", "\r\n")
    rig = scene(tmp_path, Case("", {**ROOT, "api.yaml": text}, {"api": timeout(45)}, {}))
    assert notes(merged(rig)) == []
    assert tree(rig)["api.yaml"] == text.replace("30", "45")
