"""What an update would erase is named with its value, blocks, and goes only when it was let go: for this value.

The oracle is the store: `tests.page.differences` tells, field by field, what an apply took from it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.emulator.documents import BUILD, REPOSITORY, TARGET, VARIABLE
from reconciler.emulator.shapes import FLAG, TEXT, WHOLE, Many, Optional, Struct
from reconciler.model.change import ChangeKind
from reconciler.model.secret import MASK
from reconciler.plan.step import Action, Block, Step
from reconciler.report.document import dump, plan_document
from reconciler.report.text import Style, render_plan
from reconciler.workflow.apply import Options, locked
from tests.field_cases import read, write
from tests.page import PLAIN, TEMPLATE, differences, made
from tests.rig import Rig, Stored, plain, template

RECORDING = json.loads((Path(__file__).parent / "wire" / "20-read-modify-write.json").read_text("utf-8"))
T = "target_services[shop/web]."
R, TR = "repo_info[org/demo].", f"{T}repo_info[org/demo]."
REPO = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}
HTTPS = {"source": "gitlab", "repo_name": "x", "branch": "b"}


@dataclass(frozen=True)
class Erasable:
    """A setting that no request can carry: where the store has it, and how the plan names it.

    `shown`: detail shows it. `value`: as the plan tells it; None for a secret. `part`: of a longer text.
    """

    store: str
    held: Any
    path: str
    value: str | None = ""
    shown: bool = False
    small: bool = False
    also: Callable[[Stored], None] = lambda _: None

    def put(self, stored: Stored) -> None:
        write(stored, self.store, copy.deepcopy(self.held))
        self.also(stored)


def workspace(stored: Stored) -> None:
    stored.update(cache_enable=True, cache_user_dir="")


UPLOAD = {"enabled": True, "object_storage_id": "66aa", "upload_detail": [{"file_path": "dist", "dest_path": "/"}]}
UPLOAD_TEXT = (
    '{"enabled": true, "object_storage_id": "66aa", "upload_detail": '
    '[{"abs_file_path": "", "dest_path": "/", "file_path": "dist"}]}'
)
SHOWN = (
    Erasable("post_build.scripts", "echo done\n", "post_build.scripts", "echo done\n", shown=True),
    Erasable("post_build.file_archive", {"file_location": "out"}, "post_build.file_archive",
             '{"file_location": "out"}', shown=True),
    Erasable("post_build.object_storage_upload", UPLOAD, "post_build.object_storage_upload", UPLOAD_TEXT, shown=True),
    Erasable("repos.0.hidden", True, f"{R}hidden", "true", shown=True, small=True),
    Erasable("outputs.2.description", "what it is", "outputs[X].description", "what it is", shown=True),
    Erasable("outputs.0.description", "the image", "outputs[IMAGE].description", "the image", shown=True),
    Erasable("cache_dir_type", "workspace", "advanced_settings.cache_setting", "a cache of the workspace", shown=True,
             also=workspace),
)  # fmt: skip
HOSTS = {  # of a repository
    "tag": "v1", "pr": 3, "prs": [3], "merge_branches": ["a"], "filter_regexp": "^x", "source_from": "param",
    "param_name": "p", "job_name": "j", "service_name": "sn", "service_module": "sm", "enable_proxy": True,
    "auth_type": "SSH", "author_name": "a", "checkout_ref": "r", "commit_message": "c", "perforce_host": "h",
    "perforce_port": 9, "depot_type": "d", "stream": "st", "view_mapping": "v", "changelist_id": 4, "shelve_id": 5,
}  # fmt: skip
SECRETS = ("password", "ssh_key", "private_access_token")
VARIABLES = {
    "script": "echo", "call_function": "f", "function_reference": ["x"], "registry_id": "r1", "file_path": "/f",
    "file_name": "n", "file_id": "66", "required": True,
}  # fmt: skip


def told(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def repositories(store: str, path: str) -> list[Erasable]:
    return [
        *(Erasable(f"{store}.{key}", value, f"{path}{key}", told(value)) for key, value in HOSTS.items()),
        *(
            Erasable(f"{store}.{key}", True, f"{path}{key}", "true", small=True)
            for key in ("is_primary", "use_default")
        ),
        *(Erasable(f"{store}.{key}", f"{key}-canary", f"{path}{key}", None) for key in SECRETS),
        Erasable(f"{store}.repo_namespace", "group/sub", f"{path}repo_namespace", "group/sub"),
    ]


ENV = {"key": "k", "value": "v", "type": "string"}
CREDENTIAL = {"key": "k", "value": "target-canary", "type": "string", "is_credential": True}
PRE_DEPLOY = {"build_os": "focal", "image_from": "", "image_id": "", "installs": []}
HIDDEN = (
    *repositories("repos.0", R),
    *(Erasable(f"pre_build.envs.0.{k}", v, f"parameters[A].{k}", told(v)) for k, v in VARIABLES.items()),
    Erasable("pre_build.envs.1.script", "echo script-canary", "parameters[PW].script", None),
    Erasable("vm_labels", ["linux"], "vm_labels", '["linux"]'),
    Erasable("pre_build.enable_proxy", True, "pre_build.enable_proxy", "true"),
    Erasable("sshs", ["66bb"], "sshs", '["66bb"]'),
    Erasable("pre_deploy", PRE_DEPLOY, "pre_deploy", json.dumps(PRE_DEPLOY, sort_keys=True)),
    Erasable("deploy_infrastructure", "vm", "deploy_infrastructure", "vm"),
    Erasable("deploy_vm_labels", ["w"], "deploy_vm_labels", '["w"]'),
    Erasable("deploy_type", "t", "deploy_type", "t"),
    Erasable("deploy_artifact_type", "image", "deploy_artifact_type", "image"),
    Erasable("pm_deploy_script_type", "shell", "pm_deploy_script_type", "shell"),
    Erasable("pm_deploy_scripts", "deploy", "pm_deploy_scripts", "deploy"),
    Erasable("pre_build.custom_labels.0.value", 5, "advanced_settings.custom_labels[a].value", "5"),
    Erasable("pre_build.custom_annotations.0.value", {"x": [1]}, "advanced_settings.custom_annotations[a].value",
             '{"x": [1]}'),
    Erasable("cache_user_dir", "/old", "advanced_settings.cache_setting", "a cache of the workspace",
             also=lambda stored: stored.update(cache_enable=True, cache_dir_type="workspace")),
)  # fmt: skip
OF_TEMPLATES = (
    Erasable("targets.0.repos.0.hidden", True, f"{TR}hidden", "true", shown=True, small=True),
    *repositories("targets.0.repos.0", TR),
    *(
        Erasable(f"targets.0.envs.0.{k}", v, f"{T}inputs[name].{k}", told(v))
        for k, v in VARIABLES.items()
        if k not in ("script", "function_reference")
    ),
)


def ids(cases: Any) -> list[str]:
    return [f"{case.path}={case.held}"[:60] for case in cases]


def changed(case: Erasable, rig: Rig) -> Stored:
    """Put a build that has the setting into the store, and a definition that does not mention it."""
    base = TEMPLATE if case in OF_TEMPLATES else PLAIN
    stored = made(base)
    case.put(stored)
    rig.emulator.set_state(None, [stored])
    hosts = {} if rig.deep else {"repo_info": [REPO]}  # else nobody knows what to send back
    if base is PLAIN:
        rig.write(plain(build_script="new\n", **hosts))
    else:
        named = {"key": "name", "value": "new", "type": "string", "is_credential": False}
        rig.write(template(inputs=[named], **hosts))
    return stored


def only(rig: Rig) -> Step:
    (step,) = rig.plan().steps
    return step


def everything_said(rig: Rig) -> str:
    plan = rig.plan()
    return render_plan(plan, Style(verbose=True)) + dump(plan_document(plan)) + repr(plan)


@pytest.mark.parametrize("case", [*SHOWN, *HIDDEN, *OF_TEMPLATES], ids=ids([*SHOWN, *HIDDEN, *OF_TEMPLATES]))
def test_what_an_update_would_erase_blocks_with_its_name_until_it_is_let_go(rig: Rig, seeing: bool, case: Erasable):
    """Named with its value; accepted otherwise: blocked; accepted as printed: done, and that alone is gone."""
    before = changed(case, rig)
    name = before["name"]
    step = only(rig)
    assert (step.action, step.blocked.reason if step.blocked else None) == (Action.UPDATE, Block.LOSS)
    named = [case.path] if case.shown or seeing else []
    assert [loss.path for loss in step.losses] == sorted([*named, *([] if seeing else ["unreadable"])])
    for loss in step.losses:
        if loss.path == case.path:
            assert (loss.value, loss.small) == (MASK if case.value is None else case.value, case.small)
            stamps = loss.digest == "1690000000 ui-user"
            assert stamps == (case.value is None)
    assert "canary" not in everything_said(rig)
    rig.apply()
    assert rig.stored(name) == before
    rig.accepted[name] = {loss.path: "0123456789ab" for loss in step.losses}
    assert only(rig).blocked is not None
    rig.accept()
    assert only(rig).blocked is None
    rig.applied()
    planned = {"scripts"} if name == "api" else {"targets.0.envs.0.value"}
    lost, own = differences(before, rig.stored(name)) - planned, differences(before, erased(case, before))
    assert lost == own if seeing else lost & own
    assert rig.plan().empty
    assert [n for n in rig.plan().notices if "matches nothing" in n] != []


@pytest.mark.parametrize(("written", "lost"), [("5", ["5"]), ("6", []), (None, [])], ids=["same", "other", "gone"])
def test_a_label_that_is_no_text_is_lost_where_the_plan_shows_no_change_of_it(
    rig: Rig, written: str | None, lost: list[str]
):
    """An export writes the number 5 as the text that it reads as: whoever declares that asked for no change."""
    stored = made(PLAIN)
    stored["pre_build"]["custom_labels"] = [{"key": "a", "value": 5}]
    rig.emulator.set_state(None, [stored])
    labels = [] if written is None else [{"key": "a", "value": written}]
    rig.write(plain(build_script="new\n", advanced_settings={"custom_labels": labels}))
    assert [loss.value for loss in only(rig).losses] == lost
    shown = [change.path for change in only(rig).changes if "labels" in change.path]
    assert bool(shown) != bool(lost)


def erased(case: Erasable, before: Stored) -> Stored:
    """The build without the setting."""
    stored = copy.deepcopy(before)
    parent, _, leaf = case.store.rpartition(".")
    level = read(stored, parent) if parent else stored
    if case.path.endswith("repo_namespace"):
        level[leaf] = level["repo_owner"]
    elif "custom_" in case.path:
        level[leaf] = case.value
    elif case.path == "advanced_settings.cache_setting":
        stored["cache_dir_type"] = "user_defined"
    else:
        level.pop(leaf)
    return stored


@pytest.mark.parametrize("base", [PLAIN, TEMPLATE], ids=["plain", "template"])
def test_a_build_with_nothing_special_is_updated_without_a_question(rig: Rig, base: Stored):
    """Made in the page: settings that are kept, worked out again, empty or switched off are no loss."""
    name = base["name"]
    rig.emulator.set_state(None, [made(base)])
    rig.write(plain(build_script="new\n") if base is PLAIN else template(inputs=[{"key": "name", "value": "new"}]))
    assert only(rig).losses == ()
    rig.applied()
    assert differences(base, rig.stored(name)) == {"scripts" if base is PLAIN else "targets.0.envs.0.value"}
    assert rig.stored(name)["desc"] == "made in the page"


def test_what_recording_20_shows_to_be_erased_is_named_or_harmless(rig: Rig):
    """The most careful update between two internal reads of the real server: its differences are the oracle."""
    given = RECORDING["given"][0]
    reads = [e["response"]["json"] for e in RECORDING["exchanges"] if "aslan" in e["request"]["path"]]
    rig.emulator.set_state(None, [given])
    rig.write(plain("rich", build_script="new\n"))
    named = {loss.path for loss in only(rig).losses}
    kept = {  # the deep read lets an update send these back, the recording's could not
        "enable_privileged_mode", "infrastructure", "script_type", "repos.0.enable_commit", "repos.0.commit_id",
        "pre_build.envs.0.description", "pre_build.envs.0.choice_option.0", "pre_build.envs.0.choice_option.1",
    }  # fmt: skip
    words = (
        ("repos.0.", R),
        ("pre_build.envs.0.", "parameters[A]."),
        ("pre_build.envs.1.", "parameters[S]."),
        ("pre_build.envs.2.", "parameters[I]."),
        ("pre_build.envs.3.", "parameters[F]."),
        ("targets.0.", "services[s/m]."),
        ("outputs.0.", "outputs[IMAGE]."),
        ("cache_dir_type", "advanced_settings.cache_setting"),
        ("outputs.1.description", "outputs[X].description"),
    )
    missing = set()
    for path in differences(reads[0], reads[1]):
        said = path
        for store, word in words:
            said = said.replace(store, word) if path.startswith(store) else said
        parts = said.split(".")
        prefixes = {".".join(parts[: n + 1]) for n in range(len(parts))}
        sent = path in kept or path.startswith(
            ("pre_build.storages", "pre_build.custom_", "outputs.2", "outputs.1.name")
        )
        if not sent and not prefixes & named:
            missing.add(path)
    assert missing == set()
    assert len(named) > 25


def fields(shape: Any, path: str, sample: dict[str, Any]) -> list[tuple[str, Any]]:
    """Every leaf of a structure of the store, with a value that is not empty."""
    struct = shape.struct if isinstance(shape, Optional) else shape
    found = []
    for field in struct.fields:
        here = f"{path}.{field.name}" if path else field.name
        inner = field.shape
        if isinstance(inner, Struct | Optional):
            found += fields(inner, here, sample)
        elif isinstance(inner, Many):
            item = inner.item
            found += [(here, ["x"] if item is TEXT else [7])] if item in (TEXT, WHOLE) else []
        else:
            found.append((here, {TEXT: "x", FLAG: True, WHOLE: 7}.get(inner, "x")))
    return found


OURS = (
    "id", "name", "team", "source", "template_id", "desc", "update_time", "update_by", "product_name",
    "pre_build.image_id", "pre_build.cluster_id", "pre_build.strategy_id", "infrastructure", "script_type",
    "post_build.docker_build.source", "post_build.docker_build.template_name", "post_build.docker_build.template_id",
    "pre_build.res_req_spec.gpu_limit", "repos.0.source",
)  # fmt: skip
"""What the build is and refers to: another value is another build, or one that no server holds."""

EVERY = [
    *((p, v) for p, v in fields(BUILD, "", {}) if p not in OURS and not p.startswith("jenkins_build")),
    *((f"repos.0.{p}", v) for p, v in fields(REPOSITORY, "", {}) if f"repos.0.{p}" not in OURS),
    *((f"pre_build.envs.0.{p}", v) for p, v in fields(VARIABLE, "", {})),
    *((f"targets.0.{p}", v) for p, v in fields(TARGET, "", {})),
    ("pre_build.res_req_spec.gpu_limit", "nvidia.com/gpu:1"), ("targets.0.repos", [HTTPS]),
    ("targets.0.envs", [ENV]), ("targets.0.envs", [CREDENTIAL]),
    ("targets.0.repos", [{**HTTPS, "password": "target-canary"}]),
    ("deploy_repos", [{**HTTPS, "oauth_token": "d-canary"}]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), EVERY, ids=[f"{p}={v}"[:50] for p, v in EVERY])
def test_of_every_key_of_the_store_none_changes_unnamed(rig: Rig, path: str, value: Any):
    """Whatever the page put there: after accepting and applying only what the plan named is not as it was."""
    stored = made(PLAIN)
    write(stored, path, copy.deepcopy(value))
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script="new\n"))
    plan = rig.plan()
    assert "canary" not in everything_said(rig)
    (step,) = plan.steps
    if step.blocked is not None and step.blocked.reason is not Block.LOSS:
        return
    rig.accept()
    rig.applied()
    lost = differences(stored, rig.stored("api")) - {"scripts"}
    accepted = rig.accepted.get("api", {})
    if not accepted:
        assert lost == set()
    else:
        assert len(accepted) == 1
        lists = ("targets", "deploy_repos", "repos.0", "post_build.object")
        parent = next((p for p in lists if path.startswith(p)), path)
        assert {p for p in lost if not p.startswith(parent)} <= {"cache_dir_type"}
    assert rig.plan().empty


@pytest.mark.parametrize("own", [{}, {"is_credential": True}], ids=["text", "credential"])
def test_an_input_that_the_template_lost_is_erased_by_every_update(rig: Rig, own: Stored):
    """The server drops it from whatever is sent, so it is named first, and not sent when it was let go."""
    stored = made(TEMPLATE)
    stored["targets"][0]["envs"].append({"key": "gone", "value": "gone-canary", "type": "string", **own})
    rig.emulator.set_state(None, [stored])
    rig.write(template(inputs=[{"key": "name", "value": "new"}]))
    assert [loss.path for loss in only(rig).losses] == ["target_services[shop/web].inputs[gone]"]
    assert ("canary" in everything_said(rig)) == (not own)
    rig.accept()
    rig.applied()
    assert [v["key"] for v in rig.stored("tpl")["targets"][0]["envs"]] == ["name", "mode", "pw", "flags"]
    assert rig.plan().empty


# what a definition itself says


@pytest.mark.parametrize(
    ("case", "more"),
    [
        (HIDDEN[0], {"repo_info": None}),
        (HIDDEN[0], {"repo_info": []}),
        (SHOWN[3], {"repo_info": [{"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "else"}]}),
        (next(c for c in HIDDEN if c.path == "parameters[A].script"), {"parameters": []}),
        (next(c for c in HIDDEN if c.path == "parameters[A].script"), {"parameters": [{"key": "B", "type": "string"}]}),
        (next(c for c in SHOWN if c.path == "outputs[X].description"), {"advanced_settings": {"outputs": ["Y"]}}),
        (next(c for c in SHOWN if c.path == "outputs[X].description"), {"advanced_settings": None}),
        (SHOWN[-1], {"advanced_settings": {"cache_setting": {"enabled": False}}}),
        (SHOWN[-1], {"advanced_settings": {"cache_setting": {"enabled": True, "cache_dir": "/d"}}}),
        (SHOWN[-1], {"advanced_settings": None}),
        (next(c for c in HIDDEN if "custom_labels" in c.path),
         {"advanced_settings": {"custom_labels": [{"key": "a", "value": "6"}]}}),
    ],
)  # fmt: skip
def test_what_the_definition_takes_away_or_sets_itself_is_no_loss(rig: Rig, case: Erasable, more: dict[str, Any]):
    """The change is in Git already: nothing has to be let go. Without it the same build is blocked."""
    changed(case, rig)
    assert only(rig).blocked is not None
    rig.write(plain(build_script="new\n", **more))
    assert [loss.path for loss in only(rig).losses] == []
    rig.applied()
    assert rig.plan().empty


def test_a_module_that_the_definition_takes_away_takes_its_own_settings_with_it(rig: Rig):
    case = Erasable("targets.0.envs", [ENV], "services[s/m].envs")
    changed(case, rig)
    assert [loss.path for loss in only(rig).losses] == ["services[s/m].envs"]
    rig.write(plain(build_script="new\n", services=[]))
    assert only(rig).losses == ()


def test_an_input_that_is_not_declared_is_sent_back_and_its_losses_are_named(rig: Rig):
    """Inputs are never taken out: what the page set of another one is lost all the same."""
    stored = made(TEMPLATE)
    stored["targets"][0]["envs"][0].update(registry_id="r1")
    rig.emulator.set_state(None, [stored])
    rig.write(template(inputs=[{"key": "mode", "value": "fast", "type": "choice", "is_credential": False}]))
    assert [loss.path for loss in only(rig).losses] == [f"{T}inputs[name].registry_id"]
    rig.accept()
    rig.applied()
    assert rig.stored("tpl")["targets"][0]["envs"][0]["value"] == "page"


def test_a_multi_select_input_names_the_choice_that_it_loses(rig: Rig, seeing: bool):
    """`choice_value` of a template's input comes back in detail, and no request carries it."""
    stored = made(TEMPLATE)
    stored["targets"][0]["envs"][3]["choice_value"] = ["b", "c"]
    rig.emulator.set_state(None, [stored])
    hosts = {} if seeing else {"repo_info": [REPO]}
    rig.write(template(inputs=[{"key": "name", "value": "new"}], **hosts))
    path = f"{T}inputs[flags].choice_value"
    assert next((loss.path, loss.value) for loss in only(rig).losses) == (path, "b, c")
    rig.accept()
    rig.applied()
    assert rig.plan().empty


