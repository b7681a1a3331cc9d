"""The example for Kubernetes: when its jobs run and what is repeated, what they name exists, and one night of one."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.company import world
from reconciler.cli.entry import COMMANDS, call, main
from reconciler.emulator import Emulator, running
from tests.kubernetes.example import EXAMPLE, ROOT, VARIANTS, complaints, documents, drift_of, jobs, pod, settings
from tests.kubernetes.kustomize import Manifest, containers_of, pod_of, render
from tests.rig import TOKEN

README = (EXAMPLE / "README.md").read_text(encoding="utf-8")
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")

has_drift = pytest.mark.skipif("drift" not in COMMANDS, reason="this version has no command `drift`")

# How it runs -------------------------------------------------------------------------------------------------


def test_a_night_is_looked_at_once_and_ends():
    """One at a time, late rather than never, with an end, in a named time zone, and a week of failures is kept."""
    for job in jobs().values():
        spec = job["spec"]
        assert spec["concurrencyPolicy"] == "Forbid"
        assert spec["timeZone"] == "Etc/UTC"
        assert spec["startingDeadlineSeconds"] >= 10, "the controller looks every ten seconds"
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (1, 7)
        assert 0 < spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] <= 3600
        assert pod(job)["restartPolicy"] == "Never", "without it there is no podFailurePolicy"


def test_only_what_a_repeat_can_make_better_is_repeated():
    """Of the documented exit codes: 69 and 75; drift, pending changes and wrong definitions are told at once."""
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} | {3}
    never = {0, 4, 130}  # success, what only a plan or an apply says, and an interrupt, which no pod gets
    for job in jobs().values():
        spec = job["spec"]["jobTemplate"]["spec"]
        told, ignored = spec["podFailurePolicy"]["rules"]
        assert told["action"] == "FailJob"
        assert told["onExitCodes"]["containerName"] == "drift"
        assert told["onExitCodes"]["operator"] == "In"
        values = told["onExitCodes"]["values"]
        assert values == sorted(values)
        assert documented - set(values) - never == {69, 75}
        assert set(values) <= documented
        assert ignored == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        assert spec["backoffLimit"] > 0


def test_each_project_has_a_job_of_its_own_at_its_own_minute():
    """A folder, a name, a label that is the project, and no two at the same time."""
    folders = {path.name for path in (EXAMPLE / "projects").iterdir()}
    assert len(folders) >= 2
    found = jobs()
    assert found.keys() == {f"CronJob/drift-{folder}" for folder in folders}
    minutes = set()
    for folder in folders:
        job = found[f"CronJob/drift-{folder}"]
        assert len(job["metadata"]["name"]) <= 52, "the jobs' names are longer by eleven"
        assert pod_of(job)["metadata"]["labels"]["zadig-project"] == folder
        assert job["spec"]["jobTemplate"]["metadata"]["labels"]["zadig-project"] == folder
        match = re.fullmatch(r"([0-5]?\d) ([01]?\d|2[0-3]) \* \* \*", job["spec"]["schedule"])
        assert match
        minutes.add(match.groups())
    assert len(minutes) == len(folders)


def test_a_new_project_is_a_folder_and_a_line(tmp_path: Path):
    """The README's commands and its line make a valid job of its own, at another minute."""
    deploy = tmp_path / "deploy"
    shutil.copytree(EXAMPLE, deploy)
    chapter = README.partition("## Add a project")[2]
    (script,) = re.findall(r"```sh\n(mkdir .*?)```", chapter, re.DOTALL)
    subprocess.run(["sh", "-e", "-c", script], cwd=deploy, check=True)
    (line,) = re.findall(r"add `(- projects/\w+)`", chapter)
    top = deploy / "kustomization.yaml"
    text = top.read_text(encoding="utf-8")
    top.write_text(text.replace("  - projects/shop\n", f"  - projects/shop\n  {line}\n"), encoding="utf-8")
    name = line.rpartition("/")[2]
    made = render(deploy)
    job = made.pop(f"CronJob/drift-{name}")
    assert made == render(EXAMPLE)
    assert complaints(job) == []
    assert pod_of(job)["metadata"]["labels"]["zadig-project"] == name
    assert job["spec"]["schedule"] not in {each["spec"]["schedule"] for each in jobs().values()}


