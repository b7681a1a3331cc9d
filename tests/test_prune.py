"""Deletes: what is deleted, what never is, and how many DELETE requests arrive in each situation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import Request, Response
from reconciler.model.definition import Desired
from reconciler.model.errors import BadToken, InvalidDefinitions, LedgerError, NotPermitted, UsageError
from reconciler.model.live import Live, LiveBuild, Reading, Stamps
from reconciler.model.outcome import Ending
from reconciler.model.policy import Policy, Prune
from reconciler.model.record import Intent
from reconciler.plan.inputs import Inputs
from reconciler.plan.limits import allowed, limited, needed
from reconciler.plan.step import Action, Block, Blocked, Step
from reconciler.report.document import plan_document
from reconciler.report.ink import Ink
from reconciler.report.text import Style, question, render_outcome, render_plan
from reconciler.workflow.apply import Options
from reconciler.workflow.validate import load
from tests.prune_scene import COMPANY, Scene, definition, deletes, words, workflow

ALWAYS = {"probability": 1.0, "seed": 1}
DELETED = "deleted"


@pytest.fixture(scope="module")
def company(tmp_path_factory) -> tuple[dict[str, Any], bytes]:
    """What server and ledger hold when ten definitions were applied."""
    scene = Scene(tmp_path_factory.mktemp("company"))
    scene.applied()
    return scene.emulator.state(), scene.ledger.read_bytes()


@pytest.fixture
def scene(company, tmp_path: Path) -> Scene:
    """Ten builds as they were applied; Git does not have the first one any more."""
    state, ledger = company
    made = Scene(tmp_path)
    made.emulator.set_state(state["world"], state["builds"])
    made.ledger.write_bytes(ledger)
    made.time += 3600
    made.remove("a0")
    return made


# The table -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Situation:
    """What comes before, how far the run may go, and what must come of it.

    Attributes:
        arrange: makes the situation.
        mode: how far to prune.
        plan: the delete steps: name → "deleted", or why it is blocked.
        requests: how many DELETEs arrive; None: one per delete that is not blocked.
        gone: which builds disappear; None: those planned as deleted.
        endings: how the deletes end where it is not done or blocked.
        error: what is raised instead of a plan or an apply.
    """

    arrange: Callable[[Scene], None]
    mode: Prune
    plan: Mapping[str, str]
    requests: int | None = None
    gone: frozenset[str] | None = None
    endings: Mapping[str, tuple[Ending, str]] = field(default_factory=dict)
    error: type[Exception] | None = None


SITUATIONS: list[Situation] = []


def situation(mode: Prune, plan: Mapping[str, str], **more: Any) -> Callable[[Callable[[Scene], None]], None]:
    def keep(arrange: Callable[[Scene], None]) -> None:
        SITUATIONS.append(Situation(arrange, mode, plan, **more))

    return keep


def situations(mode: tuple[Prune, ...], plan: Mapping[str, str], **more: Any) -> Callable[[Any], None]:
    def keep(arrange: Callable[[Scene], None]) -> None:
        for one in mode:
            situation(one, plan, **more)(arrange)

    return keep


OWNED, ALL, OFF = Prune.OWNED, Prune.ALL, Prune.OFF
BOTH = (OWNED, ALL)


@situation(OFF, {})
def off(_: Scene) -> None:
    """Without being asked nothing is deleted."""


@situations(BOTH, {"a0": DELETED})
def ours(_: Scene) -> None:
    """A build that we made and Git has no more is deleted."""


@situation(OWNED, {"a0": DELETED})
def somebody_elses_stays(scene: Scene) -> None:
    """A build that no record names is nobody's business in the mode `owned`."""
    scene.appear("stranger")


@situation(ALL, {"a0": DELETED, "stranger": DELETED})
def everything_undeclared_goes(scene: Scene) -> None:
    """In the mode `all` it goes too: 2 of 11 are within 10 %, rounded up."""
    scene.appear("stranger")


@situation(OWNED, {"a0": DELETED})
def another_trees_stays(scene: Scene) -> None:
    """What another tree made is no orphan of ours."""
    scene.appear("theirs")
    scene.record("theirs", tree="shop")


@situation(ALL, {"a0": "foreign", "theirs": "foreign"})
def another_tree_forbids_all(scene: Scene) -> None:
    """Where another tree has records not everything undeclared is free."""
    scene.appear("theirs")
    scene.record("theirs", tree="shop")


