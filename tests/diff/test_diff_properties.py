"""A diff between any two commits is the difference between the two plans made against an empty server.

The plans are made of checked-out trees, through the emulator. Of each build they hold what it declares: one side's
facts that the other lacks have to be covered by the diff's changes, and each change has to have such a fact.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypothesis import given, reject
from hypothesis import strategies as st

from reconciler.compare.revisions import Revised
from reconciler.model.build import DEFAULT, Build, elements_of, same
from reconciler.model.change import ChangeKind
from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.model.fields import ROWS, Elements
from reconciler.plan.step import Step
from reconciler.report.document import plan_document
from tests.diff.history import ENVIRON, History
from tests.rig import Rig
from tests.test_properties import ABSENT, PLAINS, TEMPLATES, Doc, advanced, examples, maybe

Facts = dict[str, Any]
Files = dict[str, Any]
LIST = "a list"
DEFAULTS = maybe(advanced(), null=False).map(lambda block: {} if block is ABSENT else {"advanced_settings": block})


@st.composite
def states(draw: st.DrawFn, names: list[str]) -> Files:
    """The files of one commit: some builds in some folders, defaults of the folders, scripts, values by name."""
    files: Files = {f"{folder}_defaults.json": draw(DEFAULTS) for folder in ("", "deep/") if draw(st.booleans())}
    for name in draw(st.lists(st.sampled_from(names), max_size=4, unique=True)):
        document: Doc = {"name": name, **draw(PLAINS | TEMPLATES)}
        document["project_key"] = draw(st.sampled_from(["yaml", "yaml", "other"]))
        if draw(st.booleans()) and isinstance(document.get("build_script"), str):
            files[f"scripts/{name}.sh"] = document["build_script"]
            document["build_script"] = {"from_file": f"/scripts/{name}.sh"}
        for parameter in document.get("parameters") or []:
            if parameter.get("is_credential") and draw(st.booleans()):
                parameter["default_value"] = {"from_env": draw(st.sampled_from(["BUILD_A", "BUILD_B"]))}
        protected = draw(st.sampled_from([None, True, False]))
        document |= {} if protected is None else {"x-reconciler": {"prevent_destroy": protected}}
        folder = draw(st.sampled_from(["", "deep/"]))
        files[f"{folder}{name}.json"] = located(document, folder)
    return files


def located(document: Doc, folder: str) -> Doc:
    """The same with the path of its script as its folder needs it."""
    script = document.get("build_script")
    if isinstance(script, dict):
        up = "../" if folder else ""
        document["build_script"] = {"from_file": up + script["from_file"].removeprefix("/")}
    return document


@st.composite
def histories(draw: st.DrawFn) -> list[Files]:
    """A few commits: of each file the next one keeps it, turns its lists round, has another one, or none."""
    names = [f"b{n}" for n in range(5)]
    made = [draw(states(names))]
    for _ in range(draw(st.integers(1, 2))):
        fresh, kept = draw(states(names)), {}
        for file, contents in made[-1].items():
            what = draw(st.sampled_from(["keep", "turn", "turn", "drop"]))
            if what != "drop" and Path(file).name not in {Path(other).name for other in fresh}:
                kept[file] = contents if what == "keep" else turned(contents)
        made.append({**kept, **fresh})
    return [{**state, **scripts(made)} for state in made]


def scripts(made: list[Files]) -> Files:
    """All scripts are there all the time: a definition that was kept may need one."""
    return {file: text for files in made for file, text in files.items() if file.endswith(".sh")}


def turned(value: Any) -> Any:
    """The same with every list of objects the other way round."""
    if isinstance(value, dict):
        return {key: turned(item) for key, item in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [turned(item) for item in reversed(value)]
    return value


def facts(build: Build) -> Facts:
    """Everything that a build declares: path → value, null as its default; lists with the order of their keys."""
    found: Facts = {"kind": build.kind}
    levels: list[tuple[Any, Mapping[str, Any], str]] = [(ROWS[build.kind], build.values, "")]
    while levels:
        rows, values, parent = levels.pop()
        null_block = values.get("advanced_settings") is DEFAULT
        for row in rows:
            value, path = values.get(row.path), f"{parent}{row.path}"
            if value is None or (null_block and row.path.startswith("advanced_settings.")):
                continue
            if isinstance(row, Elements):
                found[path] = LIST
                levels += [(row.rows, e.values, f"{path}[{e.key}].") for e in elements_of(value)]
                found |= {f"{path}[{e.key}]": LIST for e in elements_of(value)}
            else:
                local = row.path.endswith("cluster_name")
                found[path] = row.default if value is DEFAULT and not local and row.type.value != "block" else value
    return found


def equal(left: Any, right: Any) -> bool:
    return left is right or (left is not None and right is not None and same(left, right))


def orders(build: Build) -> dict[str, list[str]]:
    """The ordered lists that a build declares, and the keys of each in their order."""
    found: dict[str, list[str]] = {}
    levels: list[tuple[Any, Mapping[str, Any], str]] = [(ROWS[build.kind], build.values, "")]
    while levels:
        rows, values, parent = levels.pop()
        for row in rows:
            if isinstance(row, Elements) and row.path in values:
                elements, path = elements_of(values[row.path]), f"{parent}{row.path}"
                levels += [(row.rows, e.values, f"{path}[{e.key}].") for e in elements]
                found |= {path: [e.key for e in elements]} if row.ordered else {}
    return found


def reordered(old: Build, new: Build) -> set[str]:
    """The paths of lists that have what both sides have in another order."""
    left, right = orders(old), orders(new)
    return {
        path
        for path in left.keys() & right.keys()
        if [k for k in left[path] if k in right[path]] != [k for k in right[path] if k in left[path]]
    }


def check_changes(told: Revised | None, before: Step, after: Step) -> None:
    """The changes cover exactly what differs between the two plans' builds."""
    assert before.desired is not None
    assert after.desired is not None
    old, new = facts(before.desired), facts(after.desired)
    differing = {path for path in old.keys() | new.keys() if not equal(old.get(path), new.get(path))}
    paths = [] if told is None else [change.path for change in told.changes]
    moved = [] if told is None else [c.path for c in told.changes if c.kind is ChangeKind.MOVED]
    if before.desired.kind is not after.desired.kind:
        assert told is not None
        assert told.kinds == (before.desired.kind, after.desired.kind)
        return
    uncovered = [path for path in differing if not any(below(path, one) or below(one, path) for one in paths)]
    assert uncovered == []
    assert [p for p in paths if p not in moved and not any(below(d, p) or below(p, d) for d in differing)] == []
    assert set(moved) == reordered(before.desired, after.desired)