@pytest.mark.parametrize("value", ["b", ""])
def test_the_value_of_a_multi_select_input_goes_with_its_choice_and_is_named(rig: Rig, seeing: bool, value: str):
    """Left out of the request, the input gets the template's choice and the template's value."""
    stored = made(TEMPLATE)
    stored["targets"][0]["envs"][3].update(choice_value=["b"], value=value)
    rig.emulator.set_state(None, [stored])
    rig.write(template(inputs=[{"key": "name", "value": "new"}], **({} if seeing else {"repo_info": [REPO]})))
    named = [f"{T}inputs[flags].choice_value", f"{T}inputs[flags].value"]
    assert [loss.path for loss in only(rig).losses if "flags" in loss.path] == named
    assert [loss.value for loss in only(rig).losses if "flags" in loss.path] == ["b", value]
    rig.accept()
    rig.applied()
    flags = rig.stored("tpl")["targets"][0]["envs"][3]
    assert (flags["value"], flags["choice_value"]) == ("a", ["a"])
    assert rig.plan().empty


@pytest.mark.parametrize("deep", [True, False])
def test_the_losses_of_one_build_do_not_stop_the_others(rig: Rig, deep: bool):
    rig.deep = deep
    lossy = made(PLAIN, name="lossy")
    lossy["post_build"]["scripts"] = "echo\n"
    rig.emulator.set_state(None, [lossy])
    rig.write(plain("lossy", build_script="x\n"), plain("new"))
    assert sorted((o.ending.value) for o in rig.apply()) == ["blocked", "done"]


