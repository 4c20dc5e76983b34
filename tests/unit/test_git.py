"""The state of a project as a commit: exact, repeatable, and nobody's work is touched."""

import subprocess
from pathlib import Path

import pytest

from keystage.adapters import git
from keystage.core.errors import ProjectError

READ = ["conf", "*.dvc"]


def _call(root: Path, *command: str) -> str:
    done = subprocess.run(["git", *command], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _repository(root: Path) -> Path:
    root.mkdir()
    _call(root, "init", "--quiet")
    _call(root, "config", "user.email", "tests@example.org")
    _call(root, "config", "user.name", "tests")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = _repository(tmp_path / "a repository")
    _write(made, conf__a="1", code="1", elsewhere__note="1")
    (made / ".gitignore").write_text("secret\n", encoding="utf-8")
    _call(made, "add", "--all")
    _call(made, "commit", "--quiet", "--message", "start")
    return made


def _files(root: Path, commit: str) -> set[str]:
    return set(_call(root, "ls-tree", "-r", "--name-only", "--full-tree", commit).splitlines())


def test_a_folder_as_committed_is_its_commit(root: Path) -> None:
    assert git.snapshot(root, READ) == _call(root, "rev-parse", "HEAD")


def test_changed_new_and_removed_files_are_in_it_and_the_index_is_as_it_was(root: Path) -> None:
    _write(root, code="2", conf__new="1", conf__staged="1", stray="1")
    (root / "conf" / "secret").touch()
    (root / "elsewhere" / "note").unlink()
    _call(root, "add", "conf/staged")
    before = _call(root, "status", "--porcelain")

    commit = git.snapshot(root, READ)

    assert _files(root, commit) == {".gitignore", "code", "conf/a", "conf/new", "conf/staged"}
    assert _call(root, "show", f"{commit}:code") == "2"
    assert _call(root, "status", "--porcelain") == before
    assert git.parent_of(root, commit) == _call(root, "rev-parse", "HEAD")


def test_equal_states_are_one_commit_whoever_looks_and_another_state_is_another(root: Path) -> None:
    _write(root, code="2")
    first = git.snapshot(root, READ)
    _call(root, "config", "user.name", "someone else")
    (root / "code").touch()
    second = git.snapshot(root, READ)
    _write(root, code="3")

    assert first == second
    assert git.snapshot(root, READ) != first


def test_of_a_repository_with_more_in_it_the_project_alone_counts(root: Path) -> None:
    _write(root, code="2")
    project = root / "elsewhere"
    _write(project, note="2", conf__b="1", conf__é="1")

    commit = git.snapshot(project, READ)

    assert _files(root, commit) - _files(root, "HEAD") == {"elsewhere/conf/b", '"elsewhere/conf/\\303\\251"'}
    assert _call(root, "show", f"{commit}:code") == "1"
    assert _call(root, "show", f"{commit}:elsewhere/note") == "2"


def test_a_repository_without_a_commit_has_a_state_too(tmp_path: Path) -> None:
    root = _repository(tmp_path / "new")
    _write(root, conf__a="1", stray="1")

    assert _files(root, git.snapshot(root, READ)) == {"conf/a"}


def test_a_kept_state_outlives_gits_clean_up_and_reaches_another_repository(root: Path, tmp_path: Path) -> None:
    copy = _repository(tmp_path / "copy")
    _call(copy, "pull", "--quiet", str(root), "HEAD")
    _write(copy, code="2")
    kept = git.snapshot(copy, READ)
    _write(copy, code="3")
    lost = git.snapshot(copy, READ)

    git.keep(copy, kept, root)
    git.keep(copy, kept, root)
    for place in (root, copy):
        _call(place, "gc", "--quiet", "--prune=now")

    assert git.has(root, kept)
    assert git.has(copy, kept)
    assert not git.has(copy, lost)


def test_a_worktree_comes_and_goes_without_a_trace(root: Path, tmp_path: Path) -> None:
    _write(root, elsewhere__note="2")
    commit = git.snapshot(root / "elsewhere", READ)
    place = tmp_path / "beside"

    for _ in range(2):  # the second time over what the first has left
        inside = git.add_worktree(root / "elsewhere", place, commit)
        assert (inside / "note").read_text(encoding="utf-8") == "2"
        (inside / "new").touch()
        git.remove_worktree(root, place)

    assert not place.exists()
    assert len(_call(root, "worktree", "list").splitlines()) == 1


def test_what_git_refuses_is_said_in_its_words(root: Path) -> None:
    with pytest.raises(ProjectError, match="git worktree failed") as raised:
        git.add_worktree(root, root / "new", "0" * 40)

    assert "invalid reference" in raised.value.why
