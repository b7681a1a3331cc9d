"""How far a run is: a bar on a terminal, lines in a log, nothing for a program; and a clean screen whatever happens."""

from __future__ import annotations

import io
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from reconciler.cli.bar import drawn
from reconciler.cli.pace import Pace, span
from reconciler.cli.progress import Lines
from reconciler.cli.terminal import Manner, color_for, manner_for
from reconciler.emulator import Emulator, running
from tests.rig import TOKEN, plain
from tests.screen import Run, inherited, interrupted_at, on_terminal
from tests.test_properties import examples

BUILDS = 8
SLOW = ("--concurrency", "1")
"""With the latency below a reading takes longer than a bar waits for."""

APPLIED: list[tuple[list[dict[str, Any]], bytes]] = []
"""What the server and the ledger hold once the tree is applied."""


@dataclass
class Desk:
    """A tree of some builds, and a server that takes its time."""

    folder: Path
    emulator: Emulator
    environ: dict[str, str]

    def there(self) -> None:
        """The server has what the tree has, and the ledger knows it: applied once, then put back."""
        ledger = self.folder / ".reconciler" / "ledger.db"
        if not APPLIED:
            assert self.piped("apply", "--yes", "-q").returncode == 0
            APPLIED.append((self.emulator.state()["builds"], ledger.read_bytes()))
        ledger.parent.mkdir(exist_ok=True)
        ledger.write_bytes(APPLIED[0][1])
        self.emulator.set_state(None, APPLIED[0][0])

    def terminal(self, *arguments: str, columns: int = 80, sign: str = "", times: int = 1, **environ: str) -> Run:
        """Run a command as a person does; where `sign` is written, Ctrl-C is pressed."""
        self.emulator.set_settings({"latency_ms": 500 if sign else 80})  # who presses a key needs time for it
        hear = {"hear": interrupted_at(sign, times)} if sign else {}
        found = {**self.environ, "TERM": "xterm-256color", **environ}
        try:
            return on_terminal([*arguments, *SLOW], found, self.folder, columns=columns, **hear)
        finally:
            self.emulator.set_settings({"latency_ms": 0})

    def piped(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a program does."""
        return subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments], capture_output=True, text=True, check=False,
            cwd=self.folder, env={**inherited(), **self.environ, **environ}, stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Emulator, str]]:
    emulator = Emulator()
    with running(emulator) as url:
        yield emulator, url


@pytest.fixture
def desk(served, tmp_path) -> Desk:
    emulator, url = served
    emulator.set_state(None, [])
    (tmp_path / "reconciler.yaml").write_text("projects: [yaml]\ntree: t\n", encoding="utf-8")
    for n in range(BUILDS):
        (tmp_path / f"b{n}.json").write_text(json.dumps(plain(f"b{n}")), encoding="utf-8")
    environ = {"ZADIG_TOKEN": TOKEN, "ZADIG_SERVER": url}
    return Desk(tmp_path, emulator, environ)


def clean(run: Run) -> None:
    """Nothing of the bar is left, the cursor is there, and no line was torn."""
    assert run.screen.unknown == []
    assert run.screen.cursor
    assert not re.search(r"━|\d of \d| left$", run.screen.shown, re.MULTILINE), run.screen.shown


# On a terminal -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "bar"), [(80, "━"), (30, "of 8"), (20, "of 8")])
def test_a_plan_shows_how_far_the_reading_is(desk: Desk, columns: int, bar: str):
    """A bar, how many of how many, the rate and the time that is left, as far as there is room; then it is gone."""
    desk.there()
    run = desk.terminal("plan", columns=columns)
    clean(run)
    assert (run.code, run.screen.shown) == (0, "Nothing to do: 8 unchanged.")
    drawings = [text for text in run.screen.seen if "of 8" in text]
    assert drawings
    assert max(map(len, drawings)) < columns
    assert any(bar in text for text in drawings)
    assert any(re.search(r"reading project yaml .* \d of 8  \d+/s  \d s left", text) for text in drawings) == (
        columns == 80
    )


@pytest.mark.parametrize("columns", [80, 30])
def test_an_apply_tells_each_step_above_the_bar(desk: Desk, columns: int):
    """What is on the screen afterwards is what a pipe gets, line by line."""
    run = desk.terminal("apply", "--yes", "--color", "never", columns=columns)
    clean(run)
    assert any("of 8" in text for text in run.screen.seen)
    assert run.code == 0
    desk.emulator.set_state(None, [])
    (desk.folder / ".reconciler" / "ledger.db").unlink()
    piped = desk.piped("apply", "--yes", "--concurrency", "1")
    assert (run.screen.shown + "\n", piped.stderr) == (piped.stdout, "")


def test_json_stays_json_beside_a_bar(desk: Desk):
    """The bar is on stderr: stdout is the same bytes as without it."""
    desk.there()
    quiet = desk.piped("plan", "--format", "json").stdout
    run = desk.terminal("plan", "--format", "json")
    assert any("━" in text for text in run.screen.seen)
    assert run.screen.shown + "\n" == quiet


def test_an_interrupted_reading_leaves_a_clean_screen(desk: Desk):
    """Ctrl-C under a bar: the bar goes, and one line says what happened."""
    desk.there()
    run = desk.terminal("plan", sign="━")
    clean(run)
    assert (run.code, run.screen.shown.split("\n")[-1]) == (130, "interrupted")


def test_the_sentence_of_a_first_interrupt_stands_above_the_bar(desk: Desk):
    """It is told at once, on a line of its own; what was in flight ends, and the second one would stop at once."""
    run = desk.terminal("apply", "--yes", sign="━")
    clean(run)
    assert run.code == 130
    assert "finishing what is in flight; press Ctrl-C again to stop at once" in run.screen.shown.split("\n")


def test_a_server_that_breaks_down_leaves_a_clean_screen(desk: Desk):
    """An error is told on lines of its own."""
    desk.there()
    desk.emulator.set_faults([{"kind": "401-empty", "at": [7], "match": {"path": "/openapi/build"}}])
    run = desk.terminal("plan")
    desk.emulator.set_faults([])
    clean(run)
    assert run.code == 77
    assert run.screen.shown.startswith("error: ")


def test_no_colour_means_none_of_the_bar_either(desk: Desk):
    """NO_COLOR leaves the line and takes its colours."""
    desk.there()
    run = desk.terminal("plan", NO_COLOR="1")
    clean(run)
    assert any("━" in text for text in run.screen.seen)
    assert not re.search(r"\x1b\[[0-9;]*m", run.wrote)


# In a log, and for a program -----------------------------------------------------------------------------

BEGUN, ENDED = "reading project yaml: 0 of 8\n", r"reading project yaml: 8 of 8, \d+/(s|min), \d+ s\n"


@pytest.mark.parametrize("environ", [{"CI": "true"}, {"TERM": "dumb"}])
def test_a_log_gets_lines_and_nothing_that_moves(desk: Desk, environ: dict[str, str]):
    """On a terminal that a CI pretends to have, and on one that can do nothing."""
    desk.there()
    run = desk.terminal("plan", "--color", "never", **environ)
    wrote = run.wrote.replace("\r\n", "\n")
    assert re.fullmatch(f"{BEGUN}{ENDED}Nothing to do: 8 unchanged.\n", wrote), wrote
    assert run.code == 0


def test_a_ci_that_pipes_gets_lines_on_stderr_and_the_same_data(desk: Desk):
    """A person's pipe gets none, and neither gets any with -q."""
    desk.there()
    log, pipe = desk.piped("plan", CI="true"), desk.piped("plan", CI="")
    assert re.fullmatch(f"{BEGUN}{ENDED}", log.stderr), log.stderr
    assert pipe.stderr == ""
    assert log.stdout == pipe.stdout
    assert desk.piped("plan", "-q", CI="true").stderr == ""


def test_quiet_is_quiet_on_a_terminal_too(desk: Desk):
    desk.there()
    run = desk.terminal("plan", "-q", "--color", "never")
    assert run.wrote == "Nothing to do: 8 unchanged.\r\n"


def test_lines_of_a_log_are_ten_seconds_apart(capsys):
    """However often it is told: one at the beginning, one every ten seconds, one at the end, of each thing."""
    time, asked = [0.0], itertools.count()
    lines = Lines(lambda: time[0] + 1e-9 * next(asked))
    for n in range(251):
        time[0] = n / 10
        lines.tell("reading project \x1b[31m中\n", n, 250)
    lines.tell("nothing", 0, 0)
    lines.tell("applying", 0, 1)
    time[0] += 0.1
    lines.tell("applying", 1, 1)
    assert capsys.readouterr().err.splitlines() == [
        r"reading project \u001b[31m中\n: 0 of 250",
        r"reading project \u001b[31m中\n: 100 of 250, 10/s, 15 s left",
        r"reading project \u001b[31m中\n: 200 of 250, 10/s, 5 s left",
        r"reading project \u001b[31m中\n: 250 of 250, 10/s, 25 s",
        "applying: 0 of 1",
        "applying: 1 of 1, 10/s, 1 s",
    ]


# In words ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (8.4, "8 s"), (59.6, "1 min"), (130, "2 min 10 s"), (3600, "1 h"), (3900, "1 h 5 min")],
)
def test_a_time_is_told_as_exactly_as_anybody_wants_to_know_it(seconds: float, words: str):
    assert span(seconds) == words