@situation(ALL, {"a0": "foreign"})
def another_tree_that_only_began(scene: Scene) -> None:
    """Another tree's intent says as much as a record."""

    def begin(document):
        record = replace(document.records["a1"], tree="shop")
        intent = Intent(record, (record.build,))
        return replace(document, intents={"coming": intent})

    scene.ledger_edit(begin)


@situations(BOTH, {"a0": "protected"})
def protected(scene: Scene) -> None:
    """The ledger remembers protection after the file is gone."""
    scene.record("a0", prevent_destroy=True)


@situation(OWNED, {"a0": "protected"})
def silence_lifts_no_protection(scene: Scene) -> None:
    """A definition that does not mention it was applied in between: still protected."""
    scene.record("a0", prevent_destroy=True)
    scene.define(definition("a0", build_script="new\n"))
    scene.applied()
    scene.remove("a0")


@situation(OWNED, {"a0": DELETED})
def protection_is_lifted_by_saying_so(scene: Scene) -> None:
    """`prevent_destroy: false` was applied, and nothing else changed."""
    scene.record("a0", prevent_destroy=True)
    scene.define({**definition("a0"), "x-reconciler": {"prevent_destroy": False}})
    assert scene.apply() == []
    scene.remove("a0")


@situation(ALL, {"a0": DELETED})
def jenkins(scene: Scene) -> None:
    """Jenkins builds stay, whatever the mode."""
    scene.appear("old", source="jenkins")


@situations(BOTH, {"a0": "unwritable"})
def jenkins_of_ours(scene: Scene) -> None:
    """Ours, and somebody made it a Jenkins build."""
    scene.meddle("a0", lambda stored: stored.update(source="jenkins"))


@situations(BOTH, {"a0": "in-use"})
def in_use(scene: Scene) -> None:
    """A workflow builds with it."""
    scene.workflows(workflow("deploy", ("a0", "a0", "main")))


@situation(OWNED, {"a0": DELETED})
def in_use_and_let_through(scene: Scene) -> None:
    """`--break-workflows` says that it is known."""
    scene.workflows(workflow("deploy", ("a0", "a0", "main")))
    scene.policy = replace(scene.policy, break_workflows=True)


@situation(OWNED, {"a0": DELETED})
def another_build_in_use(scene: Scene) -> None:
    """A workflow that builds the same service with another build does not need this one."""
    scene.workflows(workflow("deploy", ("a1", "a0", "main")))


@situation(OWNED, {"a0": "in-use", "d0": DELETED}, gone=frozenset({"d0"}))
def in_use_elsewhere(scene: Scene) -> None:
    """A workflow of another project that is looked into uses it: names are the whole server's."""
    another_project(scene, "d0", "d1")
    scene.remove("d0")
    scene.workflows(workflow("far", ("a0", "a0", "main"), project="demo"))


@situation(OWNED, {"a0": DELETED})
def product_workflow(scene: Scene) -> None:
    """A workflow of the older kind cannot be looked into: said, and allowed."""
    scene.workflows(workflow("old", ("a0", "a0", "main"), type="product"))


@situation(OWNED, {"a0": DELETED})
def workflows_that_nobody_lists(scene: Scene) -> None:
    """The list of workflows fails: said, and allowed."""
    scene.emulator.set_faults([{"kind": "500-json", **ALWAYS, "match": {"path": "^/openapi/workflows$"}}])


@situations(BOTH, {"a0": "needs-flag"})
def moved(scene: Scene) -> None:
    """Another project of the tree has a definition of this name: a move, nothing for prune; it needs its flag."""
    scene.projects = ("yaml", "demo")
    scene.define(definition("a0", "demo"))


@situations(BOTH, {"a0": "needs-flag"})
def renamed(scene: Scene) -> None:
    """A definition says that it was called so: a rename, nothing for prune; it needs its flag."""
    scene.define(definition("new"))

    def say(desired: Desired) -> Desired:
        told = tuple(replace(d, renamed_from="a0") if d.build.name == "new" else d for d in desired.definitions)
        return replace(desired, definitions=told)

    scene.desire = say


@situation(OWNED, {"a0": DELETED})
def selected_project(scene: Scene) -> None:
    """With `--project` only what is selected is pruned."""
    another_project(scene, "d0", "d1")
    scene.remove("d0")
    select(scene, "yaml")


