"""A definition that is written is read back to the same build, whatever its values are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.definitions.build import kind_of, to_build
from reconciler.definitions.loader import load
from reconciler.definitions.reader import read
from reconciler.definitions.writer import write
from reconciler.model.build import DEFAULT, Build, Element, Value, Values, keyed
from reconciler.model.declared import declared_paths
from reconciler.model.fields import ROWS, Elements, Kind, Leaf, Row, Type
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings
from tests.field_cases import PLAIN_CASES
from tests.rig import plain, template
from tests.test_every_field import document_of
from tests.test_scripts import TEXTS

TRAPS = [
    "", " ", "~", "null", "NULL", "yes", "No", "on", "y", "true", "False", "0", "010", "0o10", "0x1F", "1_000",
    "1.20", "12e5", "1e3", "1e-7", ".5", ".inf", ".nan", "-", "--", "---", "...", "- a", "? a", ": a", "a: b",
    "a:", "a #b", "#", "22:22", "12:30:45", "2024-01-02", "=", "<<", "*a", "&a", "!!str a", "%YAML", "@a", "`a",
    "|", ">", "{a}", "[a]", "'", '"', "\\", "a\\nb", "a\tb", "\ta", " a", "a ", "a\n", "a\n\n", "\n", "\n\n",
    "\na", "a\r\nb", "a\rb", "a\x85b", "a\u2028b", "\u2029", "\ufeffa", "a\ufeff", "\x00", "\x07", "\x1b[31m",
    "\x7f", "\xa0", "\u200b", "构建 完成", "🚀 👩‍💻", "\U000e0001", "\uffff", "x" * 3000, "x " * 2000, "a\n  b\n",
    "  a\nb", "\ta\n\tb\n", "a\n \n", "a\n\n \n\nb", "a \nb ", "# a\n# b\n", "---\na\n", "a\n...\nb\n",
    "%TAG\n%a\n", "a: |\n  b\n", "{from_env: X}", "${VAR}", "$HOME/a", "a:b/c",
]  # fmt: skip
"""Texts that some reader or writer of YAML gets wrong."""

ANY = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
SCRIPTS = st.lists(st.sampled_from(["a", " ", "  b", "\t", "\n", "\n\n", "#", ": ", "- ", "\r", "构"]), max_size=12)
STRINGS = st.sampled_from([trap for trap in TRAPS if len(trap) < 100]) | ANY | SCRIPTS.map("".join)


def leaf_values(row: Leaf) -> st.SearchStrategy[Value]:
    if row.type is Type.INTEGER:
        return st.integers(0, 2**63 - 1)
    if row.type is Type.BOOLEAN:
        return st.booleans()
    if row.type is Type.STRINGS:
        return st.lists(STRINGS, max_size=4).map(tuple)
    return STRINGS


def values_of(rows: tuple[Row, ...]) -> st.SearchStrategy[Values]:
    """Every subset of the rows of a level, any value or null for each."""
    parts: dict[str, st.SearchStrategy[Any]] = {}
    for row in rows:
        if isinstance(row, Elements):
            parts[row.path] = st.just(DEFAULT) | lists_of(row)
        elif row.type is not Type.BLOCK:
            parts[row.path] = st.just(DEFAULT) | leaf_values(row)
    return st.fixed_dictionaries({}, optional=parts).map(lambda chosen: sound(chosen, rows))


def lists_of(row: Elements) -> st.SearchStrategy[Value]:
    """Elements whose key leaves are texts, as a definition's are."""
    keys = st.fixed_dictionaries(dict.fromkeys(row.key, STRINGS))
    level = st.tuples(values_of(row.rows), keys).map(lambda pair: sealed({**pair[0], **pair[1]}))
    return st.lists(level, max_size=3).map(lambda levels: keyed(row, levels))


def sealed(level: Values) -> Values:
    """A credential's value is a secret, which the writer leaves out: it is not there."""
    hidden = ("default_value", "value") if level.get("is_credential") is True else ()
    return {path: value for path, value in level.items() if path not in hidden}


