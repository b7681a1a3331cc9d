"""What installs this project from a checkout of it: the hook for pre-commit, and the image for jobs.

Both build it, with what they need from the package index: where that cannot be reached, they are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from reconciler import __version__
from tests.recipes.machine import ROOT, git

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
EXAMPLE = ROOT / "examples" / "ci" / "pre-commit-config.yaml"
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
UNREACHABLE = re.compile(
    r"No matching distribution|NewConnectionError|Could not fetch|Temporary failure|timed out", re.I
)


def ran(words: list[str], cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an environment of its own; skip the test where the index is out of reach."""
    dropped = ("GIT_", "PYTHONPATH", "VIRTUAL_ENV", "PRE_COMMIT", "WITNESS_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    quick = {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        words, cwd=cwd, env={**inherited, **quick, **environ}, capture_output=True, text=True, check=False
    )
    if done.returncode and UNREACHABLE.search(done.stdout + done.stderr):
        pytest.skip("the package index cannot be reached, so that nothing can be installed")
    return done


def taken(names: list[str], target: Path) -> None:
    """Copy files and folders of this project, without what Python has left in them."""
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target / name)


@pytest.mark.parametrize(
    "path",
    [*sorted((ROOT / "examples" / "ci").iterdir()), ROOT / "Containerfile", ROOT / "templates" / "reconciler.yml"],
    ids=lambda path: path.name,
)
def test_what_is_pasted_names_this_version(path: Path):
    """Wherever one of this project is named: a tag, a release, an image."""
    named = re.findall(r"reconciler(?:@v?|:|==)(\d+\.\d+\.\d+)|rev: v(\S+)", path.read_text(encoding="utf-8"))
    assert {one or two for one, two in named} == {__version__}


# pre-commit ----------------------------------------------------------------------------------------------------


def test_the_hook_looks_at_the_whole_tree_whatever_was_changed():
    """A file that is deleted is named to no hook, and what changes in `_defaults.yaml` reaches others."""
    (hook,) = HOOKS
    assert (hook["id"], hook["language"]) == ("reconciler-validate", "python")
    assert hook["always_run"] is True
    assert hook["pass_filenames"] is False
    assert hook["entry"].split()[:2] == ["reconciler", "validate"]


def test_the_example_names_hooks_that_there_are():
    (repository,) = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == {hook["id"] for hook in HOOKS}


@pytest.mark.skipif(shutil.which("git") is None, reason="pre-commit needs git")
def test_pre_commit_itself_installs_and_runs_the_hook(tmp_path: Path):
    """From a clone; it lets a good tree pass, also below the root, and a commit that only deletes a script fail."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    project, company = tmp_path / "project", tmp_path / "company"
    project.mkdir()
    taken(["pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml", "reconciler", "schemas"], project)
    shutil.copytree(ROOT / "examples" / "company", company / "zadig")
    for folder in (project, company):
        git(folder, "init", "--quiet")
        git(folder, "add", "--all")
        git(folder, "commit", "--quiet", "--message", "Begin")
    hook = {"id": "reconciler-validate", "args": ["zadig"]}
    revision = git(project, "rev-parse", "HEAD")
    config = {"repos": [{"repo": project.as_uri(), "rev": revision, "hooks": [hook]}]}
    (company / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    git(company, "add", "--all")
    words = [sys.executable, "-m", "pre_commit", "run"]
    home = str(tmp_path / "home")
    good = ran(words, company, PRE_COMMIT_HOME=home)
    assert good.returncode == 0, good.stdout + good.stderr
    git(company, "commit", "--quiet", "--message", "Use the hook")
    script = next((company / "zadig").rglob("*.sh"))
    git(company, "rm", "--quiet", str(script))
    bad = ran(words, company, PRE_COMMIT_HOME=home)
    assert bad.returncode == 1
    assert "exit code: 65" in bad.stdout
    assert script.name in bad.stdout


# The image -------------------------------------------------------------------------------------------------------

Instruction = tuple[str, str]


@dataclass(frozen=True)
class Stage:
    """A stage of an image: what it is made of, and its instructions after that."""

    base: str
    name: str
    instructions: tuple[Instruction, ...]

    def of(self, keyword: str) -> list[str]:
        """The arguments of all instructions of a kind."""
        return [rest for word, rest in self.instructions if word == keyword]


def stages_of(text: str) -> list[Stage]:
    """Return the stages of a container file; ValueError for an instruction that there is not."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#")).replace("\\\n", " ")
    found: list[tuple[str, str, list[Instruction]]] = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        word, _, rest = line.partition(" ")
        if word not in {"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "CMD", "ARG", "LABEL"}:
            raise ValueError(f"no instruction: {line}")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append((base, name, []))
        else:
            found[-1][2].append((word, " ".join(rest.split())))
    return [Stage(base, name, tuple(instructions)) for base, name, instructions in found]


def test_the_image_has_what_runs_and_nothing_that_builds():
    """Two stages of one base; the last takes the finished folder alone, has git, and nobody's rights."""
    build, image = stages_of(CONTAINERFILE)
    assert build.base == image.base == "python:3.13-slim"
    assert image.of("COPY") == [f"--from={build.name} /opt/reconciler /opt/reconciler"]
    assert image.of("USER") == ["65533:65533"]
    assert image.instructions[-2:] == (("USER", "65533:65533"), ("CMD", '["reconciler", "--help"]'))
    (install,) = image.of("RUN")
    assert "--no-install-recommends git" in install
    assert "rm -rf /var/lib/apt/lists/*" in install
    assert "PATH=/opt/reconciler/bin:$PATH" in image.of("ENV")[0]
    with pytest.raises(ValueError, match="no instruction"):
        stages_of("FROM a\nRUM b")


@pytest.mark.skipif(shutil.which("hadolint") is None, reason="hadolint is not installed")
def test_hadolint_has_nothing_to_say():
    said = subprocess.run(["hadolint", str(ROOT / "Containerfile")], capture_output=True, text=True, check=False)
    assert said.stdout == ""


def test_the_first_stage_makes_a_folder_that_runs(tmp_path: Path):
    """Its own commands, in order, with another place for /opt; the command of the image then answers from there."""
    build, image = stages_of(CONTAINERFILE)
    source = tmp_path / "src"
    source.mkdir()
    for rest in build.of("COPY"):
        *names, _ = rest.split()
        taken(names, source)
    for command in build.of("RUN"):
        script = re.sub(r"\bpython -m venv", f"{sys.executable} -m venv", command).replace("/opt/", f"{tmp_path}/")
        done = ran(["sh", "-c", script], source)
        assert done.returncode == 0, done.stdout + done.stderr
    (command,) = image.of("CMD")
    words = yaml.safe_load(command)
    done = ran([str(tmp_path / "reconciler" / "bin" / words[0]), *words[1:]], tmp_path, HOME=str(tmp_path))
    assert done.returncode == 0
    assert "Usage: reconciler" in done.stdout
