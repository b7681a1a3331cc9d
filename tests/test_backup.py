"""What a step takes away is written down first: whole, readable by us alone, without anything secret.

On this level a plan that blocks for a loss is let through by hand, as an accepted loss lets it through.
"""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.apply.backup import Backup
from reconciler.apply.folders import LONGEST, safe_name
from reconciler.apply.manifest import load as load_manifest
from reconciler.apply.masking import mask
from reconciler.definitions import writer
from reconciler.definitions.build import to_build
from reconciler.model.definable import definable, variables
from reconciler.model.fields import Kind
from reconciler.model.live import LiveBuild, Loss
from reconciler.model.outcome import Ending, Outcome
from reconciler.model.policy import Policy, Prune
from reconciler.model.secret import MASK, Secret
from reconciler.plan.keepsake import Keepsake, keepsake
from reconciler.plan.step import Action, Plan, Step
from reconciler.server.masking import secrets_of
from reconciler.server.reading import fetch
from reconciler.server.transport import Clock, Connection, ReadDoor
from reconciler.server.wire import Listed
from reconciler.workflow.apply import Options, locked
from tests.rig import Rig, Stored, plain, template
from tests.wire_transport import transport_to

TIME = "2023-11-14T221320Z"
CREDENTIAL = {"key": "PW", "type": "string", "default_value": "hunter22", "is_credential": True}


def post_build(stored: Stored) -> None:
    """What every plain update erases."""
    stored["post_build"] = {**(stored.get("post_build") or {}), "scripts": "echo done\n"}


def let_through(plan: Plan) -> Plan:
    """The plan with its losses accepted."""
    steps = (replace(s, blocked=None, losses=tuple(replace(x, accepted=True) for x in s.losses)) for s in plan.steps)
    return replace(plan, steps=tuple(steps))


def apply(rig: Rig, options: Options | None = None, edit: Callable[[Plan], Plan] = let_through) -> list[Outcome]:
    planned = rig.planned()
    with locked(rig.settings, replace(planned, plan=edit(planned.plan)), rig.world, options or Options()) as outcomes:
        return list(outcomes)


def lossy(rig: Rig, **more: Any) -> None:
    """A build that we applied, whose post-build script somebody wrote, and a definition that wants more of it."""
    rig.write(plain(**more))
    rig.applied()
    rig.meddle("api", post_build)
    rig.write(plain(**{**more, "build_script": "make new\n"}))


def folder_of(rig: Rig, name: str = "api") -> Path:
    (folder,) = (rig.tree / ".reconciler" / "backup").glob(f"*/yaml/{name}")
    return folder


def texts_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def keeper(rig: Rig, home: Path, **more: Any) -> Backup:
    """A backup by itself, for steps that no plan makes yet."""
    define = writer.write
    return Backup(home, rig.settings.server, rig.name, "", rig.time, define, (Secret(rig.token),), **more)


def kept(rig: Rig, name: str = "api", action: Action = Action.DELETE, **more: Any) -> Path:
    """Back a build up as a step of an action would; return its folder."""
    planned = rig.planned()
    (step,) = [s for s in planned.plan.steps if s.name == name]
    document = planned.documents.get(step.project)
    record = document.records.get(name) if document else None
    door = ReadDoor(Connection(rig.settings.server, Secret(rig.token), transport=rig.world.transport,
                               clock=Clock(sleep=lambda _: None)))  # fmt: skip
    assert step.live is not None
    assert step.before is not None
    pairs = tuple((t["service_name"], t["service_module"]) for t in rig.stored(name).get("targets") or [])
    live = fetch(door, Listed(name, step.project, "zadig", step.live, pairs), step.before.kind)
    step = replace(step, action=action, desired=None, send=None, keepsake=keepsake(live, record))
    keeper(rig, rig.tree / ".reconciler" / "backup").keep(replace(step, **more), live, door)
    door.close()
    return folder_of(rig, safe_name(name))


