"""The doctor, in health and in every illness it knows: a line, a mend, never a traceback."""

import json
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Project

pytestmark = pytest.mark.slow

CHECKS = ["project", "python", "packages", "dvc", "params", "git", "locks"]
CHECKS += ["cache", "remote", "tracking", "cores", "memory", "disk"]


def _findings(project: Project, *options: str, **variables: str) -> tuple[int, dict[str, Any]]:
    done = project.call("keystage", "doctor", "--json", *options, ok=False, **variables)
    assert "Traceback" not in done.stdout
    return done.returncode, {item["check"]: item for item in json.loads(done.stdout[done.stdout.index("[\n") :])}


def test_a_healthy_project_is_called_so(finished: Project) -> None:
    code, found = _findings(finished)

    assert code == 0
    assert list(found) == CHECKS
    assert {item["status"] for item in found.values()} == {"ok"}
    assert not any(item["mend"] for item in found.values())


def _appended(name: str, text: str) -> Callable[[Project], object]:
    return lambda project: project.append(name, text)


def _written(name: str, text: str) -> Callable[[Project], object]:
    return lambda project: (project.root / name).write_text(text, encoding="utf-8")


def _called(*command: str) -> Callable[[Project], object]:
    return lambda project: project.call(*command)


def _removed(name: str) -> Callable[[Project], object]:
    return lambda project: shutil.rmtree(project.root / name)


def _store(*statements: str) -> Callable[[Project], object]:
    def make(project: Project) -> None:
        with closing(sqlite3.connect(project.root / "mlflow.db")) as store:
            for statement in statements:
                store.execute(statement)

    return make


ILLNESSES: dict[str, tuple[Callable[[Project], object], str, str, str, str]] = {
    "dvc.yaml": (_appended("dvc.yaml", ": [\n"), "project", "fails", "unable to read: 'dvc.yaml'", "git diff dvc.yaml"),
    "dvc.lock": (_appended("dvc.lock", ": [\n"), "project", "fails", "unable to read: 'dvc.lock'", "rm dvc.lock"),
    "no .dvc": (_removed(".dvc"), "project", "fails", "lacks .dvc/config", "git restore .dvc/config"),
    "DVC's settings": (_written(".dvc/config", "[["), "dvc", "fails", "cannot be read", "git restore .dvc/config"),
    "Hydra off": (
        _called("dvc", "config", "hydra.enabled", "false"), "dvc", "fails", "hydra.enabled is False",
        "dvc config hydra.enabled true",
    ),
    "conf/": (_appended("conf/config.yaml", ": [\n"), "params", "fails", "conf/config.yaml", "the file in conf/"),
    "stale": (_appended("params.yaml", "more: 1\n"), "params", "fails", "more is 1 in params.yaml", "keystage compose"),
    "params.yaml": (_written("params.yaml", ": ["), "params", "fails", "cannot be read", "keystage compose"),
    "no git": (_removed(".git"), "git", "fails", "in no git repository", "git init"),
    "no commit": (
        _called("git", "update-ref", "-d", "HEAD"), "git", "fails", "there is no commit", "git commit",
    ),
    "git's lock": (_written(".git/index.lock", ""), "git", "warning", "index.lock", "rm "),
    "a killed command": (
        _written(".dvc/tmp/rwlock", '{"read": {"x": [{"pid": 99999999, "cmd": "dvc"}]}, "write": {}}'),
        "locks", "warning", "process 99999999 was killed", "rm .dvc/tmp/rwlock",
    ),
    "a lock cut off": (_written(".dvc/tmp/rwlock", '{"re'), "locks", "warning", "was cut off", "rm .dvc/tmp/rwlock"),
    "the lock of packages": (
        _written("requirements/runtime.txt", "zipp==0.0.1\n"), "packages", "fails", "zipp", "make env",
    ),
    "a remote that is gone": (
        _called("dvc", "remote", "add", "--default", "far", "/nowhere/at/all"),
        "remote", "warning", "/nowhere/at/all is not there yet", "keystage push",
    ),
    "a remote that is down": (
        _called("dvc", "remote", "add", "--default", "far", "http://127.0.0.1:9/"),
        "remote", "fails", "remote 'far' does not answer", "dvc remote modify far url",
    ),
    "a remote without its plugin": (
        _called("dvc", "remote", "add", "--default", "far", "oss://bucket"),
        "remote", "fails", "wants a plugin", "pip install dvc-oss",
    ),
    "a server that is down": (
        _called("keystage", "compose", "tracking=server", "tracking.uri=http://127.0.0.1:9"),
        "tracking", "fails", "does not answer", "keystage run tracking=local",
    ),
    "a store whose making was killed": (
        _store("CREATE TABLE experiments (a)"), "tracking", "fails", "its making was cut off", "mv ",
    ),
    "an old store": (
        _store("CREATE TABLE alembic_version (version_num)", "INSERT INTO alembic_version VALUES ('old')", "COMMIT"),
        "tracking", "fails", "has tables of version old", "mlflow db upgrade",
    ),
    "more cores than there are": (
        _called("keystage", "compose", "compute.train.cores=4096"),
        "cores", "warning", "train 4096", "compute@compute.train=all_cores",
    ),
}  # fmt: skip