def test_an_acceptance_is_for_this_value(rig: Rig):
    """The page's script changes again: next month's value is another loss."""
    case = SHOWN[0]
    changed(case, rig)
    rig.accept()
    assert only(rig).blocked is None
    rig.meddle("api", lambda stored: stored["post_build"].update(scripts="echo other\n"))
    assert only(rig).blocked is not None


REPEATS = {
    "post_build.scripts": ("post_build.scripts", "curl -u ci:page-canary https://chat.example\n"),
    "repo_info[org/demo].filter_regexp": ("repos.0.filter_regexp", "page-canary"),
}


@pytest.mark.parametrize("path", REPEATS)
def test_a_loss_that_repeats_a_credential_of_its_build_is_told_without_it(rig: Rig, path: str):
    """Somebody pasted a token into a script: the rest is shown, and the stamps stand for the value."""
    store, held = REPEATS[path]
    changed(Erasable(store, held, path), rig)
    (loss,) = only(rig).losses
    assert loss.value == held.replace("page-canary", MASK)
    assert loss.digest == "1690000000 ui-user"
    assert "page-canary" not in everything_said(rig)
    rig.accept()
    rig.applied()
    assert only(rig).action is Action.KEEP


def test_a_difference_that_repeats_a_credential_of_its_build_is_told_without_it(rig: Rig):
    """The script in the page holds it; plans, and files that they are saved to, show the rest."""
    stored = made(PLAIN)
    stored["scripts"] = "curl -u ci:page-canary https://chat.example\n"
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script="make\n"))
    (change,) = [change for change in only(rig).changes if change.path == "build_script"]
    assert (change.before, change.after) == (f"curl -u ci:{MASK} https://chat.example\n", "make\n")
    plan = rig.plan()
    assert "page-canary" not in render_plan(plan, Style(verbose=True)) + dump(plan_document(plan))
    rig.applied()
    assert rig.stored("api")["scripts"] == "make\n"


