"""Texts arrive byte for byte: scripts and default values with every ending, break and character that people have.

Written inline in YAML (a block, a quoted text), in JSON, and as a file of their own; compared with what the
server's store holds, and shown in a report without a raw control character.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from reconciler.model.change import ChangeKind
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.outcome import Ending
from reconciler.plan.step import Action, Plan
from reconciler.report.document import dump, plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, render_outcome, render_plan
from tests.rig import Rig, plain, template

TEXTS = {
    "one-line": "make",
    "final-newline": "make\n",
    "no-final-newline": "set -e\nmake",
    "blank-lines-at-the-end": "make\n\n\n",
    "blank-lines-at-the-beginning": "\n\nmake\n",
    "only-newlines": "\n\n\n",
    "one-newline": "\n",
    "only-spaces": "   ",
    "trailing-spaces": "make  \nmake \t \n   \n",
    "leading-spaces": "  make\n    all\n",
    "tabs": "\tmake\n\t\tall\tnow\n\t\n",
    "crlf": "make\r\nall\r\n",
    "crlf-and-lf": "make\r\nall\nnow\r\n",
    "lone-cr": "make\rall\r",
    "chinese": "echo 构建完成\n",
    "emoji": "echo 🚀 👩‍💻\n",
    "combining": "e\u0301cho é\n",
    "variables": "echo ${VAR} $VAR {{.Values}} {{.job.x}} $(pwd) %VAR% {from_env: X} @{x}\n",
    "yaml-in-it": "key: value # comment\n- list\n--- \n...\n%YAML 1.1\n&a *a !tag | > ' \"\n",
    "json-in-it": '{"a": "b\\n", "c": [null]}\n',
    "quotes-and-backslashes": "echo 'a' \"b\" \\n \\\\ \\u0041 \\\n",
    "line-separators": "a\u2028b\u2029c\u0085d\n",
    "bom": "\ufeffmake\n",
    "bom-inside": "make\n\ufeff\n",
    "zero-width-and-direction": "a\u200bb\u202ec\u2066d\n",
    "control-characters": "a\x01b\x07c\x1b[31mred\x1b[0m\x7f\x08\x0b\x0c\n",
    "no-characters": "a\ufffe\uffffb\n",
    "beyond-the-plane": "\U0010ffff\U0001f600\n",
    "looks-like-a-number": "010",
    "looks-like-null": "null",
    "looks-like-a-boolean": "yes",
    "asterisks": "********\n",
    "long": "x" * 20_000 + "\n",
    "html": "<b>&amp;</b>\n",
}
NAMES = sorted(TEXTS)
ALLOWED = "\n\t"


def yaml_quoted(text: str) -> str:
    """A double-quoted YAML text: JSON's escapes, which YAML has too, but for its pairs of surrogates."""
    inside = "".join(f"\\U{ord(c):08x}" if ord(c) > 0xFFFF else json.dumps(c)[1:-1] for c in text)
    return f'"{inside}"'


def yaml_block(text: str) -> str | None:
    """A literal block with an indentation of four; None where a block cannot hold the text."""
    if any(c in text for c in "\r\x85\u2028\u2029\ufeff\ufffe\uffff\x7f") or not text.strip("\n"):
        return None
    if any(unicodedata.category(c) == "Cc" and c not in ALLOWED for c in text):
        return None
    body = text.rstrip("\n")
    breaks = len(text) - len(body)
    chomp = {0: "-", 1: ""}.get(breaks, "+")
    lines = "\n".join(f"    {line}" if line else "" for line in body.split("\n"))
    return f"|4{chomp}\n{lines}\n" + "\n" * max(0, breaks - 1)


def yaml_document(script: str, name: str = "api") -> str:
    lines = [f"{key}: {json.dumps(value)}" for key, value in plain(name).items()]
    return "\n".join([*lines, f"build_script: {script}"]) + "\n"