@situations(BOTH, {})
def name_elsewhere(scene: Scene) -> None:
    """`--project` leaves out the definition that has this name now: still a move."""
    scene.projects = ("yaml", "demo")
    scene.define(definition("a0", "demo"))
    select(scene, "yaml")


@situation(OWNED, {"a0": "limit", "a1": "limit"})
def limit_by_count(scene: Scene) -> None:
    """Two deletes, one allowed: none is done."""
    scene.remove("a1")
    scene.policy = replace(scene.policy, max_deletes=1, max_delete_percent=100)


@situation(OWNED, {"a0": "limit"})
def limit_of_no_delete(scene: Scene) -> None:
    """The limit holds from the first object on."""
    scene.policy = replace(scene.policy, max_deletes=0)


@situations(BOTH, {"a0": "limit", "a1": "limit"})
def limit_by_percentage(scene: Scene) -> None:
    """Two of ten builds are more than 10 %."""
    scene.remove("a1")


@situation(OWNED, {"a0": "limit"})
def no_percent(scene: Scene) -> None:
    """0 % of ten builds is none."""
    scene.policy = replace(scene.policy, max_delete_percent=0)


@situation(OWNED, {"a0": DELETED})
def one_of_nine(scene: Scene) -> None:
    """10 % of nine builds is one, rounded up."""
    scene.disappear("a9")
    scene.remove("a9")


@situation(OWNED, {"a0": "limit", "a1": "limit"})
def two_of_nine(scene: Scene) -> None:
    """And no more than one."""
    scene.disappear("a9")
    scene.remove("a9", "a1")


@situation(OWNED, {"a0": DELETED, "a1": "protected", "a2": "in-use"})
def what_is_blocked_counts_for_no_limit(scene: Scene) -> None:
    """Three are gone from Git, and one of them would be deleted."""
    scene.remove("a1", "a2")
    scene.record("a1", prevent_destroy=True)
    scene.workflows(workflow("deploy", ("a2", "a2", "main")))


@situation(OWNED, {"a0": DELETED, "d0": "limit", "d1": "limit"})
def limit_of_another_project(scene: Scene) -> None:
    """A percentage is each project's own; the count is the run's."""
    another_project(scene, "d0", "d1", "d2")
    scene.remove("d0", "d1")


@situations(BOTH, {"a0": "incomplete"})
def incomplete(scene: Scene) -> None:
    """A list that does not settle shows no absence."""
    scene.answer = hiding("a9", "yaml")


@situation(OWNED, {"a0": "incomplete"})
def incomplete_elsewhere(scene: Scene) -> None:
    """Nor does it in another project of the run: a build may have moved."""
    another_project(scene, "d0", "d1")
    scene.answer = hiding("d1", "demo")


@situation(OWNED, {"a0": "incomplete"})
def suddenly_empty(scene: Scene) -> None:
    """A project that had builds shows none: the server, not Git, is in doubt."""
    another_project(scene, "d0")
    scene.disappear("d0")


@situation(OWNED, {}, error=UsageError)
def empty(scene: Scene) -> None:
    """No definition at all is a mistake, not a wish."""
    scene.remove(*COMPANY)


@situation(OWNED, {"a0": DELETED, "d0": "limit"})
def project_without_definitions(scene: Scene) -> None:
    """The last definition of a project is gone: that project is not emptied."""
    another_project(scene, "d0")
    scene.remove("d0")


@situations(BOTH, {})
def narrowed(scene: Scene) -> None:
    """PATH is a part of the tree."""
    scene.path = "part"


@situations(BOTH, {})
def unconfigured(scene: Scene) -> None:
    """Without reconciler.yaml nobody knows where the tree ends."""
    scene.configured = False


@situation(OWNED, {}, error=InvalidDefinitions)
def broken(scene: Scene) -> None:
    """A broken file may be the definition that seems to be gone."""
    scene.define({"name": "a0", "project_key": "yaml"})


@situation(OWNED, {}, error=NotPermitted)
def forbidden(scene: Scene) -> None:
    """403 on the list."""
    scene.emulator.set_faults([{"kind": "403-empty", **ALWAYS, "match": {"path": "^/openapi/build$"}}])


