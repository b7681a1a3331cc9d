"""File names: of every name a stem that every file system takes, that a person can read, and that no other has."""

from __future__ import annotations

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.definitions.files import is_definition_name
from reconciler.export.names import LONGEST, stems
from reconciler.model.reserved import is_reserved
from tests.test_properties import examples

ANY = st.text(max_size=12)
NASTY = st.sampled_from(
    ["", ".", "..", "-", "-rf", ".git", "a.", "a ", " a", "A", "a", "É", "é", "e\u0301", "E\u0301", "CON", "con.x",
     "Con .x", "com1", "LPT9.y", "CONIN$", "aux", "nul", "_defaults", "_Defaults", "reconciler", "RECONCILER", "ß",
     "SS", "ss", "ı", "I", "i", "İ", "ſ", "s", "K", "k", "\u212a", "Σ", "σ", "ς", "构建", "a+b", "a-b", "a b", "a/b",
     "a\\b", "x?y", "\u3164", "\u1100\u1161", "가", "\ud800", "\u200b", "😀", "\uf900", "豈", "x" * 200, "y" * 121,
     "构" * 40, "构" * 41, "ꭰ", "Ꭰ", "a\n", "con\n", "a~b", "{{.Name}}"]
)  # fmt: skip
NAMES = st.lists(ANY | NASTY | st.from_regex(r"[aAbB.-]{1,3}", fullmatch=True), max_size=12)


def hashed(name: str, digits: int = 8) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:digits]


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("A B", "A-B"), ("a+b", "a-b"), ("x?y", "x-y"), ("CON", "CON"), ("con.x", "con-x"), ("nul", "nul"),
        ("a/b\\c:d", "a-b-c-d"), ('say "hi"', "say--hi"), (".hidden", "hidden"), ("-rf", "rf"), ("dot.", "dot"),
        ("_defaults", "_defaults"), ("Reconciler", "Reconciler"), ("", "_"), ("...", "_"), ("e\u0301", "é"),
        ("straße", "stra-e"), ("\u200bapi", "api"), ("a~b", "a-b"), ("CONIN$", "CONIN"), ("x" * 200, "x" * 111),
        ("构" * 41, "构" * 37),
    ],
)  # fmt: skip
def test_a_name_that_is_no_file_name_keeps_what_is_readable_and_gets_a_mark(name, readable):
    """What a file system would refuse, hide or take for another becomes `-`, and the name's hash tells it apart."""
    assert stems([name]) == {name: f"{readable}~{hashed(name)}"}


@pytest.mark.parametrize(
    "name",
    ["api-test", "0", "a-", "构建", "Ünï", "MyBuild", "v1.2_x", "con-x", "console", "x" * 120, "构" * 40, "сборка"],
)
def test_a_good_name_is_its_own_stem(name):
    """What the page allows, and letters and digits of any script, stay as they are."""
    assert stems([name]) == {name: name}


def test_names_that_differ_in_their_capitals_are_told_apart():
    """The one in lower case keeps its name, all others get a mark."""
    assert stems(["Api", "API", "api", "web"]) == {
        "API": f"API~{hashed('API')}",
        "Api": f"Api~{hashed('Api')}",
        "api": "api",
        "web": "web",
    }
    assert stems(["Api", "API"]) == {"API": f"API~{hashed('API')}", "Api": f"Api~{hashed('Api')}"}


def test_what_a_folder_has_is_not_used_again():
    """A new build beside a file of another one gets a mark, whatever the capitals of that file."""
    assert stems(["api", "web"], taken=["API"]) == {"api": f"api~{hashed('api')}", "web": "web"}
    marked = f"a-b~{hashed('a b')}"
    assert stems(["a b"], taken=[marked.upper()]) == {"a b": f"a-b~{hashed('a b', 16)}"}
    everything = [f"_~{hashed('', digits)}" for digits in (8, 16, 32, 64)]
    assert stems([""], taken=everything) == {"": f"_~{hashed('', 64)}-2"}


@examples(400)
@given(NAMES, st.lists(NASTY, max_size=3), st.randoms(use_true_random=False))
def test_stems_are_unique_and_safe_for_all_names(names, taken, random):
    """No two stems are one file on any system, each is a file that the loader reads, and their order is nothing."""
    found = stems(names, taken)
    assert found.keys() == set(names)
    for form in ("NFC", "NFD", "NFKC"):
        folded = [unicodedata.normalize(form, stem).casefold() for stem in found.values()]
        assert len(set(folded)) == len(folded)
        assert not {unicodedata.normalize(form, stem).casefold() for stem in taken}.intersection(folded)
    for stem in found.values():
        assert is_definition_name(f"{stem}.yaml")
        assert unicodedata.is_normalized("NFC", stem)
        assert len(stem.encode()) <= LONGEST
        assert not is_reserved(stem)
        assert not set(stem).intersection('<>:"/\\|?*$ ')
        assert stem.isprintable()
        assert stem[0] not in "-.~"
        assert stem[-1] not in ". "
        assert stem.lower() not in ("_defaults", "reconciler")
    shuffled = list(names) * 2
    random.shuffle(shuffled)
    assert list(stems(shuffled, taken).items()) == list(found.items())
