"""A company as people click it together over years, in the server's own stored form. The same every time.

    company(1000) ─► world   what surrounds the builds: clusters, images, code hosts, templates, projects
                 └─► builds  plain, from templates, Jenkins', for virtual machines; copies of copies; odd names

Every credential is a canary of its own (`secrets_of`); some scripts repeat one.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.canaries import Canary, canary
from tests.company_oddities import ODDITIES, script
from tests.company_world import (
    FAR,
    GO_TEMPLATE,
    GPU,
    HOSTS,
    IMAGES,
    LOCAL,
    PROJECTS,
    STRATEGIES,
    VARIABLES,
    WEB_TEMPLATE,
    Stored,
    World,
    company_world,
)

ODD_NAMES = (
    "A B", "a+b", "构建", "CON", "x?y", "Shop-Front", "shop-front", "n" * 200, "reconciler", "_defaults", "nul.txt",
    "50%", "a#b", "-rf", ".hidden", "e\u0301", "\u00e9", "trailing.", " padded ", "a:b*c|d<e>\"f'", "not-exported",
)  # fmt: skip
PEOPLE = ("lin", "wang", "zhao", "mei", "ops", "admin")
INSTALLS = [{"name": "go", "version": "1.20.7"}, {"name": "node", "version": "18.10"}]


def company(size: int = 1000, seed: int = 5) -> tuple[World, list[Stored]]:
    """Return a world and `size` builds in it, the odd names among them; the same for the same arguments."""
    draw = Random(seed)
    maker = _Maker(draw)
    builds: list[Stored] = []
    for number in range(size):
        project = PROJECTS[draw.choices(range(len(PROJECTS)), (30, 20, 12, 12, 10, 8, 6, 2))[0]]
        name = ODD_NAMES[number] if number < len(ODD_NAMES) else f"{project.replace(' ', '-').lower()}-{number:04d}"
        builds.append(maker.build(name, project))
    draw.shuffle(builds)
    return company_world(), builds


def secrets_of(builds: list[Stored]) -> list[Canary]:
    """Return every credential of the builds that is not empty, each once, with the words to look for."""
    found: dict[str, Canary] = {}
    for build in builds:
        variables = [*((build.get("pre_build") or {}).get("envs") or []), *_inputs(build.get("targets") or [])]
        for variable in variables:
            text = variable.get("value") or ""
            if variable.get("is_credential") and text:
                words = tuple(dict.fromkeys(word for word in (text[:14], text[-14:]) if word.isalnum()))
                found[text] = Canary(f"{build['name']}.{variable['key']}", text, words or (text,))
    return list(found.values())


def _inputs(targets: list[Stored]) -> Iterator[Stored]:
    for target in targets:
        yield from target.get("envs") or []


class _Maker:
    """Makes builds one after the other, some of them from earlier ones."""

    def __init__(self, draw: Random) -> None:
        self.draw = draw
        self.clock = 1_600_000_000
        self.earlier: dict[str, list[Stored]] = {}
        self.houses = {project: self._house() for project in PROJECTS}

    def build(self, name: str, project: str) -> Stored:
        """Make one: of a kind as common as in companies."""
        kind = self.draw.choices(("plain", "template", "jenkins", "vm"), (80, 12, 4, 4))[0]
        if name in ODD_NAMES[:12] or (name in ODD_NAMES and kind == "jenkins"):
            kind = "plain"
        made = getattr(self, f"_{kind}")(name, project)
        self.clock += self.draw.randint(600, 90_000)
        made.update(update_time=self.clock, update_by=self.draw.choice(PEOPLE))
        return made

    def _house(self) -> Stored:
        """What a project's people nearly always choose."""
        cluster = self.draw.choice((LOCAL, LOCAL, GPU, FAR))
        return {
            "cluster_id": cluster,
            "strategy_id": STRATEGIES[cluster][0],
            "image_id": self.draw.choice(list(IMAGES)),
            "timeout": self.draw.choice((30, 60, 90)),
            "installs": INSTALLS[: self.draw.randint(0, 2)],
            "res_req_spec": self._spec(),
            "labels": [{"key": "team", "value": f"team-{self.draw.randint(1, 9)}"}],
            "host": self.draw.choice((1, 1, 2, 5)),
        }  # fmt: skip

    def _spec(self) -> Stored:
        cpu, memory = self.draw.choice(((1000, 512), (4000, 8192), (8000, 16384)))
        return {
            "cpu_limit": cpu,
            "memory_limit": memory,
            "cpu_req": cpu // 4,
            "memory_req": memory // 8,
            "gpu_limit": "",
        }

    def _plain(self, name: str, project: str) -> Stored:
        earlier = self.earlier.setdefault(project, [])
        if earlier and self.draw.random() < 0.4:
            made = self._copy(self.draw.choice(earlier), name, project)
        else:
            made = self._fresh(name, project)
        self._credentials(made)
        for odd in ODDITIES:
            if self.draw.random() < 0.05:
                odd(made)
        earlier.append(made)
        return made

    def _fresh(self, name: str, project: str) -> Stored:
        house = self.houses[project]
        made = _empty(name, project, self._targets(name, project))
        made["timeout"] = self._mostly(house["timeout"], (0, 15, 120))
        made["scripts"] = script(self.draw, name)
        made["repos"] = [self._repository(name, project) for _ in range(self.draw.choices((0, 1, 2), (5, 85, 10))[0])]
        pre = made["pre_build"]
        pre["image_id"] = self._mostly(house["image_id"], tuple(IMAGES))
        pre["build_os"], pre["image_from"] = IMAGES[pre["image_id"]][1:]
        pre["cluster_id"] = self._mostly(house["cluster_id"], tuple(STRATEGIES))
        pre["strategy_id"] = STRATEGIES[pre["cluster_id"]][-1 if self.draw.random() < 0.1 else 0]
        pre["installs"] = copy.deepcopy(self._mostly(house["installs"], ([], [{"name": "maven", "version": "3.9"}])))
        pre["res_req_spec"] = dict(self._mostly(house["res_req_spec"], (self._spec(),)))
        pre["custom_labels"] = copy.deepcopy(self._mostly(house["labels"], ([],)))
        pre["envs"] = self._parameters()
        if self.draw.random() < 0.6:
            made["post_build"]["docker_build"] = self._docker(name)
        if self.draw.random() < 0.3:
            made.update(cache_enable=True, cache_dir_type="user_defined", cache_user_dir="$WORKSPACE/.cache")
        if self.draw.random() < 0.1:
            made["script_type"] = self.draw.choice(("batch_file", "powershell"))
            made["scripts"] = made["scripts"].replace("\n", "\r\n")
        if self.draw.random() < 0.1:
            made["outputs"].append({"name": "VERSION", "description": ""})
        return made

    def _mostly(self, usual: Any, others: tuple[Any, ...]) -> Any:
        return usual if self.draw.random() < 0.9 else self.draw.choice(others)

    def _copy(self, earlier: Stored, name: str, project: str) -> Stored:
        """What somebody makes who copies a build and changes the rest of it."""
        made = copy.deepcopy(earlier)
        made.update(name=name, desc="", targets=self._targets(name, project))
        made["scripts"] = made["scripts"].replace(earlier["name"], name)
        made["pre_build"]["envs"] = [e for e in made["pre_build"]["envs"] if not e["is_credential"]]
        if self.draw.random() < 0.5:
            made["timeout"] += 5
        if self.draw.random() < 0.3:
            made["scripts"] += f"echo {self.draw.randint(0, 9)}\n"
        return made

    def _targets(self, name: str, project: str) -> list[Stored]:
        return [
            {
                "product_name": project,
                "service_name": f"svc-{name}"[:60],
                "service_module": f"mod{n}",
                "build_name": name,
            }
            for n in range(self.draw.choices((0, 1, 2), (5, 85, 10))[0])
        ]

    def _repository(self, name: str, project: str) -> Stored:
        number = self._mostly(self.houses[project]["host"], tuple(HOSTS))
        return {
            "source": HOSTS[number], "repo_owner": f"{project.lower()}-org", "repo_namespace": f"{project.lower()}-org",
            "repo_name": f"repo-{self.draw.randint(0, 99)}", "remote_name": "origin",
            "branch": self._mostly("main", ("dev",)),
            "checkout_path": "", "submodules": self.draw.random() < 0.1, "codehost_id": number,
            "address": f"https://{number}.example.com", "hidden": False, "is_primary": False,
        }  # fmt: skip

    def _parameters(self) -> list[Stored]:
        choices = ["fast", "slow", "12e5", "yes"]
        some = [
            {"key": "MODE", "value": "fast", "type": "choice", "choice_option": choices, "description": "how: fast?"},
            {"key": "FLAGS", "value": "", "type": "multi-select", "choice_option": choices, "choice_value": ["yes"]},
            {"key": "VERSION", "value": self.draw.choice(("1.20", "0x1F", "no", "null", "~", "# x", " a: b ", "")),
             "type": "string", "description": ""},
        ]  # fmt: skip
        return [{**one, "is_credential": False} for one in some if self.draw.random() < 0.3]

    def _credentials(self, made: Stored) -> None:
        """One to three in a third of the builds; some of them are of many lines."""
        if self.draw.random() < 0.33:
            for number in range(self.draw.randint(1, 3)):
                key = ("REGISTRY_PASSWORD", "DEPLOY_KEY", "SONAR_TOKEN")[number]
                one = canary(f"{made['name']}.{key}", **({} if self.draw.random() < 0.1 else {"odd": "7"}))
                secret = {"key": key, "value": one.text, "type": "string", "is_credential": True, "description": ""}
                made["pre_build"]["envs"].append(secret)

    def _docker(self, name: str) -> Stored:
        return {
            "work_dir": "$REPONAME_0", "docker_file": f"$REPONAME_0/{self._mostly('', ('build/',))}Dockerfile",
            "build_args": self._mostly("", (f"--build-arg NAME={name[:20]}",)), "source": "local", "template_id": "",
            "template_name": "", "enable_buildkit": True, "platform": self._mostly("linux/amd64", ("linux/arm64",)),
        }  # fmt: skip

    def _vm(self, name: str, project: str) -> Stored:
        made = self._fresh(name, project)
        made.update(infrastructure="vm", vm_labels=self.draw.choice(([], ["linux"], ["mac", "m1"])))
        return made

    def _jenkins(self, name: str, project: str) -> Stored:
        made = _empty(name, project, self._targets(name, project))
        made.update(source="jenkins", pre_build={"res_req": "low"}, post_build=None)
        return {**made, "jenkins_build": {"jenkins_id": "66", "job_name": name, "jenkins_build_param": []}}

    def _template(self, name: str, project: str) -> Stored:
        template = self.draw.choice((GO_TEMPLATE, WEB_TEMPLATE))
        made = _empty(name, project, [])
        made.update(template_id=template, infrastructure="", script_type="", outputs=[], post_build=None)
        made["pre_build"].update(image_id="61af6b575c9beafb9ab130dc", cluster_id=LOCAL)
        made["targets"] = [
            {
                "product_name": project, "service_name": f"svc-{name}"[:60], "service_module": f"mod{n}",
                "build_name": name, "repos": [self._repository(name, project)],
                "envs": [self._input(name, n, variable) for variable in copy.deepcopy(VARIABLES[template])],
            }
            for n in range(self.draw.choices((1, 2, 3), (70, 20, 10))[0])
        ]  # fmt: skip
        return made

    def _input(self, name: str, number: int, variable: Stored) -> Stored:
        if variable["is_credential"]:
            variable["value"] = self.draw.choice(("", canary(f"{name}.{variable['key']}.{number}", odd="7").text))
        elif variable["type"] == "multi-select" and self.draw.random() < 0.3:
            variable.update(value="en", choice_value=["en", "zh"])
        elif variable["type"] == "multi-select":
            variable.pop("choice_value", None)
        elif self.draw.random() < 0.3:
            variable["value"] = variable.get("choice_option", ["", f"-mod=mod -v={number}"])[-1]
        return variable


def _empty(name: str, project: str, targets: list[Stored]) -> Stored:
    """A build as the page saves one in which nothing was chosen."""
    return {
        "name": name, "source": "zadig", "template_id": "", "product_name": project, "timeout": 60, "targets": targets,
        "desc": "", "team": "", "repos": [], "infrastructure": "kubernetes", "vm_labels": [], "script_type": "shell",
        "scripts": "", "cache_enable": False, "cache_dir_type": "workspace", "cache_user_dir": "", "caches": [],
        "enable_privileged_mode": False, "advanced_setting_modified": True,
        "pre_build": {
            "res_req": "define", "clean_workspace": False, "installs": [], "envs": [], "namespace": "zadig",
            "use_host_docker_daemon": False, "storages": None, "custom_annotations": [], "custom_labels": [],
        },
        "post_build": {"docker_build": None, "object_storage_upload": None, "scripts": ""},
        "outputs": [{"name": "IMAGE", "description": ""}, {"name": "PKG_FILE", "description": ""}],
    }  # fmt: skip
