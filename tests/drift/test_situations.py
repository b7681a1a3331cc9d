"""Who changed what: a table of situations, each played through an apply, an edit, the page, and a drift."""

from __future__ import annotations

import copy

import pytest

from reconciler.compare.drift import State
from reconciler.plan.fates import Drift
from reconciler.workflow.drift import find_drift
from tests.drift.situations import SITUATIONS, Situation, nothing
from tests.rig import Rig


def look(rig: Rig) -> Drift:
    """What a drift finds; it sends GETs and nothing else."""
    rig.quiet()
    found = find_drift(rig.settings, rig.load(), rig.world).drift
    assert {request["method"] for request in rig.requests()} <= {"GET"}
    return found


def played(rig: Rig, situation: Situation) -> Drift:
    """Apply, let both sides do what they did, and look."""
    rig.environ["BUILD_PW"] = "first-canary"
    rig.deep = situation.deep
    rig.write(situation.first)
    rig.applied()
    document = copy.deepcopy(situation.first)
    situation.git(document)
    rig.write(document)
    if situation.server is not nothing:
        rig.meddle("api", situation.server)
    if situation.rotated:
        rig.environ["BUILD_PW"] = "second-canary"
    situation.world(rig)
    return look(rig)


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.name)
def test_every_situation_has_its_name(rig: Rig, situation: Situation):
    """The state of the build, and of each of its settings; who and when where somebody wrote."""
    (build,) = played(rig, situation).builds
    states = {setting.path: setting.state.value for setting in build.settings}
    expect = {path: state for path, state in situation.expect.items() if state}
    allowed = {path for path, state in situation.expect.items() if not state}
    assert ({path: state for path, state in states.items() if path not in allowed}, build.fate.value) == (
        expect,
        situation.fate,
    )
    if situation.kind:
        assert build.settings[0].kind.value == situation.kind
    wrote = situation.server is not nothing
    assert (build.by, build.live is not None and build.live.update_by) == (
        ("mallory", "mallory") if wrote else ("", "admin")
    )
    assert bool(build.ignored or build.of(State.IGNORED)) is situation.ignored
    assert "canary" not in repr(build.settings)


def test_there_are_enough_situations():
    """No two of one name; every state of a setting and of a build that is there occurs."""
    assert len({one.name for one in SITUATIONS}) == len(SITUATIONS) >= 40
    states = {state for one in SITUATIONS for state in one.expect.values() if state}
    assert states == {state.value for state in State} - {"unset"}
