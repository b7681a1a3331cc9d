"""The comment of a plan with no change, one, 300 and 5,000: what is open, folded, named and counted in it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from reconciler.forge.post import Ending
from reconciler.model.whereabouts import Whereabouts
from reconciler.report.plan_markdown import plan_markdown
from tests.ci.plans import many
from tests.forge.worlds import World

WHERE = Whereabouts(
    "/repo", "/repo/ci", "https://git.example/acme/builds/blob/0123456789abcdef0123456789abcdef01234567"
)


@dataclass(frozen=True)
class Expected:
    """How many builds stand open and folded, are named only, and are counted only."""

    open: int
    folded: int
    named: int
    counted: int


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (0, Expected(0, 0, 0, 0)),
        (1, Expected(0, 1, 0, 0)),
        (300, Expected(75, 121, 104, 0)),
        (5_000, Expected(189, 0, 576, 4235)),
    ],
)
def test_a_comment_tells_of_every_change_or_counts_it(world: World, changes: int, expected: Expected):
    """Deletes stand open, the others folded; what has no room is named, and at last counted; the forge cuts nothing."""
    page = plan_markdown(many(changes, lines=4), WHERE)
    assert world.post(page, "tree with a name that needs %20 escapes").ending is Ending.CREATED
    (body,) = world.server.bodies()
    assert len(body) <= 65_536
    assert body.partition("\n")[2].rstrip() == page.rstrip()
    shown, _, rest = body.partition("<details><summary>Names of what did not fit</summary>")
    found = Expected(
        open=len(re.findall(r"^### <code>p\d/", shown, re.MULTILINE)),
        folded=len(re.findall(r"^<details><summary><code>p\d/", shown, re.MULTILINE)),
        named=len(re.findall(r"p\d/build-\d{5}", rest)),
        counted=sum(int(number.replace(",", "")) for number in re.findall(r"… and ([\d,]+) more", rest)),
    )
    assert found.open + found.folded + found.named + found.counted == changes
    assert found == expected