@situation(OWNED, {}, error=BadToken)
def bad_token(scene: Scene) -> None:
    """401."""
    scene.emulator.set_faults([{"kind": "401-empty", **ALWAYS, "match": {"path": "^/openapi/build$"}}])


@situations(BOTH, {"a0": "unread"})
def unread(scene: Scene) -> None:
    """What could not be read could not be kept."""
    scene.emulator.set_faults([{"kind": "500-json", **ALWAYS, "match": {"path": "/a0/detail"}}])


@situation(ALL, {"a0": DELETED})
def unnamed(scene: Scene) -> None:
    """A build without a name can be reached by no call."""
    scene.appear("")


@situation(OWNED, {"a0": DELETED})
def lost_answer(scene: Scene) -> None:
    """The delete was done and its answer lost: read back, not repeated."""
    scene.emulator.set_faults([{"kind": "lost-answer", "at": [0], "match": {"method": "DELETE"}}])


@situation(OWNED, {"a0": DELETED}, requests=2)
def lost_request(scene: Scene) -> None:
    """It never arrived, reading back shows that, and it is sent once more."""
    scene.emulator.set_faults([{"kind": "reset", "at": [0], "match": {"method": "DELETE"}}])


@situation(
    OWNED, {"a0": DELETED}, requests=2, gone=frozenset(), endings={"a0": (Ending.FAILED, "no-answer")}
)  # fmt: skip
def never_arrives(scene: Scene) -> None:
    """Twice at most."""
    scene.emulator.set_faults([{"kind": "502-html", **ALWAYS, "match": {"method": "DELETE"}}])


@situation(OWNED, {"a0": DELETED}, gone=frozenset({"a0"}), endings={"a0": (Ending.UNKNOWN, "unread")})
def nobody_can_tell(scene: Scene) -> None:
    """Deleted, and nothing can be read any more: unknown, not done."""
    scene.between = lambda: scene.emulator.set_faults(
        [{"kind": "500-json", "at": [2, 3, 4, 5, 6, 7], "match": {"path": "/a0/detail"}}]
    )


@situation(OWNED, {"a0": DELETED}, gone=frozenset(), endings={"a0": (Ending.FAILED, "not-permitted")})
def not_allowed(scene: Scene) -> None:
    """The token may see and not delete."""
    scene.emulator.set_faults([{"kind": "403-empty", **ALWAYS, "match": {"method": "DELETE"}}])


@situation(OWNED, {"a0": DELETED}, gone=frozenset(), endings={"a0": (Ending.FAILED, "not-taken")})
def not_taken(scene: Scene) -> None:
    """The server says success and still has it: success is what is seen."""
    scene.answer = remaking(scene)


@situation(OWNED, {"a0": DELETED}, requests=0)
def deleted_meanwhile(scene: Scene) -> None:
    """Somebody was faster: done, without a request."""
    scene.between = lambda: scene.disappear("a0")


@situation(OWNED, {"a0": DELETED}, requests=0, gone=frozenset(), endings={"a0": (Ending.BLOCKED, "stale")})
def changed_meanwhile(scene: Scene) -> None:
    """Somebody wrote it after the plan was made: not what was agreed on."""
    scene.between = lambda: scene.meddle("a0", lambda stored: stored.update(scripts="mine\n"))


@situation(OWNED, {"a0": DELETED}, requests=0, gone=frozenset(), endings={"a0": (Ending.SKIPPED, "dry-run")})
def dry_run(scene: Scene) -> None:
    """All the way, and nothing is sent."""
    scene.options = Options(dry_run=True)


@situation(OWNED, {"a0": DELETED}, requests=0, gone=frozenset(), endings={"a0": (Ending.SKIPPED, "stopped")})
def stopped(scene: Scene) -> None:
    """The user stopped the run before."""
    scene.options = Options(stopped=lambda: True)


@situation(OWNED, {"a0": DELETED})
def assumed(scene: Scene) -> None:
    """What a person adopted is ours."""
    scene.record("a0", exact=False)


@situation(OWNED, {"a0": DELETED})
def changed_before(scene: Scene) -> None:
    """Somebody wrote it since our last apply and before the plan: still ours, and said."""
    scene.meddle("a0", lambda stored: stored.update(scripts="mine\n"))


@situation(OWNED, {})
def no_ledger(scene: Scene) -> None:
    """Without records nothing is ours."""
    scene.forget()


