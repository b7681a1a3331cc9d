"""For every build of the page and every definition: accepted and applied, only what the plan named has changed.

The oracle is the store before and after, and a table of where it keeps each setting; neither knows the mapping.
"""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.plan.step import Block, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from tests.page import PLAIN, REPOSITORY, TEMPLATE, differences, made
from tests.rig import Rig, Stored, plain, template
from tests.test_losses import HIDDEN, OF_TEMPLATES, SHOWN, Erasable
from tests.test_properties import (
    INSTALLS,
    LINES,
    NUMBER,
    PAIRS,
    REPOSITORIES,
    SERVICES,
    STORAGES,
    examples,
    maybe,
    new_rig,
    objects,
    parameters,
    unique,
)

Doc = dict[str, Any]
A = "advanced_settings"
STORED_AT = {
    "build_script": ("scripts",),
    "installs": ("pre_build.installs",),
    "repo_info": ("repos",),
    "parameters": ("pre_build.envs",),
    "services": ("targets",),
    "docker_build_step": ("post_build.docker_build",),
    f"{A}.timeout": ("timeout",),
    f"{A}.cluster_name": ("pre_build.cluster_id", "pre_build.strategy_id"),
    f"{A}.strategy_name": ("pre_build.strategy_id",),
    f"{A}.resource_spec": ("pre_build.res_req_spec",),
    f"{A}.use_host_docker_daemon": ("pre_build.use_host_docker_daemon",),
    f"{A}.privileged_mode": ("enable_privileged_mode",),
    f"{A}.cache_setting": ("cache_",),
    f"{A}.storages": ("pre_build.storages",),
    f"{A}.custom_annotations": ("pre_build.custom_annotations",),
    f"{A}.custom_labels": ("pre_build.custom_labels",),
    f"{A}.outputs": ("outputs",),
}
"""Where the store keeps what a change is about, by the beginning of its path (recording 20)."""

ADVANCED = objects(
    cluster_name=maybe(st.sampled_from(["local-20250523164625", "gpu-cluster"]), null=False),
    timeout=maybe(NUMBER),
    privileged_mode=maybe(st.booleans()),
    custom_labels=maybe(PAIRS),
    storages=maybe(objects(enabled=st.booleans(), storages_properties=STORAGES)),
    cache_setting=maybe(st.just({"enabled": False}) | st.just({"enabled": True, "cache_dir": "/d"}), null=False),
    outputs=maybe(st.lists(st.sampled_from(["X", "Y", "Z"]), unique=True)),
)
KNOWN = st.just({"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"})
PARAMETERS = unique(parameters() | st.just({"key": "PW", "type": "string", "is_credential": True}), "key")
DEFINITIONS = objects(
    build_script=maybe(LINES),
    installs=maybe(INSTALLS),
    repo_info=maybe(REPOSITORIES | KNOWN.map(lambda known: [known])),
    parameters=maybe(PARAMETERS),
    services=maybe(SERVICES | st.just([{"service_name": "s", "service_module": "m"}])),
    docker_build_step=maybe(st.just({"dockerfile_source": "local", "build_context_dir": "new"})),
    advanced_settings=maybe(ADVANCED.filter(bool)),
)
SECOND = {**REPOSITORY, "repo_name": "second", "codehost_id": 2, "source": "github"}


@st.composite
def pages(draw: st.DrawFn, base: Stored, cases: tuple[Erasable, ...]) -> tuple[Stored, list[Erasable]]:
    """A build of the page with some of what an update erases, and what it is."""
    stored = made(base)
    if base is PLAIN and draw(st.booleans()):
        stored["repos"].append(copy.deepcopy(SECOND))
    chosen = draw(st.lists(st.sampled_from(cases), max_size=4, unique_by=lambda case: case.store))
    for case in chosen:
        case.put(stored)
    return stored, chosen


def said(rig: Rig) -> str:
    plan = rig.plan()
    return render_plan(plan, Style(verbose=True)) + dump(plan_document(plan)) + repr(plan)


def places(step: Step, cases: list[Erasable]) -> tuple[str, ...]:
    """Where the store may differ: for each change its settings, for each loss exactly its own."""
    named = {loss.path for loss in step.losses}
    found = [case.store for case in cases if case.path in named]
    found += ["cache_"] if f"{A}.cache_setting" in named else []
    for change in step.changes:
        if change.kind.value not in ("released", "unverifiable"):
            starts = [key for key in STORED_AT if change.path == key or change.path.startswith((f"{key}.", f"{key}["))]
            found += [place for key in starts for place in STORED_AT[key]]
    return tuple(found)


@given(page=pages(PLAIN, (*SHOWN, *HIDDEN)), document=DEFINITIONS)
@examples(80)
def test_of_a_plain_build_nothing_changes_that_no_plan_named(page: tuple[Stored, list[Erasable]], document: Doc):
    """What the definition leaves out stays; what cannot stay was named and let go; and the plan is empty then."""
    stored, cases = page
    with new_rig() as rig:
        rig.emulator.set_state(None, [stored])
        rig.write(plain(**document))
        (step,) = rig.plan().steps
        assert "canary" not in said(rig)
        if step.blocked is not None and step.blocked.reason is not Block.LOSS:
            assert step.blocked.reason is Block.CREDENTIALS
            return
        rig.accept()
        rig.applied()
        allowed = places(step, cases)
        changed = differences(stored, rig.stored("api"))
        assert {path for path in changed if not path.startswith(allowed)} == set()
        assert rig.plan().empty


@given(page=pages(TEMPLATE, OF_TEMPLATES), value=LINES, flagged=st.booleans())
@examples(40)
def test_of_a_template_build_nothing_changes_that_no_plan_named(
    page: tuple[Stored, list[Erasable]], value: str, flagged: bool
):
    """The same for targets: their repositories, and the inputs that the definition does not mention."""
    stored, cases = page
    kinds = {"type": "string", "is_credential": False} if flagged else {}
    with new_rig() as rig:
        rig.emulator.set_state(None, [stored])
        rig.write(template(inputs=[{"key": "name", "value": value, **kinds}]))
        (step,) = rig.plan().steps
        assert "canary" not in said(rig)
        rig.accept()
        rig.applied()
        named = {loss.path for loss in step.losses}
        allowed = ("targets.0.envs.0.value", *(case.store for case in cases if case.path in named))
        changed = differences(stored, rig.stored("tpl"))
        assert {path for path in changed if not path.startswith(allowed)} == set()
        assert rig.plan().empty
