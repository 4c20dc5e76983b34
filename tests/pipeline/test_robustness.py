"""Damage, kills, company, full disks: nothing wrong is reused, nothing done is lost, nothing is mended by hand."""

import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from random import SystemRandom

import psutil
import pytest
from tests.conftest import Project

from keystage.adapters.dvc_locks import no_other_command, rwlock
from keystage.core.errors import DamagedOutputError, ProjectError
from keystage.pipeline.inputs import fingerprints, require_whole

pytestmark = pytest.mark.slow

ANY = SystemRandom()
# What a run must give, byte for byte, whatever happened before. Records of when and where a stage ran are left out.
RESULTS = ("artifacts/prepared", "artifacts/raw_test.parquet", "artifacts/recipe.pkl", "artifacts/model.pkl")
RESULTS += (
    "artifacts/leaderboard.parquet",
    "artifacts/out_of_fold.parquet",
    "artifacts/predictions.parquet",
    "reports",
)


@pytest.fixture
def project(registered: Project) -> Project:
    """None of these tests looks at the registry."""
    return registered


def _digests(project: Project) -> dict[str, str]:
    paths = [path for name in RESULTS for path in (project.root / name, *(project.root / name).rglob("*"))]
    return {str(path.relative_to(project.root)): _md5(path) for path in paths if path.is_file() and path.suffix}


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _objects(project: Project) -> dict[str, Path]:
    return {path.parent.name + path.name: path for path in project.root.glob(".dvc/cache/files/md5/??/*")}


def _recorded_runs(project: Project) -> list[Path]:
    return sorted(project.root.glob(".dvc/cache/runs/*/*/*"))


def _damage(path: Path) -> None:
    """Overwrite in place and keep the mode, by which DVC takes an object for whole."""
    mode = path.stat().st_mode
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    path.chmod(mode)


def _remove_outputs(project: Project) -> None:
    for name in ("artifacts", "reports"):
        shutil.rmtree(project.root / name)


def _kill(running: "subprocess.Popen[str]") -> None:
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


# ------------------------------------------------------------------------------------------------ a cache with holes


def test_results_that_are_missing_from_the_cache_are_made_anew(project: Project) -> None:
    before, objects = _digests(project), _objects(project)
    for name in ("artifacts/predictions.parquet", "reports/plots/roc.csv"):
        objects[_md5(project.root / name)].unlink()
    shutil.rmtree(project.root / "reports/plots")

    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "evaluate"}
    assert _digests(project) == before
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf"}


def test_a_lock_that_was_cut_off_and_damaged_entries_of_the_run_cache_are_not_used(project: Project) -> None:
    before = _digests(project)
    entries = _recorded_runs(project)
    texts = [path.read_bytes() for path in entries]
    outs = [text.index(b"outs:") for text in texts]
    spoilt = [b"\xff\xfe\x00 no text", texts[1][: outs[1]], texts[2][: texts[2].index(b"- path", outs[2] + 20)], b""]
    (entries[0].parent.with_name("0" * 64)).mkdir()
    for path, content in zip(entries, spoilt, strict=True):
        path.write_bytes(content)
    (project.root / "dvc.lock").write_bytes(b"")
    _remove_outputs(project)

    done = project.call("keystage", "run")

    assert "dvc.lock was cut off. It is written anew" in done.stdout
    assert "Ran: conf, dataprep, train, evaluate, report, register" in done.stdout
    assert _digests(project) == before


# ----------------------------------------------------------------------------------------------------- damaged objects