def sound(chosen: Values, rows: tuple[Row, ...]) -> Values:
    """The build step is there, or null with nothing below it."""
    if not any(row.path == "docker_build_step" for row in rows):
        return chosen
    below = any(path.startswith("docker_build_step.") for path in chosen)
    return {**chosen, "docker_build_step": True} if below else chosen


BUILDS = st.one_of(
    st.builds(Build, st.just(Kind.PLAIN), STRINGS, STRINGS, values_of(ROWS[Kind.PLAIN])),
    st.builds(
        Build,
        st.just(Kind.TEMPLATE),
        STRINGS,
        STRINGS,
        values_of(ROWS[Kind.TEMPLATE]).filter(lambda values: "template_name" in values),
    ),
)


def read_back(text: str) -> Build:
    """Read as our own loader does, up to the checks of what a build may hold."""
    contents = read(text, json=False)
    assert contents.faults == (), contents.faults
    (document,) = contents.documents
    return to_build(document.value, kind_of(document.value))


@settings(max_examples=150, deadline=None)
@given(BUILDS)
def test_what_is_written_is_read_back_as_the_same_build(build):
    """Every subset of settings, every text, null and absent alike; and the same bytes every time."""
    text = write(build)
    assert read_back(text) == build
    assert write(build) == text


@settings(max_examples=400, deadline=None)
@given(STRINGS)
def test_every_text_survives_at_every_depth(text):
    """As a name, a script, an element's text and in a list of texts; with both parsers of the library."""
    values: Values = {
        "build_script": text,
        "parameters": (Element(text, {"key": text, "default_value": text, "choice_option": (text, text)}),),
        "advanced_settings.cache_setting.cache_dir": text,
    }
    build = Build(Kind.PLAIN, text, text, values)
    written = write(build)
    assert read_back(written) == build
    node = yaml.compose(written, Loader=yaml.SafeLoader)
    assert {key.value: value.value for key, value in node.value}["build_script"] == text


@pytest.mark.parametrize("text", [*TRAPS, *TEXTS.values()])
def test_every_trap_survives(text):
    """Each by itself, so that a failure names it."""
    build = Build(Kind.PLAIN, "p", "n", {"build_script": text, "installs": (Element(text, {"name": text}),)})
    assert read_back(write(build)) == build


@pytest.mark.parametrize("path", sorted(PLAIN_CASES))
def test_every_row_survives_the_whole_way_through_the_loader(path, tmp_path):
    """Two values of each row, checks included."""
    for value in (PLAIN_CASES[path].first, PLAIN_CASES[path].second):
        document = document_of(path, PLAIN_CASES[path], value)
        if path == "parameters[].is_credential" and value is True:
            del document["parameters"][0]["default_value"]
        build = to_build(document, Kind.PLAIN)
        assert loaded(write(build), tmp_path) == build


def loaded(text: str, folder: Path, environ: dict[str, str] | None = None) -> Build:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    (definition,) = load(Settings(str(folder), str(folder)), environ or {}, cwd=str(folder)).definitions
    return definition.build


def test_null_blocks_are_one_null():
    """What a null block makes of everything in it is written as the block."""
    build = to_build(plain(advanced_settings=None, docker_build_step=None, installs=[]), Kind.PLAIN)
    text = write(build)
    assert read_back(text) == build
    assert text.endswith("installs: []\nscript_type: shell\ndocker_build_step: null\nadvanced_settings: null\n")


def test_no_build_step_is_written_as_null():
    """A live build says False; a definition says null."""
    assert "docker_build_step: null\n" in write(Build(Kind.PLAIN, "p", "n", {"docker_build_step": False}))