@situation(ALL, {"a0": DELETED})
def no_ledger_all(scene: Scene) -> None:
    """An empty ledger knows of no other tree and no protection."""
    scene.forget()


@situation(ALL, {"a0": "incomplete"}, error=LedgerError)
def broken_ledger(scene: Scene) -> None:
    """A ledger that cannot be read may hold both."""
    scene.ledger.write_text("no database", encoding="utf-8")


@situation(OWNED, {})
def announced_alone(scene: Scene) -> None:
    """An intent that the server does not prove makes nothing ours."""
    announce(scene, user="mallory")


@situation(OWNED, {"a0": DELETED})
def announced_and_proven(scene: Scene) -> None:
    """A build that a killed run made is ours as soon as the server proves it."""
    announce(scene, user="admin")


@situation(OWNED, {})
def killed_after_the_delete(scene: Scene) -> None:
    """The run died between the delete and the ledger: nothing is left to do."""
    scene.disappear("a0")


# What the situations are made of -------------------------------------------------------------------------


def another_project(scene: Scene, *names: str) -> None:
    """Builds of ours in another project, applied."""
    mode, scene.policy = scene.policy, replace(scene.policy, prune=OFF)
    scene.projects = ("yaml", "demo")
    scene.define(*(definition(name, "demo") for name in names))
    scene.applied()
    scene.policy = mode


def select(scene: Scene, project: str) -> None:
    """`--project`: the others' definitions are known by name alone."""
    scene.selected = (project,)

    def leave_out(desired: Desired) -> Desired:
        whole = replace(scene.settings, selected=())
        every = load(whole, scene.environ, str(scene.tree)).definitions
        elsewhere = {d.build.name: d.build.project for d in every if d.build.project != project}
        chosen = tuple(d for d in every if d.build.project == project)
        return replace(desired, definitions=chosen, elsewhere=elsewhere, narrowed=False)

    scene.desire = leave_out


def hiding(name: str, project: str) -> Callable[[Request, Response], Response]:
    """A list of one project that always misses a build."""

    def answer(request: Request, answer: Response) -> Response:
        if request.path != "/openapi/build" or parse_qs(request.query).get("projectKey") != [project]:
            return answer
        if request.method != "GET":
            return answer
        listed = json.loads(answer.body)
        listed["builds"] = [b for b in listed["builds"] if b["name"] != name]
        return answer.but(body=json.dumps(listed).encode())

    return answer


def remaking(scene: Scene) -> Callable[[Request, Response], Response]:
    """A server on which somebody makes every deleted build again at once."""
    before = scene.emulator.state()["builds"]

    def answer(request: Request, answer: Response) -> Response:
        if request.method == "DELETE":
            scene.emulator.set_state(None, before)
        return answer

    return answer


def announce(scene: Scene, user: str) -> None:
    """Turn the record of a0 back into what was announced of it before it was made, and say who wrote it."""

    def back(document):
        records = dict(document.records)
        record = records.pop("a0")
        before = replace(record.stamps, update_time=0, update_by="")
        intent = Intent(replace(record, stamps=before), (record.build,))
        return replace(document, records=records, intents={"a0": intent})

    scene.ledger_edit(back)
    scene.meddle("a0", lambda stored: None, user=user)


def words_until(error: type[Exception], scene: Scene) -> Mapping[str, str]:
    """What a plan says where only the apply is refused; nothing where there is not even a plan."""
    try:
        return words(scene.plan())
    except error:
        return {}


def ids(one: Situation) -> str:
    return f"{one.mode.value}-{one.arrange.__name__.replace('_', '-')}"


@pytest.mark.parametrize("one", SITUATIONS, ids=ids)
def test_a_delete_is_done_or_refused_by_name(scene: Scene, one: Situation):
    """Each situation: what the plan says, how many DELETE requests arrive, and which builds are gone."""
    scene.workflows()
    one.arrange(scene)
    before = set(scene.names())
    scene.prune(one.mode)
    scene.quiet()
    if one.error:
        assert words_until(one.error, scene) == one.plan
        with pytest.raises(one.error):
            scene.apply()
        assert (scene.requests("DELETE"), set(scene.names())) == ([], before)
        return
    plan = scene.plan()
    assert words(plan) == one.plan
    assert {r["method"] for r in scene.requests()} == {"GET"}
    ended = {plan.steps[o.index].name: (o.ending, o.fault.code if o.fault else "") for o in scene.apply()}
    planned = {name for name, word in one.plan.items() if word == DELETED}
    assert len(scene.requests("DELETE")) == (len(planned) if one.requests is None else one.requests)
    assert before - set(scene.names()) == (planned if one.gone is None else one.gone)
    for name, word in one.plan.items():
        ending, code = one.endings.get(name, (Ending.DONE, "") if word == DELETED else (Ending.BLOCKED, word))
        assert ended[name][0] is ending
        assert code in ended[name][1]