def test_a_lossy_update_is_written_down_before_it_is_done(rig: Rig):
    """The definition of before, the raw answers, what is lost; and then the update is done."""
    lossy(rig, build_script="make old\n")
    told: list[str] = []
    assert [o.ending for o in apply(rig, Options(backed_up=told.append))] == [Ending.DONE]
    assert rig.stored("api")["scripts"] == "make new\n"
    assert rig.stored("api")["post_build"]["scripts"] == ""
    folder = folder_of(rig)
    assert told == [str(folder.parents[1])]
    assert folder.parents[1].name == "2023-11-14T221330Z"
    texts = texts_of(folder)
    assert sorted(texts) == ["backup.json", "definition.yaml", "detail.json", "internal.json"]
    assert "make old" in texts["definition.yaml"]
    assert 'post_build.scripts: "echo done\\n"' in texts["definition.yaml"]
    assert json.loads(texts["detail.json"])["post_build"]["scripts"] == "echo done\n"
    assert json.loads(texts["internal.json"])["infrastructure"] == "kubernetes"
    manifest = load_manifest(texts["backup.json"], "backup.json")
    assert (manifest.action, manifest.tree, manifest.stamps.update_by) == ("update", "rig", "mallory")
    assert manifest.lost == (Loss("post_build.scripts", "echo done\n"),)
    assert manifest.code_hosts == {}


