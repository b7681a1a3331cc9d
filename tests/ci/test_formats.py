"""The formats of CIs: valid by their own schemas, whole outputs as golden files, the same facts in all of them."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from reconciler.cli.reports import FINDINGS
from reconciler.model.problem import Place, Problem
from reconciler.model.secret import MASK
from reconciler.model.whereabouts import Whereabouts
from reconciler.plan.step import Action, Plan
from reconciler.report.findings import Finding, Level, fingerprints, of_plan, of_problems
from reconciler.report.formats import Telling, plan_as, problems_as
from reconciler.report.sarif import MOST
from reconciler.report.text import Style
from tests.ci import reading
from tests.ci.plans import HOSTILE, hostile, many, problems, step
from tests.test_golden import Stage, expect

HERE = Path(__file__).parent
SARIF = jsonschema.Draft4Validator(json.loads((HERE / "schemas" / "sarif-2.1.0.json").read_text("utf-8")))
VALIDATE = jsonschema.Draft7Validator(
    json.loads((HERE.parents[1] / "schemas" / "validate.schema.json").read_text("utf-8"))
)
GITLAB = jsonschema.Draft7Validator(json.loads((HERE / "schemas" / "gitlab-code-quality.json").read_text("utf-8")))
JUNIT = xmlschema.XMLSchema10(str(HERE / "schemas" / "junit-10.xsd"))
TELLING = Telling("plan", "1.2.3", Whereabouts("/repo", "/repo/ci", "https://git.example/o/r/blob/abc"), Style())
CASES = (
    "empty",
    "create",
    "update-everything",
    "conversion",
    "prune-owned",
    "prune-limit",
    "blocked-loss",
    "accepted-loss",
)
FILES = {"markdown": "md", "github": "github.txt", "gitlab": "gitlab.json", "sarif": "sarif.json", "junit": "junit.xml"}


def check(format_: str, text: str) -> None:
    """Hold a text to its own schema or parser."""
    if format_ == "sarif":
        SARIF.validate(json.loads(text))
    elif format_ == "gitlab":
        GITLAB.validate(json.loads(text))
        marks = [entry["fingerprint"] for entry in json.loads(text)]
        assert len(set(marks)) == len(marks)
    elif format_ == "junit":
        JUNIT.validate(text)


@pytest.mark.parametrize("case", CASES)
def test_a_plan_reads_in_every_format_as_it_did(case: str, tmp_path: Path):
    """Nothing to do, each action, blocked, deletes and losses: byte for byte."""
    stage = Stage(case, tmp_path / "ledger.db")
    stage.play()
    plan = stage.plan("tree")[0].plan
    here = Whereabouts("/repo", "/repo/ci", "https://git.example/o/r/blob/abc")
    telling = replace(TELLING, where=here)
    for format_, ending in FILES.items():
        text = plan_as(format_, plan, telling)
        check(format_, text)
        expect(HERE / "golden" / f"{case}.{ending}", text)
    assert_same_facts(plan, telling)


def test_problems_read_in_every_format_as_they_did():
    """Two in one file, one of a file without a line."""
    telling = replace(TELLING, command="validate")
    for format_, ending in (FILES | {"json": "json"}).items():
        text = problems_as(format_, problems("api"), (), telling)
        check(format_, text)
        expect(HERE / "golden" / f"problems.{ending}", text)
    document = json.loads(problems_as("json", problems("api"), (), telling))
    VALIDATE.validate(document)
    facts = reading.sarif(problems_as("sarif", problems("api"), (), telling))
    assert [(p["rule"], f"ci/{p['file']}", p["line"]) for p in document["problems"]] == [
        (rule, path, line or 0) for _, rule, _, path, line in facts
    ]


def test_a_hostile_plan_reads_as_it_did():
    for format_, ending in FILES.items():
        expect(HERE / "golden" / f"hostile.{ending}", plan_as(format_, hostile("\n".join(HOSTILE)), TELLING))


def test_a_thousand_builds_read_in_every_format_as_they_did():
    """The pages byte for byte; what is too long for a reader by its length and digest, after its own schema."""
    plan, sums = many(1_000), []
    for format_ in ("text", "json", *FILES):
        text = plan_as(format_, plan, TELLING)
        check(format_, text)
        if format_ in ("markdown", "github"):
            expect(HERE / "golden" / f"thousand.{FILES[format_]}", text)
        else:
            sums.append(f"{format_} {len(text)} {hashlib.sha256(text.encode()).hexdigest()}\n")
    expect(HERE / "golden" / "thousand.sums", "".join(sums))


def assert_same_facts(plan: Plan, telling: Telling) -> None:
    """Read every format back: what one of them points at, all of them do; and as JSON and Markdown have it."""
    findings = of_plan(plan)
    assert len(findings) <= 10, "the annotations would not show all of them"
    expected = sorted((f.level.value, f.rule, f.text) for f in findings)
    found = {format_: getattr(reading, format_)(plan_as(format_, plan, telling)) for format_ in FINDINGS}
    for format_, facts in found.items():
        assert sorted((level, rule, text) for level, rule, text, _, _ in facts) == expected, format_
    placed = {f.text: (telling.where.path(f.place.file), f.place.line) for f in findings if f.place}
    for format_ in ("github", "gitlab", "sarif"):
        assert {text: (path, line) for _, _, text, path, line in found[format_] if text in placed} == placed
    document = json.loads(plan_as("json", plan, telling))
    blocked = {f"{s['project']}/{s['name']}" for s in document["steps"] if s["blocked"]}
    assert blocked == {f.subject for f in findings if f.rule.startswith("blocked-")}
    deleted = {f"{s['project']}/{s['name']}" for s in document["steps"] if s["action"] == "delete" and not s["blocked"]}
    assert deleted == {f.subject for f in findings if f.rule == "delete"}
    assert sum(len(s["losses"]) for s in document["steps"]) == sum(f.rule == "loss" for f in findings)
    markdown = plan_as("markdown", plan, telling)
    told = {s["name"] for s in document["steps"] if s["action"] != "keep" or s["blocked"]}
    assert {name for name in told if name not in markdown} == set()
    text = plan_as("text", plan, telling)
    assert {name for name in told if name not in text} == set()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_keeps_every_format_valid(text: str):
    """In every field of a plan and of problems: each parses, and each finding is there."""
    for made, findings in (
        ({f: plan_as(f, hostile(text), TELLING) for f in FINDINGS}, of_plan(hostile(text))),
        ({f: problems_as(f, problems(text), (), TELLING) for f in FINDINGS}, of_problems(problems(text))),
    ):
        for format_, document in made.items():
            check(format_, document)
            document.encode()
        counts = {f: len(getattr(reading, f)(made[f])) for f in ("gitlab", "sarif", "junit")}
        assert set(counts.values()) == {len(findings)}


@pytest.mark.parametrize("text", HOSTILE)
def test_the_only_commands_are_ours(text: str):
    """Whatever stands in the plan: a runner sees our annotations, told as they are, and nothing else."""
    for document, findings in (
        (plan_as("github", hostile(text), TELLING), of_plan(hostile(text))),
        (problems_as("github", problems(text), (), TELLING), of_problems(problems(text))),
    ):
        seen = [reading.command(line) for line in reading.lines(document)]
        assert [(c[0], c[1]["title"], c[2]) for c in seen if c] == [
            (level.value, f.rule, f.text) for level in Level for f in [f for f in findings if f.level is level][:10]
        ]


def test_ten_of_a_kind_are_annotated_and_all_are_counted():
    """What a forge would not show is said to be there."""
    text = plan_as("github", many(100), TELLING)
    assert len(reading.github(text)) == 10
    assert text.endswith("\nFound 25 warnings; 10 are shown as annotations, the worst first.\n")


def test_too_many_results_are_counted():
    """GitHub keeps so many of a run; the others are told of."""
    text = plan_as("sarif", many(4 * MOST + 4), TELLING)
    SARIF.validate(json.loads(text))
    (run,) = json.loads(text)["runs"]
    assert len(run["results"]) == MOST
    assert f"Found {MOST + 1:,} warnings" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


@pytest.mark.parametrize("case", ["update-parameters", "drift", "conversion", "deep-loss", "update-template"])
def test_no_format_tells_a_secret(case: str, tmp_path: Path):
    """What a golden case marks as secret by the word canary: it is in there, and in no format of its plan."""
    stage = Stage(case, tmp_path / "ledger.db")
    files = [p for p in stage.folder.rglob("*") if p.is_file() and not p.name.startswith(("plan", "apply"))]
    assert "canary" in "".join(path.read_text("utf-8") for path in files)
    stage.play()
    plan = stage.plan("tree")[0].plan
    for format_ in ("text", "json", *FILES):
        told = plan_as(format_, plan, TELLING)
        assert "canary" not in told
        assert MASK in told or format_ not in ("text", "json", "markdown") or case != "update-parameters"


def test_fingerprints_are_unique_and_stay_when_lines_move():
    """The same finding further down has the same one; two alike have two; another file, rule or setting another."""

    def problem(line: int, message: str = "m", rule: str = "r", file: str = "a.yaml") -> Problem:
        return Problem(Place(file, line, 1), message, "", rule)

    def marks(*found: Problem) -> list[str]:
        return fingerprints(of_problems(found), TELLING.where)

    assert marks(problem(1)) == marks(problem(99))
    every = [problem(1), problem(2), problem(3, "other"), problem(4, rule="s"), problem(5, file="b.yaml")]
    assert len(set(marks(*every))) == len(every)
    assert marks(problem(1)) == fingerprints(of_problems([problem(7, file="./a.yaml")]), TELLING.where)


def test_junit_has_a_case_per_definition():
    """One that fails for what is blocked, none of them lost."""
    plan = hostile("x")
    document = plan_as("junit", plan, TELLING)
    names = re.findall(r'<testcase classname="x" name="([^"]+)"', document)
    assert sorted(names) == sorted(s.name for s in plan.steps)
    assert document.count("<failure") == sum(1 for s in plan.steps if s.blocked) + 2


def test_paths_are_those_of_the_repository():
    """Relative to its root and without "./", wherever the run stands; one outside of it is no file of an annotation."""
    where = TELLING.where
    assert [where.path(p) for p in ("./b/x.yaml", "b//x.yaml", "../x.yaml", "/repo/ci/x.yaml", "/else/x.yaml")] == [
        "ci/b/x.yaml", "ci/b/x.yaml", "x.yaml", "ci/x.yaml", "/else/x.yaml"
    ]  # fmt: skip
    outside = [Problem(Place("../../x.yaml", 3, 1), "m", "", "r")]
    assert reading.github(problems_as("github", outside, (), TELLING))[0][3] is None


def test_a_link_in_a_message_is_none_in_code_scanning():
    """SARIF's own messages may hold links in brackets: ours hold text."""
    finding = Finding(Level.ERROR, "r", "see [here](https://evil.example)")
    plan = Plan((replace(step(Action.UPDATE, "x", blocked=True), losses=()),))
    assert plan.steps[0].blocked
    blocked = replace(plan.steps[0].blocked, message=finding.message)
    text = plan_as("sarif", Plan((replace(plan.steps[0], blocked=blocked),)), TELLING)
    assert "](" not in text