def test_the_table_is_long_enough():
    """At least thirty situations, every mode and every reason that forbids a delete among them."""
    assert len({one.arrange.__name__ for one in SITUATIONS}) >= 30
    assert {one.mode for one in SITUATIONS} == set(Prune)
    said = {word for one in SITUATIONS for word in one.plan.values()}
    assert said == {
        DELETED, "foreign", "protected", "unwritable", "in-use", "limit", "incomplete", "unread", "needs-flag",
    }  # fmt: skip


# What is said --------------------------------------------------------------------------------------------


def blocked(scene: Scene, name: str = "a0") -> tuple[str, str]:
    """The sentence and the way out of a delete that is blocked."""
    (step,) = [step for step in deletes(scene.plan()) if step.name == name]
    assert step.blocked is not None
    return step.blocked.message, step.blocked.hint


def test_limits_say_which_flag_raises_what_to_which_figure(scene: Scene):
    """Both at once, computed; with exactly these the deletes are done, with one less they are not."""
    scene.remove("a1", "a2")
    scene.prune(OWNED, max_deletes=2)
    message, hint = blocked(scene)
    assert "would delete 3 builds, and its limit is 2" in message
    assert '3 of the 10 builds of project "yaml" would be deleted, and the limit is 10 % of them, 1' in message
    assert "--max-deletes 3 --max-delete-percent 21" in hint
    scene.prune(OWNED, max_deletes=3, max_delete_percent=20)
    assert "--max-deletes" not in blocked(scene)[1]
    scene.prune(OWNED, max_deletes=3, max_delete_percent=21)
    scene.applied()
    assert len(scene.requests("DELETE")) == 3


def test_one_figure_lets_every_project_through(scene: Scene):
    """Two projects are beyond the percentage: the figure that is said is that of the worse one."""
    another_project(scene, "d0", "d1", "d2")
    scene.remove("a1", "d0", "d1")
    scene.prune(OWNED)
    assert "--max-delete-percent 34" in blocked(scene, "a0")[1]
    assert "--max-delete-percent 34" in blocked(scene, "d0")[1]


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 100))
def test_the_figure_that_is_said_is_the_smallest_that_suffices(deletes: int, builds: int, percent: int):
    """For all counts: the needed percentage allows it, one less does not; nothing beyond the limit is allowed."""
    deletes = min(deletes, builds)
    figure = needed(deletes, builds)
    assert allowed(figure, builds) >= deletes
    assert figure == 0 or allowed(figure - 1, builds) < deletes
    assert figure <= 100
    assert allowed(percent, builds) * 100 < percent * builds + 100
    assert (allowed(percent, builds) >= 1) == (percent > 0)


def test_another_trees_records_are_named(scene: Scene):
    scene.record("theirs", tree="shop")
    scene.prune(ALL)
    message, hint = blocked(scene)
    assert '"shop"' in message
    assert "--prune owned" in hint


def test_a_project_that_shows_none_is_a_trouble(scene: Scene):
    """It is named beside the deletes that it blocks, and the plan counts as one that could not see everything."""
    another_project(scene, "d0")
    scene.disappear("d0")
    scene.prune(OWNED)
    plan = scene.plan()
    assert not plan.complete
    assert [t.code for t in plan.troubles] == ["incomplete"]
    assert 'project "demo"' in plan.troubles[0].message
    assert 'project "demo"' in blocked(scene)[0]
    scene.prune(OFF)
    assert scene.plan().complete


def test_jenkins_builds_are_counted(scene: Scene):
    """They stay silently, but for one notice."""
    scene.appear("old", source="jenkins")
    scene.appear("older", source="jenkins")
    scene.prune(ALL)
    assert [n for n in scene.plan().notices if "2 Jenkins builds left alone" in n]
    assert not any("/old" in r["path"] for r in scene.requests())