def test_only_we_can_read_it_and_git_does_not_see_it(rig: Rig):
    """Folders 0700, files 0600, nothing half-written, `*` in .gitignore."""
    lossy(rig)
    before = os.umask(0)
    try:
        apply(rig)
    finally:
        os.umask(before)
    state = rig.tree / ".reconciler"
    folders = [state, *(path for path in state.rglob("*") if path.is_dir())]
    files = list(folder_of(rig).iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert not [path for path in files if path.name.startswith(".")]
    assert (state / ".gitignore").read_text() == "*\n"


def test_nothing_is_written_where_nothing_is_lost(rig: Rig):
    """Creates and clean updates leave no folder; neither does a dry run of a lossy one."""
    rig.write(plain(build_script="a"))
    rig.applied()
    rig.write(plain(build_script="b"))
    rig.applied()
    rig.meddle("api", post_build)
    rig.write(plain(build_script="c"))
    assert [o.ending for o in apply(rig, Options(dry_run=True))] == [Ending.SKIPPED]
    assert not (rig.tree / ".reconciler").exists()
    apply(rig)
    assert (rig.tree / ".reconciler").exists()


def test_one_folder_per_run_and_another_for_the_next_of_the_same_second(rig: Rig):
    """Two builds of a run share the folder; a second run does not write into it."""
    for name in ("api", "web"):
        rig.write(plain(name), file=f"{name}.json")
    rig.applied()
    for turn in ("one", "two"):
        for name in ("api", "web"):
            rig.meddle(name, post_build)
            rig.write(plain(name, build_script=turn), file=f"{name}.json")
        apply(rig)
    runs = sorted(path.name for path in (rig.tree / ".reconciler" / "backup").iterdir())
    assert runs == ["2023-11-14T221330Z", "2023-11-14T221330Z-2"]
    for run in runs:
        assert sorted(p.name for p in (rig.tree / ".reconciler" / "backup" / run / "yaml").iterdir()) == ["api", "web"]


def test_the_folder_is_the_configured_one(rig: Rig, tmp_path: Path):
    """`backup:` says where; the folder itself is kept out of Git."""
    lossy(rig)
    planned = rig.planned()
    settings = replace(rig.settings, backup_dir=str(tmp_path / "elsewhere"))
    plan = let_through(planned.plan)
    with locked(settings, replace(planned, plan=plan), rig.world, Options()) as outcomes:
        list(outcomes)
    assert [p.name for p in (tmp_path / "elsewhere").glob("*/yaml/api")] == ["api"]
    assert (tmp_path / "elsewhere" / ".gitignore").exists()
    assert not (rig.tree / ".reconciler").exists()


def test_without_a_backup_the_step_is_not_done(rig: Rig):
    """A folder that cannot be made: failed with the code `backup`, no write, and the sentence says where."""
    lossy(rig)
    (rig.tree / ".reconciler").write_text("in the way")
    rig.quiet()
    (outcome,) = apply(rig)
    assert outcome.ending is Ending.FAILED
    assert outcome.fault is not None
    assert outcome.fault.code == "backup"
    assert str(rig.tree / ".reconciler") in outcome.fault.message
    assert "--backup-dir" in outcome.fault.hint
    assert [r["body"] for r in rig.requests("PUT") if r["body"]] == []
    assert rig.stored("api")["post_build"]["scripts"] == "echo done\n"


def test_without_the_answers_the_step_is_not_done(rig: Rig):
    """The raw answers fail (the third detail, after plan and second look, and its repetition): no write."""
    lossy(rig)
    rig.emulator.set_faults([{"kind": "500-json", "at": [2, 3], "match": {"method": "GET", "path": "/detail"}}])
    (outcome,) = apply(rig)
    assert outcome.fault is not None
    assert (outcome.ending, outcome.fault.code) == (Ending.FAILED, "backup")
    assert rig.stored("api")["post_build"]["scripts"] == "echo done\n"


def test_a_build_written_while_it_is_backed_up_is_not_overwritten(rig: Rig, tmp_path: Path):
    """The raw answers must show the state that was looked at: else the step is stale."""
    lossy(rig)
    seen = 0

    class Meddling:
        """Somebody saves the build between our two looks."""

        def __init__(self) -> None:
            self.inner = transport_to(rig.emulator)

        def handle_request(self, request: Any) -> Any:
            nonlocal seen
            if request.url.path.endswith("/detail"):
                seen += 1
                if seen == 3:
                    rig.meddle("api", lambda stored: stored.update(scripts="theirs\n"))
            return self.inner.handle_request(request)

        def __enter__(self) -> Meddling:
            return self

        def __exit__(self, *_: object) -> None:
            self.close()

        def close(self) -> None:
            self.inner.close()

    world = replace(rig.world, transport=Meddling)
    planned = rig.planned()
    seen = 1
    with locked(rig.settings, replace(planned, plan=let_through(planned.plan)), world, Options()) as outcomes:
        (outcome,) = outcomes
    assert outcome.fault is not None
    assert (outcome.ending, outcome.fault.code) == (Ending.BLOCKED, "stale")
    assert rig.stored("api")["scripts"] == "theirs\n"


@pytest.mark.parametrize("fault", ["404", "403-empty", "401-empty", "502-html", "off", "other"])
def test_the_internal_read_is_optional(rig: Rig, fault: str):
    """Whatever it answers after the plan was made, the backup is made, and says that it saw what detail shows."""
    lossy(rig)
    planned = rig.planned()
    if fault in ("404", "off"):
        rig.emulator.set_settings({"internal_read": False})
    elif fault == "other":
        pass
    else:
        rig.emulator.set_faults([{"kind": fault, "probability": 1.0, "seed": 1, "match": {"path": "/api/aslan"}}])
    settings = replace(rig.settings, deep_read=fault not in ("off", "other"))
    rig.quiet()
    with locked(settings, replace(planned, plan=let_through(planned.plan)), rig.world, Options()) as outcomes:
        assert [o.ending for o in outcomes] == [Ending.DONE]
    texts = texts_of(folder_of(rig))
    assert "internal.json" not in texts
    assert load_manifest(texts["backup.json"], "").internal is False
    asked = [r for r in rig.requests("GET") if r["path"].startswith("/api/aslan")]
    assert bool(asked) is (fault not in ("off", "other"))


CANARY = 'canary "7\\é\n'
FORMS = {
    "raw": CANARY,
    "json": json.dumps(CANARY)[1:-1],
    "json-utf8": json.dumps(CANARY, ensure_ascii=False)[1:-1],
    "base64": base64.b64encode(CANARY.encode()).decode(),
}


def test_no_secret_is_in_any_file(rig: Rig):
    """A credential, where it is repeated, a marked value, keys of secrets, the token: searched in four forms.

    Positive control: the store and the answers hold each of them.
    """
    rig.environ["BUILD_HIDDEN"] = "marked-by-git"
    rig.write(
        plain(
            parameters=[
                {**CREDENTIAL, "default_value": CANARY},
                {"key": "URL", "type": "string", "default_value": {"from_env": "BUILD_HIDDEN"}},
                {"key": "SAME", "type": "string", "default_value": f"x {CANARY} y"},
                {"key": "PICK", "type": "choice", "default_value": "a", "choice_option": ["a", CANARY]},
            ],
            repo_info=[{"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo", "branch": "main"}],
            build_script=f"curl -u {CANARY}",
        )
    )
    rig.applied()

    def edit(stored: Stored) -> None:
        stored["post_build"] = {"scripts": f"echo {CANARY} {rig.token}"}
        stored["repos"][0]["oauth_token"] = "the-oauth-token"
        stored["repos"][0]["address"] = "https://u:the-oauth-token@git"
        stored["desc"] = "marked-by-git"

    rig.meddle("api", edit)
    folder = kept(rig)
    texts = texts_of(folder)
    everything = json.dumps(rig.stored("api"), ensure_ascii=False)
    assert FORMS["json-utf8"] in everything
    for name, text in texts.items():
        for form in (*FORMS.values(), rig.token, "the-oauth-token", "marked-by-git"):
            assert form not in text, (name, form)
    assert "the-oauth-token" in everything
    definition = texts["definition.yaml"]
    assert "default_value: {from_env: BUILD_API__PW}" in definition
    assert "default_value: {from_env: BUILD_API__URL}" in definition
    assert "build_script: {from_env: BUILD_API__BUILD_SCRIPT}" in definition
    manifest = load_manifest(texts["backup.json"], "")
    assert manifest.masked == {
        "build_script": "BUILD_API__BUILD_SCRIPT",
        "parameters[PW].default_value": "BUILD_API__PW",
        "parameters[URL].default_value": "BUILD_API__URL",
        "parameters[SAME].default_value": "BUILD_API__SAME",
    }
    lost = {loss.path: loss for loss in manifest.lost}
    assert manifest.unknown == ("parameters[PICK].choice_option",)  # the ledger does not hold it either
    assert lost["post_build.scripts"].value == "echo (sensitive) (sensitive)"
    assert lost["desc"].secret


def test_a_short_secret_spoils_no_other_text(rig: Rig):
    """What cannot be told from a common word is masked where it stands and where an answer has just that."""
    repository = {"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r", "branch": "main"}
    rig.write(plain(parameters=[{**CREDENTIAL, "default_value": "main"}], repo_info=[repository]))
    rig.applied()
    texts = texts_of(kept(rig))
    assert "branch: main" in texts["definition.yaml"]
    assert '"main"' not in texts["detail.json"]
    assert "maintain" not in texts["definition.yaml"]


def test_a_template_build_is_kept_with_every_service_module(rig: Rig):
    """One detail per module, its inputs and repositories in the definition."""
    rig.write(template(inputs=[{"key": "mode", "value": "slow"}]))
    rig.applied()
    folder = kept(rig, "tpl")
    texts = texts_of(folder)
    assert sorted(texts) == [
        "backup.json", "definition.yaml", "detail.json", "detail.shop%2Fweb.json", "internal.json"
    ]  # fmt: skip
    assert "template_name: demo-template" in texts["definition.yaml"]
    assert "value: slow" in texts["definition.yaml"]


def test_what_nothing_shows_is_named(rig: Rig):
    """Without a record: two usual values are assumed, the rest is listed, in the manifest and in the head."""
    rig.write(plain(repo_info=[{"codehost_name": "gitlab", "repo_namespace": "o", "repo_name": "r"}]))
    rig.applied()
    rig.forget()
    texts = texts_of(kept(rig))
    manifest = load_manifest(texts["backup.json"], "")
    assert manifest.tree == ""
    assert manifest.assumed == ("infrastructure", "script_type")
    assert "repo_info[o/r].codehost_name" in manifest.unknown
    assert "advanced_settings.storages.enabled" in manifest.unknown
    assert manifest.code_hosts == {"1": "gitlab"}
    assert "#   advanced_settings.privileged_mode\n" in texts["definition.yaml"]


def test_what_somebody_overwrote_is_kept_as_it_was_last_known_and_said_to_be_so(rig: Rig):
    """A stale record still knows more than nothing."""
    rig.write(plain(advanced_settings={"cluster_name": "local-20250523164625", "privileged_mode": True}))
    rig.applied()
    rig.meddle("api", post_build)
    texts = texts_of(kept(rig))
    assert "privileged_mode: true" in texts["definition.yaml"]
    assert "advanced_settings.privileged_mode" in load_manifest(texts["backup.json"], "").outdated


def test_protection_is_kept(rig: Rig):
    """A definition that forbids deletion comes back with it."""
    rig.write({**plain(), "x-reconciler": {"prevent_destroy": True}})
    rig.applied()
    assert texts_of(kept(rig))["definition.yaml"].endswith("x-reconciler:\n  prevent_destroy: true\n")


def test_a_keepsake_of_the_deep_read_goes_first(rig: Rig):
    """What the internal read shows is in the definition; what only it shows is among what is lost."""
    rig.write(plain())
    rig.applied()
    planned = rig.planned()
    build = planned.plan.steps[0].before
    assert build is not None
    full = replace(build, values={**build.values, "infrastructure": "vm", "script_type": "powershell"})
    folder = kept(rig, keepsake=Keepsake(full, (Loss("vm_labels", '["linux"]'),)))
    texts = texts_of(folder)
    assert "infrastructure: vm\n" in texts["definition.yaml"]
    assert "script_type: powershell\n" in texts["definition.yaml"]
    assert load_manifest(texts["backup.json"], "").lost == (Loss("vm_labels", '["linux"]'),)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("api-test_1.2", "api-test_1.2"),
        ("a b?", "a%20b%3F"),
        ("构建", "%E6%9E%84%E5%BB%BA"),
        ("../x", "%2E.%2Fx"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("a.", "a%2E"),
        ("", "%"),
    ],
)
def test_names_are_safe_for_file_systems(text: str, name: str):
    """What is not a plain letter, digit, dot, dash or underscore is written as %XX."""
    assert safe_name(text) == name