def put(rig: Rig, form: str, name: str, text: str) -> None:
    """Write a definition whose script is the text, in one of the forms."""
    if form == "json":
        rig.write(plain(name, build_script=text), file=f"{name}.json")
    elif form == "json-ascii":
        (rig.tree / f"{name}.json").write_text(json.dumps(plain(name, build_script=text)), encoding="ascii")
    elif form == "from-file":
        (rig.tree / f"{name}.sh").write_bytes(text.encode())
        rig.write(plain(name, build_script={"from_file": f"{name}.sh"}), file=f"{name}.json")
    elif form == "quoted":
        (rig.tree / f"{name}.yaml").write_bytes(yaml_document(yaml_quoted(text), name).encode())
    else:
        block = yaml_block(text)
        assert block is not None
        ends = max(1, len(text) - len(text.rstrip("\n")))
        document = yaml_document(block, name).rstrip("\n").encode() + b"\n" * ends
        (rig.tree / f"{name}.yaml").write_bytes(document)


def pending(rig: Rig) -> list[str]:
    """The builds of which the plan is not a plain keep."""
    return [s.name for s in rig.plan().steps if s.action is not Action.KEEP or s.blocked]


def raw_controls(text: str) -> set[str]:
    """The characters of a report that could spoil a terminal."""
    return {c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in ALLOWED}


def test_most_texts_can_be_written_as_a_block():
    """The form that people use is tested with what it can hold."""
    assert len([name for name in NAMES if yaml_block(TEXTS[name]) is not None]) > 20


@pytest.mark.parametrize("form", ["json", "json-ascii", "from-file", "quoted", "block"])
def test_a_script_is_stored_byte_for_byte(rig: Rig, form: str):
    """Whatever it holds and however it is written, the server stores it so, and the plan is empty after."""
    texts = {name: text for name, text in TEXTS.items() if form != "block" or yaml_block(text) is not None}
    for name, text in texts.items():
        put(rig, form, name, text)
    rig.applied()
    assert {name: rig.stored(name)["scripts"] for name in texts} == texts
    assert pending(rig) == []
    rig.forget()
    assert pending(rig) == []


def test_a_value_is_stored_byte_for_byte(rig: Rig):
    """In a parameter, in its description, and in a template's input."""
    kind = {"type": "string", "is_credential": False}
    for name, text in TEXTS.items():
        item = {"key": "A", "default_value": text, "description": text, **kind}
        rig.write(plain(name, parameters=[item]), file=f"{name}.json")
        rig.write(template(f"tpl-{name}", inputs=[{"key": "name", "value": text, **kind}]), file=f"tpl-{name}.json")
    rig.applied()
    assert {name: rig.stored(name)["pre_build"]["envs"][0]["value"] for name in TEXTS} == TEXTS
    assert {name: rig.stored(name)["pre_build"]["envs"][0]["description"] for name in TEXTS} == TEXTS
    assert {name: rig.stored(f"tpl-{name}")["targets"][0]["envs"][0]["value"] for name in TEXTS} == TEXTS
    assert pending(rig) == []
    rig.forget()
    assert pending(rig) == []


def test_a_credential_is_stored_byte_for_byte(rig: Rig):
    """From the environment; an unchanged one stays what it is through an update, whatever it ends in."""
    kind = {"key": "PW", "type": "string", "is_credential": True}
    for script in ("a\n", "b\n"):
        for number, (name, text) in enumerate(TEXTS.items()):
            rig.environ[f"BUILD_{number}"] = text
            value = {"from_env": f"BUILD_{number}"}
            document = plain(name, parameters=[{**kind, "default_value": value}], build_script=script)
            rig.write(document, file=f"{name}.json")
        rig.applied()
        assert {name: rig.stored(name)["pre_build"]["envs"][0]["value"] for name in TEXTS} == TEXTS
        assert pending(rig) == []