def test_a_ledger_without_a_record_is_told_before_everything_undeclared_goes(scene: Scene):
    """A lost ledger looks like a new one: what it protected is told by nothing else."""
    scene.prune(Prune.ALL, max_delete_percent=100)
    assert scene.plan().notices == ()
    scene.forget()
    (notice,) = scene.plan().notices
    assert notice.startswith('project "yaml": this ledger has no record of it')
    scene.prune(Prune.OWNED)
    assert scene.plan().notices == ()


@pytest.mark.parametrize("mode", BOTH)
def test_who_asked_by_flag_is_told_why_nothing_is_pruned(scene: Scene, mode: Prune):
    """With the command that would do it; a wish of the configuration is for whole trees and not repeated."""
    scene.prune(mode)
    scene.path = "part"
    (refusal,) = scene.plan().refusals
    assert f"`reconciler plan {scene.tree} --prune {mode.value}`" in refusal.hint
    assert refusal.message in render_plan(scene.plan(), Style())
    assert plan_document(scene.plan())["refusals"][0]["message"] == refusal.message
    scene.flag = False
    assert scene.plan().refusals == ()
    scene.flag, scene.configured, scene.path = True, False, ""
    assert "there is no reconciler.yaml" in scene.plan().refusals[0].message
    scene.configured = True
    assert scene.plan().refusals == ()


def test_without_pruning_orphans_are_named_with_the_command(scene: Scene):
    """What is ours and gone from Git, by name; a moved one is not gone."""
    assert scene.plan().orphans == (("yaml", "a0"),)
    assert "reconciler plan --prune owned" in render_plan(scene.plan(), Style())
    scene.projects = ("yaml", "demo")
    scene.define(definition("a0", "demo"))
    assert scene.plan().orphans == ()


def test_a_delete_says_who_wrote_after_us(scene: Scene):
    """Somebody may have taken over what Git gave up."""
    scene.meddle("a0", lambda stored: stored.update(scripts="mine\n"))
    scene.prune(OWNED)
    (step,) = deletes(scene.plan())
    assert step.notes == ("mallory has written since our last apply",)
    assert step.before is not None
    assert step.backed_up


def test_the_question_counts_deletes(scene: Scene):
    """Nobody says yes to a delete without having read the word."""
    scene.prune(OWNED)
    assert question(scene.plan()) == "Delete 1 build?"
    scene.define(definition("n1"), definition("n2"), definition("n3"))
    assert question(scene.plan()) == "Write 3 builds and delete 1?"
    scene.prune(OFF)
    assert question(scene.plan()) == "Write 3 builds?"


# The ledger ----------------------------------------------------------------------------------------------


def test_the_record_leaves_with_the_build(scene: Scene):
    """Done deletes forget; the next plan is empty."""
    scene.prune(OWNED)
    scene.applied()
    assert set(scene.document().records) == set(COMPANY) - {"a0"}
    assert scene.plan().empty


@pytest.mark.parametrize("kind", ["502-html", "403-empty"])
def test_the_record_stays_with_a_build_that_is_not_gone(scene: Scene, kind: str):
    """A failed delete is tried again by the next run."""
    scene.prune(OWNED)
    scene.emulator.set_faults([{"kind": kind, **ALWAYS, "match": {"method": "DELETE"}}])
    assert scene.apply()[0].ending is Ending.FAILED
    assert "a0" in scene.document().records
    scene.emulator.set_faults([])
    scene.applied()
    assert "a0" not in scene.names()


@pytest.mark.parametrize("mode", list(Prune))
def test_a_record_of_what_neither_side_has_is_dropped(scene: Scene, mode: Prune):
    """Also after a run that died between the delete and the ledger; no step is needed, and no request."""
    scene.disappear("a0")
    scene.prune(mode)
    scene.quiet()
    assert scene.plan().empty
    assert "a0" in scene.document().records
    assert scene.apply() == []
    assert "a0" not in scene.document().records
    assert scene.requests("DELETE", "POST", "PUT") == []


