"""The commands of a page: what is typed, and what is said to come out.

What enters: a page of Markdown. What leaves: its steps in order, and the blocks that are not run, with the reason.

A ```console block has commands behind `$ ` (continued behind `> `) and their output below them; a ```sh block has a
command per line and no output. A command without output below it is run and not compared. In output, `…` stands for
anything: for any lines where it stands alone, else within the line. A command that has `…` in it is a placeholder, and
is not run. `# exit 4` behind a command says how it ends; without it, with 0.

A ```yaml block whose first line is `# PATH.yaml` is that file, written where the page stands. Remarks that no reader
sees say the rest, each in front of the block that it is about:

    <!-- run: COMMAND -->         typed, and not shown: what the text around it asks the reader to do
    <!-- output -->               the next block is what the last command prints
    <!-- exit: N -->              how the last command of the next block ends
    <!-- not run: REASON -->      the next block is for a reader alone; the reason is one of `REASONS`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

REASONS = {
    "installs packages": "packages are installed; .ci/run does it",
    "needs a forge": "GitHub or GitLab, or a repository that is pushed to",
    "needs a store": "a bucket or a state server, and its credentials",
    "needs a cluster": "Kubernetes, or a registry of images",
    "needs a Zadig": "a real server, or its web page",
    "runs the tests": "would run this test again",
}
"""Why a block may be left out, and nothing else."""

ASKS = re.compile(r"\breconciler (apply|adopt|restore|ledger forget)\b(?![^#]*(--yes|--dry-run|--help))")
"""Commands that ask on a terminal. A page is read by people who say yes."""

PROGRAMS = {
    *("reconciler", "git", "cd", "export", "unset", "set", "source", ".", "mkdir", "cp", "mv", "rm", "touch", "chmod"),
    *("cat", "echo", "printf", "ls", "sed", "grep", "head", "tail", "diff", "test", "[", "true", "false", "if"),
    *("read", "serve", "colleague", "begin"),
}
"""What is run. A page that wants another program says that it is not run, so that no page surprises a machine."""

FAR = re.compile(r"\bgit (push|pull|fetch|clone)\b(?! \S*\.git\b)")
"""What of Git speaks to other machines."""

BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w*)\n(?P<body>.*?)^ *```$"
    r"|<!-- (?P<word>run|output|exit|not run)(?::\s*(?P<said>.*?))? ?-->",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        line: where it stands in the page.
        command: for the shell; of several lines where it is a file or goes on.
        shown: the lines that it is said to print; none where the page shows nothing.
        exit: how it ends.
        hidden: whether no reader sees it.
    """

    line: int
    command: str
    shown: tuple[str, ...] = ()
    exit: int = 0
    hidden: bool = False


@dataclass
class Page:
    """What a page has us do.

    Attributes:
        steps: in order.
        left_out: (line, reason) per block that is not run.
        placeholders: commands with `…` in them.
    """

    steps: list[Step] = field(default_factory=list)
    left_out: list[tuple[int, str]] = field(default_factory=list)
    placeholders: int = 0


def page_of(text: str) -> Page:
    """Take a page apart. Raises ValueError for a remark that is misspelt."""
    page, remarks = Page(), dict[str, str]()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["word"]:
            _remark(page, remarks, line, found["word"], found["said"] or "")
        else:
            _block(page, remarks, line, found)
            remarks.clear()
    for step in page.steps:
        _harmless(step)
    return page


def _harmless(step: Step) -> None:
    """Refuse a command that a machine which only runs tests should not see."""
    if "END-OF-FILE" in step.command:
        return
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "''", _bare(step.command).replace("\\\n", " "))
    for part in re.split(r"\n|&&|\|\|?|;", unquoted):
        word = re.match(r"\s*(?:\w+=\S*\s+)*(?:! )?([^\s>]*)", part)
        if (word and word[1] and word[1] not in {*PROGRAMS, "''"}) or FAR.search(part):
            raise ValueError(f"line {step.line}: `{part.strip()}` is nothing to run here: say <!-- not run: … -->")


def _remark(page: Page, remarks: dict[str, str], line: int, word: str, said: str) -> None:
    if word == "not run" and said not in REASONS:
        raise ValueError(f"line {line}: {said!r} is no reason; known are {', '.join(REASONS)}")
    if word == "run":
        page.steps.append(Step(line, said.strip(), hidden=True))
    else:
        remarks[word] = said


def _block(page: Page, remarks: dict[str, str], line: int, found: re.Match[str]) -> None:
    kind, lines = found["kind"], [one[len(found["indent"]) :] for one in found["body"].splitlines()]
    if "not run" in remarks:
        page.left_out.append((line, remarks["not run"]))
    elif "output" in remarks:
        page.steps[-1] = replace(page.steps[-1], shown=tuple(lines))
    elif kind in ("console", "sh"):
        steps = list(_typed(lines, line + 1) if kind == "console" else _listed(lines, line + 1))
        page.placeholders += sum("…" in _bare(step.command) for step in steps)
        steps = [replace(step, exit=_ending(step)) for step in steps if "…" not in _bare(step.command)]
        if steps and "exit" in remarks:
            steps[-1] = replace(steps[-1], exit=int(remarks["exit"]))
        page.steps += steps
    elif kind == "yaml" and (name := re.fullmatch(r"# ([\w./-]+\.yaml)(?: .*)?", lines[0])):
        page.steps.append(Step(line, _written(name[1], lines), hidden=True))


def _typed(lines: list[str], first: int) -> Iterator[Step]:
    """The commands of a console, each with what stands below it."""
    step: Step | None = None
    for number, line in enumerate(lines, first):
        if line.startswith("$ "):
            if step:
                yield step
            step = Step(number, line[2:])
        elif step and line.startswith("> ") and not step.shown:
            step = replace(step, command=f"{step.command}\n{line[2:]}")
        elif step:
            step = replace(step, shown=(*step.shown, line))
    if step:
        yield step


def _listed(lines: list[str], first: int) -> Iterator[Step]:
    for number, line in enumerate(lines, first):
        if line and not line.startswith("#"):
            yield Step(number, line)


def _bare(command: str) -> str:
    """A command without the remark behind it."""
    return re.sub(r"\s+# .*$", "", command)


def _ending(step: Step) -> int:
    said = re.search(r"# .*\bexit (\d+)\b", step.command)
    return int(said[1]) if said else 0


def _written(name: str, lines: list[str]) -> str:
    folder = name.rpartition("/")[0] or "."
    return "\n".join([f"mkdir -p {folder} && cat >{name} <<'END-OF-FILE'", *lines, "END-OF-FILE"])