@pytest.mark.parametrize("color", [False, True])
def test_a_report_of_changed_texts_holds_no_raw_control_character(rig: Rig, color: bool):
    """Created, changed both ways, in a script, a value and a list's element: newline and tab are all that is raw."""
    value = {"key": "A", "type": "string", "is_credential": False}
    for turn in range(3):
        for name, text in TEXTS.items():
            mine = {"default_value": text, "description": text} if turn != 1 else {"default_value": "v"}
            script = text if turn != 1 else "first\nlast\n"
            rig.write(plain(name, build_script=script, parameters=[{**value, **mine}]), file=f"{name}.json")
        plan = rig.plan()
        report = render_plan(plan, Style(Ink(color), verbose=True))
        assert all(name in report for name in NAMES)
        assert raw_controls(report.replace("\x1b[", "") if color else report) == set()
        dump(plan_document(plan)).encode()
        outcomes = rig.apply()
        assert {o.ending for o in outcomes} == {Ending.DONE}
        assert raw_controls("".join(render_outcome(plan, o, Ink()) for o in outcomes)) == set()


def test_only_a_text_without_a_final_newline_is_said_to_have_none(rig: Rig):
    """A line diff breaks lines where a shell does, at newlines: nothing else is taken for the end of a text."""
    for name in NAMES:
        rig.write(plain(name, build_script="first\nlast\n"), file=f"{name}.json")
    rig.applied()
    wrong = {}
    for name, text in TEXTS.items():
        rig.write(plain(name, build_script=text), file=f"{name}.json")
    plan = rig.plan()
    for step in plan.steps:
        report = render_plan(Plan((step,)), Style())
        expected = 0 if TEXTS[step.name].endswith("\n") else 1
        if report.count("no newline at the end") != expected:
            wrong[step.name] = report.splitlines()
    assert wrong == {}


def test_two_texts_that_differ_in_any_byte_are_a_change(rig: Rig):
    """The script is the one change, and the plan as data says both values whole."""
    before = "another text\n"
    for name in NAMES:
        rig.write(plain(name, build_script=before), file=f"{name}.json")
    rig.applied()
    for name, text in TEXTS.items():
        rig.write(plain(name, build_script=text), file=f"{name}.json")
    found = {s.name: [(c.path, c.kind, c.before, c.after) for c in s.changes] for s in rig.plan().steps}
    assert found == {name: [("build_script", ChangeKind.CHANGED, before, text)] for name, text in TEXTS.items()}


@pytest.mark.parametrize("end", ["", " ", "\n", "\r", "\r\n", "\t", "\u2028", "\ufeff"])
def test_a_changed_ending_is_visible_in_the_report(rig: Rig, end: str):
    """A difference at the end of a text that no eye can see is spelled out: the two sides are not shown alike."""
    rig.write(plain("api", build_script="a\nmake\n"))
    rig.applied()
    rig.write(plain("api", build_script=f"a\nmake{end}" if end != "\n" else "a\nmake\n\n"))
    plan = rig.plan()
    assert plan.steps[0].action is Action.UPDATE
    lines = [line.strip() for line in render_plan(plan, Style()).split("\n")]
    removed = [line[1:] for line in lines if line.startswith("-")]
    added = [line[1:] for line in lines if line.startswith("+")]
    marks = [line for line in lines if line.startswith("\\ no newline")]
    assert (removed, marks != []) != (added, False)


def test_a_megabyte_is_a_script_like_any_other(rig: Rig):
    """Stored whole, compared whole, and a report of a change in it stays readable."""
    text = "".join(f"echo line {n} of a long script\n" for n in range(32_000))
    assert len(text) > 1_000_000
    put(rig, "from-file", "api", text)
    rig.applied()
    assert rig.stored("api")["scripts"] == text
    assert rig.plan().empty
    put(rig, "from-file", "api", text.replace("line 777 ", "line 777! "))
    plan = rig.plan()
    assert [c.path for c in plan.steps[0].changes] == ["build_script"]
    assert len(render_plan(plan, Style())) < 10_000
    rig.applied()
    assert rig.plan().empty


def test_a_megabyte_in_one_line_is_stored_whole(rig: Rig):
    """And the plan's JSON has both values whole."""
    text = "x" * 1_000_000
    rig.write(plain("api", build_script=f"a\n{text}\n"))
    rig.applied()
    assert rig.stored("api")["scripts"] == f"a\n{text}\n"
    rig.write(plain("api", build_script=f"a\n{text}y\n"))
    plan = rig.plan()
    assert f"{text}y" in dump(plan_document(plan))
    assert "build_script" in render_plan(plan, Style())
    rig.applied()
    assert rig.plan().empty