def test_a_record_stays_where_absence_proves_nothing(scene: Scene):
    """An unsettled list, an empty project, a part of the tree, another tree: nothing is dropped."""
    scene.disappear("a0")
    scene.answer = hiding("a9", "yaml")
    scene.apply()
    assert "a0" in scene.document().records
    scene.answer = lambda _, answer: answer
    scene.path = "part"
    scene.apply()
    assert "a0" in scene.document().records
    scene.path = ""
    scene.record("a0", tree="shop")
    scene.apply()
    assert "a0" in scene.document().records
    another_project(scene, "d0", "d1")
    scene.disappear("d0", "d1")
    scene.remove("d0")
    scene.apply()
    assert set(scene.document("demo").records) == {"d0", "d1"}


def test_a_build_that_was_deleted_meanwhile_is_done_and_said(scene: Scene):
    """The end is what was wanted; who did it is told."""
    scene.prune(OWNED)
    scene.between = lambda: scene.disappear("a0")
    plan = scene.plan()
    (outcome,) = scene.apply()
    assert "somebody had deleted it" in render_outcome(plan, outcome, Ink())
    step = plan_document(plan, [outcome])["steps"][outcome.index]
    assert (step["outcome"], "error" in step) == ("done", False)
    assert step["notes"] == ["somebody had deleted it since the plan was made"]
    assert "a0" not in scene.document().records


def test_a_lost_delete_is_not_repeated_over_somebodys_new_build(scene: Scene):
    """The answer is lost, and what reads back is not what was planned with: it stays."""
    scene.prune(OWNED)
    scene.emulator.set_faults([{"kind": "lost-answer", "at": [0], "match": {"method": "DELETE"}}])

    def remake(request: Request, answer: Response) -> Response:
        if request.method == "DELETE":
            scene.appear("a0")
        return answer

    scene.answer = remake
    (outcome,) = scene.apply()
    assert outcome.fault is not None
    assert (outcome.ending, outcome.fault.code) == (Ending.BLOCKED, "stale")
    assert len(scene.requests("DELETE")) == 1
    assert "a0" in scene.names()


def test_a_move_waits_for_the_delete_that_is_blocked(scene: Scene):
    """A create that takes the place of a build which a limit keeps is blocked with it."""
    old = Step(Action.DELETE, "yaml", "a0", "is called b0 now", after=("yaml", "b0"))
    new = Step(Action.CREATE, "yaml", "b0", "was called a0", old=("yaml", "a0"))
    none = replace(scene.policy, max_deletes=0)
    inputs = Inputs(scene.load(), scene.planned_live(), policy=none)
    assert [s.blocked.reason if s.blocked else None for s in limited(inputs, [old, new])] == [Block.LIMIT] * 2
    inputs = replace(inputs, policy=replace(none, max_deletes=1))
    assert [s.blocked for s in limited(inputs, [old, new])] == [None, None]


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), max_size=4),
    st.integers(0, 20),
    st.integers(0, 100),
)
def test_deletes_never_exceed_a_limit(projects: list[tuple[int, int, int]], count: int, percent: int):
    """For all runs: what is left to be done is within the count and each percentage, or nothing would be needed."""
    steps, readings = [], {}
    for number, (gone, left, protected) in enumerate(projects):
        project = f"p{number}"
        names = [f"{project}-{n}" for n in range(gone + left)]
        readings[project] = Reading(project, {n: LiveBuild(project, n, "zadig", Stamps(0, "")) for n in names})
        steps += [Step(Action.DELETE, project, name, "gone") for name in names[:gone]]
        steps[len(steps) - min(gone, protected) :] = [
            replace(step, blocked=Blocked(Block.PROTECTED, "m", "h"))
            for step in steps[len(steps) - min(gone, protected) :]
        ]
    policy = Policy(Prune.OWNED, max_deletes=count, max_delete_percent=percent)
    after = limited(Inputs(Desired((), 0), Live(readings), policy=policy), steps)
    done = Counter(step.project for step in after if step.blocked is None)
    wished = Counter(step.project for step in steps if step.blocked is None)
    assert done.total() <= count
    assert all(done[p] * 100 < percent * len(r.builds) + 100 for p, r in readings.items())
    for project, number in wished.items():
        within = number <= allowed(percent, len(readings[project].builds)) and wished.total() <= count
        assert done[project] == (number if within else 0)
    assert [s.blocked for s in after if s.blocked and s.blocked.reason is Block.PROTECTED] == [
        s.blocked for s in steps if s.blocked
    ]
