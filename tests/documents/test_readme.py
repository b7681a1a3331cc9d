"""Both READMEs say the same, and the tutorial of ten lines does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli.company import builds
from reconciler.emulator import Emulator, running
from tests import witness

ROOT = Path(__file__).parents[2]
ENGLISH, CHINESE = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HAN = re.compile(r"[\u4e00-\u9fff]")


def outside(text: str) -> str:
    """The text without its code blocks."""
    return FENCE.sub("", text)


def test_both_have_the_same_headings():
    """As many, of the same levels, in the same order."""
    levels = [re.findall(r"^(#+) ", outside(text), re.MULTILINE) for text in (ENGLISH, CHINESE)]
    assert len(levels[0]) > 8
    assert levels[0] == levels[1]


def test_both_have_the_same_code():
    """Every block, byte for byte, below the same heading; and the code within lines."""
    english, chinese = (re.split(r"^#+ ", text, flags=re.MULTILINE) for text in (ENGLISH, CHINESE))
    assert [FENCE.findall(part) for part in english] == [FENCE.findall(part) for part in chinese]
    assert len(FENCE.findall(ENGLISH)) >= 5
    inline = [sorted(re.findall(r"`[^`\n]+`", outside(text))) for text in (ENGLISH, CHINESE)]
    assert inline[0] == inline[1]


def test_both_lead_to_the_same_places():
    """Links and pictures, per section; each leads to the other at its top."""
    english, chinese = (re.split(r"^#+ ", outside(text), flags=re.MULTILINE) for text in (ENGLISH, CHINESE))
    targets = [[sorted(re.findall(r"\]\(([^)]+)\)", part)) for part in parts[2:]] for parts in (english, chinese)]
    assert targets[0] == targets[1]
    assert "[简体中文](README.zh-CN.md)" in ENGLISH.split("\n## ")[0]
    assert "[English](README.md)" in CHINESE.split("\n## ")[0]


def test_all_of_it_is_translated():
    """Every paragraph, row and item has Chinese in it, but for those that are names and code alone."""
    lines = [line for line in outside(CHINESE).splitlines() if re.search(r"[A-Za-z]{3}", re.sub(r"`[^`]*`", "", line))]
    bare = [
        line
        for line in lines
        if not HAN.search(line) and not re.fullmatch(r"# reconciler|\[\S+\]\S*|  \[\S+\]\S*", line)
    ]
    assert bare == []
    assert HAN.search(ENGLISH.replace("简体中文", "")) is None


def tutorial() -> list[str]:
    (block,) = [code for _, code in FENCE.findall(ENGLISH) if "reconciler adopt" in code]
    return [line.removeprefix("$ ") for line in block.splitlines()]


@pytest.fixture
def shell(tmp_path) -> dict[str, str]:
    """An environment with the command and with Git, and nothing of this machine's settings."""
    program = tmp_path / "bin" / "reconciler"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    identity = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT)]),
        witness.FOLDER: os.environ[witness.FOLDER],
        "HOME": str(tmp_path),
        **identity,
    }


def test_the_ten_lines_do_what_they_say(shell, tmp_path):
    """In one shell, each ends as it says. One write reaches the server."""
    lines = tutorial()
    assert len(lines) == 10
    emulator = Emulator(builds=builds())
    before = emulator.state()
    with running(emulator) as url:
        told = [f'{line.replace("http://127.0.0.1:8400", url)}\necho "ended: $?"\n' for line in lines]
        done = subprocess.run(
            ["bash"], input="".join(told), cwd=tmp_path, env=shell, capture_output=True, text=True, check=False
        )
    ends = [int(code) for code in re.findall(r"^ended: (\d+)$", done.stdout, re.MULTILINE)]
    said = [int((re.findall(r"# .*\bexit (\d+)", line) or ["0"])[0]) for line in lines]
    assert ends == said, done.stdout + done.stderr
    assert "\nPlan: 1 to update, 8 unchanged" in done.stdout
    assert "+make test" in done.stdout
    writes = [request["path"] for request in emulator.requests() if request["method"] != "GET" and request["body"]]
    assert writes == ["/openapi/build"]
    changed = [build["name"] for build in emulator.state()["builds"] if build not in before["builds"]]
    assert changed == ["billing"]
