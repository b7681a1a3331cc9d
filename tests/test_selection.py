"""`--project` selects; a PATH below the root narrows, and then absence means nothing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.model.settings import Settings
from reconciler.report.text import Style, render_plan
from reconciler.workflow.plan import make_plan
from reconciler.workflow.validate import load
from tests.rig import Rig, plain


def planned(rig: Rig, settings: Settings):
    return make_plan(settings, load(settings, rig.environ, str(rig.tree)), rig.world).plan


def three(rig: Rig) -> None:
    """Two projects; then one build of each leaves Git."""
    rig.write(plain("a"), plain("gone"), plain("b", project_key="other"), plain("left", project_key="other"))
    rig.applied()
    for file in rig.tree.iterdir():
        if '"gone"' in file.read_text() or '"left"' in file.read_text():
            file.unlink()
    rig.quiet()


def test_a_selected_project_still_knows_what_left_git(rig):
    """Nothing is asked about the other project."""
    three(rig)
    plan = planned(rig, replace(rig.settings, selected=("yaml",)))
    assert [step.name for step in plan.steps] == ["a"]
    assert plan.orphans == (("yaml", "gone"),)
    assert {request["query"]["projectKey"] for request in rig.requests("GET")} == {"yaml"}
    assert planned(rig, rig.settings).orphans == (("other", "left"), ("yaml", "gone"))


def test_a_path_below_the_root_knows_of_no_absence(rig):
    """And reads no build that it does not declare."""
    three(rig)
    plan = planned(rig, replace(rig.settings, path=str(rig.tree / "builds.json")))
    assert ([step.name for step in plan.steps], plan.orphans) == (["a"], ())
    assert not [request for request in rig.requests("GET") if "gone" in request["path"]]
    plan = planned(rig, replace(rig.settings, configured=False))
    assert plan.orphans == ()


def test_a_path_below_the_root_counts_nothing_as_undeclared(rig):
    """What the rest of the tree declares is not known there, and is not said to be declared by nobody."""
    three(rig)
    assert planned(rig, replace(rig.settings, path=str(rig.tree / "builds.json"))).undeclared == ()
    assert planned(rig, rig.settings).undeclared == (("other", "left"), ("yaml", "gone"))


def test_what_nobody_declares_is_named_where_more_is_asked_for(rig):
    """A number alone makes one look for them in the page; orphans have a line of their own."""
    three(rig)
    rig.write(plain("wild"), file="wild.json")
    rig.applied()
    (rig.tree / "wild.json").unlink()
    rig.forget()
    plan = planned(rig, rig.settings)
    said = "note: on the server and in no definition, left alone: other/left, yaml/gone, yaml/wild\n"
    assert said in render_plan(plan, Style(verbose=True))
    assert "left alone" not in render_plan(plan, Style())
    assert "3 undeclared on the server" in render_plan(plan, Style())
