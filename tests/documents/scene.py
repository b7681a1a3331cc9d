"""The plan that the pictures show: a small company on the emulator, played with a clock that stands still.

    tree of last week ── apply ──► emulator, ledger ── a night, a commit ──► the plan of today's tree

Leaves the plan as the two commands print it: `reconciler plan` in colours, `reconciler plan --format markdown`.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reconciler.cli.demo_company import live_builds
from reconciler.config import Flags, resolve
from reconciler.emulator import Emulator
from reconciler.model.outcome import Ending
from reconciler.model.settings import Settings
from reconciler.model.whereabouts import Whereabouts
from reconciler.report.formats import Telling, plan_as
from reconciler.report.ink import Ink
from reconciler.report.text import Style
from reconciler.server.transport import Clock
from reconciler.workflow.apply import Options, locked
from reconciler.workflow.plan import Planned, World, make_plan
from reconciler.workflow.validate import load
from tests.rig import TOKEN
from tests.wire_transport import transport_to

BEFORE = 1_795_500_000.0
"""When last week's tree was applied, seconds since 1970: 24 November 2026."""

_DEFAULTS = """\
project_key: shop
infrastructure: kubernetes
build_os: ubuntu 20.04
script_type: shell
"""
_API = """\
name: api
build_script: {{from_file: api.sh}}
parameters:
  - {{key: REGISTRY_PASSWORD, is_credential: true, default_value: {{from_env: {variable}}}}}
advanced_settings:
  timeout: {timeout}
"""
_SCRIPT = '#!/bin/bash\nset -e\ncd "$WORKSPACE/$REPONAME_0"\nmake build\n{test}make image\n'
_CRON = "name: nightly-report\nbuild_script: python report.py\n"
_SEARCH = "name: search-index\nbuild_script: |\n  python index.py --incremental\n"
_WEB = """\
name: storefront
build_script: npm ci && npm run build
services:
  - {service_name: storefront, service_module: storefront}
"""
_CONFIGURATION = "projects: [shop]\ntree: shop-builds\nprune: owned\n"

LAST_WEEK = {
    "reconciler.yaml": _CONFIGURATION,
    "builds/_defaults.yaml": _DEFAULTS,
    "builds/api.yaml": _API.format(timeout=20, variable="BUILD_REGISTRY_PASSWORD"),
    "builds/api.sh": _SCRIPT.format(test=""),
    "builds/nightly-report.yaml": _CRON,
    **{f"builds/service-{number}.yaml": f"name: service-{number}\nbuild_script: make\n" for number in range(1, 10)},
}
TODAY = {
    **{file: text for file, text in LAST_WEEK.items() if file != "builds/nightly-report.yaml"},
    "builds/api.yaml": _API.format(timeout=30, variable="BUILD_REGISTRY_TOKEN"),
    "builds/api.sh": _SCRIPT.format(test="make test\n"),
    "builds/storefront.yaml": _WEB,
    "builds/search-index.yaml": _SEARCH,
}
ENVIRON = {"BUILD_REGISTRY_PASSWORD": "word-of-last-week", "BUILD_REGISTRY_TOKEN": "word-of-today"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan as two commands print it."""

    terminal: str
    markdown: str


def shown() -> Shown:
    """Play the scene; return its plan."""
    with tempfile.TemporaryDirectory() as folder:
        plan = _Scene(Path(folder)).plan_of_today().plan
    where = Whereabouts("/work", "/work", "https://git.example.com/shop/builds/blob/0a1b2c3")
    telling = Telling("plan", "0", where, Style(Ink(color=True)))
    return Shown(plan_as("text", plan, telling), plan_as("markdown", plan, telling))


class _Scene:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._time = BEFORE
        page = [build for build in live_builds() if build["name"] == "search-index"]
        self._emulator = Emulator(builds=map(_of_the_shop, page), clock=lambda: self._time)

    def plan_of_today(self) -> Planned:
        """Apply last week's tree; somebody changes a build in the page at night; plan today's tree."""
        planned, settings, world = self._plan("last-week", LAST_WEEK)
        with locked(settings, planned, world, Options()) as outcomes:
            assert {outcome.ending for outcome in outcomes} == {Ending.DONE}
        self._time += 59_000
        builds = self._emulator.state()["builds"]
        for build in builds:
            if build["name"] == "api":
                build.update(timeout=5, update_by="mallory", update_time=int(self._time))
        self._emulator.set_state(None, builds)
        self._time += 30_000
        return self._plan("today", TODAY)[0]

    def _plan(self, name: str, files: Mapping[str, str]) -> tuple[Planned, Settings, World]:
        root = self._folder / name
        for file, text in files.items():
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text(text, encoding="utf-8")
        environ = {"ZADIG_TOKEN": TOKEN, "GIT_CEILING_DIRECTORIES": str(self._folder), **ENVIRON}
        flags = Flags(server="http://zadig.example.com", ledger=str(self._folder / "ledger.db"), concurrency=1)
        settings = replace(resolve(None, flags, environ, str(root)), backup_dir=str(self._folder / "backup"))
        clock = Clock(now=lambda: self._time, wall=lambda: self._time, sleep=lambda _: None)
        world = World(environ, str(root), lambda: transport_to(self._emulator), clock)
        return make_plan(settings, load(settings, environ, str(root)), world), settings, world


def _of_the_shop(build: Mapping[str, Any]) -> dict[str, Any]:
    """Return a build that people made in the page, in our project."""
    found: dict[str, Any] = json.loads(json.dumps(build).replace('"yaml"', '"shop"'))
    return found
