"""Whole reports of a difference, byte for byte. `UPDATE_GOLDEN=1` rewrites them: read the difference as a reviewer."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import jsonschema
import pytest

from reconciler.compare.revisions import Fate, Revised, Revisions, Rule
from reconciler.model.change import Change, ChangeKind
from reconciler.model.problem import Place
from reconciler.report.diff import render_diff
from reconciler.report.diff_document import diff_document
from reconciler.report.diff_markdown import diff_markdown
from reconciler.report.document import dump
from reconciler.report.drift_markdown import LONGEST
from reconciler.report.text import Style
from tests.canaries import canary, found
from tests.diff.history import History
from tests.drift.test_drift_markdown import HOSTILE, outside
from tests.rig import plain, template
from tests.test_docs import within
from tests.test_golden import expect

FOLDER = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[2]
SCHEMA = jsonschema.Draft7Validator(json.loads((ROOT / "schemas" / "diff.schema.json").read_text(encoding="utf-8")))

DEFAULTS = "project_key: shop\ninfrastructure: kubernetes\nscript_type: shell\nbuild_os: ubuntu 20.04\n"
OLD = {
    "reconciler.yaml": "projects: [shop, other]\ntree: shop\n",
    "builds/_defaults.yaml": f"{DEFAULTS}advanced_settings: {{timeout: 30, privileged_mode: true}}\n",
    "builds/scripts/build.sh": "set -e\nmake build\nmake test\n",
    "builds/api.yaml": "name: api\nbuild_script: {from_file: scripts/build.sh}\nparameters:\n"
    "  - {key: PW, is_credential: true, default_value: {from_env: BUILD_API_PW}}\n  - {key: OLD, default_value: x}\n",
    "builds/cron.yaml": "name: cron\nx-reconciler: {prevent_destroy: true}\n",
    "builds/web.yaml": "name: web\ninstalls: [{name: go, version: '1.20'}, {name: node, version: '18'}]\n",
    "builds/same.yaml": "name: same\nx-reconciler: {no_defaults: true}\nproject_key: shop\n"
    "infrastructure: kubernetes\nscript_type: shell\nbuild_os: ubuntu 20.04\n",
    "old.json": plain("old-name", project_key="shop"),
    "moving.json": plain("moving", project_key="shop"),
    "kind.json": plain("kind", project_key="shop", build_script="make\n"),
}
NEW = {
    "builds/_defaults.yaml": f"{DEFAULTS}advanced_settings: {{timeout: 45, strategy_name: null}}\n",
    "builds/scripts/build.sh": "set -e\nmake build\nmake lint\nmake test\n",
    "builds/api.yaml": "# whose it is\nname: api\nbuild_script: {from_file: scripts/build.sh}\nparameters:\n"
    "  - {key: PW, is_credential: true, default_value: {from_env: BUILD_PW}}\n  - {key: NEW, type: string}\n"
    "x-reconciler:\n  ignore: [{path: services, reason: the platform team sets them}]\n",
    "builds/cron.yaml": None,
    "builds/web.yaml": None,
    "builds/front/web.yaml": "name: web\ninstalls: [{name: node, version: '20'}, {name: go, version: '1.20'}]\n",
    "old.json": plain("new-name", project_key="shop", **{"x-reconciler": {"renamed_from": "old-name"}}),
    "moving.json": plain("moving", project_key="other"),
    "kind.json": {**template("kind"), "project_key": "shop"},
    "more.json": plain("more", project_key="other", docker_build_step={"dockerfile_source": "local"}, outputs=None)
    | {"advanced_settings": {"outputs": ["ARTIFACT"]}},
}
del NEW["more.json"]["outputs"]  # type: ignore[union-attr]


@pytest.fixture
def whole(history: History) -> Revisions:
    """One of everything."""
    history.commit(OLD)
    history.git("tag", "v1")
    history.commit(NEW)
    return history.diff("v1", "main")


def test_one_of_everything_reads_as_it_did(whole: Revisions, history: History):
    """In every format; the same again gives the same bytes."""
    expect(FOLDER / "whole.txt", render_diff(whole, Style()))
    expect(FOLDER / "whole-verbose.txt", render_diff(whole, Style(verbose=True)))
    expect(FOLDER / "whole-quiet.txt", render_diff(whole, Style(quiet=True)))
    expect(FOLDER / "whole.md", diff_markdown(whole))
    document = dump(diff_document(whole))
    SCHEMA.validate(json.loads(document))
    expect(FOLDER / "whole.json", document)
    assert dump(diff_document(history.diff("v1", "main"))) == document
    assert {build.fate for build in whole.builds} == set(Fate)


def test_nothing_reads_as_it_did(history: History):
    history.commit(OLD)
    same = history.diff("main", "HEAD")
    expect(FOLDER / "nothing.txt", render_diff(same, Style()))
    expect(FOLDER / "nothing.md", diff_markdown(same))
    SCHEMA.validate(diff_document(same))


def test_every_format_carries_the_same_builds(whole: Revisions):
    """And the same settings, of those that are shown."""
    text, markdown, document = render_diff(whole, Style(verbose=True)), diff_markdown(whole), diff_document(whole)
    shown = html.unescape(re.sub("</?code>", "", markdown))
    for build in document["builds"]:
        for told in (text, shown):
            assert f"{build['project']}/{build['name']} " in told
        for change in build["changes"]:
            assert f" {change['path']}" in text
            assert build["state"] == "removed" or f" {change['path']}" in shown


def revised(text: str, fate: Fate, number: int = 0) -> Revised:
    """A build that has a text in every place of it."""
    name = text or f"build-{number:05}"
    changes = (
        Change(f"parameters[{text}].default_value", ChangeKind.CHANGED, f"{text}\na\n", f"{text}\nb\n", text=True),
        Change(f"parameters[{text}].description", ChangeKind.CHANGED, text, f"{text}."),
        Change(f"installs[{text}]", ChangeKind.ADDED, after={"name": text}),
    )
    rules = (Rule(f"ignore[{text}]", None, text, text),) if number % 2 else ()
    return Revised(fate, "shop", name, Place(f"{name}.json", 1, 1), changes, rules, (text,), ("shop", text))


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_breaks_out(text: str):
    """As a name, a key, a value, a script, a rule, a note and a revision: outside fences stands only what we write."""
    builds = tuple(revised(text, fate, number) for number, fate in enumerate([*Fate, *Fate]))
    revisions = Revisions(text, text, builds, 0, (text,))
    left = outside(diff_markdown(revisions))
    inside = re.sub(r"<code>.*?</code>", "", left)
    assert left.count("<code>") == left.count("</code>") > 0
    assert set(re.findall(r"<[^>]*>", inside)) == {"<details>", "<summary>", "</summary>", "</details>"}
    assert inside.count("<details>") == inside.count("</details>") == inside.count("<summary>")
    assert not re.search(r"[@`\[\]|#]", inside.replace("## ", ""))
    told = render_diff(revisions, Style())
    assert "\x1b" not in told
    assert "\r" not in told


@pytest.mark.parametrize("count", [1, 40, 3000])
def test_markdown_fits_and_counts_what_it_left_out(count: int):
    """What goes away first; nothing is lost silently."""
    fates = [Fate.CHANGED, Fate.ADDED, Fate.REMOVED]
    builds = tuple(revised("", fates[n % 3], n // 3) for n in range(count))
    builds = tuple(
        Revised(b.fate, b.project, f"build-{n:05}", b.place, b.changes, b.rules) for n, b in enumerate(builds)
    )
    markdown = diff_markdown(Revisions("a", "b", builds))
    assert len(markdown) <= LONGEST
    shown = len(set(re.findall(r"build-\d{5}</code>", outside(markdown))))
    left = markdown.partition("did not fit:**")[2]
    assert shown + sum(int(n.replace(",", "")) for n in re.findall(r"(\d[\d,]*) \w+", left)) == count


def test_what_the_documentation_shows_was_printed():
    """Line by line, in this order, in the golden report; and every state is explained."""
    text = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    (excerpt,) = re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert within(excerpt.splitlines(), (FOLDER / "whole.txt").read_text(encoding="utf-8").splitlines())
    assert set(re.findall(r"^\| ([a-z]+) +\|", text, re.MULTILINE)) >= {fate.value for fate in Fate}


def test_no_report_tells_a_credential_wherever_it_stands(history: History):
    """Added, changed, removed, released, in an element, a target's input, a choice; the control is no credential."""
    secrets = {name: canary(name) for name in ("old", "new", "gone", "input", "choice", "environment")}

    def built(value: str, *more: dict[str, object]) -> dict[str, object]:
        return plain("a", parameters=[{"key": "PW", "is_credential": True, "default_value": value}, *more])

    gone = {"key": "GONE", "is_credential": True, "default_value": secrets["gone"].text}
    choice = {"key": "C", "is_credential": True, "default_value": "x", "choice_option": [secrets["choice"].text]}
    inputs = [{"key": "pw", "is_credential": True, "value": secrets["input"].text}]
    control = {"key": "PLAIN", "default_value": "shown-canary"}
    history.commit({"a.json": built(secrets["old"].text, gone, choice), "t.json": template("t", inputs=inputs)})
    history.commit({"a.json": built(secrets["new"].text, control), "t.json": template("t"), "b.json": plain("b")})
    history.commit({"a.json": plain("a"), "t.json": None})
    told = b""
    for old, new in (("HEAD~2", "HEAD~1"), ("HEAD~1", "HEAD"), ("HEAD~2", "HEAD"), ("HEAD", "HEAD~2")):
        revisions = history.diff(old, new)
        reports = render_diff(revisions, Style(verbose=True)), diff_markdown(revisions), dump(diff_document(revisions))
        told += "".join(reports).encode()
    assert b"shown-canary" in told
    leaks: list[str] = found(list(secrets.values()), told)
    assert leaks == []
