"""Flag beats environment beats file beats default, and what makes no sense is said without a secret."""

from pathlib import Path

import pytest

from reconciler.config import Flags, resolve
from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.model.ignore import Ignore
from reconciler.model.policy import Policy, Prune
from reconciler.model.secret import Secret
from reconciler.model.settings import Settings

FILE = """\
server: https://file.example.com/
projects: [demo, shop]
tree: ours
ledger: state/ledger.db
env: ["CI_*"]
token_file: token
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A configured tree with a folder and a file below."""
    (tmp_path / "reconciler.yaml").write_text(FILE)
    (tmp_path / "token").write_text("file-token\n")
    (tmp_path / "builds").mkdir()
    (tmp_path / "builds" / "a.yaml").write_text("")
    return tmp_path


def settings(
    tree: Path, flags: Flags | None = None, environ: dict[str, str] | None = None, path: str | None = None
) -> Settings:
    return resolve(path, flags or Flags(), environ or {}, str(tree))


def test_the_file_says_it_all(tree):
    found = settings(tree)
    assert (found.root, found.path, found.configured) == (str(tree), str(tree), True)
    assert (found.server, found.projects, found.tree) == ("https://file.example.com", ("demo", "shop"), "ours")
    assert (found.ledger, found.env, found.token) == (str(tree / "state/ledger.db"), ("CI_*",), Secret("file-token"))
    expected = ("server", "projects", "tree", "ledger", "env", "token")
    assert {key: found.sources[key] for key in expected} == dict.fromkeys(expected, "file")
    assert (found.sources["concurrency"], found.sources["timeout"]) == ("default", "default")


def test_without_a_file_the_root_is_the_folder_of_path(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "a.yaml").write_text("")
    found = settings(tmp_path, path="x/a.yaml")
    assert (found.root, found.path, found.configured) == (str(tmp_path / "x"), str(tmp_path / "x" / "a.yaml"), False)
    assert (found.server, found.projects, found.token, found.tree) == ("", (), None, "x")
    assert found.ledger == str(tmp_path / "x" / ".reconciler" / "ledger.db")
    assert set(found.sources.values()) == {"default"}


def test_the_nearest_file_upwards_makes_the_root(tree):
    for path in ("builds", "builds/a.yaml", "./builds/../builds/a.yaml", "builds/missing.yaml"):
        found = settings(tree, path=path)
        assert found.root == str(tree)
        assert found.path.startswith(str(tree / "builds"))
        assert ".." not in found.path
    (tree / "builds" / "reconciler.yml").write_text("")
    assert settings(tree, path="builds/a.yaml").root == str(tree / "builds")


def test_the_environment_beats_the_file(tree):
    environ = {"ZADIG_SERVER": "http://env:8080", "ZADIG_TOKEN": " env-token \n", "RECONCILER_LEDGER": "l.db"}
    found = settings(tree, environ=environ)
    assert (found.server, found.token, found.ledger) == ("http://env:8080", Secret("env-token"), str(tree / "l.db"))
    assert {found.sources[key] for key in ("server", "token", "ledger")} == {"environment"}


def test_empty_variables_count_as_unset(tree):
    found = settings(tree, environ={"ZADIG_SERVER": "", "ZADIG_TOKEN": " ", "RECONCILER_LEDGER": ""})
    assert (found.server, found.token) == ("https://file.example.com", Secret("file-token"))


def test_flags_beat_everything(tree):
    (tree / "other").write_text("flag-token")
    flags = Flags("http://flag", ("shop",), "https://state.example.com/x", 3, 1.5, "other")
    found = settings(tree, flags, {"ZADIG_SERVER": "http://env", "ZADIG_TOKEN": "env", "RECONCILER_LEDGER": "l"})
    assert (found.server, found.selected, found.ledger) == ("http://flag", ("shop",), "https://state.example.com/x")
    assert (found.concurrency, found.timeout, found.token) == (3, 1.5, Secret("flag-token"))
    assert {found.sources[key] for key in ("server", "ledger", "concurrency", "timeout", "token")} == {"flag"}


def test_relative_ledgers_belong_to_who_names_them(tree):
    found = resolve("..", Flags(ledger="here.db"), {}, str(tree / "builds"))
    assert found.ledger == str(tree / "builds" / "here.db")
    assert resolve("..", Flags(), {}, str(tree / "builds")).ledger == str(tree / "state" / "ledger.db")


@pytest.mark.parametrize(
    "server",
    ["zadig.example.com", "ftp://x", "https://", "https://u:canary@x", "https://x/path", "https://x?q=1", "https://x#f",
     "https://x:0", "https://x:99999", "https://x:port", "https://a b", "https://[::1", "", "https://x:"],
)  # fmt: skip
def test_a_server_that_is_none_is_wrong_usage(server, tree):
    with pytest.raises(UsageError) as caught:
        settings(tree, Flags(server=server))
    assert caught.value.message.startswith("--server: the address ")
    assert "canary" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("server", ["https://x", "http://10.0.0.1:8080/", "https://[::1]:80", "HTTPS://Zadig.Example"])
def test_a_server_is_a_scheme_a_host_and_a_port(server, tree):
    assert settings(tree, Flags(server=server)).server == server.rstrip("/")