def test_a_loss_that_repeats_nothing_is_told_whole(rig: Rig):
    """Positive control, in a build with the same credential."""
    changed(SHOWN[0], rig)
    (loss,) = only(rig).losses
    assert (loss.value, len(loss.digest)) == ("echo done\n", 12)


def test_an_acceptance_of_what_cannot_be_seen_ends_with_the_next_write(rig: Rig):
    """The stamps stand for it: another write, another unknown."""
    rig.deep = False
    changed(SHOWN[0], rig)
    rig.accept()
    assert only(rig).blocked is None
    rig.meddle("api", lambda _: None)
    assert [loss.path for loss in only(rig).losses if not loss.accepted] == ["unreadable"]


def test_an_acceptance_that_is_still_needed_is_not_called_spent(rig: Rig):
    """The build is as declared now, and its loss waits for the next update."""
    case = SHOWN[0]
    changed(case, rig)
    rig.accept()
    rig.write(plain(build_script="make\n", advanced_settings={"cluster_name": "gpu-cluster", "privileged_mode": True}))
    plan = rig.plan()
    assert plan.empty
    assert plan.notices == ()


def test_what_our_own_write_leaves_behind_blocks_no_later_one(rig: Rig, seeing: bool):
    """A workspace cache that was let go stays enabled without a directory: not asked again, nor any other."""
    changed(SHOWN[-1], rig)
    rig.accept()
    rig.applied()
    rig.accepted.clear()
    rig.write(plain(build_script="newer\n"))
    rig.quiet()
    assert only(rig).losses == ()
    assert [r for r in rig.requests() if "aslan" in r["path"]] == []
    rig.applied()


