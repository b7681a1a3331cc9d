"""What the documents say is so: commands, flags, links, exit codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.entry import COMMANDS, FAULT, INTERRUPTED, USAGE, main
from reconciler.model import errors
from reconciler.plan.step import Block

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))


def command(name: str) -> click.Command:
    with click.Context(main) as context:
        found = main.get_command(context, name)
    assert found is not None
    return found


def flags(name: str) -> set[str]:
    """Those of a command, and of the commands below it."""
    found = [command(name)]
    if isinstance(found[0], click.Group):
        with click.Context(found[0]) as context:
            found += [one for part in found[0].list_commands(context) if (one := found[0].get_command(context, part))]
    return {flag for one in found for parameter in one.params for flag in parameter.opts} | {"--help", "-h"}


def test_the_two_commands_stand_in_the_readme():
    """Exactly so: they are what a stranger copies first."""
    lines = README.splitlines()
    first = "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' && .venv/bin/reconciler demo"
    assert f"$ {first}" in lines
    assert "$ .venv/bin/python -m pytest -q -n auto" in lines


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_shown_in_the_readme(name: str):
    """In the table of commands."""
    assert re.search(rf"^\| `reconciler {name}[ `]", README, re.MULTILINE)


def test_the_readme_shows_no_command_that_is_not_there():
    """Neither does any other document."""
    for path in DOCUMENTS:
        named = re.findall(r"^(?:\$ |\| `)?(?:\.venv/bin/)?reconciler ([a-z]+)", path.read_text("utf-8"), re.MULTILINE)
        assert [name for name in named if name not in COMMANDS] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_flag_on_a_shown_command_line_exists(path: Path):
    """`reconciler NAME … --flag`: the command has the flag."""
    for name, rest in re.findall(r"reconciler ([a-z]+)((?: +[^\s`|#]+)*)", path.read_text(encoding="utf-8")):
        if name in COMMANDS:
            assert set(re.findall(r"(?<= )--?[a-z][a-z-]*", rest)) <= flags(name)


def test_every_flag_that_the_readme_names_exists():
    """Those of plan and apply in their rows, the shared ones with both."""
    rows = dict(re.findall(r"^\| `reconciler (\w+)[^|]*\|(.*)\|$", README, re.MULTILINE))
    for name in ("plan", "apply"):
        named = set(re.findall(r"`(--?[a-z-]+)", rows[name]))
        assert named
        assert named <= flags(name)
    shared = README[README.index("`--project P`") : README.index("beats `reconciler.yaml`")]
    named = set(re.findall(r"`(--?[a-z-]+)", shared))
    assert len(named) >= 8
    assert named <= flags("plan") & flags("apply")
    assert "--token-file" in flags("plan") & flags("apply")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(path: Path):
    """To a file of the repository, and to a heading where one is named."""
    for target in links(path.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        leads = path if not file else (path.parent / file).resolve()
        assert leads.exists(), f"{path.name}: {target}"
        if heading:
            assert heading in anchors(leads.read_text(encoding="utf-8")), f"{path.name}: {target}"


def links(text: str) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """As GitHub makes them: of a heading that stands twice, the second one gets a number."""
    found: dict[str, int] = {}
    for heading in re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    ):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return {f"{anchor}-{n}" if n else anchor for anchor, last in found.items() for n in range(last + 1)}


def test_the_links_are_found_at_all():
    """The positive control of the test above."""
    assert "docs/fields.md" in set(links(README))
    assert "LICENSE" in set(links(README))
    assert sum("#" in link for path in DOCUMENTS for link in links(path.read_text(encoding="utf-8"))) > 20


def test_where_a_heading_is_found():
    """Punctuation goes, links leave their words, what stands in a block of code is no heading, doubles are counted."""
    text = "# A `b`, c!\n\n```sh\n# no heading\n```\n\n## [Of a](x.md) link\n\n## Twice\n\n## Twice\n"
    assert anchors(text) == {"a-b-c", "of-a-link", "twice", "twice-1"}


def test_every_page_is_reached_from_the_readme():
    """By following links: a page that no other one leads to is read by nobody."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            found = links(page.read_text(encoding="utf-8"))
            waiting += [(page.parent / link.partition("#")[0]).resolve() for link in found if link.partition("#")[0]]
    assert {path for path in DOCUMENTS if path not in reached} <= {ROOT / "CHANGELOG.md"}