@pytest.mark.parametrize(("done", "seconds", "rate"), [(0, 9, ""), (90, 9, "10/s"), (1, 10, "6/min"), (1, 900, "4/h")])
def test_a_slow_rate_is_told_per_minute_or_hour(done: int, seconds: float, rate: str):
    assert Pace("x", done, 100, seconds).rate == rate


@examples(60)
@given(st.text(max_size=60), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10**6), st.integers(1, 120))
def test_the_line_fits_whatever_it_is_about(what: str, done: int, of: int, seconds: float, width: int):
    """One line, no wider than the terminal, with nothing read as markup."""
    screen = io.StringIO()
    console = Console(file=screen, width=width, force_terminal=True, color_system=None, markup=False, emoji=False)
    console.print(drawn(Pace("".join(filter(str.isprintable, what)), done, of, seconds), width), end="")
    lines = screen.getvalue().rstrip("\n").split("\n")
    assert len(lines) == 1
    assert cell_len(lines[0].rstrip()) <= width


def test_markup_and_emoji_of_a_name_are_text():
    """A project may be called anything."""
    screen = io.StringIO()
    console = Console(file=screen, width=100, force_terminal=True, color_system=None, markup=False, emoji=False)
    console.print(drawn(Pace("reading project [red]x[/] :boom:", 1, 2, 1.0), 100))
    assert "[red]x[/] :boom:" in screen.getvalue()