# what a definition file may not hold raw


@pytest.mark.parametrize("character", ["\x01", "\x07", "\x1b", "\x7f", "\x85", "\u2028", "\u2029", "\ufeff"])
@pytest.mark.parametrize("form", ["block", "quoted"])
def test_a_character_that_yaml_hides_is_a_problem_with_its_place(rig: Rig, character: str, form: str):
    """Raw in YAML it would be invisible or break a line unseen: one problem at that line, with the way out."""
    value = f'"make{character}all"' if form == "quoted" else f"|\n    make{character}all"
    (rig.tree / "b.yaml").write_bytes(yaml_document(value).encode())
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    (problem,) = caught.value.problems
    assert problem.rule == "character"
    assert problem.place.line == (7 if form == "block" else 6)
    assert "from_file" in problem.hint


@pytest.mark.parametrize("character", ["\x01", "\x1b", "\n", "\t"])
def test_a_raw_control_character_in_json_is_a_problem(rig: Rig, character: str):
    text = json.dumps(plain("api", build_script="make@all")).replace("@", character)
    (rig.tree / "b.json").write_bytes(text.encode())
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert [p.rule for p in caught.value.problems] == ["syntax"]


def test_a_lone_surrogate_is_a_problem(rig: Rig):
    """It is no character, and could not be sent."""
    for file, text in (
        ("b.json", json.dumps(plain("api", build_script="a@b")).replace("@", "\\ud83d")),
        ("b.yaml", yaml_document('"a\\ud83db"')),
    ):
        (rig.tree / file).write_text(text, encoding="utf-8")
        with pytest.raises(InvalidDefinitions) as caught:
            rig.plan()
        assert "no character" in caught.value.problems[0].message
        (rig.tree / file).unlink()


def test_a_script_file_that_is_not_utf8_is_a_problem(rig: Rig):
    (rig.tree / "build.sh").write_bytes(b"echo \xff\n")
    rig.write(plain("api", build_script={"from_file": "build.sh"}))
    with pytest.raises(InvalidDefinitions) as caught:
        rig.plan()
    assert "byte 5" in caught.value.problems[0].message


@pytest.mark.parametrize("form", ["json", "from-file", "quoted"])
def test_a_nul_in_a_script(rig: Rig, form: str):
    """A NUL is text like any other to JSON, so it arrives, or it is a problem; it is never cut off."""
    try:
        put(rig, form, "api", "a\x00b\n")
        rig.applied()
    except InvalidDefinitions as error:
        assert error.problems[0].message
    else:
        assert rig.stored("api")["scripts"] == "a\x00b\n"
        assert rig.plan().empty


def test_the_byte_order_mark_of_a_definition_file_is_no_part_of_the_script(rig: Rig):
    """An editor's mark in front of a YAML or JSON file is skipped; one in front of a script file is its text."""
    documents: list[tuple[str, Any]] = [
        ("b.json", json.dumps(plain("api", build_script="make\n"))),
        ("b.yaml", yaml_document('"make\\n"')),
    ]
    for file, text in documents:
        (rig.tree / file).write_bytes(b"\xef\xbb\xbf" + text.encode())
        rig.apply()
        assert rig.stored("api")["scripts"] == "make\n"
        assert rig.plan().empty
        (rig.tree / file).unlink()


def test_a_yaml_file_with_windows_line_ends_gives_a_script_with_newlines(rig: Rig):
    """YAML reads every line break of a block as a newline; a script that wants CRLF is kept in a file of its own."""
    document = yaml_document("|\n    make\n    all").replace("\n", "\r\n")
    (rig.tree / "b.yaml").write_bytes(document.encode())
    rig.applied()
    assert rig.stored("api")["scripts"] == "make\nall\n"
    assert rig.plan().empty