def below(path: str, above: str) -> bool:
    return path == above or path.startswith((f"{above}.", f"{above}["))


def step_document(steps: Mapping[str, dict[str, Any]], name: str) -> dict[str, Any]:
    """What a plan says of a build, without where it stands; elements of sets in the order of their keys."""
    step = {key: value for key, value in steps[name].items() if key != "definition"}
    for change in step["changes"]:
        if isinstance(change["after"], dict):
            change["after"].get("inputs", []).sort(key=lambda item: item["key"])
    return {**step, "changes": sorted(step["changes"], key=lambda change: change["path"])}


class Planned:
    """A commit's plan against a server that has nothing."""

    def __init__(self, files: Files) -> None:
        with tempfile.TemporaryDirectory() as folder:
            rig = Rig(Path(folder))
            History.write(rig, files)  # type: ignore[arg-type]
            try:
                plan = rig.plan()
            except InvalidDefinitions:
                reject()  # a default that does not go with what a build has
            except UsageError as error:
                assert "no definition" in error.message  # an empty tree is no plan
                self.steps, self.documents = dict[str, Step](), dict[str, dict[str, Any]]()
                return
        self.steps = {step.name: step for step in plan.steps}
        self.documents = {step["name"]: step for step in plan_document(plan)["steps"]}


def commits(history: History, states: list[Files]) -> Iterator[str]:
    """Make a commit of each state, whatever was there before."""
    for files in states:
        if any(history.tree.glob("[!.]*")):
            history.git("rm", "-rqf", "--ignore-unmatch", ".")
        yield history.commit(files)


@given(histories())
@examples(25)
def test_a_diff_is_the_difference_of_two_plans_against_an_empty_server(states: list[Files]):
    """Of any two commits, in both directions; a build that is not told of has the same step in both plans."""
    plans = [Planned(files) for files in states]
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder))
        hashes = list(commits(history, states))
        for old, before in zip(hashes, plans, strict=True):
            for new, after in zip(hashes, plans, strict=True):
                if before.steps or after.steps:
                    check(history.diff(old, new).builds, before, after)


def check(builds: tuple[Revised, ...], before: Planned, after: Planned) -> None:
    """What the diff says of every build of two plans."""
    told = {build.name: build for build in builds}
    assert told.keys() <= before.steps.keys() | after.steps.keys()
    for name in before.steps.keys() | after.steps.keys():
        was, now, one = before.steps.get(name), after.steps.get(name), told.get(name)
        if was is None or now is None:
            assert one is not None
            assert one.fate.value == ("added" if was is None else "removed")
            whole = now or was
            assert whole is not None
            assert whole.desired is not None
            declared = facts(whole.desired).keys() - {"kind"}
            paths = {change.path for change in one.changes}
            assert [p for p in declared if not any(below(p, c) or below(c, p) for c in paths)] == []
            continue
        check_changes(one, was, now)
        if one is None:
            assert step_document(before.documents, name) == step_document(after.documents, name)
            assert was.prevent_destroy == now.prevent_destroy
        else:
            ruled = [rule.path for rule in one.rules]
            assert was.prevent_destroy == now.prevent_destroy or ruled == ["prevent_destroy"]
            moved = one.fate.value == "moved"
            assert moved == (was.project != now.project)
            assert moved or one.changes or one.rules or one.kinds


def test_the_oracle_sees_what_it_is_meant_to_see():
    """The control: facts differ where a value does, and plans of empty trees have no steps."""
    one = {"name": "a", "project_key": "yaml", "infrastructure": "kubernetes", "script_type": "shell"}
    plans = [Planned({"a.json": {**one, "build_os": image}}) for image in ("ubuntu 18.04", "ubuntu 20.04")]
    left, right = (facts(plan.steps["a"].desired) for plan in plans)  # type: ignore[arg-type]
    assert {path for path in left if left[path] != right[path]} == {"build_os"}
    assert Planned({}).steps == {}
    assert "BUILD_A" not in ENVIRON
    assert json.dumps(plans[0].documents) != json.dumps(plans[1].documents)