def test_names_that_a_file_system_takes_for_one_another_stay_apart():
    """Capitals and long names end in a part of their own hash; reserved names begin with an escape."""
    names = ["api", "Api", "API", "con", "CON", "nul.txt", "com1", "a" * 300, "a" * 301, "构" * 100, "a~b", "a%7Eb"]
    safe = [safe_name(name) for name in names]
    assert len({name.lower() for name in safe}) == len(names)
    assert all(len(name) <= LONGEST for name in safe)
    assert not {name.lower().partition(".")[0] for name in safe} & {"con", "nul", "com1"}


def test_the_names_of_variables_are_stable_and_apart():
    """BUILD_<build>__<key>; two keys that look alike get two names."""
    document = plain("my-api", parameters=[{**CREDENTIAL, "key": key} for key in ("PW", "pw", "密", "A-B")])
    names = variables(definable(to_build(document, Kind.PLAIN)).build)
    assert list(names.values())[:2] == ["BUILD_MY_API__PW", "BUILD_MY_API__PW_2"]
    assert names["parameters[A-B].default_value"] == "BUILD_MY_API__A_B"
    assert len(set(names.values())) == 4
    odd = [
        variables(definable(to_build({**document, "name": name}, Kind.PLAIN)).build) for name in ("My_api", "my.api")
    ]
    assert not set(odd[0].values()) & set(odd[1].values())
    assert not set(odd[0].values()) & set(names.values())
    dashes = ("a-b", "a--b", "-a-b", "a-b-")
    each = [set(variables(definable(to_build({**document, "name": n}, Kind.PLAIN)).build).values()) for n in dashes]
    assert len(set.union(*each)) == 4 * len(dashes)