def test_exact_records_ask_for_no_internal_read(rig: Rig):
    """What we wrote and read back needs no other source, whatever is to be done with it."""
    names = ["a", "b", "c"]
    rig.write(*(plain(name, build_script="1\n") for name in names))
    rig.applied()
    rig.quiet()
    rig.write(*(plain(name, build_script="2\n") for name in names))
    plan = rig.plan()
    assert [step.losses for step in plan.steps if step.action is Action.UPDATE] == [()] * 3
    assert [r["path"] for r in rig.requests() if "aslan" in r["path"]] == []
    rig.applied()
    assert [r["path"] for r in rig.requests() if "aslan" in r["path"]] == []
    rig.forget()
    rig.write(*(plain(name, build_script="3\n") for name in names))
    assert rig.plan().writes
    assert [r["path"] for r in rig.requests() if "aslan" in r["path"]] != []


def drop_a_variable(rig: Rig) -> None:
    state = rig.emulator.state()
    (first,) = state["world"]["build_templates"]
    first["variables"] = [v for v in first["variables"] if v["key"] != "mode"]
    rig.emulator.set_state(state["world"], state["builds"])


def set_a_tag(rig: Rig) -> None:
    rig.meddle("tpl", lambda stored: stored["targets"][0]["repos"][0].update(tag="v1"), user="")


