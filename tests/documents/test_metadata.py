"""What a package index is told of the project."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = BUILD["project"]


def test_what_the_index_shows_is_there():
    """The page, the license and its text, one line that says what it is."""
    assert (ROOT / PROJECT["readme"]).is_file()
    (license_,) = PROJECT["license-files"]
    assert PROJECT["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in (ROOT / license_).read_text(encoding="utf-8")
    assert "Zadig" in PROJECT["description"]
    assert len(PROJECT["description"]) < 100


def test_the_classifiers_say_which_python():
    """From the oldest that is allowed on, and the one that runs this is not older."""
    classified = [word.rpartition(" :: ")[2] for word in PROJECT["classifiers"] if "Python :: 3." in word]
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert classified[0] == oldest
    assert sys.version_info >= tuple(map(int, oldest.split(".")))
    assert PROJECT["classifiers"] == sorted(PROJECT["classifiers"])


def test_every_document_goes_along_with_the_sources():
    """Whatever stands at the top and is for readers, and the folder of pages."""
    along = set(BUILD["tool"]["hatch"]["build"]["targets"]["sdist"]["include"])
    assert {path.name for path in ROOT.glob("*.md")} | {"LICENSE", "docs", "examples"} <= along