def test_a_step_without_a_keepsake_is_kept_as_detail_shows_it(rig: Rig):
    """Whoever makes the step forgot it: better what can be seen than nothing."""
    rig.write(plain(build_script="make\n"))
    rig.applied()
    assert "build_script: |\n  make\n" in texts_of(kept(rig, keepsake=None))["definition.yaml"]


def test_a_step_is_backed_up_exactly_where_something_goes():
    """Deletes, conversions, and updates with a loss."""
    steps = {action: Step(action, "p", "n", "") for action in Action}
    assert {action for action, step in steps.items() if step.backed_up} == {Action.DELETE, Action.CONVERT}


def test_the_deep_read_is_kept_before_what_the_ledger_knows(rig: Rig):
    """Its values, and what it alone shows; a text that the ledger marks is sealed in it too."""
    rig.environ["BUILD_S"] = "marked-by-git"
    rig.write(plain(build_script={"from_env": "BUILD_S"}))
    rig.applied()
    planned = rig.planned()
    record = planned.documents["yaml"].records["api"]
    before = planned.plan.steps[0].before
    assert before is not None
    deep = replace(before, values={**before.values, "script_type": "powershell", "build_script": "marked-by-git"})
    live = LiveBuild("yaml", "api", "zadig", record.stamps, (), before, deep=deep, hidden=(Loss("vm_labels", "x"),))
    found = keepsake(live, record)
    assert found is not None
    assert found.build.values["script_type"] == "powershell"
    assert isinstance(found.build.values["build_script"], Secret)
    assert found.losses == (Loss("vm_labels", "x"),)
    assert keepsake(replace(live, build=None), record) is None


