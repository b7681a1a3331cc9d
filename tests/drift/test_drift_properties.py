"""For any edits in Git and on the server, the state of every setting is what a plain model of both says.

The model keeps three plain values of every setting: as last applied, in Git, on the server. It knows no change, no
path algebra and no stamps beside "has anybody written since". Several builds go into one example, because a run costs
more than a build does.
"""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.workflow.drift import find_drift
from tests.rig import Rig, Stored, plain
from tests.test_properties import examples

ABSENT = "absent"
NAMES = ("a", "b", "c", "d")
TIMEOUT, SCRIPT, OUTPUTS = "advanced_settings.timeout", "build_script", "advanced_settings.outputs"
PRIVILEGED, PARAMETERS, PASSWORD = "advanced_settings.privileged_mode", "parameters", "parameters[PW].default_value"
Values = dict[str, Any]

PAIRS = st.lists(st.tuples(st.sampled_from("KLM"), st.sampled_from("xy")), max_size=3, unique_by=lambda pair: pair[0])
VALUES = {
    TIMEOUT: st.sampled_from([30, 45, 60]),
    SCRIPT: st.sampled_from(["", "one\n", "one\ntwo\n"]),
    OUTPUTS: st.sampled_from([(), ("x",), ("x", "y")]),
    PRIVILEGED: st.booleans(),
    PARAMETERS: PAIRS,
    PASSWORD: st.sampled_from(["p", "q"]),
}
MAY_BE_ABSENT = (TIMEOUT, OUTPUTS)
AS_CREATED = {TIMEOUT: 60, OUTPUTS: ()}


@dataclass
class Model:
    """One build. `applied` is None before its first apply; `touched`: somebody wrote to the server since."""

    git: Values
    ignores: bool
    applied: Values | None = None
    server: Values = field(default_factory=dict)
    touched: bool = False

    def apply(self) -> None:
        """An apply writes where something declared and not ignored differs; what is left out stays.

        Where nothing does, it remembers what both sides have now, of what Git decides.
        """
        if self.applied is None:
            self.server = {path: self._wanted(path) for path in VALUES}
        elif not any(self._decides(path) and self.git[path] != self.server[path] for path in VALUES):
            self.applied |= {path: self.server[path] for path in VALUES if self._decides(path)}
            return
        else:
            mine = {path: value for path, value in self.git.items() if self._decides(path)}
            self.server = {**self.server, **mine}
        self.applied, self.touched = dict(self.server), False

    def _decides(self, path: str) -> bool:
        return self.git[path] != ABSENT and not (self.ignores and path == OUTPUTS)

    def _wanted(self, path: str) -> Any:
        return AS_CREATED[path] if self.git[path] == ABSENT else self.git[path]

    def states(self) -> dict[str, str]:
        """What is not the same everywhere, and whose doing it is."""
        assert self.applied is not None
        found: dict[str, str] = {}
        for path in (TIMEOUT, SCRIPT, OUTPUTS, PRIVILEGED):
            then, git, server = self.applied[path], self.git[path], self.server[path]
            if self.ignores and path == OUTPUTS:
                found[path] = "ignored" if then != server else ""
            elif git == ABSENT:
                found[path] = "undeclared" if then != server else ""
            else:
                found[path] = verdict(then, git, server)
        if self.git[PASSWORD] != self.server[PASSWORD]:
            found[PASSWORD] = "drifted" if self.touched else "pending"
        found |= elements(*(dict(side[PARAMETERS]) for side in (self.applied, self.git, self.server)))
        found[PARAMETERS] = order(*(list(dict(side[PARAMETERS])) for side in (self.applied, self.git, self.server)))
        return {path: state for path, state in found.items() if state}

    @property
    def fate(self) -> str:
        if self.applied is None:
            return "pending"
        states = self.states().values()
        return next((state for state in ("conflict", "drifted", "pending") if state in states), "in sync")


def verdict(then: Any, git: Any, server: Any) -> str:
    """The table, for one value."""
    if git == server:
        return ""
    return "pending" if server == then else "drifted" if git == then else "conflict"


def elements(then: Values, git: Values, server: Values) -> dict[str, str]:
    """Each element by its key: there or not, and its value."""
    found = {}
    for key in git.keys() | server.keys():
        inside = ".default_value" if key in git and key in server else ""
        found[f"{PARAMETERS}[{key}]{inside}"] = verdict(*(side.get(key, ABSENT) for side in (then, git, server)))
    return found


def order(then: list[str], git: list[str], server: list[str]) -> str:
    """The order of what both sides have; where new elements alone make the difference, both have put them."""
    mine, theirs = [key for key in git if key in server], [key for key in server if key in git]
    if mine == theirs:
        return ""
    old = [key for key in then if key in mine]
    moved_here, moved_there = ([key for key in side if key in old] != old for side in (mine, theirs))
    if moved_here is moved_there:
        return "conflict"
    return "pending" if moved_here else "drifted"


# the two sides as they are written ---------------------------------------------------------------------------