UNSTAMPED = {f"{TR}tag": set_a_tag, f"{T}inputs[mode]": drop_a_variable}


@pytest.mark.parametrize("path", UNSTAMPED)
def test_what_changes_under_a_template_build_without_a_stamp_is_named(rig: Rig, path: str):
    """The page's change of service modules leaves none, nor does another's of the template: an exact record is asked
    about before an update, and only then.
    """
    rig.write(template(repo_info=[REPO]))
    rig.applied()
    UNSTAMPED[path](rig)
    rig.quiet()
    assert rig.plan().empty
    assert [r for r in rig.requests() if "aslan" in r["path"]] == []
    rig.write(template(repo_info=[REPO], inputs=[{"key": "name", "value": "n"}]))
    step = only(rig)
    assert step.exact
    assert [loss.path for loss in step.losses] == [path]
    assert step.blocked is not None
    rig.accept()
    rig.applied()
    assert rig.plan().empty


def test_a_second_target_of_the_same_module_is_seen_to_go(rig: Rig, seeing: bool):
    """Detail shows the first one's values for both; a definition can declare one, so the other is taken out."""
    stored = made(TEMPLATE)
    stored["targets"].append({**copy.deepcopy(stored["targets"][0]), "repos": []})
    rig.emulator.set_state(None, [stored])
    rig.write(template(repo_info=[{**REPO, "branch": "main"}]))
    step = only(rig)
    assert [(c.path, c.kind) for c in step.changes if c.kind is ChangeKind.REMOVED] == [
        ("target_services[shop/web#2]", ChangeKind.REMOVED)
    ]
    assert [loss.path for loss in step.losses] == ([] if seeing else ["unreadable"])
    rig.accept()
    rig.applied()
    assert len(rig.stored("tpl")["targets"]) == 1
    assert rig.plan().empty