WORDS = st.text(max_size=8) | st.sampled_from(["hunter22", "x hunter22 y", "hunter2", "a"])
KEYS = st.sampled_from(["value", "is_credential", "oauth_token", "name", "Password"])
ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner),
    max_leaves=12,
)


@given(ANSWERS)
def test_masking_leaves_no_secret_in(answer: Any):
    """Whatever the answer's shape: the secret is in no text, in no list, under no key."""
    masked = mask(answer, [Secret("hunter22"), *secrets_of(answer)])
    assert "hunter22" not in json.dumps(masked, ensure_ascii=False)


def test_masking_knows_where_secrets_stand():
    """By the flag, by the key, by repetition; empty values and numbers are nobody's secret, the rest stays."""
    answer = {
        "envs": [{"key": "PW", "value": "s3", "choice_option": ["s3"], "is_credential": True},
                 {"key": "A", "value": "s3", "is_credential": False}, {"key": "B", "value": "", "is_credential": True}],
        "repos": [{"oauth_token": "t", "private_access_token": "", "ssh_key": ["k"], "enable_commit": True}],
        "scripts": "echo s3", "timeout": 60, "file_archive": None,
    }  # fmt: skip
    assert mask(answer, list(secrets_of(answer))) == {
        "envs": [{"key": "PW", "value": MASK, "choice_option": MASK, "is_credential": True},
                 {"key": "A", "value": MASK, "is_credential": False}, {"key": "B", "value": "", "is_credential": True}],
        "repos": [{"oauth_token": MASK, "private_access_token": "", "ssh_key": MASK, "enable_commit": True}],
        "scripts": "echo s3", "timeout": 60, "file_archive": None,
    }  # fmt: skip


@pytest.mark.parametrize("served", [True, False])
def test_code_hosts_are_asked_for_once_whatever_is_kept(rig: Rig, served: bool):
    """Three builds with repositories are deleted: one list for the plan, one for the backup, where it is served."""
    rig.emulator.set_settings({"internal_read": served})
    repository = {"codehost_name": "gitlab", "repo_namespace": "org", "repo_name": "demo"}
    rig.write(*(plain(name, repo_info=[repository]) for name in ("a", "b", "c")), file="gone.json")
    rig.write(plain("stays"), file="stays.json")
    rig.applied()
    for file in rig.tree.glob("*gone.json"):
        file.unlink()
    rig.forget()
    rig.policy = Policy(prune=Prune.ALL, max_delete_percent=100)
    rig.quiet()
    rig.applied()
    assert len(rig.requests("DELETE")) == 3
    asked = [r["path"] for r in rig.requests("GET") if r["path"].startswith("/api/")]
    assert asked.count("/api/aslan/code/codehost") == (2 if served else 1)
    assert len([path for path in asked if "/build/build/" in path]) == (6 if served else 1)
