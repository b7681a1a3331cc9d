"""For all definitions and all drift: the tree takes what the server changed, and nothing that Git left to it."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from reconciler.definitions.loader import load
from reconciler.model.build import Values, elements_of
from reconciler.model.change import ChangeKind
from reconciler.model.declared import declared_paths
from reconciler.model.errors import InvalidDefinitions
from reconciler.model.fields import FOLLOWERS
from tests.export.test_merging import merged, notes, tree, write
from tests.rig import Rig, plain
from tests.test_properties import PLAINS, TEMPLATES, Doc, examples, new_rig

REQUIRED = ("infrastructure", "build_os", "script_type", "project_key")
UNCHANGED = (ChangeKind.UNVERIFIABLE, ChangeKind.RELEASED)


@st.composite
def drifts(draw: st.DrawFn) -> tuple[list[Doc], list[Doc], Doc]:
    """Definitions, what the server will have in their place, and what the first shares with all as defaults."""
    kinds = st.tuples(PLAINS, PLAINS) | st.tuples(TEMPLATES, TEMPLATES) | st.tuples(PLAINS | TEMPLATES, PLAINS)
    pairs = draw(st.lists(kinds, min_size=1, max_size=4))
    before = [{"name": f"b{n}", **a} for n, (a, _) in enumerate(pairs)]
    after = [{"name": f"b{n}", **(b if draw(st.booleans()) else a)} for n, (a, b) in enumerate(pairs)]
    keys = [key for key in before[0] if key not in ("name", "template_name", "target_services")]
    shared = {key: before[0].pop(key) for key in draw(st.lists(st.sampled_from(keys), unique=True))}
    shared |= {key: draw(st.sampled_from([b for b in before if key in b] or [shared]))[key] for key in shared}
    return before, after, shared


def drifted(rig: Rig, before: list[Doc], after: list[Doc], shared: Doc) -> None:
    """Apply definitions, then put what others make of those builds into the store, as the page would."""
    write(rig, {f"{d['name']}.json": json.dumps(d, indent=2, ensure_ascii=False) for d in before})
    write(rig, {"_defaults.json": json.dumps(shared, ensure_ascii=False)} if shared else {})
    try:
        rig.applied()
    except InvalidDefinitions:
        assume(False)
    with new_rig() as other:
        write(other, {f"{d['name']}.json": json.dumps(d) for d in after})
        other.applied()
        for document in after:
            name, stored = document["name"], other.stored(document["name"])
            rig.meddle(name, lambda build, stored=stored: build.update({**stored, "update_time": build["update_time"]}))


def declared(rig: Rig) -> dict[str, Any]:
    desired = load(rig.settings, rig.environ, cwd=str(rig.tree))
    return {d.build.name: (d.build.kind, declared_paths(d.build)) for d in desired.definitions}


@given(drift=drifts())
@examples(25)
def test_what_the_server_changed_is_in_git_then(drift: tuple[list[Doc], list[Doc], Doc]):
    """The plan is empty but for secrets, which are told; nothing is declared that was not, outside of lists."""
    with new_rig() as rig:
        drifted(rig, *drift)
        were = declared(rig)
        made = merged(rig)
        told = {(name, path) for topic, name, path in notes(made) if topic in ("credential", "unmerged")}
        assert {topic for topic, _, _ in notes(made)} <= {"credential", "unmerged"}
        left = [
            (step.name, change.path)
            for step in rig.plan().steps
            for change in step.changes
            if change.kind not in UNCHANGED
        ]
        assert set(left) <= told
        followers = {path for paths in FOLLOWERS.values() for path in paths}
        for name, (kind, paths) in declared(rig).items():
            if kind is were[name][0] and "docker_build_step" not in paths - were[name][1]:
                new = {path for path in paths - were[name][1] if "[" not in path} - followers
                assert not {path for path in new if not path.startswith("docker_build_step.")}, name
        once = tree(rig)
        merged(rig)
        assert tree(rig) == once


SETTINGS = ("script", "timeout", "cpu", "outputs", "privileged", "image", "A", "B", "C")
State = dict[str, int]
"""Setting → which of its three values it has."""

STATES = st.fixed_dictionaries({setting: st.integers(0, 1 if setting == "privileged" else 2) for setting in SETTINGS})
CHANGES = STATES.flatmap(
    lambda state: st.sets(st.sampled_from(SETTINGS), max_size=4).map(lambda s: {k: state[k] for k in sorted(s)})
)
STEPS = (
    None,
    {"dockerfile_source": "local", "dockerfile_directory": "one"},
    {"dockerfile_source": "template", "template_name": "go-dockerfile"},
)


def document(name: str, state: State) -> Doc:
    """A definition in which every setting says its state."""
    return plain(
        name,
        build_script=f"make {state['script']}\n",
        parameters=[
            {"key": key, "type": "string", "default_value": str(state[key])} for key in ("A", "B", "C") if state[key]
        ],
        docker_build_step=STEPS[state["image"]],
        advanced_settings={
            "timeout": state["timeout"],
            "resource_spec": {"cpu_limit": 100 * state["cpu"]},
            "privileged_mode": state["privileged"] > 0,
            "outputs": ["X", "Y"][: state["outputs"]],
        },
    )


def state_of(values: Values) -> State:
    """Read the states back from a loaded definition."""
    directory = values.get("docker_build_step.dockerfile_directory")
    step = 1 if directory == "one" else 2 if values.get("docker_build_step.template_name") == "go-dockerfile" else 0
    assert (values["docker_build_step"] is True) == bool(step)
    keys = {element.key: element.values["default_value"] for element in elements_of(values["parameters"])}
    settings: dict[str, Any] = {path.rpartition(".")[2]: value for path, value in values.items()}
    return {
        "script": int(settings["build_script"].split()[1]),
        "timeout": settings["timeout"],
        "cpu": settings["cpu_limit"] // 100,
        "outputs": len(settings["outputs"]),
        "privileged": int(settings["privileged_mode"]),
        "image": step,
        **{key: int(str(keys.get(key, 0))) for key in ("A", "B", "C")},
    }


def files(states: dict[str, State], *, script: bool, shared: bool) -> dict[str, str]:
    """A tree in which equal scripts are one file, and the advanced settings of all that are equal are defaults."""
    documents = {name: document(name, state) for name, state in states.items()}
    made = {}
    blocks = [d["advanced_settings"] for d in documents.values()]
    if shared:
        common = {k: v for k, v in blocks[0].items() if all(block[k] == v for block in blocks)}
        made["_defaults.yaml"] = yaml.safe_dump({"advanced_settings": common})
        for block in blocks:
            for key in common:
                del block[key]
    for name, made_document in documents.items():
        if script:
            text = made_document["build_script"]
            made[f"{text.split()[1]}.sh"] = text
            made_document["build_script"] = {"from_file": f"{text.split()[1]}.sh"}
        made[f"{name}.yaml"] = yaml.safe_dump(made_document, sort_keys=False)
    return made


@given(
    base=st.tuples(STATES, CHANGES),
    mine=st.tuples(CHANGES, CHANGES),
    theirs=st.tuples(CHANGES, CHANGES),
    how=st.fixed_dictionaries({"script": st.booleans(), "shared": st.booleans(), "force": st.booleans()}),
)
@examples(40)
def test_each_setting_is_as_the_one_side_left_it_that_changed_it(
    base: tuple[State, State],
    mine: tuple[State, State],
    theirs: tuple[State, State],
    how: dict[str, bool],
):
    """Where both did, as Git has it, or forced as the server has it: the oracle knows three values and nothing else."""
    before = {"a": base[0], "b": {**base[0], **base[1]}}
    git = {name: {**state, **edit} for (name, state), edit in zip(before.items(), mine, strict=True)}
    server = {name: {**state, **edit} for (name, state), edit in zip(before.items(), theirs, strict=True)}
    with new_rig() as rig:
        drifted(rig, [document(*item) for item in before.items()], [document(*item) for item in server.items()], {})
        for name in before:
            (rig.tree / f"{name}.json").unlink()
        force = how["force"]
        write(rig, files(git, script=how["script"], shared=how["shared"]))
        made = merged(rig, force=force)
        expected = {
            name: {
                setting: server[name][setting] if force or git[name][setting] == was else git[name][setting]
                for setting, was in state.items()
            }
            for name, state in before.items()
        }
        found = load(rig.settings, {}, cwd=str(rig.tree)).definitions
        assert {d.build.name: state_of(d.build.values) for d in found} == expected
        conflicts = {
            (name, setting)
            for name, state in before.items()
            for setting, was in state.items()
            if len({was, git[name][setting], server[name][setting]} | ({was} if force else set())) == 3
        }
        assert bool([topic for topic, _, _ in notes(made) if topic == "conflict"]) == (bool(conflicts) and not force)
