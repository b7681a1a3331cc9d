"""A file's text is changed where it must be and nowhere else, or not at all."""

from __future__ import annotations

import copy
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.definitions.edit import NotEditable, appended, edited, without
from reconciler.definitions.edit_match import same
from reconciler.definitions.reader import read
from reconciler.definitions.scalars import Odd
from reconciler.definitions.writer import Ghost, Remarked
from tests.definitions.changes import change, distinct, document
from tests.definitions.scribe import JsonScribe, Scribe
from tests.test_properties import examples

CASE = re.compile(r"@case (\S+) (json|yaml) (\d+)\n(.*)\n@before\n((?:.*\n)*?)@after\n((?:.*\n)*?)(?=@case|\Z)")


def shown(text: str) -> str:
    """Return a text that the table of cases spells with signs."""
    return text.replace("→", "\t").replace("␍", "\r").replace("␄\n", "")


TABLE = CASE.findall((Path(__file__).parent / "edits.txt").read_text(encoding="utf-8"))


def value_of(text: str, index: int = 0, *, json: bool = False) -> Any:
    contents = read(text, json=json)
    assert not contents.faults
    return contents.documents[index].value


def test_the_table_of_cases_is_read_whole():
    """A case that the pattern missed would be none."""
    text = (Path(__file__).parent / "edits.txt").read_text(encoding="utf-8")
    assert len(TABLE) == text.count("\n@case ") > 80


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_a_document_is_edited_as_a_person_would(case: tuple[str, ...]):
    """The text after is the text before with exactly the lines changed that a person would change."""
    _, form, index, wanted, before, after = case
    text = edited(shown(before), int(index), json.loads(wanted), json=form == "json")
    assert text == shown(after)
    assert same(value_of(text, int(index), json=form == "json"), json.loads(wanted))


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case[0])
def test_an_edit_that_changes_nothing_returns_the_very_text(case: tuple[str, ...]):
    """What says already what is wanted stays as it is, however it is written."""
    _, form, index, _, before, after = case
    for text in (shown(before), shown(after)):
        value = value_of(text, int(index), json=form == "json")
        if value is not None:
            assert edited(text, int(index), value, json=form == "json") is text


def test_lone_carriage_returns_are_line_breaks_too():
    """A file of old Macs keeps its line breaks."""
    assert edited("name: a\rb: |\r  x\r", 0, {"name": "c", "b": "y\n", "d": 2}, json=False) == (
        "name: c\rb: |\r  y\rd: 2\r"
    )


def test_a_number_in_an_odd_spelling_stays():
    """1.20 is no value that could be written anew, and need not be."""
    text = edited("a: 1.20\nb: 010  # b\n", 0, {"a": Odd("1.20"), "b": 8}, json=False)
    assert text == "a: 1.20\nb: 8  # b\n"


def test_what_is_a_comment_alone_is_left_out():
    """A ghost says nothing, and a remark is no part of a text."""
    wanted = {"name": "a", "build_os": Remarked("u", "look"), "advanced_settings": {"timeout": Ghost("60")}}
    assert edited("name: a\n", 0, wanted, json=False) == "name: a\nbuild_os: u\n"


def test_keys_stand_where_the_caller_wants_them():
    """The order of new keys is the table's only by default."""
    keys = {(): ("b", "a"), ("a",): ("d", "c")}
    text = edited("a: {c: 1}\n", 0, {"a": {"c": 1, "d": 2}, "b": 3}, json=False, keys=lambda path: keys.get(path, ()))
    assert text == "b: 3\na: {d: 2, c: 1}\n"


def test_a_file_without_a_document_gets_one():
    """Comments alone are no document; what is wanted stands below them."""
    assert edited("# defaults\n", 0, {"build_os": "u"}, json=False) == "# defaults\nbuild_os: u\n"
    assert edited("# defaults", 0, {"build_os": "u"}, json=False) == "# defaults\nbuild_os: u"
    assert edited("", 0, {"build_os": "u"}, json=False) == "build_os: u\n"
    assert edited("", 0, {"build_os": "u"}, json=True) == '{\n  "build_os": "u"\n}'