def document(name: str, model: Model) -> dict[str, Any]:
    git = model.git
    advanced: dict[str, Any] = {"cluster_name": "local-20250523164625", "privileged_mode": git[PRIVILEGED]}
    if git[TIMEOUT] != ABSENT:
        advanced["timeout"] = git[TIMEOUT]
    if git[OUTPUTS] != ABSENT:
        advanced["outputs"] = list(git[OUTPUTS])
    password = {"key": "PW", "is_credential": True, "type": "string", "default_value": {"from_env": f"BUILD_{name}"}}
    others = [{"key": k, "type": "string", "default_value": v, "is_credential": False} for k, v in git[PARAMETERS]]
    more = {"x-reconciler": {"ignore": [{"path": OUTPUTS, "reason": "theirs"}]}} if model.ignores else {}
    return plain(name, build_script=git[SCRIPT], parameters=[password, *others], advanced_settings=advanced, **more)


def store(server: Values) -> Any:
    def edit(stored: Stored) -> None:
        stored["timeout"], stored["scripts"] = server[TIMEOUT], server[SCRIPT]
        stored["enable_privileged_mode"] = server[PRIVILEGED]
        stored["outputs"] = [{"name": name, "description": ""} for name in ("IMAGE", "PKG_FILE", *server[OUTPUTS])]
        (password,) = [one for one in stored["pre_build"]["envs"] if one["key"] == "PW"]
        others = [{"key": k, "value": v, "type": "string", "is_credential": False} for k, v in server[PARAMETERS]]
        stored["pre_build"]["envs"] = [{**password, "value": server[PASSWORD]}, *others]

    return edit


@st.composite
def definitions(draw: st.DrawFn) -> Values:
    values = {path: draw(strategy) for path, strategy in VALUES.items()}
    return {**values, **{path: ABSENT for path in MAY_BE_ABSENT if draw(st.integers(0, 3)) == 0}}


@st.composite
def edits(draw: st.DrawFn, *sides: str) -> list[tuple[str, str, str, Any]]:
    """Some edits: of which build, on which side, of which setting, to what."""
    found = []
    for _ in range(draw(st.integers(0, 10))):
        side, path = draw(st.sampled_from(sides)), draw(st.sampled_from([*sorted(VALUES), PARAMETERS, PARAMETERS]))
        may = side == "git" and path in MAY_BE_ABSENT
        value = draw(st.one_of(VALUES[path], *([st.just(ABSENT)] if may else [])))
        found.append((draw(st.sampled_from(NAMES)), side, path, value))
    return found


class Company:
    """The builds of one example, on both sides and in the model."""

    def __init__(self, folder: Path, models: dict[str, Model]) -> None:
        self.rig, self.models = Rig(folder), models

    def edit(self, some: list[tuple[str, str, str, Any]]) -> None:
        for name, side, path, value in some:
            model = self.models[name]
            if side == "git":
                model.git[path] = value
            elif model.applied is not None:
                model.server = {**model.server, path: value}
                model.touched = True
                self.rig.meddle(name, store(model.server))

    def write(self) -> None:
        self.rig.write(*(document(name, model) for name, model in self.models.items()))
        self.rig.environ.update({f"BUILD_{name}": model.git[PASSWORD] for name, model in self.models.items()})

    def apply(self) -> None:
        self.write()
        self.rig.applied()
        for model in self.models.values():
            model.apply()

    def check(self) -> None:
        """The drift is what the model says, build by build and setting by setting."""
        self.write()
        found = {b.name: b for b in find_drift(self.rig.settings, self.rig.load(), self.rig.world).drift.builds}
        assert found.keys() == self.models.keys()
        for name, model in self.models.items():
            build = found[name]
            states = {s.path: s.state.value for s in build.settings if s.state.value != "released"}
            assert (build.fate.value, states) == (model.fate, {} if model.applied is None else model.states())
            assert len(states) == sum(1 for s in build.settings if s.state.value != "released"), "no path twice"
            assert build.by == ("mallory" if model.touched else "")


@given(st.data())
@examples(25)
def test_the_states_are_those_of_a_plain_model(data: st.DataObject):
    """Edits on both sides, applies in between, and a drift after each round."""
    models = {name: Model(data.draw(definitions()), data.draw(st.booleans())) for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder), models)
        company.check()
        company.apply()
        company.check()
        for _ in range(data.draw(st.integers(1, 2))):
            company.edit(data.draw(edits("git", "server", "server")))
            company.check()
            company.apply()
        company.edit(copy.deepcopy(data.draw(edits("git", "server"))))
        company.check()


@given(st.data())
@examples(15)
def test_what_is_taken_into_git_is_what_both_had(data: st.DataObject):
    """People change the server, Git takes all of it, an apply finds nothing to do: the next change is drift again."""
    models = {name: Model(data.draw(definitions()), data.draw(st.booleans())) for name in NAMES}
    with tempfile.TemporaryDirectory() as folder:
        company = Company(Path(folder), models)
        company.apply()
        for _ in range(2):
            company.edit(data.draw(edits("server")))
            for model in models.values():
                model.git |= {path: model.server[path] for path in VALUES if model.git[path] != ABSENT}
            company.apply()
            company.edit(data.draw(edits("server")))
            company.check()
            assert "conflict" not in {model.fate for model in models.values()}


def test_the_model_is_a_table():
    """The oracle by itself: nine cases of one value, and orders."""
    cases = [(1, 1, 1), (1, 2, 1), (1, 1, 2), (1, 2, 2), (1, 2, 3)]
    assert [verdict(*case) for case in cases] == ["", "pending", "drifted", "", "conflict"]
    assert order(["a", "b"], ["b", "a"], ["a", "b"]) == "pending"
    assert order(["a", "b"], ["a", "b"], ["b", "a"]) == "drifted"
    assert order(["a"], ["a", "n"], ["n", "a"]) == "conflict"
