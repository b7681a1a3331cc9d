"""A shell in which the commands of a page are run, beside an emulator that stands for every server that pages name.

What enters: steps. What leaves: for each of them what was printed, in the page's own words, and how it ended.

    steps ─► one script of bash ─► said: a file per step ─► the page's address, folder, times and ids ─► Said
                    │
                    └─ reconciler (this tree's) · colleague NAME KEY=JSON… (somebody at the web page) · serve [company]
                       begin FOLDER (the example company, committed and applied)
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.steps import ASKS, Step
from tests.rig import TOKEN

ROOT = Path(__file__).parents[2]
ADDRESS, REAL = "http://127.0.0.1:8400", "https://zadig.example.com"
"""Where pages have their emulator and their server; the emulator of a test is somewhere else, and stands for both."""

PATIENCE = 300
"""Seconds after which a page hangs."""

ENVIRONMENT = {
    "ZADIG_TOKEN": TOKEN,
    "REPOSITORY": str(ROOT),
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "COLUMNS": "120",
    "GIT_PAGER": "cat",
    "GIT_CONFIG_NOSYSTEM": "1",
    "BUILD_REGISTRY_PASSWORD": "registry-word",
    **dict(
        line.split("=", 1)
        for line in (ROOT / "examples" / "company" / ".env.example").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    ),
}
PERSON = "[user]\n\tname = Ann Example\n\temail = ann@example.com\n"
"""Who types, as Git knows it."""

BEGIN = """\
company=$REPOSITORY/examples/company
mkdir "$1" && cp -r "$company"/[!.]* "$company/.env.example" "$1" && cd "$1" || exit 1
sed -i "s|^server: .*|server: {url}|" reconciler.yaml
printf '.reconciler/\\nplan.json\\n' >.gitignore
git init -q -b main && git add -A && git commit -qm "Begin" && reconciler apply --yes -q
"""
"""The example company as a repository of its own, committed and applied."""

KEPT = ("PATH", "PYTHONPATH", "WITNESS_FOLDER", "COVERAGE_PROCESS_START", "COVERAGE_FILE")
"""What of our own environment a page may see."""

MASKS = (
    (re.escape(REAL), ADDRESS),
    (r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
    (r"20\d\d-\d\d-\d\dT\d{6}Z", "<stamp>"),
    (r"\b(?=[a-f]*\d)(?:[0-9a-f]{7,8}|[0-9a-f]{16}|[0-9a-f]{40})\b", "<id>"),
    (r"\(\d+ s\)", "(<s>)"),
    (r"process \d+\)", "process <n>)"),
)
"""What differs from run to run. Digests of twelve digits do not: they are compared."""


@dataclass(frozen=True)
class Said:
    """What a step printed, and how it ended."""

    step: Step
    code: int
    text: str


@dataclass(frozen=True)
class Desk:
    """Where a page is tried.

    Attributes:
        folder: a new one.
        url: the emulator's address.
        door: the socket of the product (`preloaded`).
    """

    folder: Path
    url: str
    door: str


def run(steps: Sequence[Step], desk: Desk) -> list[Said]:
    """Run the steps of a page one after the other, in one shell."""
    folder, url = desk.folder, desk.url
    said, work = folder / "said", folder / "home" / "zadig"
    for made in (said, work, folder / "tools"):
        made.mkdir(parents=True)
    (folder / "home" / ".gitconfig").write_text(PERSON, encoding="utf-8")
    _tools(folder / "tools", desk)
    script = folder / "page.sh"
    script.write_text("".join(_lines(steps, said, url)), encoding="utf-8")
    subprocess.run(
        ["bash", "--noprofile", "--norc", str(script)],
        cwd=work, env=_environment(folder), timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return [_said(step, said / str(number), folder, url) for number, step in enumerate(steps)]


def _lines(steps: Iterable[Step], said: Path, url: str) -> Iterable[str]:
    for number, step in enumerate(steps):
        place = shlex.quote(str(said / str(number)))
        yield f"{{\n{_ours(step.command, url)}\n}} >{place} 2>&1 </dev/null\necho $? >{place}.code\n"


def _ours(command: str, url: str) -> str:
    """What a page's reader types, as it is typed here: this address, an emulator that is there already, and yes."""
    if serving := re.match(r"reconciler emulator\b(.*)", command):
        return "serve company" if "--company" in serving[1] else "serve"
    command = ASKS.sub(r"reconciler \1 --yes", command)
    return command.replace(ADDRESS, url).replace(REAL, url)


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept["PATH"] = f"{folder / 'tools'}:{kept['PATH']}"
    kept["PYTHONPATH"] = f"{ROOT}:{kept.get('PYTHONPATH', '')}"
    return {**kept, **ENVIRONMENT, "HOME": str(folder / "home")}


def _tools(folder: Path, desk: Desk) -> None:
    here = Path(__file__)
    control = f'exec "{sys.executable}" -S "{here.with_name("page_tools.py")}" "{desk.url}"'
    tools = {
        "reconciler": f'exec "{sys.executable}" -S -E "{here.with_name("typed.py")}" "{desk.door}" "$@"',
        "colleague": f'{control} colleague "$@"',
        "serve": f'{control} serve "$@"',
        "begin": BEGIN.replace("{url}", desk.url),
    }
    for name, script in tools.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)


def _said(step: Step, file: Path, folder: Path, url: str) -> Said:
    """What a step left behind; a page whose shell ended early has nothing more."""
    code = file.with_suffix(".code")
    if not code.exists():
        return Said(step, -1, "(the shell did not come to this)")
    text = file.read_text(encoding="utf-8").replace(url, ADDRESS)
    return Said(step, int(code.read_text()), text.replace(str(folder / "home"), "~"))


def unlike(said: Said) -> str:
    """What is wrong with a step, in a sentence for whoever mends the page; nothing where all is as the page says."""
    where = f"line {said.step.line}: $ {said.step.command}"
    if said.code != said.step.exit:
        return f"{where}\n  ended with {said.code} and not with {said.step.exit}:\n{said.text}"
    if said.step.shown and not re.fullmatch(pattern(said.step.shown), masked(said.text)):
        return f"{where}\n  prints:\n{said.text}\n  and not:\n" + "\n".join(said.step.shown)
    return ""


def pattern(shown: Sequence[str]) -> str:
    """What output must look like that a page shows so. Empty lines at both ends do not count."""
    text = masked("\n".join(shown))
    return "".join(_line_pattern(line) for line in text.splitlines())


def _line_pattern(line: str) -> str:
    if line.strip() == "…":
        return r"(?:[^\n]*\n)*?"
    return "[^\\n]*?".join(re.escape(part) for part in line.split("…")) + "\n"


def masked(text: str) -> str:
    """A text without what differs from run to run."""
    for wanted, instead in MASKS:
        text = re.sub(wanted, instead, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())
