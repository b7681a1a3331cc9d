"""What the emulator begins with: a company to try things on, or builds of a file."""

from __future__ import annotations

import contextlib
import copy
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import company
from reconciler.cli.demo_company import live_builds
from reconciler.cli.entry import call
from reconciler.emulator import Emulator
from reconciler.emulator.world import shipped
from reconciler.model.fields import Kind
from reconciler.server import reading
from tests.rig import TOKEN
from tests.test_cli import ROOT
from tests.test_projects import door_to

FIRST = {"name": "first", "source": "zadig", "product_name": "yaml"}


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address of an emulator in a process of its own."""
    command = [sys.executable, "-m", "reconciler", "emulator", "--control", *arguments]
    environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGTERM)


def state_of(url: str) -> list[dict[str, Any]]:
    builds = document_of(url)["builds"]
    assert isinstance(builds, list)
    return builds


def document_of(url: str) -> dict[str, Any]:
    request = urllib.request.Request(f"{url}/_emulator/state", headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_the_company_is_served():
    """By the command, as it stands in the module; without the flag the server is empty."""
    with served("--company") as url:
        assert state_of(url) == company.builds()
    with served() as url:
        assert state_of(url) == []


def test_the_examples_find_what_they_take_for_granted():
    """Beside the world of the recordings, of which nothing is lost: the image and the templates of the data team."""
    with served() as url:
        seen = document_of(url)["world"]
    assert seen == company.world()
    for part, things in shipped().items():
        assert things == (seen[part][: len(things)] if isinstance(things, list) else seen[part])
    assert "python-service" in {template["name"] for template in seen["build_templates"]}


def test_builds_of_a_file_are_served(tmp_path: Path):
    """What one server shows of its state is what another one begins with."""
    file = tmp_path / "builds.json"
    file.write_text(json.dumps([*company.builds(), FIRST]), encoding="utf-8")
    with served("--builds", str(file)) as url:
        assert state_of(url) == [*company.builds(), FIRST]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("{}", "not a JSON list"),
        ("[7]", "not a JSON list"),
        ('[{"a": 1}]', "not a JSON list"),
        (None, "cannot read"),
    ],
)
def test_a_file_that_holds_no_builds_is_told(tmp_path: Path, capsys, content: str | None, words: str):
    """64 with the file's name and what is wanted, before anything is served."""
    file = tmp_path / "builds.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    assert call(["emulator", "--builds", str(file)]) == 64
    said = capsys.readouterr()
    assert (said.out, words in said.err, str(file) in said.err) == ("", True, True)


def test_the_two_ways_to_begin_exclude_each_other(capsys):
    assert call(["emulator", "--company", "--builds", "x"]) == 64
    assert "--company and --builds" in capsys.readouterr().err


def test_the_company_is_of_every_kind_and_can_be_read():
    """Plain, template, Jenkins and a virtual machine; two projects; each one answers, and names are unique."""
    builds = company.builds()
    emulator = Emulator(builds=builds)
    readings = [reading.read_project(door_to(emulator), p, [], 2, everything=True) for p in ("yaml", company.SECOND)]
    read = {name: build for one in readings for name, build in one.builds.items()}
    assert len(read) == len(builds) == 10
    assert [build.name for build in read.values() if build.unread] == []
    assert {build.build.kind for build in read.values() if build.build} == {Kind.PLAIN, Kind.TEMPLATE}
    assert [name for name, build in read.items() if build.build is None] == ["old-monolith"]
    assert {build.get("infrastructure") for build in builds} >= {"kubernetes", "vm"}


def test_the_demo_begins_with_its_own_four():
    """The company is made of copies: changing one changes neither another nor the demo's."""
    before = copy.deepcopy(company.builds())
    assert before[:4] == live_builds()
    for build in company.builds():
        build["repos"].append("another")
        build["pre_build"]["envs"] = "another"
    assert company.builds() == before
