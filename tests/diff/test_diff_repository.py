"""Where the two sides come from: revisions, the working tree, and what a repository can be like."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.model.errors import InvalidDefinitions, UsageError
from reconciler.workflow.diff import Asked, find_diff
from tests.diff.history import ENVIRON, History
from tests.rig import plain


def test_a_revision_is_whatever_git_takes_for_a_commit(history: History):
    """A branch, a tag, an annotated tag, a hash and its beginning, what is relative to it."""
    first = history.commit({"a.json": plain("a")})
    history.git("tag", "light")
    history.git("tag", "-a", "-m", "x", "heavy")
    history.git("branch", "old")
    history.commit({"b.json": plain("b")})
    for name in (first, first[:7], "light", "heavy", "old", "HEAD~1", "main^", "main@{0}~1", "@~"):
        assert history.told(name, "main") == [("added", "b")]
        assert history.told("main", name) == [("removed", "b")]


def test_one_revision_is_compared_with_the_working_tree(history: History):
    """As it is now, tracked or not, as a plan would read it."""
    history.commit({"a.json": plain("a"), "c.json": plain("c")})
    history.write({"a.json": plain("a", build_script="x\n"), "untracked.json": plain("u"), "c.json": None})
    assert history.told("HEAD") == [("changed", "a"), ("removed", "c"), ("added", "u")]
    assert history.diff("HEAD").new == "working tree"
    assert history.told("HEAD", "HEAD") == []


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file below a folder, the index among them, with its time."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_nothing_in_the_repository_is_touched(history: History):
    """Neither files nor the index, also where the index would like to be refreshed."""
    history.commit({"a.json": plain("a")})
    history.commit({"a.json": plain("a", build_script="x\n")})
    os.utime(history.tree / "a.json", (1, 1))
    history.write({"staged.json": plain("s")})
    history.git("add", "staged.json")
    before = snapshot(history.top)
    assert history.told("HEAD~1", "HEAD") == [("changed", "a")]
    assert history.told("HEAD~1") == [("changed", "a"), ("added", "s")]
    assert snapshot(history.top) == before
    history.git("commit", "-qm", "x")
    assert snapshot(history.top) != before, "the control: a commit is seen"


@pytest.mark.parametrize("cwd", ["", "trees/shop", "trees/shop/builds", "elsewhere"])
def test_a_tree_below_the_root_of_the_repository(tmp_path: Path, cwd: str):
    """Its reconciler.yaml and defaults are found upwards; places are named from where somebody stands."""
    history = History(tmp_path, "trees/shop")
    (history.top / "elsewhere").mkdir()
    files = {"reconciler.yaml": "tree: shop\n", "_defaults.yaml": "project_key: yaml\n", "builds/a.json": plain("a")}
    history.commit(files)
    history.commit({"_defaults.yaml": "project_key: yaml\nadvanced_settings: {timeout: 5}\n"})
    where = history.top / cwd
    found = history.diff("HEAD~1", "HEAD", str(history.tree), cwd=where)
    assert [build.name for build in found.builds] == ["a"]
    file = history.tree / "builds" / "a.json"
    assert found.builds[0].place.file == (os.path.relpath(file, where) if where in file.parents else str(file))
    assert history.told("HEAD~1", "HEAD", os.path.relpath(history.tree, where), cwd=where) == [("changed", "a")]


def test_a_tree_that_one_side_does_not_have_yet(tmp_path: Path):
    """All of it is added then, and removed the other way round."""
    history = History(tmp_path, "later")
    history.git("commit", "-q", "--allow-empty", "-m", "empty")
    history.commit({"a.json": plain("a")})
    assert history.told("HEAD~1", "HEAD") == [("added", "a")]
    assert history.told("HEAD", "HEAD~1") == [("removed", "a")]


def test_a_path_that_is_gone_from_the_disk(history: History):
    """It is looked for in the revisions, from the nearest folder that is there."""
    history.commit({"gone/deep/a.json": plain("a"), "b.json": plain("b")})
    history.commit({"gone/deep/a.json": None})
    for path in (history.tree / "gone" / "deep", history.tree / "gone"):
        if path.exists():
            path.rmdir()
    for path in ("gone", "gone/deep", "gone/deep/a.json"):
        assert history.told("HEAD~1", "HEAD", path) == [("removed", "a")]
    with pytest.raises(UsageError, match="nowhere is neither in HEAD~1"):
        history.diff("HEAD~1", "HEAD", "nowhere")


def test_a_second_word_is_a_revision_or_a_path(history: History):
    """As it is for Git; a word that is both is refused, with the way out."""
    history.commit({"a.json": plain("a"), "part/b.json": plain("b")})
    history.write({"a.json": plain("a", build_script="x\n"), "part/b.json": plain("b", build_script="x\n")})
    assert history.told("HEAD", "part") == [("changed", "b")]
    history.git("branch", "part")
    with pytest.raises(UsageError, match="is a revision and a path") as caught:
        history.diff("HEAD", "part")
    assert "./part" in caught.value.hint
    assert history.told("HEAD", "./part") == [("changed", "b")]
    assert history.told("HEAD", "part", "part") == []


def test_an_unknown_revision_suggests_what_was_meant(history: History):
    """Also the branch of another repository, and what keeps two revisions apart."""
    commit = history.commit({"a.json": plain("a")})
    history.git("branch", "feature/login")
    history.git("update-ref", "refs/remotes/origin/release", commit)
    hints = {}
    for name in ("feature/logn", "release", "main..HEAD", "no-such", "-x", "", "main:a.json"):
        with pytest.raises(UsageError, match=r"is no (revision|commit)") as caught:
            history.diff(name, "main")
        hints[name] = caught.value.hint
    assert 'did you mean "feature/login"?' in hints["feature/logn"]
    assert 'did you mean "origin/release"?' in hints["release"]
    assert "two words" in hints["main..HEAD"]
    assert "git fetch origin no-such" in hints["no-such"]


def test_a_shallow_clone_says_how_to_fetch_the_rest(history: History, tmp_path: Path):
    history.commit({"a.json": plain("a")})
    history.commit({"b.json": plain("b")})
    clone = tmp_path / "clone"
    history.git("clone", "-q", "--depth", "1", f"file://{history.top}", str(clone))
    with pytest.raises(UsageError, match="HEAD~1") as caught:
        history.diff("HEAD~1", "HEAD", cwd=clone)
    assert "git fetch --unshallow" in caught.value.hint
    assert history.told("HEAD", cwd=clone) == []


def test_a_bare_repository_has_revisions_and_no_working_tree(history: History, tmp_path: Path):
    history.commit({"reconciler.yaml": "tree: x\n", "part/a.json": plain("a")})
    history.commit({"part/a.json": plain("a", build_script="x\n")})
    bare = tmp_path / "bare.git"
    history.git("clone", "-q", "--bare", str(history.top), str(bare))
    assert history.told("HEAD~1", "HEAD", cwd=bare) == [("changed", "a")]
    found = history.diff("HEAD~1", "HEAD", "part", cwd=bare)
    assert [(build.name, build.place.file) for build in found.builds] == [("a", "part/a.json")]
    with pytest.raises(UsageError, match="no working tree"):
        history.diff("HEAD", cwd=bare)


def test_a_tree_is_found_through_a_link_to_it(history: History, tmp_path: Path):
    """Git names folders without links; somebody may stand in one that is named by a link."""
    history.commit({"part/a.json": plain("a")})
    history.commit({"part/a.json": plain("a", build_script="x\n")})
    (tmp_path / "link").symlink_to(history.top)
    for cwd, words in ((tmp_path / "link", ()), (tmp_path / "link", ("part",)), (tmp_path, (str(tmp_path / "link"),))):
        assert history.told("HEAD~1", "HEAD", *words, cwd=cwd) == [("changed", "a")]


def test_no_definition_at_all_is_wrong_usage(history: History):
    """A path that was mistyped must not look like a tree that does not differ."""
    history.commit({"folder/readme.txt": "x"})
    for words in ((), ("HEAD",), ("HEAD", "folder")):
        with pytest.raises(UsageError, match="no definition on either side"):
            history.diff("HEAD", *words)


def test_where_there_is_no_repository_git_says_so(tmp_path: Path):
    history = History(tmp_path)
    with pytest.raises(UsageError, match="no Git repository here: not a git repository"):
        history.diff("HEAD", cwd=tmp_path)


def test_a_hook_and_a_linked_working_tree_are_like_any_other(history: History, tmp_path: Path):
    """What Git tells its hooks of where it is does not lead elsewhere."""
    history.commit({"part/a.json": plain("a")})
    history.commit({"part/a.json": plain("a", build_script="x\n")})
    history.git("worktree", "add", "-q", str(tmp_path / "linked"), "HEAD~1")
    assert history.told("main", cwd=tmp_path / "linked") == [("changed", "a")]
    hooked = {**ENVIRON, "GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_PREFIX": "part/"}
    for words in (("HEAD",), ("HEAD", "part")):
        found = find_diff(Asked("HEAD~1", words), hooked, str(history.tree))
        assert [build.name for build in found.builds] == ["a"]


def test_odd_names_of_files_are_read_as_they_are(history: History):
    """Blanks, line breaks, quotes, other scripts, bytes that are no UTF-8."""
    names = ["a b.json", 'q"uote.json', "new\nline.json", "构建.json", "tab\t.json", os.fsdecode(b"latin-\xe9.json")]
    history.commit({name: plain(f"n{number}") for number, name in enumerate(names)})
    assert history.told("HEAD") == []
    history.commit({name: plain(f"n{number}", build_script="x\n") for number, name in enumerate(names)})
    found = history.diff("HEAD~1", "HEAD").builds
    assert [build.place.file for build in found] == names


def test_links_are_followed_inside_of_a_revision(history: History):
    """To files and folders, over several, as on the disk; what two lead to counts once."""
    history.commit({"real/a.json": plain("a", build_script={"from_file": "../scripts/now.sh"}), "v1.sh": "one\n"})
    history.write({"real/c.json": plain("c")})
    (history.tree / "scripts").mkdir()
    (history.tree / "scripts" / "now.sh").symlink_to("../v1.sh")
    (history.tree / "again").symlink_to("real")
    (history.tree / "b.json").symlink_to("again/c.json")
    history.git("add", "-A")
    history.commit()
    assert history.told("HEAD") == []
    history.commit({"v1.sh": "two\n"})
    assert history.told("HEAD~1", "HEAD") == [("changed", "a")]


@pytest.mark.parametrize(
    ("target", "message"),
    [("../../etc/passwd", "out of the tree"), ("loop.json", "nowhere"), ("/etc/passwd", "out of the tree")],
)
def test_links_that_lead_out_or_in_a_circle_are_problems(history: History, target: str, message: str):
    """In a revision as on the disk; nothing outside is read."""
    history.commit({"a.json": plain("a")})
    (history.tree / "loop.json").symlink_to(target)
    history.commit()
    with pytest.raises(InvalidDefinitions) as caught:
        history.diff("HEAD", "HEAD~1")
    (problem,) = caught.value.problems
    assert problem.place.file == "HEAD:loop.json"
    assert message in problem.message


def test_a_submodule_is_left_out_on_both_sides_and_that_is_said(history: History, tmp_path: Path):
    """Its builds are another repository's, also those that stand in the working tree."""
    other = History(tmp_path / "other")
    other.commit({"theirs.json": plain("theirs")})
    history.commit({"a.json": plain("a")})
    history.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.top), "vendor")
    history.commit({"b.json": plain("b")})
    assert (history.tree / "vendor" / "theirs.json").exists()
    found = history.diff("HEAD~1")
    assert [(build.fate.value, build.name) for build in found.builds] == [("added", "b")]
    assert history.diff("HEAD").notices == ("the submodule vendor is left out: it is a repository of its own",)
    history.commit({"a.json": plain("a", build_script={"from_file": "vendor/theirs.json"})})
    with pytest.raises(InvalidDefinitions, match="1 problem") as caught:
        history.diff("HEAD")
    assert "in a submodule" in caught.value.problems[0].message


