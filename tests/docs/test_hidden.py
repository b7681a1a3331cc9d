"""What `docs/hidden.md` says of settings is what the table of fields says, and the tutorial leaves nothing out."""

from __future__ import annotations

import re

from reconciler.model.fields import PLAIN, Leaf, Sight, walk
from tests.docs.shell import ROOT
from tests.docs.steps import page_of

HIDDEN = (ROOT / "docs" / "hidden.md").read_text(encoding="utf-8")


def named() -> str:
    """The first column of the page's first table."""
    table = HIDDEN[HIDDEN.index("| setting |") : HIDDEN.index("**What we do.**")]
    return "\n".join(re.findall(r"^\| ([^|]*) \|", table, re.MULTILINE))


def parts(path: str) -> set[str]:
    """What a path may be called in the table: itself, the list or block that it is in, each also by its last name."""
    whole = {path, *(path[: end.start()] for end in re.finditer(r"\.|\[\]", path))} - {"advanced_settings"}
    return whole | {one.rpartition(".")[2] for one in whole}


def test_every_setting_that_is_not_shown_stands_in_the_table():
    """Unreadable, partial and by reference: each by its path, or by its name beside a neighbour of the same list."""
    written = set(re.findall(r"`([^`]+)`", named()))
    hidden = {path for path, row in walk(PLAIN) if isinstance(row, Leaf) and row.sight is not Sight.SHOWN}
    hidden -= {"docker_build_step.template_name"}  # "names of templates"
    assert len(hidden) > 10
    assert {path for path in hidden if not parts(path) & written} == set()


def test_nothing_that_is_shown_stands_in_the_table():
    """Every name there leads to a setting that detail does not show as it was written."""
    shown = {path for path, row in walk(PLAIN) if isinstance(row, Leaf) and row.sight is Sight.SHOWN}
    assert shown & set(re.findall(r"`([^`]+)`", named())) == set()


def test_the_tutorial_leaves_nothing_out():
    """Every block of it is run, and nearly every command shows what it prints."""
    page = page_of((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    typed = [step for step in page.steps if not step.hidden]
    assert (page.left_out, page.placeholders) == ([], 0)
    assert sum(step.command.startswith("reconciler") and not step.shown for step in typed) == 1, "the emulator alone"
    assert len(typed) > 15