@pytest.mark.parametrize(
    "name",
    [
        "artifacts/key/dataset.json",
        "artifacts/prepared/train.parquet",
        "artifacts/recipe.pkl",
        "artifacts/out_of_fold.parquet",
        "artifacts/predictions.parquet",
        "artifacts/records/train.json",
        "reports/data.json",
        "reports/plots/roc.csv",
    ],
)
def test_a_damaged_output_of_any_kind_is_named_and_removed_before_it_is_used(
    project: Project, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project.root / name
    output = "reports/plots" if "plots" in name else name
    whole = _objects(project)[_md5(path)]
    _damage(whole)
    path.unlink()
    project.call("dvc", "checkout", output)
    assert path.read_bytes() == whole.read_bytes(), "DVC restores the damage and takes it for whole"
    monkeypatch.chdir(project.root)

    with pytest.raises(DamagedOutputError) as raised:
        require_whole(fingerprints("register"))

    assert raised.value.what == f"{output} is not what the stages gave"
    assert not whole.exists()
    assert not (project.root / output).exists()


def test_a_run_in_which_every_object_is_damaged_mends_itself(project: Project) -> None:
    before = _digests(project)
    for path in _objects(project).values():
        _damage(path)
    _remove_outputs(project)

    done = project.call("keystage", "run")

    assert "error[damaged]: " in done.stdout
    assert "What was damaged is removed. Running once more" in done.stdout
    assert "has this very model already, as version 1" in done.stdout
    assert _digests(project) == before
    lock = (project.root / "dvc.lock").read_text(encoding="utf-8")
    assert all(_md5(path) == name.removesuffix(".dir") for name, path in _objects(project).items() if name in lock)


def test_after_bare_dvc_has_met_damage_it_can_be_called_again(project: Project) -> None:
    before = _digests(project)
    _damage(_objects(project)[_md5(project.root / "artifacts/prepared/test.parquet")])
    (project.root / "artifacts/prepared/test.parquet").unlink()
    project.append("stages/evaluate.py", "# a comment\n")

    first = project.call("dvc", "repro", "evaluate", ok=False)

    assert first.returncode != 0
    assert "error[damaged]: artifacts/prepared/test.parquet is not what the stages gave" in first.stdout
    assert "  fix: run again; what was damaged is gone, and dataprep will give it anew" in first.stdout
    assert project.stages_run("dvc", "repro", "evaluate") == {"conf", "dataprep", "evaluate"}
    assert _digests(project) == before


# ------------------------------------------------------------------------------------------------------------- kills


def test_a_run_that_is_killed_at_any_moment_is_taken_up_where_it_was(new_project: Project, finished: Project) -> None:
    moments = {
        "at the start": ("Running stage 'conf'", ANY.uniform(0, 1)),
        "in train": ("Running stage 'train'", ANY.uniform(0, 3)),
        "between train and evaluate": ("trials; roc_auc in cross-validation", ANY.uniform(0, 0.5)),
        "while the tracking store is made": ("Opening MLflow", ANY.uniform(0, 4)),
        "while the model is packed": ("Packing the model", ANY.uniform(0, 3)),
    }
    for line, seconds in moments.values():
        running = new_project.start("keystage", "run", until=line)
        time.sleep(seconds)
        _kill(running)

    done = new_project.call("keystage", "run")

    assert "Reused, nothing changed: dataprep, train, evaluate, report" in done.stdout
    assert "WARNING" not in done.stdout
    assert _digests(new_project) == _digests(finished)
    with closing(sqlite3.connect(new_project.root / "mlflow.db")) as store:
        assert store.execute("SELECT count(*) FROM runs WHERE status = 'RUNNING'").fetchall() == [(0,)]


def test_a_stage_that_the_system_kills_is_said(project: Project) -> None:
    running = project.start("keystage", "run", "seed=5", until="Running stage 'dataprep'")
    stages = [child for child in psutil.Process(running.pid).children(recursive=True) if "python" in child.name()]
    while not stages:
        stages = [child for child in psutil.Process(running.pid).children(recursive=True) if "python" in child.name()]
    stages[0].kill()

    shown, _ = running.communicate()

    assert running.returncode == 1
    assert "error[pipeline]: a stage was killed" in shown
    assert "compute@compute.train=one_core" in shown


@pytest.mark.parametrize(
    "left",
    [
        '{"read": {"x": [{"pid": 99999999, "cmd": "dvc repro"}]}, "write": {}}',
        f'{{"read": {{}}, "write": {{"x": {{"pid": {os.getpid()}, "cmd": "one that had this number before"}}}}}}',
        '{"read": {"x": [{"pi',
        "",
    ],
    ids=["of a process that is gone", "of a number that another process has now", "cut off", "empty"],
)
def test_locks_of_killed_commands_hold_nobody_up(finished: Project, left: str) -> None:
    path = rwlock(finished.root)
    path.write_text(left, encoding="utf-8")
    os.utime(path, (1, 1))

    with no_other_command(finished.root):
        pass

    assert not path.exists()


# ----------------------------------------------------------------------------------------------------------- company


def test_a_run_beside_dvc_is_refused_before_it_changes_anything(project: Project) -> None:
    project.call("keystage", "compose", "seed=21")
    before = (project.root / "params.yaml").read_bytes()
    first = project.start("dvc", "repro", "evaluate", until="Running stage 'dataprep'")

    second = project.call("keystage", "run", "seed=12", ok=False)
    third = project.call("dvc", "repro", ok=False)
    first.communicate()

    assert first.returncode == 0
    assert second.returncode == 1
    assert "error[project]: another command of DVC is at work in this folder" in second.stdout
    assert f"process {first.pid}: " in second.stdout
    assert (project.root / "params.yaml").read_bytes() == before
    assert third.returncode != 0


def test_a_held_lock_of_dvc_is_said_in_our_words(project: Project) -> None:
    with no_other_command(project.root):
        done = project.call("keystage", "run", ok=False)

        with pytest.raises(ProjectError, match="another command of DVC is at work"), no_other_command(project.root):
            pass

    assert done.returncode == 1
    assert "error[project]: another command of DVC is at work in this folder" in done.stdout


# ----------------------------------------------------------------------------------------- full and read-only disks


def _has_namespaces() -> bool:
    try:
        return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


mounts = pytest.mark.skipif(not _has_namespaces(), reason="this machine lets nobody mount in a namespace of their own")


def _in_namespace(project: Project, *lines: str) -> str:
    """Run shell lines where file systems can be mounted that end with them."""
    return project.call("unshare", "-rm", "sh", "-uc", "\n".join(lines), ok=False).stdout


@mounts
def test_after_room_is_made_on_a_full_disk_the_same_command_goes_on(project: Project) -> None:
    run = "keystage run automl.ensemble_size=1"
    shown = _in_namespace(
        project,
        "onto() { cp -a $1 $1.kept; mount -t tmpfs -o size=20m tmpfs $1; cp -a $1.kept/. $1; }",
        "fill() { head -c 100m /dev/zero > $1/filler 2>/dev/null; truncate -s -$2 $1/filler; }",
        "onto artifacts; onto .dvc/cache; rm artifacts/model.pkl",
        f"fill artifacts 0; {run}; echo ended with $?",
        f"rm artifacts/filler; fill artifacts 100K; {run}; echo ended with $?",
        f"rm artifacts/filler; fill .dvc/cache 100K; {run}; echo ended with $?",
        f"rm .dvc/cache/filler; {run}; echo ended with $?",
    )
    no_room, in_train, after_train, done = shown.split("ended with ")[:4]

    assert "error[disk]: results cannot come from the cache into the project" in no_room
    assert "error[disk]: a file cannot be written\n  why: No space left on device; " in in_train
    assert f"MB are free in {project.root}/.dvc/cache" in after_train
    for part in (no_room, in_train, after_train):
        assert "  fix: make room" in part
        assert "Traceback" not in part
        assert "Running stage 'dataprep'" not in part
    assert "Kept of the run before: artifacts/model.pkl" in done
    assert "Ran: conf, evaluate, report, register" in done
    assert "Reused from an earlier run: train" in done
    assert shown.endswith("ended with 0\n")


READ_ONLY = "mount --bind {0} {0}; mount -o remount,bind,ro {0}; cd $PWD; "


@mounts
@pytest.mark.parametrize(
    ("state", "what"),
    [
        (READ_ONLY.format(".dvc/cache") + "keystage run seed=3", "error[disk]: .dvc/cache/"),
        (READ_ONLY.format("artifacts") + "keystage run seed=3", "error[disk]: artifacts/key/"),
        (READ_ONLY.format("$PWD") + "keystage run seed=3", "error[disk]: .dvc/tmp/keystage.lock cannot be written"),
        (
            # Root reads what it likes, so it does without that capability here.
            "chmod 000 data/titanic/Titanic.csv; "
            "setpriv --bounding-set=-dac_override,-dac_read_search keystage run; chmod 644 data/titanic/Titanic.csv",
            "error[disk]: access to data/titanic/Titanic.csv is denied",
        ),
        (
            "mount -t tmpfs -o size=200k tmpfs .dvc/tmp/keystage/search; keystage run seed=3",
            "error[disk]: .dvc/tmp/keystage/search",
        ),
    ],
    ids=["read-only cache", "read-only outputs", "read-only project", "data that may not be read", "a full search"],
)
def test_what_may_not_be_written_or_read_is_said(project: Project, state: str, what: str) -> None:
    shown = _in_namespace(project, state)

    assert what in shown
    assert "  fix: " in shown
    assert "Traceback" not in shown


# -------------------------------------------------------------------------------------- what changes during a stage


def test_code_that_is_edited_while_a_stage_runs_does_not_pass_for_the_code_it_ran_with(project: Project) -> None:
    project.call("keystage", "compose", "seed=8")
    kept = _recorded_runs(project)
    running = project.start("dvc", "repro", "dataprep", until="Reading titanic")
    project.append("src/keystage/prep/recipe.py", "# a comment\n")

    shown, _ = running.communicate()

    assert running.returncode != 0
    assert "error[changed-input]: src/keystage/prep/recipe.py changed while stage 'dataprep' ran" in shown
    assert _recorded_runs(project) == kept


def test_data_that_is_replaced_while_it_is_read_does_not_pass_for_the_data_of_the_key(project: Project) -> None:
    project.call("keystage", "compose", "seed=8")
    path = project.root / "data/titanic/Titanic.csv"
    kept = _recorded_runs(project)
    running = project.start("dvc", "repro", "dataprep", until="Reading titanic")
    path.write_bytes(path.read_bytes().replace(b",7.8958,", b",77.8958,"))

    shown, _ = running.communicate()

    assert running.returncode != 0
    assert "error[changed-input]: artifacts/key/dataset.json is not of what is there now" in shown
    assert _recorded_runs(project) == kept
