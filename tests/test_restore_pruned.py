"""Deleted by prune, brought back by restore: the store equals what it was, or the difference was named."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from reconciler.model.outcome import Ending
from reconciler.model.policy import Policy, Prune
from tests import page
from tests.field_cases import PLAIN_CASES
from tests.rig import Rig, Stored, plain
from tests.test_every_field import document_of
from tests.test_losses import HIDDEN, OF_TEMPLATES, SHOWN, Erasable, erased, ids
from tests.test_restore import UNTOUCHED, differences, found_in, inner, restore
from tests.test_template_fields import CASES as TEMPLATE_CASES
from tests.test_template_fields import document_of as template_document_of


def pruned(rig: Rig, name: str, prune: Prune) -> tuple[Path, Stored]:
    """Take a build out of Git and apply with prune; return its backup and what the store had."""
    before = copy.deepcopy(rig.stored(name))
    (rig.tree / "builds.json").unlink(missing_ok=True)
    rig.write(plain("stays"), file="stays.json")
    rig.policy = Policy(prune=prune, max_delete_percent=100)
    rig.quiet()
    rig.applied()
    assert len(rig.requests("DELETE")) == 1
    assert rig.names() == ["stays"]
    (folder,) = (rig.tree / ".reconciler" / "backup").glob(f"*/yaml/{name}")
    return folder, before


def supply(rig: Rig, folder: Path, secrets: dict[str, str]) -> set[str]:
    """Set the variables of masked credentials; return the paths of what the backup says is lost."""
    manifest = found_in(rig, folder)[0].manifest
    rig.environ.update({name: secrets[inner(path)] for path, name in manifest.masked.items()})
    return {loss.path for loss in manifest.lost}


def credentials(stored: Stored) -> dict[str, str]:
    every = [*stored["pre_build"].get("envs", []), *(e for t in stored["targets"] for e in t.get("envs") or [])]
    return {env["key"]: env["value"] for env in every if env.get("is_credential")}


@pytest.mark.parametrize("path", sorted(PLAIN_CASES))
def test_every_setting_of_a_plain_build_comes_back(rig: Rig, path: str):
    """Through the whole command: a DELETE on the wire, its backup, and the restore of that."""
    case = PLAIN_CASES[path]
    rig.write(document_of(path, case, case.first))
    rig.applied()
    folder, before = pruned(rig, "api", Prune.OWNED)
    lost = supply(rig, folder, credentials(before))
    assert [outcome.ending for outcome in restore(rig, folder)] == [Ending.DONE]
    differing = differences(before, rig.stored("api")).keys()
    if not before.get("advanced_setting_modified"):
        differing -= UNTOUCHED
    if lost:  # a choice that repeats the credential's value cannot be told
        assert (path, lost) == ("parameters[].is_credential", {"parameters[MODE].choice_option"})
        differing -= {"pre_build.envs.0.choice_option"}
    assert differing == set()


@pytest.mark.parametrize("path", sorted(TEMPLATE_CASES))
def test_every_setting_of_a_template_build_comes_back(rig: Rig, path: str):
    """Repositories and inputs of each service module; the chosen values of a multi-select input are named."""
    rig.write(template_document_of(path, TEMPLATE_CASES[path].first))
    rig.applied()
    folder, before = pruned(rig, "tpl", Prune.OWNED)
    lost = supply(rig, folder, credentials(before))
    assert [outcome.ending for outcome in restore(rig, folder)] == [Ending.DONE]
    assert differences(before, rig.stored("tpl")) == {}
    chosen = "target_services[shop/web].inputs[flags]"
    assert lost == {f"{chosen}.choice_value", f"{chosen}.value"}


@pytest.mark.parametrize("case", [*SHOWN, *HIDDEN, *OF_TEMPLATES], ids=ids([*SHOWN, *HIDDEN, *OF_TEMPLATES]))
def test_what_only_the_page_makes_is_named_as_lost(rig: Rig, case: Erasable):
    """A build of the page, pruned by `all` and restored: exactly what the backup names is not there again."""
    base = page.TEMPLATE if case in OF_TEMPLATES else page.PLAIN
    stored = page.made(base)
    case.put(stored)
    rig.emulator.set_state(None, [stored])
    folder, before = pruned(rig, stored["name"], Prune.ALL)
    lost = supply(rig, folder, credentials(before))
    assert case.path in lost
    assert {"desc", "team"} <= lost
    assert [outcome.ending for outcome in restore(rig, folder)] == [Ending.DONE]
    after = rig.stored(stored["name"])
    named = {"cache_enable", "cache_dir_type"} if case.path == "advanced_settings.cache_setting" else set()
    assert not (page.differences(erased(case, before), after) - {"desc", "team"} - named)