# Those that do not hide each other share a project.
TOGETHER = [
    ["more cores than there are", "Hydra off", "git's lock", "a killed command", "a remote that is gone"],
    ["a server that is down", "a remote without its plugin"],
    ["an old store"],
    ["dvc.yaml", "stale", "a lock cut off", "a remote that is down", "a store whose making was killed"],
    ["dvc.lock", "params.yaml", "no commit", "the lock of packages"],
    ["no .dvc", "conf/"],
    ["DVC's settings"],
    ["no git"],
]


@pytest.mark.parametrize("names", TOGETHER, ids=", ".join)
def test_every_illness_is_seen_and_its_mend_is_named(project: Project, names: list[str]) -> None:
    for name in names:
        ILLNESSES[name][0](project)

    code, found = _findings(project, GIT_CEILING_DIRECTORIES=str(project.root.parent))

    assert code == 1
    assert list(found) == CHECKS, "each check is made, whatever the others found"
    for _, check, status, seen, mend in (ILLNESSES[name] for name in names):
        assert found[check]["status"] == status
        assert seen in found[check]["seen"]
        assert mend in found[check]["mend"]
    assert all(bool(item["mend"]) == (item["status"] != "ok") for item in found.values())


def test_no_illness_is_left_untested() -> None:
    assert sorted(name for names in TOGETHER for name in names) == sorted(ILLNESSES)


def test_a_project_that_was_moved_keeps_its_models_by_the_mend(finished: Project, tmp_path: Path) -> None:
    shutil.copytree(finished.root, tmp_path / "first home")
    moved = Project(tmp_path / "second home")
    with closing(sqlite3.connect(tmp_path / "first home" / "mlflow.db")) as store:
        for table, column in (("runs", "artifact_uri"), ("model_versions", "storage_location")):
            old, new = str(finished.root), str(tmp_path / "first home")
            store.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (old, new))  # noqa: S608
        store.commit()
    (tmp_path / "first home").rename(moved.root)

    code, found = _findings(moved)

    assert code == 1
    assert "the project was moved" in found["tracking"]["seen"]
    moved.call("sh", "-c", found["tracking"]["mend"])
    assert _findings(moved)[1]["tracking"]["status"] == "ok"


def test_outside_a_project_and_without_git_the_doctor_still_answers(tmp_path: Path) -> None:
    outside = Project(tmp_path)

    done = outside.call("keystage", "doctor", ok=False, PATH=str(Path(sys.executable).parent))

    assert done.returncode == 1
    assert done.stdout.startswith(f"fails    project   {tmp_path} is in no project")
    assert "ok       python" in done.stdout
    assert "Traceback" not in done.stdout


def test_the_deep_check_removes_what_is_damaged_and_says_what_becomes_of_it(project: Project) -> None:
    objects = {path.parent.name + path.name: path for path in project.root.glob(".dvc/cache/files/md5/??/*")}
    lock = (project.root / "dvc.lock").read_text(encoding="utf-8")
    names = {
        output: lock[lock.index(f"path: {output}\n") :].split("md5: ")[1].split("\n")[0]
        for output in ("artifacts/model.pkl", "artifacts/recipe.pkl", "reports/plots")
    }
    for name in names.values():
        objects[name].chmod(0o644)
        objects[name].write_bytes(b"x")
        objects[name].chmod(0o444)
    (project.root / "artifacts/recipe.pkl").unlink()
    run = next(project.root.glob(".dvc/cache/runs/*/*/*"))
    run.write_bytes(run.read_bytes().replace(b"size: ", b"hash: ", 1))

    code, found = _findings(project, "--deep")

    assert code == 1
    assert "4 of them damaged" in found["objects"]["seen"]
    assert "put back from artifacts/model.pkl" in found[names["artifacts/model.pkl"][:8]]["seen"]
    assert "put back from reports/plots" in found[names["reports/plots"][:8]]["seen"]
    assert "artifacts/recipe.pkl was damaged and is removed" in found[names["artifacts/recipe.pkl"][:8]]["seen"]
    assert "keystage run" in found[names["artifacts/recipe.pkl"][:8]]["mend"]
    assert "a recorded run was damaged" in found[run.name[:8]]["seen"]
    code, found = _findings(project, "--deep")
    assert code == 0
    assert "all whole" in found["objects"]["seen"]
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "dataprep"}