# What it names exists ----------------------------------------------------------------------------------------


def made_by_hand() -> dict[str, set[str]]:
    """Name of a secret or a config map that the documents say how to make → its keys."""
    made = {each["metadata"]["name"]: set(each["stringData"]) for each in documents(EXAMPLE / "secrets.example.yaml")}
    texts = [README, *(path.read_text(encoding="utf-8") for path in EXAMPLE.glob("*/kustomization.yaml"))]
    named = {name for text in texts for name in re.findall(r"create (?:configmap|secret generic) ([a-z-]+)", text)}
    return {**{name: set() for name in named}, **made}


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_a_pod_refers_to_is_there(variant: str):
    """Volumes, keys of secrets, config maps, variables, images with their tags."""
    maps = {"reconciler": settings().keys()}
    by_hand = made_by_hand()
    for job in jobs(variant).values():
        volumes = {volume["name"]: volume for volume in pod(job)["volumes"]}
        used = {mount["name"] for container in containers_of(job) for mount in container["volumeMounts"]}
        assert used == volumes.keys()
        for volume in volumes.values():
            if secret := volume.get("secret"):
                assert {item["key"] for item in secret["items"]} <= by_hand[secret["secretName"]]
            if config := volume.get("configMap"):
                assert config["name"] in by_hand
        for container in containers_of(job):
            sources = [source for each in container["envFrom"] for source in each.values()]
            assert {source["name"] for source in sources} <= maps.keys() | by_hand.keys()
            known = {*settings(), *(each["name"] for each in container["env"])}
            words = [*container.get("command", ()), *container["args"]]
            assert {name for word in words for name in re.findall(r"\$\((\w+)\)", word)} <= known
            assert re.fullmatch(r"[\w.-]+(/[\w.-]+)+:v?\d[\w.-]*", container["image"])


def test_the_settings_are_variables_that_somebody_reads():
    """RECONCILER_LEDGER by us, GITSYNC_… by the container that fetches, TREE by the command line, the rest by S3."""
    code = (ROOT / "reconciler" / "config.py").read_text(encoding="utf-8")
    assert '"RECONCILER_LEDGER"' in code
    (job, *_) = jobs().values()
    expanded = {name for word in drift_of(job)["args"] for name in re.findall(r"\$\((\w+)\)", word)}
    assert expanded == {"TREE", "PROJECT"}
    rest = {name for name in settings() if not name.startswith(("GITSYNC_", "AWS_"))}
    assert rest == {"RECONCILER_LEDGER", "TREE"}


def command_line(job: Manifest, **values: str) -> list[str]:
    """What the pod runs, its variables put in: the program first."""
    known = {**settings(), "PROJECT": pod_of(job)["metadata"]["labels"]["zadig-project"], **values}
    container = drift_of(job)
    return [
        re.sub(r"\$\((\w+)\)", lambda match: known[match[1]], word)
        for word in (*container["command"], *container["args"])
    ]


def token_folder(job: Manifest) -> str:
    """Where the token of Zadig is mounted."""
    (mount,) = [each for each in drift_of(job)["volumeMounts"] if each["name"] == "zadig-token"]
    return str(mount["mountPath"])


@has_drift
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_command_of_every_job_is_one_that_we_have(variant: str):
    """Each word is parsed by our own command line: the tree, one project, the token from its file."""
    for name, job in jobs(variant).items():
        program, *words = command_line(job)
        assert program == "reconciler"
        with click.Context(main) as above:
            command = main.get_command(above, words[0])
            assert command is not None
            parsed = command.make_context(words[0], words[1:], parent=above).params
        assert parsed["path"] == "."
        assert parsed["projects"] == (name.removeprefix("CronJob/drift-"),)
        assert parsed["token_file"] == f"{token_folder(job)}/token"


def test_the_shown_commands_have_their_flags():
    """Of the README: every `reconciler NAME --flag`; commands that this version lacks wait for it."""
    shown = re.findall(r"reconciler ([a-z]+)((?: +[^\s`|#]+)*)", README)
    assert "drift" in {name for name, _ in shown}
    for name, rest in shown:
        if name in COMMANDS:
            with click.Context(main) as context:
                command = main.get_command(context, name)
            assert command is not None
            flags = {flag for parameter in command.params for flag in parameter.opts}
            assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= flags


