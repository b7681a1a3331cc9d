"""Random walks of people and commands over two builds whose texts repeat their credentials: nothing ever tells one.

    paste, change, rotate ── the page ──┐
    apply, prune, convert, adopt ───────┼─► after every step: no credential and no value of a variable in any
    export, restore of any backup ──────┘   output, ledger, backup or exported file

A credential may be rotated while texts still repeat the old one. From then on only the ledger's marks say so: where it
has none (a build that we did not write last, a text without a row in the table), the walk takes those texts away.
`WALKS=500 pytest tests/test_no_secret_walk.py` searches longer.
"""

from __future__ import annotations

import base64
import json
import os
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.canaries import Canary, canary, found
from tests.page import PLAIN, made
from tests.rig import plain, template
from tests.test_no_secret_anywhere import LOOSE, REPO, Scene, kept, scene
from tests.test_no_secret_of_another_build import from_template, talkative

__all__ = ["scene"]

WALKS = int(os.environ.get("WALKS", "12"))
STEPS = 8
NAMES = ("api", "tpl")
IMAGE = {"dockerfile_source": "local", "dockerfile_directory": "D", "build_context_dir": "$W"}
OUTPUTS = [{"name": "IMAGE", "description": ""}, {"name": "PKG_FILE", "description": ""}]

Stored = dict[str, Any]
PASTES: dict[str, Callable[[Stored, str], Any]] = {
    "script": lambda b, text: b.update(scripts=text),
    "image": lambda b, text: b["post_build"]["docker_build"].update(source="local", build_args=text),
    "value": lambda b, text: b["pre_build"]["envs"].append(parameter("N", text, description=text)),
    "choice": lambda b, text: b["pre_build"]["envs"].append(parameter("C", text, choice_option=[text, "b"])),
    "output": lambda b, text: b.update(outputs=[*OUTPUTS, {"name": "X", "description": text}]),
    "label": lambda b, text: b["pre_build"].update(custom_labels=[{"key": "l", "value": text}]),
    "hidden script": lambda b, text: b["post_build"].update(scripts=text),
}


def parameter(key: str, value: str, **more: Any) -> Stored:
    return {"key": key, "value": value, "type": "choice" if "choice_option" in more else "string", **more}


def inputs_of(build: Stored) -> list[Stored]:
    """The parameters that are in force: of a template build those of its targets."""
    if build["template_id"]:
        return [env for target in build["targets"] for env in target.get("envs") or []]
    return list(build["pre_build"].get("envs") or [])


def masked_paths(values: Stored, parent: str = "") -> Iterator[str]:
    """Every path that a record's build holds a value of."""
    for leaf, value in values.items():
        path = f"{parent}.{leaf}" if parent else leaf
        yield path
        for element in value.get("elements", ()) if isinstance(value, dict) else ():
            yield from masked_paths(element["values"], f"{path}[{element['key']}]")