def test_the_variable_is_named_where_it_is_wrong(tree):
    with pytest.raises(UsageError, match=r"^ZADIG_SERVER: "):
        settings(tree, environ={"ZADIG_SERVER": "x"})


@pytest.mark.parametrize("token", ["two canary", "canary\nX-Evil: 1", "canary\x00", "canaryé", "canary\u200b"])
def test_a_token_that_is_none_is_not_printed(token, tree):
    with pytest.raises(UsageError) as caught:
        settings(tree, environ={"ZADIG_TOKEN": token})
    assert "ZADIG_TOKEN" in caught.value.message
    assert "canary" not in caught.value.message + caught.value.hint


def test_the_token_s_file(tree, tmp_path_factory):
    with pytest.raises(UsageError, match="nowhere cannot be read"):
        settings(tree, Flags(token_file="nowhere"))
    (tree / "token").write_text("\n")
    assert settings(tree).token is None
    (tree / "token").unlink()
    assert settings(tree).token is None
    (tree / "token").mkdir()
    with pytest.raises(UsageError, match="token cannot be read: is a directory"):
        settings(tree)


def test_a_selected_project_must_be_one_of_the_tree_s(tree):
    with pytest.raises(UsageError, match="--project other: this tree is about demo, shop"):
        settings(tree, Flags(projects=("other",)))
    with pytest.raises(UsageError, match="--project needs"):
        settings(tree, Flags(projects=("",)))
    assert settings(tree, Flags(projects=("demo", "demo"))).selected == ("demo",)


def test_null_in_the_file_is_as_if_it_were_not_there(tmp_path):
    (tmp_path / "reconciler.yaml").write_text("server:\nprojects: null\ntree: ~\n")
    found = settings(tmp_path)
    assert (found.configured, found.server, found.projects, found.tree) == (True, "", (), tmp_path.name)


def test_a_broken_configuration_is_told_like_a_broken_definition(tmp_path):
    (tmp_path / "reconciler.yaml").write_bytes(b"server: \xff\n")
    with pytest.raises(InvalidDefinitions) as caught:
        settings(tmp_path)
    assert [str(problem.place) for problem in caught.value.problems] == ["reconciler.yaml:1:9"]


LIMITS = """\
prune: owned
max_deletes: 3
max_delete_percent: 25
concurrency: 4
timeout: 12
deep_read: off
backup: ../backups
ignore:
  - {path: advanced_settings.timeout, reason: tuned by hand}
"""
LIMIT_NAMES = (
    "prune", "max_deletes", "max_delete_percent", "concurrency", "timeout", "deep_read", "backup", "ignore",
)  # fmt: skip


def test_the_file_limits_what_a_run_may_do(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "reconciler.yaml").write_text(LIMITS)
    found = settings(tmp_path / "tree")
    assert found.policy == Policy(Prune.OWNED, 3, 25)
    assert (found.concurrency, found.timeout, found.deep_read) == (4, 12.0, False)
    assert found.backup_dir == str(tmp_path / "backups")
    assert found.ignore == (Ignore("advanced_settings.timeout", "tuned by hand"),)
    assert {found.sources[name] for name in LIMIT_NAMES} == {"file"}


def test_flags_beat_the_file_s_limits(tmp_path):
    (tmp_path / "reconciler.yaml").write_text(LIMITS)
    flags = Flags(
        concurrency=2, timeout=0.5, prune="all", max_deletes=0, max_delete_percent=0, deep_read="auto",
        backup_dir=".mine", allow_moves=True, break_workflows=True, assert_all=True,
    )  # fmt: skip
    found = settings(tmp_path, flags)
    assert found.policy == Policy(Prune.ALL, 0, 0, allow_moves=True, break_workflows=True, assert_all=True)
    assert (found.concurrency, found.timeout, found.deep_read) == (2, 0.5, True)
    assert found.backup_dir == str(tmp_path / ".mine")
    names = {*LIMIT_NAMES, "allow_moves", "break_workflows", "assert"} - {"ignore"}
    assert {found.sources[name] for name in names} == {"flag"}


def test_nothing_said_is_the_safe_default(tmp_path):
    found = settings(tmp_path)
    assert found.policy == Policy(Prune.OFF, 10, 10)
    assert (found.concurrency, found.timeout, found.deep_read, found.backup_dir) == (8, 30.0, True, "")


@pytest.mark.parametrize("folder", ["backups", ".", "a/b", "../tree/x"])
def test_backups_do_not_become_definitions(tmp_path, folder):
    """A backup holds a definition: in the tree it would be read as one."""
    (tmp_path / "tree").mkdir()
    with pytest.raises(UsageError, match="--backup-dir: backups in this folder would be read as definitions"):
        settings(tmp_path / "tree", Flags(backup_dir=folder))


@pytest.mark.parametrize("folder", [".backups", ".reconciler/b", "a/.b/c", "../other", "../tree-backups", "/var/b"])
def test_backups_may_lie_where_no_definition_is_read(tmp_path, folder):
    (tmp_path / "tree").mkdir()
    assert settings(tmp_path / "tree", Flags(backup_dir=folder)).backup_dir.startswith("/")