def test_files_and_folders_that_the_documents_name_in_code_exist():
    """`reconciler/model/fields.py`, `tests/test_layers.py`: a path with a slash and an ending is a promise."""
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"):
        text = path.read_text(encoding="utf-8")
        named = re.findall(r"`((?:reconciler|tests|docs|schemas|examples|\.ci)/[\w./-]+)`", text)
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_changelog_has_a_place_for_what_is_new():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## \[Unreleased\]$", text, re.MULTILINE)
    for name in COMMANDS:
        assert f"`reconciler {name}`" in text


def documented_codes() -> set[int]:
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    return {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}


def tree(error: type[errors.ReconcilerError]) -> set[type[errors.ReconcilerError]]:
    return {error, *(found for child in error.__subclasses__() for found in tree(child))}


def test_every_exit_code_is_documented_and_every_documented_one_is_used():
    """Those of the exception tree, of the command line's edge, of a plan with changes or blocked steps, of drift."""
    raised = {error.exit_code for error in tree(errors.ReconcilerError)}
    assert documented_codes() == raised | {0, 2, 3, 4, USAGE, FAULT, INTERRUPTED}


def test_the_drawing_of_the_exception_tree_is_the_tree():
    """Names, codes and parents, as `reconciler.model.errors` draws them."""
    drawn: dict[str, tuple[int, str | None]] = {}
    above: list[tuple[int, str]] = []
    for indent, name, code in re.findall(r"^    ([ │├└─]*)([A-Z]\w+) +(\d+)  ", errors.__doc__ or "", re.MULTILINE):
        above = [(depth, parent) for depth, parent in above if depth < len(indent)]
        drawn[name] = (int(code), above[-1][1] if above else None)
        above.append((len(indent), name))
    real = {
        error.__name__: (error.exit_code, parent.__name__ if parent is not Exception else None)
        for error in tree(errors.ReconcilerError)
        if error.__module__ == errors.__name__ and (parent := error.__bases__[0])
    }
    assert drawn == real


def test_the_settings_of_the_readme_are_those_that_are_read():
    """Every variable that the README names is one that the code looks at."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py"))
    named = set(re.findall(r"`((?:ZADIG|RECONCILER)_[A-Z]+)`", README))
    assert named >= {"ZADIG_SERVER", "ZADIG_TOKEN", "RECONCILER_LEDGER"}
    assert [name for name in named if f'"{name}"' not in code] == []


GUARDS = (ROOT / "docs" / "guards.md").read_text(encoding="utf-8")


def test_every_reason_why_a_step_is_blocked_is_explained():
    """A row in the table, a section, and an excerpt in it that is about this reason."""
    words = {block.value for block in Block}
    assert set(re.findall(r"^\| \[`([a-z-]+)`\]\(#\1\) \|", GUARDS, re.MULTILINE)) == words
    sections = {part.splitlines()[0]: part for part in re.split(r"^## ", GUARDS, flags=re.MULTILINE)[1:]}
    assert words < sections.keys()
    silent = {word for word in words if f"but is blocked ({word})" not in sections[word]}
    assert silent == {"renamed"}, "its excerpt is the note that all builds share"


def test_every_excerpt_about_what_is_blocked_was_printed():
    """Line by line, in this order, in the expected output of one golden case."""
    golden = [path.read_text(encoding="utf-8").splitlines() for path in (ROOT / "tests" / "golden").rglob("*.txt")]
    excerpts = re.findall(r"^```text\n(.*?)^```", GUARDS, re.MULTILINE | re.DOTALL)
    assert len(excerpts) >= len(Block)
    invented = [text for text in excerpts if not any(within(text.splitlines(), lines) for lines in golden)]
    assert invented == []


def within(some: list[str], lines: list[str]) -> bool:
    """Tell whether all of some lines stand among others, in their order."""
    rest = iter(lines)
    return all(line in rest for line in some)


def test_an_invented_excerpt_would_be_found():
    """The positive control of the test above."""
    assert within(["a", "c"], ["a", "b", "c"])
    assert not within(["c", "a"], ["a", "b", "c"])