class Walk:
    """One random walk; `log` says what was done."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self.scene, self.random, self.number = scene, random.Random(seed), 0
        self.log: list[str] = []
        self.judged = 0
        self.ledger = scene.folder / ".reconciler" / "ledger.db"
        scene.front.emulator.set_settings({"internal_read": self.likely(0.5)})
        words = self.word(), self.word()
        api = talkative("api", self.text(words[0])) if self.likely(0.6) else made(PLAIN, name="api")
        api.update(desc="", cache_enable=False, cache_user_dir="")
        envs = [env for env in api["pre_build"]["envs"] if env["key"] != "PW"]
        about = self.text(words[0])
        api["pre_build"]["envs"] = [*envs, parameter("PW", words[0], is_credential=True, description=about)]
        tpl = {**from_template("tpl", self.text(words[1]) if self.likely(0.6) else "harmless", words[1]), "desc": ""}
        scene.have(api, tpl)

    def likely(self, share: float) -> bool:
        return self.random.random() < share

    def word(self) -> str:
        self.number += 1
        return self.scene.plant(f"credential {self.number}", odd=self.random.choice(["-1-", None]))

    def text(self, word: str) -> str:
        """Say a word as people do."""
        told = base64.b64encode(f"user:{word}".encode()).decode() if self.likely(0.25) else word
        return self.random.choice([told, f"#!/bin/sh\nlogin {told}\nmake\n", f"--arg T={told} --more"])

    def build(self, name: str) -> Stored | None:
        builds = self.scene.front.emulator.state()["builds"]
        return next((build for build in builds if build["name"] == name), None)

    def credentials(self, name: str) -> list[str]:
        planted = {one.text for one in self.scene.canaries}
        build = self.build(name)
        return [env["value"] for env in inputs_of(build) if env["value"] in planted] if build else []

    def records(self) -> dict[str, Any]:
        """What the ledger holds of the builds, by name."""
        if not self.ledger.exists():
            return {}
        db = sqlite3.connect(self.ledger)
        try:
            bodies = [row[0] for row in db.execute("SELECT body FROM documents")]
        finally:
            db.close()
        return {name: record for body in bodies for name, record in json.loads(body)["records"].items()}

    # the page

    def paste(self) -> None:
        """Put a credential of a build into one of its texts."""
        name = self.random.choice(NAMES)
        words = self.credentials(name)
        if not words:
            return
        text, where = self.text(self.random.choice(words)), self.random.choice(sorted(PASTES))
        self.log.append(f"paste {name} {where}")

        def edit(build: Stored) -> None:
            if build["template_id"]:
                env = next(env for env in inputs_of(build) if env["key"] == "name")
                env["value"] = text
                return
            envs = [env for env in build["pre_build"].get("envs") or [] if env["key"] not in ("N", "C")]
            build["pre_build"]["envs"] = envs
            build["post_build"]["docker_build"] = build["post_build"].get("docker_build") or {}
            PASTES[where](build, text)

        self.scene.meddle(name, edit)

    def change(self) -> None:
        """Write something harmless, so that the record is stale."""
        name = self.random.choice(NAMES)
        self.log.append(f"change {name}")
        self.scene.meddle(name, lambda build: build.update(timeout=(build.get("timeout") or 0) + 1))

    def rotate(self) -> None:
        """Give a credential another value; texts go on repeating the old one where the ledger marks them."""
        name = self.random.choice(NAMES)
        if not (words := self.credentials(name)):
            return
        old, new, stays = self.random.choice(words), self.word(), self._ours(name)
        self.log.append(f"rotate {name}, texts stay: {stays}")

        def edit(build: Stored) -> None:
            if stays:
                build["post_build"]["scripts"] = ""
                build["outputs"] = [{**output, "description": ""} for output in build.get("outputs") or []]
            else:
                build.update(_without(build, old))
            for env in inputs_of(build):
                if env.get("is_credential") and env["value"] in (old, "gone"):
                    env["value"] = new

        self.scene.meddle(name, edit)

    def _ours(self, name: str) -> bool:
        """Tell whether the ledger knows a build as it is."""
        record, build = self.records().get(name), self.build(name)
        stamps = ("update_time", "update_by")
        return bool(record and build and all(record[key] == build[key] for key in stamps))

    # the commands

    def apply(self) -> None:
        """Apply new definitions, mostly with what they lose accepted; sometimes the writes go wrong."""
        self._define()
        prune = self.random.choice([(), (), ("--prune", "owned", *LOOSE), ("--prune", "all", *LOOSE)])
        if self.likely(0.7):
            self.scene.accept(*prune)
        if self.likely(0.2):
            kind = self.random.choice(["lost-answer", "reset", "500-json"])
            fault = {"kind": kind, "probability": 0.5, "seed": self.number, "match": {"method": "PUT"}}
            self.scene.front.emulator.set_faults([fault])
        self.scene.run("apply", "--yes", *self.random.choice([("-v",), ("--format", "json")]), *prune)
        self.scene.front.emulator.set_faults([])

    def adopt(self) -> None:
        if self.likely(0.5):
            self._define()
        self.scene.run("adopt", "--yes", "-v", *self.random.choice([(), ("--allow-drift",)]))

    def export(self) -> None:
        if self.ledger.exists():
            self.number += 1
            out = ("--out", f"../out{self.number}", "--project", "yaml", "--ledger", str(self.ledger))
            self.scene.run("export", *out, "-v", *self.random.choice([(), ("--credentials", "omit")]))

    def plan(self) -> None:
        self.scene.run("plan", *self.random.choice([("-v",), ("--format", "json")]))

    def restore(self) -> None:
        """Bring any backup back; every variable has a value of its own, which nothing else repeats."""
        folders = kept(self.scene)
        if not folders:
            return
        folder = self.random.choice(folders)
        told = json.loads((folder / "backup.json").read_text(encoding="utf-8"))
        for item in told["masked"]:
            self.number += 1
            one = canary(f"restored {self.number}")
            self.scene.canaries.append(one)
            self.scene._setenv(item["env"], one.text)
        self.log.append(f"restore {folder.parent.parent.name}/{told['name']}")
        self.scene.run("restore", str(folder), "--yes", *self.random.choice([("-v",), ("--format", "json")]))
        record = self.records().get(told["name"])
        if record and self.scene.said().count("✓"):
            held = {item["path"] for item in told["masked"]} & set(masked_paths(record["build"]["values"]))
            assert held == set(), self.log

    # the definitions

    def _define(self) -> None:
        definitions = [self._definition(name) for name in NAMES if self.likely(0.75)]
        self.log.append(json.dumps(definitions))
        self.scene.write(*definitions, plain("stays"))

    def _definition(self, name: str) -> Stored:
        """Return a definition that declares some of everything; now and then it is one of the other kind."""
        more: Stored = {"repo_info": [REPO]} if self.likely(0.7) else {}
        if (name == "api") is self.likely(0.15):
            if self.likely(0.6):
                more["inputs"] = [{"key": "name", "value": self._value()}] if self.likely(0.6) else []
                more["inputs"] += [{"key": "pw", "value": self.scene.env("BUILD_IN")}] if self.likely(0.6) else []
            return template(name, **more)
        if self.likely(0.5):
            more["build_script"] = self._value()
        if self.likely(0.3):
            more["docker_build_step"] = {**IMAGE, **({"build_args": self._value()} if self.likely(0.7) else {})}
        if self.likely(0.4):
            more["parameters"] = list(self._parameters())
        if self.likely(0.6):
            labels = {"custom_labels": [{"key": "l", "value": self._value()}]} if self.likely(0.5) else {}
            block = {"cluster_name": "gpu-cluster", "timeout": self.random.randrange(5, 50)}
            more["advanced_settings"] = {**block, **labels}
        return plain(name, **more)

    def _parameters(self) -> Iterator[Stored]:
        yield {"key": "A", "type": "string", **({"default_value": self._value()} if self.likely(0.6) else {})}
        if self.likely(0.8):
            value = {"default_value": self.scene.env("BUILD_PW")} if self.likely(0.6) else {}
            yield {"key": "PW", "type": "string", "is_credential": True, **value}
        if self.likely(0.6):
            yield from ({"key": "URL", "type": "string"}, {"key": "PICK", "type": "choice"})

    def _value(self) -> Any:
        number = self.random.randrange(3)
        return self.scene.env(f"BUILD_T{number}") if self.likely(0.4) else f"literal {number}\n"

    # judging

    def go(self) -> None:
        """Walk, and look at everything after every step."""
        ways = (self.paste, self.change, self.rotate, self.apply, self.adopt, self.export, self.plan, self.restore)
        for step in self.random.choices(ways, (4, 1, 2, 6, 1, 1, 1, 5), k=STEPS):
            self.log.append(step.__name__)
            step()
            assert self._told() == [], "\n".join(self.log)

    def _told(self) -> list[str]:
        """What the outputs of the last step, and all files, tell."""
        outputs = dict(list(self.scene.outputs.items())[self.judged :])
        self.judged = len(self.scene.outputs)
        everything = {**outputs, **self.scene.files()}
        return [f"{name}: {what}" for name, data in everything.items() for what in found(self.scene.canaries, data)]


def _without(value: Any, word: str) -> Any:
    """A stored document without a word in any form that the walk writes."""
    if isinstance(value, dict):
        return {key: _without(item, word) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, word) for item in value]
    if isinstance(value, str):
        return value.replace(word, "gone").replace(base64.b64encode(f"user:{word}".encode()).decode(), "gone")
    return value


@pytest.mark.parametrize("seed", range(WALKS))
def test_no_walk_tells_a_secret(scene: Scene, seed: int):
    """Whoever writes what in whatever order, and whatever is restored in between."""
    Walk(scene, seed).go()


def test_a_walk_sees_what_is_told(scene: Scene, tmp_path: Path):
    """The positive control: a file of ours that repeats a credential is found."""
    walk = Walk(scene, 0)
    assert walk._told() == []
    word: Canary = scene.canaries[-1]
    (tmp_path / "told.txt").write_text(walk.text(word.text), encoding="utf-8")
    assert walk._told() != []