def test_a_loss_that_comes_between_plan_and_apply_is_not_taken_along(rig: Rig):
    """Not even one that left no new stamp."""
    changed(SHOWN[0], rig)
    rig.accept()
    planned = rig.planned()
    rig.meddle("api", lambda stored: stored["post_build"].update(file_archive={"file_location": "out"}), user="")
    with locked(rig.settings, planned, rig.world, Options()) as outcomes:
        (outcome,) = outcomes
    assert outcome.fault is not None
    assert outcome.fault.code == "stale"
    assert rig.stored("api")["post_build"]["scripts"] == "echo done\n"


def test_two_parameters_of_one_key_are_both_sent_back(rig: Rig):
    """Each with its own values, in their order."""
    stored = made(PLAIN)
    stored["pre_build"]["envs"].append({**stored["pre_build"]["envs"][0], "value": "2", "required": True})
    rig.emulator.set_state(None, [stored])
    rig.write(plain(build_script="new\n"))
    assert rig.accept() == ["parameters[A#2].required"]
    rig.applied()
    assert [e["value"] for e in rig.stored("api")["pre_build"]["envs"]] == ["1", "page-canary", "2"]
    assert differences(stored, rig.stored("api")) == {"scripts", "pre_build.envs.2.required"}


def test_a_build_for_virtual_machines_is_said_to_be_without_labels(rig: Rig):
    """No call can set them; with labels on the server an update is blocked by name."""
    rig.write(plain(infrastructure="vm"))
    assert "no agent" in only(rig).notes[0]
    rig.applied()
    rig.meddle("api", lambda stored: stored.update(vm_labels=["linux"]))
    rig.write(plain(infrastructure="vm", build_script="x\n"))
    assert [loss.path for loss in only(rig).losses] == ["vm_labels"]