def test_what_cannot_be_read_of_a_revision_is_a_problem_with_its_place(history: History):
    """A pointer of Git LFS, bytes that are no text, a file that is too large."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"
    history.commit({"ok.json": plain("ok")})
    script = {"from_file": "lfs.sh"}
    history.write({"lfs.yaml": pointer, "lfs.sh": pointer, "s.json": plain("s", build_script=script)})
    history.write({"latin.yaml": b"name: \xe9\n", "huge.yaml": b"#" * (8 * 1024 * 1024 + 1)})
    history.commit()
    with pytest.raises(InvalidDefinitions) as caught:
        history.diff("HEAD~1", "HEAD")
    told = {problem.place.file: (problem.message, problem.hint) for problem in caught.value.problems}
    assert set(told) == {f"HEAD:{name}" for name in ("lfs.yaml", "s.json", "latin.yaml", "huge.yaml")}
    assert "pointer of Git LFS" in told["HEAD:lfs.yaml"][0]
    assert "out of Git LFS" in told["HEAD:s.json"][1]
    assert "not UTF-8" in told["HEAD:latin.yaml"][0]
    assert "too many" in told["HEAD:huge.yaml"][0]
    assert history.told("HEAD~1", "HEAD~1") == []


def test_the_problems_of_both_sides_are_told_at_once(history: History):
    """Each with its revision in front, as Git writes it; those of the working tree without."""
    history.commit({"a.yaml": "name: a\ntiemout: 1\n"})
    history.write({"a.yaml": "name: [\n"})
    with pytest.raises(InvalidDefinitions) as caught:
        history.diff("main")
    assert {problem.place.file for problem in caught.value.problems} == {"main:a.yaml", "a.yaml"}
    with pytest.raises(InvalidDefinitions) as caught:
        history.diff("main", "HEAD")
    assert {problem.place.file for problem in caught.value.problems} == {"main:a.yaml", "HEAD:a.yaml"}


def test_line_ends_that_git_changes_are_told_for_what_they_are(history: History):
    """What is stored counts: a working tree with other line ends differs, and the report says in what."""
    history.commit({".gitattributes": "*.sh eol=crlf\n", "s.sh": "a\nb\n", "x": "x"})
    history.commit({"a.json": plain("a", build_script={"from_file": "s.sh"})})
    (history.tree / "s.sh").unlink()
    history.git("checkout", "-q", "--", "s.sh")
    assert (history.tree / "s.sh").read_bytes() == b"a\r\nb\r\n"
    (build,) = history.diff("HEAD").builds
    assert build.notes == ("build_script differs in its line ends alone (.gitattributes may have Git change them)",)
    assert history.told("HEAD", "HEAD~0") == []


def test_a_partial_clone_fetches_nothing(history: History, tmp_path: Path):
    """What it lacks is told as a problem, and is still lacking afterwards."""
    history.commit({"a.json": plain("a")})
    history.commit({"a.json": plain("a", build_script="x\n")})
    history.git("config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    history.git("clone", "-q", "--filter=blob:none", f"file://{history.top}", str(clone))
    with pytest.raises(InvalidDefinitions) as caught:
        history.diff("HEAD~1", "HEAD", cwd=clone)
    assert [(p.place.file, p.message) for p in caught.value.problems] == [
        ("HEAD~1:a.json", "its contents are not in this clone")
    ]
    history.git("cat-file", "-e", "HEAD~1:a.json", at=clone)
    assert history.told("HEAD~1", "HEAD", cwd=clone) == [("changed", "a")], "the control: Git itself fetches it"