def test_a_definition_reads_like_one():
    """The keys in the order of the table, the two that name the build first; scripts as blocks."""
    target = {
        "repo_info": [{"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}],
        "inputs": [{"key": "v", "value": "1.20"}],
    }
    document = plain(
        advanced_settings={"timeout": 30, "resource_spec": {"cpu_req": 100}, "outputs": ["a", "1e3"]},
        build_script="#!/bin/bash\nset -e\n\nmake build\n",
        parameters=[{"key": "PW", "is_credential": True, "default_value": "hunter2"}],
    )
    text = write(
        to_build(document, Kind.PLAIN),
        sources={"parameters[PW].default_value": {"from_env": "BUILD_API__PW"}},
        comments={"": "kept\nof old", "parameters[PW]": "the password", "advanced_settings.timeout": "minutes"},
        extra={"prevent_destroy": True, "ignore": [{"path": "build_script", "reason": "theirs: all"}]},
    )
    assert text == (
        "# kept\n# of old\n"
        "name: api\nproject_key: yaml\ninfrastructure: kubernetes\nbuild_os: ubuntu 20.04\nscript_type: shell\n"
        "build_script: |\n  #!/bin/bash\n  set -e\n\n  make build\n"
        "parameters:\n  # the password\n  - key: PW\n    default_value: {from_env: BUILD_API__PW}\n"
        "    is_credential: true\n"
        "advanced_settings:\n  # minutes\n  timeout: 30\n  resource_spec:\n    cpu_req: 100\n"
        '  outputs:\n    - a\n    - "1e3"\n'
        "x-reconciler:\n  prevent_destroy: true\n  ignore:\n    - path: build_script\n"
        '      reason: "theirs: all"\n'
    )
    assert write(to_build(template(**target), Kind.TEMPLATE)) == (
        "name: tpl\nproject_key: yaml\ntemplate_name: demo-template\ntarget_services:\n"
        "  - service_name: shop\n    service_module: web\n"
        "    repo_info:\n      - codehost_name: gitlab\n        repo_namespace: org\n        repo_name: demo\n"
        "        branch: main\n"
        '    inputs:\n      - key: v\n        value: "1.20"\n'
    )


def test_a_secret_is_its_source_or_left_out_and_never_its_value(tmp_path):
    """Positive control: the clear text is in the build that is written, and the source brings it back."""
    document = plain(parameters=[{"key": "PW", "is_credential": True, "default_value": "hunter2"}])
    build = to_build(document, Kind.PLAIN)
    path = "parameters[PW].default_value"
    assert path in declared_paths(build)
    text = write(build, sources={path: {"from_env": "BUILD_PW"}})
    assert loaded(text, tmp_path, {"BUILD_PW": "hunter2"}) == build
    assert "hunter2" not in text + write(build)
    script = Build(Kind.PLAIN, "p", "n", {"build_script": Secret("hunter2")})
    assert write(script, sources={"build_script": {"from_env": "BUILD_S"}}).endswith(
        "build_script: {from_env: BUILD_S}\n"
    )
    raw = Element("PW", {"key": "PW", "default_value": "hunter2", "is_credential": True})
    assert "hunter2" not in write(Build(Kind.PLAIN, "p", "n", {"parameters": (raw,)}))


@settings(max_examples=100, deadline=None)
@given(STRINGS)
@example("a\nname: b\n---\n")
def test_a_comment_changes_nothing(comment):
    """Whatever a comment says, the build is the same."""
    build = to_build(plain(parameters=[{"key": "A", "default_value": "b"}]), Kind.PLAIN)
    paths = ["", "name", "parameters", "parameters[A]", "parameters[A].key", "build_os"]
    text = write(build, comments=dict.fromkeys(paths, comment))
    assert read_back(text) == build
    assert text.count("#") >= len(paths)


def test_half_a_character_becomes_the_sign_for_one():
    """No YAML can hold half a surrogate pair."""
    text = write(Build(Kind.PLAIN, "p", "n", {"build_script": "a\ud800b"}))
    assert read_back(text).values["build_script"] == "a\ufffdb"
    assert text.encode()
