"""Every command of every page is run, in order, and what a page says that it prints is what it prints."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.cli.company import world
from reconciler.emulator import Emulator, running
from tests.docs.preloaded import preloaded
from tests.docs.shell import ROOT, Desk, Said, masked, pattern, run, unlike
from tests.docs.steps import REASONS, Step, page_of

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("git") or not shutil.which("bash"),
    reason="pages are typed into bash, with Git and GNU's sed at hand",
)

LEFT = {".venv", ".git", ".reconciler", "node_modules", "tests"}
PAGES = [
    path
    for path in sorted(ROOT.rglob("*.md"))
    if not LEFT & {*path.relative_to(ROOT).parts} and "```" in path.read_text(encoding="utf-8")
    if path.name != "README.zh-CN.md"  # its blocks are the README's, byte for byte: tests/documents
]

READMES: dict[str, str] = {
    "$ python3 -m venv": "<!-- not run: installs packages -->",
    "$ pip install zadig-reconciler": "<!-- not run: installs packages -->",
    "$ export ZADIG_SERVER": "<!-- run: serve company; mkdir -p ~/ten; cd ~/ten -->",
}
"""What goes in front of blocks of the README, which bears no remarks itself: how a block begins → the remarks."""


def told(path: Path) -> str:
    """A page, with the remarks that it does not bear itself."""
    text = path.read_text(encoding="utf-8")
    if path.parent == ROOT and path.name.startswith("README"):
        for begins, remarks in READMES.items():
            text = text.replace(f"\n\n```console\n{begins}", f"\n\n{remarks}\n```console\n{begins}", 1)
    return text


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    """The product, ready to be typed."""
    with preloaded() as place:
        yield place


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_says_is_so(path: Path, door: str, tmp_path: Path):
    """All of its commands, in one shell and in their order: how each ends, and what it prints where that is shown."""
    page = page_of(told(path))
    with running(Emulator(world(), control=True)) as url:
        said = run(page.steps, Desk(tmp_path, url, door))
    wrong = "\n\n".join(filter(None, map(unlike, said)))
    if wrong:
        pytest.fail(wrong, pytrace=False)


def test_most_of_what_is_shown_is_run():
    """What is left out has one of a few reasons, and a reader finds them no more often than every fifth time."""
    pages = {path: page_of(told(path)) for path in PAGES}
    ran = sum(not step.hidden for page in pages.values() for step in page.steps)
    left = [reason for page in pages.values() for _, reason in page.left_out]
    assert ran > 100
    assert len(left) < ran / 5
    assert {*left} <= {*REASONS}


# The positive controls ------------------------------------------------------------------------------------

PAGE = """\
<!-- run: cd /tmp -->

```console
$ printf 'a 1\\nb 2\\n'          # says two lines
a 1
b 2
$ false                          # exit 1
$ echo one \\
> two
one two
$ export TOKEN=…
```

<!-- output -->
```text
…
```

<!-- not run: needs a forge -->
```sh
git push
```

```yaml
# deep/er.yaml
a: 1
```
"""


def test_a_page_is_taken_apart():
    """Into what is typed, what is hidden, what is left out, and what no machine can type."""
    page = page_of(PAGE)
    assert [step.hidden for step in page.steps] == [True, False, False, False, True]
    assert [step.exit for step in page.steps] == [0, 0, 1, 0, 0]
    assert page.steps[1].shown == ("a 1", "b 2")
    assert page.steps[3].command == "echo one \\\ntwo"
    assert "deep/er.yaml" in page.steps[4].command
    assert (page.left_out, page.placeholders) == ([(20, "needs a forge")], 1)


def test_a_reason_that_is_none_is_refused():
    with pytest.raises(ValueError, match="no reason"):
        page_of("<!-- not run: too slow -->\n")


@pytest.mark.parametrize(
    "line", ["pip install x", "git push", "cd x && docker build .", "cat x | curl -d - y", "X=1 make"]
)
def test_what_should_not_be_run_is_refused(line: str):
    """Before anything is run: a page that installs, pushes or asks other machines says so."""
    with pytest.raises(ValueError, match="nothing to run here"):
        page_of(f"```console\n$ {line}\n```\n")


def test_what_is_not_so_is_found(door: str, tmp_path: Path):
    """Another line, a line too few, another end, a shell that left early: each is told with its line."""
    steps = [
        Step(1, "echo a", ("b",)),
        Step(2, "printf 'a\\nb\\n'", ("a",)),
        Step(3, "false"),
        Step(4, "printf 'a\\nb\\n'", ("a", "…", "b")),
        Step(5, "exit 0"),
        Step(6, "echo a", ("a",)),
    ]
    said = run(steps, Desk(tmp_path, "http://127.0.0.1:1", door))
    assert [bool(unlike(one)) for one in said] == [True, True, True, False, True, True]
    assert unlike(said[0]).startswith("line 1: $ echo a\n  prints:\na\n")


@pytest.mark.parametrize(
    ("shown", "printed", "fits"),
    [
        ("at 2026-01-01 00:00:00 UTC", "at 2025-11-25 13:01:09 UTC", True),
        ("commit 1a2b3c4", "commit 99f2dea", True),
        ("digest 9e7d9d15d8f2", "digest 9e7d9d15d8f3", False),
        ("a … c", "a b b c", True),
        ("a … c", "a b\nc", False),
        ("…\nz", "a\nb\nz", True),
        ("a.c", "abc", False),
    ],
)
def test_how_output_is_compared(shown: str, printed: str, fits: bool):
    """Times and commits differ; digests of values, words and lines do not."""
    assert bool(re.fullmatch(pattern(shown.splitlines()), masked(printed))) is fits


def test_the_other_people_of_a_page_are_there(door: str, tmp_path: Path):
    """A company is served, and somebody changes a build of it in the page."""
    emulator = Emulator(control=True)
    with running(emulator) as url:
        said: list[Said] = run(
            [Step(1, "reconciler emulator --company --port 8400"), Step(2, "colleague billing timeout=77")],
            Desk(tmp_path, url, door),
        )
    assert [one.code for one in said] == [0, 0], said
    (billing,) = [build for build in emulator.state()["builds"] if build["name"] == "billing"]
    assert (billing["timeout"], billing["update_by"]) == (77, "lin")
