"""Every bad input of the corpus is answered with exactly the text beside it (UPDATE_GOLDEN=1 writes it anew)."""

import os
import re
from pathlib import Path

import pytest

from reconciler.config import Flags, resolve
from reconciler.definitions.loader import load
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.settings import Settings
from reconciler.report.problems import render

CORPUS = Path(__file__).parent / "corpus"
CASES = sorted(path.name for path in CORPUS.iterdir())


def settings_of(folder: Path) -> Settings:
    """A case with a reconciler.yaml is configured by it; the others must not find one above them."""
    if (folder / "reconciler.yaml").exists():
        return resolve(None, Flags(), {}, str(folder))
    return Settings(root=str(folder), path=str(folder))


@pytest.mark.parametrize("case", CASES)
def test_answers_a_bad_input_with_the_text_beside_it(case):
    folder = CORPUS / case
    with pytest.raises(InvalidDefinitions) as caught:
        load(settings_of(folder), {"BUILD_X": "x", "BUILD_SHELL": "canary", "ZADIG_TOKEN": "canary"}, cwd=str(folder))
    text = render(caught.value.problems)
    expected = folder / "expected.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "canary" not in text


def test_the_corpus_is_large():
    assert len(CASES) >= 45


PURE = [
    case
    for case in CASES
    if case.startswith(("syntax", "alias", "key", "tag", "too-deep", "duplicate", "merge", "half"))
]


@pytest.mark.parametrize("case", PURE)
def test_the_parser_without_libyaml_finds_the_same_places(case, monkeypatch):
    """Where the YAML library was installed without its C part, everything is slower and nothing else."""
    folder = CORPUS / case
    found = []
    for with_libyaml in (True, False):
        monkeypatch.setattr("yaml.__with_libyaml__", with_libyaml)
        with pytest.raises(InvalidDefinitions) as caught:
            load(settings_of(folder), {}, cwd=str(folder))
        found.append([(problem.place.file, problem.place.line) for problem in caught.value.problems])
    assert found[0] == found[1]


def test_every_problem_of_the_corpus_says_what_to_do():
    """A sentence of what is wrong is half of a message."""
    goldens = sorted(CORPUS.glob("*/expected.txt"))
    blocks = [block for golden in goldens for block in golden.read_text(encoding="utf-8").split("\n\n")]
    told = [block for block in blocks if not block.startswith("Found ")]
    assert len(told) > 200
    assert [block for block in told if not re.search(r"^ +=", block, re.MULTILINE)] == []
