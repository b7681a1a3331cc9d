"""What holds for all inputs."""

import json
import tempfile
from pathlib import Path

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.definitions.loader import load
from reconciler.definitions.reader import read
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.settings import Settings
from reconciler.report.problems import render

LINES = ["name: a\n", "project_key: d\n", "parameters:\n", "- key: k\n", "  value: ", "---\n", "%YAML 1.2\n"]
SIGNS = [
    "&a ",
    "*a",
    "<<: ",
    "!!str ",
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "'",
    '"',
    "|\n",
    ">-\n",
    "#",
    "? ",
    "null",
    "1.20",
]
ODDITIES = ["\t", "\r", "\n", "\u2028", "\ufeff", "\x00", "\\ud800", "from_env: X", "x-reconciler: ", "\U0001f680"]
FRAGMENTS = st.sampled_from([*LINES, *SIGNS, *ODDITIES])
TEXTS = st.lists(FRAGMENTS, max_size=20).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))
CHARACTERS = st.characters(blacklist_categories=["Cs"])
KEYS = st.text(CHARACTERS, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(CHARACTERS, max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


class Quoting(yaml.SafeDumper):
    """Quotes every text, since 1e3 is a number by YAML 1.2 and none to this library."""


Quoting.add_representer(str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"'))


@settings(max_examples=250, deadline=None)
@given(content=st.binary(max_size=200) | TEXTS, ending=st.sampled_from(["yaml", "json"]))
@example(content=b"\xef\xbb\xbf", ending="yaml")
@example(content=b"\xde\xb2", ending="yaml")  # a character that nobody has given a meaning
def test_whatever_the_bytes_the_answer_is_definitions_or_problems(content, ending):
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / f"a.{ending}").write_bytes(content)
        try:
            load(Settings(root, root), {}, cwd=root)
        except InvalidDefinitions as invalid:
            text = render(invalid.problems)
            assert text.encode()
            assert all(c.isprintable() or c in "\n\u200d" for c in text)
            assert all(problem.place.file == f"a.{ending}" for problem in invalid.problems)


@settings(max_examples=250, deadline=None)
@given(VALUES)
def test_what_is_written_as_yaml_is_read_again(value):
    text = yaml.dump(value, Dumper=Quoting, allow_unicode=False)
    contents = read(text, json=False)
    assert contents.faults == ()
    assert [document.value for document in contents.documents] == [value]


@settings(max_examples=250, deadline=None)
@given(VALUES, st.booleans())
def test_what_is_written_as_json_is_read_again(value, ascii_only):
    contents = read(json.dumps(value, ensure_ascii=ascii_only, indent=1), json=True)
    assert contents.faults == ()
    (document,) = contents.documents
    assert document.value == value
    assert repr(document.value) == repr(value)


BODY = json.loads((Path(__file__).parent / "bodies" / "plain.json").read_text())
TEMPLATE_BODY = json.loads((Path(__file__).parent / "bodies" / "template.json").read_text())
CANARY = "hunter2"


def paths(node, path=()):
    """Every path of a document, the credential's own value and flag left out."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, child in items:
        if child != CANARY and step != "is_credential":
            yield from paths(child, (*path, step))


def replaced(node, path, value):
    """A copy of a document with another value at a path."""
    if not path:
        return value
    copy = dict(node) if isinstance(node, dict) else list(node)
    copy[path[0]] = replaced(node[path[0]], path[1:], value)
    return copy


def with_credential(body):
    """A copy of a body in which one credential holds the canary."""
    copy = json.loads(json.dumps(body))
    if "parameters" in copy:
        copy["parameters"].append({"key": "PW", "default_value": CANARY, "is_credential": True})
    else:
        copy["target_services"][0]["inputs"].append({"key": "PW", "value": CANARY, "is_credential": True})
    return copy


@st.composite
def broken_bodies(draw):
    """A body of the contract with a credential, and something else in a place or two of it."""
    body = with_credential(draw(st.sampled_from([BODY, TEMPLATE_BODY])))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in paths(body) if path]))
        kept = body
        body = replaced(body, path, draw(VALUES | st.just([None]) | st.just({"from_env": "BUILD_X"})))
        if CANARY not in json.dumps(body):
            body = kept
    return body


@settings(max_examples=200, deadline=None)
@given(body=broken_bodies(), as_json=st.booleans(), flow=st.booleans(), name=st.sampled_from(["a", "_defaults"]))
def test_no_broken_body_stops_the_loader_or_shows_a_credential(body, as_json, flow, name):
    text = json.dumps(body) if as_json else yaml.dump(body, Dumper=Quoting, default_flow_style=flow, width=10_000)
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / f"{name}.{'json' if as_json else 'yaml'}").write_text(text)
        (Path(root) / "b.yaml").write_text("name: b\n")
        try:
            load(Settings(root, root), {"BUILD_X": CANARY}, cwd=root)
        except InvalidDefinitions as invalid:
            assert CANARY not in render(invalid.problems)
            assert CANARY not in repr(invalid.problems)


def test_the_canary_is_read():
    """The control: without anything broken the credential reaches the build, sealed."""
    with tempfile.TemporaryDirectory() as root:
        (Path(root) / "a.json").write_text(json.dumps(with_credential(BODY)))
        (definition,) = load(Settings(root, root), {}, cwd=root).definitions
    sealed = definition.build.values["parameters"][-1].values["default_value"]
    assert sealed.holds(CANARY)
    assert CANARY not in repr(definition)
