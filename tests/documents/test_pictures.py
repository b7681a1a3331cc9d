"""The pictures of the README show what the commands print, stand alone, and can be read by everybody."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.documents import comment_picture, terminal_picture
from tests.documents.drawing import Colours
from tests.documents.pictures import COMMAND, pictures
from tests.documents.scene import ENVIRON, Shown, shown

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
FILES = sorted(FOLDER.glob("*.svg"))
SVG = "{http://www.w3.org/2000/svg}"
LEAST_CONTRAST = 4.5
"""What WCAG 2 asks of text at level AA."""


@pytest.fixture(scope="module")
def plan() -> Shown:
    return shown()


def test_the_pictures_show_what_the_commands_print_today(plan):
    """Byte for byte; so the same plan gives the same bytes, on every machine."""
    made = pictures(plan)
    assert sorted(made) == [path.relative_to(ROOT).as_posix() for path in FILES]
    stale = [name for name, text in made.items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert stale == [], f"renew them with `{COMMAND}`, and look at them"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_picture_takes_nothing_from_elsewhere(path):
    """No link, font, script or picture from outside; small enough for a page."""
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 40_000
    shapes = {element.tag.removeprefix(SVG) for element in ElementTree.fromstring(text).iter()}
    assert shapes <= {"svg", "title", "desc", "style", "rect", "path", "circle", "text", "tspan"}
    assert re.findall(r"href|url\(|@import|@font-face|<\?|<!", text) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_picture_tells_what_is_on_it(path):
    """A title and a description, which the picture names as its label, and the text itself is text."""
    picture = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    told = {
        element.get("id"): element.text or "" for element in picture if element.tag in (f"{SVG}title", f"{SVG}desc")
    }
    assert picture.get("role") == "img"
    assert set((picture.get("aria-labelledby") or "").split()) == told.keys()
    assert all(len(text) > 15 for text in told.values())
    assert "nightly-report will be deleted" in "".join(picture.itertext())


def test_all_that_the_terminal_printed_is_in_its_picture(plan):
    """Each word of each line, in its order."""
    picture = ElementTree.fromstring((FOLDER / "plan.svg").read_text(encoding="utf-8"))
    drawn = "".join(part for element in picture.iter(f"{SVG}text") for part in element.itertext())
    printed = re.sub(r"\x1b\[\d+m", "", plan.terminal)
    assert re.sub(r"\s", "", drawn) == re.sub(r"\s", "", f"$ reconciler plan\n{printed}")


def test_nothing_secret_is_in_a_picture(plan):
    """A credential differs in it, and neither of its values is there."""
    assert "parameters[REGISTRY_PASSWORD].default_value  (sensitive)" in plan.terminal
    for path in FILES:
        assert [word for word in ENVIRON.values() if word in path.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(
    ("colours", "grounds"),
    [(terminal_picture.COLOURS, ("screen",)), (comment_picture.COLOURS, ("card", "head", "block"))],
    ids=["terminal", "comment"],
)
def test_every_colour_of_text_can_be_told_from_what_is_behind_it(colours: Colours, grounds):
    """In light and in dark."""
    for palette in filter(None, (colours.light, colours.dark)):
        texts = palette.keys() - {*grounds, "bar", "close", "least", "most"}
        poor = [(text, ground) for text in texts for ground in grounds
                if contrast(palette[text], palette[ground]) < LEAST_CONTRAST]  # fmt: skip
        assert poor == []


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_contrast_is_measured():
    """The positive control of the test above."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") < LEAST_CONTRAST