# Who decides ---------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environ", "terminal", "pipe"),
    [
        ({}, True, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, True),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"CLICOLOR_FORCE": "0"}, True, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"CI": "true"}, True, False),
    ],
)
def test_colours_follow_the_environment(environ: dict[str, str], terminal: bool, pipe: bool):
    """What forces them, then what forbids them, then whether it is a terminal; a flag is before all of it."""
    assert color_for(Terminal(), environ=environ) == terminal
    assert color_for(io.StringIO(), environ=environ) == pipe
    assert color_for(io.StringIO(), "always", environ)
    assert not color_for(Terminal(), "never", environ)


@pytest.mark.parametrize(
    ("environ", "terminal", "pipe"),
    [
        ({}, Manner.BAR, Manner.NOTHING),
        ({"CI": "true"}, Manner.LINES, Manner.LINES),
        ({"CI": "false"}, Manner.BAR, Manner.NOTHING),
        ({"TERM": "dumb"}, Manner.LINES, Manner.NOTHING),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, Manner.BAR, Manner.NOTHING),
    ],
)
def test_progress_follows_the_environment(environ: dict[str, str], terminal: Manner, pipe: Manner):
    """-q is before all of it; colours have nothing to do with it; a closed stream is looked at by nobody."""
    assert manner_for(Terminal(), quiet=False, environ=environ) is terminal
    assert manner_for(io.StringIO(), quiet=False, environ=environ) is pipe
    assert manner_for(Terminal(), quiet=True, environ=environ) is Manner.NOTHING
    closed = io.StringIO()
    closed.close()
    assert manner_for(closed, quiet=False, environ=environ) is pipe


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_a_closed_stream_is_no_fault(desk: Desk, closed: str):
    """The run ends as it would, with no traceback, and its ledger is a ledger."""
    ran = subprocess.run(
        ["bash", "-c", f'"$0" -m reconciler apply --yes {closed}', sys.executable], capture_output=True, text=True,
        check=False, cwd=desk.folder, env={**inherited(), **desk.environ},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert len(desk.emulator.state()["builds"]) == BUILDS
    assert "Nothing to do" in desk.piped("plan").stdout