def test_the_same_element_twice_is_two_elements():
    """The second repository of one name is matched with the second."""
    before = "repo_info:\n- {repo_namespace: o, repo_name: a}  # 1\n- {repo_namespace: o, repo_name: a}  # 2\n"
    wanted = value_of(before)
    wanted["repo_info"][1]["branch"] = "main"
    after = "- {repo_namespace: o, repo_name: a, branch: main}  # 2\n"
    assert edited(before, 0, wanted, json=False).endswith(after)


REFUSED = {
    "no-such-document": ("name: a\n", 1, {"name": "b"}),
    "not-a-mapping": ("- a\n", 0, {"name": "b"}),
    "a-fault": ("a: 1\na: 2\n", 0, {"a": 3}),
    "a-tag": ("a: !!str 1\n", 0, {"a": 3}),
    "a-question-mark": ("? a\n: 1\n", 0, {"a": 2}),
    "a-type-of-no-file": ("a: 1\n", 0, {"a": 1.5}),
    "half-a-pair": ("a: 1\n", 0, {"a": "\ud800"}),
    "anchor-of-a-key-goes": ("&k name: a\nb: *k\n", 0, {"b": "name"}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_edited_safely_is_refused_in_one_sentence(case: str):
    """No wrong text is ever returned; the reason is one sentence, without any value."""
    text, index, wanted = REFUSED[case]
    with pytest.raises(NotEditable, match=r"^[a-z][^\n]+[^.]$"):
        edited(text, index, wanted, json=False)


STREAM = "# file\n\n# about a\nname: a\n# end of a\n---\n# about b\nname: b\n...\n---\nname: c\n"


@pytest.mark.parametrize(
    ("text", "index", "after"),
    [
        (STREAM, 0, "# file\n\n# about b\nname: b\n...\n---\nname: c\n"),
        (STREAM, 1, "# file\n\n# about a\nname: a\n# end of a\n---\nname: c\n"),
        (STREAM, 2, "# file\n\n# about a\nname: a\n# end of a\n---\n# about b\nname: b\n...\n"),
        ("# about a\nname: a\n---\nname: b\n", 0, "name: b\n"),
        ("---\nname: a\n---\nname: b\n", 0, "---\nname: b\n"),
        ("# file\n---\nname: a\n---\nname: b\n", 0, "# file\n---\nname: b\n"),
        ("%YAML 1.2\n---\nname: a\n---\nname: b\n", 0, "%YAML 1.2\n---\nname: b\n"),
        ("name: a\n--- {name: b}\n", 0, "--- {name: b}\n"),
        ("name: a\r\n---\r\nname: b\r\n", 1, "name: a\r\n"),
        ("name: a\n---\n", 0, ""),
        ("name: a\n", 0, ""),
        ("--- {name: a}\n--- {name: b}\n--- |\n  x\n", 1, "--- {name: a}\n--- |\n  x\n"),
    ],
)
def test_a_document_is_cut_out_with_its_own_comments(text: str, index: int, after: str):
    """What stays is what another document or the file says."""
    assert without(text, index, json=False) == after


def test_the_only_document_of_a_json_file_leaves_nothing():
    """A JSON file holds one document."""
    assert without('{"name": "a"}\n', 0, json=True) == ""
    with pytest.raises(NotEditable, match="no document 2"):
        without('{"name": "a"}\n', 1, json=True)


@pytest.mark.parametrize(
    ("text", "more", "after"),
    [
        ("name: a\n", "name: b\n", "name: a\n---\nname: b\n"),
        ("name: a", "---\nname: b\n", "name: a\n---\nname: b\n"),
        ("name: a\n...\n", "# b\nname: b\n", "name: a\n...\n---\n# b\nname: b\n"),
        ("name: a\r\n", "name: b\nx: |\n  y\n", "name: a\r\n---\r\nname: b\r\nx: |\r\n  y\r\n"),
        ("a: |\n  x", "name: b\n", "a: |-\n  x\n---\nname: b\n"),
        ("a: |+\n  x\n\n", "name: b\n", "a: |+\n  x\n\n---\nname: b\n"),
        ("", "name: b\n", "name: b\n"),
        ("# c", "name: b\n", "# c\nname: b\n"),
    ],
)
def test_a_document_is_put_behind_the_others(text: str, more: str, after: str):
    """The documents before say what they said."""
    assert appended(text, more) == after


SEEDS = st.integers(0, 2**32)


def styled(chance: random.Random, value: dict[str, Any], *, form: str) -> Scribe | JsonScribe:
    if form == "json":
        writer: Scribe | JsonScribe = JsonScribe(chance.choice(["  ", "    ", "\t"]))
    else:
        writer = Scribe(
            chance,
            unit=chance.choice([2, 2, 4]),
            flush=chance.random() < 0.3,
            remarks=form == "remarked",
            airy=chance.choice([0, 0.1, 0.5]),
        )
    writer.write(value)
    return writer


def joined(chance: random.Random, writer: Scribe | JsonScribe) -> str:
    eol = chance.choice(["\n", "\n", "\r\n"])
    in_block = isinstance(writer, Scribe) and writer.lines[-1].text.startswith(" ")
    return eol.join(line.text for line in writer.lines) + (eol if in_block else chance.choice(["", eol, eol]))


def bare(line: str) -> str:
    """Return a line without what its place gives it: indentation, the dash of an element, commas."""
    return line.strip().lstrip("- ").replace(",", "")


@pytest.mark.parametrize("form", ["remarked", "plain", "json"])
@examples(150)
@given(seed=SEEDS)
def test_a_change_touches_its_own_lines_only(form: str, seed: int):
    """However a file is written: it says what is wanted, and every line of something else is there, in order."""
    chance = random.Random(seed)
    before = document(chance)
    writer = styled(chance, before, form=form)
    text = joined(chance, writer)
    assert same(value_of(text, json=form == "json"), before)  # the scribe writes what it was given
    made = change(chance, before)
    after = edited(text, 0, made.wanted, json=form == "json")
    assert same(value_of(after, json=form == "json"), made.wanted)
    if "\r\n" in text:
        assert not re.search(r"\r(?!\n)|(?<!\r)\n", after)
    if distinct(made.wanted):
        lines = iter([bare(line) for line in after.splitlines()])
        kept = [bare(line.text) for line in writer.lines if line.survives(set(made.touched))]
        assert [line for line in kept if line and line not in lines] == []


@examples(150)
@given(seed=SEEDS)
def test_many_changes_leave_other_documents_alone(seed: int):
    """A document in the middle of a file becomes what is wanted; in front of it and behind it nothing changes."""
    chance = random.Random(seed)
    before = document(chance)
    writer = styled(chance, before, form="remarked")
    head, tail = "# file\nname: first  # f\n---\n", "---\n# last\nname: last\n"
    text = head + "".join(f"{line.text}\n" for line in writer.lines) + tail
    wanted = copy.deepcopy(before)
    for _ in range(chance.randint(1, 6)):
        wanted = change(chance, wanted).wanted if wanted else wanted
    after = edited(text, 1, wanted, json=False)
    assert after.startswith(head)
    assert after.endswith(tail)
    assert same(value_of(after, 1), wanted)
    assert same(without(after, 1, json=False), "# file\nname: first  # f\n" + tail)


def test_the_survival_of_lines_can_fail():
    """A line is told to be lost where it is: else the property would hold of anything."""
    writer = Scribe(random.Random(1), remarks=False, brackets=False, airy=0)
    writer.write({"a": 1, "b": {"c": 2, "d": 3}})
    assert [line.text for line in writer.lines if line.survives({("b", "c")})] == ["a: 1", "b:", "  d: 3"]
    assert [line.text for line in writer.lines if line.survives({("b",)})] == ["a: 1"]