def test_the_image_is_built_from_what_the_build_needs():
    """What is copied exists, and is all that pyproject.toml names for a wheel; its user is the pods' user."""
    copied = {
        name for line in re.findall(r"^COPY (?!--from)(.*) \S+$", CONTAINERFILE, re.MULTILINE) for name in line.split()
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == needed | set(wheel["packages"]) | wheel["force-include"].keys()
    assert [name for name in copied if not (ROOT / name).exists()] == []
    (user,) = re.findall(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)
    for job in jobs().values():
        context = pod(job)["securityContext"]
        assert (str(context["runAsUser"]), str(context["runAsGroup"])) == user
        assert context["fsGroup"] == context["runAsGroup"], "it reads the mounted tokens"


def test_the_extra_that_the_image_installs_is_ours():
    """Without it a ledger in an object store cannot be opened."""
    (extra,) = re.findall(r"install .*'\.\[(\w+)\]'", CONTAINERFILE)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    if extra not in extras:
        pytest.skip(f"this version has no extra [{extra}]")
    assert any("obstore" in requirement for requirement in extras[extra])


def test_every_file_is_told_of_and_every_link_leads_somewhere():
    """In the README's table, each once; and nothing that is gone."""
    files = {path.relative_to(EXAMPLE) for path in EXAMPLE.rglob("*") if path.is_file()} - {Path("README.md")}
    told = re.findall(r"^\| `([^`]+)` \|", README, re.MULTILINE)
    assert len(told) == len(set(told))
    for path in files:
        assert any(path.as_posix() == name or f"{path.as_posix()}/".startswith(name) for name in told), path
    assert [name for name in told if not (EXAMPLE / name).exists()] == []
    for target in re.findall(r"\]\(([^)\s#]+)", README):
        assert re.match(r"[a-z]+:", target) or (EXAMPLE / target).exists(), target


# One night ---------------------------------------------------------------------------------------------------


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The example company on an emulator, applied from somewhere else, and the environment of a pod."""
    company = ROOT / "examples" / "company"
    emulator = Emulator(world())
    with running(emulator) as url:
        for name in ("CI", "NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        lines = (company / ".env.example").read_text(encoding="utf-8").splitlines()
        builds = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        ledger = {**settings(), "RECONCILER_LEDGER": str(tmp_path / "ledger.db")}
        for name, value in {**ledger, **builds, "ZADIG_SERVER": url}.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "token").write_text(f"{TOKEN}\n", encoding="utf-8")
        skip = shutil.ignore_patterns(".reconciler")
        shutil.copytree(company, tmp_path / "ci", ignore=skip)
        shutil.copytree(company, tmp_path / "tree" / ".worktrees" / "1a2b3c4", ignore=skip)
        (tmp_path / "tree" / "current").symlink_to(Path(".worktrees", "1a2b3c4"))
        assert call(["apply", str(tmp_path / "ci"), "--token-file", str(tmp_path / "token"), "--yes"]) == 0
        monkeypatch.chdir(tmp_path / "tree" / "current")
        yield emulator


def look(tmp_path: Path) -> int:
    """Run a job's command as its pod does, for the company's project `yaml`, with the paths of this machine."""
    job = jobs()["CronJob/drift-shop"]
    _, *words = command_line(job, PROJECT="yaml")
    return call([word.replace(token_folder(job), str(tmp_path)) for word in words])


@has_drift
def test_a_night_with_and_without_drift(night: Emulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """On a checkout as the container makes it: 0 in sync, 3 with the name of who changed a build, and only GETs."""
    capsys.readouterr()
    night.clear_requests()
    assert look(tmp_path) == 0
    state = night.state()
    (orders,) = [build for build in state["builds"] if build["name"] == "orders"]
    orders["timeout"] += 1
    orders["update_time"] += 60
    orders["update_by"] = "mallory"
    night.set_state(None, state["builds"])
    capsys.readouterr()
    assert look(tmp_path) == 3
    out = capsys.readouterr().out
    assert "mallory" in out
    assert "shop/orders.yaml" in out
    assert {request["method"] for request in night.requests()} == {"GET"}
