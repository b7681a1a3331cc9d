"""What cannot be checked in: files that are no files, links, sizes, and that each is answered at once."""

import os
import socket
from pathlib import Path

import pytest

from reconciler.definitions.loader import load
from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.model.settings import Settings
from reconciler.report.problems import render
from tests.definitions.hostile import GOOD, HOSTILE


def told(root: Path, path: Path | None = None) -> list[tuple[str, str]]:
    """Place and message of every problem."""
    with pytest.raises(InvalidDefinitions) as caught:
        load(Settings(str(root), str(path or root)), {}, cwd=str(root))
    assert render(caught.value.problems)
    return [(str(problem.place), problem.message) for problem in caught.value.problems]


def names(root: Path, path: Path | None = None) -> list[str]:
    return [d.build.name for d in load(Settings(str(root), str(path or root)), {}, cwd=str(root)).definitions]


def test_a_file_of_50_mb_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "big.yaml").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    assert told(tmp_path) == [("big.yaml", "52,428,800 bytes are too many for one file; 8,388,608 are allowed")]


def test_a_socket_and_a_pipe_are_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("a.yaml")
        os.mkfifo(tmp_path / "b.yaml")
        os.mkfifo(tmp_path / "_defaults.yaml")
        message = "this is not a regular file"
        assert told(tmp_path) == [("_defaults.yaml", message), ("a.yaml", message), ("b.yaml", message)]


def test_a_folder_is_walked_whatever_its_name(tmp_path):
    (tmp_path / "x.yaml").mkdir()
    (tmp_path / "x.yaml" / "a.yml").write_text(GOOD)
    assert names(tmp_path) == ["api"]


def test_links_that_cannot_be_followed_are_told_about(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.yaml").write_text(GOOD)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "file.yaml").symlink_to(outside / "x.yaml")
    (tree / "folder").symlink_to(outside)
    (tree / "self.yaml").symlink_to("self.yaml")
    (tree / "lost.yaml").symlink_to("nothing")
    nowhere = "this link leads nowhere, or to itself"
    out = "this link leads out of the tree"
    assert told(tree) == [("file.yaml", out), ("folder", out), ("lost.yaml", nowhere), ("self.yaml", nowhere)]
    assert told(tree, tree / "folder") == [("folder", out)]
    assert told(tree, tree / "file.yaml") == [("file.yaml", out)]


def test_links_inside_the_tree_are_followed_once(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "api.yaml").write_text(GOOD)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "z.yaml").symlink_to("a/api.yaml")
    assert names(tmp_path) == ["api"]


def test_from_file_does_not_follow_a_link_out_of_the_tree(tmp_path):
    (tmp_path / "secret").write_text("canary")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "run.sh").symlink_to(tmp_path / "secret")
    (tree / "a.yaml").write_text(GOOD + "build_script: {from_file: run.sh}\n")
    assert told(tree) == [("a.yaml:6:27", "run.sh is outside of the tree")]


def test_from_file_follows_a_link_inside_the_tree(tmp_path):
    (tmp_path / "real.sh").write_text("make")
    (tmp_path / "run.sh").symlink_to("real.sh")
    (tmp_path / "a.yaml").write_text(GOOD + "build_script: {from_file: run.sh}\n")
    (definition,) = load(Settings(str(tmp_path), str(tmp_path)), {}, cwd=str(tmp_path)).definitions
    assert definition.build.values["build_script"] == "make"


def test_hidden_names_other_endings_and_other_trees_are_left_alone(tmp_path):
    (tmp_path / "api.yaml").write_text(GOOD)
    for name in (".hidden.yaml", "notes.txt", "Makefile", "api.yaml.bak"):
        (tmp_path / name).write_text("[")
    for folder in (".git", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "broken.yaml").write_text("[")
    (tmp_path / "other" / "reconciler.yaml").write_text("tree: other\n")
    assert names(tmp_path) == ["api"]


def test_a_path_that_makes_no_sense_is_wrong_usage(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "_defaults.yaml").write_text("build_os: x\n")
    for name, message in (
        ("nothing", "nothing does not exist"),
        ("notes.txt", "notes.txt is no definition file"),
        ("_defaults.yaml", "_defaults.yaml holds no definitions"),
    ):
        with pytest.raises(UsageError) as caught:
            load(Settings(str(tmp_path), str(tmp_path / name)), {}, cwd=str(tmp_path))
        assert caught.value.message == message
        assert caught.value.hint


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_texts_are_answered(what, tmp_path):
    """With problems or with nothing, never with a crash; how soon is measured in the benchmarks."""
    (tmp_path / "a.yaml").write_text(HOSTILE[what])
    if what in ("documents", "comments"):
        try:
            assert names(tmp_path) == []
        except InvalidDefinitions:
            assert what == "documents"
    else:
        assert told(tmp_path)


def test_a_file_without_any_document_is_fine(tmp_path):
    for number, text in enumerate(("", "\n", "# only a comment\n", "---\n", "---\n---\n# x\n", "\ufeff")):
        (tmp_path / f"{number}.yaml").write_text(text)
    (tmp_path / "empty.json").write_text(" \n\t")
    desired = load(Settings(str(tmp_path), str(tmp_path)), {}, cwd=str(tmp_path))
    assert (desired.definitions, desired.files) == ((), 7)


def test_a_file_that_may_not_be_read_is_told_about(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(GOOD)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user reads everything")
    assert told(tmp_path) == [("a.yaml", "cannot be read: permission denied")]


def test_a_path_that_leads_to_itself_is_told(tmp_path):
    """PATH may be such a link too, not only something below it."""
    (tmp_path / "self.yaml").symlink_to("self.yaml")
    with pytest.raises((InvalidDefinitions, UsageError)) as caught:
        load(Settings(str(tmp_path), str(tmp_path / "self.yaml")), {}, cwd=str(tmp_path))
    assert caught.value.exit_code in (64, 65)


def test_a_script_that_is_no_file_is_never_opened(tmp_path):
    """A pipe would keep the reader waiting for ever."""
    os.mkfifo(tmp_path / "pipe.sh")
    (tmp_path / "a.yaml").write_text(GOOD + "build_script: {from_file: pipe.sh}\n")
    assert told(tmp_path)
