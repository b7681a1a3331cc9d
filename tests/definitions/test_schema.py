"""The shipped schemas and documents are what the table of fields says, and editors judge as `validate` does."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from reconciler.definitions.generate import generated_files
from reconciler.definitions.reader import read
from reconciler.definitions.schema import SCHEMAS, build_schema, defaults_schema, kind_schema, schema_text
from reconciler.model.fields import ROWS, Kind, walk

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
STRUCTURAL = (
    "blocks-as-lists", "unknown-key-suggested", "enums", "negative-numbers", "null-where-required", "missing-keys",
    "lists-as-other-things", "kinds-mixed", "template-inputs-with-choices", "from-env-where-it-cannot-be",
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(generated_files()))
def test_generated_files_are_up_to_date(name):
    """`python -m reconciler.definitions.generate` writes them."""
    assert (ROOT / name).read_text(encoding="utf-8") == generated_files()[name]


def test_every_schema_is_one():
    for schema in (*(make() for make in SCHEMAS.values()), defaults_schema(), *map(kind_schema, Kind)):
        jsonschema.Draft7Validator.check_schema(schema)


def test_schema_text_is_the_shipped_file():
    assert json.loads(schema_text("build")) == build_schema()
    with pytest.raises(KeyError):
        schema_text("../pyproject")


def test_every_leaf_is_in_the_schema_and_in_the_documentation():
    text = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8")
    for kind, name in ((Kind.PLAIN, "plain_build"), (Kind.TEMPLATE, "template_build")):
        for path, _ in walk(ROWS[kind]):
            node = build_schema()["definitions"][name]
            for step in path.replace("[]", ".[]").split("."):
                node = node["items"] if step == "[]" else node["properties"][step]
            assert node["description"]
            assert f"| `{path}` |" in text


@pytest.mark.parametrize("body", ["plain.json", "template.json"])
def test_an_editor_accepts_the_contract_s_bodies(body):
    jsonschema.Draft7Validator(build_schema()).validate(json.loads((HERE / "bodies" / body).read_text()))


@pytest.mark.parametrize("case", STRUCTURAL)
def test_an_editor_sees_what_is_wrong_with_the_shape(case):
    validator = jsonschema.Draft7Validator(build_schema())
    for file in (HERE / "corpus" / case).glob("*.yaml"):
        for document in read(file.read_text(encoding="utf-8"), json=False).documents:
            assert list(validator.iter_errors(document.value))


def test_an_editor_accepts_sources():
    body = json.loads((HERE / "bodies" / "plain.json").read_text())
    body["build_script"] = {"from_file": "run.sh"}
    body["script_type"] = {"from_env": "BUILD_SHELL"}
    body["advanced_settings"] = None
    jsonschema.Draft7Validator(build_schema()).validate(body)


def test_importing_the_room_imports_no_heavy_library():
    """`--help` must be instant."""
    code = (
        "import sys, reconciler.config, reconciler.definitions.loader, reconciler.report.problems;"
        "print(sorted({'yaml', 'jsonschema', 'httpx'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert run.stdout == "[]\n"
